#include "daemon/net/options.h"

#include <zmq.h>

// Stands among the drafts of Debian's zmq.h, and is in its library all the same.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

enum {
    BOUND = ROLE_ROUTER | ROLE_XPUB,
    DIALLING = ROLE_DEALER | ROLE_SUB,
    LINKS = ROLE_ROUTER | ROLE_DEALER,
    ALL = BOUND | DIALLING
};

typedef enum { AS_INT, AS_INT64 } width_t;

// No ZMTP heartbeats: with a stalled receive pipe they can abort the process.
// What is not here has libzmq's default. docs/zeromq.md has the reasons.
static const struct {
    const char *name;
    int option;
    width_t width;
    int value;
    unsigned roles;
} table[] = {
    {"IPV6", ZMQ_IPV6, AS_INT, 1, ALL},
    {"TCP_KEEPALIVE", ZMQ_TCP_KEEPALIVE, AS_INT, 1, ALL},
    {"TCP_KEEPALIVE_IDLE", ZMQ_TCP_KEEPALIVE_IDLE, AS_INT, 30, ALL},   // seconds
    {"TCP_KEEPALIVE_INTVL", ZMQ_TCP_KEEPALIVE_INTVL, AS_INT, 10, ALL}, // seconds
    {"TCP_KEEPALIVE_CNT", ZMQ_TCP_KEEPALIVE_CNT, AS_INT, 3, ALL},
    {"TCP_MAXRT", ZMQ_TCP_MAXRT, AS_INT, 60000, ALL},
    {"HANDSHAKE_IVL", ZMQ_HANDSHAKE_IVL, AS_INT, 10000, ALL},
    {"LINGER", ZMQ_LINGER, AS_INT, LINGER_RESET_MS, ALL},
    {"BACKLOG", ZMQ_BACKLOG, AS_INT, 256, BOUND},
    {"CONNECT_TIMEOUT", ZMQ_CONNECT_TIMEOUT, AS_INT, 15000, DIALLING},
    // Frames, with the 33 bytes that CURVE adds. It holds in the handshake too,
    // where INITIATE has 257 and more: less than 512 keeps subscribers out.
    {"MAXMSGSIZE", ZMQ_MAXMSGSIZE, AS_INT64, DATA_MAX, LINKS},
    {"MAXMSGSIZE", ZMQ_MAXMSGSIZE, AS_INT64, 512, ROLE_XPUB},
    {"MAXMSGSIZE", ZMQ_MAXMSGSIZE, AS_INT64, 64 * 1024, ROLE_SUB},
    // Above the largest credit divided by the least that a message is charged, so
    // that no honest peer fills a pipe; bytes are bounded by BACKLOG and QUEUE.
    {"RCVHWM", ZMQ_RCVHWM, AS_INT, 8192, LINKS},
    {"SNDHWM", ZMQ_SNDHWM, AS_INT, 8192, LINKS},
    // A turn publishes what it committed in one burst, faster than the I/O thread
    // encrypts for forty: half a second at 2,000 a second.
    {"SNDHWM", ZMQ_SNDHWM, AS_INT, 1024, ROLE_XPUB},
    {"RCVHWM", ZMQ_RCVHWM, AS_INT, 0, ROLE_SUB}, // by bytes: BACKLOG_FEED
    {"SNDHWM", ZMQ_SNDHWM, AS_INT, 0, ROLE_SUB}, // no subscription is dropped
    {"ROUTER_MANDATORY", ZMQ_ROUTER_MANDATORY, AS_INT, 1, ROLE_ROUTER},
    {"XPUB_VERBOSER", ZMQ_XPUB_VERBOSER, AS_INT, 1, ROLE_XPUB},
    // Without IMMEDIATE, which throws away what a lost connection brought last;
    // nothing is sent before the handshake is done in any case.
    // A link is never connected a second time: its socket is gone before that.
    // But without an interval libzmq does not tell that an attempt has failed.
    {"RECONNECT_IVL", ZMQ_RECONNECT_IVL, AS_INT, 60000, ROLE_DEALER},
    {"RECONNECT_IVL", ZMQ_RECONNECT_IVL, AS_INT, 500, ROLE_SUB},
    {"RECONNECT_IVL_MAX", ZMQ_RECONNECT_IVL_MAX, AS_INT, 60000, ROLE_SUB},
};

static bool set(void *socket, int option, const void *value, size_t size, const char *name,
                fault_t *fault)
{
    if (zmq_setsockopt(socket, option, value, size) == 0)
        return true;
    fault_set(fault, ERR_INTERNAL, name, "%s", zmq_strerror(zmq_errno()));
    return false;
}

