// A member's card: its own keys and endpoints, numbered, signed by its root key.
#ifndef ENLACE_LIB_CARD_H
#define ENLACE_LIB_CARD_H

#include "lib/bytes.h"
#include "lib/crypto.h"
#include "lib/ids.h"

#define CARD_BYTES_MAX     (8u * 1024) // signed card, encoded
#define CARD_ENDPOINTS_MAX 8u
#define CARD_CUTS_MAX      64u
#define NAME_MAX_BYTES     200u
#define ENDPOINT_MAX_BYTES 255u
#define PROTOCOL_VERSION   1u

typedef struct {
    uint32_t epoch;
    uint32_t lane;
    uint64_t number;
    hash_t hash;
} cut_t;

typedef struct {
    origin_t origin;
    uint32_t number;
    bool has_previous;
    hash_t previous;
    pubkey_t root_key, signing_key, transport_key, sealing_key;
    uint32_t epoch;
    size_t cut_count;
    cut_t *cuts;
    code_t code;
    char *name;
    char country[3]; // empty where absent
    size_t endpoint_count;
    char **endpoints; // tcp://HOST:PORT
    uint32_t protocol, schema;
    hash_t hash; // of the body
    buf_t body;  // as signed
    signature_t signature;
} card_t;

// Bounds, canonical form, lengths, and the root's signature; for card 1 also
// that the origin is the hash of the root key. Not whether it follows from the
// one before, nor whether the roster knows this root.
err_t card_decode(span_t signed_card, card_t **card, fault_t *fault);
// Fills hash, body, signature from the other fields, which the caller has set;
// puts the cuts in order (epoch, lane; one a lane).
void card_sign(card_t *card, const secret_t *root);
buf_t card_encode(const card_t *card); // SignedCard
// Whether `next` may replace `before` (NULL for card 1): number, previous hash,
// epoch not falling, code unchanged, endpoints valid.
err_t card_follows(const card_t *before, const card_t *next);
card_t *card_copy(const card_t *card);
void card_destroy(card_t **card);

// 1 to NAME_MAX_BYTES bytes of UTF-8 without control characters: it stands on
// terminals. For names of nodes and coalitions.
bool name_valid(const char *name);
bool endpoint_valid(const char *endpoint); // tcp://HOST:PORT, port 1..65534, no wildcard
// The same endpoint with the port after: where publications are.
bool endpoint_next_port(const char *endpoint, char next[ENDPOINT_MAX_BYTES + 1]);

#endif
