// System calls that fail when a test says so: the nth of those below, counted from
// failing_calls_begin, then all is as it was. For the one file of a program that is
// linked with --wrap for each of them (tests/unit/faults.mk).
#ifndef ENLACE_TESTS_FAILING_CALLS_H
#define ENLACE_TESTS_FAILING_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// X (result, name, parameters, arguments, of a failure)
#define FAILING_CALLS(X)                                                                           \
    X(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)                               \
    X(int, chmod, (const char *path, mode_t mode), (path, mode), -1)                               \
    X(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)                                          \
    X(int, chown, (const char *path, uid_t user, gid_t group), (path, user, group), -1)            \
    X(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), -1)                       \
    X(int, fsync, (int fd), (fd), -1)                                                              \
    X(int, fdatasync, (int fd), (fd), -1)                                                          \
    X(int, rename, (const char *from, const char *to), (from, to), -1)                             \
    X(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), -1)       \
    X(ssize_t, read, (int fd, void *bytes, size_t size), (fd, bytes, size), -1)                    \
    X(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), -1)             \
    X(ssize_t, pread, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at), -1)     \
    X(ssize_t, pwrite, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at),  \
      -1)                                                                                          \
    X(char *, mkdtemp, (char *path), (path), NULL)                                                 \
    X(int, stat, (const char *path, struct stat *status), (path, status), -1)                      \
    X(int, fstat, (int fd, struct stat *status), (fd, status), -1)                                 \
    X(int, statx, (int fd, const char *path, int flags, unsigned mask, struct statx *status),      \
      (fd, path, flags, mask, status), -1)

// Of this program: cmocka's tests run one after the other.
static struct {
    unsigned count, nth;
    int number;
    bool counts;
    const char *failed;
} plan;

static bool fails(const char *name)
{
    if (!plan.counts || ++plan.count != plan.nth)
        return false;
    plan.failed = name;
    errno = plan.number;
    return true;
}

#define X(result, name, parameters, arguments, failure)                                            \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails(#name) ? failure : __real_##name arguments;                                   \
    }
FAILING_CALLS(X)
#undef X

// The two that take as many arguments as their flags say.
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("open") ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("openat") ? -1 : __real_openat(at, path, flags, mode);
}

// The nth call from now on (from 1) fails with this errno; 0: none.
static void failing_calls_begin(unsigned nth, int number)
{
    plan.count = 0;
    plan.nth = nth;
    plan.number = number;
    plan.counts = true;
    plan.failed = NULL;
}

// The name of the one that failed, NULL where none did. From now on none does.
static const char *failing_calls_end(void)
{
    plan.counts = false;
    return plan.failed;
}

#endif
