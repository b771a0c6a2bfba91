// Verify: the view is the fold of the log (S2).
//
// First every change is visited into the scratch view, in pages, until a snapshot
// holds nothing newer; there the digests must be equal. Then rows are compared,
// page by page. What differs may have changed since it was visited: it is made
// anew in the snapshot that shows the difference, and counts if it still differs.
#include <stdio.h>
#include <string.h>

#include "daemon/store/verify_internal.h"
#include "lib/mem.h"

enum { PAGE_CHANGES = 512, PAGE_ROWS = 2048 };

// ---- folding ----

static err_t compare_digest(checker_t *checker, fault_t *fault)
{
    hash_t digest;
    err_t err = read_digest(checker->sql, &digest, fault);
    if (!err && !hash_equal(&digest, &checker->view.digest))
        checker_find(checker, "meta", ERR_VIEW_DIFFERS,
                     "the digest is not the sum over the records");
    return err;
}

// The last of a page of changes after one; that one itself where there are none. Where
// apply numbers have a gap, which is damage, the page begins behind it.
static err_t page_end(checker_t *checker, int64_t after, int64_t count, int64_t *until,
                      fault_t *fault)
{
    static const char last[] =
        "SELECT min(max(id, ?1 + 1) + ?2 - 1,"
        " (SELECT id + last - first FROM commit_log ORDER BY id DESC LIMIT 1)) FROM commit_log"
        " WHERE id > ?1 - 256 AND id + last - first > ?1 ORDER BY id LIMIT 1";
    err_t err = sql_number(checker->sql, last, SQL_ROW(sql_int(after), sql_int(count)), after,
                           until, fault);
    if (*until < after) // a damaged tree must not send us round in circles
        *until = after;
    return err;
}

// *after becomes the last change visited; *end: the snapshot had no newer one. A
// writer would have to be faster than the fold to keep that from coming.
static err_t fold_page(checker_t *checker, int64_t *after, bool *end, fault_t *fault)
{
    int64_t until = 0;
    uint64_t newest = 0;
    err_t err = checker_begin(checker, fault);
    if (!err)
        err = page_end(checker, *after, PAGE_CHANGES, &until, fault);
    if (!err)
        err = newest_apply(checker->sql, &newest, fault);
    *end = !err && (until == *after || (uint64_t)until >= newest);
    // Those that came while verify was at it: no visit of their record was sure to see them.
    int64_t known = until < checker->applied ? until : checker->applied;
    if (!err && *after < known)
        err = view_visit_range(&checker->view, *after, known, true, fault);
    if (!err && until > known)
        err =
            view_visit_range(&checker->view, known > *after ? known : *after, until, false, fault);
    if (!err && *end)
        err = compare_digest(checker, fault);
    err = checker_end(checker, err, fault);
    if (!err)
        err = checker_progress(checker, until > *after ? (uint64_t)(until - *after) : 0);
    *after = until;
    return err;
}

// *folded becomes the newest change that the scratch view takes in.
static err_t fold_all(checker_t *checker, int64_t *folded, fault_t *fault)
{
    bool end = false;
    err_t err = ERR_OK;
    *folded = 0;
    while (!err && !end)
        err = fold_page(checker, folded, &end, fault);
    checker->report->records = (uint64_t)checker->view.records;
    return err;
}

// ---- comparing: one table at a time ----

typedef struct {
    const char *name;
    const char *differing; // keys in (?1, ?2] whose rows are not the same on both sides
    const char *made;      // the row(s) of one key as the scratch has them
    const char *stored;    // and as the store has them
    int64_t span;          // how many changes, from the key on, decide on a row
} table_t;

#define BOTH(table, key, columns)                                                                  \
    "SELECT DISTINCT " key " FROM (SELECT * FROM (SELECT " columns " FROM main." table             \
    " WHERE " key " > ?1 AND " key " <= ?2 EXCEPT SELECT " columns " FROM log." table              \
    " WHERE " key " > ?1 AND " key " <= ?2) UNION ALL SELECT * FROM (SELECT " columns              \
    " FROM log." table " WHERE " key " > ?1 AND " key " <= ?2 EXCEPT SELECT " columns              \
    " FROM main." table " WHERE " key " > ?1 AND " key " <= ?2)) ORDER BY 1"
#define TABLE(table, key, order, span)                                                             \
    {                                                                                              \
        table, BOTH(table, key, "*"),                                                              \
            "SELECT * FROM main." table " WHERE " key " = ?1 ORDER BY " order,                     \
            "SELECT * FROM log." table " WHERE " key " = ?1 ORDER BY " order, span                 \
    }

static const table_t tables[] = {
    TABLE("record", "id", "id", 1),
    TABLE("kind_block", "block", "kind, feed", KIND_BLOCK),
    TABLE("reference", "record", "place", 1),
    TABLE("parked", "change", "change", 1),
};

static bool values_equal(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
    int type = sqlite3_column_type(a, column);
    if (type != sqlite3_column_type(b, column))
        return false;
    if (type == SQLITE_INTEGER)
        return sqlite3_column_int64(a, column) == sqlite3_column_int64(b, column);
    return type == SQLITE_NULL ||
           span_equal(sql_column_span(a, column), sql_column_span(b, column));
}

