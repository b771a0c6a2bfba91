// Who watches a world and knows everything: after each turn of each node, and
// at each message that leaves one, it compares what is with what must be. The
// invariants are those of docs/protocol.md, section "Invariants", by number.
//
// It takes what it knows from the durable state of the nodes and from the plan
// that the world is put through, never from what nodes say of themselves. The
// first violation is kept; the run may go on, but is lost.
#ifndef ENLACE_TESTS_SIM_ORACLE_H
#define ENLACE_TESTS_SIM_ORACLE_H

#include <stdio.h>

#include "tests/sim/ledger.h"
#include "tests/sim/world.h"

typedef struct oracle oracle_t;

// Watches the world from now on. The world outlives it. What nodes log goes to
// `trace`, where it is not NULL.
oracle_t *oracle_new(world_t *world, FILE *trace);
void oracle_destroy(oracle_t **oracle);

// NULL: none. "I5: ..."
const char *oracle_violation(const oracle_t *oracle);
void oracle_violate(oracle_t *oracle, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// ---- what a plan has done, so that it is not taken for the nodes' fault ----

// Somebody has a copy of the node's keys, or of its whole machine: its feeds of
// this epoch may fork.
void oracle_may_fork(oracle_t *oracle, size_t node);
bool oracle_forks(const oracle_t *oracle, const origin_t *origin, uint32_t epoch);
bool oracle_forks_now(const oracle_t *oracle, size_t node); // in its current epoch
// Made by the plan with a key of the origin's.
void oracle_forged(oracle_t *oracle, const commit_t *commit);
// Made by the node, which did not get to tell of it itself.
void oracle_wrote(oracle_t *oracle, const commit_t *commit);
// The node's disk is another one now: what it held before does not bind it.
void oracle_forget(oracle_t *oracle, size_t node);
// The node's disk was damaged: what it says is not its fault until forgotten.
void oracle_distrust(oracle_t *oracle, size_t node);
// A message between the two was altered on its way: their credit is not what either
// thinks.
void oracle_altered(oracle_t *oracle, size_t from, size_t to);
bool oracle_is_altered(const oracle_t *oracle, size_t from, size_t to);
// A roster that its members have really voted for; a card that its root signed.
void oracle_admit_roster(oracle_t *oracle, const hash_t *hash);
void oracle_admit_card(oracle_t *oracle, const hash_t *hash);

const ledger_t *oracle_ledger(const oracle_t *oracle);

// ---- for the parts of the oracle ----
world_t *oracle_world(const oracle_t *oracle);
bool oracle_trusts(const oracle_t *oracle, size_t node);

uint64_t oracle_packed(const oracle_t *oracle); // runs that went packed

#endif
