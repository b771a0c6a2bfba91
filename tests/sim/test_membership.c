// Stories of rosters and cards: who may come in, whose word counts, how far.
#include "daemon/core/internal.h"
#include "lib/mem.h"
#include "tests/sim/four_nodes.h"

// The second version; `edit` changes more.
static roster_t *next_roster(world_t *world, void (*edit)(world_t *world, roster_t *roster))
{
    roster_t *next = roster_after(world_roster(world));
    if (edit)
        edit(world, next);
    roster_seal(next);
    return next;
}

static void give_hub(world_t *world, const roster_t *roster, const card_t *card)
{
    put_at_hub(world, roster, card);
    world_run(world, 60000);
}

static void a_roster_with_enough_votes_reaches_everybody(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    roster_t *next = next_roster(world, NULL);
    vote(world, next, HUB);
    vote(world, next, GT);
    vote(world, next, SV);
    give_hub(world, next, NULL);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(version_at(world, i), 2);
    roster_destroy(&next);
    world_destroy(&world);
}

static void a_roster_with_too_few_votes_is_refused(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    roster_t *next = next_roster(world, NULL);
    vote(world, next, HUB);
    vote(world, next, GT);
    vote(world, next, GT); // twice is once
    give_hub(world, next, NULL);
    assert_int_equal(version_at(world, GT), 1);
    assert_int_equal(version_at(world, HN), 1);
    assert_true(world_count(world, GT, ERR_TOO_FEW_SIGNATURES) +
                    world_count(world, GT, ERR_BAD_ROSTER) + world_count(world, GT, ERR_BAD_VALUE) +
                    world_count(world, GT, ERR_NOT_CANONICAL) +
                    world_count(world, GT, ERR_DUPLICATE_FIELD) >
                0);
    roster_destroy(&next);
    world_destroy(&world);
}

static void remove_sv(world_t *world, roster_t *roster)
{
    size_t kept = 0;
    roster->former_count = 1;
    mem_free(roster->formers);
    roster->formers = mem_alloc(sizeof *roster->formers);
    for (size_t i = 0; i < roster->member_count; i++) {
        const member_t member = roster->members[i];
        if (!origin_equal(&member.origin, &world_card(world, SV)->origin)) {
            roster->members[kept++] = member;
            continue;
        }
        former_t *former = &roster->formers[0];
        *former = (former_t){member.code, member.origin, member.root_key, 1, NULL};
        former->cuts = mem_alloc(sizeof *former->cuts);
        former->cuts[0] = (cut_t){.epoch = 1, .lane = 1, .number = 1};
        fault_t fault;
        uint64_t first;
        feed_t feed = {member.origin, 1, 1};
        assert_int_equal(store_commit_at(world_store(world, HUB), &feed, 1, &former->cuts[0].hash,
                                         &first, &fault),
                         ERR_OK);
    }
    roster->member_count = kept;
}

