// Verify: the log. Every feed from its epoch's card on: chain, signatures,
// commitments, columns that repeat the header, cursor.
#include <stdio.h>
#include <string.h>

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
    uint64_t commits, changes; // of those that were there when verify began
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

static bool targets_agree(sqlite3_stmt *statement, const change_t *change)
{
    if (!change->has_target)
        return sqlite3_column_type(statement, 6) == SQLITE_NULL;
    return sqlite3_column_type(statement, 6) != SQLITE_NULL &&
           sql_column_u64(statement, 4) == change->target.epoch &&
           sql_column_u64(statement, 5) == change->target.lane &&
           sql_column_u64(statement, 6) == change->target.number;
}

// The name of the first column that is not what the header says, or NULL.
static const char *column_that_differs(sqlite3_stmt *statement, int64_t commit,
                                       const change_t *change)
{
    hash_t commitment;
    sql_column_bytes(statement, 8, commitment.bytes, HASH_SIZE);
    if (sqlite3_column_int64(statement, 1) != commit)
        return "commit_id";
    if (sql_column_u64(statement, 3) != change->type)
        return "type";
    if (!targets_agree(statement, change))
        return "target";
    if (sql_column_u64(statement, 7) != change->min_reader)
        return "min_reader";
    return hash_equal(&commitment, &change->commitment) ? NULL : "commitment";
}

// SQLite does not load the CHECKs of a file that is read-only.
static bool payload_is_whole(sqlite3_stmt *statement)
{
    int64_t state = sqlite3_column_int64(statement, 9);
    bool present = state == PAYLOAD_PRESENT;
    return state >= PAYLOAD_PRESENT && state <= PAYLOAD_MISSING &&
           present == (sqlite3_column_type(statement, 10) != SQLITE_NULL) &&
           present == (sqlite3_column_type(statement, 11) != SQLITE_NULL);
}

static bool commitment_holds(sqlite3_stmt *statement, const change_t *change)
{
    uint8_t salt[SALT_SIZE];
    if (sqlite3_column_int(statement, 9) != PAYLOAD_PRESENT)
        return true;
    if (!sql_column_bytes(statement, 10, salt, SALT_SIZE))
        return false;
    hash_t commitment = crypto_commitment(salt, sql_column_span(statement, 11));
    return hash_equal(&commitment, &change->commitment);
}

static void check_change(checker_t *checker, chain_t *chain, sqlite3_stmt *statement,
                         int64_t commit, const change_t *change)
{
    char where[WHERE_TEXT];
    name_change(chain, sql_column_u64(statement, 2), where);
    const char *column = column_that_differs(statement, commit, change);
    if (column)
        checker_find(checker, where, ERR_DAMAGED, "column %s of change differs from the header",
                     column);
    if (!payload_is_whole(statement))
        checker_find(checker, where, ERR_DAMAGED, "columns state, salt and body do not agree");
    else if (!commitment_holds(statement, change))
        checker_find(checker, where, ERR_BAD_COMMITMENT, "payload");
    checker->report->changes++;
    if (sqlite3_column_int64(statement, 0) <= checker->applied)
        chain->changes++;
}

static void report_missing(checker_t *checker, const chain_t *chain, uint64_t from, uint64_t to)
{
    char where[WHERE_TEXT];
    for (; from < to; from++) {
        name_change(chain, from, where);
        checker_find(checker, where, ERR_DAMAGED, "the change is not in the log");
    }
}

