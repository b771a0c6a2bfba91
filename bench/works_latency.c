// How soon one is there: from the call of `put` to the moment at which another node shows
// it, one at a time and by the clock.
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "bench/machine.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "lib/mem.h"
#include "tests/system/fleet.h"

enum { A, B, WARM_UP = 50, OPEN_SECONDS = 10 };
static const char a[] = "CRM";

// What a thread of its own sees at B: when each apply number was there.
typedef struct {
    const char *dir;
    uint64_t first, count;
    double *seen; // by apply number less `first`
    pthread_t thread;
} observer_t;

static void *observe(void *context)
{
    observer_t *observer = context;
    watch_t *watch = watch_open(observer->dir);
    uint64_t last = observer->first - 1;
    while (last < observer->first + observer->count - 1) {
        uint64_t now = watch_tail(watch, last, 1000);
        double at = machine_now();
        for (; last < now; last++)
            if (last + 1 - observer->first < observer->count)
                observer->seen[last + 1 - observer->first] = at;
    }
    watch_close(&watch);
    return NULL;
}

static void observer_start(observer_t *observer, fleet_t *fleet, uint64_t count)
{
    *observer = (observer_t){.dir = fleet_node_dir(fleet, B), .count = count};
    watch_t *watch = watch_open(observer->dir);
    observer->first = watch_applied(watch) + 1; // lane 0 has apply numbers, too
    watch_close(&watch);
    observer->seen = mem_alloc_array(count, sizeof *observer->seen);
    if (pthread_create(&observer->thread, NULL, observe, observer))
        abort();
}

static void observer_end(observer_t *observer, const double *called, samples_t *delays)
{
    pthread_join(observer->thread, NULL);
    for (uint64_t i = WARM_UP; i < observer->count; i++)
        samples_add(delays, (observer->seen[i] - called[i]) * 1e3);
    mem_free(observer->seen);
}

static void add_quantiles(const bench_t *bench, const char *work, uint64_t n, samples_t *runs)
{
    static const struct {
        const char *name;
        double share;
    } kept[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        samples_t values = {0};
        for (unsigned k = 0; k < bench->repeat; k++)
            samples_add(&values, samples_quantile(&runs[k], kept[i].share));
        char *name = mem_format("%s, %s", work, kept[i].name);
        report_add(bench->report, name, "enlace", n, "ms", &values);
        mem_free(name);
    }
    for (unsigned k = 0; k < bench->repeat; k++)
        samples_clear(&runs[k]);
}

static void wait_until(double when)
{
    struct timespec at = {.tv_sec = (time_t)when};
    at.tv_nsec = (long)((when - (double)at.tv_sec) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
        ;
}

// `rate` a second, 0: the next when the last one was acknowledged. A call that is late is
// counted from when it was due: who waits in the queue waits too.
static void put_all(watch_t *watch, uint64_t first, uint64_t count, unsigned rate, double *called)
{
    double began = machine_now();
    for (uint64_t i = 0; i < count; i++) {
        called[i] = rate ? began + (double)i / rate : machine_now();
        if (rate)
            wait_until(called[i]);
        watch_put(watch, first + i, a);
    }
}

static void measure(const bench_t *bench, fleet_t *fleet, const char *work, uint64_t count,
                    unsigned rate, uint64_t *written)
{
    samples_t *runs = mem_alloc_array(bench->repeat, sizeof *runs);
    double *called = mem_alloc_array(count, sizeof *called);
    watch_t *watch = watch_open(fleet_node_dir(fleet, A));
    for (unsigned i = 0; i < bench->repeat; i++) {
        observer_t observer;
        observer_start(&observer, fleet, count);
        put_all(watch, *written + 1, count, rate, called);
        observer_end(&observer, called, &runs[i]);
        *written += count;
    }
    watch_close(&watch);
    mem_free(called);
    add_quantiles(bench, work, count, runs);
    mem_free(runs);
}

void work_latency(const bench_t *bench)
{
    static const unsigned rates[] = {10, 100, 1000};
    uint64_t written = 0, count = bench->n / 100 > 2 * WARM_UP ? bench->n / 100 : 2 * WARM_UP;
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    measure(bench, fleet, "latency", count, 0, &written);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char *work = mem_format("latency at %u a second", rates[i]);
        uint64_t most = (uint64_t)rates[i] * OPEN_SECONDS;
        measure(bench, fleet, work, most > 2 * WARM_UP ? most : 2 * WARM_UP, rates[i], &written);
        mem_free(work);
    }
    fleet_destroy(&fleet);
}
