// A plan being carried out: the world, who watches it, and what steps have left
// behind. Steps act through this; each returns whether it really did something,
// which is counted: a fault that never fires proves nothing.
#ifndef ENLACE_TESTS_SIM_PLAY_H
#define ENLACE_TESTS_SIM_PLAY_H

#include "daemon/core/state.h"
#include "tests/sim/oracle.h"
#include "tests/sim/plan.h"

// What a relay does to what it passes on.
typedef enum {
    HONEST,
    ALTERS,    // a byte
    WITHHOLDS, // of one origin
    REPLAYS,   // what it sent earlier
    REORDERS,  // two messages
    DENIES,    // says of payloads that are present that they are erased or missing
    STALLS,    // claims, and sends nothing of it
    HOSTILITIES
} hostility_t;

typedef struct {
    hostility_t how;
    origin_t victim; // whose changes it withholds
    buf_t kept;      // what it replays, or has held back
    bool kept_publication;
    size_t kept_for;
} hostile_t;

typedef struct {
    const plan_t *plan;
    world_t *world;
    oracle_t *oracle;
    dice_t dice;      // of the step that is being taken
    dice_t wire;      // of what hostile relays do
    roster_t *roster; // the newest that its members have voted for
    size_t older_count, older_capacity;
    roster_t **older; // those before it, from the charter on: their authors keep them
    hostile_t hostile[PLAN_NODES_MAX + 1];
    bool flip[PLAN_NODES_MAX + 1][PLAN_NODES_MAX + 1]; // a bit of the next message
    bool liar[WORLD_NODES_MAX + 1];                    // something false was said in its name
    bool newer[PLAN_NODES_MAX + 1];  // runs the next version: its messages have fields more
    bool forgot[PLAN_NODES_MAX + 1]; // it was restored, or got a new disk
    bool removed[PLAN_NODES_MAX + 1], damaged[PLAN_NODES_MAX + 1];
    // While a hub stays hostile: it, and whoever reaches the others by it alone.
    bool apart[PLAN_NODES_MAX + 1];
    disk_image_t *backups[PLAN_NODES_MAX + 1];
    size_t clone_of; // whose copy the node after the last is; none: plan->nodes
    bool cloned;
    uint64_t writes, refused_writes;
    uint64_t fired[STEP_TYPES];
    uint64_t hostilities[HOSTILITIES];
    uint64_t newer_messages, wire_flips, lifted[2]; // fences, by accepting and by a new epoch
    FILE *trace;                                    // NULL: none
} play_t;

typedef bool (*step_fn)(play_t *play, const step_t *step);
#define STEP_DECLARE(upper, lower, weight, text)                                                   \
    bool step_##lower(play_t *play, const step_t *step);
STEPS(STEP_DECLARE)
#undef STEP_DECLARE

void play_note(play_t *play, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- what steps share (play_common.c) ----
// The node's disk is another one now.
void play_forget(play_t *play, size_t node);
void play_may_forget(play_t *play, size_t node); // what is on it nobody knows any more
// Somebody was restored, or has begun to withhold: whom a restored node asks may keep
// from it what it had written.
void play_may_be_lied_to(play_t *play);
size_t play_places(const play_t *play); // nodes, and the clone where there is one
bool play_is_up(const play_t *play, size_t node);
// Somebody that the node has a line with: one that it dials, or that dials it.
size_t play_partner(play_t *play, size_t node);
line_t *play_line(play_t *play, size_t from, size_t to);
// The node's own feed in its current epoch, and where it stands.
feed_t play_own_feed(const play_t *play, size_t node, uint32_t lane);
head_t play_head(const play_t *play, size_t node, const feed_t *feed);
// Says a message to `node` as if `from` had, within their session; false: there is none.
bool play_say(play_t *play, size_t node, size_t from, message_t *message);
// Brings a commit to `node` by way of `from`: published, or as a proof.
bool play_bring(play_t *play, size_t node, size_t from, const commit_t *commit);
// A new epoch of a node that runs, cut at what it holds; its root's doing.
err_t play_start_epoch(play_t *play, size_t node);
bool play_tell_roster(play_t *play, size_t node, const roster_t *roster);
// Somebody whom the node has an open session with; false: nobody.
bool play_peer_of(play_t *play, size_t node, size_t *peer);
// The session that `node` has with the one at `from`; NULL.
const session_t *play_session(const play_t *play, size_t node, size_t from);

// ---- a whole run (play.c) ----
typedef struct {
    char *violation; // NULL: none. Owned
    uint64_t steps, writes, refused_writes, commits, virtual_ms;
    uint64_t verified, remembered; // signatures: computed, and known already (memo.h)
    uint64_t fired[STEP_TYPES];
    uint64_t net[NET_COUNT_END];
    uint64_t disk[DISK_KINDS];
    uint64_t hostilities[HOSTILITIES];
    uint64_t lifted[2], newer_messages, wire_flips, packed,
        behind;    // behind: members that were several rosters behind
    uint64_t hash; // over the disks at the end, where asked for: the same for the same seed
    bool hashed;
} result_t;

void play_run(const plan_t *plan, const disk_image_t *empty, FILE *trace, bool hash,
              result_t *result);
void result_clear(result_t *result);

// ---- after the last step (healing.c) ----
// Lines mended, disks whole, operators at work: then the world must converge. First,
// now and then, around a hub that stays hostile (L4).
void play_heal(play_t *play);
void play_check_end(play_t *play);

// hostile.c: what hostile relays and bad wires do to what leaves.
bool play_turn_honest(play_t *play, size_t node); // false: it was
bool hostile_tamper(void *context, size_t from, size_t to, bool publication, buf_t *bytes);
const char *hostility_name(hostility_t how);

#endif
