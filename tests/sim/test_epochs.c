// Stories of epochs: what a root may decide about an old one by starting a new one, and
// what becomes of the changes before and beyond its cut.
#include "tests/sim/four_nodes.h"

static secret_t *copy_of(const secret_t *key)
{
    pubkey_t public_key;
    return secret_sign_new(secret_bytes(key), &public_key); // its first half is the seed
}

// ---- how one starts ----

static void a_card_that_starts_no_epoch_is_refused(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    secret_t *signing;
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    card_t *card = epoch_card(world, 0, &signing); // a lane without a cut
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_CUT_MISSING);
    card = epoch_card(world, 1, &signing);
    card->epoch--;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &signing);
    card->epoch++;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &signing); // the key of now
    card->signing_key = world_card(world, GT)->signing_key;
    secret_destroy(&signing);
    assert_int_equal(world_epoch(world, GT, card, copy_of(world_signing(world, GT))), ERR_BAD_CARD);
    card = epoch_card(world, 1, &signing); // not the one that is handed over
    card->signing_key.bytes[0] ^= 1;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &signing);
    card->transport_key.bytes[0] ^= 1;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &signing);
    card->previous.bytes[0] ^= 1;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    put_and_settle(world, GT, "b", 1); // all is as it was
    world_destroy(&world);
}

static void expect_evidence(world_t *world, size_t node)
{
    feed_t feed = feed_of(world, GT);
    buf_t kept;
    fault_t fault;
    assert_int_equal(
        store_read_evidence(world_store(world, node), &feed, ERR_BEYOND_CUT, &kept, &fault),
        ERR_OK);
    assert_true(kept.size > 0);
    buf_free(&kept);
}

// The thief signs another first change; HN hears of that one first.
static void a_stolen_key_that_forks_at_the_first_change_is_worth_nothing(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    world_start_all(world);
    world_run(world, 5000);
    commit_t *thiefs = other_change(world, world_signing(world, GT), 1);
    secret_t *stolen = copy_of(world_signing(world, GT));
    publish_to(world, HN, thiefs);
    put_many(world, GT, "a", 2); // two hops away
    world_run(world, 20000);
    hash_t held = hash_at(world, HN, 1);
    assert_true(hash_equal(&held, &thiefs->hash));
    expect_everywhere(world, "stopped");
    assert_int_equal(start_epoch(world, 2), ERR_OK);
    put_many(world, GT, "b", 1);
    world_run(world, 60000);
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(gt_at(world, i, 2).number, 1);
    assert_string_equal(gt_at(world, HUB, 1).state, "in-step");
    // It holds the thief's: that stays, flagged; nothing more is to come, which is in step.
    feed_status_t flagged = gt_at(world, HN, 1);
    assert_string_equal(flagged.state, "cut");
    assert_int_equal(flagged.number, 1);
    assert_true(hash_equal(&flagged.proof.ours, &thiefs->hash));
    // More by the stolen key, in the old epoch: kept aside at most, never taken.
    commit_t *more = other_change(world, stolen, 3);
    uint64_t before = world_count(world, SV, ERR_BEYOND_CUT);
    publish_to(world, SV, more);
    world_run(world, 5000);
    assert_int_equal(gt_at(world, SV, 1).number, 2);
    assert_true(world_count(world, SV, ERR_BEYOND_CUT) > before);
    expect_evidence(world, SV);
    commit_destroy(&more);
    commit_destroy(&thiefs);
    secret_destroy(&stolen);
    world_destroy(&world);
}

// ---- at the cut, and beyond it ----

// Five of GT's are held by all but HN, which does not run; the cut is at three.
static world_t *held_beyond_a_cut(void)
{
    world_t *world = four_nodes(31);
    for (size_t i = 0; i < HN; i++)
        world_start(world, i);
    put_apart(world, 5);
    assert_true(world_settle(world, 60000));
    assert_int_equal(start_epoch(world, 3), ERR_OK);
    return world;
}

