// A hostile relay: a member with real keys that follows an honest node, and
// passes on what it got changed. Usage: tool_relay DIR MODE, where DIR is a
// node's directory (listening, one --connect) whose own daemon does not run.
//
//   body       one bit of the last payload of each run is turned
//   header     one bit in a header
//   signature  one bit in the signature
//   gap        the first commit of each run is left out
//   missing    payloads are said to be missing
//   erased     payloads are said to be erased
//   claim      heads a thousand higher than what is held
//   silent     claims what is true and never answers a fetch
//   honest     passes on what it got (the control: a test must tell them apart)
//
// Prints "ready" once it listens and "served N" for each run that it sent.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "daemon/net/net.h"
#include "lib/home.h"
#include "lib/mem.h"
#include "lib/message.h"

enum { LINKS = 16, FEEDS = 64 };

typedef struct {
    net_link_t link;
    bool upstream, open;
    nonce_t mine, id;
    pubkey_t key;
} peer_t;

typedef struct {
    feed_t feed;
    size_t count;
    commit_t *commits[256];
    bool fetching;
    uint32_t fetch;
    buf_t parts;
    uint64_t claimed;
} stock_t;

typedef struct {
    const char *mode;
    net_t *net;
    config_t *config;
    keys_t *keys;
    charter_t *charter;
    origin_t self;
    peer_t peers[LINKS];
    stock_t stocks[FEEDS];
    size_t stock_count;
    uint32_t next_fetch;
    unsigned served;
} relay_t;

static bool mode_is(const relay_t *relay, const char *mode)
{
    return strcmp(relay->mode, mode) == 0;
}

static void die(const char *what, const fault_t *fault)
{
    fprintf(stderr, "tool_relay: %s: %s %s %s\n", what, err_name(fault->err), fault->where,
            fault->detail);
    exit(1);
}

// ---- sending ----

static void send_message(relay_t *relay, peer_t *peer, message_t *message)
{
    message->has_session = message->type != MSG_HELLO;
    message->session = peer->id;
    buf_t bytes = message_encode(message);
    (void)net_send(relay->net, peer->link, buf_span(&bytes));
    buf_free(&bytes);
}

static greeting_t greeting(const relay_t *relay, const peer_t *peer)
{
    return (greeting_t){.protocol_min = PROTOCOL_VERSION,
                        .protocol_max = PROTOCOL_VERSION,
                        .coalition = relay->charter->roster->hash,
                        .nonce = peer->mine,
                        .origin = relay->self,
                        .roster_version = 1,
                        .roster_hash = relay->charter->roster->hash};
}

static void send_heads(relay_t *relay, peer_t *peer)
{
    head_t heads[FEEDS];
    message_t message = {.type = MSG_HEADS};
    for (size_t i = 0; i < relay->stock_count; i++) {
        const stock_t *stock = &relay->stocks[i];
        if (!stock->count)
            continue;
        const commit_t *last = stock->commits[stock->count - 1];
        head_t *head = &heads[message.as.heads.count++];
        *head = (head_t){stock->feed, last->last, last->hash};
        if (mode_is(relay, "claim"))
            head->number += 1000;
    }
    message.as.heads.items = heads;
    send_message(relay, peer, &message);
}

static void tell_all(relay_t *relay)
{
    for (size_t i = 0; i < LINKS; i++)
        if (relay->peers[i].open && !relay->peers[i].upstream)
            send_heads(relay, &relay->peers[i]);
}

// ---- what it does to what it passes on ----

static void spoil(const relay_t *relay, buf_t *run, const commit_t *last)
{
    span_t target = {0};
    if (mode_is(relay, "body"))
        target = last->changes[last->count - 1].body;
    else if (mode_is(relay, "header"))
        target = span_of(last->previous.bytes, HASH_SIZE);
    else if (mode_is(relay, "signature"))
        target = span_of(&last->signature, SIGNATURE_SIZE);
    for (size_t i = run->size; target.size && i-- > 0;)
        if (i + target.size <= run->size && memcmp(run->data + i, target.data, target.size) == 0) {
            run->data[i + target.size / 2] ^= 1;
            return;
        }
}

static buf_t altered_run(const relay_t *relay, stock_t *stock, size_t from)
{
    commit_t *copies[256];
    size_t count = 0;
    for (size_t i = from; i < stock->count && count < RUN_COMMITS_MAX; i++)
        copies[count++] = commit_copy(stock->commits[i]);
    bool absent = mode_is(relay, "missing") || mode_is(relay, "erased");
    for (size_t i = 0; i < count && absent; i++)
        for (size_t k = 0; k < copies[i]->count; k++) {
            copies[i]->changes[k].state =
                mode_is(relay, "missing") ? PAYLOAD_MISSING : PAYLOAD_ERASED;
            copies[i]->changes[k].body = (span_t){0};
        }
    size_t skip = mode_is(relay, "gap") && count > 1 ? 1 : 0;
    buf_t run = run_encode(&stock->feed, copies + skip, count - skip);
    spoil(relay, &run, copies[count - 1]);
    for (size_t i = 0; i < count; i++)
        commit_destroy(&copies[i]);
    return run;
}

