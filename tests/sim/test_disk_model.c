// The production store on the disk: whatever becomes of the disk, what was
// acknowledged is there, what is there is a prefix of what was written, and the
// store opens.
#include "daemon/driver.h"
#include "tests/sim/audit.h"
#include "tests/sim/disk.h"
#include "tests/unit/make_commits.h"

static const char file[] = "enlace.db";

enum { TURNS = 5, SEEDS = 2 };

// A disk with a founded store, loaded from an image that is made once; and the
// commits that are written to it, always the same.
typedef struct {
    disk_t *disk;
    disk_image_t *empty;
    store_t *store;
    feed_t feed;
    commit_t *commits[TURNS];
} bench_t;

static void open_store(bench_t *bench)
{
    assert_ok(store_open(file, disk_vfs_name(bench->disk), &bench->store, NULL));
}

static int start_crypto(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static int setup(void **state)
{
    bench_t *bench = mem_alloc(sizeof *bench);
    writer_t writer = writer_of(1, 1, 1);
    disk_seed_sqlite(1);
    bench->disk = disk_new("disk-model", 1);
    bench->feed = writer.feed;
    open_store(bench);
    found_coalition(bench->store);
    store_close(&bench->store);
    bench->empty = disk_image_save(bench->disk);
    for (size_t i = 0; i < TURNS; i++) {
        write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A'}");
        write_record(&writer, 0,
                     "{'kind':'membership','key':'m','member':'@a','coalition':'@BB:c'}");
        bench->commits[i] = seal_commit(&writer);
    }
    writer_clear(&writer);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    bench_t *bench = *state;
    store_close(&bench->store);
    for (size_t i = 0; i < TURNS; i++)
        commit_destroy(&bench->commits[i]);
    disk_image_destroy(&bench->empty);
    disk_destroy(&bench->disk);
    mem_free(bench);
    return 0;
}

// A new disk with that seed, and the founded store on it, open.
static void begin(bench_t *bench, uint64_t seed)
{
    store_close(&bench->store);
    disk_destroy(&bench->disk);
    disk_seed_sqlite(seed);
    bench->disk = disk_new("disk-model", seed);
    disk_image_load(bench->disk, bench->empty, NULL);
    open_store(bench);
}

static uint64_t held(bench_t *bench)
{
    feed_place_t place;
    assert_ok(feed_find(bench->store->sql, &bench->feed, &place, NULL));
    return place.number;
}

static void expect_clean(bench_t *bench)
{
    verify_t verify = {.vfs = disk_vfs_name(bench->disk)};
    assert_ok(store_verify(file, &verify, NULL));
    assert_int_equal(verify.found, 0);
}

static err_t checkpoint(bench_t *bench, int mode)
{
    sqlite3 *handle = sql_handle(bench->store->sql);
    sql_calm();
    int code = sqlite3_wal_checkpoint_v2(handle, NULL, mode, NULL, NULL);
    return code == SQLITE_OK ? ERR_OK : sql_fault(bench->store->sql, code, NULL);
}

// One turn; the second is followed by a checkpoint after which the WAL starts anew, the
// fourth by one that truncates it. `acknowledged` is what the caller was told of.
static err_t turn(bench_t *bench, size_t i, uint64_t *acknowledged)
{
    err_t err = store_append(bench->store, bench->commits[i], 1, NULL);
    if (!err)
        err = store_commit(bench->store, NULL);
    if (err)
        return err;
    *acknowledged = bench->commits[i]->last;
    if (i == 1)
        err = checkpoint(bench, SQLITE_CHECKPOINT_PASSIVE);
    if (i == 3)
        err = checkpoint(bench, SQLITE_CHECKPOINT_TRUNCATE);
    return err;
}

static size_t turns_until_failure(bench_t *bench, uint64_t *acknowledged)
{
    size_t i = 0;
    while (i < TURNS && turn(bench, i, acknowledged) == ERR_OK)
        i++;
    return i;
}

// ---- crash and power loss at every operation ----

static size_t turns_held(bench_t *bench)
{
    return (size_t)(held(bench) / bench->commits[0]->last);
}

static void come_back(bench_t *bench)
{
    store_close(&bench->store);
    disk_restart(bench->disk);
    open_store(bench);
}

// Goes on where the head is and ends as if nothing had happened.
static void finish(bench_t *bench)
{
    uint64_t acknowledged = 0;
    for (size_t i = turns_held(bench); i < TURNS; i++)
        assert_ok(turn(bench, i, &acknowledged));
    assert_int_equal(held(bench), bench->commits[TURNS - 1]->last);
    expect_clean(bench);
}

typedef void (*strike_fn)(disk_t *disk, uint64_t n);

// False: there are not so many operations.
static bool strike_once(bench_t *bench, uint64_t seed, uint64_t n, strike_fn strike)
{
    uint64_t acknowledged = 0;
    begin(bench, seed);
    strike(bench->disk, n);
    size_t done = turns_until_failure(bench, &acknowledged);
    if (!disk_is_down(bench->disk)) {
        assert_int_equal(done, TURNS);
        return false;
    }
    assert_int_not_equal(store_append(bench->store, bench->commits[done], 1, NULL), ERR_OK);
    come_back(bench);
    expect_clean(bench);
    assert_true(held(bench) >= acknowledged);
    assert_true(held(bench) <= acknowledged + bench->commits[0]->last);
    assert_int_equal(held(bench) % bench->commits[0]->last, 0);
    finish(bench);
    return true;
}

static void strike_everywhere(bench_t *bench, strike_fn strike, uint64_t seeds)
{
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        uint64_t n = 1;
        while (strike_once(bench, 1000 * seed + n, n, strike))
            n++;
        assert_true(n > 10 * TURNS);
    }
}

