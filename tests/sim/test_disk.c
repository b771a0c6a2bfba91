// The disk by itself: what reaches the medium and what does not, locks between
// connections, images, faults that come when they are due.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "lib/mem.h"
#include "tests/sim/disk.h"

enum {
    MAIN = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB,
    WAL = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL,
    FILE_BYTES = 3 * 4096,
};

static sqlite3_vfs *vfs_of(disk_t *disk)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(disk_vfs_name(disk));
    assert_non_null(vfs);
    return vfs;
}

static int try_open(disk_t *disk, const char *name, int flags, sqlite3_file **file)
{
    sqlite3_vfs *vfs = vfs_of(disk);
    *file = mem_alloc((size_t)vfs->szOsFile);
    int code = vfs->xOpen(vfs, name, *file, flags, NULL);
    if (code != SQLITE_OK) {
        assert_null((*file)->pMethods);
        mem_free(*file);
        *file = NULL;
    }
    return code;
}

static sqlite3_file *open_file(disk_t *disk, const char *name, int flags)
{
    sqlite3_file *file = NULL;
    assert_int_equal(try_open(disk, name, flags, &file), SQLITE_OK);
    return file;
}

static void close_file(sqlite3_file **file)
{
    assert_int_equal((*file)->pMethods->xClose(*file), SQLITE_OK);
    mem_free(*file);
    *file = NULL;
}

static int fill(sqlite3_file *file, uint64_t offset, uint8_t byte, size_t size)
{
    uint8_t bytes[FILE_BYTES];
    assert_true(size <= sizeof bytes);
    memset(bytes, byte, size);
    return file->pMethods->xWrite(file, bytes, (int)size, (sqlite3_int64)offset);
}

static int sync_file(sqlite3_file *file)
{
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

static void expect_size(sqlite3_file *file, int64_t want)
{
    sqlite3_int64 size = -1;
    assert_int_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    assert_int_equal(size, want);
}

static bool exists(disk_t *disk, const char *name)
{
    buf_t bytes;
    bool found = disk_get_file(disk, name, &bytes);
    buf_free(&bytes);
    return found;
}

// A disk with one file of FILE_BYTES letters 'a', all of it on the medium.
static disk_t *disk_with_file(uint64_t seed)
{
    uint8_t bytes[FILE_BYTES];
    disk_t *disk = disk_new("disk-itself", seed);
    memset(bytes, 'a', sizeof bytes);
    assert_true(disk_put_file(disk, "f", span_of(bytes, sizeof bytes)));
    return disk;
}

// How many of the file's bytes are this one.
static size_t count_byte(disk_t *disk, uint8_t byte, size_t *size)
{
    buf_t bytes;
    size_t count = 0;
    assert_true(disk_get_file(disk, "f", &bytes));
    for (size_t i = 0; i < bytes.size; i++)
        count += bytes.data[i] == byte;
    *size = bytes.size;
    buf_free(&bytes);
    return count;
}

// ---- what a file is ----

static void a_file_reads_back_what_was_written(void **state)
{
    (void)state;
    disk_t *disk = disk_new("disk-itself", 1);
    sqlite3_file *file = open_file(disk, "f", MAIN);
    uint8_t got[10000];
    expect_size(file, 0);
    assert_int_equal(fill(file, 4090, 'x', 5000), SQLITE_OK); // over two borders, after a hole
    expect_size(file, 9090);
    assert_int_equal(file->pMethods->xRead(file, got, 9090, 0), SQLITE_OK);
    for (size_t i = 0; i < 9090; i++)
        assert_int_equal(got[i], i < 4090 ? 0 : 'x');
    memset(got, 1, sizeof got);
    assert_int_equal(file->pMethods->xRead(file, got, 20, 9080), SQLITE_IOERR_SHORT_READ);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(got[i], i < 10 ? 'x' : 0);
    assert_int_equal(file->pMethods->xTruncate(file, 4095), SQLITE_OK);
    assert_int_equal(fill(file, 4097, 'y', 1), SQLITE_OK); // what was cut off is zeros
    assert_int_equal(file->pMethods->xRead(file, got, 4098, 0), SQLITE_OK);
    assert_int_equal(got[4094], 'x');
    assert_int_equal(got[4095] + got[4096], 0);
    assert_int_equal(got[4097], 'y');
    close_file(&file);
    disk_destroy(&disk);
}

// ---- what survives ----

static void what_was_synced_survives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "f", MAIN);
        size_t size;
        assert_int_equal(fill(file, 100, 'b', 5000), SQLITE_OK);
        assert_int_equal(file->pMethods->xTruncate(file, 6000), SQLITE_OK);
        assert_int_equal(sync_file(file), SQLITE_OK);
        disk_power_loss(disk);
        close_file(&file);
        disk_restart(disk);
        assert_int_equal(count_byte(disk, 'b', &size), 5000);
        assert_int_equal(size, 6000);
        assert_int_equal(disk_hash(disk), disk_hash_now(disk));
        disk_destroy(&disk);
    }
}