static stock_t *stock_of(relay_t *relay, const feed_t *feed)
{
    for (size_t i = 0; i < relay->stock_count; i++)
        if (feed_equal(&relay->stocks[i].feed, feed))
            return &relay->stocks[i];
    if (relay->stock_count == FEEDS)
        exit(1);
    relay->stocks[relay->stock_count].feed = *feed;
    return &relay->stocks[relay->stock_count++];
}

static void serve(relay_t *relay, peer_t *peer, const message_t *m)
{
    stock_t *stock = stock_of(relay, &m->as.fetch.feed);
    size_t from = 0;
    message_t part = {.type = MSG_RUN_PART};
    if (mode_is(relay, "silent"))
        return;
    while (from < stock->count && stock->commits[from]->last <= m->as.fetch.after)
        from++;
    part.as.run_part.fetch = m->as.fetch.fetch;
    part.as.run_part.last = part.as.run_part.end = true;
    buf_t run = {0};
    if (from < stock->count)
        run = altered_run(relay, stock, from);
    // Small enough for one part in these tests, and for the first credit.
    part.as.run_part.bytes = buf_span(&run);
    send_message(relay, peer, &part);
    buf_free(&run);
    printf("served %u\n", ++relay->served);
}

// ---- following the honest node ----

static void fetch(relay_t *relay, peer_t *peer, const head_t *head)
{
    stock_t *stock = stock_of(relay, &head->feed);
    const commit_t *last = stock->count ? stock->commits[stock->count - 1] : NULL;
    if (head->number > stock->claimed)
        stock->claimed = head->number;
    if (stock->fetching || (last && last->last >= stock->claimed))
        return;
    message_t message = {.type = MSG_FETCH};
    stock->fetching = true;
    stock->fetch = message.as.fetch.fetch = ++relay->next_fetch;
    message.as.fetch.feed = head->feed;
    message.as.fetch.credit_limit = 1 << 20;
    if (last) {
        message.as.fetch.after = last->last;
        message.as.fetch.after_hash = last->hash;
    } else {
        for (size_t i = 0; i < relay->charter->card_count; i++)
            if (origin_equal(&relay->charter->cards[i]->origin, &head->feed.origin))
                message.as.fetch.after_hash = relay->charter->cards[i]->hash;
    }
    send_message(relay, peer, &message);
}

static void take_part(relay_t *relay, peer_t *peer, const message_t *m)
{
    for (size_t i = 0; i < relay->stock_count; i++) {
        stock_t *stock = &relay->stocks[i];
        run_t run;
        fault_t fault;
        if (!stock->fetching || stock->fetch != m->as.run_part.fetch)
            continue;
        buf_append(&stock->parts, m->as.run_part.bytes);
        if (!m->as.run_part.last)
            return;
        if (stock->parts.size && run_decode(buf_span(&stock->parts), &run, &fault) == ERR_OK) {
            for (size_t k = 0; k < run.count && stock->count < 256; k++) {
                stock->commits[stock->count++] = run.commits[k];
                run.commits[k] = NULL;
            }
            run_clear(&run);
        }
        buf_clear(&stock->parts);
        stock->fetching = !m->as.run_part.end;
        head_t head = {.feed = stock->feed, .number = stock->claimed};
        fetch(relay, peer, &head);
        tell_all(relay);
        return;
    }
}

// ---- messages ----

static void on_hello(relay_t *relay, peer_t *peer, const message_t *m)
{
    message_t welcome = {.type = MSG_WELCOME};
    peer->id = session_id(&m->as.hello.nonce, &peer->mine);
    peer->open = true;
    welcome.as.welcome = greeting(relay, peer);
    welcome.as.welcome.hello_nonce = m->as.hello.nonce;
    send_message(relay, peer, &welcome);
    send_heads(relay, peer);
}

static void on_message(relay_t *relay, peer_t *peer, const message_t *m)
{
    message_t answer = {.type = MSG_PONG};
    switch (m->type) {
    case MSG_HELLO:
        on_hello(relay, peer, m);
        break;
    case MSG_WELCOME:
        peer->id = session_id(&peer->mine, &m->as.welcome.nonce);
        peer->open = true;
        send_heads(relay, peer);
        break;
    case MSG_PING:
        answer.as.ping.token = m->as.ping.token;
        send_message(relay, peer, &answer);
        break;
    case MSG_HEADS:
        for (size_t i = 0; peer->upstream && i < m->as.heads.count; i++)
            fetch(relay, peer, &m->as.heads.items[i]);
        // It says that it holds whatever it is told of, so that nobody waits for it.
        answer.type = MSG_ACK;
        answer.as.heads.count = m->as.heads.count;
        answer.as.heads.items = m->as.heads.items;
        send_message(relay, peer, &answer);
        break;
    case MSG_RUN_PART:
        take_part(relay, peer, m);
        break;
    case MSG_FETCH:
        serve(relay, peer, m);
        break;
    default:
        break;
    }
}

