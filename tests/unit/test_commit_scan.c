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

static scan_t changes_of(const commit_t *commit)
{
    scan_t changes;
    hash_t previous;
    assert_true(commit_scan_start(commit->header, &changes, &previous));
    assert_true(hash_equal(&previous, &commit->previous));
    return changes;
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
    for (size_t i = 0; i < commit->count; i++) {
        scan_t changes = changes_of(commit), bodies = scan_of(buf_span(&payloads));
        change_t change;
        assert_true(commit_scan_change(&changes, i, &change));
        assert_true(commit_scan_payload(&bodies, i, &change));
        expect_change(&change, &commit->changes[i]);
    }
    buf_free(&payloads);
    commit_destroy(&commit);
}

static void one_after_another_to_the_end(void **state)
{
    (void)state;
    commit_t *commit = author_three();
    buf_t payloads = payloads_of(commit);
    scan_t changes = changes_of(commit), bodies = scan_of(buf_span(&payloads));
    change_t change;
    for (size_t i = 0; i < commit->count; i++) {
        assert_true(commit_scan_change(&changes, 0, &change));
        assert_true(commit_scan_payload(&bodies, 0, &change));
        expect_change(&change, &commit->changes[i]);
    }
    assert_false(commit_scan_change(&changes, 0, &change));
    assert_false(commit_scan_payload(&bodies, 0, &change));
    changes = changes_of(commit);
    assert_false(commit_scan_change(&changes, 3, &change));
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
        scan_t changes;
        change_t change;
        if (commit_scan_start(buf_span(&part), &changes, &previous))
            assert_false(commit_scan_change(&changes, 2, &change));
        buf_free(&part);
    }
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

// ---- whole runs ----

static void expect_commit(const commit_t *got, const commit_t *wanted)
{
    assert_true(feed_equal(&got->feed, &wanted->feed));
    assert_int_equal(got->first, wanted->first);
    assert_int_equal(got->last, wanted->last);
    assert_true(hash_equal(&got->previous, &wanted->previous));
    assert_true(hash_equal(&got->hash, &wanted->hash));
    assert_int_equal(got->time_ms, wanted->time_ms);
    assert_int_equal(got->card_number, wanted->card_number);
    assert_int_equal(got->count, wanted->count);
    assert_true(span_equal(got->header, wanted->header));
    assert_int_equal(got->has_signature, wanted->has_signature);
    assert_memory_equal(got->signature.bytes, wanted->signature.bytes, SIGNATURE_SIZE);
    for (size_t i = 0; i < got->count; i++)
        expect_change(&got->changes[i], &wanted->changes[i]);
}

// Two commits, the first one without a signature and with payloads that are not there.
static buf_t make_run(commit_t *commits[2])
{
    commits[0] = sample_commit(1, NULL, 3, 10);
    commits[1] = sample_commit(1, &commits[0]->hash, 2, 200);
    commits[0]->has_signature = false;
    commits[0]->signature = (signature_t){{0}};
    commits[0]->changes[1].state = PAYLOAD_ERASED;
    commits[0]->changes[2].state = PAYLOAD_MISSING;
    for (size_t i = 1; i < 3; i++) {
        memset(commits[0]->changes[i].salt, 0, SALT_SIZE);
        commits[0]->changes[i].body = span_of(NULL, 0);
    }
    return run_encode(&commits[0]->feed, commits, 2);
}

static void a_run_is_read_at_once(void **state)
{
    commit_t *commits[2];
    buf_t bytes = make_run(commits);
    run_t run;
    (void)state;
    assert_true(run_scan(buf_span(&bytes), &run));
    assert_int_equal(run.count, 2);
    for (size_t i = 0; i < 2; i++) {
        expect_commit(run.commits[i], commits[i]);
        commit_destroy(&commits[i]);
    }
    run_clear(&run);
    buf_free(&bytes);
}

// Whatever it takes, the decoder that unpacks takes with the same values: every bit of a
// run flipped, every byte left out, and every cut.
static size_t compare_readers(span_t bytes)
{
    run_t scanned, decoded;
    if (!run_scan(bytes, &scanned))
        return 0;
    assert_int_equal(run_unpack(bytes, &decoded, NULL), ERR_OK);
    assert_int_equal(scanned.count, decoded.count);
    for (size_t i = 0; i < scanned.count; i++)
        expect_commit(scanned.commits[i], decoded.commits[i]);
    run_clear(&scanned);
    run_clear(&decoded);
    return 1;
}

