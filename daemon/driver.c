// I4, I6: what is durable goes into the turn's transaction at once, what is
// visible waits until that is on disk.
#include "daemon/driver_internal.h"

#include <assert.h>

#include "lib/mem.h"

driver_t *driver_new(core_t *core, store_t *store, const edge_t *edge)
{
    driver_t *driver = mem_alloc(sizeof *driver);
    driver->core = core;
    driver->store = store;
    driver->edge = *edge;
    return driver;
}

void driver_destroy(driver_t **driver)
{
    if (!*driver)
        return;
    effects_free(&(*driver)->wanted);
    effects_free(&(*driver)->queue);
    mem_free(*driver);
    *driver = NULL;
}

void driver_log_fault(driver_t *driver, err_t err, const fault_t *fault)
{
    char *text = mem_format("the store refuses: %s (%s)", err_text(err), fault->detail);
    driver->edge.log(driver->edge.context, 3, text);
    mem_free(text);
}

// ---- steps ----

// The first failure stands: nothing after it is tried, the turn is taken back.
static void write_down(driver_t *driver, effect_t *effect)
{
    fault_t fault = {0};
    err_t err = driver->failed ? ERR_OK : driver_durable[effect->type](driver, effect, &fault);
    if (err && fault.err)
        driver_log_fault(driver, err, &fault);
    if (!driver->failed)
        driver->failed = err;
    effect_clear(effect);
}

static void keep(driver_t *driver, effect_t *effect)
{
    *effects_add(&driver->queue, effect->type) = *effect;
}

void driver_prepared(driver_t *driver, prepared_t **prepared)
{
    event_t event = {.type = EVENT_PREPARED, .link = (*prepared)->link};
    event.as.prepared = *prepared;
    driver_step(driver, &event);
    prepared_destroy(prepared);
}

static void prepare(driver_t *driver, effect_t *effect)
{
    if (driver->edge.prepare) {
        driver->edge.prepare(driver->edge.context, &effect->prepared);
        return;
    }
    prepared_read(effect->prepared);
    driver_prepared(driver, &effect->prepared);
}

// D4. Carrying one out may lead to a step, whose effects then come after all of these.
static void carry_out(driver_t *driver)
{
    driver->carrying = true;
    for (size_t i = 0; i < driver->wanted.count; i++) {
        effect_t effect = driver->wanted.items[i]; // the array may move meanwhile
        if (effect.type <= EFFECT_LAST_DURABLE)
            write_down(driver, &effect);
        else if (effect.type == EFFECT_PREPARE)
            prepare(driver, &effect);
        else
            keep(driver, &effect);
    }
    driver->wanted.count = 0; // what they owned has moved on or is gone
    driver->carrying = false;
}

void driver_step(driver_t *driver, event_t *event)
{
    driver->edge.clock(driver->edge.context, &event->now_ms, &event->wall_ms, event->seed);
    core_step(driver->core, event, &driver->wanted);
    if (!driver->carrying)
        carry_out(driver);
}

// ---- turns ----

// What carries an effect out may step the core and so lengthen the queue.
static void emit(driver_t *driver)
{
    for (size_t i = 0; i < driver->queue.count; i++) {
        effect_t effect = driver->queue.items[i];
        driver->queue.items[i] = (effect_t){.type = effect.type};
        driver_visible[effect.type](driver, &effect);
        effect_clear(&effect);
    }
    effects_clear(&driver->queue);
    // D1: nothing that is carried out here may want something durable.
    assert(!store_in_turn(driver->store));
}

