// Single changes out of a commit's bytes. Expected bytes of payloads are put together
// here after commit.proto: tag 2 and length, then state (1), salt (2), body (3).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/commit.h"
#include "lib/mem.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// Three of all kinds: a creation, a revision in another epoch, a retraction.
static commit_t *author_three(void)
{
    pubkey_t key;
    uint8_t seed[32] = {7};
    hash_t previous = {{1, 2, 3}};
    feed_t feed = sample_feed();
    draft_t drafts[3] = {
        {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("one")},
        {.type = CHANGE_RECORD,
         .has_target = true,
         .target = {3, 1, 70000},
         .min_reader = 900,
         .body = span_text("the second")},
        {.type = CHANGE_RETRACT, .has_target = true, .target = {1, 1, 7}, .min_reader = 0}};
    secret_t *signing = sample_secret(1, &key);
    commit_t *commit = commit_author(&feed, 71000, &previous, 1700000000123, 3, drafts, 3, seed,
                                     signing, &sample_coalition);
    secret_destroy(&signing);
    return commit;
}

static buf_t payloads_of(const commit_t *commit)
{
    buf_t payloads = {0};
    for (size_t i = 0; i < commit->count; i++)
        commit_put_payload(&payloads, &commit->changes[i]);
    return payloads;
}

static void expect_change(const change_t *got, const change_t *wanted)
{
    assert_int_equal(got->type, wanted->type);
    assert_int_equal(got->has_target, wanted->has_target);
    assert_true(position_equal(got->target, wanted->target));
    assert_int_equal(got->min_reader, wanted->min_reader);
    assert_true(hash_equal(&got->commitment, &wanted->commitment));
    assert_int_equal(got->state, wanted->state);
    assert_memory_equal(got->salt, wanted->salt, SALT_SIZE);
    assert_true(span_equal(got->body, wanted->body));
}

static void each_change_is_read_by_itself(void **state)
{
    (void)state;
    commit_t *commit = author_three();
    buf_t payloads = payloads_of(commit);
    hash_t previous;
    for (size_t i = 0; i < commit->count; i++) {
        scan_t header = scan_of(commit->header), bodies = scan_of(buf_span(&payloads));
        change_t change;
        assert_true(commit_scan_change(&header, i, &change));
        assert_true(commit_scan_payload(&bodies, i, &change));
        expect_change(&change, &commit->changes[i]);
    }
    assert_true(commit_scan_previous(commit->header, &previous));
    assert_true(hash_equal(&previous, &commit->previous));
    buf_free(&payloads);
    commit_destroy(&commit);
}

static void one_after_another_to_the_end(void **state)
{
    (void)state;
    commit_t *commit = author_three();
    buf_t payloads = payloads_of(commit);
    scan_t header = scan_of(commit->header), bodies = scan_of(buf_span(&payloads));
    change_t change;
    for (size_t i = 0; i < commit->count; i++) {
        assert_true(commit_scan_change(&header, 0, &change));
        assert_true(commit_scan_payload(&bodies, 0, &change));
        expect_change(&change, &commit->changes[i]);
    }
    assert_false(commit_scan_change(&header, 0, &change));
    assert_false(commit_scan_payload(&bodies, 0, &change));
    header = scan_of(commit->header);
    assert_false(commit_scan_change(&header, 3, &change));
    buf_free(&payloads);
    commit_destroy(&commit);
}

static void payloads_are_written_as_a_commit_has_them(void **state)
{
    static const uint8_t present[] = {0x12, 0x17, 0x08, 0x01, 0x12, 0x10, 9,  9, 9,
                                      9,    9,    9,    9,    9,    9,    9,  9, 9,
                                      9,    9,    9,    9,    0x1a, 0x01, 'x'};
    static const uint8_t erased[] = {0x12, 0x02, 0x08, 0x02};
    change_t change = {.state = PAYLOAD_PRESENT, .body = span_text("x")};
    buf_t bytes = {0};
    (void)state;
    memset(change.salt, 9, SALT_SIZE);
    commit_put_payload(&bytes, &change);
    assert_true(span_equal(buf_span(&bytes), span_of(present, sizeof present)));
    assert_int_equal(commit_payload_size(&change), sizeof present - 2);
    buf_clear(&bytes);
    change.state = PAYLOAD_ERASED;
    commit_put_payload(&bytes, &change);
    assert_true(span_equal(buf_span(&bytes), span_of(erased, sizeof erased)));
    buf_free(&bytes);
}

