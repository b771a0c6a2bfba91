// A database of an older version becomes one of this version, with all that it had.
#include "tests/unit/make_version_2.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
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

// ---- a view made anew ----

// However large the old one is, it is not held in memory while it goes.
static void a_large_view_goes_in_little_memory(void **state)
{
    static const char many[] =
        "INSERT INTO record (id, origin, feed, number, stands, newest, state, revision,"
        " created_ms, changed_ms, note, example, label) WITH RECURSIVE n (i) AS (SELECT 1"
        " UNION ALL SELECT i + 1 FROM n WHERE i < 40000)"
        " SELECT i, 1, 1, i, i, i, 1, 1, 0, 0, 0, 0, hex(zeroblob(100)) FROM n";
    enum { TABLE_LEAST = 40000 * 200, MOST = TABLE_LEAST / 2 };
    char *path = scratch_path(*state, "large.db");
    store_t *store = NULL;
    int64_t left = 0;
    assert_ok(store_open(path, NULL, &store, NULL));
    assert_ok(sql_script(store->sql, many, NULL));
    store_close(&store);
    assert_ok(store_open(path, NULL, &store, NULL));
    sqlite3_int64 before = sqlite3_memory_used();
    assert_true(before > 0); // it is counted
    sqlite3_memory_highwater(1);
    assert_ok(store_rebuild(store, NULL));
    assert_true(sqlite3_memory_highwater(0) - before < MOST);
    assert_ok(store_commit(store, NULL));
    assert_ok(sql_number(store->sql, "SELECT count(*) FROM record", SQL_NO_VALUES, 1, &left, NULL));
    assert_int_equal(left, 0);
    store_close(&store);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(version_2_becomes_this_one),
        SCRATCH_TEST(a_damaged_version_2_is_left_alone),
        SCRATCH_TEST(a_large_view_goes_in_little_memory),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
