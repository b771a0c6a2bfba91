// Three hops: four nodes in a line, of which each knows only its neighbours.
#include "bench/arrivals.h"
#include "bench/fill.h"
#include "bench/machine.h"
#include "bench/profile.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "lib/mem.h"

enum { FIRST, LAST = 3, PUTS_MIN = 100, LOOK_MS = 100 };
static const char first[] = "AA";

static fleet_t *line(void)
{
    static const char *const codes[] = {first, "BB", "CC", "DD"};
    fleet_t *fleet = fleet_new();
    for (size_t i = FIRST; i <= LAST; i++) {
        const char *const dials[] = {i > FIRST ? codes[i - 1] : NULL, NULL};
        fleet_add(fleet, codes[i], i < LAST, "", dials);
    }
    fleet_found(fleet, LAST);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    // Each is in step with its neighbours: the two ends may not be yet.
    watch_t *end = watch_open(fleet_node_dir(fleet, LAST));
    while (!fill_same(fleet, FIRST, LAST))
        watch_tail(end, watch_applied(end), LOOK_MS);
    watch_close(&end);
    return fleet;
}

static double rate(fleet_t *fleet, uint64_t written, uint64_t count)
{
    watch_t *watch = watch_open(fleet_node_dir(fleet, LAST));
    profile_begin();
    double wrote = fill_import(fleet, FIRST, first, written + 1, count);
    double began = machine_now();
    double ended = watch_until(watch, first, written + count);
    profile_end();
    watch_close(&watch);
    fill_expect_same(fleet, FIRST, LAST);
    return (double)count / (wrote + ended - began);
}

// The next when the last one was acknowledged.
static void latency(fleet_t *fleet, uint64_t written, uint64_t count, samples_t *delays)
{
    double *called = mem_alloc_array(count, sizeof *called);
    watch_t *watch = watch_open(fleet_node_dir(fleet, FIRST));
    arrivals_t *arrivals = arrivals_start(fleet_node_dir(fleet, LAST), count);
    profile_begin();
    for (uint64_t i = 0; i < count; i++) {
        called[i] = machine_now();
        watch_put(watch, written + i + 1, first);
    }
    arrivals_end(&arrivals, called, 0, delays);
    profile_end();
    watch_close(&watch);
    mem_free(called);
}

void work_relay(const bench_t *bench)
{
    samples_t rates = {0}, delays[REPEAT_MAX] = {{0}};
    uint64_t written = 0, puts = bench->n / 100 > PUTS_MIN ? bench->n / 100 : PUTS_MIN;
    fleet_t *fleet = line();
    for (unsigned i = 0; i < bench->repeat; i++) {
        latency(fleet, written, puts, &delays[i]);
        written += puts;
        samples_add(&rates, rate(fleet, written, bench->n));
        written += bench->n;
    }
    report_add(bench->report, "relay, three hops", "enlace", bench->n, "1/s", &rates);
    report_quantiles(bench->report, "relay, three hops", "enlace", puts, "ms", delays,
                     bench->repeat, TO_P99);
    fleet_destroy(&fleet);
}
