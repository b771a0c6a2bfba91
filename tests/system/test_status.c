// What a node says of itself and of the others: status and --wait-synced, digest,
// tail, verify.
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/tries.h"

enum { HUB, GT, SV };
enum { SOON_MS = 20000 };

// ---- in step ----

// How `status --wait-synced SECONDS` ends; what it says on standard error.
static result_t wait_synced(fleet_t *fleet, size_t node, const char *seconds)
{
    return fleet_run(fleet, node, "status --wait-synced %s", seconds);
}

static void expect_missing(fleet_t *fleet, size_t node, const char *what, const char *whom)
{
    result_t result = wait_synced(fleet, node, "0");
    assert_int_equal(result.status, 1);
    assert_string_equal(result.out, "");
    expect_says("--wait-synced", result.err, (const char *const[]){what, whom, "[not-synced]"}, 3);
    result_clear(&result);
}

static void a_coalition_of_one_is_in_step_at_once(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, HUB, "put body name=N"));
    result_t result = wait_synced(fleet, HUB, "60");
    assert_int_equal(result.status, 0);
    assert_string_equal(result.out, "in step\n");
    assert_string_equal(result.err, "");
    assert_in_range(result.ms, 0, 1000 * TRY_SLOWNESS);
    result_clear(&result);
    fleet_destroy(&fleet);
}

static void who_is_missing_is_named(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start(fleet, GT);
    // A peer that is to be dialled and is not there.
    expect_missing(fleet, GT, "CRM", fleet_endpoint(fleet, HUB));
    result_t late = wait_synced(fleet, GT, "0.7");
    assert_int_equal(late.status, 1);
    assert_in_range(late.ms, 700, 700 + 2000 * TRY_SLOWNESS);
    result_clear(&late);
    assert_true(fleet_status_shows(fleet, GT, "\"why\":\"unreachable\"", SOON_MS) ||
                fleet_status_shows(fleet, GT, "\"why\":\"disconnected\"", SOON_MS));
    fleet_stop(fleet, GT);
    // A hub waits for one member at least, whichever.
    fleet_start(fleet, HUB);
    expect_missing(fleet, HUB, "no member", "connected");
    fleet_start(fleet, GT);
    result_t both[] = {wait_synced(fleet, HUB, "30"), wait_synced(fleet, GT, "30")};
    for (size_t i = 0; i < 2; i++) {
        if (both[i].status)
            fail_msg("not in step: %s", both[i].err);
        result_clear(&both[i]);
    }
    // SV never came: it is nobody's to wait for.
    fleet_destroy(&fleet);
}

static void an_address_of_nobody_is_named(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_new();
    char *nobody = mem_format("--connect tcp://127.0.0.1:%u", fleet_port());
    fleet_add(fleet, "CRM", true, "", NULL);
    char *known = mem_format("--connect %s", fleet_endpoint(fleet, HUB));
    fleet_add(fleet, "GT", false, nobody, NULL);
    fleet_add(fleet, "SV", false, known, NULL);
    fleet_found(fleet, 2);
    fleet_start_all(fleet);
    expect_missing(fleet, GT, strstr(nobody, "tcp"), "no member's address");
    // Without a code before it, an address is the member's whose card says so.
    result_t result = wait_synced(fleet, SV, "30");
    assert_int_equal(result.status, 0);
    result_clear(&result);
    mem_free(nobody);
    mem_free(known);
    fleet_destroy(&fleet);
}

static void what_others_have_not_acknowledged_is_counted(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    assert_int_equal(kill(fleet_pid(fleet, HUB), SIGSTOP), 0);
    for (int i = 0; i < 3; i++)
        mem_free(fleet_do(fleet, GT, "put body name=N"));
    expect_missing(fleet, GT, "CRM has not acknowledged 3 ", "CRM");
    json_t *status = try_json(fleet, GT, "status --json");
    expect_at(status, "synced", "false");
    expect_at(status, "peers.0.code", "CRM");
    expect_at(status, "peers.0.unacknowledged", "3");
    json_decref(status);
    assert_int_equal(kill(fleet_pid(fleet, HUB), SIGCONT), 0);
    status = try_json(fleet, GT, "status --wait-synced 30 --json");
    expect_at(status, "synced", "true");
    expect_at(status, "missing", "[]");
    expect_at(status, "peers.0.unacknowledged", "0");
    json_decref(status);
    fleet_assert_same(fleet);
    fleet_destroy(&fleet);
}

