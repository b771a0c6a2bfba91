// What holds for every command: help, usage, where the node is, and what happens
// where its daemon is not, or is not any more.
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { NODE };
enum { SECOND_MS = 1000 * TRY_SLOWNESS };

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// ---- help and usage ----

typedef struct {
    const char *name;
    const char *options[10];
} command_t;

static const command_t commands[] = {
    {"init",
     {"--dir", "--node", "--name", "--country", "--lang", "--listen", "--advertise", "--connect"}},
    {"card", {"--dir"}},
    {"charter create", {"--dir", "--name", "--threshold", "CARD_FILE"}},
    {"charter accept", {"--dir", "--fingerprint", "--yes"}},
    {"put", {"--dir", "--file", "KIND", "FIELD=VALUE", "committee", "lead_institution"}},
    {"edit", {"--dir", "--if-revision", "ID", "FIELD=VALUE"}},
    {"retract", {"--dir", "ID"}},
    {"import", {"--dir", "--node", "--json", "FILE.jsonl|-"}},
    {"list", {"--dir", "--owner", "--limit", "--json", "--csv", "KIND", "guideline_action"}},
    {"show", {"--dir", "--history", "--json", "ID"}},
    {"status", {"--dir", "--watch", "--json", "--wait-synced"}},
    {"digest", {"--dir", "--json"}},
    {"tail", {"--dir", "--since", "--json"}},
    {"verify", {"--dir", "--json"}},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void every_command_says_what_it_takes(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    for (size_t i = 0; i < COMMANDS; i++) {
        result_t result = fleet_shell(fleet, "exec $BIN/enlace %s --help", commands[i].name);
        assert_int_equal(result.status, 0);
        assert_string_equal(result.err, "");
        expect_says(commands[i].name, result.out, &commands[i].name, 1);
        expect_says(commands[i].name, result.out, commands[i].options, 10);
        result_clear(&result);
    }
    result_t result = fleet_shell(fleet, "exec $BIN/enlace --help");
    assert_int_equal(result.status, 0);
    for (size_t i = 0; i < COMMANDS; i++)
        expect_says("--help", result.out, &commands[i].name, 1);
    result_clear(&result);
    result = fleet_shell(fleet, "exec $BIN/enlace --version");
    assert_int_equal(result.status, 0);
    assert_string_equal(result.out, "enlace " ENLACE_VERSION "\n");
    result_clear(&result);
    fleet_destroy(&fleet);
}

// None of these needs a daemon to be found out.
static void what_is_not_understood_ends_with_2(void **state)
{
    (void)state;
    static const try_t tries[] = {
        {"frobnicate", 2, {"frobnicate", "--help", "[usage]"}},
        {"charter", 2, {"charter", "[usage]"}},
        {"charter join", 2, {"charter", "[usage]"}},
        {"list body --frobnicate", 2, {"--frobnicate", "[usage]"}},
        {"list body --threshold 3", 2, {"--threshold", "\"list\"", "[usage]"}},
        {"list", 2, {"list", "KIND", "[usage]"}},
        {"show", 2, {"show", "ID", "[usage]"}},
        {"show CRM:1 CRM:2", 2, {"CRM:2", "[usage]"}},
        {"retract", 2, {"retract", "[usage]"}},
        {"edit CRM:1", 2, {"edit", "FIELD=VALUE", "[usage]"}},
        {"import", 2, {"import", "[usage]"}},
        {"put", 2, {"put", "[usage]"}},
        {"put body", 2, {"put", "[usage]"}},
        {"put body name=N --file -", 2, {"--file", "[usage]"}},
        {"digest now", 2, {"now", "[usage]"}},
        {"tail now", 2, {"now", "[usage]"}},
        {"verify now", 2, {"now", "[usage]"}},
        {"status now", 2, {"now", "[usage]"}},
        {"card now", 2, {"now", "[usage]"}},
        {"list body --limit 0", 2, {"--limit", "[usage]"}},
        {"list body --limit many", 2, {"--limit", "[usage]"}},
        {"list body --limit", 2, {"--limit", "[usage]"}},
        {"list body --limit 1 --limit 2", 2, {"--limit", "[usage]"}},
        {"list body --json=yes", 2, {"--json", "[usage]"}},
        {"list body --json --csv", 2, {"--csv", "[usage]"}},
        {"edit CRM:1 name=N --if-revision 0", 2, {"--if-revision", "[usage]"}},
        {"edit CRM:1 name=N --if-revision 99999999999999999999", 2, {"--if-revision", "[usage]"}},
        {"tail --since -1", 2, {"--since", "[usage]"}},
        {"status --wait-synced soon", 2, {"--wait-synced", "[usage]"}},
        {"status --wait-synced -1", 2, {"--wait-synced", "[usage]"}},
        {"status --wait-synced 1 --watch", 2, {"--watch", "[usage]"}},
        {"--dir elsewhere status", 2, {"--dir", "[usage]"}},
    };
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", false, "", NULL);
    TRY_ALL(fleet, NODE, tries);
    result_t result = fleet_shell(fleet, "unset ENLACE_DIR; exec $BIN/enlace status");
    assert_int_equal(result.status, 2);
    expect_says("no --dir", result.err, (const char *const[]){"--dir", "ENLACE_DIR"}, 2);
    result_clear(&result);
    result = fleet_shell(fleet, "exec $BIN/enlace");
    assert_int_equal(result.status, 2);
    expect_says("nothing", result.err, (const char *const[]){"charter accept", "--dir"}, 2);
    result_clear(&result);
    fleet_destroy(&fleet);
}

static void words_that_are_no_text_are_refused(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    static const try_t tries[] = {
        {"put body \"name=$(printf 'Coalici\\363n')\"", 1, {"[bad-utf8]", "UTF-8"}},
        {"list \"$(printf '\\377')\"", 1, {"[bad-utf8]"}},
        {"list body", 0, {"!Coalici"}},
    };
    TRY_ALL(fleet, NODE, tries);
    fleet_destroy(&fleet);
}

// ---- which node ----

static void the_directory_is_named_anywhere(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "exec $BIN/enlace --dir $FLEET/CRM list body --json",
        "exec $BIN/enlace list --dir $FLEET/CRM body --json",
        "exec $BIN/enlace list body --json --dir $FLEET/CRM",
        "exec $BIN/enlace list body --json --dir=$FLEET/CRM/",
        "ENLACE_DIR=$FLEET/CRM exec $BIN/enlace list body --json",
        "ENLACE_DIR=/nowhere exec $BIN/enlace list body --json --dir $FLEET/CRM",
        "b=$(cd $BIN && pwd); cd $FLEET; exec $b/enlace --dir CRM list body --json",
    };
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, NODE, "put body name=Aqui"));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        result_t result = fleet_shell(fleet, "%s", forms[i]);
        if (result.status || !strstr(result.out, "Aqui"))
            fail_msg("%s: %d, %s%s", forms[i], result.status, result.out, result.err);
        result_clear(&result);
    }
    fleet_destroy(&fleet);
}

