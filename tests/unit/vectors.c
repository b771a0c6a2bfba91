#include "tests/unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ids.h"
#include "lib/mem.h"
#include "tests/unit/thin.h"

// ---- values ----

const char *vector_text(const json_t *vector, const char *key)
{
    const char *text = json_string_value(json_object_get(vector, key));
    assert_non_null(text);
    return text;
}

uint64_t vector_number(const json_t *vector, const char *key)
{
    const json_t *value = json_object_get(vector, key);
    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

static void append_hex(buf_t *bytes, const char *hex, size_t times)
{
    size_t size = strlen(hex) / 2;
    uint8_t *piece = mem_alloc(size + 1);
    assert_true(hex_parse(hex, piece, size));
    for (size_t i = 0; i < times; i++)
        buf_append(bytes, span_of(piece, size));
    mem_free(piece);
}

static void append_piece(buf_t *bytes, const json_t *piece)
{
    if (json_is_string(piece)) {
        append_hex(bytes, json_string_value(piece), 1);
        return;
    }
    assert_int_equal(json_array_size(piece), 2);
    append_hex(bytes, json_string_value(json_array_get(piece, 0)),
               (size_t)json_integer_value(json_array_get(piece, 1)));
}

buf_t vector_bytes(const json_t *vector, const char *key)
{
    const json_t *value = json_object_get(vector, key);
    buf_t bytes = {0};
    assert_non_null(value);
    if (json_is_string(value)) {
        append_piece(&bytes, value);
        return bytes;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        append_piece(&bytes, json_array_get(value, i));
    return bytes;
}

void vector_fixed(const json_t *vector, const char *key, void *to, size_t size)
{
    const char *hex = vector_text(vector, key);
    assert_int_equal(strlen(hex), 2 * size);
    assert_true(hex_parse(hex, to, size));
}

char *vector_hex(const void *bytes, size_t size)
{
    char *hex = mem_alloc(2 * size + 1);
    hex_format(bytes, size, hex);
    return hex;
}

// ---- comparing ----

char *vector_compare(const char *what, const char *got, const char *expected)
{
    if (strcmp(got, expected) == 0)
        return NULL;
    return mem_format("%s: %.400s, expected %.400s", what, got, expected);
}

char *vector_compare_bytes(const char *what, span_t got, span_t expected)
{
    char *left = vector_hex(got.data, got.size);
    char *right = vector_hex(expected.data, expected.size);
    char *differs = vector_compare(what, left, right);
    mem_free(left);
    mem_free(right);
    return differs;
}

char *vector_compare_reason(const json_t *vector, err_t got)
{
    const json_t *expected = json_object_get(vector, "reason");
    if (json_is_string(expected))
        return vector_compare("reason", err_name(got), json_string_value(expected));
    for (size_t i = 0; i < json_array_size(expected); i++)
        if (strcmp(err_name(got), json_string_value(json_array_get(expected, i))) == 0)
            return NULL;
    return mem_format("reason: %s, which is none of those expected", err_name(got));
}

// ---- running ----

static json_t *load(const char *name)
{
    char path[128];
    json_error_t error;
    snprintf(path, sizeof path, "tests/conformance/vectors/%s.json", name);
    json_t *file = json_load_file(path, 0, &error);
    if (!file)
        fail_msg("%s, line %d: %s", path, error.line, error.text);
    return file;
}

void vectors_play(const char *name, vector_play_fn fn, void *context)
{
    json_t *file = load(name);
    const json_t *cases = json_object_get(file, "cases");
    size_t failed = 0;
    assert_true(json_array_size(cases) > 0);
    for (size_t i = 0; i < json_array_size(cases); i += thin(8)) {
        const json_t *vector = json_array_get(cases, i);
        char *differs = fn(file, vector, context);
        if (!differs)
            continue;
        print_error("%s, case %zu, %s: %s\n", name, i, vector_text(vector, "name"), differs);
        mem_free(differs);
        failed++;
    }
    json_decref(file);
    assert_int_equal(failed, 0);
}

static char *run_alone(const json_t *file, const json_t *vector, void *context)
{
    (void)file;
    return (*(vector_fn *)context)(vector);
}

void vectors_run(const char *name, vector_fn fn)
{
    vectors_play(name, run_alone, &fn);
}
