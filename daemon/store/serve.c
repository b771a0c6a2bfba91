// Reading the log for others: runs, single payloads, places where chains part.
//
// I15: headers, payloads and signatures are those that came. I16: a run ends at
// a signature that is kept, and kept are only verified ones.
#include <assert.h>
#include <string.h>

#include "daemon/store/checksum.h"
#include "daemon/store/internal.h"
#include "lib/wire.h"

// ---- one commit as it is stored ----

// Where the commit alone is asked for its payloads are not read from the disk.
#define HEADER_COLUMNS "first, last, hash, signature, header"

// Fields of Commit and Run in proto/enlace/v1/commit.proto.
enum { COMMIT_HEADER = 1, COMMIT_SIGNATURE = 3, RUN_COMMITS = 2 };

typedef struct {
    uint64_t first, last;
    hash_t hash;
    span_t header, signature; // until the statement moves on; no signature: empty
    span_t payloads;          // as they are to be sent: the row's, or `made`
    buf_t made;
} stored_t;

static err_t damaged(uint64_t number, fault_t *fault)
{
    return fault_set(fault, ERR_DAMAGED, "commit_log", "change %llu", (unsigned long long)number);
}

static bool commitment_holds(const change_t *change)
{
    if (change->state != PAYLOAD_PRESENT)
        return true;
    hash_t is = crypto_commitment(change->salt, change->body);
    return hash_equal(&is, &change->commitment);
}

static err_t check_payloads(const stored_t *stored, fault_t *fault)
{
    scan_t changes, scan = scan_of(stored->payloads);
    hash_t previous;
    if (!commit_scan_start(stored->header, &changes, &previous))
        return damaged(stored->first, fault);
    for (uint64_t number = stored->first; number <= stored->last; number++) {
        change_t change;
        if (!commit_scan_change(&changes, 0, &change) || !commit_scan_payload(&scan, 0, &change) ||
            !commitment_holds(&change))
            return damaged(number, fault);
    }
    return scan.at == scan.end ? ERR_OK : damaged(stored->last, fault);
}

// For those that ask for headers only no payload is there.
static err_t leave_out_payloads(stored_t *stored, fault_t *fault)
{
    scan_t scan = scan_of(stored->payloads);
    for (uint64_t number = stored->first; number <= stored->last; number++) {
        change_t change = {0};
        if (!commit_scan_payload(&scan, 0, &change))
            return damaged(number, fault);
        if (change.state == PAYLOAD_PRESENT)
            change.state = PAYLOAD_MISSING;
        commit_put_payload(&stored->made, &change);
    }
    stored->payloads = buf_span(&stored->made);
    return ERR_OK;
}

// Of the row's header, where the column says the same.
static err_t take_hash(sqlite3_stmt *statement, hash_t *hash, fault_t *fault)
{
    hash_t column;
    *hash = crypto_hash_of(HASH_COMMIT, sql_column_span(statement, CHECKED_HEADER));
    sql_column_bytes(statement, CHECKED_HASH, column.bytes, HASH_SIZE);
    return hash_equal(&column, hash) ? ERR_OK
                                     : damaged(sql_column_u64(statement, CHECKED_FIRST), fault);
}

// What is stored was checked when it came: what does not hold now is damage, and is not passed on.
// What is as it was written is not hashed again; what is not is, to tell which change it is.
static err_t check_stored(sqlite3_stmt *statement, stored_t *stored, fault_t *fault)
{
    row_state_t state = row_state(statement, 0, NULL);
    if (state == ROW_AS_WRITTEN) {
        sql_column_bytes(statement, CHECKED_HASH, stored->hash.bytes, HASH_SIZE);
        return ERR_OK;
    }
    err_t err = take_hash(statement, &stored->hash, fault);
    if (!err)
        err = check_payloads(stored, fault);
    return err || state == ROW_UNKNOWN ? err : damaged(stored->first, fault);
}

// The row of `statement`: CHECKED_COLUMNS. Free with stored_clear, whatever it returned.
static err_t take_stored(sqlite3_stmt *statement, bool headers_only, stored_t *stored,
                         fault_t *fault)
{
    *stored = (stored_t){
        .first = sql_column_u64(statement, CHECKED_FIRST),
        .last = sql_column_u64(statement, CHECKED_LAST),
        .header = sql_column_span(statement, CHECKED_HEADER),
        .signature = sql_column_span(statement, CHECKED_SIGNATURE),
        .payloads = sql_column_span(statement, CHECKED_PAYLOADS),
    };
    if (stored->last < stored->first || stored->last - stored->first >= COMMIT_CHANGES_MAX ||
        (stored->signature.size && stored->signature.size != SIGNATURE_SIZE))
        return damaged(stored->first, fault);
    err_t err = check_stored(statement, stored, fault);
    return err || !headers_only ? err : leave_out_payloads(stored, fault);
}

