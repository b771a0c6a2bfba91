#include "tests/sim/digests.h"

#include "daemon/core/state.h"
#include "daemon/store/internal.h"
#include "lib/mem.h"

// The first node that had these heads said so.
typedef struct {
    hash_t heads, digest;
    size_t node;
} view_seen_t;

struct digests {
    size_t count, capacity;
    view_seen_t *views;
};

digests_t *digests_new(void)
{
    return mem_alloc(sizeof(digests_t));
}

void digests_destroy(digests_t **digests_pointer)
{
    mem_free((*digests_pointer)->views);
    mem_free(*digests_pointer);
    *digests_pointer = NULL;
}

static hash_t hash_of_heads(const core_t *core)
{
    buf_t all = {0};
    buf_append(&all, span_of(core_roster(core)->hash.bytes, HASH_SIZE));
    for (size_t i = 0; i < core->feed_count; i++)
        if (core->sorted[i]->head.number)
            buf_append(&all, span_of(core->sorted[i]->head.hash.bytes, HASH_SIZE));
    hash_t hash = crypto_hash_of(HASH_DERIVE, buf_span(&all));
    buf_free(&all);
    return hash;
}

void digests_check(digests_t *digests, oracle_t *oracle, size_t node)
{
    const store_t *store = world_store(oracle_world(oracle), node);
    hash_t heads = hash_of_heads(world_core(oracle_world(oracle), node));
    if (!store->loaded)
        return;
    for (size_t i = digests->count; i-- > 0;) {
        const view_seen_t *seen = &digests->views[i];
        if (!hash_equal(&seen->heads, &heads))
            continue;
        if (!hash_equal(&seen->digest, &store->view.digest))
            oracle_violate(oracle, "I14", "%s and %s have the same heads and different digests",
                           world_code(oracle_world(oracle), node),
                           world_code(oracle_world(oracle), seen->node));
        return;
    }
    mem_grow(&digests->views, &digests->capacity, digests->count, sizeof *digests->views);
    digests->views[digests->count++] = (view_seen_t){heads, store->view.digest, node};
}
