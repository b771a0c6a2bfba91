// State machines as data: what may happen to a thing, written down once. The
// tables drive the code and are those of docs/protocol.md, section 11, word by
// word: tests/unit/test_protocol_doc.c compares them both ways.
//
// Every change of a state goes through machine_move, which gives the next state
// and asserts that the table knows it: an event that a state does not take is a
// fault of ours. What comes from outside is judged before it becomes an event.
//
// States and events are enums from 0, so that a name is found by its number. No
// two rows share state and event: what decides between two outcomes is part of
// the event.
#ifndef ENLACE_DAEMON_CORE_MACHINE_H
#define ENLACE_DAEMON_CORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

typedef struct {
    uint8_t state, event, next;
    const char *action; // what is done, for the reader; what does it is beside the table
} machine_row_t;

typedef struct {
    const char *name; // of the heading in the document
    size_t state_count, event_count, row_count;
    const char *const *states; // names, by number
    const char *const *events;
    const machine_row_t *rows;
} machine_t;

// For tables that are arrays.
#define MACHINE(title, state_names, event_names, table)                                            \
    {                                                                                              \
        .name = (title), .state_count = sizeof(state_names) / sizeof *(state_names),               \
        .event_count = sizeof(event_names) / sizeof *(event_names),                                \
        .row_count = sizeof(table) / sizeof *(table), .states = (state_names),                     \
        .events = (event_names), .rows = (table)                                                   \
    }

unsigned machine_move(const machine_t *machine, unsigned state, unsigned event);
bool machine_takes(const machine_t *machine, unsigned state, unsigned event);

extern const machine_t session_machine;  // sessions.c
extern const machine_t follower_machine; // sources.c
extern const machine_t own_machine;      // own.c
extern const machine_t fence_machine;    // fence.c
extern const machine_t fork_machine;     // feeds.c

// All of them, for whoever compares or draws them; NULL ends the list.
extern const machine_t *const core_machines[];

// Why a session in this state does not take a link message of this type
// (message_type_t); ERR_OK where it does.
err_t session_refusal(unsigned state, unsigned type);

#endif