static void a_crash_anywhere_loses_nothing(void **state)
{
    strike_everywhere(*state, disk_crash_at, 1);
}

static void a_power_loss_anywhere_loses_nothing_acknowledged(void **state)
{
    strike_everywhere(*state, disk_power_loss_at, SEEDS);
}

// The counterpart: without syncs the same losses of power do take what was acknowledged.
static void without_syncs_it_would(void **state)
{
    bench_t *bench = *state;
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t acknowledged = 0;
        begin(bench, seed);
        assert_ok(sql_script(bench->store->sql, "PRAGMA synchronous = OFF", NULL));
        assert_int_equal(turns_until_failure(bench, &acknowledged), TURNS);
        disk_power_loss(bench->disk);
        store_close(&bench->store);
        disk_restart(bench->disk);
        feed_place_t place = {0};
        err_t err = store_open(file, disk_vfs_name(bench->disk), &bench->store, NULL);
        if (!err)
            err = feed_find(bench->store->sql, &bench->feed, &place, NULL);
        lost += err || place.number < acknowledged;
    }
    assert_true(lost > 10);
}

// A store that is being made: opened again it is whole, or made from the start.
static bool make_once(bench_t *bench, uint64_t seed, uint64_t n, strike_fn strike)
{
    store_close(&bench->store);
    disk_destroy(&bench->disk);
    bench->disk = disk_new("disk-model", seed);
    strike(bench->disk, n);
    err_t err = store_open(file, disk_vfs_name(bench->disk), &bench->store, NULL);
    if (!disk_is_down(bench->disk)) {
        assert_ok(err);
        return false;
    }
    come_back(bench);
    found_coalition(bench->store);
    expect_clean(bench);
    return true;
}

static void making_a_store_may_be_cut_short_anywhere(void **state)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        uint64_t n = 1;
        while (make_once(*state, 1000 * seed + n, n, seed % 2 ? disk_power_loss_at : disk_crash_at))
            n++;
        assert_true(n > 20);
    }
}

// ---- a full or failing disk: the turn never happened, the next one works ----

// Takes turns until one is refused, or none; a checkpoint that fails refuses nothing.
static err_t turns_until_refused(bench_t *bench, uint64_t *acknowledged)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < TURNS && !err; i++) {
        err = turn(bench, i, acknowledged);
        if (*acknowledged == bench->commits[i]->last)
            err = ERR_OK;
    }
    return err;
}

// The view is what the log makes it.
static void expect_view_of_log(bench_t *bench)
{
    char *got = dump_view(bench->store), *want;
    assert_ok(store_rebuild(bench->store, NULL));
    want = dump_view(bench->store);
    assert_string_equal(got, want);
    store_rollback(bench->store);
    mem_free(got);
    mem_free(want);
}

// The turn that is refused never happened, and the next one works. False: the
// fault did not strike any more. Every other time power is lost then: what a failed
// sync left must not be missed later. (The refused turn may be back after it, where
// its frames were written and only their sync failed: nobody was told of it.)
static bool fault_once(bench_t *bench, disk_kind_t kind, uint64_t n, uint64_t count, err_t want)
{
    uint64_t acknowledged = 0;
    begin(bench, n);
    disk_fault_at(bench->disk, n, kind, count);
    err_t err = turns_until_refused(bench, &acknowledged);
    if (!disk_count(bench->disk, kind))
        return false;
    disk_heal(bench->disk);
    assert_false(store_in_turn(bench->store));
    assert_int_equal(held(bench), acknowledged);
    if (err) {
        // What fails to be written may be a sync, too.
        assert_true(err == want || (kind == DISK_EIO && err == ERR_SYNC_FAILED));
        expect_view_of_log(bench);
    }
    if (n % 2) {
        disk_power_loss(bench->disk);
        come_back(bench);
        assert_true(held(bench) == acknowledged ||
                    held(bench) == acknowledged + bench->commits[0]->last);
    }
    finish(bench);
    return true;
}

