// A set of public keys: who may come in. Sorted, so that it is searched in
// logarithmic time for every message.
#ifndef ENLACE_DAEMON_NET_KEYSET_H
#define ENLACE_DAEMON_NET_KEYSET_H

#include "lib/crypto.h"

// Zero-initialised is empty.
typedef struct {
    pubkey_t *keys;
    size_t count;
} keyset_t;

keyset_t keyset_of(const pubkey_t *keys, size_t count); // copies; equal ones once
bool keyset_has(const keyset_t *set, const pubkey_t *key);
bool keyset_within(const keyset_t *set, const keyset_t *other); // every one is in other
void keyset_free(keyset_t *set);

#endif
