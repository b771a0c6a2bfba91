#include "daemon/store/entry.h"

enum { AT_ID, AT_FEED, AT_ORIGIN, AT_ORIGIN_ID, AT_EPOCH, AT_LANE, AT_FIRST, AT_LAST, AT_TIME };
enum { AT_HEADER = AT_TIME + 1, AT_PAYLOADS };

// ---- the changes of one commit ----

static void begin(entries_t *entries, sqlite3_stmt *statement, bool with_payloads)
{
    uint64_t first = sql_column_u64(statement, AT_FIRST), last = sql_column_u64(statement, AT_LAST);
    int64_t id = sqlite3_column_int64(statement, AT_ID);
    bool possible = id > 0 && id <= APPLY_MAX && last >= first;
    hash_t previous;
    // The one before the first: entries_next goes on from it.
    *entries = (entries_t){
        .entry = {.id = possible ? id - 1 : 0,
                  .feed = sqlite3_column_int64(statement, AT_FEED),
                  .origin = sqlite3_column_int64(statement, AT_ORIGIN),
                  .at = {sql_column_u32(statement, AT_EPOCH), sql_column_u32(statement, AT_LANE),
                         first - 1},
                  .time_ms = sql_column_u64(statement, AT_TIME)},
        .behind = possible ? last - first + 1 : 0,
        .with_payloads = with_payloads,
    };
    sql_column_bytes(statement, AT_ORIGIN_ID, entries->entry.origin_id.bytes, ORIGIN_SIZE);
    // Where the start does not read, no change will.
    commit_scan_start(sql_column_span(statement, AT_HEADER), &entries->changes, &previous);
    if (with_payloads)
        entries->payloads = scan_of(sql_column_span(statement, AT_PAYLOADS));
}

void entries_begin(entries_t *entries, sqlite3_stmt *statement)
{
    begin(entries, statement, true);
}

void entries_begin_facts(entries_t *entries, sqlite3_stmt *statement)
{
    begin(entries, statement, false);
}

static void take_change(entry_t *entry, const change_t *change)
{
    entry->type = change->type;
    entry->has_target = change->has_target;
    entry->target = change->target;
    entry->min_reader = change->min_reader;
    entry->commitment = change->commitment;
    entry->state = change->state;
    entry->body = change->body;
}

err_t entries_next(entries_t *entries, uint64_t skip, bool *more, fault_t *fault)
{
    entry_t *entry = &entries->entry;
    change_t change;
    *more = skip < entries->behind;
    if (!*more)
        return ERR_OK;
    entries->behind -= skip + 1;
    entry->id += (int64_t)skip + 1;
    entry->at.number += skip + 1;
    if (!commit_scan_change(&entries->changes, skip, &change))
        return fault_set(fault, ERR_DAMAGED, "commit_log", "change %llu of a commit does not read",
                         (unsigned long long)entry->at.number);
    if (entries->with_payloads) // where it does not read, change.state stays 0
        (void)commit_scan_payload(&entries->payloads, skip, &change);
    take_change(entry, &change);
    return ERR_OK;
}

err_t entries_after(entries_t *entries, int64_t apply, bool *more, fault_t *fault)
{
    int64_t before = entries->entry.id;
    return entries_next(entries, apply > before ? (uint64_t)(apply - before) : 0, more, fault);
}

// ---- one change ----

// The commit that has this apply number is the last one that begins at it or before.
#define OF_ID "WHERE m.id = (SELECT max(id) FROM commit_log WHERE id <= ?1)"

// The change `skip` behind the first of the row's commit, if it goes so far.
static err_t take_one(sqlite3_stmt *statement, uint64_t skip, bool with_payload, entry_t *entry,
                      fault_t *fault)
{
    entries_t entries;
    bool more = false;
    begin(&entries, statement, with_payload);
    err_t err = entries_next(&entries, skip, &more, fault);
    if (!err && more)
        *entry = entries.entry;
    return err;
}

static err_t find_by_id(sql_t *sql, const char *find, int64_t id, bool with_payload,
                        sqlite3_stmt **statement, entry_t *entry, fault_t *fault)
{
    bool row = false;
    *entry = (entry_t){0};
    err_t err = sql_first(sql, find, SQL_ROW(sql_int(id)), statement, &row, fault);
    if (err || !row)
        return err;
    err = take_one(*statement, (uint64_t)id - sql_column_u64(*statement, AT_ID), with_payload,
                   entry, fault);
    if (!entry->id || !with_payload)
        sql_done(*statement);
    return err;
}

err_t entry_by_id(sql_t *sql, int64_t id, sqlite3_stmt **statement, entry_t *entry, fault_t *fault)
{
    static const char find[] = "SELECT " ENTRIES_COLUMNS " FROM " ENTRIES_TABLES " " OF_ID;
    return find_by_id(sql, find, id, true, statement, entry, fault);
}

err_t entry_facts(sql_t *sql, int64_t id, entry_t *entry, fault_t *fault)
{
    static const char find[] = "SELECT " ENTRIES_COLUMNS " FROM " ENTRIES_TABLES " " OF_ID;
    sqlite3_stmt *statement = NULL;
    return find_by_id(sql, find, id, false, &statement, entry, fault);
}

