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

// A key file anywhere, as of removable media; refused like those of a node.
err_t key_load_file(const char *path, key_use_t use, secret_t **secret, pubkey_t *public_key,
                    fault_t *fault);

// ---- a signing key that is to take the place of the present one ----
//
// Its file is named by its public key, so that no other attempt overwrites it; it
// becomes keys/signing.key once a card that names it is on disk.

// Draws it. Durable when this returns.
err_t key_create_pending(const char *dir, secret_t **secret, pubkey_t *public_key, fault_t *fault);
// BAD_KEY_FILE where it is not there, or another.
err_t key_load_pending(const char *dir, const pubkey_t *public_key, secret_t **secret,
                       fault_t *fault);
err_t key_promote_pending(const char *dir, const pubkey_t *public_key, fault_t *fault);
void key_drop_pending(const char *dir, const pubkey_t *public_key);

#endif