static void who_is_removed_is_cut_off_and_reaches_no_further(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_int_equal(world_put(world, SV, "uno", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    roster_t *next = next_roster(world, remove_sv);
    vote(world, next, HUB);
    vote(world, next, GT);
    vote(world, next, HN);
    give_hub(world, next, NULL);
    assert_int_equal(version_at(world, HN), 2);
    assert_true(world_count(world, HUB, ERR_NOT_A_MEMBER) > 0);
    assert_int_equal(world_put(world, SV, "dos", "Nombre"), ERR_OK);
    world_run(world, 60000);
    assert_int_equal(world_head(world, GT, SV, 1), 1);  // what it said stays
    assert_int_equal(world_head(world, HUB, SV, 1), 1); // and no more comes
    roster_destroy(&next);
    world_destroy(&world);
}

// ---- cards ----

static void a_replaced_key_reaches_up_to_its_cut(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    card_t *card = second_card(world, 1);
    give_hub(world, NULL, card);
    // The thief has the old key and the old card, and goes on writing.
    world_start(world, GT);
    assert_int_equal(world_put(world, GT, "robado", "Nombre"), ERR_OK);
    world_run(world, 60000);
    assert_int_equal(world_head(world, HUB, GT, 1), 1);
    assert_int_equal(world_head(world, SV, GT, 1), 1);
    assert_true(world_count(world, HUB, ERR_BEYOND_CUT) > 0);
    // And the node that still has the old card learns that there is a newer one.
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    card_destroy(&card);
    world_destroy(&world);
}

// The hub took in all five before it heard of the cut at three; SV was off.
static void who_is_behind_a_cut_gets_as_far_as_the_cut(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 21);
    world_start(world, HUB);
    world_start(world, GT);
    world_run(world, 3000);
    put_apart(world, 5);
    card_t *card = second_card(world, 3);
    tap_say_card(&tap, HUB, card);
    world_run(world, 1000);
    world_stop(world, GT);
    world_start(world, SV);
    world_run(world, 30000);
    assert_int_equal(world_head(world, SV, GT, 1), 3);
    card_destroy(&card);
    world_destroy(&world);
}

// The thief has the key that was replaced, and signs another third change.
static void a_replaced_key_can_stop_nothing_below_its_cut(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 21);
    world_start_all(world);
    put_apart(world, 3);
    card_t *card = second_card(world, 3);
    tap_say_card(&tap, HUB, card);
    world_run(world, 1000);
    commit_t *other = other_change(world, world_signing(world, GT), 3);
    tap_say_proof(&tap, HUB, HN, &other, 1);
    world_run(world, 1000);
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    assert_true(world_count(world, HUB, ERR_CONTESTED) > 0);
    commit_destroy(&other);
    card_destroy(&card);
    world_destroy(&world);
}

// GT's card 2, with its key, as its operator makes it while GT is off.
static void replace_key(world_t *world, uint32_t epoch)
{
    static const uint8_t seed[32] = {0x5b};
    card_t *card = second_card(world, 2);
    secret_t *signing = secret_sign_new(seed, &card->signing_key);
    card->epoch = epoch;
    assert_true(world_replace_card(world, GT, card, signing));
}

static fork_state_t fork_at(world_t *world, size_t node, const feed_t *feed)
{
    return feed_fork_state(feed_lookup(world_core(world, node), feed));
}

// HN took another change 1, by a key that was stolen; then the key was replaced, cut at
// what GT had written. For those who know of the cut GT goes on; but HN does not get on
// until a new epoch, and so all are told, GT first of all.
static void who_took_a_replaced_keys_fork_is_not_forgotten(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    feed_t feed = feed_of(world, GT);
    commit_t *thiefs = other_change(world, world_signing(world, GT), 1);
    publish_to(world, HN, thiefs);
    world_run(world, 30); // it came, and what HN says of it is on its way
    world_stop(world, HN);
    put_and_settle(world, GT, "a", 2);
    world_stop(world, GT);
    replace_key(world, 1);
    world_start(world, GT);
    assert_true(world_settle(world, 60000));
    world_start(world, HN);
    world_run(world, 60000);
    assert_int_equal(fork_at(world, HN, &feed), FORK_DIVERGED);
    for (size_t i = HUB; i < HN; i++) {
        assert_int_equal(fork_at(world, i, &feed), FORK_CONTESTED);
        assert_int_equal(gt_at(world, i, 1).why, ERR_CONTESTED);
        assert_int_equal(synced(world, i), i != GT); // of whom something is wanted
    }
    assert_int_equal(world_put(world, GT, "tres", "Nombre"), ERR_OK);
    world_run(world, 60000);
    assert_int_equal(world_head(world, SV, GT, 1), 3);
    // It outlives a restart, and a session that did not hear of it before.
    world_stop(world, GT);
    world_start(world, GT);
    assert_int_equal(fork_at(world, GT, &feed), FORK_CONTESTED);
    commit_destroy(&thiefs);
    world_destroy(&world);
}

