// Measured values of one kind, and what is said of them.
#ifndef ENLACE_BENCH_SAMPLES_H
#define ENLACE_BENCH_SAMPLES_H

#include <stddef.h>

// {0} is none. In the order in which they came; free with samples_clear.
typedef struct {
    double *values;
    size_t count, capacity;
} samples_t;

void samples_add(samples_t *samples, double value);
void samples_clear(samples_t *samples);

// Below 0 to 1 of all: 0.5 is the median, between two where there is no middle one.
// Of no sample at all: 0.
double samples_quantile(const samples_t *samples, double share);
double samples_min(const samples_t *samples);
double samples_max(const samples_t *samples);

#endif
