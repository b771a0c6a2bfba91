// What the network edge relies on in libzmq, each fact by itself: a version that
// behaves otherwise fails here, by name, and not as a riddle elsewhere. The
// facts and what follows from them are listed in docs/zeromq.md.
#include "zmq_helpers.h"

#define ENFORCE_DOMAIN 93 // ZMQ_ZAP_ENFORCE_DOMAIN, which Debian's zmq.h hides among the drafts

typedef struct {
    bench_t bench;
    void *zap;      // NULL: no handler
    unsigned asked; // how often
    pair_t server;
    pair_t client;
} world_t;

// ---- a handler that lets everybody in; user id: two hex digits of the key ----

static void zap_open(world_t *world)
{
    world->zap = bench_socket(&world->bench, ZMQ_REP);
    assert_int_equal(zmq_bind(world->zap, "inproc://zeromq.zap.01"), 0);
}

static void zap_close(world_t *world)
{
    assert_int_equal(zmq_unbind(world->zap, "inproc://zeromq.zap.01"), 0); // at once, unlike close
    bench_close(&world->bench, world->zap);
    world->zap = NULL;
}

static void zap_answer(world_t *world, const char *code)
{
    char request_id[16] = "", user[3];
    uint8_t key[32] = {0};
    for (int part = 0, more = 1; more; part++) {
        uint8_t frame[256];
        int size = zmq_recv(world->zap, frame, sizeof frame, 0);
        if (part == 1)
            memcpy(request_id, frame, (size_t)size);
        if (part == 6 && size == 32)
            memcpy(key, frame, 32);
        more = get_int(world->zap, ZMQ_RCVMORE);
    }
    snprintf(user, sizeof user, "%02x", key[0]);
    send_text(world->zap, "1.0", ZMQ_SNDMORE);
    send_text(world->zap, request_id, ZMQ_SNDMORE);
    send_text(world->zap, code, ZMQ_SNDMORE);
    send_text(world->zap, "", ZMQ_SNDMORE);
    send_text(world->zap, user, ZMQ_SNDMORE);
    send_text(world->zap, "", 0);
    world->asked++;
}

// Waits until the socket can be read, answering ZAP meanwhile.
static bool readable(world_t *world, void *socket, int timeout_ms)
{
    int64_t end = clock_ms() + timeout_ms;
    for (;;) {
        int64_t left = end - clock_ms();
        zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}, {world->zap, 0, ZMQ_POLLIN, 0}};
        zmq_poll(items, world->zap ? 2 : 1, left > 0 ? (long)left : 0);
        if (world->zap && items[1].revents)
            zap_answer(world, "200");
        if (items[0].revents)
            return true;
        if (left <= 0)
            return false;
    }
}

static void must_read(world_t *world, void *socket)
{
    assert_true(readable(world, socket, DEADLINE_MS));
}

// Waits for one of the events; others are passed over.
static int await_event(world_t *world, void *events, int wanted, uint32_t *value, int timeout_ms)
{
    int64_t end = clock_ms() + timeout_ms;
    while (clock_ms() <= end) {
        int64_t left = end - clock_ms();
        if (!readable(world, events, left > 0 ? (int)left : 0))
            break;
        int type = event_now(events, value);
        if (type & wanted)
            return type;
    }
    return 0;
}

enum {
    FAILED = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
             ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
    SUCCEEDED = ZMQ_EVENT_HANDSHAKE_SUCCEEDED
};

static void *server_socket(world_t *world, int type, const char *domain, int enforce)
{
    void *socket = bench_socket(&world->bench, type);
    set_int(socket, ZMQ_CURVE_SERVER, 1);
    set_bytes(socket, ZMQ_CURVE_SECRETKEY, world->server.secret_key, 32);
    if (*domain)
        set_bytes(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain));
    set_int(socket, ENFORCE_DOMAIN, enforce);
    if (type == ZMQ_ROUTER)
        set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
    return socket;
}

static uint16_t bind_free(void *socket)
{
    uint16_t port = free_port();
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    assert_int_equal(zmq_bind(socket, endpoint), 0);
    return port;
}

static void *dealer_to(world_t *world, uint16_t port)
{
    void *socket =
        client_socket(&world->bench, ZMQ_DEALER, &world->client, world->server.public_key);
    connect_port(socket, port);
    return socket;
}

static int setup(void **state)
{
    world_t *world = test_calloc(1, sizeof *world);
    world->bench.zmq = zmq_ctx_new();
    world->server = pair_new();
    world->client = pair_new();
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_t *world = *state;
    bench_end(&world->bench);
    test_free(world);
    return 0;
}

