// Pages of a kind, by keyset: owner code, epoch, lane, number.
//
// Feeds are walked in that order; within one, rows in the order of the change
// that created them, which is the order of numbers. What is looked at in a call is
// bounded, not only what is handed over: a page may be short, or empty, and not the end.
#include <string.h>

#include "daemon/store/reader_internal.h"
#include "lib/mem.h"

// A feed that a sieve is asked about costs it as much as looking at so many records.
enum { LOOKED_AT_MAX = 4096, SIEVE_COST = 16 };

// ---- the cursor: code, epoch, lane, creating change; integers little-endian ----

typedef struct {
    char code[CODE_MAX + 1];
    uint32_t epoch;
    uint32_t lane;
    uint64_t id; // rows of this feed after it
} at_t;

enum { CURSOR_SIZE = CODE_MAX + 1 + 4 + 4 + 8 };

static void put_number(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_number(const uint8_t *from, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static void pack(const at_t *at, buf_t *cursor)
{
    buf_clear(cursor);
    uint8_t *to = buf_extend(cursor, CURSOR_SIZE);
    memcpy(to, at->code, CODE_MAX + 1);
    put_number(to + CODE_MAX + 1, at->epoch, 4);
    put_number(to + CODE_MAX + 5, at->lane, 4);
    put_number(to + CODE_MAX + 9, at->id, 8);
}

// Cursors come back from clients.
static err_t unpack(const buf_t *cursor, at_t *at, fault_t *fault)
{
    *at = (at_t){0};
    if (cursor->size == 0)
        return ERR_OK;
    const uint8_t *from = cursor->data;
    if (cursor->size != CURSOR_SIZE || from[CODE_MAX] != '\0')
        return fault_set(fault, ERR_BAD_VALUE, "cursor", NULL);
    memcpy(at->code, from, CODE_MAX + 1);
    at->epoch = (uint32_t)get_number(from + CODE_MAX + 1, 4);
    at->lane = (uint32_t)get_number(from + CODE_MAX + 5, 4);
    at->id = get_number(from + CODE_MAX + 9, 8);
    if (at->id > (uint64_t)APPLY_MAX)
        return fault_set(fault, ERR_BAD_VALUE, "cursor", NULL);
    return ERR_OK;
}

// ---- walking ----

typedef struct {
    sql_t *sql;
    unsigned kind;
    const char *owner; // code; NULL: any
    bool retracted;
    size_t left;  // rows that may still be handed over
    size_t looks; // rows and feeds that may still be looked at
    at_t at;
    bool stopped;         // by the caller
    const sieve_t *sieve; // NULL: every record is looked at
    bodies_t bodies;
    row_fn fn;
    void *context;
} walk_t;

// The first feed at or after walk->at; *feed 0 where there is none. walk->at
// becomes its start unless it is within it already.
static err_t find_feed(walk_t *walk, int64_t *feed, fault_t *fault)
{
    static const char find[] =
        "SELECT f.ix, o.code, f.epoch, f.lane FROM origin o CROSS JOIN feed f ON f.origin = o.ix"
        " WHERE o.code >= ?1 AND f.lane < 2"
        " AND (o.code > ?1 OR f.epoch > ?2 OR (f.epoch = ?2 AND f.lane >= ?3))"
        " ORDER BY o.code, f.epoch, f.lane LIMIT 1";
    sqlite3_stmt *statement = NULL;
    at_t *at = &walk->at, found = {0};
    bool row = false;
    *feed = 0;
    err_t err = sql_first(walk->sql, find,
                          SQL_ROW(sql_text(at->code), sql_int(at->epoch), sql_int(at->lane)),
                          &statement, &row, fault);
    if (err || !row)
        return err;
    const char *code = sql_column_text(statement, 1);
    strncpy(found.code, code ? code : "", CODE_MAX);
    found.epoch = sql_column_u32(statement, 2);
    found.lane = sql_column_u32(statement, 3);
    if (!walk->owner || strcmp(found.code, walk->owner) == 0)
        *feed = sqlite3_column_int64(statement, 0);
    sql_done(statement);
    bool within =
        strcmp(found.code, at->code) == 0 && found.epoch == at->epoch && found.lane == at->lane;
    if (!within)
        *at = found;
    return ERR_OK;
}

static err_t look_at(walk_t *walk, sqlite3_stmt *statement, fault_t *fault)
{
    bool retracted = sqlite3_column_int(statement, SHOW_STATE_COLUMN) == FOLD_RETRACTED;
    bool more = true;
    walk->looks--;
    walk->at.id = sql_column_u64(statement, SHOW_ID_COLUMN);
    if (retracted && !walk->retracted)
        return ERR_OK;
    walk->left--;
    err_t err =
        show_record(walk->sql, &walk->bodies, statement, walk->fn, walk->context, &more, fault);
    walk->stopped = !more;
    return err;
}

static bool goes_on(const walk_t *walk)
{
    return walk->left > 0 && walk->looks > 0 && !walk->stopped;
}

// *done: nothing more in this feed.
static err_t walk_all(walk_t *walk, int64_t feed, bool *done, fault_t *fault)
{
    static const char list[] =
        "SELECT " SHOW_COLUMNS " FROM kind_block b CROSS JOIN " SHOW_TABLES
        " WHERE b.kind = ?1 AND b.feed = ?2 AND b.block > ?3 - 256 AND r.id >= b.block"
        " AND r.id <= b.block + 255 AND r.id > ?3 AND r.kind = ?1 AND r.feed = ?2"
        " ORDER BY b.block, r.id";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(walk->sql, list,
                          SQL_ROW(sql_int(walk->kind), sql_int(feed), sql_u64(walk->at.id)),
                          &statement, &row, fault);
    while (!err && row && goes_on(walk)) {
        err = look_at(walk, statement, fault);
        if (!err)
            err = sql_step(walk->sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    *done = !row;
    return err;
}

// A record that the sieve has named: it may be of another feed or kind.
static err_t look_up(walk_t *walk, int64_t feed, int64_t record, fault_t *fault)
{
    static const char find[] = "SELECT " SHOW_COLUMNS " FROM " SHOW_TABLES
                               " WHERE r.id = ?1 AND r.kind = ?2 AND r.feed = ?3";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err =
        sql_first(walk->sql, find, SQL_ROW(sql_int(record), sql_int(walk->kind), sql_int(feed)),
                  &statement, &row, fault);
    if (!err && row) {
        err = look_at(walk, statement, fault);
        sql_done(statement);
    } else if (!err) {
        walk->looks--;
        walk->at.id = (uint64_t)record;
    }
    return err;
}

static err_t walk_sieved(walk_t *walk, int64_t feed, bool *done, fault_t *fault)
{
    err_t err = ERR_OK;
    walk->looks -= walk->looks > SIEVE_COST ? SIEVE_COST : walk->looks - 1;
    *done = false;
    while (!err && walk->sieve && goes_on(walk)) {
        int64_t record = 0;
        if (!walk->sieve->next(walk->sieve->context, feed, (int64_t)walk->at.id, &record))
            walk->sieve = NULL;
        else if (record)
            err = look_up(walk, feed, record, fault);
        *done = walk->sieve && !record;
        if (*done)
            break;
    }
    return err;
}

static err_t walk_feed(walk_t *walk, int64_t feed, bool *done, fault_t *fault)
{
    err_t err = walk->sieve ? walk_sieved(walk, feed, done, fault) : ERR_OK;
    return err || walk->sieve ? err : walk_all(walk, feed, done, fault);
}

static err_t walk(walk_t *walk, bool *end, fault_t *fault)
{
    int64_t feed = 0;
    err_t err = find_feed(walk, &feed, fault);
    while (!err && feed && goes_on(walk)) {
        bool done = false;
        err = walk_feed(walk, feed, &done, fault);
        if (err || !done)
            break;
        walk->looks -= walk->looks > 0;
        walk->at.lane++;
        walk->at.id = 0;
        err = find_feed(walk, &feed, fault);
    }
    *end = feed == 0;
    return err;
}

static err_t owner_code(sql_t *sql, const origin_t *owner, char code[CODE_MAX + 1], fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    code[0] = '\0';
    err_t err = sql_first(sql, "SELECT code FROM origin WHERE origin_id = ?1",
                          SQL_ROW(sql_blob(owner->bytes, ORIGIN_SIZE)), &statement, &row, fault);
    if (err || !row)
        return err;
    const char *text = sql_column_text(statement, 0);
    strncpy(code, text ? text : "", CODE_MAX);
    code[CODE_MAX] = '\0';
    sql_done(statement);
    return ERR_OK;
}

static err_t list_page(walk_t *to, const origin_t *owner, bool *end, fault_t *fault)
{
    char code[CODE_MAX + 1];
    if (!owner)
        return walk(to, end, fault);
    err_t err = owner_code(to->sql, owner, code, fault);
    if (err || code[0] == '\0') {
        *end = true; // nothing of theirs is here
        return err;
    }
    to->owner = code;
    if (strcmp(to->at.code, code) < 0) {
        to->at = (at_t){0};
        memcpy(to->at.code, code, sizeof code);
    }
    err = walk(to, end, fault);
    to->owner = NULL;
    return err;
}

err_t reader_list_sieved(reader_t *reader, const char *kind, const origin_t *owner, bool retracted,
                         size_t rows, const sieve_t *sieve, buf_t *cursor, bool *end, row_fn fn,
                         void *context, fault_t *fault)
{
    const kind_t *known = kind_by_name(kind);
    walk_t to = {.sql = reader->sql,
                 .retracted = retracted,
                 .left = rows,
                 .looks = LOOKED_AT_MAX,
                 .fn = fn,
                 .context = context};
    *end = false;
    if (!known)
        return fault_set(fault, ERR_UNKNOWN_KIND, "kind", "%s", kind);
    to.kind = known->tag;
    err_t err = unpack(cursor, &to.at, fault);
    if (err)
        return err;
    err = sql_begin_read(reader->sql, fault);
    if (!err && sieve && sieve->begin(sieve->context, reader))
        to.sieve = sieve;
    if (!err)
        err = list_page(&to, owner, end, fault);
    sql_end_read(reader->sql);
    bodies_clear(&to.bodies);
    if (!err)
        pack(&to.at, cursor);
    return err;
}

err_t reader_list(reader_t *reader, const char *kind, const origin_t *owner, bool retracted,
                  size_t rows, buf_t *cursor, bool *end, row_fn fn, void *context, fault_t *fault)
{
    return reader_list_sieved(reader, kind, owner, retracted, rows, NULL, cursor, end, fn, context,
                              fault);
}
