// What the files of an import share.
#ifndef ENLACE_DAEMON_IMPORT_INTERNAL_H
#define ENLACE_DAEMON_IMPORT_INTERNAL_H

#include "daemon/control/import.h"
#include "daemon/control/staging.h"

typedef enum { STAGE_LINES, STAGE_CHECK, STAGE_WRITE } stage_t;

typedef struct {
    uint64_t created, edited, unchanged, retracted;
} counts_t;

struct import {
    staging_t *staging;
    store_t *store;
    origin_t self;
    char own[CODE_MAX + 1];
    char node[CODE_MAX + 1]; // whose lines are mine, as the file says it
    char lang[36];
    stage_t stage;
    char owner[CODE_MAX + 1]; // what owner_of_key gave last
    uint64_t next_line;       // number that the next line must have
    uint64_t lines, bytes;
    uint64_t staged, skipped, checked;
    staging_at_t at; // check, write: how far lines are done with
    uint64_t line;   // of the last refusal
    counts_t counts;
    bool done;
    // What the lines come to holds while this node's own log is what it was.
    bool looked;     // at the log: the rest is set
    bool fresh;      // what was settled holds
    bool early;      // check: so does what was settled when the lines came
    uint64_t length; // of the log, but for what is not this import's
    uint64_t undone; // turns by then, in which lines may have been settled
    // the batch that is out
    bool writing;
    staging_at_t batch_end;
    counts_t batch_counts;
    bool batch_last;
    size_t draft_count;
    size_t commits;     // that the drafts come to
    commit_room_t room; // what the drafts have taken of the last one
    draft_t drafts[IMPORT_BATCH_COMMITS * COMMIT_CHANGES_MAX];
    uint8_t *bodies; // of all drafts; NULL before the first batch
    size_t body_bytes;
};

// The author whose lines these are; keys NULL: references are not looked at.
author_t import_author(import_t *import, const roster_t *roster, const file_keys_t *keys);

// Looks whether anybody else has written since the import looked last; holds the store,
// which the caller lets go.
err_t import_look(import_t *import, fault_t *fault);

#endif
