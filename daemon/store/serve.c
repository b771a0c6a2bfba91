// Reading the log for others: runs, single payloads, places where chains part.
//
// I15: headers, payloads and signatures are those that came. I16: a run ends at
// a signature that is kept, and kept are only verified ones.
#include <assert.h>
#include <string.h>

#include "daemon/store/internal.h"
#include "lib/mem.h"

// ---- one commit as it is stored ----

typedef struct {
    payload_state_t states[COMMIT_CHANGES_MAX];
    uint8_t salts[COMMIT_CHANGES_MAX][SALT_SIZE];
    buf_t bodies[COMMIT_CHANGES_MAX];
    span_t spans[COMMIT_CHANGES_MAX];
    size_t count;
} payloads_t;

static void payloads_clear(payloads_t *payloads)
{
    for (size_t i = 0; i < payloads->count; i++)
        buf_free(&payloads->bodies[i]);
    payloads->count = 0;
}

static void take_payload(payloads_t *payloads, sqlite3_stmt *statement, bool headers_only)
{
    size_t at = payloads->count++;
    payload_state_t state = (payload_state_t)sqlite3_column_int(statement, 0);
    payloads->bodies[at] = (buf_t){0};
    memset(payloads->salts[at], 0, SALT_SIZE);
    if (state == PAYLOAD_PRESENT && headers_only)
        state = PAYLOAD_MISSING;
    if (state == PAYLOAD_PRESENT) {
        sql_column_bytes(statement, 1, payloads->salts[at], SALT_SIZE);
        payloads->bodies[at] = buf_copy(sql_column_span(statement, 2));
    }
    payloads->states[at] = state;
    payloads->spans[at] = buf_span(&payloads->bodies[at]);
}

static err_t read_payloads(sql_t *sql, int64_t feed, uint64_t first, uint64_t last,
                           bool headers_only, payloads_t *payloads, fault_t *fault)
{
    static const char list[] = "SELECT state, salt, CASE WHEN ?4 THEN NULL ELSE body END"
                               " FROM change WHERE feed = ?1 AND number BETWEEN ?2 AND ?3"
                               " ORDER BY number";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    payloads->count = 0;
    if (last - first >= COMMIT_CHANGES_MAX)
        return fault_set(fault, ERR_DAMAGED, "commit_log", NULL);
    err_t err = sql_first(
        sql, list, SQL_ROW(sql_int(feed), sql_u64(first), sql_u64(last), sql_int(headers_only)),
        &statement, &row, fault);
    while (!err && row && payloads->count < COMMIT_CHANGES_MAX) {
        take_payload(payloads, statement, headers_only);
        err = sql_step(sql, statement, &row, fault);
    }
    if (!err && row) { // a damaged index led to more rows than there can be
        sql_done(statement);
        err = fault_set(fault, ERR_DAMAGED, "change", NULL);
    }
    return err;
}

// What is stored was checked when it came: what does not decode now is damage.
static err_t decode(sqlite3_stmt *statement, payloads_t *payloads, commit_t **commit,
                    fault_t *fault)
{
    span_t signature = sql_column_span(statement, 3);
    fault_t inner = {0};
    bool signed_here = signature.size == SIGNATURE_SIZE;
    err_t err = commit_decode(sql_column_span(statement, 4), signed_here ? signature.data : NULL,
                              payloads->count, payloads->states,
                              (const uint8_t(*)[SALT_SIZE])payloads->salts, payloads->spans, commit,
                              &inner);
    return err ? fault_set(fault, ERR_DAMAGED, inner.where, "%s", err_name(err)) : ERR_OK;
}

// The row of `statement` with its payloads: first, last, hash, signature, header.
static err_t take_commit(sql_t *sql, sqlite3_stmt *statement, int64_t feed, bool headers_only,
                         commit_t **commit, fault_t *fault)
{
    payloads_t *payloads = mem_alloc(sizeof *payloads);
    err_t err = read_payloads(sql, feed, sql_column_u64(statement, 0), sql_column_u64(statement, 1),
                              headers_only, payloads, fault);
    if (!err)
        err = decode(statement, payloads, commit, fault);
    payloads_clear(payloads);
    mem_free(payloads);
    return err;
}

