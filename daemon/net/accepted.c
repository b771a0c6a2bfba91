#include "daemon/net/accepted.h"

#include <string.h>

#include "lib/mem.h"

struct accepted {
    edge_t *edge;
    monitor_t *monitor;
    conn_t **by_fd; // entries are made when first needed and then used again
    size_t capacity;
    size_t open;
    size_t most;
    uint64_t backlog;
    uint64_t last_serial;
    size_t refused; // by the ZAP handler, which told; their connections are still to end
};

accepted_t *accepted_new(edge_t *edge, void *socket, size_t most, uint64_t backlog)
{
    monitor_t *monitor = monitor_new(edge, socket);
    if (!monitor)
        return NULL;
    accepted_t *accepted = mem_alloc(sizeof *accepted);
    accepted->edge = edge;
    accepted->monitor = monitor;
    accepted->most = most;
    accepted->backlog = backlog;
    return accepted;
}

void accepted_destroy(accepted_t **accepted)
{
    if (!*accepted)
        return;
    monitor_destroy(&(*accepted)->monitor);
    for (size_t i = 0; i < (*accepted)->capacity; i++)
        mem_free((*accepted)->by_fd[i]);
    mem_free((*accepted)->by_fd);
    mem_free(*accepted);
    *accepted = NULL;
}

void *accepted_monitor(const accepted_t *accepted)
{
    return monitor_socket(accepted->monitor);
}

// ---- what the monitor tells ----

static conn_t *entry(accepted_t *accepted, int fd)
{
    if (fd < 0 || (size_t)fd >= accepted->capacity)
        return NULL;
    return accepted->by_fd[fd];
}

static conn_t *make_entry(accepted_t *accepted, int fd)
{
    size_t place = (size_t)fd;
    if (place >= accepted->capacity) {
        size_t capacity = (place + 64) & ~(size_t)63;
        accepted->by_fd = mem_resize(accepted->by_fd, capacity * sizeof(conn_t *));
        for (size_t i = accepted->capacity; i < capacity; i++)
            accepted->by_fd[i] = NULL;
        accepted->capacity = capacity;
    }
    if (!accepted->by_fd[place])
        accepted->by_fd[place] = mem_alloc(sizeof(conn_t));
    return accepted->by_fd[place];
}

static void forget(accepted_t *accepted, conn_t *conn)
{
    if (conn->open)
        accepted->open--;
    conn->open = false;
}

// Who ends before having said anything failed in the handshake, or in what
// should have been one. libzmq would tell more, but see monitor.h.
static void closed(accepted_t *accepted, conn_t *conn)
{
    if (!conn || !conn->open)
        return;
    forget(accepted, conn);
    if (conn->cut || conn->named)
        return;
    if (accepted->refused > 0)
        accepted->refused--;
    else
        edge_refused(accepted->edge, 0, ERR_HANDSHAKE_FAILED, conn->where);
}

static void opened(accepted_t *accepted, int fd)
{
    if (fd < 0)
        return;
    conn_t *conn = make_entry(accepted, fd);
    forget(accepted, conn);
    *conn = (conn_t){.serial = ++accepted->last_serial,
                     .tcp = tcp_of(fd),
                     .since_ms = accepted->edge->now_ms,
                     .open = true};
    tcp_peer(&conn->tcp, conn->where);
    accepted->open++;
}

// Of those that have not said who they are the oldest, for honest handshakes
// take milliseconds; failing that the newest.
static conn_t *least_wanted(accepted_t *accepted)
{
    conn_t *oldest = NULL, *newest = NULL;
    size_t place = 0;
    for (conn_t *conn; (conn = accepted_next(accepted, &place));) {
        if (conn->cut)
            continue;
        if (!conn->named && (!oldest || conn->serial < oldest->serial))
            oldest = conn;
        if (!newest || conn->serial > newest->serial)
            newest = conn;
    }
    return oldest ? oldest : newest;
}

static void make_room(accepted_t *accepted)
{
    size_t count = 0, place = 0;
    if (accepted->open <= accepted->most)
        return;
    for (conn_t *conn; (conn = accepted_next(accepted, &place));)
        count += !conn->cut;
    for (; count > accepted->most; count--) {
        conn_t *conn = least_wanted(accepted);
        accepted_cut(conn, ERR_TOO_MANY_LINKS);
        edge_refused(accepted->edge, conn->link, ERR_TOO_MANY_LINKS, conn->where);
    }
}

void accepted_drain(accepted_t *accepted)
{
    monitor_event_t event;
    while (monitor_next(accepted->monitor, &event)) {
        if (event.type == SOCKET_ACCEPTED)
            opened(accepted, event.fd);
        else if (event.type == SOCKET_DISCONNECTED)
            closed(accepted, entry(accepted, event.fd));
        else if (event.type == SOCKET_REFUSED)
            accepted->refused++;
    }
    make_room(accepted);
}

// ---- looking up ----

conn_t *accepted_find(accepted_t *accepted, int fd)
{
    conn_t *conn = entry(accepted, fd);
    if (!conn || !conn->open) {
        accepted_drain(accepted);
        conn = entry(accepted, fd);
    }
    return conn && conn->open && !conn->cut ? conn : NULL;
}

conn_t *accepted_at(accepted_t *accepted, int fd, uint64_t serial)
{
    conn_t *conn = entry(accepted, fd);
    return conn && conn->serial == serial ? conn : NULL;
}

conn_t *accepted_next(accepted_t *accepted, size_t *place)
{
    while (*place < accepted->capacity) {
        conn_t *conn = accepted->by_fd[(*place)++];
        if (conn && conn->open)
            return conn;
    }
    return NULL;
}

// ---- whom to drop ----

void accepted_name(conn_t *conn, const pubkey_t *key)
{
    conn->named = true;
    conn->key = *key;
}

void accepted_cut(conn_t *conn, err_t reason)
{
    conn->cut = reason;
    tcp_cut(&conn->tcp);
}

void accepted_keep(accepted_t *accepted)
{
    size_t place = 0;
    accepted_drain(accepted);
    for (conn_t *conn; (conn = accepted_next(accepted, &place));)
        if (!conn->cut && !(conn->named && keyset_has(&accepted->edge->admitted, &conn->key)))
            accepted_cut(conn, ERR_REVOKED);
}

static err_t verdict(const accepted_t *accepted, const conn_t *conn)
{
    uint64_t received = 0, acknowledged = 0;
    if (!conn->named && accepted->edge->now_ms - conn->since_ms > UNNAMED_MS)
        return ERR_SILENT;
    if (tcp_counts(&conn->tcp, &received, &acknowledged) &&
        received > conn->in_bytes + accepted->backlog)
        return ERR_TOO_BIG;
    return ERR_OK;
}

void accepted_sweep(accepted_t *accepted)
{
    size_t place = 0;
    for (conn_t *conn; (conn = accepted_next(accepted, &place));) {
        err_t err = conn->cut ? ERR_OK : verdict(accepted, conn);
        if (err) {
            accepted_cut(conn, err);
            edge_refused(accepted->edge, conn->link, err, conn->where);
        }
    }
}
