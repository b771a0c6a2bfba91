#include "daemon/net/publisher.h"

#include <assert.h>
#include <zmq.h>

#include "daemon/net/accepted.h"
#include "daemon/net/frames.h"
#include "daemon/net/options.h"
#include "lib/mem.h"

struct publisher {
    edge_t *edge;
    void *socket;
    accepted_t *accepted;
};

publisher_t *publisher_new(edge_t *edge, const char *endpoint, const char *zap_domain, size_t most,
                           fault_t *fault)
{
    void *socket = socket_bound(edge, ROLE_XPUB, zap_domain, fault);
    accepted_t *accepted = socket ? accepted_new(edge, socket, most, BACKLOG_SUBSCRIBER) : NULL;
    if (!accepted || zmq_bind(socket, endpoint) != 0) {
        if (socket)
            fault_set(fault, ERR_CANNOT_LISTEN, endpoint, "%s", zmq_strerror(zmq_errno()));
        accepted_destroy(&accepted);
        socket_close(&socket, LINGER_RESET_MS);
        return NULL;
    }
    publisher_t *publisher = mem_alloc(sizeof *publisher);
    *publisher = (publisher_t){edge, socket, accepted};
    return publisher;
}

void publisher_destroy(publisher_t **publisher, int linger_ms)
{
    if (!*publisher)
        return;
    accepted_destroy(&(*publisher)->accepted);
    socket_close(&(*publisher)->socket, linger_ms);
    mem_free(*publisher);
    *publisher = NULL;
}

void *publisher_socket(const publisher_t *publisher)
{
    return publisher->socket;
}

void *publisher_monitor(const publisher_t *publisher)
{
    return accepted_monitor(publisher->accepted);
}

// ---- subscriptions ----

// Those of all the key's living connections. Unsubscriptions are counted too and
// take nothing away: libzmq hands on also those from what never was subscribed.
static size_t subscriptions_of(publisher_t *publisher, const pubkey_t *key)
{
    size_t count = 0, place = 0;
    for (conn_t *conn; (conn = accepted_next(publisher->accepted, &place));)
        if (conn->named && !conn->cut && key_equal(&conn->key, key))
            count += conn->subscriptions;
    return count;
}

// 1 or 0, then the topic: what XPUB makes of a subscription of any ZMTP version.
static err_t check(publisher_t *publisher, conn_t *conn, const pubkey_t *key, frames_t *frames)
{
    span_t frame = frames_span(frames, 0);
    if (conn->named && !key_equal(&conn->key, key))
        return ERR_NOT_ALLOWED;
    accepted_name(conn, key);
    if (!keyset_has(&publisher->edge->admitted, key))
        return ERR_REVOKED;
    if (frames->count != 1)
        return ERR_BAD_FRAMES;
    if (frame.size < 1 || frame.data[0] > 1)
        return ERR_UNEXPECTED;
    if (frame.size - 1 > TOPIC_MAX_BYTES)
        return ERR_BAD_TOPIC;
    conn->subscriptions++;
    if (subscriptions_of(publisher, key) > SUBSCRIPTIONS_MAX)
        return ERR_TOO_MANY_SUBSCRIPTIONS;
    return ERR_OK;
}

static void take_subscription(publisher_t *publisher, frames_t *frames)
{
    pubkey_t key;
    int fd;
    // What ends with a connection is told without a sender.
    if (!frame_sender(&frames->parts[0], &key, &fd))
        return;
    conn_t *conn = accepted_find(publisher->accepted, fd);
    if (!conn)
        return;
    conn->in_bytes += frames->on_wire;
    err_t err = check(publisher, conn, &key, frames);
    if (!err)
        return;
    accepted_cut(conn, err);
    edge_refused(publisher->edge, 0, err, conn->where);
}

bool publisher_drain(publisher_t *publisher, size_t budget)
{
    frames_t frames;
    accepted_drain(publisher->accepted);
    for (size_t done = 0; done < budget; done++) {
        if (!frames_read(publisher->socket, false, &frames))
            return false;
        take_subscription(publisher, &frames);
        frames_close(&frames);
    }
    return true;
}

// ---- publications ----

err_t publisher_send(publisher_t *publisher, span_t topic, span_t body)
{
    assert(topic.size <= TOPIC_MAX_BYTES);
    if (zmq_send(publisher->socket, topic.data, topic.size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_send(publisher->socket, body.data, body.size, ZMQ_DONTWAIT) < 0)
        return ERR_DISCONNECTED;
    return ERR_OK;
}

void publisher_keep(publisher_t *publisher)
{
    accepted_keep(publisher->accepted);
}

void publisher_sweep(publisher_t *publisher)
{
    accepted_sweep(publisher->accepted);
}
