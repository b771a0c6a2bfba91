// Stories of the fence: of a node that was restored and knows it, and of one that was
// put back as a whole and finds out while it writes.
#include "tests/sim/four_nodes.h"

// GT's disk as it was, in a machine that knows that it is another one.
static void restore(world_t *world, disk_image_t *image)
{
    world_load_disk(world, GT, image);
    world_start(world, GT);
    assert_int_equal(world_refused(world, GT), ERR_OK);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
}

// Within two seconds: it looks at each tick.
static void writes_again(world_t *world)
{
    for (int i = 0; i < 20 && world_writing(world, GT); i++)
        world_run(world, 100);
    assert_int_equal(world_writing(world, GT), ERR_OK);
}

static disk_image_t *image_of_gt(world_t *world)
{
    world_stop(world, GT);
    disk_image_t *image = disk_image_save(world_disk(world, GT));
    world_start(world, GT);
    return image;
}

// ---- restored ----

static void a_restored_node_gets_its_changes_back_and_then_writes(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    disk_image_t *image = image_of_gt(world);
    put_and_settle(world, GT, "b", 2);
    world_stop(world, GT);
    restore(world, image);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_RESTORED);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, GT, GT, 1), 3);
    writes_again(world);
    put_and_settle(world, GT, "c", 1);
    assert_int_equal(world_head(world, HN, GT, 1), 4);
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    // Its marker knows what it wrote, and the next start agrees.
    world_die(world, GT, DEATH_KILL);
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    disk_image_destroy(&image);
    world_destroy(&world);
}

