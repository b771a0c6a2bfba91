// Nodes that live and die, and the time that they live in.
#include "tests/sim/world.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/places.h"

enum { TURN_MS = 1 };

// ---- life of the world ----

disk_image_t *world_empty_store(void)
{
    disk_t *disk = disk_new("sim-template", 0);
    store_t *store = NULL;
    fault_t fault;
    assert(store_open("node.db", disk_vfs_name(disk), &store, &fault) == ERR_OK);
    store_close(&store);
    disk_image_t *image = disk_image_save(disk);
    disk_destroy(&disk);
    return image;
}

world_t *world_new(uint64_t seed)
{
    return world_new_sized(seed, WORLD_NODES_MAX);
}

static world_t *make_world(uint64_t seed, const disk_image_t *empty, size_t most)
{
    world_t *world = mem_alloc(sizeof *world);
    assert(crypto_start() == ERR_OK);
    disk_seed_sqlite(seed);
    world->seed = seed;
    world->empty = empty;
    world->now_ms = 1000;
    world->node_max = most;
    world->nodes = mem_alloc_array(most, sizeof *world->nodes);
    world->in_turn = mem_alloc_array(most / 64 + 1, sizeof *world->in_turn);
    world->network = network_new(most, seed);
    return world;
}

world_t *world_new_on(uint64_t seed, const disk_image_t *empty)
{
    return make_world(seed, empty, WORLD_NODES_MAX);
}

world_t *world_new_sized(uint64_t seed, size_t most)
{
    disk_image_t *empty = world_empty_store();
    world_t *world = make_world(seed, empty, most);
    world->own_empty = empty;
    return world;
}

void world_destroy(world_t **world_pointer)
{
    world_t *world = *world_pointer;
    world->watcher = (watcher_t){0};
    for (size_t i = 0; i < world->node_count; i++) {
        place_in_t *place = &world->nodes[i];
        world_stop(world, i);
        store_close(&place->store);
        secret_destroy(&place->root);
        secret_destroy(&place->signing);
        card_destroy(&place->card);
        for (size_t k = 0; k < place->old_count; k++)
            card_destroy(&place->old_cards[k]);
        disk_image_destroy(&place->saved);
        buf_free(&place->saved_marker);
        disk_destroy(&place->disk);
        buf_free(&place->marker);
        mem_free(place->dials);
        mem_free(place->asides);
    }
    mem_free(world->nodes);
    mem_free(world->in_turn);
    network_destroy(&world->network);
    disk_image_destroy(&world->own_empty);
    disk_image_destroy(&world->founded);
    roster_destroy(&world->charter);
    mem_free(world);
    *world_pointer = NULL;
}

// A disk that went down is up again with the machine.
static void wake_disk(place_in_t *place)
{
    if (!disk_is_down(place->disk))
        return;
    if (place->store)
        store_close(&place->store);
    disk_restart(place->disk);
}

static place_in_t *new_place(world_t *world)
{
    size_t index = world->node_count++;
    place_in_t *place = &world->nodes[index];
    char name[32];
    assert(index < world->node_max);
    place->world = world;
    place->index = index;
    snprintf(place->endpoint, sizeof place->endpoint, "tcp://node%zu.example:7000", index);
    snprintf(name, sizeof name, "sim-%zu", index);
    place->machine = index + 1;
    place->disk = disk_new(name, world->seed * WORLD_NODES_MAX + index);
    return place;
}

size_t world_add(world_t *world, const char *code, bool listening)
{
    place_in_t *place = new_place(world);
    assert(code_parse(code, &place->code));
    place->listening = listening;
    place_make_keys(place);
    return place->index;
}

void world_load_disk(world_t *world, size_t node, const disk_image_t *image)
{
    place_in_t *place = &world->nodes[node];
    assert(!place->running);
    if (place->store)
        store_close(&place->store);
    wake_disk(place);
    disk_image_load(place->disk, image, NULL);
    place_copied(place);
}

void world_clone(world_t *world, size_t of, const disk_image_t *image)
{
    const place_in_t *from = &world->nodes[of];
    place_in_t *place = new_place(world);
    place_copy_keys(place, from);
    place->booted_ms = from->booted_ms;
    place->skew_ms = from->skew_ms;
    for (size_t i = 0; i < from->dial_count; i++)
        world_dial(world, place->index, from->dials[i]);
    place->machine = from->machine; // to the last number
    place->marker = buf_copy(buf_span(&from->marker));
    place->inodes = from->inodes;
    disk_image_load(place->disk, image, NULL);
}

