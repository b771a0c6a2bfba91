// A database of an older version becomes one of this version, with all that it had.
#include "daemon/store/schema.h"
#include "tests/unit/make_damage.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- version 2: every change a row of its own ----

static void put_change(sql_t *sql, sqlite3_stmt *commit, int64_t number, const change_t *change)
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

static void put_changes(sql_t *sql)
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

// What `path` has, as version 2 had it.
static char *make_version_2(const void *state, const char *path)
{
    char *old = scratch_path(state, "old.db");
    sql_t *sql = NULL;
    assert_ok(sql_open(old, NULL, SQL_WRITE, &sql, NULL));
    assert_ok(schema_migrate_to(sql, 2, NULL));
    assert_ok(sql_run(sql, "ATTACH ?1 AS new", SQL_ROW(sql_text(path)), NULL));
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
    sql_close(&sql);
    return old;
}

static char *dump_log(sql_t *sql)
{
    static const char *const tables[] = {"origin",     "roster", "card",    "feed",
                                         "commit_log", "target", "missing", "evidence"};
    buf_t text = {0};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *columns = mem_format("SELECT group_concat('quote(' || name || ')', ' || '' '' || ')"
                                   " FROM pragma_table_info('%s')",
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

static void version_2_becomes_this_one(void **state)
{
    char *path = make_store(*state), *old = make_version_2(*state, path);
    store_t *made = NULL, *migrated = NULL;
    assert_ok(store_open(path, NULL, &made, NULL));
    assert_ok(store_open(old, NULL, &migrated, NULL));
    char *log = dump_log(made->sql), *log_after = dump_log(migrated->sql);
    char *view = dump_view(made), *view_after = dump_view(migrated);
    assert_string_equal(log_after, log);
    assert_string_equal(view_after, view);
    expect_clean(old);
    store_close(&made);
    store_close(&migrated);
    mem_free(log);
    mem_free(log_after);
    mem_free(view);
    mem_free(view_after);
    mem_free(path);
    mem_free(old);
}

// All or nothing: what cannot be converted stays as it was.
static void expect_left_alone(const void *state, const char *damage, int64_t left)
{
    char *path = make_store(state), *old = make_version_2(state, path);
    store_t *store = NULL;
    sql_t *sql = NULL;
    int64_t version = 0, changes = 0;
    assert_ok(sql_open(old, NULL, SQL_WRITE, &sql, NULL));
    assert_ok(sql_script(sql, "PRAGMA ignore_check_constraints = ON", NULL));
    assert_ok(sql_script(sql, damage, NULL));
    sql_close(&sql);
    assert_refused(store_open(old, NULL, &store, NULL), ERR_DAMAGED);
    assert_ok(sql_open(old, NULL, SQL_READ, &sql, NULL));
    assert_ok(sql_number(sql, "PRAGMA user_version", SQL_NO_VALUES, 0, &version, NULL));
    assert_ok(sql_number(sql, "SELECT count(*) FROM change", SQL_NO_VALUES, 0, &changes, NULL));
    assert_int_equal(version, 2);
    assert_int_equal(changes, left);
    sql_close(&sql);
    unlink(path);
    unlink(old);
    mem_free(path);
    mem_free(old);
}

static void a_damaged_version_2_is_left_alone(void **state)
{
    expect_left_alone(*state, "DELETE FROM change WHERE id = 4", 10);
    expect_left_alone(*state, "UPDATE change SET state = 200 WHERE id = 4", 11);
    expect_left_alone(*state, "UPDATE change SET state = -1 WHERE id = 4", 11);
    expect_left_alone(*state, "UPDATE change SET state = 0 WHERE id = 4", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(version_2_becomes_this_one),
        SCRATCH_TEST(a_damaged_version_2_is_left_alone),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
