// "As before": what a node makes of the pulses of others, whom it asks for what it lacks,
// and when it gives one itself.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core_feeds.h"

enum { LINK = 7, OTHER = 8, MINUTE = 60000, GATHER = 10000, SEQUENCE = 1000 };

static const preimage_t top = {{1, 2, 3}};

// BB's word, with a chain that begins with `top`.
static beacon_t *word(const bench_t *bench, uint64_t sequence)
{
    beacon_t *beacon = bench_beacon_of_bb(bench, 1, sequence);
    beacon->anchor = pulse_preimage(beacon, &top, 0);
    beacon_sign(beacon, bench->signing[BENCH_BB]);
    return beacon;
}

static pulse_t pulse(const beacon_t *beacon, uint32_t step)
{
    return (pulse_t){beacon->origin, beacon->sequence, step, pulse_preimage(beacon, &top, step)};
}

// BB and CC dial in; what is said next is said in BB's session.
static void open_two(bench_t *bench, nonce_t sessions[2])
{
    bench_open_greeted(bench, LINK, BENCH_BB);
    sessions[0] = bench->session;
    bench_greet(bench, OTHER, BENCH_CC);
    sessions[1] = bench->session;
    bench->session = sessions[0];
}

static void say_beacon(bench_t *bench, core_link_t link, const beacon_t *beacon)
{
    bench_offer(bench, link, MSG_BEACONS, buf_copy(buf_span(&beacon->signed_form)));
}

static void say_pulses(bench_t *bench, core_link_t link, const pulse_t *pulses, size_t count)
{
    message_t message = {.type = MSG_BEACONS};
    message.as.signed_items.pulse_count = count;
    message.as.signed_items.pulses = pulses;
    bench_say(bench, link, &message);
}

static void say_pulse(bench_t *bench, core_link_t link, pulse_t one)
{
    say_pulses(bench, link, &one, 1);
}

// Time goes by, while the link is heard now and then: the last thing is a tick.
static void pass(bench_t *bench, uint64_t ms)
{
    message_t pong = {.type = MSG_PONG};
    for (; ms > GATHER; ms -= GATHER) {
        bench_pass(bench, GATHER);
        bench_say(bench, LINK, &pong);
    }
    bench_pass(bench, ms);
}

// How many beacons the last step asked for.
static size_t wanted(const bench_t *bench)
{
    message_t message;
    size_t count = 0;
    for (size_t i = 0; (i = bench_next_sent(bench, MSG_WANT_BEACONS, i, &message)) > 0;) {
        assert_true(message.as.want_beacons.count > 0);
        count += message.as.want_beacons.count;
        message_clear(&message);
    }
    return count;
}

// The beacons and pulses of an origin in what the last step published.
typedef struct {
    size_t publications, beacons, pulses;
    pulse_t last;
} published_t;

static published_t published(const bench_t *bench, const origin_t *origin)
{
    published_t found = {0};
    const hash_t *coalition = &bench->charter->hash;
    for (size_t i = 0; i < bench->effects.count; i++) {
        publication_t publication;
        fault_t fault;
        if (bench->effects.items[i].type != EFFECT_PUBLISH)
            continue;
        found.publications++;
        assert_int_equal(publication_decode(span_of(coalition->bytes, TOPIC_SIZE),
                                            buf_span(&bench->effects.items[i].bytes), coalition,
                                            &publication, &fault),
                         ERR_OK);
        for (size_t k = 0; k < publication.beacons.count; k++) {
            beacon_t *beacon = NULL;
            assert_int_equal(beacon_decode(publication.beacons.items[k], &beacon, &fault), ERR_OK);
            found.beacons += origin_equal(&beacon->origin, origin);
            beacon_destroy(&beacon);
        }
        for (size_t k = 0; k < publication.beacons.pulse_count; k++)
            if (origin_equal(&publication.beacons.pulses[k].origin, origin)) {
                found.pulses++;
                found.last = publication.beacons.pulses[k];
            }
        publication_clear(&publication);
    }
    return found;
}

static uint64_t age_of_bb(const bench_t *bench)
{
    status_t status;
    uint64_t age = 0;
    core_status(bench->core, bench->now_ms, &status);
    for (size_t i = 0; i < status.peer_count; i++)
        if (strcmp(status.peers[i].code.text, "BB") == 0)
            age = status.peers[i].beacon_age_ms;
    status_clear(&status);
    return age;
}

