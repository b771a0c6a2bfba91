#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "lib/commit.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// `count` commits of `changes` changes each, hash-linked.
static void chain(commit_t **commits, size_t count, size_t changes, size_t size)
{
    for (size_t i = 0; i < count; i++)
        commits[i] =
            sample_commit(i * changes + 1, i ? &commits[i - 1]->hash : NULL, changes, size);
}

static void chain_free(commit_t **commits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        commit_destroy(&commits[i]);
}

static void expect_same(const commit_t *a, const commit_t *b)
{
    assert_true(span_equal(a->header, b->header));
    assert_true(hash_equal(&a->hash, &b->hash));
    assert_true(feed_equal(&a->feed, &b->feed));
    assert_int_equal(a->first, b->first);
    assert_int_equal(a->last, b->last);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->has_signature, b->has_signature);
    if (a->has_signature)
        assert_memory_equal(a->signature.bytes, b->signature.bytes, SIGNATURE_SIZE);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->changes[i].state, b->changes[i].state);
        assert_memory_equal(a->changes[i].salt, b->changes[i].salt, SALT_SIZE);
        assert_true(span_equal(a->changes[i].body, b->changes[i].body));
    }
}

static void a_run_comes_back(void **state)
{
    (void)state;
    commit_t *commits[RUN_COMMITS_MAX];
    chain(commits, 4, 3, 50);
    commits[0]->has_signature = commits[1]->has_signature = false;
    commits[2]->changes[1].state = PAYLOAD_ERASED;
    commits[2]->changes[2].state = PAYLOAD_MISSING;
    buf_t bytes = run_encode(&commits[0]->feed, commits, 4);
    for (size_t i = 1; i < 3; i++) { // as decoding leaves them
        memset(commits[2]->changes[i].salt, 0, SALT_SIZE);
        commits[2]->changes[i].body = span_of(NULL, 0);
    }
    run_t run;
    assert_int_equal(run_decode(buf_span(&bytes), &run, NULL), ERR_OK);
    assert_int_equal(run.count, 4);
    assert_true(feed_equal(&run.feed, &commits[0]->feed));
    for (size_t i = 0; i < 4; i++)
        expect_same(run.commits[i], commits[i]);
    buf_t again = run_encode(&run.feed, run.commits, run.count);
    assert_true(span_equal(buf_span(&again), buf_span(&bytes)));
    buf_free(&again);
    buf_free(&bytes);
    run_clear(&run);
    assert_int_equal(run.count, 0);
    run_clear(&run);
    chain_free(commits, 4);
}

// What commit_encoded_size says is what each adds to the run.
static void sizes_are_told_in_advance(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 107, 108, 127, 128, 5000, 16300, 16384, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        commit_t *commits[2];
        chain(commits, 2, 2, sizes[i]);
        commits[1]->has_signature = i % 2;
        commits[1]->changes[0].state = i % 3 ? PAYLOAD_PRESENT : PAYLOAD_MISSING;
        buf_t one = run_encode(&commits[0]->feed, commits, 1);
        buf_t two = run_encode(&commits[0]->feed, commits, 2);
        assert_int_equal(two.size - one.size, commit_encoded_size(commits[1]));
        buf_free(&one);
        buf_free(&two);
        chain_free(commits, 2);
    }
}

static void the_largest_run(void **state)
{
    (void)state;
    commit_t *commits[RUN_COMMITS_MAX];
    run_t run;
    // 32 commits of 256 empty changes: the most fields and allocations that can be.
    chain(commits, RUN_COMMITS_MAX, COMMIT_CHANGES_MAX, 0);
    buf_t bytes = run_encode(&commits[0]->feed, commits, RUN_COMMITS_MAX);
    assert_true(bytes.size <= RUN_BYTES_MAX);
    assert_int_equal(run_decode(buf_span(&bytes), &run, NULL), ERR_OK);
    assert_int_equal(run.count, RUN_COMMITS_MAX);
    run_clear(&run);
    buf_free(&bytes);
    chain_free(commits, RUN_COMMITS_MAX);
    // 16 of 64,000 bytes: nearly 1 MiB.
    chain(commits, 16, 1, 64000);
    bytes = run_encode(&commits[0]->feed, commits, 16);
    assert_int_equal(run_decode(buf_span(&bytes), &run, NULL), ERR_OK);
    run_clear(&run);
    buf_free(&bytes);
    bytes = run_encode(&commits[0]->feed, commits, 16);
    buf_extend(&bytes, RUN_BYTES_MAX + 1 - bytes.size);
    assert_int_equal(run_decode(buf_span(&bytes), &run, NULL), ERR_TOO_BIG);
    buf_free(&bytes);
    chain_free(commits, 16);
}

// ---- what is refused ----

typedef struct {
    commit_t *commit;
    Enlace__V1__Run run;
    Enlace__V1__Feed feed;
    Enlace__V1__Commit commits[RUN_COMMITS_MAX + 1];
    Enlace__V1__Commit *list[RUN_COMMITS_MAX + 1];
    Enlace__V1__Payload payloads[3];
    Enlace__V1__Payload *payload_list[3];
    uint8_t origin[ORIGIN_SIZE + 1], signature[SIGNATURE_SIZE + 1], salt[SALT_SIZE + 1];
} draft_run_t;

