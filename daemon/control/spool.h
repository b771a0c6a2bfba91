// Frames that are written one after the other and read in the order in which they
// were written: in memory while they are few, in a temporary file beyond that, which
// has no name and is gone with the process.
//
// What is in memory: at most SPOOL_TAIL bytes that are not written yet and as many that
// were read ahead, or one frame where that is longer. One thread at a time. Errors:
// DISK_FULL, DISK_ERROR; after one of them nothing more is to be written.
#ifndef ENLACE_DAEMON_SPOOL_H
#define ENLACE_DAEMON_SPOOL_H

#include "lib/bytes.h"
#include "lib/error.h"

#define SPOOL_TAIL (256u * 1024)

typedef struct spool spool_t;

spool_t *spool_new(void);
void spool_destroy(spool_t **spool);

// A frame in two pieces. It begins at what spool_size was before.
err_t spool_append(spool_t *spool, span_t head, span_t rest, fault_t *fault);
uint64_t spool_size(const spool_t *spool);

// Bytes of one frame. They last until the spool is read or written again.
err_t spool_read(spool_t *spool, uint64_t at, size_t size, span_t *bytes, fault_t *fault);

#endif
