#include "lib/crypto.h"

#include <assert.h>
#include <endian.h>
#include <sodium.h>
#include <string.h>

#include "lib/mem.h"

static_assert(HASH_SIZE == crypto_generichash_blake2b_BYTES, "BLAKE2b-256");
static_assert(KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
static_assert(KEY_SIZE == crypto_box_PUBLICKEYBYTES, "Curve25519");
static_assert(SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");
static_assert(FINGERPRINT_SIZE == crypto_shorthash_siphashx24_BYTES, "SipHash-2-4-128");
static_assert(FINGERPRINT_KEY_SIZE == crypto_shorthash_siphashx24_KEYBYTES, "SipHash-2-4-128");
static_assert(SALT_SIZE >= crypto_generichash_blake2b_KEYBYTES_MIN, "a salt is a BLAKE2b key");

enum { PERSONAL_SIZE = crypto_generichash_blake2b_PERSONALBYTES };

// The whole of it, this head included, lies in guarded memory.
struct secret {
    uint8_t bytes[crypto_sign_SECRETKEYBYTES];
};

err_t crypto_start(void)
{
    return sodium_init() < 0 ? ERR_INTERNAL : ERR_OK;
}

void crypto_random(void *bytes, size_t size)
{
    randombytes_buf(bytes, size);
}

static const unsigned char *personal_of(hash_use_t use)
{
    static const unsigned char personal[][PERSONAL_SIZE] = {
        [HASH_COMMIT] = "enlace-commit",   [HASH_ROSTER] = "enlace-roster",
        [HASH_CARD] = "enlace-card",       [HASH_VIEW] = "enlace-view",
        [HASH_PAYLOAD] = "enlace-payload", [HASH_SESSION] = "enlace-session",
        [HASH_WORDS] = "enlace-words",     [HASH_DERIVE] = "enlace-derive",
        [HASH_BEACON] = "enlace-beacon",   [HASH_PULSE] = "enlace-pulse",
    };
    assert((size_t)use < sizeof personal / sizeof *personal);
    return personal[use];
}

// `key` may be NULL. BLAKE2b's salt parameter stays zero: salts of payloads are keys.
static void blake2b(hash_use_t use, span_t key, span_t bytes, uint8_t *out, size_t out_size)
{
    int failed = crypto_generichash_blake2b_salt_personal(
        out, out_size, bytes.data, bytes.size, key.data, key.size, NULL, personal_of(use));
    assert(!failed);
    (void)failed;
}

hash_t crypto_hash_of(hash_use_t use, span_t bytes)
{
    hash_t hash;
    blake2b(use, span_of(NULL, 0), bytes, hash.bytes, sizeof hash.bytes);
    return hash;
}

hash_t crypto_commitment(const uint8_t salt[SALT_SIZE], span_t body)
{
    hash_t hash;
    blake2b(HASH_PAYLOAD, span_of(salt, SALT_SIZE), body, hash.bytes, sizeof hash.bytes);
    return hash;
}

static void put_little_endian(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

// Block b of output i is BLAKE2b-512, keyed by the seed and personalised
// HASH_DERIVE, of i (8 bytes) and b (8 bytes), both little-endian.
void crypto_derive(const uint8_t seed[32], uint64_t index, void *bytes, size_t size)
{
    uint8_t input[16];
    uint8_t block[64];
    uint8_t *to = bytes;
    put_little_endian(input, index, 8);
    for (uint64_t number = 0; size > 0; number++) {
        size_t part = size < sizeof block ? size : sizeof block;
        put_little_endian(input + 8, number, 8);
        blake2b(HASH_DERIVE, span_of(seed, 32), span_of(input, sizeof input), block, sizeof block);
        memcpy(to, block, part);
        to += part;
        size -= part;
    }
    sodium_memzero(block, sizeof block);
}

origin_t crypto_origin(const pubkey_t *first_root)
{
    origin_t origin;
    crypto_generichash_blake2b(origin.bytes, sizeof origin.bytes, first_root->bytes,
                               sizeof first_root->bytes, NULL, 0);
    return origin;
}

fingerprint_t crypto_fingerprint(const uint8_t key[FINGERPRINT_KEY_SIZE], span_t bytes)
{
    fingerprint_t print;
    int failed = crypto_shorthash_siphashx24(print.bytes, bytes.data, bytes.size, key);
    assert(!failed);
    (void)failed;
    return print;
}

static secret_t *secret_allocate(void)
{
    secret_t *secret = sodium_malloc(sizeof *secret);
    if (!secret)
        mem_exhausted();
    memset(secret, 0, sizeof *secret);
    return secret;
}

secret_t *secret_sign_new(const uint8_t seed[32], pubkey_t *public_key)
{
    secret_t *secret = secret_allocate();
    crypto_sign_seed_keypair(public_key->bytes, secret->bytes, seed);
    sodium_mprotect_readonly(secret);
    return secret;
}

secret_t *secret_box_new(const uint8_t seed[32], pubkey_t *public_key)
{
    secret_t *secret = secret_allocate();
    crypto_box_seed_keypair(public_key->bytes, secret->bytes, seed);
    sodium_mprotect_readonly(secret);
    return secret;
}

const uint8_t *secret_bytes(const secret_t *secret)
{
    return secret->bytes;
}

void secret_destroy(secret_t **secret)
{
    if (!secret)
        return;
    sodium_free(*secret); // wipes; NULL is allowed
    *secret = NULL;
}

enum { SIGNED_MAX = 32 + 2 * HASH_SIZE };

// context (with its NUL) ‖ coalition, where there is one ‖ hash
static size_t signed_bytes(sign_use_t use, const hash_t *coalition, const hash_t *hash,
                           uint8_t bytes[SIGNED_MAX])
{
    static const char *const contexts[] = {
        [SIGN_COMMIT] = "enlace v1 commit", [SIGN_BEACON] = "enlace v1 beacon",
        [SIGN_ROSTER] = "enlace v1 roster", [SIGN_CHARTER] = "enlace v1 charter",
        [SIGN_CARD] = "enlace v1 card",
    };
    assert((size_t)use < sizeof contexts / sizeof *contexts);
    size_t size = strlen(contexts[use]) + 1;
    memcpy(bytes, contexts[use], size);
    if (coalition) {
        memcpy(bytes + size, coalition->bytes, HASH_SIZE);
        size += HASH_SIZE;
    }
    memcpy(bytes + size, hash->bytes, HASH_SIZE);
    return size + HASH_SIZE;
}

signature_t crypto_sign_hash(const secret_t *secret, sign_use_t use, const hash_t *coalition,
                             const hash_t *hash)
{
    uint8_t bytes[SIGNED_MAX];
    signature_t signature;
    size_t size = signed_bytes(use, coalition, hash, bytes);
    crypto_sign_detached(signature.bytes, NULL, bytes, size, secret->bytes);
    return signature;
}

bool crypto_verify_hash(const pubkey_t *key, sign_use_t use, const hash_t *coalition,
                        const hash_t *hash, const signature_t *signature)
{
    uint8_t bytes[SIGNED_MAX];
    size_t size = signed_bytes(use, coalition, hash, bytes);
    return crypto_sign_verify_detached(signature->bytes, bytes, size, key->bytes) == 0;
}

// By 32 bits at a time: sodium_add goes by bytes, for numbers that are secret.
void digest_add(hash_t *sum, const hash_t *term)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < HASH_SIZE; i += 4) {
        uint32_t a, b;
        memcpy(&a, sum->bytes + i, sizeof a);
        memcpy(&b, term->bytes + i, sizeof b);
        carry += (uint64_t)le32toh(a) + le32toh(b);
        a = htole32((uint32_t)carry);
        memcpy(sum->bytes + i, &a, sizeof a);
        carry >>= 32;
    }
}

void digest_subtract(hash_t *sum, const hash_t *term)
{
    sodium_sub(sum->bytes, term->bytes, sizeof sum->bytes);
}

static uint8_t *put_position(uint8_t *to, position_t position)
{
    put_little_endian(to, position.epoch, 4);
    put_little_endian(to + 4, position.lane, 4);
    put_little_endian(to + 8, position.number, 8);
    return to + 16;
}

hash_t digest_term(const origin_t *origin, position_t record, position_t stands,
                   const hash_t *commitment, uint8_t state)
{
    uint8_t bytes[ORIGIN_SIZE + 2 * 16 + HASH_SIZE + 1];
    memcpy(bytes, origin->bytes, ORIGIN_SIZE);
    uint8_t *at = put_position(bytes + ORIGIN_SIZE, record);
    at = put_position(at, stands);
    memcpy(at, commitment->bytes, HASH_SIZE);
    at[HASH_SIZE] = state;
    return crypto_hash_of(HASH_VIEW, span_of(bytes, sizeof bytes));
}