// ---- others' ----

static void a_pulse_is_a_word_and_goes_on_with_others(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    beacon_t *beacon = word(&bench, SEQUENCE);
    say_beacon(&bench, LINK, beacon);
    pass(&bench, 50000);
    assert_int_equal(age_of_bb(&bench), 50000);
    say_pulse(&bench, LINK, pulse(beacon, 1));
    assert_int_equal(age_of_bb(&bench), 0);
    assert_int_equal(wanted(&bench), 0);
    assert_int_equal(published(&bench, &beacon->origin).publications, 0); // not yet
    bench_pass(&bench, GATHER - 1);
    say_pulse(&bench, LINK, pulse(beacon, 2)); // takes the place of the first
    bench_pass(&bench, 1);
    published_t found = published(&bench, &beacon->origin);
    pulse_t second = pulse(beacon, 2);
    assert_int_equal(found.publications, 1);
    assert_int_equal(found.pulses, 1);
    assert_int_equal(found.last.step, 2);
    assert_memory_equal(found.last.preimage.bytes, second.preimage.bytes, PREIMAGE_SIZE);
    bench_pass(&bench, GATHER);
    assert_int_equal(published(&bench, &beacon->origin).pulses, 0); // once
    beacon_destroy(&beacon);
    bench_close(&bench);
}

static void what_is_not_the_authors_is_none(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    beacon_t *beacon = word(&bench, SEQUENCE);
    say_beacon(&bench, LINK, beacon);
    say_pulse(&bench, LINK, pulse(beacon, 5));
    pass(&bench, GATHER + 20000);
    pulse_t bad = pulse(beacon, 6);
    bad.preimage.bytes[3] ^= 1;
    say_pulse(&bench, LINK, bad);
    assert_int_equal(bench_counted(&bench, ERR_BAD_SIGNATURE), 1);
    say_pulse(&bench, LINK, pulse(beacon, 5)); // said already
    say_pulse(&bench, LINK, pulse(beacon, 4)); // whoever heard the fifth can make it
    pulse_t older = pulse(beacon, 7);
    older.sequence--;
    say_pulse(&bench, LINK, older);
    assert_int_equal(bench_counted(&bench, ERR_BAD_SIGNATURE), 1);
    pulse_t stranger = {.origin = {{9}}, .sequence = 1, .step = 1};
    say_pulse(&bench, LINK, stranger);
    assert_int_equal(bench_counted(&bench, ERR_UNKNOWN_ORIGIN), 1);
    assert_int_equal(wanted(&bench), 0);
    assert_int_equal(age_of_bb(&bench), GATHER + 20000);
    bench_pass(&bench, GATHER);
    assert_int_equal(published(&bench, &beacon->origin).pulses, 0);
    beacon_destroy(&beacon);
    bench_close(&bench);
}

// What a stolen key has signed goes with its card; so do its pulses.
static void a_new_card_ends_the_chain(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    beacon_t *beacon = word(&bench, SEQUENCE);
    say_beacon(&bench, LINK, beacon);
    say_pulse(&bench, LINK, pulse(beacon, 1));
    card_t *next = bench_next_card(&bench, BENCH_BB);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(next));
    bench_commit(&bench);
    bench_pass(&bench, GATHER);
    assert_int_equal(published(&bench, &beacon->origin).pulses, 0); // nor what waited
    assert_int_equal(age_of_bb(&bench), AGE_NEVER);
    say_pulse(&bench, LINK, pulse(beacon, 2));
    assert_int_equal(age_of_bb(&bench), AGE_NEVER);
    assert_int_equal(wanted(&bench), 1);
    card_destroy(&next);
    beacon_destroy(&beacon);
    bench_close(&bench);
}

// ---- what is not here ----

