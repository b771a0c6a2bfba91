// A disk that does not confirm, for a daemon that knows nothing of it: preloaded, this
// library lets fsync and fdatasync of a file fail with EIO while the file's folder has
// one called `fail-sync`, and passes them on otherwise. What was written stays written,
// as it does on Linux: the page is clean after the error, and nobody can know.
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_to_fail(int fd)
{
    static const char flag[] = "fail-sync";
    char link[64], path[PATH_MAX + sizeof flag];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX);
    path[size > 0 ? size : 0] = '\0';
    char *name = strrchr(path, '/');
    if (!name)
        return false;
    memcpy(name + 1, flag, sizeof flag);
    return access(path, F_OK) == 0;
}

static int sync_by(long call, int fd)
{
    if (is_to_fail(fd)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

int fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_by(SYS_fdatasync, fd);
}
