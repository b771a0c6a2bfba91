// Writing the log: commits and late payloads.
#include <assert.h>
#include <string.h>

#include "daemon/store/checksum.h"
#include "daemon/store/internal.h"

// ---- feeds ----

// The row of a feed that has none yet: nothing held, at the start of its epoch.
err_t feed_create(store_t *store, const feed_t *feed, feed_place_t *place, fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO feed (origin, epoch, lane, number, hash, time_ms, stopped, stopped_ms)"
        " VALUES (?1, ?2, ?3, 0, ?4, 0, 0, 0)";
    sql_t *sql = store->sql;
    err_t err = origin_ensure(sql, &feed->origin, &place->origin, fault);
    if (!err)
        err = epoch_start(sql, place->origin, feed->epoch, &place->hash, fault);
    if (!err)
        err = sql_run(sql, insert,
                      SQL_ROW(sql_int(place->origin), sql_int(feed->epoch), sql_int(feed->lane),
                              sql_blob(place->hash.bytes, HASH_SIZE)),
                      fault);
    place->ix = sqlite3_last_insert_rowid(sql_handle(sql));
    return err;
}

static err_t move_cursor(store_t *store, const commit_t *commit, const feed_place_t *place,
                         fault_t *fault)
{
    return sql_run(store->sql, "UPDATE feed SET number = ?2, hash = ?3, time_ms = ?4 WHERE ix = ?1",
                   SQL_ROW(sql_int(place->ix), sql_u64(commit->last),
                           sql_blob(commit->hash.bytes, HASH_SIZE), sql_u64(commit->time_ms)),
                   fault);
}

// ---- append ----

// The first commit of a feed follows from a card, which is the core's to compare.
static bool follows(const feed_place_t *place, const commit_t *commit)
{
    if (commit->first != place->number + 1)
        return false;
    return place->number == 0 || hash_equal(&commit->previous, &place->hash);
}

// Those that are all here are as they came. Of others the core may have said that they are
// missing: encoded anew, into `made`.
static span_t payloads_of(const commit_t *commit, buf_t *made)
{
    bool present = true;
    for (size_t i = 0; i < commit->count && present; i++)
        present = commit->changes[i].state == PAYLOAD_PRESENT;
    if (present)
        return commit->payloads;
    for (size_t i = 0; i < commit->count; i++)
        commit_put_payload(made, &commit->changes[i]);
    return buf_span(made);
}

static sql_value_t checksum_of(const commit_t *commit, span_t payloads)
{
    commit_row_t row = {
        .first = commit->first,
        .last = commit->last,
        .hash = span_of(commit->hash.bytes, HASH_SIZE),
        .header = commit->header,
    };
    if (commit->has_signature)
        row.signature = span_of(commit->signature.bytes, SIGNATURE_SIZE);
    return sql_int(checksum_end(checksum_begin(&row), payloads));
}

