#include "tests/sim/oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "daemon/store/store.h"
#include "lib/mem.h"
#include "tests/sim/authority.h"
#include "tests/sim/digests.h"
#include "tests/sim/inside.h"
#include "tests/sim/own_log.h"
#include "tests/sim/wire.h"

// What a node held of a feed when a turn of it ended last.
typedef struct {
    head_t head;
    uint64_t time_ms;
    err_t stopped;
    uint32_t claimed; // the fetch of a later change of its own that was open; 0: none
} held_t;

typedef struct {
    size_t count, capacity;
    held_t *held; // by core_feed_state_t.index while it runs
    uint32_t roster_version;
    uint64_t cards;
    bool open;    // it might write when the last turn ended
    err_t fenced; // what its disk said of that then
    uint64_t fenced_ms;
    bool distrusted;
    uint64_t wrong_session; // counter before a stale message arrived
    bool ready;             // and whether its session was open
} watched_t;

typedef struct {
    size_t count, capacity;
    hash_t *items;
} hashes_t;

typedef struct {
    origin_t origin;
    uint32_t epoch;
} forked_t;

struct oracle {
    world_t *world;
    FILE *trace;
    ledger_t *ledger;
    wire_t *wire;
    inside_t *inside;
    digests_t *digests;
    char *violation;
    size_t node_count;
    watched_t nodes[WORLD_NODES_MAX];
    size_t fork_count, fork_capacity;
    forked_t *forks;
    hashes_t rosters, cards;
    bool altered[WORLD_NODES_MAX + 1][WORLD_NODES_MAX + 1]; // the last: nobody
};

// ---- violations ----

void oracle_violate(oracle_t *oracle, const char *invariant, const char *format, ...)
{
    char text[400];
    va_list arguments;
    if (oracle->violation)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    oracle->violation = mem_format("%s: %s", invariant, text);
}

const char *oracle_violation(const oracle_t *oracle)
{
    return oracle->violation;
}

world_t *oracle_world(const oracle_t *oracle)
{
    return oracle->world;
}

const ledger_t *oracle_ledger(const oracle_t *oracle)
{
    return oracle->ledger;
}

bool oracle_trusts(const oracle_t *oracle, size_t node)
{
    return !oracle->nodes[node].distrusted;
}

// ---- what the plan did ----

bool oracle_forks(const oracle_t *oracle, const origin_t *origin, uint32_t epoch)
{
    for (size_t i = 0; i < oracle->fork_count; i++)
        if (oracle->forks[i].epoch == epoch && origin_equal(&oracle->forks[i].origin, origin))
            return true;
    return false;
}

bool oracle_forks_now(const oracle_t *oracle, size_t node)
{
    const card_t *card = world_card(oracle->world, node);
    return oracle_forks(oracle, &card->origin, card->epoch);
}

void oracle_may_fork(oracle_t *oracle, size_t node)
{
    const card_t *card = world_card(oracle->world, node);
    if (oracle_forks(oracle, &card->origin, card->epoch))
        return;
    mem_grow(&oracle->forks, &oracle->fork_capacity, oracle->fork_count, sizeof *oracle->forks);
    oracle->forks[oracle->fork_count++] = (forked_t){card->origin, card->epoch};
}

void oracle_forged(oracle_t *oracle, const commit_t *commit)
{
    ledger_add(oracle->ledger, commit, false);
}

void oracle_wrote(oracle_t *oracle, const commit_t *commit)
{
    ledger_add(oracle->ledger, commit, true);
}

void oracle_forget(oracle_t *oracle, size_t node)
{
    watched_t *watched = &oracle->nodes[node];
    watched->count = 0;
    watched->roster_version = 0;
    watched->cards = 0;
    watched->fenced = ERR_OK;
    watched->distrusted = false;
}

void oracle_altered(oracle_t *oracle, size_t from, size_t to)
{
    oracle->altered[from][to] = oracle->altered[to][from] = true;
}

bool oracle_is_altered(const oracle_t *oracle, size_t from, size_t to)
{
    return oracle->altered[from][to];
}

void oracle_distrust(oracle_t *oracle, size_t node)
{
    oracle->nodes[node].distrusted = true;
}

static void add_hash(hashes_t *hashes, const hash_t *hash)
{
    mem_grow(&hashes->items, &hashes->capacity, hashes->count, sizeof *hashes->items);
    hashes->items[hashes->count++] = *hash;
}

