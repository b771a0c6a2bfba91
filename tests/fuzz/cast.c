#include "tests/fuzz/cast.h"

#include "tests/unit/protocol_samples.h"

static void make_actor(actor_t *actor, uint8_t n)
{
    char letter = (char)('A' + n - 1);
    actor->root = sample_secret(n, &actor->root_key);
    actor->signing = sample_secret((uint8_t)(100 + n), &actor->signing_key);
    actor->origin = crypto_origin(&actor->root_key);
    actor->card = sample_card((char[]){letter, letter, '\0'}, n);
}

const cast_t *cast(void)
{
    static cast_t made;
    if (made.charter)
        return &made;
    for (uint8_t n = 1; n <= CAST_MEMBERS; n++)
        make_actor(&made.actors[n - 1], n);
    made.charter = sample_charter(CAST_MEMBERS, 2);
    return &made;
}

const actor_t *cast_by_root(span_t root_key)
{
    for (size_t i = 0; i < CAST_MEMBERS; i++)
        if (span_equal(root_key, span_of(cast()->actors[i].root_key.bytes, KEY_SIZE)))
            return &cast()->actors[i];
    return NULL;
}

const actor_t *cast_by_origin(span_t origin)
{
    for (size_t i = 0; i < CAST_MEMBERS; i++)
        if (span_equal(origin, span_of(cast()->actors[i].origin.bytes, ORIGIN_SIZE)))
            return &cast()->actors[i];
    return NULL;
}
