// Link messages as they come: bounded, checked, handed out. One reader a type;
// what a reader cannot reach (bytes, fields, nesting) the bounded reader has
// bounded before.
#include <string.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "lib/signed_items.h"
#include "lib/wire.h"

// Fields: the most are 2048 card numbers of 3, or the payloads of a proof, 8
// bytes each at least. Depth: message, proof, run, commit, payload. Unknown
// fields pass: a newer peer may say more than this version understands.
static const limits_t link_limits = {
    .bytes = LINK_MESSAGE_MAX,
    .fields = 36u * 1024,
    .depth = 5,
    .memory = 4u * 1024 * 1024,
    .unknown = true,
};

// What message_t.memory is.
typedef struct {
    ProtobufCMessage *root;
    void *array;
    buf_t packed;
} memory_t;

typedef struct {
    wire_t wire; // named as the type is
    message_t *message;
    memory_t *memory;
} reading_t;

typedef void (*read_fn)(reading_t *reading, const ProtobufCMessage *body);

// ---- greetings ----

static card_number_t *read_cards(reading_t *reading, Enlace__V1__CardNumber *const *list,
                                 size_t count)
{
    wire_count(&reading->wire, "cards", count, 0, HELLO_CARDS_MAX);
    if (reading->wire.err)
        return NULL;
    card_number_t *cards = mem_alloc_array(count, sizeof *cards);
    reading->memory->array = cards;
    for (size_t i = 0; i < count && !reading->wire.err; i++) {
        wire_t inside = wire_inside(&reading->wire, "cards", i + 1);
        WIRE_BYTES(&inside, list[i], origin, &cards[i].origin);
        WIRE_U32(&inside, list[i], number, 0, UINT32_MAX, &cards[i].number);
        reading->wire.err = inside.err;
    }
    return cards;
}

static void read_hello(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Hello *hello = (const Enlace__V1__Hello *)body;
    greeting_t *to = &reading->message->as.hello;
    wire_t *wire = &reading->wire;
    WIRE_U32(wire, hello, protocol_min, 1, UINT32_MAX, &to->protocol_min);
    WIRE_U32(wire, hello, protocol_max, to->protocol_min, UINT32_MAX, &to->protocol_max);
    WIRE_BYTES(wire, hello, coalition, &to->coalition);
    WIRE_BYTES(wire, hello, nonce, &to->nonce);
    WIRE_U32(wire, hello, roster_version, 1, UINT32_MAX, &to->roster_version);
    WIRE_BYTES(wire, hello, roster_hash, &to->roster_hash);
    to->cards = read_cards(reading, hello->cards, hello->n_cards);
    to->card_count = hello->n_cards;
    WIRE_BYTES(wire, hello, origin, &to->origin);
    to->packings = hello->has_packings ? hello->packings : 0;
}

static void read_welcome(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Welcome *welcome = (const Enlace__V1__Welcome *)body;
    greeting_t *to = &reading->message->as.welcome;
    wire_t *wire = &reading->wire;
    WIRE_U32(wire, welcome, protocol, 1, UINT32_MAX, &to->protocol_min);
    to->protocol_max = to->protocol_min;
    WIRE_BYTES(wire, welcome, coalition, &to->coalition);
    WIRE_BYTES(wire, welcome, hello_nonce, &to->hello_nonce);
    WIRE_BYTES(wire, welcome, nonce, &to->nonce);
    WIRE_U32(wire, welcome, roster_version, 1, UINT32_MAX, &to->roster_version);
    WIRE_BYTES(wire, welcome, roster_hash, &to->roster_hash);
    to->cards = read_cards(reading, welcome->cards, welcome->n_cards);
    to->card_count = welcome->n_cards;
    WIRE_BYTES(wire, welcome, origin, &to->origin);
    to->packings = welcome->has_packings ? welcome->packings : 0;
}

// ---- what is signed and travels as it is ----

static void add_item(reading_t *reading, const char *field, const ProtobufCMessage *item,
                     size_t most)
{
    signed_items_add(&reading->wire, field, item, most, &reading->message->as.signed_items,
                     &reading->memory->packed);
}

static void place_items(reading_t *reading)
{
    signed_items_place(&reading->message->as.signed_items, &reading->memory->packed);
}

static void read_rosters(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Rosters *message = (const Enlace__V1__Rosters *)body;
    wire_count(&reading->wire, "rosters", message->n_rosters, 0, MESSAGE_ROSTERS_MAX);
    for (size_t i = 0; i < message->n_rosters && !reading->wire.err; i++)
        add_item(reading, "rosters", &message->rosters[i]->base, ROSTER_BYTES_MAX);
    place_items(reading);
}

static void read_card_list(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Cards *message = (const Enlace__V1__Cards *)body;
    wire_count(&reading->wire, "cards", message->n_cards, 0, MESSAGE_CARDS_MAX);
    for (size_t i = 0; i < message->n_cards && !reading->wire.err; i++)
        add_item(reading, "cards", &message->cards[i]->base, CARD_BYTES_MAX);
    place_items(reading);
}

