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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(version_2_becomes_this_one),
        SCRATCH_TEST(a_damaged_version_2_is_left_alone),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
