// What the tests of the network edge share: keys, free ports, and waiting for
// an event with a deadline instead of sleeping. Raw libzmq, so that what is
// tested does not vouch for itself.
#ifndef ENLACE_TESTS_ZMQ_HELPERS_H
#define ENLACE_TESTS_ZMQ_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define UNUSED __attribute__((unused))

enum { DEADLINE_MS = 20000, QUIET_MS = 300 }; // for what must, and for what must not happen

typedef struct {
    uint8_t public_key[32];
    uint8_t secret_key[32];
} pair_t;

static UNUSED pair_t pair_new(void)
{
    pair_t pair;
    assert_int_equal(crypto_box_keypair(pair.public_key, pair.secret_key), 0);
    return pair;
}

static UNUSED int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static UNUSED int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 8) == 0)
        return fd;
    close(fd);
    return -1;
}

static UNUSED uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static UNUSED bool port_is_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0;
    close(fd);
    return is_free;
}

// A port that is free and whose neighbour is, on every address. Below those that
// the kernel gives to connections, so that it stays free.
static UNUSED uint16_t free_port(void)
{
    for (int tries = 0; tries < 1000; tries++) {
        uint16_t port = (uint16_t)(10000 + randombytes_uniform(22000));
        if (port_is_free(port) && port_is_free((uint16_t)(port + 1)))
            return port;
    }
    fail_msg("no two free ports");
    return 0;
}

static UNUSED int tcp_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const int on = 1; // else each frame waits for the other's acknowledgement
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static UNUSED void set_int(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

static UNUSED void set_bytes(void *socket, int option, const void *bytes, size_t size)
{
    assert_int_equal(zmq_setsockopt(socket, option, bytes, size), 0);
}

static UNUSED int get_int(void *socket, int option)
{
    int value = -1;
    size_t size = sizeof value;
    assert_int_equal(zmq_getsockopt(socket, option, &value, &size), 0);
    return value;
}

// ---- sockets that a failing test leaves open are closed after it ----

typedef struct {
    void *zmq;
    void *sockets[64];
    size_t count;
    unsigned watches;
} bench_t;

static UNUSED void *bench_socket(bench_t *bench, int type)
{
    void *socket = zmq_socket(bench->zmq, type);
    assert_non_null(socket);
    assert_true(bench->count < sizeof bench->sockets / sizeof *bench->sockets);
    bench->sockets[bench->count++] = socket;
    set_int(socket, ZMQ_LINGER, 0);
    return socket;
}

static UNUSED void bench_close(bench_t *bench, void *socket)
{
    for (size_t i = 0; i < bench->count; i++)
        if (bench->sockets[i] == socket) {
            bench->sockets[i] = bench->sockets[--bench->count];
            zmq_close(socket);
            return;
        }
    fail_msg("closed twice");
}

static UNUSED void bench_end(bench_t *bench)
{
    // All monitors first: one whose reader is gone would wait for it for ever.
    for (size_t i = 0; i < bench->count; i++)
        zmq_socket_monitor(bench->sockets[i], NULL, 0); // does nothing where there is none
    for (size_t i = 0; i < bench->count; i++)
        zmq_close(bench->sockets[i]);
    zmq_ctx_term(bench->zmq);
}

// ---- a raw peer ----

static UNUSED void *client_socket(bench_t *bench, int type, const pair_t *own,
                                  const uint8_t *server)
{
    void *socket = bench_socket(bench, type);
    set_int(socket, ZMQ_RECONNECT_IVL, 20);
    set_bytes(socket, ZMQ_CURVE_PUBLICKEY, own->public_key, 32);
    set_bytes(socket, ZMQ_CURVE_SECRETKEY, own->secret_key, 32);
    set_bytes(socket, ZMQ_CURVE_SERVERKEY, server, 32);
    return socket;
}

static UNUSED void connect_port(void *socket, uint16_t port)
{
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    assert_int_equal(zmq_connect(socket, endpoint), 0);
}

// Events of a socket.
static UNUSED void *watch(bench_t *bench, void *socket, int hwm)
{
    char name[64];
    snprintf(name, sizeof name, "inproc://watch-%u", ++bench->watches);
    assert_int_equal(zmq_socket_monitor(socket, name, ZMQ_EVENT_ALL), 0);
    void *events = bench_socket(bench, ZMQ_PAIR);
    set_int(events, ZMQ_RCVHWM, hwm);
    assert_int_equal(zmq_connect(events, name), 0);
    return events;
}

// The next event that has come; 0 where none has.
static UNUSED int event_now(void *events, uint32_t *value)
{
    uint8_t frame[6];
    uint16_t type;
    uint32_t number;
    if (zmq_recv(events, frame, sizeof frame, ZMQ_DONTWAIT) != 6)
        return 0;
    memcpy(&type, frame, sizeof type);
    memcpy(&number, frame + 2, sizeof number);
    assert_true(zmq_recv(events, NULL, 0, 0) >= 0);
    if (value)
        *value = number;
    return type;
}

// ---- sending and receiving ----

static UNUSED void send_text(void *socket, const char *text, int flags)
{
    assert_int_equal(zmq_send(socket, text, strlen(text), flags), (int)strlen(text));
}

static UNUSED bool frame_is(zmq_msg_t *frame, const char *text)
{
    return zmq_msg_size(frame) == strlen(text) &&
           memcmp(zmq_msg_data(frame), text, strlen(text)) == 0;
}

#endif
