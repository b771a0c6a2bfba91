// Lines of a file that is being imported, kept until all of it has come: a
// private temporary database, in memory while it is small and on disk beyond
// that, gone when it is closed (or when the process dies).
//
// Invariants: a node gives a key once; lines come in rising order; the text of
// a line is kept only where the line is to be written here. One thread at a time.
// Errors: DISK_FULL, DISK_ERROR; after any of them the staging is to be closed.
#ifndef ENLACE_DAEMON_STAGING_H
#define ENLACE_DAEMON_STAGING_H

#include "lib/bytes.h"
#include "lib/ids.h"

#define STAGING_KIND_MAX 39u
#define STAGING_KEY_MAX  71u

typedef struct staging staging_t;

err_t staging_open(staging_t **staging, fault_t *fault);
void staging_close(staging_t **staging);

typedef struct {
    uint64_t number;  // from 1
    const char *node; // code of whose it is
    const char *kind;
    const char *key; // NULL: none
    bool mine;
    bool encoded; // the text is a Record already, not JSON
    span_t text;  // kept where it is mine
} staged_line_t;

// KEY_TAKEN where that node has given the key before, at line *taken.
err_t staging_add(staging_t *staging, const staged_line_t *line, uint64_t *taken, fault_t *fault);

// How many nodes give this key (2 stands for any number more than one), and the first of them.
err_t staging_owners(staging_t *staging, const char *key, size_t *owners, code_t *first,
                     fault_t *fault);
// The kind that a node's line with this key names; empty where there is no such line.
err_t staging_kind(staging_t *staging, const char *node, const char *key,
                   char kind[STAGING_KIND_MAX + 1], fault_t *fault);

// The next line that is mine, after a number; *number is 0 where there is none.
// `text` is replaced.
err_t staging_next(staging_t *staging, uint64_t after, uint64_t *number, bool *encoded, buf_t *text,
                   fault_t *fault);
// Puts a Record in place of a line's text.
err_t staging_replace(staging_t *staging, uint64_t number, span_t text, fault_t *fault);

#endif
