// `make scale`: points measured in the simulator beside what the formulae of
// docs/scale.md give for them, and the formulae for coalitions that no machine here holds.
//
//   tool_scale [--json FILE]                      the points below, then the forecasts
//   tool_scale --nodes N --hubs H [--writers W]   one point, with all its traffic
//   tool_scale --forecast                         the formulae alone
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/message.h"
#include "tests/sim/scale.h"
#include "tests/sim/scale_model.h"

enum { FIGURES_MAX = 20, MINUTES_A_DAY = 1440, DAYS_A_YEAR = 365, POOR_BYTES_S = 8000 };

// At a thousand nodes few write: docs/scale.md says what all would take.
static const shape_t points[] = {
    {.seed = 1, .nodes = 10, .hubs = 3, .writers = 9, .changes = 60, .quiet_s = 180},
    {.seed = 1, .nodes = 100, .hubs = 7, .writers = 99, .changes = 60, .quiet_s = 180},
    {.seed = 1, .nodes = 1000, .hubs = 23, .writers = 20, .changes = 60, .quiet_s = 180},
};

typedef struct {
    const char *name, *unit;
    double measured, predicted; // below 0: there is no formula
} figure_t;

// ---- what was measured, beside the formulae ----

static double bytes_of(const traffic_t *traffic, traffic_way_t way)
{
    return (double)traffic_sum(traffic, way).bytes;
}

static bool tells_of_changes(size_t kind)
{
    static const char *const others[] = {"beacons", "published beacons", "ping", "pong"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (traffic_kind(kind) && strcmp(traffic_kind(kind), others[i]) == 0)
            return false;
    return true;
}

// What is said of changes: neither beacons nor pings.
static flow_t flow_of_changes(const traffic_t *traffic)
{
    flow_t sum = {0};
    for (traffic_way_t way = 0; way < WAYS; way++)
        for (size_t kind = 0; kind < TRAFFIC_KINDS; kind++)
            if (tells_of_changes(kind)) {
                sum.messages += traffic->flows[way][kind].messages;
                sum.bytes += traffic->flows[way][kind].bytes;
            }
    return sum;
}

static size_t figures_of(const point_t *p, figure_t figures[FIGURES_MAX])
{
    sizes_t sizes = scale_sizes();
    flow_t about = flow_of_changes(&p->changes);
    double quiet = (double)p->shape.quiet_s / 60, busy = (double)p->shape.changes / 60;
    double leaves = (double)p->leaves - 1,
           links = (double)p->hub_links; // the newcomer is not there
    double sessions = (double)p->leaves / (double)p->shape.hubs + (double)p->shape.hubs - 1;
    mass_t idle = {.nodes = (double)p->shape.nodes - 1,
                   .hubs = (double)p->shape.hubs,
                   .writers = (double)p->shape.writers,
                   .feeds = (double)p->feeds,
                   .logged = (double)p->logged};
    mass_t load = idle, all = idle;
    load.changes = 60;
    all.nodes++;
    figure_t list[] = {
        {"idle, to a leaf", "B/min", bytes_of(&p->quiet, WAY_DOWN) / leaves / quiet,
         scale_down(&sizes, &idle)},
        {"idle, from a leaf", "B/min", bytes_of(&p->quiet, WAY_UP) / leaves / quiet,
         scale_up(&sizes, &idle)},
        {"idle, link of two hubs", "B/min", bytes_of(&p->quiet, WAY_HUBS) / links / quiet,
         scale_between_hubs(&sizes, &idle)},
        {"a change a second, to a leaf", "B/min", bytes_of(&p->changes, WAY_DOWN) / leaves / busy,
         scale_down(&sizes, &load)},
        {"a change a second, link of two hubs", "B/min",
         bytes_of(&p->changes, WAY_HUBS) / links / busy, scale_between_hubs(&sizes, &load)},
        {"a change, all links", "B", (double)about.bytes / (double)p->shape.changes,
         scale_change(&sizes, &idle)},
        {"a change, all links", "msgs", (double)about.messages / (double)p->shape.changes,
         scale_change_messages(&idle)},
        {"a change, until all hold it", "ms", p->change_ms.median, scale_change_ms()},
        {"a new leaf, until it holds all", "ms", p->newcomer_ms, scale_newcomer_ms(&all)},
        {"a new leaf, sent to it", "B", bytes_of(&p->newcomer, WAY_DOWN),
         scale_newcomer(&sizes, &idle)},
        {"all from nothing", "ms", p->start_ms, scale_start_ms()},
        {"memory of a leaf, core", "B", p->leaf_core, scale_core(&sizes, &all, 1)},
        {"memory of a hub, core", "B", p->hub_core, scale_core(&sizes, &all, sessions)},
        {"memory of a leaf, store", "B", p->leaf_store, -1},
        {"disk, of a member", "B", p->disk_end, scale_disk(&all)},
        {"disk, a member", "B", p->disk_founded / (double)p->shape.nodes, -1},
        {"disk, a change", "B", (p->disk_end - p->disk_founded) / (double)p->logged, -1},
        {"processor, a node and minute of it all", "ms",
         p->cpu_s * 6e7 / (double)p->shape.nodes / p->simulated_ms, -1},
    };
    memcpy(figures, list, sizeof list);
    return sizeof list / sizeof *list;
}

// ---- one point, in a process of its own ----

static bool measure(const shape_t *shape, point_t *point)
{
    point_t *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 1;
    if (shared == MAP_FAILED)
        return false;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        scale_measure(shape, shared);
        _exit(0);
    }
    bool done = child > 0 && waitpid(child, &status, 0) == child && status == 0;
    *point = *shared;
    munmap(shared, sizeof *shared);
    return done;
}

