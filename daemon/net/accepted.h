// The connections that a bound socket has accepted, by descriptor: who they are
// once they have said something, how much they sent, when they were accepted.
// Fed by the socket's monitor, whose events come in the order in which things
// happened (one I/O thread), ACCEPTED before the first message and DISCONNECTED
// before the descriptor is closed. So a message's descriptor, looked up after
// the monitor was read, names the connection that it came over, or one that is
// gone.
#ifndef ENLACE_DAEMON_NET_ACCEPTED_H
#define ENLACE_DAEMON_NET_ACCEPTED_H

#include "daemon/net/monitor.h"
#include "daemon/net/tcp.h"

typedef struct {
    uint64_t serial; // never given twice; 0: never used
    tcp_t tcp;
    char where[TCP_WHERE];
    uint64_t since_ms;
    bool open;  // DISCONNECTED has not come
    err_t cut;  // why it was shut down from here: what still comes is dropped
    bool named; // a message came: key is whose
    pubkey_t key;
    uint64_t in_bytes; // on the wire, of what was handed over
    unsigned subscriptions;
    net_link_t link; // the ROUTER's: newest link over it, or 0
} conn_t;

typedef struct accepted accepted_t;

// `backlog`: bytes that may have come in without being handed over. NULL where
// libzmq cannot monitor.
accepted_t *accepted_new(edge_t *edge, void *socket, size_t most, uint64_t backlog);
void accepted_destroy(accepted_t **accepted);

void *accepted_monitor(const accepted_t *accepted); // to poll
void accepted_drain(accepted_t *accepted);          // invalidates conn_t pointers

// The connection of a message that just came; NULL where it is none that is
// open and not cut. Reads the monitor where the descriptor is unknown.
conn_t *accepted_find(accepted_t *accepted, int fd);
// The connection of that serial; NULL where the descriptor went to another.
conn_t *accepted_at(accepted_t *accepted, int fd, uint64_t serial);
conn_t *accepted_next(accepted_t *accepted, size_t *place); // all open ones; place starts at 0

void accepted_name(conn_t *conn, const pubkey_t *key);
void accepted_cut(conn_t *conn, err_t reason);
// After keys were taken away: cuts theirs, and those that have not said yet who
// they are, for the handshake may have been passed with such a key.
void accepted_keep(accepted_t *accepted);
// Once a second: who says nothing, and who sends more than is ever handed over.
void accepted_sweep(accepted_t *accepted);

#endif