// Who has heard the hub in this run and says that it is in step has all of it.
static void in_step_means_all_that_the_hub_has(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start(fleet, HUB);
    fleet_start(fleet, GT);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++)
            mem_free(fleet_do(fleet, GT, "put body name=N"));
        mem_free(fleet_do(fleet, GT, "status --wait-synced 30"));
        fleet_start(fleet, SV);
        result_t result = wait_synced(fleet, SV, "30");
        assert_int_equal(result.status, 0);
        result_clear(&result);
        fleet_assert_same(fleet);
        fleet_kill(fleet, SV);
    }
    fleet_destroy(&fleet);
}

static void status_is_for_people_and_for_programs(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, GT, "put body name=N"));
    fleet_settle(fleet);
    static const try_t people = {
        "status", 0, {"Nodo GT", "Coalición de prueba", "Peers", "Feeds", "CRM.1/0", "in-step"}};
    try_one(fleet, GT, &people);
    json_t *status = try_json(fleet, GT, "status --json");
    expect_at(status, "node.code", "GT");
    expect_at(status, "node.coalition", "Coalición de prueba");
    expect_at(status, "node.writing", "ok");
    expect_at(status, "node.listening", "false");
    expect_at(status, "node.records", "1");
    expect_at(status, "node.version", ENLACE_VERSION);
    expect_at(status, "peers.0.state", "up");
    expect_at(status, "peers.0.direction", "out");
    char *feeds = json_at(status, "feeds"); // names sorted
    expect_says(
        "feeds", feeds,
        (const char *const[]){"\"lane\":1,\"node\":\"GT\",\"number\":1", "\"node\":\"CRM\""}, 2);
    mem_free(feeds);
    json_decref(status);
    reading_t *watch = fleet_open(fleet, GT, "status --watch --json");
    for (int i = 0; i < 2; i++) {
        char *line = reading_line(watch, SOON_MS);
        assert_non_null(line);
        assert_int_equal(line[0], '{');
        mem_free(line);
    }
    reading_close(&watch);
    fleet_destroy(&fleet);
}

// ---- digest ----

static bool is_hex(const char *text, size_t size)
{
    return strlen(text) == size && strspn(text, "0123456789abcdef") == size;
}

static void the_digest_is_of_what_is_held_and_nothing_else(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start(fleet, HUB);
    fleet_start(fleet, GT); // SV never ran: a feed without a change has no line
    mem_free(fleet_do(fleet, GT, "put body key=uno name=N"));
    mem_free(fleet_do(fleet, GT, "edit @uno name=M"));
    fleet_settle(fleet);
    fleet_settle(fleet);
    char *text = digest_of(fleet, HUB);
    static const char *const feeds[] = {"CRM 1 0 1 ", "GT 1 0 1 ", "GT 1 1 2 "};
    char *copy = mem_copy_string(text), *rest = copy;
    for (size_t i = 0; i < 3; i++) {
        char *line = strsep(&rest, "\n");
        size_t prefix = strlen(feeds[i]);
        assert_memory_equal(line, feeds[i], prefix);
        assert_true(is_hex(line + prefix, 64));
    }
    assert_non_null(rest);
    assert_memory_equal(rest, "view ", 5);
    assert_true(is_hex(rest + 5, 64));
    expect_digest(fleet, GT, text);
    mem_free(copy);
    // Asking changes nothing, restarting neither; each change does.
    mem_free(fleet_do(fleet, GT, "list body"));
    mem_free(fleet_do(fleet, GT, "verify"));
    fleet_stop(fleet, GT);
    fleet_start(fleet, GT);
    expect_digest(fleet, GT, text);
    mem_free(fleet_do(fleet, GT, "retract @uno"));
    char *after = digest_of(fleet, GT);
    assert_string_not_equal(after, text);
    assert_string_not_equal(strstr(after, "view "), strstr(text, "view "));
    mem_free(after);
    mem_free(text);
    fleet_destroy(&fleet);
}

