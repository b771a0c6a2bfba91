// The network edge and its enemies: some are members, and some do not speak
// libzmq. Whatever they do, it is told, they are cut, and who stands beside
// them does not notice.
#include "curve_peer.h"
#include "net_world.h"
#include "tests/unit/thin.h"

// Every test has a link that must work before and after.
typedef struct {
    world_t *world;
    linked_t honest;
} scene_t;

static scene_t begin(void **state)
{
    world_t *world = *state;
    admit_all(world);
    return (scene_t){world, link_up(world)};
}

static void end(scene_t scene)
{
    assert_works(scene.world, scene.honest);
    assert_null(find_seen(&scene.world->client, NET_DOWN, 0));
    assert_null(find_seen(&scene.world->server, NET_DOWN, 0));
}

static bool pump_world(void *context)
{
    pump(context, 1);
    return true;
}

static peer_t peer_to(world_t *world, uint16_t port, const char *metadata, size_t size)
{
    peer_t peer;
    peer_connect(&peer, port, &world->raw, world->server.key.bytes, metadata, size, pump_world,
                 world);
    return peer;
}

static peer_t dealer_peer(world_t *world)
{
    return peer_to(world, world->server.port, dealer_metadata, sizeof dealer_metadata - 1);
}

static peer_t sub_peer(world_t *world)
{
    return peer_to(world, (uint16_t)(world->server.port + 1), sub_metadata,
                   sizeof sub_metadata - 1);
}

// Reads until the other side closes.
static void await_closed(world_t *world, int fd)
{
    int64_t limit = clock_ms() + DEADLINE_MS;
    char bytes[4096];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            break;
        assert_true(clock_ms() < limit);
        pump(world, 1);
    }
    close(fd);
}

// ---- frames ----

static void a_first_message_of_two_bodies_begins_no_link(void **state)
{
    scene_t scene = begin(state);
    void *dealer = raw_dealer(scene.world);
    void *events = watch(&scene.world->bench, dealer, 0);
    send_text(dealer, "one", ZMQ_SNDMORE);
    send_text(dealer, "two", 0);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_BAD_FRAMES);
    await_raw_event(scene.world, events, ZMQ_EVENT_DISCONNECTED);
    assert_null(find_seen(&scene.world->server, NET_UP, 0));
    assert_null(find_seen(&scene.world->server, NET_MESSAGE, 0));
    end(scene);
}

static void a_later_message_of_two_bodies_ends_the_link(void **state)
{
    scene_t scene = begin(state);
    void *dealer = raw_dealer(scene.world);
    void *events = watch(&scene.world->bench, dealer, 0);
    send_text(dealer, "fine", 0);
    net_link_t link = await(scene.world, &scene.world->server, NET_UP, 0)->link;
    await(scene.world, &scene.world->server, NET_MESSAGE, link);
    for (int i = 0; i < 5; i++)
        send_text(dealer, "part", i < 4 ? ZMQ_SNDMORE : 0);
    send_text(dealer, "after", 0); // must not pass for anything
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, link),
                     ERR_BAD_FRAMES);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_DOWN, link),
                     ERR_BAD_FRAMES);
    await_raw_event(scene.world, events, ZMQ_EVENT_DISCONNECTED);
    assert_int_equal(net_send(scene.world->server.net, link, span_text("x")), ERR_DISCONNECTED);
    assert_null(find_seen(&scene.world->server, NET_MESSAGE, 0));
    end(scene);
}

// A server that the client dials: ROUTER and XPUB of the test.
static void raw_server(world_t *world, void *sockets[2], uint16_t *port)
{
    *port = free_port();
    for (int i = 0; i < 2; i++) {
        char endpoint[64];
        sockets[i] = bench_socket(&world->bench, i ? ZMQ_XPUB : ZMQ_ROUTER);
        set_int(sockets[i], ZMQ_CURVE_SERVER, 1);
        set_int(sockets[i], ZMQ_SNDHWM, 0);
        set_bytes(sockets[i], ZMQ_CURVE_SECRETKEY, secret_bytes(world->server.secret), 32);
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", *port + i);
        assert_int_equal(zmq_bind(sockets[i], endpoint), 0);
    }
}

