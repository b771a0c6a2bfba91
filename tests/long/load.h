// Load for daemons that are about to be killed, and the ledger of what they said
// that they had done: each id that `put` printed, each record of an import that
// ended well. What is in the ledger has to be everywhere in the end, once.
#ifndef ENLACE_TESTS_LONG_LOAD_H
#define ENLACE_TESTS_LONG_LOAD_H

#include "tests/system/fleet.h"

typedef struct load load_t;

load_t *load_new(fleet_t *fleet); // the fleet outlives it
void load_destroy(load_t **load);

// A writer in the background: so many puts one after the other, fewer where its
// daemon goes. One a node at a time.
void load_puts(load_t *load, size_t node, unsigned most);
// Waits for its next id; false where it has ended.
bool load_next(load_t *load, size_t node, unsigned ms);
// Waits for it to end: true where it was cut short.
bool load_end(load_t *load, size_t node);

// A file of so many new records of a node; its number.
unsigned load_file(load_t *load, size_t node, unsigned lines);
// Imports it in the background; load_imported waits: true where it was
// acknowledged, and then its records are in the ledger.
void load_import(load_t *load, unsigned file);
bool load_importing(load_t *load); // still under way
bool load_imported(load_t *load, unsigned file);

// How many changes a node holds on disk; its daemon must not run. What the
// daemon would have to recover stays for it: this looks at a copy.
uint64_t load_held(load_t *load, size_t node);

// Asserts that a node shows all that is in the ledger, and nothing twice.
void load_check(load_t *load, size_t node);
size_t load_acknowledged(load_t *load); // entries of the ledger

#endif