static bool has_hash(const hashes_t *hashes, const hash_t *hash)
{
    for (size_t i = 0; i < hashes->count; i++)
        if (hash_equal(&hashes->items[i], hash))
            return true;
    return false;
}

void oracle_admit_roster(oracle_t *oracle, const hash_t *hash)
{
    add_hash(&oracle->rosters, hash);
}

void oracle_admit_card(oracle_t *oracle, const hash_t *hash)
{
    add_hash(&oracle->cards, hash);
}

// I5: whoever meets a later change of its own was restored or copied, and writes no
// more until somebody has looked.
static void check_met(oracle_t *oracle, size_t node, const core_t *core, bool fresh)
{
    if (!fresh && oracle->nodes[node].open && !core_writing(core, NULL))
        oracle_violate(oracle, "I5", "%s got a later change of its own back and may write on",
                       world_code(oracle->world, node));
}

// I5: while a peer claims a later change of its own that is being fetched, a node waits.
static void check_claimed(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                          const held_t *held, bool fresh)
{
    if (fresh && held->claimed && own_is_claimed(feed) && feed->follower.fetch == held->claimed)
        oracle_violate(oracle, "I5", "%s writes while it fetches a later change of its own",
                       world_code(oracle->world, node));
}

// ---- what a node holds of a feed ----

// I1: the new head is a commit that somebody with the key made, and the old head
// lies on its chain.
static void check_prefix(oracle_t *oracle, size_t node, const head_t *before, const head_t *now)
{
    const known_t *entry = ledger_find(oracle->ledger, &now->hash);
    const char *code = world_code(oracle->world, node);
    if (!entry || !feed_equal(&entry->feed, &now->feed) || entry->last != now->number) {
        oracle_violate(oracle, entry ? "I1" : "I10",
                       "%s holds number %llu of a feed (epoch %u, lane %u): nobody made it", code,
                       (unsigned long long)now->number, now->feed.epoch, now->feed.lane);
        return;
    }
    const known_t *old = before->number ? ledger_ancestor(oracle->ledger, entry, before->number)
                                        : ledger_ancestor(oracle->ledger, entry, 1);
    if (!old || (before->number && !hash_equal(&old->hash, &before->hash)))
        oracle_violate(oracle, "I1", "%s: number %llu does not follow from what it held at %llu",
                       code, (unsigned long long)now->number, (unsigned long long)before->number);
}

static void check_feed(oracle_t *oracle, size_t node, const core_feed_state_t *feed, held_t *held)
{
    const core_t *core = world_core(oracle->world, node);
    const char *code = world_code(oracle->world, node);
    const head_t *now = &feed->head;
    // Before the first change the hash is a card's, which may still have to come.
    if (now->number == held->head.number &&
        (!now->number || hash_equal(&now->hash, &held->head.hash))) {
        held->head.hash = now->hash;
        held->stopped = feed->stopped;
        return;
    }
    if (now->number <= held->head.number)
        oracle_violate(oracle, "I13", "%s: head of %s (epoch %u, lane %u) went from %llu to %llu",
                       code, core_code(core, &now->feed.origin), now->feed.epoch, now->feed.lane,
                       (unsigned long long)held->head.number, (unsigned long long)now->number);
    if (feed->time_ms < held->time_ms)
        oracle_violate(oracle, "I13", "%s: the time of a feed fell", code);
    if (held->stopped && feed->stopped)
        oracle_violate(oracle, "I8", "%s: a feed that is stopped (%s) went on", code,
                       err_name(held->stopped));
    if (origin_equal(&now->feed.origin, &core->self->origin)) {
        bool fresh = own_log_learn(oracle, oracle->ledger, node, feed, &held->head, now->number);
        check_met(oracle, node, core, fresh);
        check_claimed(oracle, node, feed, held, fresh);
    }
    if (!oracle->violation)
        check_prefix(oracle, node, &held->head, now);
    if (!oracle->violation && !origin_equal(&now->feed.origin, &core->self->origin))
        own_log_spread(oracle, oracle->ledger, ledger_find(oracle->ledger, &now->hash),
                       held->head.number);
    if (!oracle->violation)
        authority_check(oracle, node, feed, ledger_find(oracle->ledger, &now->hash),
                        held->head.number);
    *held = (held_t){*now, feed->time_ms, feed->stopped, held->claimed};
}

// ---- rosters and cards ----

