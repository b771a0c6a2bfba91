// Link messages as they go. One writer a type gives the body; what is encoded
// already (signed things, runs) goes in byte by byte.
#include <assert.h>
#include <string.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "lib/signed_items.h"
#include "lib/wire.h"

enum { TAG_SESSION = 1, TAG_RUN = 1, TAG_ORIGINS = 1 };

typedef buf_t (*write_fn)(const message_t *message);

// ---- greetings ----

static Enlace__V1__CardNumber **put_cards(const card_number_t *cards, size_t count)
{
    Enlace__V1__CardNumber **list =
        mem_alloc_array(count, sizeof(Enlace__V1__CardNumber *) + sizeof(Enlace__V1__CardNumber));
    Enlace__V1__CardNumber *messages = (Enlace__V1__CardNumber *)(void *)(list + count);
    for (size_t i = 0; i < count; i++) {
        list[i] = &messages[i];
        enlace__v1__card_number__init(list[i]);
        WIRE_SET_BYTES(list[i], origin, &cards[i].origin);
        WIRE_SET(list[i], number, cards[i].number);
    }
    return list;
}

static buf_t write_hello(const message_t *message)
{
    const greeting_t *from = &message->as.hello;
    Enlace__V1__Hello hello = ENLACE__V1__HELLO__INIT;
    WIRE_SET(&hello, protocol_min, from->protocol_min);
    WIRE_SET(&hello, protocol_max, from->protocol_max);
    WIRE_SET_BYTES(&hello, coalition, &from->coalition);
    WIRE_SET_BYTES(&hello, nonce, &from->nonce);
    WIRE_SET(&hello, roster_version, from->roster_version);
    WIRE_SET_BYTES(&hello, roster_hash, &from->roster_hash);
    WIRE_SET_BYTES(&hello, origin, &from->origin);
    if (from->packings)
        WIRE_SET(&hello, packings, from->packings);
    hello.n_cards = from->card_count;
    hello.cards = put_cards(from->cards, from->card_count);
    buf_t body = bounded_pack(&hello.base);
    mem_free(hello.cards);
    return body;
}

static buf_t write_welcome(const message_t *message)
{
    const greeting_t *from = &message->as.welcome;
    Enlace__V1__Welcome welcome = ENLACE__V1__WELCOME__INIT;
    WIRE_SET(&welcome, protocol, from->protocol_min);
    WIRE_SET_BYTES(&welcome, coalition, &from->coalition);
    WIRE_SET_BYTES(&welcome, hello_nonce, &from->hello_nonce);
    WIRE_SET_BYTES(&welcome, nonce, &from->nonce);
    WIRE_SET(&welcome, roster_version, from->roster_version);
    WIRE_SET_BYTES(&welcome, roster_hash, &from->roster_hash);
    WIRE_SET_BYTES(&welcome, origin, &from->origin);
    if (from->packings)
        WIRE_SET(&welcome, packings, from->packings);
    welcome.n_cards = from->card_count;
    welcome.cards = put_cards(from->cards, from->card_count);
    buf_t body = bounded_pack(&welcome.base);
    mem_free(welcome.cards);
    return body;
}

static buf_t write_want_cards(const message_t *message)
{
    Enlace__V1__WantCards want = ENLACE__V1__WANT_CARDS__INIT;
    want.n_cards = message->as.want_cards.count;
    want.cards = put_cards(message->as.want_cards.items, want.n_cards);
    buf_t body = bounded_pack(&want.base);
    mem_free(want.cards);
    return body;
}

static buf_t write_want_beacons(const message_t *message)
{
    buf_t body = {0};
    for (size_t i = 0; i < message->as.want_beacons.count; i++)
        wire_append(&body, TAG_ORIGINS,
                    span_of(message->as.want_beacons.origins[i].bytes, ORIGIN_SIZE));
    return body;
}

// ---- what is encoded already ----

static buf_t write_items(const message_t *message)
{
    return signed_items_write(&message->as.signed_items);
}

static buf_t write_proof(const message_t *message)
{
    buf_t body = {0};
    wire_append(&body, TAG_RUN, message->as.proof.run);
    return body;
}

// ---- heads ----

static buf_t write_heads(const message_t *message)
{
    Enlace__V1__Heads heads = ENLACE__V1__HEADS__INIT;
    heads.n_heads = message->as.heads.count;
    heads.heads = wire_put_heads(message->as.heads.items, heads.n_heads);
    buf_t body = bounded_pack(&heads.base);
    mem_free(heads.heads);
    return body;
}

static buf_t write_ack(const message_t *message)
{
    Enlace__V1__Ack ack = ENLACE__V1__ACK__INIT;
    ack.n_heads = message->as.heads.count;
    ack.heads = wire_put_heads(message->as.heads.items, ack.n_heads);
    if (message->as.heads.has_credit)
        WIRE_SET(&ack, credit_limit, message->as.heads.credit_limit);
    buf_t body = bounded_pack(&ack.base);
    mem_free(ack.heads);
    return body;
}

// ---- fetching ----

static buf_t write_fetch(const message_t *message)
{
    Enlace__V1__Fetch fetch = ENLACE__V1__FETCH__INIT;
    Enlace__V1__Feed feed;
    wire_put_feed(&feed, &message->as.fetch.feed);
    WIRE_SET(&fetch, fetch, message->as.fetch.fetch);
    fetch.feed = &feed;
    WIRE_SET(&fetch, after_number, message->as.fetch.after);
    WIRE_SET_BYTES(&fetch, after_hash, &message->as.fetch.after_hash);
    WIRE_SET(&fetch, standing, message->as.fetch.standing);
    WIRE_SET(&fetch, headers_only, message->as.fetch.headers_only);
    WIRE_SET(&fetch, credit_limit, message->as.fetch.credit_limit);
    return bounded_pack(&fetch.base);
}

