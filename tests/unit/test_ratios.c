// Expected values are worked out by hand; what is asked of each ratio is typed here anew,
// not taken from the table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/ratios.h"

static void check_ratio(double is, double must_be)
{
    assert_true(is > must_be - 1e-12 && is < must_be + 1e-12);
}

static void test_ours_over_theirs(void **state)
{
    (void)state;
    check_ratio(ratio_of(300, 200), 1.5);
    check_ratio(ratio_of(0.25, 0.5), 0.5);
    // Not measured: no ratio, rather than an infinite one or nothing.
    check_ratio(ratio_of(300, 0), 0);
    check_ratio(ratio_of(0, 300), 0);
}

static const ratio_rule_t *rule_of(const char *work, const char *peer)
{
    const ratio_rule_t *found = NULL;
    for (const ratio_rule_t *rule = ratio_rules; rule->work; rule++)
        if (strcmp(rule->work, work) == 0 && strcmp(rule->peer, peer) == 0) {
            assert_null(found);
            found = rule;
        }
    assert_non_null(found);
    return found;
}

static void test_what_is_asked(void **state)
{
    static const struct {
        const char *work, *peer;
        bool lower;
        double bound, aim;
    } asked[] = {
        {"bootstrap", "postgresql", false, 1.0, 1.5}, {"bootstrap", "sqlite", false, 0, 0.6},
        {"live", "postgresql", false, 1.5, 2.5},      {"catch-up", "postgresql", false, 2, 4},
        {"bootstrap", "nats", false, 0.7, 1.0},       {"latency-p50", "postgresql", true, 1.3, 1.0},
        {"latency-p99", "postgresql", true, 2, 1.0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const ratio_rule_t *rule = rule_of(asked[i].work, asked[i].peer);
        assert_int_equal(rule->lower, asked[i].lower);
        check_ratio(rule->bound, asked[i].bound);
        check_ratio(rule->aim, asked[i].aim);
    }
}

// Every work against every peer, once.
static void test_all_are_there(void **state)
{
    static const char *const works[] = {"bootstrap", "live", "catch-up", "latency-p50",
                                        "latency-p99"};
    static const char *const peers[] = {"postgresql", "nats", "sqlite"};
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        for (size_t k = 0; k < sizeof peers / sizeof *peers; k++)
            assert_int_equal(rule_of(works[i], peers[k])->lower, i >= 3);
    while (ratio_rules[count].work)
        count++;
    assert_int_equal(count, 15);
}

static void test_grades(void **state)
{
    static const ratio_rule_t more = {"w", "p", false, 1.5, 2.5}, less = {"w", "p", true, 2, 1},
                              only_aim = {"w", "p", false, 0, 0.6}, free = {"w", "p", true, 0, 0};
    static const struct {
        const ratio_rule_t *rule;
        double ratio;
        ratio_grade_t grade;
    } cases[] = {
        {&more, 1.49, RATIO_MISSED},      {&more, 1.5, RATIO_BOUND},   {&more, 2.49, RATIO_BOUND},
        {&more, 2.5, RATIO_AIM},          {&more, 9, RATIO_AIM},       {&less, 2.01, RATIO_MISSED},
        {&less, 2, RATIO_BOUND},          {&less, 1.01, RATIO_BOUND},  {&less, 1, RATIO_AIM},
        {&less, 0.1, RATIO_AIM},          {&only_aim, 0.6, RATIO_AIM}, {&free, 100, RATIO_FREE},
        {&only_aim, 0.59, RATIO_OFF_AIM}, {&free, 0, RATIO_UNKNOWN},   {&less, 0, RATIO_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ratio_grade_t grade = ratio_grade(cases[i].rule, cases[i].ratio);
        if (grade != cases[i].grade)
            fail_msg("case %zu: %s", i, ratio_grade_text(grade));
    }
}

static void check_json(const ratio_rule_t *rule, double ratio, const char *expected)
{
    json_t *is = ratio_json(rule, ratio), *must_be = json_loads(expected, 0, NULL);
    assert_non_null(must_be);
    assert_true(json_equal(is, must_be));
    json_decref(is);
    json_decref(must_be);
}

static void test_file(void **state)
{
    static const ratio_rule_t bound = {"live", "p", false, 1.5, 2.5}, free = {"w", "q", true, 0, 0};
    (void)state;
    check_json(&bound, 0.75,
               "{\"work\": \"live\", \"peer\": \"p\", \"ratio\": 0.75, \"better\": \"higher\", "
               "\"at_least\": 1.5, \"aim\": 2.5}");
    check_json(&free, 0.5,
               "{\"work\": \"w\", \"peer\": \"q\", \"ratio\": 0.5, \"better\": \"lower\", "
               "\"at_least\": null, \"aim\": null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours_over_theirs),
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_all_are_there),
        cmocka_unit_test(test_grades),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
