#include "daemon/net/monitor.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "lib/mem.h"

struct monitor {
    void *watched;
    void *events;
};

enum {
    WANTED = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
             ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
             ZMQ_EVENT_DISCONNECTED
};

static const struct {
    int event;
    monitor_type_t type;
} types[] = {
    {ZMQ_EVENT_ACCEPTED, SOCKET_ACCEPTED},
    {ZMQ_EVENT_CONNECTED, SOCKET_CONNECTED},
    {ZMQ_EVENT_CONNECT_RETRIED, SOCKET_UNREACHABLE},
    {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, SOCKET_READY},
    {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, SOCKET_REFUSED},
    {ZMQ_EVENT_DISCONNECTED, SOCKET_DISCONNECTED},
};

monitor_t *monitor_new(edge_t *edge, void *socket)
{
    char name[96];
    const int unlimited = 0, linger = 0;
    // The context may be shared: the edge's address keeps names apart.
    snprintf(name, sizeof name, "inproc://enlace-monitor-%p-%u", (void *)edge,
             ++edge->last_monitor);
    if (zmq_socket_monitor(socket, name, WANTED) != 0)
        return NULL;
    void *events = zmq_socket(edge->zmq, ZMQ_PAIR);
    if (!events || zmq_setsockopt(events, ZMQ_RCVHWM, &unlimited, sizeof unlimited) != 0 ||
        zmq_setsockopt(events, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_connect(events, name) != 0) {
        zmq_socket_monitor(socket, NULL, 0);
        if (events)
            zmq_close(events);
        return NULL;
    }
    monitor_t *monitor = mem_alloc(sizeof *monitor);
    *monitor = (monitor_t){socket, events};
    return monitor;
}

void monitor_destroy(monitor_t **monitor)
{
    if (!*monitor)
        return;
    zmq_socket_monitor((*monitor)->watched, NULL, 0);
    zmq_close((*monitor)->events);
    mem_free(*monitor);
    *monitor = NULL;
}

// zmq_socket_monitor(3): a frame of event (16 bits) and value (32 bits) in the
// machine's order, then a frame with the endpoint. From our own process.
static bool read_frames(void *events, uint16_t *number, uint32_t *value)
{
    uint8_t frame[6];
    char endpoint[1];
    if (zmq_recv(events, frame, sizeof frame, ZMQ_DONTWAIT) != (int)sizeof frame)
        return false;
    zmq_recv(events, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
    memcpy(number, frame, sizeof *number);
    memcpy(value, frame + sizeof *number, sizeof *value);
    return true;
}

bool monitor_next(monitor_t *monitor, monitor_event_t *event)
{
    uint16_t number;
    uint32_t value;
    while (read_frames(monitor->events, &number, &value))
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (types[i].event == number) {
                *event = (monitor_event_t){types[i].type, (int)value};
                return true;
            }
    return false;
}

void *monitor_socket(const monitor_t *monitor)
{
    return monitor->events;
}
