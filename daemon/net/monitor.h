// What happens to a socket's connections, as libzmq tells it.
//
// A monitor that nobody reads blocks an I/O thread once its pipe is full, and
// whoever stops it then waits for that thread: so the pipe is unlimited, read
// on every turn of the loop, and stopped before its socket is closed. Events
// that libzmq can produce without end (accept failing for lack of descriptors)
// are not asked for. Neither are handshakes that fail on the protocol: telling
// of one changes errno inside libzmq 4.3.4, which then takes the failure for "try
// again" and keeps the connection, deaf. Not asked, it closes it, and tells that.
#ifndef ENLACE_DAEMON_NET_MONITOR_H
#define ENLACE_DAEMON_NET_MONITOR_H

#include "daemon/net/edge.h"

typedef struct monitor monitor_t;

typedef enum {
    SOCKET_ACCEPTED,     // fd
    SOCKET_CONNECTED,    // fd
    SOCKET_UNREACHABLE,  // the attempt to connect failed; libzmq would try again
    SOCKET_READY,        // CURVE's handshake is done
    SOCKET_REFUSED,      // the handshake failed on authentication
    SOCKET_DISCONNECTED, // fd: about to be closed, its last messages still to come
} monitor_type_t;

typedef struct {
    monitor_type_t type;
    int fd; // where named above
} monitor_event_t;

monitor_t *monitor_new(edge_t *edge, void *socket); // NULL: zmq_errno says why
void monitor_destroy(monitor_t **monitor);          // before the socket is closed
bool monitor_next(monitor_t *monitor, monitor_event_t *event);
void *monitor_socket(const monitor_t *monitor); // to poll

#endif
