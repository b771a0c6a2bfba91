#include "daemon/store/sql.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/mem.h"

enum { SLOTS = 256, BUSY_MS = 5000 };

typedef struct {
    const char *text;
    sqlite3_stmt *statement;
} slot_t;

struct sql {
    sqlite3 *handle;
    size_t used;
    slot_t slots[SLOTS]; // open addressing, by the address of the text
};

// ---- errors ----

static bool is_no_room(int code, int system_errno)
{
    bool no_room = system_errno == ENOSPC || system_errno == EFBIG || system_errno == EDQUOT;
    return (code & 0xff) == SQLITE_FULL ||
           (no_room && ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN));
}

// A constraint that fails means that rows contradict each other: what is written
// was checked before. SQLITE_ERROR is what a table that is not there gives. After a
// sync that failed, for want of room too, a commit may be whole all the same.
static err_t meaning(int code, int system_errno)
{
    if (code == SQLITE_IOERR_FSYNC)
        return ERR_SYNC_FAILED;
    if (is_no_room(code, system_errno))
        return ERR_DISK_FULL;
    switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return ERR_DISK_ERROR;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
        return ERR_DAMAGED;
    default:
        return ERR_DISK_ERROR;
    }
}

// SQLite 3.40 keeps no system error number for a COMMIT that fails: errno itself
// still tells, since it was cleared before the call (sql_calm) and nothing comes between.
err_t sql_fault(sql_t *sql, int code, fault_t *fault)
{
    if ((code & 0xff) == SQLITE_NOMEM)
        mem_exhausted();
    err_t err = meaning(code, errno ? errno : sqlite3_system_errno(sql->handle));
    return fault_set(fault, err, "", "%s", sqlite3_errmsg(sql->handle));
}

void sql_calm(void)
{
    errno = 0;
}

bool sql_is_failure(err_t err)
{
    return err == ERR_DISK_FULL || err == ERR_DISK_ERROR || err == ERR_DAMAGED || err == ERR_BUSY;
}

// ---- opening ----

// A path is never a URI for us: Debian's build would take "file:..." for one.
static char *plain_path(const char *path)
{
    return strncmp(path, "file:", 5) == 0 ? mem_format("./%s", path) : mem_copy_string(path);
}

// RFC 3986: everything but unreserved characters and '/' is escaped.
static char *uri_of(const char *path, const char *query)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~/";
    buf_t uri = {0};
    buf_append(&uri, span_text("file:"));
    if (path[0] == '/')
        buf_append(&uri, span_text("//"));
    for (; *path; path++) {
        char escaped[4];
        snprintf(escaped, sizeof escaped, "%%%02X", (unsigned)(unsigned char)*path);
        buf_append(&uri, strchr(plain, *path) ? span_of(path, 1) : span_text(escaped));
    }
    buf_append(&uri, span_text(query));
    buf_append(&uri, span_of("", 1));
    return (char *)uri.data;
}

// Whether changes may stand in a WAL beside the database.
static bool has_wal(const char *path)
{
    struct stat facts;
    char *wal = mem_format("%s-wal", path);
    bool found = stat(wal, &facts) == 0 && facts.st_size > 0;
    mem_free(wal);
    return found;
}