static void a_beacon_that_is_not_here_is_asked_for(void **state)
{
    bench_t bench;
    message_t want;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    beacon_t *beacon = word(&bench, SEQUENCE), *later = word(&bench, SEQUENCE + 1);
    say_beacon(&bench, LINK, beacon);
    pass(&bench, 30000);
    say_pulse(&bench, LINK, pulse(later, 3));
    assert_int_equal(age_of_bb(&bench), 30000); // it proves nothing
    assert_int_equal(bench_counted(&bench, ERR_LACKS_BEACON), 1);
    assert_true(bench_sent(&bench, MSG_WANT_BEACONS, &want));
    assert_int_equal(want.as.want_beacons.count, 1);
    assert_true(origin_equal(&want.as.want_beacons.origins[0], &later->origin));
    message_clear(&want);
    bench_pass(&bench, GATHER);
    assert_int_equal(published(&bench, &later->origin).pulses, 0);
    // The answer: the beacon, and with it the pulse.
    message_t answer = {.type = MSG_BEACONS};
    pulse_t third = pulse(later, 3);
    answer.as.signed_items.count = answer.as.signed_items.pulse_count = 1;
    answer.as.signed_items.items[0] = buf_span(&later->signed_form);
    answer.as.signed_items.pulses = &third;
    bench_say(&bench, LINK, &answer);
    assert_int_equal(age_of_bb(&bench), 0);
    assert_int_equal(wanted(&bench), 0);
    say_pulse(&bench, LINK, pulse(later, 3));
    assert_int_equal(bench_counted(&bench, ERR_BAD_SIGNATURE), 0);
    beacon_destroy(&beacon);
    beacon_destroy(&later);
    bench_close(&bench);
}

// Who names what nobody has is asked once a second, for 32 at most; nobody else is. All of
// it is counted, asked for or not.
static void who_makes_one_ask_is_asked_alone_and_seldom(void **state)
{
    bench_t bench;
    pulse_t many[WANT_BEACONS_MAX + 1];
    size_t questions = 0;
    (void)state;
    nonce_t sessions[2];
    open_two(&bench, sessions);
    bench_commit(&bench);
    beacon_t *none = word(&bench, SEQUENCE);
    for (size_t i = 0; i <= WANT_BEACONS_MAX; i++)
        many[i] = pulse(none, 1);
    bench_pass(&bench, 2000);
    say_pulses(&bench, LINK, many, WANT_BEACONS_MAX + 1);
    assert_int_equal(wanted(&bench), WANT_BEACONS_MAX);
    assert_int_equal(bench_counted(&bench, ERR_LACKS_BEACON), WANT_BEACONS_MAX + 1);
    assert_int_equal(bench_effect(&bench, EFFECT_SEND)->link, LINK);
    for (uint32_t i = 0; i < 100; i++) { // in ten seconds
        bench_pass(&bench, 100);
        none->sequence++;
        say_pulse(&bench, LINK, pulse(none, 1));
        questions += wanted(&bench);
    }
    assert_int_equal(questions, 10);
    assert_int_equal(bench_counted(&bench, ERR_LACKS_BEACON), WANT_BEACONS_MAX + 101);
    bench.session = sessions[1];
    say_pulse(&bench, OTHER, pulse(none, 1)); // another is asked all the same
    assert_int_equal(wanted(&bench), 1);
    assert_int_equal(bench_effect(&bench, EFFECT_SEND)->link, OTHER);
    beacon_destroy(&none);
    bench_close(&bench);
}

static void who_asks_is_told_what_is_held(void **state)
{
    bench_t bench;
    message_t told, want = {.type = MSG_WANT_BEACONS};
    origin_t origins[WANT_BEACONS_MAX];
    (void)state;
    nonce_t sessions[2];
    open_two(&bench, sessions);
    beacon_t *beacon = word(&bench, SEQUENCE);
    say_beacon(&bench, LINK, beacon);
    say_pulse(&bench, LINK, pulse(beacon, 4));
    for (size_t i = 0; i < WANT_BEACONS_MAX; i++)
        origins[i] = bench.cards[BENCH_DD]->origin; // of whom nothing is held
    origins[2] = beacon->origin;
    want.as.want_beacons.count = WANT_BEACONS_MAX;
    want.as.want_beacons.origins = origins;
    bench.session = sessions[1];
    bench_say(&bench, OTHER, &want);
    assert_int_equal(bench_count_of(&bench, EFFECT_SEND), 1);
    assert_int_equal(bench_effect(&bench, EFFECT_SEND)->link, OTHER);
    assert_true(bench_sent(&bench, MSG_BEACONS, &told));
    assert_int_equal(told.as.signed_items.count, 1);
    assert_true(span_equal(told.as.signed_items.items[0], buf_span(&beacon->signed_form)));
    assert_int_equal(told.as.signed_items.pulse_count, 1);
    assert_int_equal(told.as.signed_items.pulses[0].step, 4);
    message_clear(&told);
    bench_say(&bench, OTHER, &want); // 32 in a second
    assert_int_equal(bench_count_of(&bench, EFFECT_SEND), 0);
    assert_int_equal(bench_counted(&bench, ERR_BUSY), 1);
    beacon_destroy(&beacon);
    bench_close(&bench);
}

