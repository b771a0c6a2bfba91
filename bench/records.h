// The records of a load as they are stored: encoded once, handed over as often as needed.
#ifndef ENLACE_BENCH_RECORDS_H
#define ENLACE_BENCH_RECORDS_H

#include <stdint.h>

#include "bench/load.h"

// In a row, from number `first` on. Owned by whoever prepared it.
typedef struct {
    uint64_t first, count;
    uint8_t *bytes; // LOAD_PAYLOAD each
} records_t;

// Makes them anew where they are others than those held. `owner` is a node's code.
void records_prepare(records_t *records, const char *owner, uint64_t first, uint64_t count);
void records_clear(records_t *records);
const uint8_t *records_body(const records_t *records, uint64_t number);

#endif
