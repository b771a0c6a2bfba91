// What the store costs on the disk in memory: opens of a founded store from an
// image, and turns of one commit with one change, a second.
#include <time.h>

#include "tests/sim/disk.h"
#include "tests/unit/make_commits.h"

enum { OPENS = 1000, TURNS = 4000 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void open_store(disk_t *disk, store_t **store)
{
    assert_ok(store_open("enlace.db", disk_vfs_name(disk), store, NULL));
}

static void tell(const char *what, unsigned count, double took)
{
    printf("%-44s %8.0f a second, %7.1f us each\n", what, count / took, took / count * 1e6);
}

static disk_image_t *make_image(void)
{
    disk_t *disk = disk_new("speed", 1);
    store_t *store = NULL;
    open_store(disk, &store);
    found_coalition(store);
    store_close(&store);
    disk_image_t *image = disk_image_save(disk);
    disk_destroy(&disk);
    return image;
}

static void time_migrations(void)
{
    double started = seconds();
    for (unsigned i = 0; i < OPENS / 10; i++) {
        disk_t *disk = disk_new("speed", i);
        store_t *store = NULL;
        open_store(disk, &store);
        store_close(&store);
        disk_destroy(&disk);
    }
    tell("opens of a store that is made", OPENS / 10, seconds() - started);
}

static void time_opens(const disk_image_t *image, bool read)
{
    double started = seconds();
    for (unsigned i = 0; i < OPENS; i++) {
        disk_t *disk = disk_new("speed", i);
        store_t *store = NULL;
        snapshot_t snapshot = {0};
        disk_image_load(disk, image, NULL);
        open_store(disk, &store);
        if (read)
            assert_ok(store_snapshot(store, &snapshot, NULL));
        snapshot_clear(&snapshot);
        store_close(&store);
        disk_destroy(&disk);
    }
    tell(read ? "opens from an image, with a snapshot" : "opens from an image", OPENS,
         seconds() - started);
}

static double time_turns(const disk_image_t *image, unsigned count, unsigned opens)
{
    writer_t writer = writer_of(1, 1, 1);
    commit_t **commits = mem_alloc_array(count, sizeof *commits);
    for (unsigned i = 0; i < count; i++) {
        write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A'}");
        commits[i] = seal_commit(&writer);
    }
    double started = seconds();
    for (unsigned n = 0; n < opens; n++) {
        disk_t *disk = disk_new("speed", 1);
        store_t *store = NULL;
        disk_image_load(disk, image, NULL);
        open_store(disk, &store);
        for (unsigned i = 0; i < count; i++) {
            assert_ok(store_append(store, commits[i], 1, NULL));
            assert_ok(store_commit(store, NULL));
        }
        store_close(&store);
        disk_destroy(&disk);
    }
    double took = seconds() - started;
    for (unsigned i = 0; i < count; i++)
        commit_destroy(&commits[i]);
    mem_free(commits);
    writer_clear(&writer);
    return took;
}

static void run(void **state)
{
    (void)state;
    disk_image_t *image = make_image();
    time_migrations();
    time_opens(image, false);
    time_opens(image, true);
    tell("turns of one change, one store", TURNS, time_turns(image, TURNS, 1));
    tell("an open, then 1 turn", OPENS, time_turns(image, 1, OPENS));
    tell("an open, then 20 turns", OPENS / 4, time_turns(image, 20, OPENS / 4));
    disk_image_destroy(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(run)};
    if (crypto_start())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