static void a_crash_leaves_what_the_system_holds(void **state)
{
    (void)state;
    disk_t *disk = disk_with_file(1);
    sqlite3_file *file = open_file(disk, "f", MAIN);
    size_t size;
    assert_int_equal(fill(file, 0, 'b', 5000), SQLITE_OK);
    assert_true(disk_hash(disk) != disk_hash_now(disk));
    disk_crash(disk);
    close_file(&file);
    disk_restart(disk);
    assert_int_equal(count_byte(disk, 'b', &size), 5000);
    assert_int_equal(disk_count(disk, DISK_CRASH), 1);
    disk_destroy(&disk);
}

// Over many seeds everything that may happen to 8 sectors that were not synced does
// happen, and the bytes around them stay.
static void what_was_not_synced_may_be_anything(void **state)
{
    (void)state;
    size_t whole = 0, gone = 0, mixed = 0, odd = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "f", MAIN);
        size_t size;
        assert_int_equal(fill(file, 4000, 'b', 4000), SQLITE_OK);
        disk_power_loss(disk);
        close_file(&file);
        disk_restart(disk);
        size_t old = count_byte(disk, 'a', &size);
        size_t new = count_byte(disk, 'b', &size);
        assert_int_equal(size, FILE_BYTES);
        buf_t bytes;
        assert_true(disk_get_file(disk, "f", &bytes));
        for (size_t i = 0; i < size; i++)
            assert_true((i >= 4000 && i < 8000) || bytes.data[i] == 'a');
        buf_free(&bytes);
        whole += new == 4000;
        gone += new == 0 && old == FILE_BYTES;
        mixed += new > 0 && new < 4000 && old + new == FILE_BYTES;
        odd += old + new < FILE_BYTES;
        assert_true((disk_count(disk, DISK_SECTOR_LOST) || disk_count(disk, DISK_SECTOR_GARBLED)) ==
                    (new != 4000));
        disk_destroy(&disk);
    }
    assert_true(whole > 20 && gone > 20 && mixed > 20 && odd > 20);
    assert_int_equal(whole + gone + mixed + odd, 300);
}

static void sizes_may_be_undone(void **state)
{
    (void)state;
    size_t longer = 0, shorter = 0, between = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "f", MAIN);
        size_t size;
        assert_int_equal(file->pMethods->xTruncate(file, 1000), SQLITE_OK);
        disk_power_loss(disk);
        close_file(&file);
        disk_restart(disk);
        size_t back = count_byte(disk, 'a', &size); // in the last page there were zeros written
        assert_true(back >= (size > 4096 ? 1000 + size - 4096 : 1000));
        assert_true(size >= 1000 && size <= FILE_BYTES);
        shorter += size == 1000;
        longer += size == FILE_BYTES;
        between += size > 1000 && size < FILE_BYTES;
        assert_int_equal(disk_count(disk, DISK_SIZE_LOST), size != 1000);
        disk_destroy(&disk);
    }
    assert_true(longer > 10 && shorter > 10 && between > 5);
}

