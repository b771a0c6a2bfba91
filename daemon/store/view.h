// Projection: what the log's changes add up to, as rows.
//
// Two ways that must end in the same rows (S2). view_apply takes one more change,
// at a cost that does not grow with the record's history but for a retraction
// that arrives late. view_visit makes a record anew from all of its changes;
// rebuild and verify use it, and view_apply where it must.
#ifndef ENLACE_DAEMON_STORE_VIEW_H
#define ENLACE_DAEMON_STORE_VIEW_H

#include "daemon/store/kind_block.h"
#include "daemon/store/view_rows.h"

// Raised whenever the same log would give other rows: the fold's rules, the
// columns, what content_read makes of a payload, what record_decode refuses. A
// store whose view was made by another version is folded again when it is opened.
#define VIEW_VERSION 2

typedef struct {
    sql_t *sql;
    hash_t digest;   // sum over the rows; whoever owns the view keeps it in `meta`
    int64_t records; // rows; -1: not counted
    kind_block_t block;
    view_rows_t rows; // new ones that are not written yet
} view_t;

// Rows may wait to be written after any of these; view_flush is to come before they are
// looked for. What view_drop forgets was of a turn that is taken back.
err_t view_flush(view_t *view, fault_t *fault);
void view_drop(view_t *view);

// A change that was just appended to the log. `later_epochs`: see
// entry_later_epochs; only then can anything have waited for it.
err_t view_apply(view_t *view, const entry_t *entry, bool later_epochs, fault_t *fault);
// A payload that was missing is here now.
err_t view_refill(view_t *view, int64_t change, fault_t *fault);

// Makes anew what depends on this change. One that does not exist, or does not create
// what a row says it creates, leaves no row.
err_t view_visit(view_t *view, int64_t change, fault_t *fault);
// Visits those after `after` up to and including `until`. `settled`: a view that began
// empty is made from all changes, each visited once. No row is looked for, and a
// revision is passed over: the visit of its creation takes it in, or has done so.
err_t view_visit_range(view_t *view, int64_t after, int64_t until, bool settled, fault_t *fault);

#endif
