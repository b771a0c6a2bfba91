// Every socket option that this daemon sets, in one table, and CURVE's keys.
#ifndef ENLACE_DAEMON_NET_OPTIONS_H
#define ENLACE_DAEMON_NET_OPTIONS_H

#include "daemon/net/edge.h"

typedef enum {
    ROLE_ROUTER = 1, // bound: links
    ROLE_XPUB = 2,   // bound: publications
    ROLE_DEALER = 4, // one outbound link
    ROLE_SUB = 8,    // the publications of its peer
} role_t;

// A socket with the options of its role; NULL with fault. For bound ones CURVE's
// server side is on and the ZAP domain set, enforced and read back: none comes
// out of here without (N1).
void *socket_bound(edge_t *edge, role_t role, const char *zap_domain, fault_t *fault);
void *socket_dialling(edge_t *edge, role_t role, const pubkey_t *server, fault_t *fault);

// NULL allowed.
void socket_close(void **socket, int linger_ms);

enum { LINGER_RESET_MS = 0, LINGER_CLOSE_MS = 500, LINGER_STOP_MS = 2000 };

#endif