void world_dial(world_t *world, size_t from, size_t to)
{
    place_in_t *place = &world->nodes[from];
    mem_grow(&place->dials, &place->dial_capacity, place->dial_count, sizeof *place->dials);
    place->dials[place->dial_count++] = to;
}

void world_watch(world_t *world, const watcher_t *watcher)
{
    world->watcher = *watcher;
}

// ---- life of a node ----

static void set_in_turn(place_in_t *place, bool begun)
{
    uint64_t bit = (uint64_t)1 << place->index % 64,
             *word = &place->world->in_turn[place->index / 64];
    *word = begun ? *word | bit : *word & ~bit;
}

err_t place_try_open(place_in_t *place, fault_t *fault)
{
    return place->store ? ERR_OK
                        : store_open("node.db", disk_vfs_name(place->disk), &place->store, fault);
}

void place_open(place_in_t *place)
{
    fault_t fault;
    assert(place_try_open(place, &fault) == ERR_OK);
}

static err_t load_core(place_in_t *place, fault_t *fault)
{
    world_t *world = place->world;
    core_dial_t *dials = mem_alloc_array(place->dial_count, sizeof *dials);
    for (size_t i = 0; i < place->dial_count; i++) {
        memcpy(dials[i].code, world->nodes[place->dials[i]].code.text, sizeof dials[i].code);
        dials[i].endpoint = world->nodes[place->dials[i]].endpoint;
    }
    core_options_t options = {.self = place->card->origin,
                              .signing = place->signing,
                              .listening = place->listening,
                              .prepare_from = world->prepare_from,
                              .dial_count = place->dial_count,
                              .dials = dials};
    options.boot = place->boot.verdict;
    options.boot_detail = place->boot.why;
    options.boot_count = place->boot.marker.head_count;
    options.boot_heads = place->boot.marker.heads;
    uint64_t wall_ms = WORLD_EPOCH_MS + world->now_ms + (uint64_t)place->skew_ms;
    err_t err = driver_load(place->store, &options, world_node_now(world, place->index), wall_ms,
                            &place->core, fault);
    mem_free(dials);
    return err;
}

static nonce_t next_nonce(place_in_t *place)
{
    nonce_t next;
    uint8_t seed[32] = {2};
    memcpy(seed + 1, &place->world->seed, sizeof place->world->seed);
    seed[30] = (uint8_t)(place->index + 1);
    crypto_derive(seed, place->drawn++, next.bytes, sizeof next.bytes);
    return next;
}

// In the order in which node.c does it.
static err_t boot(place_in_t *place, fault_t *fault)
{
    marker_home_t home = place_marker(place);
    nonce_t next = next_nonce(place);
    err_t err = place_try_open(place, fault);
    if (!err)
        err = boot_read(&home, place->store, &place->card->origin, &place->boot, fault);
    if (!err)
        err = load_core(place, fault);
    if (!err)
        err = boot_agree(&place->boot, place->store, &next, fault);
    return err;
}

// A machine that lost power in the middle is without it again.
static void give_up_start(place_in_t *place)
{
    core_destroy(&place->core);
    if (place->store)
        store_close(&place->store);
    if (disk_is_down(place->disk) && place->how == DEATH_POWER)
        place_lost_power(place);
}

void world_start(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    fault_t fault = {0};
    assert(!place->running);
    wake_disk(place);
    place->refused = boot(place, &fault);
    if (place->refused) {
        give_up_start(place);
        return;
    }
    boot_follow(&place->boot, place->core);
    edge_t edge = place_edge(place);
    place->driver = driver_new(place->core, place->store, &edge);
    place->running = true;
    if (world->watcher.started)
        world->watcher.started(world->watcher.context, node);
}

void world_start_all(world_t *world)
{
    for (size_t i = 0; i < world->node_count; i++)
        if (!world->nodes[i].running)
            world_start(world, i);
}

static void end_process(place_in_t *place)
{
    place->running = false;
    set_in_turn(place, false);
    while (place->aside_count)
        prepared_destroy(&place->asides[--place->aside_count].prepared);
    driver_destroy(&place->driver);
    core_destroy(&place->core);
}

void world_stop(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    if (!place->running)
        return;
    network_close_all(world->network, world->now_ms, node, ERR_DISCONNECTED, false);
    end_process(place);
}

void world_close(world_t *world, size_t node)
{
    assert(!world->nodes[node].running);
    store_close(&world->nodes[node].store);
}

