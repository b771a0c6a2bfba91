// The assembly: what there is, in which order it is made and ended, and the turn.
#include "daemon/net/net.h"

#include <assert.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/net/dial.h"
#include "daemon/net/options.h"
#include "daemon/net/publisher.h"
#include "daemon/net/router.h"
#include "daemon/net/zap.h"
#include "lib/card.h"
#include "lib/mem.h"

struct net {
    edge_t edge;
    bool has_proxy;
    proxy_t proxy;
    zap_t *zap; // these three NULL where outbound only
    router_t *router;
    publisher_t *publisher;
    dial_t **dials;
    size_t dial_count, dial_capacity;
    uint64_t swept_ms;
    bool draining; // dials are then destroyed at its end
};

// ---- making ----

// A quarter of the descriptors for each bound socket: libzmq has no cap of its
// own and spins when there are none left.
static size_t connections_most(void)
{
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t quarter = limit.rlim_cur / 4;
    return quarter < CONNECTIONS_MAX ? (size_t)quarter : CONNECTIONS_MAX;
}

static err_t listen_on(net_t *net, const net_options_t *options, fault_t *fault)
{
    char publications[ENDPOINT_MAX_BYTES + 1];
    size_t most = connections_most();
    if (!options->zap_domain || !*options->zap_domain)
        return fault_set(fault, ERR_CANNOT_LISTEN, options->listen, "no ZAP domain");
    if (!endpoint_next_port(options->listen, publications))
        return fault_set(fault, ERR_CANNOT_LISTEN, options->listen, "not tcp://ADDRESS:PORT");
    net->zap = zap_new(&net->edge, options->zap_domain, fault);
    if (!net->zap)
        return ERR_CANNOT_LISTEN;
    net->router = router_new(&net->edge, options->listen, options->zap_domain, most, fault);
    if (!net->router)
        return ERR_CANNOT_LISTEN;
    net->publisher = publisher_new(&net->edge, publications, options->zap_domain, most, fault);
    if (!net->publisher)
        return ERR_CANNOT_LISTEN;
    if (options->test_drop_zap)
        zap_destroy(&net->zap);
    return ERR_OK;
}

static err_t start(net_t *net, const net_options_t *options, fault_t *fault)
{
    const struct itimerspec every_second = {{1, 0}, {1, 0}};
    net->edge.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (net->edge.timer < 0 || timerfd_settime(net->edge.timer, 0, &every_second, NULL) != 0)
        return fault_set(fault, ERR_INTERNAL, "timerfd", "no timer");
    if (options->socks && !proxy_parse(options->socks, &net->proxy, fault))
        return ERR_BAD_CONFIG;
    net->has_proxy = options->socks != NULL;
    return options->listen ? listen_on(net, options, fault) : ERR_OK;
}

err_t net_new(const net_options_t *options, net_event_fn fn, void *context, net_t **net,
              fault_t *fault)
{
    net_t *made = mem_alloc(sizeof *made);
    made->edge.zmq = options->zmq;
    made->edge.fn = fn;
    made->edge.context = context;
    made->edge.transport = options->transport;
    made->edge.transport_public = options->transport_public;
    made->edge.now_ms = made->swept_ms = edge_clock_ms();
    made->edge.timer = -1;
    err_t err = start(made, options, fault);
    if (err)
        net_destroy(&made);
    *net = made;
    return err;
}

void net_destroy(net_t **net)
{
    net_t *old = *net;
    if (!old)
        return;
    assert(!old->draining);
    for (size_t i = 0; i < old->dial_count; i++)
        dial_destroy(&old->dials[i], LINGER_STOP_MS);
    router_destroy(&old->router, LINGER_STOP_MS);
    publisher_destroy(&old->publisher, LINGER_RESET_MS);
    if (old->zap)
        zap_destroy(&old->zap);
    if (old->edge.timer >= 0)
        close(old->edge.timer);
    keyset_free(&old->edge.admitted);
    mem_free(old->dials);
    mem_free(old);
    *net = NULL;
}

// ---- who may come in ----

void net_admit(net_t *net, const pubkey_t *keys, size_t count)
{
    keyset_t before = net->edge.admitted;
    net->edge.admitted = keyset_of(keys, count);
    if (!keyset_within(&before, &net->edge.admitted)) {
        if (net->router)
            router_keep(net->router);
        if (net->publisher)
            publisher_keep(net->publisher);
        // A peer may be dialled by a key that was never admitted: its old one.
        for (size_t i = 0; i < net->dial_count; i++)
            if (keyset_has(&before, dial_server(net->dials[i])) &&
                !keyset_has(&net->edge.admitted, dial_server(net->dials[i])))
                dial_end(net->dials[i], ERR_REVOKED);
    }
    keyset_free(&before);
}

