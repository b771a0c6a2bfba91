// What the codecs share: reading the fields of an unpacked message into values,
// each with its length or range, and writing values into messages.
//
// wire_t remembers the first error and makes every later step do nothing, so that
// a decoder reads as the list of its fields. Presence, length and range are
// checked here and nowhere else. Internal to lib/.
#ifndef ENLACE_LIB_WIRE_H
#define ENLACE_LIB_WIRE_H

#include "enlace/v1/commit.pb-c.h"
#include "enlace/v1/membership.pb-c.h"
#include "lib/bytes.h"
#include "lib/card.h"
#include "lib/commit.h"
#include "lib/error.h"
#include "lib/ids.h"

#define TIME_MS_MAX ((uint64_t)1 << 53)

typedef struct wire {
    err_t err;
    fault_t *fault;           // NULL allowed
    const char *name;         // of the message, as a field of the one above; may be NULL
    const struct wire *above; // NULL: outermost
    size_t place;             // in a list, from 1
} wire_t;

#define WIRE_NO_PLACE 0
#define WIRE_PATH     64 // of a path to a message, with its NUL; longer ones are cut

void wire_refuse(wire_t *wire, err_t err, const char *field);
// For what lies inside a field. Where it lies is put into words only when something is
// refused: every change and payload comes by here.
wire_t wire_inside(const wire_t *wire, const char *field, size_t place);
void wire_path(const wire_t *wire, char text[WIRE_PATH]);

void wire_bytes(wire_t *wire, const char *field, bool has, ProtobufCBinaryData bytes, void *to,
                size_t size);
void wire_u32(wire_t *wire, const char *field, bool has, uint32_t value, uint32_t least,
              uint32_t most, uint32_t *to);
void wire_u64(wire_t *wire, const char *field, bool has, uint64_t value, uint64_t least,
              uint64_t most, uint64_t *to);
// Present, at most `most` bytes; what it points at stays the message's.
void wire_span(wire_t *wire, const char *field, bool has, ProtobufCBinaryData bytes, size_t most,
               span_t *to);
void wire_code(wire_t *wire, const char *field, const char *text, code_t *code);
// A copy for the caller to free; NULL on error.
char *wire_name(wire_t *wire, const char *field, const char *text);
// Refuses a message that is not the one encoding of what it says.
void wire_canonical(wire_t *wire, const ProtobufCMessage *message, span_t bytes);
void wire_count(wire_t *wire, const char *field, size_t count, size_t least, size_t most);

#define WIRE_BYTES(wire, message, field, to)                                                       \
    wire_bytes(wire, #field, (message)->has_##field, (message)->field, (to)->bytes,                \
               sizeof(to)->bytes)
#define WIRE_U32(wire, message, field, least, most, to)                                            \
    wire_u32(wire, #field, (message)->has_##field, (message)->field, least, most, to)
#define WIRE_U64(wire, message, field, least, most, to)                                            \
    wire_u64(wire, #field, (message)->has_##field, (message)->field, least, most, to)
#define WIRE_SPAN(wire, message, field, most, to)                                                  \
    wire_span(wire, #field, (message)->has_##field, (message)->field, most, to)

// `message` may be NULL: then the field is missing.
void wire_feed(wire_t *wire, const char *field, const Enlace__V1__Feed *message, feed_t *feed);
void wire_head(wire_t *wire, const char *field, size_t place, const Enlace__V1__Head *message,
               head_t *head);
// A list of heads, an array of the caller's to free (mem_free), NULL on error.
head_t *wire_heads(wire_t *wire, const char *field, Enlace__V1__Head *const *messages, size_t count,
                   size_t most);

// At most one cut a lane, in order of epoch and lane. An array of the caller's to
// free (mem_free), NULL on error.
cut_t *wire_cuts(wire_t *wire, const char *field, Enlace__V1__Cut *const *messages, size_t count);
// State 1 to 3; salt and body where present, and only there.
void wire_payload(wire_t *wire, const Enlace__V1__Payload *message, payload_state_t *state,
                  uint8_t salt[SALT_SIZE], span_t *body);

// ---- writing: what the message points at stays the value's ----

#define WIRE_SET(message, field, value) ((message)->has_##field = true, (message)->field = (value))
#define WIRE_SET_BYTES(message, field, value)                                                      \
    ((message)->has_##field = true,                                                                \
     (message)->field = wire_data((value)->bytes, sizeof(value)->bytes))

ProtobufCBinaryData wire_data(const void *bytes, size_t size);
char *wire_string(const char *text); // the same, for protobuf-c, which only reads it
void wire_put_feed(Enlace__V1__Feed *message, const feed_t *feed);
void wire_put_payload(Enlace__V1__Payload *message, payload_state_t state,
                      const uint8_t salt[SALT_SIZE], span_t body);
// Heads as messages: one allocation for the caller to free (mem_free).
Enlace__V1__Head **wire_put_heads(const head_t *heads, size_t count);

Enlace__V1__Cut **wire_put_cuts(const cut_t *cuts, size_t count); // likewise
// Puts cuts into the order that wire_cuts asks for.
void wire_sort_cuts(cut_t *cuts, size_t count);

// Appends one length-prefixed field: what is encoded already goes in as it is.
void wire_append(buf_t *buf, uint32_t tag, span_t bytes);
// Its tag and length alone: `size` bytes are to follow.
void wire_append_start(buf_t *buf, uint32_t tag, size_t size);

#endif
