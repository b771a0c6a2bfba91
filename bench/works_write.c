// One client, one node: how long until what it puts is durable, and how fast it takes a file.
#include "bench/fill.h"
#include "bench/machine.h"
#include "bench/profile.h"
#include "bench/watch.h"
#include "bench/works.h"
#include "tests/system/fleet.h"

enum { ALONE };
static const char alone[] = "CRM"; // which fleet_hub calls its hub

void work_write(const bench_t *bench)
{
    samples_t rates = {0}, imports = {0}, waits[REPEAT_MAX] = {{0}};
    uint64_t written = 0, count = bench->n / 10 ? bench->n / 10 : 1;
    fleet_t *fleet = fleet_hub(0);
    fleet_start(fleet, ALONE);
    watch_t *watch = watch_open(fleet_node_dir(fleet, ALONE));
    for (unsigned i = 0; i < bench->repeat; i++) {
        profile_begin();
        double began = machine_now();
        for (uint64_t k = 0; k < count; k++) {
            double called = machine_now();
            watch_put(watch, ++written, alone);
            samples_add(&waits[i], (machine_now() - called) * 1e3);
        }
        samples_add(&rates, (double)count / (machine_now() - began));
        profile_end();
        samples_add(&imports,
                    (double)bench->n / fill_import(fleet, ALONE, alone, written + 1, bench->n));
        written += bench->n;
    }
    watch_close(&watch);
    report_add(bench->report, "local write, put", "enlace", count, "1/s", &rates);
    report_add(bench->report, "local write, import", "enlace", bench->n, "1/s", &imports);
    report_quantiles(bench->report, "local write, put", "enlace", count, "ms", waits, bench->repeat,
                     TO_P99);
    fleet_destroy(&fleet);
}
