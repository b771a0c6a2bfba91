// Objects read in one pass: the same as jansson's where they are read, and left to it
// where they are anything out of the ordinary.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json_scan.h"
#include "lib/record_json.h"

static void expect_same(const char *text, size_t size)
{
    json_t *scanned = json_scan(text, size), *parsed = NULL;
    if (!scanned)
        fail_msg("not read: %.*s", (int)size, text);
    assert_int_equal(json_parse_value(text, size, &parsed, NULL), ERR_OK);
    char *one = json_dumps(scanned, 0), *other = json_dumps(parsed, 0);
    assert_string_equal(one, other);
    assert_true(json_equal(scanned, parsed));
    free(one);
    free(other);
    json_decref(scanned);
    json_decref(parsed);
}

static void expect_left(const char *text, size_t size)
{
    json_t *scanned = json_scan(text, size);
    if (scanned)
        fail_msg("read: %.*s", (int)size, text);
}

static void what_programs_write_is_read(void **state)
{
    static const char *const texts[] = {
        "{}",
        " { } \r\n",
        "{\"a\":\"\"}",
        "{\"\":[]}",
        "{\"a\":{\"es\":\"Comité \xe2\x82\xac \xf0\x9f\x98\x80\x7f\"},\"b\":[1,[],{}, \"x\" ]}",
        "{\"zero\":0,\"minus\":-0,\"big\":999999999999999999,\"small\":-999999999999999999}",
        "{\"t\":true,\"f\":false ,\"n\":null}",
        "\t{ \"kind\" : \"body\" , \"list\" : [ 1 , 2 , 3 ] }",
        "{\"z\":1,\"y\":2,\"x\":3,\"w\":4,\"v\":5,\"u\":6,\"t\":7,\"s\":8,\"r\":9,\"q\":10}",
        "{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{\"10\":{\"11\":{\"12\":"
        "{\"13\":{\"14\":{\"15\":[]}}}}}}}}}}}}}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_same(texts[i], strlen(texts[i]));
}

static void the_rest_is_left(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "[]",
        "\"a\"",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":1} x",
        "{\"a\":1}}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":\"x\\n\"}",
        "{\"a\":\"x\n\"}",
        "{\"a\":\"\xc3\x28\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"x}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":- 1}",
        "{\"a\":+1}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":1x}",
        "{\"a\":1000000000000000000}",
        "{\"a\":True}",
        "{\"a\":truex}",
        "{\"a\":tru}",
        "{\"a\":nul",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{\"a\":[1 2]}",
        "{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{\"10\":{\"11\":{\"12\":"
        "{\"13\":{\"14\":{\"15\":[[]]}}}}}}}}}}}}}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_left(texts[i], strlen(texts[i]));
    expect_left("{\"a\":\"x\0y\"}", 11);
    expect_left("{\"a\":1\0}", 8);
    expect_left("{\"a\":1,\0\"b\":2}", 14);
}

// Wherever it is cut off or changed, what is read is what jansson reads.
static void every_change_of_a_byte(void **state)
{
    static const char text[] = "{\"a\":[1,\"\xc3\xa9\",{\"b\":-20}],\"c\":true, \"d\":null}";
    static const char bytes[] = "\"\\{}[],: 0-1.etfn\xc3\xff\x1f";
    char copy[sizeof text];
    size_t size = sizeof text - 1, read = 0;
    (void)state;
    for (size_t i = 0; i < size; i++) {
        expect_left(text, i);
        for (size_t k = 0; k < sizeof bytes; k++) {
            memcpy(copy, text, sizeof text);
            copy[i] = bytes[k];
            json_t *scanned = json_scan(copy, size);
            if (scanned)
                expect_same(copy, size);
            read += scanned != NULL;
            json_decref(scanned);
        }
    }
    assert_true(read > size); // each byte in its own place, at least
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_programs_write_is_read),
        cmocka_unit_test(the_rest_is_left),
        cmocka_unit_test(every_change_of_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