// The other ends of a process that was killed are told by its system; those of a
// machine without power are not.
static void bury(place_in_t *place, death_t how)
{
    world_t *world = place->world;
    network_close_all(world->network, world->now_ms, place->index, ERR_DISCONNECTED,
                      how == DEATH_POWER);
    end_process(place);
    store_close(&place->store);
    if (how == DEATH_POWER) {
        place->booted_ms = world->now_ms; // its monotonic clock begins anew
        place_lost_power(place);
    }
}

void world_die(world_t *world, size_t node, death_t how)
{
    place_in_t *place = &world->nodes[node];
    if (!place->running)
        return;
    if (how == DEATH_POWER)
        disk_power_loss(place->disk);
    else
        disk_crash(place->disk);
    bury(place, how);
}

void world_die_at(world_t *world, size_t node, death_t how, uint64_t operation)
{
    place_in_t *place = &world->nodes[node];
    place->how = how;
    if (how == DEATH_POWER)
        disk_power_loss_at(place->disk, operation);
    else
        disk_crash_at(place->disk, operation);
}

// After everything that reached the disk: whether it died of it.
static bool has_died(place_in_t *place)
{
    if (!place->running || !disk_is_down(place->disk))
        return !place->running;
    bury(place, place->how);
    return true;
}

void world_bury(world_t *world, size_t node)
{
    has_died(&world->nodes[node]);
}

bool world_running(const world_t *world, size_t node)
{
    return world->nodes[node].running;
}

err_t world_refused(const world_t *world, size_t node)
{
    return world->nodes[node].refused;
}

// ---- what arrives ----

static void refused(place_in_t *place, const arrival_t *arrival, err_t reason)
{
    event_t event = {.type = EVENT_REFUSED, .link = arrival->link, .bytes = arrival->bytes.size};
    event.as.refused.reason = reason;
    event.as.refused.where = arrival->type == ARRIVE_MESSAGE ? "link" : "publication";
    event.as.refused.drop = arrival->type == ARRIVE_MESSAGE;
    driver_step(place->driver, &event);
}

