// What the tests of records share. JSON is written with ' for ", for readability.
#ifndef ENLACE_TESTS_RECORD_HELPERS_H
#define ENLACE_TESTS_RECORD_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "lib/record_json.h"

static const json_reading_t reading_cr = {.own = "CR", .lang = "es"};

__attribute__((unused)) static char *quoted(const char *text)
{
    char *copy = mem_copy_string(text);
    for (char *at = copy; (at = strchr(at, '\''));)
        *at = '"';
    return copy;
}

// Reads without checking; ERR_OK or the reason, with *record NULL.
__attribute__((unused)) static err_t read_record(const char *text, record_t **record,
                                                 fault_t *fault)
{
    char *json = quoted(text);
    json_t *object = NULL;
    *fault = (fault_t){0};
    *record = NULL;
    err_t err = json_parse(json, strlen(json), &object, fault);
    if (err == ERR_OK)
        err = record_from_json(object, &reading_cr, record, fault);
    json_decref(object);
    mem_free(json);
    return err;
}

__attribute__((unused)) static record_t *good_record(const char *text)
{
    record_t *record = NULL;
    fault_t fault;
    err_t err = read_record(text, &record, &fault);
    if (err != ERR_OK)
        fail_msg("%s: %s at %s: %s", text, err_name(err), fault.where, fault.detail);
    return record;
}

__attribute__((unused)) static void assert_err_name(err_t got, err_t want, const char *where)
{
    if (got != want)
        fail_msg("%s: %s instead of %s", where, err_name(got), err_name(want));
}

// That the record reads as this JSON, member for member, whatever their order.
__attribute__((unused)) static void assert_json(const record_t *record, const char *text)
{
    char *expected = quoted(text);
    json_error_t error;
    json_t *want = json_loads(expected, 0, &error), *got = record_to_json(record);
    if (!want)
        fail_msg("test's own JSON: %s", error.text);
    if (!json_equal(want, got)) {
        char *printed = json_dumps(got, 0);
        fail_msg("got %s, expected %s", printed, expected);
    }
    json_decref(want);
    json_decref(got);
    mem_free(expected);
}

__attribute__((unused)) static void assert_bytes(buf_t got, span_t want)
{
    assert_int_equal(got.size, want.size);
    if (want.size > 0)
        assert_memory_equal(got.data, want.data, want.size);
}

#endif
