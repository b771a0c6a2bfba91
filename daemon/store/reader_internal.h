// What the files of the reader share.
#ifndef ENLACE_DAEMON_STORE_READER_INTERNAL_H
#define ENLACE_DAEMON_STORE_READER_INTERNAL_H

#include "daemon/store/internal.h"
#include "daemon/store/reader.h"

struct reader {
    sql_t *sql;
    bool lent;       // the store's
    bodies_t bodies; // of reader_row, while one snapshot is held
};

// One record as the view has it: columns for show_record, from column 0 on.
#define SHOW_COLUMNS                                                                               \
    "r.id, o.origin_id, o.code, f.epoch, f.lane, r.number, r.stands, r.content, r.kind, r.key,"    \
    " r.label, r.state, r.example, r.created_ms, r.changed_ms, r.revision, r.note, r.feed,"        \
    " r.origin"
#define SHOW_ID_COLUMN    0
#define SHOW_STATE_COLUMN 11
#define SHOW_TABLES                                                                                \
    "record r CROSS JOIN feed f ON f.ix = r.feed CROSS JOIN origin o ON o.ix = f.origin"

// Hands over the record of the row, with what the log has of it. *more is what fn returned.
err_t show_record(sql_t *sql, bodies_t *bodies, sqlite3_stmt *statement, row_fn fn, void *context,
                  bool *more, fault_t *fault);

// The same by the row's number. DAMAGED where there is no such row.
err_t show_by_row(sql_t *sql, bodies_t *bodies, int64_t record, row_fn fn, void *context,
                  fault_t *fault);

#endif
