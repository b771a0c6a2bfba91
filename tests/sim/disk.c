// The disk: its directory, what becomes of operations, crashes, images.
#include "tests/sim/disk.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/disk_internal.h"

// ---- chance ----

uint64_t chance_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t chance_below(uint64_t *state, uint64_t bound)
{
    return bound ? chance_next(state) % bound : 0;
}

// ---- inodes ----

inode_t *inode_new(void)
{
    inode_t *inode = mem_alloc(sizeof *inode);
    inode->refs = 1;
    return inode;
}

static inode_t *inode_keep(inode_t *inode)
{
    if (inode)
        inode->refs++;
    return inode;
}

void inode_release(inode_t **inode)
{
    if (*inode && --(*inode)->refs == 0) {
        assert(!(*inode)->handles && !(*inode)->region_count);
        blocks_free(&(*inode)->blocks);
        mem_free((*inode)->regions);
        mem_free(*inode);
    }
    *inode = NULL;
}

// ---- the directory ----

static void entry_set(inode_t **place, inode_t *inode)
{
    inode_keep(inode);
    inode_release(place);
    *place = inode;
}

static entry_t *entry_any(disk_t *disk, const char *name)
{
    for (size_t i = 0; i < disk->entry_count; i++)
        if (strcmp(disk->entries[i].name, name) == 0)
            return &disk->entries[i];
    return NULL;
}

entry_t *entry_find(disk_t *disk, const char *name)
{
    entry_t *entry = entry_any(disk, name);
    return entry && entry->now ? entry : NULL;
}

inode_t *directory_make(disk_t *disk, const char *name)
{
    entry_t *entry = entry_any(disk, name);
    if (!entry) {
        mem_grow(&disk->entries, &disk->entry_capacity, disk->entry_count, sizeof *disk->entries);
        entry = &disk->entries[disk->entry_count++];
        *entry = (entry_t){.name = mem_copy_string(name)};
    }
    inode_release(&entry->now);
    entry->now = inode_new();
    return entry->now;
}

void directory_remove(entry_t *entry)
{
    inode_release(&entry->now);
}

void directory_sync(disk_t *disk)
{
    for (size_t i = 0; i < disk->entry_count; i++)
        entry_set(&disk->entries[i].durable, disk->entries[i].now);
}

static void entry_free(entry_t *entry)
{
    inode_release(&entry->now);
    inode_release(&entry->durable);
    mem_free(entry->name);
}

// ---- life ----

disk_t *disk_new(const char *name, uint64_t seed)
{
    disk_t *disk = mem_alloc(sizeof *disk);
    disk->chance = seed;
    disk_install(disk, name);
    return disk;
}

void disk_destroy(disk_t **disk)
{
    if (!*disk)
        return;
    assert(!(*disk)->open_handles);
    sqlite3_vfs_unregister(&(*disk)->vfs);
    for (size_t i = 0; i < (*disk)->entry_count; i++)
        entry_free(&(*disk)->entries[i]);
    mem_free((*disk)->entries);
    mem_free((char *)(uintptr_t)(*disk)->vfs.zName);
    mem_free(*disk);
    *disk = NULL;
}

const char *disk_vfs_name(const disk_t *disk)
{
    return disk->vfs.zName;
}

void disk_seed_sqlite(uint64_t seed)
{
    // 0 would mean: from the default VFS.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)(chance_next(&seed) >> 33) | 1, NULL);
}

// ---- crashes ----

void disk_crash(disk_t *disk)
{
    disk->down = true;
    disk->strike_in = 0;
    disk->counts[DISK_CRASH]++;
}

// A change of the directory that was not synced is kept or undone.
static void lose_entry(disk_t *disk, entry_t *entry)
{
    if (entry->now == entry->durable)
        return;
    if (chance_below(&disk->chance, 2)) {
        entry_set(&entry->durable, entry->now);
        return;
    }
    disk->counts[DISK_FILE_LOST] += !entry->durable;
    disk->counts[DISK_FILE_BACK] += !entry->now;
    entry_set(&entry->now, entry->durable);
}

void disk_power_loss(disk_t *disk)
{
    disk->down = true;
    disk->strike_in = 0;
    disk->counts[DISK_POWER_LOSS]++;
    for (size_t i = 0; i < disk->entry_count; i++) {
        lose_entry(disk, &disk->entries[i]);
        if (disk->entries[i].now)
            blocks_lose(&disk->entries[i].now->blocks, &disk->chance, disk->counts);
    }
}

