// One hub, many followers: what it costs the hub, and how soon they have it.
#include <stdlib.h>

#include "bench/arrivals.h"
#include "bench/batch.h"
#include "bench/fill.h"
#include "bench/machine.h"
#include "bench/pace.h"
#include "bench/profile.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "lib/mem.h"

enum {
    HUB,
    FOLLOWERS = 40,
    SAMPLED = 4, // followers whose tail is read: that costs them, too
    RATE = 2000, // changes a second
    BATCH = 20,  // changes a commit
    LOAD_SECONDS = 10,
};
static const char hub[] = "CRM"; // which fleet_hub calls it

typedef struct {
    fleet_t *fleet;
    watch_t *writer;
    watch_t *followers[FOLLOWERS];
    uint64_t written;
    double *called;
    records_t records;
    samples_t rates, cpu, delays[REPEAT_MAX];
} fanout_t;

// By the clock, whether or not the last one was acknowledged in time: who waits in the
// queue is counted from when it was due. Seconds until the last one was.
static double write_all(fanout_t *fanout, uint64_t count)
{
    double began = machine_now();
    for (uint64_t batch = 0; batch < count / BATCH; batch++) {
        double due = began + (double)batch * BATCH / RATE;
        for (size_t i = 0; i < BATCH; i++)
            fanout->called[batch * BATCH + i] = due;
        pace_until(due);
        batch_write(fanout->writer, hub, &fanout->records, fanout->written + 1, BATCH);
        fanout->written += BATCH;
    }
    return machine_now() - began;
}

static void wait_for_all(fanout_t *fanout)
{
    for (size_t i = 0; i < FOLLOWERS; i++)
        watch_until(fanout->followers[i], hub, fanout->written);
}

// The hub's processor time for the whole load, by the time in which it was to be given:
// what the rate costs, whether or not this machine has kept up with it.
static void measure(fanout_t *fanout, uint64_t count, samples_t *delays)
{
    arrivals_t *arrivals[SAMPLED];
    for (size_t i = 0; i < SAMPLED; i++)
        arrivals[i] =
            arrivals_start(fleet_node_dir(fanout->fleet, 1 + i * (FOLLOWERS / SAMPLED)), count);
    records_prepare(&fanout->records, hub, fanout->written + 1, count);
    profile_begin();
    double before = process_cpu(fleet_pid(fanout->fleet, HUB));
    double took = write_all(fanout, count);
    wait_for_all(fanout);
    double used = process_cpu(fleet_pid(fanout->fleet, HUB)) - before;
    profile_end();
    samples_add(&fanout->rates, (double)count / took);
    samples_add(&fanout->cpu, 100 * used / ((double)count / RATE));
    for (size_t i = 0; i < SAMPLED; i++)
        arrivals_end(&arrivals[i], fanout->called, 0, delays);
}

static void open_all(fanout_t *fanout)
{
    fanout->fleet = fleet_hub(FOLLOWERS);
    fleet_start_all(fanout->fleet);
    fleet_settle(fanout->fleet);
    fanout->writer = watch_open(fleet_node_dir(fanout->fleet, HUB));
    for (size_t i = 0; i < FOLLOWERS; i++)
        fanout->followers[i] = watch_open(fleet_node_dir(fanout->fleet, i + 1));
}

static void close_all(fanout_t *fanout)
{
    for (size_t i = 0; i < FOLLOWERS; i++)
        watch_close(&fanout->followers[i]);
    watch_close(&fanout->writer);
    for (size_t i = 1; i <= FOLLOWERS; i++)
        fill_expect_same(fanout->fleet, HUB, i);
    fleet_destroy(&fanout->fleet);
    records_clear(&fanout->records);
    mem_free(fanout->called);
}

void work_fanout(const bench_t *bench)
{
    fanout_t *fanout = mem_alloc(sizeof *fanout);
    uint64_t count = bench->n < RATE * LOAD_SECONDS ? bench->n : RATE * LOAD_SECONDS;
    count = (count + BATCH - 1) / BATCH * BATCH;
    fanout->called = mem_alloc_array(count, sizeof *fanout->called);
    open_all(fanout);
    for (unsigned i = 0; i < bench->repeat; i++)
        measure(fanout, count, &fanout->delays[i]);
    close_all(fanout);
    report_add(bench->report, "fan-out, rate", "enlace", count, "1/s", &fanout->rates);
    report_add(bench->report, "fan-out, hub", "enlace", count, "% of a core", &fanout->cpu);
    report_quantiles(bench->report, "fan-out", "enlace", count, "ms", fanout->delays, bench->repeat,
                     TO_P99);
    mem_free(fanout);
}
