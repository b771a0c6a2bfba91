// On a terminal: tables fit its width, colour is there and only there, a person is
// asked, and what others wrote cannot play with the screen.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/system/pty.h"
#include "tests/system/tries.h"

enum { HUB, GT };
enum { SOON_MS = 20000 };

static const char long_name[] =
    "Coalición Nacional contra el Tráfico Ilícito de Migrantes y la Trata de Personas, con una "
    "cola que no cabe en ninguna línea de ninguna terminal";

static fleet_t *with_records(void)
{
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    mem_free(fleet_do(fleet, HUB,
                      "put committee key=comite-cr country=CR 'name=es:%s' "
                      "'lead_institution=Dirección General de Migración y Extranjería' "
                      "lead_sector=MIGRATION since=2005-09-27",
                      long_name));
    mem_free(fleet_do(fleet, HUB,
                      "put committee key=comite-bz country=BZ name=en:ATIPs "
                      "lead_sector=SOCIAL_DEVELOPMENT label=TLP:AMBER"));
    mem_free(fleet_do(fleet, GT, "put membership key=m member=@CRM:later class=MEMBER"));
    fleet_settle(fleet);
    return fleet;
}

// Runs it and asserts that it is done; what it showed.
static char *shown(fleet_t *fleet, unsigned columns, const char *command)
{
    int status = -1;
    pty_t *pty = pty_open(fleet, columns, "%s", command);
    char *text = pty_close(&pty, &status);
    if (status != 0)
        fail_msg("%s: ends with %d:\n%s", command, status, text);
    return text;
}

static void expect_fits(const char *command, const char *text, unsigned columns)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        size_t width = shown_width(line, length);
        if (width > columns)
            fail_msg("%s: %zu columns of %u: %.*s", command, width, columns, (int)length, line);
        line += length + (line[length] == '\n');
    }
}

// ---- width ----

static void tables_fit_the_terminal(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "list committee",  "list membership", "status",
        "show @comite-cr", "list body",       "show @comite-cr --history",
    };
    static const unsigned widths[] = {40, 60, 80, 132};
    fleet_t *fleet = with_records();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
            char *command = mem_format("exec $BIN/enlace --dir $FLEET/CRM %s", commands[i]);
            char *text = shown(fleet, widths[k], command);
            expect_fits(commands[i], text, widths[k]);
            mem_free(command);
            mem_free(text);
        }
    fleet_destroy(&fleet);
}

static void what_is_cut_says_so_and_show_cuts_nothing(void **state)
{
    (void)state;
    fleet_t *fleet = with_records();
    char *listed = shown(fleet, 80, "exec $BIN/enlace --dir $FLEET/CRM list committee");
    assert_non_null(strstr(listed, "…"));
    assert_non_null(strstr(listed, "Coalici")); // its beginning
    assert_null(strstr(listed, "ninguna terminal"));
    // ids are for copying: they stay whole
    assert_non_null(strstr(listed, "CRM:1 "));
    mem_free(listed);
    // On a wide one nothing needs cutting.
    listed = shown(fleet, 400, "exec $BIN/enlace --dir $FLEET/CRM list committee");
    assert_null(strstr(listed, "…"));
    assert_non_null(strstr(listed, long_name));
    mem_free(listed);
    // show wraps: words in order, none lost
    char *text = shown(fleet, 60, "NO_COLOR=1 exec $BIN/enlace --dir $FLEET/CRM show @comite-cr");
    char *words = mem_copy_string(long_name), *rest = words, *at = text;
    while (rest) {
        char *word = strsep(&rest, " ");
        at = strstr(at, word);
        if (!at)
            fail_msg("show loses %s", word);
        at += strlen(word);
    }
    mem_free(words);
    mem_free(text);
    fleet_destroy(&fleet);
}

// Standard output decides, not that there is a terminal somewhere.
static void through_a_pipe_nothing_is_cut_or_coloured(void **state)
{
    (void)state;
    fleet_t *fleet = with_records();
    char *text = shown(fleet, 40, "$BIN/enlace --dir $FLEET/CRM list committee | cat");
    assert_non_null(strstr(text, long_name));
    assert_null(strchr(text, '\033'));
    mem_free(text);
    text = shown(fleet, 40,
                 "LC_ALL=C $BIN/enlace --dir $FLEET/CRM show @comite-cr > $FLEET/plain; "
                 "cat $FLEET/plain");
    assert_non_null(strstr(text, long_name));
    assert_null(strchr(text, '\033'));
    mem_free(text);
    fleet_destroy(&fleet);
}

