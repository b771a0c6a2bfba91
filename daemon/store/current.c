// The current state of one record, by id or by key.
#include <stdio.h>

#include "daemon/store/internal.h"

err_t lookup_id(sql_t *sql, const origin_t *origin, position_t id, int64_t *record, fault_t *fault)
{
    static const char find[] =
        "SELECT r.id FROM origin o JOIN feed f ON f.origin = o.ix JOIN record r ON r.id ="
        " (SELECT m.id + ?4 - m.first FROM commit_log m WHERE m.feed = f.ix AND m.first <= ?4"
        " ORDER BY m.first DESC LIMIT 1) AND r.feed = f.ix AND r.number = ?4"
        " WHERE o.origin_id = ?1 AND f.epoch = ?2 AND f.lane = ?3";
    err_t err = sql_number(sql, find,
                           SQL_ROW(sql_blob(origin->bytes, ORIGIN_SIZE), sql_int(id.epoch),
                                   sql_int(id.lane), sql_u64(id.number)),
                           0, record, fault);
    return err || *record ? err : fault_set(fault, ERR_NO_SUCH_RECORD, "", NULL);
}

// One of the records that have a key.
typedef struct {
    int64_t record; // 0: none
    fold_state_t state;
    position_t at;
} holder_t;

// Standing ones first, then by position, the newest first.
static bool comes_first(const holder_t *one, const holder_t *other)
{
    if (!other->record || one->state != other->state)
        return !other->record || one->state < other->state;
    return position_compare(one->at, other->at) > 0;
}

// There is one as a rule, so that choosing here is cheaper than having them sorted.
err_t lookup_key(sql_t *sql, int64_t origin, const char *key, int64_t *record, fault_t *fault)
{
    static const char find[] = "SELECT r.id, r.state, f.epoch, f.lane, r.number FROM record r"
                               " CROSS JOIN feed f ON f.ix = r.feed"
                               " WHERE r.origin = ?1 AND r.key = ?2";
    sqlite3_stmt *statement = NULL;
    holder_t first = {0};
    size_t standing = 0;
    bool row = false;
    err_t err =
        sql_first(sql, find, SQL_ROW(sql_int(origin), sql_text(key)), &statement, &row, fault);
    while (!err && row) {
        holder_t holder = {
            .record = sqlite3_column_int64(statement, 0),
            .state = (fold_state_t)sqlite3_column_int(statement, 1),
            .at = {sql_column_u32(statement, 2), sql_column_u32(statement, 3),
                   sql_column_u64(statement, 4)},
        };
        standing += holder.state == FOLD_STANDING;
        if (comes_first(&holder, &first))
            first = holder;
        err = sql_step(sql, statement, &row, fault);
    }
    *record = first.record;
    if (!err && !first.record)
        return fault_set(fault, ERR_NO_SUCH_RECORD, "", NULL);
    return !err && standing > 1 ? fault_set(fault, ERR_AMBIGUOUS_KEY, "", NULL) : err;
}

static void take(sqlite3_stmt *statement, current_t *current)
{
    const char *kind = content_kind_name(sql_column_u32(statement, 4));
    const char *key = sql_column_text(statement, 5);
    *current = (current_t){
        .id = {sql_column_u32(statement, 1), sql_column_u32(statement, 2),
               sql_column_u64(statement, 3)},
        .retracted = sqlite3_column_int(statement, 6) == FOLD_RETRACTED,
        .revision = sql_column_u64(statement, 7),
        .created_ms = sql_column_u64(statement, 8),
        .changed_ms = sql_column_u64(statement, 9),
        .readable = sqlite3_column_int(statement, 10) != 0,
    };
    sql_column_bytes(statement, 0, current->origin.bytes, ORIGIN_SIZE);
    snprintf(current->kind, sizeof current->kind, "%s", kind ? kind : "");
    snprintf(current->key, sizeof current->key, "%s", key ? key : "");
}

static err_t read_current(sql_t *sql, int64_t record, bool with_body, current_t *current,
                          fault_t *fault)
{
    static const char find[] =
        "SELECT o.origin_id, f.epoch, f.lane, r.number, r.kind, r.key, r.state, r.revision,"
        " r.created_ms, r.changed_ms, r.content IS r.newest, r.content FROM record r"
        " JOIN feed f ON f.ix = r.feed JOIN origin o ON o.ix = r.origin WHERE r.id = ?1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(sql, find, SQL_ROW(sql_int(record)), &statement, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_DAMAGED, "record", "a row whose feed is not in the log");
    take(statement, current);
    int64_t content = sqlite3_column_int64(statement, 11);
    sql_done(statement);
    return with_body && content ? entry_body(sql, content, &current->body, fault) : ERR_OK;
}

err_t store_record(store_t *store, const origin_t *origin, position_t id, bool with_body,
                   current_t *current, fault_t *fault)
{
    int64_t record = 0;
    *current = (current_t){0};
    err_t err = lookup_id(store->sql, origin, id, &record, fault);
    if (!err)
        err = read_current(store->sql, record, with_body, current, fault);
    return store_settle_read(store, err);
}

// An author asks for one origin's keys, one after the other.
static err_t find_origin(store_t *store, const origin_t *origin, int64_t *ix, fault_t *fault)
{
    err_t err = ERR_OK;
    if (!store->asked.ix || !origin_equal(&store->asked.id, origin)) {
        store->asked.id = *origin;
        err = origin_find(store->sql, origin, &store->asked.ix, fault);
    }
    *ix = store->asked.ix;
    return err;
}

err_t store_record_by_key(store_t *store, const origin_t *origin, const char *key, bool with_body,
                          current_t *current, fault_t *fault)
{
    int64_t record = 0;
    *current = (current_t){0};
    int64_t ix = 0;
    err_t err = find_origin(store, origin, &ix, fault);
    if (!err)
        err = lookup_key(store->sql, ix, key, &record, fault);
    if (!err)
        err = read_current(store->sql, record, with_body, current, fault);
    return store_settle_read(store, err);
}
