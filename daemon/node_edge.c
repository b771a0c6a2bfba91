// Between the driver and the sockets: effects go out, what the network says
// comes in, decoded and bounded.
#include "daemon/node_internal.h"
#include "lib/log.h"

enum {
    PREPARED_BYTES = RUN_BYTES_MAX / 2, // of runs a turn, and what goes beyond in the last
    BULK_BYTES = 8 * 1024,              // a message from here on is a run of many changes
};

// ---- time ----

uint64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void edge_clock(void *context, uint64_t *now_ms, uint64_t *wall_ms, uint8_t seed[32])
{
    (void)context;
    *now_ms = clock_ms(CLOCK_MONOTONIC);
    *wall_ms = clock_ms(CLOCK_REALTIME);
    crypto_random(seed, 32);
}

// ---- the driver's edge ----

static void edge_send(void *context, core_link_t link, span_t message)
{
    node_t *node = context;
    // Whatever goes wrong closes the link and is reported on the next drain.
    (void)net_send(node->net, link, message);
    if (message.size >= BULK_BYTES)
        search_stir(node->search);
}

static void edge_publish(void *context, span_t topic, span_t body)
{
    node_t *node = context;
    err_t err = net_publish(node->net, topic, body);
    if (err)
        log_line(LOG_LEVEL_WARNING, "a publication could not be sent: %s", err_text(err));
}

static void edge_close(void *context, core_link_t link)
{
    node_t *node = context;
    net_close(node->net, link);
}

static core_link_t edge_dial(void *context, const char *endpoint, const pubkey_t *key, span_t topic,
                             err_t *reason)
{
    node_t *node = context;
    fault_t fault = {0};
    core_link_t link = net_dial(node->net, endpoint, key, topic, &fault);
    *reason = link ? ERR_OK : fault.err;
    return link;
}

static void edge_admit(void *context, const pubkey_t *keys, size_t count)
{
    node_t *node = context;
    net_admit(node->net, keys, count);
}

static void edge_written(void *context, uint64_t request, err_t reason, const feed_t *feed,
                         uint64_t first)
{
    node_t *node = context;
    if (request && request == node->epoch.request)
        epoch_written(&node->epoch, node->dir, core_own_card(node->core), node->keys, reason);
    if (request)
        control_written(node->control, request, reason, feed, first);
    else if (reason)
        log_line(LOG_LEVEL_ERROR, "the charter could not be consented to: %s", err_text(reason));
}

// Before anybody hears of a change of this node's own, the marker knows of it:
// killed right after it has left, and put back, the node does not give its number again.
static void edge_durable(void *context)
{
    node_t *node = context;
    boot_follow(&node->boot, node->core);
}

static void edge_applied(void *context)
{
    node_t *node = context;
    control_applied(node->control);
    if (checkpoint_hint(node->checkpoint, store_wal_bytes(node->store)))
        store_empty_wal(node->store);
    search_hint(node->search);
}

// Where there is no room, what is before it is taken first: the loop waits for no more
// than it would have computed itself.
static void edge_prepare(void *context, prepared_t **prepared)
{
    node_t *node = context;
    while (!preparer_has_room(node->preparer, prepared_size(*prepared))) {
        size_t bytes;
        prepared_t *oldest = preparer_take(node->preparer, true, &bytes);
        driver_prepared(node->driver, &oldest);
    }
    preparer_put(node->preparer, prepared);
}

bool node_take_prepared(node_t *node)
{
    size_t taken = 0, bytes;
    while (taken < PREPARED_BYTES) {
        prepared_t *prepared = preparer_take(node->preparer, false, &bytes);
        if (!prepared)
            return false;
        driver_prepared(node->driver, &prepared);
        taken += bytes ? bytes : 1;
    }
    return true;
}

static void edge_log(void *context, int level, const char *text)
{
    (void)context;
    log_line((log_level_t)level, "%s", text);
}

// ---- what the network says ----

static void on_message(node_t *node, const net_event_t *happened)
{
    message_t message;
    fault_t fault = {0};
    event_t event = {.type = EVENT_MESSAGE, .link = happened->link, .bytes = happened->body.size};
    err_t err = message_decode(happened->body, &message, &fault);
    if (err) {
        event.type = EVENT_REFUSED;
        event.as.refused.reason = err;
        event.as.refused.where = fault.where[0] ? fault.where : "link";
        event.as.refused.drop = true;
        driver_step(node->driver, &event);
        return;
    }
    event.as.message = &message;
    driver_step(node->driver, &event);
    message_clear(&message);
}

static void on_publication(node_t *node, const net_event_t *happened)
{
    publication_t publication;
    fault_t fault = {0};
    event_t event = {.type = EVENT_PUBLICATION,
                     .link = happened->link,
                     .bytes = happened->topic.size + happened->body.size};
    err_t err = publication_decode(happened->topic, happened->body, core_coalition(node->core),
                                   &publication, &fault);
    if (err) {
        event.type = EVENT_REFUSED;
        event.as.refused.reason = err;
        event.as.refused.where = fault.where[0] ? fault.where : "publication";
        driver_step(node->driver, &event);
        return;
    }
    event.as.publication = &publication;
    driver_step(node->driver, &event);
    publication_clear(&publication);
}

void node_on_net(void *context, const net_event_t *happened)
{
    node_t *node = context;
    event_t event = {.link = happened->link};
    switch (happened->type) {
    case NET_UP:
        event.type = EVENT_LINK_UP;
        event.as.link_up.outbound = happened->outbound;
        event.as.link_up.key = happened->key;
        break;
    case NET_DOWN:
        event.type = EVENT_LINK_DOWN;
        event.as.link_down.reason = happened->reason;
        break;
    case NET_REFUSED:
        event.type = EVENT_REFUSED;
        event.as.refused.reason = happened->reason;
        event.as.refused.where = happened->where;
        break;
    case NET_MESSAGE:
        on_message(node, happened);
        return;
    case NET_PUBLICATION:
        on_publication(node, happened);
        return;
    }
    driver_step(node->driver, &event);
}

edge_t node_edge(node_t *node)
{
    return (edge_t){.context = node,
                    .clock = edge_clock,
                    .send = edge_send,
                    .publish = edge_publish,
                    .close = edge_close,
                    .dial = edge_dial,
                    .admit = edge_admit,
                    .written = edge_written,
                    .applied = edge_applied,
                    .durable = edge_durable,
                    .prepare = edge_prepare,
                    .log = edge_log};
}
