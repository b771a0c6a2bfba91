// Writing the log: commits and late payloads.
#include <assert.h>
#include <string.h>

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

static err_t insert_commit(store_t *store, const commit_t *commit, int64_t feed,
                           uint64_t arrived_ms, int64_t *id, fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO commit_log (feed, first, last, time_ms, arrived_ms, hash, signature, header)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    err_t err = sql_run(
        store->sql, insert,
        SQL_ROW(
            sql_int(feed), sql_u64(commit->first), sql_u64(commit->last), sql_u64(commit->time_ms),
            sql_u64(arrived_ms), sql_blob(commit->hash.bytes, HASH_SIZE),
            commit->has_signature ? sql_blob(commit->signature.bytes, SIGNATURE_SIZE) : sql_null(),
            sql_blob(commit->header.data, commit->header.size)),
        fault);
    *id = sqlite3_last_insert_rowid(sql_handle(store->sql));
    return err;
}

static sql_value_t if_any(bool any, uint64_t value)
{
    return any ? sql_u64(value) : sql_null();
}

static err_t insert_change(store_t *store, int64_t commit, const change_t *change, entry_t *entry,
                           fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO change (commit_id, feed, number, type, target_epoch, target_lane,"
        " target_number, min_reader, commitment, state, salt, body)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    bool present = change->state == PAYLOAD_PRESENT, target = change->has_target;
    err_t err = sql_run(
        store->sql, insert,
        SQL_ROW(sql_int(commit), sql_int(entry->feed), sql_u64(entry->at.number),
                sql_int(change->type), if_any(target, change->target.epoch),
                if_any(target, change->target.lane), if_any(target, change->target.number),
                sql_int(change->min_reader), sql_blob(change->commitment.bytes, HASH_SIZE),
                sql_int(change->state), present ? sql_blob(change->salt, SALT_SIZE) : sql_null(),
                present ? sql_blob(change->body.data, change->body.size) : sql_null()),
        fault);
    // Rows of `change` are never deleted: the next id is one more, and never was another's.
    entry->id = sqlite3_last_insert_rowid(sql_handle(store->sql));
    return err;
}

static void describe(const commit_t *commit, size_t index, const feed_place_t *place,
                     entry_t *entry)
{
    const change_t *change = &commit->changes[index];
    *entry = (entry_t){
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
        describe(commit, i, place, &entry);
        err = insert_change(store, id, &commit->changes[i], &entry, fault);
        if (!err)
            err = view_apply(&store->view, &entry, later, fault);
    }
    return err;
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

static err_t find_payload(store_t *store, const feed_t *feed, uint64_t number, int64_t *id,
                          payload_state_t *state, hash_t *commitment, fault_t *fault)
{
    static const char find[] =
        "SELECT id, state, commitment FROM change WHERE feed = ?1 AND number = ?2";
    sqlite3_stmt *statement = NULL;
    feed_place_t place;
    bool row = false;
    err_t err = feed_find(store->sql, feed, &place, fault);
    if (!err && !place.ix)
        return fault_set(fault, ERR_UNKNOWN_FEED, "", NULL);
    if (!err)
        err = sql_first(store->sql, find, SQL_ROW(sql_int(place.ix), sql_u64(number)), &statement,
                        &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_OUT_OF_ORDER, "", "a change that is not held");
    *id = sqlite3_column_int64(statement, 0);
    *state = (payload_state_t)sqlite3_column_int(statement, 1);
    sql_column_bytes(statement, 2, commitment->bytes, HASH_SIZE);
    sql_done(statement);
    return ERR_OK;
}

static err_t fill(store_t *store, int64_t id, const uint8_t salt[SALT_SIZE], span_t body,
                  fault_t *fault)
{
    static const char update[] = "UPDATE change SET state = 1, salt = ?2, body = ?3 WHERE id = ?1";
    err_t err = sql_run(
        store->sql, update,
        SQL_ROW(sql_int(id), sql_blob(salt, SALT_SIZE), sql_blob(body.data, body.size)), fault);
    return err ? err : view_refill(&store->view, id, fault);
}

err_t store_fill_payload(store_t *store, const feed_t *feed, uint64_t number,
                         const uint8_t salt[SALT_SIZE], span_t body, fault_t *fault)
{
    int64_t id = 0;
    hash_t commitment, given;
    payload_state_t state = PAYLOAD_MISSING;
    if (body.size > PAYLOAD_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", NULL);
    err_t err = store_begin(store, fault);
    if (!err)
        err =
            store_settle(store, find_payload(store, feed, number, &id, &state, &commitment, fault));
    if (err || state == PAYLOAD_PRESENT) // two sources may have been asked
        return err;
    if (state == PAYLOAD_ERASED)
        return fault_set(fault, ERR_PAYLOAD_ERASED, "", NULL);
    given = crypto_commitment(salt, body);
    if (!hash_equal(&given, &commitment))
        return fault_set(fault, ERR_BAD_COMMITMENT, "", NULL);
    return store_settle(store, fill(store, id, salt, body, fault));
}
