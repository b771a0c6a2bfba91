#include "daemon/store/view_row.h"

#include "lib/mem.h"

// ---- rows as values ----

void view_row_begin(view_row_t *row, const entry_t *creation)
{
    *row = (view_row_t){
        .id = creation->id,
        .origin = creation->origin,
        .feed = creation->feed,
        .origin_id = creation->origin_id,
        .at = creation->at,
        .created_ms = creation->time_ms,
    };
    fold_create(&row->fold, creation->at);
    view_row_place(row, creation);
}

void view_row_clear(view_row_t *row)
{
    mem_free(row->key);
    mem_free(row->label);
    *row = (view_row_t){0};
}

hash_t view_row_term(const view_row_t *row)
{
    return fold_term(&row->fold, &row->origin_id, row->at, &row->commitment);
}

void view_row_place(view_row_t *row, const entry_t *entry)
{
    if (position_equal(row->fold.stands, entry->at)) {
        row->stands = entry->id;
        row->commitment = entry->commitment;
        row->changed_ms = entry->time_ms;
    }
    if (position_equal(row->fold.newest, entry->at))
        row->newest = entry->id;
}

// The texts go over to the row.
static void adopt(view_row_t *row, const entry_t *entry, content_t *content)
{
    mem_free(row->key);
    mem_free(row->label);
    row->content = entry->id;
    row->content_at = entry->at;
    row->kind = content->kind;
    row->example = content->example;
    row->key = content->key;
    row->label = content->label;
    content->key = content->label = NULL;
}

void view_row_read(view_row_t *row, const entry_t *entry, content_t *content, bool *adopted)
{
    bool creation = entry->id == row->id;
    if (!content->why && row->anchored && !creation)
        content->why = content_follows(row->kind, row->key, content);
    if (creation)
        row->anchored = !content->why;
    if (row->newest == entry->id)
        row->note = content->why;
    *adopted = !content->why && (!row->content || position_compare(entry->at, row->content_at) > 0);
    if (*adopted)
        adopt(row, entry, content);
}

// ---- rows in the database ----

static const char load[] =
    "SELECT r.origin, r.feed, r.stands, r.newest, r.content, r.state, r.revision,"
    " r.created_ms, r.changed_ms, r.note, r.kind, r.example, r.key, r.label,"
    " o.origin_id, f.epoch, f.lane, r.number, p.change IS NULL"
    " FROM record r JOIN origin o ON o.ix = r.origin JOIN feed f ON f.ix = r.feed"
    " LEFT JOIN parked p ON p.change = r.id WHERE r.id = ?1";

static void take(sqlite3_stmt *statement, int64_t id, view_row_t *row)
{
    *row = (view_row_t){
        .id = id,
        .origin = sqlite3_column_int64(statement, 0),
        .feed = sqlite3_column_int64(statement, 1),
        .stands = sqlite3_column_int64(statement, 2),
        .newest = sqlite3_column_int64(statement, 3),
        .content = sqlite3_column_int64(statement, 4),
        .fold = {.state = (fold_state_t)sqlite3_column_int(statement, 5),
                 .revision = sql_column_u64(statement, 6)},
        .created_ms = sql_column_u64(statement, 7),
        .changed_ms = sql_column_u64(statement, 8),
        .note = (err_t)sqlite3_column_int(statement, 9),
        .kind = sql_column_u32(statement, 10),
        .example = sqlite3_column_int(statement, 11) != 0,
        .key = mem_copy_string(sql_column_text(statement, 12)),
        .label = mem_copy_string(sql_column_text(statement, 13)),
        .at = {sql_column_u32(statement, 15), sql_column_u32(statement, 16),
               sql_column_u64(statement, 17)},
        .anchored = sqlite3_column_int(statement, 18) != 0,
    };
    sql_column_bytes(statement, 14, row->origin_id.bytes, ORIGIN_SIZE);
}

// Where a change stands that the row names; mostly it is one that is known already.
static err_t locate(sql_t *sql, int64_t id, const view_row_t *row, position_t *at, fault_t *fault)
{
    if (id == row->id)
        *at = row->at;
    else if (id == row->stands)
        *at = row->fold.stands;
    else
        return entry_position(sql, id, at, fault);
    return ERR_OK;
}

// What the row names and the log says; *found: all of it is there.
static err_t load_from_log(sql_t *sql, view_row_t *row, bool *found, fault_t *fault)
{
    entry_t stands;
    err_t err = entry_facts(sql, row->stands, &stands, fault);
    row->fold.stands = stands.at;
    row->commitment = stands.commitment;
    if (!err)
        err = locate(sql, row->newest, row, &row->fold.newest, fault);
    if (!err && row->content)
        err = locate(sql, row->content, row, &row->content_at, fault);
    *found = !err && stands.id && row->fold.newest.number;
    return err;
}

