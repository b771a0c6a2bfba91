// Records put into a node by its own command, and whether another one has the same.
#ifndef ENLACE_BENCH_FILL_H
#define ENLACE_BENCH_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/system/fleet.h"

enum { FILE_RECORDS = 500000 }; // of a file: an import takes a million lines, and 512 MiB

// `enlace import` of the load's records of `code`, from number `first` on; durable when it
// returns. Seconds, without those in which the file is made.
double fill_import(fleet_t *fleet, size_t node, const char *code, uint64_t first, uint64_t count);
// Whether the two hold the same.
bool fill_same(fleet_t *fleet, size_t one, size_t other);
// Ends the program where the two hold different things.
void fill_expect_same(fleet_t *fleet, size_t one, size_t other);

#endif
