#include "daemon/net/frames.h"

#include "daemon/net/tcp.h"
#include "daemon/net/zap.h"

bool frames_read(void *socket, bool local_first, frames_t *frames)
{
    bool more = true;
    frames->count = 0;
    frames->on_wire = 0;
    while (more) {
        zmq_msg_t spare;
        zmq_msg_t *part = frames->count < 2 ? &frames->parts[frames->count] : &spare;
        zmq_msg_init(part);
        // The parts of a message are there together, or it is not there.
        if (zmq_msg_recv(part, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(part);
            return frames->count > 0;
        }
        more = zmq_msg_more(part);
        if (frames->count > 0 || !local_first)
            frames->on_wire += frame_on_wire(zmq_msg_size(part));
        if (frames->count++ >= 2)
            zmq_msg_close(part);
    }
    return true;
}

void frames_close(frames_t *frames)
{
    for (size_t i = 0; i < frames->count && i < 2; i++)
        zmq_msg_close(&frames->parts[i]);
    frames->count = 0;
}

span_t frames_span(frames_t *frames, size_t part)
{
    return span_of(zmq_msg_data(&frames->parts[part]), zmq_msg_size(&frames->parts[part]));
}

bool frame_sender(zmq_msg_t *frame, pubkey_t *key, int *fd)
{
    *fd = zmq_msg_get(frame, ZMQ_SRCFD);
    return *fd >= 0 && zap_key_of(zmq_msg_gets(frame, "User-Id"), key);
}