static err_t check_changes(checker_t *checker, chain_t *chain, int64_t id, const commit_t *commit,
                           fault_t *fault)
{
    static const char list[] =
        "SELECT id, commit_id, number, type, target_epoch, target_lane, target_number, min_reader,"
        " commitment, state, salt, body FROM change"
        " WHERE feed = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number";
    sqlite3_stmt *statement = NULL;
    uint64_t next = commit->first;
    bool row = false;
    err_t err =
        sql_first(checker->sql, list,
                  SQL_ROW(sql_int(chain->ix), sql_u64(commit->first), sql_u64(commit->last)),
                  &statement, &row, fault);
    while (!err && row) {
        uint64_t number = sql_column_u64(statement, 2);
        // A damaged index can lead to any row, and again to the same one.
        if (number < next || number > commit->last) {
            err = fault_set(fault, ERR_DAMAGED, "change", "its index is damaged");
            break;
        }
        report_missing(checker, chain, next, number);
        check_change(checker, chain, statement, id, &commit->changes[number - commit->first]);
        next = number + 1;
        err = sql_step(checker->sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    if (!err)
        report_missing(checker, chain, next, commit->last + 1);
    return err;
}

// ---- commits: the columns of check_commit ----

enum { AT_ID, AT_FIRST, AT_LAST, AT_TIME, AT_HASH, AT_SIGNATURE, AT_HEADER };

static err_t decode_header(sqlite3_stmt *statement, commit_t **commit, fault_t *fault)
{
    payload_state_t states[COMMIT_CHANGES_MAX];
    static const uint8_t salts[COMMIT_CHANGES_MAX][SALT_SIZE];
    static const span_t bodies[COMMIT_CHANGES_MAX];
    uint64_t count = sql_column_u64(statement, AT_LAST) - sql_column_u64(statement, AT_FIRST) + 1;
    span_t signature = sql_column_span(statement, AT_SIGNATURE);
    for (size_t i = 0; i < COMMIT_CHANGES_MAX; i++)
        states[i] = PAYLOAD_MISSING;
    if (count == 0 || count > COMMIT_CHANGES_MAX)
        return fault_set(fault, ERR_DAMAGED, "last", NULL);
    return commit_decode(sql_column_span(statement, AT_HEADER),
                         signature.size == SIGNATURE_SIZE ? signature.data : NULL, count, states,
                         salts, bodies, commit, fault);
}

static void check_columns(checker_t *checker, const chain_t *chain, const char *where,
                          sqlite3_stmt *statement, const commit_t *commit)
{
    const char *column = NULL;
    if (!feed_equal(&commit->feed, &chain->feed))
        column = "feed";
    else if (sql_column_u64(statement, AT_FIRST) != commit->first)
        column = "first";
    else if (sql_column_u64(statement, AT_LAST) != commit->last)
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
    return check_changes(checker, chain, sqlite3_column_int64(statement, AT_ID), commit, fault);
}

// The chain goes on from the bytes of the header, whatever the columns say.
static err_t check_commit(checker_t *checker, chain_t *chain, sqlite3_stmt *statement,
                          fault_t *fault)
{
    char where[WHERE_TEXT];
    commit_t *commit = NULL;
    fault_t inner = {0};
    hash_t stored, computed = crypto_hash_of(HASH_COMMIT, sql_column_span(statement, AT_HEADER));
    name_change(chain, sql_column_u64(statement, AT_FIRST), where);
    sql_column_bytes(statement, AT_HASH, stored.bytes, HASH_SIZE);
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
    checker->report->commits++;
    if (sqlite3_column_int64(statement, AT_ID) <= checker->committed)
        chain->commits++;
    chain->number = sql_column_u64(statement, AT_LAST);
    chain->hash = computed;
    chain->ends_signed = sqlite3_column_type(statement, AT_SIGNATURE) != SQLITE_NULL;
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
    static const char list[] =
        "SELECT id, first, last, time_ms, hash, signature, header FROM commit_log"
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

static err_t check_counts(checker_t *checker, uint64_t commits, uint64_t changes, fault_t *fault)
{
    int64_t stored_commits = 0, stored_changes = 0, numbered = 0;
    err_t err = sql_number(checker->sql, "SELECT count(*) FROM commit_log WHERE id <= ?1",
                           SQL_ROW(sql_int(checker->committed)), 0, &stored_commits, fault);
    if (!err)
        err = sql_number(checker->sql, "SELECT count(*) FROM change WHERE id <= ?1",
                         SQL_ROW(sql_int(checker->applied)), 0, &stored_changes, fault);
    if (!err)
        err = sql_number(checker->sql, "SELECT count(*) FROM change WHERE id BETWEEN 1 AND ?1",
                         SQL_ROW(sql_int(checker->applied)), 0, &numbered, fault);
    if (err)
        return err;
    if ((uint64_t)stored_commits != commits)
        checker_find(checker, "commit_log", ERR_DAMAGED, "%lld commits are of no feed's chain",
                     (long long)(stored_commits - (int64_t)commits));
    if ((uint64_t)stored_changes != changes)
        checker_find(checker, "change", ERR_DAMAGED, "%lld changes are in no commit's place",
                     (long long)(stored_changes - (int64_t)changes));
    if (numbered != stored_changes || numbered != checker->applied)
        checker_find(checker, "change", ERR_DAMAGED, "apply numbers do not rise by one from 1");
    return ERR_OK;
}

err_t verify_log(checker_t *checker, fault_t *fault)
{
    chain_t chain;
    uint64_t commits = 0, changes = 0;
    err_t err = next_feed(checker, INT64_MIN, &chain, fault);
    while (!err && chain.ix) {
        err = check_feed(checker, &chain, fault);
        commits += chain.commits;
        changes += chain.changes;
        if (!err)
            err = next_feed(checker, chain.ix, &chain, fault);
    }
    return err ? err : check_counts(checker, commits, changes, fault);
}
