// Two network edges in one process, each with a context of its own, and what
// they report. Everything is waited for by pumping both, with a deadline.
#ifndef ENLACE_TESTS_NET_WORLD_H
#define ENLACE_TESTS_NET_WORLD_H

#include "zmq_helpers.h"

#include "daemon/net/net.h"
#include "lib/mem.h"

#define DOMAIN "0123456789abcdef"
#define TOPIC  "coalition-topic!"

typedef struct {
    net_event_t event;
    buf_t topic, body;
    char where[96];
    bool taken;
} seen_t;

typedef struct {
    net_t *net;
    void *zmq;
    secret_t *secret;
    pubkey_t key;
    uint16_t port; // 0: outbound only
    seen_t *seen;
    size_t count, capacity;
    net_link_t close_on; // closes the link out of the handler, at this type's event
    net_event_type_t close_type;
} side_t;

typedef struct {
    side_t server, client;
    bench_t bench; // raw peers
    pair_t raw;    // their key
    size_t budget;
} world_t;

static UNUSED void record(void *context, const net_event_t *event)
{
    side_t *side = context;
    seen_t *grown = realloc(side->seen, (side->count + 1) * sizeof *grown);
    assert_non_null(grown);
    side->seen = grown;
    seen_t *seen = &side->seen[side->count++];
    *seen = (seen_t){.event = *event};
    seen->topic = buf_copy(event->topic);
    seen->body = buf_copy(event->body);
    snprintf(seen->where, sizeof seen->where, "%s", event->where ? event->where : "");
    seen->event.topic = buf_span(&seen->topic);
    seen->event.body = buf_span(&seen->body);
    seen->event.where = NULL;
    if (side->close_on && event->type == side->close_type)
        net_close(side->net, event->link);
}

// ---- pumping ----

static UNUSED size_t poll_items(side_t *side, zmq_pollitem_t *items, size_t capacity)
{
    if (!side->net)
        return 0;
    size_t count = net_poll_items(side->net, items, capacity);
    assert_true(count <= capacity);
    return count;
}

// One turn of both; waits at most this long for something to happen.
static UNUSED void pump(world_t *world, int64_t wait_ms)
{
    zmq_pollitem_t items[1024];
    size_t count = poll_items(&world->server, items, 1024);
    count += poll_items(&world->client, items + count, 1024 - count);
    zmq_poll(items, (int)count, wait_ms > 10 ? 10 : (long)wait_ms);
    if (world->server.net)
        net_drain(world->server.net, world->budget);
    if (world->client.net)
        net_drain(world->client.net, world->budget);
}

static UNUSED seen_t *find_seen(side_t *side, net_event_type_t type, net_link_t link)
{
    for (size_t i = 0; i < side->count; i++)
        if (!side->seen[i].taken && side->seen[i].event.type == type &&
            (!link || side->seen[i].event.link == link))
            return &side->seen[i];
    return NULL;
}

// The first event of this type (and link, unless 0) not yet taken. Until the
// next pump.
static UNUSED const net_event_t *await(world_t *world, side_t *side, net_event_type_t type,
                                       net_link_t link)
{
    int64_t end = clock_ms() + DEADLINE_MS;
    for (;;) {
        seen_t *seen = find_seen(side, type, link);
        if (seen) {
            seen->taken = true;
            return &seen->event;
        }
        if (clock_ms() > end)
            fail_msg("event %d did not come", (int)type);
        pump(world, end - clock_ms());
    }
}

static UNUSED err_t await_reason(world_t *world, side_t *side, net_event_type_t type,
                                 net_link_t link)
{
    return await(world, side, type, link)->reason;
}

static UNUSED void quiet(world_t *world, side_t *side, net_event_type_t type, net_link_t link)
{
    for (int64_t end = clock_ms() + QUIET_MS; clock_ms() < end;)
        pump(world, end - clock_ms());
    assert_null(find_seen(side, type, link));
}

static UNUSED void assert_body(const net_event_t *event, const char *text)
{
    assert_int_equal(event->body.size, strlen(text));
    assert_memory_equal(event->body.data, text, strlen(text));
}

// Waits for a raw socket, pumping both.
static UNUSED void await_raw(world_t *world, void *socket)
{
    int64_t end = clock_ms() + DEADLINE_MS;
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    while (zmq_poll(&item, 1, 0) == 0) {
        assert_true(clock_ms() < end);
        pump(world, 1);
    }
}

