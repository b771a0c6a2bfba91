// The test vectors of tests/conformance/vectors, read with jansson. Another
// implementation has made them, from docs/protocol.md; they are never written
// from here.
#ifndef ENLACE_TESTS_UNIT_VECTORS_H
#define ENLACE_TESTS_UNIT_VECTORS_H

#include <jansson.h>

#include "lib/bytes.h"
#include "lib/error.h"

// What a case comes to: NULL where it holds, otherwise what differs, for
// mem_free.
typedef char *(*vector_fn)(const json_t *vector);

// Runs every case of vectors/NAME.json, prints those that differ, and fails the
// test where there is one, or no case at all.
void vectors_run(const char *name, vector_fn fn);
// The same for cases that need what the file says of all of them.
typedef char *(*vector_play_fn)(const json_t *file, const json_t *vector, void *context);
void vectors_play(const char *name, vector_play_fn fn, void *context);

const char *vector_text(const json_t *vector, const char *key);
uint64_t vector_number(const json_t *vector, const char *key);
// Hex, or a list of hex and [hex, times]. The caller frees.
buf_t vector_bytes(const json_t *vector, const char *key);
// Bytes of one length into `to`.
void vector_fixed(const json_t *vector, const char *key, void *to, size_t size);
char *vector_hex(const void *bytes, size_t size); // for mem_free

// NULL where they are the same, otherwise a message that shows both.
char *vector_compare(const char *what, const char *got, const char *expected);
char *vector_compare_bytes(const char *what, span_t got, span_t expected);
// The same for a reason, or any of a list of them, under "reason".
char *vector_compare_reason(const json_t *vector, err_t got);

#endif
