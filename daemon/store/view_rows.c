#include "daemon/store/view_rows.h"

#define COLUMNS                                                                                    \
    "(id, origin, feed, number, stands, newest, content, state, revision, created_ms, changed_ms," \
    " note, kind, example, key, label)"
enum { COLUMN_COUNT = 16 };
#define ROW  "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define FOUR ROW ", " ROW ", " ROW ", " ROW

static sql_value_t or_null(int64_t value)
{
    return value ? sql_int(value) : sql_null();
}

static void put_values(const view_row_t *row, sql_value_t values[COLUMN_COUNT])
{
    const sql_value_t all[COLUMN_COUNT] = {
        sql_int(row->id),         sql_int(row->origin),     sql_int(row->feed),
        sql_u64(row->at.number),  sql_int(row->stands),     sql_int(row->newest),
        or_null(row->content),    sql_int(row->fold.state), sql_u64(row->fold.revision),
        sql_u64(row->created_ms), sql_u64(row->changed_ms), sql_int(row->note),
        or_null(row->kind),       sql_int(row->example),    sql_text(row->key),
        sql_text(row->label),
    };
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        values[i] = all[i];
}

static err_t insert_all(sql_t *sql, const view_rows_t *rows, fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO record " COLUMNS " VALUES " FOUR ", " FOUR ", " FOUR ", " FOUR;
    sql_value_t values[VIEW_ROWS * COLUMN_COUNT];
    for (size_t i = 0; i < VIEW_ROWS; i++)
        put_values(&rows->waiting[i], values + i * COLUMN_COUNT);
    return sql_run(sql, insert, values, VIEW_ROWS * COLUMN_COUNT, fault);
}

static err_t insert_one(sql_t *sql, const view_row_t *row, fault_t *fault)
{
    static const char insert[] = "INSERT INTO record " COLUMNS " VALUES " ROW;
    sql_value_t values[COLUMN_COUNT];
    put_values(row, values);
    return sql_run(sql, insert, values, COLUMN_COUNT, fault);
}

void view_rows_drop(view_rows_t *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        view_row_clear(&rows->waiting[i]);
    rows->count = 0;
}

err_t view_rows_flush(sql_t *sql, view_rows_t *rows, fault_t *fault)
{
    err_t err = ERR_OK;
    if (rows->count == VIEW_ROWS)
        err = insert_all(sql, rows, fault);
    else
        for (size_t i = 0; i < rows->count && !err; i++)
            err = insert_one(sql, &rows->waiting[i], fault);
    view_rows_drop(rows);
    return err;
}

err_t view_rows_add(sql_t *sql, view_rows_t *rows, view_row_t *row, fault_t *fault)
{
    rows->waiting[rows->count++] = *row;
    *row = (view_row_t){0};
    return rows->count == VIEW_ROWS ? view_rows_flush(sql, rows, fault) : ERR_OK;
}