static peer_t *peer_of(relay_t *relay, net_link_t link)
{
    for (size_t i = 0; i < LINKS; i++)
        if (relay->peers[i].link == link)
            return &relay->peers[i];
    return NULL;
}

static void on_up(relay_t *relay, const net_event_t *event)
{
    peer_t *peer = peer_of(relay, event->link);
    if (!peer)
        peer = peer_of(relay, 0);
    if (!peer)
        exit(1);
    peer->link = event->link;
    crypto_random(&peer->mine, sizeof peer->mine);
    if (!event->outbound)
        return;
    message_t hello = {.type = MSG_HELLO};
    peer->upstream = true;
    hello.as.hello = greeting(relay, peer);
    send_message(relay, peer, &hello);
}

static void on_publication(relay_t *relay, const net_event_t *event)
{
    publication_t publication;
    fault_t fault;
    if (publication_decode(event->topic, event->body, &relay->charter->roster->hash, &publication,
                           &fault))
        return;
    head_t head = publication.head;
    if (publication.type == PUB_RUN)
        head = (head_t){publication.run.feed, publication.run.commits[0]->last,
                        publication.run.commits[0]->hash};
    for (size_t i = 0; i < LINKS && publication.type != PUB_BEACONS; i++)
        if (relay->peers[i].open && relay->peers[i].upstream)
            fetch(relay, &relay->peers[i], &head);
    publication_clear(&publication);
}

static void on_event(void *context, const net_event_t *event)
{
    relay_t *relay = context;
    peer_t *peer = event->link ? peer_of(relay, event->link) : NULL;
    message_t message;
    fault_t fault;
    if (event->type == NET_UP)
        on_up(relay, event);
    else if (event->type == NET_DOWN && peer)
        *peer = (peer_t){0};
    else if (event->type == NET_PUBLICATION)
        on_publication(relay, event);
    else if (event->type == NET_MESSAGE && peer &&
             message_decode(event->body, &message, &fault) == ERR_OK) {
        on_message(relay, peer, &message);
        message_clear(&message);
    }
}

// ---- life ----

static void dial(relay_t *relay)
{
    const connect_t *connect = &relay->config->connects[0];
    span_t topic = span_of(relay->charter->roster->hash.bytes, TOPIC_SIZE);
    fault_t fault = {0};
    for (size_t i = 0; i < relay->charter->card_count; i++) {
        const card_t *card = relay->charter->cards[i];
        if (strcmp(card->code.text, connect->code) == 0 &&
            !net_dial(relay->net, connect->endpoint, &card->transport_key, topic, &fault))
            die("dial", &fault);
    }
}

static void open_relay(relay_t *relay, const char *dir, void *zmq)
{
    fault_t fault = {0};
    pubkey_t keys[LINKS];
    card_t *card = NULL;
    if (crypto_start() || home_config(dir, &relay->config, &fault) ||
        home_keys(dir, false, &relay->keys, &fault) || home_charter(dir, &relay->charter, &fault) ||
        home_card(dir, &card, &fault))
        die("directory", &fault);
    relay->self = card->origin;
    card_destroy(&card);
    net_options_t options = {.zmq = zmq,
                             .listen = relay->config->listen,
                             .transport = relay->keys->transport,
                             .transport_public = relay->keys->transport_public,
                             .zap_domain = "relay"};
    if (net_new(&options, on_event, relay, &relay->net, &fault))
        die("listen", &fault);
    for (size_t i = 0; i < relay->charter->card_count && i < LINKS; i++)
        keys[i] = relay->charter->cards[i]->transport_key;
    net_admit(relay->net, keys, relay->charter->card_count);
}

int main(int argc, char **argv)
{
    relay_t relay = {0};
    zmq_pollitem_t items[128];
    if (argc != 3)
        return 2;
    relay.mode = argv[2];
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *zmq = zmq_ctx_new();
    open_relay(&relay, argv[1], zmq);
    dial(&relay);
    puts("ready");
    for (;;) { // until it is killed
        size_t count = net_poll_items(relay.net, items, sizeof items / sizeof *items);
        if (zmq_poll(items, (int)count, 1000) < 0 && errno != EINTR)
            return 1;
        while (net_drain(relay.net, 64))
            ;
    }
}