// ---- tail ----

static char *next_line(reading_t *tail)
{
    char *line = reading_line(tail, SOON_MS);
    assert_non_null(line);
    return line;
}

static void tail_begins_where_it_is_told_and_follows(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    mem_free(fleet_do(fleet, GT, "put body key=uno name=Uno"));
    mem_free(fleet_do(fleet, GT, "edit @uno name=Dos"));
    // Two consents, then these; numbers rise by one.
    reading_t *tail = fleet_open(fleet, GT, "tail --since 0");
    for (unsigned long number = 1; number <= 4; number++) {
        char *line = next_line(tail);
        assert_int_equal(strtoul(line, NULL, 10), number);
        if (number > 2)
            expect_says("tail", line,
                        (const char *const[]){" record body GT:1 ", number == 3 ? "Uno" : "Dos"},
                        2);
        mem_free(line);
    }
    mem_free(fleet_do(fleet, GT, "retract @uno"));
    char *line = next_line(tail);
    expect_says("tail", line, (const char *const[]){"5 ", " retract body GT:1 Dos"}, 2);
    mem_free(line);
    assert_int_equal(reading_close(&tail), 0);
    // After the fourth, as objects.
    tail = fleet_open(fleet, GT, "tail --since 4 --json");
    line = next_line(tail);
    json_t *change = json_loads(line, 0, NULL);
    assert_non_null(change);
    expect_at(change, "apply", "5");
    expect_at(change, "change", "GT:3");
    expect_at(change, "change_type", "retract");
    expect_at(change, "id", "GT:1");
    expect_at(change, "state", "retracted");
    json_decref(change);
    mem_free(line);
    assert_int_equal(reading_close(&tail), 0);
    fleet_destroy(&fleet);
}

// Without --since: what comes from now on, of all nodes, in the order of their coming.
static void tail_shows_what_others_write(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(2);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, GT, "put body name=Antes"));
    fleet_settle(fleet);
    fleet_settle(fleet);
    reading_t *tail = fleet_open(fleet, SV, "tail");
    // It is known to follow once it shows one of these.
    bool seen = false;
    char *line = NULL;
    for (int i = 0; i < 50 && !line; i++) {
        mem_free(fleet_do(fleet, GT, "put body name=Cambio%d", i));
        line = reading_line(tail, 200);
    }
    assert_non_null(line);
    assert_null(strstr(line, "Antes"));
    mem_free(line);
    mem_free(fleet_do(fleet, HUB, "put body name=Otro"));
    while (!seen) {
        line = next_line(tail);
        seen = strstr(line, " CRM:1 record body CRM:1 Otro") != NULL;
        mem_free(line);
    }
    assert_int_equal(reading_close(&tail), 0);
    fleet_destroy(&fleet);
}

// ---- verify ----

static void tamper(fleet_t *fleet, const char *sql)
{
    sqlite3 *handle = NULL;
    char *error = NULL;
    char *path = mem_format("%s/enlace.db", fleet_node_dir(fleet, HUB));
    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
    assert_int_equal(sqlite3_changes(handle), 1);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    mem_free(path);
}

typedef struct {
    const char *sql;
    const char *says[3];
    bool runs; // the daemon starts all the same, and says it, too
} tampering_t;

