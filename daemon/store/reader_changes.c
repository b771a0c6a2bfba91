// What changed since, by record, for what is kept beside the view and made from it.
#include "daemon/store/reader_internal.h"
#include "daemon/store/schema.h"

err_t reader_hold(reader_t *reader, fault_t *fault)
{
    return sql_begin_read(reader->sql, fault);
}

void reader_release(reader_t *reader)
{
    bodies_clear(&reader->bodies);
    sql_end_read(reader->sql);
}

// ---- where the log stands ----

static err_t hash_of(sql_t *sql, uint64_t apply, hash_t *hash, fault_t *fault)
{
    static const char find[] = "SELECT hash FROM commit_log WHERE id = (SELECT max(id) FROM"
                               " commit_log WHERE id <= ?1) AND ?1 <= id + last - first";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *hash = (hash_t){0};
    err_t err = sql_first(sql, find, SQL_ROW(sql_u64(apply)), &statement, &row, fault);
    if (err || !row)
        return err;
    sql_column_bytes(statement, 0, hash->bytes, HASH_SIZE);
    sql_done(statement);
    return ERR_OK;
}

err_t reader_stand(reader_t *reader, uint64_t apply, stand_t *stand, fault_t *fault)
{
    static const char versions[] = "SELECT view_version, view_schema, boot FROM meta";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *stand = (stand_t){0};
    err_t err = sql_first(reader->sql, versions, SQL_NO_VALUES, &statement, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_DAMAGED, "meta", NULL);
    stand->view_version = sql_column_u32(statement, 0);
    stand->view_schema = sql_column_u32(statement, 1);
    sql_column_bytes(statement, 2, stand->boot.bytes, sizeof stand->boot.bytes);
    sql_done(statement);
    err = newest_apply(reader->sql, &stand->applied, fault);
    return err || !apply ? err : hash_of(reader->sql, apply, &stand->hash, fault);
}

// ---- changes ----

typedef struct {
    sql_t *sql;
    uint64_t last;
    size_t most, count;
    changed_t *changed;
} walk_t;

static bool is_creation(const entry_t *entry)
{
    return entry->type == CHANGE_RECORD && !entry->has_target;
}

// The record that the view may show differently since this change; 0: none.
static err_t find_record(sql_t *sql, const entry_t *entry, int64_t *record, fault_t *fault)
{
    entry_t target;
    *record = is_creation(entry) ? entry->id : 0;
    if (!entry->has_target)
        return ERR_OK;
    err_t err = entry_facts_at(sql, entry->origin, entry->target, &target, fault);
    if (!err && target.id && is_creation(&target))
        *record = target.id;
    return err;
}

static err_t take_change(walk_t *walk, const entry_t *entry, fault_t *fault)
{
    changed_t *changed = &walk->changed[walk->count++];
    *changed = (changed_t){.change = entry->id};
    walk->last = (uint64_t)entry->id;
    return entry->at.lane < LANE_OPEN_COUNT ? find_record(walk->sql, entry, &changed->record, fault)
                                            : ERR_OK;
}

static err_t take_commit(walk_t *walk, sqlite3_stmt *statement, fault_t *fault)
{
    entries_t entries;
    bool more = false;
    entries_begin_facts(&entries, statement);
    err_t err = entries_after(&entries, (int64_t)walk->last, &more, fault);
    while (!err && more && walk->count < walk->most) {
        err = take_change(walk, &entries.entry, fault);
        if (!err)
            err = entries_next(&entries, 0, &more, fault);
    }
    return err;
}

err_t reader_changed(reader_t *reader, uint64_t since, size_t most, changed_t *changed,
                     size_t *count, fault_t *fault)
{
    // A text of its own: finding records reads commits, too.
    static const char list[] =
        "SELECT " ENTRIES_COLUMNS " FROM " ENTRIES_TABLES " WHERE m.id >="
        " (SELECT coalesce(max(id), 0) FROM commit_log WHERE id <= ?1 + 1) ORDER BY m.id";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    walk_t walk = {reader->sql, since, most, 0, changed};
    *count = 0;
    if (since >= INT64_MAX)
        return ERR_OK;
    err_t err = sql_first(walk.sql, list, SQL_ROW(sql_u64(since)), &statement, &row, fault);
    while (!err && row && walk.count < most) {
        err = take_commit(&walk, statement, fault);
        if (!err)
            err = sql_step(walk.sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    *count = walk.count;
    return err;
}

err_t reader_is_missing(reader_t *reader, int64_t change, bool *missing, fault_t *fault)
{
    int64_t found = 0;
    err_t err = sql_number(reader->sql, "SELECT 1 FROM missing WHERE change = ?1",
                           SQL_ROW(sql_int(change)), 0, &found, fault);
    *missing = found != 0;
    return err;
}

err_t reader_row(reader_t *reader, int64_t record, row_fn fn, void *context, fault_t *fault)
{
    return show_by_row(reader->sql, &reader->bodies, record, fn, context, fault);
}

err_t reader_origin_row(reader_t *reader, const origin_t *origin, int64_t *row, fault_t *fault)
{
    return sql_number(reader->sql, "SELECT ix FROM origin WHERE origin_id = ?1",
                      SQL_ROW(sql_blob(origin->bytes, ORIGIN_SIZE)), 0, row, fault);
}
