// What holds of every record that was decoded, or read from JSON.
#ifndef ENLACE_TESTS_FUZZ_CHECK_RECORD_H
#define ENLACE_TESTS_FUZZ_CHECK_RECORD_H

#include "lib/record.h"

void check_record(const record_t *record);

#endif
