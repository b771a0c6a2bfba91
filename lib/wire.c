#include "lib/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bounded.h"
#include "lib/mem.h"

// As much as there is room for.
static size_t add_name(const wire_t *wire, char text[WIRE_PATH])
{
    size_t used = wire->above ? add_name(wire->above, text) : 0;
    if (!wire->name || used >= WIRE_PATH)
        return used;
    int more = snprintf(text + used, WIRE_PATH - used, "%s%s", used ? "." : "", wire->name);
    used += (size_t)more;
    if (wire->place != WIRE_NO_PLACE && used < WIRE_PATH)
        used += (size_t)snprintf(text + used, WIRE_PATH - used, ".%zu", wire->place);
    return used;
}

void wire_path(const wire_t *wire, char text[WIRE_PATH])
{
    text[0] = '\0';
    add_name(wire, text);
}

void wire_refuse(wire_t *wire, err_t err, const char *field)
{
    char inside[WIRE_PATH];
    char path[WIRE_PATH * 2];
    if (wire->err)
        return;
    wire_path(wire, inside);
    snprintf(path, sizeof path, "%s%s%s", inside, *inside && *field ? "." : "", field);
    wire->err = fault_set(wire->fault, err, path, NULL);
}

wire_t wire_inside(const wire_t *wire, const char *field, size_t place)
{
    return (wire_t){wire->err, wire->fault, field, wire, place};
}

void wire_bytes(wire_t *wire, const char *field, bool has, ProtobufCBinaryData bytes, void *to,
                size_t size)
{
    if (wire->err)
        return;
    if (!has)
        wire_refuse(wire, ERR_MISSING_FIELD, field);
    else if (bytes.len != size)
        wire_refuse(wire, ERR_BAD_LENGTH, field);
    else
        memcpy(to, bytes.data, size);
}

void wire_u32(wire_t *wire, const char *field, bool has, uint32_t value, uint32_t least,
              uint32_t most, uint32_t *to)
{
    uint64_t wide = 0;
    wire_u64(wire, field, has, value, least, most, &wide);
    if (!wire->err)
        *to = (uint32_t)wide;
}

void wire_u64(wire_t *wire, const char *field, bool has, uint64_t value, uint64_t least,
              uint64_t most, uint64_t *to)
{
    if (wire->err)
        return;
    if (!has)
        wire_refuse(wire, ERR_MISSING_FIELD, field);
    else if (value < least || value > most)
        wire_refuse(wire, ERR_BAD_VALUE, field);
    else
        *to = value;
}

void wire_span(wire_t *wire, const char *field, bool has, ProtobufCBinaryData bytes, size_t most,
               span_t *to)
{
    if (wire->err)
        return;
    if (!has)
        wire_refuse(wire, ERR_MISSING_FIELD, field);
    else if (bytes.len > most)
        wire_refuse(wire, ERR_TOO_BIG, field);
    else
        *to = span_of(bytes.data, bytes.len);
}

void wire_code(wire_t *wire, const char *field, const char *text, code_t *code)
{
    if (!text)
        wire_refuse(wire, ERR_MISSING_FIELD, field);
    else if (!code_parse(text, code))
        wire_refuse(wire, ERR_BAD_NODE_CODE, field);
}

char *wire_name(wire_t *wire, const char *field, const char *text)
{
    if (!text)
        wire_refuse(wire, ERR_MISSING_FIELD, field);
    else if (!name_valid(text))
        wire_refuse(wire, ERR_BAD_VALUE, field);
    return wire->err ? NULL : mem_copy_string(text);
}

void wire_canonical(wire_t *wire, const ProtobufCMessage *message, span_t bytes)
{
    if (wire->err)
        return;
    buf_t again = bounded_pack(message);
    if (!span_equal(buf_span(&again), bytes))
        wire_refuse(wire, ERR_NOT_CANONICAL, "");
    buf_free(&again);
}

void wire_count(wire_t *wire, const char *field, size_t count, size_t least, size_t most)
{
    if (count < least)
        wire_refuse(wire, ERR_MISSING_FIELD, field);
    else if (count > most)
        wire_refuse(wire, ERR_TOO_MANY, field);
}