err_t view_row_load(sql_t *sql, int64_t id, view_row_t *row, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool found = false;
    *row = (view_row_t){0};
    err_t err = sql_first(sql, load, SQL_ROW(sql_int(id)), &statement, &found, fault);
    if (err || !found)
        return err;
    take(statement, id, row);
    sql_done(statement);
    err = load_from_log(sql, row, &found, fault);
    if (err || !found)
        view_row_clear(row);
    return err;
}

static sql_value_t or_null(int64_t value)
{
    return value ? sql_int(value) : sql_null();
}

err_t view_row_update(sql_t *sql, const view_row_t *row, fault_t *fault)
{
    static const char update[] =
        "UPDATE record SET stands = ?2, newest = ?3, content = ?4, state = ?5, revision = ?6,"
        " changed_ms = ?7, note = ?8, example = ?9, label = ?10 WHERE id = ?1";
    return sql_run(sql, update,
                   SQL_ROW(sql_int(row->id), sql_int(row->stands), sql_int(row->newest),
                           or_null(row->content), sql_int(row->fold.state),
                           sql_u64(row->fold.revision), sql_u64(row->changed_ms),
                           sql_int(row->note), sql_int(row->example), sql_text(row->label)),
                   fault);
}

err_t view_row_rename(sql_t *sql, kind_block_t *block, const view_row_t *row, unsigned before,
                      fault_t *fault)
{
    static const char update[] = "UPDATE record SET kind = ?2, key = ?3 WHERE id = ?1";
    err_t err = sql_run(sql, update,
                        SQL_ROW(sql_int(row->id), or_null(row->kind), sql_text(row->key)), fault);
    if (!err && before != row->kind)
        err = kind_block_tidy(sql, block, before, row->feed, row->id, fault);
    return err ? err : kind_block_add(sql, block, row->kind, row->feed, row->id, fault);
}

err_t view_row_delete(sql_t *sql, kind_block_t *block, int64_t id, fault_t *fault)
{
    static const char find[] = "SELECT kind, feed FROM record WHERE id = ?1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err =
        sql_run(sql, "DELETE FROM reference WHERE record = ?1", SQL_ROW(sql_int(id)), fault);
    if (!err)
        err = sql_first(sql, find, SQL_ROW(sql_int(id)), &statement, &row, fault);
    if (err || !row)
        return err;
    unsigned kind = sql_column_u32(statement, 0);
    int64_t feed = sqlite3_column_int64(statement, 1);
    sql_done(statement);
    err = sql_run(sql, "DELETE FROM record WHERE id = ?1", SQL_ROW(sql_int(id)), fault);
    return err ? err : kind_block_tidy(sql, block, kind, feed, id, fault);
}

// ---- references and the parked ----

static err_t insert_reference(sql_t *sql, int64_t record, size_t place, const ref_at_t *at,
                              fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO reference (record, place, path, owner, key, epoch, lane, number)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    const Enlace__V1__Ref *ref = at->ref;
    return sql_run(sql, insert,
                   SQL_ROW(sql_int(record), sql_u64(place), sql_text(at->path),
                           sql_text(ref->owner), sql_text(ref->key),
                           ref->has_epoch ? sql_int(ref->epoch) : sql_null(),
                           ref->has_lane ? sql_int(ref->lane) : sql_null(),
                           ref->has_number ? sql_u64(ref->number) : sql_null()),
                   fault);
}

err_t view_references(sql_t *sql, int64_t record, const record_t *content, bool replace,
                      fault_t *fault)
{
    err_t err = ERR_OK;
    ref_at_t *refs = NULL;
    if (replace)
        err = sql_run(sql, "DELETE FROM reference WHERE record = ?1", SQL_ROW(sql_int(record)),
                      fault);
    size_t count = content ? record_refs(content, &refs) : 0;
    for (size_t i = 0; i < count && !err; i++)
        err = insert_reference(sql, record, i + 1, &refs[i], fault);
    mem_free(refs);
    return err;
}

err_t view_park(sql_t *sql, int64_t change, err_t reason, fault_t *fault)
{
    if (reason == ERR_OK)
        return sql_run(sql, "DELETE FROM parked WHERE change = ?1", SQL_ROW(sql_int(change)),
                       fault);
    return sql_run(sql, "INSERT OR REPLACE INTO parked (change, reason) VALUES (?1, ?2)",
                   SQL_ROW(sql_int(change), sql_int(reason)), fault);
}

err_t view_parked(sql_t *sql, int64_t change, err_t *reason, fault_t *fault)
{
    int64_t number = 0;
    err_t err = sql_number(sql, "SELECT reason FROM parked WHERE change = ?1",
                           SQL_ROW(sql_int(change)), 0, &number, fault);
    *reason = (err_t)number;
    return err;
}
