// Memory that does not fail: the process dies through one function when there
// is none left (systemd restarts it, state is on disk). Every size that a peer
// chooses is bounded before it comes here, so no peer chooses our death.
#ifndef ENLACE_LIB_MEM_H
#define ENLACE_LIB_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                     // zeroed
void *mem_alloc_array(size_t count, size_t size); // zeroed, checked for overflow
void *mem_resize(void *old, size_t size);
char *mem_copy_string(const char *text); // NULL stays NULL
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *memory);

// Grows *array of elements of `size` bytes so that `count + 1` fit; *capacity
// doubles. The usual way to append here.
void mem_grow(void *array_pointer, size_t *capacity, size_t count, size_t size);

_Noreturn void mem_exhausted(void);

#endif
