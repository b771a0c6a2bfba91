// Records of one size, as many as a work asks for.
#ifndef ENLACE_BENCH_LOAD_H
#define ENLACE_BENCH_LOAD_H

#include <stdint.h>

#include "lib/bytes.h"

enum { LOAD_PAYLOAD = 300 }; // bytes of an encoded record: what a change carries

// Letters, size - 1 of them (3 at least), that no compression makes much shorter and that
// differ by number.
void load_letters(uint64_t number, char *text, size_t size);
// One record as `import` and `put` read it; the key and what pads it differ by number.
// Caller frees (mem_free).
char *load_line(const char *node, uint64_t number);
// The same, encoded. Caller frees.
buf_t load_body(const char *node, uint64_t number);
// A file of `count` of them, from number `first` on. Ends the program where it cannot be
// written.
void load_write(const char *path, const char *node, uint64_t first, uint64_t count);

#endif