// For one operation, and for long.
static void fault_everywhere(void **state, disk_kind_t kind, err_t want, uint64_t least)
{
    uint64_t n = 1;
    while (fault_once(*state, kind, n, n % 4 < 2 ? 1 : 1000, want))
        n++;
    assert_true(n > least);
}

static void each_write_may_find_the_disk_full(void **state)
{
    fault_everywhere(state, DISK_ENOSPC, ERR_DISK_FULL, 5 * TURNS);
}

static void each_write_may_be_cut_short(void **state)
{
    fault_everywhere(state, DISK_SHORT_WRITE, ERR_DISK_FULL, 5 * TURNS);
}

static void each_change_may_fail(void **state)
{
    fault_everywhere(state, DISK_EIO, ERR_DISK_ERROR, 5 * TURNS);
}

static void each_sync_may_fail(void **state)
{
    fault_everywhere(state, DISK_SYNC_FAIL, ERR_SYNC_FAILED, TURNS);
}

static void each_read_may_fail(void **state)
{
    fault_everywhere(state, DISK_READ_EIO, ERR_DISK_ERROR, 5);
}

// While it is opened for the first time, and afterwards there is room.
static bool open_once(bench_t *bench, uint64_t n)
{
    store_close(&bench->store);
    disk_destroy(&bench->disk);
    bench->disk = disk_new("disk-model", n);
    disk_fault_at(bench->disk, n, DISK_ENOSPC, 1000);
    err_t err = store_open(file, disk_vfs_name(bench->disk), &bench->store, NULL);
    bool struck = disk_count(bench->disk, DISK_ENOSPC) > 0;
    disk_heal(bench->disk);
    if (err) {
        assert_int_equal(err, ERR_DISK_FULL);
        assert_null(bench->store);
        open_store(bench);
    }
    found_coalition(bench->store);
    expect_clean(bench);
    return struck;
}

// A read that fails makes SQLite undo the turn in which others have written, who are not
// told by it: then the turn cannot be committed, and nothing can be added to it.
static void a_turn_that_a_read_has_lost_is_not_committed(void **state)
{
    bench_t *bench = *state;
    uint64_t acknowledged = 0;
    current_t current = {0};
    begin(bench, 1);
    assert_ok(turn(bench, 0, &acknowledged));
    assert_ok(store_append(bench->store, bench->commits[1], 1, NULL));
    sqlite3_db_release_memory(sql_handle(bench->store->sql));
    disk_fault_at(bench->disk, 1, DISK_READ_EIO, UINT64_MAX);
    assert_refused(
        store_record_by_key(bench->store, &bench->feed.origin, "a", true, &current, NULL),
        ERR_DISK_ERROR);
    disk_heal(bench->disk);
    assert_refused(store_append(bench->store, bench->commits[2], 1, NULL), ERR_DISK_ERROR);
    assert_refused(store_commit(bench->store, NULL), ERR_DISK_ERROR);
    assert_int_equal(held(bench), acknowledged);
    assert_ok(turn(bench, 1, &acknowledged));
    assert_int_equal(held(bench), acknowledged);
    expect_clean(bench);
}

static void opening_may_find_the_disk_full(void **state)
{
    uint64_t n = 1;
    while (open_once(*state, n))
        n++;
    assert_true(n > 10);
}

// The view is dropped and folded anew in one turn: what fails leaves the old one.
static void rebuilding_may_find_the_disk_full(void **state)
{
    bench_t *bench = *state;
    uint64_t n = 0, acknowledged = 0;
    begin(bench, 1);
    assert_ok(turn(bench, 0, &acknowledged));
    char *want = dump_view(bench->store);
    for (uint64_t before = 0, struck = 1; struck; n++) {
        disk_fault_at(bench->disk, n + 1, DISK_ENOSPC, 1000);
        err_t err = store_rebuild(bench->store, NULL);
        if (!err)
            err = store_commit(bench->store, NULL);
        disk_heal(bench->disk);
        struck = disk_count(bench->disk, DISK_ENOSPC) - before;
        before += struck;
        assert_int_equal(err, struck ? ERR_DISK_FULL : ERR_OK);
        char *got = dump_view(bench->store);
        assert_string_equal(got, want);
        mem_free(got);
    }
    assert_true(n > 2);
    mem_free(want);
    expect_clean(bench);
}

