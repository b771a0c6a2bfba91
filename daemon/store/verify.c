// Verify: whether the file is whole, and what it says true (S1 to S4).
//
// It runs beside a writer: pages, each one snapshot. The exception is SQLite's own
// check of a table, which is one statement: while it runs the WAL only grows.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/schema.h"
#include "daemon/store/verify_internal.h"
#include "lib/mem.h"

// ---- findings and progress ----

void checker_find(checker_t *checker, const char *where, err_t reason, const char *format, ...)
{
    char detail[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    checker->report->found++;
    if (checker->report->finding)
        checker->report->finding(checker->report->context, where, reason, detail);
}

err_t checker_progress(checker_t *checker, uint64_t steps)
{
    verify_t *report = checker->report;
    checker->done += steps;
    if (checker->done > checker->total)
        checker->total = checker->done;
    bool on = !report->progress || report->progress(report->context, checker->done, checker->total);
    return on ? ERR_OK : ERR_STOPPING;
}

// ---- transactions ----

err_t checker_begin(checker_t *checker, fault_t *fault)
{
    return sql_run(checker->sql, "BEGIN", SQL_NO_VALUES, fault);
}

err_t checker_end(checker_t *checker, err_t err, fault_t *fault)
{
    if (!err)
        err = sql_run(checker->sql, "COMMIT", SQL_NO_VALUES, fault);
    if (err && !sqlite3_get_autocommit(sql_handle(checker->sql)))
        sql_script(checker->sql, "ROLLBACK", NULL);
    return err;
}

// ---- shared look-ups ----

err_t checker_code(checker_t *checker, int64_t origin, code_t *code, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *code = (code_t){{0}};
    snprintf(code->text, sizeof code->text, "origin-%d", (int)origin);
    err_t err = sql_first(checker->sql, "SELECT code FROM origin WHERE ix = ?1",
                          SQL_ROW(sql_int(origin)), &statement, &row, fault);
    if (err || !row)
        return err;
    const char *text = sql_column_text(statement, 0);
    snprintf(code->text, sizeof code->text, "%s", text ? text : "");
    sql_done(statement);
    return ERR_OK;
}

err_t checker_card(checker_t *checker, int64_t origin, uint32_t number, fault_t *fault)
{
    static const char find[] = "SELECT signed FROM card WHERE origin = ?1 AND number = ?2";
    sqlite3_stmt *statement = NULL;
    card_t *card = NULL;
    bool row = false;
    if (checker->card.origin == origin && checker->card.number == number)
        return ERR_OK;
    err_t err = sql_first(checker->sql, find, SQL_ROW(sql_int(origin), sql_int(number)), &statement,
                          &row, fault);
    if (err)
        return err;
    checker->card.origin = origin;
    checker->card.number = number;
    checker->card.known = row && card_decode(sql_column_span(statement, 0), &card, NULL) == ERR_OK;
    if (checker->card.known)
        checker->card.key = card->signing_key;
    card_destroy(&card);
    sql_done(statement);
    return ERR_OK;
}

// ---- SQLite's own check: pages, indexes, types, NOT NULL and CHECK ----

static err_t check_table(checker_t *checker, const char *table, const char *text, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(checker->sql, text, SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        const char *message = sql_column_text(statement, 0);
        if (message && strcmp(message, "ok") != 0)
            checker_find(checker, table, ERR_DAMAGED, "%s", message);
        err = sql_step(checker->sql, statement, &row, fault);
    }
    return err;
}

static err_t verify_tables(checker_t *checker, fault_t *fault)
{
#define CHECK(name)                                                                                \
    {                                                                                              \
        name, "PRAGMA log.integrity_check('" name "')"                                             \
    }
    static const struct {
        const char *table, *text;
    } checks[] = {
        CHECK("meta"),     CHECK("origin"),     CHECK("roster"),     CHECK("card"),
        CHECK("feed"),     CHECK("commit_log"), CHECK("target"),     CHECK("missing"),
        CHECK("evidence"), CHECK("record"),     CHECK("kind_block"), CHECK("reference"),
        CHECK("parked"),
    };
#undef CHECK
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !err; i++) {
        err = check_table(checker, checks[i].table, checks[i].text, fault);
        if (!err)
            err = checker_progress(checker, 0);
    }
    return err;
}

// ---- the whole ----

// The scratch view comes before the log is attached: its DROPs must find nothing there.
static err_t attach(checker_t *checker, const char *path, fault_t *fault)
{
    static const char pragmas[] = "PRAGMA journal_mode = MEMORY;"
                                  "PRAGMA synchronous = OFF;"
                                  "PRAGMA cache_size = -4000;";
    err_t err = sql_script(checker->sql, pragmas, fault);
    if (!err)
        err = schema_make_view(checker->sql, fault);
    if (err)
        return err;
    char *uri = sql_read_uri(path, checker->report->vfs);
    err = sql_run(checker->sql, "ATTACH ?1 AS log", SQL_ROW(sql_text(uri)), fault);
    mem_free(uri);
    return err;
}

static err_t measure(checker_t *checker, fault_t *fault)
{
    uint64_t applied = 0;
    err_t err = newest_apply(checker->sql, &applied, fault);
    checker->applied = (int64_t)applied;
    if (!err)
        err = sql_number(checker->sql, "SELECT max(id) FROM commit_log", SQL_NO_VALUES, 0,
                         &checker->committed, fault);
    checker->total = checker->applied > 0 ? 2 * (uint64_t)checker->applied : 0;
    return err;
}

// A page of the file that cannot be read ends a part, not the whole.
static err_t run_part(checker_t *checker, err_t (*part)(checker_t *, fault_t *), fault_t *fault)
{
    fault_t inner = {0};
    err_t err = part(checker, &inner);
    if (err == ERR_DAMAGED) {
        checker_find(checker, inner.where[0] ? inner.where : "enlace.db", err, "%s", inner.detail);
        return ERR_OK;
    }
    if (err && fault)
        *fault = inner;
    return err;
}

static err_t check_schema(const char *path, const char *vfs, fault_t *fault)
{
    sql_t *sql = NULL;
    err_t err = sql_open(path, vfs, SQL_READ, &sql, fault);
    if (!err)
        err = schema_check(sql, fault);
    sql_close(&sql);
    return err;
}

static err_t run_parts(checker_t *checker, fault_t *fault)
{
    err_t (*const parts[])(checker_t *, fault_t *) = {measure, verify_tables, verify_members,
                                                      verify_log, verify_view};
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !err; i++)
        err = run_part(checker, parts[i], fault);
    return err;
}

err_t store_verify(const char *path, verify_t *verify, fault_t *fault)
{
    checker_t checker = {.report = verify};
    err_t err = check_schema(path, verify->vfs, fault);
    if (!err)
        err = sql_open(NULL, NULL, SQL_SCRATCH, &checker.sql, fault);
    checker.view.sql = checker.sql;
    if (!err)
        err = attach(&checker, path, fault);
    if (!err)
        err = run_parts(&checker, fault);
    view_drop(&checker.view);
    roster_destroy(&checker.roster);
    sql_close(&checker.sql);
    return err;
}
