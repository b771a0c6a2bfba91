// Verify: the log. Every feed from its epoch's card on: chain, signatures,
// commitments, columns that repeat the header, cursor.
#include <stdio.h>
#include <string.h>

#include "daemon/store/checksum.h"
#include "daemon/store/verify_internal.h"
#include "lib/mem.h"

enum { PAGE_COMMITS = 64 };

typedef struct {
    int64_t ix, origin;
    feed_t feed;
    code_t code;
    uint64_t number; // last change looked at
    hash_t hash;     // of the commit that it ends: what the next must follow from
    uint64_t time_ms;
    bool ends_signed;
    // Of those that were there when verify began:
    uint64_t commits, targets;
} chain_t;

static void name_change(const chain_t *chain, uint64_t number, char where[WHERE_TEXT])
{
    record_id_format(chain->code.text, (position_t){chain->feed.epoch, chain->feed.lane, number},
                     where);
}

static void name_feed(const chain_t *chain, char where[WHERE_TEXT])
{
    snprintf(where, WHERE_TEXT, "%s.%u/%u", chain->code.text, chain->feed.epoch, chain->feed.lane);
}

// ---- changes ----

static bool commitment_holds(const change_t *change, const hash_t *commitment)
{
    if (change->state != PAYLOAD_PRESENT)
        return true;
    hash_t is = crypto_commitment(change->salt, change->body);
    return hash_equal(&is, commitment);
}

static bool has_place(const chain_t *chain, uint64_t number, const change_t *change)
{
    position_t at = {chain->feed.epoch, chain->feed.lane, number};
    return (change->type == CHANGE_RECORD || change->type == CHANGE_RETRACT) &&
           change->has_target && fold_target_fits(at, change->target);
}

// Whether the tables that the log is searched by have the change, and only where they should.
static void check_found(checker_t *checker, const char *where, const char *table, bool found,
                        bool wanted)
{
    if (found != wanted)
        checker_find(checker, where, ERR_DAMAGED, "table %s %s", table,
                     wanted ? "lacks it" : "has it");
}

static err_t check_missing(checker_t *checker, const char *where, int64_t id,
                           const change_t *change, fault_t *fault)
{
    int64_t found = 0;
    err_t err = sql_number(checker->sql, "SELECT count(*) FROM missing WHERE change = ?1",
                           SQL_ROW(sql_int(id)), 0, &found, fault);
    if (!err)
        check_found(checker, where, "missing", found != 0, change->state == PAYLOAD_MISSING);
    return err;
}

static err_t check_target(checker_t *checker, const chain_t *chain, const char *where, int64_t id,
                          const change_t *change, fault_t *fault)
{
    static const char find[] = "SELECT count(*) FROM target WHERE feed = ?1 AND epoch = ?2"
                               " AND number = ?3 AND change = ?4";
    int64_t found = 0;
    err_t err = sql_number(checker->sql, find,
                           SQL_ROW(sql_int(chain->ix), sql_int(change->target.epoch),
                                   sql_u64(change->target.number), sql_int(id)),
                           0, &found, fault);
    if (!err)
        check_found(checker, where, "target", found != 0, true);
    return err;
}

// `change` with its payload, `id` its apply number.
static err_t check_change(checker_t *checker, chain_t *chain, uint64_t number, int64_t id,
                          const change_t *change, fault_t *fault)
{
    char where[WHERE_TEXT];
    name_change(chain, number, where);
    if (!commitment_holds(change, &change->commitment))
        checker_find(checker, where, ERR_BAD_COMMITMENT, "payload");
    err_t err = check_missing(checker, where, id, change, fault);
    if (!err && has_place(chain, number, change)) {
        err = check_target(checker, chain, where, id, change, fault);
        chain->targets += id <= checker->applied;
    }
    checker->report->changes++;
    return err;
}

// The payloads beside a header that decodes.
static err_t check_changes(checker_t *checker, chain_t *chain, int64_t id, span_t payloads,
                           const commit_t *commit, fault_t *fault)
{
    char where[WHERE_TEXT];
    scan_t scan = scan_of(payloads);
    err_t err = ERR_OK;
    for (size_t i = 0; i < commit->count && !err; i++) {
        change_t change = commit->changes[i];
        if (!commit_scan_payload(&scan, 0, &change)) {
            name_change(chain, commit->first + i, where);
            checker_find(checker, where, ERR_DAMAGED, "column payloads does not read");
            return ERR_OK;
        }
        err = check_change(checker, chain, commit->first + i, (int64_t)((uint64_t)id + i), &change,
                           fault);
    }
    name_change(chain, commit->last, where);
    if (!err && scan.at != scan.end)
        checker_find(checker, where, ERR_DAMAGED,
                     "column payloads has more than there are changes");
    return err;
}

