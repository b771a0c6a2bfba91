// The network edge as a whole: who gets in, who is dropped, and that a link's
// end is told. Hostile peers are in test_net_hostile.c.
#include "net_world.h"

// ---- links ----

static void both_sides_learn_of_a_link_and_whose_it_is(void **state)
{
    world_t *world = *state;
    admit_all(world);
    net_link_t link = dial_port(world, world->server.port);
    const net_event_t *up = await(world, &world->client, NET_UP, link);
    assert_true(up->outbound);
    assert_true(key_equal(&up->key, &world->server.key));
    // The inbound side learns with the first message.
    assert_int_equal(net_links(world->server.net), 0);
    assert_int_equal(net_send(world->client.net, link, span_text("hello")), ERR_OK);
    up = await(world, &world->server, NET_UP, 0);
    assert_false(up->outbound);
    assert_true(key_equal(&up->key, &world->client.key));
    net_link_t here = up->link;
    const net_event_t *message = await(world, &world->server, NET_MESSAGE, here);
    assert_body(message, "hello");
    assert_true(key_equal(&message->key, &world->client.key));
    assert_works(world, (linked_t){link, here});
    assert_int_equal(net_links(world->server.net), 1);
    assert_int_equal(net_links(world->client.net), 1);
}

static void messages_come_in_order_and_whole(void **state)
{
    world_t *world = *state;
    enum { COUNT = 300, SIZE = 190 * 1024 };
    admit_all(world);
    linked_t linked = link_up(world);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(net_send(world->client.net, linked.there, span_of(&i, sizeof i)), ERR_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        const net_event_t *event = await(world, &world->server, NET_MESSAGE, linked.here);
        assert_int_equal(event->body.size, sizeof i);
        assert_memory_equal(event->body.data, &i, sizeof i);
    }
    uint8_t *big = test_malloc(SIZE);
    randombytes_buf(big, SIZE);
    assert_int_equal(net_send(world->server.net, linked.here, span_of(big, SIZE)), ERR_OK);
    const net_event_t *event = await(world, &world->client, NET_MESSAGE, linked.there);
    assert_int_equal(event->body.size, SIZE);
    assert_memory_equal(event->body.data, big, SIZE);
    test_free(big);
}

