#include "tests/unit/fault_vfs.h"

#include <string.h>

typedef struct {
    sqlite3_file base;
    faults_t *faults;
    sqlite3_file *real; // in the memory behind this
} file_t;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((file_t *)file)->real;
}

static int change(sqlite3_file *file)
{
    faults_t *faults = ((file_t *)file)->faults;
    faults->done++;
    bool fails = faults->fails &&
                 (faults->lasting ? faults->done >= faults->fails : faults->done == faults->fails);
    faults->hits += fails;
    return fails ? faults->code : SQLITE_OK;
}

// ---- what changes a file ----

static int file_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    int code = change(file);
    return code ? code : real_of(file)->pMethods->xWrite(real_of(file), data, size, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = change(file);
    return code ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int code = change(file);
    return code ? code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

// ---- what does not ----

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), data, size, offset);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_barrier,
    .xShmUnmap = file_unmap,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    faults_t *faults = vfs->pAppData;
    file_t *wrapped = (file_t *)file;
    wrapped->faults = faults;
    wrapped->real = (sqlite3_file *)(wrapped + 1);
    int code = faults->real->xOpen(faults->real, name, wrapped->real, flags, out_flags);
    wrapped->base.pMethods = wrapped->real->pMethods ? &methods : NULL;
    return code;
}

void faults_register(faults_t *faults)
{
    *faults = (faults_t){.real = sqlite3_vfs_find(NULL)};
    faults->vfs = *faults->real; // what is not overridden does not look at its vfs
    faults->vfs.pNext = NULL;
    faults->vfs.zName = "enlace-faults";
    faults->vfs.pAppData = faults;
    faults->vfs.szOsFile = (int)sizeof(file_t) + faults->real->szOsFile;
    faults->vfs.xOpen = open_file;
    sqlite3_vfs_register(&faults->vfs, 0);
}

void faults_unregister(faults_t *faults)
{
    sqlite3_vfs_unregister(&faults->vfs);
}

void faults_set(faults_t *faults, unsigned after, bool lasting, int code)
{
    faults->done = 0;
    faults->hits = 0;
    faults->fails = after;
    faults->lasting = lasting;
    faults->code = code;
}

void faults_clear(faults_t *faults)
{
    faults->fails = 0;
}