// ---- who may only read ----

// The directory's group gets the reading socket and no other. Root becomes nobody
// in that group; anybody else takes the right from himself.
static void who_may_only_read_cannot_write(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        int status;
        const char *says;
    } lines[] = {
        {"list body", 0, "Aqui"},
        {"show CRM:1 --history", 0, "Aqui"},
        {"status --wait-synced 0", 0, "in step"},
        {"digest", 0, "CRM 1 1 1"},
        {"verify", 0, "all in order"},
        {"put body name=N", 1, "[not-allowed]"},
        {"edit CRM:1 name=N", 1, "[not-allowed]"},
        {"retract CRM:1", 1, "[not-allowed]"},
        {"import /dev/null", 1, "[not-allowed]"},
    };
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, NODE, "put body name=Aqui"));
    char *before = digest_of(fleet, NODE);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        result_t result = fleet_shell(
            fleet,
            "cp $BIN/enlace $FLEET/enlace; if test $(id -u) = 0; then chmod 711 $FLEET; "
            "exec setpriv --reuid 65534 --regid $(stat -c %%g $FLEET/CRM) --clear-groups "
            "$FLEET/enlace --dir $FLEET/CRM %s; "
            "else chmod 0 $FLEET/CRM/full; exec $BIN/enlace --dir $FLEET/CRM %s; fi",
            lines[i].arguments, lines[i].arguments);
        const char *said = lines[i].status ? result.err : result.out;
        if (result.status != lines[i].status || !strstr(said, lines[i].says))
            fail_msg("%s: %d: %s%s", lines[i].arguments, result.status, result.out, result.err);
        result_clear(&result);
    }
    result_t open = fleet_shell(fleet, "chmod 700 $FLEET/CRM/full");
    result_clear(&open);
    expect_digest(fleet, NODE, before);
    mem_free(before);
    fleet_destroy(&fleet);
}

