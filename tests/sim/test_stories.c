// The core's stories, on a small network under virtual time.
#include "tests/sim/four_nodes.h"

// A hub and those who dial it.
static world_t *hub_world(size_t others)
{
    static const char *const codes[] = {"CRM", "GT", "SV", "HN", "NI", "CR", "BZ", "PA"};
    world_t *world = world_new(7);
    for (size_t i = 0; i <= others; i++)
        world_add(world, codes[i], i == 0);
    for (size_t i = 1; i <= others; i++)
        world_dial(world, i, HUB);
    world_found(world, (uint32_t)(others / 2 + 1));
    return world;
}

static void put_each(world_t *world, size_t nodes, const char *key)
{
    for (size_t i = 0; i < nodes; i++)
        assert_int_equal(world_put(world, i, key, "Nombre"), ERR_OK);
}

static void assert_same_view(world_t *world, size_t a, size_t b)
{
    hash_t x = world_digest(world, a), y = world_digest(world, b);
    assert_memory_equal(&x, &y, sizeof x);
}

static bool drop_publications(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    (void)context;
    (void)from;
    (void)to;
    (void)bytes;
    return !publication;
}

// ---- catching up ----

static void eight_nodes_come_to_one_view(void **state)
{
    (void)state;
    world_t *world = hub_world(7);
    world_start_all(world);
    put_each(world, 8, "uno");
    assert_true(world_settle(world, 60000));
    for (size_t i = 1; i < 8; i++) {
        assert_same_view(world, HUB, i);
        for (size_t k = 0; k < 8; k++)
            assert_int_equal(world_head(world, i, k, 1), 1);
    }
    world_destroy(&world);
}

// Reading runs itself, or with another thread that reads all of them.
static void catch_up(size_t prepare_from)
{
    world_t *world = hub_world(3);
    world_prepare(world, prepare_from);
    world_start_all(world);
    put_each(world, 4, "uno");
    assert_true(world_settle(world, 60000));
    world_stop(world, SV);
    put_many(world, GT, "k", 300);
    world_run(world, 3600 * 1000);
    world_start(world, SV);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, SV, GT, 1), 301);
    world_destroy(&world);
}

static void a_node_that_was_off_catches_up(void **state)
{
    (void)state;
    catch_up(0);
    catch_up(1);
}

static void all_publications_lost_is_no_harm(void **state)
{
    (void)state;
    world_t *world = hub_world(3);
    world_tamper(world, drop_publications, NULL);
    world_start_all(world);
    world_run(world, 2000);
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        put_each(world, 4, key);
        world_run(world, 50);
    }
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, HN, GT, 1), 40);
    world_destroy(&world);
}

// One publication in three is lost: the ones after a gap wait for the fetch
// that closes it, and none is applied twice.
static bool drop_some(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    unsigned *seen = context;
    (void)from;
    (void)to;
    (void)bytes;
    return !publication || ++*seen % 3 != 0;
}

static void some_publications_lost_leave_no_gap(void **state)
{
    (void)state;
    unsigned seen = 0;
    world_t *world = hub_world(3);
    world_tamper(world, drop_some, &seen);
    world_start_all(world);
    world_run(world, 2000);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(world_put(world, HUB, key, "Nombre"), ERR_OK);
        world_run(world, 7);
    }
    assert_true(world_settle(world, 60000));
    assert_true(seen > 100);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(world_head(world, i, HUB, 1), 200);
    world_destroy(&world);
}

static void a_hub_that_restarts_half_way_is_caught_up_with(void **state)
{
    (void)state;
    world_t *world = hub_world(3);
    world_start(world, HUB);
    world_start(world, GT);
    assert_int_equal(world_put(world, HUB, "propio", "Nombre"), ERR_OK);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(world_put_sized(world, GT, key, 2000), ERR_OK);
    }
    world_run(world, 300);
    world_start(world, SV);
    world_run(world, 100);
    world_stop(world, HUB);
    world_run(world, 5000);
    world_start(world, HUB);
    assert_true(world_settle(world, 300000));
    assert_int_equal(world_head(world, SV, GT, 1), 200);
    world_destroy(&world);
}

static void a_partition_heals(void **state)
{
    (void)state;
    world_t *world = hub_world(2);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    world_partition(world, HUB, SV, true);
    put_each(world, 3, "dos");
    world_run(world, 120000);
    assert_int_equal(world_head(world, SV, GT, 1), 0);
    assert_true(world_count(world, SV, ERR_SILENT) > 0);
    world_partition(world, HUB, SV, false);
    assert_true(world_settle(world, 120000));
    assert_int_equal(world_head(world, SV, GT, 1), 1);
    world_destroy(&world);
}