// ---- commits: the columns of check_commit ----

enum { AT_ID = CHECKED_SUM + 1, AT_TIME };

static err_t decode_header(sqlite3_stmt *statement, commit_t **commit, fault_t *fault)
{
    uint64_t count =
        sql_column_u64(statement, CHECKED_LAST) - sql_column_u64(statement, CHECKED_FIRST) + 1;
    span_t signature = sql_column_span(statement, CHECKED_SIGNATURE);
    if (count == 0 || count > COMMIT_CHANGES_MAX)
        return fault_set(fault, ERR_DAMAGED, "last", NULL);
    return commit_decode_bare(sql_column_span(statement, CHECKED_HEADER),
                              signature.size == SIGNATURE_SIZE ? signature.data : NULL, count,
                              commit, fault);
}

static void check_columns(checker_t *checker, const chain_t *chain, const char *where,
                          sqlite3_stmt *statement, const commit_t *commit)
{
    const char *column = NULL;
    if (!feed_equal(&commit->feed, &chain->feed))
        column = "feed";
    else if (sql_column_u64(statement, CHECKED_FIRST) != commit->first)
        column = "first";
    else if (sql_column_u64(statement, CHECKED_LAST) != commit->last)
        column = "last";
    else if (sql_column_u64(statement, AT_TIME) != commit->time_ms)
        column = "time_ms";
    if (column)
        checker_find(checker, where, ERR_DAMAGED, "column %s of commit_log differs from the header",
                     column);
}

static void check_chain(checker_t *checker, const chain_t *chain, const char *where,
                        const commit_t *commit)
{
    if (commit->first != chain->number + 1)
        checker_find(checker, where, ERR_OUT_OF_ORDER, "comes after %llu",
                     (unsigned long long)chain->number);
    if (!hash_equal(&commit->previous, &chain->hash))
        checker_find(checker, where, ERR_BROKEN_CHAIN, "previous hash");
    if (commit->time_ms < chain->time_ms)
        checker_find(checker, where, ERR_TIME_BACKWARDS, "time");
}

static err_t check_signature(checker_t *checker, const chain_t *chain, const char *where,
                             const commit_t *commit, fault_t *fault)
{
    if (!commit->has_signature || !checker->roster)
        return ERR_OK;
    err_t err = checker_card(checker, chain->origin, commit->card_number, fault);
    if (err)
        return err;
    checker->report->signatures++;
    if (!checker->card.known)
        checker_find(checker, where, ERR_UNKNOWN_CARD, "card %u", commit->card_number);
    else if (!commit_signature_holds(commit, &checker->card.key, &checker->coalition))
        checker_find(checker, where, ERR_BAD_SIGNATURE, "card %u", commit->card_number);
    return ERR_OK;
}

static err_t check_decoded(checker_t *checker, chain_t *chain, const char *where,
                           sqlite3_stmt *statement, const commit_t *commit, fault_t *fault)
{
    check_columns(checker, chain, where, statement, commit);
    check_chain(checker, chain, where, commit);
    chain->time_ms = commit->time_ms;
    err_t err = check_signature(checker, chain, where, commit, fault);
    if (err)
        return err;
    return check_changes(checker, chain, sqlite3_column_int64(statement, AT_ID),
                         sql_column_span(statement, CHECKED_PAYLOADS), commit, fault);
}

// What all else leaves unseen: bits that no hash and no signature covers, or the sum's own.
static void check_sum(checker_t *checker, const char *where, uint64_t found_before,
                      sqlite3_stmt *statement)
{
    if (checker->report->found == found_before && row_state(statement, 0, NULL) == ROW_CHANGED)
        checker_find(checker, where, ERR_DAMAGED, "column checksum of commit_log differs");
}

