#include "tests/sim/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/reader.h"
#include "enlace/v1/records.pb-c.h"
#include "lib/mem.h"

enum { LATENCY_MS = 20, TURN_MS = 1 };

typedef struct {
    size_t node, peer; // ends
    core_link_t link;  // this end's number
    core_link_t other; // the peer's number; 0 until up there
    bool outbound;
} half_t;

typedef struct {
    code_t code;
    bool listening, running, in_turn;
    secret_t *root, *signing;
    pubkey_t root_key, signing_key, transport_key;
    card_t *card;
    char path[64];
    store_t *store;
    core_t *core;
    driver_t *driver;
    size_t dial_count;
    size_t dials[WORLD_DIALS_MAX];
    char endpoint[64];
    err_t written;
    world_t *world;
    size_t index;
} place_in_t;

typedef enum { ARRIVE_MESSAGE, ARRIVE_PUBLICATION, ARRIVE_UP, ARRIVE_DOWN } arrival_type_t;

typedef struct {
    uint64_t at_ms, order;
    arrival_type_t type;
    size_t node, from;
    core_link_t link;
    bool outbound;
    err_t reason;
    buf_t bytes;
} arrival_t;

struct world {
    uint64_t now_ms, order, seed, drawn;
    core_link_t next_link;
    size_t node_count;
    place_in_t nodes[WORLD_NODES_MAX];
    roster_t *charter;
    size_t arrival_count, arrival_capacity;
    arrival_t *arrivals;
    size_t half_count, half_capacity;
    half_t *halves;
    tamper_fn tamper;
    void *tamper_context;
    bool cut[WORLD_NODES_MAX][WORLD_NODES_MAX];
    uint64_t rate[WORLD_NODES_MAX][WORLD_NODES_MAX];    // bytes a second
    uint64_t busy_us[WORLD_NODES_MAX][WORLD_NODES_MAX]; // until when the line is taken
};

static const uint64_t epoch_ms = 1700000000000; // wall clock at virtual time 0

// ---- the network ----

static arrival_t *arrive(world_t *world, arrival_type_t type, size_t node, core_link_t link)
{
    mem_grow(&world->arrivals, &world->arrival_capacity, world->arrival_count,
             sizeof *world->arrivals);
    arrival_t *arrival = &world->arrivals[world->arrival_count++];
    *arrival = (arrival_t){.at_ms = world->now_ms + LATENCY_MS,
                           .order = world->order++,
                           .type = type,
                           .node = node,
                           .link = link};
    return arrival;
}

static half_t *half_find(world_t *world, size_t node, core_link_t link)
{
    for (size_t i = 0; i < world->half_count; i++)
        if (world->halves[i].node == node && world->halves[i].link == link)
            return &world->halves[i];
    return NULL;
}

static void half_remove(world_t *world, size_t node, core_link_t link)
{
    half_t *half = half_find(world, node, link);
    if (half)
        *half = world->halves[--world->half_count];
}

static void half_add(world_t *world, half_t half)
{
    mem_grow(&world->halves, &world->half_capacity, world->half_count, sizeof *world->halves);
    world->halves[world->half_count++] = half;
}

static bool passes(world_t *world, size_t from, size_t to, bool publication, buf_t *bytes)
{
    if (world->cut[from][to] || !world->nodes[to].running)
        return false;
    return !world->tamper || world->tamper(world->tamper_context, from, to, publication, bytes);
}

static uint64_t line_delay_ms(world_t *world, size_t from, size_t to, size_t size)
{
    uint64_t *busy_us = &world->busy_us[from][to], now_us = world->now_ms * 1000;
    if (!world->rate[from][to])
        return 0;
    *busy_us = (*busy_us > now_us ? *busy_us : now_us) + size * 1000000 / world->rate[from][to];
    return (*busy_us - now_us) / 1000;
}

static void transmit(world_t *world, const half_t *to, size_t from, bool publication, span_t data)
{
    buf_t bytes = buf_copy(data);
    if (!passes(world, from, to->node, publication, &bytes)) {
        buf_free(&bytes);
        return;
    }
    arrival_t *arrival =
        arrive(world, publication ? ARRIVE_PUBLICATION : ARRIVE_MESSAGE, to->node, to->link);
    arrival->at_ms += line_delay_ms(world, from, to->node, bytes.size);
    arrival->bytes = bytes;
    arrival->from = from;
}

static void drop_link(world_t *world, size_t node, core_link_t link, err_t reason)
{
    half_t *half = half_find(world, node, link);
    if (!half)
        return;
    if (half->other)
        arrive(world, ARRIVE_DOWN, half->peer, half->other)->reason = reason;
    half_remove(world, node, link);
}