void disk_crash_at(disk_t *disk, uint64_t n)
{
    disk->strike_in = n;
    disk->strike_power = false;
}

void disk_power_loss_at(disk_t *disk, uint64_t n)
{
    disk->strike_in = n;
    disk->strike_power = true;
}

bool disk_is_down(const disk_t *disk)
{
    return disk->down;
}

void disk_restart(disk_t *disk)
{
    assert(!disk->open_handles);
    disk->down = false;
}

// ---- faults ----

void disk_fault_at(disk_t *disk, uint64_t n, disk_kind_t kind, uint64_t count)
{
    assert(kind <= DISK_SYNC_FAIL && n > 0);
    disk->plans[kind].in = n;
    disk->plans[kind].count = count;
}

void disk_spare(disk_t *disk, bool spared)
{
    disk->spared = spared;
}

void disk_heal(disk_t *disk)
{
    memset(disk->plans, 0, sizeof disk->plans);
}

enum { ALL_CHANGES = OP_WRITE | OP_TRUNCATE | OP_SYNC | OP_DELETE | OP_CREATE };

static const struct {
    unsigned hits;
    int error;
} faults[DISK_SYNC_FAIL + 1] = {
    [DISK_ENOSPC] = {OP_WRITE | OP_CREATE, ENOSPC},
    [DISK_EIO] = {ALL_CHANGES, EIO},
    [DISK_SHORT_WRITE] = {OP_WRITE, ENOSPC},
    [DISK_READ_EIO] = {OP_READ, EIO},
    [DISK_SYNC_FAIL] = {OP_SYNC, EIO},
};

static int code_of(op_t op, int error)
{
    switch (op) {
    case OP_WRITE:
        return error == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    case OP_TRUNCATE:
        return SQLITE_IOERR_TRUNCATE;
    case OP_SYNC:
        return SQLITE_IOERR_FSYNC;
    case OP_DELETE:
        return SQLITE_IOERR_DELETE;
    case OP_CREATE:
        return SQLITE_CANTOPEN;
    case OP_READ:
        return SQLITE_IOERR_READ;
    }
    return SQLITE_IOERR;
}

// Whether this kind's plan makes the operation fail.
static bool is_hit(disk_t *disk, disk_kind_t kind, op_t op)
{
    if (!(faults[kind].hits & op) || !disk->plans[kind].count)
        return false;
    if (disk->plans[kind].in > 1) {
        disk->plans[kind].in--;
        return false;
    }
    disk->plans[kind].count--;
    return true;
}

static fate_t fail(disk_t *disk, op_t op, int error, size_t done)
{
    disk->error = error;
    return (fate_t){.code = code_of(op, error), .done = done};
}

fate_t fate_open(disk_t *disk, op_t op, size_t size)
{
    if (disk->down)
        return fail(disk, op, EIO, 0);
    if (op != OP_READ) {
        disk->operations++;
        if (disk->strike_in && --disk->strike_in == 0) {
            fate_t fate = fail(disk, op, EIO, (size_t)chance_below(&disk->chance, size + 1));
            fate.strike = true;
            return fate;
        }
    }
    for (disk_kind_t kind = DISK_ENOSPC; kind <= DISK_SYNC_FAIL && !disk->spared; kind++)
        if (is_hit(disk, kind, op)) {
            size_t part = kind == DISK_SHORT_WRITE ? size : 0;
            disk->counts[kind]++;
            return fail(disk, op, faults[kind].error, (size_t)chance_below(&disk->chance, part));
        }
    return (fate_t){.code = SQLITE_OK, .done = size};
}

int fate_close(disk_t *disk, const fate_t *fate)
{
    if (fate->strike && disk->strike_power)
        disk_power_loss(disk);
    else if (fate->strike)
        disk_crash(disk);
    if (fate->code != SQLITE_OK)
        errno = disk->error;
    return fate->code;
}

bool disk_flip_bit(disk_t *disk, const char *file, disk_flip_t *flip)
{
    entry_t *entry = entry_find(disk, file);
    if (!entry || !blocks_flip(&entry->now->blocks, &disk->chance, flip))
        return false;
    disk->counts[DISK_FLIP]++;
    return true;
}

// ---- files beside the database ----

