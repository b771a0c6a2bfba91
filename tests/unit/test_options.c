// The command line, and finding the command in it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/commands.h"
#include "client/hints.h"
#include "client/report.h"
#include "lib/mem.h"

#define PARSE(options, fault, ...)                                                                 \
    parse((char *[]){(char *)"enlace", __VA_ARGS__, NULL}, options, fault)

static err_t parse(char *const *argv, options_t *options, fault_t *fault)
{
    int argc = 0;
    while (argv[argc])
        argc++;
    return options_parse(argc, argv, options, fault);
}

static void test_options_stand_anywhere(void **state)
{
    (void)state;
    options_t options;
    size_t used = 0;
    char *orders[][9] = {
        {"enlace", "--dir", "D", "list", "committee", "country=CR", "--limit", "3", NULL},
        {"enlace", "list", "--limit", "3", "committee", "--dir", "D", "country=CR", NULL},
        {"enlace", "--limit", "3", "list", "committee", "country=CR", "--dir", "D", NULL},
        {"enlace", "list", "committee", "--limit=3", "country=CR", "--dir=D", NULL},
    };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(parse(orders[i], &options, NULL), ERR_OK);
        assert_string_equal(options.values[OPT_DIR], "D");
        assert_string_equal(options.values[OPT_LIMIT], "3");
        assert_int_equal(options.word_count, 3);
        assert_string_equal(options.words[2], "country=CR");
        const command_t *command = command_find(options.words, options.word_count, &used);
        assert_ptr_equal(command, &command_list);
        assert_int_equal(used, 1);
        options_clear(&options);
    }
}

static void test_words_that_look_like_options(void **state)
{
    (void)state;
    options_t options;
    assert_int_equal(PARSE(&options, NULL, "import", "-"), ERR_OK);
    assert_string_equal(options.words[1], "-");
    options_clear(&options);
    assert_int_equal(PARSE(&options, NULL, "show", "--", "--json", "-x"), ERR_OK);
    assert_int_equal(options.word_count, 3);
    assert_string_equal(options.words[1], "--json");
    assert_null(options.values[OPT_JSON]);
    options_clear(&options);
    // A value may begin with a hyphen, and be empty.
    assert_int_equal(PARSE(&options, NULL, "init", "--name", "--x", "--country="), ERR_OK);
    assert_string_equal(options.values[OPT_NAME], "--x");
    assert_string_equal(options.values[OPT_COUNTRY], "");
    options_clear(&options);
}

static void test_connect_is_given_more_than_once(void **state)
{
    (void)state;
    options_t options;
    assert_int_equal(PARSE(&options, NULL, "init", "--connect", "a", "--connect=b"), ERR_OK);
    assert_int_equal(options.connect_count, 2);
    assert_string_equal(options.connects[0], "a");
    assert_string_equal(options.connects[1], "b");
    options_clear(&options);
}

static void expect_usage(char *const *argv, const char *where)
{
    options_t options;
    fault_t fault = {0};
    assert_int_equal(parse(argv, &options, &fault), ERR_USAGE);
    assert_string_equal(fault.where, where);
    assert_true(fault.detail[0]);
}

static void test_what_is_not_understood(void **state)
{
    (void)state;
    expect_usage((char *[]){"enlace", "--colour", NULL}, "--colour");
    expect_usage((char *[]){"enlace", "-j", NULL}, "-j");
    expect_usage((char *[]){"enlace", "--di", "D", NULL}, "--di");
    expect_usage((char *[]){"enlace", "--directory", "D", NULL}, "--directory");
    expect_usage((char *[]){"enlace", "list", "--limit", NULL}, "--limit");
    expect_usage((char *[]){"enlace", "list", "--json=1", NULL}, "--json");
    expect_usage((char *[]){"enlace", "--dir", "A", "status", "--dir", "B", NULL}, "--dir");
}

static void test_numbers_are_bounded(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      "1x",
                                      "x",
                                      "0x10",
                                      " 1",
                                      "4",
                                      "11",
                                      "1.5",
                                      "99999999999999999999",
                                      "18446744073709551617"};
    options_t options = {0};
    uint64_t number = 0;
    fault_t fault = {0};
    assert_int_equal(options_number(&options, OPT_LIMIT, 5, 10, 7, &number, &fault), ERR_OK);
    assert_int_equal(number, 7);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options.values[OPT_LIMIT] = bad[i];
        assert_int_equal(options_number(&options, OPT_LIMIT, 5, 10, 7, &number, &fault), ERR_USAGE);
        assert_string_equal(fault.where, "--limit");
    }
    options.values[OPT_LIMIT] = "010";
    assert_int_equal(options_number(&options, OPT_LIMIT, 5, 10, 7, &number, &fault), ERR_OK);
    assert_int_equal(number, 10);
}

static void test_commands_of_two_words(void **state)
{
    (void)state;
    size_t used = 0;
    assert_ptr_equal(command_find((const char *[]){"charter", "accept", "F"}, 3, &used),
                     &command_charter_accept);
    assert_int_equal(used, 2);
    assert_null(command_find((const char *[]){"charter"}, 1, &used));
    assert_null(command_find((const char *[]){"charter", "eat"}, 2, &used));
    assert_null(command_find((const char *[]){"stat"}, 1, &used));
    assert_null(command_find((const char *[]){"statuses"}, 1, &used));
    assert_null(command_find(NULL, 0, &used));
}

static void test_every_command_is_explained(void **state)
{
    (void)state;
    size_t count = 0;
    for (; command_at(count); count++) {
        const command_t *command = command_at(count);
        assert_non_null(command->run);
        assert_true(command->line[0]);
        assert_non_null(command->synopsis);
        assert_true(command->most_words >= command->least_words);
    }
    assert_int_equal(count, 17);
}

static void test_an_error_says_what_where_and_what_next(void **state)
{
    (void)state;
    fault_t fault = {0};
    fault_set(&fault, ERR_UNREACHABLE_NODE, "/srv/CR", "no daemon runs on this directory");
    char *text = report_text(ERR_UNREACHABLE_NODE, &fault, "/srv/CR");
    assert_string_equal(text,
                        "enlace: the local daemon does not answer, /srv/CR: no daemon runs on "
                        "this directory; start it with: enlaced --dir /srv/CR (as a service: "
                        "systemctl start enlaced@NAME) [node-unreachable]");
    mem_free(text);
    // What others wrote cannot reach the terminal as it is.
    fault_set(&fault, ERR_BAD_ENUM, "line 12, field lead_sector", "x\033[2J\ny");
    text = report_text(ERR_BAD_ENUM, &fault, NULL);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\n'));
    assert_non_null(strstr(text, "line 12, field lead_sector"));
    assert_non_null(strstr(text, "[bad-enum]"));
    mem_free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_stand_anywhere),
        cmocka_unit_test(test_words_that_look_like_options),
        cmocka_unit_test(test_connect_is_given_more_than_once),
        cmocka_unit_test(test_what_is_not_understood),
        cmocka_unit_test(test_numbers_are_bounded),
        cmocka_unit_test(test_commands_of_two_words),
        cmocka_unit_test(test_every_command_is_explained),
        cmocka_unit_test(test_an_error_says_what_where_and_what_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