static void an_empty_message_is_a_message(void **state)
{
    world_t *world = *state;
    admit_all(world);
    linked_t linked = link_up(world);
    assert_int_equal(net_send(world->client.net, linked.there, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(await(world, &world->server, NET_MESSAGE, linked.here)->body.size, 0);
}

static void two_links_of_one_key_live_side_by_side(void **state)
{
    world_t *world = *state;
    admit_all(world);
    linked_t first = link_up(world), second = link_up(world);
    assert_true(first.here != second.here && first.there != second.there);
    assert_works(world, first);
    assert_works(world, second);
    net_close(world->client.net, first.there);
    assert_int_equal(await_reason(world, &world->server, NET_DOWN, first.here), ERR_DISCONNECTED);
    assert_works(world, second);
    quiet(world, &world->client, NET_DOWN, 0);
}

static void what_is_said_before_closing_arrives(void **state)
{
    world_t *world = *state;
    admit_all(world);
    for (int i = 0; i < 5; i++) {
        linked_t linked = link_up(world);
        net_send(world->client.net, linked.there, span_text("bye"));
        net_close(world->client.net, linked.there);
        assert_body(await(world, &world->server, NET_MESSAGE, linked.here), "bye");
        assert_int_equal(await_reason(world, &world->server, NET_DOWN, linked.here),
                         ERR_DISCONNECTED);
    }
    for (int i = 0; i < 5; i++) {
        linked_t linked = link_up(world);
        net_send(world->server.net, linked.here, span_text("bye"));
        net_close(world->server.net, linked.here);
        assert_int_equal(net_send(world->server.net, linked.here, span_text("more")),
                         ERR_DISCONNECTED);
        assert_body(await(world, &world->client, NET_MESSAGE, linked.there), "bye");
        assert_int_equal(await_reason(world, &world->client, NET_DOWN, linked.there),
                         ERR_DISCONNECTED);
    }
    assert_null(find_seen(&world->client, NET_DOWN, 0));
    assert_null(find_seen(&world->server, NET_DOWN, 0));
    assert_int_equal(net_links(world->server.net), 0);
    assert_int_equal(net_links(world->client.net), 0);
}

static void what_is_said_before_stopping_arrives(void **state)
{
    world_t *world = *state;
    admit_all(world);
    linked_t linked = link_up(world);
    net_send(world->client.net, linked.there, span_text("bye"));
    side_stop(&world->client);
    assert_body(await(world, &world->server, NET_MESSAGE, linked.here), "bye");
    await(world, &world->server, NET_DOWN, linked.here);
    side_open(&world->client);
    linked = link_up(world);
    net_send(world->server.net, linked.here, span_text("bye"));
    side_stop(&world->server);
    assert_body(await(world, &world->client, NET_MESSAGE, linked.there), "bye");
    await(world, &world->client, NET_DOWN, linked.there);
}

static void all_that_a_peer_sent_comes_before_its_end(void **state)
{
    world_t *world = *state;
    enum { COUNT = 500 };
    world->budget = 7; // the end must wait for what is still in the queue
    admit_all(world);
    void *dealer = raw_peer(world, ZMQ_DEALER);
    set_int(dealer, ZMQ_LINGER, 5000);
    connect_port(dealer, world->server.port);
    for (int i = 0; i < COUNT; i++)
        send_text(dealer, "x", 0);
    net_link_t link = await(world, &world->server, NET_UP, 0)->link;
    bench_close(&world->bench, dealer);
    assert_int_equal(await_reason(world, &world->server, NET_DOWN, link), ERR_DISCONNECTED);
    for (int i = 0; i < COUNT; i++) {
        seen_t *seen = find_seen(&world->server, NET_MESSAGE, link);
        assert_non_null(seen);
        seen->taken = true;
    }
    quiet(world, &world->server, NET_UP, 0); // no ghost of it either
}

static void a_link_that_went_away_is_dialled_anew(void **state)
{
    world_t *world = *state;
    admit_all(world);
    linked_t linked = link_up(world);
    side_stop(&world->server);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, linked.there), ERR_DISCONNECTED);
    assert_int_equal(net_send(world->client.net, linked.there, span_text("late")),
                     ERR_DISCONNECTED);
    side_open(&world->server);
    admit_all(world);
    linked_t next = link_up(world);
    assert_true(next.there > linked.there);
    assert_works(world, next);
    // And its publications come again.
    int64_t end = clock_ms() + DEADLINE_MS;
    while (!find_seen(&world->client, NET_PUBLICATION, next.there)) {
        assert_true(clock_ms() < end);
        net_publish(world->server.net, span_text(TOPIC), span_text("news"));
        pump(world, 5);
    }
}

// N3: what was sent and not taken is gone with its link.
static void nothing_of_one_session_reaches_the_next(void **state)
{
    world_t *world = *state;
    admit_all(world);
    linked_t linked = link_up(world);
    side_stop(&world->server);
    for (int i = 0; i < 50; i++)
        net_send(world->client.net, linked.there, span_text("old session"));
    side_open(&world->server);
    admit_all(world);
    await(world, &world->client, NET_DOWN, linked.there);
    linked_t next = link_up(world);
    assert_works(world, next);
    assert_null(find_seen(&world->server, NET_MESSAGE, 0));
}

// ---- dialling ----

static void dialling_nobody_says_unreachable(void **state)
{
    world_t *world = *state;
    net_link_t link = dial_port(world, free_port());
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_UNREACHABLE);
    // A connect that fails at once, which libzmq tells in another way.
    link = net_dial(world->client.net, "tcp://255.255.255.255:9", &world->server.key,
                    span_text(TOPIC), NULL);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_UNREACHABLE);
    assert_int_equal(net_links(world->client.net), 0);
}

