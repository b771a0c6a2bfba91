// A multipart message as it comes: up to two frames are kept, without a copy,
// the others are read and dropped, so that one message never turns into two.
#ifndef ENLACE_DAEMON_NET_FRAMES_H
#define ENLACE_DAEMON_NET_FRAMES_H

#include <zmq.h>

#include "lib/bytes.h"
#include "lib/crypto.h"

typedef struct {
    zmq_msg_t parts[2];
    size_t count;     // that came, also those dropped
    uint64_t on_wire; // bytes of all but the first, or of all: see frames_read
} frames_t;

// False where nothing waits; then there is nothing to close. `local_first`: the
// first frame is the ROUTER's and did not come over the wire.
bool frames_read(void *socket, bool local_first, frames_t *frames);
void frames_close(frames_t *frames);
span_t frames_span(frames_t *frames, size_t part);

// Who sent it: the key that CURVE authenticated, and the descriptor. A ROUTER's
// first frame has lost both after zmq_poll; every other frame has them.
bool frame_sender(zmq_msg_t *frame, pubkey_t *key, int *fd);

#endif
