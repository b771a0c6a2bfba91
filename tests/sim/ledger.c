#include "tests/sim/ledger.h"

#include <string.h>

#include "lib/mem.h"

enum { SLOTS_FIRST = 256 };

struct ledger {
    size_t count, slots; // slots: a power of two, at most half of them taken
    known_t **table;
};

ledger_t *ledger_new(void)
{
    ledger_t *ledger = mem_alloc(sizeof *ledger);
    ledger->slots = SLOTS_FIRST;
    ledger->table = mem_alloc_array(ledger->slots, sizeof *ledger->table);
    return ledger;
}

void ledger_destroy(ledger_t **ledger_pointer)
{
    ledger_t *ledger = *ledger_pointer;
    for (size_t i = 0; i < ledger->slots; i++)
        mem_free(ledger->table[i]);
    mem_free(ledger->table);
    mem_free(ledger);
    *ledger_pointer = NULL;
}

// Where a hash is, or would be.
static known_t **slot_of(known_t **table, size_t slots, const hash_t *hash)
{
    size_t at;
    memcpy(&at, hash->bytes, sizeof at);
    for (at &= slots - 1; table[at] && !hash_equal(&table[at]->hash, hash);)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

static void grow(ledger_t *ledger)
{
    size_t slots = ledger->slots * 2;
    known_t **table = mem_alloc_array(slots, sizeof *table);
    for (size_t i = 0; i < ledger->slots; i++)
        if (ledger->table[i])
            *slot_of(table, slots, &ledger->table[i]->hash) = ledger->table[i];
    mem_free(ledger->table);
    ledger->table = table;
    ledger->slots = slots;
}

const known_t *ledger_add(ledger_t *ledger, const commit_t *commit, bool genuine)
{
    if (ledger->count * 2 >= ledger->slots)
        grow(ledger);
    known_t **slot = slot_of(ledger->table, ledger->slots, &commit->hash);
    if (*slot)
        return *slot;
    *slot = mem_alloc(sizeof **slot);
    **slot = (known_t){.hash = commit->hash,
                       .previous = commit->previous,
                       .feed = commit->feed,
                       .first = commit->first,
                       .last = commit->last,
                       .card_number = commit->card_number,
                       .genuine = genuine};
    ledger->count++;
    return *slot;
}

const known_t *ledger_find(const ledger_t *ledger, const hash_t *hash)
{
    return *slot_of(ledger->table, ledger->slots, hash);
}

void ledger_spread(ledger_t *ledger, const known_t *known)
{
    (*slot_of(ledger->table, ledger->slots, &known->hash))->spread = true;
}

const known_t *ledger_rival(const ledger_t *ledger, const known_t *entry)
{
    for (size_t i = 0; i < ledger->slots; i++) {
        const known_t *other = ledger->table[i];
        if (other && other != entry && other->genuine && other->spread &&
            feed_equal(&other->feed, &entry->feed) && other->first <= entry->last &&
            entry->first <= other->last)
            return other;
    }
    return NULL;
}

const known_t *ledger_ancestor(const ledger_t *ledger, const known_t *entry, uint64_t number)
{
    while (entry && entry->first > number)
        entry = entry->first > 1 ? ledger_find(ledger, &entry->previous) : NULL;
    return entry && entry->last >= number ? entry : NULL;
}

size_t ledger_count(const ledger_t *ledger)
{
    return ledger->count;
}
