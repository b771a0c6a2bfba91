// What a node's driver talks to: the simulated clock and network. A node whose
// disk has died says nothing more.
#include <assert.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/places.h"

enum { ASIDE_MS = 60 }; // at most, of work on the other thread

static bool is_dead(const place_in_t *place)
{
    return disk_is_down(place->disk);
}

static void edge_clock(void *context, uint64_t *now_ms, uint64_t *wall_ms, uint8_t seed[32])
{
    place_in_t *place = context;
    uint8_t root[32] = {0};
    memcpy(root, &place->world->seed, sizeof place->world->seed);
    root[30] = (uint8_t)(place->index + 1);
    *now_ms = place->world->now_ms - place->booted_ms;
    *wall_ms = WORLD_EPOCH_MS + place->world->now_ms + (uint64_t)place->skew_ms;
    crypto_derive(root, place->drawn++, seed, 32);
}

static void leaves(place_in_t *place, size_t to, bool publication, span_t bytes)
{
    const watcher_t *watcher = &place->world->watcher;
    if (watcher->leaves)
        watcher->leaves(watcher->context, place->index, to, publication, bytes);
}

static void edge_send(void *context, core_link_t link, span_t message)
{
    place_in_t *place = context;
    network_t *network = place->world->network;
    if (is_dead(place))
        return;
    leaves(place, network_peer(network, place->index, link), false, message);
    network_send(network, place->world->now_ms, place->index, link, message);
}

static void edge_publish(void *context, span_t topic, span_t body)
{
    place_in_t *place = context;
    (void)topic;
    if (is_dead(place))
        return;
    leaves(place, place->index, true, body);
    network_publish(place->world->network, place->world->now_ms, place->index, body);
}

static void edge_close(void *context, core_link_t link)
{
    place_in_t *place = context;
    if (!is_dead(place))
        network_close(place->world->network, place->world->now_ms, place->index, link,
                      ERR_DISCONNECTED, false);
}

static size_t index_by_endpoint(const world_t *world, const char *endpoint)
{
    size_t i = 0;
    while (strcmp(world->nodes[i].endpoint, endpoint) != 0)
        i++;
    return i;
}

static core_link_t edge_dial(void *context, const char *endpoint, const pubkey_t *key, span_t topic,
                             err_t *reason)
{
    place_in_t *place = context;
    world_t *world = place->world;
    size_t peer = index_by_endpoint(world, endpoint);
    (void)topic;
    *reason = ERR_OK;
    if (!key_equal(key, &world->nodes[peer].transport_key))
        return network_refuse(world->network, world->now_ms, place->index, ERR_HANDSHAKE_FAILED);
    if (!world->nodes[peer].running || is_dead(place))
        return network_refuse(world->network, world->now_ms, place->index, ERR_UNREACHABLE);
    return network_connect(world->network, world->now_ms, place->index, peer);
}

static void edge_admit(void *context, const pubkey_t *keys, size_t count)
{
    (void)context;
    (void)keys;
    (void)count; // the core checks its peers itself; ZAP is the network edge's to test
}

static void edge_written(void *context, uint64_t request, err_t reason, const feed_t *feed,
                         uint64_t first)
{
    place_in_t *place = context;
    (void)request;
    (void)feed;
    place->written = is_dead(place) ? ERR_OUTCOME_UNKNOWN : reason;
    place->written_number = first;
}

static void edge_applied(void *context)
{
    (void)context;
}

static void edge_durable(void *context)
{
    place_in_t *place = context;
    if (!is_dead(place))
        boot_follow(&place->boot, place->core);
}

static void edge_log(void *context, int level, const char *text)
{
    place_in_t *place = context;
    const watcher_t *watcher = &place->world->watcher;
    if (watcher->log)
        watcher->log(watcher->context, place->index, level, text);
}

// Another thread has it: it comes back a while later, in its order.
static void edge_prepare(void *context, prepared_t **prepared)
{
    place_in_t *place = context;
    uint8_t seed[32] = {3}, drawn;
    memcpy(seed + 1, &place->world->seed, sizeof place->world->seed);
    seed[30] = (uint8_t)(place->index + 1);
    crypto_derive(seed, place->drawn++, &drawn, 1);
    mem_grow(&place->asides, &place->aside_capacity, place->aside_count, sizeof *place->asides);
    place->asides[place->aside_count++] =
        (aside_t){*prepared, place->world->now_ms + drawn % ASIDE_MS};
    *prepared = NULL;
}

edge_t place_edge(place_in_t *place)
{
    return (edge_t){place,        edge_clock, edge_send,    edge_publish,
                    edge_close,   edge_dial,  edge_admit,   edge_written,
                    edge_applied, edge_log,   edge_durable, edge_prepare};
}
