#include "tests/unit/record_helpers.h"

#include "lib/date.h"
#include "lib/enums.h"
#include "lib/text.h"
#include "lib/vocabulary.h"

// ---- enums, vocabularies, languages, dates ----

static void test_enum_names(void **state)
{
    const ProtobufCEnumDescriptor *type = &enlace__v1__membership_class__descriptor;
    int number = -1;
    char list[64];
    (void)state;
    assert_string_equal(enum_name(type, 3), "SUPPORT_AGENCY");
    assert_null(enum_name(type, 0));
    assert_null(enum_name(type, 4));
    assert_null(enum_name(type, -1));
    assert_true(enum_by_name(type, "OBSERVER", &number));
    assert_int_equal(number, 2);
    assert_false(enum_by_name(type, "UNSPECIFIED", &number));
    assert_false(enum_by_name(type, "MEMBERSHIP_CLASS_OBSERVER", &number));
    assert_false(enum_by_name(type, "observer", &number));
    assert_false(enum_by_name(type, "", &number));
    enum_list(type, list, sizeof list);
    assert_string_equal(list, "MEMBER, OBSERVER, SUPPORT_AGENCY");
    enum_list(type, list, 20);
    assert_string_equal(list, "MEMBER, ...");
}

static void test_vocabularies(void **state)
{
    (void)state;
    assert_true(country_valid("GT"));
    assert_true(country_valid("AD")); // the first and the last of the list
    assert_true(country_valid("ZW"));
    assert_false(country_valid("gt"));
    assert_false(country_valid("UK"));
    assert_false(country_valid("GTM"));
    assert_false(country_valid("G"));
    assert_false(country_valid(""));
    assert_false(country_valid("D A"));
    assert_false(country_valid("AD AE"));
    assert_true(currency_valid("EUR"));
    assert_true(currency_valid("GTQ"));
    assert_false(currency_valid("eur"));
    assert_false(currency_valid("EU"));
    assert_false(currency_valid("XYZ"));
    assert_int_equal(currency_digits("EUR"), 2);
    assert_int_equal(currency_digits("CLP"), 0);
    assert_int_equal(currency_digits("KWD"), 3);
    assert_int_equal(currency_digits("UYW"), 4);
    assert_true(scheme_has_code("iati-activity-status", "6"));
    assert_false(scheme_has_code("iati-activity-status", "7"));
    assert_false(scheme_has_code("iati-organisation-type", "1"));
    assert_true(scheme_has_code("divipola", "11001"));
    assert_false(scheme_has_code("divipola", "1100"));
    assert_false(scheme_has_code("divipola", "1100a"));
    assert_true(scheme_has_code("one-not-known-here", "whatever"));
}

