// The bound side of links: a ROUTER. A link is (routing id, key): the id is the
// ROUTER's own, the key what CURVE authenticated, taken from each message. It
// begins with its first message.
#ifndef ENLACE_DAEMON_NET_ROUTER_H
#define ENLACE_DAEMON_NET_ROUTER_H

#include "daemon/net/edge.h"

typedef struct router router_t;

// Binds. NULL with fault (CANNOT_LISTEN).
router_t *router_new(edge_t *edge, const char *endpoint, const char *zap_domain, size_t most,
                     fault_t *fault);
void router_destroy(router_t **router, int linger_ms); // NULL allowed

void *router_socket(const router_t *router);
void *router_monitor(const router_t *router);
bool router_drain(router_t *router, size_t budget); // whether more waits

void router_close(router_t *router, net_link_t link);
err_t router_send(router_t *router, net_link_t link, span_t message);
void router_keep(router_t *router);          // keys were taken away
void router_sweep(router_t *router);         // once a second
size_t router_links(const router_t *router); // open ones

#endif
