// The path of a commit into the store by itself, without sockets: what it costs to hold,
// project and make durable. For profiles and for counting instructions.
//
//   tool_apply [RECORDS [CHANGES_PER_COMMIT [CHANGES_PER_TURN]]]
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/load.h"
#include "bench/machine.h"
#include "daemon/store/store.h"
#include "lib/mem.h"
#include "tests/unit/protocol_samples.h"

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

int main(int argc, char **argv)
{
    uint64_t n = argument(argc, argv, 1, 100000);
    size_t each = argument(argc, argv, 2, 256), turn = argument(argc, argv, 3, 4096);
    char dir[] = "/tmp/enlace-apply-XXXXXX";
    writer_t writer;
    fault_t fault;
    double spent = 0;
    if (crypto_start() || !mkdtemp(dir))
        return 1;
    char *path = mem_format("%s/db", dir);
    writer_open(&writer, path);
    size_t size = 0;
    for (uint64_t i = 0, in_turn = 0; i < n; i += each) {
        commit_t *commit = make(&writer, i + 1, each);
        size = commit->changes[0].body.size;
        double began = machine_now();
        assert_int_equal(store_append(writer.store, commit, 1700000000000, &fault), ERR_OK);
        if ((in_turn += each) >= turn || i + each >= n) {
            assert_int_equal(store_commit(writer.store, &fault), ERR_OK);
            in_turn = 0;
        }
        spent += machine_now() - began;
        commit_destroy(&commit);
    }
    printf("%llu records of %zu bytes, %zu a commit, %zu a turn: %.0f a second\n",
           (unsigned long long)n, size, each, turn, (double)n / spent);
    store_close(&writer.store);
    char *command = mem_format("rm -rf %s", dir);
    int status = system(command);
    mem_free(command);
    mem_free(path);
    card_destroy(&writer.card);
    roster_destroy(&writer.charter);
    secret_destroy(&writer.signing);
    return status;
}
