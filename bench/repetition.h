// One repetition of a work, on any subject.
#ifndef ENLACE_BENCH_REPETITION_H
#define ENLACE_BENCH_REPETITION_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/samples.h"
#include "bench/subject.h"

enum { LATENCY_WARM_UP = 50 }; // the first so many are not counted

// Records a second. On what was just opened: from B's first start until it shows all n.
double repeat_bootstrap(const subject_t *subject, void *self, uint64_t n);
// B follows and holds `from`: from the beginning of the load at A until B shows its n more.
// `wrote`: the seconds until A had them.
double repeat_live(const subject_t *subject, void *self, uint64_t from, uint64_t n, double *wrote);
// The same B is off while A takes n more (`each`: one by one): from B's start until it shows
// them. B follows afterwards.
double repeat_catch_up(const subject_t *subject, void *self, uint64_t from, uint64_t n, bool each);

// Milliseconds from the call of each put to the moment at which B shows it, `count` of them
// after `from`; B follows. `rate` a second, 0: the next when B shows the last one.
void repeat_latency(const subject_t *subject, void *self, uint64_t from, uint64_t count,
                    unsigned rate, samples_t *delays);

#endif