// A read-only directory keeps SQLite from making the shared memory file that WAL
// mode needs; without a WAL the file alone is the database and does not change.
static bool is_readable(const char *uri)
{
    sqlite3 *handle = NULL;
    int code = sqlite3_open_v2(uri, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    sqlite3_close(handle);
    return (code & 0xff) != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_READONLY;
}

// A VFS that was named has no directories that cannot be written.
static char *read_uri_on(const char *path, const char *vfs)
{
    char *query = mem_format("?mode=ro&vfs=%s", vfs);
    char *uri = uri_of(path, query);
    mem_free(query);
    return uri;
}

char *sql_read_uri(const char *path, const char *vfs)
{
    if (vfs)
        return read_uri_on(path, vfs);
    char *uri = uri_of(path, "?mode=ro");
    if (is_readable(uri) || has_wal(path))
        return uri;
    mem_free(uri);
    return uri_of(path, "?mode=ro&immutable=1");
}

static int open_handle(const char *path, const char *vfs, sql_mode_t mode, sqlite3 **handle)
{
    static const int flags[] = {
        [SQL_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [SQL_READ] = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
        [SQL_SCRATCH] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI,
    };
    char *name = mode == SQL_SCRATCH ? mem_copy_string("")
                 : mode == SQL_READ  ? sql_read_uri(path, vfs)
                                     : plain_path(path);
    int code = sqlite3_open_v2(name, handle, flags[mode] | SQLITE_OPEN_NOMUTEX, vfs);
    mem_free(name);
    return code;
}

err_t sql_open(const char *path, const char *vfs, sql_mode_t mode, sql_t **sql, fault_t *fault)
{
    sql_t *made = mem_alloc(sizeof *made);
    *sql = NULL;
    sql_calm();
    int code = open_handle(path, vfs, mode, &made->handle);
    if (!made->handle)
        mem_exhausted();
    if (code != SQLITE_OK) {
        err_t err = sql_fault(made, code, fault);
        sql_close(&made);
        return err;
    }
    sqlite3_extended_result_codes(made->handle, 1);
    sqlite3_busy_timeout(made->handle, BUSY_MS);
    // What the schema of a file from elsewhere could make a connection do is off.
    sqlite3_db_config(made->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(made->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    *sql = made;
    return ERR_OK;
}

void sql_close(sql_t **sql)
{
    if (!sql || !*sql)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        sqlite3_finalize((*sql)->slots[i].statement);
    int code = sqlite3_close((*sql)->handle);
    assert(code == SQLITE_OK);
    (void)code;
    mem_free(*sql);
    *sql = NULL;
}

sqlite3 *sql_handle(sql_t *sql)
{
    return sql->handle;
}

// ---- values ----

sql_value_t sql_null(void)
{
    return (sql_value_t){.type = SQLITE_NULL};
}

sql_value_t sql_int(int64_t value)
{
    return (sql_value_t){.type = SQLITE_INTEGER, .integer = value};
}

sql_value_t sql_u64(uint64_t value)
{
    return sql_int((int64_t)value);
}

sql_value_t sql_blob(const void *data, size_t size)
{
    return (sql_value_t){.type = SQLITE_BLOB, .bytes = {size ? data : "", size}};
}

sql_value_t sql_text(const char *text)
{
    if (!text)
        return sql_null();
    return (sql_value_t){.type = SQLITE_TEXT, .bytes = span_text(text)};
}

static int bind(sqlite3_stmt *statement, int place, const sql_value_t *value)
{
    switch (value->type) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(statement, place, value->integer);
    case SQLITE_BLOB:
        return sqlite3_bind_blob64(statement, place, value->bytes.data, value->bytes.size,
                                   SQLITE_STATIC);
    case SQLITE_TEXT:
        return sqlite3_bind_text64(statement, place, (const char *)value->bytes.data,
                                   value->bytes.size, SQLITE_STATIC, SQLITE_UTF8);
    default:
        return sqlite3_bind_null(statement, place);
    }
}

// ---- statements ----

static slot_t *slot_of(sql_t *sql, const char *text)
{
    size_t at = ((uintptr_t)text / 8) * 0x9E3779B1u % SLOTS;
    while (sql->slots[at].text && sql->slots[at].text != text)
        at = (at + 1) % SLOTS;
    return &sql->slots[at];
}

static err_t prepared(sql_t *sql, const char *text, sqlite3_stmt **statement, fault_t *fault)
{
    slot_t *slot = slot_of(sql, text);
    if (!slot->text) {
        assert(sql->used < SLOTS - 1);
        sql_calm();
        int code = sqlite3_prepare_v3(sql->handle, text, -1, SQLITE_PREPARE_PERSISTENT,
                                      &slot->statement, NULL);
        if (code != SQLITE_OK)
            return sql_fault(sql, code, fault);
        slot->text = text;
        sql->used++;
    }
    *statement = slot->statement;
    return ERR_OK;
}

err_t sql_start(sql_t *sql, const char *text, const sql_value_t *values, size_t count,
                sqlite3_stmt **statement, fault_t *fault)
{
    err_t err = prepared(sql, text, statement, fault);
    if (err)
        return err;
    assert(!sqlite3_stmt_busy(*statement));
    assert((int)count == sqlite3_bind_parameter_count(*statement));
    for (size_t i = 0; i < count; i++) {
        int code = bind(*statement, (int)i + 1, &values[i]);
        if (code != SQLITE_OK)
            return sql_fault(sql, code, fault);
    }
    return ERR_OK;
}

err_t sql_step(sql_t *sql, sqlite3_stmt *statement, bool *row, fault_t *fault)
{
    sql_calm();
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    if (*row)
        return ERR_OK;
    // The message and the system's error number belong to the step: before the reset.
    err_t err = code == SQLITE_DONE ? ERR_OK : sql_fault(sql, code, fault);
    sqlite3_reset(statement);
    return err;
}

void sql_done(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
}

err_t sql_first(sql_t *sql, const char *text, const sql_value_t *values, size_t count,
                sqlite3_stmt **statement, bool *row, fault_t *fault)
{
    *row = false;
    err_t err = sql_start(sql, text, values, count, statement, fault);
    return err ? err : sql_step(sql, *statement, row, fault);
}

err_t sql_run(sql_t *sql, const char *text, const sql_value_t *values, size_t count, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(sql, text, values, count, &statement, &row, fault);
    while (!err && row)
        err = sql_step(sql, statement, &row, fault);
    return err;
}

err_t sql_number(sql_t *sql, const char *text, const sql_value_t *values, size_t count,
                 int64_t absent, int64_t *number, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *number = absent;
    err_t err = sql_first(sql, text, values, count, &statement, &row, fault);
    if (err || !row)
        return err;
    if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
        *number = sqlite3_column_int64(statement, 0);
    sql_done(statement);
    return ERR_OK;
}

err_t sql_script(sql_t *sql, const char *text, fault_t *fault)
{
    sql_calm();
    int code = sqlite3_exec(sql->handle, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? ERR_OK : sql_fault(sql, code, fault);
}

// ---- columns ----

uint64_t sql_column_u64(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

uint32_t sql_column_u32(sqlite3_stmt *statement, int column)
{
    return (uint32_t)sqlite3_column_int64(statement, column);
}

span_t sql_column_span(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return span_of(data, (size_t)sqlite3_column_bytes(statement, column));
}

bool sql_column_bytes(sqlite3_stmt *statement, int column, void *bytes, size_t size)
{
    span_t span = sql_column_span(statement, column);
    if (span.size != size) {
        memset(bytes, 0, size);
        return false;
    }
    memcpy(bytes, span.data, size);
    return true;
}

const char *sql_column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

// ---- snapshots ----

err_t sql_begin_read(sql_t *sql, fault_t *fault)
{
    return sql_run(sql, "BEGIN", SQL_NO_VALUES, fault);
}

void sql_end_read(sql_t *sql)
{
    if (!sqlite3_get_autocommit(sql->handle))
        sqlite3_exec(sql->handle, "COMMIT", NULL, NULL, NULL);
}
