// Opening, single records, references, roster.
#include "daemon/store/reader.h"

#include <stdio.h>

#include "daemon/store/reader_internal.h"
#include "daemon/store/schema.h"
#include "lib/mem.h"

err_t reader_open(const char *path, reader_t **reader, fault_t *fault)
{
    reader_t *made = mem_alloc(sizeof *made);
    *reader = NULL;
    err_t err = sql_open(path, NULL, SQL_READ, &made->sql, fault);
    if (!err)
        err = schema_check(made->sql, fault);
    if (err) {
        reader_close(&made);
        return err;
    }
    *reader = made;
    return ERR_OK;
}

reader_t *reader_within(store_t *store)
{
    reader_t *made = mem_alloc(sizeof *made);
    *made = (reader_t){.sql = store->sql, .lent = true};
    return made;
}

void reader_close(reader_t **reader)
{
    if (!reader || !*reader)
        return;
    bodies_clear(&(*reader)->bodies);
    if (!(*reader)->lent)
        sql_close(&(*reader)->sql);
    mem_free(*reader);
    *reader = NULL;
}

// ---- one record ----

static void take_record(sqlite3_stmt *statement, row_t *row)
{
    *row = (row_t){
        .owner = sql_column_text(statement, 2),
        .id = {sql_column_u32(statement, 3), sql_column_u32(statement, 4),
               sql_column_u64(statement, 5)},
        .apply = sql_column_u64(statement, 6),
        .kind = content_kind_name(sql_column_u32(statement, 8)),
        .key = sql_column_text(statement, 9),
        .label = sql_column_text(statement, 10),
        .retracted = sqlite3_column_int(statement, SHOW_STATE_COLUMN) == FOLD_RETRACTED,
        .example = sqlite3_column_int(statement, 12) != 0,
        .created_ms = sql_column_u64(statement, 13),
        .changed_ms = sql_column_u64(statement, 14),
        .revision = sql_column_u64(statement, 15),
        .note = (err_t)sqlite3_column_int(statement, 16),
        .place = {sqlite3_column_int64(statement, SHOW_ID_COLUMN),
                  sqlite3_column_int64(statement, 17), sqlite3_column_int64(statement, 18)},
    };
    sql_column_bytes(statement, 1, row->origin.bytes, ORIGIN_SIZE);
    row->change = row->id;
    row->type = row->retracted ? CHANGE_RETRACT : CHANGE_RECORD;
}

// What stands is the record's own creation unless it was revised or retracted.
static err_t locate_change(sql_t *sql, sqlite3_stmt *statement, row_t *row, fault_t *fault)
{
    int64_t stands = sqlite3_column_int64(statement, 6);
    if (stands == sqlite3_column_int64(statement, SHOW_ID_COLUMN))
        return ERR_OK;
    err_t err = entry_position(sql, stands, &row->change, fault);
    if (!err && !row->change.number)
        err = fault_set(fault, ERR_DAMAGED, "record", "a row whose change is not in the log");
    return err;
}

// One that does not read is said of its record, and keeps nobody from those behind it.
static err_t read_body(sql_t *sql, bodies_t *bodies, int64_t content, row_t *row, fault_t *fault)
{
    err_t err = bodies_read(sql, bodies, content, &row->body, fault);
    if (err != ERR_DAMAGED)
        return err;
    row->note = err;
    return ERR_OK;
}

err_t show_record(sql_t *sql, bodies_t *bodies, sqlite3_stmt *statement, row_fn fn, void *context,
                  bool *more, fault_t *fault)
{
    row_t row;
    take_record(statement, &row);
    err_t err = locate_change(sql, statement, &row, fault);
    if (!err)
        err = read_body(sql, bodies, sqlite3_column_int64(statement, 7), &row, fault);
    if (!err)
        *more = fn(context, &row);
    return err;
}

err_t show_by_row(sql_t *sql, bodies_t *bodies, int64_t record, row_fn fn, void *context,
                  fault_t *fault)
{
    static const char find[] = "SELECT " SHOW_COLUMNS " FROM " SHOW_TABLES " WHERE r.id = ?1";
    sqlite3_stmt *statement = NULL;
    bool found = false, more = true;
    err_t err = sql_first(sql, find, SQL_ROW(sql_int(record)), &statement, &found, fault);
    if (err)
        return err;
    if (!found)
        return fault_set(fault, ERR_DAMAGED, "record", "a row whose feed is not in the log");
    err = show_record(sql, bodies, statement, fn, context, &more, fault);
    sql_done(statement);
    return err;
}

static err_t show_alone(sql_t *sql, int64_t record, row_fn fn, void *context, fault_t *fault)
{
    bodies_t bodies = {0};
    err_t err = show_by_row(sql, &bodies, record, fn, context, fault);
    bodies_clear(&bodies);
    return err;
}

err_t reader_record(reader_t *reader, const origin_t *origin, position_t id, row_fn fn,
                    void *context, fault_t *fault)
{
    int64_t record = 0;
    err_t err = sql_begin_read(reader->sql, fault);
    if (!err)
        err = lookup_id(reader->sql, origin, id, &record, fault);
    if (!err)
        err = show_alone(reader->sql, record, fn, context, fault);
    sql_end_read(reader->sql);
    return err;
}

err_t reader_by_key(reader_t *reader, const origin_t *origin, const char *key, row_fn fn,
                    void *context, fault_t *fault)
{
    int64_t ix = 0, record = 0;
    err_t err = sql_begin_read(reader->sql, fault);
    if (!err)
        err = origin_find(reader->sql, origin, &ix, fault);
    if (!err)
        err = lookup_key(reader->sql, ix, key, &record, fault);
    if (!err)
        err = show_alone(reader->sql, record, fn, context, fault);
    sql_end_read(reader->sql);
    return err;
}

// ---- references ----

static bool take_resolved(void *context, const row_t *row)
{
    resolved_t *resolved = context;
    resolved->found = true;
    resolved->why = row->retracted ? ERR_RETRACTED : ERR_OK;
    resolved->id = row->id;
    snprintf(resolved->kind, sizeof resolved->kind, "%s", row->kind ? row->kind : "");
    resolved->body = buf_copy(row->body);
    return false;
}

err_t reader_resolve(reader_t *reader, const origin_t *owner, const char *key_or_null,
                     position_t id, resolved_t *resolved, fault_t *fault)
{
    fault_t inner = {0};
    *resolved = (resolved_t){0};
    err_t err = key_or_null
                    ? reader_by_key(reader, owner, key_or_null, take_resolved, resolved, &inner)
                    : reader_record(reader, owner, id, take_resolved, resolved, &inner);
    if (err == ERR_NO_SUCH_RECORD || err == ERR_AMBIGUOUS_KEY) {
        resolved->why = err == ERR_AMBIGUOUS_KEY ? ERR_AMBIGUOUS_KEY : ERR_NOT_YET_HERE;
        return ERR_OK;
    }
    if (err && fault)
        *fault = inner;
    return err;
}

err_t reader_roster(reader_t *reader, roster_t **roster, fault_t *fault)
{
    err_t err = newest_roster(reader->sql, roster, fault);
    return err || *roster ? err : fault_set(fault, ERR_NO_CHARTER, "", NULL);
}

err_t reader_applied(reader_t *reader, uint64_t *applied, fault_t *fault)
{
    return newest_apply(reader->sql, applied, fault);
}