static void print_point(const point_t *point, const figure_t *figures, size_t count)
{
    printf("%zu nodes, %zu hubs, %zu feeds, %zu changes: %s; %.0f s of processor\n",
           point->shape.nodes, point->shape.hubs, point->feeds, point->logged,
           point->in_step ? "all in step" : "NOT in step", point->cpu_s);
    for (size_t i = 0; i < count; i++) {
        const figure_t *f = &figures[i];
        printf("  %-40s %-6s %13.0f", f->name, f->unit, f->measured);
        if (f->predicted >= 0)
            printf(" %13.0f %+7.1f %%", f->predicted,
                   100 * (f->measured - f->predicted) / f->predicted);
        printf("\n");
    }
}

static const char *const way_names[WAYS] = {"from leaves", "to leaves", "between hubs"};

static json_t *traffic_json(const traffic_t *traffic)
{
    json_t *all = json_array();
    for (traffic_way_t way = 0; way < WAYS; way++)
        for (size_t kind = 0; kind < TRAFFIC_KINDS; kind++)
            if (traffic->flows[way][kind].messages)
                json_array_append_new(
                    all, json_pack("{s:s, s:s, s:I, s:I}", "way", way_names[way], "kind",
                                   traffic_kind(kind) ? traffic_kind(kind) : "other", "messages",
                                   (json_int_t)traffic->flows[way][kind].messages, "bytes",
                                   (json_int_t)traffic->flows[way][kind].bytes));
    return all;
}

static json_t *point_json(const point_t *point, const figure_t *figures, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *figure = json_pack("{s:s, s:s, s:f}", "figure", figures[i].name, "unit",
                                   figures[i].unit, "measured", figures[i].measured);
        if (figures[i].predicted >= 0)
            json_object_set_new(figure, "predicted", json_real(figures[i].predicted));
        json_array_append_new(list, figure);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:o}", "nodes",
                     (json_int_t)point->shape.nodes, "hubs", (json_int_t)point->shape.hubs, "feeds",
                     (json_int_t)point->feeds, "changes", (json_int_t)point->logged, "in_step",
                     point->in_step, "figures", list, "start", traffic_json(&point->start), "load",
                     traffic_json(&point->changes), "idle", traffic_json(&point->quiet), "newcomer",
                     traffic_json(&point->newcomer));
}