// ---- a daemon that is not there ----

static const char *const asking[] = {
    "put body name=N",
    "edit CRM:1 name=N",
    "retract CRM:1",
    "import $FLEET/empty",
    "list body",
    "show CRM:1",
    "status",
    "status --watch",
    "status --wait-synced 0",
    "digest",
    "tail",
    "verify",
};
enum { ASKING = sizeof asking / sizeof *asking };

// The quickest of three: a machine at work on something else is not our second.
static void expect_unreachable(fleet_t *fleet, const char *arguments, const char *what)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 3 && best >= SECOND_MS; i++) {
        result_t result = fleet_run(fleet, NODE, "%s", arguments);
        if (result.status != 3 || result.out[0])
            fail_msg("%s: %d: %s%s", arguments, result.status, result.out, result.err);
        // Nothing was sent, so nothing can have been done.
        expect_says(arguments, result.err,
                    (const char *const[]){fleet_node_dir(fleet, NODE), what, "enlaced --dir",
                                          "[node-unreachable]"},
                    4);
        best = result.ms < best ? result.ms : best;
        result_clear(&result);
    }
    if (best >= SECOND_MS)
        fail_msg("%s: takes %u ms", arguments, (unsigned)best);
}

static void without_a_daemon_every_command_says_so_at_once(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    mem_free(write_text(fleet, "empty", ""));
    for (size_t i = 0; i < ASKING; i++)
        expect_unreachable(fleet, asking[i], "no daemon runs");
    // A node that is not there at all is another thing.
    result_t result = fleet_shell(fleet, "exec $BIN/enlace --dir $FLEET/nobody status");
    assert_int_equal(result.status, 3);
    expect_says("no node", result.err,
                (const char *const[]){"/nobody", "enlace init", "[no-directory]"}, 3);
    result_clear(&result);
    fleet_destroy(&fleet);
}

static void a_daemon_that_is_stopped_is_unreachable_within_a_second(void **state)
{
    (void)state;
    static const char *const some[] = {"list body", "put body name=N", "status"};
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    assert_int_equal(kill(fleet_pid(fleet, NODE), SIGSTOP), 0);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        expect_unreachable(fleet, some[i], "does not answer");
    assert_int_equal(kill(fleet_pid(fleet, NODE), SIGCONT), 0);
    char *listed = fleet_do(fleet, NODE, "list body --json");
    assert_string_equal(listed, "");
    mem_free(listed);
    fleet_destroy(&fleet);
}

// ---- a daemon that dies during the request ----

