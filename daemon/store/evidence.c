// What is kept against an origin, and feeds that do not advance. Never projected.
#include <string.h>

#include "daemon/store/internal.h"

#define EVIDENCE_MAX        64                           // an origin
#define EVIDENCE_BYTES_MAX  (2u * RUN_BYTES_MAX + 4096u) // two chains that part
#define EVIDENCE_FEED_BYTES (4 * 1024 * 1024)

// ---- evidence ----

static err_t has_proof(sql_t *sql, int64_t origin, const feed_t *feed, err_t reason, bool *has,
                       fault_t *fault)
{
    static const char count[] = "SELECT count(*) FROM evidence"
                                " WHERE origin = ?1 AND epoch = ?2 AND lane = ?3 AND reason = ?4";
    int64_t held = 0;
    err_t err = sql_number(
        sql, count,
        SQL_ROW(sql_int(origin), sql_int(feed->epoch), sql_int(feed->lane), sql_int(reason)), 0,
        &held, fault);
    *has = held > 0;
    return err;
}

// Kept are the first ones: who could push out a proof by making others could hide. So
// could who had filled the room before: a feed's first proof is kept in any case.
static err_t has_room(sql_t *sql, int64_t origin, const feed_t *feed, size_t size, bool *room,
                      fault_t *fault)
{
    static const char count[] = "SELECT count(*) FROM evidence WHERE origin = ?1";
    static const char sum[] = "SELECT coalesce(sum(length(bytes)), 0) FROM evidence"
                              " WHERE origin = ?1 AND epoch = ?2 AND lane = ?3";
    int64_t held = 0, bytes = 0;
    err_t err = sql_number(sql, count, SQL_ROW(sql_int(origin)), 0, &held, fault);
    if (!err)
        err = sql_number(sql, sum,
                         SQL_ROW(sql_int(origin), sql_int(feed->epoch), sql_int(feed->lane)), 0,
                         &bytes, fault);
    *room = held < EVIDENCE_MAX && bytes + (int64_t)size <= EVIDENCE_FEED_BYTES;
    return err;
}

static sql_value_t hash_of(const proof_t *proof, const hash_t *hash)
{
    return proof && proof->number ? sql_blob(hash->bytes, HASH_SIZE) : sql_null();
}