static void check_membership(oracle_t *oracle, size_t node)
{
    const core_t *core = world_core(oracle->world, node);
    watched_t *watched = &oracle->nodes[node];
    uint64_t cards = 0;
    for (size_t i = 0; i < core->identity_count; i++)
        cards += core->identities[i]->card_count;
    if (core->roster_count < watched->roster_version || cards < watched->cards)
        oracle_violate(oracle, "I13", "%s lost a roster or a card",
                       world_code(oracle->world, node));
    for (size_t i = watched->roster_version; i < core->roster_count; i++)
        if (!has_hash(&oracle->rosters, &core->rosters[i]->hash))
            oracle_violate(oracle, "I10", "%s took a roster that its members did not vote for",
                           world_code(oracle->world, node));
    for (size_t i = 0; cards > watched->cards && i < core->identity_count; i++)
        for (size_t k = 0; k < core->identities[i]->card_count; k++)
            if (!has_hash(&oracle->cards, &core->identities[i]->cards[k]->hash))
                oracle_violate(oracle, "I10", "%s took a card that its root did not sign",
                               world_code(oracle->world, node));
    watched->roster_version = (uint32_t)core->roster_count;
    watched->cards = cards;
}

// ---- a turn ----

static held_t *held_of(watched_t *watched, const core_feed_state_t *feed)
{
    while (watched->count <= feed->index) {
        mem_grow(&watched->held, &watched->capacity, watched->count, sizeof *watched->held);
        watched->held[watched->count++] = (held_t){0};
    }
    held_t *held = &watched->held[feed->index];
    if (!held->head.feed.epoch)
        held->head.feed = feed->feed; // not seen before
    return held;
}

static bool head_moved(const held_t *held, const core_feed_state_t *feed)
{
    return feed->head.number != held->head.number;
}

static void start_hash(const core_feed_state_t *feed, held_t *held)
{
    const card_t *start = identity_start(feed->identity, feed->feed.epoch);
    if (!held->head.number && start)
        held->head.hash = start->hash;
}

static void on_turn(void *context, size_t node)
{
    oracle_t *oracle = context;
    watched_t *watched = &oracle->nodes[node];
    const core_t *core = world_core(oracle->world, node);
    bool moved = false;
    inside_check(oracle->inside, oracle, node);
    if (watched->distrusted)
        own_log_learn_rotten(oracle, oracle->ledger, node);
    if (watched->distrusted || oracle->violation)
        return;
    check_membership(oracle, node);
    for (size_t i = 0; i < core->feed_count && !oracle->violation; i++) {
        held_t *held = held_of(watched, core->feeds[i]);
        start_hash(core->feeds[i], held);
        moved = moved || head_moved(held, core->feeds[i]);
        check_feed(oracle, node, core->feeds[i], held);
        authority_check_lanes(oracle, node, core->feeds[i]);
        held->claimed = own_is(core, &core->feeds[i]->feed) && own_is_claimed(core->feeds[i])
                            ? core->feeds[i]->follower.fetch
                            : 0;
    }
    if (moved && !oracle->violation)
        digests_check(oracle->digests, oracle, node);
    watched->open = !core_writing(core, NULL);
    if (!core->fence.owed) {
        watched->fenced = fence_reason(core);
        watched->fenced_ms = core->fence.since_ms;
    }
}

// I5: a fence outlives the process, unless the last turn on disk has lifted it.
static void check_fence_kept(oracle_t *oracle, size_t node, const core_t *core)
{
    const watched_t *watched = &oracle->nodes[node];
    lifting_t last;
    size_t count = 0;
    fault_t fault;
    if (!watched->fenced || fence_reason(core))
        return;
    disk_spare(world_disk(oracle->world, node), true);
    err_t err = store_liftings(world_store(oracle->world, node), 1, &last, &count, &fault);
    disk_spare(world_disk(oracle->world, node), false);
    if (!err && (!count || last.fence_ms != watched->fenced_ms))
        oracle_violate(oracle, "I5", "%s starts and may write: it was fenced (%s)",
                       world_code(oracle->world, node), err_name(watched->fenced));
}

// What a node finds on its disk when it starts: nothing that was durable is gone.
static void on_started(void *context, size_t node)
{
    oracle_t *oracle = context;
    watched_t *watched = &oracle->nodes[node];
    const core_t *core = world_core(oracle->world, node);
    if (watched->distrusted) {
        own_log_learn_rotten(oracle, oracle->ledger, node);
        return;
    }
    held_t *before = watched->held;
    size_t count = watched->count;
    watched->held = NULL;
    watched->count = watched->capacity = 0;
    for (size_t i = 0; i < count; i++) {
        const core_feed_state_t *feed = feed_lookup(core, &before[i].head.feed);
        if (feed)
            *held_of(watched, feed) = before[i];
        else if (before[i].head.number)
            oracle_violate(oracle, "I4", "%s lost a feed that was durable, up to %llu of %s",
                           world_code(oracle->world, node),
                           (unsigned long long)before[i].head.number,
                           core_code(core, &before[i].head.feed.origin));
    }
    mem_free(before);
    check_fence_kept(oracle, node, core);
    inside_started(oracle->inside, oracle, node);
    watched->open = false; // what it finds on its disk is nothing that it met
    on_turn(oracle, node);
}