// A sync of a database does not sync the directory, one of a new WAL does.
static void files_may_come_back_or_be_gone(void **state)
{
    (void)state;
    size_t lost = 0, back = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "new", MAIN);
        assert_int_equal(fill(file, 0, 'n', 100), SQLITE_OK);
        assert_int_equal(sync_file(file), SQLITE_OK);
        assert_int_equal(vfs_of(disk)->xDelete(vfs_of(disk), "f", 0), SQLITE_OK);
        disk_power_loss(disk);
        close_file(&file);
        disk_restart(disk);
        assert_int_equal(disk_count(disk, DISK_FILE_LOST), !exists(disk, "new"));
        assert_int_equal(disk_count(disk, DISK_FILE_BACK), exists(disk, "f"));
        lost += !exists(disk, "new");
        back += exists(disk, "f");
        disk_destroy(&disk);
    }
    assert_true(lost > 10 && lost < 50 && back > 10 && back < 50);
}

static void a_new_wal_makes_the_directory_durable(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "new", MAIN), *wal = open_file(disk, "new-wal", WAL);
        assert_int_equal(vfs_of(disk)->xDelete(vfs_of(disk), "f", 0), SQLITE_OK);
        assert_int_equal(sync_file(wal), SQLITE_OK);
        disk_power_loss(disk);
        close_file(&file);
        close_file(&wal);
        disk_restart(disk);
        assert_true(exists(disk, "new") && exists(disk, "new-wal") && !exists(disk, "f"));
        disk_destroy(&disk);
    }
}

// What a failed sync took for written is read back, but later syncs do not write it.
static void a_failed_sync_may_lose_for_good(void **state)
{
    (void)state;
    size_t lost = 0, kept = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "f", MAIN);
        size_t size;
        assert_int_equal(fill(file, 0, 'b', 4096), SQLITE_OK);
        disk_fault_at(disk, 1, DISK_SYNC_FAIL, 1);
        assert_int_equal(sync_file(file), SQLITE_IOERR_FSYNC);
        assert_int_equal(sync_file(file), SQLITE_OK);
        assert_int_equal(count_byte(disk, 'b', &size), 4096);
        bool durable = disk_hash(disk) == disk_hash_now(disk);
        disk_power_loss(disk);
        close_file(&file);
        disk_restart(disk);
        assert_true(!durable || count_byte(disk, 'b', &size) == 4096);
        lost += count_byte(disk, 'b', &size) == 0;
        kept += count_byte(disk, 'b', &size) == 4096;
        disk_destroy(&disk);
    }
    assert_true(lost > 5 && kept > 5);
}

static void written_again_it_is_synced(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "f", MAIN);
        disk_fault_at(disk, 1, DISK_SYNC_FAIL, 1);
        assert_int_equal(fill(file, 0, 'b', FILE_BYTES), SQLITE_OK);
        assert_int_equal(sync_file(file), SQLITE_IOERR_FSYNC);
        assert_int_equal(fill(file, 0, 'c', FILE_BYTES), SQLITE_OK);
        assert_int_equal(sync_file(file), SQLITE_OK);
        assert_int_equal(disk_hash(disk), disk_hash_now(disk));
        close_file(&file);
        disk_destroy(&disk);
    }
}

// ---- faults when they are due ----