// The chain goes on from the bytes of the header, whatever the columns say.
static err_t check_commit(checker_t *checker, chain_t *chain, sqlite3_stmt *statement,
                          fault_t *fault)
{
    char where[WHERE_TEXT];
    commit_t *commit = NULL;
    fault_t inner = {0};
    uint64_t found_before = checker->report->found;
    hash_t stored,
        computed = crypto_hash_of(HASH_COMMIT, sql_column_span(statement, CHECKED_HEADER));
    name_change(chain, sql_column_u64(statement, CHECKED_FIRST), where);
    sql_column_bytes(statement, CHECKED_HASH, stored.bytes, HASH_SIZE);
    if (!hash_equal(&stored, &computed))
        checker_find(checker, where, ERR_DAMAGED,
                     "column hash of commit_log differs from the "
                     "header");
    err_t err = decode_header(statement, &commit, &inner);
    if (err && strcmp(inner.where, "payloads") == 0)
        err = fault_set(&inner, ERR_DAMAGED, "differs from columns first and last", NULL);
    if (err) {
        checker_find(checker, where, err, "header %s", inner.where);
        err = ERR_OK;
    } else {
        err = check_decoded(checker, chain, where, statement, commit, fault);
    }
    commit_destroy(&commit);
    check_sum(checker, where, found_before, statement);
    checker->report->commits++;
    if (sqlite3_column_int64(statement, AT_ID) <= checker->committed)
        chain->commits++;
    chain->number = sql_column_u64(statement, CHECKED_LAST);
    chain->hash = computed;
    chain->ends_signed = sqlite3_column_type(statement, CHECKED_SIGNATURE) != SQLITE_NULL;
    return err;
}

// ---- feeds ----

static err_t check_cursor(checker_t *checker, const chain_t *chain, fault_t *fault)
{
    char where[WHERE_TEXT];
    feed_place_t place;
    name_feed(chain, where);
    err_t err = feed_find(checker->sql, &chain->feed, &place, fault);
    if (err)
        return err;
    if (chain->number == 0 && place.number == 0)
        return ERR_OK;
    if (place.number != chain->number || place.time_ms != chain->time_ms ||
        !hash_equal(&place.hash, &chain->hash))
        checker_find(checker, where, ERR_DAMAGED, "the cursor is not the last commit");
    if (chain->ends_signed)
        return ERR_OK;
    // Without a signature a chain may end where a cut vouches for it.
    head_t at = {chain->feed, chain->number, chain->hash};
    bool cut = false;
    err = checker_cut(checker, chain->origin, &at, &cut, fault);
    if (!err && !cut)
        checker_find(checker, where, ERR_UNSIGNED, "the last commit");
    return err;
}

