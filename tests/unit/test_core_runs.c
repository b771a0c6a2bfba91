// Runs as a hostile or unlucky source brings them, and when it is left for another, on
// one core.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core_feeds.h"

enum { LINK = 7 };

// What waited for a gap to be closed is looked at then as anything else that comes.
static void what_waited_is_looked_at_too(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_make_chain(&bench, BENCH_BB, chain);
    head_t wrong = {bench_feed(&bench, BENCH_BB), 1, {{5}}};
    commit_t *broken = bench_commit_after(&bench, BENCH_BB, &wrong, "x");
    broken->has_signature = true;
    bench_publish(&bench, LINK, broken); // number 2, after another number 1
    assert_int_equal(bench_held(&bench, BENCH_BB), 0);
    uint32_t fetch = bench_claim(&bench, LINK, BENCH_BB, 2);
    if (!fetch)
        fetch = 1; // opened by the publication itself
    bench_bring(&bench, LINK, fetch, chain, 1, true);
    bench_commit(&bench);
    // It is signed, and contradicts what came: the feed stops where it is.
    assert_int_equal(bench_held(&bench, BENCH_BB), 1);
    assert_true(bench_counted(&bench, ERR_DIVERGED) + bench_counted(&bench, ERR_FORK) +
                    bench_counted(&bench, ERR_BROKEN_CHAIN) >
                0);
    commit_destroy(&broken);
    bench_free_chain(chain);
    bench_close(&bench);
}

// 256 KiB may wait. What was among them and is no more leaves its room to others.
static void what_was_refused_waits_no_more(void **state)
{
    enum { BODY = 15000, LAST = 19 }; // 17 of them may wait
    bench_t bench;
    commit_t *chain[LAST];
    static char body[BODY + 1];
    (void)state;
    bench_open_connected(&bench, LINK);
    memset(body, 'x', BODY);
    head_t head = bench_start(&bench, BENCH_BB);
    for (size_t i = 0; i < LAST; i++) {
        // Those that come in runs are within the first credit.
        chain[i] = bench_commit_after(&bench, BENCH_BB, &head, i < 2 ? "x" : body);
        head = bench_head_of(chain[i]);
    }
    head = bench_head_of(chain[0]);
    commit_t *forged = bench_commit_after(&bench, BENCH_BB, &head, body);
    forged->signature.bytes[5] ^= 1;
    uint32_t fetch = bench_claim(&bench, LINK, BENCH_BB, LAST);
    bench_publish(&bench, LINK, forged);
    for (size_t i = 2; i < LAST - 1; i++)
        bench_publish(&bench, LINK, chain[i]);
    bench_bring(&bench, LINK, fetch, chain, 1, false);
    assert_int_equal(bench_counted(&bench, ERR_BAD_SIGNATURE), 1);
    assert_int_equal(bench_held(&bench, BENCH_BB), 1);
    bench_publish(&bench, LINK, chain[LAST - 1]); // the 17th
    bench_bring(&bench, LINK, fetch, chain + 1, 1, false);
    assert_int_equal(bench_held(&bench, BENCH_BB), LAST);
    for (size_t i = 0; i < LAST; i++)
        commit_destroy(&chain[i]);
    commit_destroy(&forged);
    bench_close(&bench);
}

// BB was removed with a cut at number 3 that its chain does not meet: what a run
// brings before it is taken as far as a signature of its own vouches for it.
static void before_a_cut_a_signature_vouches(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_make_chain(&bench, BENCH_BB, chain);
    bench_remove(&bench, BENCH_BB, LINK, 3, &(hash_t){{0xcc}});
    uint32_t fetch = bench_claim(&bench, LINK, BENCH_BB, 3);
    assert_int_not_equal(fetch, BENCH_NO_FETCH);
    chain[1]->has_signature = chain[2]->has_signature = false;
    bench_bring(&bench, LINK, fetch, chain, 4, true);
    assert_int_equal(bench_held(&bench, BENCH_BB), 1); // not 2, which nobody vouches for
    assert_int_equal(bench_counted(&bench, ERR_BEYOND_CUT), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_APPEND), 1);
    bench_free_chain(chain);
    bench_close(&bench);
}