// GT dials CRM only, SV dials GT only: CRM's changes reach SV over GT and back.
static void changes_travel_over_three_hops(void **state)
{
    (void)state;
    world_t *world = world_new(3);
    world_add(world, "CRM", true);
    world_add(world, "GT", true);
    world_add(world, "SV", true);
    world_add(world, "HN", false);
    world_dial(world, 1, 0);
    world_dial(world, 2, 1);
    world_dial(world, 3, 2);
    world_found(world, 3);
    world_start_all(world);
    put_each(world, 4, "uno");
    assert_true(world_settle(world, 60000));
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(world_head(world, i, k, 1), 1);
    world_destroy(&world);
}

static void a_coalition_of_one_is_in_step_at_once(void **state)
{
    (void)state;
    world_t *world = hub_world(0);
    world_start_all(world);
    assert_int_equal(world_put(world, HUB, "uno", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 500));
    world_destroy(&world);
}

static void nobody_answering_is_not_in_step(void **state)
{
    (void)state;
    world_t *world = hub_world(1);
    status_t status;
    world_start(world, GT);
    world_run(world, 20000);
    core_status(world_core(world, GT), 30000, &status);
    assert_false(status.synced);
    assert_true(status.missing_count == 1 && strstr(status.missing[0], "CRM"));
    status_clear(&status);
    world_start(world, HUB);
    assert_true(world_settle(world, 120000));
    world_destroy(&world);
}

// ---- hostile relays ----

typedef struct {
    size_t relay;
    unsigned altered;
    size_t offset_from_end;
} relay_t;

// Every run and every publication of the relay has one bit of a body turned.
static bool alter(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    relay_t *relay = context;
    (void)to;
    if (from != relay->relay || bytes->size < 400)
        return true;
    (void)publication;
    bytes->data[bytes->size - relay->offset_from_end] ^= 1;
    relay->altered++;
    return true;
}

// SV dials the relay (CRM) only, and refuses; then it is given GT itself to dial.
static void altered_bytes_are_refused_and_fetched_elsewhere(void **state)
{
    (void)state;
    for (size_t offset = 2; offset < 400; offset += 37) {
        relay_t relay = {.relay = 0, .offset_from_end = offset};
        world_t *world = world_new(offset);
        world_add(world, "CRM", true);
        world_add(world, "GT", true);
        world_add(world, "SV", false);
        world_dial(world, 1, 0);
        world_dial(world, 2, 0);
        world_found(world, 2);
        world_start_all(world);
        world_run(world, 1000);
        world_tamper(world, alter, &relay);
        assert_int_equal(world_put_sized(world, 1, "uno", 600), ERR_OK);
        world_run(world, 20000);
        assert_true(relay.altered > 0);
        assert_int_equal(world_head(world, 2, 1, 1), 0);
        assert_true(
            world_count(world, 2, ERR_BAD_COMMITMENT) + world_count(world, 2, ERR_BAD_SIGNATURE) +
                world_count(world, 2, ERR_BROKEN_CHAIN) + world_count(world, 2, ERR_NOT_CANONICAL) +
                world_count(world, 2, ERR_BAD_LENGTH) + world_count(world, 2, ERR_BAD_VALUE) +
                world_count(world, 2, ERR_MISSING_FIELD) +
                world_count(world, 2, ERR_UNKNOWN_FIELD) +
                world_count(world, 2, ERR_BAD_WIRE_TYPE) + world_count(world, 2, ERR_TRUNCATED) +
                world_count(world, 2, ERR_DUPLICATE_FIELD) +
                world_count(world, 2, ERR_UNKNOWN_ORIGIN) >
            0);
        world_stop(world, 2);
        world_dial(world, 2, 1);
        world_start(world, 2);
        world_run(world, 20000);
        assert_int_equal(world_head(world, 2, 1, 1), 1);
        world_destroy(&world);
    }
}

// The second of three commits is another one, well formed and signed by another
// member; the third, which the signature is on, is the right one.
static bool swap_middle(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    world_t *world = context;
    message_t message;
    run_t run;
    fault_t fault;
    (void)to;
    if (from != HUB || publication || message_decode(buf_span(bytes), &message, &fault))
        return !publication;
    if (message.type == MSG_RUN_PART && message.as.run_part.last &&
        message.as.run_part.index == 0 &&
        run_decode(message.as.run_part.bytes, &run, &fault) == ERR_OK) {
        if (run.count == 3) {
            commit_t *old = run.commits[1];
            draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
            uint8_t seed[32] = {1};
            run.commits[1] = commit_author(&run.feed, old->first, &old->previous, old->time_ms, 1,
                                           &draft, 1, seed, world_signing(world, HN),
                                           core_coalition(world_core(world, HUB)));
            commit_destroy(&old);
            buf_t altered = run_encode(&run.feed, run.commits, run.count);
            message.as.run_part.bytes = buf_span(&altered);
            buf_free(bytes);
            *bytes = message_encode(&message);
            buf_free(&altered);
        }
        run_clear(&run);
    }
    message_clear(&message);
    return true;
}

