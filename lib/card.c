#include "lib/card.h"

#include <string.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/wire.h"

// Signed form: two fields. Body: 14 singular ones, 8 endpoints, 64 cuts of 4.
static const limits_t signed_limits = {
    .bytes = CARD_BYTES_MAX, .fields = 2, .depth = 1, .memory = 2 * CARD_BYTES_MAX};
static const limits_t body_limits = {
    .bytes = CARD_BYTES_MAX, .fields = 512, .depth = 2, .memory = 96u * 1024};

// ---- reading ----

static void read_endpoints(wire_t *wire, const Enlace__V1__Card *message, card_t *card)
{
    wire_count(wire, "endpoints", message->n_endpoints, 0, CARD_ENDPOINTS_MAX);
    if (wire->err)
        return;
    card->endpoints = mem_alloc_array(message->n_endpoints, sizeof *card->endpoints);
    for (size_t i = 0; i < message->n_endpoints; i++) {
        wire_t inside = wire_inside(wire, "endpoints", i + 1);
        if (!endpoint_valid(message->endpoints[i]))
            wire_refuse(&inside, ERR_BAD_VALUE, "");
        wire->err = inside.err;
        if (wire->err)
            return;
        card->endpoints[card->endpoint_count++] = mem_copy_string(message->endpoints[i]);
    }
}

