#include "daemon/net/router.h"

#include <string.h>
#include <zmq.h>

#include "daemon/net/frames.h"
#include "daemon/net/links.h"
#include "daemon/net/options.h"
#include "lib/mem.h"

struct router {
    edge_t *edge;
    void *socket;
    accepted_t *accepted;
    links_t *links;
};

enum { ROUTE_SIZE = 5 };

router_t *router_new(edge_t *edge, const char *endpoint, const char *zap_domain, size_t most,
                     fault_t *fault)
{
    void *socket = socket_bound(edge, ROLE_ROUTER, zap_domain, fault);
    // Watched before it is bound, so that no connection is missed.
    accepted_t *accepted = socket ? accepted_new(edge, socket, most, BACKLOG_LINK) : NULL;
    if (!accepted || zmq_bind(socket, endpoint) != 0) {
        if (socket)
            fault_set(fault, ERR_CANNOT_LISTEN, endpoint, "%s", zmq_strerror(zmq_errno()));
        accepted_destroy(&accepted);
        socket_close(&socket, LINGER_RESET_MS);
        return NULL;
    }
    router_t *router = mem_alloc(sizeof *router);
    *router = (router_t){edge, socket, accepted, links_new()};
    return router;
}

void router_destroy(router_t **router, int linger_ms)
{
    if (!*router)
        return;
    accepted_destroy(&(*router)->accepted);
    socket_close(&(*router)->socket, linger_ms);
    links_destroy(&(*router)->links);
    mem_free(*router);
    *router = NULL;
}

void *router_socket(const router_t *router)
{
    return router->socket;
}

void *router_monitor(const router_t *router)
{
    return accepted_monitor(router->accepted);
}

// ---- routing ids ----

// Those that the ROUTER made. A client may choose one; then it is another
// form, or a guess out of 2^32.
static bool route_of(span_t id, uint32_t *route)
{
    if (id.size != ROUTE_SIZE || id.data[0] != 0)
        return false;
    *route = (uint32_t)id.data[1] << 24 | (uint32_t)id.data[2] << 16 | (uint32_t)id.data[3] << 8 |
             id.data[4];
    return true;
}

static void route_format(uint32_t route, uint8_t id[ROUTE_SIZE])
{
    id[0] = 0;
    for (int i = 1; i < ROUTE_SIZE; i++)
        id[i] = (uint8_t)(route >> (8 * (ROUTE_SIZE - 1 - i)));
}

// ---- closing ----

static conn_t *conn_of(router_t *router, const link_t *link)
{
    return accepted_at(router->accepted, link->fd, link->serial);
}

static void report_down(router_t *router, link_t *link, err_t reason)
{
    if (link->closed)
        return;
    link->closed = true;
    edge_down(router->edge, link->id, false, reason, link->where);
}

static void refuse_link(router_t *router, link_t *link, err_t reason)
{
    conn_t *conn = conn_of(router, link);
    if (conn)
        accepted_cut(conn, reason);
    edge_refused(router->edge, link->id, reason, link->where);
    report_down(router, link, reason);
}

void router_close(router_t *router, net_link_t id)
{
    link_t *link = links_find(router->links, id);
    if (!link || link->closed)
        return;
    link->closed = true;
    link->cut_at_ms = edge_clock_ms() + BYE_MS;
}

// ---- messages ----

typedef struct {
    frames_t *frames;
    bool route_made; // by the ROUTER
    uint32_t route;
    pubkey_t key;
    int fd;
} arrival_t;

static err_t check_known(const router_t *router, const link_t *link, const arrival_t *arrival)
{
    if (!key_equal(&link->key, &arrival->key))
        return ERR_NOT_ALLOWED; // another key behind the same routing id
    if (!keyset_has(&router->edge->admitted, &arrival->key))
        return ERR_REVOKED;
    return arrival->frames->count == 2 ? ERR_OK : ERR_BAD_FRAMES;
}

static err_t check_new(const router_t *router, const conn_t *conn, const arrival_t *arrival)
{
    if (!arrival->route_made)
        return ERR_BAD_VALUE;
    if (conn->named && !key_equal(&conn->key, &arrival->key))
        return ERR_NOT_ALLOWED;
    if (!keyset_has(&router->edge->admitted, &arrival->key))
        return ERR_REVOKED;
    if (arrival->frames->count != 2)
        return ERR_BAD_FRAMES;
    if (links_count(router->links) >= LINKS_MAX ||
        links_of_key(router->links, &arrival->key) >= LINKS_PER_KEY)
        return ERR_TOO_MANY_LINKS;
    return ERR_OK;
}

// Two links over one descriptor: one of them is what an earlier connection left
// behind. Routing ids count upward, so the higher one is the living.
static bool is_left_over(router_t *router, const conn_t *conn, const arrival_t *arrival)
{
    link_t *other = conn->link ? links_find(router->links, conn->link) : NULL;
    if (!other || !arrival->route_made)
        return false;
    if ((int32_t)(arrival->route - other->route) < 0)
        return true;
    other->gone = true;
    return false;
}

static link_t *begin_link(router_t *router, conn_t *conn, const arrival_t *arrival)
{
    link_t *link = links_add(router->links, edge_next_link(router->edge), arrival->route);
    link->fd = conn->tcp.fd;
    link->serial = conn->serial;
    link->tcp = conn->tcp;
    link->key = arrival->key;
    memcpy(link->where, conn->where, sizeof link->where);
    accepted_name(conn, &arrival->key);
    conn->link = link->id;
    return link;
}