typedef struct {
    void *sockets[2];
    uint8_t route[16];
    size_t route_size;
    net_link_t link;
} dialled_t;

// The client's link to it, subscribed, and its routing id there.
static dialled_t dial_raw_server(world_t *world)
{
    dialled_t dialled;
    uint16_t port;
    raw_server(world, dialled.sockets, &port);
    dialled.link = dial_port(world, port);
    await(world, &world->client, NET_UP, dialled.link);
    assert_int_equal(net_send(world->client.net, dialled.link, span_text("hello")), ERR_OK);
    await_raw(world, dialled.sockets[0]);
    int size = zmq_recv(dialled.sockets[0], dialled.route, sizeof dialled.route, 0);
    assert_true(size > 0);
    dialled.route_size = (size_t)size;
    zmq_recv(dialled.sockets[0], NULL, 0, 0);
    await_raw(world, dialled.sockets[1]); // its subscription
    zmq_recv(dialled.sockets[1], NULL, 0, 0);
    return dialled;
}

static void a_server_that_sends_two_bodies_is_left(void **state)
{
    scene_t scene = begin(state);
    dialled_t dialled = dial_raw_server(scene.world);
    zmq_send(dialled.sockets[0], dialled.route, dialled.route_size, ZMQ_SNDMORE);
    send_text(dialled.sockets[0], "one", ZMQ_SNDMORE);
    send_text(dialled.sockets[0], "two", 0);
    assert_int_equal(await_reason(scene.world, &scene.world->client, NET_REFUSED, dialled.link),
                     ERR_BAD_FRAMES);
    assert_int_equal(await_reason(scene.world, &scene.world->client, NET_DOWN, dialled.link),
                     ERR_BAD_FRAMES);
    assert_null(find_seen(&scene.world->client, NET_MESSAGE, dialled.link));
    end(scene);
}

static void publications_of_one_or_three_frames_end_the_link(void **state)
{
    scene_t scene = begin(state);
    for (int frames = 1; frames <= 3; frames += 2) {
        dialled_t dialled = dial_raw_server(scene.world);
        for (int i = 0; i < frames; i++)
            send_text(dialled.sockets[1], TOPIC, i + 1 < frames ? ZMQ_SNDMORE : 0);
        assert_int_equal(await_reason(scene.world, &scene.world->client, NET_REFUSED, dialled.link),
                         ERR_BAD_FRAMES);
        assert_int_equal(await_reason(scene.world, &scene.world->client, NET_DOWN, dialled.link),
                         ERR_BAD_FRAMES);
        assert_null(find_seen(&scene.world->client, NET_PUBLICATION, dialled.link));
    }
    end(scene);
}

// ---- sizes ----

static void an_oversize_message_ends_its_senders_link_alone(void **state)
{
    scene_t scene = begin(state);
    static uint8_t big[256 * 1024];
    void *dealer = raw_dealer(scene.world);
    send_text(dealer, "fine", 0);
    net_link_t link = await(scene.world, &scene.world->server, NET_UP, 0)->link;
    await(scene.world, &scene.world->server, NET_MESSAGE, link);
    zmq_send(dealer, big, sizeof big, 0); // and 33 bytes more
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_DOWN, link),
                     ERR_DISCONNECTED);
    assert_null(find_seen(&scene.world->server, NET_MESSAGE, link));
    end(scene);
}

