#include "lib/signed_items.h"

#include <assert.h>

#include "lib/bounded.h"
#include "lib/mem.h"

enum { TAG_ITEMS = 1, TAG_PULSES = 2 };

// ---- reading ----

void signed_items_add(wire_t *wire, const char *field, const ProtobufCMessage *item, size_t most,
                      signed_items_t *items, buf_t *packed)
{
    size_t size = protobuf_c_message_get_packed_size(item);
    if (size > most) {
        wire_t inside = wire_inside(wire, field, items->count + 1);
        wire_refuse(&inside, ERR_TOO_BIG, "");
        wire->err = inside.err;
        return;
    }
    protobuf_c_message_pack(item, buf_extend(packed, size));
    items->items[items->count++].size = size;
}

void signed_items_place(signed_items_t *items, const buf_t *packed)
{
    const uint8_t *at = packed->data;
    for (size_t i = 0; i < items->count; i++) {
        items->items[i].data = at;
        if (at) // it is NULL where all of them are empty
            at += items->items[i].size;
    }
}

static pulse_t *read_pulses(wire_t *wire, Enlace__V1__Pulse *const *messages, size_t count)
{
    wire_count(wire, "pulses", count, 0, MESSAGE_PULSES_MAX);
    if (wire->err || !count)
        return NULL;
    pulse_t *pulses = mem_alloc_array(count, sizeof *pulses);
    for (size_t i = 0; i < count && !wire->err; i++) {
        wire_t inside = wire_inside(wire, "pulses", i + 1);
        WIRE_BYTES(&inside, messages[i], origin, &pulses[i].origin);
        WIRE_U64(&inside, messages[i], sequence, 1, NUMBER_MAX, &pulses[i].sequence);
        WIRE_U32(&inside, messages[i], step, 1, PULSE_STEPS_MAX, &pulses[i].step);
        WIRE_BYTES(&inside, messages[i], preimage, &pulses[i].preimage);
        wire->err = inside.err;
    }
    return pulses;
}

void signed_items_beacons(wire_t *wire, const Enlace__V1__Beacons *message, signed_items_t *items,
                          buf_t *packed, pulse_t **pulses)
{
    wire_count(wire, "beacons", message->n_beacons, 0, MESSAGE_BEACONS_MAX);
    for (size_t i = 0; i < message->n_beacons && !wire->err; i++)
        signed_items_add(wire, "beacons", &message->beacons[i]->base, BEACON_BYTES_MAX, items,
                         packed);
    signed_items_place(items, packed);
    items->pulses = *pulses = read_pulses(wire, message->pulses, message->n_pulses);
    items->pulse_count = *pulses ? message->n_pulses : 0;
}

// ---- writing ----

static buf_t write_pulse(const pulse_t *pulse)
{
    Enlace__V1__Pulse message = ENLACE__V1__PULSE__INIT;
    WIRE_SET_BYTES(&message, origin, &pulse->origin);
    WIRE_SET(&message, sequence, pulse->sequence);
    WIRE_SET(&message, step, pulse->step);
    WIRE_SET_BYTES(&message, preimage, &pulse->preimage);
    return bounded_pack(&message.base);
}

buf_t signed_items_write(const signed_items_t *items)
{
    buf_t body = {0};
    assert(items->count <= MESSAGE_ROSTERS_MAX && items->pulse_count <= MESSAGE_PULSES_MAX);
    for (size_t i = 0; i < items->count; i++)
        wire_append(&body, TAG_ITEMS, items->items[i]);
    for (size_t i = 0; i < items->pulse_count; i++) {
        buf_t pulse = write_pulse(&items->pulses[i]);
        wire_append(&body, TAG_PULSES, buf_span(&pulse));
        buf_free(&pulse);
    }
    return body;
}