// ---- colour ----

static void colour_is_for_terminals_that_want_it(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        bool coloured;
    } cases[] = {
        {"", true},
        {"NO_COLOR=1", false},
        {"NO_COLOR=", true}, // no-color.org: when present and not an empty string
        {"TERM=dumb", false},
        {"LC_ALL=C", true},
        {"COLORTERM=truecolor", true},
    };
    static const char *const commands[] = {"list committee", "show @comite-bz", "status"};
    fleet_t *fleet = with_records();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; k < 3; k++) {
            char *command =
                mem_format("%s exec $BIN/enlace --dir $FLEET/CRM %s", cases[i].before, commands[k]);
            char *text = shown(fleet, 100, command);
            if ((strchr(text, '\033') != NULL) != cases[i].coloured)
                fail_msg("%s: %s", command, text);
            mem_free(text);
            mem_free(command);
        }
    // FIRST's colours, where the terminal has them: amber on black.
    char *text =
        shown(fleet, 100, "COLORTERM=truecolor exec $BIN/enlace --dir $FLEET/CRM show @comite-bz");
    assert_non_null(strstr(text, "38;2;255;192;0"));
    assert_non_null(strstr(text, "TLP:AMBER"));
    mem_free(text);
    // JSON and CSV are for programs, also on a terminal.
    static const char *const plain[] = {"list committee --json", "list committee --csv",
                                        "show @comite-cr --json", "digest", "status --json"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char *command = mem_format("exec $BIN/enlace --dir $FLEET/CRM %s", plain[i]);
        text = shown(fleet, 40, command);
        assert_null(strchr(text, '\033'));
        assert_null(strstr(text, "…"));
        mem_free(text);
        mem_free(command);
    }
    fleet_destroy(&fleet);
}

static void errors_are_coloured_on_a_terminal_only(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    for (int plain = 0; plain < 2; plain++) {
        int status = 0;
        pty_t *pty = pty_open(fleet, 200, "%s exec $BIN/enlace --dir $FLEET/CRM digest",
                              plain ? "NO_COLOR=1" : "");
        char *text = pty_close(&pty, &status);
        assert_int_equal(status, 3);
        assert_non_null(strstr(text, "[node-unreachable]"));
        assert_true((strchr(text, '\033') == NULL) == plain);
        mem_free(text);
    }
    fleet_destroy(&fleet);
}

// ---- what others wrote ----

static void what_others_wrote_cannot_play_with_the_screen(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    // A red BEL, a carriage return, C1's CSI, and letters that turn the line around.
    result_t put = fleet_shell(
        fleet, "exec $BIN/enlace --dir $FLEET/GT put body key=malo \"contact=$(printf "
               "'a\\rb')\" \"name=es:$(printf "
               "'\\033]0;titulo\\007\\033[31mrojo\\302\\2331m\\342\\200\\256alreves')\"");
    assert_int_equal(put.status, 0);
    result_clear(&put);
    fleet_settle(fleet);
    fleet_settle(fleet);
    static const char *const commands[] = {"list body", "show @GT:malo", "list body --json",
                                           "list body --csv", "show @GT:malo --json"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char *command = mem_format("NO_COLOR=1 exec $BIN/enlace --dir $FLEET/CRM %s", commands[i]);
        char *text = shown(fleet, 120, command);
        assert_non_null(strstr(text, "rojo"));
        if (strchr(text, '\033') || strchr(text, '\007') || strstr(text, "\302\233"))
            fail_msg("%s: %s", command, text);
        mem_free(text);
        mem_free(command);
    }
    fleet_destroy(&fleet);
}

// ---- who is there to ask ----

static pty_t *accept(fleet_t *fleet, const char *extra)
{
    return pty_open(fleet, 100, "exec $BIN/enlace charter accept --dir $FLEET/GT $FLEET/c %s",
                    extra);
}