static void oversize_from_a_server_ends_the_link(void **state)
{
    scene_t scene = begin(state);
    static uint8_t big[256 * 1024];
    dialled_t dialled = dial_raw_server(scene.world);
    zmq_send(dialled.sockets[0], dialled.route, dialled.route_size, ZMQ_SNDMORE);
    zmq_send(dialled.sockets[0], big, sizeof big, 0);
    assert_int_equal(await_reason(scene.world, &scene.world->client, NET_DOWN, dialled.link),
                     ERR_DISCONNECTED);
    dialled = dial_raw_server(scene.world);
    send_text(dialled.sockets[1], TOPIC, ZMQ_SNDMORE);
    zmq_send(dialled.sockets[1], big, 64 * 1024, 0);
    assert_int_equal(await_reason(scene.world, &scene.world->client, NET_DOWN, dialled.link),
                     ERR_DISCONNECTED);
    end(scene);
}

// Whether the other side has ended the connection. A sender in the middle of a
// flood may learn of it by its end alone, long before a send fails.
static bool ended(const peer_t *peer)
{
    uint8_t byte;
    ssize_t got = recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
}

// Sends until cut.
static void flood(scene_t scene, peer_t *peer, uint8_t flags, size_t size, uint64_t most)
{
    uint8_t *out = test_calloc(1, size + 64);
    static const uint8_t bytes[60 * 1024];
    uint64_t sent = 0;
    bool open = true;
    for (unsigned count = 1; open && sent < most; count++) {
        if (count % 64 == 0)
            pump(scene.world, 0);
        size_t length = peer_box(peer, flags, bytes, size, out), at = 0;
        while (open && at < length) {
            ssize_t put = send(peer->fd, out + at, length - at, MSG_DONTWAIT | MSG_NOSIGNAL);
            at += put > 0 ? (size_t)put : 0;
            sent += put > 0 ? (size_t)put : 0;
            open = put > 0 || (errno == EAGAIN && !ended(peer));
            if (put < 0)
                pump(scene.world, 1);
        }
    }
    test_free(out);
    assert_true(sent < most);
}

// libzmq keeps the parts of a message that never ends, all of them.
static void a_message_that_never_ends_is_cut_short(void **state)
{
    scene_t scene = begin(state);
    const uint64_t most = (uint64_t)1024 * 1024 * 1024;
    peer_t peer = dealer_peer(scene.world);
    flood(scene, &peer, MORE, 60 * 1024, most); // before it has said anything
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0), ERR_TOO_BIG);
    close(peer.fd);
    peer = dealer_peer(scene.world);
    peer_message(&peer, 0, "hello", 5);
    net_link_t link = await(scene.world, &scene.world->server, NET_UP, 0)->link;
    flood(scene, &peer, MORE, 60 * 1024, most);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, link),
                     ERR_TOO_BIG);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_DOWN, link), ERR_TOO_BIG);
    close(peer.fd);
    end(scene);
}

static void a_subscription_that_never_ends_is_cut_short(void **state)
{
    scene_t scene = begin(state);
    peer_t peer = sub_peer(scene.world);
    flood(scene, &peer, MORE, 60, (uint64_t)1024 * 1024 * 1024);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0), ERR_TOO_BIG);
    close(peer.fd);
    end(scene);
}

// An honest stream of the same length is not mistaken for it.
static void much_traffic_is_no_backlog(void **state)
{
    scene_t scene = begin(state);
    enum { COUNT = 800, SIZE = 60 * 1024 }; // 47 MiB, above the bound
    static uint8_t bytes[SIZE];
    net_t *client = scene.world->client.net;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(net_send(client, scene.honest.there, span_of(bytes, SIZE)), ERR_OK);
        await(scene.world, &scene.world->server, NET_MESSAGE, scene.honest.here);
        buf_free(&scene.world->server.seen[scene.world->server.count - 1].body);
    }
    int64_t limit = clock_ms() + 1500; // a sweep
    while (clock_ms() < limit)
        pump(scene.world, 10);
    end(scene);
}

// ---- peers that do not take what they are sent ----