static bool set_all(void *socket, role_t role, fault_t *fault)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const int narrow = table[i].value;
        const int64_t wide = narrow;
        bool is_wide = table[i].width == AS_INT64;
        const void *value = is_wide ? (const void *)&wide : (const void *)&narrow;
        if ((table[i].roles & role) &&
            !set(socket, table[i].option, value, is_wide ? sizeof wide : sizeof narrow,
                 table[i].name, fault))
            return false;
    }
    return true;
}

// One I/O thread for all that belongs to a socket: its events then come in the
// order in which they happened. Where there are several, the first serves the
// peers that come in: resolving a name holds up the thread that dials.
static bool set_thread(edge_t *edge, void *socket, role_t role, fault_t *fault)
{
    int threads = zmq_ctx_get(edge->zmq, ZMQ_IO_THREADS);
    unsigned thread = 0;
    if ((role & DIALLING) && threads > 1)
        thread = 1 + (unsigned)(edge->last_link % (unsigned)(threads - 1));
    const uint64_t mask = (uint64_t)1 << (thread < 64 ? thread : 63);
    return set(socket, ZMQ_AFFINITY, &mask, sizeof mask, "AFFINITY", fault);
}

static bool set_server(edge_t *edge, void *socket, const char *domain, fault_t *fault)
{
    const int on = 1;
    int enforced = 0;
    size_t size = sizeof enforced;
    if (!set(socket, ZMQ_CURVE_SERVER, &on, sizeof on, "CURVE_SERVER", fault) ||
        !set(socket, ZMQ_CURVE_SECRETKEY, secret_bytes(edge->transport), KEY_SIZE,
             "CURVE_SECRETKEY", fault) ||
        !set(socket, ZMQ_ZAP_DOMAIN, domain, span_text(domain).size, "ZAP_DOMAIN", fault) ||
        !set(socket, ZMQ_ZAP_ENFORCE_DOMAIN, &on, sizeof on, "ZAP_ENFORCE_DOMAIN", fault))
        return false;
    if (zmq_getsockopt(socket, ZMQ_ZAP_ENFORCE_DOMAIN, &enforced, &size) == 0 && enforced == 1)
        return true;
    fault_set(fault, ERR_CANNOT_LISTEN, "ZAP_ENFORCE_DOMAIN", "libzmq does not enforce it");
    return false;
}

static bool set_client(edge_t *edge, void *socket, const pubkey_t *server, fault_t *fault)
{
    return set(socket, ZMQ_CURVE_PUBLICKEY, edge->transport_public.bytes, KEY_SIZE,
               "CURVE_PUBLICKEY", fault) &&
           set(socket, ZMQ_CURVE_SECRETKEY, secret_bytes(edge->transport), KEY_SIZE,
               "CURVE_SECRETKEY", fault) &&
           set(socket, ZMQ_CURVE_SERVERKEY, server->bytes, KEY_SIZE, "CURVE_SERVERKEY", fault);
}

static int type_of(role_t role)
{
    switch (role) {
    case ROLE_ROUTER:
        return ZMQ_ROUTER;
    case ROLE_XPUB:
        return ZMQ_XPUB;
    case ROLE_DEALER:
        return ZMQ_DEALER;
    case ROLE_SUB:
        break;
    }
    return ZMQ_SUB;
}

static void *make(edge_t *edge, role_t role, fault_t *fault)
{
    void *socket = zmq_socket(edge->zmq, type_of(role));
    if (!socket) {
        fault_set(fault, ERR_INTERNAL, "socket", "%s", zmq_strerror(zmq_errno()));
        return NULL;
    }
    if (!set_all(socket, role, fault) || !set_thread(edge, socket, role, fault))
        socket_close(&socket, LINGER_RESET_MS);
    return socket;
}

void *socket_bound(edge_t *edge, role_t role, const char *zap_domain, fault_t *fault)
{
    void *socket = make(edge, role, fault);
    if (socket && !set_server(edge, socket, zap_domain, fault))
        socket_close(&socket, LINGER_RESET_MS);
    return socket;
}

void *socket_dialling(edge_t *edge, role_t role, const pubkey_t *server, fault_t *fault)
{
    void *socket = make(edge, role, fault);
    if (socket && !set_client(edge, socket, server, fault))
        socket_close(&socket, LINGER_RESET_MS);
    return socket;
}

void socket_close(void **socket, int linger_ms)
{
    if (!*socket)
        return;
    zmq_setsockopt(*socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_close(*socket);
    *socket = NULL;
}