void wire_feed(wire_t *wire, const char *field, const Enlace__V1__Feed *message, feed_t *feed)
{
    if (wire->err)
        return;
    if (!message) {
        wire_refuse(wire, ERR_MISSING_FIELD, field);
        return;
    }
    wire_t inside = wire_inside(wire, field, WIRE_NO_PLACE);
    WIRE_BYTES(&inside, message, origin, &feed->origin);
    WIRE_U32(&inside, message, epoch, 1, EPOCH_MAX, &feed->epoch);
    WIRE_U32(&inside, message, lane, 0, LANE_MAX, &feed->lane);
    wire->err = inside.err;
}

void wire_head(wire_t *wire, const char *field, size_t place, const Enlace__V1__Head *message,
               head_t *head)
{
    if (wire->err)
        return;
    if (!message) {
        wire_refuse(wire, ERR_MISSING_FIELD, field);
        return;
    }
    wire_t inside = wire_inside(wire, field, place);
    wire_feed(&inside, "feed", message->feed, &head->feed);
    WIRE_U64(&inside, message, number, 0, NUMBER_MAX, &head->number);
    WIRE_BYTES(&inside, message, hash, &head->hash);
    wire->err = inside.err;
}

head_t *wire_heads(wire_t *wire, const char *field, Enlace__V1__Head *const *messages, size_t count,
                   size_t most)
{
    wire_count(wire, field, count, 0, most);
    if (wire->err)
        return NULL;
    head_t *heads = mem_alloc_array(count, sizeof *heads);
    for (size_t i = 0; i < count && !wire->err; i++)
        wire_head(wire, field, i + 1, messages[i], &heads[i]);
    if (wire->err) {
        mem_free(heads);
        return NULL;
    }
    return heads;
}

void wire_payload(wire_t *wire, const Enlace__V1__Payload *message, payload_state_t *state,
                  uint8_t salt[SALT_SIZE], span_t *body)
{
    uint32_t number = 0;
    memset(salt, 0, SALT_SIZE);
    *body = span_of(NULL, 0);
    WIRE_U32(wire, message, state, PAYLOAD_PRESENT, PAYLOAD_MISSING, &number);
    if (wire->err)
        return;
    *state = (payload_state_t)number;
    if (*state == PAYLOAD_PRESENT) {
        wire_bytes(wire, "salt", message->has_salt, message->salt, salt, SALT_SIZE);
        WIRE_SPAN(wire, message, body, PAYLOAD_BYTES_MAX, body);
    } else if (message->has_salt || message->has_body) {
        wire_refuse(wire, ERR_BAD_VALUE, message->has_salt ? "salt" : "body");
    }
}

static int compare_cuts(const void *a, const void *b)
{
    const cut_t *left = a;
    const cut_t *right = b;
    // The number is no part of it: a lane is cut once.
    return position_compare((position_t){left->epoch, left->lane, 0},
                            (position_t){right->epoch, right->lane, 0});
}

void wire_sort_cuts(cut_t *cuts, size_t count)
{
    if (count > 1)
        qsort(cuts, count, sizeof *cuts, compare_cuts);
}

static void read_cut(wire_t *wire, const Enlace__V1__Cut *message, cut_t *cut)
{
    WIRE_U32(wire, message, epoch, 1, EPOCH_MAX, &cut->epoch);
    WIRE_U32(wire, message, lane, 0, LANE_MAX, &cut->lane);
    WIRE_U64(wire, message, number, 0, NUMBER_MAX, &cut->number);
    WIRE_BYTES(wire, message, hash, &cut->hash);
}

