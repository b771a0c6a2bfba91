// Who may finish the CURVE handshake: ZAP 1.0 (ZeroMQ RFC 27), answered on the
// loop's thread. A key is admitted or it is not (200 or 400; a 300 would leave
// the client hanging); the user id that comes back with every message of the
// connection is the key itself, in hex.
#ifndef ENLACE_DAEMON_NET_ZAP_H
#define ENLACE_DAEMON_NET_ZAP_H

#include "daemon/net/edge.h"

typedef struct zap zap_t;

// One a context (libzmq's rule). Bound before any socket that relies on it.
// Asks edge->admitted at each request. NULL with fault.
zap_t *zap_new(edge_t *edge, const char *domain, fault_t *fault);
void zap_destroy(zap_t **zap); // after the sockets that rely on it; NULL allowed

void *zap_socket(const zap_t *zap); // to poll
// Answers at most `budget` requests; refusals are reported. Whether more may wait.
bool zap_drain(zap_t *zap, size_t budget);

// The key in a message's User-Id; false where it is none of ours.
bool zap_key_of(const char *user_id, pubkey_t *key);

#endif
