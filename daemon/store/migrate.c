#include "daemon/store/migrate.h"

#include "lib/commit.h"

// The payloads of one commit, in order; `id` becomes that of its first change.
static err_t gather(sql_t *sql, int64_t feed, uint64_t first, uint64_t last, int64_t *id,
                    buf_t *payloads, fault_t *fault)
{
    static const char list[] = "SELECT id, state, salt, body FROM change"
                               " WHERE feed = ?1 AND number BETWEEN ?2 AND ?3 ORDER BY number";
    sqlite3_stmt *statement = NULL;
    uint64_t count = 0;
    bool row = false;
    buf_clear(payloads);
    err_t err = sql_first(sql, list, SQL_ROW(sql_int(feed), sql_u64(first), sql_u64(last)),
                          &statement, &row, fault);
    for (; !err && row; count++) {
        change_t change = {.state = (payload_state_t)sqlite3_column_int(statement, 1),
                           .body = sql_column_span(statement, 3)};
        if (count == 0)
            *id = sqlite3_column_int64(statement, 0);
        sql_column_bytes(statement, 2, change.salt, SALT_SIZE);
        if (change.state < PAYLOAD_PRESENT || change.state > PAYLOAD_MISSING) {
            sql_done(statement);
            return fault_set(fault, ERR_DAMAGED, "change", "a state that cannot be");
        }
        commit_put_payload(payloads, &change);
        err = sql_step(sql, statement, &row, fault);
    }
    if (!err && count != last - first + 1)
        err = fault_set(fault, ERR_DAMAGED, "change", "a commit lacks changes");
    return err;
}

static err_t copy_commit(sql_t *sql, sqlite3_stmt *statement, buf_t *payloads, fault_t *fault)
{
    static const char insert[] =
        "INSERT INTO commit_new SELECT ?2, feed, first, last, time_ms, arrived_ms, hash, signature,"
        " header, ?3 FROM commit_log WHERE id = ?1";
    int64_t id = 0;
    err_t err = gather(sql, sqlite3_column_int64(statement, 1), sql_column_u64(statement, 2),
                       sql_column_u64(statement, 3), &id, payloads, fault);
    if (err)
        return err;
    return sql_run(sql, insert,
                   SQL_ROW(sql_int(sqlite3_column_int64(statement, 0)), sql_int(id),
                           sql_blob(payloads->data, payloads->size)),
                   fault);
}

err_t migrate_commits(sql_t *sql, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    buf_t payloads = {0};
    bool row = false;
    err_t err = sql_first(sql, "SELECT id, feed, first, last FROM commit_log ORDER BY id",
                          SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        err = copy_commit(sql, statement, &payloads, fault);
        if (!err)
            err = sql_step(sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    buf_free(&payloads);
    return err;
}
