// A small network in one process, under virtual time: the production core,
// driver and store (SQLite in memory) over links that lose what ZeroMQ loses.
// Deterministic: everything random comes from the world's seed.
#ifndef ENLACE_TESTS_SIM_WORLD_H
#define ENLACE_TESTS_SIM_WORLD_H

#include "daemon/driver.h"

enum { WORLD_NODES_MAX = 12, WORLD_DIALS_MAX = 4 };

typedef struct world world_t;

// What a test may do to bytes on their way; false drops them. `publication`
// tells publications from link messages.
typedef bool (*tamper_fn)(void *context, size_t from, size_t to, bool publication, buf_t *bytes);

world_t *world_new(uint64_t seed);
void world_destroy(world_t **world);

// A node with keys derived from its code; not running yet. Returns its index.
size_t world_add(world_t *world, const char *code, bool listening);
void world_dial(world_t *world, size_t from, size_t to);
// The charter of all nodes added so far, created by the first, accepted by all.
void world_found(world_t *world, uint32_t threshold);

void world_start(world_t *world, size_t node);
void world_start_all(world_t *world);
void world_stop(world_t *world, size_t node); // its store stays
void world_run(world_t *world, uint64_t ms);
uint64_t world_now(const world_t *world);
// Runs until the running nodes have equal digests and say that they are in
// step; false after `ms`.
bool world_settle(world_t *world, uint64_t ms);

// One record of its own by its author, written through the core; the reason.
err_t world_put(world_t *world, size_t node, const char *key, const char *name);
err_t world_put_sized(world_t *world, size_t node, const char *key, size_t bytes);

hash_t world_digest(world_t *world, size_t node);
uint64_t world_head(world_t *world, size_t node, size_t origin, uint32_t lane);
uint64_t world_count(world_t *world, size_t node, err_t reason); // counter in its status
err_t world_writing(world_t *world, size_t node);

void world_tamper(world_t *world, tamper_fn fn, void *context);
// Bytes a second from one node to another, in order; 0: no bound.
void world_rate(world_t *world, size_t from, size_t to, uint64_t bytes_per_s);
void world_partition(world_t *world, size_t a, size_t b, bool cut);

// The parts, for stories that reach deeper.
store_t *world_store(world_t *world, size_t node);
core_t *world_core(world_t *world, size_t node);
const card_t *world_card(world_t *world, size_t node);
const secret_t *world_signing(world_t *world, size_t node);
const secret_t *world_root(world_t *world, size_t node);
const roster_t *world_roster(world_t *world);
// A copy of a node's store, to start it from later: what a restored backup is.
void world_save(world_t *world, size_t node);
void world_restore(world_t *world, size_t node);
// Hands a node an encoded link message as if it came from a peer in session.
void world_inject(world_t *world, size_t node, size_t from, message_t *message);
// Likewise a publication.
void world_publish_to(world_t *world, size_t node, size_t from, span_t publication);

#endif
