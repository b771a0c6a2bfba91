#include "daemon/store/entry.h"

void entry_take(sqlite3_stmt *statement, entry_t *entry)
{
    *entry = (entry_t){
        .id = sqlite3_column_int64(statement, 0),
        .feed = sqlite3_column_int64(statement, 1),
        .origin = sqlite3_column_int64(statement, 2),
        .at = {sql_column_u32(statement, 4), sql_column_u32(statement, 5),
               sql_column_u64(statement, 6)},
        .type = sql_column_u32(statement, 7),
        .has_target = sqlite3_column_type(statement, 10) != SQLITE_NULL,
        .target = {sql_column_u32(statement, 8), sql_column_u32(statement, 9),
                   sql_column_u64(statement, 10)},
        .min_reader = sql_column_u32(statement, 11),
        .state = (payload_state_t)sqlite3_column_int(statement, 13),
        .time_ms = sql_column_u64(statement, 14),
        .body = sql_column_span(statement, 15),
    };
    sql_column_bytes(statement, 3, entry->origin_id.bytes, ORIGIN_SIZE);
    sql_column_bytes(statement, 12, entry->commitment.bytes, HASH_SIZE);
}

static const char by_id[] = "SELECT " ENTRY_COLUMNS " FROM " ENTRY_TABLES " WHERE c.id = ?1";

err_t entry_by_id(sql_t *sql, int64_t id, sqlite3_stmt **statement, entry_t *entry, fault_t *fault)
{
    bool row = false;
    *entry = (entry_t){0};
    err_t err = sql_first(sql, by_id, SQL_ROW(sql_int(id)), statement, &row, fault);
    if (!err && row)
        entry_take(*statement, entry);
    return err;
}

err_t entry_facts(sql_t *sql, int64_t id, entry_t *entry, fault_t *fault)
{
    static const char facts[] =
        "SELECT " ENTRY_HEADER_COLUMNS "NULL FROM " ENTRY_TABLES " WHERE c.id = ?1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *entry = (entry_t){0};
    err_t err = sql_first(sql, facts, SQL_ROW(sql_int(id)), &statement, &row, fault);
    if (err || !row)
        return err;
    entry_take(statement, entry);
    sql_done(statement);
    return ERR_OK;
}

err_t entry_facts_at(sql_t *sql, int64_t origin, position_t at, entry_t *entry, fault_t *fault)
{
    static const char find[] =
        "SELECT c.id FROM feed f JOIN change c ON c.feed = f.ix"
        " WHERE f.origin = ?1 AND f.epoch = ?2 AND f.lane = ?3 AND c.number = ?4";
    int64_t id = 0;
    *entry = (entry_t){0};
    err_t err = sql_number(
        sql, find,
        SQL_ROW(sql_int(origin), sql_int(at.epoch), sql_int(at.lane), sql_u64(at.number)), 0, &id,
        fault);
    return err || !id ? err : entry_facts(sql, id, entry, fault);
}

// CROSS JOIN fixes the order of the loops: feeds by epoch (few), then the index on
// targets, which is in the order of ids, and that is the order of numbers in a feed.
static const char revisions[] =
    "SELECT " ENTRY_COLUMNS " FROM feed f CROSS JOIN change c ON c.feed = f.ix"
    " JOIN origin o ON o.ix = f.origin JOIN commit_log m ON m.id = c.commit_id"
    " WHERE f.origin = ?1 AND f.lane = ?2 AND f.epoch >= ?5"
    " AND c.target_epoch = ?3 AND c.target_number = ?4 AND c.target_lane = ?2"
    " AND (f.epoch > ?3 OR c.number > ?4) AND (f.epoch > ?5 OR c.number >= ?6)"
    " AND c.type IN (1, 2) ORDER BY f.epoch, c.id";

err_t entry_start_revisions(sql_t *sql, const entry_t *target, uint32_t from_epoch,
                            uint64_t from_number, sqlite3_stmt **statement, fault_t *fault)
{
    position_t at = target->at;
    uint32_t epoch = from_epoch > at.epoch ? from_epoch : at.epoch;
    return sql_start(sql, revisions,
                     SQL_ROW(sql_int(target->origin), sql_int(at.lane), sql_int(at.epoch),
                             sql_u64(at.number), sql_int(epoch), sql_u64(from_number)),
                     statement, fault);
}

err_t entry_later_epochs(sql_t *sql, int64_t origin, uint32_t lane, uint32_t epoch, bool *later,
                         fault_t *fault)
{
    static const char find[] =
        "SELECT EXISTS (SELECT 1 FROM feed WHERE origin = ?1 AND epoch > ?2 AND lane = ?3)";
    int64_t found = 0;
    err_t err = sql_number(sql, find, SQL_ROW(sql_int(origin), sql_int(epoch), sql_int(lane)), 0,
                           &found, fault);
    *later = found != 0;
    return err;
}
