// Whole files in, whole files out. A replacement is complete or it did not
// happen: the new contents are written beside, made durable, and renamed.
#include "lib/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/mem.h"

enum { READ_STEP = 16 * 1024 };

static err_t write_failed(const char *path, int number, fault_t *fault)
{
    bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return fault_set(fault, full ? ERR_DISK_FULL : ERR_CANNOT_WRITE, path, "%s", strerror(number));
}

// Reads up to max bytes and one more, so that what is too long is seen as such.
static err_t read_all(int fd, const char *path, size_t max, buf_t *bytes, fault_t *fault)
{
    while (bytes->size <= max) {
        size_t step = max - bytes->size + 1 < READ_STEP ? max - bytes->size + 1 : READ_STEP;
        uint8_t *place = buf_extend(bytes, step);
        ssize_t got = read(fd, place, step);
        bytes->size -= step - (got > 0 ? (size_t)got : 0);
        if (got == 0)
            return ERR_OK;
        if (got < 0 && errno != EINTR)
            return fault_set(fault, ERR_CANNOT_READ, path, "%s", strerror(errno));
    }
    return fault_set(fault, ERR_TOO_BIG, path, "more than %zu bytes", max);
}

err_t file_read(const char *path, size_t max, buf_t *bytes, fault_t *fault)
{
    *bytes = (buf_t){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_set(fault, ERR_CANNOT_READ, path, "%s", strerror(errno));
    err_t err = read_all(fd, path, max, bytes, fault);
    close(fd);
    if (err)
        buf_free(bytes);
    return err;
}

static bool write_all(int fd, span_t bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put = write(fd, bytes.data + done, bytes.size - done);
        if (put < 0 && errno != EINTR)
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

// Root that works in somebody's directory works for them: what it leaves there
// is theirs, or their daemon could not read it.
static bool give_to_owner(int directory, int fd)
{
    struct stat status;
    if (geteuid() != 0)
        return true;
    if (fstat(directory, &status) != 0)
        return false;
    return status.st_uid == 0 || fchown(fd, status.st_uid, status.st_gid) == 0;
}

static bool fill_temporary(int directory, const char *name, span_t bytes, unsigned mode)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return false;
    // fchmod: the mode is as asked for, whatever the umask.
    bool done = fchmod(fd, mode) == 0 && give_to_owner(directory, fd) && write_all(fd, bytes) &&
                fsync(fd) == 0;
    int number = errno;
    close(fd);
    errno = number;
    return done;
}

static bool replace(int directory, const char *name, span_t bytes, unsigned mode)
{
    char *temporary = mem_format(".%s.new-%ld", name, (long)getpid());
    unlinkat(directory, temporary, 0); // of a process of that number that died here
    bool done = fill_temporary(directory, temporary, bytes, mode) &&
                renameat(directory, temporary, directory, name) == 0;
    int number = errno;
    if (!done)
        unlinkat(directory, temporary, 0);
    mem_free(temporary);
    errno = number;
    return done && fsync(directory) == 0;
}

err_t file_write(const char *path, span_t bytes, unsigned mode, fault_t *fault)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *parent = slash ? mem_format("%.*s/", (int)(slash - path), path) : mem_copy_string(".");
    int directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(parent);
    if (directory < 0)
        return write_failed(path, errno, fault);
    bool done = replace(directory, name, bytes, mode);
    int number = errno;
    close(directory);
    return done ? ERR_OK : write_failed(path, number, fault);
}
