// What the files of an import share.
#ifndef ENLACE_DAEMON_IMPORT_INTERNAL_H
#define ENLACE_DAEMON_IMPORT_INTERNAL_H

#include "daemon/control/import.h"
#include "daemon/store/staging.h"

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
    uint64_t at;   // check, write: the last line that is done with
    uint64_t line; // of the last refusal
    counts_t counts;
    bool done;
    // the batch that is out
    bool writing;
    uint64_t batch_end;
    counts_t batch_counts;
    bool batch_last;
    size_t draft_count;
    commit_room_t room; // what the drafts have taken of the commit's
    draft_t drafts[COMMIT_CHANGES_MAX];
    buf_t bodies[COMMIT_CHANGES_MAX];
};

#endif
