// A control socket: a ROUTER over ipc in a directory of its own, `full` (0700)
// or `read` (0750), with a monitor that tells of handshakes that failed.
//
// Invariants: nothing here blocks; a client is known by the route that the
// socket gave it, and by the uid that the kernel vouches for (SO_PEERCRED); a
// socket is connectable by whom its directory lets in and nobody else.
// What may be queued for one client is bounded by the high-water marks: a
// client that never reads loses its answers and holds up nobody.
#ifndef ENLACE_DAEMON_DOOR_H
#define ENLACE_DAEMON_DOOR_H

#include <zmq.h>

#include "lib/bytes.h"
#include "lib/error.h"

#define ROUTE_MAX 255u

typedef struct {
    size_t size;
    uint8_t bytes[ROUTE_MAX];
} route_t;

typedef struct {
    route_t route;
    bool peer_known;
    uint32_t uid;
    int32_t pid;
    zmq_msg_t body; // door_letter_close
} letter_t;

typedef struct door door_t;

// CANNOT_LISTEN, NO_DIRECTORY.
err_t door_open(void *zmq, const char *dir, bool full, door_t **door, fault_t *fault);
void door_close(door_t **door); // what was sent gets half a second to go out
bool door_is_full(const door_t *door);

void *door_socket(door_t *door);
void *door_monitor(door_t *door);

// The next request: false where there is none. *err tells that it was no
// single frame; the letter is to be closed either way.
bool door_receive(door_t *door, letter_t *letter, err_t *err);
void letter_close(letter_t *letter);

// ERR_OK; DISCONNECTED: the client is gone; QUEUE_FULL: it does not read, and this is dropped.
err_t door_send(door_t *door, const route_t *route, span_t bytes);

// Handshakes that failed since the last call.
size_t door_failures(door_t *door);

#endif
