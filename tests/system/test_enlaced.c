// enlaced from the command line: what it takes, when it refuses to start, and how it
// ends.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { HUB, GT };

static void the_daemon_says_what_it_takes(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    static const struct {
        const char *command;
        int status;
        const char *out, *err;
    } lines[] = {
        {"--help", 0, "--verify", ""},
        {"--version", 0, "enlaced " ENLACE_VERSION "\n", ""},
        {"", 2, "", "--dir"},
        {"--frobnicate", 2, "", "--frobnicate"},
        {"--dir $FLEET/x extra", 2, "", "usage"},
        {"--dir $FLEET/x", 78, "", "[no-directory]"},
        {"--dir $FLEET/x --verify", 78, "", "[no-directory]"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        result_t result =
            fleet_shell(fleet, "unset ENLACE_DIR; exec $BIN/enlaced %s", lines[i].command);
        if (result.status != lines[i].status || !strstr(result.out, lines[i].out) ||
            !strstr(result.err, lines[i].err))
            fail_msg("enlaced %s: %d\n%s%s", lines[i].command, result.status, result.out,
                     result.err);
        result_clear(&result);
    }
    fleet_destroy(&fleet);
}

static void a_daemon_without_a_charter_says_what_is_next(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", false, "", NULL);
    result_t result = fleet_shell(fleet, "exec $BIN/enlaced --dir $FLEET/CRM");
    assert_int_equal(result.status, 78);
    expect_says("enlaced", result.err,
                (const char *const[]){fleet_node_dir(fleet, HUB), "charter accept", "[no-charter]"},
                3);
    result_clear(&result);
    result = fleet_shell(fleet, "echo 'frobnicate = \"1\"' >> $FLEET/CRM/enlaced.conf; "
                                "exec $BIN/enlaced --dir $FLEET/CRM");
    assert_int_equal(result.status, 78);
    expect_says("enlaced", result.err,
                (const char *const[]){"enlaced.conf", "line", "[bad-config]"}, 3);
    result_clear(&result);
    fleet_destroy(&fleet);
}

static void a_second_daemon_on_one_directory_refuses_to_start(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, GT, "put body key=uno name=N"));
    for (int i = 0; i < 3; i++) {
        result_t result = fleet_shell(fleet, "exec $BIN/enlaced --dir $FLEET/GT");
        assert_int_equal(result.status, 1);
        expect_says("second daemon", result.err,
                    (const char *const[]){"another daemon", fleet_node_dir(fleet, GT), "[locked]"},
                    3);
        result_clear(&result);
    }
    // The first never noticed.
    mem_free(fleet_do(fleet, GT, "put body key=dos name=N"));
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    mem_free(fleet_do(fleet, GT, "verify"));
    fleet_destroy(&fleet);
}

static void an_address_that_is_taken_is_named(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    char *taken = mem_format("--listen %s", fleet_endpoint(fleet, HUB));
    fleet_add(fleet, "GT", false, taken, NULL);
    fleet_found(fleet, 2);
    fleet_start(fleet, HUB);
    result_t result = fleet_shell(fleet, "exec $BIN/enlaced --dir $FLEET/GT");
    assert_int_equal(result.status, 1);
    expect_says("enlaced", result.err,
                (const char *const[]){fleet_endpoint(fleet, HUB), "[cannot-listen]"}, 2);
    result_clear(&result);
    mem_free(taken);
    fleet_destroy(&fleet);
}

static void a_daemon_ends_cleanly(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, GT, "put body name=N"));
    reading_t *tail = fleet_open(fleet, GT, "tail");
    assert_int_equal(fleet_stop(fleet, GT), 0);
    assert_int_equal(reading_wait(&tail), 3);
    result_t result = fleet_shell(fleet, "exec $BIN/enlaced --dir $FLEET/GT --verify");
    assert_int_equal(result.status, 0);
    expect_says("--verify", result.out, (const char *const[]){"1 records", " 0 findings"}, 2);
    result_clear(&result);
    kill(fleet_pid(fleet, HUB), SIGINT);
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_daemon_says_what_it_takes),
        cmocka_unit_test(a_daemon_without_a_charter_says_what_is_next),
        cmocka_unit_test(a_second_daemon_on_one_directory_refuses_to_start),
        cmocka_unit_test(an_address_that_is_taken_is_named),
        cmocka_unit_test(a_daemon_ends_cleanly),
    };
    return cmocka_run_group_tests_name("enlaced", tests, NULL, NULL);
}