static void it_takes_no_more_than_the_decoder(void **state)
{
    commit_t *commits[2];
    buf_t bytes = make_run(commits);
    size_t taken = 0;
    (void)state;
    for (size_t at = 0; at < bytes.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[at] ^= (uint8_t)(1u << bit);
            taken += compare_readers(buf_span(&bytes));
            bytes.data[at] ^= (uint8_t)(1u << bit);
        }
        buf_t shorter = buf_copy(span_of(bytes.data, at));
        taken += compare_readers(buf_span(&shorter));
        buf_append(&shorter, span_of(bytes.data + at + 1, bytes.size - at - 1));
        taken += compare_readers(buf_span(&shorter));
        buf_free(&shorter);
    }
    // Flips in what is not looked into here: the times, hashes, the signature.
    assert_true(taken > 8 * SIGNATURE_SIZE);
    commit_destroy(&commits[0]);
    commit_destroy(&commits[1]);
    buf_free(&bytes);
}

// ---- headers: run_unpack has them scanned, so they are compared by themselves ----

static void expect_facts(const commit_t *got, const commit_t *wanted)
{
    assert_true(feed_equal(&got->feed, &wanted->feed));
    assert_int_equal(got->first, wanted->first);
    assert_int_equal(got->last, wanted->last);
    assert_true(hash_equal(&got->previous, &wanted->previous));
    assert_int_equal(got->time_ms, wanted->time_ms);
    assert_int_equal(got->card_number, wanted->card_number);
    assert_int_equal(got->count, wanted->count);
    for (size_t i = 0; i < got->count; i++)
        expect_change(&got->changes[i], &wanted->changes[i]);
}

static size_t compare_header_readers(span_t header)
{
    commit_t scanned = {0}, unpacked = {0};
    bool taken = commit_scan_header(header, &scanned);
    err_t err = commit_unpack_header(header, &unpacked, NULL);
    if (taken) {
        assert_int_equal(err, ERR_OK);
        expect_facts(&scanned, &unpacked);
    }
    mem_free(scanned.changes);
    mem_free(unpacked.changes);
    return taken;
}

static void a_header_scans_to_no_more_than_it_unpacks_to(void **state)
{
    commit_t *commit = author_three();
    buf_t bytes = buf_copy(commit->header);
    size_t taken = 0;
    (void)state;
    assert_int_equal(compare_header_readers(buf_span(&bytes)), 1);
    for (size_t at = 0; at < bytes.size; at++) {
        uint8_t whole = bytes.data[at];
        for (unsigned value = 0; value < 256; value++) {
            bytes.data[at] = (uint8_t)value;
            taken += compare_header_readers(buf_span(&bytes));
        }
        bytes.data[at] = whole;
        buf_t other = buf_copy(span_of(bytes.data, at));
        taken += compare_header_readers(buf_span(&other)); // cut
        buf_append(&other, span_of(bytes.data + at + 1, bytes.size - at - 1));
        taken += compare_header_readers(buf_span(&other)); // a byte left out
        buf_clear(&other);
        buf_append(&other, span_of(bytes.data, at));
        buf_append(&other, span_of("\x00", 1)); // a byte more
        buf_append(&other, span_of(bytes.data + at, bytes.size - at));
        taken += compare_header_readers(buf_span(&other));
        buf_free(&other);
    }
    // Any value of any byte of the five hashes that are in it.
    assert_true(taken > (size_t)(ORIGIN_SIZE + 4 * HASH_SIZE) * 256);
    commit_destroy(&commit);
    buf_free(&bytes);
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
        cmocka_unit_test(a_run_is_read_at_once),
        cmocka_unit_test(it_takes_no_more_than_the_decoder),
        cmocka_unit_test(a_header_scans_to_no_more_than_it_unpacks_to),
        cmocka_unit_test(a_bare_header_has_no_payloads),
    };
    return cmocka_run_group_tests_name("commit scan", tests, start, NULL);
}
