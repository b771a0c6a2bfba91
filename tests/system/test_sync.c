// Several real daemons: what one writes the others come to hold, whatever
// happens to the daemons in between.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/fleet.h"

enum { HUB, GT, SV, HN };

static void put(fleet_t *fleet, size_t node, const char *key)
{
    mem_free(fleet_do(fleet, node, "put body key=%s name=Nombre", key));
}

// How many lines `list KIND` has at a node.
static size_t count_listed(fleet_t *fleet, size_t node, const char *kind)
{
    char *text = fleet_do(fleet, node, "list %s --json", kind);
    size_t lines = *text ? 1 : 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    mem_free(text);
    return lines;
}

static void what_one_writes_all_see(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(3);
    fleet_start_all(fleet);
    for (size_t i = 0; i < 4; i++)
        put(fleet, i, "uno");
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(count_listed(fleet, i, "body"), 4);
    // Who stops says so: the others tell it from a lost connection.
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    for (size_t i = 1; i < 4; i++) {
        assert_true(fleet_status_shows(fleet, i, "\"stopping\"", 10000));
        assert_int_equal(fleet_stop(fleet, i), 0);
    }
    fleet_destroy(&fleet);
}

static void a_node_that_was_off_or_is_new_catches_up(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(3);
    fleet_start(fleet, HUB);
    fleet_start(fleet, GT);
    fleet_start(fleet, SV);
    put(fleet, SV, "uno");
    fleet_settle(fleet);
    fleet_stop(fleet, SV);
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        put(fleet, GT, key);
    }
    fleet_start(fleet, SV);
    fleet_start(fleet, HN); // never ran before
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    assert_int_equal(count_listed(fleet, HN, "body"), 21);
    fleet_destroy(&fleet);
}

static void a_hub_that_restarts_is_caught_up_with(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    put(fleet, GT, "uno");
    fleet_kill(fleet, HUB);
    put(fleet, GT, "dos");
    put(fleet, SV, "tres");
    result_t result = fleet_run(fleet, GT, "status --wait-synced 0");
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.err, "CRM"));
    result_clear(&result);
    fleet_start(fleet, HUB);
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    assert_int_equal(count_listed(fleet, SV, "body"), 3);
    fleet_destroy(&fleet);
}

static void changes_reach_over_a_chain_of_three(void **state)
{
    (void)state;
    static const char *const first[] = {"CRM", NULL}, *const second[] = {"GT", NULL};
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    fleet_add(fleet, "GT", true, "", first);
    fleet_add(fleet, "SV", false, "", second);
    fleet_found(fleet, 2);
    fleet_start_all(fleet);
    for (size_t i = 0; i < 3; i++)
        put(fleet, i, "uno");
    fleet_settle(fleet);
    for (size_t i = 0; i < 3; i++)
        assert_true(fleet_status_shows(fleet, i, "\"synced\":true", 20000));
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

// An acknowledged change is one whose id `put` has printed.
static void killing_loses_nothing_acknowledged_and_doubles_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 12, KEYS = 8 };
    size_t acknowledged = 0;
    fleet_t *fleet = fleet_hub(2);
    fleet_start_all(fleet);
    for (int round = 0; round < ROUNDS; round++) {
        size_t victim = round % 3 == 0 ? HUB : round % 3 == 1 ? GT : SV;
        for (int i = 0; i < KEYS; i++) {
            if (i == round % KEYS)
                fleet_kill(fleet, victim);
            result_t result = fleet_run(fleet, GT, "put body key=r%d-%d name=Nombre", round, i);
            assert_true(result.status == 0 || (victim == GT && result.status == 3));
            acknowledged += result.status == 0;
            result_clear(&result);
        }
        fleet_start(fleet, victim);
        mem_free(fleet_do(fleet, victim, "verify"));
    }
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    // GT was down for whole puts only: what was refused was not written.
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(count_listed(fleet, i, "body"), acknowledged);
    fleet_destroy(&fleet);
}

// Killed in the middle of writing: what was acknowledged is there once.
static void killing_in_mid_write_keeps_what_was_said(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    for (int round = 0; round < 5; round++) {
        reading_t *tail = fleet_open(fleet, GT, "tail");
        reading_t *writer = fleet_background(
            fleet,
            "i=0; while $BIN/enlace --dir '%s' put body key=m%d-$i name=N; do i=$((i+1)); done "
            ">> $FLEET/said 2>/dev/null",
            fleet_node_dir(fleet, GT), round);
        for (int i = 0; i < 3; i++)
            mem_free(reading_line(tail, 10000));
        fleet_kill(fleet, GT);
        reading_wait(&writer);
        reading_close(&tail);
        fleet_start(fleet, GT);
        mem_free(fleet_do(fleet, GT, "verify"));
    }
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    result_t missing =
        fleet_shell(fleet, "$BIN/enlace --dir $FLEET/CRM list body --json | "
                           "sed 's/.*\"id\": *\"\\([^\"]*\\)\".*/\\1/' | sort > $FLEET/held; "
                           "sort $FLEET/said > $FLEET/said.sorted; "
                           "test -s $FLEET/said && uniq -d $FLEET/said.sorted && "
                           "comm -23 $FLEET/said.sorted $FLEET/held; uniq -d $FLEET/held");
    assert_int_equal(missing.status, 0);
    assert_string_equal(missing.out, "");
    result_clear(&missing);
    fleet_destroy(&fleet);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// From the exit of `put` at one node to the line in `tail` two hops away.
static void a_change_shows_two_hops_away_within_a_tenth_of_a_second(void **state)
{
    (void)state;
    enum { TIMES = 20 };
    uint64_t took[TIMES];
    fleet_t *fleet = fleet_hub(2);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    reading_t *tail = fleet_open(fleet, SV, "tail --since 0");
    // What is there already (consents) comes first: read on to a change of our own.
    put(fleet, GT, "primera");
    for (bool seen = false; !seen;) {
        char *line = reading_line(tail, 20000);
        assert_non_null(line);
        seen = strstr(line, "Nombre") != NULL;
        mem_free(line);
    }
    for (int i = 0; i < TIMES; i++) {
        char needle[32];
        snprintf(needle, sizeof needle, "Cambio%02d", i);
        mem_free(fleet_do(fleet, GT, "put body key=c%d name=%s", i, needle));
        uint64_t start = clock_us();
        char *line = reading_line(tail, 20000);
        took[i] = clock_us() - start;
        assert_non_null(line);
        assert_non_null(strstr(line, needle));
        mem_free(line);
    }
    reading_close(&tail);
    qsort(took, TIMES, sizeof *took, compare);
    print_message("two hops: median %.1f ms, most %.1f ms\n", (double)took[TIMES / 2] / 1000,
                  (double)took[TIMES - 1] / 1000);
    assert_true(took[TIMES / 2] < 100000);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_one_writes_all_see),
        cmocka_unit_test(a_node_that_was_off_or_is_new_catches_up),
        cmocka_unit_test(a_hub_that_restarts_is_caught_up_with),
        cmocka_unit_test(changes_reach_over_a_chain_of_three),
        cmocka_unit_test(killing_loses_nothing_acknowledged_and_doubles_nothing),
        cmocka_unit_test(killing_in_mid_write_keeps_what_was_said),
        cmocka_unit_test(a_change_shows_two_hops_away_within_a_tenth_of_a_second),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
