#include "daemon/store/staging.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "daemon/store/sql.h"
#include "lib/mem.h"

typedef enum {
    QUERY_ADD,
    QUERY_TAKEN,
    QUERY_OWNERS,
    QUERY_KIND,
    QUERY_NEXT,
    QUERY_REPLACE,
    QUERY_COUNT
} query_t;

static const char *const queries[QUERY_COUNT] = {
    [QUERY_ADD] = "INSERT INTO line (number, node, kind, key, mine, encoded, text)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [QUERY_TAKEN] = "SELECT number FROM line WHERE key = ?1 AND node = ?2",
    [QUERY_OWNERS] = "SELECT node FROM line WHERE key = ?1 ORDER BY node LIMIT 2",
    [QUERY_KIND] = "SELECT kind FROM line WHERE key = ?1 AND node = ?2",
    [QUERY_NEXT] = "SELECT number, encoded, text FROM line WHERE mine = 1 AND number > ?1"
                   " ORDER BY number LIMIT 1",
    [QUERY_REPLACE] = "UPDATE line SET encoded = 1, text = ?2 WHERE number = ?1",
};

struct staging {
    sqlite3 *database;
    sqlite3_stmt *statements[QUERY_COUNT];
};

// Nothing here outlives the process, so there is nothing to journal or to sync.
static const char schema[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "PRAGMA cache_size = -512;"
    "CREATE TABLE line ("
    " number INTEGER PRIMARY KEY, node TEXT NOT NULL, kind TEXT NOT NULL,"
    " key TEXT, mine INTEGER NOT NULL, encoded INTEGER NOT NULL, text BLOB);"
    "CREATE UNIQUE INDEX line_key ON line (key, node);"
    "CREATE INDEX line_mine ON line (number) WHERE mine = 1;"
    "BEGIN EXCLUSIVE";

static err_t failed(staging_t *staging, fault_t *fault)
{
    int number = errno ? errno : sqlite3_system_errno(staging->database);
    bool full = sql_no_room(sqlite3_errcode(staging->database), number);
    return fault_set(fault, full ? ERR_DISK_FULL : ERR_DISK_ERROR, "",
                     "the import's temporary file: %s", sqlite3_errmsg(staging->database));
}

err_t staging_open(staging_t **staging, fault_t *fault)
{
    staging_t *self = mem_alloc(sizeof *self);
    *staging = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    sql_calm();
    bool fine = sqlite3_open_v2("", &self->database, flags, NULL) == SQLITE_OK &&
                sqlite3_exec(self->database, schema, NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; fine && i < QUERY_COUNT; i++)
        fine = sqlite3_prepare_v3(self->database, queries[i], -1, SQLITE_PREPARE_PERSISTENT,
                                  &self->statements[i], NULL) == SQLITE_OK;
    if (fine) {
        *staging = self;
        return ERR_OK;
    }
    err_t err = failed(self, fault);
    staging_close(&self);
    return err;
}

void staging_close(staging_t **staging)
{
    if (!*staging)
        return;
    for (size_t i = 0; i < QUERY_COUNT; i++)
        sqlite3_finalize((*staging)->statements[i]);
    sqlite3_close((*staging)->database);
    mem_free(*staging);
    *staging = NULL;
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    if (text)
        sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

// Steps a statement that has its values bound. What is bound lives until the reset.
static err_t step(staging_t *staging, query_t query, bool *row, fault_t *fault)
{
    sql_calm();
    int code = sqlite3_step(staging->statements[query]);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? ERR_OK : failed(staging, fault);
}

static void done(staging_t *staging, query_t query)
{
    sqlite3_reset(staging->statements[query]);
    sqlite3_clear_bindings(staging->statements[query]);
}

static err_t find_taken(staging_t *staging, const staged_line_t *line, uint64_t *taken,
                        fault_t *fault)
{
    sqlite3_stmt *statement = staging->statements[QUERY_TAKEN];
    bool row = false;
    bind_text(statement, 1, line->key);
    bind_text(statement, 2, line->node);
    err_t err = step(staging, QUERY_TAKEN, &row, fault);
    *taken = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    done(staging, QUERY_TAKEN);
    if (err || !row)
        return err;
    return fault_set(fault, ERR_KEY_TAKEN, "key", "line %llu of the file has it already",
                     (unsigned long long)*taken);
}

err_t staging_add(staging_t *staging, const staged_line_t *line, uint64_t *taken, fault_t *fault)
{
    *taken = 0;
    err_t err = line->key ? find_taken(staging, line, taken, fault) : ERR_OK;
    if (err)
        return err;
    sqlite3_stmt *statement = staging->statements[QUERY_ADD];
    bool row;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)line->number);
    bind_text(statement, 2, line->node);
    bind_text(statement, 3, line->kind);
    bind_text(statement, 4, line->key);
    sqlite3_bind_int(statement, 5, line->mine);
    sqlite3_bind_int(statement, 6, line->encoded);
    if (line->mine)
        sqlite3_bind_blob64(statement, 7, line->text.data, line->text.size, SQLITE_STATIC);
    err = step(staging, QUERY_ADD, &row, fault);
    done(staging, QUERY_ADD);
    return err;
}