static void a_commit_swapped_within_a_run_breaks_the_chain(void **state)
{
    (void)state;
    world_t *world = hub_world(3);
    world_start(world, HUB);
    world_start(world, GT);
    put_and_settle(world, GT, "k", 3);
    world_tamper(world, swap_middle, world);
    world_start(world, HN);
    world_start(world, SV);
    world_run(world, 60000);
    assert_int_equal(world_head(world, SV, GT, 1), 0);
    assert_true(world_count(world, SV, ERR_BROKEN_CHAIN) > 0);
    // It is asked again, but not at once and not at the same pace.
    assert_true(world_count(world, SV, ERR_BROKEN_CHAIN) <= 4);
    world_tamper(world, NULL, NULL);
    assert_true(world_settle(world, 300000));
    assert_int_equal(world_head(world, SV, GT, 1), 3);
    world_destroy(&world);
}

// A peer that says that it holds more than there is: fetched from once, found
// out, no longer waited for.
static void a_false_claim_is_found_out(void **state)
{
    (void)state;
    world_t *world = hub_world(2);
    world_start_all(world);
    put_each(world, 3, "uno");
    assert_true(world_settle(world, 60000));
    head_t lie = {.feed = feed_of(world, SV), .number = 1000};
    buf_t publication = publication_of_head(&lie);
    world_publish_to(world, GT, HUB, buf_span(&publication));
    buf_free(&publication);
    world_run(world, 20000);
    assert_true(world_count(world, GT, ERR_CLAIM_UNMET) == 1);
    assert_true(world_settle(world, 60000));
    world_destroy(&world);
}

// ---- own log ----

static void a_restored_node_stops_writing(void **state)
{
    (void)state;
    world_t *world = hub_world(2);
    world_start_all(world);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    copy_machine(world, GT);
    assert_int_equal(world_put(world, GT, "dos", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    put_back(world, GT);
    world_start(world, GT);
    world_run(world, 10000);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_put(world, GT, "tres", "Nombre"), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_head(world, GT, GT, 1), 2); // fetched back
    world_stop(world, GT);
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT); // it stays so
    world_destroy(&world);
}

// The restored node writes before it has heard of its later self: two chains.
static void a_restored_node_that_wrote_is_contained(void **state)
{
    (void)state;
    world_t *world = hub_world(2);
    world_start_all(world);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    copy_machine(world, GT);
    assert_int_equal(world_put(world, GT, "dos", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    put_back(world, GT);
    world_start(world, GT);
    assert_int_equal(world_put(world, GT, "otro", "Otro"), ERR_OK);
    assert_int_equal(world_put(world, GT, "mas", "Otro"), ERR_OK);
    hash_t before = world_digest(world, SV);
    world_run(world, 30000);
    hash_t after = world_digest(world, SV);
    assert_memory_equal(&before, &after, sizeof before); // nothing taken back, nothing added
    assert_int_equal(world_head(world, SV, GT, 1), 2);
    assert_true(world_count(world, HUB, ERR_DIVERGED) > 0);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_nodes_come_to_one_view),
        cmocka_unit_test(a_node_that_was_off_catches_up),
        cmocka_unit_test(all_publications_lost_is_no_harm),
        cmocka_unit_test(some_publications_lost_leave_no_gap),
        cmocka_unit_test(a_hub_that_restarts_half_way_is_caught_up_with),
        cmocka_unit_test(a_partition_heals),
        cmocka_unit_test(changes_travel_over_three_hops),
        cmocka_unit_test(a_coalition_of_one_is_in_step_at_once),
        cmocka_unit_test(nobody_answering_is_not_in_step),
        cmocka_unit_test(altered_bytes_are_refused_and_fetched_elsewhere),
        cmocka_unit_test(a_commit_swapped_within_a_run_breaks_the_chain),
        cmocka_unit_test(a_false_claim_is_found_out),
        cmocka_unit_test(a_restored_node_stops_writing),
        cmocka_unit_test(a_restored_node_that_wrote_is_contained),
    };
    return cmocka_run_group_tests_name("stories", tests, NULL, NULL);
}
