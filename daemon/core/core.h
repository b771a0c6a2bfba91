// The core: what a node decides. Pure: no clock, no random, no socket, no file.
// An event goes in (with the time and the randomness in it), effects come out
// as values. One instance struct, no file-level state, so that a hundred nodes
// fit into one test process.
//
// A turn is any number of core_step calls followed by EVENT_COMMITTED or
// EVENT_ROLLED_BACK; after the latter the core is where it was when the turn
// began, as far as anything durable goes.
//
// Ownership: the core copies what it keeps of an event; effects own what they
// carry (effects_clear). Snapshot and options given to core_new stay the caller's.
#ifndef ENLACE_DAEMON_CORE_H
#define ENLACE_DAEMON_CORE_H

#include "daemon/core/effect.h"
#include "daemon/core/event.h"
#include "daemon/core/status.h"

typedef struct core core_t;

typedef struct {
    char code[CODE_MAX + 1]; // empty: the member whose card advertises the endpoint
    const char *endpoint;
} core_dial_t;

typedef struct {
    origin_t self;
    const secret_t *signing; // the caller's, outlives the core; see EVENT_EPOCH
    bool listening;          // others may dial us: we publish
    size_t prepare_from;     // runs of so many bytes or more are prepared aside; 0: none
    size_t dial_count;
    const core_dial_t *dials;
    // What the boot marker says (lib/marker.h): ERR_RESTORED fences this node before
    // it does anything; why, and how far its own feeds had come, as far as is known.
    err_t boot;
    const char *boot_detail;
    size_t boot_count;
    const position_t *boot_heads;
} core_options_t;

// What the store knows: see store.h, snapshot_t, which has these shapes.
typedef struct {
    head_t head;
    uint64_t time_ms;
    err_t stopped;
    uint64_t stopped_ms;
    proof_t proof;
} core_feed_t;
typedef struct {
    size_t roster_count;
    roster_t *const *rosters; // from version 1, at least one
    size_t card_count;
    card_t *const *cards; // this node's own among them
    size_t feed_count;
    const core_feed_t *feeds;
    err_t fence;
    uint64_t fence_ms;
    const char *fence_detail;
} core_snapshot_t;

core_t *core_new(const core_options_t *options, const core_snapshot_t *snapshot, uint64_t now_ms,
                 uint64_t wall_ms);
void core_destroy(core_t **core);

void core_step(core_t *core, const event_t *event, effects_t *effects);

// When the next EVENT_TICK is due, monotonic.
uint64_t core_wake_ms(const core_t *core);

// Transport keys of the other current members. Caller frees (mem_free).
size_t core_admitted(const core_t *core, pubkey_t **keys);
const roster_t *core_roster(const core_t *core); // the newest; the core's
const hash_t *core_coalition(const core_t *core);
err_t core_writing(const core_t *core,
                   const char **detail); // ERR_OK, or why this node does not write

// How far this node's own feeds have come, or had come before it was fenced: what
// the boot marker is to say. Only durable heads, between turns. Caller frees (mem_free).
size_t core_own_heads(const core_t *core, position_t **heads);
uint64_t core_own_moves(const core_t *core); // rises whenever those may have changed
// A picture of the moment, for people. Caller frees with status_clear.
void core_status(const core_t *core, uint64_t now_ms, status_t *status);
void core_recovery(const core_t *core, recovery_t *recovery); // recovery_clear
// This node's newest card, the core's; and the heads of its feeds in that epoch that
// have a change. Caller frees (mem_free).
const card_t *core_own_card(const core_t *core);
size_t core_own_ends(const core_t *core, head_t **heads);

#endif
