#include "tests/system/tries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"

// ---- tables ----

void expect_says(const char *what, const char *text, const char *const *says, size_t count)
{
    for (size_t i = 0; i < count && says[i]; i++) {
        bool wanted = says[i][0] != '!';
        const char *part = says[i] + !wanted;
        if ((strstr(text, part) != NULL) != wanted)
            fail_msg("%s: should %ssay \"%s\" and says:\n%s", what, wanted ? "" : "not ", part,
                     text);
    }
}

// "enlace: what, where: detail; next step [reason]", on its last line.
static void check_refusal(const char *what, const result_t *result)
{
    size_t length = strlen(result->err);
    if (result->out[0])
        fail_msg("%s: is refused and prints:\n%s", what, result->out);
    if (strncmp(result->err, "enlace: ", 8) != 0 || length < 3 ||
        strcmp(result->err + length - 2, "]\n") != 0)
        fail_msg("%s: is refused without a reason:\n%s", what, result->err);
}

void try_one(fleet_t *fleet, size_t node, const try_t *attempt)
{
    enum { SAYS = sizeof attempt->says / sizeof *attempt->says };
    result_t result = fleet_run(fleet, node, "%s", attempt->arguments);
    if (result.status != attempt->status)
        fail_msg("%s: ends with %d, not %d:\n%s%s", attempt->arguments, result.status,
                 attempt->status, result.out, result.err);
    if (result.status)
        check_refusal(attempt->arguments, &result);
    else if (result.err[0])
        fail_msg("%s: is done and complains:\n%s", attempt->arguments, result.err);
    expect_says(attempt->arguments, result.status ? result.err : result.out, attempt->says, SAYS);
    result_clear(&result);
}

void try_some(fleet_t *fleet, size_t node, const try_t *tries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        try_one(fleet, node, &tries[i]);
}

// ---- JSON ----

json_t *try_json(fleet_t *fleet, size_t node, const char *format, ...)
{
    char *arguments = NULL;
    va_list list;
    va_start(list, format);
    assert_true(vasprintf(&arguments, format, list) >= 0);
    va_end(list);
    char *text = fleet_do(fleet, node, "%s", arguments);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s: no one JSON object: %s\n%s", arguments, error.text, text);
    mem_free(text);
    free(arguments);
    return json;
}

static const json_t *step(const json_t *json, const char *name)
{
    return json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10))
                               : json_object_get(json, name);
}

char *json_at(const json_t *json, const char *path)
{
    char *copy = mem_copy_string(path), *rest = copy;
    while (json && rest)
        json = step(json, strsep(&rest, "."));
    mem_free(copy);
    if (!json || json_is_string(json))
        return mem_copy_string(json ? json_string_value(json) : "");
    char *dumped = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    char *text = mem_copy_string(dumped);
    free(dumped);
    return text;
}

void expect_at(const json_t *json, const char *path, const char *expected)
{
    char *text = json_at(json, path);
    if (strcmp(text, expected) != 0)
        fail_msg("%s is %s, not %s", path, text, expected);
    mem_free(text);
}

// ---- the rest ----

size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        lines++;
    return lines;
}

char *digest_of(fleet_t *fleet, size_t node)
{
    return fleet_do(fleet, node, "digest");
}

void expect_digest(fleet_t *fleet, size_t node, const char *digest)
{
    char *now = digest_of(fleet, node);
    assert_string_equal(now, digest);
    mem_free(now);
}

char *write_text(fleet_t *fleet, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", fleet_dir(fleet), name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}
