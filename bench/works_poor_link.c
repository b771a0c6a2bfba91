// A link of 64 kbit/s: how much of it carries payload, and how long everything else waits.
#include <string.h>
#include <unistd.h>

#include "bench/apart.h"
#include "bench/fill.h"
#include "bench/load.h"
#include "bench/machine.h"
#include "bench/profile.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "lib/mem.h"

enum { HUB, POOR, RATE_KBIT = 64, MOST = 1000, LOOK_EVERY_US = 5000 };
static const char hub[] = APART_HUB, poor[] = "N01";

typedef struct {
    fleet_t *fleet;
    watch_t *watch; // of the node behind the poor link
    uint64_t written, put;
    samples_t share, trips[REPEAT_MAX];
} link_t;

static bool acknowledged(watch_t *watch)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__StatusRequest body = ENLACE__V1__STATUS_REQUEST__INIT;
    bool all = false;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_STATUS;
    request.status = &body;
    reply_t *reply = watch_ask(watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_STATUS);
    for (size_t i = 0; i < reply->status->n_peers; i++) {
        const Enlace__V1__StatusReply__Peer *peer = reply->status->peers[i];
        if (peer->code && strcmp(peer->code, hub) == 0)
            all = strcmp(peer->state, "up") == 0 && peer->unacknowledged == 0;
    }
    talk_free(&reply);
    return all;
}

// Meanwhile one record after the other goes the other way: from its put until the hub's
// word that it is on disk there, which comes through the same queue as the bulk. When the
// last one of the bulk was seen.
static double take_bulk(link_t *link, samples_t *trips)
{
    double put = 0;
    while (watch_number(link->watch, hub) < link->written) {
        if (put != 0 && acknowledged(link->watch)) {
            samples_add(trips, (machine_now() - put) * 1e3);
            put = 0;
        } else if (put == 0 && acknowledged(link->watch)) {
            put = machine_now();
            watch_put(link->watch, ++link->put, poor);
        }
        usleep(LOOK_EVERY_US);
    }
    return machine_now();
}

static double share_of(uint64_t count, double seconds)
{
    return (double)count * LOAD_PAYLOAD * 8 / (RATE_KBIT * 1000.0 * seconds);
}

static void in_step(link_t *link)
{
    while (!acknowledged(link->watch))
        usleep(LOOK_EVERY_US);
    fill_expect_same(link->fleet, HUB, POOR);
}

// It was off while all was written; counted from the start of its process.
static void catch_up(link_t *link, uint64_t count, samples_t *trips)
{
    fleet_stop(link->fleet, POOR);
    fill_import(link->fleet, HUB, hub, link->written + 1, count);
    link->written += count;
    double began = machine_now();
    fleet_start(link->fleet, POOR);
    link->watch = watch_open(fleet_node_dir(link->fleet, POOR));
    samples_add(&link->share, share_of(count, take_bulk(link, trips) - began));
    in_step(link);
    watch_close(&link->watch);
}

// It is connected, and the hub's next thousand are published to it.
static void live(link_t *link, uint64_t count, samples_t *trips)
{
    link->watch = watch_open(fleet_node_dir(link->fleet, POOR));
    double began = machine_now();
    fill_import(link->fleet, HUB, hub, link->written + 1, count);
    link->written += count;
    samples_add(&link->share, share_of(count, take_bulk(link, trips) - began));
    in_step(link);
    watch_close(&link->watch);
}

static const struct way {
    const char *work;
    void (*run)(link_t *link, uint64_t count, samples_t *trips);
} ways[] = {{"poor link, catch-up", catch_up}, {"poor link, live", live}};

// Of some fifty: too few for a p99.
static void report_longest(const bench_t *bench, const link_t *link, const char *trip,
                           uint64_t count)
{
    samples_t longest = {0};
    char *work = mem_format("%s, longest", trip);
    for (unsigned i = 0; i < bench->repeat; i++)
        if (link->trips[i].count > 0)
            samples_add(&longest, samples_max(&link->trips[i]));
    if (longest.count > 0)
        report_add(bench->report, work, "enlace", count, "ms", &longest);
    else
        report_skip(bench->report, work, "enlace", "the bulk was over before the first");
    mem_free(work);
}

static void measure(const bench_t *bench, const cable_t *cable, const struct way *way)
{
    uint64_t count = bench->n < MOST ? bench->n : MOST;
    link_t *link = mem_alloc(sizeof *link);
    link->fleet = apart_hub(cable, 1);
    fleet_found(link->fleet, 2);
    fleet_start_all(link->fleet);
    fleet_settle(link->fleet);
    profile_begin();
    for (unsigned i = 0; i < bench->repeat; i++)
        way->run(link, count, &link->trips[i]);
    profile_end();
    fleet_destroy(&link->fleet);
    report_add(bench->report, way->work, "enlace", count, "of the link", &link->share);
    char *trip = mem_format("%s, round trip", way->work);
    report_longest(bench, link, trip, count);
    report_quantiles(bench->report, trip, "enlace", count, "ms", link->trips, bench->repeat,
                     TO_P50);
    mem_free(trip);
    mem_free(link);
}

void work_poor_link(const bench_t *bench)
{
    char why[128];
    cable_t *cable = cable_new(RATE_KBIT, why, sizeof why);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (cable)
            measure(bench, cable, &ways[i]);
        else
            report_skip(bench->report, ways[i].work, "enlace", why);
    }
    if (cable)
        cable_destroy(&cable);
}
