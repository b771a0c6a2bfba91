#include "tests/sim/memo.h"

#include <sodium.h>
#include <string.h>

// SLOTS is a power of two; a run of five nodes has some 400 different triples.
enum { SLOTS = 1 << 14, FULL = SLOTS / 2, MESSAGE_MAX = 128 };

typedef struct {
    uint64_t run; // in which it was put here; of another run: empty
    uint64_t size;
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    uint8_t signature[crypto_sign_BYTES];
    uint8_t message[MESSAGE_MAX];
    int result;
} slot_t;

static struct {
    bool used;
    uint64_t run, count, computed, remembered;
    slot_t slots[SLOTS];
} memo = {.run = 1};

void memo_use(bool use)
{
    memo.used = use;
}

void memo_forget(void)
{
    memo.run++;
    memo.count = memo.computed = memo.remembered = 0;
}

uint64_t memo_computed(void)
{
    return memo.computed;
}

uint64_t memo_remembered(void)
{
    return memo.remembered;
}

// Where to look first. Whatever it is, slots are compared byte for byte.
static size_t place_of(const uint8_t *signature, const uint8_t *key)
{
    uint64_t s, k;
    memcpy(&s, signature, sizeof s);
    memcpy(&k, key, sizeof k);
    return (size_t)(((s ^ k) * 0x9E3779B97F4A7C15u) >> 40) % SLOTS;
}

static bool is_triple(const slot_t *slot, const uint8_t *signature, const uint8_t *message,
                      uint64_t size, const uint8_t *key)
{
    return slot->size == size && memcmp(slot->signature, signature, sizeof slot->signature) == 0 &&
           memcmp(slot->key, key, sizeof slot->key) == 0 &&
           memcmp(slot->message, message, size) == 0;
}

int __real_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message,
                                       unsigned long long size, const unsigned char *key);
int __wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message,
                                       unsigned long long size, const unsigned char *key);

int __wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message,
                                       unsigned long long size, const unsigned char *key)
{
    size_t at = place_of(signature, key);
    bool known = memo.used && size <= MESSAGE_MAX;
    while (known && memo.slots[at].run == memo.run) {
        if (is_triple(&memo.slots[at], signature, message, size, key)) {
            memo.remembered++;
            return memo.slots[at].result;
        }
        at = (at + 1) % SLOTS;
    }
    int result = __real_crypto_sign_verify_detached(signature, message, size, key);
    memo.computed++;
    if (!known || memo.count == FULL)
        return result;
    slot_t *slot = &memo.slots[at];
    *slot = (slot_t){.run = memo.run, .size = size, .result = result};
    memcpy(slot->signature, signature, sizeof slot->signature);
    memcpy(slot->key, key, sizeof slot->key);
    memcpy(slot->message, message, size);
    memo.count++;
    return result;
}