// ---- links ----

net_link_t net_dial(net_t *net, const char *endpoint, const pubkey_t *server, span_t topic,
                    fault_t *fault)
{
    dial_t *dial =
        dial_new(&net->edge, endpoint, server, topic, net->has_proxy ? &net->proxy : NULL, fault);
    if (!dial)
        return 0;
    mem_grow(&net->dials, &net->dial_capacity, net->dial_count, sizeof(dial_t *));
    net->dials[net->dial_count++] = dial;
    return dial_link(dial);
}

static dial_t *find_dial(const net_t *net, net_link_t link)
{
    for (size_t i = 0; i < net->dial_count; i++)
        if (dial_link(net->dials[i]) == link && !dial_is_over(net->dials[i]))
            return net->dials[i];
    return NULL;
}

static void remove_over(net_t *net)
{
    size_t kept = 0;
    for (size_t i = 0; i < net->dial_count; i++) {
        if (dial_is_over(net->dials[i]))
            dial_destroy(&net->dials[i], LINGER_CLOSE_MS);
        else
            net->dials[kept++] = net->dials[i];
    }
    net->dial_count = kept;
}

void net_close(net_t *net, net_link_t link)
{
    dial_t *dial = find_dial(net, link);
    if (dial)
        dial_close(dial);
    else if (net->router)
        router_close(net->router, link);
    if (!net->draining)
        remove_over(net);
}

err_t net_send(net_t *net, net_link_t link, span_t message)
{
    dial_t *dial = find_dial(net, link);
    if (dial)
        return dial_send(dial, message);
    return net->router ? router_send(net->router, link, message) : ERR_DISCONNECTED;
}

err_t net_publish(net_t *net, span_t topic, span_t body)
{
    return net->publisher ? publisher_send(net->publisher, topic, body) : ERR_OK;
}

size_t net_links(const net_t *net)
{
    size_t count = net->router ? router_links(net->router) : 0;
    for (size_t i = 0; i < net->dial_count; i++)
        count += dial_is_up(net->dials[i]);
    return count;
}

// ---- the turn ----

static void add_socket(zmq_pollitem_t *items, size_t capacity, size_t *count, void *socket)
{
    if (*count < capacity)
        items[*count] = (zmq_pollitem_t){socket, 0, ZMQ_POLLIN, 0};
    (*count)++;
}

size_t net_poll_items(net_t *net, void *zmq_pollitems, size_t capacity)
{
    zmq_pollitem_t *items = zmq_pollitems;
    size_t count = 0;
    if (capacity)
        items[0] = (zmq_pollitem_t){NULL, net->edge.timer, ZMQ_POLLIN, 0};
    count++;
    if (net->zap)
        add_socket(items, capacity, &count, zap_socket(net->zap));
    if (net->router) {
        add_socket(items, capacity, &count, router_socket(net->router));
        add_socket(items, capacity, &count, router_monitor(net->router));
        add_socket(items, capacity, &count, publisher_socket(net->publisher));
        add_socket(items, capacity, &count, publisher_monitor(net->publisher));
    }
    for (size_t i = 0; i < net->dial_count; i++) {
        size_t room = capacity > count ? capacity - count : 0;
        count += dial_poll_items(net->dials[i], room ? items + count : NULL, room);
    }
    return count;
}

static void sweep(net_t *net)
{
    uint64_t fired;
    if (read(net->edge.timer, &fired, sizeof fired) < 0)
        fired = 0; // it has not; the clock decides
    if (net->edge.now_ms - net->swept_ms < SWEEP_MS)
        return;
    net->swept_ms = net->edge.now_ms;
    if (net->router)
        router_sweep(net->router);
    if (net->publisher)
        publisher_sweep(net->publisher);
    for (size_t i = 0; i < net->dial_count; i++)
        dial_sweep(net->dials[i]);
}

bool net_drain(net_t *net, size_t budget)
{
    bool more = false;
    assert(!net->draining);
    net->draining = true;
    net->edge.now_ms = edge_clock_ms();
    sweep(net);
    if (net->zap)
        more |= zap_drain(net->zap, budget);
    if (net->router)
        more |= router_drain(net->router, budget);
    if (net->publisher)
        more |= publisher_drain(net->publisher, budget);
    for (size_t i = 0; i < net->dial_count; i++)
        more |= dial_drain(net->dials[i], budget);
    net->draining = false;
    remove_over(net);
    return more;
}