static uint8_t *bytes_of(span_t span)
{
    uint8_t *same = NULL;
    memcpy(&same, &span.data, sizeof same);
    return same;
}

static void payload_init(draft_run_t *draft, size_t i)
{
    Enlace__V1__Payload *payload = &draft->payloads[i];
    enlace__v1__payload__init(payload);
    draft->payload_list[i] = payload;
    payload->has_state = true;
    payload->state = PAYLOAD_MISSING;
    payload->salt = (ProtobufCBinaryData){SALT_SIZE, draft->salt};
    payload->body = (ProtobufCBinaryData){4, draft->origin};
}

static draft_run_t *run_new(void)
{
    draft_run_t *draft = mem_alloc(sizeof *draft);
    draft->commit = sample_commit(1, NULL, 2, 5);
    enlace__v1__run__init(&draft->run);
    enlace__v1__feed__init(&draft->feed);
    draft->run.feed = &draft->feed;
    memcpy(draft->origin, draft->commit->feed.origin.bytes, ORIGIN_SIZE);
    draft->feed.has_origin = draft->feed.has_epoch = draft->feed.has_lane = true;
    draft->feed.origin = (ProtobufCBinaryData){ORIGIN_SIZE, draft->origin};
    draft->feed.epoch = 2;
    draft->feed.lane = 1;
    for (size_t i = 0; i < 3; i++)
        payload_init(draft, i);
    for (size_t i = 0; i <= RUN_COMMITS_MAX; i++) {
        Enlace__V1__Commit *commit = &draft->commits[i];
        enlace__v1__commit__init(commit);
        draft->list[i] = commit;
        commit->has_header = commit->has_signature = true;
        commit->header =
            (ProtobufCBinaryData){draft->commit->header.size, bytes_of(draft->commit->header)};
        commit->signature = (ProtobufCBinaryData){SIGNATURE_SIZE, draft->signature};
        commit->n_payloads = 2;
        commit->payloads = draft->payload_list;
    }
    draft->run.n_commits = 1;
    draft->run.commits = draft->list;
    return draft;
}

static void expect_run(draft_run_t *draft, err_t expected, const char *where)
{
    run_t run;
    fault_t fault = {ERR_OK, "", ""};
    buf_t bytes = bounded_pack(&draft->run.base);
    err_t err = run_decode(buf_span(&bytes), &run, &fault);
    if (err != expected || strcmp(fault.where, where) != 0)
        fail_msg("%s at \"%s\", expected %s at \"%s\"", err_name(err), fault.where,
                 err_name(expected), where);
    run_clear(&run);
    buf_free(&bytes);
    commit_destroy(&draft->commit);
    mem_free(draft);
}

#define RUN_CASE(change, expected, where)                                                          \
    do {                                                                                           \
        draft_run_t *d = run_new();                                                                \
        change;                                                                                    \
        expect_run(d, expected, where);                                                            \
    } while (0)

static void a_run_is_whole(void **state)
{
    (void)state;
    RUN_CASE((void)d, ERR_OK, "");
    RUN_CASE(d->run.feed = NULL, ERR_MISSING_FIELD, "feed");
    RUN_CASE(d->feed.has_origin = false, ERR_MISSING_FIELD, "feed.origin");
    RUN_CASE(d->feed.has_epoch = false, ERR_MISSING_FIELD, "feed.epoch");
    RUN_CASE(d->feed.has_lane = false, ERR_MISSING_FIELD, "feed.lane");
    RUN_CASE(d->feed.origin.len = 15, ERR_BAD_LENGTH, "feed.origin");
    RUN_CASE(d->feed.epoch = 0, ERR_BAD_VALUE, "feed.epoch");
    RUN_CASE(d->feed.lane = LANE_MAX + 1, ERR_BAD_VALUE, "feed.lane");
    RUN_CASE(d->run.n_commits = 0, ERR_MISSING_FIELD, "commits");
    RUN_CASE(d->run.n_commits = RUN_COMMITS_MAX, ERR_OK, "");
    RUN_CASE(d->run.n_commits = RUN_COMMITS_MAX + 1, ERR_TOO_MANY, "commits");
    RUN_CASE(d->commits[0].has_header = false, ERR_MISSING_FIELD, "commits.1.header");
    RUN_CASE(d->commits[0].has_signature = false, ERR_OK, "");
    RUN_CASE(d->commits[0].signature.len = 63, ERR_BAD_LENGTH, "commits.1.signature");
    RUN_CASE(d->commits[0].signature.len = 65, ERR_BAD_LENGTH, "commits.1.signature");
    RUN_CASE(d->commits[0].signature.len = 0, ERR_BAD_LENGTH, "commits.1.signature");
}

