#include "daemon/net/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "lib/card.h"
#include "lib/mem.h"

enum { BUFFER = 64 * 1024, HOST_MAX = 255, NAME_SIZE = 16, BURST = 16 };

typedef enum { LISTENING, CONNECTING, GREETED, ASKED, THROUGH } state_t;

// Bytes on their way to one side.
typedef struct {
    uint8_t *bytes;
    size_t start, end;
} pipe_t;

struct relay {
    proxy_t proxy;
    char host[HOST_MAX + 1];
    uint16_t port;
    char endpoint[64];
    state_t state;
    int listener;
    int local;   // libzmq's socket, or -1
    int remote;  // the proxy, or -1
    bool ended;  // one side has closed: what is on its way is still passed on
    pipe_t up;   // to the proxy
    pipe_t down; // to libzmq
    uint64_t received;
};

// ---- addresses ----

static bool split(const char *text, char host[HOST_MAX + 1], char port[6])
{
    const char *colon = strrchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : 0;
    bool bracketed = size > 2 && text[0] == '[' && text[size - 1] == ']';
    if (bracketed) {
        text++;
        size -= 2;
    }
    if (size < 1 || size > HOST_MAX || strlen(colon + 1) < 1 || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    memcpy(host, text, size);
    host[size] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

bool proxy_parse(const char *text, proxy_t *proxy, fault_t *fault)
{
    char host[HOST_MAX + 1], port[6];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (!split(text, host, port)) {
        fault_set(fault, ERR_BAD_CONFIG, text, "not HOST:PORT");
        return false;
    }
    int number = getaddrinfo(host, port, &hints, &found);
    if (number) {
        fault_set(fault, ERR_BAD_CONFIG, text, "%s", gai_strerror(number));
        return false;
    }
    memset(&proxy->address, 0, sizeof proxy->address);
    memcpy(&proxy->address, found->ai_addr, found->ai_addrlen);
    proxy->size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

// ---- making and ending ----

// A name that nobody can guess; who comes is checked all the same.
static int listen_local(char endpoint[64])
{
    uint8_t random[NAME_SIZE];
    char name[2 * NAME_SIZE + 1];
    struct sockaddr_un address = {.sun_family = AF_UNIX}; // sun_path begins with NUL: abstract
    crypto_random(random, sizeof random);
    hex_format(random, sizeof random, name);
    int length = snprintf(endpoint, 64, "ipc://@enlace-%s", name) - 6;
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", endpoint + 7);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 1) == 0)
        return fd;
    close(fd);
    return -1;
}

relay_t *relay_new(const proxy_t *proxy, const char *target, fault_t *fault)
{
    char port[6];
    relay_t *relay = mem_alloc(sizeof *relay);
    relay->local = relay->remote = -1;
    relay->proxy = *proxy;
    relay->listener = listen_local(relay->endpoint);
    relay->up.bytes = mem_alloc(BUFFER);
    relay->down.bytes = mem_alloc(BUFFER);
    if (relay->listener < 0)
        fault_set(fault, ERR_INTERNAL, "relay", "%s", strerror(errno));
    else if (strncmp(target, "tcp://", 6) != 0 || !split(target + 6, relay->host, port))
        fault_set(fault, ERR_BAD_VALUE, target, "not tcp://HOST:PORT");
    else {
        relay->port = (uint16_t)strtoul(port, NULL, 10);
        return relay;
    }
    relay_destroy(&relay);
    return NULL;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void relay_destroy(relay_t **relay)
{
    if (!*relay)
        return;
    close_fd(&(*relay)->listener);
    close_fd(&(*relay)->local);
    close_fd(&(*relay)->remote);
    mem_free((*relay)->up.bytes);
    mem_free((*relay)->down.bytes);
    mem_free(*relay);
    *relay = NULL;
}

// Drops this connection and waits for the next: libzmq tries again.
static void start_over(relay_t *relay)
{
    close_fd(&relay->local);
    close_fd(&relay->remote);
    relay->up.start = relay->up.end = relay->down.start = relay->down.end = 0;
    relay->ended = false;
    relay->state = LISTENING;
}

// ---- passing bytes on ----

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static size_t waiting(const pipe_t *pipe)
{
    return pipe->end - pipe->start;
}

// Reads what there is room for. False at the end of the stream.
static bool fill(int fd, pipe_t *pipe)
{
    if (pipe->start == pipe->end)
        pipe->start = pipe->end = 0;
    if (pipe->end == BUFFER)
        return true;
    ssize_t got = recv(fd, pipe->bytes + pipe->end, BUFFER - pipe->end, MSG_DONTWAIT);
    if (got > 0)
        pipe->end += (size_t)got;
    return got > 0 || (got < 0 && would_block());
}

// Writes what is taken. False where nothing ever will be.
static bool flush(int fd, pipe_t *pipe)
{
    if (pipe->start == pipe->end)
        return true;
    ssize_t put = send(fd, pipe->bytes + pipe->start, waiting(pipe), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put > 0)
        pipe->start += (size_t)put;
    return put > 0 || (put < 0 && would_block());
}

static void pass_on(relay_t *relay)
{
    for (int round = 0; round < BURST; round++) {
        size_t before = waiting(&relay->up) + waiting(&relay->down);
        if (!relay->ended) {
            bool local_open = fill(relay->local, &relay->up);
            bool remote_open = fill(relay->remote, &relay->down);
            relay->ended = !local_open || !remote_open;
        }
        size_t to_local = waiting(&relay->down);
        bool sent = flush(relay->remote, &relay->up);
        sent = flush(relay->local, &relay->down) && sent;
        relay->received += to_local - waiting(&relay->down);
        size_t left = waiting(&relay->up) + waiting(&relay->down);
        if (!sent || (relay->ended && left == 0)) {
            start_over(relay);
            return;
        }
        if (left == 0 && before == 0 && to_local == 0)
            return;
    }
}

// ---- RFC 1928 ----

static bool put(pipe_t *pipe, const void *bytes, size_t size)
{
    if (BUFFER - pipe->end < size)
        return false;
    memcpy(pipe->bytes + pipe->end, bytes, size);
    pipe->end += size;
    return true;
}

static bool ask(relay_t *relay)
{
    const uint8_t head[] = {5, 1, 0}; // version, CONNECT, reserved
    const uint8_t port[] = {(uint8_t)(relay->port >> 8), (uint8_t)relay->port};
    uint8_t address[2 + HOST_MAX];
    size_t size;
    if (inet_pton(AF_INET, relay->host, address + 1) == 1) {
        address[0] = 1;
        size = 1 + 4;
    } else if (inet_pton(AF_INET6, relay->host, address + 1) == 1) {
        address[0] = 4;
        size = 1 + 16;
    } else {
        size_t length = strlen(relay->host);
        address[0] = 3;
        address[1] = (uint8_t)length;
        memcpy(address + 2, relay->host, length);
        size = 2 + length;
    }
    return put(&relay->up, head, sizeof head) && put(&relay->up, address, size) &&
           put(&relay->up, port, sizeof port);
}

// Size of the reply that begins here, 0 while that cannot be told.
static size_t reply_size(const pipe_t *pipe)
{
    const uint8_t *reply = pipe->bytes + pipe->start;
    if (waiting(pipe) < 5)
        return 0;
    switch (reply[3]) {
    case 1:
        return 6 + 4;
    case 4:
        return 6 + 16;
    case 3:
        return 7 + (size_t)reply[4];
    default:
        return SIZE_MAX;
    }
}

// What the proxy says, step by step. False where it refuses or talks nonsense.
static bool converse(relay_t *relay)
{
    pipe_t *in = &relay->down;
    const uint8_t *at = in->bytes + in->start;
    if (relay->state == GREETED && waiting(in) >= 2) {
        if (at[0] != 5 || at[1] != 0 || !ask(relay))
            return false;
        in->start += 2;
        relay->state = ASKED;
        at += 2;
    }
    if (relay->state != ASKED)
        return true;
    size_t size = reply_size(in);
    if (size == SIZE_MAX || (waiting(in) >= 2 && (at[0] != 5 || at[1] != 0)))
        return false;
    if (size && waiting(in) >= size) {
        in->start += size;
        relay->state = THROUGH;
    }
    return true;
}

// ---- states ----

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid();
}

static void take_in(relay_t *relay)
{
    int fd = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    relay->local = fd;
    relay->received = 0;
    relay->remote = is_ours(fd) ? socket(relay->proxy.address.ss_family,
                                         SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
                                : -1;
    if (relay->remote < 0 ||
        (connect(relay->remote, (struct sockaddr *)&relay->proxy.address, relay->proxy.size) != 0 &&
         errno != EINPROGRESS))
        start_over(relay);
    else
        relay->state = CONNECTING;
}

static bool connected(relay_t *relay)
{
    const uint8_t greeting[] = {5, 1, 0}; // version, one method: no authentication
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int error = 0;
    socklen_t error_size = sizeof error;
    if (getsockopt(relay->remote, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0 || error)
        return false;
    if (getpeername(relay->remote, (struct sockaddr *)&peer, &size) != 0)
        return true; // not yet
    relay->state = GREETED;
    return put(&relay->up, greeting, sizeof greeting);
}

static bool local_ended(const relay_t *relay)
{
    uint8_t byte;
    return recv(relay->local, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void relay_drain(relay_t *relay)
{
    if (relay->state == LISTENING)
        take_in(relay);
    if (relay->state == CONNECTING && (local_ended(relay) || !connected(relay)))
        start_over(relay);
    if (relay->state == GREETED || relay->state == ASKED)
        if (local_ended(relay) || !flush(relay->remote, &relay->up) ||
            !fill(relay->remote, &relay->down) || !converse(relay) ||
            !flush(relay->remote, &relay->up))
            start_over(relay);
    if (relay->state == THROUGH)
        pass_on(relay);
}

// ---- for the edge ----

const char *relay_endpoint(const relay_t *relay)
{
    return relay->endpoint;
}

bool relay_through(const relay_t *relay)
{
    return relay->state == THROUGH;
}

uint64_t relay_received(const relay_t *relay)
{
    return relay->received;
}

size_t relay_poll_items(const relay_t *relay, void *zmq_pollitems, size_t capacity)
{
    zmq_pollitem_t *items = zmq_pollitems;
    bool through = relay->state == THROUGH;
    short read_local = through && !relay->ended && relay->up.end < BUFFER ? ZMQ_POLLIN : 0;
    short read_remote = !relay->ended && relay->down.end < BUFFER ? ZMQ_POLLIN : 0;
    short write_local = through && waiting(&relay->down) ? ZMQ_POLLOUT : 0;
    bool connecting = relay->state == CONNECTING;
    short write_remote = connecting || waiting(&relay->up) ? ZMQ_POLLOUT : 0;
    zmq_pollitem_t wanted[2] = {
        {NULL, relay->local, (short)(read_local | write_local), 0},
        {NULL, relay->remote, (short)((connecting ? 0 : read_remote) | write_remote), 0},
    };
    if (relay->state == LISTENING)
        wanted[0] = (zmq_pollitem_t){NULL, relay->listener, ZMQ_POLLIN, 0};
    size_t count = relay->state == LISTENING ? 1 : 2;
    for (size_t i = 0; i < count && i < capacity; i++)
        items[i] = wanted[i];
    return count;
}
