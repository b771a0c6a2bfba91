#include "daemon/net/dial.h"

#include <assert.h>
#include <stdio.h>
#include <zmq.h>

#include "daemon/net/frames.h"
#include "daemon/net/monitor.h"
#include "daemon/net/options.h"
#include "daemon/net/tcp.h"
#include "lib/card.h"
#include "lib/mem.h"

// One of the two connections.
typedef struct {
    void *socket;
    monitor_t *monitor;
    relay_t *relay;                        // NULL: directly
    char endpoint[ENDPOINT_MAX_BYTES + 1]; // of the peer, for people
    tcp_t tcp;
    bool ready;                             // handshake done
    uint64_t in_bytes, out_bytes, out_seen; // on the wire: handed over, sent, acknowledged
} leg_t;

struct dial {
    edge_t *edge;
    net_link_t id;
    pubkey_t server;
    leg_t link, feed;
    uint64_t since_ms;
    bool up;
    bool leaving; // the link's connection is about to be closed: last messages first
    bool over;
    err_t end;  // why it ends; ERR_OK: it does not
    err_t lost; // why the feed is gone; the link follows a little later
    uint64_t lost_ms;
    const char *where;
};

// ---- making and ending ----

static bool leg_connect(leg_t *leg, edge_t *edge, const proxy_t *proxy, fault_t *fault)
{
    const char *endpoint = leg->endpoint;
    const int patient_ms = 25000; // what lies behind a proxy takes its time
    leg->tcp = tcp_of(-1);
    leg->monitor = monitor_new(edge, leg->socket);
    if (proxy) {
        leg->relay = relay_new(proxy, leg->endpoint, fault);
        if (!leg->relay)
            return false;
        endpoint = relay_endpoint(leg->relay);
        zmq_setsockopt(leg->socket, ZMQ_HANDSHAKE_IVL, &patient_ms, sizeof patient_ms);
    }
    if (leg->monitor && zmq_connect(leg->socket, endpoint) == 0)
        return true;
    fault_set(fault, ERR_BAD_VALUE, leg->endpoint, "%s", zmq_strerror(zmq_errno()));
    return false;
}

static bool open_feed(dial_t *dial, span_t topic, const proxy_t *proxy, fault_t *fault)
{
    leg_t *leg = &dial->feed;
    leg->socket = socket_dialling(dial->edge, ROLE_SUB, &dial->server, fault);
    return leg->socket && zmq_setsockopt(leg->socket, ZMQ_SUBSCRIBE, topic.data, topic.size) == 0 &&
           leg_connect(leg, dial->edge, proxy, fault);
}

static bool open_link(dial_t *dial, const proxy_t *proxy, fault_t *fault)
{
    leg_t *leg = &dial->link;
    leg->socket = socket_dialling(dial->edge, ROLE_DEALER, &dial->server, fault);
    return leg->socket && leg_connect(leg, dial->edge, proxy, fault);
}

dial_t *dial_new(edge_t *edge, const char *endpoint, const pubkey_t *server, span_t topic,
                 const proxy_t *proxy, fault_t *fault)
{
    assert(topic.size <= TOPIC_MAX_BYTES);
    if (!endpoint_valid(endpoint)) {
        fault_set(fault, ERR_BAD_VALUE, endpoint, "not tcp://HOST:PORT");
        return NULL;
    }
    dial_t *dial = mem_alloc(sizeof *dial);
    dial->edge = edge;
    dial->id = edge_next_link(edge);
    dial->server = *server;
    dial->since_ms = edge_clock_ms();
    snprintf(dial->link.endpoint, sizeof dial->link.endpoint, "%s", endpoint);
    endpoint_next_port(endpoint, dial->feed.endpoint);
    // Publications first, so that as little as possible is missed once the link is up.
    if (!open_feed(dial, topic, proxy, fault) || !open_link(dial, proxy, fault))
        dial_destroy(&dial, LINGER_RESET_MS);
    return dial;
}

static void leg_close(leg_t *leg, int linger_ms)
{
    monitor_destroy(&leg->monitor);
    socket_close(&leg->socket, linger_ms);
    relay_destroy(&leg->relay);
}

void dial_destroy(dial_t **dial, int linger_ms)
{
    if (!*dial)
        return;
    // Without a handshake there is nothing to say, and nobody to wait for.
    leg_close(&(*dial)->link, (*dial)->up && !(*dial)->end ? linger_ms : LINGER_RESET_MS);
    leg_close(&(*dial)->feed, LINGER_RESET_MS);
    mem_free(*dial);
    *dial = NULL;
}

// ---- why it ends ----

// The first reason stands.
static void ends(dial_t *dial, const leg_t *leg, err_t reason)
{
    if (dial->end)
        return;
    dial->end = reason;
    dial->where = leg->endpoint;
}

