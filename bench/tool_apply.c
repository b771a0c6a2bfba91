// The path of a run into the store by itself, without sockets: what it costs to read,
// check, hold, project and make durable. For profiles and for counting instructions.
//
//   tool_apply [RECORDS [CHANGES_PER_COMMIT]]
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/load.h"
#include "bench/machine.h"
#include "daemon/store/store.h"
#include "lib/mem.h"
#include "tests/unit/protocol_samples.h"
#include "tests/unit/scratch.h"

typedef struct {
    store_t *store;
    roster_t *charter;
    card_t *card;
    secret_t *signing;
    feed_t feed;
    hash_t previous;
} writer_t;

static void writer_open(writer_t *writer, const char *path)
{
    pubkey_t key;
    fault_t fault;
    writer->card = sample_card("AA", 1);
    writer->charter = sample_charter(3, 2);
    writer->signing = sample_secret(101, &key);
    writer->feed = (feed_t){writer->card->origin, 1, LANE_COALITION};
    writer->previous = writer->card->hash;
    assert_int_equal(store_open(path, NULL, &writer->store, &fault), ERR_OK);
    assert_int_equal(store_add_roster(writer->store, writer->charter, &fault), ERR_OK);
    assert_int_equal(store_add_card(writer->store, writer->card, &fault), ERR_OK);
    assert_int_equal(store_commit(writer->store, &fault), ERR_OK);
}

static commit_t *make(writer_t *writer, uint64_t first, size_t count)
{
    static const uint8_t seed[32] = {1};
    draft_t *drafts = mem_alloc_array(count, sizeof *drafts);
    buf_t *bodies = mem_alloc_array(count, sizeof *bodies);
    for (size_t i = 0; i < count; i++) {
        bodies[i] = load_body("AA", first + i);
        drafts[i] = (draft_t){.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&bodies[i])};
    }
    commit_t *commit =
        commit_author(&writer->feed, first, &writer->previous, 1700000000000 + first, 1, drafts,
                      count, seed, writer->signing, &writer->charter->hash);
    writer->previous = commit->hash;
    for (size_t i = 0; i < count; i++)
        buf_free(&bodies[i]);
    mem_free(bodies);
    mem_free(drafts);
    return commit;
}

static uint64_t argument(int argc, char **argv, int place, uint64_t otherwise)
{
    return argc > place ? strtoull(argv[place], NULL, 10) : otherwise;
}

// What a follower is sent: as many commits as a run may have.
static buf_t make_run(writer_t *writer, uint64_t *next, uint64_t last, size_t each)
{
    commit_t *commits[RUN_COMMITS_MAX];
    size_t count = 0, size = 64;
    while (count < RUN_COMMITS_MAX && *next <= last && size <= RUN_BYTES_MAX - COMMIT_BYTES_MAX) {
        size_t most = last - *next + 1 < each ? last - *next + 1 : each;
        commits[count] = make(writer, *next, most);
        size += commit_encoded_size(commits[count++]);
        *next += most;
    }
    buf_t run = run_encode(&writer->feed, commits, count);
    for (size_t i = 0; i < count; i++)
        commit_destroy(&commits[i]);
    return run;
}

// What the loop does with a run: checks what it ends in, appends, makes durable.
__attribute__((noinline)) static void take_in(store_t *store, run_t *run, const pubkey_t *key,
                                              const hash_t *coalition)
{
    fault_t fault;
    assert_true(commit_signature_holds(run->commits[run->count - 1], key, coalition));
    for (size_t i = 0; i < run->count; i++)
        assert_int_equal(store_append(store, run->commits[i], 1700000000000, &fault), ERR_OK);
    assert_int_equal(store_commit(store, &fault), ERR_OK);
    run_clear(run);
}

// As a follower takes it, the part that another thread of the daemon has (run_prepare)
// and the loop's one after the other. By itself, so that a profile can be taken of
// nothing else.
__attribute__((noinline)) static void apply(store_t *store, span_t bytes, const pubkey_t *key,
                                            const hash_t *coalition)
{
    run_t run;
    fault_t fault;
    assert_int_equal(run_prepare(bytes, key, coalition, &run, &fault), ERR_OK);
    take_in(store, &run, key, coalition);
}

int main(int argc, char **argv)
{
    uint64_t n = argument(argc, argv, 1, 100000), next = 1;
    size_t each = argument(argc, argv, 2, 256);
    void *place = NULL;
    writer_t writer;
    pubkey_t key;
    double spent = 0;
    if (crypto_start() || store_start() || scratch_setup(&place))
        return 1;
    char *path = scratch_path(place, "enlace.db");
    writer_open(&writer, path);
    secret_t *same = sample_secret(101, &key);
    while (next <= n) {
        buf_t run = make_run(&writer, &next, n, each);
        double began = machine_now();
        apply(writer.store, buf_span(&run), &key, &writer.charter->hash);
        spent += machine_now() - began;
        buf_free(&run);
    }
    printf("%llu records, %zu a commit: %.0f a second\n", (unsigned long long)n, each,
           (double)n / spent);
    secret_destroy(&same);
    store_close(&writer.store);
    mem_free(path);
    card_destroy(&writer.card);
    roster_destroy(&writer.charter);
    secret_destroy(&writer.signing);
    return scratch_teardown(&place);
}
