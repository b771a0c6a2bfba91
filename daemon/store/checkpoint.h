// WAL checkpoints in a thread of their own, so that they never stall the loop.
#ifndef ENLACE_DAEMON_CHECKPOINT_H
#define ENLACE_DAEMON_CHECKPOINT_H

#include "lib/error.h"

typedef struct checkpoint checkpoint_t;
err_t checkpoint_start(const char *path, checkpoint_t **checkpoint, fault_t *fault);
void checkpoint_hint(checkpoint_t *checkpoint);  // something was committed; any thread
void checkpoint_stop(checkpoint_t **checkpoint); // a last one, then joins

#endif
