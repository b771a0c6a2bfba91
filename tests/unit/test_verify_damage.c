// Verify finds a change of any column, and survives one of any byte.
#include "tests/unit/make_damage.h"
#include "tests/unit/thin.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- any column ----

// This node's own notes, which nothing else in the file says again.
static bool is_noted_once(const char *table, const char *column)
{
    static const char *const noted[] = {"commit_log.arrived_ms", "feed.stopped",
                                        "feed.stopped_ms",       "meta.fence",
                                        "meta.fence_ms",         "meta.fence_detail"};
    char name[64];
    snprintf(name, sizeof name, "%s.%s", table, column);
    for (size_t i = 0; i < sizeof noted / sizeof *noted; i++)
        if (strcmp(noted[i], name) == 0)
            return true;
    return strcmp(table, "evidence") == 0;
}

// SQL that changes one column of one row, whatever it holds: integers grow by
// 1000, text and blobs have one byte flipped.
static char *flip(const char *table, const char *column, const char *key, int64_t id)
{
    return mem_format(
        "UPDATE %s SET %s = CASE typeof(%s) WHEN 'integer' THEN %s + 1000"
        " WHEN 'null' THEN NULL"
        " WHEN 'text' THEN 'x' || substr(%s, 2)"
        " ELSE CAST(substr(%s, 1, length(%s) / 2) || CASE substr(%s, length(%s) / 2 + 1, 1)"
        " WHEN x'00' THEN x'01' ELSE x'00' END || substr(%s, length(%s) / 2 + 2) AS BLOB) END"
        " WHERE %s = %lld AND %s IS NOT NULL",
        table, column, column, column, column, column, column, column, column, column, column, key,
        (long long)id, column);
}

static size_t flip_column(const void *state, const buf_t *whole, const char *table,
                          const char *column, const char *key, sql_t *sql)
{
    size_t flips = 0;
    char *list = mem_format("SELECT DISTINCT %s FROM %s WHERE %s IS NOT NULL", key, table, column);
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(sql_handle(sql), list, -1, &statement, NULL), SQLITE_OK);
    for (; sqlite3_step(statement) == SQLITE_ROW && flips < 1; flips++) {
        char *damage = flip(table, column, key, sqlite3_column_int64(statement, 0));
        char *got = findings_after(state, whole, damage);
        if (!got[0])
            fail_msg("nothing found after %s", damage);
        mem_free(got);
        mem_free(damage);
    }
    sqlite3_finalize(statement);
    mem_free(list);
    return flips;
}

static void a_change_of_any_column_is_found(void **state)
{
    static const struct {
        const char *name, *key;
    } tables[] = {{"meta", "one"},         {"origin", "ix"},      {"roster", "version"},
                  {"card", "rowid"},       {"feed", "ix"},        {"commit_log", "id"},
                  {"target", "change"},    {"missing", "change"}, {"record", "id"},
                  {"reference", "record"}, {"parked", "change"},  {"kind_block", "block"}};
    char *path = make_store(*state);
    buf_t whole = scratch_read(*state, "enlace.db");
    sql_t *sql = NULL;
    size_t columns = 0;
    assert_ok(sql_open(path, NULL, SQL_READ, &sql, NULL));
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        sqlite3_stmt *statement = NULL;
        char *list = mem_format("SELECT name FROM pragma_table_info('%s')", tables[i].name);
        assert_int_equal(sqlite3_prepare_v2(sql_handle(sql), list, -1, &statement, NULL),
                         SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            const char *column = (const char *)sqlite3_column_text(statement, 0);
            if (!is_noted_once(tables[i].name, column))
                columns += flip_column(*state, &whole, tables[i].name, column, tables[i].key, sql);
        }
        sqlite3_finalize(statement);
        mem_free(list);
    }
    assert_true(columns > 60);
    sql_close(&sql);
    buf_free(&whole);
    mem_free(path);
}

// ---- payloads that do not read ----