// D2: nobody hears of what did not happen.
//
// Where the commit's sync failed, its frames may lie in the WAL all the same: then
// whoever asked is told that nobody knows.
static void take_back(driver_t *driver, err_t reason)
{
    err_t told = reason == ERR_SYNC_FAILED ? ERR_OUTCOME_UNKNOWN : reason;
    event_t event = {.type = EVENT_ROLLED_BACK};
    event.as.rolled_back.reason = reason;
    store_rollback(driver->store);
    for (size_t i = 0; i < driver->queue.count; i++) {
        effect_t *effect = &driver->queue.items[i];
        if (effect->type == EFFECT_REPLY && !effect->reason)
            effect->reason = told;
        if (effect->type == EFFECT_PUBLISH) {
            effect_clear(effect);
            *effect = (effect_t){.type = EFFECT_LOG, .level = 7};
            effect->text = mem_copy_string("a publication was dropped with its turn");
        }
    }
    driver_step(driver, &event);
}

err_t driver_flush(driver_t *driver)
{
    fault_t fault = {0};
    err_t reason = driver->failed;
    bool grown = driver->grown;
    driver->failed = ERR_OK;
    driver->grown = false;
    if (!reason)
        reason = store_commit(driver->store, &fault);
    if (reason && fault.err)
        driver_log_fault(driver, reason, &fault);
    if (reason) {
        take_back(driver, reason);
    } else {
        event_t event = {.type = EVENT_COMMITTED};
        driver_step(driver, &event);
        driver->edge.durable(driver->edge.context);
    }
    emit(driver);
    if (!reason && grown)
        driver->edge.applied(driver->edge.context);
    return reason == ERR_SYNC_FAILED ? reason : ERR_OK;
}

// ---- beginning ----

// On disk before anything makes the marker agree: a node that is killed right
// after is still fenced.
static err_t fence_first(store_t *store, const core_options_t *options, uint64_t wall_ms,
                         snapshot_t *snapshot, fault_t *fault)
{
    err_t err = store_snapshot(store, snapshot, fault);
    if (err || !options->boot || snapshot->fence)
        return err;
    snapshot_clear(snapshot);
    err = store_fence(store, options->boot, options->boot_detail, wall_ms, fault);
    if (!err)
        err = store_commit(store, fault);
    return err ? err : store_snapshot(store, snapshot, fault);
}

// A database that has lost what every node holds is damaged; the core asks no more.
static bool knows_self(const snapshot_t *snapshot, const origin_t *self)
{
    bool named = false, card = false;
    for (size_t i = 0; i < snapshot->roster_count; i++)
        named = named || roster_code_of(snapshot->rosters[i], self);
    for (size_t i = 0; i < snapshot->card_count; i++)
        card = card ||
               (snapshot->cards[i]->number == 1 && origin_equal(&snapshot->cards[i]->origin, self));
    return named && card;
}

err_t driver_load(store_t *store, const core_options_t *options, uint64_t now_ms, uint64_t wall_ms,
                  core_t **core, fault_t *fault)
{
    snapshot_t snapshot;
    err_t err = fence_first(store, options, wall_ms, &snapshot, fault);
    if (err)
        return err;
    if (!knows_self(&snapshot, &options->self)) {
        snapshot_clear(&snapshot);
        return fault_set(fault, ERR_DAMAGED, "database", "the charter or this node's card is gone");
    }
    core_feed_t *feeds = mem_alloc_array(snapshot.feed_count, sizeof *feeds);
    for (size_t i = 0; i < snapshot.feed_count; i++)
        feeds[i] = (core_feed_t){snapshot.feeds[i].head, snapshot.feeds[i].time_ms,
                                 snapshot.feeds[i].stopped, snapshot.feeds[i].stopped_ms,
                                 snapshot.feeds[i].proof};
    core_snapshot_t known = {.roster_count = snapshot.roster_count,
                             .rosters = snapshot.rosters,
                             .card_count = snapshot.card_count,
                             .cards = snapshot.cards,
                             .feed_count = snapshot.feed_count,
                             .feeds = feeds,
                             .fence = snapshot.fence,
                             .fence_ms = snapshot.fence_ms,
                             .fence_detail = snapshot.fence_detail};
    *core = core_new(options, &known, now_ms, wall_ms);
    mem_free(feeds);
    snapshot_clear(&snapshot);
    return ERR_OK;
}
