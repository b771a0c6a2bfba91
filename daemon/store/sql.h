// One SQLite connection with its prepared statements, and how its errors become ours.
//
// A statement is known by its text, which must be a string that outlives the
// connection (a literal): it is prepared once and kept. A statement that was
// started is in use until sql_done, or until sql_step found no more rows or
// failed; starting one that is in use is a fault of ours (asserted). An unfinished
// statement outside a transaction holds a snapshot and with it the WAL: always
// finish.
//
// Errors: DISK_FULL, DISK_ERROR, DAMAGED, BUSY; out of memory ends the process.
// fault->where is empty, fault->detail SQLite's message.
#ifndef ENLACE_DAEMON_STORE_SQL_H
#define ENLACE_DAEMON_STORE_SQL_H

#include <sqlite3.h>

#include "lib/bytes.h"
#include "lib/ids.h"

typedef struct sql sql_t;

typedef enum { SQL_WRITE, SQL_READ, SQL_SCRATCH } sql_mode_t;

// SQL_WRITE creates the file; SQL_READ opens it read-only, also where the
// directory cannot be written (then only without a WAL beside it); SQL_SCRATCH
// ignores path and vfs: a private database that spills into a temporary file.
err_t sql_open(const char *path, const char *vfs, sql_mode_t mode, sql_t **sql, fault_t *fault);
void sql_close(sql_t **sql);
sqlite3 *sql_handle(sql_t *sql);
// "file:..." for ATTACH of the database that SQL_READ would open. Caller frees.
// `vfs`: NULL, or a name of letters, digits, '-', '.', '_' and '~'.
char *sql_read_uri(const char *path, const char *vfs);

// ---- values to bind: what they point at must live until the statement is done ----
typedef struct {
    int type; // SQLITE_NULL, SQLITE_INTEGER, SQLITE_BLOB, SQLITE_TEXT
    int64_t integer;
    span_t bytes;
} sql_value_t;

sql_value_t sql_null(void);
sql_value_t sql_int(int64_t value);
sql_value_t sql_u64(uint64_t value); // kept bit for bit
sql_value_t sql_blob(const void *data, size_t size);
sql_value_t sql_text(const char *text); // NULL becomes SQL's NULL

#define SQL_ROW(...)                                                                               \
    (const sql_value_t[]){__VA_ARGS__},                                                            \
        sizeof((const sql_value_t[]){__VA_ARGS__}) / sizeof(sql_value_t)
#define SQL_NO_VALUES NULL, 0

// ---- statements ----
err_t sql_start(sql_t *sql, const char *text, const sql_value_t *values, size_t count,
                sqlite3_stmt **statement, fault_t *fault);
err_t sql_step(sql_t *sql, sqlite3_stmt *statement, bool *row, fault_t *fault);
void sql_done(sqlite3_stmt *statement);
// Starts and takes the first row, if there is one.
err_t sql_first(sql_t *sql, const char *text, const sql_value_t *values, size_t count,
                sqlite3_stmt **statement, bool *row, fault_t *fault);
// Starts, runs to the end, rows ignored.
err_t sql_run(sql_t *sql, const char *text, const sql_value_t *values, size_t count,
              fault_t *fault);
// The first column of the first row; `absent` where there is none or it is NULL.
err_t sql_number(sql_t *sql, const char *text, const sql_value_t *values, size_t count,
                 int64_t absent, int64_t *number, fault_t *fault);
// Several statements, not kept: schema, pragmas.
err_t sql_script(sql_t *sql, const char *text, fault_t *fault);

// ---- columns ----
uint64_t sql_column_u64(sqlite3_stmt *statement, int column);
uint32_t sql_column_u32(sqlite3_stmt *statement, int column);
span_t sql_column_span(sqlite3_stmt *statement, int column); // until the next step
// Exactly `size` bytes; false (and zeros) where the column has another length.
bool sql_column_bytes(sqlite3_stmt *statement, int column, void *bytes, size_t size);
const char *sql_column_text(sqlite3_stmt *statement, int column); // NULL where NULL

// What a result code of this connection means, message included. Before a call of
// SQLite's own whose code comes here: sql_calm.
void sql_calm(void);
err_t sql_fault(sql_t *sql, int code, fault_t *fault);
// Whether an error says that disk or data failed, rather than that something was refused.
bool sql_is_failure(err_t err);

// ---- a read transaction: one snapshot ----
err_t sql_begin_read(sql_t *sql, fault_t *fault);
void sql_end_read(sql_t *sql);

#endif