static void read_country(wire_t *wire, const char *country, card_t *card)
{
    if (!country)
        return;
    if (strlen(country) != 2 || strspn(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
        wire_refuse(wire, ERR_BAD_COUNTRY, "country");
    else
        memcpy(card->country, country, 2);
}

static void read_keys(wire_t *wire, const Enlace__V1__Card *message, card_t *card)
{
    WIRE_BYTES(wire, message, root_key, &card->root_key);
    WIRE_BYTES(wire, message, signing_key, &card->signing_key);
    WIRE_BYTES(wire, message, transport_key, &card->transport_key);
    WIRE_BYTES(wire, message, sealing_key, &card->sealing_key);
}

static void read_card(wire_t *wire, const Enlace__V1__Card *message, card_t *card)
{
    WIRE_BYTES(wire, message, origin, &card->origin);
    WIRE_U32(wire, message, number, 1, UINT32_MAX, &card->number);
    card->has_previous = message->has_previous;
    if (card->has_previous)
        WIRE_BYTES(wire, message, previous, &card->previous);
    read_keys(wire, message, card);
    WIRE_U32(wire, message, epoch, 1, EPOCH_MAX, &card->epoch);
    card->cuts = wire_cuts(wire, "cuts", message->cuts, message->n_cuts);
    card->cut_count = card->cuts ? message->n_cuts : 0;
    wire_code(wire, "code", message->code, &card->code);
    card->name = wire_name(wire, "name", message->name);
    read_country(wire, message->country, card);
    read_endpoints(wire, message, card);
    WIRE_U32(wire, message, protocol, 1, UINT32_MAX, &card->protocol);
    WIRE_U32(wire, message, schema, 1, UINT32_MAX, &card->schema);
}

static err_t decode_body(span_t body, card_t *card, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    wire_t wire = {.fault = fault};
    wire.err = bounded_unpack(&enlace__v1__card__descriptor, body, &body_limits, &message, fault);
    if (wire.err)
        return wire.err;
    wire_canonical(&wire, message, body);
    read_card(&wire, (const Enlace__V1__Card *)message, card);
    bounded_free(message);
    return wire.err;
}

// What a card can be asked without knowing any other.
static err_t check_alone(const card_t *card, fault_t *fault)
{
    if (card->has_previous != (card->number > 1))
        return fault_set(fault, ERR_BAD_CARD, "previous", NULL);
    if (card->number == 1) {
        origin_t origin = crypto_origin(&card->root_key);
        if (!origin_equal(&origin, &card->origin))
            return fault_set(fault, ERR_BAD_CARD, "origin", NULL);
        if (card->cut_count)
            return fault_set(fault, ERR_BAD_CARD, "cuts", NULL);
    }
    if (!crypto_verify_hash(&card->root_key, SIGN_CARD, NULL, &card->hash, &card->signature))
        return fault_set(fault, ERR_BAD_SIGNATURE, "signature", NULL);
    return ERR_OK;
}

static err_t decode_signed(span_t bytes, card_t *card, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    wire_t wire = {.fault = fault};
    wire.err = bounded_unpack(&enlace__v1__signed_card__descriptor, bytes, &signed_limits, &message,
                              fault);
    if (wire.err)
        return wire.err;
    const Enlace__V1__SignedCard *outer = (const Enlace__V1__SignedCard *)message;
    span_t body = {0};
    WIRE_SPAN(&wire, outer, body, CARD_BYTES_MAX, &body);
    WIRE_BYTES(&wire, outer, signature, &card->signature);
    if (!wire.err) {
        card->body = buf_copy(body);
        card->hash = crypto_hash_of(HASH_CARD, body);
    }
    bounded_free(message);
    return wire.err;
}

err_t card_decode(span_t signed_card, card_t **card, fault_t *fault)
{
    card_t *made = mem_alloc(sizeof *made);
    err_t err = decode_signed(signed_card, made, fault);
    if (!err)
        err = decode_body(buf_span(&made->body), made, fault);
    if (!err)
        err = check_alone(made, fault);
    if (err)
        card_destroy(&made);
    *card = made;
    return err;
}

// ---- writing ----

static buf_t pack_body(const card_t *card)
{
    Enlace__V1__Card message = ENLACE__V1__CARD__INIT;
    WIRE_SET_BYTES(&message, origin, &card->origin);
    WIRE_SET(&message, number, card->number);
    if (card->has_previous)
        WIRE_SET_BYTES(&message, previous, &card->previous);
    WIRE_SET_BYTES(&message, root_key, &card->root_key);
    WIRE_SET_BYTES(&message, signing_key, &card->signing_key);
    WIRE_SET_BYTES(&message, transport_key, &card->transport_key);
    WIRE_SET_BYTES(&message, sealing_key, &card->sealing_key);
    WIRE_SET(&message, epoch, card->epoch);
    message.n_cuts = card->cut_count;
    message.cuts = wire_put_cuts(card->cuts, card->cut_count);
    message.code = wire_string(card->code.text);
    message.name = card->name;
    message.country = card->country[0] ? wire_string(card->country) : NULL;
    message.n_endpoints = card->endpoint_count;
    message.endpoints = card->endpoints;
    WIRE_SET(&message, protocol, card->protocol);
    WIRE_SET(&message, schema, card->schema);
    buf_t body = bounded_pack(&message.base);
    mem_free(message.cuts);
    return body;
}

void card_sign(card_t *card, const secret_t *root)
{
    wire_sort_cuts(card->cuts, card->cut_count);
    buf_free(&card->body);
    card->body = pack_body(card);
    card->hash = crypto_hash_of(HASH_CARD, buf_span(&card->body));
    card->signature = crypto_sign_hash(root, SIGN_CARD, NULL, &card->hash);
}

buf_t card_encode(const card_t *card)
{
    Enlace__V1__SignedCard message = ENLACE__V1__SIGNED_CARD__INIT;
    WIRE_SET(&message, body, wire_data(card->body.data, card->body.size));
    WIRE_SET_BYTES(&message, signature, &card->signature);
    return bounded_pack(&message.base);
}

// ---- succession ----

static bool endpoints_valid(const card_t *card)
{
    for (size_t i = 0; i < card->endpoint_count; i++)
        if (!endpoint_valid(card->endpoints[i]))
            return false;
    return card->endpoint_count <= CARD_ENDPOINTS_MAX;
}

err_t card_follows(const card_t *before, const card_t *next)
{
    if (!endpoints_valid(next))
        return ERR_BAD_CARD;
    if (!before)
        return next->number == 1 && !next->has_previous ? ERR_OK : ERR_BAD_CARD;
    bool follows = origin_equal(&before->origin, &next->origin) && before->number < UINT32_MAX &&
                   next->number == before->number + 1 && next->has_previous &&
                   hash_equal(&next->previous, &before->hash) && next->epoch >= before->epoch &&
                   strcmp(next->code.text, before->code.text) == 0;
    return follows ? ERR_OK : ERR_BAD_CARD;
}

// ---- memory ----

card_t *card_copy(const card_t *card)
{
    card_t *copy = mem_alloc(sizeof *copy);
    *copy = *card;
    copy->cuts = mem_alloc_array(card->cut_count, sizeof *copy->cuts);
    if (card->cut_count)
        memcpy(copy->cuts, card->cuts, card->cut_count * sizeof *copy->cuts);
    copy->name = mem_copy_string(card->name);
    copy->endpoints = mem_alloc_array(card->endpoint_count, sizeof *copy->endpoints);
    for (size_t i = 0; i < card->endpoint_count; i++)
        copy->endpoints[i] = mem_copy_string(card->endpoints[i]);
    copy->body = buf_copy(buf_span(&card->body));
    return copy;
}

void card_destroy(card_t **card)
{
    if (!card || !*card)
        return;
    for (size_t i = 0; i < (*card)->endpoint_count; i++)
        mem_free((*card)->endpoints[i]);
    mem_free((*card)->endpoints);
    mem_free((*card)->cuts);
    mem_free((*card)->name);
    buf_free(&(*card)->body);
    mem_free(*card);
    *card = NULL;
}
