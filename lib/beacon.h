// A node's signed, unlogged, latest-only word on its own heads and on what it holds; and
// its pulses, by which it says that nothing of that has changed.
//
// A beacon names an anchor: the end of a chain of hashes whose beginning only its author
// knows. Each pulse gives one preimage further back, so that whoever holds the beacon sees
// by hashes alone that the author was there to give it, and for what (L. Lamport, "Password
// authentication with insecure communication", CACM 24, 1981; S. Micali, "NOVOMODO",
// 2002). It says no more than the signature of the beacon, and is worth nothing without it.
#ifndef ENLACE_LIB_BEACON_H
#define ENLACE_LIB_BEACON_H

#include "lib/bytes.h"
#include "lib/crypto.h"
#include "lib/ids.h"

#define BEACON_BYTES_MAX (12u * 1024)
#define BEACON_HEADS_MAX 160u
#define PREIMAGE_SIZE    16u
#define PULSE_STEPS_MAX  256u // of a beacon: what it takes at most to check one

typedef struct {
    uint8_t bytes[PREIMAGE_SIZE];
} preimage_t;

typedef struct {
    origin_t origin;
    uint64_t sequence; // of the beacon
    uint32_t step;     // 1 to PULSE_STEPS_MAX
    preimage_t preimage;
} pulse_t;

typedef struct {
    origin_t origin;
    uint64_t sequence;
    uint32_t card_number;
    size_t own_count;
    head_t *own;
    size_t held_count;
    head_t *held;
    hash_t coalition;
    preimage_t anchor;
    uint32_t step;   // of the newest pulse that continues it; 0: none
    preimage_t last; // that pulse's; the anchor
    hash_t hash;     // of the body, personalised "enlace-beacon"
    signature_t signature;
    buf_t signed_form; // encoded SignedBeacon, as received or made
} beacon_t;

err_t beacon_decode(span_t signed_beacon, beacon_t **beacon, fault_t *fault); // not the signature
bool beacon_signature_holds(const beacon_t *beacon, const pubkey_t *signing_key,
                            const hash_t *coalition);
// Heads beyond BEACON_HEADS_MAX in all are left out, held first.
void beacon_leave_out(beacon_t *beacon);
// Fills hash, signature, signed_form, last; leaves heads out as above.
void beacon_sign(beacon_t *beacon, const secret_t *signing);
void beacon_destroy(beacon_t **beacon);

// Of the chain that begins with `top`, for the beacon's origin and sequence: step 0 is its
// anchor, PULSE_STEPS_MAX `top` itself.
preimage_t pulse_preimage(const beacon_t *beacon, const preimage_t *top, uint32_t step);
// Whether the pulse continues this beacon, and further than its step.
bool pulse_holds(const beacon_t *beacon, const pulse_t *pulse);
void pulse_take(beacon_t *beacon, const pulse_t *pulse); // one that holds
pulse_t pulse_newest(const beacon_t *beacon);            // its step is 0 where there is none

#endif