// HN comes later.
static void what_lies_beyond_a_cut_stays_with_those_who_hold_it(void **state)
{
    (void)state;
    world_t *world = held_beyond_a_cut();
    put_many(world, GT, "f", 1);
    world_run(world, 10000);
    world_start(world, HN);
    world_run(world, 60000);
    for (size_t i = 0; i < HN; i++) {
        assert_int_equal(gt_at(world, i, 1).number, 5);
        assert_string_equal(gt_at(world, i, 1).state, "cut");
        assert_int_equal(gt_at(world, i, 2).number, 1);
    }
    assert_int_equal(gt_at(world, HN, 1).number, 3);
    assert_string_equal(gt_at(world, HN, 1).state, "in-step");
    assert_int_equal(gt_at(world, HN, 2).number, 1);
    assert_true(synced(world, HUB)); // nothing more is to come
    world_destroy(&world);
}

// The hub took all five in one run, so it has one signature, on the fifth; the cut
// is at three, and GT is gone.
static void a_cut_vouches_where_no_signature_ends(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    served_run_t served;
    fault_t fault;
    world_start(world, GT);
    put_many(world, GT, "a", 5);
    world_start(world, HUB);
    world_run(world, 10000);
    assert_int_equal(gt_at(world, HUB, 1).number, 5);
    feed_t feed = feed_of(world, GT);
    hash_t start = world_start_hash(world, GT);
    assert_int_equal(
        store_read_run(world_store(world, HUB), &feed, 0, &start, 1, false, &served, &fault),
        ERR_OK);
    assert_int_equal(served.last.number, 5); // none ends before
    buf_free(&served.run);
    assert_int_equal(start_epoch(world, 3), ERR_OK);
    world_run(world, 10000);
    world_stop(world, GT);
    world_start(world, SV);
    world_run(world, 20000);
    assert_int_equal(gt_at(world, SV, 1).number, 3);
    assert_int_equal(world_count(world, SV, ERR_UNSIGNED), 0);
    assert_string_equal(gt_at(world, SV, 1).state, "in-step");
    world_destroy(&world);
}

// The hub has lost everything; SV, which dials it, holds five of GT's, two of them
// beyond the cut, and serves it by a fetch that stands.
static void what_lies_beyond_a_cut_is_not_served(void **state)
{
    (void)state;
    world_t *world = held_beyond_a_cut();
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    world_stop(world, HUB);
    world_load_disk(world, HUB, world_founded(world));
    world_start(world, HUB);
    world_run(world, 60000);
    assert_int_equal(gt_at(world, HUB, 1).number, 3);
    assert_string_equal(gt_at(world, HUB, 1).state, "in-step");
    // And no more is said about it: a minute of pings and beacons, no more.
    status_t status;
    core_status(world_core(world, SV), world_node_now(world, SV), &status);
    assert_true(status.peers[0].bytes_out < 20000);
    status_clear(&status);
    assert_int_equal(world_count(world, HUB, ERR_CLAIM_UNMET), 0);
    world_destroy(&world);
}

// GT has lost everything, and its root starts a new epoch before anybody has told it of
// the two changes that the hub and HN hold: they are cut off, and nobody else takes them.
static void what_an_epoch_does_not_name_has_ended_with_nothing(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    const size_t holders[] = {HUB, HN};
    for (size_t i = 0; i < NODES; i++)
        if (i != SV)
            world_start(world, i);
    put_many(world, GT, "a", 2);
    world_run(world, 20000);
    world_stop(world, GT);
    world_stop(world, HUB);
    world_stop(world, HN);
    world_load_disk(world, GT, world_founded(world));
    world_start(world, GT);
    assert_int_equal(start_epoch(world, 0), ERR_OK);
    world_start(world, HUB);
    world_start(world, HN);
    world_start(world, SV);
    world_run(world, 60000);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(gt_at(world, holders[i], 1).number, 2);
        assert_string_equal(gt_at(world, holders[i], 1).state, "cut");
    }
    assert_int_equal(gt_at(world, SV, 1).number, 0);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_that_starts_no_epoch_is_refused),
        cmocka_unit_test(a_stolen_key_that_forks_at_the_first_change_is_worth_nothing),
        cmocka_unit_test(what_lies_beyond_a_cut_stays_with_those_who_hold_it),
        cmocka_unit_test(a_cut_vouches_where_no_signature_ends),
        cmocka_unit_test(what_lies_beyond_a_cut_is_not_served),
        cmocka_unit_test(what_an_epoch_does_not_name_has_ended_with_nothing),
    };
    return cmocka_run_group_tests_name("epochs", tests, NULL, NULL);
}