static void deliver_message(place_in_t *place, const arrival_t *arrival)
{
    message_t message;
    fault_t fault;
    event_t event = {.type = EVENT_MESSAGE, .link = arrival->link, .bytes = arrival->bytes.size};
    err_t err = message_decode(buf_span(&arrival->bytes), &message, &fault);
    if (err) {
        refused(place, arrival, err);
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
    const hash_t *coalition = core_coalition(place->core);
    err_t err = publication_decode(span_of(coalition->bytes, TOPIC_SIZE), buf_span(&arrival->bytes),
                                   coalition, &publication, &fault);
    if (err) {
        refused(place, arrival, err);
        return;
    }
    event.as.publication = &publication;
    driver_step(place->driver, &event);
    publication_clear(&publication);
}

static void deliver_up(place_in_t *place, const arrival_t *arrival)
{
    event_t event = {.type = EVENT_LINK_UP, .link = arrival->link};
    event.as.link_up.outbound = arrival->outbound;
    event.as.link_up.key = place->world->nodes[arrival->from].transport_key;
    driver_step(place->driver, &event);
}

static void deliver_down(place_in_t *place, const arrival_t *arrival)
{
    event_t event = {.type = EVENT_LINK_DOWN, .link = arrival->link};
    event.as.link_down.reason = arrival->reason;
    driver_step(place->driver, &event);
}

typedef void (*deliver_fn)(place_in_t *place, const arrival_t *arrival);
static const deliver_fn deliveries[] = {
    [ARRIVE_MESSAGE] = deliver_message,
    [ARRIVE_PUBLICATION] = deliver_publication,
    [ARRIVE_UP] = deliver_up,
    [ARRIVE_DOWN] = deliver_down,
};

static void deliver(world_t *world, const arrival_t *arrival)
{
    place_in_t *place = &world->nodes[arrival->node];
    const watcher_t *watcher = &world->watcher;
    if (!place->running)
        return;
    if (watcher->arrives)
        watcher->arrives(watcher->context, arrival, true);
    deliveries[arrival->type](place, arrival);
    if (!has_died(place)) {
        set_in_turn(place, true);
        if (watcher->arrives)
            watcher->arrives(watcher->context, arrival, false);
    }
}

// In their order: one that takes long holds up those behind it.
static bool take_aside(place_in_t *place)
{
    if (!place->running || !place->aside_count || place->asides[0].due_ms > place->world->now_ms)
        return false;
    prepared_t *prepared = place->asides[0].prepared;
    memmove(place->asides, place->asides + 1, --place->aside_count * sizeof *place->asides);
    prepared_read(prepared);
    driver_prepared(place->driver, &prepared);
    if (!has_died(place))
        set_in_turn(place, true);
    return true;
}

static void deliver_asides(world_t *world)
{
    for (size_t i = 0; i < world->node_count; i++)
        while (take_aside(&world->nodes[i]))
            continue;
}

void world_prepare(world_t *world, size_t from)
{
    world->prepare_from = from;
}

// ---- time ----

uint64_t world_now(const world_t *world)
{
    return world->now_ms;
}

uint64_t world_node_now(const world_t *world, size_t node)
{
    return world->now_ms - world->nodes[node].booted_ms;
}

void world_set_clock(world_t *world, size_t node, int64_t skew_ms)
{
    world->nodes[node].skew_ms = skew_ms;
}

static void end_turn(place_in_t *place)
{
    const watcher_t *watcher = &place->world->watcher;
    bool lost = driver_flush(place->driver) != ERR_OK;
    set_in_turn(place, false);
    if (has_died(place))
        return;
    if (lost) { // it ends itself, and is started again by its system
        world_die(place->world, place->index, DEATH_KILL);
        world_start(place->world, place->index);
        return;
    }
    if (watcher->turn)
        watcher->turn(watcher->context, place->index);
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
    for (size_t word = 0; word <= world->node_max / 64; word++)
        for (uint64_t later = UINT64_MAX, due; (due = world->in_turn[word] & later);) {
            unsigned bit = (unsigned)__builtin_ctzll(due);
            later = bit < 63 ? UINT64_MAX << (bit + 1) : 0;
            end_turn(&world->nodes[word * 64 + bit]);
        }
}

static void tick_due(world_t *world)
{
    for (size_t i = 0; i < world->node_count; i++) {
        place_in_t *place = &world->nodes[i];
        event_t tick = {.type = EVENT_TICK};
        if (!place->running || core_wake_ms(place->core) > world_node_now(world, i))
            continue;
        driver_step(place->driver, &tick);
        end_turn(place);
    }
}

static uint64_t next_time(world_t *world, uint64_t end)
{
    uint64_t next = network_next_ms(world->network);
    if (next > end)
        next = end;
    for (size_t i = 0; i < world->node_count; i++) {
        const place_in_t *place = &world->nodes[i];
        if (place->running && core_wake_ms(place->core) + place->booted_ms < next)
            next = core_wake_ms(place->core) + place->booted_ms;
        if (place->running && place->aside_count && place->asides[0].due_ms < next)
            next = place->asides[0].due_ms;
    }
    return next > world->now_ms ? next : world->now_ms + TURN_MS;
}

void world_run(world_t *world, uint64_t ms)
{
    uint64_t end = world->now_ms + ms;
    while (world->now_ms < end) {
        arrival_t arrival;
        tick_due(world);
        deliver_asides(world);
        while (network_take(world->network, world->now_ms, &arrival)) {
            deliver(world, &arrival);
            buf_free(&arrival.bytes);
            if (ends_turn(world))
                end_turns(world);
        }
        end_turns(world);
        world->now_ms = next_time(world, end);
    }
}

static bool in_step(world_t *world, size_t node)
{
    status_t status;
    core_status(world->nodes[node].core, world_node_now(world, node), &status);
    bool synced = status.synced;
    status_clear(&status);
    return synced;
}

static bool settled(world_t *world)
{
    bool any = false;
    hash_t first = {0};
    for (size_t i = 0; i < world->node_count; i++) {
        if (!world->nodes[i].running)
            continue;
        if (!in_step(world, i))
            return false;
        hash_t mine = world_digest(world, i);
        if (any && !hash_equal(&first, &mine))
            return false;
        first = mine;
        any = true;
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

err_t place_ask(place_in_t *place, event_t *event)
{
    if (!place->running)
        return ERR_UNREACHABLE;
    place->written = ERR_OUTCOME_UNKNOWN; // what a client has that hears nothing
    driver_step(place->driver, event);
    end_turn(place);
    return place->written;
}

err_t place_append(place_in_t *place, uint32_t lane, const draft_t *drafts, size_t count)
{
    event_t event = {.type = EVENT_APPEND};
    event.as.append.request = 1;
    event.as.append.lane = lane;
    event.as.append.drafts = drafts;
    event.as.append.count = count;
    return place_ask(place, &event);
}

err_t world_append(world_t *world, size_t node, const draft_t *drafts, size_t count)
{
    return place_append(&world->nodes[node], LANE_COALITION, drafts, count);
}

err_t world_accept(world_t *world, size_t node)
{
    event_t event = {.type = EVENT_ACCEPT};
    event.as.accept.request = 1;
    return place_ask(&world->nodes[node], &event);
}