static void a_run_is_of_one_feed(void **state)
{
    (void)state;
    RUN_CASE(d->feed.epoch = 3, ERR_BAD_VALUE, "commits.1.header");
    RUN_CASE(d->feed.lane = 0, ERR_BAD_VALUE, "commits.1.header");
    RUN_CASE(d->origin[0] = 9, ERR_BAD_VALUE, "commits.1.header");
}

static void payload_present(draft_run_t *draft)
{
    draft->payloads[1].state = PAYLOAD_PRESENT;
    draft->payloads[1].has_salt = draft->payloads[1].has_body = true;
}

static void payloads_say_one_thing(void **state)
{
    (void)state;
    RUN_CASE(d->commits[0].n_payloads = 0, ERR_MISSING_FIELD, "commits.1.payloads");
    RUN_CASE(d->commits[0].n_payloads = 1, ERR_MISSING_FIELD, "commits.1.payloads");
    RUN_CASE(d->commits[0].n_payloads = 3, ERR_TOO_MANY, "commits.1.payloads");
    RUN_CASE(d->payloads[1].has_state = false, ERR_MISSING_FIELD, "commits.1.payloads.2.state");
    RUN_CASE(d->payloads[1].state = 0, ERR_BAD_VALUE, "commits.1.payloads.2.state");
    RUN_CASE(d->payloads[1].state = 4, ERR_BAD_VALUE, "commits.1.payloads.2.state");
    RUN_CASE(d->payloads[1].state = PAYLOAD_ERASED, ERR_OK, "");
    RUN_CASE(d->payloads[1].has_salt = true, ERR_BAD_VALUE, "commits.1.payloads.2.salt");
    RUN_CASE(d->payloads[1].has_body = true, ERR_BAD_VALUE, "commits.1.payloads.2.body");
    RUN_CASE(payload_present(d), ERR_BAD_COMMITMENT, "commits.1.payloads.2.body");
    RUN_CASE((payload_present(d), d->payloads[1].has_salt = false), ERR_MISSING_FIELD,
             "commits.1.payloads.2.salt");
    RUN_CASE((payload_present(d), d->payloads[1].has_body = false), ERR_MISSING_FIELD,
             "commits.1.payloads.2.body");
    RUN_CASE((payload_present(d), d->payloads[1].salt.len = 15), ERR_BAD_LENGTH,
             "commits.1.payloads.2.salt");
    RUN_CASE((payload_present(d), d->payloads[1].salt.len = 17), ERR_BAD_LENGTH,
             "commits.1.payloads.2.salt");
}

static void faults_in_headers_name_the_commit(void **state)
{
    (void)state;
    RUN_CASE((d->run.n_commits = 3, d->commits[2].header.len--), ERR_TRUNCATED,
             "commits.3.changes.2");
    RUN_CASE((d->run.n_commits = 2, d->commits[1].header.len = 0), ERR_MISSING_FIELD,
             "commits.2.header_version");
}

// ---- anything at all ----

static void try_run(void *context, span_t bytes, size_t place)
{
    run_t run;
    (void)context;
    (void)place;
    if (run_decode(bytes, &run, NULL)) {
        assert_int_equal(run.count, 0);
        return;
    }
    assert_true(run.count >= 1 && run.count <= RUN_COMMITS_MAX);
    buf_t again = run_encode(&run.feed, run.commits, run.count);
    run_clear(&run);
    assert_int_equal(run_decode(buf_span(&again), &run, NULL), ERR_OK);
    buf_free(&again);
    run_clear(&run);
}

// Cut between two commits, what is left is a run as well; anywhere else it is nothing.
static void cut_run(void *context, span_t bytes, size_t size)
{
    const size_t *whole = context;
    run_t run;
    err_t err = run_decode(bytes, &run, NULL);
    assert_int_equal(err == ERR_OK, size == *whole);
    run_clear(&run);
}

static void altered_runs(void **state)
{
    (void)state;
    commit_t *commits[2];
    chain(commits, 2, 2, 20);
    commits[0]->has_signature = false;
    commits[1]->changes[0].state = PAYLOAD_MISSING;
    buf_t bytes = run_encode(&commits[0]->feed, commits, 2);
    buf_t first = run_encode(&commits[0]->feed, commits, 1);
    hostile_each_bit(buf_span(&bytes), try_run, NULL);
    hostile_each_prefix(buf_span(&bytes), cut_run, &first.size);
    hostile_rounds(buf_span(&bytes), 5, 3000, try_run, NULL);
    buf_free(&bytes);
    buf_free(&first);
    chain_free(commits, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_comes_back),
        cmocka_unit_test(sizes_are_told_in_advance),
        cmocka_unit_test(the_largest_run),
        cmocka_unit_test(a_run_is_whole),
        cmocka_unit_test(a_run_is_of_one_feed),
        cmocka_unit_test(payloads_say_one_thing),
        cmocka_unit_test(faults_in_headers_name_the_commit),
        cmocka_unit_test(altered_runs),
    };
    return cmocka_run_group_tests_name("run", tests, start, NULL);
}