static void read_beacons(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Beacons *message = (const Enlace__V1__Beacons *)body;
    pulse_t *pulses = NULL;
    signed_items_beacons(&reading->wire, message, &reading->message->as.signed_items,
                         &reading->memory->packed, &pulses);
    reading->memory->array = pulses;
}

static void read_proof(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Proof *message = (const Enlace__V1__Proof *)body;
    if (!message->run) {
        wire_refuse(&reading->wire, ERR_MISSING_FIELD, "run");
        return;
    }
    reading->memory->packed = bounded_pack(&message->run->base);
    reading->message->as.proof.run = buf_span(&reading->memory->packed);
}

// ---- heads, and cards and beacons asked for ----

static void read_want_cards(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__WantCards *message = (const Enlace__V1__WantCards *)body;
    reading->message->as.want_cards.items = read_cards(reading, message->cards, message->n_cards);
    reading->message->as.want_cards.count = message->n_cards;
}

static void read_want_beacons(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__WantBeacons *message = (const Enlace__V1__WantBeacons *)body;
    wire_count(&reading->wire, "origins", message->n_origins, 0, WANT_BEACONS_MAX);
    if (reading->wire.err)
        return;
    origin_t *origins = mem_alloc_array(message->n_origins, sizeof *origins);
    reading->memory->array = origins;
    for (size_t i = 0; i < message->n_origins && !reading->wire.err; i++) {
        wire_t inside = wire_inside(&reading->wire, "origins", i + 1);
        wire_bytes(&inside, "", true, message->origins[i], origins[i].bytes, ORIGIN_SIZE);
        reading->wire.err = inside.err;
    }
    reading->message->as.want_beacons.origins = origins;
    reading->message->as.want_beacons.count = message->n_origins;
}

static void take_heads(reading_t *reading, Enlace__V1__Head *const *heads, size_t count)
{
    head_t *items = wire_heads(&reading->wire, "heads", heads, count, MESSAGE_HEADS_MAX);
    reading->memory->array = items;
    reading->message->as.heads.items = items;
    reading->message->as.heads.count = count;
}

static void read_heads(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Heads *message = (const Enlace__V1__Heads *)body;
    take_heads(reading, message->heads, message->n_heads);
}

static void read_ack(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Ack *message = (const Enlace__V1__Ack *)body;
    take_heads(reading, message->heads, message->n_heads);
    reading->message->as.heads.has_credit = message->has_credit_limit;
    if (message->has_credit_limit)
        WIRE_U64(&reading->wire, message, credit_limit, 0, CREDIT_LIMIT_MAX,
                 &reading->message->as.heads.credit_limit);
}

// ---- fetching ----

static void read_fetch(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Fetch *message = (const Enlace__V1__Fetch *)body;
    message_t *to = reading->message;
    wire_t *wire = &reading->wire;
    WIRE_U32(wire, message, fetch, 1, UINT32_MAX, &to->as.fetch.fetch);
    wire_feed(wire, "feed", message->feed, &to->as.fetch.feed);
    WIRE_U64(wire, message, after_number, 0, NUMBER_MAX, &to->as.fetch.after);
    WIRE_BYTES(wire, message, after_hash, &to->as.fetch.after_hash);
    WIRE_U64(wire, message, credit_limit, 0, CREDIT_LIMIT_MAX, &to->as.fetch.credit_limit);
    to->as.fetch.standing = message->has_standing && message->standing;
    to->as.fetch.headers_only = message->has_headers_only && message->headers_only;
}

static void read_end_fetch(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__EndFetch *message = (const Enlace__V1__EndFetch *)body;
    WIRE_U32(&reading->wire, message, fetch, 1, UINT32_MAX, &reading->message->as.end_fetch.fetch);
}

// A part without bytes says nothing but that something ends.
static void read_run_part(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__RunPart *message = (const Enlace__V1__RunPart *)body;
    message_t *to = reading->message;
    wire_t *wire = &reading->wire;
    to->as.run_part.last = message->has_last && message->last;
    to->as.run_part.end = message->has_end && message->end;
    WIRE_U32(wire, message, fetch, 1, UINT32_MAX, &to->as.run_part.fetch);
    WIRE_U32(wire, message, index, 0, RUN_BYTES_MAX, &to->as.run_part.index);
    WIRE_SPAN(wire, message, bytes, PART_BYTES_MAX, &to->as.run_part.bytes);
    if (!to->as.run_part.bytes.size && !to->as.run_part.last && !to->as.run_part.end)
        wire_refuse(wire, ERR_BAD_LENGTH, "bytes");
    if (message->has_unpacked)
        WIRE_U32(wire, message, unpacked, 1, RUN_BYTES_MAX, &to->as.run_part.unpacked);
}

static void read_nope(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Nope *message = (const Enlace__V1__Nope *)body;
    message_t *to = reading->message;
    wire_t *wire = &reading->wire;
    WIRE_U32(wire, message, fetch, 1, UINT32_MAX, &to->as.nope.fetch);
    WIRE_U32(wire, message, reason, 1, UINT32_MAX, &to->as.nope.reason);
    if (message->has_number)
        WIRE_U64(wire, message, number, 0, NUMBER_MAX, &to->as.nope.number);
    to->as.nope.has_hash = message->has_hash;
    if (message->has_hash)
        WIRE_BYTES(wire, message, hash, &to->as.nope.hash);
}

