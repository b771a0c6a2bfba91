// The bound sockets: what libzmq tells of connections and hands on of messages, of
// any number of frames, from any key, behind any routing id. libzmq itself is
// replaced: the program is linked with --wrap for what daemon/net calls of it
// (fuzz.mk), and the input says what it gives.
//
// What must hold is docs/architecture.md's and net.h's N2: nobody is heard but who is
// admitted at that moment, a link has one key, and it says nothing before it is up
// or after it is down.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/net/publisher.h"
#include "daemon/net/router.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

enum {
    CONNS = 6,
    KEYS = 4,
    QUEUE = 8,
    FRAMES = 4,
    FRAME_BYTES = 80,
    SOCKETS = 4,
    EVENTS_MAX = 120,
    LINKS = 64,
    BUDGET = 4
};

typedef struct {
    size_t size;
    uint8_t bytes[FRAME_BYTES];
} frame_t;

typedef struct {
    int fd;
    size_t key; // KEYS: none, CURVE has named nobody
    size_t count;
    frame_t frames[FRAMES];
} letter_t;

typedef struct {
    uint16_t event;
    int32_t value;
} told_t;

// A socket of the replaced libzmq: what waits in it, and what its monitor tells.
typedef struct fake {
    int type;
    struct fake *watched; // of a monitor's end
    char monitor[96];
    size_t letter_count, letters_taken, frames_taken;
    letter_t letters[QUEUE];
    size_t told_count, told_taken;
    told_t told[QUEUE];
} fake_t;

typedef struct {
    net_link_t id;
    pubkey_t key;
    bool down;
} heard_t;

static struct {
    fake_t sockets[SOCKETS];
    size_t socket_count;
    const letter_t *current; // whose frame was taken last
    bool more;
    bool refuses; // zmq_send has no room
} zmq;

static struct {
    edge_t edge;
    router_t *router;
    publisher_t *publisher;
    int fds[CONNS][2];
    size_t link_count;
    heard_t links[LINKS];
} scene;

static pubkey_t keys[KEYS];
static secret_t *transport;

// ---- libzmq, replaced ----

void *__wrap_zmq_socket(void *context, int type);
int __wrap_zmq_close(void *socket);
int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int __wrap_zmq_getsockopt(void *socket, int option, void *value, size_t *size);
int __wrap_zmq_ctx_get(void *context, int option);
int __wrap_zmq_bind(void *socket, const char *endpoint);
int __wrap_zmq_connect(void *socket, const char *endpoint);
int __wrap_zmq_socket_monitor(void *socket, const char *endpoint, int events);
int __wrap_zmq_recv(void *socket, void *bytes, size_t size, int flags);
int __wrap_zmq_send(void *socket, const void *bytes, size_t size, int flags);
int __wrap_zmq_msg_recv(zmq_msg_t *frame, void *socket, int flags);
int __wrap_zmq_msg_more(const zmq_msg_t *frame);
int __wrap_zmq_msg_get(const zmq_msg_t *frame, int property);
const char *__wrap_zmq_msg_gets(const zmq_msg_t *frame, const char *property);

void *__wrap_zmq_socket(void *context, int type)
{
    (void)context;
    FUZZ_EXPECT(zmq.socket_count < SOCKETS);
    fake_t *fake = &zmq.sockets[zmq.socket_count++];
    *fake = (fake_t){.type = type};
    return fake;
}

int __wrap_zmq_close(void *socket)
{
    (void)socket;
    return 0;
}

int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size)
{
    (void)socket;
    (void)option;
    (void)value;
    (void)size;
    return 0;
}

int __wrap_zmq_getsockopt(void *socket, int option, void *value, size_t *size)
{
    int answer = option != ZMQ_EVENTS; // that the domain is enforced
    (void)socket;
    FUZZ_EXPECT(*size == sizeof answer);
    memcpy(value, &answer, sizeof answer);
    return 0;
}

int __wrap_zmq_ctx_get(void *context, int option)
{
    (void)context;
    (void)option;
    return 1;
}

int __wrap_zmq_bind(void *socket, const char *endpoint)
{
    (void)socket;
    (void)endpoint;
    return 0;
}

int __wrap_zmq_socket_monitor(void *socket, const char *endpoint, int events)
{
    fake_t *fake = socket;
    (void)events;
    if (endpoint)
        strncpy(fake->monitor, endpoint, sizeof fake->monitor - 1);
    return 0;
}

int __wrap_zmq_connect(void *socket, const char *endpoint)
{
    fake_t *fake = socket;
    for (size_t i = 0; i < zmq.socket_count; i++)
        if (strcmp(zmq.sockets[i].monitor, endpoint) == 0)
            fake->watched = &zmq.sockets[i];
    FUZZ_EXPECT(fake->watched);
    return 0;
}

