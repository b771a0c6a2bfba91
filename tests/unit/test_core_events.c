// Events that the stories of tests/sim do not bring about, one by one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/unit/core_feeds.h"
#include "tests/unit/protocol_samples.h"

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

// Questions that cost a look into the log are answered so many times a second.
static void questions_have_a_bound(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_holding(&bench, BENCH_AA, 3);
    bench_greet(&bench, LINK, BENCH_BB);
    message_t ask = {.type = MSG_FETCH_PAYLOAD};
    ask.as.payload.feed = bench_feed(&bench, BENCH_AA);
    ask.as.payload.number = 2;
    size_t answered = 0;
    while (bench_counted(&bench, ERR_BUSY) == 0) {
        ask.as.payload.fetch = (uint32_t)++answered;
        assert_true(answered < 10000);
        bench_say(&bench, LINK, &ask);
    }
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_PAYLOAD), 0);
    bench.now_ms += 1000;
    bench_say(&bench, LINK, &ask);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_PAYLOAD), 1);
    bench_close(&bench);
}

static void fetches_have_a_bound(void **state)
{
    bench_t bench;
    message_t nope;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    message_t fetch = bench_fetch_of(&bench, BENCH_AA, 0);
    for (uint32_t i = 1; i <= 4096; i++) { // docs/protocol.md, section 2
        fetch.as.fetch.fetch = i;
        bench_say(&bench, LINK, &fetch);
        assert_false(bench_sent(&bench, MSG_NOPE, &nope));
    }
    fetch.as.fetch.fetch = 4097;
    bench_say(&bench, LINK, &fetch);
    assert_true(bench_sent(&bench, MSG_NOPE, &nope));
    assert_int_equal(nope.as.nope.fetch, 4097);
    assert_int_equal(nope.as.nope.reason, ERR_BUSY);
    message_clear(&nope);
    bench_close(&bench);
}

// What was read for a link that has gone is nobody's.
static void answers_for_a_link_that_is_gone(void **state)
{
    bench_t bench;
    event_t run = {.type = EVENT_RUN_READ, .link = 99}, payload = {.type = EVENT_PAYLOAD_READ};
    (void)state;
    bench_open(&bench, NULL, 0, NULL, 0);
    run.as.run_read.feed = bench_feed(&bench, BENCH_AA);
    bench_step(&bench, &run);
    assert_int_equal(bench.effects.count, 0);
    static const uint8_t salt[SALT_SIZE];
    payload.link = 99;
    payload.as.payload_read.feed = run.as.run_read.feed;
    payload.as.payload_read.state = PAYLOAD_MISSING;
    payload.as.payload_read.salt = salt;
    bench_step(&bench, &payload);
    assert_int_equal(bench.effects.count, 0);
    bench_close(&bench);
}

// ---- membership ----

static void cards_of_strangers_are_refused(void **state)
{
    bench_t bench;
    card_t *stranger = sample_card("EE", 5);
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(stranger));
    assert_int_equal(bench_counted(&bench, ERR_UNKNOWN_ORIGIN), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_CARD), 0);
    card_destroy(&stranger);
    bench_close(&bench);
}

static void a_card_comes_after_the_one_before(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    card_t *second = bench_next_card(&bench, BENCH_BB);
    card_t *third = sample_card_after(second, 2);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(third));
    assert_int_equal(bench_counted(&bench, ERR_OUT_OF_ORDER), 1);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(second));
    assert_int_equal(bench_count_of(&bench, EFFECT_CARD), 1);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(third));
    assert_int_equal(bench_count_of(&bench, EFFECT_CARD), 1);
    card_destroy(&second);
    card_destroy(&third);
    bench_close(&bench);
}