static const tampering_t tamperings[] = {
    {"UPDATE commit_log SET payloads = CAST(substr(payloads, 1, length(payloads) - 1) || x'ff'"
     " AS BLOB) WHERE id = 2",
     {"CRM", "bad-commitment"},
     true},
    {"UPDATE commit_log SET payloads = CAST(substr(payloads, 1, 6) || randomblob(16)"
     " || substr(payloads, 23) AS BLOB) WHERE id = 3", // the salt
     {"CRM", "bad-commitment"},
     true},
    {"UPDATE record SET revision = 7 WHERE key = 'uno'", {"CRM", "view-differs"}, true},
    {"UPDATE record SET key = 'tres' WHERE key = 'uno'", {"CRM", "view-differs"}, true},
    {"DELETE FROM record WHERE key = 'dos'", {"CRM", "view-differs"}, true},
    {"UPDATE meta SET digest = randomblob(32)", {"view-differs"}, true},
    {"UPDATE commit_log SET signature = randomblob(64) WHERE id = 2", {"CRM"}, false},
    {"UPDATE commit_log SET header = randomblob(80) WHERE id = 2", {"CRM"}, false},
    {"UPDATE commit_log SET hash = randomblob(32) WHERE id = 2", {"CRM"}, false},
    {"DELETE FROM commit_log WHERE id = 2", {"CRM"}, false},
    {"UPDATE feed SET number = 9 WHERE lane = 1", {"CRM"}, false},
};

static void verify_finds_what_was_tampered_with(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, HUB, "put body key=uno name=Uno"));
    mem_free(fleet_do(fleet, HUB, "put body key=dos name=Dos"));
    char *said = fleet_do(fleet, HUB, "verify");
    expect_says("verify", said, (const char *const[]){"changes 3", "records 2", "all in order"}, 3);
    mem_free(said);
    assert_int_equal(fleet_stop(fleet, HUB), 0);
    result_t copied = fleet_shell(fleet, "cp -a $FLEET/CRM/enlace.db $FLEET/good.db");
    assert_int_equal(copied.status, 0);
    result_clear(&copied);
    for (size_t i = 0; i < sizeof tamperings / sizeof *tamperings; i++) {
        tamper(fleet, tamperings[i].sql);
        result_t offline = fleet_shell(fleet, "exec $BIN/enlaced --dir $FLEET/CRM --verify");
        if (offline.status != 1)
            fail_msg("%s: --verify ends with %d: %s", tamperings[i].sql, offline.status,
                     offline.out);
        expect_says(tamperings[i].sql, offline.out, tamperings[i].says, 3);
        result_clear(&offline);
        if (tamperings[i].runs) {
            fleet_start(fleet, HUB);
            result_t online = fleet_run(fleet, HUB, "verify");
            assert_int_equal(online.status, 1);
            expect_says(tamperings[i].sql, online.out, tamperings[i].says, 3);
            expect_says(tamperings[i].sql, online.err,
                        (const char *const[]){fleet_node_dir(fleet, HUB), "]\n"}, 2);
            result_clear(&online);
            fleet_kill(fleet, HUB);
        }
        copied = fleet_shell(fleet, "rm -f $FLEET/CRM/enlace.db-* && "
                                    "cp -a $FLEET/good.db $FLEET/CRM/enlace.db");
        assert_int_equal(copied.status, 0);
        result_clear(&copied);
    }
    result_t offline = fleet_shell(fleet, "exec $BIN/enlaced --dir $FLEET/CRM --verify");
    assert_int_equal(offline.status, 0);
    result_clear(&offline);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coalition_of_one_is_in_step_at_once),
        cmocka_unit_test(who_is_missing_is_named),
        cmocka_unit_test(an_address_of_nobody_is_named),
        cmocka_unit_test(what_others_have_not_acknowledged_is_counted),
        cmocka_unit_test(in_step_means_all_that_the_hub_has),
        cmocka_unit_test(status_is_for_people_and_for_programs),
        cmocka_unit_test(the_digest_is_of_what_is_held_and_nothing_else),
        cmocka_unit_test(tail_begins_where_it_is_told_and_follows),
        cmocka_unit_test(tail_shows_what_others_write),
        cmocka_unit_test(verify_finds_what_was_tampered_with),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