static UNUSED int await_raw_event(world_t *world, void *events, int wanted)
{
    for (;;) {
        await_raw(world, events);
        int type = event_now(events, NULL);
        if (type & wanted)
            return type;
    }
}

// ---- making ----

static UNUSED net_options_t options_of(side_t *side, char listen[64])
{
    net_options_t options = {.zmq = side->zmq,
                             .transport = side->secret,
                             .transport_public = side->key,
                             .zap_domain = DOMAIN};
    if (side->port) {
        snprintf(listen, 64, "tcp://127.0.0.1:%u", side->port);
        options.listen = listen;
    }
    return options;
}

// Sockets are gone once their context is: closing alone leaves them to libzmq.
static UNUSED void side_stop(side_t *side)
{
    net_destroy(&side->net);
    zmq_ctx_term(side->zmq);
    side->zmq = zmq_ctx_new();
}

static UNUSED void side_open(side_t *side)
{
    char listen[64];
    fault_t fault = {0};
    net_options_t options = options_of(side, listen);
    assert_int_equal(net_new(&options, record, side, &side->net, &fault), ERR_OK);
}

static UNUSED void side_init(side_t *side, uint16_t port)
{
    uint8_t seed[32];
    randombytes_buf(seed, sizeof seed);
    side->zmq = zmq_ctx_new();
    side->secret = secret_box_new(seed, &side->key);
    side->port = port;
}

static UNUSED void side_end(side_t *side)
{
    net_destroy(&side->net);
    zmq_ctx_term(side->zmq);
    secret_destroy(&side->secret);
    for (size_t i = 0; i < side->count; i++) {
        buf_free(&side->seen[i].topic);
        buf_free(&side->seen[i].body);
    }
    free(side->seen);
}

static UNUSED int world_setup(void **state)
{
    world_t *world = test_calloc(1, sizeof *world);
    assert_int_equal(crypto_start(), ERR_OK);
    world->bench.zmq = zmq_ctx_new();
    world->raw = pair_new();
    world->budget = 64;
    side_init(&world->server, free_port());
    side_init(&world->client, 0);
    side_open(&world->server);
    side_open(&world->client);
    *state = world;
    return 0;
}

static UNUSED int world_teardown(void **state)
{
    world_t *world = *state;
    bench_end(&world->bench);
    side_end(&world->client);
    side_end(&world->server);
    test_free(world);
    return 0;
}

// ---- usual steps ----

static UNUSED pubkey_t raw_key(const pair_t *pair)
{
    pubkey_t key;
    memcpy(key.bytes, pair->public_key, sizeof key.bytes);
    return key;
}

// The server lets in the client and the raw peers.
static UNUSED void admit_all(world_t *world)
{
    pubkey_t keys[] = {world->client.key, raw_key(&world->raw)};
    net_admit(world->server.net, keys, 2);
}

static UNUSED net_link_t dial_port(world_t *world, uint16_t port)
{
    char endpoint[64];
    fault_t fault = {0};
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    net_link_t link =
        net_dial(world->client.net, endpoint, &world->server.key, span_text(TOPIC), &fault);
    assert_true(link != 0);
    return link;
}

typedef struct {
    net_link_t there, here; // the client's and the server's number of one link
} linked_t;

// A link that both sides have seen come up, with a message over it.
static UNUSED linked_t link_up(world_t *world)
{
    linked_t linked = {.there = dial_port(world, world->server.port)};
    await(world, &world->client, NET_UP, linked.there);
    assert_int_equal(net_send(world->client.net, linked.there, span_text("hello")), ERR_OK);
    const net_event_t *up = await(world, &world->server, NET_UP, 0);
    linked.here = up->link;
    await(world, &world->server, NET_MESSAGE, linked.here);
    return linked;
}

static UNUSED void assert_works(world_t *world, linked_t linked)
{
    assert_int_equal(net_send(world->client.net, linked.there, span_text("ask")), ERR_OK);
    assert_body(await(world, &world->server, NET_MESSAGE, linked.here), "ask");
    assert_int_equal(net_send(world->server.net, linked.here, span_text("answer")), ERR_OK);
    assert_body(await(world, &world->client, NET_MESSAGE, linked.there), "answer");
}

static UNUSED void *raw_peer(world_t *world, int type)
{
    void *socket = client_socket(&world->bench, type, &world->raw, world->server.key.bytes);
    return socket;
}

static UNUSED void *raw_dealer(world_t *world)
{
    void *socket = raw_peer(world, ZMQ_DEALER);
    connect_port(socket, world->server.port);
    return socket;
}

#endif