static void stored_clear(stored_t *stored)
{
    buf_free(&stored->made);
}

// I15: the bytes that came, put together again.
static buf_t encode_stored(const stored_t *stored)
{
    buf_t commit = {0};
    wire_append(&commit, COMMIT_HEADER, stored->header);
    buf_append(&commit, stored->payloads);
    if (stored->signature.size)
        wire_append(&commit, COMMIT_SIGNATURE, stored->signature);
    return commit;
}

// ---- a run ----

typedef struct {
    buf_t run; // encoded so far
    size_t count;
    size_t signed_size; // of the run up to the last commit that is vouched for; 0: none
    head_t last;        // that commit's end
    const head_t *cut;  // a position that an authority vouches for; NULL
} gathered_t;

// A cut's own hash is signed: by the root in a card, or voted for in a roster. It
// vouches for the chain up to it as a signature on that commit would.
static bool is_cut(const head_t *cut, uint64_t number, const hash_t *hash)
{
    return cut && number == cut->number && hash_equal(hash, &cut->hash);
}

// Whether one more commit of this size may be looked at. Until a signature is
// reached the caller's limit yields: less than that cannot be sent at all.
static bool has_room(const gathered_t *gathered, size_t size, size_t limit)
{
    if (gathered->count == RUN_COMMITS_MAX || size > RUN_BYTES_MAX)
        return false;
    return gathered->signed_size == 0 || size <= limit;
}

// False where it is the last one that may be in the run, or is not in it any more.
static bool gather_one(gathered_t *gathered, const stored_t *stored, size_t limit)
{
    size_t before = gathered->run.size;
    buf_t commit = encode_stored(stored);
    wire_append(&gathered->run, RUN_COMMITS, buf_span(&commit));
    buf_free(&commit);
    bool beyond = gathered->cut && stored->last > gathered->cut->number;
    if (beyond || !has_room(gathered, gathered->run.size, limit)) {
        gathered->run.size = before;
        return false;
    }
    bool last = is_cut(gathered->cut, stored->last, &stored->hash);
    gathered->count++;
    if (stored->signature.size || last) {
        gathered->signed_size = gathered->run.size;
        gathered->last.number = stored->last;
        gathered->last.hash = stored->hash;
    }
    return !last;
}