// ---- a run ----

typedef struct {
    commit_t *commits[RUN_COMMITS_MAX];
    size_t count;
    size_t until_signature; // how many of them end in a signature
    size_t bytes;           // encoded, of all of them
    const head_t *cut;      // a position that an authority vouches for; NULL
} gathered_t;

static void gathered_clear(gathered_t *gathered)
{
    for (size_t i = 0; i < gathered->count; i++)
        commit_destroy(&gathered->commits[i]);
    *gathered = (gathered_t){0};
}

// A cut's own hash is signed: by the root in a card, or voted for in a roster. It
// vouches for the chain up to it as a signature on that commit would.
static bool ends_at_cut(const gathered_t *gathered, const commit_t *commit)
{
    const head_t *cut = gathered->cut;
    return cut && commit->last == cut->number && hash_equal(&commit->hash, &cut->hash);
}

// Whether one more commit of this size may be looked at. Until a signature is
// reached the caller's limit yields: less than that cannot be sent at all.
static bool has_room(const gathered_t *gathered, size_t size, size_t limit)
{
    size_t bytes = gathered->bytes + size;
    if (gathered->count == RUN_COMMITS_MAX || bytes > RUN_BYTES_MAX)
        return false;
    return gathered->until_signature == 0 || bytes <= limit;
}

static bool gather_one(gathered_t *gathered, commit_t *commit, size_t limit)
{
    size_t size = commit_encoded_size(commit);
    bool beyond = gathered->cut && commit->last > gathered->cut->number;
    if (beyond || !has_room(gathered, size, limit)) {
        commit_destroy(&commit);
        return false;
    }
    gathered->commits[gathered->count++] = commit;
    gathered->bytes += size;
    bool last = ends_at_cut(gathered, commit);
    if (commit->has_signature || last)
        gathered->until_signature = gathered->count;
    return !last;
}

