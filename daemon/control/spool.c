#include "daemon/control/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"

// Frames are written to the file whole, so that none stands half in the tail.
struct spool {
    int file;         // -1: there is none yet
    uint64_t written; // bytes of it
    buf_t tail;       // what comes behind them
    uint64_t ahead_at;
    buf_t ahead; // of the file
};

spool_t *spool_new(void)
{
    spool_t *spool = mem_alloc(sizeof *spool);
    spool->file = -1;
    return spool;
}

void spool_destroy(spool_t **spool)
{
    if (!*spool)
        return;
    if ((*spool)->file >= 0)
        close((*spool)->file);
    buf_free(&(*spool)->tail);
    buf_free(&(*spool)->ahead);
    mem_free(*spool);
    *spool = NULL;
}

static err_t failed(int number, fault_t *fault)
{
    bool full = number == ENOSPC || number == EFBIG || number == EDQUOT;
    return fault_set(fault, full ? ERR_DISK_FULL : ERR_DISK_ERROR, "",
                     "the import's temporary file: %s", strerror(number));
}

// ---- the file ----

static int open_in(const char *directory)
{
    char *path = mem_format("%s/enlace-import-XXXXXX", directory);
    int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    mem_free(path);
    return file;
}

// /tmp may be memory: it comes last.
static err_t open_file(spool_t *spool, fault_t *fault)
{
    const char *const places[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    for (size_t i = 0; spool->file < 0 && i < sizeof places / sizeof *places; i++)
        if (places[i] && *places[i])
            spool->file = open_in(places[i]);
    return spool->file < 0 ? failed(errno, fault) : ERR_OK;
}

static err_t flush(spool_t *spool, fault_t *fault)
{
    err_t err = spool->file < 0 ? open_file(spool, fault) : ERR_OK;
    for (size_t done = 0; !err && done < spool->tail.size;) {
        ssize_t part = pwrite(spool->file, spool->tail.data + done, spool->tail.size - done,
                              (off_t)(spool->written + done));
        if (part > 0)
            done += (size_t)part;
        else if (part == 0 || errno != EINTR)
            err = failed(part == 0 ? ENOSPC : errno, fault);
    }
    if (err)
        return err;
    spool->written += spool->tail.size;
    buf_clear(&spool->tail);
    return ERR_OK;
}

static err_t load(spool_t *spool, uint64_t at, size_t size, fault_t *fault)
{
    uint64_t left = spool->written - at;
    size_t wanted = left < SPOOL_TAIL ? (size_t)left : SPOOL_TAIL;
    wanted = wanted < size ? size : wanted;
    buf_clear(&spool->ahead);
    uint8_t *to = buf_extend(&spool->ahead, wanted);
    for (size_t done = 0; done < wanted;) {
        ssize_t part = pread(spool->file, to + done, wanted - done, (off_t)(at + done));
        if (part > 0)
            done += (size_t)part;
        else if (part == 0 || errno != EINTR) {
            buf_clear(&spool->ahead);
            return failed(part == 0 ? EIO : errno, fault);
        }
    }
    spool->ahead_at = at;
    return ERR_OK;
}

// ---- frames ----

uint64_t spool_size(const spool_t *spool)
{
    return spool->written + spool->tail.size;
}

err_t spool_append(spool_t *spool, span_t head, span_t rest, fault_t *fault)
{
    buf_append(&spool->tail, head);
    buf_append(&spool->tail, rest);
    return spool->tail.size < SPOOL_TAIL ? ERR_OK : flush(spool, fault);
}

static bool is_ahead(const spool_t *spool, uint64_t at, size_t size)
{
    return at >= spool->ahead_at && at + size <= spool->ahead_at + spool->ahead.size;
}

err_t spool_read(spool_t *spool, uint64_t at, size_t size, span_t *bytes, fault_t *fault)
{
    assert(at + size <= spool_size(spool));
    if (at >= spool->written) {
        *bytes = span_of(spool->tail.data + (at - spool->written), size);
        return ERR_OK;
    }
    assert(at + size <= spool->written);
    err_t err = is_ahead(spool, at, size) ? ERR_OK : load(spool, at, size, fault);
    *bytes = err ? span_of(NULL, 0) : span_of(spool->ahead.data + (at - spool->ahead_at), size);
    return err;
}