static void read_fetch_payload(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__FetchPayload *message = (const Enlace__V1__FetchPayload *)body;
    message_t *to = reading->message;
    WIRE_U32(&reading->wire, message, fetch, 1, UINT32_MAX, &to->as.payload.fetch);
    wire_feed(&reading->wire, "feed", message->feed, &to->as.payload.feed);
    WIRE_U64(&reading->wire, message, number, 1, NUMBER_MAX, &to->as.payload.number);
}

static void read_payload_found(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__PayloadFound *message = (const Enlace__V1__PayloadFound *)body;
    message_t *to = reading->message;
    wire_t *wire = &reading->wire;
    WIRE_U32(wire, message, fetch, 1, UINT32_MAX, &to->as.payload.fetch);
    wire_feed(wire, "feed", message->feed, &to->as.payload.feed);
    WIRE_U64(wire, message, number, 1, NUMBER_MAX, &to->as.payload.number);
    if (!message->payload)
        wire_refuse(wire, ERR_MISSING_FIELD, "payload");
    if (wire->err)
        return;
    wire_t inside = wire_inside(wire, "payload", WIRE_NO_PLACE);
    wire_payload(&inside, message->payload, &to->as.payload.state, to->as.payload.salt,
                 &to->as.payload.body);
    wire->err = inside.err;
}

// ---- the session itself ----

static void read_ping(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Ping *message = (const Enlace__V1__Ping *)body;
    WIRE_U64(&reading->wire, message, token, 0, UINT64_MAX, &reading->message->as.ping.token);
}

static void read_pong(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Pong *message = (const Enlace__V1__Pong *)body;
    WIRE_U64(&reading->wire, message, token, 0, UINT64_MAX, &reading->message->as.ping.token);
}

static void read_bye(reading_t *reading, const ProtobufCMessage *body)
{
    const Enlace__V1__Bye *message = (const Enlace__V1__Bye *)body;
    WIRE_U32(&reading->wire, message, reason, 0, UINT32_MAX, &reading->message->as.bye.reason);
}

static const read_fn readers[MSG_TYPE_END] = {
    [MSG_HELLO] = read_hello,
    [MSG_WELCOME] = read_welcome,
    [MSG_ROSTERS] = read_rosters,
    [MSG_CARDS] = read_card_list,
    [MSG_WANT_CARDS] = read_want_cards,
    [MSG_HEADS] = read_heads,
    [MSG_FETCH] = read_fetch,
    [MSG_END_FETCH] = read_end_fetch,
    [MSG_RUN_PART] = read_run_part,
    [MSG_ACK] = read_ack,
    [MSG_NOPE] = read_nope,
    [MSG_FETCH_PAYLOAD] = read_fetch_payload,
    [MSG_PAYLOAD_FOUND] = read_payload_found,
    [MSG_PROOF] = read_proof,
    [MSG_BEACONS] = read_beacons,
    [MSG_PING] = read_ping,
    [MSG_PONG] = read_pong,
    [MSG_BYE] = read_bye,
    [MSG_WANT_BEACONS] = read_want_beacons,
};

// ---- the message ----

static err_t read_message(const Enlace__V1__LinkMessage *link, message_t *message, fault_t *fault)
{
    size_t type = (size_t)link->body_case;
    if (type >= MSG_TYPE_END || !readers[type])
        return fault_set(fault, ERR_UNKNOWN_MESSAGE, "", NULL);
    wire_t outer = {.fault = fault};
    message->type = (message_type_t)type;
    message->has_session = type != MSG_HELLO;
    if (message->has_session)
        WIRE_BYTES(&outer, link, session, &message->session);
    else if (link->has_session)
        wire_refuse(&outer, ERR_BAD_VALUE, "session");
    reading_t reading = {
        .wire = {.err = outer.err, .fault = fault, .name = message_type_name(message->type)},
        .message = message,
        .memory = message->memory,
    };
    // The members of the union are pointers to messages, all of them.
    if (!reading.wire.err)
        readers[type](&reading, &link->hello->base);
    return reading.wire.err;
}

err_t message_decode(span_t bytes, message_t *message, fault_t *fault)
{
    memory_t *memory = mem_alloc(sizeof *memory);
    *message = (message_t){.memory = memory};
    err_t err = bounded_unpack(&enlace__v1__link_message__descriptor, bytes, &link_limits,
                               &memory->root, fault);
    if (!err)
        err = read_message((const Enlace__V1__LinkMessage *)memory->root, message, fault);
    if (err)
        message_clear(message);
    return err;
}

void message_clear(message_t *message)
{
    memory_t *memory = message->memory;
    if (memory) {
        bounded_free(memory->root);
        mem_free(memory->array);
        buf_free(&memory->packed);
        mem_free(memory);
    }
    *message = (message_t){0};
}
