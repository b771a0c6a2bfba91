#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ids.h"

static void codes(void **state)
{
    (void)state;
    static const char *const good[] = {"CR", "GT", "CO-BOG", "A1", "A-", "ABCDEFGHIJKLMNOP"};
    static const char *const bad[] = {
        "",          "C", "cr", "1A", "-A", "CR ", " CR", "CR:", "C_R", "CR\n", "ABCDEFGHIJKLMNOPQ",
        "C\xc3\x93", "Cr"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        code_t code;
        assert_true(code_valid(good[i]));
        assert_true(code_parse(good[i], &code));
        assert_string_equal(code.text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(code_valid(bad[i]));
    assert_false(code_valid(NULL));
}

// What stands beyond a code's end must not tell two equal codes apart.
static void code_tail_is_zero(void **state)
{
    (void)state;
    code_t long_one;
    code_t reused;
    code_t fresh = {{0}};
    assert_true(code_parse("ABCDEFGHIJKLMNOP", &long_one));
    reused = long_one;
    assert_true(code_parse("CR", &reused));
    assert_true(code_parse("CR", &fresh));
    assert_memory_equal(&reused, &fresh, sizeof fresh);
    assert_false(code_parse("cr", &reused));
    assert_string_equal(reused.text, "CR");
}

static void record_ids_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *code;
        position_t position;
    } cases[] = {
        {"CR:42", "CR", {1, 1, 42}},
        {"CR.2:42", "CR", {2, 1, 42}},
        {"CR/3:7", "CR", {1, 3, 7}},
        {"CR.2/3:7", "CR", {2, 3, 7}},
        {"CO-BOG/0:1", "CO-BOG", {1, 0, 1}},
        {"ABCDEFGHIJKLMNOP.1000000/65535:9007199254740992",
         "ABCDEFGHIJKLMNOP",
         {1000000, 65535, (uint64_t)1 << 53}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        code_t code;
        position_t position;
        char text[RECORD_ID_TEXT];
        assert_int_equal(record_id_parse(cases[i].text, &code, &position), ERR_OK);
        assert_string_equal(code.text, cases[i].code);
        assert_true(position_equal(position, cases[i].position));
        record_id_format(code.text, position, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void record_ids_spelt_out(void **state)
{
    (void)state;
    code_t code;
    position_t position;
    char text[RECORD_ID_TEXT];
    assert_int_equal(record_id_parse("CR.1/1:42", &code, &position), ERR_OK);
    record_id_format(code.text, position, text);
    assert_string_equal(text, "CR:42");
}

static void record_ids_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        err_t err;
    } cases[] = {
        {"", ERR_BAD_REF},
        {"CR", ERR_BAD_REF},
        {"CR:", ERR_BAD_REF},
        {"CR:x", ERR_BAD_REF},
        {"CR:042", ERR_BAD_REF},
        {"CR:+4", ERR_BAD_REF},
        {"CR:-4", ERR_BAD_REF},
        {"CR: 4", ERR_BAD_REF},
        {"CR:4 ", ERR_BAD_REF},
        {" CR:4", ERR_BAD_REF},
        {"cr:4", ERR_BAD_REF},
        {"C:4", ERR_BAD_REF},
        {"CR.:4", ERR_BAD_REF},
        {"CR/:4", ERR_BAD_REF},
        {"CR.02:4", ERR_BAD_REF},
        {"CR/00:4", ERR_BAD_REF},
        {"CR/2.3:4", ERR_BAD_REF},
        {"CR.2.3:4", ERR_BAD_REF},
        {"CR:4:5", ERR_BAD_REF},
        {"@CR:key", ERR_BAD_REF},
        {"CR:4294967296x", ERR_BAD_REF},
        {"CR:0", ERR_NUMBER_RANGE},
        {"CR.0:4", ERR_NUMBER_RANGE},
        {"CR.1000001:4", ERR_NUMBER_RANGE},
        {"CR/65536:4", ERR_NUMBER_RANGE},
        {"CR:9007199254740993", ERR_NUMBER_RANGE},
        {"CR:18446744073709551617", ERR_NUMBER_RANGE},
        {"CR:99999999999999999999999999999999", ERR_NUMBER_RANGE},
    };
    code_t code = {"GT"};
    position_t position = {7, 7, 7};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(record_id_parse(cases[i].text, &code, &position), cases[i].err);
        assert_string_equal(code.text, "GT");
        assert_true(position_equal(position, (position_t){7, 7, 7}));
    }
    assert_int_equal(record_id_parse(NULL, &code, &position), ERR_BAD_REF);
}

static void order_of_feeds(void **state)
{
    (void)state;
    feed_t low = {{{1}}, 2, 3};
    feed_t other = {{{2}}, 1, 0};
    feed_t epoch = {{{1}}, 3, 0};
    feed_t lane = {{{1}}, 2, 4};
    assert_true(feed_compare(&low, &other) < 0);
    assert_true(feed_compare(&low, &epoch) < 0);
    assert_true(feed_compare(&low, &lane) < 0);
    assert_true(feed_compare(&lane, &epoch) < 0);
    assert_true(feed_compare(&other, &low) > 0);
    assert_true(feed_equal(&low, &low));
    assert_false(feed_equal(&low, &lane));
}

static void order_of_positions(void **state)
{
    (void)state;
    position_t rising[] = {{1, 0, 9}, {1, 1, 1}, {1, 1, 2}, {1, 1, (uint64_t)1 << 40}, {2, 0, 1}};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++) {
            int expected = (i > j) - (i < j);
            assert_int_equal(position_compare(rising[i], rising[j]), expected);
            assert_int_equal(position_equal(rising[i], rising[j]), expected == 0);
        }
}

static void hex(void **state)
{
    (void)state;
    uint8_t bytes[3] = {0x00, 0xaf, 0x19};
    uint8_t back[3] = {0};
    char text[7];
    hex_format(bytes, 3, text);
    assert_string_equal(text, "00af19");
    assert_true(hex_parse("00af19", back, 3));
    assert_memory_equal(back, bytes, 3);
    assert_false(hex_parse("00af1", back, 3));
    assert_false(hex_parse("00af191", back, 3));
    assert_false(hex_parse("00af1900", back, 3));
    assert_false(hex_parse("00AF19", back, 3));
    assert_false(hex_parse("00 af19", back, 3));
    assert_false(hex_parse("", back, 3));
    assert_true(hex_parse("", back, 0));
    hex_format(bytes, 0, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes),
        cmocka_unit_test(code_tail_is_zero),
        cmocka_unit_test(record_ids_both_ways),
        cmocka_unit_test(record_ids_spelt_out),
        cmocka_unit_test(record_ids_refused),
        cmocka_unit_test(order_of_feeds),
        cmocka_unit_test(order_of_positions),
        cmocka_unit_test(hex),
    };
    return cmocka_run_group_tests_name("ids", tests, NULL, NULL);
}
