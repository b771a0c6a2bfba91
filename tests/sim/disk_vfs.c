// What SQLite calls: the methods of a VFS and of its files.
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/disk_internal.h"

enum { NAME_BYTES = 512 };

static handle_t *handle_of(sqlite3_file *file)
{
    return (handle_t *)file;
}

// ---- bytes ----

static int file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    handle_t *handle = handle_of(file);
    fate_t fate = fate_open(handle->disk, OP_READ, 1);
    if (fate_close(handle->disk, &fate) != SQLITE_OK)
        return fate.code;
    size_t got = blocks_read(&handle->inode->blocks, (uint64_t)offset, data, (size_t)size);
    if (got == (size_t)size)
        return SQLITE_OK;
    memset((uint8_t *)data + got, 0, (size_t)size - got);
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    handle_t *handle = handle_of(file);
    fate_t fate = fate_open(handle->disk, OP_WRITE, (size_t)size);
    blocks_write(&handle->inode->blocks, (uint64_t)offset, span_of(data, fate.done));
    return fate_close(handle->disk, &fate);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    handle_t *handle = handle_of(file);
    fate_t fate = fate_open(handle->disk, OP_TRUNCATE, 1);
    if (fate.done)
        blocks_truncate(&handle->inode->blocks, (uint64_t)size);
    return fate_close(handle->disk, &fate);
}

static int file_sync(sqlite3_file *file, int flags)
{
    handle_t *handle = handle_of(file);
    disk_t *disk = handle->disk;
    fate_t fate = fate_open(disk, OP_SYNC, 1);
    (void)flags;
    if (fate.done)
        blocks_sync(&handle->inode->blocks);
    else if (!fate.strike && !disk->down)
        blocks_sync_fails(&handle->inode->blocks, &disk->chance);
    if (fate.done && handle->syncs_directory) {
        directory_sync(disk);
        handle->syncs_directory = false;
    }
    return fate_close(disk, &fate);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    handle_t *handle = handle_of(file);
    if (handle->disk->down)
        return SQLITE_IOERR_FSTAT;
    *size = (sqlite3_int64)handle->inode->blocks.size_now;
    return SQLITE_OK;
}

// ---- locks of the database: what SQLite's "File Locking" page says, between handles ----

static int highest_other(const handle_t *handle)
{
    int highest = SQLITE_LOCK_NONE;
    for (const handle_t *other = handle->inode->handles; other; other = other->next)
        if (other != handle && other->level > highest)
            highest = other->level;
    return highest;
}

static int file_lock(sqlite3_file *file, int level)
{
    handle_t *handle = handle_of(file);
    int others = highest_other(handle);
    if (handle->disk->down)
        return SQLITE_IOERR_LOCK;
    if (handle->level >= level)
        return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_PENDING)
        return SQLITE_BUSY;
    if (level >= SQLITE_LOCK_RESERVED && others >= SQLITE_LOCK_RESERVED)
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
        handle->level = SQLITE_LOCK_PENDING; // no new reader until this one had its turn
        return SQLITE_BUSY;
    }
    handle->level = level;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *file, int level)
{
    handle_t *handle = handle_of(file);
    if (handle->level > level)
        handle->level = level;
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *file, int *reserved)
{
    handle_t *handle = handle_of(file);
    *reserved =
        handle->level >= SQLITE_LOCK_RESERVED || highest_other(handle) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

// ---- shared memory: gone with the last one that has it mapped, as after a crash ----

// It is a file elsewhere: to make it larger is a write like others.
static int grow_regions(disk_t *disk, inode_t *inode, size_t count, size_t size)
{
    while (inode->region_count < count) {
        fate_t fate = fate_open(disk, OP_WRITE, 1);
        if (fate_close(disk, &fate) != SQLITE_OK)
            return SQLITE_IOERR_SHMSIZE;
        mem_grow(&inode->regions, &inode->region_capacity, inode->region_count,
                 sizeof *inode->regions);
        inode->regions[inode->region_count++] = mem_alloc(size);
    }
    return SQLITE_OK;
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory)
{
    handle_t *handle = handle_of(file);
    inode_t *inode = handle->inode;
    int code = SQLITE_OK;
    *memory = NULL;
    if (handle->disk->down)
        return SQLITE_IOERR_SHMMAP;
    handle->mapped = true;
    if (extend)
        code = grow_regions(handle->disk, inode, (size_t)region + 1, (size_t)size);
    if (code == SQLITE_OK && (size_t)region < inode->region_count)
        *memory = inode->regions[region];
    return code;
}

static int shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    handle_t *handle = handle_of(file);
    unsigned mask = ((1u << count) - 1) << offset;
    if (flags & SQLITE_SHM_UNLOCK) {
        handle->shared &= ~mask;
        handle->exclusive &= ~mask;
        return SQLITE_OK;
    }
    if (handle->disk->down)
        return SQLITE_IOERR_SHMLOCK;
    for (const handle_t *other = handle->inode->handles; other; other = other->next) {
        unsigned taken = other->exclusive;
        if (flags & SQLITE_SHM_EXCLUSIVE)
            taken |= other->shared;
        if (other != handle && (taken & mask))
            return SQLITE_BUSY;
    }
    if (flags & SQLITE_SHM_EXCLUSIVE)
        handle->exclusive |= mask;
    else
        handle->shared |= mask;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *file)
{
    (void)file; // one thread
}