// *id becomes the local apply number of its first change: one more than the newest, and
// since commits are never taken out of the log it never was another's.
static err_t insert_commit(store_t *store, const commit_t *commit, int64_t feed,
                           uint64_t arrived_ms, int64_t *id, fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO commit_log (id, feed, first, last, time_ms, arrived_ms, hash, signature,"
        " header, payloads, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    uint64_t newest = 0;
    err_t err = newest_apply(store->sql, &newest, fault);
    if (err)
        return err;
    if (newest >= (uint64_t)APPLY_MAX)
        return fault_set(fault, ERR_DAMAGED, "commit_log", "an apply number that cannot be");
    *id = (int64_t)newest + 1;
    buf_t made = {0};
    span_t payloads = payloads_of(commit, &made);
    err = sql_run(store->sql, insert,
                  SQL_ROW(sql_int(*id), sql_int(feed), sql_u64(commit->first),
                          sql_u64(commit->last), sql_u64(commit->time_ms), sql_u64(arrived_ms),
                          sql_blob(commit->hash.bytes, HASH_SIZE),
                          commit->has_signature ? sql_blob(commit->signature.bytes, SIGNATURE_SIZE)
                                                : sql_null(),
                          sql_blob(commit->header.data, commit->header.size),
                          sql_blob(payloads.data, payloads.size), checksum_of(commit, payloads)),
                  fault);
    buf_free(&made);
    return err;
}

static bool may_revise(const entry_t *entry)
{
    return (entry->type == CHANGE_RECORD || entry->type == CHANGE_RETRACT) && entry->has_target &&
           fold_target_fits(entry->at, entry->target);
}

// What the log is searched by besides positions.
static err_t index_change(store_t *store, const entry_t *entry, fault_t *fault)
{
    static const char target[] =
        "INSERT INTO target (feed, epoch, number, change) VALUES (?1, ?2, ?3, ?4)";
    err_t err = ERR_OK;
    if (may_revise(entry))
        err = sql_run(store->sql, target,
                      SQL_ROW(sql_int(entry->feed), sql_int(entry->target.epoch),
                              sql_u64(entry->target.number), sql_int(entry->id)),
                      fault);
    if (!err && entry->state == PAYLOAD_MISSING)
        err = sql_run(store->sql, "INSERT INTO missing (change) VALUES (?1)",
                      SQL_ROW(sql_int(entry->id)), fault);
    return err;
}

static void describe(const commit_t *commit, size_t index, const feed_place_t *place, int64_t id,
                     entry_t *entry)
{
    const change_t *change = &commit->changes[index];
    *entry = (entry_t){
        .id = id + (int64_t)index,
        .feed = place->ix,
        .origin = place->origin,
        .origin_id = commit->feed.origin,
        .at = {commit->feed.epoch, commit->feed.lane, commit->first + index},
        .type = change->type,
        .has_target = change->has_target,
        .target = change->target,
        .min_reader = change->min_reader,
        .commitment = change->commitment,
        .state = change->state,
        .time_ms = commit->time_ms,
        .body = change->body,
        .look = commit->looks ? &commit->looks[index] : NULL,
    };
}

static err_t append_changes(store_t *store, const commit_t *commit, int64_t id,
                            const feed_place_t *place, fault_t *fault)
{
    bool later = false;
    err_t err = entry_later_epochs(store->sql, place->origin, commit->feed.lane, commit->feed.epoch,
                                   &later, fault);
    for (size_t i = 0; i < commit->count && !err; i++) {
        entry_t entry;
        describe(commit, i, place, id, &entry);
        err = index_change(store, &entry, fault);
        if (!err)
            err = view_apply(&store->view, &entry, later, fault);
    }
    return err ? err : view_flush(&store->view, fault);
}

static err_t append(store_t *store, const commit_t *commit, uint64_t arrived_ms, fault_t *fault)
{
    int64_t id = 0;
    feed_place_t place;
    err_t err = feed_find(store->sql, &commit->feed, &place, fault);
    if (err)
        return err;
    if (!follows(&place, commit))
        return fault_set(fault, ERR_OUT_OF_ORDER, "", "the cursor stands at %llu",
                         (unsigned long long)place.number);
    if (!place.ix)
        err = feed_create(store, &commit->feed, &place, fault);
    if (!err)
        err = insert_commit(store, commit, place.ix, arrived_ms, &id, fault);
    if (!err)
        err = append_changes(store, commit, id, &place, fault);
    return err ? err : move_cursor(store, commit, &place, fault);
}

// I1, I3, I4: refused where the commit is not the one after the cursor, which
// moves by compare and set in the transaction that also has commit and view.
err_t store_append(store_t *store, const commit_t *commit, uint64_t arrived_ms, fault_t *fault)
{
    assert(commit->count > 0 && commit->last == commit->first + commit->count - 1);
    err_t err = store_begin(store, fault);
    return err ? err : store_settle(store, append(store, commit, arrived_ms, fault));
}

// ---- a payload that comes later ----

// A change's place in the log, and what its commit's row has of payloads.
typedef struct {
    int64_t commit;
    uint64_t first, last;
    row_state_t state;
    uint64_t begun;  // of the checksum
    int64_t sum;     // as it is kept
    size_t header;   // its size
    buf_t payloads;  // of the whole commit, encoded
    uint64_t number; // of the change
    change_t change; // body within `payloads`; state 0 where it does not read
} place_in_log_t;

static err_t read_place(sqlite3_stmt *statement, place_in_log_t *place, fault_t *fault)
{
    scan_t changes;
    hash_t previous;
    place->commit = sqlite3_column_int64(statement, CHECKED_SUM + 1);
    place->first = sql_column_u64(statement, CHECKED_FIRST);
    place->last = sql_column_u64(statement, CHECKED_LAST);
    place->state = row_state(statement, 0, &place->begun);
    place->sum = sqlite3_column_int64(statement, CHECKED_SUM);
    place->header = sql_column_span(statement, CHECKED_HEADER).size;
    place->payloads = buf_copy(sql_column_span(statement, CHECKED_PAYLOADS));
    scan_t payloads = scan_of(buf_span(&place->payloads));
    uint64_t skip = place->number - place->first;
    if (place->number > place->last)
        return fault_set(fault, ERR_OUT_OF_ORDER, "", "a change that is not held");
    if (place->last - place->first >= COMMIT_CHANGES_MAX || place->commit < 1 ||
        place->commit > APPLY_MAX ||
        !commit_scan_start(sql_column_span(statement, CHECKED_HEADER), &changes, &previous) ||
        !commit_scan_change(&changes, skip, &place->change))
        return fault_set(fault, ERR_DAMAGED, "commit_log", NULL);
    (void)commit_scan_payload(&payloads, skip, &place->change);
    return ERR_OK;
}

static err_t find_payload(store_t *store, const feed_t *feed, place_in_log_t *place, fault_t *fault)
{
    static const char find[] = "SELECT " CHECKED_COLUMNS ", id FROM commit_log"
                               " WHERE feed = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    feed_place_t at;
    bool row = false;
    err_t err = feed_find(store->sql, feed, &at, fault);
    if (!err && !at.ix)
        return fault_set(fault, ERR_UNKNOWN_FEED, "", NULL);
    if (!err)
        err = sql_first(store->sql, find, SQL_ROW(sql_int(at.ix), sql_u64(place->number)),
                        &statement, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_OUT_OF_ORDER, "", "a change that is not held");
    err = read_place(statement, place, fault);
    sql_done(statement);
    return err;
}

// The commit's payloads with this one in the place of what is there; others that do not
// read are missing from now on. A header does not say how large they are: TOO_BIG where
// nobody else would take them all with it.
static err_t replace_payload(const place_in_log_t *place, const change_t *with, buf_t *payloads,
                             bool lost[COMMIT_CHANGES_MAX], fault_t *fault)
{
    scan_t scan = scan_of(buf_span(&place->payloads));
    for (uint64_t i = 0; i <= place->last - place->first; i++) {
        bool here = i == place->number - place->first;
        change_t change = {0};
        lost[i] = !commit_scan_payload(&scan, 0, &change) && !here;
        if (lost[i])
            change.state = PAYLOAD_MISSING;
        commit_put_payload(payloads, here ? with : &change);
    }
    if (commit_parts_size(place->header, payloads->size) > COMMIT_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", "with the commit's other payloads");
    return ERR_OK;
}

// Those of the commit's changes that are lost with what was written over.
static err_t lose(store_t *store, const place_in_log_t *place, const bool lost[COMMIT_CHANGES_MAX],
                  fault_t *fault)
{
    err_t err = ERR_OK;
    for (uint64_t i = 0; i <= place->last - place->first && !err; i++) {
        int64_t id = place->commit + (int64_t)i;
        if (!lost[i])
            continue;
        err = sql_run(store->sql, "INSERT OR IGNORE INTO missing (change) VALUES (?1)",
                      SQL_ROW(sql_int(id)), fault);
        if (!err)
            err = view_refill(&store->view, id, fault);
    }
    return err;
}

// The payload is there and reads. One that was there before (`new` false) is looked at
// anew only if it was thought to be missing: anybody may send it.
static err_t arrived(store_t *store, const place_in_log_t *place, bool new, fault_t *fault)
{
    int64_t id = place->commit + (int64_t)(place->number - place->first);
    err_t err =
        sql_run(store->sql, "DELETE FROM missing WHERE change = ?1", SQL_ROW(sql_int(id)), fault);
    if (!err && (new || sqlite3_changes(sql_handle(store->sql)) > 0))
        err = view_refill(&store->view, id, fault);
    return err ? err : view_flush(&store->view, fault);
}

// Of a row that had changed the rest would pass for good with a new one: there is none, unless
// what came has made it again what it was.
static sql_value_t new_checksum(const place_in_log_t *place, span_t payloads)
{
    int64_t sum = checksum_end(place->begun, payloads);
    bool mended = place->state == ROW_CHANGED && sum == place->sum;
    return place->state == ROW_AS_WRITTEN || mended ? sql_int(sum) : sql_null();
}

static err_t fill(store_t *store, const place_in_log_t *place, const change_t *change,
                  fault_t *fault)
{
    static const char update[] = "UPDATE commit_log SET payloads = ?2, checksum = ?3 WHERE id = ?1";
    bool lost[COMMIT_CHANGES_MAX] = {false};
    buf_t payloads = {0};
    err_t err = replace_payload(place, change, &payloads, lost, fault);
    if (!err)
        err = sql_run(store->sql, update,
                      SQL_ROW(sql_int(place->commit), sql_blob(payloads.data, payloads.size),
                              new_checksum(place, buf_span(&payloads))),
                      fault);
    buf_free(&payloads);
    if (!err)
        err = lose(store, place, lost, fault);
    if (!err)
        err = arrived(store, place, true, fault);
    return err;
}

static err_t fill_missing(store_t *store, const place_in_log_t *place,
                          const uint8_t salt[SALT_SIZE], span_t body, fault_t *fault)
{
    change_t change = {.state = PAYLOAD_PRESENT, .body = body};
    if (place->change.state == PAYLOAD_PRESENT) // two sources may have been asked
        return arrived(store, place, false, fault);
    if (place->change.state == PAYLOAD_ERASED && place->state != ROW_CHANGED)
        return fault_set(fault, ERR_PAYLOAD_ERASED, "", NULL);
    hash_t given = crypto_commitment(salt, body);
    if (!hash_equal(&given, &place->change.commitment))
        return fault_set(fault, ERR_BAD_COMMITMENT, "", NULL);
    memcpy(change.salt, salt, SALT_SIZE);
    return fill(store, place, &change, fault);
}

err_t store_fill_payload(store_t *store, const feed_t *feed, uint64_t number,
                         const uint8_t salt[SALT_SIZE], span_t body, fault_t *fault)
{
    place_in_log_t place = {.number = number};
    if (body.size > PAYLOAD_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", NULL);
    err_t err = store_begin(store, fault);
    if (!err)
        err = store_settle(store, find_payload(store, feed, &place, fault));
    if (!err)
        err = store_settle(store, fill_missing(store, &place, salt, body, fault));
    buf_free(&place.payloads);
    return err;
}
