#include "lib/beacon.h"

#include <string.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/wire.h"

// Signed form: two fields. Body: five, and 160 heads of 7 in all.
static const limits_t signed_limits = {
    .bytes = BEACON_BYTES_MAX, .fields = 2, .depth = 1, .memory = 2 * BEACON_BYTES_MAX};
static const limits_t body_limits = {
    .bytes = BEACON_BYTES_MAX, .fields = 2048, .depth = 3, .memory = 256u * 1024};

// ---- reading ----

static void read_body(wire_t *wire, const Enlace__V1__Beacon *message, beacon_t *beacon)
{
    WIRE_BYTES(wire, message, coalition, &beacon->coalition);
    WIRE_BYTES(wire, message, origin, &beacon->origin);
    WIRE_U64(wire, message, sequence, 1, NUMBER_MAX, &beacon->sequence);
    WIRE_U32(wire, message, card_number, 1, UINT32_MAX, &beacon->card_number);
    beacon->own = wire_heads(wire, "own", message->own, message->n_own, BEACON_HEADS_MAX);
    beacon->own_count = beacon->own ? message->n_own : 0;
    beacon->held = wire_heads(wire, "held", message->held, message->n_held,
                              BEACON_HEADS_MAX - beacon->own_count);
    beacon->held_count = beacon->held ? message->n_held : 0;
    WIRE_BYTES(wire, message, anchor, &beacon->anchor);
    beacon->last = beacon->anchor;
    for (size_t i = 0; i < beacon->own_count; i++)
        if (!origin_equal(&beacon->own[i].feed.origin, &beacon->origin))
            wire_refuse(wire, ERR_BAD_VALUE, "own");
}

static err_t decode_body(span_t body, beacon_t *beacon, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    wire_t wire = {.fault = fault};
    wire.err = bounded_unpack(&enlace__v1__beacon__descriptor, body, &body_limits, &message, fault);
    if (wire.err)
        return wire.err;
    wire_canonical(&wire, message, body);
    read_body(&wire, (const Enlace__V1__Beacon *)message, beacon);
    bounded_free(message);
    return wire.err;
}

static err_t decode_signed(span_t bytes, beacon_t *beacon, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    wire_t wire = {.fault = fault};
    wire.err = bounded_unpack(&enlace__v1__signed_beacon__descriptor, bytes, &signed_limits,
                              &message, fault);
    if (wire.err)
        return wire.err;
    const Enlace__V1__SignedBeacon *outer = (const Enlace__V1__SignedBeacon *)message;
    span_t body = {0};
    WIRE_BYTES(&wire, outer, signature, &beacon->signature);
    WIRE_SPAN(&wire, outer, body, BEACON_BYTES_MAX, &body);
    if (!wire.err)
        wire.err = decode_body(body, beacon, fault);
    if (!wire.err)
        beacon->hash = crypto_hash_of(HASH_BEACON, body);
    bounded_free(message);
    return wire.err;
}

err_t beacon_decode(span_t signed_beacon, beacon_t **beacon, fault_t *fault)
{
    beacon_t *made = mem_alloc(sizeof *made);
    err_t err = decode_signed(signed_beacon, made, fault);
    if (err)
        beacon_destroy(&made);
    else
        made->signed_form = buf_copy(signed_beacon);
    *beacon = made;
    return err;
}

bool beacon_signature_holds(const beacon_t *beacon, const pubkey_t *signing_key,
                            const hash_t *coalition)
{
    return hash_equal(&beacon->coalition, coalition) &&
           crypto_verify_hash(signing_key, SIGN_BEACON, coalition, &beacon->hash,
                              &beacon->signature);
}

// ---- writing ----

static buf_t pack_body(const beacon_t *beacon)
{
    Enlace__V1__Beacon message = ENLACE__V1__BEACON__INIT;
    WIRE_SET_BYTES(&message, coalition, &beacon->coalition);
    WIRE_SET_BYTES(&message, origin, &beacon->origin);
    WIRE_SET(&message, sequence, beacon->sequence);
    WIRE_SET(&message, card_number, beacon->card_number);
    message.n_own = beacon->own_count;
    message.own = wire_put_heads(beacon->own, beacon->own_count);
    message.n_held = beacon->held_count;
    message.held = wire_put_heads(beacon->held, beacon->held_count);
    WIRE_SET_BYTES(&message, anchor, &beacon->anchor);
    buf_t body = bounded_pack(&message.base);
    mem_free(message.own);
    mem_free(message.held);
    return body;
}

