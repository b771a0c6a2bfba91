// Search through the client: at once after a put, after a kill, without its file, by who may read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/bytes.h"
#include "lib/mem.h"
#include "tests/system/pty.h"
#include "tests/system/tries.h"

enum { HUB, GT };

// Ids, in the order in which they come: "GT:1 CRM:2".
static char *ids_of(fleet_t *fleet, size_t node, const char *arguments)
{
    char *out = fleet_do(fleet, node, "search %s --csv", arguments);
    buf_t ids = {0};
    char *rest = strchr(out, '\n'); // the first line names the columns
    while (rest) {
        char *line = rest + 1;
        rest = strchr(line, '\n');
        size_t size = strcspn(line, ",\r\n");
        if (size && ids.size)
            buf_append(&ids, span_text(" "));
        buf_append(&ids, span_of(line, size));
    }
    buf_append(&ids, span_of("", 1));
    mem_free(out);
    return (char *)ids.data;
}

static void expect_ids(fleet_t *fleet, size_t node, const char *arguments, const char *want)
{
    char *got = ids_of(fleet, node, arguments);
    if (strcmp(got, want) != 0)
        fail_msg("search %s: '%s' instead of '%s'", arguments, got, want);
    mem_free(got);
}

// Whether all that this node has applied stands in its file for search.
static bool fed(fleet_t *fleet, size_t node)
{
    return fleet_status_shows(fleet, node, "\"behind\":0,", 20000);
}

static void put_some(fleet_t *fleet, size_t node)
{
    mem_free(fleet_do(fleet, node, "put body key=uno name='Coalición Regional'"));
    mem_free(fleet_do(fleet, node, "put body key=dos name='Niñez y migración'"));
    mem_free(
        fleet_do(fleet, node, "put organisation key=tres name='Coalición de niñez' city=Panamá"));
}

static void what_is_put_is_found_at_once(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    put_some(fleet, HUB);
    expect_ids(fleet, HUB, "coalicion", "CRM:3 CRM:1");
    fleet_settle(fleet);
    expect_ids(fleet, GT, "COALICIÓN", "CRM:3 CRM:1"); // at every node that has it
    mem_free(fleet_do(fleet, GT, "put body name='coalición nacional'"));
    expect_ids(fleet, GT, "coalición", "GT:1 CRM:3 CRM:1");
    expect_ids(fleet, GT, "coalición --owner CRM", "CRM:3 CRM:1");
    expect_ids(fleet, GT, "coalición --kind organisation", "CRM:3");
    expect_ids(fleet, GT, "coalición --limit 2", "GT:1 CRM:3");
    expect_ids(fleet, GT, "ninez coalicion", "CRM:3");
    expect_ids(fleet, GT, "'regio*'", "CRM:1");
    expect_ids(fleet, GT, "coalisiom", "");
    expect_ids(fleet, GT, "coalisiom --alike", "GT:1 CRM:3 CRM:1");
    mem_free(fleet_do(fleet, GT, "retract GT:1"));
    expect_ids(fleet, GT, "nacional", "");
    expect_ids(fleet, GT, "nacional --retracted", "GT:1");
    assert_true(fed(fleet, GT)); // and the same when it stands in the file
    expect_ids(fleet, GT, "coalición", "CRM:3 CRM:1");
    expect_ids(fleet, GT, "nacional --retracted", "GT:1");
    expect_ids(fleet, GT, "coalisiom --alike --retracted", "GT:1 CRM:3 CRM:1");
    mem_free(fleet_do(fleet, HUB, "edit CRM:1 name=Alianza"));
    expect_ids(fleet, HUB, "coalición", "CRM:3");
    expect_ids(fleet, HUB, "alianza", "CRM:1");
    fleet_destroy(&fleet);
}

