// The fence: whether this node may write. It keeps I5, no self-equivocation: a
// node that was restored, copied or rolled back must not sign numbers anew that
// it has given already.
//
// The machine's table is in fence.c, its words in docs/protocol.md, section 11.
// A fence is on disk before anything else of its turn is; it outlives a turn that
// is taken back, and is written again. That it has gone counts once it is on disk.
#ifndef ENLACE_DAEMON_CORE_FENCE_H
#define ENLACE_DAEMON_CORE_FENCE_H

#include "daemon/core/core.h"
#include "daemon/core/machine.h"

typedef enum {
    FENCE_OPEN,     // it writes
    FENCE_RESTORED, // the database is another one: goes when all have told and all is back
    FENCE_LATER,    // a later change of its own exists: only the operator, or a new epoch
    FENCE_FORKED,   // two changes with one number: only a new epoch
    FENCE_LIFTING,  // it goes with this turn
} fence_state_t;

typedef enum {
    FENCE_ON_COPIED,        // at the start: the boot marker does not agree
    FENCE_ON_LATER,         // a later commit of its own, or its own signed word on one
    FENCE_ON_CARD,          // a newer card of its own
    FENCE_ON_FORK,          // a different commit of its own, signed, with a number it has given
    FENCE_ON_TOLD,          // all have told, and all that was told of is here
    FENCE_ON_ACCEPTED,      // the operator accepts
    FENCE_ON_EPOCH,         // the operator has started an epoch
    FENCE_ON_DURABLE,       // the turn is on disk
    FENCE_ON_BACK_RESTORED, // the turn was taken back; what it was before
    FENCE_ON_BACK_LATER,
    FENCE_ON_BACK_FORKED,
} fence_event_t;

// How far an own feed is known to go.
typedef struct {
    position_t at;
    bool is_signed; // by this node's own key
} floor_t;

typedef struct {
    fence_state_t state;
    fence_state_t cause; // of the fence; what LIFTING goes back to
    uint64_t since_ms;   // wall clock
    char detail[192];
    bool owed; // not on disk yet
    bool out;  // this turn writes it
    size_t floor_count, floor_capacity;
    floor_t *floors;
} fence_t;

#endif