static void a_peer_that_stops_reading_is_dropped(void **state)
{
    scene_t scene = begin(state);
    enum { SIZE = 64 * 1024, MOST = 4096 };
    static uint8_t bytes[SIZE];
    peer_t peer = dealer_peer(scene.world);
    peer_message(&peer, 0, "hello", 5);
    net_link_t link = await(scene.world, &scene.world->server, NET_UP, 0)->link;
    err_t err = ERR_OK;
    int sent = 0;
    int64_t start = clock_ms();
    for (; !err && sent < MOST; sent++)
        err = net_send(scene.world->server.net, link, span_of(bytes, SIZE));
    assert_int_equal(err, ERR_QUEUE_FULL);
    assert_true(clock_ms() - start < DEADLINE_MS);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_DOWN, link),
                     ERR_QUEUE_FULL);
    assert_int_equal(net_send(scene.world->server.net, link, span_text("x")), ERR_DISCONNECTED);
    await_closed(scene.world, peer.fd);
    end(scene);
}

static void many_small_messages_fill_the_queue_too(void **state)
{
    scene_t scene = begin(state);
    void *dealer = raw_peer(scene.world, ZMQ_DEALER);
    set_int(dealer, ZMQ_RCVHWM, 1000);
    connect_port(dealer, scene.world->server.port);
    send_text(dealer, "hello", 0);
    net_link_t link = await(scene.world, &scene.world->server, NET_UP, 0)->link;
    err_t err = ERR_OK;
    static uint8_t bytes[1000];
    for (int sent = 0; !err && sent < 1000 * 1000; sent++)
        err = net_send(scene.world->server.net, link, span_of(bytes, sizeof bytes));
    assert_int_equal(err, ERR_QUEUE_FULL);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_DOWN, link),
                     ERR_QUEUE_FULL);
    end(scene);
}

static void a_server_that_stops_reading_is_left(void **state)
{
    scene_t scene = begin(state);
    enum { SIZE = 64 * 1024, MOST = 4096 };
    static uint8_t bytes[SIZE];
    uint16_t port = free_port();
    char endpoint[64];
    void *router = bench_socket(&scene.world->bench, ZMQ_ROUTER);
    set_int(router, ZMQ_CURVE_SERVER, 1);
    set_int(router, ZMQ_RCVHWM, 10);
    set_bytes(router, ZMQ_CURVE_SECRETKEY, secret_bytes(scene.world->server.secret), 32);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    assert_int_equal(zmq_bind(router, endpoint), 0);
    net_link_t link = dial_port(scene.world, port);
    await(scene.world, &scene.world->client, NET_UP, link);
    err_t err = ERR_OK;
    for (int sent = 0; !err && sent < MOST; sent++)
        err = net_send(scene.world->client.net, link, span_of(bytes, SIZE));
    assert_int_equal(err, ERR_QUEUE_FULL);
    assert_int_equal(await_reason(scene.world, &scene.world->client, NET_DOWN, link),
                     ERR_QUEUE_FULL);
    end(scene);
}

static void a_subscriber_that_stops_reading_holds_up_nobody(void **state)
{
    scene_t scene = begin(state);
    static uint8_t bytes[16 * 1024];
    peer_t peer = sub_peer(scene.world);
    peer_message(&peer, 0, "\1" TOPIC, 1 + strlen(TOPIC));
    for (int i = 0; i < 3000; i++)
        assert_int_equal(
            net_publish(scene.world->server.net, span_text(TOPIC), span_of(bytes, sizeof bytes)),
            ERR_OK);
    await(scene.world, &scene.world->client, NET_PUBLICATION, scene.honest.there);
    close(peer.fd);
    end(scene);
}

// ---- subscriptions ----

static void *subscriber(world_t *world, int topics, size_t size)
{
    void *sub = raw_peer(world, ZMQ_SUB);
    set_int(sub, ZMQ_SNDHWM, 0);
    for (int i = 0; i < topics; i++) {
        char topic[100];
        memset(topic, 'x', sizeof topic);
        topic[0] = (char)('A' + i);
        set_bytes(sub, ZMQ_SUBSCRIBE, topic, size);
    }
    return sub;
}

