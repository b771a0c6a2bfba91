// A disk that is full: the turn never happened, the store stays usable. Disks that
// fail at any operation: tests/sim/test_disk_model.c.
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/store/checkpoint.h"
#include "daemon/store/wal.h"
#include "tests/unit/make_commits.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void write_some(writer_t *writer)
{
    write_record(writer, 0, "{'kind':'organisation','key':'a','acronym':'A'}");
    write_record(writer, 0, "{'kind':'membership','key':'m','member':'@a','coalition':'@BB:c'}");
    write_record(writer, 1, "{'kind':'organisation','key':'a','acronym':'B'}");
}

static void expect_clean(const char *path)
{
    verify_t verify = {0};
    assert_ok(store_verify(path, &verify, NULL));
    assert_int_equal(verify.found, 0);
}

// One turn. The commit is handed in again where it was refused, as the core would.
static err_t turn(store_t *store, const commit_t *commit)
{
    err_t err = store_append(store, commit, 1, NULL);
    return err ? err : store_commit(store, NULL);
}

// ---- the file may not grow: SQLITE_FULL by itself ----

static void a_full_database_recovers(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = NULL;
    writer_t writer = writer_of(1, 1, 1);
    assert_ok(store_open(path, NULL, &store, NULL));
    found_coalition(store);
    assert_ok(sql_script(store->sql, "PRAGMA max_page_count = 60", NULL));
    err_t err = ERR_OK;
    commit_t *commit = NULL;
    for (int i = 0; i < 1000 && !err; i++) {
        commit_destroy(&commit);
        write_some(&writer);
        commit = seal_commit(&writer);
        err = turn(store, commit);
    }
    assert_int_equal(err, ERR_DISK_FULL);
    assert_false(store_in_turn(store));
    assert_int_equal(held_of(store, &writer.feed), commit->first - 1);
    assert_refused(turn(store, commit), ERR_DISK_FULL);
    expect_clean(path);
    assert_ok(sql_script(store->sql, "PRAGMA max_page_count = 100000", NULL));
    assert_ok(turn(store, commit));
    commit_destroy(&commit);
    store_close(&store);
    expect_clean(path);
    writer_clear(&writer);
    mem_free(path);
}

// ---- RLIMIT_FSIZE: EFBIG from write(2), in a process of its own ----

static bool fill_to_the_limit(store_t *store, writer_t *writer, commit_t **refused)
{
    err_t err = ERR_OK;
    for (int i = 0; i < 2000 && !err; i++) {
        commit_destroy(refused);
        write_some(writer);
        *refused = seal_commit(writer);
        err = turn(store, *refused);
    }
    return err == ERR_DISK_FULL && !store_in_turn(store) &&
           held_of(store, &writer->feed) == (*refused)->first - 1;
}

static int under_a_limit(const char *path)
{
    struct rlimit limit;
    store_t *store = NULL;
    writer_t writer = writer_of(1, 1, 1);
    commit_t *refused = NULL;
    totals_t totals;
    signal(SIGXFSZ, SIG_IGN);
    if (store_open(path, NULL, &store, NULL))
        return 2;
    found_coalition(store);
    getrlimit(RLIMIT_FSIZE, &limit);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 400 * 1000; // not at the border of a page: a write is cut short
    setrlimit(RLIMIT_FSIZE, &limit);
    if (!fill_to_the_limit(store, &writer, &refused))
        return 3;
    if (turn(store, refused) != ERR_DISK_FULL || store_totals(store, &totals, NULL))
        return 4;
    limit.rlim_cur = before;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (turn(store, refused) || held_of(store, &writer.feed) != refused->last)
        return 5;
    commit_destroy(&refused);
    writer_clear(&writer);
    store_close(&store);
    return 0;
}

static void a_limit_on_file_sizes_is_a_full_disk(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    assert_int_equal(in_a_child(under_a_limit, path), 0);
    expect_clean(path);
    mem_free(path);
}