// ---- the driver's edge ----

static void edge_clock(void *context, uint64_t *now_ms, uint64_t *wall_ms, uint8_t seed[32])
{
    world_t *world = ((place_in_t *)context)->world;
    uint8_t root[32] = {0};
    memcpy(root, &world->seed, sizeof world->seed);
    *now_ms = world->now_ms;
    *wall_ms = epoch_ms + world->now_ms;
    crypto_derive(root, world->drawn++, seed, 32);
}

static void edge_send(void *context, core_link_t link, span_t message)
{
    place_in_t *place = context;
    half_t *half = half_find(place->world, place->index, link);
    if (!half || !half->other)
        return;
    half_t to = {.node = half->peer, .link = half->other};
    transmit(place->world, &to, place->index, false, message);
}

static void edge_publish(void *context, span_t topic, span_t body)
{
    place_in_t *place = context;
    world_t *world = place->world;
    (void)topic;
    for (size_t i = 0; i < world->half_count; i++) {
        const half_t half = world->halves[i];
        if (half.peer == place->index && half.outbound && half.other)
            transmit(world, &half, place->index, true, body);
    }
}

static void edge_close(void *context, core_link_t link)
{
    place_in_t *place = context;
    drop_link(place->world, place->index, link, ERR_DISCONNECTED);
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
    core_link_t here = world->next_link++, there = world->next_link++;
    (void)topic;
    *reason = ERR_OK;
    bool fits = key_equal(key, &world->nodes[peer].transport_key);
    if (!world->nodes[peer].running || world->cut[place->index][peer] || !fits) {
        arrive(world, ARRIVE_DOWN, place->index, here)->reason =
            fits ? ERR_UNREACHABLE : ERR_HANDSHAKE_FAILED;
        return here;
    }
    half_add(world, (half_t){place->index, peer, here, there, true});
    half_add(world, (half_t){peer, place->index, there, here, false});
    arrival_t *arrival = arrive(world, ARRIVE_UP, peer, there);
    arrival->from = place->index;
    arrival = arrive(world, ARRIVE_UP, place->index, here);
    arrival->from = peer;
    arrival->outbound = true;
    return here;
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
    (void)request;
    (void)feed;
    (void)first;
    ((place_in_t *)context)->written = reason;
}

static void edge_applied(void *context)
{
    (void)context;
}