static void what_is_no_endpoint_is_not_dialled(void **state)
{
    world_t *world = *state;
    const char *const bad[] = {"tcp://0.0.0.0:5000",
                               "tcp://*:5000",
                               "ipc:///tmp/x",
                               "tcp://host",
                               "tcp://host:0",
                               "host:5000",
                               "",
                               "tcp://host:65535"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fault_t fault = {0};
        assert_int_equal(
            net_dial(world->client.net, bad[i], &world->server.key, span_text(TOPIC), &fault), 0);
        assert_int_equal(fault.err, ERR_BAD_VALUE);
    }
}

static void a_server_with_another_key_is_not_talked_to(void **state)
{
    world_t *world = *state;
    char endpoint[64];
    pair_t other = pair_new();
    pubkey_t key = raw_key(&other);
    admit_all(world);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", world->server.port);
    net_link_t link = net_dial(world->client.net, endpoint, &key, span_text(TOPIC), NULL);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_HANDSHAKE_FAILED);
    assert_null(find_seen(&world->client, NET_UP, 0));
}

static void a_silent_publication_port_does_not_hold_up_the_link(void **state)
{
    world_t *world = *state;
    void *router = bench_socket(&world->bench, ZMQ_ROUTER);
    uint16_t port = free_port();
    char endpoint[64];
    set_int(router, ZMQ_CURVE_SERVER, 1);
    set_bytes(router, ZMQ_CURVE_SECRETKEY, secret_bytes(world->server.secret), 32);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    assert_int_equal(zmq_bind(router, endpoint), 0); // and nothing on the next port
    net_link_t link = dial_port(world, port);
    await(world, &world->client, NET_UP, link);
    net_send(world->client.net, link, span_text("hello"));
    await_raw(world, router);
    quiet(world, &world->client, NET_DOWN, link);
}

static void a_refused_subscription_ends_the_link(void **state)
{
    world_t *world = *state;
    uint16_t port = free_port();
    pair_t other = pair_new();
    for (int i = 0; i < 2; i++) { // the next port belongs to somebody else
        void *socket = bench_socket(&world->bench, i ? ZMQ_XPUB : ZMQ_ROUTER);
        char endpoint[64];
        set_int(socket, ZMQ_CURVE_SERVER, 1);
        set_bytes(socket, ZMQ_CURVE_SECRETKEY,
                  i ? other.secret_key : secret_bytes(world->server.secret), 32);
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port + i);
        assert_int_equal(zmq_bind(socket, endpoint), 0);
    }
    net_link_t link = dial_port(world, port);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_HANDSHAKE_FAILED);
}

// ---- publications ----

static void publications_come_with_their_topic(void **state)
{
    world_t *world = *state;
    admit_all(world);
    linked_t linked = link_up(world);
    int64_t end = clock_ms() + DEADLINE_MS;
    while (!find_seen(&world->client, NET_PUBLICATION, linked.there)) {
        assert_true(clock_ms() < end);
        assert_int_equal(
            net_publish(world->server.net, span_text("another-topic!!!"), span_text("no")), ERR_OK);
        assert_int_equal(net_publish(world->server.net, span_text(TOPIC), span_text("news")),
                         ERR_OK);
        pump(world, 5);
    }
    const net_event_t *event = await(world, &world->client, NET_PUBLICATION, linked.there);
    assert_true(event->outbound);
    assert_body(event, "news");
    assert_true(span_equal(event->topic, span_text(TOPIC)));
}

static void who_does_not_listen_publishes_to_nobody(void **state)
{
    world_t *world = *state;
    assert_int_equal(net_publish(world->client.net, span_text(TOPIC), span_text("x")), ERR_OK);
}

// ---- who may come in ----

static void a_key_that_is_not_admitted_gets_nothing(void **state)
{
    world_t *world = *state;
    pubkey_t other = {{1, 2, 3}};
    net_admit(world->server.net, &other, 1);
    net_link_t link = dial_port(world, world->server.port);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_HANDSHAKE_FAILED);
    assert_int_equal(await_reason(world, &world->server, NET_REFUSED, 0), ERR_NOT_A_MEMBER);
    assert_null(find_seen(&world->server, NET_UP, 0));
    assert_null(find_seen(&world->client, NET_UP, 0));
}

