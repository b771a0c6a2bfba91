// A picture of the core at one moment, for people: plain values.
#ifndef ENLACE_DAEMON_CORE_STATUS_H
#define ENLACE_DAEMON_CORE_STATUS_H

#include "lib/error.h"
#include "lib/ids.h"

#define AGE_NEVER UINT64_MAX

typedef struct {
    code_t code;
    const char *state;     // up, connecting, greeting, waiting, down, never
    const char *direction; // out, in, "" where there is no session
    char *endpoint;        // owned; NULL
    uint64_t since_ms;     // how long in this state
    uint64_t heard_ms;     // age of the last message; AGE_NEVER
    err_t why;             // of the last loss or refusal
    uint64_t rtt_ms;       // AGE_NEVER before the first pong
    uint64_t bytes_in, bytes_out;
    uint64_t unacknowledged;
    bool configured;
    bool heads_heard;
    uint64_t beacon_age_ms; // AGE_NEVER
    bool beacon_late;       // nothing new for too long, although others are heard
} peer_status_t;

typedef struct {
    code_t code;
    feed_t feed;
    uint64_t number, known;
    bool known_signed;
    uint64_t behind_ms;
    const char *state; // in-step, contested, behind, fetching, stopped, cut, fenced
    err_t why;
    uint64_t stopped_ms; // wall clock; 0: it is not
    proof_t proof;       // of what stopped it, where there is one
    code_t source;       // empty: none
} feed_status_t;

typedef struct {
    err_t reason;
    uint64_t count;
    uint64_t last_ms; // age
    char last_where[96];
} counter_status_t;

typedef struct {
    code_t code;
    char *coalition_name; // owned
    hash_t coalition;
    uint32_t roster_version;
    uint32_t epoch;
    err_t writing;
    uint64_t writing_since_ms; // wall clock; 0 where it writes
    char writing_detail[192];
    size_t peer_count;
    peer_status_t *peers;
    size_t feed_count;
    feed_status_t *feeds;
    size_t counter_count;
    counter_status_t *counters;
    bool synced;
    size_t missing_count;
    char **missing; // owned sentences
} status_t;

void status_clear(status_t *status);

// The fence, for its operator.
typedef struct {
    code_t code;
    char *endpoint;   // owned; NULL: not configured
    uint64_t told_ms; // wall clock; 0: it has not answered
    bool here;        // all that it has told of is held here
    err_t why;
    size_t told_count;
    head_t *told; // owned
} teller_t;

typedef struct {
    position_t held; // number: held here
    uint64_t known;
    bool known_signed;
} own_end_t;

typedef struct {
    err_t fence;
    uint64_t since_ms;
    char detail[192];
    err_t accept;  // why it cannot be accepted now; ERR_OK: it can
    char *missing; // owned; empty: nothing
    size_t teller_count;
    teller_t *tellers; // owned
    size_t own_count;
    own_end_t *own; // owned
} recovery_t;

void recovery_clear(recovery_t *recovery);

#endif
