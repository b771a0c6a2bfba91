// Reads runs on a thread of its own, while the loop has the store write the ones before.
//
// What it is given comes back in the same order. It computes a pure function of each
// (daemon/core/prepared.h) and knows neither core nor store. Bounded: whoever has more
// than there is room for takes something back first.
#ifndef ENLACE_DAEMON_PREPARER_H
#define ENLACE_DAEMON_PREPARER_H

#include "daemon/core/prepared.h"

#define PREPARER_BYTES_MAX (4u * 1024 * 1024) // of runs, encoded; read ones count, too
#define PREPARER_ITEMS_MAX 64

typedef struct preparer preparer_t;

err_t preparer_start(preparer_t **preparer, fault_t *fault);
// What it still has is dropped: its senders have it still.
void preparer_stop(preparer_t **preparer);

// Readable while something is to be taken.
int preparer_fd(const preparer_t *preparer);
// Always, while it has nothing.
bool preparer_has_room(const preparer_t *preparer, size_t bytes);
// Takes it over; there must be room.
void preparer_put(preparer_t *preparer, prepared_t **prepared);
// The oldest, once it is read: the caller's, `bytes` of it as they were. NULL: there is
// none, or, without `wait`, it is not read yet.
prepared_t *preparer_take(preparer_t *preparer, bool wait, size_t *bytes);

#endif