// Of a monitor: the event, then its address.
int __wrap_zmq_recv(void *socket, void *bytes, size_t size, int flags)
{
    fake_t *watched = ((fake_t *)socket)->watched;
    (void)flags;
    if (size < 6)
        return 0;
    if (watched->told_taken == watched->told_count) {
        errno = EAGAIN;
        return -1;
    }
    const told_t *told = &watched->told[watched->told_taken++];
    memcpy(bytes, &told->event, 2);
    memcpy((uint8_t *)bytes + 2, &told->value, 4);
    return 6;
}

int __wrap_zmq_send(void *socket, const void *bytes, size_t size, int flags)
{
    (void)socket;
    (void)flags;
    FUZZ_EXPECT(bytes || !size);
    errno = EAGAIN;
    return zmq.refuses ? -1 : (int)size;
}

int __wrap_zmq_msg_recv(zmq_msg_t *frame, void *socket, int flags)
{
    fake_t *fake = socket;
    (void)flags;
    if (fake->letters_taken == fake->letter_count) {
        errno = EAGAIN;
        return -1;
    }
    const letter_t *letter = &fake->letters[fake->letters_taken];
    const frame_t *given = &letter->frames[fake->frames_taken++];
    zmq_msg_close(frame);
    FUZZ_EXPECT(zmq_msg_init_size(frame, given->size) == 0);
    if (given->size)
        memcpy(zmq_msg_data(frame), given->bytes, given->size);
    zmq.current = letter;
    zmq.more = fake->frames_taken < letter->count;
    if (!zmq.more) {
        fake->letters_taken++;
        fake->frames_taken = 0;
    }
    return (int)given->size;
}

int __wrap_zmq_msg_more(const zmq_msg_t *frame)
{
    (void)frame;
    return zmq.more;
}

int __wrap_zmq_msg_get(const zmq_msg_t *frame, int property)
{
    (void)frame;
    FUZZ_EXPECT(property == ZMQ_SRCFD);
    return zmq.current->fd;
}

const char *__wrap_zmq_msg_gets(const zmq_msg_t *frame, const char *property)
{
    static char text[2 * KEY_SIZE + 1];
    (void)frame;
    FUZZ_EXPECT(strcmp(property, "User-Id") == 0);
    if (zmq.current->key >= KEYS)
        return NULL;
    hex_format(keys[zmq.current->key].bytes, KEY_SIZE, text);
    return text;
}

// ---- what is reported ----

static heard_t *heard_of(net_link_t id)
{
    for (size_t i = 0; i < scene.link_count; i++)
        if (scene.links[i].id == id)
            return &scene.links[i];
    return NULL;
}

static void on_up(const net_event_t *event)
{
    FUZZ_EXPECT(event->link && !heard_of(event->link) && !event->outbound);
    FUZZ_EXPECT(keyset_has(&scene.edge.admitted, &event->key));
    FUZZ_EXPECT(scene.link_count < LINKS);
    scene.links[scene.link_count++] = (heard_t){event->link, event->key, false};
}

static void on_event(void *context, const net_event_t *event)
{
    heard_t *link = heard_of(event->link);
    (void)context;
    FUZZ_EXPECT(event->type == NET_MESSAGE || event->type == NET_UP || fuzz_known(event->reason));
    if (event->type == NET_UP) {
        on_up(event);
    } else if (event->type == NET_MESSAGE) {
        FUZZ_EXPECT(link && !link->down && key_equal(&link->key, &event->key));
        FUZZ_EXPECT(keyset_has(&scene.edge.admitted, &event->key));
        FUZZ_EXPECT(zmq.current->count == 2);
        FUZZ_EXPECT(span_equal(event->body,
                               span_of(zmq.current->frames[1].bytes, zmq.current->frames[1].size)));
    } else if (event->type == NET_DOWN) {
        FUZZ_EXPECT(link && !link->down && event->reason);
        link->down = true;
    } else {
        FUZZ_EXPECT(event->type == NET_REFUSED && event->reason);
    }
}

// ---- the story ----

static void admit(uint8_t mask)
{
    pubkey_t some[KEYS];
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++)
        if (mask & 1u << i)
            some[count++] = keys[i];
    keyset_free(&scene.edge.admitted);
    scene.edge.admitted = keyset_of(some, count);
}

static fake_t *fake_of(void *socket)
{
    return socket;
}

static void tell(fake_t *fake, uint16_t event, int32_t value)
{
    if (fake->told_taken == fake->told_count)
        fake->told_taken = fake->told_count = 0;
    if (fake->told_count < QUEUE)
        fake->told[fake->told_count++] = (told_t){event, value};
}

// A connection's number stands for its descriptor: a real socket, or nothing at all.
static int fd_of(uint8_t number)
{
    return number % 8 < CONNS ? scene.fds[number % 8][0] : number % 8 == 6 ? -1 : 900;
}

