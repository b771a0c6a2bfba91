#include "tests/sim/oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/state.h"
#include "daemon/store/internal.h"
#include "lib/mem.h"
#include "tests/sim/inside.h"
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

// Which view digest a set of heads has: the first node that had them said so.
typedef struct {
    hash_t heads, digest;
    size_t node;
} view_seen_t;

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
    bool fresh; // something of the own feed that was learnt last was not known before
    char *violation;
    size_t node_count;
    watched_t nodes[WORLD_NODES_MAX];
    size_t view_count, view_capacity;
    view_seen_t *views;
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

static const char *code_of(const oracle_t *oracle, const origin_t *origin)
{
    for (size_t i = 0; i < world_nodes(oracle->world); i++)
        if (origin_equal(&world_card(oracle->world, i)->origin, origin))
            return world_code(oracle->world, i);
    return "?";
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

// ---- a node's own feed: what it has written goes into the ledger ----

// I5. Of two changes with one number that a node restored from a backup has given,
// one that nobody else ever saw is not there.
static void check_rival(oracle_t *oracle, const known_t *entry)
{
    const known_t *rival = entry->genuine ? ledger_rival(oracle->ledger, entry) : NULL;
    if (rival && !oracle_forks(oracle, &entry->feed.origin, entry->feed.epoch))
        oracle_violate(
            oracle, "I5", "%s signed two different commits with number %llu",
            code_of(oracle, &entry->feed.origin),
            (unsigned long long)(entry->first > rival->first ? entry->first : rival->first));
}

// What came to another node between the two heads.
static void spread(oracle_t *oracle, const known_t *entry, uint64_t after)
{
    for (; entry && entry->last > after && !entry->spread;
         entry = entry->first > 1 ? ledger_find(oracle->ledger, &entry->previous) : NULL) {
        ledger_spread(oracle->ledger, entry);
        check_rival(oracle, entry);
    }
}

static void learn_run(oracle_t *oracle, size_t node, span_t bytes)
{
    run_t run;
    fault_t fault;
    if (run_decode(bytes, &run, &fault)) {
        oracle_violate(oracle, "I16", "%s: its own run cannot be read: %s",
                       world_code(oracle->world, node), fault.detail);
        return;
    }
    for (size_t i = 0; i < run.count; i++) {
        const known_t *entry = ledger_find(oracle->ledger, &run.commits[i]->hash);
        oracle->fresh = oracle->fresh || !entry;
        if (!entry)
            entry = ledger_add(oracle->ledger, run.commits[i], true);
        check_rival(oracle, entry);
    }
    run_clear(&run);
}

// I5: whoever meets a later change of its own was restored or copied, and writes no
// more until somebody has looked.
static void check_met(oracle_t *oracle, size_t node, const core_t *core)
{
    if (!oracle->fresh && oracle->nodes[node].open && !core_writing(core, NULL))
        oracle_violate(oracle, "I5", "%s got a later change of its own back and may write on",
                       world_code(oracle->world, node));
}

// I5: while a peer claims a later change of its own that is being fetched, a node waits.
static void check_claimed(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                          const held_t *held)
{
    if (oracle->fresh && held->claimed && own_is_claimed(feed) &&
        feed->follower.fetch == held->claimed)
        oracle_violate(oracle, "I5", "%s writes while it fetches a later change of its own",
                       world_code(oracle->world, node));
}

// What came back up to a cut within a run ends with no signature of its own: the cut's
// vouches for it.
static err_t read_own(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                      const head_t *at, served_run_t *served, fault_t *fault)
{
    store_t *store = world_store(oracle->world, node);
    head_t cut;
    disk_spare(world_disk(oracle->world, node), true);
    err_t err =
        store_read_run(store, &at->feed, at->number, &at->hash, RUN_BYTES_MAX, true, served, fault);
    if (err == ERR_DAMAGED && feed_cut(world_core(oracle->world, node), feed, &cut))
        err = store_read_run_to(store, &at->feed, at->number, &at->hash, &cut, RUN_BYTES_MAX, true,
                                served, fault);
    disk_spare(world_disk(oracle->world, node), false);
    return err;
}

static void learn_own(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                      const head_t *from, uint64_t to)
{
    head_t at = *from;
    oracle->fresh = false;
    while (at.number < to && !oracle->violation) {
        served_run_t served = {0};
        fault_t fault = {0};
        err_t err = read_own(oracle, node, feed, &at, &served, &fault);
        if (err || !served.run.size || served.diverged) {
            oracle_violate(oracle, "I4", "%s: its own log cannot be read after %llu: %s (%s: %s)",
                           world_code(oracle->world, node), (unsigned long long)at.number,
                           err_name(err), fault.where, fault.detail);
            buf_free(&served.run);
            return;
        }
        learn_run(oracle, node, buf_span(&served.run));
        at = served.last;
        buf_free(&served.run);
    }
}

// What a node has written whose disk rotted afterwards: read as far as it can be, and
// only what its signature vouches for.
static void learn_signed(oracle_t *oracle, const core_t *core, span_t bytes,
                         const identity_t *identity)
{
    run_t run;
    fault_t fault;
    if (run_decode(bytes, &run, &fault))
        return;
    const commit_t *last = run.commits[run.count - 1];
    const card_t *card = identity_card(identity, last->card_number);
    if (card && commit_signature_holds(last, &card->signing_key, core_coalition(core)))
        for (size_t i = 0; i < run.count; i++)
            if (!ledger_find(oracle->ledger, &run.commits[i]->hash))
                ledger_add(oracle->ledger, run.commits[i], true);
    run_clear(&run);
}

static void learn_rotten(oracle_t *oracle, size_t node, const core_t *core)
{
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->feeds[i];
        if (feed->identity != core->self || !feed->head.number ||
            ledger_find(oracle->ledger, &feed->head.hash))
            continue;
        served_run_t served = {0};
        fault_t fault = {0};
        const card_t *start = identity_start(feed->identity, feed->feed.epoch);
        if (!store_read_run(world_store(oracle->world, node), &feed->feed, 0, &start->hash,
                            RUN_BYTES_MAX, true, &served, &fault) &&
            served.run.size)
            learn_signed(oracle, core, buf_span(&served.run), feed->identity);
        buf_free(&served.run);
    }
}

