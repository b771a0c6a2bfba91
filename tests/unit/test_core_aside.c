// Runs that are prepared aside, on one core: what becomes of them when they come back,
// and of what came meanwhile.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_feeds.h"

enum { LINK = 7 };

// What the last step wants to be prepared.
static prepared_t *take_out(bench_t *bench)
{
    for (size_t i = 0; i < bench->effects.count; i++) {
        effect_t *effect = &bench->effects.items[i];
        prepared_t *prepared = effect->prepared;
        effect->prepared = NULL;
        if (prepared)
            return prepared;
    }
    fail_msg("nothing is to be prepared");
    return NULL;
}

static prepared_t *bring_aside(bench_t *bench, uint32_t fetch, commit_t **commits, size_t count,
                               bool end)
{
    bench_bring(bench, LINK, fetch, commits, count, end);
    assert_int_equal(bench_count_of(bench, EFFECT_PREPARE), 1);
    assert_int_equal(bench_count_of(bench, EFFECT_APPEND), 0);
    return take_out(bench);
}

static void bring_back(bench_t *bench, prepared_t *prepared)
{
    event_t event = {.type = EVENT_PREPARED, .link = prepared->link};
    prepared_read(prepared);
    event.as.prepared = prepared;
    bench_step(bench, &event);
    prepared_destroy(&prepared);
}

static prepared_t *refuse_fetch(bench_t *bench, uint32_t fetch, err_t reason)
{
    message_t nope = {.type = MSG_NOPE};
    nope.as.nope.fetch = fetch;
    nope.as.nope.reason = (uint32_t)reason;
    bench_say(bench, LINK, &nope);
    return bench_count_of(bench, EFFECT_PREPARE) ? take_out(bench) : NULL;
}

static uint32_t open_fetch(bench_t *bench, commit_t *chain[BENCH_CHAIN])
{
    bench_open_aside(bench, LINK);
    bench_make_chain(bench, BENCH_BB, chain);
    uint32_t fetch = bench_claim(bench, LINK, BENCH_BB, BENCH_CHAIN);
    assert_int_not_equal(fetch, BENCH_NO_FETCH);
    return fetch;
}

static void done(bench_t *bench, commit_t *chain[BENCH_CHAIN])
{
    bench_free_chain(chain);
    bench_close(bench);
}

static void runs_are_taken_in_when_they_come_back(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    prepared_t *first = bring_aside(&bench, fetch, chain, 1, false);
    prepared_t *second = bring_aside(&bench, fetch, chain + 1, 3, true);
    assert_int_equal(bench_held(&bench, BENCH_BB), 0);
    bring_back(&bench, first);
    assert_int_equal(bench_count_of(&bench, EFFECT_APPEND), 1);
    assert_int_equal(bench_held(&bench, BENCH_BB), 1);
    bring_back(&bench, second);
    assert_int_equal(bench_count_of(&bench, EFFECT_APPEND), 3);
    bench_commit(&bench);
    assert_int_equal(bench_held(&bench, BENCH_BB), 4);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 0);
    done(&bench, chain);
}

// A signature that does not hold is found out by whoever prepares the run, or not at all:
// the core looks itself wherever it was not told that one does.
static void what_does_not_hold_is_refused(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    chain[0]->signature.bytes[5] ^= 1;
    bring_back(&bench, bring_aside(&bench, fetch, chain, 1, false));
    assert_int_equal(bench_counted(&bench, ERR_BAD_SIGNATURE), 1);
    assert_int_equal(bench_held(&bench, BENCH_BB), 0);
    done(&bench, chain);
}

// What says that no more comes does not overtake what came before it: the source has
// kept its word.
static void a_refusal_waits_behind_runs(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    prepared_t *run = bring_aside(&bench, fetch, chain, 4, false);
    prepared_t *nope = refuse_fetch(&bench, fetch, ERR_BUSY);
    assert_non_null(nope);
    bring_back(&bench, run);
    bench_commit(&bench);
    assert_int_equal(bench_held(&bench, BENCH_BB), 4);
    bring_back(&bench, nope);
    assert_int_equal(bench_counted(&bench, ERR_CLAIM_UNMET), 0);
    assert_null(refuse_fetch(&bench, fetch + 1, ERR_BUSY)); // of no fetch: said and forgotten
    done(&bench, chain);
}

// Nor does the end, which comes without bytes.
static void an_empty_run_waits_behind_runs(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    message_t end = {.type = MSG_RUN_PART};
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    prepared_t *run = bring_aside(&bench, fetch, chain, 4, false);
    end.as.run_part.fetch = fetch;
    end.as.run_part.last = end.as.run_part.end = true;
    bench_say(&bench, LINK, &end);
    prepared_t *empty = take_out(&bench);
    bring_back(&bench, run);
    bring_back(&bench, empty);
    assert_int_equal(bench_held(&bench, BENCH_BB), 4);
    assert_int_equal(bench_counted(&bench, ERR_CLAIM_UNMET), 0);
    done(&bench, chain);
}

// After the first was refused the fetch is over, and what else it brought is not looked at.
static void runs_of_an_ended_fetch_are_dropped(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    prepared_t *early = bring_aside(&bench, fetch, chain + 1, 1, false); // skips number 1
    prepared_t *good = bring_aside(&bench, fetch, chain, 4, false);
    bring_back(&bench, early);
    assert_int_equal(bench_counted(&bench, ERR_OUT_OF_ORDER), 1);
    bring_back(&bench, good);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 1);
    assert_int_equal(bench_held(&bench, BENCH_BB), 0);
    done(&bench, chain);
}