static bool run_point(const shape_t *shape, json_t *into, bool whole)
{
    point_t point;
    figure_t figures[FIGURES_MAX];
    if (!measure(shape, &point)) {
        fprintf(stderr, "%zu nodes: the simulation did not end\n", shape->nodes);
        return false;
    }
    size_t count = figures_of(&point, figures);
    print_point(&point, figures, count);
    json_t *as_json = point_json(&point, figures, count);
    if (whole)
        json_dumpf(as_json, stdout, JSON_INDENT(1));
    json_array_append_new(into, as_json);
    return point.in_step;
}

// ---- what no machine here holds ----

typedef struct {
    const char *name;
    double nodes, hubs;
} scenario_t;

static const scenario_t scenarios[] = {
    {"7 nations", 7, 7},
    {"23 nations", 23, 23},
    {"23 nations, 32 cities and 15 organisations each", 23 * (1 + 32 + 15), 23},
    {"the same, 15 organisations in each city", 23 * (1 + 32 + 32 * 15), 23},
    {"100,000", 100000, 101},
};

static const double changes_a_day[] = {0, 1000, 100000};

static json_t *forecast(const scenario_t *scenario, double a_day)
{
    sizes_t sizes = scale_sizes();
    mass_t mass = {.nodes = scenario->nodes,
                   .hubs = scenario->hubs,
                   .writers = scenario->nodes,
                   .feeds = 2 * scenario->nodes,
                   .changes = a_day / MINUTES_A_DAY,
                   .logged = 2 * scenario->nodes};
    double sessions = scenario->nodes / scenario->hubs - 1 + scenario->hubs - 1;
    mass_t year = mass;
    year.logged += a_day * DAYS_A_YEAR;
    double disk = scale_disk(&year), search = scale_search(&year);
    double line = scale_change_on_ms(&sizes, &mass, POOR_BYTES_S) / 1000;
    char waited[16];
    snprintf(waited, sizeof waited, "%.2f", line);
    double leaf = scale_down(&sizes, &mass) / 60, hub = scale_hub_sends(&sizes, &mass) / 60;
    double core = scale_core(&sizes, &mass, 1), hub_core = scale_core(&sizes, &mass, sessions);
    printf("%-48s %8.0f %8.0f %10.0f %11.0f %9.1f %9.1f %8.1f %9.2f %9.1f %9.1f %9s\n",
           scenario->name, scenario->nodes, a_day, leaf, hub, core / 1e6, hub_core / 1e6,
           scale_newcomer(&sizes, &mass) / 1e6, scale_newcomer_ms(&mass) / 1000, disk / 1e6,
           search / 1e6, isinf(line) ? "never" : waited);
    json_t *made = json_pack(
        "{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "coalition", scenario->name,
        "nodes", scenario->nodes, "changes_a_day", a_day, "leaf_bytes_s", leaf, "hub_bytes_s", hub,
        "leaf_core", core, "hub_core", hub_core, "newcomer_bytes", scale_newcomer(&sizes, &mass),
        "newcomer_ms", scale_newcomer_ms(&mass), "disk_a_year", disk, "search_a_year", search);
    // JSON knows no infinity.
    json_object_set_new(made, "change_on_64_kbit_s", isinf(line) ? json_null() : json_real(line));
    return made;
}

static json_t *forecast_all(void)
{
    json_t *all = json_array();
    printf("%-48s %8s %8s %10s %11s %9s %9s %8s %9s %9s %9s %9s\n", "coalition", "nodes", "a day",
           "leaf, B/s", "hub, B/s", "leaf, MB", "hub, MB", "new, MB", "new, s", "year, MB",
           "search", "64k, s");
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        for (size_t k = 0; k < sizeof changes_a_day / sizeof *changes_a_day; k++)
            json_array_append_new(all, forecast(&scenarios[i], changes_a_day[k]));
    return all;
}

