// A run before it is run: who is there, who dials whom, and what happens in
// which order. Made of a seed alone, so that a seed is a run; a run that fails
// is made smaller by leaving steps out, and each step chooses by its own number
// whatever else was left out.
//
// The list of steps is in one place: STEPS. Its weights say how often a step is
// drawn, of the sum of all.
#ifndef ENLACE_TESTS_SIM_PLAN_H
#define ENLACE_TESTS_SIM_PLAN_H

#include <stdio.h>

#include "tests/sim/dice.h"

// clang-format off
#define STEPS(X)                                                                                   \
    /* writing */                                                                                  \
    X(PUT,            put,            520, "a node writes a record")                               \
    X(PUT_BIG,        put_big,         30, "a node writes more than a publication carries")        \
    X(PUT_MANY,       put_many,        30, "a node writes several changes at once")                \
    X(REVISE,         revise,          80, "a node revises a record of its own")                   \
    X(RETRACT,        retract,         30, "a node retracts a record of its own")                  \
    X(PUT_NEWER,      put_newer,       20, "a node of a newer version writes what others cannot read") \
    /* the network */                                                                              \
    X(CUT,            cut,             20, "two nodes are parted")                                 \
    X(CUT_ONE_WAY,    cut_one_way,     20, "one node is heard no more by another")                 \
    X(MEND,           mend,            50, "a line is good again")                                 \
    X(BREAK_LINK,     break_link,      30, "a connection breaks")                                  \
    X(HALF_OPEN,      half_open,       15, "a connection breaks at one end")                       \
    X(SLOW,           slow,            12, "a line carries 9.6 to 64 kbit/s")                      \
    X(BULK,           bulk,             3, "a slow line has much to carry from the start of a session") \
    X(HIGH_WATER,     high_water,       8, "a slow line with short queues")                        \
    X(LOSE,           lose,            15, "publications get lost")                                \
    X(TWICE,          twice,           10, "publications come twice")                              \
    X(DEAFEN,         deafen,          12, "a subscription gets lost")                             \
    X(DELAY,          delay,           15, "a line is late, and not evenly")                       \
    X(STALE,          stale,           15, "a queue outlives its connection")                      \
    X(FLIP_WIRE,      flip_wire,       10, "a bit flips on the wire")                              \
    X(GARBAGE,        garbage,         10, "a member sends what is no message")                    \
    /* life */                                                                                     \
    X(STOP,           stop,            12, "a node is stopped")                                    \
    X(START,          start,           70, "nodes that are off are started")                       \
    X(KILL,           kill,            15, "a node is killed between two turns")                   \
    X(KILL_AT,        kill_at,         20, "a node is killed at an operation on its disk")         \
    X(POWER,          power,           10, "a machine loses power")                                \
    X(POWER_AT,       power_at,        20, "a machine loses power at an operation on its disk")    \
    X(CLOCK,          clock,           15, "a clock jumps by hours or years, either way")          \
    X(WAIT,           wait,            20, "time passes")                                          \
    /* disks */                                                                                    \
    X(DISK_FULL,      disk_full,       10, "a disk is full for a while")                           \
    X(DISK_ERROR,     disk_error,      10, "a disk fails for a while")                             \
    X(SHORT_WRITE,    short_write,      8, "a write is cut short")                                 \
    X(SYNC_FAIL,      sync_fail,       10, "a sync fails")                                         \
    X(FLIP_DISK,      flip_disk,        2, "a bit flips on a disk")                                \
    X(BACK_UP,        back_up,         12, "a backup is taken of a node")                          \
    X(RESTORE,        restore,          7, "a node is restored from its backup")                   \
    X(CLONE,          clone,            2, "a copy of a machine is started beside it")             \
    /* membership */                                                                               \
    X(ROTATE,         rotate,          10, "a node gets a new signing key")                        \
    X(REMOVE,         remove,           4, "a member is removed, up to a cut")                     \
    X(AMEND,          amend,            9, "a new version of the roster, with votes")              \
    X(EPOCH,          epoch,            6, "a root key starts a new epoch, with cuts")             \
    /* the adversary */                                                                            \
    X(TURN_HOSTILE,   turn_hostile,    14, "a relay alters, withholds, replays, reorders or denies") \
    X(TURN_HONEST,    turn_honest,     20, "hostile relays are honest again")                      \
    X(FOREIGN,        foreign,          8, "a commit signed for another coalition comes")          \
    X(FORGE,          forge,            8, "a commit under somebody else's key comes")             \
    X(STEAL,          steal,            3, "a stolen key signs another change number 1")           \
    X(USURP,          usurp,            8, "a roster with too few votes, or a card without its root, comes") \
    X(CLAIM,          claim,            8, "a member claims what it does not hold")                \
    X(OLD_KEY,        old_key,         12, "a change under a key that was replaced comes")         \
    X(BACKWARDS,      backwards,        6, "an origin signs a change older than its last")         \
    X(TWICE_AT_ONCE,  twice_at_once,    4, "two processes write to one database")                  \
    X(FLOOD,          flood,            2, "a source sends parts without end")
// clang-format on

typedef enum {
#define STEP_ENUM(upper, lower, weight, text) STEP_##upper,
    STEPS(STEP_ENUM)
#undef STEP_ENUM
        STEP_TYPES
} step_type_t;

typedef struct {
    step_type_t type;
    size_t number; // its place in the whole plan: what it chooses by
    size_t node, peer;
    uint64_t wait_ms; // after it
} step_t;

enum { PLAN_NODES_MAX = 40, PLAN_DIALS_MAX = 3, PLAN_STEPS_MIN = 200, PLAN_STEPS_MORE = 40 };

typedef struct {
    uint64_t seed;
    size_t nodes, hubs; // the first `hubs` listen
    uint32_t threshold;
    size_t dial_counts[PLAN_NODES_MAX];
    size_t dials[PLAN_NODES_MAX][PLAN_DIALS_MAX];
    size_t step_count;
    step_t *steps;
} plan_t;

const char *step_name(step_type_t type);
const char *step_text(step_type_t type);

// `nodes` 0: drawn, mostly 5.
plan_t *plan_new(uint64_t seed, size_t nodes);
plan_t *plan_without(const plan_t *plan, size_t first, size_t count); // steps left out
void plan_keep(plan_t *plan, const size_t *numbers, size_t count);    // only steps of these numbers
void plan_destroy(plan_t **plan);
void plan_print(const plan_t *plan, FILE *out);
// What plan_print wrote, whatever the table of steps has become since; NULL: it is
// none, or a step has gone.
plan_t *plan_read(FILE *in);

#endif