static void faults_come_when_due_and_go(void **state)
{
    static const struct {
        disk_kind_t kind;
        int code;
    } table[] = {
        {DISK_ENOSPC, SQLITE_FULL},
        {DISK_EIO, SQLITE_IOERR_WRITE},
        {DISK_SHORT_WRITE, SQLITE_FULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        disk_t *disk = disk_with_file(i);
        sqlite3_file *file = open_file(disk, "f", MAIN);
        disk_fault_at(disk, 3, table[i].kind, 2);
        for (unsigned n = 1; n <= 6; n++)
            assert_int_equal(fill(file, 0, 'b', 1), n == 3 || n == 4 ? table[i].code : SQLITE_OK);
        assert_int_equal(disk_count(disk, table[i].kind), 2);
        disk_fault_at(disk, 1, table[i].kind, 5);
        disk_heal(disk);
        assert_int_equal(fill(file, 0, 'b', 1), SQLITE_OK);
        close_file(&file);
        disk_destroy(&disk);
    }
}

static void a_short_write_writes_a_part(void **state)
{
    (void)state;
    size_t parts = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        disk_t *disk = disk_with_file(seed);
        sqlite3_file *file = open_file(disk, "f", MAIN);
        size_t size;
        disk_fault_at(disk, 1, DISK_SHORT_WRITE, 1);
        assert_int_equal(fill(file, 0, 'b', 1000), SQLITE_FULL);
        size_t written = count_byte(disk, 'b', &size);
        assert_true(written < 1000);
        parts += written > 0;
        close_file(&file);
        disk_destroy(&disk);
    }
    assert_true(parts > 15);
}

static void a_full_disk_makes_no_files(void **state)
{
    (void)state;
    disk_t *disk = disk_with_file(1);
    sqlite3_file *file = NULL;
    disk_fault_at(disk, 1, DISK_ENOSPC, 1);
    assert_int_equal(try_open(disk, "new", MAIN, &file), SQLITE_CANTOPEN);
    assert_false(exists(disk, "new"));
    disk_fault_at(disk, 1, DISK_READ_EIO, 1);
    assert_false(exists(disk, "f"));
    assert_true(exists(disk, "f"));
    disk_destroy(&disk);
}

static void while_down_nothing_works_but_closing(void **state)
{
    (void)state;
    disk_t *disk = disk_with_file(1);
    sqlite3_file *file = open_file(disk, "f", MAIN), *other = NULL;
    sqlite3_int64 size;
    uint8_t byte;
    int there;
    disk_crash_at(disk, 2);
    assert_int_equal(fill(file, 0, 'b', 1), SQLITE_OK);
    assert_int_not_equal(fill(file, 0, 'c', 1), SQLITE_OK);
    assert_true(disk_is_down(disk));
    assert_int_equal(disk_operations(disk), 3); // with the file put there
    assert_int_equal(disk_count(disk, DISK_CRASH), 1);
    assert_int_not_equal(fill(file, 0, 'd', 1), SQLITE_OK);
    assert_int_not_equal(sync_file(file), SQLITE_OK);
    assert_int_not_equal(file->pMethods->xRead(file, &byte, 1, 0), SQLITE_OK);
    assert_int_not_equal(file->pMethods->xTruncate(file, 0), SQLITE_OK);
    assert_int_not_equal(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    assert_int_not_equal(file->pMethods->xLock(file, SQLITE_LOCK_SHARED), SQLITE_OK);
    assert_int_not_equal(vfs_of(disk)->xDelete(vfs_of(disk), "f", 1), SQLITE_OK);
    assert_int_not_equal(vfs_of(disk)->xAccess(vfs_of(disk), "f", 0, &there), SQLITE_OK);
    assert_int_not_equal(try_open(disk, "g", MAIN, &other), SQLITE_OK);
    assert_false(disk_put_file(disk, "g", span_text("g")) || exists(disk, "f"));
    close_file(&file);
    disk_restart(disk);
    assert_true(exists(disk, "f") && !exists(disk, "g"));
    disk_destroy(&disk);
}

static void a_file_is_put_wholly_or_not_at_all(void **state)
{
    (void)state;
    size_t put = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        disk_t *disk = disk_with_file(seed);
        buf_t bytes;
        disk_power_loss_at(disk, 1);
        assert_false(disk_put_file(disk, "f", span_text("new")));
        disk_restart(disk);
        assert_true(disk_get_file(disk, "f", &bytes));
        assert_true(span_equal(buf_span(&bytes), span_text("new")) || bytes.size == FILE_BYTES);
        put += bytes.size == 3;
        buf_free(&bytes);
        assert_true(disk_remove_file(disk, "f"));
        disk_power_loss(disk);
        disk_restart(disk);
        assert_false(exists(disk, "f"));
        disk_destroy(&disk);
    }
    assert_true(put > 10 && put < 30);
}

