// The inbound links: who sits behind which of the ROUTER's routing ids. Found
// by link number and by routing id, both in logarithmic time.
#ifndef ENLACE_DAEMON_NET_LINKS_H
#define ENLACE_DAEMON_NET_LINKS_H

#include "daemon/net/accepted.h"

typedef struct {
    net_link_t id;
    uint32_t route;  // the ROUTER made it: 0, then this, most significant byte first
    int fd;          // of the connection it came over,
    uint64_t serial; // together with this
    tcp_t tcp;       // the same
    pubkey_t key;
    char where[TCP_WHERE];
    uint64_t out_bytes; // on the wire, given to the ROUTER
    uint64_t out_seen;  // of those, acknowledged when last asked
    bool closed;        // NET_DOWN was reported, or net_close called: what still comes is dropped
    bool gone;          // its socket is closed, and with an empty ROUTER nothing can follow
    uint64_t cut_at_ms; // after net_close; 0: not
} link_t;

typedef struct links links_t;

links_t *links_new(void);
void links_destroy(links_t **links);

size_t links_count(const links_t *links);
size_t links_of_key(const links_t *links, const pubkey_t *key); // those not closed
link_t *links_at(const links_t *links, size_t index);           // in the order of their numbers
link_t *links_find(const links_t *links, net_link_t id);
link_t *links_find_route(const links_t *links, uint32_t route);

// `id` is higher than any before, the route is not there yet. The pointer lives until it is
// removed.
link_t *links_add(links_t *links, net_link_t id, uint32_t route);
void links_remove(links_t *links, size_t index);

#endif
