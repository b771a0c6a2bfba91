// Every commit that anybody who holds a signing key has made in a run: what
// nodes hold is compared with it. By commit hash; headers only.
#ifndef ENLACE_TESTS_SIM_LEDGER_H
#define ENLACE_TESTS_SIM_LEDGER_H

#include "lib/commit.h"

typedef struct {
    hash_t hash, previous;
    feed_t feed;
    uint64_t first, last;
    uint32_t card_number; // under which it is signed
    bool genuine;         // by the origin's own node, not by who stole its key
    bool spread;          // another node has taken it
} known_t;

typedef struct ledger ledger_t;

ledger_t *ledger_new(void);
void ledger_destroy(ledger_t **ledger);

// What is there already stays. The entry is the ledger's, and does not move.
const known_t *ledger_add(ledger_t *ledger, const commit_t *commit, bool genuine);
const known_t *ledger_find(const ledger_t *ledger, const hash_t *hash); // NULL
void ledger_spread(ledger_t *ledger, const known_t *known);
// Another genuine commit of this feed that has a number in common and has been
// spread; NULL.
const known_t *ledger_rival(const ledger_t *ledger, const known_t *entry);
// Of the chain that ends with `entry`: the one that holds `number`; NULL where the
// chain does not go back so far.
const known_t *ledger_ancestor(const ledger_t *ledger, const known_t *entry, uint64_t number);
size_t ledger_count(const ledger_t *ledger);

#endif
