// From the start of the process until it serves.
#include "bench/fill.h"
#include "bench/machine.h"
#include "bench/profile.h"
#include "bench/works.h"

enum { ALONE };

void work_start(const bench_t *bench)
{
    samples_t times = {0}, memory = {0};
    fleet_t *fleet = fleet_hub(0);
    fleet_start(fleet, ALONE);
    fill_import(fleet, ALONE, "CRM", 1, bench->n);
    for (unsigned i = 0; i < bench->repeat; i++) {
        fleet_stop(fleet, ALONE);
        profile_begin();
        double began = machine_now();
        fleet_start(fleet, ALONE);
        samples_add(&times, (machine_now() - began) * 1e3);
        profile_end();
        samples_add(&memory, (double)process_resident(fleet_pid(fleet, ALONE)) / 1e6);
    }
    report_add(bench->report, "start-up", "enlace", bench->n, "ms", &times);
    report_add(bench->report, "start-up, resident", "enlace", bench->n, "MB", &memory);
    fleet_destroy(&fleet);
}
