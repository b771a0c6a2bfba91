// What was measured, as the file that others read.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "bench/report.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

// cmocka's own compares as float.
static void expect_near(double is, double must_be)
{
    if (!(fabs(is - must_be) < 1e-9))
        fail_msg("%.12g is not %.12g", is, must_be);
}

static samples_t samples_of(const double *values, size_t count)
{
    samples_t samples = {0};
    for (size_t i = 0; i < count; i++)
        samples_add(&samples, values[i]);
    return samples;
}

// Writes, reads back, and takes the report over.
static json_t *written(void **state, report_t **report)
{
    char *path = scratch_path(*state, "bench.json");
    assert_true(report_write(*report, path, json_pack("{s:i}", "n", 3)));
    report_destroy(report);
    json_t *file = json_load_file(path, 0, NULL);
    assert_non_null(file);
    mem_free(path);
    return file;
}

static void expect_number(const json_t *result, const char *name, double value)
{
    expect_near(json_number_value(json_object_get(result, name)), value);
}

static void expect_text(const json_t *result, const char *name, const char *text)
{
    assert_string_equal(json_string_value(json_object_get(result, name)), text);
}

static void test_every_repetition_is_kept(void **state)
{
    report_t *report = report_new();
    samples_t samples = samples_of((double[]){30, 10, 20.5}, 3);
    report_add(report, "live", "enlace", 1000, "1/s", &samples);
    assert_int_equal(samples.count, 0);
    json_t *file = written(state, &report);
    const json_t *results = json_object_get(file, "results");
    assert_int_equal(json_array_size(results), 1);
    const json_t *result = json_array_get(results, 0);
    expect_text(result, "work", "live");
    expect_text(result, "subject", "enlace");
    expect_text(result, "unit", "1/s");
    expect_number(result, "n", 1000);
    expect_number(result, "median", 20.5);
    expect_number(result, "min", 10);
    expect_number(result, "max", 30);
    const json_t *values = json_object_get(result, "values");
    assert_int_equal(json_array_size(values), 3);
    expect_near(json_number_value(json_array_get(values, 0)), 30);
    expect_near(json_number_value(json_array_get(values, 2)), 20.5);
    json_decref(file);
}

// From 1 to `count`, each times `step`, the largest first.
static samples_t falling(size_t count, double step)
{
    samples_t samples = {0};
    for (size_t i = count; i > 0; i--)
        samples_add(&samples, (double)i * step);
    return samples;
}

// Of 1 to 101 the 99th percentile is the hundredth, 100: one figure a repetition.
static void test_quantiles_are_taken_of_each_repetition(void **state)
{
    report_t *report = report_new();
    samples_t runs[] = {falling(101, 1), falling(101, 10)};
    report_quantiles(report, "query", "enlace", 101, "ms", runs, 2, TO_P99);
    assert_null(runs[1].values);
    json_t *file = written(state, &report);
    const json_t *results = json_object_get(file, "results");
    assert_int_equal(json_array_size(results), 2);
    expect_text(json_array_get(results, 0), "work", "query, p50");
    expect_number(json_array_get(results, 0), "min", 51);
    expect_number(json_array_get(results, 0), "max", 510);
    expect_text(json_array_get(results, 1), "work", "query, p99");
    expect_number(json_array_get(results, 1), "min", 100);
    expect_number(json_array_get(results, 1), "max", 1000);
    expect_number(json_array_get(results, 1), "median", 550);
    json_decref(file);
}

// Of 1 to 1001: the thousandth.
static void test_as_many_quantiles_as_are_asked_for(void **state)
{
    report_t *report = report_new();
    samples_t run = falling(1001, 1);
    report_quantiles(report, "latency", "enlace", 3, "ms", &run, 1, TO_P99_9);
    json_t *file = written(state, &report);
    const json_t *results = json_object_get(file, "results");
    assert_int_equal(json_array_size(results), 3);
    expect_text(json_array_get(results, 2), "work", "latency, p99.9");
    expect_number(json_array_get(results, 2), "median", 1000);
    json_decref(file);
}