// ---- who gets in ----

// Whether a client with a key that nobody knows finishes the handshake.
static bool stranger_gets_in(world_t *world, const char *domain, int enforce)
{
    void *router = server_socket(world, ZMQ_ROUTER, domain, enforce);
    uint16_t port = bind_free(router);
    void *dealer =
        client_socket(&world->bench, ZMQ_DEALER, &world->client, world->server.public_key);
    void *events = watch(&world->bench, dealer, 0);
    connect_port(dealer, port);
    int type = await_event(world, events, SUCCEEDED | FAILED, NULL, DEADLINE_MS);
    assert_int_not_equal(type, 0);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
    return type == SUCCEEDED;
}

static void without_a_handler_only_an_enforced_domain_refuses(void **state)
{
    world_t *world = *state;
    assert_true(stranger_gets_in(world, "a domain", 0));
    assert_false(stranger_gets_in(world, "a domain", 1));
}

static void an_enforced_but_empty_domain_never_asks_the_handler(void **state)
{
    world_t *world = *state;
    zap_open(world);
    assert_true(stranger_gets_in(world, "", 1));
    assert_int_equal(world->asked, 0);
    assert_true(stranger_gets_in(world, "a domain", 1));
    assert_int_equal(world->asked, 1);
}

static void a_handler_that_went_away_lets_nobody_in(void **state)
{
    world_t *world = *state;
    zap_open(world);
    assert_true(stranger_gets_in(world, "a domain", 1));
    zap_close(world);
    assert_false(stranger_gets_in(world, "a domain", 1));
}

static void enforcement_reads_back(void **state)
{
    world_t *world = *state;
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    assert_int_equal(get_int(router, ENFORCE_DOMAIN), 1);
    bench_close(&world->bench, router);
}

static void a_second_handler_cannot_be_bound(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *second = bench_socket(&world->bench, ZMQ_REP);
    assert_int_equal(zmq_bind(second, "inproc://zeromq.zap.01"), -1);
    assert_int_equal(errno, EADDRINUSE);
    bench_close(&world->bench, second);
}