static void post(fake_t *fake, span_t *input, bool routed)
{
    uint8_t who = fuzz_u8(input), shape = fuzz_u8(input);
    letter_t letter = {.fd = fd_of(who & 7), .key = (size_t)(who >> 3) % (KEYS + 1)};
    letter.count = 1 + shape % FRAMES;
    for (size_t i = 0; i < letter.count; i++) {
        span_t bytes = fuzz_bytes(input, fuzz_u8(input) % FRAME_BYTES);
        letter.frames[i].size = bytes.size;
        if (bytes.size)
            memcpy(letter.frames[i].bytes, bytes.data, bytes.size);
    }
    if (routed && shape & 0x40) // a routing id as libzmq makes it
        letter.frames[0] = (frame_t){5, {0, 0, 0, 0, (uint8_t)(shape >> 2 & 15)}};
    if (fake->letters_taken == fake->letter_count)
        fake->letters_taken = fake->letter_count = 0;
    if (fake->letter_count < QUEUE)
        fake->letters[fake->letter_count++] = letter;
}

static net_link_t some_link(uint8_t number)
{
    return scene.link_count ? scene.links[number % scene.link_count].id : number;
}

static void close_link(net_link_t id)
{
    heard_t *link = heard_of(id);
    router_close(scene.router, id);
    if (link)
        link->down = true; // no word of it any more
}

static void send_to(net_link_t id)
{
    err_t err = router_send(scene.router, id, span_text("message"));
    FUZZ_EXPECT(err == ERR_OK || err == ERR_DISCONNECTED || err == ERR_QUEUE_FULL);
    const heard_t *link = heard_of(id);
    FUZZ_EXPECT(err || (link && !link->down));
}

static void monitor_event(span_t *input)
{
    static const uint16_t events[] = {ZMQ_EVENT_ACCEPTED, ZMQ_EVENT_ACCEPTED,
                                      ZMQ_EVENT_DISCONNECTED, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH};
    uint8_t what = fuzz_u8(input);
    void *socket = what & 8 ? publisher_socket(scene.publisher) : router_socket(scene.router);
    tell(fake_of(socket), what & 0x80 ? what : events[what & 3], fd_of(what >> 4 & 7));
}

static void step(span_t *input)
{
    uint8_t what = fuzz_u8(input);
    switch (what % 10) {
    case 0:
        monitor_event(input);
        break;
    case 1:
    case 2:
        post(fake_of(router_socket(scene.router)), input, true);
        break;
    case 3:
        post(fake_of(publisher_socket(scene.publisher)), input, false);
        break;
    case 4:
        admit(fuzz_u8(input));
        router_keep(scene.router);
        publisher_keep(scene.publisher);
        break;
    case 5:
        close_link(some_link(fuzz_u8(input)));
        break;
    case 6:
        zmq.refuses = what & 0x80;
        send_to(some_link(fuzz_u8(input)));
        zmq.refuses = false;
        break;
    case 7:
        scene.edge.now_ms += (uint64_t)fuzz_u8(input) * 1000;
        router_sweep(scene.router);
        publisher_sweep(scene.publisher);
        break;
    default:
        router_drain(scene.router, BUDGET);
        publisher_drain(scene.publisher, BUDGET);
    }
}

// ---- beginning and end ----

static void start(void)
{
    static const uint8_t seed[32] = {9};
    pubkey_t key;
    transport = secret_box_new(seed, &key);
    for (size_t i = 0; i < KEYS; i++)
        memset(keys[i].bytes, (int)(0x11 * (i + 1)), KEY_SIZE);
}

static void open_scene(void)
{
    fault_t fault = {0};
    memset(&zmq, 0, sizeof zmq);
    memset(&scene, 0, sizeof scene);
    scene.edge.fn = on_event;
    scene.edge.transport = transport;
    scene.edge.timer = -1;
    scene.edge.now_ms = 1000;
    admit(0x7);
    for (size_t i = 0; i < CONNS; i++)
        FUZZ_EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, scene.fds[i]) == 0);
    scene.router = router_new(&scene.edge, "tcp://*:1", "domain", CONNS - 2, &fault);
    scene.publisher = publisher_new(&scene.edge, "tcp://*:2", "domain", CONNS - 2, &fault);
    FUZZ_EXPECT(scene.router && scene.publisher);
}

static void close_scene(void)
{
    router_destroy(&scene.router, 0);
    publisher_destroy(&scene.publisher, 0);
    keyset_free(&scene.edge.admitted);
    for (size_t i = 0; i < CONNS; i++) {
        close(scene.fds[i][0]);
        close(scene.fds[i][1]);
    }
}

static void one(span_t input)
{
    open_scene();
    for (unsigned i = 0; i < EVENTS_MAX && input.size && scene.link_count < LINKS - QUEUE; i++)
        step(&input);
    size_t open = 0;
    router_drain(scene.router, QUEUE + 1);
    for (size_t i = 0; i < scene.link_count; i++)
        open += !scene.links[i].down;
    FUZZ_EXPECT(router_links(scene.router) == open);
    close_scene();
}

const fuzz_target_t fuzz_target = {.one = one, .start = start, .peak_bytes = 16 * 1024 * 1024};