// The disk was full: what is being prepared would fail as well, and is asked for again.
static void a_turn_taken_back_ends_what_is_prepared(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    prepared_t *first = bring_aside(&bench, fetch, chain, 1, false);
    prepared_t *second = bring_aside(&bench, fetch, chain + 1, 3, true);
    bring_back(&bench, first);
    bench_roll_back(&bench);
    bring_back(&bench, second);
    assert_int_equal(bench_count_of(&bench, EFFECT_APPEND), 0);
    assert_int_equal(bench_held(&bench, BENCH_BB), 0);
    done(&bench, chain);
}

static void lose(bench_t *bench, core_link_t link)
{
    event_t down = {.type = EVENT_LINK_DOWN, .link = link};
    down.as.link_down.reason = ERR_DISCONNECTED;
    bench_step(bench, &down);
}

// What a session brought before it was lost is as good as any.
static void a_lost_session_leaves_its_runs(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    prepared_t *first = bring_aside(&bench, fetch, chain, 1, false);
    prepared_t *second = bring_aside(&bench, fetch, chain + 1, 1, false);
    prepared_t *third = bring_aside(&bench, fetch, chain + 3, 1, false); // number 3 is missing
    prepared_t *nope = refuse_fetch(&bench, fetch, ERR_BUSY);
    lose(&bench, LINK);
    bring_back(&bench, first);
    bring_back(&bench, second);
    bring_back(&bench, third);
    bring_back(&bench, nope);
    bench_commit(&bench);
    assert_int_equal(bench_held(&bench, BENCH_BB), 2);
    assert_int_equal(bench_counted(&bench, ERR_OUT_OF_ORDER), 1);
    done(&bench, chain);
}

// What is not taken in of it is counted, as it would have been with its session there.
static void what_a_lost_session_leaves_in_vain_is_counted(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN], *other[BENCH_CHAIN];
    message_t end = {.type = MSG_RUN_PART};
    (void)state;
    uint32_t fetch = open_fetch(&bench, chain);
    bench_make_chain(&bench, BENCH_DD, other); // a feed that was never heard of
    prepared_t *first = bring_aside(&bench, fetch, chain, 1, false);
    prepared_t *again = bring_aside(&bench, fetch, chain, 1, false);
    prepared_t *alien = bring_aside(&bench, fetch, other, 1, false);
    prepared_t *noise = bring_aside(&bench, fetch, chain + 1, 1, false);
    noise->bytes.size = 1; // a tag, and nothing behind it
    prepared_t *late = bring_aside(&bench, fetch, chain + 1, 1, false);
    end.as.run_part.fetch = fetch;
    end.as.run_part.last = end.as.run_part.end = true;
    bench_say(&bench, LINK, &end);
    prepared_t *empty = take_out(&bench);
    lose(&bench, LINK);
    bring_back(&bench, first);
    bring_back(&bench, empty);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 0);
    bring_back(&bench, again);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 1);
    bring_back(&bench, alien);
    assert_int_equal(bench_counted(&bench, ERR_UNEXPECTED), 1);
    bring_back(&bench, noise);
    assert_int_equal(bench_counted(&bench, ERR_TRUNCATED), 1);
    bench_roll_back(&bench); // and with it the first
    bring_back(&bench, late);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 2);
    assert_int_equal(bench_held(&bench, BENCH_BB), 0);
    bench_free_chain(other);
    done(&bench, chain);
}

// L4: one that sends what is held, a run always being prepared, is left for another.
static void what_is_always_aside_is_no_progress(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    bench_open_aside(&bench, LINK);
    nonce_t cc = bench.session;
    bench_make_chain(&bench, BENCH_DD, chain);
    uint32_t fetch = bench_claim(&bench, LINK, BENCH_DD, BENCH_CHAIN);
    bring_back(&bench, bring_aside(&bench, fetch, chain, 1, false));
    bench_commit(&bench);
    bench_greet(&bench, LINK + 1, BENCH_BB);
    assert_int_equal(bench_claim(&bench, LINK + 1, BENCH_DD, BENCH_CHAIN), BENCH_NO_FETCH);
    bench.session = cc;
    uint64_t began_ms = bench.now_ms;
    prepared_t *waits = bring_aside(&bench, fetch, chain, 1, false);
    while (bench_counted(&bench, ERR_STALLED) == 0 && bench.now_ms < began_ms + 60000) {
        bench.now_ms += 400;
        prepared_t *next = bring_aside(&bench, fetch, chain, 1, false);
        bench.now_ms += 500;
        prepared_t *last = bring_aside(&bench, fetch, chain, 1, false);
        bring_back(&bench, waits);
        bring_back(&bench, next);
        waits = last;
        bench_pass(&bench, 100);
    }
    assert_int_equal(bench_counted(&bench, ERR_STALLED), 1);
    assert_true(bench.now_ms > began_ms + 10000 && bench.now_ms <= began_ms + 12000);
    bring_back(&bench, waits);
    done(&bench, chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_taken_in_when_they_come_back),
        cmocka_unit_test(what_does_not_hold_is_refused),
        cmocka_unit_test(a_refusal_waits_behind_runs),
        cmocka_unit_test(an_empty_run_waits_behind_runs),
        cmocka_unit_test(runs_of_an_ended_fetch_are_dropped),
        cmocka_unit_test(a_turn_taken_back_ends_what_is_prepared),
        cmocka_unit_test(a_lost_session_leaves_its_runs),
        cmocka_unit_test(what_a_lost_session_leaves_in_vain_is_counted),
        cmocka_unit_test(what_is_always_aside_is_no_progress),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core aside", tests, NULL, NULL);
}