static buf_t write_end_fetch(const message_t *message)
{
    Enlace__V1__EndFetch end = ENLACE__V1__END_FETCH__INIT;
    WIRE_SET(&end, fetch, message->as.end_fetch.fetch);
    return bounded_pack(&end.base);
}

static buf_t write_run_part(const message_t *message)
{
    Enlace__V1__RunPart part = ENLACE__V1__RUN_PART__INIT;
    span_t bytes = message->as.run_part.bytes;
    WIRE_SET(&part, fetch, message->as.run_part.fetch);
    WIRE_SET(&part, index, message->as.run_part.index);
    WIRE_SET(&part, last, message->as.run_part.last);
    WIRE_SET(&part, end, message->as.run_part.end);
    WIRE_SET(&part, bytes, wire_data(bytes.data, bytes.size));
    if (message->as.run_part.unpacked)
        WIRE_SET(&part, unpacked, message->as.run_part.unpacked);
    return bounded_pack(&part.base);
}

static buf_t write_nope(const message_t *message)
{
    Enlace__V1__Nope nope = ENLACE__V1__NOPE__INIT;
    WIRE_SET(&nope, fetch, message->as.nope.fetch);
    WIRE_SET(&nope, reason, message->as.nope.reason);
    WIRE_SET(&nope, number, message->as.nope.number);
    if (message->as.nope.has_hash)
        WIRE_SET_BYTES(&nope, hash, &message->as.nope.hash);
    return bounded_pack(&nope.base);
}

static buf_t write_fetch_payload(const message_t *message)
{
    Enlace__V1__FetchPayload fetch = ENLACE__V1__FETCH_PAYLOAD__INIT;
    Enlace__V1__Feed feed;
    wire_put_feed(&feed, &message->as.payload.feed);
    WIRE_SET(&fetch, fetch, message->as.payload.fetch);
    fetch.feed = &feed;
    WIRE_SET(&fetch, number, message->as.payload.number);
    return bounded_pack(&fetch.base);
}

static buf_t write_payload_found(const message_t *message)
{
    Enlace__V1__PayloadFound found = ENLACE__V1__PAYLOAD_FOUND__INIT;
    Enlace__V1__Payload payload;
    Enlace__V1__Feed feed;
    wire_put_feed(&feed, &message->as.payload.feed);
    wire_put_payload(&payload, message->as.payload.state, message->as.payload.salt,
                     message->as.payload.body);
    WIRE_SET(&found, fetch, message->as.payload.fetch);
    found.feed = &feed;
    WIRE_SET(&found, number, message->as.payload.number);
    found.payload = &payload;
    return bounded_pack(&found.base);
}

// ---- the session itself ----

static buf_t write_ping(const message_t *message)
{
    Enlace__V1__Ping ping = ENLACE__V1__PING__INIT;
    WIRE_SET(&ping, token, message->as.ping.token);
    return bounded_pack(&ping.base);
}

static buf_t write_pong(const message_t *message)
{
    Enlace__V1__Pong pong = ENLACE__V1__PONG__INIT;
    WIRE_SET(&pong, token, message->as.ping.token);
    return bounded_pack(&pong.base);
}

static buf_t write_bye(const message_t *message)
{
    Enlace__V1__Bye bye = ENLACE__V1__BYE__INIT;
    WIRE_SET(&bye, reason, message->as.bye.reason);
    return bounded_pack(&bye.base);
}

static const write_fn writers[MSG_TYPE_END] = {
    [MSG_HELLO] = write_hello,
    [MSG_WELCOME] = write_welcome,
    [MSG_ROSTERS] = write_items,
    [MSG_CARDS] = write_items,
    [MSG_WANT_CARDS] = write_want_cards,
    [MSG_HEADS] = write_heads,
    [MSG_FETCH] = write_fetch,
    [MSG_END_FETCH] = write_end_fetch,
    [MSG_RUN_PART] = write_run_part,
    [MSG_ACK] = write_ack,
    [MSG_NOPE] = write_nope,
    [MSG_FETCH_PAYLOAD] = write_fetch_payload,
    [MSG_PAYLOAD_FOUND] = write_payload_found,
    [MSG_PROOF] = write_proof,
    [MSG_BEACONS] = write_items,
    [MSG_PING] = write_ping,
    [MSG_PONG] = write_pong,
    [MSG_BYE] = write_bye,
    [MSG_WANT_BEACONS] = write_want_beacons,
};

buf_t message_encode(const message_t *message)
{
    assert(message->type < MSG_TYPE_END && writers[message->type]);
    buf_t bytes = {0};
    if (message->has_session)
        wire_append(&bytes, TAG_SESSION,
                    span_of(message->session.bytes, sizeof message->session.bytes));
    buf_t body = writers[message->type](message);
    wire_append(&bytes, message->type, buf_span(&body));
    buf_free(&body);
    return bytes;
}

const char *message_type_name(message_type_t type)
{
    const ProtobufCFieldDescriptor *field =
        type < MSG_TYPE_END && writers[type]
            ? protobuf_c_message_descriptor_get_field(&enlace__v1__link_message__descriptor, type)
            : NULL;
    return field ? field->name : "unknown";
}

nonce_t session_id(const nonce_t *hello, const nonce_t *welcome)
{
    uint8_t both[2 * NONCE_SIZE];
    nonce_t id;
    memcpy(both, hello->bytes, NONCE_SIZE);
    memcpy(both + NONCE_SIZE, welcome->bytes, NONCE_SIZE);
    hash_t hash = crypto_hash_of(HASH_SESSION, span_of(both, sizeof both));
    memcpy(id.bytes, hash.bytes, sizeof id.bytes);
    return id;
}
