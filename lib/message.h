// Link messages and publications as values. Decoding bounds first, then checks,
// then hands out; nothing in a decoded message needs to be checked again for
// length, range or form, only for sense.
#ifndef ENLACE_LIB_MESSAGE_H
#define ENLACE_LIB_MESSAGE_H

#include "lib/beacon.h"
#include "lib/card.h"
#include "lib/commit.h"
#include "lib/roster.h"

#define LINK_MESSAGE_MAX    (192u * 1024) // ZMQ_MAXMSGSIZE of links is 256 KiB
#define LINK_ROSTER_MAX     (191u * 1024) // a signed roster that fits a link message
#define PART_BYTES_MAX      (16u * 1024)
#define PART_BYTES_SLOW     (4u * 1024)
#define MESSAGE_HEADS_MAX   512u
#define MESSAGE_CARDS_MAX   16u
#define MESSAGE_ROSTERS_MAX 16u
#define MESSAGE_BEACONS_MAX 16u
#define MESSAGE_PULSES_MAX  256u
#define WANT_BEACONS_MAX    32u
#define HELLO_CARDS_MAX     2048u // and of WantCards
#define CREDIT_LIMIT_MAX    ((uint64_t)1 << 53)
#define PACKING_ZSTD        1u
#define TOPIC_SIZE          16u // first 16 bytes of the coalition id: one subscription a link

typedef enum {
    MSG_HELLO = 2,
    MSG_WELCOME,
    MSG_ROSTERS,
    MSG_CARDS,
    MSG_WANT_CARDS,
    MSG_HEADS,
    MSG_FETCH,
    MSG_END_FETCH,
    MSG_RUN_PART,
    MSG_ACK,
    MSG_NOPE,
    MSG_FETCH_PAYLOAD,
    MSG_PAYLOAD_FOUND,
    MSG_PROOF,
    MSG_BEACONS,
    MSG_PING,
    MSG_PONG,
    MSG_BYE,
    MSG_WANT_BEACONS,
    MSG_TYPE_END
} message_type_t; // the field numbers of LinkMessage's oneof

typedef struct {
    origin_t origin;
    uint32_t number;
} card_number_t;

typedef struct {
    uint32_t protocol_min, protocol_max; // Welcome: both are the one chosen
    hash_t coalition;
    nonce_t hello_nonce; // Welcome: the Hello's
    nonce_t nonce;
    uint32_t roster_version;
    hash_t roster_hash;
    size_t card_count;
    card_number_t *cards;
    origin_t origin;   // who speaks
    uint32_t packings; // bits of PACKING_*
} greeting_t;

typedef struct {
    size_t count, pulse_count;
    const pulse_t *pulses;             // of beacons alone
    span_t items[MESSAGE_ROSTERS_MAX]; // encoded, still to decode
} signed_items_t;

typedef struct {
    message_type_t type;
    bool has_session;
    nonce_t session;
    union {
        greeting_t hello, welcome;
        signed_items_t signed_items; // rosters, cards, beacons
        struct {
            size_t count;
            card_number_t *items;
        } want_cards;
        struct {
            size_t count;
            origin_t *origins;
        } want_beacons;
        struct {
            size_t count;
            head_t *items;
            uint64_t credit_limit;
            bool has_credit;
        } heads; // heads, ack
        struct {
            uint32_t fetch;
            feed_t feed;
            uint64_t after;
            hash_t after_hash;
            bool standing, headers_only;
            uint64_t credit_limit;
        } fetch;
        struct {
            uint32_t fetch;
        } end_fetch;
        struct {
            uint32_t fetch, index;
            bool last, end;
            span_t bytes;
            uint32_t unpacked; // 0: it is not packed
        } run_part;
        struct {
            uint32_t fetch;
            uint32_t reason;
            uint64_t number;
            bool has_hash;
            hash_t hash;
        } nope;
        struct {
            uint32_t fetch;
            feed_t feed;
            uint64_t number;
            payload_state_t state;
            uint8_t salt[SALT_SIZE];
            span_t body;
        } payload; // fetch_payload, payload_found
        struct {
            span_t run;
        } proof; // encoded Run, still to decode
        struct {
            uint64_t token;
        } ping; // ping, pong
        struct {
            uint32_t reason;
        } bye;
    } as;
    void *memory; // what the spans point into
} message_t;

// Spans in *message live until message_clear. On error *message is empty.
err_t message_decode(span_t bytes, message_t *message, fault_t *fault);
buf_t message_encode(const message_t *message); // spans and arrays stay the caller's
void message_clear(message_t *message);
const char *message_type_name(message_type_t type);

typedef enum { PUB_RUN = 1, PUB_HEAD = 2, PUB_BEACONS = 3 } publication_type_t;
typedef struct {
    publication_type_t type;
    run_t run; // one commit, signed
    head_t head;
    signed_items_t beacons;
    buf_t packed; // what they lie in
    pulse_t *pulses;
} publication_t;
err_t publication_decode(span_t topic, span_t body, const hash_t *coalition,
                         publication_t *publication, fault_t *fault);
buf_t publication_of_commit(const commit_t *commit); // PUB_RUN or, where too big, PUB_HEAD
buf_t publication_of_head(const head_t *head);
buf_t publication_of_beacon(span_t signed_beacon);
buf_t publication_of_beacons(const signed_items_t *beacons);
void publication_clear(publication_t *publication);

// The id that both sides of a session put into every message after the Welcome:
// first 16 bytes of BLAKE2b-256, personalised HASH_SESSION, of hello nonce ‖ welcome nonce.
nonce_t session_id(const nonce_t *hello, const nonce_t *welcome);

#endif
