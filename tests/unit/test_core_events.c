// Events that the stories of tests/sim do not bring about, one by one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_feeds.h"

enum { LINK = 7 };

static void who_stops_takes_leave_of_those_in_session(void **state)
{
    bench_t bench;
    message_t bye;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    event_t up = {.type = EVENT_LINK_UP, .link = LINK + 1}; // has said nothing yet
    up.as.link_up.key = bench.cards[BENCH_CC]->transport_key;
    bench_step(&bench, &up);
    bench_step(&bench, &(event_t){.type = EVENT_STOPPING});
    assert_int_equal(bench_count_of(&bench, EFFECT_SEND), 1);
    assert_int_equal(bench_effect(&bench, EFFECT_SEND)->link, LINK);
    assert_true(bench_sent(&bench, MSG_BYE, &bye));
    assert_int_equal(bye.as.bye.reason, ERR_STOPPING);
    message_clear(&bye);
    bench_close(&bench);
}

// Whoever goes on bringing payloads keeps nobody from looking for those that are missing.
static void payloads_are_looked_for_all_the_same(void **state)
{
    bench_t bench;
    size_t looks = 0;
    (void)state;
    bench_open_holding(&bench, BENCH_AA, 3);
    bench_greet(&bench, LINK, BENCH_BB);
    message_t found = {.type = MSG_PAYLOAD_FOUND};
    found.as.payload.fetch = 1;
    found.as.payload.feed = bench_feed(&bench, BENCH_AA);
    found.as.payload.number = 2;
    found.as.payload.state = PAYLOAD_PRESENT;
    found.as.payload.body = span_text("of no commitment here");
    bench_pass(&bench, 1000);
    assert_int_equal(bench_count_of(&bench, EFFECT_FIND_MISSING), 1);
    for (int i = 0; i < 100; i++) {
        bench_say(&bench, LINK, &found);
        assert_int_equal(bench_count_of(&bench, EFFECT_FILL_PAYLOAD), 1);
        bench_pass(&bench, 100);
        looks += bench_count_of(&bench, EFFECT_FIND_MISSING);
    }
    assert_true(looks > 1 && looks <= 50); // in ten seconds, 200 ms apart
    bench_close(&bench);
}

// ---- what is loaded and taken back ----

// What a store holds of a feed that nobody may have any more is left where it is.
static void feeds_of_nobody_are_not_loaded(void **state)
{
    bench_t bench;
    status_t status;
    core_feed_t feeds[2] = {{.head = {.number = 3}}, {.head = {.number = 4}}};
    (void)state;
    bench_open(&bench, NULL, 0, NULL, 0);
    feeds[0].head.feed = (feed_t){{{9}}, 1, LANE_COALITION};
    feeds[1].head.feed = bench_feed(&bench, BENCH_CC);
    bench_close(&bench);
    bench_open(&bench, NULL, 0, feeds, 2);
    core_status(bench.core, bench.now_ms, &status);
    uint64_t held = 0;
    for (size_t i = 0; i < status.feed_count; i++)
        held += status.feeds[i].number;
    assert_int_equal(held, 4);
    status_clear(&status);
    bench_close(&bench);
}

// What the disk did not take is as if it had never come, and comes again.
static void a_turn_that_is_taken_back(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_make_chain(&bench, BENCH_CC, chain);
    bench_publish(&bench, LINK, chain[0]);
    assert_int_equal(bench_held(&bench, BENCH_CC), 1);
    bench_roll_back(&bench);
    assert_int_equal(bench_held(&bench, BENCH_CC), 0);
    assert_int_equal(bench_counted(&bench, ERR_DISK_FULL), 1);
    bench.now_ms += 6000; // the disk is not stormed
    bench_publish(&bench, LINK, chain[0]);
    bench_commit(&bench);
    assert_int_equal(bench_held(&bench, BENCH_CC), 1);
    bench_roll_back(&bench); // nothing of that turn was this feed's
    assert_int_equal(bench_held(&bench, BENCH_CC), 1);
    bench_free_chain(chain);
    bench_close(&bench);
}

