// An import: the lines of a file, staged until all have come, checked as a
// whole, then written in batches. The client asks for each step; none is long.
//
// Rules: every line is a JSON object that names its node and kind; a node's key
// stands in the file once; the lines of one node (`mine`) need a key and become
// this node's own records, the others are only looked at for whose keys they
// are. Nothing is written before every line of mine has been checked. Where others
// have written meanwhile a batch looks again at what stands.
//
// A refusal of a step before the first batch ends the import (import_line names
// the line); what a batch is refused for (no room on the disk) can be tried again.
#ifndef ENLACE_DAEMON_IMPORT_H
#define ENLACE_DAEMON_IMPORT_H

#include "daemon/control/author.h"

#define IMPORT_LINES_MAX   1000000u
#define IMPORT_BYTES_MAX   ((uint64_t)512 * 1024 * 1024)
#define IMPORT_CHECK_LINES 128u // of one step, as far as they are not checked already
#define IMPORT_STEP_LINES  4096u
#define IMPORT_STEP_BYTES  (1024u * 1024)
#define IMPORT_BATCH_LINES 1024u // looked at for one batch
// Of one batch: a turn that syncs once for them all and takes some ten milliseconds.
#define IMPORT_BATCH_COMMITS 4u

typedef struct import import_t;

// The author is copied: its store, code and language; the roster is given with
// each step. `node` NULL: this node's own lines.
err_t import_new(const author_t *author, const char *node, import_t **import, fault_t *fault);
void import_destroy(import_t **import);

// UNEXPECTED where a step comes out of order; OUT_OF_ORDER where lines are missing.
err_t import_stage(import_t *import, const roster_t *roster, const Enlace__V1__ImportLines *lines,
                   fault_t *fault);
err_t import_check(import_t *import, const roster_t *roster, bool *done, fault_t *fault);

// The changes of the next batch; none where nothing in it needs to be written,
// and then it counts as written. Drafts live until import_written or the next batch.
err_t import_batch(import_t *import, const roster_t *roster, const draft_t **drafts, size_t *count,
                   fault_t *fault);
void import_written(import_t *import);       // the batch is on disk
void import_unwritten(import_t *import);     // it is not: the next batch is the same again
bool import_writing(const import_t *import); // a batch is out

const char *import_lang(const import_t *import); // of a text that names none
// Of the line that the last refusal is about; 0: none.
uint64_t import_line(const import_t *import);
// Fills in the counters, and whether all is written.
void import_state(const import_t *import, Enlace__V1__ImportState *state);

#endif