static int shm_unmap(sqlite3_file *file, int remove)
{
    handle_t *handle = handle_of(file);
    inode_t *inode = handle->inode;
    bool used = false;
    (void)remove;
    handle->mapped = false;
    handle->shared = handle->exclusive = 0;
    for (const handle_t *other = inode->handles; other; other = other->next)
        used = used || other->mapped;
    if (used)
        return SQLITE_OK;
    for (size_t i = 0; i < inode->region_count; i++)
        mem_free(inode->regions[i]);
    inode->region_count = 0;
    return SQLITE_OK;
}

// ---- the rest of a file ----

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)argument;
    return operation == SQLITE_FCNTL_SYNC ? SQLITE_OK : SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
    (void)file;
    return 4096; // what SQLite takes on Unix
}

static int file_device(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; // likewise
}

static void unlink_handle(handle_t *handle)
{
    handle_t **at = &handle->inode->handles;
    while (*at != handle)
        at = &(*at)->next;
    *at = handle->next;
}

static int file_close(sqlite3_file *file)
{
    handle_t *handle = handle_of(file);
    if (handle->mapped)
        shm_unmap(file, 0);
    unlink_handle(handle);
    if (handle->delete_on_close && !handle->disk->down) {
        entry_t *entry = entry_find(handle->disk, handle->delete_on_close);
        if (entry)
            directory_remove(entry);
    }
    mem_free(handle->delete_on_close);
    inode_release(&handle->inode);
    handle->disk->open_handles--;
    return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

// ---- the disk as a VFS ----

static disk_t *disk_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static void attach(handle_t *handle, disk_t *disk, inode_t *inode)
{
    *handle = (handle_t){.base = {&file_methods},
                         .disk = disk,
                         .inode = inode,
                         .syncs_directory = handle->syncs_directory};
    inode->refs++;
    handle->next = inode->handles;
    inode->handles = handle;
    disk->open_handles++;
}

static int create_file(disk_t *disk, const char *name, handle_t *handle)
{
    fate_t fate = fate_open(disk, OP_CREATE, 1);
    if (fate.done) {
        inode_t *inode = directory_make(disk, name);
        if (fate.code == SQLITE_OK)
            attach(handle, disk, inode);
    }
    return fate_close(disk, &fate);
}

static int open_file(disk_t *disk, const char *name, handle_t *handle, int flags)
{
    const int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    entry_t *entry = entry_find(disk, name);
    // Whoever might have made a journal syncs the directory with its first sync,
    // whether or not it was there: the one that made it may have died before.
    handle->syncs_directory = (flags & SQLITE_OPEN_CREATE) && (flags & journals);
    if (entry) {
        attach(handle, disk, entry->now);
        return SQLITE_OK;
    }
    if (!(flags & SQLITE_OPEN_CREATE)) {
        disk->error = errno = ENOENT;
        return SQLITE_CANTOPEN;
    }
    return create_file(disk, name, handle);
}

static void open_unnamed(disk_t *disk, handle_t *handle)
{
    inode_t *inode = inode_new();
    attach(handle, disk, inode);
    inode_release(&inode); // the handle's from here on
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    disk_t *disk = disk_of(vfs);
    handle_t *handle = handle_of(file);
    int code = SQLITE_OK;
    *handle = (handle_t){0};
    if (out_flags)
        *out_flags = flags;
    if (disk->down) {
        disk->error = errno = EIO;
        return SQLITE_CANTOPEN;
    }
    if (name)
        code = open_file(disk, name, handle, flags);
    else
        open_unnamed(disk, handle);
    if (code == SQLITE_OK && name && (flags & SQLITE_OPEN_DELETEONCLOSE))
        handle->delete_on_close = mem_copy_string(name);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    disk_t *disk = disk_of(vfs);
    entry_t *entry = entry_find(disk, name);
    if (!entry && !disk->down)
        return SQLITE_IOERR_DELETE_NOENT;
    fate_t fate = fate_open(disk, OP_DELETE, 1);
    if (fate.done)
        directory_remove(entry);
    if (fate.done && sync)
        directory_sync(disk);
    return fate_close(disk, &fate);
}

// As on Unix an empty file is as good as none.
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    disk_t *disk = disk_of(vfs);
    entry_t *entry = entry_find(disk, name);
    if (disk->down)
        return SQLITE_IOERR_ACCESS;
    *result = entry && (flags != SQLITE_ACCESS_EXISTS || entry->now->blocks.size_now > 0);
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *full)
{
    (void)vfs;
    size_t length = strlen(name);
    if (length >= (size_t)size)
        return SQLITE_CANTOPEN;
    memcpy(full, name, length + 1);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *bytes)
{
    for (int i = 0; i < size; i++)
        bytes[i] = (char)chance_next(&disk_of(vfs)->chance);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds; // who waits in the only thread waits in vain
}

static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *julian_ms)
{
    (void)vfs;
    *julian_ms = 212344416000000; // 2016-12-31; nothing in the store asks
    return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *vfs, double *julian)
{
    sqlite3_int64 julian_ms;
    vfs_time_ms(vfs, &julian_ms);
    *julian = (double)julian_ms / 86400000.0;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int size, char *text)
{
    (void)size;
    (void)text;
    return disk_of(vfs)->error;
}

void disk_install(disk_t *disk, const char *name)
{
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(handle_t),
        .mxPathname = NAME_BYTES,
        .zName = mem_copy_string(name),
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_name,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
        .xCurrentTimeInt64 = vfs_time_ms,
    };
    int code = sqlite3_vfs_register(&disk->vfs, 0);
    assert(code == SQLITE_OK);
    (void)code;
}
