// A coalition in one process, under virtual time: the production core, driver
// and store over simulated disks (disk.h) and a simulated network (network.h).
// Deterministic: everything random comes from the world's seed, and each node
// draws from a sequence of its own.
//
// What a node is given as time is its own: a monotonic clock that begins anew
// with each boot, and a wall clock that may be wrong by years.
#ifndef ENLACE_TESTS_SIM_WORLD_H
#define ENLACE_TESTS_SIM_WORLD_H

#include "daemon/driver.h"
#include "lib/marker.h"
#include "tests/sim/disk.h"
#include "tests/sim/network.h"

enum { WORLD_NODES_MAX = 48, WORLD_CARDS_MAX = 24 };

typedef struct world world_t;

world_t *world_new(uint64_t seed);
// The same for who makes many: the schema is made once, every disk starts as a
// copy of it.
disk_image_t *world_empty_store(void);
world_t *world_new_on(uint64_t seed, const disk_image_t *empty);
// With room for more nodes than WORLD_NODES_MAX.
world_t *world_new_sized(uint64_t seed, size_t most);
void world_destroy(world_t **world);

// A node with keys derived from its code; not running yet. Returns its index.
size_t world_add(world_t *world, const char *code, bool listening);
void world_dial(world_t *world, size_t from, size_t to);
// The charter of all nodes added so far, created by the first, accepted by all.
void world_found(world_t *world, uint32_t threshold);

void world_start(world_t *world, size_t node);
void world_start_all(world_t *world);
void world_stop(world_t *world, size_t node);  // in good order; its store stays
void world_close(world_t *world, size_t node); // the store of a node that does not run
// The process dies between two turns, or the machine loses power.
typedef enum { DEATH_KILL, DEATH_POWER } death_t;
void world_die(world_t *world, size_t node, death_t how);
// The same at the n-th operation on its disk from now on.
void world_die_at(world_t *world, size_t node, death_t how, uint64_t operation);
// So it died while somebody else, a second process, was at its disk: noticed now.
void world_bury(world_t *world, size_t node);
bool world_running(const world_t *world, size_t node);
// Why a node could not be started last; ERR_OK.
err_t world_refused(const world_t *world, size_t node);

void world_run(world_t *world, uint64_t ms);
uint64_t world_now(const world_t *world);
uint64_t world_node_now(const world_t *world, size_t node);
// Runs until the running nodes have equal digests and say that they are in
// step; false after `ms`.
bool world_settle(world_t *world, uint64_t ms);
// From now on nodes that start have runs of so many bytes or more read aside, which takes
// a while; 0, as at first: none.
void world_prepare(world_t *world, size_t from);
// Wall clock of one node against the others'.
void world_set_clock(world_t *world, size_t node, int64_t skew_ms);

// One record of its own by its author, written through the core; the reason.
err_t world_put(world_t *world, size_t node, const char *key, const char *name);
err_t world_put_sized(world_t *world, size_t node, const char *key, size_t bytes);
err_t world_append(world_t *world, size_t node, const draft_t *drafts, size_t count);
err_t world_consent(world_t *world, size_t node);      // to the charter, in lane 0
buf_t world_record(const char *key, const char *name); // an encoded Record
// Where the last acknowledged write of a node begins.
uint64_t world_written(const world_t *world, size_t node);

hash_t world_digest(world_t *world, size_t node); // heads and view digest, hashed
uint64_t world_head(world_t *world, size_t node, size_t origin, uint32_t lane);
uint64_t world_count(world_t *world, size_t node, err_t reason); // counter in its status
err_t world_writing(world_t *world, size_t node);

void world_tamper(world_t *world, tamper_fn fn, void *context);
// Bytes a second from one node to another, in order; 0: no bound.
void world_rate(world_t *world, size_t from, size_t to, uint64_t bytes_per_s);
void world_partition(world_t *world, size_t a, size_t b, bool cut);

// ---- who watches: told at the moments that count ----
typedef struct {
    void *context;
    void (*turn)(void *context, size_t node); // a turn is on disk and out
    void (*leaves)(void *context, size_t from, size_t to, bool publication, span_t bytes);
    void (*arrives)(void *context, const arrival_t *arrival, bool before);
    void (*started)(void *context, size_t node);
    void (*log)(void *context, size_t node, int level, const char *text);
} watcher_t;
void world_watch(world_t *world, const watcher_t *watcher);

// ---- the parts, for stories that reach deeper ----
size_t world_nodes(const world_t *world);
network_t *world_network(world_t *world);
disk_t *world_disk(world_t *world, size_t node);
store_t *world_store(world_t *world, size_t node); // opened where it is closed
core_t *world_core(world_t *world, size_t node);
const card_t *world_card(world_t *world, size_t node);
const char *world_code(const world_t *world, size_t node);
const secret_t *world_signing(world_t *world, size_t node);
const secret_t *world_root(world_t *world, size_t node);
secret_t *world_first_signing(const world_t *world, size_t node); // of card 1; caller frees
const roster_t *world_roster(world_t *world);                     // the charter
// A new card of a stopped node, signed by its root, into its own store: what an
// operator does offline. Takes the card and the signing key; false: the disk
// failed, and it is as it was.
bool world_replace_card(world_t *world, size_t node, card_t *card, secret_t *signing);
// The same while it runs, as `enlace epoch start` does it; and what `enlace origin
// recover --accept` does. The reason, as the operator is told.
err_t world_epoch(world_t *world, size_t node, card_t *card, secret_t *signing);
err_t world_accept(world_t *world, size_t node);
// All its cards after the first into a store that was founded anew.
void world_restore_cards(world_t *world, size_t node);
// Hash of the card that started a node's current epoch.
hash_t world_start_hash(const world_t *world, size_t node);
// The disk of a node that does not run becomes what an image holds: its files are
// restored ones, which the boot marker finds out.
void world_load_disk(world_t *world, size_t node, const disk_image_t *image);
// The next place becomes a copy of a node's machine, with its keys and dials; not
// running yet.
void world_clone(world_t *world, size_t of, const disk_image_t *image);
// What its boot marker says now; false: there is none, or it is damaged.
bool world_marker(const world_t *world, size_t node, marker_t *marker);
// A disk with the charter and nothing else.
const disk_image_t *world_founded(const world_t *world);
// A copy of a node's machine, to put it back as a whole later, boot marker and all:
// nothing on it can tell.
void world_save(world_t *world, size_t node);
void world_restore(world_t *world, size_t node);
// Hands a node an encoded link message as if it came from a peer in session.
void world_inject(world_t *world, size_t node, size_t from, message_t *message);
// Likewise a publication.
void world_publish_to(world_t *world, size_t node, size_t from, span_t publication);

#endif
