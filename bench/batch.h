// Several records in one commit, over a connection that stays open.
#ifndef ENLACE_BENCH_BATCH_H
#define ENLACE_BENCH_BATCH_H

#include "bench/watch.h"

enum { BATCH_MAX = 128 }; // records: one step of an import checks that many

// The load's records of `code`, numbers first to first + count - 1: durable when it returns.
void batch_write(watch_t *watch, const char *code, uint64_t first, size_t count);

#endif
