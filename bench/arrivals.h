// When changes are there: a thread of its own that follows a node's tail.
#ifndef ENLACE_BENCH_ARRIVALS_H
#define ENLACE_BENCH_ARRIVALS_H

#include <stdint.h>

#include "bench/samples.h"

typedef struct arrivals arrivals_t;

// Looks for the next `count` changes that the node applies after now; nobody but who is
// measured may write until they are there. The directory's name outlives it.
arrivals_t *arrivals_start(const char *dir, uint64_t count);
// Waits until all are there; when the last one was seen (machine_now). Adds how long each
// but the first `skip` took, in ms: called[i] is when the one with place i was asked for.
double arrivals_end(arrivals_t **arrivals, const double *called, uint64_t skip, samples_t *delays);

#endif