// The payloads in a run are these bytes: whoever serves them need not encode them again.
static void a_run_has_these_bytes(void **state)
{
    (void)state;
    commit_t *commit = author_three();
    buf_t payloads = payloads_of(commit), run = run_encode(&commit->feed, &commit, 1);
    size_t behind = 2 + SIGNATURE_SIZE; // the signature comes last
    assert_true(run.size > payloads.size + behind);
    assert_memory_equal(run.data + run.size - behind - payloads.size, payloads.data, payloads.size);
    buf_free(&payloads);
    buf_free(&run);
    commit_destroy(&commit);
}

static void headers_cut_short_do_not_read(void **state)
{
    (void)state;
    commit_t *commit = author_three();
    hash_t previous;
    for (size_t size = 0; size < commit->header.size; size++) {
        // A copy of that size, so that reading beyond it shows.
        buf_t part = buf_copy(span_of(commit->header.data, size));
        scan_t header = scan_of(buf_span(&part));
        change_t change;
        assert_false(commit_scan_change(&header, 2, &change));
        buf_free(&part);
    }
    assert_false(commit_scan_previous(span_of(commit->header.data, 20), &previous));
    assert_false(commit_scan_previous(span_of(NULL, 0), &previous));
    commit_destroy(&commit);
}

static void payloads_that_cannot_be_do_not_read(void **state)
{
#define BYTES(...)                                                                                 \
    {                                                                                              \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                     \
    }
    const span_t table[] = {
        BYTES(0x12, 0x00),                                           // no state
        BYTES(0x12, 0x02, 0x08, 0x00),                               // no such state
        BYTES(0x12, 0x02, 0x08, 0x04),                               //
        BYTES(0x12, 0x02, 0x08, 0x01),                               // present, and is not
        BYTES(0x12, 0x04, 0x08, 0x03, 0x1a, 0x00),                   // missing, with a body
        BYTES(0x12, 0x07, 0x08, 0x01, 0x12, 0x01, 0x09, 0x1a, 0x00), // a salt too short
        BYTES(0x12, 0x04, 0x08, 0x02, 0x20, 0x01),                   // an unknown field
        BYTES(0x12, 0x03, 0x08, 0x02, 0x80),                         // cut within a number
        BYTES(0x12, 0x03, 0x08, 0x02),                               // longer than there is
        BYTES(0x10, 0x01),                                           // not a message
        BYTES(0x12, 0x02, 0x0b, 0x0c),                               // a group
    };
#undef BYTES
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        scan_t scan = scan_of(table[i]);
        change_t change = {0};
        if (commit_scan_payload(&scan, 0, &change))
            fail_msg("number %zu was read", i);
    }
}

static void a_change_with_an_unknown_field_does_not_read(void **state)
{
    static const uint8_t unknown[] = {0x4a, 0x02, 0x38, 0x01}, other[] = {0x4a, 0x02, 0x32, 0x00};
    scan_t scan = scan_of(span_of(unknown, sizeof unknown));
    change_t change;
    (void)state;
    assert_false(commit_scan_change(&scan, 0, &change));
    scan = scan_of(span_of(other, sizeof other)); // a commitment of no bytes
    assert_false(commit_scan_change(&scan, 0, &change));
}

static void a_bare_header_has_no_payloads(void **state)
{
    (void)state;
    commit_t *commit = author_three(), *bare = NULL;
    assert_int_equal(commit_decode_bare(commit->header, commit->signature.bytes, 3, &bare, NULL),
                     ERR_OK);
    assert_true(hash_equal(&bare->hash, &commit->hash));
    assert_int_equal(bare->changes[2].state, PAYLOAD_MISSING);
    commit_destroy(&bare);
    assert_int_equal(commit_decode_bare(commit->header, NULL, 2, &bare, NULL), ERR_MISSING_FIELD);
    assert_int_equal(commit_decode_bare(commit->header, NULL, COMMIT_CHANGES_MAX + 1, &bare, NULL),
                     ERR_TOO_MANY);
    assert_null(bare);
    commit_destroy(&commit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_read_by_itself),
        cmocka_unit_test(one_after_another_to_the_end),
        cmocka_unit_test(payloads_are_written_as_a_commit_has_them),
        cmocka_unit_test(a_run_has_these_bytes),
        cmocka_unit_test(headers_cut_short_do_not_read),
        cmocka_unit_test(payloads_that_cannot_be_do_not_read),
        cmocka_unit_test(a_change_with_an_unknown_field_does_not_read),
        cmocka_unit_test(a_bare_header_has_no_payloads),
    };
    return cmocka_run_group_tests_name("commit scan", tests, start, NULL);
}