// ---- a database in which damage has left nothing of its node ----

static void a_node_without_its_charter_is_refused(void **state)
{
    bench_t *bench = *state;
    core_options_t options = {.self = origin_of_member(1)};
    core_t *core = NULL;
    fault_t fault;
    begin(bench, 1);
    assert_ok(sql_script(bench->store->sql, "PRAGMA foreign_keys = OFF; DELETE FROM card", NULL));
    assert_refused(driver_load(bench->store, &options, 1, 1, &core, &fault), ERR_DAMAGED);
    assert_ok(sql_script(bench->store->sql, "DELETE FROM roster", NULL));
    assert_refused(driver_load(bench->store, &options, 1, 1, &core, &fault), ERR_DAMAGED);
    assert_null(core);
}

// ---- the audit that the simulator ends with ----

static void expect_audit(char *text, const char *want)
{
    if (want)
        assert_memory_equal(text ? text : "", want, strlen(want));
    else if (text)
        fail_msg("%s", text);
    mem_free(text);
}

// Two records: one revised twice, retracted, and revised once more; one revised by a
// change of the next epoch.
static void write_story(bench_t *bench)
{
    writer_t writer = writer_of(1, 1, 1), next = writer_of(1, 2, 1);
    write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A'}");
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'B'}");
    write_record(&writer, 0, "{'kind':'organisation','key':'b','acronym':'A'}");
    write_retraction(&writer, 1, 1);
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'C'}");
    append_written(bench->store, &writer);
    aim(write_record(&next, 0, "{'kind':'organisation','key':'b','acronym':'D'}"), 1, 1, 3);
    append_written(bench->store, &next);
    assert_ok(store_commit(bench->store, NULL));
    writer_clear(&writer);
    writer_clear(&next);
}

static void the_audit_agrees_with_the_store(void **state)
{
    bench_t *bench = *state;
    hash_t digest;
    begin(bench, 1);
    write_story(bench);
    assert_ok(read_digest(bench->store->sql, &digest, NULL));
    expect_audit(audit_log(file, disk_vfs_name(bench->disk)), NULL);
    expect_audit(audit_view(bench->store, &digest), NULL);
    digest.bytes[0] ^= 1;
    expect_audit(audit_view(bench->store, &digest), "I14: ");
}

// What each of these breaks.
static void the_audit_names_the_invariant(void **state)
{
    static const struct {
        const char *invariant, *damage;
    } table[] = {
        {"I2: ", "DELETE FROM commit_log WHERE first = 1"},
        {"I10: ", "UPDATE commit_log SET payloads = CAST(substr(payloads, 1, length(payloads) - 1)"
                  " || x'ff' AS BLOB) WHERE first = 1"},
        {"I16: ", "UPDATE commit_log SET signature = zeroblob(64)"},
        {"I4: ", "UPDATE feed SET number = number - 1"},
    };
    bench_t *bench = *state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint64_t acknowledged = 0;
        begin(bench, 1);
        assert_ok(turn(bench, 0, &acknowledged));
        assert_ok(turn(bench, 1, &acknowledged));
        assert_ok(sql_script(bench->store->sql, "PRAGMA foreign_keys = OFF", NULL));
        assert_ok(sql_script(bench->store->sql, table[i].damage, NULL));
        expect_audit(audit_log(file, disk_vfs_name(bench->disk)), table[i].invariant);
    }
}

int main(void)
{
#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        DISK_TEST(a_crash_anywhere_loses_nothing),
        DISK_TEST(a_power_loss_anywhere_loses_nothing_acknowledged),
        DISK_TEST(without_syncs_it_would),
        DISK_TEST(making_a_store_may_be_cut_short_anywhere),
        DISK_TEST(each_write_may_find_the_disk_full),
        DISK_TEST(each_write_may_be_cut_short),
        DISK_TEST(each_change_may_fail),
        DISK_TEST(each_sync_may_fail),
        DISK_TEST(each_read_may_fail),
        DISK_TEST(a_turn_that_a_read_has_lost_is_not_committed),
        DISK_TEST(opening_may_find_the_disk_full),
        DISK_TEST(rebuilding_may_find_the_disk_full),
        DISK_TEST(a_node_without_its_charter_is_refused),
        DISK_TEST(the_audit_agrees_with_the_store),
        DISK_TEST(the_audit_names_the_invariant),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