// A run whose last part never comes, sent as fast as credit lets it.
static void a_run_that_never_ends_is_given_up(void **state)
{
    static const uint8_t bytes[PART_BYTES_MAX];
    bench_t bench;
    uint64_t limit = 8192, sent = 0;
    (void)state;
    bench_open_connected(&bench, LINK);
    uint32_t fetch = bench_claim(&bench, LINK, BENCH_BB, 100000);
    assert_int_not_equal(fetch, BENCH_NO_FETCH);
    for (uint32_t index = 0; bench_counted(&bench, ERR_TOO_BIG) == 0; index++) {
        message_t part = {.type = MSG_RUN_PART}, ack;
        assert_true(index < 1000);
        part.as.run_part.fetch = fetch;
        part.as.run_part.index = index;
        uint64_t room = limit - sent < 128 + PART_BYTES_MAX ? limit - sent - 128 : PART_BYTES_MAX;
        assert_true(limit > sent + 1024);
        part.as.run_part.bytes = span_of(bytes, (size_t)room);
        sent += room + 128;
        bench.now_ms += 5;
        bench_say(&bench, LINK, &part);
        if (bench_counted(&bench, ERR_TOO_BIG))
            break;
        bench_commit(&bench);
        if (bench_sent(&bench, MSG_ACK, &ack)) {
            limit = ack.as.heads.credit_limit;
            message_clear(&ack);
        }
    }
    assert_int_equal(bench_counted(&bench, ERR_OVER_CREDIT), 0);
    assert_true(sent > RUN_BYTES_MAX && sent < 2 * RUN_BYTES_MAX);
    assert_int_equal(bench_held(&bench, BENCH_BB), 0);
    bench_close(&bench);
}

// Whoever goes on with a fetch that was ended would have the line for itself: what was
// on its way is dropped, what was sent after it ends the session.
static void parts_of_an_ended_fetch_have_an_end(void **state)
{
    static const uint8_t bytes[8000];
    bench_t bench;
    message_t part = {.type = MSG_RUN_PART}, ended, ack;
    (void)state;
    bench_open_connected(&bench, LINK);
    part.as.run_part.fetch = bench_claim(&bench, LINK, BENCH_BB, 100000);
    part.as.run_part.bytes = span_of(bytes, sizeof bytes);
    bench.now_ms += 9000; // so slow that the window does not grow
    bench_say(&bench, LINK, &part);
    bench_pass(&bench, 11000);
    assert_int_equal(bench_counted(&bench, ERR_STALLED), 1);
    assert_true(bench_sent(&bench, MSG_END_FETCH, &ended));
    assert_int_equal(ended.as.end_fetch.fetch, part.as.run_part.fetch);
    part.as.run_part.index = 1;
    bench_say(&bench, LINK, &part); // 16,256 of the 16,320 that were granted by then
    bench_commit(&bench);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 1);
    assert_true(bench_sent(&bench, MSG_ACK, &ack));
    assert_true(ack.as.heads.credit_limit >= 8128 * 3); // for the fetches to come
    assert_int_equal(bench_counted(&bench, ERR_OVER_CREDIT), 0);
    part.as.run_part.index = 2;
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_counted(&bench, ERR_OVER_CREDIT), 1);
    assert_non_null(bench_effect(&bench, EFFECT_CLOSE));
    message_clear(&ended);
    message_clear(&ack);
    bench_close(&bench);
}

// Nothing was told to end yet: the first credit bears what nobody asked for.
static void parts_of_no_fetch_are_dropped(void **state)
{
    static const uint8_t bytes[8000];
    bench_t bench;
    message_t part = {.type = MSG_RUN_PART};
    (void)state;
    bench_open_connected(&bench, LINK);
    part.as.run_part.fetch = 99;
    part.as.run_part.bytes = span_of(bytes, sizeof bytes);
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 1);
    assert_null(bench_effect(&bench, EFFECT_CLOSE));
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_counted(&bench, ERR_OVER_CREDIT), 1);
    assert_non_null(bench_effect(&bench, EFFECT_CLOSE));
    bench_close(&bench);
}

// Asked what it holds where its head is another, it has changed its mind and sends all
// that it has: nobody follows that fetch, so it is ended.
static void a_probe_that_brings_runs_is_ended(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    message_t fetch, ended;
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_hold_first(&bench, LINK, BENCH_BB, chain);
    uint32_t first = bench_claim(&bench, LINK, BENCH_BB, 1); // of another number 1
    assert_true(bench_sent(&bench, MSG_FETCH, &fetch));
    assert_true(fetch.as.fetch.headers_only);
    bench.now_ms += 15000; // when it may be asked again
    uint32_t probe = bench_claim(&bench, LINK, BENCH_BB, 1);
    assert_true(probe != BENCH_NO_FETCH && probe != first);
    assert_true(bench_sent(&bench, MSG_END_FETCH, &ended)); // one probe at a time
    assert_int_equal(ended.as.end_fetch.fetch, first);
    message_clear(&ended);
    bench_bring(&bench, LINK, probe, chain + 1, 1, false);
    assert_true(bench_sent(&bench, MSG_END_FETCH, &ended));
    assert_int_equal(ended.as.end_fetch.fetch, probe);
    assert_int_equal(bench_held(&bench, BENCH_BB), 1);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 1);
    message_clear(&ended);
    bench_bring(&bench, LINK, probe, chain + 2, 1, true); // was on its way
    assert_int_equal(bench_counted(&bench, ERR_STALE), 2);
    assert_false(bench_sent(&bench, MSG_END_FETCH, &ended)); // that was said
    assert_null(bench_effect(&bench, EFFECT_CLOSE));
    message_clear(&fetch);
    bench_free_chain(chain);
    bench_close(&bench);
}

