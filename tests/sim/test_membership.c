// Stories of rosters and cards: who may come in, whose word counts, how far.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/core/state.h"
#include "lib/mem.h"
#include "tests/sim/world.h"

enum { HUB, GT, SV, HN };

static world_t *four(uint32_t threshold)
{
    world_t *world = world_new(11);
    world_add(world, "CRM", true);
    world_add(world, "GT", false);
    world_add(world, "SV", false);
    world_add(world, "HN", false);
    for (size_t i = 1; i < 4; i++)
        world_dial(world, i, HUB);
    world_found(world, threshold);
    return world;
}

// The next version: the last, with a new time; `edit` changes more.
static roster_t *next_roster(world_t *world, void (*edit)(world_t *world, roster_t *roster))
{
    const roster_t *last = world_roster(world);
    roster_t *next = roster_copy(last);
    next->version = last->version + 1;
    next->has_previous = true;
    next->previous = last->hash;
    next->has_creator = false;
    next->time_ms++;
    next->signature_count = 0;
    if (edit)
        edit(world, next);
    roster_seal(next);
    return next;
}

static void vote(world_t *world, roster_t *roster, size_t node)
{
    roster_signature_t signature = {.origin = world_card(world, node)->origin, .card_number = 1};
    signature.signature = crypto_sign_hash(world_signing(world, node), SIGN_ROSTER,
                                           core_coalition(world_core(world, GT)), &roster->hash);
    roster_add_signature(roster, &signature);
}

// As if the hub's operator had put it there: the hub passes it on when greeted.
static void give_hub(world_t *world, const roster_t *roster, const card_t *card)
{
    fault_t fault;
    world_stop(world, HUB);
    if (roster)
        assert_int_equal(store_add_roster(world_store(world, HUB), roster, &fault), ERR_OK);
    if (card)
        assert_int_equal(store_add_card(world_store(world, HUB), card, &fault), ERR_OK);
    assert_int_equal(store_commit(world_store(world, HUB), &fault), ERR_OK);
    world_start(world, HUB);
    world_run(world, 60000);
}

static uint32_t version_at(world_t *world, size_t node)
{
    return core_roster(world_core(world, node))->version;
}

static void a_roster_with_enough_votes_reaches_everybody(void **state)
{
    (void)state;
    world_t *world = four(3);
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
    world_t *world = four(3);
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
    world_t *world = four(3);
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

// GT's card 2: another signing key; what card 1 signs reaches up to `number`.
static card_t *second_card(world_t *world, uint64_t number)
{
    static const uint8_t seed[32] = {0x5a};
    card_t *card = card_copy(world_card(world, GT));
    secret_t *signing = secret_sign_new(seed, &card->signing_key);
    secret_destroy(&signing);
    card->number = 2;
    card->has_previous = true;
    card->previous = world_card(world, GT)->hash;
    if (number) {
        fault_t fault;
        uint64_t first;
        feed_t feed = {card->origin, 1, 1};
        card->cut_count = 1;
        mem_free(card->cuts);
        card->cuts = mem_alloc(sizeof *card->cuts);
        card->cuts[0] = (cut_t){.epoch = 1, .lane = 1, .number = number};
        assert_int_equal(store_commit_at(world_store(world, HUB), &feed, number,
                                         &card->cuts[0].hash, &first, &fault),
                         ERR_OK);
    }
    card_sign(card, world_root(world, GT));
    return card;
}

static void a_replaced_key_reaches_up_to_its_cut(void **state)
{
    (void)state;
    world_t *world = four(3);
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

// A first change of GT's beside its own, by its card 1.
static commit_t *thiefs_change(world_t *world, const feed_t *feed)
{
    static const uint8_t seed[32] = {9};
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
    hash_t start = world_start_hash(world, GT);
    return commit_author(feed, 1, &start, 1700000000000 + world_now(world), 1, &draft, 1, seed,
                         world_signing(world, GT), core_coalition(world_core(world, HUB)));
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

static err_t why_at(world_t *world, size_t node, const feed_t *feed, bool *synced)
{
    status_t status;
    err_t why = ERR_OK;
    core_status(world_core(world, node), world_node_now(world, node), &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, feed))
            why = status.feeds[i].why;
    *synced = status.synced;
    status_clear(&status);
    return why;
}

// HN took another change 1, by a key that was stolen; then the key was replaced, cut at
// what GT had written. For those who know of the cut GT goes on; but HN does not get on
// until a new epoch, and so all are told, GT first of all.
static void who_took_a_replaced_keys_fork_is_not_forgotten(void **state)
{
    (void)state;
    bool synced;
    world_t *world = four(3);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    feed_t feed = {world_card(world, GT)->origin, 1, 1};
    commit_t *thiefs = thiefs_change(world, &feed);
    buf_t published = publication_of_commit(thiefs);
    world_publish_to(world, HN, HUB, buf_span(&published));
    world_run(world, 30); // it came, and what HN says of it is on its way
    world_stop(world, HN);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    assert_int_equal(world_put(world, GT, "dos", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    replace_key(world, 1);
    world_start(world, GT);
    assert_true(world_settle(world, 60000));
    world_start(world, HN);
    world_run(world, 60000);
    assert_int_equal(fork_at(world, HN, &feed), FORK_DIVERGED);
    for (size_t i = HUB; i < HN; i++) {
        assert_int_equal(fork_at(world, i, &feed), FORK_CONTESTED);
        assert_int_equal(why_at(world, i, &feed, &synced), ERR_CONTESTED);
        assert_int_equal(synced, i != GT); // of whom something is wanted
    }
    assert_int_equal(world_put(world, GT, "tres", "Nombre"), ERR_OK);
    world_run(world, 60000);
    assert_int_equal(world_head(world, SV, GT, 1), 3);
    // It outlives a restart, and a session that did not hear of it before.
    world_stop(world, GT);
    world_start(world, GT);
    assert_int_equal(fork_at(world, GT, &feed), FORK_CONTESTED);
    buf_free(&published);
    commit_destroy(&thiefs);
    world_destroy(&world);
}

static void a_card_by_another_root_is_refused(void **state)
{
    (void)state;
    world_t *world = four(3);
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
    world_t *world = four(3);
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
    world_t *world = four(3);
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
    world_t *world = four(3);
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
        cmocka_unit_test(who_took_a_replaced_keys_fork_is_not_forgotten),
        cmocka_unit_test(a_card_by_another_root_is_refused),
        cmocka_unit_test(who_names_anothers_key_takes_nobodys_place),
        cmocka_unit_test(a_key_that_the_roster_accepts_no_more_votes_no_more),
        cmocka_unit_test(a_vote_stands_though_the_key_is_replaced_afterwards),
    };
    return cmocka_run_group_tests_name("membership", tests, NULL, NULL);
}