// ---- one's own ----

static void where_nothing_has_changed_a_pulse_says_so(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    const origin_t *self = &bench.cards[BENCH_AA]->origin;
    bench_commit(&bench);
    bench_pass(&bench, MINUTE);
    bench_commit(&bench);
    published_t first = published(&bench, self);
    for (uint32_t step = 1; step <= 3; step++) {
        bench_pass(&bench, MINUTE);
        bench_commit(&bench);
        published_t next = published(&bench, self);
        assert_int_equal(next.beacons, 0);
        assert_int_equal(next.pulses, 1);
        assert_int_equal(next.last.step, first.last.step + step);
    }
    assert_int_equal(bench_append(&bench, span_text("new")), 1);
    bench_pass(&bench, MINUTE);
    bench_commit(&bench);
    assert_int_equal(published(&bench, self).beacons, 1); // all of it anew
    assert_int_equal(published(&bench, self).pulses, 0);
    bench_pass(&bench, MINUTE);
    bench_commit(&bench);
    assert_int_equal(published(&bench, self).last.step, 1);
    bench_close(&bench);
}

// A beacon of 256 minutes ago is signed anew.
static void a_chain_has_an_end(void **state)
{
    bench_t bench;
    size_t pulses = 0, beacons = 0;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    const origin_t *self = &bench.cards[BENCH_AA]->origin;
    for (size_t i = 0; i < 2 * (PULSE_STEPS_MAX + 1); i++) {
        bench_commit(&bench);
        pulses += published(&bench, self).pulses;
        beacons += published(&bench, self).beacons;
        bench_pass(&bench, MINUTE);
    }
    assert_int_equal(beacons, 2);
    assert_int_equal(pulses, 2 * PULSE_STEPS_MAX);
    bench_close(&bench);
}

// AA's word under a sequence of its own that it never gave: a thief's, or a copy's.
static beacon_t *other_word(const bench_t *bench, uint64_t sequence)
{
    beacon_t *beacon = bench_beacon_of_bb(bench, 1, sequence);
    beacon->origin = bench->cards[BENCH_AA]->origin;
    beacon->anchor = pulse_preimage(beacon, &top, 0);
    beacon_sign(beacon, bench->signing[BENCH_AA]);
    return beacon;
}

static void a_word_in_ones_own_name_is_asked_for_and_outdone(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    const origin_t *self = &bench.cards[BENCH_AA]->origin;
    bench_commit(&bench);
    pass(&bench, MINUTE);
    bench_commit(&bench);
    assert_int_equal(published(&bench, self).pulses, 1);
    beacon_t *older = other_word(&bench, 1), *later = other_word(&bench, (uint64_t)1 << 50);
    say_pulse(&bench, LINK, pulse(older, 1));
    assert_int_equal(wanted(&bench), 0);
    say_pulse(&bench, LINK, pulse(later, 1));
    assert_int_equal(wanted(&bench), 1);
    say_beacon(&bench, LINK, later);
    pass(&bench, MINUTE);
    bench_commit(&bench);
    published_t found = published(&bench, self);
    assert_int_equal(found.beacons, 1); // its own pulses would be stale at others
    assert_int_equal(found.pulses, 0);
    pass(&bench, MINUTE);
    bench_commit(&bench);
    assert_true(published(&bench, self).last.sequence > later->sequence);
    beacon_destroy(&older);
    beacon_destroy(&later);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pulse_is_a_word_and_goes_on_with_others),
        cmocka_unit_test(what_is_not_the_authors_is_none),
        cmocka_unit_test(a_new_card_ends_the_chain),
        cmocka_unit_test(a_beacon_that_is_not_here_is_asked_for),
        cmocka_unit_test(who_makes_one_ask_is_asked_alone_and_seldom),
        cmocka_unit_test(who_asks_is_told_what_is_held),
        cmocka_unit_test(where_nothing_has_changed_a_pulse_says_so),
        cmocka_unit_test(a_chain_has_an_end),
        cmocka_unit_test(a_word_in_ones_own_name_is_asked_for_and_outdone),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core pulses", tests, NULL, NULL);
}
