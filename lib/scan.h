// Reading encoded fields one after another, without unpacking them: what the bounded
// reader walks by, and how single changes are taken out of what the log keeps.
//
// Inline: every field of everything that comes from outside passes here.
// Encoding: https://protobuf.dev/programming-guides/encoding/
#ifndef ENLACE_LIB_SCAN_H
#define ENLACE_LIB_SCAN_H

#include <protobuf-c/protobuf-c.h>

#include "lib/bytes.h"
#include "lib/error.h"

#define SCAN_TAG_MAX 0x1fffffffu

// What is left to read; never read beyond `end`.
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} scan_t;

typedef struct {
    unsigned wire;
    uint64_t number; // varints
    span_t bytes;    // length-prefixed, and the fixed ones
} scan_value_t;

static inline scan_t scan_of(span_t bytes)
{
    return bytes.size ? (scan_t){bytes.data, bytes.data + bytes.size} : (scan_t){0};
}

// One form a number: at most 64 bits, no zero byte at its end. TRUNCATED, BAD_VARINT.
static inline err_t scan_varint(scan_t *scan, uint64_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (scan->at == scan->end)
            return ERR_TRUNCATED;
        uint8_t byte = *scan->at++;
        if (shift == 63 && byte > 1)
            return ERR_BAD_VARINT;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = result;
            return byte == 0 && shift > 0 ? ERR_BAD_VARINT : ERR_OK;
        }
    }
}

static inline err_t scan_bytes(scan_t *scan, uint64_t size, span_t *bytes)
{
    if (size > (uint64_t)(scan->end - scan->at))
        return ERR_TRUNCATED;
    *bytes = (span_t){scan->at, (size_t)size};
    scan->at += size;
    return ERR_OK;
}

// BAD_TAG: 0, or above what there can be.
static inline err_t scan_tag(scan_t *scan, uint32_t *tag, unsigned *wire)
{
    uint64_t key = 0;
    err_t err = scan_varint(scan, &key);
    if (err)
        return err;
    if (key >> 3 == 0 || key >> 3 > SCAN_TAG_MAX)
        return ERR_BAD_TAG;
    *wire = (unsigned)(key & 7);
    *tag = (uint32_t)(key >> 3);
    return ERR_OK;
}

// BAD_WIRE_TYPE: groups, and what no wire type is.
static inline err_t scan_value(scan_t *scan, unsigned wire, scan_value_t *value)
{
    uint64_t size = 0;
    err_t err;
    value->wire = wire;
    switch (wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return scan_varint(scan, &value->number);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return scan_bytes(scan, 8, &value->bytes);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return scan_bytes(scan, 4, &value->bytes);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        err = scan_varint(scan, &size);
        return err ? err : scan_bytes(scan, size, &value->bytes);
    default:
        return ERR_BAD_WIRE_TYPE;
    }
}

#endif
