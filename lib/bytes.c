#include "lib/bytes.h"

#include <string.h>

#include "lib/mem.h"

span_t span_of(const void *data, size_t size)
{
    return (span_t){data, size};
}

span_t span_text(const char *text)
{
    return (span_t){(const uint8_t *)text, text ? strlen(text) : 0};
}

bool span_equal(span_t a, span_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

span_t buf_span(const buf_t *buf)
{
    return (span_t){buf->data, buf->size};
}

uint8_t *buf_extend(buf_t *buf, size_t size)
{
    if (size > SIZE_MAX / 2 - buf->size)
        mem_exhausted();
    if (buf->size + size > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 64;
        while (capacity < buf->size + size)
            capacity *= 2;
        buf->data = mem_resize(buf->data, capacity);
        buf->capacity = capacity;
    }
    uint8_t *place = buf->data ? buf->data + buf->size : NULL; // nothing asked of nothing
    buf->size += size;
    return place;
}

void buf_append(buf_t *buf, span_t bytes)
{
    if (bytes.size)
        memcpy(buf_extend(buf, bytes.size), bytes.data, bytes.size);
}

buf_t buf_copy(span_t bytes)
{
    buf_t copy = {.capacity = bytes.size};
    if (!bytes.size)
        return copy;
    copy.data = mem_resize(NULL, bytes.size); // no more than that: many are kept for long
    memcpy(copy.data, bytes.data, bytes.size);
    copy.size = bytes.size;
    return copy;
}

void buf_clear(buf_t *buf)
{
    buf->size = 0;
}

void buf_free(buf_t *buf)
{
    mem_free(buf->data);
    *buf = (buf_t){0};
}
