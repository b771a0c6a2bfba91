// What one core serves: to whom, and how much of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/core_feeds.h"

enum { LINK = 7 };

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

// A head that came before its publication would have the subscriber fetch what is on its way.
static void heads_come_a_second_after_the_publication(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    bench_commit(&bench);     // with it goes the greeting
    bench_pass(&bench, 5000); // whatever was said last is long ago
    assert_int_equal(bench_append(&bench, span_text("body")), 1);
    bench_commit(&bench);
    assert_int_equal(bench_items_sent(&bench, MSG_HEADS, 1), 0);
    bench_pass(&bench, 999);
    bench_commit(&bench);
    assert_int_equal(bench_items_sent(&bench, MSG_HEADS, 1), 0);
    bench_pass(&bench, 1);
    bench_commit(&bench);
    assert_int_equal(bench_items_sent(&bench, MSG_HEADS, 1), 1);
    bench_pass(&bench, 5000); // once
    bench_commit(&bench);
    assert_int_equal(bench_items_sent(&bench, MSG_HEADS, 1), 0);
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

// ---- who asks without end ----

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

static void ask_for_cards(bench_t *bench, unsigned times)
{
    message_t want = {.type = MSG_WANT_CARDS};
    card_number_t card = {bench->cards[BENCH_BB]->origin, 0};
    want.as.want_cards.count = 1;
    want.as.want_cards.items = &card;
    for (unsigned i = 0; i < times; i++)
        bench_say(bench, LINK, &want);
}

// Of an origin with more cards so many are given; who wants the others asks again.
static void cards_asked_for_have_a_bound(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_epochs(&bench, NULL, 0, 70, false);
    bench_greet(&bench, LINK, BENCH_CC);
    bench_commit(&bench);
    ask_for_cards(&bench, 1);
    // WANTED_CARDS_MAX, docs/protocol.md, section 2.
    assert_int_equal(bench_items_sent(&bench, MSG_CARDS, MESSAGE_CARDS_MAX), 64);
    bench_close(&bench);
}

// Whoever fetches a forked feed to its end is told of the fork; who does it without end
// is told later.
static void proofs_at_the_end_of_fetches_have_a_bound(void **state)
{
    bench_t bench;
    commit_t *chain[BENCH_CHAIN];
    message_t part;
    (void)state;
    bench_open_connected(&bench, LINK);
    bench_hold_first(&bench, LINK, BENCH_CC, chain);
    commit_t *other = bench_fork(&bench, LINK, BENCH_CC);
    bench_commit(&bench);
    for (uint32_t round = 0; round < 2; round++) { // each from the first feed on
        ask_for_cards(&bench, 32);                 // all that may be asked for in a second
        assert_int_equal(bench_counted(&bench, ERR_BUSY), round);
        message_t fetch = bench_fetch_of(&bench, BENCH_CC, 3 + round);
        fetch.as.fetch.credit_limit = 8192;
        bench_fetch_read(&bench, LINK, &fetch, chain[0]);
        assert_true(bench_sent(&bench, MSG_RUN_PART, &part));
        assert_int_equal(bench_counted(&bench, ERR_BUSY), round + 1);
        assert_null(bench_effect(&bench, EFFECT_READ_PROOF));
        bench_pass(&bench, 500);
        assert_null(bench_effect(&bench, EFFECT_READ_PROOF));
        assert_true(core_wake_ms(bench.core) <= bench.now_ms + 500);
        bench_pass(&bench, 600);
        assert_non_null(bench_effect(&bench, EFFECT_READ_PROOF));
        message_clear(&part);
    }
    commit_destroy(&other);
    bench_free_chain(chain);
    bench_close(&bench);
}

// Whoever asks is told to ask later; here it is counted for what it is.
static void damage_is_counted_beside_busy(void **state)
{
    bench_t bench;
    message_t nope;
    (void)state;
    bench_open_connected(&bench, LINK);
    message_t fetch = bench_fetch_of(&bench, BENCH_AA, 1);
    bench_say(&bench, LINK, &fetch);
    bench_commit(&bench);
    event_t read = {.type = EVENT_RUN_READ, .link = LINK};
    read.as.run_read.feed = fetch.as.fetch.feed;
    read.as.run_read.fetch = 1;
    read.as.run_read.err = ERR_DAMAGED;
    bench_step(&bench, &read);
    assert_true(bench_sent(&bench, MSG_NOPE, &nope));
    assert_int_equal(nope.as.nope.reason, ERR_BUSY);
    message_clear(&nope);
    assert_int_equal(bench_counted(&bench, ERR_BUSY), 1);
    assert_int_equal(bench_counted(&bench, ERR_DAMAGED), 1);
    bench_close(&bench);
}

static void a_payload_that_cannot_be_read_is_missing_and_counted(void **state)
{
    bench_t bench;
    message_t found;
    static const uint8_t salt[SALT_SIZE];
    (void)state;
    bench_open_connected(&bench, LINK);
    event_t read = {.type = EVENT_PAYLOAD_READ, .link = LINK};
    read.as.payload_read.feed = bench_feed(&bench, BENCH_AA);
    read.as.payload_read.fetch = 1;
    read.as.payload_read.number = 1;
    read.as.payload_read.state = PAYLOAD_PRESENT; // as far as the store had come
    read.as.payload_read.salt = salt;
    read.as.payload_read.err = ERR_DAMAGED;
    bench_step(&bench, &read);
    assert_true(bench_sent(&bench, MSG_PAYLOAD_FOUND, &found));
    assert_int_equal(found.as.payload.state, PAYLOAD_MISSING);
    message_clear(&found);
    assert_int_equal(bench_counted(&bench, ERR_DAMAGED), 1);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetches_have_a_bound),
        cmocka_unit_test(credit_of_a_refused_fetch_counts),
        cmocka_unit_test(heads_come_a_second_after_the_publication),
        cmocka_unit_test(a_fetch_may_end_while_it_is_served),
        cmocka_unit_test(answers_for_a_link_that_is_gone),
        cmocka_unit_test(questions_have_a_bound),
        cmocka_unit_test(cards_asked_for_have_a_bound),
        cmocka_unit_test(proofs_at_the_end_of_fetches_have_a_bound),
        cmocka_unit_test(damage_is_counted_beside_busy),
        cmocka_unit_test(a_payload_that_cannot_be_read_is_missing_and_counted),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core serve", tests, NULL, NULL);
}