// A hundred for p99, a thousand for p99.9, two for p50, in every repetition; none is not 0.
static void test_a_quantile_of_too_few_is_left_out(void **state)
{
    report_t *report = report_new();
    samples_t runs[] = {falling(100, 1), falling(999, 1)},
              few[] = {falling(99, 1), falling(100, 1)};
    samples_t none = {0}, one = falling(1, 1), two = falling(2, 1);
    report_quantiles(report, "enough", "enlace", 1, "ms", runs, 2, TO_P99_9);
    report_quantiles(report, "few", "enlace", 1, "ms", few, 2, TO_P99);
    report_quantiles(report, "none", "enlace", 1, "ms", &none, 1, TO_P50);
    report_quantiles(report, "one", "enlace", 1, "ms", &one, 1, TO_P50);
    report_quantiles(report, "two", "enlace", 1, "ms", &two, 1, TO_P50);
    json_t *file = written(state, &report);
    const json_t *results = json_object_get(file, "results");
    const json_t *skipped = json_object_get(file, "skipped");
    assert_int_equal(json_array_size(results), 4);
    expect_text(json_array_get(results, 1), "work", "enough, p99");
    expect_text(json_array_get(results, 2), "work", "few, p50");
    expect_text(json_array_get(results, 3), "work", "two, p50");
    assert_int_equal(json_array_size(skipped), 4);
    expect_text(json_array_get(skipped, 0), "work", "enough, p99.9");
    expect_text(json_array_get(skipped, 1), "work", "few, p99");
    expect_text(json_array_get(skipped, 2), "work", "none, p50");
    expect_text(json_array_get(skipped, 3), "work", "one, p50");
    json_decref(file);
}

static void test_what_was_left_out_is_said(void **state)
{
    report_t *report = report_new();
    report_skip(report, "poor link, live", "enlace", "no root");
    json_t *file = written(state, &report);
    assert_int_equal(json_array_size(json_object_get(file, "results")), 0);
    const json_t *skipped = json_array_get(json_object_get(file, "skipped"), 0);
    expect_text(skipped, "work", "poor link, live");
    expect_text(skipped, "subject", "enlace");
    expect_text(skipped, "why", "no root");
    json_decref(file);
}

static void test_machine_versions_and_options_are_with_it(void **state)
{
    report_t *report = report_new();
    json_t *file = written(state, &report);
    const json_t *machine = json_object_get(file, "machine");
    const json_t *options = json_object_get(file, "options");
    const json_t *versions = json_object_get(file, "versions");
    expect_text(versions, "enlace", ENLACE_VERSION);
    assert_true(json_is_string(json_object_get(machine, "processor")));
    assert_true(json_integer_value(json_object_get(machine, "processors")) > 0);
    assert_true(json_integer_value(json_object_get(machine, "memory")) > 0);
    assert_true(json_number_value(json_object_get(machine, "sync_ms")) > 0);
    assert_true(json_is_string(json_object_get(machine, "kernel")));
    static const char *const libraries[] = {"compiler", "sqlite",  "zeromq",    "sodium",
                                            "zstd",     "jansson", "protobuf-c"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        assert_true(json_is_string(json_object_get(versions, libraries[i])));
    assert_int_equal(json_integer_value(json_object_get(options, "n")), 3);
    json_decref(file);
}

static void test_one_that_cannot_be_written_is_not_said_to_be(void **state)
{
    char *path = scratch_path(*state, "none/bench.json");
    report_t *report = report_new();
    assert_false(report_write(report, path, json_object()));
    report_destroy(&report);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_every_repetition_is_kept),
        SCRATCH_TEST(test_quantiles_are_taken_of_each_repetition),
        SCRATCH_TEST(test_as_many_quantiles_as_are_asked_for),
        SCRATCH_TEST(test_a_quantile_of_too_few_is_left_out),
        SCRATCH_TEST(test_what_was_left_out_is_said),
        SCRATCH_TEST(test_machine_versions_and_options_are_with_it),
        SCRATCH_TEST(test_one_that_cannot_be_written_is_not_said_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
