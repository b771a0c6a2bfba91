// What happens where a bound of the protocol meets a coalition that has outgrown it.
#include "lib/mem.h"
#include "tests/sim/four_nodes.h"

enum { MEMBERS = 1450, RUNNING = 3, ROLE_LONGEST = 0x7fffffff };

// Many members, of whom a hub and two who dial it run.
static world_t *large_coalition(void)
{
    world_t *world = world_new_sized(11, MEMBERS);
    for (size_t i = 0; i < MEMBERS; i++) {
        char *code = mem_format("N%04zu", i);
        world_add(world, code, i == HUB);
        mem_free(code);
    }
    for (size_t i = 1; i < RUNNING; i++)
        world_dial(world, i, HUB);
    world_found(world, 1);
    for (size_t i = 0; i < RUNNING; i++)
        world_start(world, i);
    return world;
}

// The next version, in which everybody has so many roles; voted for by the hub.
static roster_t *roster_with_roles(world_t *world, size_t roles)
{
    roster_t *next = roster_after(world_roster(world));
    for (size_t i = 0; i < next->member_count; i++) {
        next->members[i].role_count = roles;
        for (size_t k = 0; k < roles; k++)
            next->members[i].roles[k] = ROLE_LONGEST;
    }
    roster_seal(next);
    vote(world, next, HUB);
    return next;
}

static size_t encoded_size(const roster_t *roster)
{
    buf_t bytes = roster_encode(roster);
    size_t size = bytes.size;
    buf_free(&bytes);
    return size;
}

static void expect_holds(world_t *world, size_t origin, uint64_t number)
{
    for (size_t i = 0; i < RUNNING; i++)
        assert_int_equal(world_head(world, i, origin, LANE_COALITION), number);
}

static void test_roster_that_fits_a_link_arrives(void **state)
{
    (void)state;
    world_t *world = large_coalition();
    roster_t *next = roster_with_roles(world, 13);
    size_t size = encoded_size(next);
    assert_true(size > LINK_ROSTER_MAX - 8192 && size <= LINK_ROSTER_MAX);
    world_run(world, 5000);
    put_at_hub(world, next, NULL);
    world_run(world, 60000);
    for (size_t i = 0; i < RUNNING; i++) {
        assert_int_equal(version_at(world, i), 2);
        assert_int_equal(world_count(world, i, ERR_TOO_BIG), 0);
    }
    roster_destroy(&next);
    world_destroy(&world);
}

static void test_roster_that_no_link_carries_ends_no_session(void **state)
{
    (void)state;
    world_t *world = large_coalition();
    roster_t *next = roster_with_roles(world, 14);
    assert_true(encoded_size(next) > LINK_ROSTER_MAX);
    world_run(world, 5000);
    put_at_hub(world, next, NULL);
    world_run(world, 60000);
    assert_int_equal(world_put(world, 1, "a", "after"), ERR_OK);
    assert_int_equal(world_put(world, HUB, "b", "after"), ERR_OK);
    world_run(world, 10000);
    // Who has it says that it cannot pass it on; who has not takes everything else.
    assert_int_equal(world_count(world, HUB, ERR_TOO_BIG), RUNNING - 1);
    assert_int_equal(version_at(world, HUB), 2);
    for (size_t i = 1; i < RUNNING; i++) {
        assert_int_equal(version_at(world, i), 1);
        assert_int_equal(world_count(world, i, ERR_TOO_BIG), 0);
    }
    expect_holds(world, 1, 1);
    expect_holds(world, HUB, 1);
    roster_destroy(&next);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roster_that_fits_a_link_arrives),
        cmocka_unit_test(test_roster_that_no_link_carries_ends_no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
