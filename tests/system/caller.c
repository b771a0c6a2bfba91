#include "tests/system/caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include <cmocka.h>

#include "lib/home.h"
#include "lib/mem.h"

enum { HEARD = 256 };

struct caller {
    void *zmq;
    net_t *net;
    secret_t *stranger;
    keys_t *keys;
    charter_t *charter;
    origin_t self;
    net_link_t link;
    bool up, down;
    nonce_t nonce, session;
    size_t heard_count;
    buf_t heard[HEARD];
    unsigned publications;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_event(void *context, const net_event_t *event)
{
    caller_t *caller = context;
    if (event->type == NET_UP)
        caller->up = true;
    else if (event->type == NET_DOWN)
        caller->down = true;
    else if (event->type == NET_PUBLICATION)
        caller->publications++;
    else if (event->type == NET_MESSAGE && caller->heard_count < HEARD)
        caller->heard[caller->heard_count++] = buf_copy(event->body);
}

// One round of the network, at most until `end`.
static void turn(caller_t *caller, uint64_t end)
{
    zmq_pollitem_t items[32];
    uint64_t now = now_ms();
    size_t count = net_poll_items(caller->net, items, 32);
    zmq_poll(items, (int)count, end > now ? (long)(end - now) : 0);
    net_drain(caller->net, 64);
}

caller_t *caller_new(fleet_t *fleet, const char *keys_of, size_t to)
{
    caller_t *caller = mem_alloc(sizeof *caller);
    uint8_t seed[32];
    fault_t fault = {0};
    net_options_t options = {.zap_domain = "caller"};
    assert_int_equal(crypto_start(), ERR_OK);
    assert_int_equal(home_charter(fleet_node_dir(fleet, to), &caller->charter, &fault), ERR_OK);
    if (keys_of) {
        card_t *card = NULL;
        assert_int_equal(home_keys(keys_of, false, &caller->keys, &fault), ERR_OK);
        assert_int_equal(home_card(keys_of, &card, &fault), ERR_OK);
        caller->self = card->origin;
        card_destroy(&card);
        options.transport = caller->keys->transport;
        options.transport_public = caller->keys->transport_public;
    } else {
        crypto_random(seed, sizeof seed);
        caller->stranger = secret_box_new(seed, &options.transport_public);
        options.transport = caller->stranger;
    }
    caller->zmq = options.zmq = zmq_ctx_new();
    assert_int_equal(net_new(&options, on_event, caller, &caller->net, &fault), ERR_OK);
    for (size_t i = 0; i < caller->charter->card_count; i++) {
        const card_t *card = caller->charter->cards[i];
        if (card->endpoint_count && strcmp(card->endpoints[0], fleet_endpoint(fleet, to)) == 0)
            caller->link =
                net_dial(caller->net, card->endpoints[0], &card->transport_key,
                         span_of(caller->charter->roster->hash.bytes, TOPIC_SIZE), &fault);
    }
    assert_int_not_equal(caller->link, 0);
    crypto_random(&caller->nonce, sizeof caller->nonce);
    return caller;
}

void caller_destroy(caller_t **caller_pointer)
{
    caller_t *caller = *caller_pointer;
    net_destroy(&caller->net);
    zmq_ctx_term(caller->zmq);
    for (size_t i = 0; i < caller->heard_count; i++)
        buf_free(&caller->heard[i]);
    secret_destroy(&caller->stranger);
    keys_destroy(&caller->keys);
    charter_destroy(&caller->charter);
    mem_free(caller);
    *caller_pointer = NULL;
}

bool caller_up(caller_t *caller, unsigned ms)
{
    uint64_t end = now_ms() + ms;
    while (!caller->up && !caller->down && now_ms() < end)
        turn(caller, end);
    return caller->up;
}

bool caller_lost(caller_t *caller, unsigned ms)
{
    uint64_t end = now_ms() + ms;
    while (!caller->down && now_ms() < end)
        turn(caller, end);
    return caller->down;
}

void caller_say(caller_t *caller, span_t bytes)
{
    (void)net_send(caller->net, caller->link, bytes);
}

void caller_send(caller_t *caller, message_t *message)
{
    message->has_session = message->type != MSG_HELLO;
    message->session = caller->session;
    buf_t bytes = message_encode(message);
    caller_say(caller, buf_span(&bytes));
    buf_free(&bytes);
}

bool caller_hear(caller_t *caller, message_type_t type, message_t *message, unsigned ms)
{
    uint64_t end = now_ms() + ms;
    fault_t fault;
    for (;;) {
        while (caller->heard_count) {
            buf_t bytes = caller->heard[0];
            memmove(caller->heard, caller->heard + 1,
                    --caller->heard_count * sizeof *caller->heard);
            bool decoded = message_decode(buf_span(&bytes), message, &fault) == ERR_OK;
            buf_free(&bytes);
            if (decoded && message->type == type)
                return true;
            if (decoded)
                message_clear(message);
        }
        if (caller->down || now_ms() >= end)
            return false;
        turn(caller, end);
    }
}

bool caller_greet(caller_t *caller, unsigned ms)
{
    message_t hello = {.type = MSG_HELLO}, welcome;
    hello.as.hello = (greeting_t){.protocol_min = PROTOCOL_VERSION,
                                  .protocol_max = PROTOCOL_VERSION,
                                  .coalition = caller->charter->roster->hash,
                                  .nonce = caller->nonce,
                                  .origin = caller->self,
                                  .roster_version = 1,
                                  .roster_hash = caller->charter->roster->hash};
    if (!caller_up(caller, ms))
        return false;
    caller_send(caller, &hello);
    if (!caller_hear(caller, MSG_WELCOME, &welcome, ms))
        return false;
    caller->session = session_id(&caller->nonce, &welcome.as.welcome.nonce);
    message_clear(&welcome);
    return true;
}

unsigned caller_publications(const caller_t *caller)
{
    return caller->publications;
}

const hash_t *caller_coalition(const caller_t *caller)
{
    return &caller->charter->roster->hash;
}