// The rest is looked at as ever.
static void a_damaged_payload_hides_no_other_finding(void **state)
{
    char *path = make_store(*state);
    buf_t whole = scratch_read(*state, "enlace.db");
    char *got = findings_after(*state, &whole,
                               "UPDATE commit_log SET payloads = x'ff' WHERE id = 3;"
                               "UPDATE record SET revision = 9 WHERE id = 9");
    assert_non_null(strstr(got, "AA:3 damaged column payloads does not read\n"));
    assert_non_null(strstr(got, "BB:3 view-differs record: column revision differs\n"));
    mem_free(got);
    buf_free(&whole);
    mem_free(path);
}

// A view of another version is made anew from what there is; so much is parked and
// counted, and verify goes on naming it, once.
static void a_damaged_payload_keeps_no_node_from_starting(void **state)
{
    char *path = make_store(*state);
    sql_t *sql = NULL;
    store_t *store = NULL;
    totals_t before, after;
    assert_ok(store_open(path, NULL, &store, NULL));
    assert_ok(store_totals(store, &before, NULL));
    store_close(&store);
    assert_ok(sql_open(path, NULL, SQL_WRITE, &sql, NULL));
    assert_ok(sql_script(sql,
                         "UPDATE commit_log SET payloads = x'ff' WHERE id = 9;"
                         "UPDATE meta SET view_version = 0",
                         NULL));
    sql_close(&sql);
    assert_ok(store_open(path, NULL, &store, NULL));
    assert_ok(store_totals(store, &after, NULL));
    assert_int_equal(after.records, before.records);
    assert_int_equal(after.parked, before.parked + 1);
    assert_int_equal(after.payloads_missing, before.payloads_missing + 1);
    store_close(&store);
    findings_t findings = {{0}};
    verify_t verify = verify_of(path, &findings);
    buf_append(&findings.text, span_of("", 1));
    assert_string_equal((const char *)findings.text.data,
                        "BB:3 damaged column payloads does not read\n");
    assert_int_equal(verify.found, 1);
    buf_free(&findings.text);
    mem_free(path);
}

// ---- any byte of the file: never a crash, never a wrong answer that looks like a whole one ----

static void fill_pages(const char *path)
{
    store_t *store = NULL;
    writer_t writer = writer_of(3, 1, 1);
    assert_ok(store_open(path, NULL, &store, NULL));
    for (int i = 0; i < 200; i++) {
        write_record(&writer, 0, "{'kind':'organisation','key':'k','acronym':'of many'}");
        write_record(&writer, 0, "{'kind':'membership','member':'@BB:b','coalition':'@a'}");
        write_record(&writer, writer.next, "{'kind':'organisation','key':'k','acronym':'new'}");
        append_written(store, &writer);
    }
    assert_ok(store_commit(store, NULL));
    writer_clear(&writer);
    store_close(&store);
}

static void a_flipped_bit_in_the_file_is_survived(void **state)
{
    char *path = make_store(*state), *damaged = scratch_path(*state, "flipped.db");
    fill_pages(path);
    buf_t whole = scratch_read(*state, "enlace.db");
    size_t found = 0, refused = 0, tried = 0;
    for (size_t at = 17; at < whole.size; at += 4001 * thin(5), tried++) {
        whole.data[at] ^= 0x10;
        scratch_write_bytes(*state, "flipped.db", buf_span(&whole), 0600);
        whole.data[at] ^= 0x10;
        verify_t verify = {0};
        err_t err = store_verify(damaged, &verify, NULL);
        refused += err != ERR_OK;
        found += err == ERR_OK && verify.found > 0;
        reader_t *reader = NULL;
        digest_t digest = {0};
        if (reader_open(damaged, &reader, NULL) == ERR_OK)
            reader_digest(reader, &digest, NULL);
        digest_clear(&digest);
        reader_close(&reader);
        store_t *store = NULL;
        if (store_open(damaged, NULL, &store, NULL) == ERR_OK)
            store_rebuild(store, NULL);
        store_close(&store);
        unlink(damaged);
    }
    assert_true(tried > 30 / thin(5));
    assert_true(found > tried / 10); // the rest of a page is free space
    assert_true(refused < tried / 4);
    buf_free(&whole);
    mem_free(damaged);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_change_of_any_column_is_found),
        SCRATCH_TEST(a_damaged_payload_hides_no_other_finding),
        SCRATCH_TEST(a_damaged_payload_keeps_no_node_from_starting),
        SCRATCH_TEST(a_flipped_bit_in_the_file_is_survived),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
