// Lines of a file, wherever they end: within what is read at once, across it, at its end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/lines.h"
#include "lib/control.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

enum { BLOCK = 64 * 1024 }; // that the file is read by

static lines_t *open_bytes(const void *state, span_t bytes)
{
    lines_t *lines = NULL;
    char *path = scratch_path(state, "lines");
    scratch_write_bytes(state, "lines", bytes, 0600);
    assert_int_equal(lines_open(path, &lines, NULL), ERR_OK);
    mem_free(path);
    return lines;
}

static void expect_line(lines_t *lines, uint64_t number, char letter, size_t size)
{
    const char *line;
    uint64_t got;
    bool end;
    assert_int_equal(lines_next(lines, &line, &got, &end, NULL), ERR_OK);
    assert_false(end);
    assert_int_equal(got, number);
    assert_int_equal(strlen(line), size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(line[i], letter);
}

static void expect_end(lines_t *lines, size_t bytes)
{
    const char *line;
    uint64_t number;
    bool end = false;
    assert_int_equal(lines_next(lines, &line, &number, &end, NULL), ERR_OK);
    assert_true(end);
    assert_int_equal(lines_bytes_read(lines), bytes);
    lines_close(&lines);
}

static void add_line(buf_t *file, char letter, size_t size, bool ended)
{
    memset(buf_extend(file, size), letter, size);
    if (ended)
        buf_append(file, span_text("\n"));
}

// The first line ends before, at and behind the border; the last one has an end or none.
static void lines_end_anywhere(void **state)
{
    for (size_t size = BLOCK - 3; size <= BLOCK + 3; size++)
        for (int ended = 0; ended < 2; ended++) {
            buf_t file = {0};
            add_line(&file, 'a', size, true);
            add_line(&file, 'b', 3 * BLOCK - size - 2, true);
            add_line(&file, ' ', 2, true);
            add_line(&file, 'c', 5, ended);
            lines_t *lines = open_bytes(*state, buf_span(&file));
            assert_int_equal(lines_bytes_total(lines), file.size);
            expect_line(lines, 1, 'a', size);
            expect_line(lines, 2, 'b', 3 * BLOCK - size - 2);
            expect_line(lines, 4, 'c', 5); // 3 is blank
            expect_end(lines, file.size);
            buf_free(&file);
        }
}

static void a_file_may_be_empty(void **state)
{
    expect_end(open_bytes(*state, span_of("", 0)), 0);
    expect_end(open_bytes(*state, span_text("\n")), 1);
    expect_end(open_bytes(*state, span_text("\n\r\n \t\n")), 6);
}

static void a_line_is_bounded(void **state)
{
    for (size_t more = 0; more < 2; more++) {
        buf_t file = {0};
        fault_t fault = {0};
        const char *line;
        uint64_t number;
        bool end;
        add_line(&file, 'a', 10, true);
        add_line(&file, 'b', CONTROL_IMPORT_LINE_MAX + more, true);
        add_line(&file, 'c', 1, true);
        lines_t *lines = open_bytes(*state, buf_span(&file));
        expect_line(lines, 1, 'a', 10);
        err_t err = lines_next(lines, &line, &number, &end, &fault);
        assert_int_equal(err, more ? ERR_TOO_BIG : ERR_OK);
        assert_string_equal(fault.where, more ? "line 2" : "");
        if (!more) {
            expect_line(lines, 3, 'c', 1);
            expect_end(lines, file.size);
        } else {
            lines_close(&lines);
        }
        buf_free(&file);
    }
}

// Neither can be in a text of C, or be told from its end.
static void lines_are_text(void **state)
{
    static const struct {
        span_t bytes;
        err_t err;
    } cases[] = {
        {{(const uint8_t *)"a\nb\0c\n", 6}, ERR_NUL_IN_TEXT},
        {{(const uint8_t *)"a\n\xff\n", 4}, ERR_BAD_UTF8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fault_t fault = {0};
        const char *line;
        uint64_t number;
        bool end;
        lines_t *lines = open_bytes(*state, cases[i].bytes);
        expect_line(lines, 1, 'a', 1);
        assert_int_equal(lines_next(lines, &line, &number, &end, &fault), cases[i].err);
        assert_string_equal(fault.where, "line 2");
        lines_close(&lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(lines_end_anywhere),
        SCRATCH_TEST(a_file_may_be_empty),
        SCRATCH_TEST(a_line_is_bounded),
        SCRATCH_TEST(lines_are_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
