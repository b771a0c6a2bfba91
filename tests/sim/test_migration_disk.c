// A database of the version before on a disk that fails: at whichever operation, it is the
// old one or the new one with all that the old one had, and the next start goes on.
#include "tests/sim/disk.h"
#include "tests/unit/make_version_2.h"

static const char file[] = "enlace.db";

enum { OPERATIONS_MAX = 2000 };

// The old database as a file's bytes, and what its log and view come to.
typedef struct {
    buf_t old;
    char *log, *view;
    disk_t *disk;
    disk_image_t *image; // of a disk that holds it
} bench_t;

static store_t *open_here(const bench_t *bench, err_t want)
{
    store_t *store = NULL;
    assert_refused(store_open(file, disk_vfs_name(bench->disk), &store, NULL), want);
    return store;
}

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void set_up(bench_t *bench, const void *state)
{
    char *path = make_store(state), *old = make_version_2(state, path);
    *bench = (bench_t){.old = scratch_read(state, "old.db")};
    bench->disk = disk_new("migration", 1);
    assert_true(disk_put_file(bench->disk, file, buf_span(&bench->old)));
    bench->image = disk_image_save(bench->disk);
    store_t *store = open_here(bench, ERR_OK);
    bench->log = dump_log(store->sql);
    bench->view = dump_view(store);
    store_close(&store);
    mem_free(path);
    mem_free(old);
}

static void tear_down(bench_t *bench)
{
    disk_image_destroy(&bench->image);
    disk_destroy(&bench->disk);
    buf_free(&bench->old);
    mem_free(bench->log);
    mem_free(bench->view);
}

static void begin(bench_t *bench, uint64_t seed)
{
    disk_destroy(&bench->disk);
    disk_seed_sqlite(seed);
    bench->disk = disk_new("migration", seed);
    disk_image_load(bench->disk, bench->image, NULL);
}

// All of the old, in the new form.
static void expect_migrated(bench_t *bench)
{
    store_t *store = open_here(bench, ERR_OK);
    char *log = dump_log(store->sql), *view = dump_view(store);
    verify_t verify = {.vfs = disk_vfs_name(bench->disk)};
    assert_string_equal(log, bench->log);
    assert_string_equal(view, bench->view);
    store_close(&store);
    assert_ok(store_verify(file, &verify, NULL));
    assert_int_equal(verify.found, 0);
    mem_free(log);
    mem_free(view);
}

typedef void (*strike_fn)(disk_t *disk, uint64_t n);

// Strikes at each operation of the start, one after the other, until a start gets through.
static void strike_everywhere(void **state, strike_fn strike, bool comes_down)
{
    bench_t bench;
    bool struck = true;
    uint64_t n = 1;
    set_up(&bench, *state);
    for (; struck; n++) {
        store_t *store = NULL;
        assert_true(n < OPERATIONS_MAX);
        begin(&bench, n);
        strike(bench.disk, n);
        struck = store_open(file, disk_vfs_name(bench.disk), &store, NULL) != ERR_OK;
        assert_int_equal(store != NULL, !struck);
        store_close(&store);
        // Closing makes a checkpoint, which may be what was struck.
        struck = struck || (comes_down && disk_is_down(bench.disk));
        disk_heal(bench.disk);
        disk_crash_at(bench.disk, 0);
        disk_power_loss_at(bench.disk, 0);
        if (disk_is_down(bench.disk))
            disk_restart(bench.disk);
        expect_migrated(&bench);
    }
    assert_true(n > 20); // it is more than one statement
    tear_down(&bench);
}

static void full(disk_t *disk, uint64_t n)
{
    disk_fault_at(disk, n, DISK_ENOSPC, 1000000);
}

static void failing(disk_t *disk, uint64_t n)
{
    disk_fault_at(disk, n, DISK_EIO, 1000000);
}

static void killed_at_any_operation(void **state)
{
    strike_everywhere(state, disk_crash_at, true);
}

static void without_power_at_any_operation(void **state)
{
    strike_everywhere(state, disk_power_loss_at, true);
}

static void full_at_any_write(void **state)
{
    strike_everywhere(state, full, false);
}

static void failing_from_any_operation_on(void **state)
{
    strike_everywhere(state, failing, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(killed_at_any_operation),
        SCRATCH_TEST(without_power_at_any_operation),
        SCRATCH_TEST(full_at_any_write),
        SCRATCH_TEST(failing_from_any_operation_on),
    };
    return cmocka_run_group_tests_name("migration on a disk that fails", tests, start, NULL);
}