void dial_end(dial_t *dial, err_t reason)
{
    ends(dial, &dial->link, reason);
    edge_wake(dial->edge);
}

void dial_close(dial_t *dial)
{
    dial->over = true;
}

static void refuse(dial_t *dial, const leg_t *leg, err_t reason)
{
    ends(dial, leg, reason);
    edge_refused(dial->edge, dial->id, reason, leg->endpoint);
}

// ---- what the monitors tell ----

// A proxy that has not let us through is not the peer refusing us.
static err_t failure(const leg_t *leg)
{
    return leg->relay && !relay_through(leg->relay) ? ERR_UNREACHABLE : ERR_HANDSHAKE_FAILED;
}

static void link_ready(dial_t *dial)
{
    dial->link.ready = dial->up = true;
    edge_up(dial->edge, dial->id, true, &dial->server, dial->link.endpoint);
}

static void link_event(dial_t *dial, const monitor_event_t *event)
{
    leg_t *leg = &dial->link;
    switch (event->type) {
    case SOCKET_CONNECTED:
        leg->tcp = tcp_of(event->fd);
        break;
    case SOCKET_READY:
        link_ready(dial);
        break;
    case SOCKET_UNREACHABLE: // also the wait before a second attempt, which never comes
        if (!leg->ready)
            ends(dial, leg, ERR_UNREACHABLE);
        break;
    case SOCKET_REFUSED:
        ends(dial, leg, ERR_HANDSHAKE_FAILED);
        break;
    case SOCKET_DISCONNECTED:
        if (leg->ready)
            dial->leaving = true;
        else
            ends(dial, leg, failure(leg));
        break;
    case SOCKET_ACCEPTED:
        break; // does not happen to a socket that connects
    }
}

// A peer that goes away closes both connections, in any order: what it says
// last on the link is waited for, and the link's own end then comes first.
static void feed_lost(dial_t *dial, err_t reason)
{
    if (!dial->lost)
        dial->lost_ms = edge_clock_ms();
    dial->lost = reason;
}

static void feed_event(dial_t *dial, const monitor_event_t *event)
{
    leg_t *leg = &dial->feed;
    switch (event->type) {
    case SOCKET_CONNECTED:
        leg->tcp = tcp_of(event->fd);
        leg->in_bytes = 0;
        break;
    case SOCKET_READY:
        leg->ready = true;
        break;
    case SOCKET_REFUSED:
        feed_lost(dial, ERR_HANDSHAKE_FAILED);
        break;
    case SOCKET_DISCONNECTED:
        if (leg->ready)
            feed_lost(dial, ERR_DISCONNECTED);
        else if (failure(leg) == ERR_HANDSHAKE_FAILED)
            feed_lost(dial, ERR_HANDSHAKE_FAILED);
        break;
    case SOCKET_UNREACHABLE: // libzmq tries again
    case SOCKET_ACCEPTED:
        break;
    }
}

static void take_events(dial_t *dial, leg_t *leg,
                        void (*take)(dial_t *dial, const monitor_event_t *event))
{
    monitor_event_t event;
    while (!dial->over && !dial->end && monitor_next(leg->monitor, &event))
        take(dial, &event);
}

// ---- messages ----

static void hand_over(dial_t *dial, net_event_t *event)
{
    event->link = dial->id;
    event->outbound = true;
    event->key = dial->server;
    dial->edge->fn(dial->edge->context, event);
}

// One frame on the link, topic and body of a publication; anything else ends it.
static void take(dial_t *dial, leg_t *leg, frames_t *frames)
{
    bool is_feed = leg == &dial->feed;
    net_event_t event = {.where = leg->endpoint};
    leg->in_bytes += frames->on_wire;
    if (frames->count != (is_feed ? 2u : 1u)) {
        refuse(dial, leg, ERR_BAD_FRAMES);
        return;
    }
    event.type = is_feed ? NET_PUBLICATION : NET_MESSAGE;
    if (is_feed)
        event.topic = frames_span(frames, 0);
    event.body = frames_span(frames, is_feed ? 1 : 0);
    hand_over(dial, &event);
}

// Whether the socket is empty now. Nothing is read before NET_UP was reported.
static bool take_messages(dial_t *dial, leg_t *leg, size_t budget)
{
    frames_t frames;
    if (!dial->up)
        return true;
    for (size_t done = 0; done < budget && !dial->over && !dial->end; done++) {
        if (!frames_read(leg->socket, false, &frames))
            return true;
        take(dial, leg, &frames);
        frames_close(&frames);
    }
    return false;
}

// ---- the turn ----

static void report_end(dial_t *dial)
{
    if (!dial->end || dial->over)
        return;
    dial->over = true;
    edge_down(dial->edge, dial->id, true, dial->end, dial->where);
}