static void one_bit_is_flipped(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        disk_t *disk = disk_with_file(seed);
        disk_flip_t flip;
        buf_t bytes;
        size_t size;
        assert_false(disk_flip_bit(disk, "none", &flip));
        assert_true(disk_flip_bit(disk, "f", &flip));
        assert_int_equal(count_byte(disk, 'a', &size), FILE_BYTES - 1);
        assert_true(disk_get_file(disk, "f", &bytes));
        assert_int_equal(bytes.data[flip.offset], 'a' ^ (1 << flip.bit));
        buf_free(&bytes);
        disk_power_loss(disk); // it is on the medium
        disk_restart(disk);
        assert_int_equal(count_byte(disk, 'a', &size), FILE_BYTES - 1);
        assert_int_equal(disk_count(disk, DISK_FLIP), 1);
        disk_destroy(&disk);
    }
}

// ---- images ----

static void an_image_is_a_value(void **state)
{
    (void)state;
    disk_t *disk = disk_with_file(1), *clone = disk_new("disk-clone", 2);
    assert_true(disk_put_file(disk, "f-wal", span_text("wal")));
    assert_true(disk_put_file(disk, "marker", span_text("1")));
    disk_image_t *image = disk_image_save(disk);
    disk_image_load(clone, image, NULL);
    assert_int_equal(disk_hash(clone), disk_hash(disk));
    assert_true(disk_put_file(disk, "f", span_text("later")));
    assert_true(disk_put_file(disk, "f-journal", span_text("later")));
    assert_true(disk_put_file(disk, "marker", span_text("2")));
    sqlite3_file *file = open_file(clone, "f", MAIN);
    assert_int_equal(fill(file, 5, 'c', 1), SQLITE_OK); // a page of the clone alone
    close_file(&file);
    disk_image_load(disk, image, "f"); // the database alone
    size_t size;
    buf_t bytes;
    assert_int_equal(count_byte(disk, 'a', &size), FILE_BYTES);
    assert_int_equal(count_byte(clone, 'a', &size), FILE_BYTES - 1);
    assert_true(exists(disk, "f-wal") && !exists(disk, "f-journal"));
    assert_true(disk_get_file(disk, "marker", &bytes));
    assert_true(span_equal(buf_span(&bytes), span_text("2")));
    buf_free(&bytes);
    disk_power_loss(disk); // a file that was put back is durable
    disk_restart(disk);
    assert_int_equal(count_byte(disk, 'a', &size), FILE_BYTES);
    disk_destroy(&disk);
    disk_destroy(&clone);
    disk_image_destroy(&image);
    assert_null(image);
}

// ---- several connections ----

static sqlite3 *connect(disk_t *disk)
{
    sqlite3 *handle = NULL;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    assert_int_equal(sqlite3_open_v2("c.db", &handle, flags, disk_vfs_name(disk)), SQLITE_OK);
    return handle;
}

static int run(sqlite3 *handle, const char *text)
{
    return sqlite3_exec(handle, text, NULL, NULL, NULL);
}

