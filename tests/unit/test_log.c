// Lines of the log: what is before the text, and that no text forges another line.
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/log.h"

// What one call writes to standard error.
static void logged(log_level_t level, const char *text, char line[1200])
{
    int pipe_ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(dup2(pipe_ends[1], STDERR_FILENO) >= 0);
    log_line(level, "%s", text);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    close(pipe_ends[1]);
    ssize_t size = read(pipe_ends[0], line, 1199);
    close(pipe_ends[0]);
    assert_true(size > 0);
    line[size] = '\0';
}

static void lines_have_time_and_level(void **state)
{
    char line[1200];
    regex_t form;
    (void)state;
    unsetenv("JOURNAL_STREAM");
    assert_int_equal(regcomp(&form,
                             "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z warning said\n$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    logged(LOG_LEVEL_WARNING, "said", line);
    assert_int_equal(regexec(&form, line, 0, NULL, 0), 0);
    regfree(&form);
}

static void the_journal_is_given_the_level(void **state)
{
    char line[1200];
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    logged(LOG_LEVEL_ERROR, "said", line);
    assert_string_equal(line, "<3>said\n");
    logged(LOG_LEVEL_DEBUG, "said", line);
    assert_string_equal(line, "<7>said\n");
    unsetenv("JOURNAL_STREAM");
}

static void one_text_is_one_line(void **state)
{
    char line[1200], text[2000];
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    logged(LOG_LEVEL_INFO, "a\n<3>forged\x1b[2J\x7f end", line);
    assert_string_equal(line, "<6>a <3>forged [2J  end\n");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    logged(LOG_LEVEL_INFO, text, line);
    assert_int_equal(strlen(line), 1023); // cut, and a line all the same
    assert_int_equal(line[1022], '\n');
    unsetenv("JOURNAL_STREAM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_time_and_level),
        cmocka_unit_test(the_journal_is_given_the_level),
        cmocka_unit_test(one_text_is_one_line),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