static const char *column_that_differs(sqlite3_stmt *a, sqlite3_stmt *b)
{
    for (int i = 0; i < sqlite3_column_count(a); i++)
        if (!values_equal(a, b, i))
            return sqlite3_column_name(a, i);
    return NULL;
}

// Row by row; `how` is empty where both sides are the same.
static err_t compare_rows(checker_t *checker, sqlite3_stmt *made, sqlite3_stmt *stored,
                          char how[128], fault_t *fault)
{
    bool left = true, right = true;
    while (left && right && !how[0]) {
        err_t err = sql_step(checker->sql, made, &left, fault);
        if (!err)
            err = sql_step(checker->sql, stored, &right, fault);
        if (err)
            return err;
        const char *column = left && right ? column_that_differs(made, stored) : NULL;
        if (column)
            snprintf(how, 128, "column %s differs", column);
        else if (left != right)
            snprintf(how, 128, "%s", left ? "a row is not in the view" : "a row too many");
    }
    return ERR_OK;
}

static err_t compare_key(checker_t *checker, const table_t *table, int64_t key, char how[128],
                         fault_t *fault)
{
    sqlite3_stmt *made = NULL, *stored = NULL;
    how[0] = '\0';
    err_t err = sql_start(checker->sql, table->made, SQL_ROW(sql_int(key)), &made, fault);
    if (!err)
        err = sql_start(checker->sql, table->stored, SQL_ROW(sql_int(key)), &stored, fault);
    if (!err)
        err = compare_rows(checker, made, stored, how, fault);
    if (made)
        sql_done(made);
    if (stored)
        sql_done(stored);
    return err;
}

// ---- what differs ----

static err_t name_key(checker_t *checker, const table_t *table, int64_t key, char where[WHERE_TEXT],
                      fault_t *fault)
{
    entry_t entry;
    code_t code;
    snprintf(where, WHERE_TEXT, "%s %lld", table->name, (long long)key);
    err_t err = entry_facts(checker->sql, key, &entry, fault);
    if (err || !entry.id)
        return err;
    err = checker_code(checker, entry.origin, &code, fault);
    if (!err)
        record_id_format(code.text, entry.at, where);
    return err;
}

static err_t confirm(checker_t *checker, const table_t *table, int64_t key, fault_t *fault)
{
    char where[WHERE_TEXT], how[128];
    err_t err = ERR_OK;
    for (int64_t i = 0; i < table->span && key <= INT64_MAX - i && !err; i++)
        err = view_visit(&checker->view, key + i, fault);
    if (!err)
        err = view_flush(&checker->view, fault);
    if (!err)
        err = compare_key(checker, table, key, how, fault);
    if (err || !how[0])
        return err;
    err = name_key(checker, table, key, where, fault);
    if (!err)
        checker_find(checker, where, ERR_VIEW_DIFFERS, "%s: %s", table->name, how);
    return err;
}

typedef struct {
    int64_t *items;
    size_t count, capacity;
} keys_found_t;

static err_t list_differing(checker_t *checker, const table_t *table, int64_t after, int64_t until,
                            keys_found_t *keys, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(checker->sql, table->differing, SQL_ROW(sql_int(after), sql_int(until)),
                          &statement, &row, fault);
    while (!err && row) {
        mem_grow(&keys->items, &keys->capacity, keys->count, sizeof *keys->items);
        keys->items[keys->count++] = sqlite3_column_int64(statement, 0);
        err = sql_step(checker->sql, statement, &row, fault);
    }
    return err;
}

static err_t compare_page(checker_t *checker, int64_t after, int64_t until, fault_t *fault)
{
    keys_found_t keys = {0};
    err_t err = checker_begin(checker, fault);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && !err; i++) {
        keys.count = 0;
        err = list_differing(checker, &tables[i], after, until, &keys, fault);
        for (size_t k = 0; k < keys.count && !err; k++)
            err = confirm(checker, &tables[i], keys.items[k], fault);
    }
    mem_free(keys.items);
    err = checker_end(checker, err, fault);
    return err ? err : checker_progress(checker, 0);
}

// By the changes that there are: numbers may have gaps where the file is damaged.
// The first and the last page take in rows that no change accounts for.
static err_t compare_all(checker_t *checker, int64_t folded, fault_t *fault)
{
    int64_t after = 0, until = 0;
    err_t err = compare_page(checker, INT64_MIN, after, fault);
    while (!err && after < folded) {
        err = page_end(checker, after, PAGE_ROWS, &until, fault);
        if (err || until == after)
            break;
        err = compare_page(checker, after, until, fault);
        after = until;
    }
    return err ? err : compare_page(checker, after, INT64_MAX, fault);
}

// ---- the whole ----

err_t verify_view(checker_t *checker, fault_t *fault)
{
    static const char current[] =
        "SELECT count(*) FROM meta WHERE one = 1 AND view_version = ?1 AND view_schema = ?2";
    int64_t same = 0, folded = 0;
    err_t err =
        sql_number(checker->sql, current, SQL_ROW(sql_int(VIEW_VERSION), sql_int(SCHEMA_VERSION)),
                   0, &same, fault);
    if (err)
        return err;
    if (!same) {
        checker_find(checker, "meta", ERR_VIEW_DIFFERS,
                     "the view was made by another version: start the node once");
        return ERR_OK;
    }
    err = fold_all(checker, &folded, fault);
    return err ? err : compare_all(checker, folded, fault);
}
