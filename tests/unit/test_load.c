// The records that are measured with are of the size that is said.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/load.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

static void test_a_record_is_300_bytes(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 2, 77, 200000, 999999999};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        buf_t body = load_body("CRM", numbers[i]);
        assert_int_equal(body.size, LOAD_PAYLOAD);
        buf_free(&body);
    }
}

static void test_no_two_are_alike(void **state)
{
    (void)state;
    char *one = load_line("CRM", 41), *other = load_line("CRM", 42), *again = load_line("CRM", 41);
    assert_string_not_equal(one, other);
    assert_string_equal(one, again);
    assert_non_null(strstr(one, "\"key\":\"r000000041\""));
    mem_free(one);
    mem_free(other);
    mem_free(again);
}

static void test_letters_need_no_escape_and_have_no_blank_at_an_end(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 500; number++) {
        char text[40];
        memset(text, '!', sizeof text);
        load_letters(number, text, sizeof text);
        assert_int_equal(strlen(text), sizeof text - 1);
        assert_null(strpbrk(text, "\"\\!"));
        assert_int_not_equal(text[0], ' ');
        assert_int_not_equal(text[sizeof text - 2], ' ');
    }
}

static void test_a_file_has_one_a_line(void **state)
{
    char *path = scratch_path(*state, "load.jsonl");
    load_write(path, "GT", 7, 3);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char *line = NULL;
    size_t size = 0;
    for (uint64_t number = 7; number < 10; number++) {
        char *expected = load_line("GT", number);
        assert_true(getline(&line, &size, file) > 0);
        line[strcspn(line, "\n")] = '\0';
        assert_string_equal(line, expected);
        mem_free(expected);
    }
    assert_int_equal(getline(&line, &size, file), -1);
    fclose(file);
    free(line);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_300_bytes),
        cmocka_unit_test(test_no_two_are_alike),
        cmocka_unit_test(test_letters_need_no_escape_and_have_no_blank_at_an_end),
        SCRATCH_TEST(test_a_file_has_one_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
