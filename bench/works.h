// What is measured: one row a work.
//
// A work makes its own nodes (real daemons, real sockets, keys of their own, every
// safeguard on), does the same thing `repeat` times over and adds a figure or more to the
// report. Bytes are bytes, times seconds or milliseconds, as the unit says.
#ifndef ENLACE_BENCH_WORKS_H
#define ENLACE_BENCH_WORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/report.h"

enum { REPEAT_MAX = 11 };

typedef struct {
    report_t *report;
    uint64_t n;       // records
    unsigned repeat;  // at most REPEAT_MAX
    unsigned seconds; // of a look at what does nothing
} bench_t;

typedef struct {
    const char *name, *what;
    void (*run)(const bench_t *bench);
    bool grows; // what it costs a record may depend on how many there are
} work_t;

extern const work_t works[]; // ends with one without a name

void work_bootstrap(const bench_t *bench);
void work_live(const bench_t *bench);
void work_catch_up(const bench_t *bench);
void work_single(const bench_t *bench);
void work_latency(const bench_t *bench);
void work_fanout(const bench_t *bench);
void work_relay(const bench_t *bench);
void work_write(const bench_t *bench);
void work_query(const bench_t *bench);
void work_idle(const bench_t *bench);
void work_poor_link(const bench_t *bench);
void work_start(const bench_t *bench);
void work_disk(const bench_t *bench);
void work_wire(const bench_t *bench);

#endif
