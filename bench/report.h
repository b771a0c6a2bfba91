// What was measured, as a table while it comes and as a file in the end.
#ifndef ENLACE_BENCH_REPORT_H
#define ENLACE_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/samples.h"

typedef struct report report_t;

report_t *report_new(void);
void report_destroy(report_t **report);

// One figure of a work: takes the samples over. `subject` is what was measured:
// enlace, or one that would be used instead. The line is printed at once.
void report_add(report_t *report, const char *work, const char *subject, uint64_t n,
                const char *unit, samples_t *samples);
// Quantiles of each repetition's own samples, as "WORK, p50" and so on; takes all of them
// over. `quantiles`: so many of p50, p99 and p99.9; one that would be the largest sample by
// another name, or of none at all, is left out and said to be.
enum { TO_P50 = 1, TO_P99, TO_P99_9 };
void report_quantiles(report_t *report, const char *work, const char *subject, uint64_t n,
                      const char *unit, samples_t *runs, size_t count, size_t quantiles);
// What could not be measured here, and why: it is in the table and in the file.
void report_skip(report_t *report, const char *work, const char *subject, const char *why);
// Something more under a name of its own in the file; takes the value over.
void report_attach(report_t *report, const char *name, json_t *value);
// With machine, versions and options, which it takes over; without a path nothing is written.
// False where it could not be: it has said why.
bool report_write(const report_t *report, const char *path, json_t *options);
// A list of what argv has from here on.
json_t *report_texts(char **texts);

#endif
