// Key files: a 32-byte seed, armoured ("enlace-root-key-1:..."), mode 0600.
// What is read passes through memory that is wiped.
#ifndef ENLACE_LIB_KEYS_H
#define ENLACE_LIB_KEYS_H

#include "lib/home.h"

typedef enum { KEY_ROOT, KEY_SIGNING, KEY_TRANSPORT, KEY_SEALING, KEY_USE_COUNT } key_use_t;

const char *key_file(key_use_t use); // "keys/root.key"

// Draws a seed, writes the file below `dir`, hands out the key. The file must not exist.
err_t key_create(const char *dir, key_use_t use, secret_t **secret, pubkey_t *public_key,
                 fault_t *fault);
// BAD_KEY_FILE: missing (then errno is ENOENT, for callers that can do without),
// not a plain file, readable by group or others, or damaged.
err_t key_load(const char *dir, key_use_t use, secret_t **secret, pubkey_t *public_key,
               fault_t *fault);

#endif
