// One outbound link: a DEALER for messages and a SUB for publications, made for
// this session and thrown away with it, so that nothing of one session is in
// the next (N3).
//
// The link is up once the DEALER's handshake is done. It ends with the DEALER's
// connection, and half a second after a SUB that was refused or lost its
// connection: libzmq would not, or not for sure, bring that one back. A SUB that
// cannot connect at all is tried again by libzmq and does not hold up the link:
// publications are only the fast way.
#ifndef ENLACE_DAEMON_NET_DIAL_H
#define ENLACE_DAEMON_NET_DIAL_H

#include "daemon/net/edge.h"
#include "daemon/net/relay.h"

typedef struct dial dial_t;

// `proxy` NULL: directly. NULL with fault where the endpoint cannot even be tried.
dial_t *dial_new(edge_t *edge, const char *endpoint, const pubkey_t *server, span_t topic,
                 const proxy_t *proxy, fault_t *fault);
void dial_destroy(dial_t **dial, int linger_ms); // NULL allowed

net_link_t dial_link(const dial_t *dial);
const pubkey_t *dial_server(const dial_t *dial);

size_t dial_poll_items(const dial_t *dial, void *zmq_pollitems, size_t capacity);
bool dial_drain(dial_t *dial, size_t budget); // whether more waits
void dial_sweep(dial_t *dial);                // once a second

err_t dial_send(dial_t *dial, span_t message);
void dial_end(dial_t *dial, err_t reason); // NET_DOWN with it follows in the next drain
void dial_close(dial_t *dial);             // no more events
bool dial_is_up(const dial_t *dial);
bool dial_is_over(const dial_t *dial); // NET_DOWN was reported, or dial_close called: destroy it

#endif