// ---- what a node holds of a feed ----

static bool cut_ends(const cut_t *cuts, size_t count, const feed_t *feed, const cut_t **cut)
{
    for (size_t i = 0; i < count; i++)
        if (cuts[i].epoch == feed->epoch && cuts[i].lane == feed->lane) {
            *cut = &cuts[i];
            return true;
        }
    return false;
}

// I9: what came in between `after` and `entry` does not lie beyond a cut that the
// node knows, and passes through the cut's own hash.
static void check_cut(oracle_t *oracle, size_t node, const known_t *entry, uint64_t after,
                      uint32_t below_card, const cut_t *cut)
{
    for (; entry && entry->last > after;
         entry = entry->first > 1 ? ledger_find(oracle->ledger, &entry->previous) : NULL) {
        if (entry->card_number >= below_card)
            continue;
        if (entry->last > cut->number)
            oracle_violate(oracle, "I9",
                           "%s took number %llu under card %u, beyond the cut at %llu",
                           world_code(oracle->world, node), (unsigned long long)entry->last,
                           entry->card_number, (unsigned long long)cut->number);
        else if (entry->last == cut->number && !hash_equal(&entry->hash, &cut->hash))
            oracle_violate(oracle, "I9", "%s took another change at the cut",
                           world_code(oracle->world, node));
    }
}

static bool is_named(const core_feed_state_t *feed)
{
    const cut_t *cut;
    for (size_t i = 0; i < feed->identity->card_count; i++)
        if (cut_ends(feed->identity->cards[i]->cuts, feed->identity->cards[i]->cut_count,
                     &feed->feed, &cut))
            return true;
    return false;
}

// I9: what the start of a later epoch leaves no cut has ended with nothing, and so has
// what is signed under a card that the roster accepts no more.
static void check_ended(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                        const known_t *entry)
{
    const core_t *core = world_core(oracle->world, node);
    const member_t *member = roster_member(core_roster(core), &feed->feed.origin);
    bool ended = identity_newest(feed->identity)->epoch > feed->feed.epoch;
    bool refused = member && entry->card_number < member->min_card;
    if ((ended || refused) && !is_named(feed))
        oracle_violate(oracle, "I9", "%s took number %llu of a lane %s",
                       world_code(oracle->world, node), (unsigned long long)entry->last,
                       ended ? "that has ended with nothing" : "under a card that counts no more");
}

static void check_authority(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                            const known_t *entry, uint64_t after)
{
    const core_t *core = world_core(oracle->world, node);
    const former_t *former = roster_former(core_roster(core), &feed->feed.origin);
    const cut_t *cut;
    if (feed->stopped)
        return; // the cut came in the same turn
    const card_t *card = identity_card(feed->identity, entry->card_number);
    if (!card || card->epoch != feed->feed.epoch)
        oracle_violate(oracle, "I9", "%s took number %llu of epoch %u under card %u, of another",
                       world_code(oracle->world, node), (unsigned long long)entry->last,
                       feed->feed.epoch, entry->card_number);
    check_ended(oracle, node, feed, entry);
    // A card's cut binds the cards before it.
    for (size_t i = 0; i < feed->identity->card_count; i++)
        if (cut_ends(feed->identity->cards[i]->cuts, feed->identity->cards[i]->cut_count,
                     &feed->feed, &cut))
            check_cut(oracle, node, entry, after, feed->identity->cards[i]->number, cut);
    if (former && cut_ends(former->cuts, former->cut_count, &feed->feed, &cut))
        check_cut(oracle, node, entry, after, UINT32_MAX, cut);
    else if (former)
        oracle_violate(oracle, "I9", "%s took a change of a former member without a cut",
                       world_code(oracle->world, node));
}

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