// The link that a first message begins; NULL where it does not.
static link_t *first_message(router_t *router, const arrival_t *arrival)
{
    conn_t *conn = accepted_find(router->accepted, arrival->fd);
    if (!conn || is_left_over(router, conn, arrival))
        return NULL;
    err_t err = check_new(router, conn, arrival);
    if (err) {
        accepted_cut(conn, err);
        edge_refused(router->edge, 0, err, conn->where);
        return NULL;
    }
    conn->in_bytes += arrival->frames->on_wire;
    link_t *link = begin_link(router, conn, arrival);
    edge_up(router->edge, link->id, false, &link->key, link->where);
    return link;
}

static link_t *later_message(router_t *router, link_t *link, const arrival_t *arrival)
{
    conn_t *conn = conn_of(router, link);
    if (conn)
        conn->in_bytes += arrival->frames->on_wire;
    if (link->closed)
        return link;
    err_t err = check_known(router, link, arrival);
    if (err)
        refuse_link(router, link, err);
    return link;
}

static void take_message(router_t *router, frames_t *frames)
{
    arrival_t arrival = {.frames = frames};
    if (frames->count < 2 || !frame_sender(&frames->parts[1], &arrival.key, &arrival.fd)) {
        edge_refused(router->edge, 0, ERR_BAD_FRAMES, NULL); // nobody is named: nobody to drop
        return;
    }
    arrival.route_made = route_of(frames_span(frames, 0), &arrival.route);
    link_t *link = arrival.route_made ? links_find_route(router->links, arrival.route) : NULL;
    link = link ? later_message(router, link, &arrival) : first_message(router, &arrival);
    if (!link || link->closed)
        return;
    net_event_t event = {.type = NET_MESSAGE,
                         .link = link->id,
                         .key = link->key,
                         .body = frames_span(frames, 1),
                         .where = link->where};
    router->edge->fn(router->edge->context, &event);
}

// ---- what became of the connections ----

// Whether a connection is about to be closed and its last messages to be handed on.
static bool look_at(router_t *router, link_t *link)
{
    conn_t *conn = conn_of(router, link);
    if (conn && link->cut_at_ms && router->edge->now_ms >= link->cut_at_ms && !conn->cut)
        accepted_cut(conn, ERR_STOPPING);
    if (conn && conn->cut)
        report_down(router, link, conn->cut);
    // libzmq hands on what came, and then closes: a closed socket sends no more.
    if (!conn || (!conn->open && !tcp_same(&link->tcp)))
        link->gone = true;
    return conn && !conn->open && !link->gone;
}

static void remove_gone(router_t *router)
{
    for (size_t i = 0; i < links_count(router->links);) {
        link_t *link = links_at(router->links, i);
        if (!link->gone) {
            i++;
            continue;
        }
        report_down(router, link, ERR_DISCONNECTED);
        links_remove(router->links, i);
    }
}

bool router_drain(router_t *router, size_t budget)
{
    bool closing = false, empty = false;
    frames_t frames;
    accepted_drain(router->accepted);
    for (size_t i = 0; i < links_count(router->links); i++)
        closing |= look_at(router, links_at(router->links, i));
    for (size_t done = 0; done < budget && !empty; done++) {
        empty = !frames_read(router->socket, true, &frames);
        if (!empty)
            take_message(router, &frames);
        frames_close(&frames);
    }
    if (empty)
        remove_gone(router);
    return closing || !empty;
}

// ---- sending ----

// Bytes given to the ROUTER that the peer's TCP has not acknowledged.
static bool queue_is_full(link_t *link, uint64_t more)
{
    uint64_t received = 0;
    if (link->out_bytes + more <= link->out_seen + QUEUE_LINK)
        return false;
    if (!tcp_counts(&link->tcp, &received, &link->out_seen))
        return false; // it is gone; that is told otherwise
    return link->out_bytes + more > link->out_seen + QUEUE_LINK;
}

static int send_route(router_t *router, const link_t *link)
{
    uint8_t id[ROUTE_SIZE];
    int events;
    size_t size = sizeof events;
    route_format(link->route, id);
    if (zmq_send(router->socket, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        return 0;
    if (zmq_errno() != EAGAIN)
        return zmq_errno();
    // libzmq learns at its leisure what the peer has taken; asked, it looks.
    zmq_getsockopt(router->socket, ZMQ_EVENTS, &events, &size);
    return zmq_send(router->socket, id, sizeof id, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 ? 0
                                                                                    : zmq_errno();
}

static err_t give_up(router_t *router, const link_t *link, err_t reason)
{
    conn_t *conn = conn_of(router, link);
    if (conn && !conn->cut)
        accepted_cut(conn, reason);
    edge_wake(router->edge);
    return reason;
}

err_t router_send(router_t *router, net_link_t id, span_t message)
{
    link_t *link = links_find(router->links, id);
    const conn_t *conn = link ? conn_of(router, link) : NULL;
    if (!conn || !conn->open || conn->cut || link->closed)
        return ERR_DISCONNECTED;
    if (queue_is_full(link, frame_on_wire(message.size)))
        return give_up(router, link, ERR_QUEUE_FULL);
    int number = send_route(router, link);
    if (number)
        return give_up(router, link, number == EAGAIN ? ERR_QUEUE_FULL : ERR_DISCONNECTED);
    if (zmq_send(router->socket, message.data, message.size, ZMQ_DONTWAIT) < 0)
        return give_up(router, link, ERR_DISCONNECTED);
    link->out_bytes += frame_on_wire(message.size);
    return ERR_OK;
}

// ---- the rest ----

void router_keep(router_t *router)
{
    accepted_keep(router->accepted);
    edge_wake(router->edge);
}

void router_sweep(router_t *router)
{
    accepted_sweep(router->accepted);
}

size_t router_links(const router_t *router)
{
    size_t count = 0;
    for (size_t i = 0; i < links_count(router->links); i++)
        count += !links_at(router->links, i)->closed;
    return count;
}