static void connect_subscriber(world_t *world, void *sub)
{
    connect_port(sub, (uint16_t)(world->server.port + 1));
}

static void sixty_four_subscriptions_are_served(void **state)
{
    scene_t scene = begin(state);
    void *sub = subscriber(scene.world, 64, 64);
    connect_subscriber(scene.world, sub);
    char topic[64];
    memset(topic, 'x', sizeof topic);
    topic[0] = (char)('A' + 63);
    int64_t limit = clock_ms() + DEADLINE_MS;
    zmq_pollitem_t item = {sub, 0, ZMQ_POLLIN, 0};
    while (zmq_poll(&item, 1, 0) == 0) {
        assert_true(clock_ms() < limit);
        net_publish(scene.world->server.net, span_of(topic, sizeof topic), span_text("x"));
        pump(scene.world, 5);
    }
    quiet(scene.world, &scene.world->server, NET_REFUSED, 0);
    end(scene);
}

static void one_more_is_cut(void **state)
{
    scene_t scene = begin(state);
    void *sub = subscriber(scene.world, 65, 16);
    void *events = watch(&scene.world->bench, sub, 0);
    connect_subscriber(scene.world, sub);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_TOO_MANY_SUBSCRIPTIONS);
    await_raw_event(scene.world, events, ZMQ_EVENT_DISCONNECTED);
    end(scene);
}

static void the_connections_of_one_key_count_together(void **state)
{
    scene_t scene = begin(state);
    void *first = subscriber(scene.world, 40, 16), *second = subscriber(scene.world, 40, 20);
    connect_subscriber(scene.world, first);
    connect_subscriber(scene.world, second);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_TOO_MANY_SUBSCRIPTIONS);
    end(scene);
}

static void a_topic_too_long_is_cut(void **state)
{
    scene_t scene = begin(state);
    void *sub = subscriber(scene.world, 1, 65);
    connect_subscriber(scene.world, sub);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_BAD_TOPIC);
    end(scene);
}

// Subscribing and unsubscribing without end stays within the same count.
static void unsubscribing_gives_nothing_back(void **state)
{
    scene_t scene = begin(state);
    peer_t peer = sub_peer(scene.world);
    for (int i = 0; i < 40; i++) {
        peer_message(&peer, 0, "\1topic", 6);
        peer_message(&peer, 0, "\0other", 6); // which never was subscribed
    }
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_TOO_MANY_SUBSCRIPTIONS);
    await_closed(scene.world, peer.fd);
    end(scene);
}

static void what_is_no_subscription_is_cut(void **state)
{
    scene_t scene = begin(state);
    peer_t peer = sub_peer(scene.world);
    peer_message(&peer, 0, "\2topic", 6);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_UNEXPECTED);
    await_closed(scene.world, peer.fd);
    peer = sub_peer(scene.world);
    peer_message(&peer, 0, "", 0);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_UNEXPECTED);
    await_closed(scene.world, peer.fd);
    end(scene);
}

// ---- identity ----

static void a_routing_id_of_ones_own_is_refused(void **state)
{
    scene_t scene = begin(state);
    const struct {
        const char *bytes;
        size_t size;
    } ids[] = {{"CRM", 3}, {"\1abcd", 5}, {"abcdefghij", 10}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        void *dealer = raw_peer(scene.world, ZMQ_DEALER);
        void *events = watch(&scene.world->bench, dealer, 0);
        set_bytes(dealer, ZMQ_ROUTING_ID, ids[i].bytes, ids[i].size);
        connect_port(dealer, scene.world->server.port);
        send_text(dealer, "hello", 0);
        assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                         ERR_BAD_VALUE);
        await_raw_event(scene.world, events, ZMQ_EVENT_DISCONNECTED);
        bench_close(&scene.world->bench, dealer);
    }
    assert_null(find_seen(&scene.world->server, NET_UP, 0));
    end(scene);
}