static void edge_log(void *context, int level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

// ---- nodes ----

world_t *world_new(uint64_t seed)
{
    world_t *world = mem_alloc(sizeof *world);
    assert(crypto_start() == ERR_OK);
    world->seed = seed;
    world->next_link = 1;
    world->now_ms = 1000;
    return world;
}

static void remove_database(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".saved"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

void world_destroy(world_t **world_pointer)
{
    world_t *world = *world_pointer;
    for (size_t i = 0; i < world->node_count; i++) {
        place_in_t *place = &world->nodes[i];
        world_stop(world, i);
        store_close(&place->store);
        secret_destroy(&place->root);
        secret_destroy(&place->signing);
        card_destroy(&place->card);
        remove_database(place->path);
    }
    for (size_t i = 0; i < world->arrival_count; i++)
        buf_free(&world->arrivals[i].bytes);
    roster_destroy(&world->charter);
    mem_free(world->arrivals);
    mem_free(world->halves);
    mem_free(world);
    *world_pointer = NULL;
}

static void seed_for(const char *code, const char *use, uint8_t seed[32])
{
    char text[64];
    snprintf(text, sizeof text, "%s %s", code, use);
    hash_t hash = crypto_hash_of(HASH_DERIVE, span_text(text));
    memcpy(seed, hash.bytes, 32);
}

static card_t *make_card(place_in_t *place)
{
    uint8_t seed[32];
    card_t *card = mem_alloc(sizeof *card);
    secret_t *transport, *sealing;
    seed_for(place->code.text, "root", seed);
    place->root = secret_sign_new(seed, &place->root_key);
    seed_for(place->code.text, "signing", seed);
    place->signing = secret_sign_new(seed, &place->signing_key);
    seed_for(place->code.text, "transport", seed);
    transport = secret_box_new(seed, &place->transport_key);
    seed_for(place->code.text, "sealing", seed);
    sealing = secret_box_new(seed, &card->sealing_key);
    secret_destroy(&transport);
    secret_destroy(&sealing);
    card->origin = crypto_origin(&place->root_key);
    card->number = 1;
    card->root_key = place->root_key;
    card->signing_key = place->signing_key;
    card->transport_key = place->transport_key;
    card->epoch = 1;
    card->code = place->code;
    card->name = mem_format("Node %s", place->code.text);
    card->protocol = PROTOCOL_VERSION;
    card->schema = SCHEMA_VERSION;
    if (place->listening) {
        card->endpoints = mem_alloc(sizeof *card->endpoints);
        card->endpoints[0] = mem_copy_string(place->endpoint);
        card->endpoint_count = 1;
    }
    card_sign(card, place->root);
    return card;
}

size_t world_add(world_t *world, const char *code, bool listening)
{
    size_t index = world->node_count++;
    place_in_t *place = &world->nodes[index];
    place->world = world;
    place->index = index;
    assert(code_parse(code, &place->code));
    place->listening = listening;
    snprintf(place->endpoint, sizeof place->endpoint, "tcp://node%zu.example:7000", index);
    snprintf(place->path, sizeof place->path, "%s/enlace-sim-XXXXXX", P_tmpdir);
    int fd = mkstemp(place->path);
    assert(fd >= 0);
    close(fd);
    place->card = make_card(place);
    return index;
}

void world_dial(world_t *world, size_t from, size_t to)
{
    place_in_t *place = &world->nodes[from];
    place->dials[place->dial_count++] = to;
}

void world_found(world_t *world, uint32_t threshold)
{
    roster_t *charter = mem_alloc(sizeof *charter);
    fault_t fault;
    charter->version = 1;
    charter->name = mem_copy_string("Example coalition");
    charter->threshold = threshold;
    charter->min_protocol = 1;
    charter->time_ms = epoch_ms;
    charter->member_count = world->node_count;
    charter->members = mem_alloc_array(world->node_count, sizeof *charter->members);
    for (size_t i = 0; i < world->node_count; i++)
        charter->members[i] = (member_t){.code = world->nodes[i].code,
                                         .origin = world->nodes[i].card->origin,
                                         .root_key = world->nodes[i].root_key,
                                         .min_card = 1};
    charter->has_creator = true;
    charter->creator = world->nodes[0].card->origin;
    roster_seal(charter);
    roster_signature_t signature = {.origin = charter->creator};
    signature.signature =
        crypto_sign_hash(world->nodes[0].root, SIGN_CHARTER, NULL, &charter->hash);
    roster_add_signature(charter, &signature);
    world->charter = charter;
    for (size_t i = 0; i < world->node_count; i++) {
        place_in_t *place = &world->nodes[i];
        assert(store_open(place->path, NULL, &place->store, &fault) == ERR_OK);
        assert(store_add_roster(place->store, charter, &fault) == ERR_OK);
        for (size_t k = 0; k < world->node_count; k++)
            assert(store_add_card(place->store, world->nodes[k].card, &fault) == ERR_OK);
        assert(store_commit(place->store, &fault) == ERR_OK);
    }
}

void world_start(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    core_dial_t dials[WORLD_DIALS_MAX] = {0};
    fault_t fault;
    if (!place->store)
        assert(store_open(place->path, NULL, &place->store, &fault) == ERR_OK);
    for (size_t i = 0; i < place->dial_count; i++) {
        memcpy(dials[i].code, world->nodes[place->dials[i]].code.text, sizeof dials[i].code);
        dials[i].endpoint = world->nodes[place->dials[i]].endpoint;
    }
    core_options_t options = {.self = place->card->origin,
                              .signing = place->signing,
                              .listening = place->listening,
                              .dial_count = place->dial_count,
                              .dials = dials};
    assert(driver_load(place->store, &options, world->now_ms, epoch_ms + world->now_ms,
                       &place->core, &fault) == ERR_OK);
    edge_t edge = {place,     edge_clock, edge_send,    edge_publish, edge_close,
                   edge_dial, edge_admit, edge_written, edge_applied, edge_log};
    place->driver = driver_new(place->core, place->store, &edge);
    place->running = true;
}

void world_start_all(world_t *world)
{
    for (size_t i = 0; i < world->node_count; i++)
        if (!world->nodes[i].running)
            world_start(world, i);
}

void world_stop(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    if (!place->running)
        return;
    place->running = false;
    for (size_t i = world->half_count; i-- > 0;)
        if (world->halves[i].node == node)
            drop_link(world, node, world->halves[i].link, ERR_DISCONNECTED);
    driver_destroy(&place->driver);
    core_destroy(&place->core);
}

// ---- time ----

static void deliver_message(place_in_t *place, const arrival_t *arrival)
{
    message_t message;
    fault_t fault;
    event_t event = {.type = EVENT_MESSAGE, .link = arrival->link, .bytes = arrival->bytes.size};
    err_t err = message_decode(buf_span(&arrival->bytes), &message, &fault);
    if (err) {
        event.type = EVENT_REFUSED;
        event.as.refused.reason = err;
        event.as.refused.where = "link";
        event.as.refused.drop = true;
        driver_step(place->driver, &event);
        return;
    }
    event.as.message = &message;
    driver_step(place->driver, &event);
    message_clear(&message);
}

static void deliver_publication(place_in_t *place, const arrival_t *arrival)
{
    publication_t publication;
    fault_t fault;
    event_t event = {
        .type = EVENT_PUBLICATION, .link = arrival->link, .bytes = arrival->bytes.size};
    span_t topic = span_of(core_coalition(place->core)->bytes, TOPIC_SIZE);
    err_t err = publication_decode(topic, buf_span(&arrival->bytes), core_coalition(place->core),
                                   &publication, &fault);
    if (err) {
        event.type = EVENT_REFUSED;
        event.as.refused.reason = err;
        event.as.refused.where = "publication";
        driver_step(place->driver, &event);
        return;
    }
    event.as.publication = &publication;
    driver_step(place->driver, &event);
    publication_clear(&publication);
}

static void deliver(world_t *world, const arrival_t *arrival)
{
    place_in_t *place = &world->nodes[arrival->node];
    event_t event = {.link = arrival->link};
    if (!place->running)
        return;
    if (arrival->type == ARRIVE_DOWN) {
        half_remove(world, arrival->node, arrival->link);
        event.type = EVENT_LINK_DOWN;
        event.as.link_down.reason = arrival->reason;
        driver_step(place->driver, &event);
    } else if (!half_find(world, arrival->node, arrival->link)) {
        return; // the link is gone, and so is what was on it
    } else if (arrival->type == ARRIVE_UP) {
        event.type = EVENT_LINK_UP;
        event.as.link_up.outbound = arrival->outbound;
        event.as.link_up.key = world->nodes[arrival->from].transport_key;
        driver_step(place->driver, &event);
    } else if (arrival->type == ARRIVE_MESSAGE) {
        deliver_message(place, arrival);
    } else {
        deliver_publication(place, arrival);
    }
    place->in_turn = true;
}

// What arrives together may or may not fall into one turn.
static bool ends_turn(world_t *world)
{
    uint8_t seed[32] = {1}, die;
    memcpy(seed + 1, &world->seed, sizeof world->seed);
    crypto_derive(seed, world->drawn++, &die, 1);
    return die & 1;
}

static void end_turns(world_t *world)
{
    for (size_t i = 0; i < world->node_count; i++) {
        place_in_t *place = &world->nodes[i];
        if (place->running && place->in_turn)
            driver_flush(place->driver);
        place->in_turn = false;
    }
}

static arrival_t *earliest(world_t *world)
{
    arrival_t *first = NULL;
    for (size_t i = 0; i < world->arrival_count; i++) {
        arrival_t *arrival = &world->arrivals[i];
        if (!first || arrival->at_ms < first->at_ms ||
            (arrival->at_ms == first->at_ms && arrival->order < first->order))
            first = arrival;
    }
    return first;
}

static void tick_due(world_t *world)
{
    for (size_t i = 0; i < world->node_count; i++) {
        place_in_t *place = &world->nodes[i];
        event_t tick = {.type = EVENT_TICK};
        if (!place->running || core_wake_ms(place->core) > world->now_ms)
            continue;
        driver_step(place->driver, &tick);
        driver_flush(place->driver);
    }
}

static uint64_t next_time(world_t *world, uint64_t end)
{
    arrival_t *arrival = earliest(world);
    uint64_t next = arrival && arrival->at_ms < end ? arrival->at_ms : end;
    for (size_t i = 0; i < world->node_count; i++)
        if (world->nodes[i].running && core_wake_ms(world->nodes[i].core) < next)
            next = core_wake_ms(world->nodes[i].core);
    return next > world->now_ms ? next : world->now_ms + TURN_MS;
}

uint64_t world_now(const world_t *world)
{
    return world->now_ms;
}

void world_run(world_t *world, uint64_t ms)
{
    uint64_t end = world->now_ms + ms;
    while (world->now_ms < end) {
        tick_due(world);
        for (arrival_t *arrival = earliest(world); arrival && arrival->at_ms <= world->now_ms;
             arrival = earliest(world)) {
            arrival_t taken = *arrival;
            *arrival = world->arrivals[--world->arrival_count];
            deliver(world, &taken);
            buf_free(&taken.bytes);
            if (ends_turn(world))
                end_turns(world);
        }
        end_turns(world);
        world->now_ms = next_time(world, end);
    }
}

static bool settled(world_t *world)
{
    const hash_t *digest = NULL;
    hash_t first;
    for (size_t i = 0; i < world->node_count; i++) {
        if (!world->nodes[i].running)
            continue;
        status_t status;
        core_status(world->nodes[i].core, world->now_ms, &status);
        bool synced = status.synced;
        status_clear(&status);
        hash_t mine = world_digest(world, i);
        if (!synced || (digest && !hash_equal(digest, &mine)))
            return false;
        first = mine;
        digest = &first;
    }
    return true;
}

bool world_settle(world_t *world, uint64_t ms)
{
    uint64_t end = world->now_ms + ms;
    while (world->now_ms < end) {
        world_run(world, 500);
        if (settled(world))
            return true;
    }
    return false;
}

// ---- writing and looking ----

static err_t append(world_t *world, size_t node, span_t body)
{
    place_in_t *place = &world->nodes[node];
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = body};
    event_t event = {.type = EVENT_APPEND};
    event.as.append.request = 1;
    event.as.append.lane = LANE_COALITION;
    event.as.append.drafts = &draft;
    event.as.append.count = 1;
    place->written = ERR_INTERNAL;
    driver_step(place->driver, &event);
    driver_flush(place->driver);
    return place->written;
}

static buf_t body_record(const char *key, const char *name)
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
    buf_t body = body_record(key, name);
    err_t err = append(world, node, buf_span(&body));
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

hash_t world_digest(world_t *world, size_t node)
{
    reader_t *reader = NULL;
    digest_t digest;
    fault_t fault;
    assert(reader_open(world->nodes[node].path, &reader, &fault) == ERR_OK);
    assert(reader_digest(reader, &digest, &fault) == ERR_OK);
    buf_t all = {0};
    for (size_t i = 0; i < digest.count; i++) {
        buf_append(&all, span_of(&digest.heads[i].number, sizeof digest.heads[i].number));
        buf_append(&all, span_of(digest.heads[i].hash.bytes, HASH_SIZE));
    }
    buf_append(&all, span_of(digest.digest.bytes, HASH_SIZE));
    hash_t hash = crypto_hash_of(HASH_DERIVE, buf_span(&all));
    buf_free(&all);
    digest_clear(&digest);
    reader_close(&reader);
    return hash;
}

uint64_t world_head(world_t *world, size_t node, size_t origin, uint32_t lane)
{
    status_t status;
    uint64_t number = 0;
    core_status(world->nodes[node].core, world->now_ms, &status);
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
    core_status(world->nodes[node].core, world->now_ms, &status);
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

void world_tamper(world_t *world, tamper_fn fn, void *context)
{
    world->tamper = fn;
    world->tamper_context = context;
}

void world_rate(world_t *world, size_t from, size_t to, uint64_t bytes_per_s)
{
    world->rate[from][to] = bytes_per_s;
}

void world_partition(world_t *world, size_t a, size_t b, bool cut)
{
    world->cut[a][b] = world->cut[b][a] = cut;
}

store_t *world_store(world_t *world, size_t node)
{
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

static void copy_file(const char *from, const char *to)
{
    char buffer[65536];
    size_t got;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert(in && out);
    while ((got = fread(buffer, 1, sizeof buffer, in)) > 0)
        assert(fwrite(buffer, 1, got, out) == got);
    fclose(in);
    assert(fclose(out) == 0);
}

// The last connection that closes folds the WAL into the file: a whole copy.
void world_save(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    char saved[96];
    assert(!place->running);
    store_close(&place->store);
    snprintf(saved, sizeof saved, "%s.saved", place->path);
    copy_file(place->path, saved);
}

void world_restore(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    char saved[96];
    assert(!place->running);
    store_close(&place->store);
    snprintf(saved, sizeof saved, "%s.saved", place->path);
    copy_file(saved, place->path);
}

static half_t half_between(world_t *world, size_t node, size_t from)
{
    size_t i = 0;
    while (world->halves[i].node != node || world->halves[i].peer != from)
        assert(++i < world->half_count);
    return world->halves[i];
}

void world_inject(world_t *world, size_t node, size_t from, message_t *message)
{
    half_t half = half_between(world, node, from);
    buf_t bytes = message_encode(message);
    transmit(world, &half, from, false, buf_span(&bytes));
    buf_free(&bytes);
}

void world_publish_to(world_t *world, size_t node, size_t from, span_t publication)
{
    half_t half = half_between(world, node, from);
    transmit(world, &half, from, true, publication);
}