void beacon_leave_out(beacon_t *beacon)
{
    if (beacon->own_count > BEACON_HEADS_MAX)
        beacon->own_count = BEACON_HEADS_MAX;
    if (beacon->held_count > BEACON_HEADS_MAX - beacon->own_count)
        beacon->held_count = BEACON_HEADS_MAX - beacon->own_count;
}

void beacon_sign(beacon_t *beacon, const secret_t *signing)
{
    Enlace__V1__SignedBeacon message = ENLACE__V1__SIGNED_BEACON__INIT;
    beacon_leave_out(beacon);
    beacon->last = beacon->anchor;
    beacon->step = 0;
    buf_t body = pack_body(beacon);
    beacon->hash = crypto_hash_of(HASH_BEACON, buf_span(&body));
    beacon->signature = crypto_sign_hash(signing, SIGN_BEACON, &beacon->coalition, &beacon->hash);
    WIRE_SET(&message, body, wire_data(body.data, body.size));
    WIRE_SET_BYTES(&message, signature, &beacon->signature);
    buf_free(&beacon->signed_form);
    beacon->signed_form = bounded_pack(&message.base);
    buf_free(&body);
}

void beacon_destroy(beacon_t **beacon)
{
    if (!beacon || !*beacon)
        return;
    mem_free((*beacon)->own);
    mem_free((*beacon)->held);
    buf_free(&(*beacon)->signed_form);
    mem_free(*beacon);
    *beacon = NULL;
}

// ---- pulses ----

// The one before: first bytes of the hash of origin (16) ‖ sequence (8) ‖ step (4), both
// little-endian, ‖ preimage. Each step of each beacon has a function of its own, so that
// work done against one is worth nothing against another.
static preimage_t step_back(const beacon_t *beacon, uint32_t step, const preimage_t *preimage)
{
    uint8_t bytes[ORIGIN_SIZE + 8 + 4 + PREIMAGE_SIZE], *at = bytes + ORIGIN_SIZE;
    preimage_t before;
    memcpy(bytes, beacon->origin.bytes, ORIGIN_SIZE);
    for (unsigned i = 0; i < 8; i++)
        *at++ = (uint8_t)(beacon->sequence >> (8 * i));
    for (unsigned i = 0; i < 4; i++)
        *at++ = (uint8_t)(step >> (8 * i));
    memcpy(at, preimage->bytes, PREIMAGE_SIZE);
    hash_t hash = crypto_hash_of(HASH_PULSE, span_of(bytes, sizeof bytes));
    memcpy(before.bytes, hash.bytes, PREIMAGE_SIZE);
    return before;
}

static preimage_t walk_back(const beacon_t *beacon, uint32_t from, const preimage_t *preimage,
                            uint32_t to)
{
    preimage_t at = *preimage;
    for (uint32_t step = from; step > to; step--)
        at = step_back(beacon, step, &at);
    return at;
}

preimage_t pulse_preimage(const beacon_t *beacon, const preimage_t *top, uint32_t step)
{
    return walk_back(beacon, PULSE_STEPS_MAX, top, step);
}

bool pulse_holds(const beacon_t *beacon, const pulse_t *pulse)
{
    if (!origin_equal(&beacon->origin, &pulse->origin) || beacon->sequence != pulse->sequence ||
        pulse->step <= beacon->step || pulse->step > PULSE_STEPS_MAX)
        return false;
    preimage_t at = walk_back(beacon, pulse->step, &pulse->preimage, beacon->step);
    return memcmp(at.bytes, beacon->last.bytes, PREIMAGE_SIZE) == 0;
}

void pulse_take(beacon_t *beacon, const pulse_t *pulse)
{
    beacon->step = pulse->step;
    beacon->last = pulse->preimage;
}

pulse_t pulse_newest(const beacon_t *beacon)
{
    return (pulse_t){beacon->origin, beacon->sequence, beacon->step, beacon->last};
}
