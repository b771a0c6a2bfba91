// Bytes a change: on the wire, and on disk once all is stopped.
#include "bench/apart.h"
#include "bench/fill.h"
#include "bench/machine.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "lib/mem.h"

enum { HUB, OTHER };
static const char hub[] = APART_HUB;

typedef struct {
    fleet_t *fleet;
    uint64_t written, count;
} bytes_t;

static void arrive(bytes_t *bytes)
{
    watch_t *watch = watch_open(fleet_node_dir(bytes->fleet, OTHER));
    watch_until(watch, hub, bytes->written);
    watch_close(&watch);
    // The acknowledgement is part of what a change takes.
    mem_free(fleet_do(bytes->fleet, HUB, "status --wait-synced 60"));
    fill_expect_same(bytes->fleet, HUB, OTHER);
}

static void import(bytes_t *bytes)
{
    fill_import(bytes->fleet, HUB, hub, bytes->written + 1, bytes->count);
    bytes->written += bytes->count;
}

// ---- on the wire ----

static void live(bytes_t *bytes)
{
    import(bytes);
    arrive(bytes);
}

static void put_each(bytes_t *bytes)
{
    watch_t *watch = watch_open(fleet_node_dir(bytes->fleet, HUB));
    for (uint64_t i = 0; i < bytes->count; i++)
        watch_put(watch, ++bytes->written, hub);
    watch_close(&watch);
    arrive(bytes);
}

static void catch_up(bytes_t *bytes)
{
    fleet_stop(bytes->fleet, OTHER);
    import(bytes);
    fleet_start(bytes->fleet, OTHER);
    arrive(bytes);
}

static const struct way {
    const char *work;
    void (*run)(bytes_t *bytes);
    uint64_t divide; // of the records asked for, so many: one put takes a sync
} ways[] = {{"wire bytes a change, live", live, 1},
            {"wire bytes a change, catch-up", catch_up, 1},
            {"wire bytes a change, a put each", put_each, 100}};

static void measure_wire(const bench_t *bench, const cable_t *cable, const struct way *way)
{
    samples_t samples = {0};
    bytes_t bytes = {.count = bench->n / way->divide};
    bytes.count = bytes.count ? bytes.count : 1;
    bytes.fleet = apart_hub(cable, 1);
    fleet_found(bytes.fleet, 2);
    fleet_start_all(bytes.fleet);
    fleet_settle(bytes.fleet);
    for (unsigned i = 0; i < bench->repeat; i++) {
        uint64_t before = cable_bytes(cable);
        way->run(&bytes);
        samples_add(&samples, (double)(cable_bytes(cable) - before) / (double)bytes.count);
    }
    report_add(bench->report, way->work, "enlace", bytes.count, "B", &samples);
    fleet_destroy(&bytes.fleet);
}

void work_wire(const bench_t *bench)
{
    char why[128];
    cable_t *cable = cable_new(0, why, sizeof why);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (cable)
            measure_wire(bench, cable, &ways[i]);
        else
            report_skip(bench->report, ways[i].work, "enlace", why);
    }
    if (cable)
        cable_destroy(&cable);
}

// ---- on disk ----

// What a directory has grown by since the last look, both stopped.
static double grown(const bytes_t *bytes, size_t node, uint64_t *before)
{
    uint64_t now = disk_bytes(fleet_node_dir(bytes->fleet, node));
    double more = (double)now - (double)*before;
    *before = now;
    return more / (double)bytes->count;
}

// What search keeps is part of what a change takes.
static void settle_search(const bytes_t *bytes, size_t node)
{
    watch_t *watch = watch_open(fleet_node_dir(bytes->fleet, node));
    watch_searchable(watch);
    watch_close(&watch);
}

static void stop_both(const bytes_t *bytes)
{
    settle_search(bytes, HUB);
    settle_search(bytes, OTHER);
    fleet_stop(bytes->fleet, OTHER);
    fleet_stop(bytes->fleet, HUB);
}

void work_disk(const bench_t *bench)
{
    samples_t author = {0}, follower = {0};
    uint64_t sizes[] = {0, 0};
    bytes_t bytes = {.fleet = fleet_hub(1), .count = bench->n};
    fleet_start_all(bytes.fleet);
    fleet_settle(bytes.fleet);
    stop_both(&bytes);
    grown(&bytes, HUB, &sizes[HUB]);
    grown(&bytes, OTHER, &sizes[OTHER]);
    for (unsigned i = 0; i < bench->repeat; i++) {
        fleet_start_all(bytes.fleet);
        fleet_settle(bytes.fleet);
        live(&bytes);
        stop_both(&bytes);
        samples_add(&author, grown(&bytes, HUB, &sizes[HUB]));
        samples_add(&follower, grown(&bytes, OTHER, &sizes[OTHER]));
    }
    report_add(bench->report, "disk bytes a change, author", "enlace", bench->n, "B", &author);
    report_add(bench->report, "disk bytes a change, follower", "enlace", bench->n, "B", &follower);
    fleet_destroy(&bytes.fleet);
}
