// What the core starts from, and totals.
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/store/internal.h"
#include "lib/mem.h"

// ---- reading everything of one table ----

typedef err_t taker_t(snapshot_t *snapshot, sqlite3_stmt *statement, size_t *capacity,
                      fault_t *fault);

static err_t take_roster(snapshot_t *snapshot, sqlite3_stmt *statement, size_t *capacity,
                         fault_t *fault)
{
    mem_grow(&snapshot->rosters, capacity, snapshot->roster_count, sizeof *snapshot->rosters);
    roster_t **place = &snapshot->rosters[snapshot->roster_count];
    if (roster_decode(sql_column_span(statement, 0), place, fault))
        return fault_set(fault, ERR_DAMAGED, "roster", "version %zu", snapshot->roster_count + 1);
    snapshot->roster_count++;
    return ERR_OK;
}

static err_t take_card(snapshot_t *snapshot, sqlite3_stmt *statement, size_t *capacity,
                       fault_t *fault)
{
    mem_grow(&snapshot->cards, capacity, snapshot->card_count, sizeof *snapshot->cards);
    card_t **place = &snapshot->cards[snapshot->card_count];
    if (card_decode(sql_column_span(statement, 0), place, fault))
        return fault_set(fault, ERR_DAMAGED, "card", "card number %d of %s",
                         sqlite3_column_int(statement, 1), sql_column_text(statement, 2));
    snapshot->card_count++;
    return ERR_OK;
}

static err_t take_feed(snapshot_t *snapshot, sqlite3_stmt *statement, size_t *capacity,
                       fault_t *fault)
{
    (void)fault;
    mem_grow(&snapshot->feeds, capacity, snapshot->feed_count, sizeof *snapshot->feeds);
    feed_row_t *row = &snapshot->feeds[snapshot->feed_count++];
    *row = (feed_row_t){
        .head = {.feed = {.epoch = sql_column_u32(statement, 1),
                          .lane = sql_column_u32(statement, 2)},
                 .number = sql_column_u64(statement, 3)},
        .time_ms = sql_column_u64(statement, 5),
        .stopped = (err_t)sqlite3_column_int(statement, 6),
        .stopped_ms = sql_column_u64(statement, 7),
        .proof = {.number = sql_column_u64(statement, 8)},
    };
    sql_column_bytes(statement, 0, row->head.feed.origin.bytes, ORIGIN_SIZE);
    sql_column_bytes(statement, 4, row->head.hash.bytes, HASH_SIZE);
    sql_column_bytes(statement, 9, row->proof.ours.bytes, HASH_SIZE);
    sql_column_bytes(statement, 10, row->proof.theirs.bytes, HASH_SIZE);
    const char *source = sql_column_text(statement, 11);
    snprintf(row->proof.source, sizeof row->proof.source, "%s", source ? source : "");
    return ERR_OK;
}

static err_t take_fence(snapshot_t *snapshot, sqlite3_stmt *statement, size_t *capacity,
                        fault_t *fault)
{
    (void)capacity;
    (void)fault;
    snapshot->fence = (err_t)sqlite3_column_int(statement, 0);
    snapshot->fence_ms = sql_column_u64(statement, 1);
    snprintf(snapshot->fence_detail, sizeof snapshot->fence_detail, "%s",
             sql_column_text(statement, 2));
    return ERR_OK;
}