bool dial_drain(dial_t *dial, size_t budget)
{
    if (dial->link.relay) {
        relay_drain(dial->link.relay);
        relay_drain(dial->feed.relay);
    }
    take_events(dial, &dial->link, link_event);
    take_events(dial, &dial->feed, feed_event);
    // libzmq hands on what came, and then closes: a closed socket brings no more.
    bool closed = dial->leaving && !tcp_same(&dial->link.tcp);
    bool link_empty = take_messages(dial, &dial->link, budget);
    bool feed_empty = take_messages(dial, &dial->feed, budget);
    if (closed && link_empty)
        ends(dial, &dial->link, ERR_DISCONNECTED);
    report_end(dial);
    return !dial->over && (dial->leaving || !link_empty || !feed_empty);
}

// What came in over a leg and is in no message yet.
static bool backlog_over(const leg_t *leg, uint64_t limit)
{
    uint64_t received = 0, acknowledged = 0;
    if (leg->relay)
        received = relay_received(leg->relay);
    else if (!tcp_counts(&leg->tcp, &received, &acknowledged))
        return false;
    return received > leg->in_bytes + limit;
}

void dial_sweep(dial_t *dial)
{
    if (!dial->up && dial->edge->now_ms > dial->since_ms + DIAL_MS)
        ends(dial, &dial->link, ERR_UNREACHABLE);
    if (dial->lost && dial->edge->now_ms >= dial->lost_ms + FEED_LOST_MS)
        ends(dial, &dial->feed, dial->lost);
    if (backlog_over(&dial->link, BACKLOG_LINK))
        refuse(dial, &dial->link, ERR_TOO_BIG);
    if (backlog_over(&dial->feed, BACKLOG_FEED))
        refuse(dial, &dial->feed, ERR_TOO_BIG);
}

// ---- sending ----

static bool queue_is_full(leg_t *leg, uint64_t more)
{
    uint64_t received = 0;
    if (leg->out_bytes + more <= leg->out_seen + QUEUE_LINK)
        return false;
    if (leg->relay || !tcp_counts(&leg->tcp, &received, &leg->out_seen))
        return false; // messages are counted by the high-water mark alone
    return leg->out_bytes + more > leg->out_seen + QUEUE_LINK;
}

static bool send_body(const leg_t *leg, span_t body)
{
    int events;
    size_t size = sizeof events;
    if (zmq_send(leg->socket, body.data, body.size, ZMQ_DONTWAIT) >= 0)
        return true;
    // libzmq learns at its leisure what the peer has taken; asked, it looks.
    zmq_getsockopt(leg->socket, ZMQ_EVENTS, &events, &size);
    return zmq_send(leg->socket, body.data, body.size, ZMQ_DONTWAIT) >= 0;
}

err_t dial_send(dial_t *dial, span_t message)
{
    leg_t *leg = &dial->link;
    if (!dial->up || dial->over || dial->end || dial->leaving)
        return ERR_DISCONNECTED;
    if (!queue_is_full(leg, frame_on_wire(message.size)) && send_body(leg, message)) {
        leg->out_bytes += frame_on_wire(message.size);
        return ERR_OK;
    }
    err_t reason = tcp_same(&leg->tcp) ? ERR_QUEUE_FULL : ERR_DISCONNECTED;
    dial_end(dial, reason);
    return reason;
}

// ---- the rest ----

net_link_t dial_link(const dial_t *dial)
{
    return dial->id;
}

const pubkey_t *dial_server(const dial_t *dial)
{
    return &dial->server;
}

bool dial_is_up(const dial_t *dial)
{
    return dial->up && !dial->end && !dial->over;
}

bool dial_is_over(const dial_t *dial)
{
    return dial->over;
}

// What is not read yet (before NET_UP) must not wake the loop either.
static size_t leg_poll_items(const leg_t *leg, bool up, zmq_pollitem_t *items, size_t capacity)
{
    const zmq_pollitem_t wanted[] = {
        {monitor_socket(leg->monitor), 0, ZMQ_POLLIN, 0},
        {leg->socket, 0, ZMQ_POLLIN, 0},
    };
    const size_t count = up ? 2 : 1;
    for (size_t i = 0; i < count && i < capacity; i++)
        items[i] = wanted[i];
    size_t room = capacity > count ? capacity - count : 0;
    return leg->relay ? count + relay_poll_items(leg->relay, room ? items + count : NULL, room)
                      : count;
}

size_t dial_poll_items(const dial_t *dial, void *zmq_pollitems, size_t capacity)
{
    zmq_pollitem_t *items = zmq_pollitems;
    size_t count = leg_poll_items(&dial->link, dial->up, items, capacity);
    size_t room = capacity > count ? capacity - count : 0;
    return count + leg_poll_items(&dial->feed, dial->up, room ? items + count : NULL, room);
}