static void nobody_is_admitted_at_first(void **state)
{
    world_t *world = *state;
    net_link_t link = dial_port(world, world->server.port);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, link), ERR_HANDSHAKE_FAILED);
}

static void a_key_that_is_taken_away_is_cut_within_a_second(void **state)
{
    world_t *world = *state;
    admit_all(world);
    linked_t linked = link_up(world);
    pubkey_t raw = raw_key(&world->raw);
    void *stays = raw_dealer(world);
    send_text(stays, "hello", 0);
    net_link_t other = await(world, &world->server, NET_UP, 0)->link;
    int64_t before = clock_ms();
    net_admit(world->server.net, &raw, 1);
    assert_int_equal(await_reason(world, &world->server, NET_DOWN, linked.here), ERR_REVOKED);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, linked.there), ERR_DISCONNECTED);
    assert_true(clock_ms() - before < 1000);
    // It does not come back, and who stayed is not disturbed.
    net_link_t again = dial_port(world, world->server.port);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, again), ERR_HANDSHAKE_FAILED);
    assert_int_equal(net_send(world->server.net, other, span_text("still")), ERR_OK);
    await_raw(world, stays);
}

static void a_subscriber_whose_key_is_taken_away_is_cut_too(void **state)
{
    world_t *world = *state;
    admit_all(world);
    void *sub = raw_peer(world, ZMQ_SUB);
    void *events = watch(&world->bench, sub, 0);
    set_bytes(sub, ZMQ_SUBSCRIBE, TOPIC, strlen(TOPIC));
    connect_port(sub, (uint16_t)(world->server.port + 1));
    await_raw_event(world, events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    int64_t before = clock_ms();
    net_admit(world->server.net, &world->client.key, 1);
    await_raw_event(world, events, ZMQ_EVENT_DISCONNECTED);
    assert_true(clock_ms() - before < 1000);
}

// Who passed the handshake and has not said a word is cut as well.
static void a_silent_connection_does_not_outlive_its_key(void **state)
{
    world_t *world = *state;
    admit_all(world);
    void *dealer = raw_peer(world, ZMQ_DEALER);
    void *events = watch(&world->bench, dealer, 0);
    connect_port(dealer, world->server.port);
    await_raw_event(world, events, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    net_admit(world->server.net, &world->client.key, 1);
    await_raw_event(world, events, ZMQ_EVENT_DISCONNECTED);
}

static void admitting_more_disturbs_nobody(void **state)
{
    world_t *world = *state;
    net_admit(world->server.net, &world->client.key, 1);
    linked_t linked = link_up(world);
    admit_all(world);
    assert_works(world, linked);
    quiet(world, &world->server, NET_DOWN, 0);
}

static void a_dialled_server_whose_key_is_taken_away_is_left(void **state)
{
    world_t *world = *state;
    admit_all(world);
    net_admit(world->client.net, &world->server.key, 1);
    linked_t linked = link_up(world);
    net_admit(world->client.net, NULL, 0);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, linked.there), ERR_REVOKED);
    assert_int_equal(await_reason(world, &world->server, NET_DOWN, linked.here), ERR_DISCONNECTED);
}

