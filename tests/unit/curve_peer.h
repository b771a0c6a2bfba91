// A CURVE client that is not libzmq: ZMTP 3.0 (RFC 23) and CurveZMQ (RFC 26) by
// hand over a blocking socket, so that it can say what libzmq never would.
#ifndef ENLACE_TESTS_CURVE_PEER_H
#define ENLACE_TESTS_CURVE_PEER_H

#include "zmq_helpers.h"

#include <poll.h>

enum { MORE = 1, LONG = 2, COMMAND = 4 }; // flags of a ZMTP frame

typedef struct {
    int fd;
    uint8_t server_transient[32];
    uint8_t secret_transient[32];
    uint64_t nonce;
} peer_t;

typedef bool (*pump_fn)(void *context); // keeps the other side going; false: give up

static UNUSED void peer_write(peer_t *peer, const void *bytes, size_t size)
{
    assert_int_equal(send(peer->fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static UNUSED void peer_read(peer_t *peer, void *bytes, size_t size, pump_fn pump, void *context)
{
    uint8_t *at = bytes;
    while (size > 0) {
        struct pollfd item = {peer->fd, POLLIN, 0};
        assert_true(pump(context));
        if (poll(&item, 1, 1) != 1)
            continue;
        ssize_t got = recv(peer->fd, at, size, 0);
        assert_true(got > 0);
        at += got;
        size -= (size_t)got;
    }
}

static UNUSED void put_u64(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static UNUSED size_t frame_head(uint8_t head[9], uint8_t flags, size_t size)
{
    if (size <= 255) {
        head[0] = flags;
        head[1] = (uint8_t)size;
        return 2;
    }
    head[0] = flags | LONG;
    put_u64(head + 1, size);
    return 9;
}

static UNUSED void peer_frame(peer_t *peer, uint8_t flags, const void *bytes, size_t size)
{
    uint8_t head[9];
    peer_write(peer, head, frame_head(head, flags, size));
    peer_write(peer, bytes, size);
}

// A nonce of 16 fixed bytes and a counter.
static UNUSED void counted_nonce(uint8_t nonce[24], const char *prefix, uint64_t number)
{
    memcpy(nonce, prefix, 16);
    put_u64(nonce + 16, number);
}

static UNUSED void peer_hello(peer_t *peer, const uint8_t *public_transient, const uint8_t *server)
{
    static const uint8_t zeros[64];
    uint8_t hello[200] = "\5HELLO\1";
    uint8_t nonce[24];
    memcpy(hello + 80, public_transient, 32);
    counted_nonce(nonce, "CurveZMQHELLO---", ++peer->nonce);
    memcpy(hello + 112, nonce + 16, 8);
    assert_int_equal(crypto_box_easy(hello + 120, zeros, 64, nonce, server, peer->secret_transient),
                     0);
    peer_frame(peer, COMMAND, hello, sizeof hello);
}

static UNUSED void peer_initiate(peer_t *peer, const uint8_t *cookie, const pair_t *own,
                                 const uint8_t *public_transient, const uint8_t *server,
                                 const char *metadata, size_t metadata_size)
{
    uint8_t plain[32 + 16 + 80 + 128], initiate[9 + 96 + 8 + 16 + sizeof plain] = "\10INITIATE";
    uint8_t vouch[64], nonce[24] = "VOUCH---";
    assert_true(metadata_size <= 128);
    memcpy(plain, own->public_key, 32);
    randombytes_buf(plain + 32, 16);
    memcpy(nonce + 8, plain + 32, 16);
    memcpy(vouch, public_transient, 32);
    memcpy(vouch + 32, server, 32);
    assert_int_equal(
        crypto_box_easy(plain + 48, vouch, 64, nonce, peer->server_transient, own->secret_key), 0);
    memcpy(plain + 128, metadata, metadata_size);
    counted_nonce(nonce, "CurveZMQINITIATE", ++peer->nonce);
    memcpy(initiate + 9, cookie, 96);
    memcpy(initiate + 105, nonce + 16, 8);
    assert_int_equal(crypto_box_easy(initiate + 113, plain, 128 + metadata_size, nonce,
                                     peer->server_transient, peer->secret_transient),
                     0);
    peer_frame(peer, COMMAND, initiate, 113 + 16 + 128 + metadata_size);
}

// Greeting, HELLO, WELCOME, INITIATE, READY.
static UNUSED void peer_connect(peer_t *peer, uint16_t port, const pair_t *own,
                                const uint8_t *server, const char *metadata, size_t metadata_size,
                                pump_fn pump, void *context)
{
    uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};
    uint8_t theirs[64], welcome[2 + 168], nonce[24] = "WELCOME-", plain[128];
    uint8_t public_transient[32];
    peer->fd = tcp_connect(port);
    peer->nonce = 0;
    assert_int_equal(crypto_box_keypair(public_transient, peer->secret_transient), 0);
    peer_write(peer, greeting, sizeof greeting);
    peer_read(peer, theirs, sizeof theirs, pump, context);
    peer_hello(peer, public_transient, server);
    peer_read(peer, welcome, sizeof welcome, pump, context);
    memcpy(nonce + 8, welcome + 2 + 8, 16);
    assert_int_equal(
        crypto_box_open_easy(plain, welcome + 2 + 24, 144, nonce, server, peer->secret_transient),
        0);
    memcpy(peer->server_transient, plain, 32);
    peer_initiate(peer, plain + 32, own, public_transient, server, metadata, metadata_size);
    uint8_t head[2], ready[255];
    peer_read(peer, head, sizeof head, pump, context);
    assert_int_equal(head[0], COMMAND);
    peer_read(peer, ready, head[1], pump, context);
    assert_memory_equal(ready, "\5READY", 6);
}

static const char dealer_metadata[] = "\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0\0";
static const char sub_metadata[] = "\13Socket-Type\0\0\0\3SUB";

// A message frame, boxed; `flags`: MORE, COMMAND.
static UNUSED size_t peer_box(peer_t *peer, uint8_t flags, const void *bytes, size_t size,
                              uint8_t *out)
{
    uint8_t nonce[24], *plain = test_malloc(1 + size);
    plain[0] = flags;
    memcpy(plain + 1, bytes, size);
    counted_nonce(nonce, "CurveZMQMESSAGEC", ++peer->nonce);
    size_t head = frame_head(out, 0, 33 + size);
    memcpy(out + head, "\7MESSAGE", 8);
    memcpy(out + head + 8, nonce + 16, 8);
    assert_int_equal(crypto_box_easy(out + head + 16, plain, 1 + size, nonce,
                                     peer->server_transient, peer->secret_transient),
                     0);
    test_free(plain);
    return head + 33 + size;
}

static UNUSED void peer_message(peer_t *peer, uint8_t flags, const void *bytes, size_t size)
{
    uint8_t *out = test_malloc(size + 64);
    peer_write(peer, out, peer_box(peer, flags, bytes, size, out));
    test_free(out);
}

#endif
