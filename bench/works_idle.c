// What it takes to do nothing.
#include <stdio.h>

#include "bench/apart.h"
#include "bench/crowd.h"
#include "bench/machine.h"
#include "bench/pace.h"
#include "bench/profile.h"
#include "bench/works.h"
#include "lib/mem.h"

// Who has come into step names all that it holds once more, within a minute: that is the
// end of what went before.
enum { HUB, LINKS = 40, NODES = 8, JOIN_SECONDS = 600, REST_SECONDS = 75 };

typedef struct {
    samples_t bytes, cpu, memory;
} idle_t;

static void watch_idle(const bench_t *bench, const cable_t *cable, const fleet_t *fleet,
                       size_t links, idle_t *idle)
{
    pid_t hub = fleet_pid(fleet, HUB);
    profile_begin();
    for (unsigned i = 0; i < bench->repeat; i++) {
        uint64_t bytes = cable ? cable_bytes(cable) : 0;
        double cpu = process_cpu(hub), began = machine_now();
        pace_until(began + bench->seconds);
        double took = machine_now() - began;
        if (cable)
            samples_add(&idle->bytes, (double)(cable_bytes(cable) - bytes) / took / (double)links);
        samples_add(&idle->cpu, 100 * (process_cpu(hub) - cpu) / took);
        samples_add(&idle->memory, (double)process_resident(hub) / 1e6);
    }
    profile_end();
}

static void tell(const bench_t *bench, const char *work, uint64_t n, const char *why, idle_t *idle)
{
    char *bytes = mem_format("%s, a link", work), *cpu = mem_format("%s, hub", work);
    if (idle->bytes.count)
        report_add(bench->report, bytes, "enlace", n, "B/s", &idle->bytes);
    else
        report_skip(bench->report, bytes, "enlace", why);
    report_add(bench->report, cpu, "enlace", n, "% of a core", &idle->cpu);
    report_add(bench->report, cpu, "enlace", n, "MB", &idle->memory);
    mem_free(bytes);
    mem_free(cpu);
}

static void idle_links(const bench_t *bench)
{
    char why[128];
    idle_t idle = {0};
    cable_t *cable = cable_new(0, why, sizeof why);
    fleet_t *fleet = apart_hub(cable, LINKS);
    fleet_found(fleet, LINKS / 2);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    pace_until(machine_now() + REST_SECONDS);
    watch_idle(bench, cable, fleet, LINKS, &idle);
    tell(bench, "idle, links", LINKS, why, &idle);
    fleet_destroy(&fleet);
    if (cable)
        cable_destroy(&cable);
}

// The daemon runs once on its own, so that there is a store to put what they said into.
static void idle_feeds(const bench_t *bench, size_t feeds)
{
    char why[128];
    idle_t idle = {0};
    cable_t *cable = cable_new(0, why, sizeof why);
    fleet_t *fleet = apart_hub(cable, 1);
    crowd_t *crowd = crowd_new(fleet, feeds);
    fleet_found(fleet, 1);
    fleet_start(fleet, HUB);
    fleet_stop(fleet, HUB);
    crowd_speak(crowd, fleet_node_dir(fleet, HUB));
    fleet_start_all(fleet);
    for (size_t i = HUB; i <= 1; i++) // to fetch so many feeds takes longer than fleet_settle waits
        mem_free(fleet_do(fleet, i, "status --wait-synced %d", JOIN_SECONDS));
    pace_until(machine_now() + REST_SECONDS);
    watch_idle(bench, cable, fleet, 1, &idle);
    tell(bench, "idle, feeds", feeds, why, &idle);
    crowd_destroy(&crowd);
    fleet_destroy(&fleet);
    if (cable)
        cable_destroy(&cable);
}

static void idle_nodes(const bench_t *bench)
{
    samples_t memory = {0};
    fleet_t *fleet = fleet_hub(NODES - 1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    for (unsigned i = 0; i < bench->repeat; i++) {
        double most = 0;
        pace_until(machine_now() + bench->seconds);
        for (size_t k = 0; k < NODES; k++) {
            double resident = (double)process_resident(fleet_pid(fleet, k)) / 1e6;
            most = resident > most ? resident : most;
        }
        samples_add(&memory, most);
    }
    report_add(bench->report, "idle, nodes, the largest", "enlace", NODES, "MB", &memory);
    fleet_destroy(&fleet);
}

void work_idle(const bench_t *bench)
{
    static const size_t feeds[] = {10, 100, 1000};
    idle_links(bench);
    idle_nodes(bench);
    for (size_t i = 0; i < sizeof feeds / sizeof *feeds; i++)
        idle_feeds(bench, feeds[i]);
}
