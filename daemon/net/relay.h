// Outbound connections through a SOCKS5 proxy (RFC 1928, without
// authentication). A socket of libzmq's connects to the relay's local endpoint;
// the relay asks the proxy for the peer and then passes bytes on, both ways, on
// the loop's thread. It sees what CURVE has encrypted.
//
// ZMQ_SOCKS_PROXY would do the same, but libzmq 4.3.4 aborts the process where a
// socket is closed after its proxy has refused.
#ifndef ENLACE_DAEMON_NET_RELAY_H
#define ENLACE_DAEMON_NET_RELAY_H

#include <netinet/in.h>

#include "daemon/net/edge.h"

typedef struct relay relay_t;
typedef struct {
    struct sockaddr_storage address;
    socklen_t size;
} proxy_t;

// HOST:PORT; names are resolved here and now, so that the loop never waits for it.
bool proxy_parse(const char *text, proxy_t *proxy, fault_t *fault);

// Listens for this process alone. `target` is tcp://HOST:PORT; a name is
// resolved by the proxy. NULL with fault.
relay_t *relay_new(const proxy_t *proxy, const char *target, fault_t *fault);
void relay_destroy(relay_t **relay); // NULL allowed

const char *relay_endpoint(const relay_t *relay); // what the socket is to connect to
bool relay_through(const relay_t *relay);         // the proxy has connected to the peer
uint64_t relay_received(const relay_t *relay);    // bytes passed to the socket on this connection

// zmq_pollitem_t; returns how many are needed.
size_t relay_poll_items(const relay_t *relay, void *zmq_pollitems, size_t capacity);
void relay_drain(relay_t *relay);

#endif
