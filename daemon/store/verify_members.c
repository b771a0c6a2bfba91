// Verify: rosters, cards, and the codes of origins.
#include <stdio.h>
#include <string.h>

#include "daemon/store/verify_internal.h"

// ---- rosters ----

static const pubkey_t *vote_key(void *context, const origin_t *origin, uint32_t card_number)
{
    checker_t *checker = context;
    int64_t ix = 0;
    if (origin_find(checker->sql, origin, &ix, NULL) || !ix ||
        checker_card(checker, ix, card_number, NULL))
        return NULL;
    return checker->card.known ? &checker->card.key : NULL;
}

static err_t follows(checker_t *checker, const roster_t *roster)
{
    if (checker->roster)
        return roster_follows(checker->roster, roster, &checker->coalition, vote_key, checker);
    return roster->version == 1 ? charter_check(roster) : ERR_BAD_ROSTER;
}

static void check_roster(checker_t *checker, sqlite3_stmt *statement)
{
    char where[WHERE_TEXT];
    fault_t fault = {0};
    hash_t hash;
    roster_t *roster = NULL;
    snprintf(where, sizeof where, "roster %lld", (long long)sqlite3_column_int64(statement, 0));
    err_t err = roster_decode(sql_column_span(statement, 2), &roster, &fault);
    if (err) {
        checker_find(checker, where, err, "%s", fault.where);
        return;
    }
    sql_column_bytes(statement, 1, hash.bytes, HASH_SIZE);
    if (roster->version != sql_column_u64(statement, 0) || !hash_equal(&hash, &roster->hash))
        checker_find(checker, where, ERR_DAMAGED, "its columns differ from the roster");
    err = follows(checker, roster);
    if (err)
        checker_find(checker, where, err, "does not follow");
    if (!checker->roster)
        checker->coalition = roster->hash;
    roster_destroy(&checker->roster);
    checker->roster = roster;
}

static err_t check_rosters(checker_t *checker, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(checker->sql, "SELECT version, hash, signed FROM roster ORDER BY version",
                          SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        check_roster(checker, statement);
        err = sql_step(checker->sql, statement, &row, fault);
    }
    if (!err && !checker->roster && checker->committed)
        checker_find(checker, "roster", ERR_NO_CHARTER, "signatures cannot be checked");
    return err;
}

// ---- cards ----

static bool columns_agree(sqlite3_stmt *statement, const card_t *card)
{
    origin_t origin;
    hash_t hash;
    sql_column_bytes(statement, 0, origin.bytes, ORIGIN_SIZE);
    sql_column_bytes(statement, 3, hash.bytes, HASH_SIZE);
    return origin_equal(&origin, &card->origin) && hash_equal(&hash, &card->hash) &&
           sql_column_u64(statement, 1) == card->number &&
           sql_column_u64(statement, 2) == card->epoch;
}

// *before is the card before this one, if it is the same origin's.
static void check_card(checker_t *checker, sqlite3_stmt *statement, card_t **before)
{
    char where[WHERE_TEXT];
    fault_t fault = {0};
    card_t *card = NULL;
    snprintf(where, sizeof where, "card %lld of %s", (long long)sqlite3_column_int64(statement, 1),
             sql_column_text(statement, 5));
    err_t err = card_decode(sql_column_span(statement, 4), &card, &fault);
    if (err) {
        checker_find(checker, where, err, "%s", fault.where);
        return;
    }
    if (!columns_agree(statement, card))
        checker_find(checker, where, ERR_DAMAGED, "its columns differ from the card");
    if (checker->roster && !roster_code_of(checker->roster, &card->origin))
        checker_find(checker, where, ERR_UNKNOWN_ORIGIN, "the roster does not name its origin");
    bool next = *before && origin_equal(&(*before)->origin, &card->origin) &&
                (*before)->number + 1 == card->number;
    err = next || card->number == 1 ? card_follows(next ? *before : NULL, card) : ERR_OK;
    if (err)
        checker_find(checker, where, err, "does not follow");
    card_destroy(before);
    *before = card;
}

static err_t check_cards(checker_t *checker, fault_t *fault)
{
    static const char list[] = "SELECT o.origin_id, c.number, c.epoch, c.hash, c.signed, o.code"
                               " FROM card c JOIN origin o ON o.ix = c.origin"
                               " ORDER BY c.origin, c.number";
    sqlite3_stmt *statement = NULL;
    card_t *before = NULL;
    bool row = false;
    err_t err = sql_first(checker->sql, list, SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        check_card(checker, statement, &before);
        err = sql_step(checker->sql, statement, &row, fault);
    }
    card_destroy(&before);
    return err;
}

static bool cuts_at(const cut_t *cuts, size_t count, const head_t *at)
{
    for (size_t i = 0; i < count; i++)
        if (cuts[i].epoch == at->feed.epoch && cuts[i].lane == at->feed.lane &&
            cuts[i].number == at->number && hash_equal(&cuts[i].hash, &at->hash))
            return true;
    return false;
}

err_t checker_cut(checker_t *checker, int64_t origin, const head_t *at, bool *cut, fault_t *fault)
{
    static const char list[] = "SELECT signed FROM card WHERE origin = ?1";
    const former_t *former =
        checker->roster ? roster_former(checker->roster, &at->feed.origin) : NULL;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *cut = former && cuts_at(former->cuts, former->cut_count, at);
    err_t err = sql_first(checker->sql, list, SQL_ROW(sql_int(origin)), &statement, &row, fault);
    while (!err && row) {
        card_t *card = NULL;
        if (card_decode(sql_column_span(statement, 0), &card, NULL) == ERR_OK)
            *cut = *cut || cuts_at(card->cuts, card->cut_count, at);
        card_destroy(&card);
        err = sql_step(checker->sql, statement, &row, fault);
    }
    return err;
}

// ---- codes ----

static void check_origin(checker_t *checker, sqlite3_stmt *statement)
{
    char stand_in[CODE_MAX + 1], where[WHERE_TEXT];
    origin_t origin;
    sql_column_bytes(statement, 0, origin.bytes, ORIGIN_SIZE);
    const char *code = sql_column_text(statement, 1);
    const char *given = checker->roster ? roster_code_of(checker->roster, &origin) : NULL;
    origin_stand_in(&origin, stand_in);
    if (code && strcmp(code, given ? given : stand_in) == 0)
        return;
    snprintf(where, sizeof where, "origin %s", code ? code : "");
    checker_find(checker, where, ERR_DAMAGED, "the roster calls it %s", given ? given : stand_in);
}

static err_t check_origins(checker_t *checker, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(checker->sql, "SELECT origin_id, code FROM origin ORDER BY ix",
                          SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        check_origin(checker, statement);
        err = sql_step(checker->sql, statement, &row, fault);
    }
    return err;
}

err_t verify_members(checker_t *checker, fault_t *fault)
{
    err_t err = checker_begin(checker, fault);
    if (!err)
        err = check_rosters(checker, fault);
    if (!err)
        err = check_cards(checker, fault);
    if (!err)
        err = check_origins(checker, fault);
    return checker_end(checker, err, fault);
}