static void accepting_asks_on_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int status;
    } answers[] = {{"n\n", 1}, {"\n", 1}, {"\004", 1}, {"tal vez\n", 1}, {"sí\n", 0}};
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    fleet_add(fleet, "GT", false, "", (const char *const[]){"CRM", NULL});
    result_t made = fleet_shell(fleet, "cd $FLEET; E=$(cd $OLDPWD && cd $BIN && pwd)/enlace; "
                                       "$E card --dir GT > GT.card && $E charter create --dir CRM "
                                       "--name Coalición --threshold 2 GT.card > c 2> words");
    assert_int_equal(made.status, 0);
    result_clear(&made);
    result_t words = fleet_shell(fleet, "grep -oE '([a-z]{4} ){7}[a-z]{4}' $FLEET/words");
    words.out[strcspn(words.out, "\n")] = '\0';
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        int status = -1;
        pty_t *pty = accept(fleet, "");
        assert_true(pty_shows(pty, words.out, SOON_MS));
        assert_true(pty_shows(pty, "?", SOON_MS));
        pty_type(pty, answers[i].answer);
        char *text = pty_close(&pty, &status);
        if (status != answers[i].status || !!strstr(text, "[not-confirmed]") != status)
            fail_msg("\"%s\" ends with %d: %s", answers[i].answer, status, text);
        mem_free(text);
    }
    result_clear(&words);
    // With --yes nobody is asked, and neither where it was accepted before.
    int status = -1;
    pty_t *pty = accept(fleet, "--yes");
    char *text = pty_close(&pty, &status);
    assert_int_equal(status, 0);
    assert_null(strstr(text, "?"));
    mem_free(text);
    fleet_destroy(&fleet);
}

// ---- what goes on ----

static void watching_redraws_and_ends_with_an_interrupt(void **state)
{
    (void)state;
    int status = -1;
    fleet_t *fleet = with_records();
    pty_t *pty = pty_open(fleet, 80, "exec $BIN/enlace --dir $FLEET/CRM status --watch");
    assert_true(pty_shows(pty, "\033[2J", SOON_MS));
    assert_true(pty_shows(pty, "in-step", SOON_MS));
    pty_type(pty, "\003");
    mem_free(pty_close(&pty, &status));
    assert_true(status == 128 + 2 || status == 0);
    pty = pty_open(fleet, 70, "exec $BIN/enlace --dir $FLEET/CRM tail --since 0");
    assert_true(pty_shows(pty, "Coalici", SOON_MS));
    pty_type(pty, "\003");
    char *text = pty_close(&pty, &status);
    assert_int_equal(status, 0); // how one ends a tail
    expect_fits("tail", text, 70);
    mem_free(text);
    fleet_destroy(&fleet);
}

static void importing_shows_how_far_it_is(void **state)
{
    (void)state;
    fleet_t *fleet = fleet_hub(0);
    fleet_start_all(fleet);
    result_t made = fleet_shell(
        fleet, "for i in $(seq 400); do echo \"{\\\"node\\\":\\\"CRM\\\",\\\"kind\\\":\\\"body\\\","
               "\\\"key\\\":\\\"k$i\\\",\\\"name\\\":\\\"N\\\"}\"; done > $FLEET/file.jsonl");
    assert_int_equal(made.status, 0);
    result_clear(&made);
    char *text = shown(fleet, 80, "exec $BIN/enlace --dir $FLEET/CRM import $FLEET/file.jsonl");
    expect_says("import", text, (const char *const[]){"100 %", "created 400"}, 2);
    mem_free(text);
    result_t quiet = fleet_run(fleet, HUB, "import $FLEET/file.jsonl");
    assert_string_equal(quiet.err, ""); // off a terminal only the result
    assert_int_equal(count_lines(quiet.out), 1);
    result_clear(&quiet);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_fit_the_terminal),
        cmocka_unit_test(what_is_cut_says_so_and_show_cuts_nothing),
        cmocka_unit_test(through_a_pipe_nothing_is_cut_or_coloured),
        cmocka_unit_test(colour_is_for_terminals_that_want_it),
        cmocka_unit_test(errors_are_coloured_on_a_terminal_only),
        cmocka_unit_test(what_others_wrote_cannot_play_with_the_screen),
        cmocka_unit_test(accepting_asks_on_a_terminal),
        cmocka_unit_test(watching_redraws_and_ends_with_an_interrupt),
        cmocka_unit_test(importing_shows_how_far_it_is),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
