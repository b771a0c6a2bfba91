// The bound side of publications: an XPUB, so that subscriptions are seen and
// counted for each key. What a subscriber does not take is dropped by libzmq:
// publications are hints.
#ifndef ENLACE_DAEMON_NET_PUBLISHER_H
#define ENLACE_DAEMON_NET_PUBLISHER_H

#include "daemon/net/edge.h"

typedef struct publisher publisher_t;

// Binds. NULL with fault (CANNOT_LISTEN).
publisher_t *publisher_new(edge_t *edge, const char *endpoint, const char *zap_domain, size_t most,
                           fault_t *fault);
void publisher_destroy(publisher_t **publisher, int linger_ms); // NULL allowed

void *publisher_socket(const publisher_t *publisher);
void *publisher_monitor(const publisher_t *publisher);
bool publisher_drain(publisher_t *publisher, size_t budget); // whether more waits

err_t publisher_send(publisher_t *publisher, span_t topic, span_t body);
void publisher_keep(publisher_t *publisher);  // keys were taken away
void publisher_sweep(publisher_t *publisher); // once a second

#endif
