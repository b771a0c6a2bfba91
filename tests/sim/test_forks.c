// Stories of forks: GT signs two chains. All are told, nobody takes anything back, what
// only looks like a proof stops nobody, and a new epoch goes on.
#include "tests/sim/four_nodes.h"

// The second change twice: HN is shown the other one.
static world_t *equivocated(tap_t *tap)
{
    world_t *world = four_tapped(tap, 31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    put_and_settle(world, GT, "b", 1);
    commit_t *other = other_change(world, world_signing(world, GT), 2);
    tap_say_proof(tap, HN, HUB, &other, 1);
    commit_destroy(&other);
    world_run(world, 10000);
    return world;
}

static void an_origin_that_signs_twice_is_stopped_everywhere(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = equivocated(&tap);
    expect_everywhere(world, "stopped");
    for (size_t i = 0; i < NODES; i++) {
        proof_t proof = gt_at(world, i, 1).proof;
        assert_int_equal(proof.number, 2);
        assert_false(hash_equal(&proof.ours, &proof.theirs));
        hash_t held = hash_at(world, i, 2);
        assert_true(hash_equal(&proof.ours, &held)); // nothing was taken back
        assert_int_equal(world_head(world, i, GT, 1), 2);
    }
    assert_int_equal(world_writing(world, GT), ERR_FORK);
    assert_int_equal(world_accept(world, GT), ERR_FORK);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_FORK);
    // All lanes of that epoch, and after a restart too.
    world_die(world, HUB, DEATH_KILL);
    world_start(world, HUB);
    world_run(world, 10000);
    expect_everywhere(world, "stopped");
    proof_t proof = gt_at(world, HUB, 1).proof;
    assert_int_equal(proof.number, 2);
    assert_string_equal(proof.source, "HN");
    world_destroy(&world);
}

// ---- who is told ----

// The order in which the hub speaks to HN.
typedef struct {
    tap_t tap;
    size_t said;
    size_t first[MSG_TYPE_END]; // of what was said, by type; 0: none
} order_t;

static bool note_order(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    order_t *order = context;
    message_t message;
    fault_t fault;
    bool passes = tap_listen(&order->tap, from, to, publication, bytes);
    if (publication || from != HUB || to != HN)
        return passes;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    order->said++;
    if (!order->first[message.type])
        order->first[message.type] = order->said;
    message_clear(&message);
    return passes;
}

static void who_comes_after_a_fork_hears_of_it(void **state)
{
    (void)state;
    order_t order = {0};
    const size_t *first = order.first;
    world_t *world = four_tapped(&order.tap, 31);
    world_tamper(world, note_order, &order);
    for (size_t i = 0; i < HN; i++)
        world_start(world, i);
    put_and_settle(world, GT, "a", 2);
    commit_t *other = other_change(world, world_signing(world, GT), 2);
    tap_say_proof(&order.tap, SV, HUB, &other, 1);
    commit_destroy(&other);
    world_run(world, 5000);
    world_stop(world, GT);
    world_start(world, HN);
    world_run(world, 20000);
    assert_string_equal(gt_at(world, HN, 1).state, "stopped");
    // docs/protocol.md, section 6: in this order.
    assert_int_equal(first[MSG_WELCOME], 1);
    assert_true(first[MSG_BEACONS] && first[MSG_BEACONS] < first[MSG_HEADS]);
    assert_true(first[MSG_HEADS] < first[MSG_PROOF]);
    world_destroy(&world);
}

static void a_new_epoch_brings_everybody_on_together(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = equivocated(&tap);
    world_stop(world, HN); // it comes later, as one who knows of nothing
    assert_int_equal(start_epoch(world, 2), ERR_OK);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    put_many(world, GT, "c", 2);
    assert_true(world_settle(world, 120000));
    world_start(world, HN);
    assert_true(world_settle(world, 120000));
    for (size_t i = 0; i < NODES; i++) {
        assert_string_equal(gt_at(world, i, 1).state, "in-step");
        assert_int_equal(gt_at(world, i, 1).number, 2);
        assert_int_equal(gt_at(world, i, 2).number, 2);
    }
    // It is the new key that counts from now on, at the next start too.
    world_die(world, GT, DEATH_POWER);
    world_start(world, GT);
    put_many(world, GT, "d", 1);
    assert_true(world_settle(world, 120000));
    assert_int_equal(gt_at(world, HN, 2).number, 3);
    world_destroy(&world);
}

// ---- it was put back as a whole, and wrote before it knew ----