// ---- I11: what an earlier session left over ----

static uint64_t counter(const core_t *core, err_t reason)
{
    for (size_t i = 0; i < core->counter_count; i++)
        if (core->counters[i].reason == reason)
            return core->counters[i].count;
    return 0;
}

static bool bears_session(const arrival_t *arrival)
{
    message_t message;
    fault_t fault;
    if (message_decode(buf_span(&arrival->bytes), &message, &fault))
        return false;
    bool bears = message.has_session;
    message_clear(&message);
    return bears;
}

static const char *type_of(const arrival_t *arrival)
{
    message_t message;
    fault_t fault;
    if (message_decode(buf_span(&arrival->bytes), &message, &fault))
        return "unreadable";
    const char *name = message_type_name(message.type);
    message_clear(&message);
    return name;
}

static void on_arrival(void *context, const arrival_t *arrival, bool before)
{
    oracle_t *oracle = context;
    watched_t *watched = &oracle->nodes[arrival->node];
    const core_t *core = world_core(oracle->world, arrival->node);
    if (!before)
        inside_heard(oracle->inside, oracle, arrival);
    if (!arrival->stale || !bears_session(arrival))
        return;
    // A Welcome is of no use in an open session, whichever it belongs to.
    uint64_t count = counter(core, ERR_WRONG_SESSION) + counter(core, ERR_UNEXPECTED);
    const session_t *session = session_find(core, arrival->link);
    if (before) {
        watched->wrong_session = count;
        watched->ready = session && session->state == SESSION_READY;
    } else if (watched->ready && count != watched->wrong_session + 1) {
        oracle_violate(oracle, "I11", "%s took a message of an earlier session: %s",
                       world_code(oracle->world, arrival->node), type_of(arrival));
    }
}

// ---- life ----

static void on_leaving(void *context, size_t from, size_t to, bool publication, span_t bytes)
{
    oracle_t *oracle = context;
    if (!oracle->violation)
        wire_check(oracle->wire, oracle, from, to, publication, bytes);
}

static void on_log(void *context, size_t node, int level, const char *text)
{
    const oracle_t *oracle = context;
    fprintf(oracle->trace, "%10llu  %s says (%d) %s\n",
            (unsigned long long)world_now(oracle->world), world_code(oracle->world, node), level,
            text);
}

oracle_t *oracle_new(world_t *world, FILE *trace)
{
    oracle_t *oracle = mem_alloc(sizeof *oracle);
    oracle->world = world;
    oracle->trace = trace;
    oracle->ledger = ledger_new();
    oracle->wire = wire_new();
    oracle->inside = inside_new();
    oracle->digests = digests_new();
    oracle_admit_roster(oracle, &world_roster(world)->hash);
    for (size_t i = 0; i < world_nodes(world); i++)
        oracle_admit_card(oracle, &world_card(world, i)->hash);
    watcher_t watcher = {.context = oracle,
                         .turn = on_turn,
                         .leaves = on_leaving,
                         .arrives = on_arrival,
                         .started = on_started,
                         .log = trace ? on_log : NULL};
    world_watch(world, &watcher);
    return oracle;
}

uint64_t oracle_packed(const oracle_t *oracle)
{
    return wire_packed(oracle->wire);
}

void oracle_destroy(oracle_t **oracle_pointer)
{
    oracle_t *oracle = *oracle_pointer;
    watcher_t none = {0};
    world_watch(oracle->world, &none);
    ledger_destroy(&oracle->ledger);
    wire_destroy(&oracle->wire);
    inside_destroy(&oracle->inside);
    digests_destroy(&oracle->digests);
    for (size_t i = 0; i < WORLD_NODES_MAX; i++)
        mem_free(oracle->nodes[i].held);
    mem_free(oracle->forks);
    mem_free(oracle->rosters.items);
    mem_free(oracle->cards.items);
    mem_free(oracle->violation);
    mem_free(oracle);
    *oracle_pointer = NULL;
}