// A former member's cards are still taken: what it signed needs them.
static void cards_of_former_members_are_kept(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    bench_remove(&bench, BENCH_DD, LINK, 0, NULL);
    card_t *second = bench_next_card(&bench, BENCH_DD);
    card_t *renamed = card_copy(second);
    code_parse("ZZ", &renamed->code);
    bench_sign_card(renamed, BENCH_DD);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(renamed));
    assert_int_equal(bench_counted(&bench, ERR_BAD_CARD), 1);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(second));
    assert_int_equal(bench_count_of(&bench, EFFECT_CARD), 1);
    card_destroy(&renamed);
    card_destroy(&second);
    bench_close(&bench);
}

// Another charter is another coalition; the same roster again is nothing new.
static void another_charter_is_another_coalition(void **state)
{
    bench_t bench;
    roster_t *other = sample_charter(BENCH_MEMBERS, 3);
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    bench_offer(&bench, LINK, MSG_ROSTERS, roster_encode(other));
    assert_int_equal(bench_counted(&bench, ERR_WRONG_COALITION), 1);
    bench_offer(&bench, LINK, MSG_ROSTERS, roster_encode(bench.charter));
    assert_int_equal(bench_count_of(&bench, EFFECT_ROSTER), 0);
    assert_int_equal(core_roster(bench.core)->version, 1);
    roster_destroy(&other);
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

// ---- many of a thing ----

static size_t sent_of(const bench_t *bench, message_type_t type, size_t most)
{
    size_t items = 0;
    for (size_t i = 0; i < bench->effects.count; i++) {
        message_t message;
        if (bench->effects.items[i].type != EFFECT_SEND)
            continue;
        assert_int_equal(message_decode(buf_span(&bench->effects.items[i].bytes), &message, NULL),
                         ERR_OK);
        if (message.type == type) {
            size_t count =
                type == MSG_CARDS ? message.as.signed_items.count : message.as.heads.count;
            assert_true(count <= most);
            items += count;
        }
        message_clear(&message);
    }
    return items;
}

// A newcomer is told of everything, in messages that are within their bounds.
static void all_is_told_within_bounds(void **state)
{
    enum { EPOCHS = 530 };
    bench_t bench;
    (void)state;
    bench_open_epochs(&bench, EPOCHS);
    bench_greet(&bench, LINK, BENCH_CC); // who knows card 1 of everybody
    assert_int_equal(sent_of(&bench, MSG_CARDS, MESSAGE_CARDS_MAX), EPOCHS - 1);
    size_t heads = sent_of(&bench, MSG_HEADS, MESSAGE_HEADS_MAX);
    bench_commit(&bench);
    heads += sent_of(&bench, MSG_HEADS, MESSAGE_HEADS_MAX);
    assert_int_equal(heads, EPOCHS);
    bench_close(&bench);
}

// ---- its own ----

// Credit is the session's: a fetch that is refused has brought it all the same.
static void credit_of_a_refused_fetch_counts(void **state)
{
    bench_t bench;
    message_t nope;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    assert_int_equal(bench_append(&bench, span_text("body")), 1);
    bench_commit(&bench);
    message_t fetch = bench_fetch_of(&bench, BENCH_AA, 1);
    fetch.as.fetch.feed.epoch = 9;
    fetch.as.fetch.credit_limit = 8192;
    bench_say(&bench, LINK, &fetch);
    assert_true(bench_sent(&bench, MSG_NOPE, &nope));
    assert_int_equal(nope.as.nope.reason, ERR_UNKNOWN_FEED);
    message_clear(&nope);
    fetch.as.fetch.fetch = 2;
    fetch.as.fetch.feed.epoch = 1;
    fetch.as.fetch.credit_limit = 0; // no more than was said
    bench_say(&bench, LINK, &fetch);
    bench_commit(&bench);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_RUN), 1);
    bench_close(&bench);
}