// *end: this was the last page, and the cursor was compared in the same snapshot.
static err_t check_page(checker_t *checker, chain_t *chain, bool *end, fault_t *fault)
{
    static const char list[] = "SELECT " CHECKED_COLUMNS ", id, time_ms FROM commit_log"
                               " WHERE feed = ?1 AND first > ?2 ORDER BY first LIMIT ?3";
    sqlite3_stmt *statement = NULL;
    size_t count = 0;
    bool row = false;
    uint64_t after = chain->number;
    err_t err = sql_first(checker->sql, list,
                          SQL_ROW(sql_int(chain->ix), sql_u64(after), sql_int(PAGE_COMMITS)),
                          &statement, &row, fault);
    for (; !err && row; count++) {
        err = check_commit(checker, chain, statement, fault);
        if (!err)
            err = sql_step(checker->sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    *end = count < PAGE_COMMITS || chain->number <= after;
    return err || !*end ? err : check_cursor(checker, chain, fault);
}

static err_t begin_feed(checker_t *checker, chain_t *chain, fault_t *fault)
{
    static const hash_t none;
    char where[WHERE_TEXT];
    err_t err = checker_code(checker, chain->origin, &chain->code, fault);
    if (!err)
        err = epoch_start(checker->sql, chain->origin, chain->feed.epoch, &chain->hash, fault);
    if (err)
        return err;
    name_feed(chain, where);
    checker->report->feeds++;
    if (hash_equal(&chain->hash, &none))
        checker_find(checker, where, ERR_WRONG_EPOCH, "no card starts epoch %u", chain->feed.epoch);
    if (checker->roster && !roster_code_of(checker->roster, &chain->feed.origin))
        checker_find(checker, where, ERR_UNKNOWN_ORIGIN, "the roster does not name its origin");
    return ERR_OK;
}

static err_t check_feed(checker_t *checker, chain_t *chain, fault_t *fault)
{
    bool end = false;
    for (bool begun = false; !end; begun = true) {
        uint64_t before = chain->number;
        err_t err = checker_begin(checker, fault);
        if (!err && !begun)
            err = begin_feed(checker, chain, fault);
        if (!err)
            err = check_page(checker, chain, &end, fault);
        err = checker_end(checker, err, fault);
        if (!err)
            err = checker_progress(checker, chain->number > before ? chain->number - before : 0);
        if (err)
            return err;
    }
    return ERR_OK;
}

// The feed after the one with this row; ix 0 where there is none.
static err_t next_feed(checker_t *checker, int64_t after, chain_t *chain, fault_t *fault)
{
    static const char find[] = "SELECT f.ix, f.origin, o.origin_id, f.epoch, f.lane FROM feed f"
                               " JOIN origin o ON o.ix = f.origin WHERE f.ix > ?1"
                               " ORDER BY f.ix LIMIT 1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *chain = (chain_t){0};
    err_t err = sql_first(checker->sql, find, SQL_ROW(sql_int(after)), &statement, &row, fault);
    if (err || !row)
        return err;
    chain->ix = sqlite3_column_int64(statement, 0);
    chain->origin = sqlite3_column_int64(statement, 1);
    sql_column_bytes(statement, 2, chain->feed.origin.bytes, ORIGIN_SIZE);
    chain->feed.epoch = sql_column_u32(statement, 3);
    chain->feed.lane = sql_column_u32(statement, 4);
    sql_done(statement);
    // A damaged tree must not send us round in circles.
    return chain->ix > after ? ERR_OK : fault_set(fault, ERR_DAMAGED, "feed", NULL);
}

// ---- what no feed accounts for ----

// Apply numbers follow one another from 1, commit by commit.
static err_t check_numbers(checker_t *checker, fault_t *fault)
{
    static const char list[] = "SELECT id, last - first FROM commit_log WHERE id <= ?1 ORDER BY id";
    sqlite3_stmt *statement = NULL;
    bool row = false, rising = true;
    uint64_t next = 1;
    err_t err = sql_first(checker->sql, list, SQL_ROW(sql_int(checker->committed)), &statement,
                          &row, fault);
    while (!err && row) {
        rising = rising && sql_column_u64(statement, 0) == next;
        next = sql_column_u64(statement, 0) + sql_column_u64(statement, 1) + 1;
        err = sql_step(checker->sql, statement, &row, fault);
    }
    if (!err && (!rising || next - 1 != (uint64_t)checker->applied))
        checker_find(checker, "commit_log", ERR_DAMAGED, "apply numbers do not rise by one from 1");
    return err;
}

static err_t check_count(checker_t *checker, const char *table, const char *text, int64_t until,
                         uint64_t accounted, const char *what, fault_t *fault)
{
    int64_t stored = 0;
    err_t err = sql_number(checker->sql, text, SQL_ROW(sql_int(until)), 0, &stored, fault);
    if (!err && (uint64_t)stored != accounted)
        checker_find(checker, table, ERR_DAMAGED, "%lld %s",
                     (long long)(stored - (int64_t)accounted), what);
    return err;
}

err_t verify_log(checker_t *checker, fault_t *fault)
{
    static const char lost[] =
        "SELECT count(*) FROM missing x WHERE x.change <= ?1 AND NOT EXISTS (SELECT 1"
        " FROM commit_log m WHERE m.id = (SELECT max(id) FROM commit_log WHERE id <= x.change)"
        " AND x.change <= m.id + m.last - m.first)";
    chain_t chain, all = {0};
    err_t err = next_feed(checker, INT64_MIN, &chain, fault);
    while (!err && chain.ix) {
        err = check_feed(checker, &chain, fault);
        all.commits += chain.commits;
        all.targets += chain.targets;
        if (!err)
            err = next_feed(checker, chain.ix, &chain, fault);
    }
    if (!err)
        err = check_count(checker, "commit_log", "SELECT count(*) FROM commit_log WHERE id <= ?1",
                          checker->committed, all.commits, "commits are of no feed's chain", fault);
    if (!err)
        err = check_count(checker, "target", "SELECT count(*) FROM target WHERE change <= ?1",
                          checker->applied, all.targets, "rows are of no change", fault);
    if (!err)
        err = check_count(checker, "missing", lost, checker->applied, 0, "rows are of no change",
                          fault);
    return err ? err : check_numbers(checker, fault);
}
