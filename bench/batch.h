// Many records at once, over a connection that stays open: what a program would do that
// has them encoded already.
#ifndef ENLACE_BENCH_BATCH_H
#define ENLACE_BENCH_BATCH_H

#include "bench/records.h"
#include "bench/watch.h"

// One import of the records first to first + count - 1 of `code`, whose node is watched:
// durable when it returns. A million at most.
void batch_write(watch_t *watch, const char *code, const records_t *records, uint64_t first,
                 uint64_t count);

#endif
