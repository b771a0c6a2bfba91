// A disk in memory under SQLite: files, a directory, and what befalls both.
//
// A disk is a VFS of its own (no system call, no clock, no randomness but what
// its seed gives), on which the production store runs as on a file system:
// several connections to one file, WAL and its shared memory, locks. It knows of
// every file what the system holds and what has reached the medium, and so can
// show what a crash, a loss of power, a full or failing disk leave behind.
//
// The model
//   - A write changes what the system holds. A sync of the file makes that
//     durable; a sync of a journal or WAL that is new also makes the directory
//     durable, as SQLite's own VFS for Unix does.
//   - At a power loss each sector (512 or 4096 bytes) that differs is, by the
//     seed, the old one, the new one or garbled; bytes that were not written stay
//     (SQLITE_IOCAP_POWERSAFE_OVERWRITE, which SQLite assumes of real disks, too).
//     The size of a file, a file made and a file deleted are kept or undone, each
//     for itself. So writes reach the medium in any order, and torn.
//   - After a sync that failed what was not synced may be gone for good: it is
//     read back until the next crash, and later syncs do not write it (Linux;
//     Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
//   - A full disk refuses every write and every new file (as one that copies on
//     write does); the shared memory cannot grow either.
//   - A crash (of the process) leaves what the system holds.
//
// From a crash or power loss until disk_restart the disk is down: everything
// but closing fails. A node whose disk is down is dead: nothing that it says
// from then on may reach anybody. Close its store, restart the disk, open again.
//
// A disk, its images and the disks that they were loaded into share pages and
// belong to one thread. Pages are copied when written, so that saving and
// loading an image costs a few kilobytes.
#ifndef ENLACE_TESTS_SIM_DISK_H
#define ENLACE_TESTS_SIM_DISK_H

#include "lib/bytes.h"

typedef struct disk disk_t;

typedef enum {
    // for disk_fault_at
    DISK_ENOSPC,      // writes and new files: SQLITE_FULL, SQLITE_CANTOPEN
    DISK_EIO,         // writes, truncations, syncs, deletions, new files
    DISK_SHORT_WRITE, // writes: a part of it, then SQLITE_FULL
    DISK_READ_EIO,    // reads
    DISK_SYNC_FAIL,   // syncs
    // what else happened
    DISK_CRASH,
    DISK_POWER_LOSS,
    DISK_FLIP,
    // what power losses did
    DISK_SECTOR_LOST,    // the old one is back
    DISK_SECTOR_GARBLED, // neither the old one nor the new one
    DISK_SIZE_LOST,      // growth or truncation undone, wholly or in part
    DISK_FILE_LOST,      // made, and not there
    DISK_FILE_BACK,      // deleted, and there
    DISK_KINDS
} disk_kind_t;

// `name` must be unique among the VFSs of the process; it is copied.
disk_t *disk_new(const char *name, uint64_t seed);
// All its files must be closed.
void disk_destroy(disk_t **disk);
const char *disk_vfs_name(const disk_t *disk); // for store_open

// SQLite has one random number generator for the process (salts of WALs come
// from it). Call it at the start of a run whose bytes must be the same again.
void disk_seed_sqlite(uint64_t seed);
// For a program that does nothing else, before SQLite's first call: one thread, no
// count of memory, and room for pages and small pieces that is taken once.
void disk_hurry_sqlite(void);

// ---- what befalls it ----

// From now on the disk is down.
void disk_crash(disk_t *disk);
void disk_power_loss(disk_t *disk);
// At the n-th operation from now on, 1 the next: that one is done wholly, in
// part or not at all, and the disk is down. 0 takes it back. Operations are
// writes, truncations, syncs, deletions and new files.
void disk_crash_at(disk_t *disk, uint64_t n);
void disk_power_loss_at(disk_t *disk, uint64_t n);
bool disk_is_down(const disk_t *disk);
void disk_restart(disk_t *disk); // all its files must be closed

// The n-th operation of those that this fault may hit fails, and with it the
// `count - 1` that follow. One plan a kind: a new one replaces it, count 0 ends it.
void disk_fault_at(disk_t *disk, uint64_t n, disk_kind_t kind, uint64_t count);
void disk_heal(disk_t *disk); // ends all plans
// A file written in place and synced between two operations: no plan counts or hits it.
void disk_keep_file(disk_t *disk, const char *name, span_t bytes);
// While whoever watches reads, no plan goes on: a watcher is no part of the world.
void disk_spare(disk_t *disk, bool spared);

// Inverts one bit of what the system holds and of the medium, in a byte that is
// not zero. false: the file is not there or has none.
typedef struct {
    uint64_t offset;
    uint8_t bit;
} disk_flip_t;
bool disk_flip_bit(disk_t *disk, const char *file, disk_flip_t *flip);

// ---- files beside the database ----

// As a careful program does it: written, synced, renamed over the old one, the
// directory synced; one operation, at a power loss there or not. False: it failed.
bool disk_put_file(disk_t *disk, const char *name, span_t bytes);
// False: not there, or the disk is down or fails. The caller frees.
bool disk_get_file(disk_t *disk, const char *name, buf_t *bytes);
bool disk_remove_file(disk_t *disk, const char *name); // durably; one operation

// ---- images: what the system holds of all files, as a value ----

typedef struct disk_image disk_image_t;
disk_image_t *disk_image_save(const disk_t *disk);
void disk_image_destroy(disk_image_t **image);
// Durably. `file` NULL: all files are replaced; else that one and what SQLite
// keeps beside it (FILE-wal, FILE-journal). The disk's files must be closed.
void disk_image_load(disk_t *disk, const disk_image_t *image, const char *file);

// ---- what happened ----

uint64_t disk_count(const disk_t *disk, disk_kind_t kind); // that really occurred
uint64_t disk_operations(const disk_t *disk);
uint64_t disk_hash(disk_t *disk);     // of the names and bytes on the medium
uint64_t disk_hash_now(disk_t *disk); // of what the system holds

#endif
