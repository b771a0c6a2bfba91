#include "tests/sim/audit.h"

#include <stdlib.h>

#include "daemon/store/internal.h"
#include "daemon/store/reader.h"
#include "lib/mem.h"

// ---- the log ----

static const char *invariant_of(err_t reason)
{
    switch (reason) {
    case ERR_BROKEN_CHAIN:
        return "I1";
    case ERR_OUT_OF_ORDER:
        return "I2";
    case ERR_BAD_COMMITMENT:
        return "I10";
    case ERR_BEYOND_CUT:
        return "I9";
    case ERR_TIME_BACKWARDS:
        return "I13";
    case ERR_VIEW_DIFFERS:
        return "I14";
    case ERR_BAD_SIGNATURE:
    case ERR_UNSIGNED:
        return "I16";
    default:
        return "I4";
    }
}

static void note_first(void *context, const char *where, err_t reason, const char *detail)
{
    char **text = context;
    if (!*text)
        *text =
            mem_format("%s: %s: %s (%s)", invariant_of(reason), where, err_name(reason), detail);
}

char *audit_log(const char *path, const char *vfs)
{
    char *text = NULL;
    fault_t fault = {0};
    verify_t verify = {.vfs = vfs, .context = &text, .finding = note_first};
    err_t err = store_verify(path, &verify, &fault);
    if (err && !text)
        text = mem_format("I4: cannot be verified: %s (%s)", err_name(err), fault.detail);
    return text;
}

// ---- the view ----

typedef struct {
    origin_t origin;
    position_t at, target;
    bool has_target;
    uint32_t type;
    hash_t commitment;
} told_t;

typedef struct {
    size_t count, capacity;
    told_t *items;
} log_t;

static void take_commit(log_t *log, const commit_t *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        const change_t *change = &commit->changes[i];
        mem_grow(&log->items, &log->capacity, log->count, sizeof *log->items);
        log->items[log->count++] =
            (told_t){.origin = commit->feed.origin,
                     .at = {commit->feed.epoch, commit->feed.lane, commit->first + i},
                     .target = change->target,
                     .has_target = change->has_target,
                     .type = change->type,
                     .commitment = change->commitment};
    }
}

// Headers as they lie there; of the columns only how many changes there are.
static err_t decode_header(sqlite3_stmt *row, commit_t **commit, fault_t *fault)
{
    static const uint8_t no_salts[COMMIT_CHANGES_MAX][SALT_SIZE];
    static const span_t no_bodies[COMMIT_CHANGES_MAX];
    payload_state_t states[COMMIT_CHANGES_MAX];
    uint64_t count = sql_column_u64(row, 1);
    for (size_t i = 0; i < COMMIT_CHANGES_MAX; i++)
        states[i] = PAYLOAD_MISSING;
    return commit_decode(sql_column_span(row, 0), NULL, count <= COMMIT_CHANGES_MAX ? count : 0,
                         states, no_salts, no_bodies, commit, fault);
}

static char *read_log(store_t *store, log_t *log)
{
    static const char list[] = "SELECT header, last - first + 1 FROM commit_log";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    fault_t fault = {0};
    err_t err = sql_first(store->sql, list, SQL_NO_VALUES, &statement, &row, &fault);
    while (!err && row) {
        commit_t *commit = NULL;
        err = decode_header(statement, &commit, &fault);
        if (!err)
            take_commit(log, commit);
        commit_destroy(&commit);
        if (!err)
            err = sql_step(store->sql, statement, &row, &fault);
    }
    if (statement)
        sql_done(statement);
    return err ? mem_format("I4: the log cannot be read: %s (%s)", err_name(err), fault.detail)
               : NULL;
}

static int by_position(const void *a, const void *b)
{
    return position_compare(((const told_t *)a)->at, ((const told_t *)b)->at);
}

static bool creates(const told_t *told)
{
    return told->type == CHANGE_RECORD && !told->has_target && told->at.lane < LANE_OPEN_COUNT;
}

// Whether it names that record as its own, created before it.
static bool is_of(const told_t *told, const told_t *record)
{
    return (told->type == CHANGE_RECORD || told->type == CHANGE_RETRACT) && told->has_target &&
           origin_equal(&told->origin, &record->origin) && told->at.lane == record->at.lane &&
           position_equal(told->target, record->at) && position_compare(told->at, record->at) > 0;
}

// In the order of positions: the newest stands, but nothing after a retraction.
static hash_t term_of(const log_t *log, size_t place)
{
    const told_t *record = &log->items[place], *stands = record;
    bool retracted = false;
    for (size_t i = 0; i < log->count && !retracted; i++)
        if (is_of(&log->items[i], record)) {
            stands = &log->items[i];
            retracted = stands->type == CHANGE_RETRACT;
        }
    return digest_term(&record->origin, record->at, stands->at, &stands->commitment,
                       retracted ? 2 : 1);
}

char *audit_view(store_t *store, const hash_t *digest)
{
    log_t log = {0};
    hash_t sum = {{0}};
    char *text = read_log(store, &log);
    if (log.count)
        qsort(log.items, log.count, sizeof *log.items, by_position);
    for (size_t i = 0; i < log.count; i++)
        if (creates(&log.items[i])) {
            hash_t term = term_of(&log, i);
            digest_add(&sum, &term);
        }
    if (!text && !hash_equal(&sum, digest))
        text = mem_format("I14: the digest is not what the fold of the log gives");
    mem_free(log.items);
    return text;
}