// Somebody else writes to the database: a put waits for it, and so is under way.
static sqlite3 *hold_database(fleet_t *fleet)
{
    sqlite3 *handle = NULL;
    char *path = mem_format("%s/enlace.db", fleet_node_dir(fleet, NODE));
    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(handle, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    mem_free(path);
    return handle;
}

// A put that is given `ms` to get under way before the daemon is stopped and
// killed. What it says at last, and how long after the death.
static char *put_and_kill(fleet_t *fleet, unsigned ms, uint64_t *after_ms)
{
    sqlite3 *held = hold_database(fleet);
    reading_t *put =
        fleet_background(fleet, "exec $BIN/enlace --dir '%s' put body key=vuelo name=N 2>&1",
                         fleet_node_dir(fleet, NODE));
    char *line = reading_line(put, ms);
    kill(fleet_pid(fleet, NODE), SIGSTOP);
    fleet_kill(fleet, NODE);
    uint64_t death_ms = now_ms();
    if (!line)
        line = reading_line(put, 10000);
    *after_ms = now_ms() - death_ms;
    assert_int_equal(reading_wait(&put), 3);
    assert_int_equal(sqlite3_close(held), SQLITE_OK);
    assert_non_null(line);
    return line;
}

static void dying_during_a_request_leaves_the_outcome_unknown(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    bool unknown = false;
    // How long it takes to be under way is the machine's affair: more each time.
    for (unsigned ms = 10; !unknown && ms <= 640; ms *= 2) {
        uint64_t after_ms = 0;
        fleet_start(fleet, NODE);
        char *line = put_and_kill(fleet, ms, &after_ms);
        unknown = strstr(line, "[outcome-unknown]") != NULL;
        if (!unknown && !strstr(line, "[node-unreachable]"))
            fail_msg("put says %s", line);
        if (unknown)
            expect_says(
                "put", line,
                (const char *const[]){"may or may not", fleet_node_dir(fleet, NODE), "show"}, 3);
        assert_in_range(after_ms, 0, SECOND_MS);
        mem_free(line);
        fleet_start(fleet, NODE);
        mem_free(fleet_do(fleet, NODE, "verify"));
        char *listed = fleet_do(fleet, NODE, "list body --json");
        assert_string_equal(listed, ""); // held up before it was written
        mem_free(listed);
        fleet_kill(fleet, NODE);
    }
    assert_true(unknown);
    fleet_destroy(&fleet);
}

// A question that has no answer is no question of outcome.
static void readings_that_lose_their_daemon_say_so(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, NODE, "put body name=N"));
    reading_t *tail = fleet_background(fleet, "exec $BIN/enlace --dir '%s' tail --since 0 2>&1",
                                       fleet_node_dir(fleet, NODE));
    char *line = reading_line(tail, 10000);
    assert_non_null(line);
    while (line && !strstr(line, " body ")) {
        mem_free(line);
        line = reading_line(tail, 10000);
    }
    assert_non_null(line);
    mem_free(line);
    fleet_kill(fleet, NODE);
    uint64_t death_ms = now_ms();
    line = reading_line(tail, 10000);
    assert_non_null(line);
    assert_in_range(now_ms() - death_ms, 0, SECOND_MS);
    expect_says("tail", line, (const char *const[]){"[node-unreachable]", "enlaced --dir"}, 2);
    mem_free(line);
    assert_int_equal(reading_wait(&tail), 3);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_says_what_it_takes),
        cmocka_unit_test(what_is_not_understood_ends_with_2),
        cmocka_unit_test(words_that_are_no_text_are_refused),
        cmocka_unit_test(the_directory_is_named_anywhere),
        cmocka_unit_test(who_may_only_read_cannot_write),
        cmocka_unit_test(without_a_daemon_every_command_says_so_at_once),
        cmocka_unit_test(a_daemon_that_is_stopped_is_unreachable_within_a_second),
        cmocka_unit_test(dying_during_a_request_leaves_the_outcome_unknown),
        cmocka_unit_test(readings_that_lose_their_daemon_say_so),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
