// What docs/protocol.md, section 10, promises of each field of each message, and
// trying that on the decoders.
#ifndef ENLACE_TESTS_PROTOCOL_PROMISES_H
#define ENLACE_TESTS_PROTOCOL_PROMISES_H

#include <protobuf-c/protobuf-c.h>

#include "lib/bytes.h"
#include "lib/error.h"

// A row of the document, whether some sample has tried what it says, and how
// often a decoder did otherwise.
typedef struct {
    char *message, *field, *type, *there, *values;
    unsigned number;
    bool there_tried, values_tried;
    unsigned broken;
} promise_t;

typedef struct {
    size_t count, capacity;
    promise_t *items;
} promises_t;

promises_t promises_of(const char *text); // of the document; promises_free after use
void promises_free(promises_t *promises);
promise_t *promise_find(const promises_t *promises, const char *message, const char *field); // NULL
// "4 to 2,048", "1 to 2^53": true, with its ends.
bool promise_range(const char *text, uint64_t *least, uint64_t *most);

// Tries the promises of every field that is set in the sample, an encoded message
// of the type: takes it away, repeats it, makes it longer or larger, and decodes.
// What it is of a body is decoded inside a signed form without a valid signature.
void promises_try(promises_t *promises, const ProtobufCMessageDescriptor *type, span_t sample);

#endif
