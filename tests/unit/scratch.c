#include "tests/unit/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mem.h"

int scratch_setup(void **state)
{
    char *dir = mem_copy_string("/tmp/enlace-test-XXXXXX");
    *state = mkdtemp(dir);
    return *state ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int scratch_teardown(void **state)
{
    int result = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(*state);
    *state = NULL;
    return result;
}

char *scratch_path(const void *state, const char *name)
{
    return mem_format("%s/%s", (const char *)state, name);
}

void scratch_mkdir(const void *state, const char *name)
{
    char *path = scratch_path(state, name);
    assert_int_equal(mkdir(path, 0700), 0);
    mem_free(path);
}

void scratch_write_bytes(const void *state, const char *name, span_t bytes, unsigned mode)
{
    char *path = scratch_path(state, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, bytes.size ? (const void *)bytes.data : "", bytes.size), bytes.size);
    close(fd);
    mem_free(path);
}

void scratch_write(const void *state, const char *name, const char *text, unsigned mode)
{
    scratch_write_bytes(state, name, span_text(text), mode);
}

buf_t scratch_read(const void *state, const char *name)
{
    buf_t bytes = {0};
    char *path = scratch_path(state, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t got = 0;
    do {
        got = read(fd, buf_extend(&bytes, 4096), 4096);
        bytes.size -= 4096 - (got > 0 ? (size_t)got : 0);
    } while (got > 0);
    assert_int_equal(got, 0);
    close(fd);
    mem_free(path);
    return bytes;
}

void scratch_copy(const void *state, const char *from, const char *to)
{
    buf_t bytes = scratch_read(state, from);
    scratch_write_bytes(state, to, buf_span(&bytes), 0600);
    buf_free(&bytes);
}

void scratch_unlink(const void *state, const char *name)
{
    char *path = scratch_path(state, name);
    assert_int_equal(unlink(path), 0);
    mem_free(path);
}

int scratch_entries(const void *state, const char *name)
{
    char *path = scratch_path(state, name);
    DIR *dir = opendir(path);
    int count = -2; // . and ..
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    mem_free(path);
    return count;
}

void scratch_limit_file_size(rlim_t bytes)
{
    struct rlimit limit = {0};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