// What a client says of itself in its metadata is not believed.
static void claimed_properties_do_not_replace_the_true_ones(void **state)
{
    scene_t scene = begin(state);
    char metadata[128];
    size_t size = sizeof dealer_metadata - 1;
    char user[65];
    memcpy(metadata, dealer_metadata, size);
    hex_format(scene.world->client.key.bytes, 32, user); // somebody else's
    memcpy(metadata + size, "\7User-Id\0\0\0\100", 12);
    memcpy(metadata + size + 12, user, 64);
    peer_t peer = peer_to(scene.world, scene.world->server.port, metadata, size + 12 + 64);
    peer_message(&peer, 0, "hello", 5);
    pubkey_t raw = raw_key(&scene.world->raw);
    assert_true(key_equal(&await(scene.world, &scene.world->server, NET_UP, 0)->key, &raw));
    close(peer.fd);
    await(scene.world, &scene.world->server, NET_DOWN, 0);
    size = sizeof dealer_metadata - 1;
    memcpy(metadata + size,
           "\4__fd\0\0\0\1"
           "0",
           10);
    peer = peer_to(scene.world, scene.world->server.port, metadata, size + 10);
    peer_message(&peer, 0, "hello", 5);
    net_link_t link = await(scene.world, &scene.world->server, NET_UP, 0)->link;
    net_close(scene.world->server.net, link);
    await_closed(scene.world, peer.fd); // the right one
    end(scene);
}

// ---- floods ----

static void one_key_does_not_take_all_the_links(void **state)
{
    scene_t scene = begin(state);
    for (int i = 0; i < 17; i++)
        send_text(raw_dealer(scene.world), "hello", 0);
    assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                     ERR_TOO_MANY_LINKS);
    assert_int_equal(net_links(scene.world->server.net), 16 + 1);
    end(scene);
}

static void garbage_is_told_and_does_no_harm(void **state)
{
    scene_t scene = begin(state);
    static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    uint8_t noise[300];
    randombytes_buf(noise, sizeof noise);
    noise[0] = 0xff; // the beginning of a greeting
    noise[9] = 0x7f;
    for (uint16_t i = 0; i < 6; i++) {
        int fd = tcp_connect((uint16_t)(scene.world->server.port + i % 2));
        const void *bytes = i < 2 ? (const void *)http : noise;
        size_t size = i < 2 ? sizeof http - 1 : sizeof noise;
        assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
        shutdown(fd, SHUT_WR);
        assert_int_equal(await_reason(scene.world, &scene.world->server, NET_REFUSED, 0),
                         ERR_HANDSHAKE_FAILED);
        await_closed(scene.world, fd);
    }
    end(scene);
}

static void garbage_after_the_handshake_ends_that_link(void **state)
{
    scene_t scene = begin(state);
    uint8_t noise[200];
    for (int i = 0; i < 3; i++) {
        peer_t peer = dealer_peer(scene.world);
        peer_message(&peer, 0, "hello", 5);
        net_link_t link = await(scene.world, &scene.world->server, NET_UP, 0)->link;
        await(scene.world, &scene.world->server, NET_MESSAGE, link);
        randombytes_buf(noise, sizeof noise);
        if (i == 0)
            peer_frame(&peer, 0, noise, sizeof noise); // not boxed
        else if (i == 1)
            peer_frame(&peer, 0, "\7MESSAGE", 8); // too short
        else
            peer.nonce = 0, peer_message(&peer, 0, "replayed", 8);
        assert_int_equal(await_reason(scene.world, &scene.world->server, NET_DOWN, link),
                         ERR_DISCONNECTED);
        assert_null(find_seen(&scene.world->server, NET_MESSAGE, link));
        await_closed(scene.world, peer.fd);
    }
    end(scene);
}