static void a_refused_client_never_tries_again(void **state)
{
    world_t *world = *state;
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    zap_open(world);
    uint16_t port = bind_free(router);
    void *dealer =
        client_socket(&world->bench, ZMQ_DEALER, &world->client, world->server.public_key);
    void *events = watch(&world->bench, dealer, 0);
    connect_port(dealer, port);
    zmq_pollitem_t item = {world->zap, 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, DEADLINE_MS), 1);
    zap_answer(world, "400");
    assert_int_equal(await_event(world, events, FAILED, NULL, DEADLINE_MS),
                     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    connect_port(dealer, port); // returns 0 and does nothing
    assert_int_equal(await_event(world, events, SUCCEEDED, NULL, QUIET_MS), 0);
    assert_int_equal(world->asked, 1);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

static void a_wrong_server_key_fails_without_asking(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    uint16_t port = bind_free(router);
    pair_t other = pair_new();
    void *dealer = client_socket(&world->bench, ZMQ_DEALER, &world->client, other.public_key);
    void *events = watch(&world->bench, dealer, 0);
    connect_port(dealer, port);
    assert_int_not_equal(await_event(world, events, FAILED, NULL, DEADLINE_MS), 0);
    // It comes back again and again.
    assert_int_not_equal(await_event(world, events, FAILED, NULL, DEADLINE_MS), 0);
    assert_int_equal(world->asked, 0);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

// ---- what a message carries ----

static void the_body_frame_carries_user_and_descriptor(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    void *dealer = dealer_to(world, bind_free(router));
    char expected[3];
    snprintf(expected, sizeof expected, "%02x", world->client.public_key[0]);
    send_text(dealer, "", 0); // empty, and still
    must_read(world, router); // through zmq_poll, which prefetches
    zmq_msg_t id, body;
    zmq_msg_init(&id);
    zmq_msg_init(&body);
    assert_true(zmq_msg_recv(&id, router, 0) > 0);
    assert_null(zmq_msg_gets(&id, "User-Id")); // lost here
    assert_int_equal(zmq_msg_recv(&body, router, 0), 0);
    assert_string_equal(zmq_msg_gets(&body, "User-Id"), expected);
    assert_string_equal(zmq_msg_gets(&body, "Peer-Address"), "127.0.0.1");
    int fd = zmq_msg_get(&body, ZMQ_SRCFD);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    assert_int_equal(getpeername(fd, (struct sockaddr *)&address, &size), 0);
    zmq_msg_close(&id);
    zmq_msg_close(&body);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

static uint32_t next_route(world_t *world, void *router)
{
    uint8_t id[256];
    must_read(world, router);
    assert_int_equal(zmq_recv(router, id, sizeof id, 0), 5);
    assert_int_equal(id[0], 0);
    assert_true(zmq_recv(router, NULL, 0, 0) >= 0);
    return (uint32_t)id[1] << 24 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 8 | id[4];
}

static void generated_routing_ids_count_upward(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    uint16_t port = bind_free(router);
    void *first = dealer_to(world, port);
    send_text(first, "a", 0);
    uint32_t one = next_route(world, router);
    bench_close(&world->bench, first); // and are not given again
    void *second = dealer_to(world, port);
    send_text(second, "b", 0);
    assert_int_equal(next_route(world, router), one + 1);
    bench_close(&world->bench, second);
    bench_close(&world->bench, router);
}

static void a_client_can_choose_its_routing_id(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    uint16_t port = bind_free(router);
    void *dealer =
        client_socket(&world->bench, ZMQ_DEALER, &world->client, world->server.public_key);
    set_bytes(dealer, ZMQ_ROUTING_ID, "CR", 2);
    connect_port(dealer, port);
    send_text(dealer, "a", 0);
    must_read(world, router);
    char id[16];
    assert_int_equal(zmq_recv(router, id, sizeof id, 0), 2);
    assert_memory_equal(id, "CR", 2);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

// ---- dropping one peer ----

static void shutdown_of_the_descriptor_drops_that_peer_alone(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    void *events = watch(&world->bench, router, 0);
    uint16_t port = bind_free(router);
    void *good = dealer_to(world, port);
    send_text(good, "good", 0);
    next_route(world, router);
    void *bad = dealer_to(world, port);
    send_text(bad, "bad", 0);
    must_read(world, router);
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    zmq_msg_recv(&frame, router, 0);
    zmq_msg_recv(&frame, router, 0);
    int fd = zmq_msg_get(&frame, ZMQ_SRCFD);
    zmq_msg_close(&frame);
    uint32_t value = 0;
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    assert_int_not_equal(await_event(world, events, ZMQ_EVENT_DISCONNECTED, &value, DEADLINE_MS),
                         0);
    assert_int_equal(value, fd); // the event names the descriptor
    send_text(good, "still", 0);
    must_read(world, router);
    bench_close(&world->bench, good);
    bench_close(&world->bench, bad);
    bench_close(&world->bench, router);
}

static void what_a_peer_sent_last_comes_after_its_disconnection(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    void *events = watch(&world->bench, router, 0);
    void *dealer = dealer_to(world, bind_free(router));
    send_text(dealer, "last words", 0);
    must_read(world, router); // not yet read
    bench_close(&world->bench, dealer);
    assert_int_not_equal(await_event(world, events, ZMQ_EVENT_DISCONNECTED, NULL, DEADLINE_MS), 0);
    next_route(world, router);
    bench_close(&world->bench, router);
}

static void to_a_peer_that_is_gone_a_mandatory_router_refuses(void **state)
{
    world_t *world = *state;
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    assert_int_equal(zmq_send(router, "\0abcd", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    bench_close(&world->bench, router);
}

// ---- sizes ----

static void an_oversize_frame_ends_its_senders_connection_alone(void **state)
{
    world_t *world = *state;
    static uint8_t big[5000];
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    int64_t most = 4096;
    set_bytes(router, ZMQ_MAXMSGSIZE, &most, sizeof most);
    uint16_t port = bind_free(router);
    void *good = dealer_to(world, port), *bad = dealer_to(world, port);
    void *events = watch(&world->bench, bad, 0);
    send_text(good, "before", 0);
    next_route(world, router);
    assert_int_equal(zmq_send(bad, big, sizeof big, 0), sizeof big);
    assert_int_not_equal(await_event(world, events, ZMQ_EVENT_DISCONNECTED, NULL, DEADLINE_MS), 0);
    send_text(good, "after", 0);
    next_route(world, router); // and not the big one
    assert_false(readable(world, router, 0));
    bench_close(&world->bench, good);
    bench_close(&world->bench, bad);
    bench_close(&world->bench, router);
}

static bool passes(world_t *world, int64_t most, size_t size)
{
    static uint8_t bytes[5000];
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    set_bytes(router, ZMQ_MAXMSGSIZE, &most, sizeof most);
    void *dealer = dealer_to(world, bind_free(router));
    void *events = watch(&world->bench, dealer, 0);
    zmq_send(dealer, bytes, size, 0);
    int type = await_event(world, events, ZMQ_EVENT_DISCONNECTED | SUCCEEDED, NULL, DEADLINE_MS);
    bool passed = false;
    if (type == SUCCEEDED) {
        zmq_pollitem_t items[] = {{router, 0, ZMQ_POLLIN, 0}, {events, 0, ZMQ_POLLIN, 0}};
        assert_true(zmq_poll(items, 2, DEADLINE_MS) > 0);
        passed = items[0].revents != 0;
    }
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
    return passed;
}

static void the_size_limit_counts_what_curve_adds(void **state)
{
    world_t *world = *state;
    zap_open(world);
    assert_true(passes(world, 4096, 4096 - 33));
    assert_false(passes(world, 4096, 4096 - 32));
}

// A limit of 128 bytes keeps everybody out: HELLO has 200, INITIATE at least 257.
static void the_size_limit_holds_in_the_handshake_too(void **state)
{
    world_t *world = *state;
    zap_open(world);
    assert_false(passes(world, 128, 1));
    assert_false(passes(world, 256, 1));
    assert_true(passes(world, 512, 1));
}

static void a_size_limit_set_later_does_not_bind_a_live_connection(void **state)
{
    world_t *world = *state;
    static uint8_t big[5000];
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    void *dealer = dealer_to(world, bind_free(router));
    send_text(dealer, "up", 0);
    next_route(world, router);
    int64_t most = 1000;
    set_bytes(router, ZMQ_MAXMSGSIZE, &most, sizeof most);
    zmq_send(dealer, big, sizeof big, 0);
    next_route(world, router);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

// The high-water mark counts whole messages, so that one that never ends is
// taken in without limit. Only the kernel's byte count shows it.
static void an_unfinished_message_is_not_held_back(void **state)
{
    world_t *world = *state;
    enum { PARTS = 3000, SIZE = 1000 };
    static uint8_t part[SIZE];
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    set_int(router, ZMQ_RCVHWM, 2);
    uint16_t port = bind_free(router);
    void *dealer =
        client_socket(&world->bench, ZMQ_DEALER, &world->client, world->server.public_key);
    set_int(dealer, ZMQ_SNDHWM, 0);
    connect_port(dealer, port);
    send_text(dealer, "who", 0);
    must_read(world, router);
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    zmq_msg_recv(&frame, router, 0);
    zmq_msg_recv(&frame, router, 0);
    int fd = zmq_msg_get(&frame, ZMQ_SRCFD);
    zmq_msg_close(&frame);
    // A sender of libzmq holds an unfinished message back; the one that is not
    // libzmq need not. Here the last part completes it: taken in one piece.
    for (int i = 0; i < PARTS; i++)
        zmq_send(dealer, part, sizeof part, i < PARTS - 1 ? ZMQ_SNDMORE : 0);
    must_read(world, router);
    struct tcp_info info;
    socklen_t size = sizeof info;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    assert_true(info.tcpi_bytes_received > (uint64_t)PARTS * SIZE);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

// ---- publications ----

static void *sub_to(world_t *world, uint16_t port, const char *topic)
{
    void *sub = client_socket(&world->bench, ZMQ_SUB, &world->client, world->server.public_key);
    set_bytes(sub, ZMQ_SUBSCRIBE, topic, strlen(topic));
    connect_port(sub, port);
    return sub;
}

static void subscriptions_name_who_subscribes(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *xpub = server_socket(world, ZMQ_XPUB, "a domain", 1);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    uint16_t port = bind_free(xpub);
    void *subs[2];
    char expected[3];
    for (int i = 0; i < 2; i++) { // the same topic twice: both are seen
        world->client = pair_new();
        subs[i] = sub_to(world, port, "topic");
        must_read(world, xpub);
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        assert_int_equal(zmq_msg_recv(&frame, xpub, 0), 6);
        assert_true(frame_is(&frame, "\1topic"));
        snprintf(expected, sizeof expected, "%02x", world->client.public_key[0]);
        assert_string_equal(zmq_msg_gets(&frame, "User-Id"), expected);
        assert_true(zmq_msg_get(&frame, ZMQ_SRCFD) > 2);
        zmq_msg_close(&frame);
    }
    bench_close(&world->bench, subs[0]);
    bench_close(&world->bench, subs[1]);
    bench_close(&world->bench, xpub);
}

static void without_verboser_an_equal_subscription_is_never_seen(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *xpub = server_socket(world, ZMQ_XPUB, "a domain", 1);
    uint16_t port = bind_free(xpub);
    void *first = sub_to(world, port, "topic");
    must_read(world, xpub);
    zmq_recv(xpub, NULL, 0, 0);
    void *second = sub_to(world, port, "topic");
    void *events = watch(&world->bench, second, 0);
    assert_int_not_equal(await_event(world, events, SUCCEEDED, NULL, DEADLINE_MS), 0);
    assert_false(readable(world, xpub, QUIET_MS));
    bench_close(&world->bench, first);
    bench_close(&world->bench, second);
    bench_close(&world->bench, xpub);
}

static void a_socket_made_anew_gets_its_subscription_through(void **state)
{
    world_t *world = *state;
    zap_open(world);
    void *xpub = server_socket(world, ZMQ_XPUB, "a domain", 1);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    uint16_t port = bind_free(xpub);
    for (int i = 0; i < 5; i++) {
        void *sub = sub_to(world, port, "topic");
        char seen[8] = "";
        do { // what the one before left behind comes as an unsubscription
            must_read(world, xpub);
            zmq_recv(xpub, seen, sizeof seen, 0);
        } while (seen[0] != 1);
        send_text(xpub, "topic", ZMQ_SNDMORE);
        send_text(xpub, "body", 0);
        must_read(world, sub);
        bench_close(&world->bench, sub);
    }
    bench_close(&world->bench, xpub);
}

// ---- sessions and events ----

// Why a link's sockets are made anew each time.
static void what_was_queued_reaches_the_next_session(void **state)
{
    world_t *world = *state;
    zap_open(world);
    uint16_t port = free_port();
    void *dealer = dealer_to(world, port);
    send_text(dealer, "for the session before", 0);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    assert_int_equal(zmq_bind(router, endpoint), 0);
    next_route(world, router);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

static void a_port_has_one_socket(void **state)
{
    world_t *world = *state;
    void *first = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    void *second = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", bind_free(first));
    assert_int_equal(zmq_bind(second, endpoint), -1);
    assert_int_equal(errno, EADDRINUSE);
    bench_close(&world->bench, first);
    bench_close(&world->bench, second);
}

// With the default of 1,000 an unread monitor would stop the I/O thread here.
static void an_unlimited_monitor_never_blocks(void **state)
{
    world_t *world = *state;
    enum { CONNECTIONS = 900 }; // three events each, and more than 2,000 fit by default
    zap_open(world);
    void *router = server_socket(world, ZMQ_ROUTER, "a domain", 1);
    watch(&world->bench, router, 0);
    uint16_t port = bind_free(router);
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = tcp_connect(port);
        char greeting[64];
        assert_true(recv(fd, greeting, sizeof greeting, 0) > 0);
        close(fd);
    }
    void *dealer = dealer_to(world, port);
    send_text(dealer, "alive", 0);
    next_route(world, router);
    bench_close(&world->bench, dealer);
    bench_close(&world->bench, router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(without_a_handler_only_an_enforced_domain_refuses),
        T(an_enforced_but_empty_domain_never_asks_the_handler),
        T(a_handler_that_went_away_lets_nobody_in),
        T(enforcement_reads_back),
        T(a_second_handler_cannot_be_bound),
        T(a_refused_client_never_tries_again),
        T(a_wrong_server_key_fails_without_asking),
        T(the_body_frame_carries_user_and_descriptor),
        T(generated_routing_ids_count_upward),
        T(a_client_can_choose_its_routing_id),
        T(shutdown_of_the_descriptor_drops_that_peer_alone),
        T(what_a_peer_sent_last_comes_after_its_disconnection),
        T(to_a_peer_that_is_gone_a_mandatory_router_refuses),
        T(an_oversize_frame_ends_its_senders_connection_alone),
        T(the_size_limit_counts_what_curve_adds),
        T(the_size_limit_holds_in_the_handshake_too),
        T(a_size_limit_set_later_does_not_bind_a_live_connection),
        T(an_unfinished_message_is_not_held_back),
        T(subscriptions_name_who_subscribes),
        T(without_verboser_an_equal_subscription_is_never_seen),
        T(a_socket_made_anew_gets_its_subscription_through),
        T(what_was_queued_reaches_the_next_session),
        T(a_port_has_one_socket),
        T(an_unlimited_monitor_never_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
