// New rows of the view, several to a statement: to start and end one takes as long as to
// write a row.
//
// Whoever reads or changes rows flushes first; what is waiting when a turn is taken back
// is dropped with it. Rows own their texts.
#ifndef ENLACE_DAEMON_STORE_VIEW_ROWS_H
#define ENLACE_DAEMON_STORE_VIEW_ROWS_H

#include "daemon/store/view_row.h"

#define VIEW_ROWS 16

typedef struct {
    size_t count;
    view_row_t waiting[VIEW_ROWS];
} view_rows_t;

// Takes the row over and leaves it empty.
err_t view_rows_add(sql_t *sql, view_rows_t *rows, view_row_t *row, fault_t *fault);
// After a failure nothing waits any more.
err_t view_rows_flush(sql_t *sql, view_rows_t *rows, fault_t *fault);
void view_rows_drop(view_rows_t *rows);

#endif
