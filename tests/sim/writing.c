// Writing at a node, and looking at what one holds.
#include <assert.h>
#include <string.h>

#include "daemon/charter.h"
#include "daemon/store/internal.h"
#include "enlace/v1/records.pb-c.h"
#include "lib/mem.h"
#include "tests/sim/places.h"

// ---- writing ----

buf_t world_record(const char *key, const char *name)
{
    Enlace__V1__Record record = ENLACE__V1__RECORD__INIT;
    Enlace__V1__Body body = ENLACE__V1__BODY__INIT;
    Enlace__V1__Text text = ENLACE__V1__TEXT__INIT;
    Enlace__V1__Text__Entry entry = ENLACE__V1__TEXT__ENTRY__INIT, *entries[] = {&entry};
    entry.lang = (char[]){"es"};
    entry.text = (char *)(uintptr_t)name;
    text.n_entries = 1;
    text.entries = entries;
    body.name = &text;
    record.key = (char *)(uintptr_t)key;
    record.kind_case = ENLACE__V1__RECORD__KIND_BODY;
    record.body = &body;
    buf_t bytes = {0};
    size_t size = enlace__v1__record__get_packed_size(&record);
    enlace__v1__record__pack(&record, buf_extend(&bytes, size));
    return bytes;
}

err_t world_put(world_t *world, size_t node, const char *key, const char *name)
{
    buf_t body = world_record(key, name);
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&body)};
    err_t err = world_append(world, node, &draft, 1);
    buf_free(&body);
    return err;
}

err_t world_put_sized(world_t *world, size_t node, const char *key, size_t bytes)
{
    char *name = mem_alloc(bytes + 1);
    memset(name, 'x', bytes);
    err_t err = world_put(world, node, key, name);
    mem_free(name);
    return err;
}

uint64_t world_written(const world_t *world, size_t node)
{
    return world->nodes[node].written_number;
}

err_t world_consent(world_t *world, size_t node)
{
    buf_t body = charter_consent(&world->charter->hash);
    draft_t draft = {.type = CHANGE_CONSENT, .min_reader = 1, .body = buf_span(&body)};
    err_t err = place_append(&world->nodes[node], LANE_CONTROL, &draft, 1);
    buf_free(&body);
    return err;
}

// ---- looking ----

static hash_t hash_of_heads(const snapshot_t *snapshot, const hash_t *digest)
{
    buf_t all = {0};
    for (size_t i = 0; i < snapshot->feed_count; i++) {
        const head_t *head = &snapshot->feeds[i].head;
        if (!head->number)
            continue;
        buf_append(&all, span_of(head->feed.origin.bytes, ORIGIN_SIZE));
        buf_append(&all, span_of(&head->feed.epoch, sizeof head->feed.epoch));
        buf_append(&all, span_of(&head->feed.lane, sizeof head->feed.lane));
        buf_append(&all, span_of(&head->number, sizeof head->number));
        buf_append(&all, span_of(head->hash.bytes, HASH_SIZE));
    }
    buf_append(&all, span_of(digest->bytes, HASH_SIZE));
    hash_t hash = crypto_hash_of(HASH_DERIVE, buf_span(&all));
    buf_free(&all);
    return hash;
}

hash_t world_digest(world_t *world, size_t node)
{
    store_t *store = world_store(world, node);
    snapshot_t snapshot;
    hash_t digest;
    fault_t fault;
    assert(store_snapshot(store, &snapshot, &fault) == ERR_OK);
    assert(read_digest(store->sql, &digest, &fault) == ERR_OK);
    hash_t hash = hash_of_heads(&snapshot, &digest);
    snapshot_clear(&snapshot);
    return hash;
}

uint64_t world_head(world_t *world, size_t node, size_t origin, uint32_t lane)
{
    status_t status;
    uint64_t number = 0;
    core_status(world->nodes[node].core, world_node_now(world, node), &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (origin_equal(&status.feeds[i].feed.origin, &world->nodes[origin].card->origin) &&
            status.feeds[i].feed.lane == lane)
            number = status.feeds[i].number;
    status_clear(&status);
    return number;
}

uint64_t world_count(world_t *world, size_t node, err_t reason)
{
    status_t status;
    uint64_t count = 0;
    core_status(world->nodes[node].core, world_node_now(world, node), &status);
    for (size_t i = 0; i < status.counter_count; i++)
        if (status.counters[i].reason == reason)
            count = status.counters[i].count;
    status_clear(&status);
    return count;
}

err_t world_writing(world_t *world, size_t node)
{
    return core_writing(world->nodes[node].core, NULL);
}

// ---- the network ----

network_t *world_network(world_t *world)
{
    return world->network;
}

void world_tamper(world_t *world, tamper_fn fn, void *context)
{
    network_tamper(world->network, fn, context);
}

void world_rate(world_t *world, size_t from, size_t to, uint64_t bytes_per_s)
{
    network_line(world->network, from, to)->bytes_per_s = bytes_per_s;
}

void world_partition(world_t *world, size_t a, size_t b, bool cut)
{
    network_line(world->network, a, b)->cut = cut;
    network_line(world->network, b, a)->cut = cut;
}

void world_inject(world_t *world, size_t node, size_t from, message_t *message)
{
    buf_t bytes = message_encode(message);
    assert(network_inject(world->network, world->now_ms, node, from, false, buf_span(&bytes)));
    buf_free(&bytes);
}

void world_publish_to(world_t *world, size_t node, size_t from, span_t publication)
{
    assert(network_inject(world->network, world->now_ms, node, from, true, publication));
}

// ---- the parts ----

size_t world_nodes(const world_t *world)
{
    return world->node_count;
}

disk_t *world_disk(world_t *world, size_t node)
{
    return world->nodes[node].disk;
}

store_t *world_store(world_t *world, size_t node)
{
    place_open(&world->nodes[node]);
    return world->nodes[node].store;
}

core_t *world_core(world_t *world, size_t node)
{
    return world->nodes[node].core;
}

const card_t *world_card(world_t *world, size_t node)
{
    return world->nodes[node].card;
}

const char *world_code(const world_t *world, size_t node)
{
    return world->nodes[node].code.text;
}

const secret_t *world_signing(world_t *world, size_t node)
{
    return world->nodes[node].signing;
}

const secret_t *world_root(world_t *world, size_t node)
{
    return world->nodes[node].root;
}

const roster_t *world_roster(world_t *world)
{
    return world->charter;
}

hash_t world_start_hash(const world_t *world, size_t node)
{
    return world->nodes[node].start;
}

const disk_image_t *world_founded(const world_t *world)
{
    return world->founded;
}

void world_save(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    assert(!place->running);
    store_close(&place->store);
    disk_image_destroy(&place->saved);
    place->saved = disk_image_save(place->disk);
    buf_free(&place->saved_marker);
    place->saved_marker = buf_copy(buf_span(&place->marker));
}

void world_restore(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    assert(!place->running && place->saved);
    store_close(&place->store);
    disk_image_load(place->disk, place->saved, NULL);
    buf_free(&place->marker);
    place->marker = buf_copy(buf_span(&place->saved_marker));
}