// Only SV has the newest change of GT, and SV is off: the hub's word is not enough.
static void while_one_is_silent_the_fence_stays(void **state)
{
    (void)state;
    world_t *world = four_nodes_two_hubs(31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    disk_image_t *image = image_of_gt(world);
    assert_true(world_settle(world, 60000));
    world_stop(world, HUB);
    put_many(world, GT, "b", 1);
    world_run(world, 5000);
    assert_int_equal(world_head(world, SV, GT, 1), 2);
    world_stop(world, SV);
    world_stop(world, GT);
    world_start(world, HUB);
    restore(world, image);
    world_run(world, 120000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    world_start(world, SV);
    assert_true(world_settle(world, 120000));
    writes_again(world);
    assert_int_equal(world_head(world, GT, GT, 1), 2);
    disk_image_destroy(&image);
    world_destroy(&world);
}

static void the_operator_may_go_on_without_the_silent_one(void **state)
{
    (void)state;
    world_t *world = four_nodes_two_hubs(31);
    lifting_t lifting;
    size_t count;
    fault_t fault;
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    disk_image_t *image = image_of_gt(world);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_accept(world, GT), ERR_NOT_FENCED);
    world_stop(world, SV);
    world_stop(world, GT);
    restore(world, image);
    world_run(world, 60000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    put_many(world, GT, "b", 1);
    // What was accepted is kept, with who had not answered; and so is that it may write.
    world_die(world, GT, DEATH_KILL);
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    assert_int_equal(store_liftings(world_store(world, GT), 1, &lifting, &count, &fault), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(lifting.fence, ERR_RESTORED);
    assert_int_equal(lifting.how, LIFT_ACCEPTED);
    assert_non_null(strstr(lifting.detail, "SV has not answered"));
    world_start(world, SV);
    assert_true(world_settle(world, 120000));
    disk_image_destroy(&image);
    world_destroy(&world);
}

typedef struct {
    world_t *world;
    bool lies;
} boast_t;

// To GT the hub claims 50 more of GT's own than it holds.
static bool claim_more(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    const boast_t *boast = context;
    const origin_t *gt = &world_card(boast->world, GT)->origin;
    message_t message;
    fault_t fault;
    if (!boast->lies || from != HUB || to != GT)
        return true;
    if (publication)
        return false;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    if (message.type == MSG_HEADS || message.type == MSG_ACK) {
        for (size_t i = 0; i < message.as.heads.count; i++)
            if (origin_equal(&message.as.heads.items[i].feed.origin, gt))
                message.as.heads.items[i].number += 50;
        buf_free(bytes);
        *bytes = message_encode(&message);
    }
    message_clear(&message);
    return true;
}

// It cannot deliver them, and so has not told.
static void who_tells_of_what_it_cannot_deliver_has_not_told(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    boast_t boast = {.world = world, .lies = true};
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    disk_image_t *image = image_of_gt(world);
    world_stop(world, GT);
    world_tamper(world, claim_more, &boast);
    restore(world, image);
    world_run(world, 120000);
    assert_true(world_count(world, GT, ERR_CLAIM_UNMET) > 0);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    boast.lies = false;
    world_run(world, 5000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED); // the lie stands in this session
    world_stop(world, HUB);
    world_start(world, HUB);
    assert_true(world_settle(world, 900000));
    writes_again(world);
    disk_image_destroy(&image);
    world_destroy(&world);
}

// Nobody has the last changes, but the marker says that there were some: not by itself.
static void what_the_marker_knows_of_and_nobody_has_is_the_operators_to_give_up(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    world_stop(world, GT);
    disk_image_t *image = disk_image_save(world_disk(world, GT));
    world_partition(world, GT, HUB, true);
    world_start(world, GT);
    put_many(world, GT, "b", 2);
    world_run(world, 5000);
    world_die(world, GT, DEATH_KILL);
    world_partition(world, GT, HUB, false);
    // The database alone is replaced: the marker is the machine's own.
    disk_image_load(world_disk(world, GT), image, "node.db");
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    world_run(world, 60000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    put_and_settle(world, GT, "c", 1);
    disk_image_destroy(&image);
    world_destroy(&world);
}

// Power fails after changes have left, and what is put back then was copied since the
// last start: the nonce is the same, so only the marker's heads can tell.
static void a_power_cut_takes_nothing_that_the_marker_knew(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    disk_image_t *image = disk_image_save(world_disk(world, GT));
    put_and_settle(world, GT, "b", 2);
    world_die(world, GT, DEATH_POWER);
    disk_image_load(world_disk(world, GT), image, "node.db");
    world_partition(world, GT, HUB, true);
    world_start(world, GT);
    assert_int_equal(world_head(world, GT, GT, 1), 1);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_RESTORED);
    world_partition(world, GT, HUB, false);
    assert_true(world_settle(world, 900000));
    put_and_settle(world, GT, "c", 1);
    assert_int_equal(world_head(world, HUB, GT, 1), 4);
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    disk_image_destroy(&image);
    world_destroy(&world);
}

// Counts what leaves GT; each time the marker names all that GT holds.
typedef struct {
    world_t *world;
    unsigned left;
} marked_t;

static uint64_t marked_up_to(world_t *world, size_t node)
{
    marker_t marker;
    assert_true(world_marker(world, node, &marker));
    for (size_t i = 0; i < marker.head_count; i++)
        if (marker.heads[i].epoch == 1 && marker.heads[i].lane == LANE_COALITION)
            return marker.heads[i].number;
    return 0;
}

static void leaves_marked(void *context, size_t from, size_t to, bool publication, span_t bytes)
{
    marked_t *marked = context;
    (void)to;
    (void)publication;
    (void)bytes;
    if (from != GT)
        return;
    marked->left++;
    assert_int_equal(marked_up_to(marked->world, GT), gt_at(marked->world, GT, 1).number);
}

static void the_marker_knows_of_a_change_before_anybody_else(void **state)
{
    (void)state;
    world_t *world = four_nodes_two_hubs(31);
    marked_t marked = {.world = world};
    const watcher_t watcher = {.context = &marked, .leaves = leaves_marked};
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    world_watch(world, &watcher);
    for (int i = 0; i < 3; i++) {
        unsigned before = marked.left;
        put_many(world, GT, (char[]){(char)('a' + i), 0}, 1);
        assert_true(marked.left > before);
    }
    world_destroy(&world);
}

// ---- found out while it writes ----

// The machine was put back as a whole: nothing on it can tell.
static void its_own_later_commit_stops_a_node_that_knew_nothing(void **state)
{
    (void)state;
    world_t *world = four_nodes(31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    copy_machine(world, GT);
    put_and_settle(world, GT, "b", 2);
    put_back(world, GT);
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    world_run(world, 5000);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_head(world, GT, GT, 1), 3);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_OWN_LATER_COMMIT);
    world_run(world, 120000); // it does not go by itself: a copy may be alive
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    put_and_settle(world, GT, "c", 1);
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    world_destroy(&world);
}

// All that comes is its own beacon: it is signed, so it stops it, and nobody may
// accept while what it speaks of is not here.
static void its_own_signed_word_stops_it_too(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 31);
    world_start_all(world);
    put_and_settle(world, GT, "a", 1);
    copy_machine(world, GT);
    put_and_settle(world, GT, "b", 2);
    world_run(world, 70000); // its beacon says 3
    put_back(world, GT);
    tap.withhold[GT] = true;
    world_start(world, GT);
    world_run(world, 10000);
    assert_int_equal(world_head(world, GT, GT, 1), 1);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_accept(world, GT), ERR_OWN_LATER_COMMIT);
    tap.withhold[GT] = false;
    world_stop(world, HUB);
    world_start(world, HUB);
    world_run(world, 120000);
    assert_int_equal(world_head(world, GT, GT, 1), 3);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    put_and_settle(world, GT, "c", 1);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_node_gets_its_changes_back_and_then_writes),
        cmocka_unit_test(while_one_is_silent_the_fence_stays),
        cmocka_unit_test(the_operator_may_go_on_without_the_silent_one),
        cmocka_unit_test(who_tells_of_what_it_cannot_deliver_has_not_told),
        cmocka_unit_test(what_the_marker_knows_of_and_nobody_has_is_the_operators_to_give_up),
        cmocka_unit_test(a_power_cut_takes_nothing_that_the_marker_knew),
        cmocka_unit_test(the_marker_knows_of_a_change_before_anybody_else),
        cmocka_unit_test(its_own_later_commit_stops_a_node_that_knew_nothing),
        cmocka_unit_test(its_own_signed_word_stops_it_too),
    };
    return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
