// Feeds that have forked, on one core: what proves it, who is told, and what stops.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_feeds.h"

enum { LINK = 7 };

// A commit that begins where one is held and goes further is another one.
static void a_commit_across_the_head_is_a_fork(void **state)
{
    static const uint8_t seed[32] = {4};
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    draft_t drafts[2] = {{.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("a")},
                         {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("b")}};
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_hold_first(&bench, LINK, BENCH_CC, chain);
    head_t start = bench_start(&bench, BENCH_CC);
    commit_t *across = commit_author(&start.feed, 1, &start.hash, 1700000000000, 1, drafts, 2, seed,
                                     bench.signing[BENCH_CC], &bench.charter->hash);
    bench_publish(&bench, LINK, across);
    assert_int_equal(bench_held(&bench, BENCH_CC), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_EVIDENCE), 1);
    const effect_t *stop = bench_effect(&bench, EFFECT_STOP_FEED);
    assert_non_null(stop);
    assert_true(hash_equal(&stop->proof.ours, &chain[0]->hash));
    assert_true(hash_equal(&stop->proof.theirs, &across->hash));
    // Stopped, it takes nothing, the next of its own chain either.
    bench_commit(&bench);
    bench_publish(&bench, LINK, chain[1]);
    assert_int_equal(bench_held(&bench, BENCH_CC), 1);
    commit_destroy(&across);
    bench_free_chain(chain);
    bench_close(&bench);
}

// Since when a feed is stopped goes back with the turn, too.
static void a_stop_keeps_its_time(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_make_chain(&bench, BENCH_BB, chain);
    bench_publish(&bench, LINK, chain[0]);
    commit_t *other = bench_fork(&bench, LINK, BENCH_BB);
    bench_commit(&bench);
    uint64_t since_ms = bench_feed_status(&bench, BENCH_BB).stopped_ms;
    assert_int_not_equal(since_ms, 0);
    bench.now_ms += 7000;
    bench_offer_removal(&bench, BENCH_BB, LINK, 0, &bench.cards[BENCH_BB]->hash);
    // Beyond its cut, from now on.
    assert_int_not_equal(bench_feed_status(&bench, BENCH_BB).stopped_ms, since_ms);
    bench_roll_back(&bench);
    assert_int_equal(bench_feed_status(&bench, BENCH_BB).stopped_ms, since_ms);
    commit_destroy(&other);
    bench_free_chain(chain);
    bench_close(&bench);
}

// A proof that the disk did not give when it was to be told is owed: it is looked for
// again, in the same session, and its reason is counted.
static void a_proof_that_cannot_be_read_is_owed(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_hold_first(&bench, LINK, BENCH_CC, chain);
    commit_t *other = bench_fork(&bench, LINK, BENCH_CC);
    const effect_t *read = bench_effect(&bench, EFFECT_READ_PROOF);
    assert_non_null(read);
    assert_int_equal(read->reason, ERR_DIVERGED);
    bench_commit(&bench);
    event_t failed = {.type = EVENT_PROOF_READ, .link = LINK};
    failed.as.proof_read.err = ERR_DISK_ERROR;
    bench_step(&bench, &failed);
    assert_int_equal(bench_counted(&bench, ERR_DISK_ERROR), 1);
    bench_pass(&bench, 1000);
    assert_null(bench_effect(&bench, EFFECT_READ_PROOF)); // not at once
    bench_pass(&bench, 4500);
    assert_non_null(bench_effect(&bench, EFFECT_READ_PROOF));
    bench_pass(&bench, 5000);
    assert_null(bench_effect(&bench, EFFECT_READ_PROOF)); // and then no more
    commit_destroy(&other);
    bench_free_chain(chain);
    bench_close(&bench);
}

static void a_proof_that_is_none_is_counted(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    head_t head = {{{{9}}, 1, LANE_COALITION}, 0, {{1}}}; // nobody's feed
    commit_t *commit = bench_commit_after(&bench, BENCH_BB, &head, "x");
    buf_t run = run_encode(&head.feed, &commit, 1);
    message_t proof = {.type = MSG_PROOF};
    proof.as.proof.run = buf_span(&run);
    bench_say(&bench, LINK, &proof);
    assert_int_equal(bench_counted(&bench, ERR_UNKNOWN_ORIGIN), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_EVIDENCE), 0);
    buf_free(&run);
    commit_destroy(&commit);
    bench_close(&bench);
}

// BB was removed with a cut that is held here: by that the roster has decided, and
// whoever has BB's old key proves nothing any more.
static void an_old_key_proves_nothing_below_its_cut(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_make_chain(&bench, BENCH_BB, chain);
    head_t start = bench_start(&bench, BENCH_BB);
    commit_t *other = bench_commit_after(&bench, BENCH_BB, &start, "another one");
    bench_publish(&bench, LINK, chain[0]);
    bench_publish(&bench, LINK, chain[1]);
    bench_commit(&bench);
    bench_remove(&bench, BENCH_BB, LINK, 2, &chain[1]->hash);
    buf_t run = run_encode(&start.feed, &other, 1);
    event_t compared = {.type = EVENT_COMPARED};
    compared.as.compared.from = "DD";
    compared.as.compared.run = buf_span(&run);
    compared.as.compared.ours = chain[0]->hash;
    bench_step(&bench, &compared);
    assert_int_equal(bench_counted(&bench, ERR_BEYOND_CUT), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_EVIDENCE), 0);
    assert_int_equal(bench_count_of(&bench, EFFECT_STOP_FEED), 0);
    buf_free(&run);
    commit_destroy(&other);
    bench_free_chain(chain);
    bench_close(&bench);
}

// A newcomer is told of 64 forks, and of so many again when a second has gone by.
static void forks_without_number_are_told_in_turns(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_epochs(&bench, NULL, 0, 150, true);
    bench_greet(&bench, LINK, BENCH_CC);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_PROOF), 64);
    assert_int_equal(bench_effect(&bench, EFFECT_READ_PROOF)->feed.epoch, 64);
    bench_commit(&bench);
    bench_pass(&bench, 999);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_PROOF), 0);
    bench_pass(&bench, 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_PROOF), 64);
    assert_int_equal(bench_effect(&bench, EFFECT_READ_PROOF)->feed.epoch, 128);
    bench_pass(&bench, 1000);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_PROOF), 150 - 128);
    bench_pass(&bench, 1000);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_PROOF), 0); // all are told
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_across_the_head_is_a_fork),
        cmocka_unit_test(a_stop_keeps_its_time),
        cmocka_unit_test(a_proof_that_cannot_be_read_is_owed),
        cmocka_unit_test(a_proof_that_is_none_is_counted),
        cmocka_unit_test(an_old_key_proves_nothing_below_its_cut),
        cmocka_unit_test(forks_without_number_are_told_in_turns),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core forks", tests, NULL, NULL);
}