static void test_languages(void **state)
{
    static const char *const good[] = {"es",       "en",      "kek",
                                       "es-CO",    "es-419",  "zh-Hant-TW",
                                       "sl-rozaj", "de-1996", "ca-ES-valencia"};
    static const char *const bad[] = {"",         "e",      "español", "ES",     "es-",
                                      "es-co",    "es-CO-", "es_CO",   "esp4",   "spanish",
                                      "es-CO-CO", "x-lang", "es--CO",  "es-COL", "es CO"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(lang_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(lang_valid(bad[i]));
    assert_int_equal(lang_prefix("es:Texto"), 2);
    assert_int_equal(lang_prefix("es-CO:Texto"), 5);
    assert_int_equal(lang_prefix("es-co:Texto"), 5); // meant as one, and then refused
    assert_int_equal(lang_prefix("es:"), 2);
    assert_int_equal(lang_prefix("es"), 0);
    assert_int_equal(lang_prefix("Nota: texto"), 0);
    assert_int_equal(lang_prefix("nota: texto"), 0);
    assert_int_equal(lang_prefix("es Texto: uno"), 0);
    assert_int_equal(lang_prefix(":Texto"), 0);
    assert_int_equal(lang_prefix(""), 0);
}

static void test_dates(void **state)
{
    static const struct {
        const char *text;
        uint32_t first, last;
    } good[] = {
        {"2018", 20180101, 20181231},
        {"2018-04", 20180401, 20180430},
        {"2018-04-05", 20180405, 20180405},
        {"2024-02", 20240201, 20240229},
        {"2023-02", 20230201, 20230228},
        {"2000-02-29", 20000229, 20000229},
        {"0001", 10101, 11231},
        {"9999-12-31", 99991231, 99991231},
    };
    static const char *const bad[] = {
        "",           "18",         "20188",
        "2018-4",     "2018-04-5",  "2018-13",
        "2018-00",    "2018-04-31", "2018-04-00",
        "2023-02-29", "1900-02-29", "0000",
        "2018-",      "2018/04/05", "2018-04-05T00:00",
        " 2018",      "2018 ",      "-018",
        "+018",       "20180405",   "2018-04-05 ",
        "٢٠١٨",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        Enlace__V1__Date date = ENLACE__V1__DATE__INIT;
        char text[DATE_TEXT];
        assert_true(date_parse(good[i].text, &date));
        date_format(&date, text);
        assert_string_equal(text, good[i].text);
        assert_int_equal(date_first_day(&date), good[i].first);
        assert_int_equal(date_last_day(&date), good[i].last);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Enlace__V1__Date date = ENLACE__V1__DATE__INIT;
        assert_false(date_parse(bad[i], &date));
        assert_false(date.has_year);
    }
}

static void test_dates_that_nobody_may_write(void **state)
{
    Enlace__V1__Date day_only = ENLACE__V1__DATE__INIT, huge = ENLACE__V1__DATE__INIT;
    char text[DATE_TEXT] = "x";
    (void)state;
    assert_false(date_valid(&day_only));
    day_only.has_year = day_only.has_day = 1;
    day_only.year = 2018;
    day_only.day = 1;
    assert_false(date_valid(&day_only));
    date_format(&day_only, text);
    assert_string_equal(text, "");
    assert_int_equal(date_first_day(&day_only), 0);
    huge.has_year = huge.has_month = 1;
    huge.year = 2018;
    huge.month = UINT32_MAX;
    assert_false(date_valid(&huge));
    assert_int_equal(date_last_day(&huge), 0);
}

static void test_date_within(void **state)
{
    Enlace__V1__Date day = ENLACE__V1__DATE__INIT, month = ENLACE__V1__DATE__INIT,
                     year = ENLACE__V1__DATE__INIT, other = ENLACE__V1__DATE__INIT;
    (void)state;
    assert_true(date_parse("2018-04-05", &day) && date_parse("2018-04", &month) &&
                date_parse("2018", &year) && date_parse("2018-05", &other));
    assert_true(date_within(&day, &day));
    assert_true(date_within(&day, &month));
    assert_true(date_within(&month, &year));
    assert_false(date_within(&year, &month));
    assert_false(date_within(&day, &other));
}

static void test_refusals_quote_safely(void **state)
{
    fault_t fault;
    char where[120], long_text[400];
    (void)state;
    memset(where, 'a', sizeof where);
    memcpy(where + 94, "\xc3\xb1", 3); // cut in the middle of its second byte
    memset(long_text, 'b', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    fault_set(&fault, ERR_BAD_VALUE, where, "%s", long_text);
    assert_int_equal(strlen(fault.where), 95);
    assert_int_equal(fault.where[94], '?');
    fault_set(&fault, ERR_BAD_VALUE, "ñandú 日本 😀", "%s",
              "\x1b[2J\xff\xed\xa0\x80\xc0\xaf\xc2\x9b\x7f");
    assert_string_equal(fault.where, "ñandú 日本 😀");
    assert_string_equal(fault.detail, "?[2J?????????");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enum_names),
        cmocka_unit_test(test_vocabularies),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_dates_that_nobody_may_write),
        cmocka_unit_test(test_date_within),
        cmocka_unit_test(test_refusals_quote_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