// ---- what does not read ----

// Others have written in the same turn: that stands.
static void a_record_that_does_not_read_undoes_no_writes(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = NULL;
    writer_t writer = writer_of(1, 1, 1), other = writer_of(2, 1, 1);
    current_t current = {0};
    position_t first = {1, 1, 1};
    assert_ok(store_open(path, NULL, &store, NULL));
    found_coalition(store);
    write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A'}");
    append_written(store, &writer);
    assert_ok(store_commit(store, NULL));
    assert_ok(sql_script(store->sql, "UPDATE commit_log SET payloads = x'ff'", NULL));
    write_record(&other, 0, "{'kind':'organisation','key':'b','acronym':'B'}");
    append_written(store, &other);
    const origin_t *origin = &writer.feed.origin;
    assert_refused(store_record_by_key(store, origin, "a", true, &current, NULL), ERR_DAMAGED);
    assert_refused(store_record(store, origin, first, true, &current, NULL), ERR_DAMAGED);
    assert_true(store_in_turn(store));
    assert_ok(store_record_by_key(store, &other.feed.origin, "b", true, &current, NULL));
    buf_free(&current.body);
    assert_ok(store_commit(store, NULL));
    assert_int_equal(held_of(store, &other.feed), 1);
    store_close(&store);
    writer_clear(&writer);
    writer_clear(&other);
    mem_free(path);
}

// ---- checkpoints ----

static off_t size_of(const char *path, const char *suffix)
{
    struct stat facts;
    char *name = mem_format("%s%s", path, suffix);
    off_t size = stat(name, &facts) == 0 ? facts.st_size : 0;
    mem_free(name);
    return size;
}

static void the_checkpoint_thread_empties_the_wal(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = NULL;
    checkpoint_t *checkpoint = NULL;
    writer_t writer = writer_of(1, 1, 1);
    assert_ok(store_open(path, NULL, &store, NULL));
    found_coalition(store);
    assert_ok(checkpoint_start(path, &checkpoint, NULL));
    for (int i = 0; i < 50; i++) {
        write_some(&writer);
        append_written(store, &writer);
        assert_ok(store_commit(store, NULL));
        checkpoint_hint(checkpoint, store_wal_bytes(store));
    }
    assert_true(size_of(path, "-wal") > 0);
    checkpoint_stop(&checkpoint);
    assert_null(checkpoint);
    checkpoint_stop(&checkpoint);
    assert_int_equal(size_of(path, "-wal"), 0);
    assert_true(size_of(path, "") > 50 * 1000);
    write_some(&writer);
    append_written(store, &writer);
    assert_ok(store_commit(store, NULL));
    store_close(&store);
    expect_clean(path);
    writer_clear(&writer);
    mem_free(path);
}

static void some_turns(store_t *store, writer_t *writer, int count)
{
    for (int i = 0; i < count; i++) {
        write_some(writer);
        append_written(store, writer);
        assert_ok(store_commit(store, NULL));
    }
}

// With a WAL that is long the thread waits for no more to come. When it has emptied
// the WAL the next commit begins it anew: seen here by how far that fills it.
static void a_wal_begins_anew_while_it_is_written(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = NULL;
    checkpoint_t *checkpoint = NULL;
    writer_t writer = writer_of(1, 1, 1);
    assert_ok(store_open(path, NULL, &store, NULL));
    found_coalition(store);
    wal_reserve(path);
    assert_ok(checkpoint_start(path, &checkpoint, NULL));
    uint64_t before = 0, filled = 1;
    while (filled > before) {
        before = store_wal_bytes(store);
        some_turns(store, &writer, 1);
        filled = store_wal_bytes(store);
        if (checkpoint_hint(checkpoint, 5 * 1024 * 1024))
            store_empty_wal(store);
        expect_clean(path);
    }
    assert_true(filled < 20 * 4096);
    assert_true(before < WAL_BYTES_MAX); // not the store itself
    assert_true(size_of(path, "-wal") >= (off_t)WAL_RESERVED_BYTES);
    checkpoint_stop(&checkpoint);
    assert_int_equal(size_of(path, "-wal"), 0);
    store_close(&store);
    expect_clean(path);
    writer_clear(&writer);
    mem_free(path);
}

