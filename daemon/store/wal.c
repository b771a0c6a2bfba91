// What a writer finds in the WAL is on the medium before it is built upon.
//
// When a sync fails, Linux keeps what was to be written as if it had been: it is
// read back, and no later sync writes it (Rebello et al., "Can Applications
// Recover from fsync Failures?", USENIX ATC 2020). A process that ends then leaves
// a WAL whose frames are only in memory; the next one would take them for commits,
// append behind them, and lose everything from there on with the next power cut.
// Writing the same bytes again makes them the system's to write.
#include "daemon/store/wal.h"

#include <sqlite3.h>
#include <stdint.h>

#include "lib/mem.h"

// SQLite's unix VFS takes the lower 17 bits of an amount to write: 128 KiB would be
// nothing at all, and nothing written it calls a full disk.
enum { CHUNK_BYTES = 64 * 1024 };

static int copy_onto_itself(sqlite3_file *file, uint8_t *chunk)
{
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += CHUNK_BYTES) {
        int part = size - at < CHUNK_BYTES ? (int)(size - at) : CHUNK_BYTES;
        code = file->pMethods->xRead(file, chunk, part, at);
        if (code == SQLITE_OK)
            code = file->pMethods->xWrite(file, chunk, part, at);
    }
    return code == SQLITE_OK && size ? file->pMethods->xSync(file, SQLITE_SYNC_FULL) : code;
}

// The WAL may not be there; whatever else is wrong with it SQLite will find, too.
static int rewrite(sqlite3_vfs *vfs, const char *name)
{
    sqlite3_file *file = mem_alloc((size_t)vfs->szOsFile);
    uint8_t *chunk = mem_alloc(CHUNK_BYTES);
    int there = 0;
    int code = vfs->xAccess(vfs, name, SQLITE_ACCESS_EXISTS, &there);
    if (code == SQLITE_OK && there)
        code = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, NULL);
    if (code == SQLITE_OK && there)
        code = copy_onto_itself(file, chunk);
    if (file->pMethods)
        file->pMethods->xClose(file);
    mem_free(chunk);
    mem_free(file);
    return code;
}

err_t wal_make_durable(const char *path, const char *vfs_name, fault_t *fault)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    char *wal = mem_format("%s-wal", path);
    sqlite3_filename names = sqlite3_create_filename(path, "", wal, 0, NULL);
    if (!names)
        mem_exhausted();
    int code = vfs ? rewrite(vfs, sqlite3_filename_wal(names)) : SQLITE_OK;
    sqlite3_free_filename(names);
    mem_free(wal);
    if (code == SQLITE_OK)
        return ERR_OK;
    err_t err = (code & 0xff) == SQLITE_FULL ? ERR_DISK_FULL : ERR_DISK_ERROR;
    return fault_set(fault, err, path, "%s", sqlite3_errstr(code));
}