// ---- what is published of what came ----

// BB brings CC's first change. Whether it is published whole, and not as its head.
static bool published_whole(bool dd_is_here, bool dd_holds_it)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    publication_t publication;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    nonce_t bb = bench.session;
    bench_make_chain(&bench, BENCH_CC, chain);
    head_t head = bench_head_of(chain[0]);
    uint32_t fetch = bench_claim(&bench, LINK, BENCH_CC, 1);
    if (dd_is_here)
        bench_greet(&bench, LINK + 1, BENCH_DD);
    if (dd_holds_it)
        bench_tell(&bench, LINK + 1, &head);
    bench.session = bb;
    bench_bring(&bench, LINK, fetch, chain, 1, true);
    const effect_t *effect = bench_effect(&bench, EFFECT_PUBLISH);
    assert_non_null(effect);
    assert_int_equal(publication_decode(span_of(bench.charter->hash.bytes, TOPIC_SIZE),
                                        buf_span(&effect->bytes), &bench.charter->hash,
                                        &publication, NULL),
                     ERR_OK);
    bool whole = publication.type == PUB_RUN;
    if (!whole)
        assert_true(publication.type == PUB_HEAD && publication.head.number == 1 &&
                    hash_equal(&publication.head.hash, &head.hash));
    publication_clear(&publication);
    bench_free_chain(chain);
    bench_close(&bench);
    return whole;
}

// Where nobody lacks it, its head tells who brought it that it is held.
static void whole_commits_are_published_for_who_lacks_them(void **state)
{
    (void)state;
    assert_false(published_whole(false, false));
    assert_true(published_whole(true, false));
    assert_false(published_whole(true, true));
}

// ---- who speaks without end ----

// How often the last step published it.
static size_t relayed(const bench_t *bench, const beacon_t *beacon)
{
    buf_t publication = publication_of_beacon(buf_span(&beacon->signed_form));
    size_t count = 0;
    for (size_t i = 0; i < bench->effects.count; i++) {
        const effect_t *effect = &bench->effects.items[i];
        count += effect->type == EFFECT_PUBLISH &&
                 span_equal(buf_span(&effect->bytes), buf_span(&publication));
    }
    buf_free(&publication);
    return count;
}

// Four in a second are passed on; of what comes beyond them the newest, in the next.
static void beacons_without_end_do_not_fill_the_lines(void **state)
{
    bench_t bench;
    beacon_t *beacons[10];
    size_t passed_on = 0;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    for (size_t i = 0; i < 10; i++) {
        beacons[i] = bench_beacon_of_bb(&bench, 1, bench.now_ms + i + 1);
        bench_offer(&bench, LINK, MSG_BEACONS, buf_copy(buf_span(&beacons[i]->signed_form)));
        passed_on += relayed(&bench, beacons[i]);
    }
    assert_int_equal(passed_on, 4);
    bench_commit(&bench);
    bench_pass(&bench, 900);
    assert_int_equal(relayed(&bench, beacons[9]), 0);
    assert_true(core_wake_ms(bench.core) <= bench.now_ms + 100); // not at the next tick
    bench_pass(&bench, 100);
    assert_int_equal(relayed(&bench, beacons[8]), 0);
    assert_int_equal(relayed(&bench, beacons[9]), 1);
    bench_pass(&bench, 1000);
    assert_int_equal(relayed(&bench, beacons[9]), 0);
    for (size_t i = 0; i < 10; i++)
        beacon_destroy(&beacons[i]);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_stops_takes_leave_of_those_in_session),
        cmocka_unit_test(payloads_are_looked_for_all_the_same),
        cmocka_unit_test(feeds_of_nobody_are_not_loaded),
        cmocka_unit_test(a_turn_that_is_taken_back),
        cmocka_unit_test(whole_commits_are_published_for_who_lacks_them),
        cmocka_unit_test(beacons_without_end_do_not_fill_the_lines),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core events", tests, NULL, NULL);
}
