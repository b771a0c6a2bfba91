// Rosters, cards and the codes that rosters give to origins.
#include <string.h>

#include "daemon/store/internal.h"
#include "lib/mem.h"

// ---- rosters ----

static err_t set_code(sql_t *sql, const origin_t *origin, const code_t *code, fault_t *fault)
{
    static const char update[] = "UPDATE origin SET code = ?2 WHERE ix = ?1 AND code <> ?2";
    int64_t ix = 0;
    err_t err = origin_ensure(sql, origin, &ix, fault);
    return err ? err : sql_run(sql, update, SQL_ROW(sql_int(ix), sql_text(code->text)), fault);
}

static err_t set_codes(sql_t *sql, const roster_t *roster, fault_t *fault)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < roster->member_count && !err; i++)
        err = set_code(sql, &roster->members[i].origin, &roster->members[i].code, fault);
    for (size_t i = 0; i < roster->former_count && !err; i++)
        err = set_code(sql, &roster->formers[i].origin, &roster->formers[i].code, fault);
    return err;
}

static err_t insert_roster(sql_t *sql, const roster_t *roster, fault_t *fault)
{
    buf_t bytes = roster_encode(roster);
    err_t err = sql_run(sql, "INSERT INTO roster (version, hash, signed) VALUES (?1, ?2, ?3)",
                        SQL_ROW(sql_int(roster->version), sql_blob(roster->hash.bytes, HASH_SIZE),
                                sql_blob(bytes.data, bytes.size)),
                        fault);
    buf_free(&bytes);
    return err ? err : set_codes(sql, roster, fault);
}

static err_t add_roster(store_t *store, const roster_t *roster, fault_t *fault)
{
    static const char known[] = "SELECT count(*) FROM roster WHERE version = ?1 AND hash = ?2";
    int64_t same = 0, newest = 0;
    err_t err =
        sql_number(store->sql, known,
                   SQL_ROW(sql_int(roster->version), sql_blob(roster->hash.bytes, HASH_SIZE)), 0,
                   &same, fault);
    if (!err)
        err = sql_number(store->sql, "SELECT max(version) FROM roster", SQL_NO_VALUES, 0, &newest,
                         fault);
    if (err || same)
        return err;
    if (roster->version <= newest)
        return fault_set(fault, ERR_ROSTER_FORK, "", "version %u", roster->version);
    if (roster->version != newest + 1)
        return fault_set(fault, ERR_OUT_OF_ORDER, "", "the newest roster held is version %lld",
                         (long long)newest);
    return insert_roster(store->sql, roster, fault);
}

err_t store_add_roster(store_t *store, const roster_t *roster, fault_t *fault)
{
    err_t err = store_begin(store, fault);
    return err ? err : store_settle(store, add_roster(store, roster, fault));
}

err_t newest_roster(sql_t *sql, roster_t **roster, fault_t *fault)
{
    static const char find[] = "SELECT signed FROM roster ORDER BY version DESC LIMIT 1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *roster = NULL;
    err_t err = sql_first(sql, find, SQL_NO_VALUES, &statement, &row, fault);
    if (err || !row)
        return err;
    if (roster_decode(sql_column_span(statement, 0), roster, fault))
        err = fault_set(fault, ERR_DAMAGED, "roster", NULL);
    sql_done(statement);
    return err;
}

// ---- cards ----

static err_t insert_card(sql_t *sql, const card_t *card, int64_t origin, fault_t *fault)
{
    static const char insert[] = "INSERT INTO card (origin, number, epoch, hash, signed)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5)";
    buf_t bytes = card_encode(card);
    err_t err =
        sql_run(sql, insert,
                SQL_ROW(sql_int(origin), sql_int(card->number), sql_int(card->epoch),
                        sql_blob(card->hash.bytes, HASH_SIZE), sql_blob(bytes.data, bytes.size)),
                fault);
    buf_free(&bytes);
    return err;
}

static err_t add_card(store_t *store, const card_t *card, fault_t *fault)
{
    static const char known[] = "SELECT hash = ?3 FROM card WHERE origin = ?1 AND number = ?2";
    int64_t origin = 0, same = -1;
    err_t err = origin_ensure(store->sql, &card->origin, &origin, fault);
    if (!err)
        err = sql_number(
            store->sql, known,
            SQL_ROW(sql_int(origin), sql_int(card->number), sql_blob(card->hash.bytes, HASH_SIZE)),
            -1, &same, fault);
    if (err || same == 1)
        return err;
    if (same == 0)
        return fault_set(fault, ERR_BAD_CARD, "", "another card has the number %u", card->number);
    return insert_card(store->sql, card, origin, fault);
}

err_t store_add_card(store_t *store, const card_t *card, fault_t *fault)
{
    err_t err = store_begin(store, fault);
    return err ? err : store_settle(store, add_card(store, card, fault));
}
