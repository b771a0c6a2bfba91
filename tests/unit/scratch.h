// A directory of its own for each test, gone afterwards.
#ifndef ENLACE_TESTS_UNIT_SCRATCH_H
#define ENLACE_TESTS_UNIT_SCRATCH_H

#include <sys/resource.h>

#include "lib/bytes.h"

int scratch_setup(void **state); // *state: the directory
int scratch_teardown(void **state);
#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

char *scratch_path(const void *state, const char *name); // caller frees (mem_free)
void scratch_mkdir(const void *state, const char *name);
void scratch_write(const void *state, const char *name, const char *text, unsigned mode);
void scratch_write_bytes(const void *state, const char *name, span_t bytes, unsigned mode);
buf_t scratch_read(const void *state, const char *name);
// 0600
void scratch_copy(const void *state, const char *from, const char *to);
void scratch_unlink(const void *state, const char *name);
int scratch_entries(const void *state, const char *name); // hidden ones too
// Files larger than this cannot be written (EFBIG, and no signal).
void scratch_limit_file_size(rlim_t bytes);

#endif