// How many nodes, two feeds each, a leaf's line of so many bytes a second bears.
static double nodes_on(double bytes_s, double a_day)
{
    sizes_t sizes = scale_sizes();
    double low = 2, high = 1e6;
    while (high - low > 1) {
        double middle = (low + high) / 2;
        mass_t mass = {.nodes = middle,
                       .hubs = 23,
                       .writers = middle,
                       .feeds = 2 * middle,
                       .changes = a_day / MINUTES_A_DAY};
        if (scale_down(&sizes, &mass) / 60 < bytes_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void print_bounds(void)
{
    sizes_t s = scale_sizes();
    enum { DSL = 125000 }; // 1 Mbit/s; POOR_BYTES_S: 64 kbit/s
    printf("\nbytes: head %.0f, beacon %.0f to %.0f, pulse %.0f, change published %.0f, "
           "part of a run %.0f,\n  Ack %.0f, Heads %.0f, Ping %.0f, card number %.0f, "
           "member of a roster %.0f\n",
           s.head, s.beacon, scale_beacon(&s, BEACON_HEADS_MAX), s.pulse, s.published_run,
           s.run_part, s.ack, s.heads, s.ping, s.card_number, s.member);
    printf("nodes whose feeds a beacon names:      %u\n", BEACON_HEADS_MAX / 2);
    printf("nodes whose cards a greeting numbers:  %u\n", HELLO_CARDS_MAX);
    printf("members of a roster that a link takes: %.0f\n",
           floor((LINK_ROSTER_MAX - s.roster) / s.member));
    for (size_t i = 0; i < sizeof changes_a_day / sizeof *changes_a_day; i++)
        printf("nodes on 64 kbit/s, on 1 Mbit/s, %6.0f changes a day: %.0f, %.0f\n",
               changes_a_day[i], nodes_on(POOR_BYTES_S, changes_a_day[i]),
               nodes_on(DSL, changes_a_day[i]));
}

// ---- the program ----

static int usage(void)
{
    fputs("usage: tool_scale [--json FILE]\n"
          "       tool_scale --nodes N --hubs H [--writers W]\n"
          "       tool_scale --forecast\n",
          stderr);
    return 2;
}

static bool run_points(json_t *measured)
{
    bool good = true;
    printf("%-42s %-6s %13s %13s\n", "", "", "measured", "formula");
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        good = run_point(&points[i], measured, false) && good;
    return good;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", required_argument, NULL, 'j'}, {"nodes", required_argument, NULL, 'n'},
        {"hubs", required_argument, NULL, 'h'}, {"writers", required_argument, NULL, 'w'},
        {"forecast", no_argument, NULL, 'f'},   {0}};
    shape_t shape = {.seed = 1, .changes = 60, .quiet_s = 180};
    const char *json = NULL;
    bool forecasts_only = false, good = true;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
        if (c == 'j')
            json = optarg;
        else if (c == 'f')
            forecasts_only = true;
        else if (c == 'n')
            shape.nodes = strtoull(optarg, NULL, 10);
        else if (c == 'h')
            shape.hubs = strtoull(optarg, NULL, 10);
        else if (c == 'w')
            shape.writers = strtoull(optarg, NULL, 10);
        else
            return usage();
    if (!shape.writers && shape.nodes)
        shape.writers = shape.nodes - 1;
    bool possible = shape.hubs % 2 && shape.hubs > 1 && shape.nodes > shape.hubs + 1 &&
                    shape.writers < shape.nodes;
    if ((shape.nodes || shape.hubs) && !possible)
        return usage();
    if (crypto_start() != ERR_OK)
        return 1;
    json_t *all = json_object(), *measured = json_array();
    if (shape.nodes)
        good = run_point(&shape, measured, true);
    else if (!forecasts_only)
        good = run_points(measured);
    if (!shape.nodes) {
        json_object_set_new(all, "forecasts", forecast_all());
        print_bounds();
    }
    json_object_set_new(all, "points", measured);
    if (json && json_dump_file(all, json, JSON_INDENT(1)))
        good = false;
    json_decref(all);
    return good ? 0 : 1;
}
