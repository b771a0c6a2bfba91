// A connection of libzmq's, seen from outside: by the number of its descriptor,
// which ZMQ_SRCFD and the monitors tell. libzmq may close it at any moment and
// the number may then be somebody else's, so that the socket is known by its
// inode too and looked at before it is touched.
#ifndef ENLACE_DAEMON_NET_TCP_H
#define ENLACE_DAEMON_NET_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
    int fd; // never closed by us
    dev_t device;
    ino_t inode;
} tcp_t;

#define TCP_WHERE 64 // [address]:port, with its NUL

tcp_t tcp_of(int fd);            // of what is no socket (any more): never the same as one
bool tcp_same(const tcp_t *tcp); // whether the descriptor still is that socket
void tcp_cut(const tcp_t *tcp);  // shuts it down both ways; libzmq then closes it
void tcp_peer(const tcp_t *tcp, char where[TCP_WHERE]); // empty where there is none

// Bytes that came in, and bytes that the peer has acknowledged, since the
// connection began. False where it is gone or no TCP socket.
bool tcp_counts(const tcp_t *tcp, uint64_t *received, uint64_t *acknowledged);

// What a frame of `size` bytes takes on the wire under CURVE (RFC 26: MESSAGE of
// 33 bytes more; RFC 23: two bytes before it, nine where it is over 255).
uint64_t frame_on_wire(size_t size);

#endif