static err_t gather(sql_t *sql, const feed_t *feed, int64_t ix, uint64_t after, size_t limit,
                    bool headers_only, const head_t *cut, gathered_t *gathered, fault_t *fault)
{
    static const char list[] = "SELECT first, last, hash, signature, header FROM commit_log"
                               " WHERE feed = ?1 AND first > ?2 ORDER BY first";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    buf_t empty = run_encode(feed, NULL, 0);
    *gathered = (gathered_t){.bytes = empty.size, .cut = cut};
    buf_free(&empty);
    err_t err = sql_first(sql, list, SQL_ROW(sql_int(ix), sql_u64(after)), &statement, &row, fault);
    while (!err && row) {
        commit_t *commit = NULL;
        err = take_commit(sql, statement, ix, headers_only, &commit, fault);
        if (err || !gather_one(gathered, commit, limit))
            break;
        err = sql_step(sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    if (err)
        gathered_clear(gathered);
    return err;
}

static void encode_run(const feed_t *feed, const gathered_t *gathered, uint64_t held,
                       served_run_t *served)
{
    const commit_t *last = gathered->commits[gathered->until_signature - 1];
    served->run = run_encode(feed, gathered->commits, gathered->until_signature);
    served->last.number = last->last;
    served->last.hash = last->hash;
    served->end = last->last == held || ends_at_cut(gathered, last);
}

// Payloads that came after their commits can make a chain too long to reach its
// next signature within a run: then they are left out, to be fetched one by one.
static err_t read_run(sql_t *sql, const feed_t *feed, const feed_place_t *place, uint64_t after,
                      size_t limit, bool headers_only, const head_t *cut, served_run_t *served,
                      fault_t *fault)
{
    gathered_t gathered;
    err_t err = gather(sql, feed, place->ix, after, limit, headers_only, cut, &gathered, fault);
    if (!err && gathered.until_signature == 0 && !headers_only) {
        gathered_clear(&gathered);
        err = gather(sql, feed, place->ix, after, limit, true, cut, &gathered, fault);
    }
    // Up to the cut there is nothing that is vouched for: this is another chain.
    bool other = !err && gathered.until_signature == 0 && cut;
    served->end = served->end || other;
    if (!err && gathered.until_signature == 0 && !other)
        err = fault_set(fault, ERR_DAMAGED, "commit_log", "no signature within a run's reach");
    if (!err && !other)
        encode_run(feed, &gathered, place->number, served);
    gathered_clear(&gathered);
    return err;
}

// ---- where the asker stands ----

// The hash that a chain here has at `after`: of the commit that ends there, or of
// what the first one follows from.
static err_t hash_at(sql_t *sql, int64_t ix, uint64_t after, hash_t *hash, fault_t *fault)
{
    static const char find[] = "SELECT first, last, hash, signature, header FROM commit_log"
                               " WHERE feed = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    commit_t *commit = NULL;
    bool row = false;
    uint64_t number = after ? after : 1;
    err_t err =
        sql_first(sql, find, SQL_ROW(sql_int(ix), sql_u64(number)), &statement, &row, fault);
    if (err || !row)
        return err ? err : fault_set(fault, ERR_DAMAGED, "commit_log", NULL);
    if (after && sql_column_u64(statement, 1) != after)
        err = fault_set(fault, ERR_OUT_OF_ORDER, "", NULL);
    else if (after)
        sql_column_bytes(statement, 2, hash->bytes, HASH_SIZE);
    else
        err = take_commit(sql, statement, ix, true, &commit, fault);
    if (commit)
        *hash = commit->previous;
    commit_destroy(&commit);
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
    return store_settle(store, serve(store->sql, feed, after, after_hash, cut, max_bytes,
                                     headers_only, served, fault));
}

err_t store_read_run(store_t *store, const feed_t *feed, uint64_t after, const hash_t *after_hash,
                     size_t max_bytes, bool headers_only, served_run_t *served, fault_t *fault)
{
    return store_read_run_to(store, feed, after, after_hash, NULL, max_bytes, headers_only, served,
                             fault);
}

// ---- single facts ----

static err_t read_payload(sql_t *sql, const feed_t *feed, uint64_t number, payload_state_t *state,
                          uint8_t salt[SALT_SIZE], buf_t *body, fault_t *fault)
{
    payloads_t *payloads = mem_alloc(sizeof *payloads);
    feed_place_t place;
    err_t err = feed_find(sql, feed, &place, fault);
    if (!err && place.number == 0)
        err = fault_set(fault, ERR_UNKNOWN_FEED, "", NULL);
    if (!err)
        err = read_payloads(sql, place.ix, number, number, false, payloads, fault);
    if (!err && payloads->count == 0)
        err = fault_set(fault, ERR_OUT_OF_ORDER, "", "a change that is not held");
    if (!err) {
        *state = payloads->states[0];
        memcpy(salt, payloads->salts[0], SALT_SIZE);
        *body = payloads->bodies[0];
        payloads->count = 0; // the body is the caller's now
    }
    payloads_clear(payloads);
    mem_free(payloads);
    return err;
}

err_t store_read_payload(store_t *store, const feed_t *feed, uint64_t number,
                         payload_state_t *state, uint8_t salt[SALT_SIZE], buf_t *body,
                         fault_t *fault)
{
    *body = (buf_t){0};
    return store_settle(store, read_payload(store->sql, feed, number, state, salt, body, fault));
}

static err_t commit_at(sql_t *sql, const feed_t *feed, uint64_t number, hash_t *hash,
                       uint64_t *first, fault_t *fault)
{
    static const char find[] = "SELECT first, hash FROM commit_log"
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
    *first = sql_column_u64(statement, 0);
    sql_column_bytes(statement, 1, hash->bytes, HASH_SIZE);
    sql_done(statement);
    return ERR_OK;
}

err_t store_commit_at(store_t *store, const feed_t *feed, uint64_t number, hash_t *hash,
                      uint64_t *first, fault_t *fault)
{
    return store_settle(store, commit_at(store->sql, feed, number, hash, first, fault));
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
    static const char list[] = "SELECT o.origin_id, f.epoch, f.lane, c.number, c.id"
                               " FROM change c INDEXED BY change_missing"
                               " JOIN feed f ON f.ix = c.feed JOIN origin o ON o.ix = f.origin"
                               " WHERE c.state = 3 AND c.id > ?2 ORDER BY c.id LIMIT ?1";
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
    return store_settle(store, err);
}
