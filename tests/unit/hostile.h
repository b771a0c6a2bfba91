// Bytes as an enemy or a bad line would send them, each in a block of exactly
// its size, so that the sanitizers and valgrind see every read beyond it.
#ifndef ENLACE_TESTS_HOSTILE_H
#define ENLACE_TESTS_HOSTILE_H

#include "lib/bytes.h"

// Called for one altered copy; `place` is the bit that was flipped, or how many
// bytes were left.
typedef void (*hostile_fn)(void *context, span_t bytes, size_t place);

void hostile_each_bit(span_t good, hostile_fn try_one, void *context);
void hostile_each_prefix(span_t good, hostile_fn try_one, void *context); // shorter ones only
// Bytes overwritten, inserted and dropped at places that follow from `seed`.
void hostile_rounds(span_t good, unsigned seed, size_t rounds, hostile_fn try_one, void *context);

// Bytes from hex, spaces allowed; the caller frees.
buf_t from_hex(const char *hex);
void expect_hex(const char *hex, const void *bytes, size_t size);

#endif