err_t staging_owners(staging_t *staging, const char *key, size_t *owners, code_t *first,
                     fault_t *fault)
{
    sqlite3_stmt *statement = staging->statements[QUERY_OWNERS];
    bool row = true;
    err_t err = ERR_OK;
    bind_text(statement, 1, key);
    for (*owners = 0; *owners < 2; ++*owners) {
        err = step(staging, QUERY_OWNERS, &row, fault);
        if (err || !row)
            break;
        if (*owners == 0 && !code_parse((const char *)sqlite3_column_text(statement, 0), first)) {
            err = fault_set(fault, ERR_INTERNAL, "", "the import's temporary file");
            break;
        }
    }
    done(staging, QUERY_OWNERS);
    return err;
}

err_t staging_kind(staging_t *staging, const char *node, const char *key,
                   char kind[STAGING_KIND_MAX + 1], fault_t *fault)
{
    sqlite3_stmt *statement = staging->statements[QUERY_KIND];
    bool row = false;
    kind[0] = '\0';
    bind_text(statement, 1, key);
    bind_text(statement, 2, node);
    err_t err = step(staging, QUERY_KIND, &row, fault);
    if (!err && row)
        strncat(kind, (const char *)sqlite3_column_text(statement, 0), STAGING_KIND_MAX);
    done(staging, QUERY_KIND);
    return err;
}

err_t staging_next(staging_t *staging, uint64_t after, uint64_t *number, bool *encoded, buf_t *text,
                   fault_t *fault)
{
    sqlite3_stmt *statement = staging->statements[QUERY_NEXT];
    bool row = false;
    *number = 0;
    buf_clear(text);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    err_t err = step(staging, QUERY_NEXT, &row, fault);
    if (!err && row) {
        *number = (uint64_t)sqlite3_column_int64(statement, 0);
        *encoded = sqlite3_column_int(statement, 1) != 0;
        const void *data = sqlite3_column_blob(statement, 2);
        buf_append(text, span_of(data, (size_t)sqlite3_column_bytes(statement, 2)));
    }
    done(staging, QUERY_NEXT);
    return err;
}

err_t staging_replace(staging_t *staging, uint64_t number, span_t text, fault_t *fault)
{
    sqlite3_stmt *statement = staging->statements[QUERY_REPLACE];
    bool row;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
    sqlite3_bind_blob64(statement, 2, text.data, text.size, SQLITE_STATIC);
    err_t err = step(staging, QUERY_REPLACE, &row, fault);
    done(staging, QUERY_REPLACE);
    return err;
}