// A fetch that is ended while its run is on the way: no more of it is sent.
static void a_fetch_may_end_while_it_is_served(void **state)
{
    static const uint8_t body[30000];
    bench_t bench;
    message_t part;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    assert_int_equal(bench_append(&bench, span_of(body, sizeof body)), 1);
    commit_t *commit = commit_copy(bench_effect(&bench, EFFECT_APPEND)->commit);
    bench_commit(&bench);
    message_t fetch = bench_fetch_of(&bench, BENCH_AA, 3);
    message_t end = {.type = MSG_END_FETCH}, ack = {.type = MSG_ACK};
    end.as.end_fetch.fetch = 3;
    fetch.as.fetch.credit_limit = 8192;
    bench_fetch_read(&bench, LINK, &fetch, commit);
    assert_true(bench_sent(&bench, MSG_RUN_PART, &part)); // as much as credit lets it
    assert_false(part.as.run_part.last);
    message_clear(&part);
    bench_say(&bench, LINK, &end);
    ack.as.heads.has_credit = true;
    ack.as.heads.credit_limit = 100000;
    bench_say(&bench, LINK, &ack);
    bench_commit(&bench);
    assert_false(bench_sent(&bench, MSG_RUN_PART, &part));
    bench_pass(&bench, 100);
    assert_int_equal(bench_count_of(&bench, EFFECT_READ_RUN), 0);
    commit_destroy(&commit);
    bench_close(&bench);
}

// A roster that the disk did not take opens nothing: its newcomer's card is a stranger's.
static void a_newcomer_goes_with_the_turn(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    roster_t *larger = sample_charter(BENCH_MEMBERS + 1, 2);
    roster_t *next = sample_roster_after(bench.charter);
    card_t *newcomer = sample_card("EE", 5);
    next->members = mem_resize(next->members, (BENCH_MEMBERS + 1) * sizeof *next->members);
    next->members[next->member_count++] = larger->members[BENCH_MEMBERS];
    bench_seal_roster(&bench, next, BENCH_AA, BENCH_BB);
    bench_offer(&bench, LINK, MSG_ROSTERS, roster_encode(next));
    assert_int_equal(core_roster(bench.core)->version, 2);
    bench_roll_back(&bench);
    assert_int_equal(core_roster(bench.core)->version, 1);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(newcomer));
    assert_int_equal(bench_counted(&bench, ERR_UNKNOWN_ORIGIN), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_CARD), 0);
    card_destroy(&newcomer);
    roster_destroy(&larger);
    roster_destroy(&next);
    bench_close(&bench);
}

// ---- who speaks without end ----

static beacon_t *beacon_of_bb(const bench_t *bench, uint64_t sequence)
{
    beacon_t *beacon = mem_alloc(sizeof *beacon);
    beacon->origin = bench->cards[BENCH_BB]->origin;
    beacon->coalition = bench->charter->hash;
    beacon->card_number = 1;
    beacon->sequence = sequence;
    beacon_sign(beacon, bench->signing[BENCH_BB]);
    return beacon;
}

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
        beacons[i] = beacon_of_bb(&bench, bench.now_ms + i + 1);
        bench_offer(&bench, LINK, MSG_BEACONS, buf_copy(buf_span(&beacons[i]->signed_form)));
        passed_on += relayed(&bench, beacons[i]);
    }
    assert_int_equal(passed_on, 4);
    bench_commit(&bench);
    bench_pass(&bench, 1000);
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
        cmocka_unit_test(questions_have_a_bound),
        cmocka_unit_test(payloads_are_looked_for_all_the_same),
        cmocka_unit_test(fetches_have_a_bound),
        cmocka_unit_test(answers_for_a_link_that_is_gone),
        cmocka_unit_test(cards_of_strangers_are_refused),
        cmocka_unit_test(a_card_comes_after_the_one_before),
        cmocka_unit_test(cards_of_former_members_are_kept),
        cmocka_unit_test(another_charter_is_another_coalition),
        cmocka_unit_test(feeds_of_nobody_are_not_loaded),
        cmocka_unit_test(all_is_told_within_bounds),
        cmocka_unit_test(credit_of_a_refused_fetch_counts),
        cmocka_unit_test(a_fetch_may_end_while_it_is_served),
        cmocka_unit_test(a_newcomer_goes_with_the_turn),
        cmocka_unit_test(beacons_without_end_do_not_fill_the_lines),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core events", tests, NULL, NULL);
}