static int64_t number(sqlite3 *handle, const char *text)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(handle, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void connections_see_snapshots(void **state)
{
    (void)state;
    disk_t *disk = disk_new("disk-itself", 1);
    sqlite3 *writer = connect(disk), *reader = connect(disk);
    assert_int_equal(run(writer, "PRAGMA journal_mode = WAL; CREATE TABLE t (a);"
                                 "INSERT INTO t VALUES (1)"),
                     SQLITE_OK);
    assert_int_equal(run(reader, "BEGIN"), SQLITE_OK);
    assert_int_equal(number(reader, "SELECT count(*) FROM t"), 1);
    assert_int_equal(run(writer, "INSERT INTO t VALUES (2)"), SQLITE_OK);
    assert_int_equal(number(reader, "SELECT count(*) FROM t"), 1);
    int frames = 0, done = 0; // what the reader looks at cannot be checkpointed
    assert_int_equal(
        sqlite3_wal_checkpoint_v2(writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, &frames, &done),
        SQLITE_BUSY);
    assert_true(done < frames);
    assert_int_equal(run(writer, "BEGIN IMMEDIATE"), SQLITE_OK);
    assert_int_equal(run(reader, "COMMIT; BEGIN IMMEDIATE"), SQLITE_BUSY);
    assert_int_equal(run(writer, "COMMIT"), SQLITE_OK);
    assert_int_equal(number(reader, "SELECT count(*) FROM t"), 2);
    assert_int_equal(run(reader, "BEGIN IMMEDIATE; INSERT INTO t VALUES (3); COMMIT"), SQLITE_OK);
    assert_int_equal(number(writer, "SELECT count(*) FROM t"), 3);
    sqlite3_close(reader);
    assert_true(exists(disk, "c.db-wal"));
    sqlite3_close(writer); // the last one takes the WAL away
    assert_false(exists(disk, "c.db-wal"));
    disk_destroy(&disk);
}

// The rollback journal has locks of its own kind.
static void a_rollback_journal_locks_readers_out(void **state)
{
    (void)state;
    disk_t *disk = disk_new("disk-itself", 1);
    sqlite3 *writer = connect(disk), *reader = connect(disk);
    assert_int_equal(run(writer, "CREATE TABLE t (a); INSERT INTO t VALUES (1)"), SQLITE_OK);
    assert_int_equal(run(reader, "BEGIN; SELECT * FROM t"), SQLITE_OK);
    assert_int_equal(run(writer, "BEGIN; INSERT INTO t VALUES (2)"), SQLITE_OK);
    assert_int_equal(run(writer, "COMMIT"), SQLITE_BUSY);
    assert_int_equal(run(reader, "COMMIT"), SQLITE_OK);
    assert_int_equal(run(reader, "SELECT * FROM t"), SQLITE_BUSY); // the writer waits for its turn
    assert_int_equal(run(writer, "COMMIT"), SQLITE_OK);
    assert_int_equal(number(reader, "SELECT count(*) FROM t"), 2);
    sqlite3_close(reader);
    sqlite3_close(writer);
    disk_destroy(&disk);
}

// ---- the seed decides everything ----

static uint64_t storm(uint64_t seed)
{
    disk_seed_sqlite(seed);
    disk_t *disk = disk_new("disk-itself", seed);
    sqlite3 *handle = connect(disk);
    run(handle, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (a)");
    for (unsigned i = 0; i < 20; i++)
        run(handle, "INSERT INTO t VALUES (randomblob(3000))");
    uint64_t hash = disk_hash_now(disk);
    disk_power_loss(disk);
    sqlite3_close(handle);
    hash ^= 31 * disk_hash(disk) + disk_count(disk, DISK_SECTOR_LOST);
    disk_destroy(&disk);
    return hash;
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    uint64_t first = storm(7);
    assert_true(storm(8) != first);
    assert_int_equal(storm(7), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_reads_back_what_was_written),
        cmocka_unit_test(what_was_synced_survives),
        cmocka_unit_test(a_crash_leaves_what_the_system_holds),
        cmocka_unit_test(what_was_not_synced_may_be_anything),
        cmocka_unit_test(sizes_may_be_undone),
        cmocka_unit_test(files_may_come_back_or_be_gone),
        cmocka_unit_test(a_new_wal_makes_the_directory_durable),
        cmocka_unit_test(a_failed_sync_may_lose_for_good),
        cmocka_unit_test(written_again_it_is_synced),
        cmocka_unit_test(faults_come_when_due_and_go),
        cmocka_unit_test(a_short_write_writes_a_part),
        cmocka_unit_test(a_full_disk_makes_no_files),
        cmocka_unit_test(while_down_nothing_works_but_closing),
        cmocka_unit_test(a_file_is_put_wholly_or_not_at_all),
        cmocka_unit_test(one_bit_is_flipped),
        cmocka_unit_test(an_image_is_a_value),
        cmocka_unit_test(connections_see_snapshots),
        cmocka_unit_test(a_rollback_journal_locks_readers_out),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
