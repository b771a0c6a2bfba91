#include "tests/sim/memo.h"

#include <sodium.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/ids.h"

// SLOTS is a power of two. A run of five nodes verifies some 150 signatures, and
// computes some 200 commitments.
enum { SLOTS = 1 << 14, FULL = SLOTS / 2, ROOM = 16 << 20, PARTS = 3, OUT_MAX = 32 };

// One call: what went in, part by part, and what came out.
typedef struct {
    uint64_t run; // in which it was put here; of another run: empty
    size_t sizes[PARTS];
    const uint8_t *in; // the parts, one after the other, in `room`
    int result;
    uint8_t out[OUT_MAX];
} slot_t;

static struct {
    bool used;
    uint64_t run, verified, remembered;
    size_t count, taken;
    slot_t slots[SLOTS];
    uint8_t room[ROOM];
} memo = {.run = 1};

void memo_use(bool use)
{
    memo.used = use;
}

void memo_forget(void)
{
    memo.run++;
    memo.count = memo.taken = 0;
    memo.verified = memo.remembered = 0;
}

uint64_t memo_verified(void)
{
    return memo.verified;
}

uint64_t memo_remembered(void)
{
    return memo.remembered;
}

// ---- finding ----

// Where to look first, from eight bytes that are random: of a signature, of a salt.
static size_t place_of(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return (size_t)((word * 0x9E3779B97F4A7C15u) >> 40) % SLOTS;
}

static bool is_call(const slot_t *slot, const span_t parts[PARTS])
{
    const uint8_t *in = slot->in;
    for (size_t i = 0; i < PARTS; i++) {
        if (slot->sizes[i] != parts[i].size ||
            (parts[i].size && memcmp(in, parts[i].data, parts[i].size) != 0))
            return false;
        in += parts[i].size;
    }
    return true;
}

// The call, or the empty slot where it belongs.
static slot_t *slot_of(const span_t parts[PARTS])
{
    size_t at = place_of(parts[0].data);
    while (memo.slots[at].run == memo.run && !is_call(&memo.slots[at], parts))
        at = (at + 1) % SLOTS;
    return &memo.slots[at];
}

static void keep(slot_t *slot, const span_t parts[PARTS], int result, span_t out)
{
    size_t size = parts[0].size + parts[1].size + parts[2].size;
    uint8_t *in = memo.room + memo.taken;
    if (memo.count == FULL || size > ROOM - memo.taken)
        return;
    *slot = (slot_t){.run = memo.run, .in = in, .result = result};
    for (size_t i = 0; i < PARTS; i++) {
        slot->sizes[i] = parts[i].size;
        if (parts[i].size)
            memcpy(in, parts[i].data, parts[i].size);
        in += parts[i].size;
    }
    if (out.size)
        memcpy(slot->out, out.data, out.size);
    memo.taken += size;
    memo.count++;
}

// ---- what stands before libsodium's ----

typedef int verify_fn(const unsigned char *signature, const unsigned char *message,
                      unsigned long long size, const unsigned char *key);
verify_fn __real_crypto_sign_verify_detached, __wrap_crypto_sign_verify_detached;

int __wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message,
                                       unsigned long long size, const unsigned char *key)
{
    const span_t parts[PARTS] = {span_of(signature, crypto_sign_BYTES),
                                 span_of(key, crypto_sign_PUBLICKEYBYTES), span_of(message, size)};
    slot_t *slot = memo.used ? slot_of(parts) : NULL;
    if (slot && slot->run == memo.run) {
        memo.remembered++;
        return slot->result;
    }
    int result = __real_crypto_sign_verify_detached(signature, message, size, key);
    memo.verified++;
    if (slot)
        keep(slot, parts, result, span_of(NULL, 0));
    return result;
}

typedef int hash_fn(unsigned char *out, size_t out_size, const unsigned char *in,
                    unsigned long long size, const unsigned char *key, size_t key_size,
                    const unsigned char *salt, const unsigned char *personal);
hash_fn __real_crypto_generichash_blake2b_salt_personal;
hash_fn __wrap_crypto_generichash_blake2b_salt_personal;

// Of hashes only commitments: their key is a salt.
int __wrap_crypto_generichash_blake2b_salt_personal(unsigned char *out, size_t out_size,
                                                    const unsigned char *in,
                                                    unsigned long long size,
                                                    const unsigned char *key, size_t key_size,
                                                    const unsigned char *salt,
                                                    const unsigned char *personal)
{
    bool known = memo.used && key_size == SALT_SIZE && out_size == OUT_MAX && !salt && personal;
    const span_t parts[PARTS] = {span_of(key, key_size),
                                 span_of(personal, crypto_generichash_blake2b_PERSONALBYTES),
                                 span_of(in, size)};
    slot_t *slot = known ? slot_of(parts) : NULL;
    if (slot && slot->run == memo.run) {
        memcpy(out, slot->out, OUT_MAX);
        return slot->result;
    }
    int result = __real_crypto_generichash_blake2b_salt_personal(out, out_size, in, size, key,
                                                                 key_size, salt, personal);
    if (slot)
        keep(slot, parts, result, span_of(out, out_size));
    return result;
}