// ---- when a source is left ----

// Connected both ways, the way that we dialled brings publications: nothing stands on the other.
static void two_ways_to_one_peer(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    message_t fetch;
    (void)state;
    bench_open_connected(&bench, LINK);
    nonce_t dialled = bench.session;
    bench_greet(&bench, LINK + 1, BENCH_CC);
    nonce_t came = bench.session;
    bench_make_chain(&bench, BENCH_CC, chain);
    uint32_t opened = bench_claim(&bench, LINK + 1, BENCH_CC, 4);
    assert_int_not_equal(opened, BENCH_NO_FETCH);
    bench.session = dialled;
    // One source at a time.
    assert_int_equal(bench_claim(&bench, LINK, BENCH_CC, 4), BENCH_NO_FETCH);
    bench.session = came;
    bench_bring(&bench, LINK + 1, opened, chain, 2, true);
    assert_int_equal(bench_held(&bench, BENCH_CC), 2);
    // It said that this was all, and had claimed four: the other way is tried.
    assert_true(bench_sent(&bench, MSG_FETCH, &fetch));
    assert_true(memcmp(fetch.session.bytes, dialled.bytes, NONCE_SIZE) == 0);
    assert_false(fetch.as.fetch.standing);
    assert_int_equal(fetch.as.fetch.after, 2);
    message_clear(&fetch);
    bench_free_chain(chain);
    bench_close(&bench);
}

// A source that brings other things may take its time, unless somebody else could.
static void a_slow_source_is_left_where_there_is_another(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    message_t fetch;
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_make_chain(&bench, BENCH_BB, chain);
    nonce_t cc = bench.session;
    uint32_t of_bb = bench_claim(&bench, LINK, BENCH_BB, 4);
    uint32_t of_dd = bench_claim(&bench, LINK, BENCH_DD, 4);
    assert_true(of_bb != BENCH_NO_FETCH && of_dd != BENCH_NO_FETCH);
    bench.now_ms += 9000;
    bench_bring(&bench, LINK, of_bb, chain, 1, false);
    bench_commit(&bench);
    bench_pass(&bench, 2000); // nobody else: it may
    assert_int_equal(bench_counted(&bench, ERR_STALLED), 0);
    bench_greet(&bench, LINK + 1, BENCH_BB);
    assert_int_equal(bench_claim(&bench, LINK + 1, BENCH_DD, 4), BENCH_NO_FETCH);
    nonce_t bb = bench.session;
    bench.session = cc;
    bench_pass(&bench, 3000);
    assert_true(bench_sent(&bench, MSG_FETCH, &fetch));
    assert_true(memcmp(fetch.session.bytes, bb.bytes, NONCE_SIZE) == 0);
    message_clear(&fetch);
    bench_free_chain(chain);
    bench_close(&bench);
}

// Sends that again and again for two minutes; whom DD's feed is fetched from then.
static bool leaves_for_another(bool end)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    message_t fetch;
    bool left = false;
    bench_open(&bench, &bench_dial_cc, 1, NULL, 0);
    bench_make_chain(&bench, BENCH_DD, chain);
    bench_greet(&bench, LINK + 1, BENCH_BB);
    nonce_t bb = bench.session;
    bench_connect(&bench, LINK, BENCH_CC);
    nonce_t cc = bench.session;
    uint32_t opened = bench_claim(&bench, LINK, BENCH_DD, end ? 1 : 4);
    assert_int_not_equal(opened, BENCH_NO_FETCH);
    bench_bring(&bench, LINK, opened, chain, 1, end);
    bench_commit(&bench);
    opened = end ? bench_claim(&bench, LINK, BENCH_DD, 4) : opened;
    bench.session = bb;
    assert_int_equal(bench_claim(&bench, LINK + 1, BENCH_DD, 4), BENCH_NO_FETCH);
    bench.session = cc;
    for (int i = 0; i < 24 && !left; i++) {
        bench.now_ms += 4900;
        bench_bring(&bench, LINK, opened, chain, 1, false); // what is held here
        bench_commit(&bench);
        bench_pass(&bench, 100);
        left = bench_sent(&bench, MSG_FETCH, &fetch);
    }
    if (left) {
        assert_true(memcmp(fetch.session.bytes, bb.bytes, NONCE_SIZE) == 0);
        assert_int_equal(bench_counted(&bench, ERR_STALLED), 1);
        message_clear(&fetch);
    }
    bench_free_chain(chain);
    bench_close(&bench);
    return left;
}