static err_t gather(sql_t *sql, const feed_t *feed, int64_t ix, uint64_t after, size_t limit,
                    bool headers_only, const head_t *cut, gathered_t *gathered, fault_t *fault)
{
    static const char list[] = "SELECT " CHECKED_COLUMNS " FROM commit_log"
                               " WHERE feed = ?1 AND first > ?2 ORDER BY first";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *gathered = (gathered_t){.run = run_encode(feed, NULL, 0), .last = {.feed = *feed}, .cut = cut};
    err_t err = sql_first(sql, list, SQL_ROW(sql_int(ix), sql_u64(after)), &statement, &row, fault);
    while (!err && row) {
        stored_t stored;
        err = take_stored(statement, headers_only, &stored, fault);
        bool more = !err && gather_one(gathered, &stored, limit);
        stored_clear(&stored);
        if (!more)
            break;
        err = sql_step(sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    return err;
}

// Payloads that came after their commits can make a chain too long to reach its
// next signature within a run: then they are left out, to be fetched one by one.
static err_t read_run(sql_t *sql, const feed_t *feed, const feed_place_t *place, uint64_t after,
                      size_t limit, bool headers_only, const head_t *cut, served_run_t *served,
                      fault_t *fault)
{
    gathered_t gathered;
    err_t err = gather(sql, feed, place->ix, after, limit, headers_only, cut, &gathered, fault);
    if (!err && gathered.signed_size == 0 && !headers_only) {
        buf_free(&gathered.run);
        err = gather(sql, feed, place->ix, after, limit, true, cut, &gathered, fault);
    }
    // Up to the cut there is nothing that is vouched for: this is another chain.
    bool other = !err && gathered.signed_size == 0 && cut;
    served->end = served->end || other;
    if (!err && gathered.signed_size == 0 && !other)
        err = fault_set(fault, ERR_DAMAGED, "commit_log", "no signature within a run's reach");
    if (err || other) {
        buf_free(&gathered.run);
        return err;
    }
    served->run = gathered.run;
    served->run.size = gathered.signed_size;
    served->last = gathered.last;
    served->end = gathered.last.number == place->number ||
                  is_cut(cut, gathered.last.number, &gathered.last.hash);
    return ERR_OK;
}

// ---- where the asker stands ----

// The hash that a chain here has at `after`: of the commit that ends there, or of
// what the first one follows from. Damage must not look like another chain.
static err_t hash_at(sql_t *sql, int64_t ix, uint64_t after, hash_t *hash, fault_t *fault)
{
    static const char find[] = "SELECT " HEADER_COLUMNS " FROM commit_log"
                               " WHERE feed = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    scan_t changes;
    bool row = false;
    uint64_t number = after ? after : 1;
    err_t err =
        sql_first(sql, find, SQL_ROW(sql_int(ix), sql_u64(number)), &statement, &row, fault);
    if (err || !row)
        return err ? err : fault_set(fault, ERR_DAMAGED, "commit_log", NULL);
    if (after && sql_column_u64(statement, CHECKED_LAST) != after)
        err = fault_set(fault, ERR_OUT_OF_ORDER, "", NULL);
    else
        err = take_hash(statement, hash, fault);
    if (!err && !after &&
        !commit_scan_start(sql_column_span(statement, CHECKED_HEADER), &changes, hash))
        err = damaged(number, fault);
    sql_done(statement);
    return err;
}

// Beyond a cut nothing is served that is held from before the cut was known.
static bool at_end(const feed_place_t *place, const head_t *cut, uint64_t after)
{
    return after == place->number || (cut && after >= cut->number);
}

static err_t serve(sql_t *sql, const feed_t *feed, uint64_t after, const hash_t *after_hash,
                   const head_t *cut, size_t max_bytes, bool headers_only, served_run_t *served,
                   fault_t *fault)
{
    feed_place_t place;
    err_t err = feed_find(sql, feed, &place, fault);
    if (err)
        return err;
    if (place.number == 0)
        return fault_set(fault, ERR_UNKNOWN_FEED, "", NULL);
    if (after > place.number)
        return fault_set(fault, ERR_OUT_OF_ORDER, "", "held up to %llu",
                         (unsigned long long)place.number);
    served->last = (head_t){.feed = *feed, .number = after};
    err = hash_at(sql, place.ix, after, &served->last.hash, fault);
    if (err)
        return err;
    served->end = at_end(&place, cut, after);
    served->diverged = !hash_equal(&served->last.hash, after_hash);
    if (served->diverged || served->end)
        return ERR_OK;
    return read_run(sql, feed, &place, after, max_bytes, headers_only, cut, served, fault);
}

err_t store_read_run_to(store_t *store, const feed_t *feed, uint64_t after,
                        const hash_t *after_hash, const head_t *cut, size_t max_bytes,
                        bool headers_only, served_run_t *served, fault_t *fault)
{
    *served = (served_run_t){0};
    return store_settle_read(store, serve(store->sql, feed, after, after_hash, cut, max_bytes,
                                          headers_only, served, fault));
}

err_t store_read_run(store_t *store, const feed_t *feed, uint64_t after, const hash_t *after_hash,
                     size_t max_bytes, bool headers_only, served_run_t *served, fault_t *fault)
{
    return store_read_run_to(store, feed, after, after_hash, NULL, max_bytes, headers_only, served,
                             fault);
}

// ---- single facts ----

// The payload of one change in its commit's row.
static err_t take_payload(sqlite3_stmt *statement, uint64_t number, change_t *change,
                          fault_t *fault)
{
    scan_t changes, payloads = scan_of(sql_column_span(statement, CHECKED_PAYLOADS));
    uint64_t skip = number - sql_column_u64(statement, CHECKED_FIRST);
    hash_t previous;
    if (number > sql_column_u64(statement, CHECKED_LAST))
        return fault_set(fault, ERR_OUT_OF_ORDER, "", "a change that is not held");
    if (!commit_scan_start(sql_column_span(statement, CHECKED_HEADER), &changes, &previous) ||
        !commit_scan_change(&changes, skip, change) ||
        !commit_scan_payload(&payloads, skip, change) || !commitment_holds(change))
        return damaged(number, fault);
    // No commitment says whether what is not there was erased or never came.
    if (change->state != PAYLOAD_PRESENT && row_state(statement, 0, NULL) == ROW_CHANGED)
        return damaged(number, fault);
    return ERR_OK;
}

static err_t read_payload(sql_t *sql, const feed_t *feed, uint64_t number, payload_state_t *state,
                          uint8_t salt[SALT_SIZE], buf_t *body, fault_t *fault)
{
    static const char find[] = "SELECT " CHECKED_COLUMNS " FROM commit_log"
                               " WHERE feed = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    feed_place_t place;
    change_t change = {0};
    bool row = false;
    err_t err = feed_find(sql, feed, &place, fault);
    if (!err && place.number == 0)
        err = fault_set(fault, ERR_UNKNOWN_FEED, "", NULL);
    if (!err)
        err = sql_first(sql, find, SQL_ROW(sql_int(place.ix), sql_u64(number)), &statement, &row,
                        fault);
    if (err || !row)
        return err ? err : fault_set(fault, ERR_OUT_OF_ORDER, "", "a change that is not held");
    err = take_payload(statement, number, &change, fault);
    if (!err) {
        *state = change.state;
        memcpy(salt, change.salt, SALT_SIZE);
        *body = buf_copy(change.body);
    }
    sql_done(statement);
    return err;
}

err_t store_read_payload(store_t *store, const feed_t *feed, uint64_t number,
                         payload_state_t *state, uint8_t salt[SALT_SIZE], buf_t *body,
                         fault_t *fault)
{
    *body = (buf_t){0};
    return store_settle_read(store,
                             read_payload(store->sql, feed, number, state, salt, body, fault));
}

static err_t commit_at(sql_t *sql, const feed_t *feed, uint64_t number, hash_t *hash,
                       uint64_t *first, fault_t *fault)
{
    static const char find[] = "SELECT " HEADER_COLUMNS " FROM commit_log"
                               " WHERE feed = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    feed_place_t place;
    bool row = false;
    err_t err = feed_find(sql, feed, &place, fault);
    if (!err && place.number == 0)
        err = fault_set(fault, ERR_UNKNOWN_FEED, "", NULL);
    if (!err && (number == 0 || number > place.number))
        err = fault_set(fault, ERR_OUT_OF_ORDER, "", "a change that is not held");
    if (!err)
        err = sql_first(sql, find, SQL_ROW(sql_int(place.ix), sql_u64(number)), &statement, &row,
                        fault);
    if (err || !row)
        return err ? err : fault_set(fault, ERR_DAMAGED, "commit_log", NULL);
    *first = sql_column_u64(statement, CHECKED_FIRST);
    err = take_hash(statement, hash, fault);
    sql_done(statement);
    return err;
}

err_t store_commit_at(store_t *store, const feed_t *feed, uint64_t number, hash_t *hash,
                      uint64_t *first, fault_t *fault)
{
    return store_settle_read(store, commit_at(store->sql, feed, number, hash, first, fault));
}

static void take_place(sqlite3_stmt *statement, place_t *place)
{
    *place = (place_t){
        .feed = {.epoch = sql_column_u32(statement, 1), .lane = sql_column_u32(statement, 2)},
        .number = sql_column_u64(statement, 3)};
    sql_column_bytes(statement, 0, place->feed.origin.bytes, ORIGIN_SIZE);
}

err_t store_missing_payloads(store_t *store, uint64_t *after, size_t limit, place_t *places,
                             size_t *count, fault_t *fault)
{
    static const char list[] =
        "SELECT o.origin_id, f.epoch, f.lane, m.first + x.change - m.id, x.change FROM missing x"
        " CROSS JOIN commit_log m ON m.id = (SELECT max(id) FROM commit_log WHERE id <= x.change)"
        " JOIN feed f ON f.ix = m.feed JOIN origin o ON o.ix = f.origin"
        " WHERE x.change > ?2 AND x.change <= m.id + m.last - m.first"
        " ORDER BY x.change LIMIT ?1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *count = 0;
    err_t err = sql_first(store->sql, list, SQL_ROW(sql_u64(limit), sql_u64(*after)), &statement,
                          &row, fault);
    while (!err && row) {
        assert(*count < limit);
        *after = sql_column_u64(statement, 4);
        take_place(statement, &places[(*count)++]);
        err = sql_step(store->sql, statement, &row, fault);
    }
    if (*count < limit)
        *after = 0;
    return store_settle_read(store, err);
}
