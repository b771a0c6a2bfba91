// Bytes that belong to somebody else (span) and bytes of one's own (buf).
#ifndef ENLACE_LIB_BYTES_H
#define ENLACE_LIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *data; // may be NULL when size is 0
    size_t size;
} span_t;

// Owned and growable. Zero-initialised is empty; buf_free makes it so again.
typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
} buf_t;

span_t span_of(const void *data, size_t size);
span_t span_text(const char *text); // without the NUL
bool span_equal(span_t a, span_t b);
span_t buf_span(const buf_t *buf);
void buf_append(buf_t *buf, span_t bytes);
uint8_t *buf_extend(buf_t *buf, size_t size); // room for size more, counted as used
buf_t buf_copy(span_t bytes);
void buf_clear(buf_t *buf); // keeps the memory
void buf_free(buf_t *buf);

#endif