// L4: a source that sends what is held already is as good as one that sends nothing.
static void what_brings_nothing_new_is_no_progress(void **state)
{
    (void)state;
    assert_true(leaves_for_another(false));
    assert_true(leaves_for_another(true)); // after a run to the end, and a new fetch
}

// Unless it was news when it was sent: it came as a publication while the run did.
static void what_was_published_meanwhile_is_progress(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    message_t part = {.type = MSG_RUN_PART};
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_make_chain(&bench, BENCH_DD, chain);
    nonce_t cc = bench.session;
    part.as.run_part.fetch = bench_claim(&bench, LINK, BENCH_DD, 4);
    bench_greet(&bench, LINK + 1, BENCH_BB);
    assert_int_equal(bench_claim(&bench, LINK + 1, BENCH_DD, 4), BENCH_NO_FETCH);
    bench.session = cc;
    bench.now_ms += 9000;
    buf_t run = run_encode(&chain[0]->feed, chain, 1);
    part.as.run_part.bytes = span_of(run.data, 1);
    bench_say(&bench, LINK, &part);
    bench_publish(&bench, LINK, chain[0]);
    assert_int_equal(bench_held(&bench, BENCH_DD), 1);
    part.as.run_part.index = 1;
    part.as.run_part.last = true;
    part.as.run_part.bytes = span_of(run.data + 1, run.size - 1);
    bench_say(&bench, LINK, &part);
    bench_commit(&bench);
    bench_pass(&bench, 2000); // BB has it, too
    assert_int_equal(bench_counted(&bench, ERR_STALLED), 0);
    buf_free(&run);
    bench_free_chain(chain);
    bench_close(&bench);
}

// L4: so is one that begins its run again and again; that is out of order.
static void a_run_begins_once(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_connected(&bench, LINK);
    uint32_t fetch = bench_claim(&bench, LINK, BENCH_BB, 4);
    message_t part = {.type = MSG_RUN_PART};
    part.as.run_part.fetch = fetch;
    part.as.run_part.bytes = span_text("x");
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_count_of(&bench, EFFECT_CLOSE), 0);
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_count_of(&bench, EFFECT_CLOSE), 1);
    assert_int_equal(bench_counted(&bench, ERR_BAD_PARTS), 1);
    bench_close(&bench);
}

// A source is asked for so many feeds at once. As some have come the next ones are asked
// for, and not only when the second is over.
static void what_waits_is_asked_for_as_room_comes(void **state)
{
    enum { EPOCHS = 40, AT_ONCE = 16, ROOM = AT_ONCE / 2 };
    uint32_t opened[EPOCHS], count = 0;
    bench_t bench;
    message_t message;
    (void)state;
    bench_open_epochs(&bench, &bench_dial_cc, 1, EPOCHS, false);
    bench_connect(&bench, LINK, BENCH_CC);
    for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
        feed_t feed = {bench.cards[BENCH_BB]->origin, epoch, LANE_COALITION};
        bench_tell(&bench, LINK, &(head_t){feed, 2, {{9}}});
        if (!bench_sent(&bench, MSG_FETCH, &message))
            continue;
        opened[count++] = message.as.fetch.fetch;
        message_clear(&message);
    }
    assert_int_equal(count, AT_ONCE);
    for (uint32_t i = 0; i < ROOM; i++) {
        assert_true(core_wake_ms(bench.core) > bench.now_ms);
        message = (message_t){.type = MSG_NOPE};
        message.as.nope.fetch = opened[i];
        message.as.nope.reason = ERR_BUSY;
        bench_say(&bench, LINK, &message);
    }
    assert_true(core_wake_ms(bench.core) <= bench.now_ms);
    bench_pass(&bench, 0);
    size_t place = 0, asked = 0;
    for (; (place = bench_next_sent(&bench, MSG_FETCH, place, &message)); asked++)
        message_clear(&message);
    assert_int_equal(asked, ROOM);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waited_is_looked_at_too),
        cmocka_unit_test(what_was_refused_waits_no_more),
        cmocka_unit_test(before_a_cut_a_signature_vouches),
        cmocka_unit_test(a_run_that_never_ends_is_given_up),
        cmocka_unit_test(parts_of_an_ended_fetch_have_an_end),
        cmocka_unit_test(parts_of_no_fetch_are_dropped),
        cmocka_unit_test(a_probe_that_brings_runs_is_ended),
        cmocka_unit_test(two_ways_to_one_peer),
        cmocka_unit_test(a_slow_source_is_left_where_there_is_another),
        cmocka_unit_test(what_brings_nothing_new_is_no_progress),
        cmocka_unit_test(what_was_published_meanwhile_is_progress),
        cmocka_unit_test(a_run_begins_once),
        cmocka_unit_test(what_waits_is_asked_for_as_room_comes),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core runs", tests, NULL, NULL);
}
