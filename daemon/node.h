// A node: its directory, store, core, driver and edges, put together and run.
#ifndef ENLACE_DAEMON_NODE_H
#define ENLACE_DAEMON_NODE_H

#include "lib/error.h"

typedef struct node node_t;

// Opens everything, in the order lock, configuration, store, keys, charter,
// core, sockets; the first that fails says why and leaves nothing behind.
err_t node_open(const char *dir, node_t **node, fault_t *fault);
// The loop: drain, step, commit, emit; until SIGTERM or SIGINT. `ready` is
// called once when the sockets are bound.
err_t node_run(node_t *node, void (*ready)(void), fault_t *fault);
void node_close(node_t **node);

#endif