static void a_card_by_another_root_is_refused(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    card_t *card = second_card(world, 0);
    card->root_key = world_card(world, SV)->root_key;
    card_sign(card, world_root(world, SV));
    give_hub(world, NULL, card);
    assert_true(world_count(world, HN, ERR_BAD_CARD) > 0);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    world_run(world, 60000);
    assert_int_equal(world_head(world, HN, GT, 1), 1); // GT's own card still counts
    card_destroy(&card);
    world_destroy(&world);
}

// SV's card 2 names GT's transport key: GT stays GT.
static void who_names_anothers_key_takes_nobodys_place(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    card_t *card = card_copy(world_card(world, SV));
    card->number = 2;
    card->has_previous = true;
    card->previous = world_card(world, SV)->hash;
    card->transport_key = world_card(world, GT)->transport_key;
    card_sign(card, world_root(world, SV));
    give_hub(world, NULL, card);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    world_run(world, 5000);
    assert_int_equal(world_head(world, HN, GT, 1), 1);
    status_t status;
    core_status(world_core(world, HUB), 100000000, &status);
    for (size_t i = 0; i < status.peer_count; i++) {
        bool up = strcmp(status.peers[i].state, "up") == 0;
        assert_true(up == (strcmp(status.peers[i].code.text, "SV") != 0));
    }
    status_clear(&status);
    card_destroy(&card);
    world_destroy(&world);
}

static void accept_newer_card(world_t *world, roster_t *roster)
{
    for (size_t i = 0; i < roster->member_count; i++)
        if (origin_equal(&roster->members[i].origin, &world_card(world, GT)->origin))
            roster->members[i].min_card = 2;
}

// The version that says so is the first that it has no vote on.
static void a_key_that_the_roster_accepts_no_more_votes_no_more(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    card_t *card = second_card(world, 0);
    roster_t *next = next_roster(world, accept_newer_card);
    vote(world, next, HUB);
    vote(world, next, GT); // by card 1
    vote(world, next, SV);
    give_hub(world, NULL, card);
    give_hub(world, next, NULL);
    assert_int_equal(version_at(world, HN), 1);
    assert_true(world_count(world, HN, ERR_TOO_FEW_SIGNATURES) > 0);
    roster_destroy(&next);
    card_destroy(&card);
    world_destroy(&world);
}

// Whoever hears first of the new card, and whoever hears first of the roster,
// come to the same.
static void a_vote_stands_though_the_key_is_replaced_afterwards(void **state)
{
    (void)state;
    world_t *world = four_nodes(11);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    card_t *card = second_card(world, 0);
    roster_t *next = next_roster(world, NULL);
    vote(world, next, HUB);
    vote(world, next, GT); // by card 1
    vote(world, next, SV);
    give_hub(world, NULL, card);
    give_hub(world, next, NULL);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(version_at(world, i), 2);
    roster_destroy(&next);
    card_destroy(&card);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_roster_with_enough_votes_reaches_everybody),
        cmocka_unit_test(a_roster_with_too_few_votes_is_refused),
        cmocka_unit_test(who_is_removed_is_cut_off_and_reaches_no_further),
        cmocka_unit_test(a_replaced_key_reaches_up_to_its_cut),
        cmocka_unit_test(who_is_behind_a_cut_gets_as_far_as_the_cut),
        cmocka_unit_test(a_replaced_key_can_stop_nothing_below_its_cut),
        cmocka_unit_test(who_took_a_replaced_keys_fork_is_not_forgotten),
        cmocka_unit_test(a_card_by_another_root_is_refused),
        cmocka_unit_test(who_names_anothers_key_takes_nobodys_place),
        cmocka_unit_test(a_key_that_the_roster_accepts_no_more_votes_no_more),
        cmocka_unit_test(a_vote_stands_though_the_key_is_replaced_afterwards),
    };
    return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