static err_t insert_evidence(sql_t *sql, int64_t origin, const feed_t *feed, err_t reason,
                             const proof_t *proof, span_t bytes, uint64_t arrived_ms,
                             fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO evidence (origin, epoch, lane, reason, arrived_ms, bytes, number, ours,"
        " theirs, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    bool proven = proof && proof->number;
    return sql_run(sql, insert,
                   SQL_ROW(sql_int(origin), sql_int(feed->epoch), sql_int(feed->lane),
                           sql_int(reason), sql_u64(arrived_ms), sql_blob(bytes.data, bytes.size),
                           proven ? sql_u64(proof->number) : sql_null(),
                           hash_of(proof, proven ? &proof->ours : NULL),
                           hash_of(proof, proven ? &proof->theirs : NULL),
                           proof ? sql_text(proof->source) : sql_null()),
                   fault);
}

static err_t add_evidence(store_t *store, const feed_t *feed, err_t reason, const proof_t *proof,
                          span_t bytes, uint64_t arrived_ms, fault_t *fault)
{
    static const char same[] =
        "SELECT count(*) FROM evidence WHERE origin = ?1 AND reason = ?2 AND bytes = ?3";
    int64_t origin = 0, known = 0;
    bool room = false, known_proof = false;
    err_t err = origin_ensure(store->sql, &feed->origin, &origin, fault);
    if (!err)
        err = has_room(store->sql, origin, feed, bytes.size, &room, fault);
    if (!err && !room && (reason == ERR_DIVERGED || reason == ERR_CONTESTED)) {
        err = has_proof(store->sql, origin, feed, reason, &known_proof, fault);
        room = !known_proof;
    }
    if (err || !room)
        return err;
    err = sql_number(store->sql, same,
                     SQL_ROW(sql_int(origin), sql_int(reason), sql_blob(bytes.data, bytes.size)), 0,
                     &known, fault);
    if (err || known)
        return err;
    return insert_evidence(store->sql, origin, feed, reason, proof, bytes, arrived_ms, fault);
}

err_t store_add_evidence(store_t *store, const feed_t *feed, err_t reason, const proof_t *proof,
                         span_t bytes, uint64_t arrived_ms, fault_t *fault)
{
    if (bytes.size > EVIDENCE_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", NULL);
    err_t err = store_begin(store, fault);
    if (err)
        return err;
    return store_settle(store, add_evidence(store, feed, reason, proof, bytes, arrived_ms, fault));
}

err_t store_read_evidence(store_t *store, const feed_t *feed, err_t reason, buf_t *bytes,
                          fault_t *fault)
{
    static const char find[] =
        "SELECT e.bytes FROM evidence e JOIN origin o ON o.ix = e.origin"
        " WHERE o.origin_id = ?1 AND e.epoch = ?2 AND e.lane = ?3 AND e.reason = ?4"
        " ORDER BY e.id LIMIT 1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *bytes = (buf_t){0};
    err_t err = sql_first(store->sql, find,
                          SQL_ROW(sql_blob(feed->origin.bytes, ORIGIN_SIZE), sql_int(feed->epoch),
                                  sql_int(feed->lane), sql_int(reason)),
                          &statement, &row, fault);
    if (!err && row)
        *bytes = buf_copy(sql_column_span(statement, 0));
    if (statement)
        sql_done(statement);
    return store_settle_read(store, err);
}

// ---- feeds that do not advance ----

static err_t stop_feed(store_t *store, const feed_t *feed, err_t reason, const proof_t *proof,
                       uint64_t wall_ms, fault_t *fault)
{
    static const char update[] =
        "UPDATE feed SET stopped = ?2, stopped_ms = ?3, proof_number = ?4, proof_ours = ?5,"
        " proof_theirs = ?6, proof_source = ?7 WHERE ix = ?1";
    bool proven = proof && proof->number;
    feed_place_t place;
    err_t err = feed_find(store->sql, feed, &place, fault);
    if (!err && !place.ix)
        err = feed_create(store, feed, &place, fault);
    if (err)
        return err;
    return sql_run(store->sql, update,
                   SQL_ROW(sql_int(place.ix), sql_int(reason), sql_u64(wall_ms),
                           proven ? sql_u64(proof->number) : sql_null(),
                           hash_of(proof, proven ? &proof->ours : NULL),
                           hash_of(proof, proven ? &proof->theirs : NULL),
                           proven ? sql_text(proof->source) : sql_null()),
                   fault);
}

err_t store_stop_feed(store_t *store, const feed_t *feed, err_t reason, const proof_t *proof,
                      uint64_t wall_ms, fault_t *fault)
{
    err_t err = store_begin(store, fault);
    return err ? err : store_settle(store, stop_feed(store, feed, reason, proof, wall_ms, fault));
}

// ---- positions that a cut may name ----

static err_t ends_in_log(sql_t *sql, const feed_t *feed, uint64_t number, const hash_t *hash,
                         bool *ends, fault_t *fault)
{
    static const char find[] = "SELECT count(*) FROM commit_log"
                               " WHERE feed = ?1 AND first <= ?2 AND last = ?2 AND hash = ?3";
    feed_place_t place;
    int64_t count = 0;
    err_t err = feed_find(sql, feed, &place, fault);
    if (!err && place.ix)
        err = sql_number(
            sql, find,
            SQL_ROW(sql_int(place.ix), sql_u64(number), sql_blob(hash->bytes, HASH_SIZE)), 0,
            &count, fault);
    *ends = count > 0;
    return err;
}

static bool run_ends_at(span_t bytes, uint64_t number, const hash_t *hash)
{
    run_t run;
    fault_t fault;
    bool ends = false;
    if (run_decode(bytes, &run, &fault))
        return false;
    for (size_t i = 0; i < run.count; i++)
        ends = ends || (run.commits[i]->last == number && hash_equal(&run.commits[i]->hash, hash));
    run_clear(&run);
    return ends;
}

static err_t ends_in_evidence(sql_t *sql, const feed_t *feed, uint64_t number, const hash_t *hash,
                              bool *ends, fault_t *fault)
{
    static const char list[] = "SELECT e.bytes FROM evidence e JOIN origin o ON o.ix = e.origin"
                               " WHERE o.origin_id = ?1 AND e.epoch = ?2 AND e.lane = ?3";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(sql, list,
                          SQL_ROW(sql_blob(feed->origin.bytes, ORIGIN_SIZE), sql_int(feed->epoch),
                                  sql_int(feed->lane)),
                          &statement, &row, fault);
    while (!err && row && !*ends) {
        *ends = run_ends_at(sql_column_span(statement, 0), number, hash);
        err = sql_step(sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    return err;
}

err_t store_ends_at(store_t *store, const feed_t *feed, uint64_t number, const hash_t *hash,
                    bool *ends, fault_t *fault)
{
    err_t err = ends_in_log(store->sql, feed, number, hash, ends, fault);
    if (!err && !*ends)
        err = ends_in_evidence(store->sql, feed, number, hash, ends, fault);
    return store_settle_read(store, err);
}
