// Stories of how rosters come to everybody: with the cards that their votes need, past
// a full disk, to who was off, and when two are of one version.
#include "tests/sim/four_nodes.h"

// GT has replaced its key, and the second version, which the hub takes, was voted for
// with the new one.
static void vote_with_a_newer_key(tap_t *tap)
{
    world_t *world = tap->world;
    world_start(world, HUB);
    world_start(world, GT);
    world_run(world, 3000);
    card_t *card = second_card(world, 0);
    roster_t *next = roster_after(world_roster(world));
    roster_seal(next);
    vote(world, next, HUB);
    vote(world, next, HN);
    vote_by_second_card(world, next);
    tap_say_card(tap, HUB, card);
    tap_say_roster(tap, HUB, next);
    world_run(world, 1000);
    assert_int_equal(version_at(world, HUB), 2);
    roster_destroy(&next);
    card_destroy(&card);
}

static void a_roster_voted_for_with_a_newer_key_reaches_who_was_off(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 21);
    vote_with_a_newer_key(&tap);
    world_start(world, SV);
    world_run(world, 20000);
    assert_int_equal(version_at(world, SV), 2);
    world_destroy(&world);
}

typedef struct {
    tap_t tap;
    bool told; // the hub has told SV of rosters, or kept its first cards from it
} order_t;

// Whoever sends the cards after the rosters only, as a peer may.
static bool rosters_first(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    order_t *order = context;
    message_t message;
    fault_t fault;
    bool passes = tap_listen(&order->tap, from, to, publication, bytes);
    if (publication || from != HUB || to != SV)
        return passes;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    bool early = message.type == MSG_CARDS && !order->told;
    order->told = order->told || message.type == MSG_CARDS || message.type == MSG_ROSTERS;
    message_clear(&message);
    return passes && !early;
}

static void a_roster_that_came_before_the_card_of_its_vote_comes_again(void **state)
{
    (void)state;
    order_t order = {0};
    world_t *world = four_tapped(&order.tap, 21);
    world_tamper(world, rosters_first, &order);
    vote_with_a_newer_key(&order.tap);
    world_start(world, SV);
    world_run(world, 20000);
    assert_true(world_count(world, SV, ERR_TOO_FEW_SIGNATURES) > 0);
    assert_int_equal(version_at(world, SV), 2);
    world_destroy(&world);
}

static world_t *tapped_in_step(tap_t *tap)
{
    world_t *world = four_tapped(tap, 21);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    return world;
}

// A roster that accepts no card of GT's that the hub knows: taken as it is, it would
// shut out the one who brings the newer card. With that card it is taken.
static void a_roster_waits_for_the_card_that_it_asks_for(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = tapped_in_step(&tap);
    roster_t *next = roster_after(world_roster(world));
    for (size_t i = 0; i < next->member_count; i++)
        if (origin_equal(&next->members[i].origin, &world_card(world, GT)->origin))
            next->members[i].min_card = 2;
    roster_seal(next);
    vote(world, next, HUB);
    vote(world, next, SV);
    vote(world, next, HN);
    tap_say_roster(&tap, HUB, next);
    world_run(world, 3000);
    assert_int_equal(version_at(world, HUB), 1);
    assert_int_equal(world_count(world, HUB, ERR_UNKNOWN_CARD), 1);
    assert_int_equal(world_put(world, HUB, "uno", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, GT, HUB, 1), 1); // not shut out
    card_t *card = second_card(world, 0);
    tap_say_card(&tap, HUB, card);
    world_run(world, 60000);
    tap_say_roster(&tap, HUB, next);
    world_run(world, 3000);
    assert_int_equal(version_at(world, HUB), 2);
    card_destroy(&card);
    roster_destroy(&next);
    world_destroy(&world);
}

static void a_roster_without_votes_is_no_fork(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = tapped_in_step(&tap);
    roster_t *next = roster_after(world_roster(world)), *other = roster_copy(next);
    other->time_ms++;
    roster_seal(next);
    roster_seal(other);
    for (size_t i = 0; i < 3; i++)
        vote(world, next, i);
    vote(world, other, GT);
    tap_say_roster(&tap, HUB, next);
    tap_say_roster(&tap, HUB, other);
    world_run(world, 1000);
    assert_int_equal(version_at(world, HUB), 2);
    assert_int_equal(world_count(world, HUB, ERR_ROSTER_FORK), 0);
    vote(world, other, SV);
    vote(world, other, HN);
    tap_say_roster(&tap, HUB, other);
    world_run(world, 1000);
    assert_int_equal(world_count(world, HUB, ERR_ROSTER_FORK), 1);
    roster_destroy(&next);
    roster_destroy(&other);
    world_destroy(&world);
}

static void a_roster_that_found_the_disk_full_comes_again(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = tapped_in_step(&tap);
    roster_t *next = roster_after(world_roster(world));
    roster_seal(next);
    for (size_t i = 0; i < 3; i++)
        vote(world, next, i);
    tap_say_roster(&tap, HUB, next);
    while (version_at(world, HUB) == 1)
        world_run(world, 1);
    disk_fault_at(world_disk(world, SV), 1, DISK_ENOSPC, UINT32_MAX);
    world_run(world, 1000);
    disk_heal(world_disk(world, SV));
    assert_int_equal(world_count(world, SV, ERR_DISK_FULL), 1);
    assert_int_equal(version_at(world, SV), 1);
    world_run(world, 20000);
    assert_int_equal(version_at(world, SV), 2);
    roster_destroy(&next);
    world_destroy(&world);
}

// Versions 2 to 4, one after the other: SV is off.
static void three_rosters(world_t *world)
{
    roster_t *last = roster_copy(world_roster(world));
    for (int i = 0; i < 3; i++) {
        roster_t *next = roster_after(last);
        roster_seal(next);
        vote(world, next, HUB);
        vote(world, next, GT);
        vote(world, next, HN);
        put_at_hub(world, next, NULL);
        roster_destroy(&last);
        last = next;
    }
    roster_destroy(&last);
}

// While SV is off: three rosters, an epoch, and changes in it.
static void who_is_several_versions_behind_comes_on(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 2);
    world_stop(world, SV);
    three_rosters(world);
    world_run(world, 60000);
    assert_int_equal(start_epoch(world, 2), ERR_OK);
    put_many(world, GT, "b", 3);
    world_run(world, 20000);
    world_start(world, SV);
    assert_true(world_settle(world, 120000));
    assert_int_equal(version_at(world, SV), 4);
    assert_int_equal(gt_at(world, SV, 2).number, 3);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_roster_voted_for_with_a_newer_key_reaches_who_was_off),
        cmocka_unit_test(a_roster_that_came_before_the_card_of_its_vote_comes_again),
        cmocka_unit_test(a_roster_waits_for_the_card_that_it_asks_for),
        cmocka_unit_test(a_roster_without_votes_is_no_fork),
        cmocka_unit_test(a_roster_that_found_the_disk_full_comes_again),
        cmocka_unit_test(who_is_several_versions_behind_comes_on),
    };
    return cmocka_run_group_tests_name("rosters", tests, NULL, NULL);
}
