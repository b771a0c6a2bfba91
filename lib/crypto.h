// All cryptography, through libsodium: BLAKE2b (RFC 7693), Ed25519 (RFC 8032),
// Curve25519 keys for CURVE and sealing. Secret keys live in sodium_malloc
// memory (guarded, locked, wiped on free).
#ifndef ENLACE_LIB_CRYPTO_H
#define ENLACE_LIB_CRYPTO_H

#include "lib/bytes.h"
#include "lib/ids.h"

// What a hash is for: personalisation of BLAKE2b, 16 bytes, padded with zeros.
typedef enum {
    HASH_COMMIT,  // "enlace-commit"
    HASH_ROSTER,  // "enlace-roster"
    HASH_CARD,    // "enlace-card"
    HASH_VIEW,    // "enlace-view"
    HASH_PAYLOAD, // "enlace-payload", keyed by the salt
    HASH_SESSION, // "enlace-session"
    HASH_WORDS,   // "enlace-words"
    HASH_DERIVE,  // "enlace-derive"
    HASH_BEACON,  // "enlace-beacon"
    HASH_PULSE,   // "enlace-pulse"
} hash_use_t;

// What a signature is for: prefix of what is signed, with its NUL.
typedef enum {
    SIGN_COMMIT,  // "enlace v1 commit"
    SIGN_BEACON,  // "enlace v1 beacon"
    SIGN_ROSTER,  // "enlace v1 roster"
    SIGN_CHARTER, // "enlace v1 charter"
    SIGN_CARD,    // "enlace v1 card"
} sign_use_t;

typedef struct secret secret_t; // an Ed25519 secret key, or a Curve25519 one

err_t crypto_start(void); // once a process; ERR_INTERNAL where libsodium cannot
void crypto_random(void *bytes, size_t size);

hash_t crypto_hash_of(hash_use_t use, span_t bytes); // crypto_hash is libsodium's own name
hash_t crypto_commitment(const uint8_t salt[SALT_SIZE], span_t body); // HASH_PAYLOAD
// Expands 32 bytes of randomness into any number of independent ones.
void crypto_derive(const uint8_t seed[32], uint64_t index, void *bytes, size_t size);
origin_t crypto_origin(const pubkey_t *first_root); // BLAKE2b-128 of the key, no personalisation

enum { FINGERPRINT_SIZE = 16, FINGERPRINT_KEY_SIZE = 16 };
typedef struct {
    uint8_t bytes[FINGERPRINT_SIZE];
} fingerprint_t;
// SipHash-2-4 of 128 bits, for tables in memory: who does not know the key makes no two alike.
fingerprint_t crypto_fingerprint(const uint8_t key[FINGERPRINT_KEY_SIZE], span_t bytes);

// Ed25519. The seed form is what files keep (32 bytes).
secret_t *secret_sign_new(const uint8_t seed[32], pubkey_t *public_key);
// Curve25519, usable with CURVE and crypto_box alike.
secret_t *secret_box_new(const uint8_t seed[32], pubkey_t *public_key);
const uint8_t *secret_bytes(const secret_t *secret); // 32 (box) or 64 (sign) bytes
void secret_destroy(secret_t **secret);

// Signs context ‖ coalition id ‖ hash. coalition is NULL for cards and charters,
// which come before there is one: then context ‖ hash.
signature_t crypto_sign_hash(const secret_t *secret, sign_use_t use, const hash_t *coalition,
                             const hash_t *hash);
bool crypto_verify_hash(const pubkey_t *key, sign_use_t use, const hash_t *coalition,
                        const hash_t *hash, const signature_t *signature);

// Sum modulo 2^256, little-endian, of the view digest.
void digest_add(hash_t *sum, const hash_t *term);
void digest_subtract(hash_t *sum, const hash_t *term);
#define DIGEST_STANDING 1 // the state of a record that is not retracted
// BLAKE2b-256, personalised HASH_VIEW, of origin (16) ‖ epoch(4) ‖ lane(4) ‖
// number(8) of the record, epoch(4) ‖ lane(4) ‖ number(8) of the change that
// stands — all little-endian — ‖ commitment (32) ‖ state (1).
hash_t digest_term(const origin_t *origin, position_t record, position_t stands,
                   const hash_t *commitment, uint8_t state);

#endif