void disk_keep_file(disk_t *disk, const char *name, span_t bytes)
{
    inode_t *inode = directory_make(disk, name);
    blocks_write(&inode->blocks, 0, bytes);
    blocks_settle(&inode->blocks);
    entry_set(&entry_any(disk, name)->durable, inode);
}

bool disk_put_file(disk_t *disk, const char *name, span_t bytes)
{
    fate_t fate = fate_open(disk, OP_CREATE, 1);
    if (fate.done)
        disk_keep_file(disk, name, bytes);
    return fate_close(disk, &fate) == SQLITE_OK;
}

bool disk_get_file(disk_t *disk, const char *name, buf_t *bytes)
{
    fate_t fate = fate_open(disk, OP_READ, 1);
    entry_t *entry = entry_find(disk, name);
    *bytes = (buf_t){0};
    if (fate_close(disk, &fate) != SQLITE_OK || !entry)
        return false;
    size_t size = (size_t)entry->now->blocks.size_now;
    blocks_read(&entry->now->blocks, 0, buf_extend(bytes, size), size);
    return true;
}

bool disk_remove_file(disk_t *disk, const char *name)
{
    fate_t fate = fate_open(disk, OP_DELETE, 1);
    entry_t *entry = entry_any(disk, name);
    if (fate.done && entry) {
        inode_release(&entry->now);
        inode_release(&entry->durable);
    }
    return fate_close(disk, &fate) == SQLITE_OK;
}

// ---- images ----

typedef struct {
    char *name;
    blocks_t blocks;
} saved_t;

struct disk_image {
    size_t count;
    saved_t *files;
};

disk_image_t *disk_image_save(const disk_t *disk)
{
    disk_image_t *image = mem_alloc(sizeof *image);
    image->files = mem_alloc_array(disk->entry_count, sizeof *image->files);
    for (size_t i = 0; i < disk->entry_count; i++) {
        const entry_t *entry = &disk->entries[i];
        if (entry->now)
            image->files[image->count++] =
                (saved_t){mem_copy_string(entry->name), blocks_share(&entry->now->blocks)};
    }
    return image;
}

void disk_image_destroy(disk_image_t **image)
{
    if (!*image)
        return;
    for (size_t i = 0; i < (*image)->count; i++) {
        mem_free((*image)->files[i].name);
        blocks_free(&(*image)->files[i].blocks);
    }
    mem_free((*image)->files);
    mem_free(*image);
    *image = NULL;
}

static bool belongs(const char *name, const char *file)
{
    size_t length = file ? strlen(file) : 0;
    if (!file)
        return true;
    return strncmp(name, file, length) == 0 &&
           (!name[length] || !strcmp(name + length, "-wal") || !strcmp(name + length, "-journal"));
}

void disk_image_load(disk_t *disk, const disk_image_t *image, const char *file)
{
    assert(!disk->open_handles);
    for (size_t i = 0; i < disk->entry_count; i++)
        if (belongs(disk->entries[i].name, file)) {
            inode_release(&disk->entries[i].now);
            inode_release(&disk->entries[i].durable);
        }
    for (size_t i = 0; i < image->count; i++)
        if (belongs(image->files[i].name, file)) {
            inode_t *inode = directory_make(disk, image->files[i].name);
            inode->blocks = blocks_share(&image->files[i].blocks);
            entry_set(&entry_any(disk, image->files[i].name)->durable, inode);
        }
}

// ---- what happened ----

uint64_t disk_count(const disk_t *disk, disk_kind_t kind)
{
    return disk->counts[kind];
}

uint64_t disk_operations(const disk_t *disk)
{
    return disk->operations;
}

// A sum over files: the order in which they came to be does not matter.
static uint64_t hash_files(disk_t *disk, bool durable)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < disk->entry_count; i++) {
        inode_t *inode = durable ? disk->entries[i].durable : disk->entries[i].now;
        uint64_t hash = inode ? blocks_hash(&inode->blocks, durable) : 0;
        for (const char *at = disk->entries[i].name; inode && *at; at++)
            hash = (hash ^ (uint8_t)*at) * 0x100000001B3u;
        sum += hash;
    }
    return sum;
}

uint64_t disk_hash(disk_t *disk)
{
    return hash_files(disk, true);
}

uint64_t disk_hash_now(disk_t *disk)
{
    return hash_files(disk, false);
}
