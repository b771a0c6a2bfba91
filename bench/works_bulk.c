// How fast much moves: bootstrap, live, catch-up.
#include <stdlib.h>
#include <string.h>

#include "bench/load.h"
#include "bench/machine.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "lib/mem.h"
#include "tests/system/fleet.h"

enum { A, B };
static const char a[] = "CRM"; // which fleet_hub calls its hub

// New records at A, from number `first` on; durable when it returns. Seconds.
static double import(fleet_t *fleet, uint64_t first, uint64_t count)
{
    char *path = mem_format("%s/load.jsonl", fleet_dir(fleet));
    load_write(path, a, first, count);
    double began = machine_now();
    mem_free(fleet_do(fleet, A, "import %s", path));
    double took = machine_now() - began;
    remove(path);
    mem_free(path);
    return took;
}

static void expect_same(fleet_t *fleet, size_t one, size_t other)
{
    watch_t *left = watch_open(fleet_node_dir(fleet, one));
    watch_t *right = watch_open(fleet_node_dir(fleet, other));
    hash_t is = watch_digest(right), must_be = watch_digest(left);
    if (!hash_equal(&is, &must_be)) {
        fprintf(stderr, "the digests differ\n");
        exit(1);
    }
    watch_close(&left);
    watch_close(&right);
}

// From the start of a node's process until it holds `count` of A's. Records a second.
static double follow(fleet_t *fleet, size_t node, uint64_t from, uint64_t to)
{
    double began = machine_now();
    fleet_start(fleet, node);
    watch_t *watch = watch_open(fleet_node_dir(fleet, node));
    double ended = watch_until(watch, a, to);
    watch_close(&watch);
    expect_same(fleet, A, node);
    return (double)(to - from) / (ended - began);
}

void work_bootstrap(const bench_t *bench)
{
    samples_t rates = {0};
    fleet_t *fleet = fleet_hub(bench->repeat);
    fleet_start(fleet, A);
    import(fleet, 1, bench->n);
    for (size_t i = 1; i <= bench->repeat; i++) {
        samples_add(&rates, follow(fleet, i, 0, bench->n));
        fleet_stop(fleet, i);
    }
    report_add(bench->report, "bootstrap", "enlace", bench->n, "1/s", &rates);
    fleet_destroy(&fleet);
}

void work_live(const bench_t *bench)
{
    samples_t rates = {0}, writes = {0};
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    watch_t *watch = watch_open(fleet_node_dir(fleet, B));
    for (unsigned i = 0; i < bench->repeat; i++) {
        double wrote = import(fleet, 1 + i * bench->n, bench->n);
        double began = machine_now();
        double ended = watch_until(watch, a, (i + 1) * bench->n);
        samples_add(&rates, (double)bench->n / (wrote + ended - began));
        samples_add(&writes, (double)bench->n / wrote);
        expect_same(fleet, A, B);
    }
    watch_close(&watch);
    report_add(bench->report, "live", "enlace", bench->n, "1/s", &rates);
    report_add(bench->report, "local write, import", "enlace", bench->n, "1/s", &writes);
    fleet_destroy(&fleet);
}

static void put_each(fleet_t *fleet, uint64_t first, uint64_t count)
{
    watch_t *watch = watch_open(fleet_node_dir(fleet, A));
    for (uint64_t i = 0; i < count; i++)
        watch_put(watch, first + i, a);
    watch_close(&watch);
}

static void catch_up(const bench_t *bench, const char *work, uint64_t n, bool each)
{
    samples_t rates = {0};
    fleet_t *fleet = fleet_hub(1);
    fleet_start_all(fleet);
    fleet_settle(fleet);
    for (unsigned i = 0; i < bench->repeat; i++) {
        fleet_stop(fleet, B);
        if (each)
            put_each(fleet, 1 + i * n, n);
        else
            import(fleet, 1 + i * n, n);
        samples_add(&rates, follow(fleet, B, i * n, (i + 1) * n));
    }
    report_add(bench->report, work, "enlace", n, "1/s", &rates);
    fleet_destroy(&fleet);
}

void work_catch_up(const bench_t *bench)
{
    catch_up(bench, "catch-up", bench->n, false);
}

// A tenth: to write them takes a sync each.
void work_single(const bench_t *bench)
{
    catch_up(bench, "catch-up, a signature each", bench->n / 10 ? bench->n / 10 : 1, true);
}
