// What a writer finds in the WAL is on the medium before it is built upon.
//
// When a sync fails, Linux keeps what was to be written as if it had been: it is
// read back, and no later sync writes it (Rebello et al., "Can Applications
// Recover from fsync Failures?", USENIX ATC 2020). A process that ends then leaves
// a WAL whose frames are only in memory; the next one would take them for commits,
// append behind them, and lose everything from there on with the next power cut.
// Writing the same bytes again makes them the system's to write.
//
// A file that grows has its size to be written with each sync, in another place of
// the disk; one that is overwritten has not. So the WAL is given its room at the
// start, and begins again in it after a checkpoint. Zeros are no frame: SQLite
// looks for one by salt and checksum, and ends at the first that is none.
#include "daemon/store/wal.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

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

// ---- room ----

static bool add_zeros(int fd, off_t from)
{
    uint8_t *zeros = mem_alloc(CHUNK_BYTES);
    bool done = true;
    while (done && from < (off_t)WAL_RESERVED_BYTES) {
        size_t left = WAL_RESERVED_BYTES - (size_t)from;
        ssize_t put = pwrite(fd, zeros, left < CHUNK_BYTES ? left : CHUNK_BYTES, from);
        done = put > 0;
        from += done ? put : 0;
    }
    mem_free(zeros);
    return done && fsync(fd) == 0;
}

void wal_reserve(const char *path)
{
    struct stat facts;
    char *wal = mem_format("%s-wal", path);
    int fd = open(wal, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    mem_free(wal);
    if (fd < 0)
        return;
    // What does not get there whole is given back: the room is somebody else's.
    bool there = fstat(fd, &facts) == 0;
    if (there && !add_zeros(fd, facts.st_size) && ftruncate(fd, facts.st_size) != 0)
        there = false; // then SQLite writes over it
    close(fd);
}
