// What is worked out of a run ahead is what whoever needs it would have worked out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/commit.h"
#include "lib/mem.h"
#include "tests/unit/protocol_samples.h"

enum { COMMITS = 3, CHANGES = 4 };

// A creation, a revision, a retraction, and what is no record at all.
static commit_t *author(uint32_t lane, uint64_t first, const hash_t *previous, pubkey_t *key)
{
    static const uint8_t plain[] = {0x0a, 1,   'k', 0x12, 9,   'T', 'L',
                                    'P',  ':', 'G', 'R',  'E', 'E', 'N'};
    static const uint8_t broken[] = {0x0a, 200};
    uint8_t seed[32] = {(uint8_t)first};
    feed_t feed = sample_feed();
    feed.lane = lane;
    position_t target = {feed.epoch, lane, 1};
    draft_t drafts[CHANGES] = {
        {.type = CHANGE_RECORD, .min_reader = 1, .body = span_of(plain, sizeof plain)},
        {.type = CHANGE_RECORD,
         .has_target = true,
         .target = target,
         .min_reader = 1,
         .body = span_of(broken, sizeof broken)},
        {.type = CHANGE_RETRACT, .has_target = true, .target = target},
        {.type = 77, .min_reader = 1, .body = span_text("of a newer version")},
    };
    secret_t *signing = sample_secret(1, key);
    commit_t *commit = commit_author(&feed, first, previous, 1700000000000 + first, 1, drafts,
                                     CHANGES, seed, signing, &sample_coalition);
    secret_destroy(&signing);
    return commit;
}

static buf_t make_run(uint32_t lane, pubkey_t *key)
{
    commit_t *commits[COMMITS];
    hash_t previous = {{9}};
    for (size_t i = 0; i < COMMITS; i++) {
        commits[i] = author(lane, 2 + CHANGES * i, &previous, key);
        previous = commits[i]->hash;
    }
    buf_t run = run_encode(&commits[0]->feed, commits, COMMITS);
    for (size_t i = 0; i < COMMITS; i++)
        commit_destroy(&commits[i]);
    return run;
}

static void expect_look(const commit_t *commit, size_t index)
{
    const look_t *look = &commit->looks[index];
    const change_t *change = &commit->changes[index];
    position_t at = {commit->feed.epoch, commit->feed.lane, commit->first + index};
    bool record = change->type == CHANGE_RECORD;
    assert_int_equal(look->termed, record && !change->has_target);
    assert_int_equal(look->glanced, record);
    if (look->termed) {
        hash_t term = digest_term(&commit->feed.origin, at, at, &change->commitment, 1);
        assert_memory_equal(&look->term, &term, sizeof term);
    }
    if (!look->glanced)
        return;
    record_glance_t glance;
    assert_int_equal(look->refused, record_glance(change->body, &glance));
    assert_int_equal(look->refused == ERR_OK, index == 0);
    if (look->refused)
        return;
    assert_int_equal(look->glance.key.size, 1);
    assert_ptr_equal(look->glance.key.data, change->body.data + 2); // in the commit's memory
    assert_ptr_equal(look->glance.label.data, change->body.data + 5);
    assert_int_equal(look->glance.plain, glance.plain);
    assert_int_equal(look->glance.kind, glance.kind);
}

static void looks_are_what_others_would_see(void **state)
{
    run_t run, decoded;
    pubkey_t key;
    (void)state;
    buf_t bytes = make_run(LANE_COALITION, &key);
    assert_int_equal(run_prepare(buf_span(&bytes), &key, &sample_coalition, &run, NULL), ERR_OK);
    assert_int_equal(run_decode(buf_span(&bytes), &decoded, NULL), ERR_OK);
    assert_int_equal(run.count, COMMITS);
    for (size_t i = 0; i < COMMITS; i++) {
        assert_memory_equal(&run.commits[i]->hash, &decoded.commits[i]->hash, HASH_SIZE);
        assert_null(decoded.commits[i]->looks);
        assert_non_null(run.commits[i]->looks);
        for (size_t k = 0; k < CHANGES; k++)
            expect_look(run.commits[i], k);
    }
    commit_t *copy = commit_copy(run.commits[0]);
    assert_null(copy->looks);
    commit_destroy(&copy);
    run_clear(&run);
    run_clear(&decoded);
    buf_free(&bytes);
}

static void restricted_lanes_are_not_looked_at(void **state)
{
    run_t run;
    pubkey_t key;
    (void)state;
    buf_t bytes = make_run(LANE_OPEN_COUNT, &key);
    assert_int_equal(run_prepare(buf_span(&bytes), &key, &sample_coalition, &run, NULL), ERR_OK);
    for (size_t i = 0; i < COMMITS; i++)
        assert_null(run.commits[i]->looks);
    run_clear(&run);
    buf_free(&bytes);
}

// A signature that held ahead holds for that key and coalition and for no other, and for
// the commit that it is on.
static void a_signature_is_known_for_what_it_was_checked(void **state)
{
    run_t run;
    pubkey_t key, other;
    hash_t elsewhere = {{0xee}};
    (void)state;
    secret_t *second = sample_secret(2, &other);
    buf_t bytes = make_run(LANE_COALITION, &key);
    assert_int_equal(run_prepare(buf_span(&bytes), &key, &sample_coalition, &run, NULL), ERR_OK);
    commit_t *last = run.commits[COMMITS - 1];
    assert_true(last->holds);
    assert_false(run.commits[0]->holds);
    assert_true(commit_signature_holds(last, &key, &sample_coalition));
    assert_false(commit_signature_holds(last, &other, &sample_coalition));
    assert_false(commit_signature_holds(last, &key, &elsewhere));
    last->has_signature = false;
    assert_false(commit_signature_holds(last, &key, &sample_coalition));
    run_clear(&run);
    // The wrong key, or none: nothing is known, and the right one is found to hold.
    assert_int_equal(run_prepare(buf_span(&bytes), &other, &sample_coalition, &run, NULL), ERR_OK);
    assert_false(run.commits[COMMITS - 1]->holds);
    assert_true(commit_signature_holds(run.commits[COMMITS - 1], &key, &sample_coalition));
    run_clear(&run);
    // One that does not hold is not known to.
    bytes.data[bytes.size - 1] ^= 1;
    assert_int_equal(run_prepare(buf_span(&bytes), &key, &sample_coalition, &run, NULL), ERR_OK);
    assert_false(run.commits[COMMITS - 1]->holds);
    assert_false(commit_signature_holds(run.commits[COMMITS - 1], &key, &sample_coalition));
    run_clear(&run);
    buf_free(&bytes);
    secret_destroy(&second);
}

static void what_does_not_decode_is_refused(void **state)
{
    run_t run, other;
    pubkey_t key;
    (void)state;
    buf_t bytes = make_run(LANE_COALITION, &key);
    for (size_t size = 0; size < bytes.size; size += 7) {
        err_t wanted = run_decode(span_of(bytes.data, size), &other, NULL);
        assert_int_equal(
            run_prepare(span_of(bytes.data, size), &key, &sample_coalition, &run, NULL), wanted);
        if (!wanted) {
            run_clear(&run);
            run_clear(&other);
        }
    }
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_are_what_others_would_see),
        cmocka_unit_test(restricted_lanes_are_not_looked_at),
        cmocka_unit_test(a_signature_is_known_for_what_it_was_checked),
        cmocka_unit_test(what_does_not_decode_is_refused),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("run prepare", tests, NULL, NULL);
}
