#include "daemon/store/view_rows.h"

#define COLUMNS                                                                                    \
    "(id, origin, feed, number, stands, newest, content, state, revision, created_ms, changed_ms," \
    " note, kind, example, key, label)"
enum { COLUMN_COUNT = 16 };
// Where one fails those before it stay: a failure takes the turn back, and SQLite need not
// keep what a page was for each statement.
#define INSERT "INSERT OR FAIL INTO record " COLUMNS " VALUES "
#define ROW    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define FOUR   ROW ", " ROW ", " ROW ", " ROW

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

// ---- sixteen records of one commit that nothing has changed yet ----

// What they share is bound once, what every such record has stands in the statement.
enum { SHARED = 3, OWN = 5 };
#define FRESH(id, number, kind, key, label)                                                        \
    "(?" #id ", ?1, ?2, ?" #number ", ?" #id ", ?" #id ", ?" #id ", 1, 1, ?3, ?3, 0, ?" #kind      \
    ", 0, ?" #key ", ?" #label ")"

static bool is_fresh(const view_row_t *row, const view_row_t *first)
{
    return row->feed == first->feed && row->created_ms == first->created_ms &&
           row->changed_ms == row->created_ms && row->stands == row->id && row->newest == row->id &&
           row->content == row->id && row->fold.state == FOLD_STANDING && row->fold.revision == 1 &&
           !row->note && !row->example;
}

static bool are_fresh(const view_rows_t *rows)
{
    for (size_t i = 0; i < VIEW_ROWS; i++)
        if (!is_fresh(&rows->waiting[i], &rows->waiting[0]))
            return false;
    return true;
}

static err_t insert_fresh(sql_t *sql, const view_rows_t *rows, fault_t *fault)
{
    static const char insert
        [] = INSERT FRESH(4, 5, 6, 7, 8) ", " FRESH(9, 10, 11, 12, 13) ", " FRESH(14, 15, 16, 17, 18) ", " FRESH(19, 20, 21, 22, 23) ", " FRESH(24, 25, 26, 27, 28) ", " FRESH(
            29,
            30,
            31,
            32,
            33) ", " FRESH(34, 35, 36, 37,
                           38) ", " FRESH(39, 40, 41, 42,
                                          43) ", " FRESH(44, 45, 46, 47,
                                                         48) ", " FRESH(49, 50, 51, 52,
                                                                        53) ", " FRESH(54, 55, 56,
                                                                                       57,
                                                                                       58) ","
                                                                                           " " FRESH(59, 60, 61, 62, 63) ", " FRESH(
                                                                                               64,
                                                                                               65,
                                                                                               66,
                                                                                               67,
                                                                                               68) ", " FRESH(69,
                                                                                                              70,
                                                                                                              71,
                                                                                                              72,
                                                                                                              73) ", " FRESH(74,
                                                                                                                             75,
                                                                                                                             76,
                                                                                                                             77,
                                                                                                                             78) ", " FRESH(79,
                                                                                                                                            80,
                                                                                                                                            81,
                                                                                                                                            82,
                                                                                                                                            83);
    sql_value_t values[SHARED + VIEW_ROWS * OWN] = {sql_int(rows->waiting[0].origin),
                                                    sql_int(rows->waiting[0].feed),
                                                    sql_u64(rows->waiting[0].created_ms)};
    for (size_t i = 0; i < VIEW_ROWS; i++) {
        const view_row_t *row = &rows->waiting[i];
        sql_value_t *own = values + SHARED + i * OWN;
        own[0] = sql_int(row->id);
        own[1] = sql_u64(row->at.number);
        own[2] = or_null(row->kind);
        own[3] = sql_text(row->key);
        own[4] = sql_text(row->label);
    }
    return sql_run(sql, insert, values, sizeof values / sizeof *values, fault);
}

// ---- any others ----

static err_t insert_all(sql_t *sql, const view_rows_t *rows, fault_t *fault)
{
    static const char insert[] = INSERT FOUR ", " FOUR ", " FOUR ", " FOUR;
    sql_value_t values[VIEW_ROWS * COLUMN_COUNT];
    for (size_t i = 0; i < VIEW_ROWS; i++)
        put_values(&rows->waiting[i], values + i * COLUMN_COUNT);
    return sql_run(sql, insert, values, VIEW_ROWS * COLUMN_COUNT, fault);
}

static err_t insert_one(sql_t *sql, const view_row_t *row, fault_t *fault)
{
    static const char insert[] = "INSERT OR FAIL INTO record " COLUMNS " VALUES " ROW;
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
        err = are_fresh(rows) ? insert_fresh(sql, rows, fault) : insert_all(sql, rows, fault);
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
