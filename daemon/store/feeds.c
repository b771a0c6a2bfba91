// Origins and feeds as rows: small numbers of this database's own.
#include <stdio.h>
#include <string.h>

#include "daemon/store/internal.h"

err_t origin_find(sql_t *sql, const origin_t *origin, int64_t *ix, fault_t *fault)
{
    return sql_number(sql, "SELECT ix FROM origin WHERE origin_id = ?1",
                      SQL_ROW(sql_blob(origin->bytes, ORIGIN_SIZE)), 0, ix, fault);
}

void origin_stand_in(const origin_t *origin, char code[CODE_MAX + 1])
{
    code[0] = '?';
    hex_format(origin->bytes, 7, code + 1);
}

err_t origin_ensure(sql_t *sql, const origin_t *origin, int64_t *ix, fault_t *fault)
{
    char code[CODE_MAX + 1];
    err_t err = origin_find(sql, origin, ix, fault);
    if (err || *ix)
        return err;
    origin_stand_in(origin, code);
    err = sql_run(sql, "INSERT INTO origin (origin_id, code) VALUES (?1, ?2)",
                  SQL_ROW(sql_blob(origin->bytes, ORIGIN_SIZE), sql_text(code)), fault);
    *ix = sqlite3_last_insert_rowid(sql_handle(sql));
    return err;
}

err_t feed_find(sql_t *sql, const feed_t *feed, feed_place_t *place, fault_t *fault)
{
    static const char find[] = "SELECT f.ix, f.origin, f.number, f.hash, f.time_ms FROM origin o"
                               " JOIN feed f ON f.origin = o.ix"
                               " WHERE o.origin_id = ?1 AND f.epoch = ?2 AND f.lane = ?3";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *place = (feed_place_t){0};
    err_t err = sql_first(sql, find,
                          SQL_ROW(sql_blob(feed->origin.bytes, ORIGIN_SIZE), sql_int(feed->epoch),
                                  sql_int(feed->lane)),
                          &statement, &row, fault);
    if (err || !row)
        return err;
    place->ix = sqlite3_column_int64(statement, 0);
    place->origin = sqlite3_column_int64(statement, 1);
    place->number = sql_column_u64(statement, 2);
    sql_column_bytes(statement, 3, place->hash.bytes, HASH_SIZE);
    place->time_ms = sql_column_u64(statement, 4);
    sql_done(statement);
    return ERR_OK;
}

err_t epoch_start(sql_t *sql, int64_t origin, uint32_t epoch, hash_t *hash, fault_t *fault)
{
    static const char find[] =
        "SELECT hash FROM card WHERE origin = ?1 AND epoch = ?2 ORDER BY number LIMIT 1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    memset(hash, 0, sizeof *hash);
    err_t err =
        sql_first(sql, find, SQL_ROW(sql_int(origin), sql_int(epoch)), &statement, &row, fault);
    if (err || !row)
        return err;
    sql_column_bytes(statement, 0, hash->bytes, HASH_SIZE);
    sql_done(statement);
    return ERR_OK;
}
