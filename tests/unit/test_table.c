// What people see: plain text, tables, pairs of names and values.
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/pairs.h"
#include "client/plain.h"
#include "client/table.h"
#include "client/when.h"
#include "lib/mem.h"

static const screen_t off_terminal = {0};

static void expect_plain(const char *text, const char *plain)
{
    char *made = plain_line(text);
    assert_string_equal(made, plain);
    mem_free(made);
}

static void test_nothing_from_others_commands_the_terminal(void **state)
{
    (void)state;
    expect_plain("Coalición", "Coalición");
    expect_plain("two\nlines\tand a tab", "two lines and a tab");
    expect_plain("\033[2Jgone", "\xef\xbf\xbd[2Jgone");
    expect_plain("del\x7f", "del\xef\xbf\xbd");
    expect_plain("csi \xc2\x9b"
                 "31m",
                 "csi \xef\xbf\xbd"
                 "31m"); // U+009B
    // NOLINTNEXTLINE(misc-misleading-bidirectional)
    expect_plain("right\xe2\x80\xae"
                 "left",
                 "rightleft");                                    // U+202E
    expect_plain("isolate\xe2\x81\xa6x\xe2\x81\xa9", "isolatex"); // U+2066, U+2069
    expect_plain("line\xe2\x80\xa8sep", "line\xef\xbf\xbdsep");   // U+2028
    expect_plain("latin-1 \xe9", "latin-1 \xef\xbf\xbd");
    expect_plain("overlong \xc0\xaf", "overlong \xef\xbf\xbd\xef\xbf\xbd");
    expect_plain("surrogate \xed\xa0\x80", "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    expect_plain("cut short \xe2\x82", "cut short \xef\xbf\xbd\xef\xbf\xbd");
    expect_plain("U+FFFD itself \xef\xbf\xbd", "U+FFFD itself \xef\xbf\xbd");
    expect_plain(NULL, "");
    char *lines = plain_lines("a\nb\r\033");
    assert_string_equal(lines, "a\nb\xef\xbf\xbd\xef\xbf\xbd");
    mem_free(lines);
}

static void test_widths_are_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(plain_width("Migración"), 9);
    assert_int_equal(plain_width("e\xcc\x81"), 1);                // e and a combining acute
    assert_int_equal(plain_width("\xe6\xbc\xa2\xe5\xad\x97"), 4); // two wide ones
    char *cut = plain_cut("Migración", 6);
    assert_string_equal(cut, "Migra…");
    mem_free(cut);
    cut = plain_cut("Migración", 9);
    assert_string_equal(cut, "Migración");
    mem_free(cut);
    // A wide character that would stick out is left out whole.
    cut = plain_cut("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 4);
    assert_string_equal(cut, "\xe6\xbc\xa2…");
    mem_free(cut);
    cut = plain_cut("abc", 0);
    assert_string_equal(cut, "");
    mem_free(cut);
}

static char *printed(const table_t *table, const screen_t *screen)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    table_print(table, out, screen);
    fclose(out);
    return text;
}

static table_t *sample(void)
{
    table_t *table = table_new();
    table_column(table, "id", COLUMN_WHOLE);
    table_column(table, "name", COLUMN_LEFT);
    table_column(table, "held", COLUMN_RIGHT);
    table_cell(table, "CR:42", STYLE_NONE);
    table_cell(table, "Coalición Nacional contra el Tráfico Ilícito", STYLE_NONE);
    table_cell_number(table, 7);
    table_cell(table, "CO-BOG:1", STYLE_NONE);
    table_cell(table, "Mesa", STYLE_NONE);
    table_cell_number(table, 1234);
    return table;
}

static void test_off_a_terminal_nothing_is_cut(void **state)
{
    (void)state;
    table_t *table = sample();
    char *text = printed(table, &off_terminal);
    assert_string_equal(text, "id        name                                          held\n"
                              "CR:42     Coalición Nacional contra el Tráfico Ilícito     7\n"
                              "CO-BOG:1  Mesa                                          1234\n");
    free(text);
    table_destroy(&table);
}

static void test_on_a_terminal_it_fits(void **state)
{
    (void)state;
    table_t *table = sample();
    screen_t screen = {.terminal = true, .columns = 40};
    char *text = printed(table, &screen);
    assert_string_equal(text, "id        name                      held\n"
                              "CR:42     Coalición Nacional cont…     7\n"
                              "CO-BOG:1  Mesa                      1234\n");
    free(text);
    table_destroy(&table);
}

// Whatever the width: no line is wider, and nothing breaks a character.
static void test_no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    table_t *table = sample();
    for (unsigned columns = 1; columns < 70; columns++) {
        screen_t screen = {.terminal = true, .columns = columns};
        char *text = printed(table, &screen), *rest = text;
        unsigned lines = 0;
        for (char *line; *rest && (line = strsep(&rest, "\n")); lines++)
            assert_true(plain_width(line) <= columns);
        assert_int_equal(lines, 3);
        char *plain = plain_lines(text);
        assert_string_equal(plain, text);
        mem_free(plain);
        free(text);
    }
    table_destroy(&table);
}