// ---- room in the WAL ----

// The copies are what a node leaves behind that is killed.
static void a_wal_with_room_is_read_after_a_kill(void **state)
{
    char *path = scratch_path(*state, "enlace.db"), *left = scratch_path(*state, "left.db");
    store_t *store = NULL;
    writer_t writer = writer_of(1, 1, 1);
    assert_ok(store_open(path, NULL, &store, NULL));
    found_coalition(store);
    some_turns(store, &writer, 1);
    wal_reserve(path);
    assert_int_equal(size_of(path, "-wal"), WAL_RESERVED_BYTES);
    some_turns(store, &writer, 9);
    assert_int_equal(size_of(path, "-wal"), WAL_RESERVED_BYTES);
    scratch_copy(*state, "enlace.db", "left.db");
    scratch_copy(*state, "enlace.db-wal", "left.db-wal");
    store_close(&store);
    assert_ok(store_open(left, NULL, &store, NULL));
    assert_int_equal(held_of(store, &writer.feed), 30);
    some_turns(store, &writer, 1);
    store_close(&store);
    expect_clean(left);
    writer_clear(&writer);
    mem_free(path);
    mem_free(left);
}

static int reserve_under_a_limit(const char *path)
{
    store_t *store = NULL;
    writer_t writer = writer_of(1, 1, 1);
    if (store_open(path, NULL, &store, NULL))
        return 2;
    found_coalition(store);
    off_t before = size_of(path, "-wal");
    scratch_limit_file_size(1024 * 1024);
    wal_reserve(path);
    if (size_of(path, "-wal") != before)
        return 3;
    some_turns(store, &writer, 1);
    writer_clear(&writer);
    store_close(&store);
    return 0;
}

static void room_that_is_not_there_is_not_taken(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    assert_int_equal(in_a_child(reserve_under_a_limit, path), 0);
    expect_clean(path);
    mem_free(path);
}

// Without a thread the WAL stays within its bound and a turn's worth.
static void a_wal_nobody_empties_is_bounded(void **state)
{
    static const char insert[] = "INSERT INTO evidence (origin, epoch, lane, reason, arrived_ms,"
                                 " bytes) VALUES (1, 1, 1, 65, 1, zeroblob(2000000))";
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = NULL;
    off_t largest = 0;
    assert_ok(store_open(path, NULL, &store, NULL));
    found_coalition(store);
    assert_ok(sql_script(store->sql, "PRAGMA synchronous = OFF", NULL)); // for the test's speed
    for (size_t i = 0; i < 3 * WAL_BYTES_MAX / 2 / 2000000; i++) {
        assert_ok(store_begin(store, NULL));
        assert_ok(sql_script(store->sql, insert, NULL));
        assert_ok(store_commit(store, NULL));
        off_t size = size_of(path, "-wal");
        largest = size > largest ? size : largest;
    }
    assert_true(largest > (off_t)WAL_BYTES_MAX);
    assert_true(largest < (off_t)WAL_BYTES_MAX + 3 * 1000 * 1000);
    store_close(&store);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_full_database_recovers),
        SCRATCH_TEST(a_limit_on_file_sizes_is_a_full_disk),
        SCRATCH_TEST(a_record_that_does_not_read_undoes_no_writes),
        SCRATCH_TEST(the_checkpoint_thread_empties_the_wal),
        SCRATCH_TEST(a_wal_begins_anew_while_it_is_written),
        SCRATCH_TEST(a_wal_with_room_is_read_after_a_kill),
        SCRATCH_TEST(room_that_is_not_there_is_not_taken),
        SCRATCH_TEST(a_wal_nobody_empties_is_bounded),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
