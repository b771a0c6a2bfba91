// A subject that only writes down what is asked of it: what a work means is the order of the
// calls, and which of them the clock covers. The clock is ours (machine.o is not linked): it
// stands still but for what a step takes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/machine.h"
#include "bench/repetition.h"

enum { TAKES_MS = 5 }; // the slow step

static _Atomic unsigned passed_ms;

double machine_now(void)
{
    return passed_ms / 1e3;
}

static void check_ms(double is, double must_be)
{
    assert_true(is > must_be - 1e-6 && is < must_be + 1e-6);
}

typedef struct {
    char calls[2000];
    const char *slow; // this one takes TAKES_MS, the others nothing
    _Atomic uint64_t written, shown;
} fake_t;

static void note(void *self, const char *name, uint64_t number)
{
    fake_t *fake = self;
    size_t used = strlen(fake->calls);
    if (number)
        snprintf(fake->calls + used, sizeof fake->calls - used, "%s %llu; ", name,
                 (unsigned long long)number);
    else
        snprintf(fake->calls + used, sizeof fake->calls - used, "%s; ", name);
    if (fake->slow && strcmp(fake->slow, name) == 0)
        passed_ms += TAKES_MS;
}

static void prepare(void *self, uint64_t first, uint64_t count)
{
    note(self, "prepare", first);
    note(self, "to", first + count - 1);
}

static void load(void *self, uint64_t first, uint64_t count)
{
    note(self, "load", first);
    note(self, "to", first + count - 1);
}

static void put(void *self, uint64_t number)
{
    note(self, "put", number);
    ((fake_t *)self)->written = number;
}

static void follow(void *self)
{
    note(self, "follow", 0);
}

static void pause_b(void *self)
{
    note(self, "pause", 0);
}

static void until(void *self, uint64_t number)
{
    note(self, "until", number);
}

static void check(void *self, uint64_t number)
{
    note(self, "check", number);
}

static uint64_t wait_more(void *self, uint64_t since)
{
    fake_t *fake = self;
    uint64_t written = fake->written;
    fake->shown = written > since ? written : since;
    return fake->shown;
}

static const subject_t subject = {.name = "fake",
                                  .prepare = prepare,
                                  .load = load,
                                  .put = put,
                                  .follow = follow,
                                  .pause = pause_b,
                                  .until = until,
                                  .check = check,
                                  .wait = wait_more};

static void test_order(void **state)
{
    fake_t fresh = {.written = 0}, live = fresh, off = fresh, each = fresh;
    double wrote;
    (void)state;
    repeat_bootstrap(&subject, &fresh, 5);
    assert_string_equal(fresh.calls, "prepare 1; to 5; load 1; to 5; follow; until 5; check 5; ");
    repeat_live(&subject, &live, 10, 5, &wrote);
    assert_string_equal(live.calls, "prepare 11; to 15; load 11; to 15; until 15; check 15; ");
    repeat_catch_up(&subject, &off, 10, 5, false);
    assert_string_equal(off.calls, "pause; prepare 11; to 15; load 11; to 15; follow; until 15; "
                                   "check 15; ");
    repeat_catch_up(&subject, &each, 10, 2, true);
    assert_string_equal(each.calls,
                        "pause; prepare 11; to 12; put 11; put 12; follow; until 12; check 12; ");
}

typedef enum { BOOTSTRAP, LIVE, CATCH_UP } work_t;

// Milliseconds that the work counts where `slow` takes its time.
static double counted(work_t work, const char *slow)
{
    fake_t fake = {.slow = slow};
    double wrote, rate;
    if (work == BOOTSTRAP)
        rate = repeat_bootstrap(&subject, &fake, 100);
    else if (work == LIVE)
        rate = repeat_live(&subject, &fake, 0, 100, &wrote);
    else
        rate = repeat_catch_up(&subject, &fake, 0, 100, false);
    return 100 / rate * 1e3;
}

static void test_what_the_clock_covers(void **state)
{
    static const struct {
        const char *step;
        bool covered[3];
    } cases[] = {
        {"prepare", {false, false, false}}, {"load", {false, true, false}},
        {"follow", {true, false, true}},    {"until", {true, true, true}},
        {"check", {false, false, false}},   {"pause", {false, false, false}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (work_t work = BOOTSTRAP; work <= CATCH_UP; work++)
            check_ms(counted(work, cases[i].step), cases[i].covered[work] ? TAKES_MS : 0);
}

static void put_in_step(void *self, uint64_t number)
{
    assert_true(((fake_t *)self)->shown >= number - 1);
    put(self, number);
}

static void test_latency(void **state)
{
    enum { COUNT = LATENCY_WARM_UP + 30 };
    static const subject_t quiet = {
        .prepare = prepare, .put = put_in_step, .wait = wait_more, .check = check};
    fake_t fake = {.slow = "put", .written = 7, .shown = 7};
    samples_t delays = {0};
    (void)state;
    repeat_latency(&quiet, &fake, 7, COUNT, 0, &delays);
    assert_int_equal(fake.written, 7 + COUNT);
    assert_non_null(strstr(fake.calls, "check 87; ")); // that both hold the same
    assert_int_equal(delays.count, COUNT - LATENCY_WARM_UP);
    // From the call, not from the answer; and what comes before or after is not in it.
    check_ms(samples_min(&delays), TAKES_MS);
    check_ms(samples_max(&delays), TAKES_MS);
    samples_clear(&delays);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_what_the_clock_covers),
        cmocka_unit_test(test_latency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