static void test_empty_cells_leave_no_blanks_at_the_end(void **state)
{
    (void)state;
    table_t *table = table_new();
    table_column(table, "a", COLUMN_LEFT);
    table_column(table, "b", COLUMN_LEFT);
    table_cell(table, "1", STYLE_NONE);
    table_cell(table, NULL, STYLE_NONE);
    char *text = printed(table, &off_terminal);
    assert_string_equal(text, "a  b\n1\n");
    free(text);
    table_destroy(&table);
}

static void test_colour_only_where_the_screen_has_it(void **state)
{
    (void)state;
    table_t *table = table_new();
    table_column(table, "label", COLUMN_LEFT);
    table_cell(table, "TLP:RED", style_of_label("TLP:RED"));
    screen_t plain = {.terminal = true, .columns = 80};
    screen_t colour = {.terminal = true, .columns = 80, .colour = true, .true_colour = true};
    char *text = printed(table, &plain);
    assert_string_equal(text, "label\nTLP:RED\n");
    free(text);
    text = printed(table, &colour);
    // FIRST's red, #FF2B2B, on black.
    assert_string_equal(text, "\033[1mlabel\033[0m\n"
                              "\033[38;2;255;43;43;48;2;0;0;0mTLP:RED\033[0m\n");
    free(text);
    table_destroy(&table);
}

static void test_a_file_is_no_terminal(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    screen_t screen = screen_of(file);
    assert_false(screen.terminal);
    assert_false(screen.colour);
    assert_int_equal(screen.columns, 0);
    fclose(file);
}

static char *pairs_text(unsigned columns)
{
    char *text = NULL;
    size_t size = 0;
    screen_t screen = {.terminal = columns > 0, .columns = columns};
    pairs_t *pairs = pairs_new();
    FILE *out = open_memstream(&text, &size);
    pairs_add(pairs, "id", "CR:42", STYLE_NONE);
    pairs_add(pairs, "empty", "", STYLE_NONE);
    pairs_add(pairs, "name (es)", "Coalición Nacional contra la Trata de Personas", STYLE_NONE);
    pairs_add(pairs, "note", "one\ntwo", STYLE_NONE);
    pairs_print(pairs, out, &screen);
    fclose(out);
    pairs_destroy(&pairs);
    return text;
}

static void test_pairs_are_broken_at_spaces_on_a_terminal_only(void **state)
{
    (void)state;
    char *text = pairs_text(0);
    assert_string_equal(text, "id         CR:42\n"
                              "name (es)  Coalición Nacional contra la Trata de Personas\n"
                              "note       one\n"
                              "           two\n");
    free(text);
    text = pairs_text(35);
    assert_string_equal(text, "id         CR:42\n"
                              "name (es)  Coalición Nacional\n"
                              "           contra la Trata de\n"
                              "           Personas\n"
                              "note       one\n"
                              "           two\n");
    free(text);
}

static void test_times_and_sizes(void **state)
{
    (void)state;
    char text[WHEN_TEXT];
    when_format(UINT64_C(1522920600007), text); // date -u -d @1522920600
    assert_string_equal(text, "2018-04-05T09:30:00.007Z");
    when_format(0, text);
    assert_string_equal(text, "");
    when_format(UINT64_MAX, text);
    assert_string_equal(text, "");
    when_duration(350, text);
    assert_string_equal(text, "350 ms");
    when_duration(12999, text);
    assert_string_equal(text, "12 s");
    when_duration(200 * 1000, text);
    assert_string_equal(text, "3 min 20 s");
    when_duration(((uint64_t)5 * 60 + 12) * 60 * 1000, text);
    assert_string_equal(text, "5 h 12 min");
    when_duration((uint64_t)48 * 3600 * 1000, text);
    assert_string_equal(text, "2 d");
    size_format(17, text);
    assert_string_equal(text, "17 B");
    size_format(4200, text);
    assert_string_equal(text, "4.2 kB");
    size_format(999700, text);
    assert_string_equal(text, "1.0 MB");
    size_format(UINT64_MAX, text);
    assert_string_equal(text, "18 EB");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_from_others_commands_the_terminal),
        cmocka_unit_test(test_widths_are_columns_not_bytes),
        cmocka_unit_test(test_off_a_terminal_nothing_is_cut),
        cmocka_unit_test(test_on_a_terminal_it_fits),
        cmocka_unit_test(test_no_line_is_wider_than_the_terminal),
        cmocka_unit_test(test_empty_cells_leave_no_blanks_at_the_end),
        cmocka_unit_test(test_colour_only_where_the_screen_has_it),
        cmocka_unit_test(test_a_file_is_no_terminal),
        cmocka_unit_test(test_pairs_are_broken_at_spaces_on_a_terminal_only),
        cmocka_unit_test(test_times_and_sizes),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