static err_t take_all(sql_t *sql, const char *text, taker_t *taker, snapshot_t *snapshot,
                      fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    size_t capacity = 0;
    bool row = false;
    err_t err = sql_first(sql, text, SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        err = taker(snapshot, statement, &capacity, fault);
        if (!err)
            err = sql_step(sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    return err;
}

err_t store_snapshot(store_t *store, snapshot_t *snapshot, fault_t *fault)
{
    static const struct {
        const char *text;
        taker_t *taker;
    } parts[] = {
        {"SELECT signed FROM roster ORDER BY version", take_roster},
        {"SELECT c.signed, c.number, o.code FROM card c JOIN origin o ON o.ix = c.origin"
         " ORDER BY o.origin_id, c.number",
         take_card},
        {"SELECT o.origin_id, f.epoch, f.lane, f.number, f.hash, f.time_ms, f.stopped,"
         " f.stopped_ms, coalesce(f.proof_number, 0), f.proof_ours, f.proof_theirs,"
         " f.proof_source FROM feed f JOIN origin o ON o.ix = f.origin"
         " ORDER BY o.origin_id, f.epoch, f.lane",
         take_feed},
        {"SELECT fence, fence_ms, fence_detail FROM meta", take_fence},
    };
    *snapshot = (snapshot_t){0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !err; i++)
        err = take_all(store->sql, parts[i].text, parts[i].taker, snapshot, fault);
    if (err)
        snapshot_clear(snapshot);
    return store_settle_read(store, err);
}

void snapshot_clear(snapshot_t *snapshot)
{
    for (size_t i = 0; i < snapshot->roster_count; i++)
        roster_destroy(&snapshot->rosters[i]);
    for (size_t i = 0; i < snapshot->card_count; i++)
        card_destroy(&snapshot->cards[i]);
    mem_free(snapshot->rosters);
    mem_free(snapshot->cards);
    mem_free(snapshot->feeds);
    *snapshot = (snapshot_t){0};
}

// ---- totals ----

err_t newest_apply(sql_t *sql, uint64_t *applied, fault_t *fault)
{
    int64_t newest = 0;
    err_t err = sql_number(sql, "SELECT id + last - first FROM commit_log ORDER BY id DESC LIMIT 1",
                           SQL_NO_VALUES, 0, &newest, fault);
    *applied = (uint64_t)newest;
    return err;
}

err_t read_digest(sql_t *sql, hash_t *digest, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(sql, "SELECT digest FROM meta", SQL_NO_VALUES, &statement, &row, fault);
    if (!err && row) {
        sql_column_bytes(statement, 0, digest->bytes, HASH_SIZE);
        sql_done(statement);
    }
    return err || row ? err : fault_set(fault, ERR_DAMAGED, "meta", NULL);
}

// Counting reads the whole table: once, then the view keeps count.
static err_t count_records(store_t *store, uint64_t *records, fault_t *fault)
{
    int64_t count = store->view.records;
    err_t err = ERR_OK;
    if (!store->loaded || count < 0) {
        err =
            sql_number(store->sql, "SELECT count(*) FROM record", SQL_NO_VALUES, 0, &count, fault);
        if (!err && store->loaded)
            store->view.records = count;
    }
    *records = (uint64_t)count;
    return err;
}

static uint64_t file_bytes(const char *path, const char *suffix)
{
    struct stat facts;
    char *name = mem_format("%s%s", path, suffix);
    bool there = stat(name, &facts) == 0 && facts.st_size > 0;
    mem_free(name);
    return there ? (uint64_t)facts.st_size : 0;
}

err_t store_totals(store_t *store, totals_t *totals, fault_t *fault)
{
    int64_t parked = 0, missing = 0;
    *totals =
        (totals_t){.log_bytes = file_bytes(store->path, "") + file_bytes(store->path, "-wal")};
    err_t err = newest_apply(store->sql, &totals->applied, fault);
    if (!err)
        err = count_records(store, &totals->records, fault);
    if (!err)
        err =
            sql_number(store->sql, "SELECT count(*) FROM parked", SQL_NO_VALUES, 0, &parked, fault);
    if (!err)
        err = sql_number(store->sql, "SELECT count(*) FROM missing", SQL_NO_VALUES, 0, &missing,
                         fault);
    totals->parked = (uint64_t)parked;
    totals->payloads_missing = (uint64_t)missing;
    return store_settle_read(store, err);
}
