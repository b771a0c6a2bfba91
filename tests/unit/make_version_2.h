// A small store as an older version of the schema had it, and what its log says.
#ifndef ENLACE_TESTS_UNIT_MAKE_VERSION_2_H
#define ENLACE_TESTS_UNIT_MAKE_VERSION_2_H

#include "daemon/store/schema.h"
#include "tests/unit/make_damage.h"

// ---- version 2: every change a row of its own ----

UNUSED_HERE static void put_change(sql_t *sql, sqlite3_stmt *commit, int64_t number,
                                   const change_t *change)
{
    static const char insert[] =
        "INSERT INTO change (id, commit_id, feed, number, type, target_epoch, target_lane,"
        " target_number, min_reader, commitment, state, salt, body)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    bool target = change->has_target, present = change->state == PAYLOAD_PRESENT;
    sql_value_t none = sql_null();
    assert_ok(sql_run(
        sql, insert,
        SQL_ROW(sql_int(sqlite3_column_int64(commit, 0) + number),
                sql_int(sqlite3_column_int64(commit, 1)), sql_int(sqlite3_column_int64(commit, 2)),
                sql_int(sqlite3_column_int64(commit, 3) + number), sql_int(change->type),
                target ? sql_int(change->target.epoch) : none,
                target ? sql_int(change->target.lane) : none,
                target ? sql_u64(change->target.number) : none, sql_int(change->min_reader),
                sql_blob(change->commitment.bytes, HASH_SIZE), sql_int(change->state),
                present ? sql_blob(change->salt, SALT_SIZE) : none,
                present ? sql_blob(change->body.data, change->body.size) : none),
        NULL));
}

UNUSED_HERE static void put_changes(sql_t *sql)
{
    static const char list[] = "SELECT n.id, o.id, n.feed, n.first, n.header, n.payloads"
                               " FROM new.commit_log n JOIN main.commit_log o"
                               " ON o.feed = n.feed AND o.first = n.first";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    assert_ok(sql_first(sql, list, SQL_NO_VALUES, &statement, &row, NULL));
    while (row) {
        scan_t changes;
        hash_t previous;
        assert_true(commit_scan_start(sql_column_span(statement, 4), &changes, &previous));
        scan_t payloads = scan_of(sql_column_span(statement, 5));
        change_t change;
        for (int64_t i = 0; commit_scan_change(&changes, 0, &change); i++) {
            assert_true(commit_scan_payload(&payloads, 0, &change));
            put_change(sql, statement, i, &change);
        }
        assert_ok(sql_step(sql, statement, &row, NULL));
    }
}

// What `path` has, as version 2 had it; the path, for the caller to free.
UNUSED_HERE static char *make_version_2(const void *state, const char *path)
{
    char *old = scratch_path(state, "old.db");
    sql_t *sql = NULL;
    assert_ok(sql_open(old, NULL, SQL_WRITE, &sql, NULL));
    assert_ok(schema_migrate_to(sql, 2, NULL));
    assert_ok(sql_run(sql, "ATTACH ?1 AS new", SQL_ROW(sql_text(path)), NULL));
    assert_ok(sql_script(sql, "BEGIN", NULL));
    assert_ok(sql_script(sql,
                         "INSERT INTO main.origin SELECT * FROM new.origin;"
                         "INSERT INTO main.roster SELECT * FROM new.roster;"
                         "INSERT INTO main.card SELECT * FROM new.card;"
                         "INSERT INTO main.feed SELECT * FROM new.feed;"
                         "INSERT INTO main.evidence SELECT * FROM new.evidence;"
                         "INSERT INTO main.commit_log (feed, first, last, time_ms, arrived_ms,"
                         " hash, signature, header) SELECT feed, first, last, time_ms, arrived_ms,"
                         " hash, signature, header FROM new.commit_log ORDER BY id;",
                         NULL));
    put_changes(sql);
    assert_ok(sql_script(sql, "COMMIT", NULL));
    sql_close(&sql);
    return old;
}

// Every row of the tables that are not made from others, without what older ones do not know; the
// caller frees.
UNUSED_HERE static char *dump_log(sql_t *sql)
{
    static const char *const tables[] = {"origin",     "roster", "card",    "feed",
                                         "commit_log", "target", "missing", "evidence"};
    buf_t text = {0};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *columns = mem_format("SELECT group_concat('quote(' || name || ')', ' || '' '' || ')"
                                   " FROM pragma_table_info('%s') WHERE name <> 'checksum'",
                                   tables[i]);
        buf_t list = {0};
        dump_rows(sql, columns, &list);
        list.data[list.size - 1] = '\0';
        char *rows = mem_format("SELECT %s FROM %s ORDER BY 1", (char *)list.data, tables[i]);
        dump_rows(sql, rows, &text);
        mem_free(rows);
        mem_free(columns);
        buf_free(&list);
    }
    buf_append(&text, span_of("", 1));
    return (char *)text.data;
}

#endif
