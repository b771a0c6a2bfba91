// The network edge: every ZeroMQ socket that faces other nodes. It moves bytes:
// who may come in, whom to dial and what a message means is the core's to
// decide. No ZeroMQ type leaves this folder but the poll items.
//
// Invariants
//   N1  no TCP socket without CURVE; on every bound one the ZAP domain is set and
//       enforced (read back, else ERR_CANNOT_LISTEN), and the handler is bound first;
//   N2  every inbound message carries the key that CURVE authenticated, taken
//       from the body frame's User-Id and looked up anew: a key that is no
//       longer admitted is refused and its connections are shut down;
//   N3  an outbound link is a fresh DEALER + SUB + monitor each time: nothing
//       queued for the last session can reach the next one;
//   N4  sends never block: what a peer does not take closes its link (QUEUE_FULL).
#ifndef ENLACE_DAEMON_NET_H
#define ENLACE_DAEMON_NET_H

#include <stddef.h>

#include "lib/crypto.h"

typedef struct net net_t;
typedef uint64_t net_link_t; // never 0, never used twice in a process

typedef enum { NET_UP, NET_DOWN, NET_MESSAGE, NET_PUBLICATION, NET_REFUSED } net_event_type_t;
typedef struct {
    net_event_type_t type;
    net_link_t link; // 0 in NET_REFUSED where there is none (ZAP, bad subscription)
    bool outbound;
    pubkey_t key;       // NET_UP, NET_MESSAGE inbound: the peer's transport key
    err_t reason;       // NET_DOWN, NET_REFUSED
    span_t topic, body; // NET_MESSAGE (body), NET_PUBLICATION; live until the handler returns
    const char *where;  // address or socket, for NET_REFUSED and NET_DOWN; may be NULL
} net_event_t;
typedef void (*net_event_fn)(void *context, const net_event_t *event);

typedef struct {
    void *zmq;                 // the process's ZeroMQ context
    const char *listen;        // link endpoint, publications on the next port; NULL: outbound only
    const char *socks;         // HOST:PORT or NULL
    const secret_t *transport; // this node's CURVE key
    pubkey_t transport_public;
    const char *zap_domain; // not empty: the coalition id in hex
    bool test_drop_zap;     // test hook "drop-zap": the handler is gone after binding
} net_options_t;

err_t net_new(const net_options_t *options, net_event_fn fn, void *context, net_t **net,
              fault_t *fault);
void net_destroy(net_t **net); // LINGER 2000 so that a Bye goes out

// The keys that may come in, replacing those before; connections of keys that
// are no longer among them are shut down at once, dialled ones included, and so
// are those that have not said yet who they are.
void net_admit(net_t *net, const pubkey_t *keys, size_t count);

// Starts connecting; NET_UP after the CURVE handshake, or NET_DOWN with
// UNREACHABLE, HANDSHAKE_FAILED ... Subscribes to `topic` at the next port.
// Returns 0 with fault where the endpoint cannot even be tried.
net_link_t net_dial(net_t *net, const char *endpoint, const pubkey_t *server, span_t topic,
                    fault_t *fault);
void net_close(net_t *net, net_link_t link); // no NET_DOWN follows
// ERR_OK, or QUEUE_FULL / DISCONNECTED: the link is then closed and NET_DOWN follows
// on the next drain.
err_t net_send(net_t *net, net_link_t link, span_t message);
err_t net_publish(net_t *net, span_t topic, span_t body); // nothing to do when outbound only

// For the loop: what to poll, and what to do afterwards. Drains fairly: at most
// `budget` messages a socket a call. Returns whether more is waiting. The items
// are anew to be asked for after each drain, dial and close; how many are needed
// is returned, also where it is more than the capacity. The handler may call
// anything here but net_drain and net_destroy.
size_t net_poll_items(net_t *net, void *zmq_pollitems, size_t capacity);
bool net_drain(net_t *net, size_t budget);
size_t net_links(const net_t *net);

#endif