err_t entry_facts_at(sql_t *sql, int64_t origin, position_t at, entry_t *entry, fault_t *fault)
{
    static const char find[] =
        "SELECT " ENTRIES_COLUMNS " FROM feed f CROSS JOIN commit_log m ON m.feed = f.ix"
        " JOIN origin o ON o.ix = f.origin WHERE f.origin = ?1 AND f.epoch = ?2 AND f.lane = ?3"
        " AND m.first <= ?4 ORDER BY m.first DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *entry = (entry_t){0};
    err_t err =
        sql_first(sql, find,
                  SQL_ROW(sql_int(origin), sql_int(at.epoch), sql_int(at.lane), sql_u64(at.number)),
                  &statement, &row, fault);
    if (err || !row)
        return err;
    err = take_one(statement, at.number - sql_column_u64(statement, AT_FIRST), false, entry, fault);
    sql_done(statement);
    return err;
}

err_t entry_position(sql_t *sql, int64_t id, position_t *at, fault_t *fault)
{
    static const char find[] =
        "SELECT f.epoch, f.lane, m.first + ?1 - m.id FROM commit_log m"
        " JOIN feed f ON f.ix = m.feed " OF_ID " AND m.first + ?1 - m.id <= m.last";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *at = (position_t){0};
    err_t err = sql_first(sql, find, SQL_ROW(sql_int(id)), &statement, &row, fault);
    if (err || !row)
        return err;
    *at = (position_t){sql_column_u32(statement, 0), sql_column_u32(statement, 1),
                       sql_column_u64(statement, 2)};
    sql_done(statement);
    return ERR_OK;
}

// ---- bodies of many changes ----

void bodies_clear(bodies_t *bodies)
{
    buf_free(&bodies->payloads);
    *bodies = (bodies_t){0};
}

// The commit that has the change, if there is one: else nothing is read any more.
static err_t read_commit(sql_t *sql, bodies_t *bodies, int64_t id, fault_t *fault)
{
    // A text of its own: the caller may be in the midst of an entry_by_id.
    static const char find[] = "SELECT m.id, m.id + m.last - m.first, m.payloads"
                               " FROM commit_log m " OF_ID " AND ?1 <= m.id + m.last - m.first";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    bodies->first = bodies->last = 0;
    err_t err = sql_first(sql, find, SQL_ROW(sql_int(id)), &statement, &row, fault);
    if (err || !row)
        return err;
    bodies->first = bodies->next = sqlite3_column_int64(statement, 0);
    bodies->last = sqlite3_column_int64(statement, 1);
    buf_clear(&bodies->payloads);
    buf_append(&bodies->payloads, sql_column_span(statement, 2));
    bodies->scan = scan_of(buf_span(&bodies->payloads));
    sql_done(statement);
    return ERR_OK;
}

err_t bodies_read(sql_t *sql, bodies_t *bodies, int64_t id, span_t *body, fault_t *fault)
{
    change_t change = {0};
    err_t err = ERR_OK;
    *body = span_of(NULL, 0);
    if (id <= 0 || id > APPLY_MAX)
        return ERR_OK;
    if (id < bodies->first || id > bodies->last)
        err = read_commit(sql, bodies, id, fault);
    if (err || bodies->first <= 0)
        return err;
    if (id < bodies->next) {
        bodies->next = bodies->first;
        bodies->scan = scan_of(buf_span(&bodies->payloads));
    }
    if (!commit_scan_payload(&bodies->scan, (uint64_t)(id - bodies->next), &change)) {
        bodies_clear(bodies);
        return fault_set(fault, ERR_DAMAGED, "commit_log", "a payload does not read");
    }
    bodies->next = id + 1;
    *body = change.body;
    return ERR_OK;
}

err_t entry_body(sql_t *sql, int64_t id, buf_t *body, fault_t *fault)
{
    bodies_t bodies = {0};
    span_t read;
    err_t err = bodies_read(sql, &bodies, id, &read, fault);
    *body = buf_copy(read);
    bodies_clear(&bodies);
    return err;
}

// ---- what belongs to a record ----

// CROSS JOIN fixes the order of the loops: feeds by epoch (few), then the targets, which
// are in the order of ids, and that is the order of numbers in a feed.
err_t entry_start_revisions(sql_t *sql, const entry_t *target, uint32_t from_epoch,
                            uint64_t from_number, sqlite3_stmt **statement, fault_t *fault)
{
    static const char list[] =
        "SELECT t.change FROM feed f CROSS JOIN target t ON t.feed = f.ix"
        " WHERE f.origin = ?1 AND f.lane = ?2 AND f.epoch >= ?5"
        " AND t.epoch = ?3 AND t.number = ?4"
        " AND (f.epoch > ?5 OR t.change >= coalesce((SELECT m.id + ?6 - m.first FROM commit_log m"
        " WHERE m.feed = f.ix AND m.first <= ?6 ORDER BY m.first DESC LIMIT 1), 0))"
        " ORDER BY f.epoch, t.change";
    position_t at = target->at;
    uint32_t epoch = from_epoch > at.epoch ? from_epoch : at.epoch;
    return sql_start(sql, list,
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
