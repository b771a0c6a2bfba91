// The boot marker as a file of a node's directory.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "lib/home.h"
#include "lib/marker.h"
#include "lib/mem.h"

// So that the machine's own id is not told: only what follows from it and this.
static const sd_id128_t application = {.bytes = {0x5e, 0x1a, 0xce, 0x0b, 0x00, 0x7f, 0x4e, 0x6d,
                                                 0x9c, 0x3d, 0x61, 0x72, 0x6b, 0x65, 0x72, 0x01}};

static err_t failed(err_t err, const char *path, fault_t *fault)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return fault_set(fault, full ? ERR_DISK_FULL : err, path, "%s", strerror(errno));
}

static bool place_of(int fd, marker_place_t *place)
{
    struct statx facts;
    sd_id128_t machine;
    *place = (marker_place_t){0};
    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &facts) != 0)
        return false;
    place->inode = facts.stx_ino;
    if (facts.stx_mask & STATX_BTIME)
        place->born_ns = (uint64_t)facts.stx_btime.tv_sec * 1000000000u + facts.stx_btime.tv_nsec;
    if (sd_id128_get_machine_app_specific(application, &machine) >= 0)
        memcpy(place->machine, machine.bytes, sizeof place->machine);
    return true;
}

err_t marker_read(const char *dir, marker_t *marker, marker_place_t *found, bool *there,
                  fault_t *fault)
{
    uint8_t bytes[MARKER_BYTES + 1];
    char *path = home_path(dir, MARKER_FILE);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    err_t err = ERR_OK;
    *there = false;
    if (fd >= 0) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got < 0 || !place_of(fd, found))
            err = failed(ERR_CANNOT_READ, path, fault);
        else
            *there = marker_decode(span_of(bytes, (size_t)got), marker) == ERR_OK;
        close(fd);
    } else if (errno != ENOENT) {
        err = failed(ERR_CANNOT_READ, path, fault);
    }
    mem_free(path);
    return err;
}

// The file is made before what it is can be written into it.
static bool fill(const char *path, marker_t *marker)
{
    uint8_t bytes[MARKER_BYTES];
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    bool done = fd >= 0 && place_of(fd, &marker->place);
    if (done) {
        marker_encode(marker, bytes);
        done = pwrite(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes && fsync(fd) == 0;
    }
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    return done;
}

static bool make_durable(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    return done;
}

err_t marker_write(const char *dir, marker_t *marker, fault_t *fault)
{
    static const uint8_t room[MARKER_BYTES];
    char *path = home_path(dir, MARKER_FILE), *beside = home_path(dir, MARKER_FILE ".new");
    marker->sequence++;
    err_t err = file_write(beside, span_of(room, sizeof room), 0600, fault);
    if (!err && (!fill(beside, marker) || rename(beside, path) != 0 || !make_durable(dir)))
        err = failed(ERR_CANNOT_WRITE, path, fault);
    if (err)
        unlink(beside);
    mem_free(beside);
    mem_free(path);
    return err;
}

err_t marker_update(const char *dir, marker_t *marker, fault_t *fault)
{
    uint8_t slot[MARKER_SLOT_BYTES];
    char *path = home_path(dir, MARKER_FILE);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    marker->sequence++;
    size_t at = marker_encode_heads(marker, slot);
    err_t err = ERR_OK;
    if (fd < 0 || pwrite(fd, slot, sizeof slot, (off_t)at) != (ssize_t)sizeof slot ||
        fdatasync(fd) != 0)
        err = failed(ERR_CANNOT_WRITE, path, fault);
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return err;
}
