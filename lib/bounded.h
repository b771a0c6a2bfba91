// The bounded reader: the only way in which protobuf bytes from outside become
// messages. protobuf-c accepts invalid UTF-8, NUL in strings, duplicate fields,
// padded varints, two members of a oneof, and lets 1 MiB of input allocate
// 75 MB; so the bytes are walked first, against the descriptor and the limits,
// and only what passes is unpacked, on a budget.
//
// Encoding: https://protobuf.dev/programming-guides/encoding/
#ifndef ENLACE_LIB_BOUNDED_H
#define ENLACE_LIB_BOUNDED_H

#include <protobuf-c/protobuf-c.h>

#include "lib/bytes.h"
#include "lib/error.h"

typedef struct {
    size_t bytes;   // of the whole message
    size_t fields;  // occurrences in all, nested ones and packed values included
    unsigned depth; // nesting, 1 for a flat message
    size_t memory;  // allocated by unpacking, bytes
    bool unknown;   // whether fields that the descriptor lacks are let through
} limits_t;

// Walks without allocating. Refuses: over a limit, truncated, padded or overlong
// varints, tag 0 or above 2^29 - 1, wrong wire types, groups, strings that are
// not UTF-8 or contain NUL, a singular field or a oneof given twice. Unknown
// fields are walked too. `where` in fault is the field's path.
err_t bounded_check(const ProtobufCMessageDescriptor *type, span_t bytes, const limits_t *limits,
                    fault_t *fault);

// What the walk came by.
typedef struct {
    const ProtobufCMessageDescriptor *wanted; // to be counted; NULL: none
    size_t messages;                          // of that type
    size_t fields;                            // as limits_t counts them
} walked_t;
err_t bounded_walk(const ProtobufCMessageDescriptor *type, span_t bytes, const limits_t *limits,
                   walked_t *walked, fault_t *fault);

// bounded_check, then unpack on limits->memory. *message is the caller's, to be
// freed with bounded_free; NULL on error.
err_t bounded_unpack(const ProtobufCMessageDescriptor *type, span_t bytes, const limits_t *limits,
                     ProtobufCMessage **message, fault_t *fault);
// The same of what bounded_walk has taken by these limits.
err_t bounded_unpack_walked(const ProtobufCMessageDescriptor *type, span_t bytes,
                            const limits_t *limits, ProtobufCMessage **message, fault_t *fault);
void bounded_free(ProtobufCMessage *message); // NULL allowed

// Encodes (any message); the caller frees.
buf_t bounded_pack(const ProtobufCMessage *message);

// UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF.
bool utf8_valid(span_t text);

#endif