// I8: a fork stops all lanes of its epoch, until a new one or the roster decides.
static void check_lanes(oracle_t *oracle, size_t node, const core_feed_state_t *feed)
{
    const core_t *core = world_core(oracle->world, node);
    if (feed->stopped != ERR_DIVERGED || identity_newest(feed->identity)->epoch > feed->feed.epoch)
        return;
    for (uint32_t lane = 0; lane < LANE_OPEN_COUNT; lane++) {
        feed_t beside = {feed->feed.origin, feed->feed.epoch, lane};
        const core_feed_state_t *state = feed_lookup(core, &beside);
        if (!state || !state->stopped)
            oracle_violate(oracle, "I8", "%s: lane %u goes on where a fork has stopped lane %u",
                           world_code(oracle->world, node), lane, feed->feed.lane);
    }
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
        learn_own(oracle, node, feed, &held->head, now->number);
        check_met(oracle, node, core);
        check_claimed(oracle, node, feed, held);
    }
    if (!oracle->violation)
        check_prefix(oracle, node, &held->head, now);
    if (!oracle->violation && !origin_equal(&now->feed.origin, &core->self->origin))
        spread(oracle, ledger_find(oracle->ledger, &now->hash), held->head.number);
    if (!oracle->violation)
        check_authority(oracle, node, feed, ledger_find(oracle->ledger, &now->hash),
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

// ---- I14: equal heads, equal digest ----

static hash_t hash_of_heads(const core_t *core)
{
    buf_t all = {0};
    buf_append(&all, span_of(core_roster(core)->hash.bytes, HASH_SIZE));
    for (size_t i = 0; i < core->feed_count; i++)
        if (core->sorted[i]->head.number)
            buf_append(&all, span_of(core->sorted[i]->head.hash.bytes, HASH_SIZE));
    hash_t hash = crypto_hash_of(HASH_DERIVE, buf_span(&all));
    buf_free(&all);
    return hash;
}

static void check_digest(oracle_t *oracle, size_t node)
{
    const store_t *store = world_store(oracle->world, node);
    hash_t heads = hash_of_heads(world_core(oracle->world, node));
    if (!store->loaded)
        return;
    for (size_t i = oracle->view_count; i-- > 0;) {
        const view_seen_t *seen = &oracle->views[i];
        if (!hash_equal(&seen->heads, &heads))
            continue;
        if (!hash_equal(&seen->digest, &store->view.digest))
            oracle_violate(oracle, "I14", "%s and %s have the same heads and different digests",
                           world_code(oracle->world, node), world_code(oracle->world, seen->node));
        return;
    }
    mem_grow(&oracle->views, &oracle->view_capacity, oracle->view_count, sizeof *oracle->views);
    oracle->views[oracle->view_count++] = (view_seen_t){heads, store->view.digest, node};
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
        learn_rotten(oracle, node, core);
    if (watched->distrusted || oracle->violation)
        return;
    check_membership(oracle, node);
    for (size_t i = 0; i < core->feed_count && !oracle->violation; i++) {
        held_t *held = held_of(watched, core->feeds[i]);
        start_hash(core->feeds[i], held);
        moved = moved || head_moved(held, core->feeds[i]);
        check_feed(oracle, node, core->feeds[i], held);
        check_lanes(oracle, node, core->feeds[i]);
        held->claimed = own_is(core, &core->feeds[i]->feed) && own_is_claimed(core->feeds[i])
                            ? core->feeds[i]->follower.fetch
                            : 0;
    }
    if (moved && !oracle->violation)
        check_digest(oracle, node);
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
        learn_rotten(oracle, node, core);
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
    if (!before && !arrival->stale)
        inside_heard(oracle, arrival);
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

void oracle_destroy(oracle_t **oracle_pointer)
{
    oracle_t *oracle = *oracle_pointer;
    watcher_t none = {0};
    world_watch(oracle->world, &none);
    ledger_destroy(&oracle->ledger);
    wire_destroy(&oracle->wire);
    inside_destroy(&oracle->inside);
    for (size_t i = 0; i < WORLD_NODES_MAX; i++)
        mem_free(oracle->nodes[i].held);
    mem_free(oracle->views);
    mem_free(oracle->forks);
    mem_free(oracle->rosters.items);
    mem_free(oracle->cards.items);
    mem_free(oracle->violation);
    mem_free(oracle);
    *oracle_pointer = NULL;
}
