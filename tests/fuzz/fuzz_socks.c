// What a SOCKS5 proxy says to the relay (daemon/net/relay.c). The first byte says
// whom it is asked for; then pieces, each a byte of size and as many bytes, sent
// one at a time. What must come of it is told by a reading of RFC 1928 of its own.
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/net/relay.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

enum { STREAM_MAX = 16 * 1024, PIECES_MAX = 32 };

typedef struct {
    relay_t *relay;
    int proxy; // the proxy's end
    int local; // libzmq's end
    buf_t sent, heard, delivered;
} scene_t;

static int listener = -1;
static proxy_t address;

static void start(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = sizeof name;
    // Of its own choosing, in the abstract namespace.
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    FUZZ_EXPECT(bind(listener, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0);
    FUZZ_EXPECT(listen(listener, 4) == 0);
    FUZZ_EXPECT(getsockname(listener, (struct sockaddr *)&name, &size) == 0);
    memcpy(&address.address, &name, size);
    address.size = size;
}

// As libzmq does: to the abstract name behind ipc://@.
static int connect_local(const relay_t *relay)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *path = relay_endpoint(relay) + strlen("ipc://@");
    memcpy(name.sun_path + 1, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(path));
    FUZZ_EXPECT(connect(fd, (struct sockaddr *)&name, size) == 0);
    return fd;
}

static void take(int fd, buf_t *to)
{
    uint8_t bytes[4096];
    for (ssize_t got; (got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        buf_append(to, span_of(bytes, (size_t)got));
}

static void turn(scene_t *scene)
{
    relay_drain(scene->relay);
    take(scene->proxy, &scene->heard);
    take(scene->local, &scene->delivered);
}

static const char *const targets[] = {"tcp://192.0.2.1:7000", "tcp://[2001:db8::1]:65534",
                                      "tcp://hub.example.org:1"};

// What RFC 1928 has the client say: no authentication, then CONNECT.
static buf_t expected_words(size_t target)
{
    static const uint8_t four[] = {5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 27, 88};
    static const uint8_t six[] = {5, 1, 0, 5, 1, 0, 4, 0x20, 1, 0x0d, 0xb8, 0,   0,
                                  0, 0, 0, 0, 0, 0, 0, 0,    0, 1,    0xff, 0xfe};
    static const uint8_t name[] = "\5\1\0\5\1\0\3\17hub.example.org\0\1";
    const span_t all[] = {span_of(four, sizeof four), span_of(six, sizeof six),
                          span_of(name, sizeof name - 1)};
    return buf_copy(all[target]);
}

// Bytes of method and reply where they say yes; 0 where they do not, or not yet.
static size_t agreed(span_t said)
{
    size_t size;
    if (said.size < 7 || said.data[0] != 5 || said.data[1] != 0)
        return 0;
    const uint8_t *reply = said.data + 2;
    if (reply[0] != 5 || reply[1] != 0)
        return 0;
    if (reply[3] == 1)
        size = 4 + 4 + 2;
    else if (reply[3] == 4)
        size = 4 + 16 + 2;
    else if (reply[3] == 3)
        size = 4 + 1 + (size_t)reply[4] + 2;
    else
        return 0;
    return said.size - 2 >= size ? 2 + size : 0;
}

static void converse(scene_t *scene, span_t input)
{
    for (unsigned i = 0; i < PIECES_MAX && input.size; i++) {
        size_t size = fuzz_u8(&input);
        span_t piece = fuzz_bytes(&input, size);
        // Fails where the relay has hung up already.
        if (send(scene->proxy, piece.data, piece.size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            return;
        buf_append(&scene->sent, piece);
        turn(scene);
    }
}

static void check_through(scene_t *scene, size_t target)
{
    buf_t words = expected_words(target);
    size_t prefix = agreed(buf_span(&scene->sent));
    FUZZ_EXPECT(relay_through(scene->relay) == (prefix > 0));
    if (!prefix) {
        FUZZ_EXPECT(scene->delivered.size == 0);
        FUZZ_EXPECT(scene->heard.size <= words.size);
        FUZZ_EXPECT(memcmp(scene->heard.data, words.data, scene->heard.size) == 0);
        buf_free(&words);
        return;
    }
    span_t rest = span_of(scene->sent.data + prefix, scene->sent.size - prefix);
    FUZZ_EXPECT(span_equal(buf_span(&scene->heard), buf_span(&words)));
    FUZZ_EXPECT(span_equal(buf_span(&scene->delivered), rest));
    FUZZ_EXPECT(relay_received(scene->relay) == rest.size);
    FUZZ_EXPECT(send(scene->local, "up", 2, MSG_NOSIGNAL) == 2);
    turn(scene);
    FUZZ_EXPECT(scene->heard.size == words.size + 2);
    buf_free(&words);
}

static void one(span_t input)
{
    scene_t scene = {0};
    fault_t fault = {0};
    size_t target = fuzz_u8(&input) % (sizeof targets / sizeof *targets);
    scene.relay = relay_new(&address, targets[target], &fault);
    FUZZ_EXPECT(scene.relay);
    scene.local = connect_local(scene.relay);
    relay_drain(scene.relay);
    scene.proxy = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    FUZZ_EXPECT(scene.proxy >= 0);
    turn(&scene);
    converse(&scene, input);
    turn(&scene);
    check_through(&scene, target);
    close(scene.proxy);
    turn(&scene);
    FUZZ_EXPECT(!relay_through(scene.relay));
    relay_destroy(&scene.relay);
    close(scene.local);
    buf_free(&scene.sent);
    buf_free(&scene.heard);
    buf_free(&scene.delivered);
}

const fuzz_target_t fuzz_target = {.one = one, .start = start, .peak_bytes = 512 * 1024};
