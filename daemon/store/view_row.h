// Rows of the view: a record, its references, what is parked.
//
// The SQL names tables without their schema, so that it runs on the store and, in
// verify, on a scratch database with the log attached.
#ifndef ENLACE_DAEMON_STORE_VIEW_ROW_H
#define ENLACE_DAEMON_STORE_VIEW_ROW_H

#include "daemon/store/content.h"
#include "daemon/store/entry.h"
#include "daemon/store/fold.h"
#include "daemon/store/kind_block.h"

typedef struct {
    int64_t id;           // the change that created it
    int64_t origin, feed; // rows
    origin_t origin_id;
    position_t at;
    fold_t fold;
    int64_t stands, newest;
    int64_t content; // 0: nothing readable
    position_t content_at;
    hash_t commitment; // of the change that stands
    uint64_t created_ms, changed_ms;
    err_t note;
    bool anchored; // the creation is readable: kind and key are its
    unsigned kind; // tag; 0: none
    bool example;
    char *key, *label; // owned; NULL: none
} view_row_t;

void view_row_begin(view_row_t *row, const entry_t *creation);
void view_row_clear(view_row_t *row);
hash_t view_row_term(const view_row_t *row);
// The change became the one that stands, the newest, or neither: row->fold says.
void view_row_place(view_row_t *row, const entry_t *entry);
// Takes what a counting revision says into the row, where it may; content->why
// becomes what it is parked for. `adopted` tells that the row's content is now this.
void view_row_read(view_row_t *row, const entry_t *entry, content_t *content, bool *adopted);

// row->id 0 where there is none.
err_t view_row_load(sql_t *sql, int64_t id, view_row_t *row, fault_t *fault);
err_t view_row_update(sql_t *sql, const view_row_t *row, fault_t *fault);
// Kind and key: they are what rows are found by, and hardly ever change. `before`: the
// kind that it had.
err_t view_row_rename(sql_t *sql, kind_block_t *block, const view_row_t *row, unsigned before,
                      fault_t *fault);
// With its references, and whether it is there or not.
err_t view_row_delete(sql_t *sql, kind_block_t *block, int64_t id, fault_t *fault);

err_t view_references(sql_t *sql, int64_t record, const record_t *content, bool replace,
                      fault_t *fault);
err_t view_park(sql_t *sql, int64_t change, err_t reason, fault_t *fault); // ERR_OK: no longer
// Why a change counts for nothing here or cannot be read; ERR_OK where it isn't parked.
err_t view_parked(sql_t *sql, int64_t change, err_t *reason, fault_t *fault);

#endif
