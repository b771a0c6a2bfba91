// The members that fuzz targets know the keys of: AA, BB, CC and DD of
// tests/unit/protocol_samples.h (root keys 1 to 4, signing keys 101 to 104), their
// cards, and the charter that names them, which AA created and two must sign for.
#ifndef ENLACE_TESTS_FUZZ_CAST_H
#define ENLACE_TESTS_FUZZ_CAST_H

#include "lib/roster.h"

enum { CAST_MEMBERS = 4 };

typedef struct {
    pubkey_t root_key, signing_key;
    origin_t origin;
    secret_t *root, *signing;
    card_t *card;
} actor_t;

typedef struct {
    actor_t actors[CAST_MEMBERS];
    roster_t *charter;
} cast_t;

const cast_t *cast(void); // made at the first call, never freed
const actor_t *cast_by_root(span_t root_key);
const actor_t *cast_by_origin(span_t origin);

#endif