// Connections by the thousand, each gone at once: none is kept, none is missed.
static void connections_that_come_and_go_leave_nothing(void **state)
{
    scene_t scene = begin(state);
    size_t many = 1000 / thin(5);
    for (size_t i = 0; i < many; i++) {
        close(tcp_connect(scene.world->server.port));
        if (i % 10 == 0)
            pump(scene.world, 0);
    }
    int64_t limit = clock_ms() + DEADLINE_MS;
    for (size_t told = 0; told < many; pump(scene.world, 1)) {
        assert_true(clock_ms() < limit);
        told = 0;
        for (size_t i = 0; i < scene.world->server.count; i++)
            told += scene.world->server.seen[i].event.reason == ERR_HANDSHAKE_FAILED;
    }
    end(scene);
}

// Links that end while others begin, so that descriptors are used again and again.
static void reused_descriptors_are_not_confused(void **state)
{
    scene_t scene = begin(state);
    for (int round = 0; round < 60; round++) {
        peer_t first = dealer_peer(scene.world), second = dealer_peer(scene.world);
        peer_message(&first, 0, "first", 5);
        peer_message(&second, 0, "second", 6);
        const net_event_t *event = await(scene.world, &scene.world->server, NET_MESSAGE, 0);
        net_link_t one = event->link;
        assert_body(event, event->body.size == 5 ? "first" : "second");
        net_link_t two = await(scene.world, &scene.world->server, NET_MESSAGE, 0)->link;
        close(round % 2 ? first.fd : second.fd); // and its number is taken at once
        peer_t third = dealer_peer(scene.world);
        if (round % 3 == 0)
            net_close(scene.world->server.net, one);
        close(round % 2 ? second.fd : first.fd);
        peer_message(&third, 0, "third", 5);
        event = await(scene.world, &scene.world->server, NET_MESSAGE, 0);
        net_link_t three = event->link;
        assert_body(event, "third");
        await(scene.world, &scene.world->server, NET_DOWN, two);
        seen_t *down = find_seen(&scene.world->server, NET_DOWN, one);
        if (round % 3)
            await(scene.world, &scene.world->server, NET_DOWN, one);
        else if (down) // it was gone before it was closed
            down->taken = true;
        // The third lives: it is answered.
        assert_int_equal(net_send(scene.world->server.net, three, span_text("yes")), ERR_OK);
        close(third.fd);
        assert_int_equal(await_reason(scene.world, &scene.world->server, NET_DOWN, three),
                         ERR_DISCONNECTED);
    }
    end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(a_first_message_of_two_bodies_begins_no_link),
        T(a_later_message_of_two_bodies_ends_the_link),
        T(a_server_that_sends_two_bodies_is_left),
        T(publications_of_one_or_three_frames_end_the_link),
        T(an_oversize_message_ends_its_senders_link_alone),
        T(oversize_from_a_server_ends_the_link),
        T(a_message_that_never_ends_is_cut_short),
        T(a_subscription_that_never_ends_is_cut_short),
        T(much_traffic_is_no_backlog),
        T(a_peer_that_stops_reading_is_dropped),
        T(many_small_messages_fill_the_queue_too),
        T(a_server_that_stops_reading_is_left),
        T(a_subscriber_that_stops_reading_holds_up_nobody),
        T(sixty_four_subscriptions_are_served),
        T(one_more_is_cut),
        T(the_connections_of_one_key_count_together),
        T(a_topic_too_long_is_cut),
        T(unsubscribing_gives_nothing_back),
        T(what_is_no_subscription_is_cut),
        T(a_routing_id_of_ones_own_is_refused),
        T(claimed_properties_do_not_replace_the_true_ones),
        T(one_key_does_not_take_all_the_links),
        T(garbage_is_told_and_does_no_harm),
        T(garbage_after_the_handshake_ends_that_link),
        T(connections_that_come_and_go_leave_nothing),
        T(reused_descriptors_are_not_confused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
