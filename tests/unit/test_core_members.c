// Cards and rosters, on one core: which are taken, and what a newcomer is told.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/unit/core_feeds.h"
#include "tests/unit/protocol_samples.h"

enum { LINK = 7, LATER = 8 };

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

// Whether that beacon, as it is, was sent in the last step.
static bool tells(const bench_t *bench, const beacon_t *beacon)
{
    message_t message;
    bool told = false;
    for (size_t i = 0; (i = bench_next_sent(bench, MSG_BEACONS, i, &message)) > 0;) {
        for (size_t k = 0; k < message.as.signed_items.count; k++)
            told = told ||
                   span_equal(message.as.signed_items.items[k], buf_span(&beacon->signed_form));
        message_clear(&message);
    }
    return told;
}

// The disk did not take two cards of one turn: what came between them goes with the first,
// and what stood before it stands again.
static void a_beacon_goes_with_the_card_that_it_is_under(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    beacon_t *before = bench_beacon_of_bb(&bench, 1, 10), *between = NULL;
    card_t *second = bench_next_card(&bench, BENCH_BB), *third = sample_card_after(second, 2);
    bench_offer(&bench, LINK, MSG_BEACONS, buf_copy(buf_span(&before->signed_form)));
    bench_commit(&bench);
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(second));
    between = bench_beacon_of_bb(&bench, 2, 11);
    bench_offer(&bench, LINK, MSG_BEACONS, buf_copy(buf_span(&between->signed_form)));
    bench_offer(&bench, LINK, MSG_CARDS, card_encode(third));
    assert_int_equal(bench_count_of(&bench, EFFECT_CARD), 1);
    bench_roll_back(&bench);
    bench_greet(&bench, LATER, BENCH_CC);
    assert_true(tells(&bench, before));
    assert_false(tells(&bench, between));
    card_destroy(&second);
    card_destroy(&third);
    beacon_destroy(&before);
    beacon_destroy(&between);
    bench_close(&bench);
}

// ---- what is told ----

// A newcomer is told of everything, in messages that are within their bounds.
static void all_is_told_within_bounds(void **state)
{
    enum { EPOCHS = 530 };
    bench_t bench;
    (void)state;
    bench_open_epochs(&bench, NULL, 0, EPOCHS, false);
    bench_greet(&bench, LINK, BENCH_CC); // who knows card 1 of everybody
    assert_int_equal(bench_items_sent(&bench, MSG_CARDS, MESSAGE_CARDS_MAX), EPOCHS - 1);
    size_t heads = bench_items_sent(&bench, MSG_HEADS, MESSAGE_HEADS_MAX);
    bench_commit(&bench);
    heads += bench_items_sent(&bench, MSG_HEADS, MESSAGE_HEADS_MAX);
    assert_int_equal(heads, EPOCHS);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_of_strangers_are_refused),
        cmocka_unit_test(a_card_comes_after_the_one_before),
        cmocka_unit_test(cards_of_former_members_are_kept),
        cmocka_unit_test(another_charter_is_another_coalition),
        cmocka_unit_test(a_newcomer_goes_with_the_turn),
        cmocka_unit_test(a_beacon_goes_with_the_card_that_it_is_under),
        cmocka_unit_test(all_is_told_within_bounds),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core members", tests, NULL, NULL);
}