// It wrote less, as much, or more than its peers have of its former self.
static void a_restored_node_that_wrote_anew_is_found_out(void **state)
{
    (void)state;
    for (int more = 0; more < 4; more++) {
        world_t *world = four_nodes(21);
        world_start_all(world);
        put_and_settle(world, GT, "a", 1);
        copy_machine(world, GT);
        put_and_settle(world, GT, "b", 3);
        put_back(world, GT);
        world_start(world, GT);
        put_many(world, GT, "c", 1 + more);
        world_run(world, 35000);
        // Whichever side is longer, both are proven to everybody.
        assert_int_equal(world_writing(world, GT), ERR_FORK);
        for (size_t i = 0; i < NODES; i++)
            if (i != GT) {
                assert_string_equal(gt_at(world, i, 1).state, "stopped");
                assert_int_equal(gt_at(world, i, 1).why, ERR_DIVERGED);
            }
        assert_int_equal(world_head(world, SV, GT, 1), 4);
        world_destroy(&world);
    }
}

// What it writes next ends where no commit of the others' does: whoever asks for what
// follows theirs asks within one of it.
static void chains_that_part_within_a_commit_are_a_fork_too(void **state)
{
    (void)state;
    static const uint8_t body[] = {0};
    const draft_t drafts[3] = {{.type = 99, .min_reader = 1, .body = span_of(body, 1)},
                               {.type = 99, .min_reader = 1, .body = span_of(body, 1)},
                               {.type = 99, .min_reader = 1, .body = span_of(body, 1)}};
    world_t *world = four_nodes(31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    copy_machine(world, GT);
    put_and_settle(world, GT, "b", 1);
    put_back(world, GT);
    world_partition(world, GT, HUB, true);
    world_start(world, GT);
    assert_int_equal(world_append(world, GT, drafts, 3), ERR_OK);
    assert_int_equal(world_head(world, GT, GT, 1), 4);
    world_partition(world, GT, HUB, false);
    world_run(world, 120000);
    expect_everywhere(world, "stopped");
    assert_int_equal(world_writing(world, GT), ERR_FORK);
    world_destroy(&world);
}

// ---- what only looks like proof ----

// The last change of GT's that the hub holds.
static commit_t *last_held(world_t *world)
{
    feed_t feed = feed_of(world, GT);
    hash_t start = world_start_hash(world, GT);
    served_run_t served;
    run_t run;
    fault_t fault;
    assert_int_equal(store_read_run(world_store(world, HUB), &feed, 0, &start, RUN_BYTES_MAX, false,
                                    &served, &fault),
                     ERR_OK);
    assert_int_equal(run_decode(buf_span(&served.run), &run, &fault), ERR_OK);
    commit_t *last = run.commits[--run.count];
    run_clear(&run);
    buf_free(&served.run);
    return last;
}

// HN puts a commit of its own making in the name of GT before one that GT has
// signed: the signature is GT's, the chain is not.
static void say_false_proof(tap_t *tap, size_t to, size_t from)
{
    static const hash_t nowhere = {{9}};
    world_t *world = tap->world;
    commit_t *commits[] = {sign_change(world, world_signing(world, HN), 4, &nowhere),
                           last_held(world)};
    tap_say_proof(tap, to, from, commits, 2);
    commit_destroy(&commits[0]);
    commit_destroy(&commits[1]);
}

static void a_signature_proves_nothing_of_commits_that_do_not_lead_to_it(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 21);
    world_start_all(world);
    put_and_settle(world, GT, "k", 3);
    say_false_proof(&tap, HUB, HN);
    say_false_proof(&tap, GT, HUB);
    world_run(world, 1000);
    assert_true(world_count(world, HUB, ERR_BROKEN_CHAIN) > 0);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    put_and_settle(world, GT, "otro", 1);
    assert_int_equal(world_head(world, SV, GT, 1), 4);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_that_signs_twice_is_stopped_everywhere),
        cmocka_unit_test(who_comes_after_a_fork_hears_of_it),
        cmocka_unit_test(a_new_epoch_brings_everybody_on_together),
        cmocka_unit_test(a_restored_node_that_wrote_anew_is_found_out),
        cmocka_unit_test(chains_that_part_within_a_commit_are_a_fork_too),
        cmocka_unit_test(a_signature_proves_nothing_of_commits_that_do_not_lead_to_it),
    };
    return cmocka_run_group_tests_name("forks", tests, NULL, NULL);
}