// ---- what is said of others ----

static const card_t *card_of(const snapshot_t *known, const origin_t *origin, uint32_t number)
{
    for (size_t i = 0; i < known->card_count; i++)
        if (known->cards[i]->number == number && origin_equal(&known->cards[i]->origin, origin))
            return known->cards[i];
    return NULL;
}

// Each commit follows from the one before, and the last one's signature speaks for all.
static bool is_proven(const snapshot_t *known, const run_t *run)
{
    const commit_t *last = run->commits[run->count - 1];
    const card_t *card = card_of(known, &run->feed.origin, last->card_number);
    for (size_t i = 1; i < run->count; i++)
        if (run->commits[i]->first != run->commits[i - 1]->last + 1 ||
            !hash_equal(&run->commits[i]->previous, &run->commits[i - 1]->hash))
            return false;
    return card && known->roster_count &&
           commit_signature_holds(last, &card->signing_key, &known->rosters[0]->hash);
}

static bool has_payload(const run_t *run)
{
    for (size_t i = 0; i < run->count; i++)
        for (size_t k = 0; k < run->commits[i]->count; k++)
            if (run->commits[i]->changes[k].state != PAYLOAD_MISSING)
                return true;
    return false;
}

static char *wrong_with_evidence(const snapshot_t *known, span_t bytes)
{
    run_t run;
    fault_t fault = {0};
    char *text = NULL;
    if (run_decode(bytes, &run, &fault))
        return mem_format("I8: evidence is kept that cannot be read: %s", fault.detail);
    if (!is_proven(known, &run))
        text = mem_format("I8: evidence is kept at number %llu that no signature vouches for",
                          (unsigned long long)run.commits[0]->first);
    else if (has_payload(&run))
        text = mem_format("I10: evidence is kept with its payloads");
    run_clear(&run);
    return text;
}

// Nobody is accused without a signature, and as many proofs are kept as the document says.
static char *audit_evidence(store_t *store, const snapshot_t *known)
{
    static const char crowded[] = "SELECT count(*) FROM (SELECT 1 FROM evidence GROUP BY origin"
                                  " HAVING count(*) > 64)";
    static const char list[] = "SELECT bytes FROM evidence";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    int64_t count = 0;
    char *text = NULL;
    fault_t fault = {0};
    err_t err = sql_number(store->sql, crowded, SQL_NO_VALUES, 0, &count, &fault);
    if (!err && count)
        return mem_format("I12: more evidence is kept of an origin than the document says");
    if (!err)
        err = sql_first(store->sql, list, SQL_NO_VALUES, &statement, &row, &fault);
    while (!err && row && !text) {
        text = wrong_with_evidence(known, sql_column_span(statement, 0));
        if (!text)
            err = sql_step(store->sql, statement, &row, &fault);
    }
    if (statement)
        sql_done(statement);
    return err ? mem_format("I4: %s", fault.detail) : text;
}

static char *audit_all_evidence(store_t *store)
{
    snapshot_t known;
    fault_t fault = {0};
    if (store_snapshot(store, &known, &fault))
        return mem_format("I4: %s", fault.detail);
    char *text = audit_evidence(store, &known);
    snapshot_clear(&known);
    return text;
}

// Nothing erases a payload yet.
static err_t count_erased(sql_t *sql, int64_t *count, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *count = 0;
    err_t err =
        sql_first(sql, "SELECT payloads FROM commit_log", SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        scan_t payloads = scan_of(sql_column_span(statement, 0));
        for (change_t change = {0}; commit_scan_payload(&payloads, 0, &change);)
            *count += change.state == PAYLOAD_ERASED;
        err = sql_step(sql, statement, &row, fault);
    }
    return err;
}

char *audit_words(store_t *store)
{
    static const char unproven[] =
        "SELECT count(*) FROM feed f WHERE f.stopped = ?1 AND NOT EXISTS (SELECT 1 FROM evidence e"
        " WHERE e.origin = f.origin AND e.epoch = f.epoch AND e.reason = ?1)";
    static const char gone_on[] =
        "SELECT count(*) FROM evidence e JOIN feed f ON f.origin = e.origin AND f.epoch = e.epoch"
        " AND f.lane = e.lane WHERE e.reason = ?1 AND f.stopped = 0 AND NOT EXISTS"
        " (SELECT 1 FROM card c WHERE c.origin = e.origin AND c.epoch > e.epoch)";
    int64_t count = 0;
    fault_t fault = {0};
    err_t err = sql_number(store->sql, unproven, SQL_ROW(sql_int(ERR_DIVERGED)), 0, &count, &fault);
    if (!err && count)
        return mem_format("I8: a fork stopped %lld feeds, and its proof is not kept",
                          (long long)count);
    if (!err)
        err = sql_number(store->sql, gone_on, SQL_ROW(sql_int(ERR_DIVERGED)), 0, &count, &fault);
    if (!err && count)
        return mem_format("I8: %lld feeds of which a fork is proven go on", (long long)count);
    if (!err)
        err = count_erased(store->sql, &count, &fault);
    if (!err && count)
        return mem_format("I10: %lld payloads are erased, and no owner erased them",
                          (long long)count);
    return err ? mem_format("I4: %s", fault.detail) : audit_all_evidence(store);
}
