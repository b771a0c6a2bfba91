// What is said of measured values. Expected: Hyndman and Fan, type 7, by hand: of n sorted
// values x[0] to x[n-1] the quantile q lies at h = q * (n - 1), between x[floor h] and the next.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/samples.h"

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

static void test_quantiles_lie_between_neighbours(void **state)
{
    (void)state;
    samples_t samples = samples_of((double[]){4, 1, 3, 2}, 4);
    expect_near(samples_quantile(&samples, 0.5), 2.5);   // h = 1.5
    expect_near(samples_quantile(&samples, 0.25), 1.75); // h = 0.75
    expect_near(samples_quantile(&samples, 0.99), 3.97); // h = 2.97
    samples_clear(&samples);
}

static void test_the_middle_of_an_odd_number_is_one_of_them(void **state)
{
    (void)state;
    samples_t samples = samples_of((double[]){9, -7, 2, 40, 5}, 5);
    expect_near(samples_quantile(&samples, 0.5), 5);
    expect_near(samples_min(&samples), -7);
    expect_near(samples_max(&samples), 40);
    samples_clear(&samples);
}

static void test_one_value_is_all_its_quantiles(void **state)
{
    (void)state;
    samples_t samples = samples_of((double[]){6.5}, 1);
    expect_near(samples_quantile(&samples, 0), 6.5);
    expect_near(samples_quantile(&samples, 0.99), 6.5);
    expect_near(samples_quantile(&samples, 1), 6.5);
    samples_clear(&samples);
}

static void test_of_none_it_is_nothing(void **state)
{
    (void)state;
    samples_t samples = {0};
    expect_near(samples_quantile(&samples, 0.5), 0);
    samples_clear(&samples);
}

static void test_to_ask_leaves_the_order_in_which_they_came(void **state)
{
    (void)state;
    samples_t samples = {0};
    for (int i = 0; i < 1000; i++)
        samples_add(&samples, 999 - i);
    expect_near(samples_quantile(&samples, 0.5), 499.5);
    for (size_t i = 0; i < 1000; i++)
        expect_near(samples.values[i], 999 - (double)i);
    samples_clear(&samples);
    assert_int_equal(samples.count, 0);
    assert_null(samples.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_lie_between_neighbours),
        cmocka_unit_test(test_the_middle_of_an_odd_number_is_one_of_them),
        cmocka_unit_test(test_one_value_is_all_its_quantiles),
        cmocka_unit_test(test_of_none_it_is_nothing),
        cmocka_unit_test(test_to_ask_leaves_the_order_in_which_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
