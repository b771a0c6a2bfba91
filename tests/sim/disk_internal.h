// Parts of the disk: blocks (the bytes of one file), the directory, fate (what
// becomes of an operation), and the methods that SQLite calls.
#ifndef ENLACE_TESTS_SIM_DISK_INTERNAL_H
#define ENLACE_TESTS_SIM_DISK_INTERNAL_H

#include <sqlite3.h>

#include "tests/sim/disk.h"

enum { DISK_PAGE = 4096 };

// ---- chance: splitmix64 ----
uint64_t chance_next(uint64_t *state);
uint64_t chance_below(uint64_t *state, uint64_t bound); // bound 0: 0

// ---- blocks: what the system holds (now) and what the medium has ----

typedef struct {
    unsigned refs;
    bool hashed;
    uint64_t hash;
    uint8_t bytes[DISK_PAGE];
} page_t;

typedef struct {
    page_t *now, *durable; // NULL: zeros
    bool lost;             // a failed sync took it for written
} slot_t;

typedef struct {
    uint64_t size_now, size_durable;
    size_t count, capacity;
    slot_t *slots;
    size_t dirty_from, dirty_to; // slots outside have now == durable
} blocks_t;

size_t blocks_read(const blocks_t *blocks, uint64_t offset, void *data, size_t size);
void blocks_write(blocks_t *blocks, uint64_t offset, span_t bytes);
void blocks_truncate(blocks_t *blocks, uint64_t size);
void blocks_sync(blocks_t *blocks);
void blocks_sync_fails(blocks_t *blocks, uint64_t *chance);
void blocks_lose(blocks_t *blocks, uint64_t *chance, uint64_t counts[DISK_KINDS]);
void blocks_settle(blocks_t *blocks);          // the medium has what the system holds
blocks_t blocks_share(const blocks_t *blocks); // what the system holds, durable
void blocks_free(blocks_t *blocks);
bool blocks_flip(blocks_t *blocks, uint64_t *chance, disk_flip_t *flip);
uint64_t blocks_hash(blocks_t *blocks, bool durable);

// ---- files ----

typedef struct handle handle_t;

// Lives while an entry or a handle names it.
typedef struct {
    unsigned refs;
    blocks_t blocks;
    handle_t *handles; // open ones, linked
    size_t region_count, region_capacity, region_size;
    void **regions; // shared memory; there while a handle has it mapped
} inode_t;

typedef struct {
    char *name;
    inode_t *now, *durable;
} entry_t;

struct disk {
    sqlite3_vfs vfs;
    uint64_t chance;
    size_t entry_count, entry_capacity;
    entry_t *entries;
    size_t open_handles;
    bool down;
    bool strike_power;  // what comes at the strike
    uint64_t strike_in; // operations; 0: nothing planned
    struct {
        uint64_t in, count;
    } plans[DISK_SYNC_FAIL + 1];
    bool spared;
    uint64_t counts[DISK_KINDS], operations;
    int error; // errno of the last failure
};

struct handle {
    sqlite3_file base;
    disk_t *disk;
    inode_t *inode;
    handle_t *next;
    char *delete_on_close;      // NULL: stays
    int level;                  // SQLITE_LOCK_*
    unsigned shared, exclusive; // slots of the shared memory that it holds
    bool mapped, syncs_directory;
};

inode_t *inode_new(void);
void inode_release(inode_t **inode);
entry_t *entry_find(disk_t *disk, const char *name);     // NULL where there is none now
inode_t *directory_make(disk_t *disk, const char *name); // a new file; the entry holds it
void directory_remove(entry_t *entry);
void directory_sync(disk_t *disk);

// ---- fate ----

typedef enum {
    OP_WRITE = 1,
    OP_TRUNCATE = 2,
    OP_SYNC = 4,
    OP_DELETE = 8,
    OP_CREATE = 16,
    OP_READ = 32,
} op_t;

typedef struct {
    int code;    // for SQLite
    size_t done; // how much of it takes effect: bytes of a write, else 0 or 1
    bool strike; // fate_close takes the disk down
} fate_t;

// What becomes of an operation of `size` (bytes of a write, else 1). The caller
// does what is to be done of it and then returns fate_close.
fate_t fate_open(disk_t *disk, op_t op, size_t size);
int fate_close(disk_t *disk, const fate_t *fate);

void disk_install(disk_t *disk, const char *name); // disk_vfs.c: registers it

#endif
