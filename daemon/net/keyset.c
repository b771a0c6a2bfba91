#include "daemon/net/keyset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(pubkey_t));
}

keyset_t keyset_of(const pubkey_t *keys, size_t count)
{
    keyset_t set = {mem_alloc_array(count, sizeof *keys), 0};
    if (count)
        memcpy(set.keys, keys, count * sizeof *keys);
    qsort(set.keys, count, sizeof *keys, compare);
    for (size_t i = 0; i < count; i++)
        if (!set.count || compare(&set.keys[set.count - 1], &set.keys[i]))
            set.keys[set.count++] = set.keys[i];
    return set;
}

bool keyset_has(const keyset_t *set, const pubkey_t *key)
{
    return set->count && bsearch(key, set->keys, set->count, sizeof *key, compare);
}

bool keyset_within(const keyset_t *set, const keyset_t *other)
{
    for (size_t i = 0; i < set->count; i++)
        if (!keyset_has(other, &set->keys[i]))
            return false;
    return true;
}

void keyset_free(keyset_t *set)
{
    mem_free(set->keys);
    *set = (keyset_t){0};
}
