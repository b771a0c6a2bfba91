// WAL checkpoints in a thread of their own, so that they never stall the loop.
#ifndef ENLACE_DAEMON_CHECKPOINT_H
#define ENLACE_DAEMON_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

typedef struct checkpoint checkpoint_t;
err_t checkpoint_start(const char *path, checkpoint_t **checkpoint, fault_t *fault);
// Something was committed and the WAL is filled so far. True: a checkpoint has just left
// little of it, which the writer takes along (store_empty_wal), so that the WAL begins anew.
bool checkpoint_hint(checkpoint_t *checkpoint, uint64_t wal_bytes);
void checkpoint_stop(checkpoint_t **checkpoint); // a last one, then joins

#endif
