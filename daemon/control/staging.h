// Lines of a file that is being imported, kept until all of it has come, and then until
// they are written: the keys of all, and of this node's own what they say and what they
// come to.
//
// Invariants: a node gives a key once; lines come in rising order, and so does what they
// come to. One thread at a time. Errors: DISK_FULL, DISK_ERROR; after any of them the
// staging is to be closed.
#ifndef ENLACE_DAEMON_STAGING_H
#define ENLACE_DAEMON_STAGING_H

#include "daemon/control/author.h"
#include "lib/bytes.h"

#define STAGING_KIND_MAX 39u
#define STAGING_KEY_MAX  71u

typedef struct staging staging_t;

staging_t *staging_new(void);
void staging_destroy(staging_t **staging);

// What a line comes to, and where it is an edit of which record.
typedef struct {
    bool known;
    authored_act_t act;
    position_t id;
} outcome_t;

typedef struct {
    uint64_t number;  // from 1; 0: none
    const char *node; // code of whose it is
    const char *kind;
    const char *key; // NULL: none
    bool mine;
    bool encoded; // the text is a Record already, not JSON
    outcome_t outcome;
    span_t text; // kept where it is mine
} staged_line_t;

// KEY_TAKEN where that node has given the key before, at line *taken.
err_t staging_add(staging_t *staging, const staged_line_t *line, uint64_t *taken, fault_t *fault);
// What the line comes to that staging_next gave last; `text` is the Record to be written
// or, without data, the one that the line was.
err_t staging_settle(staging_t *staging, uint64_t number, const outcome_t *outcome, span_t text,
                     fault_t *fault);

// How many nodes give this key (2 stands for any number more than one), and the first of them.
size_t staging_owners(const staging_t *staging, const char *key, code_t *first);
// The kind that a node's line with this key names; NULL where there is no such line.
const char *staging_kind(const staging_t *staging, const char *node, const char *key);

// How far the lines have been gone through; {0}: none yet.
typedef struct {
    uint64_t line, outcome; // where the next ones stand
} staging_at_t;

// The next line that is mine, with number, encoded, outcome and text only, and what was
// settled in place of what came; its text lasts until the staging is used again.
err_t staging_next(staging_t *staging, staging_at_t *at, staged_line_t *line, fault_t *fault);

#endif