// N1, with the test hook: the handler is gone, the domain is enforced.
static void without_the_handler_nobody_gets_in(void **state)
{
    world_t *world = *state;
    char listen[64];
    fault_t fault = {0};
    side_stop(&world->server);
    net_options_t options = options_of(&world->server, listen);
    options.test_drop_zap = true;
    assert_int_equal(net_new(&options, record, &world->server, &world->server.net, &fault), ERR_OK);
    admit_all(world);
    void *events[2];
    for (int i = 0; i < 2; i++) {
        void *socket = raw_peer(world, i ? ZMQ_SUB : ZMQ_DEALER);
        events[i] = watch(&world->bench, socket, 0);
        connect_port(socket, (uint16_t)(world->server.port + i));
    }
    for (int i = 0; i < 2; i++)
        assert_int_not_equal(await_raw_event(world, events[i],
                                             ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                                                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                                 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL),
                             ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_null(find_seen(&world->server, NET_UP, 0));
}

// ---- listening ----

static void expect_cannot_listen(world_t *world, const char *endpoint, const char *domain)
{
    char listen[64];
    fault_t fault = {0};
    net_t *net = NULL;
    void *zmq = zmq_ctx_new();
    net_options_t options = options_of(&world->server, listen);
    options.zmq = zmq;
    options.listen = endpoint ? endpoint : listen;
    options.zap_domain = domain;
    assert_int_equal(net_new(&options, record, &world->server, &net, &fault), ERR_CANNOT_LISTEN);
    assert_null(net);
    assert_int_equal(fault.err, ERR_CANNOT_LISTEN);
    assert_string_not_equal(fault.where, "");
    zmq_ctx_term(zmq);
}

static void what_cannot_be_listened_on_is_said(void **state)
{
    world_t *world = *state;
    char taken[64];
    expect_cannot_listen(world, NULL, DOMAIN);                     // in use
    expect_cannot_listen(world, "tcp://203.0.113.7:7000", DOMAIN); // not an address of ours
    expect_cannot_listen(world, "tcp://127.0.0.1", DOMAIN);
    expect_cannot_listen(world, "tcp://127.0.0.1:65535", DOMAIN);
    expect_cannot_listen(world, "ipc:///tmp/enlace-test", DOMAIN);
    // The link's port is free, that of the publications is not.
    uint16_t port = free_port();
    int fd = listen_on((uint16_t)(port + 1));
    snprintf(taken, sizeof taken, "tcp://127.0.0.1:%u", port);
    expect_cannot_listen(world, taken, DOMAIN);
    close(fd);
}

static void without_a_domain_there_is_no_listening(void **state)
{
    world_t *world = *state;
    char free_endpoint[64];
    snprintf(free_endpoint, sizeof free_endpoint, "tcp://127.0.0.1:%u", free_port());
    expect_cannot_listen(world, free_endpoint, "");
    expect_cannot_listen(world, free_endpoint, NULL);
}

static void every_address_can_be_listened_on(void **state)
{
    world_t *world = *state;
    char listen[64];
    fault_t fault = {0};
    side_stop(&world->server);
    net_options_t options = options_of(&world->server, listen);
    snprintf(listen, sizeof listen, "tcp://0.0.0.0:%u", world->server.port);
    assert_int_equal(net_new(&options, record, &world->server, &world->server.net, &fault), ERR_OK);
    admit_all(world);
    assert_works(world, link_up(world));
}

// ---- the loop ----

static void more_poll_items_than_room_are_counted(void **state)
{
    world_t *world = *state;
    zmq_pollitem_t items[64], one;
    memset(items, 0x5a, sizeof items);
    dial_port(world, free_port());
    dial_port(world, free_port());
    size_t needed = net_poll_items(world->client.net, NULL, 0);
    assert_true(needed > 2 && needed < 64);
    assert_int_equal(net_poll_items(world->client.net, &one, 1), needed);
    assert_int_equal(net_poll_items(world->client.net, items, 2), needed);
    for (size_t i = 2 * sizeof *items; i < sizeof items; i++)
        assert_int_equal(((uint8_t *)items)[i], 0x5a);
}

static void a_drain_takes_no_more_than_its_budget(void **state)
{
    world_t *world = *state;
    enum { COUNT = 40 };
    admit_all(world);
    linked_t linked = link_up(world);
    for (int i = 0; i < COUNT; i++)
        net_send(world->client.net, linked.there, span_text("x"));
    int64_t end = clock_ms() + DEADLINE_MS;
    for (size_t taken = 0; taken < COUNT;) {
        size_t before = world->server.count;
        bool more = net_drain(world->server.net, 3);
        assert_true(world->server.count - before <= 3);
        assert_true(world->server.count - before < 3 || more);
        taken += world->server.count - before;
        assert_true(clock_ms() < end);
    }
}

static void a_link_can_be_closed_out_of_its_own_event(void **state)
{
    world_t *world = *state;
    admit_all(world);
    world->client.close_on = 1;
    world->client.close_type = NET_UP;
    net_link_t link = dial_port(world, world->server.port);
    await(world, &world->client, NET_UP, link);
    quiet(world, &world->client, NET_DOWN, link);
    assert_int_equal(net_links(world->client.net), 0);
    world->client.close_on = 0;
    world->server.close_on = 1;
    world->server.close_type = NET_MESSAGE;
    linked_t linked = link_up(world);
    assert_int_equal(await_reason(world, &world->client, NET_DOWN, linked.there), ERR_DISCONNECTED);
    quiet(world, &world->server, NET_DOWN, linked.here);
}

static void unknown_links_are_nobodys(void **state)
{
    world_t *world = *state;
    assert_int_equal(net_send(world->server.net, 77, span_text("x")), ERR_DISCONNECTED);
    assert_int_equal(net_send(world->client.net, 77, span_text("x")), ERR_DISCONNECTED);
    net_close(world->server.net, 77);
    net_close(world->client.net, 77);
}

static void many_links_are_told_apart(void **state)
{
    world_t *world = *state;
    enum { COUNT = 40 };
    void *dealers[COUNT];
    pubkey_t keys[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char text[16];
        world->raw = pair_new();
        keys[i] = raw_key(&world->raw);
        net_admit(world->server.net, keys, (size_t)i + 1);
        dealers[i] = raw_dealer(world);
        snprintf(text, sizeof text, "%d", i);
        send_text(dealers[i], text, 0);
    }
    for (int done = 0; done < COUNT; done++) {
        const net_event_t *event = await(world, &world->server, NET_MESSAGE, 0);
        char text[16] = "";
        memcpy(text, event->body.data, event->body.size);
        assert_true(key_equal(&event->key, &keys[atoi(text)]));
        assert_int_equal(net_send(world->server.net, event->link, span_text(text)), ERR_OK);
    }
    for (int i = 0; i < COUNT; i++) {
        char text[16] = "", expected[16];
        await_raw(world, dealers[i]);
        assert_true(zmq_recv(dealers[i], text, sizeof text - 1, 0) > 0);
        snprintf(expected, sizeof expected, "%d", i);
        assert_string_equal(text, expected);
    }
    assert_int_equal(net_links(world->server.net), COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(both_sides_learn_of_a_link_and_whose_it_is),
        T(messages_come_in_order_and_whole),
        T(an_empty_message_is_a_message),
        T(two_links_of_one_key_live_side_by_side),
        T(what_is_said_before_closing_arrives),
        T(what_is_said_before_stopping_arrives),
        T(all_that_a_peer_sent_comes_before_its_end),
        T(a_link_that_went_away_is_dialled_anew),
        T(nothing_of_one_session_reaches_the_next),
        T(dialling_nobody_says_unreachable),
        T(what_is_no_endpoint_is_not_dialled),
        T(a_server_with_another_key_is_not_talked_to),
        T(a_silent_publication_port_does_not_hold_up_the_link),
        T(a_refused_subscription_ends_the_link),
        T(publications_come_with_their_topic),
        T(who_does_not_listen_publishes_to_nobody),
        T(a_key_that_is_not_admitted_gets_nothing),
        T(nobody_is_admitted_at_first),
        T(a_key_that_is_taken_away_is_cut_within_a_second),
        T(a_subscriber_whose_key_is_taken_away_is_cut_too),
        T(a_silent_connection_does_not_outlive_its_key),
        T(admitting_more_disturbs_nobody),
        T(a_dialled_server_whose_key_is_taken_away_is_left),
        T(without_the_handler_nobody_gets_in),
        T(what_cannot_be_listened_on_is_said),
        T(without_a_domain_there_is_no_listening),
        T(every_address_can_be_listened_on),
        T(more_poll_items_than_room_are_counted),
        T(a_drain_takes_no_more_than_its_budget),
        T(a_link_can_be_closed_out_of_its_own_event),
        T(unknown_links_are_nobodys),
        T(many_links_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