// Whoever looks at a screen is told that there are more, and not where there are none.
static void more_than_was_wanted_is_told_of(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    put_some(fleet, HUB);
    for (int limit = 1; limit <= 3; limit++) {
        int status = 0;
        pty_t *pty = pty_open(fleet, 100,
                              "exec $BIN/enlace --dir $FLEET/CRM search coalicion"
                              " --limit %d",
                              limit);
        char *text = pty_close(&pty, &status);
        assert_int_equal(status, 0);
        assert_non_null(strstr(text, "CRM:3"));
        assert_true((strstr(text, "CRM:1") != NULL) == (limit > 1));
        assert_true((strstr(text, "there are more") != NULL) == (limit == 1)); // there are two
        mem_free(text);
    }
    fleet_destroy(&fleet);
}

static void a_kill_and_a_lost_file_change_nothing(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    put_some(fleet, HUB);
    fleet_kill(fleet, HUB);
    fleet_start(fleet, HUB);
    expect_ids(fleet, HUB, "coalicion", "CRM:3 CRM:1");
    assert_true(fed(fleet, HUB));
    fleet_kill(fleet, HUB);
    fleet_start(fleet, HUB);
    expect_ids(fleet, HUB, "coalicion", "CRM:3 CRM:1");
    fleet_stop(fleet, HUB);
    result_t gone = fleet_shell(fleet, "rm $FLEET/CRM/search.db");
    assert_int_equal(gone.status, 0);
    result_clear(&gone);
    fleet_start(fleet, HUB);
    expect_ids(fleet, HUB, "coalicion", "CRM:3 CRM:1");
    assert_true(fed(fleet, HUB));
    fleet_stop(fleet, HUB);
    result_t rubbish = fleet_shell(fleet, "echo rubbish > $FLEET/CRM/search.db");
    assert_int_equal(rubbish.status, 0);
    result_clear(&rubbish);
    fleet_start(fleet, HUB); // no reason not to start
    assert_true(fleet_status_shows(fleet, HUB, "\"made_anew\":1", 20000));
    assert_true(fed(fleet, HUB));
    expect_ids(fleet, HUB, "coalicion", "CRM:3 CRM:1");
    fleet_destroy(&fleet);
}

static void who_may_only_read_may_search(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    put_some(fleet, HUB);
    // Without the full directory the client takes the other one.
    result_t moved = fleet_shell(fleet, "mv $FLEET/CRM/full $FLEET/CRM/kept");
    assert_int_equal(moved.status, 0);
    result_clear(&moved);
    result_t refused = fleet_run(fleet, HUB, "put body name=N");
    assert_int_equal(refused.status, 1);
    assert_non_null(strstr(refused.err, "[not-allowed]"));
    result_clear(&refused);
    expect_ids(fleet, HUB, "coalicion", "CRM:3 CRM:1");
    fleet_destroy(&fleet);
}

static void what_cannot_be_looked_for_is_told(void **state)
{
    static const try_t tries[] = {
        {"search", 2, {"[usage]"}},
        {"search '--' '--'", 1, {"there is no word in it"}},
        {"search 'ab*'", 1, {"at least 3 letters"}},
        {"search uno --kind nada", 1, {"[unknown-kind]"}},
        {"search uno --owner XX", 1, {"[unknown-member]"}},
        {"search uno --json --csv", 2, {"[usage]"}},
        {"search a1 a2 a3 a4 a5 a6 a7 a8 a9 b1 b2 b3 b4 b5 b6 b7 b8", 1, {"[too-many]"}},
        {"search '\"' '(' uno 'AND' 'NEAR(' ", 0, {""}},
        {"search nada", 0, {""}},
        {"search uno", 0, {"CRM:1", "body", "Coalición"}},
        {"search uno --json", 0, {"\"id\":\"CRM:1\""}},
        {"status", 0, {"search"}},
    };
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    put_some(fleet, HUB);
    try_some(fleet, HUB, tries, sizeof tries / sizeof *tries);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found_at_once),
        cmocka_unit_test(more_than_was_wanted_is_told_of),
        cmocka_unit_test(a_kill_and_a_lost_file_change_nothing),
        cmocka_unit_test(who_may_only_read_may_search),
        cmocka_unit_test(what_cannot_be_looked_for_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
