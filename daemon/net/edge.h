// What the parts of the network edge share: the handler of events, who may come
// in, the numbering of links, the time of this drain, and the bounds.
// Internal to daemon/net/.
#ifndef ENLACE_DAEMON_NET_EDGE_H
#define ENLACE_DAEMON_NET_EDGE_H

#include "daemon/net/keyset.h"
#include "daemon/net/net.h"

enum {
    LINKS_MAX = 1024,       // inbound
    LINKS_PER_KEY = 16,     // so that no member takes all of them
    SUBSCRIPTIONS_MAX = 64, // per key, over all its connections
    TOPIC_MAX_BYTES = 64,   // ZMTP 3.1 in 4.3.4 misframes topics of 246 to 255 bytes
    CONNECTIONS_MAX = 4096, // per bound socket, and no more than the file descriptors allow
    UNNAMED_MS = 30000,     // a connection has this long to say something
    DIAL_MS = 30000,        // above CONNECT_TIMEOUT + HANDSHAKE_IVL, which no proxy keeps
    FEED_LOST_MS = 500,     // a link outlives its publications by this, for its last words
    BYE_MS = 100,           // what was sent just before net_close has this long to leave
    SWEEP_MS = 1000,
    DATA_MAX = 256 * 1024,
};

// Bytes of a connection that came in and are in no message handed over yet, and
// bytes given to it that its peer has not taken. libzmq bounds neither: its
// high-water marks count whole messages, and one that never ends is no message.
// The core's credit keeps honest peers below 8 MiB.
#define BACKLOG_LINK       ((uint64_t)32 * 1024 * 1024)
#define BACKLOG_FEED       ((uint64_t)64 * 1024 * 1024) // publications that the loop is behind
#define BACKLOG_SUBSCRIBER ((uint64_t)64 * 1024)        // subscriptions: there is one a link
#define QUEUE_LINK         ((uint64_t)32 * 1024 * 1024)

typedef struct {
    void *zmq;
    net_event_fn fn;
    void *context;
    const secret_t *transport;
    pubkey_t transport_public;
    keyset_t admitted;
    net_link_t last_link;
    uint64_t now_ms;       // monotonic, as of this drain
    unsigned last_monitor; // names of monitors are unique in a process
    int timer;             // fires every second, and at once after edge_wake
} edge_t;

// Reports. `where` may be NULL.
void edge_refused(edge_t *edge, net_link_t link, err_t reason, const char *where);
void edge_down(edge_t *edge, net_link_t link, bool outbound, err_t reason, const char *where);
void edge_up(edge_t *edge, net_link_t link, bool outbound, const pubkey_t *key, const char *where);

net_link_t edge_next_link(edge_t *edge);
// Makes the loop call net_drain soon: something is to be reported.
void edge_wake(edge_t *edge);
uint64_t edge_clock_ms(void);

#endif
