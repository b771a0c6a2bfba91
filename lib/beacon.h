// A node's signed, unlogged, latest-only word on its own heads and on what it holds.
#ifndef ENLACE_LIB_BEACON_H
#define ENLACE_LIB_BEACON_H

#include "lib/bytes.h"
#include "lib/crypto.h"
#include "lib/ids.h"

#define BEACON_BYTES_MAX (12u * 1024)
#define BEACON_HEADS_MAX 160u

typedef struct {
    origin_t origin;
    uint64_t sequence;
    uint32_t card_number;
    size_t own_count;
    head_t *own;
    size_t held_count;
    head_t *held;
    hash_t coalition;
    hash_t hash; // of the body, personalised "enlace-beacon"
    signature_t signature;
    buf_t signed_form; // encoded SignedBeacon, as received or made
} beacon_t;

err_t beacon_decode(span_t signed_beacon, beacon_t **beacon, fault_t *fault); // not the signature
bool beacon_signature_holds(const beacon_t *beacon, const pubkey_t *signing_key,
                            const hash_t *coalition);
// Fills hash, signature, signed_form. Heads beyond BEACON_HEADS_MAX in all are left out, held
// first.
void beacon_sign(beacon_t *beacon, const secret_t *signing);
void beacon_destroy(beacon_t **beacon);

#endif