cut_t *wire_cuts(wire_t *wire, const char *field, Enlace__V1__Cut *const *messages, size_t count)
{
    wire_count(wire, field, count, 0, CARD_CUTS_MAX);
    if (wire->err)
        return NULL;
    cut_t *cuts = mem_alloc_array(count, sizeof *cuts);
    for (size_t i = 0; i < count && !wire->err; i++) {
        wire_t inside = wire_inside(wire, field, i + 1);
        read_cut(&inside, messages[i], &cuts[i]);
        if (i > 0 && compare_cuts(&cuts[i - 1], &cuts[i]) >= 0)
            wire_refuse(&inside, ERR_NOT_CANONICAL, "");
        wire->err = inside.err;
    }
    if (wire->err) {
        mem_free(cuts);
        return NULL;
    }
    return cuts;
}

// protobuf-c's type for bytes has no const; packing only reads them.
ProtobufCBinaryData wire_data(const void *bytes, size_t size)
{
    ProtobufCBinaryData data = {size, NULL};
    memcpy(&data.data, &bytes, sizeof data.data);
    return data;
}

char *wire_string(const char *text)
{
    char *same = NULL;
    memcpy(&same, &text, sizeof same);
    return same;
}

void wire_put_feed(Enlace__V1__Feed *message, const feed_t *feed)
{
    enlace__v1__feed__init(message);
    WIRE_SET_BYTES(message, origin, &feed->origin);
    WIRE_SET(message, epoch, feed->epoch);
    WIRE_SET(message, lane, feed->lane);
}

void wire_put_payload(Enlace__V1__Payload *message, payload_state_t state,
                      const uint8_t salt[SALT_SIZE], span_t body)
{
    enlace__v1__payload__init(message);
    WIRE_SET(message, state, (uint32_t)state);
    if (state != PAYLOAD_PRESENT)
        return;
    WIRE_SET(message, salt, wire_data(salt, SALT_SIZE));
    WIRE_SET(message, body, wire_data(body.data, body.size));
}

// One block: the pointers come first and are as many as the heads, so that
// what they point at (of the same alignment) follows.
Enlace__V1__Head **wire_put_heads(const head_t *heads, size_t count)
{
    typedef struct {
        Enlace__V1__Head head;
        Enlace__V1__Feed feed;
    } pair_t;
    Enlace__V1__Head **list = mem_alloc_array(count, sizeof(Enlace__V1__Head *) + sizeof(pair_t));
    pair_t *pairs = (pair_t *)(void *)(list + count);
    for (size_t i = 0; i < count; i++) {
        enlace__v1__head__init(&pairs[i].head);
        wire_put_feed(&pairs[i].feed, &heads[i].feed);
        pairs[i].head.feed = &pairs[i].feed;
        WIRE_SET(&pairs[i].head, number, heads[i].number);
        WIRE_SET_BYTES(&pairs[i].head, hash, &heads[i].hash);
        list[i] = &pairs[i].head;
    }
    return list;
}

Enlace__V1__Cut **wire_put_cuts(const cut_t *cuts, size_t count)
{
    Enlace__V1__Cut **list =
        mem_alloc_array(count, sizeof(Enlace__V1__Cut *) + sizeof(Enlace__V1__Cut));
    Enlace__V1__Cut *messages = (Enlace__V1__Cut *)(void *)(list + count);
    for (size_t i = 0; i < count; i++) {
        list[i] = &messages[i];
        enlace__v1__cut__init(list[i]);
        WIRE_SET(list[i], epoch, cuts[i].epoch);
        WIRE_SET(list[i], lane, cuts[i].lane);
        WIRE_SET(list[i], number, cuts[i].number);
        WIRE_SET_BYTES(list[i], hash, &cuts[i].hash);
    }
    return list;
}

void wire_append_start(buf_t *buf, uint32_t tag, size_t size)
{
    uint64_t numbers[2] = {(uint64_t)tag << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, size};
    for (size_t i = 0; i < 2; i++) {
        uint64_t left = numbers[i];
        for (; left >= 0x80; left >>= 7)
            *buf_extend(buf, 1) = (uint8_t)(left | 0x80);
        *buf_extend(buf, 1) = (uint8_t)left;
    }
}

void wire_append(buf_t *buf, uint32_t tag, span_t bytes)
{
    wire_append_start(buf, tag, bytes.size);
    buf_append(buf, bytes);
}
