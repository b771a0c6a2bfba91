// I4, I6: what is durable goes into the turn's transaction at once, what is
// visible waits until that is on disk. L6: sending never waits for a peer; whom
// the edge cannot send to is dropped.
#include "daemon/driver.h"

#include <assert.h>

#include "lib/mem.h"

struct driver {
    core_t *core;
    store_t *store;
    edge_t edge;
    effects_t queue;        // visible effects of the turn
    err_t failed;           // the first durable effect that could not be carried out
    bool grown;             // the turn appends to the log, or fills a payload in
    uint64_t missing_after; // of the missing payloads these had their turn: store.h
};

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
    effects_free(&(*driver)->queue);
    mem_free(*driver);
    *driver = NULL;
}

// ---- durable ----

static err_t do_append(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    uint64_t now_ms, wall_ms;
    uint8_t seed[32];
    driver->edge.clock(driver->edge.context, &now_ms, &wall_ms, seed);
    driver->grown = true;
    return store_append(driver->store, effect->commit, wall_ms, fault);
}

static err_t do_roster(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    return store_add_roster(driver->store, effect->roster, fault);
}

static err_t do_card(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    return store_add_card(driver->store, effect->card, fault);
}

// A payload that is not the one committed to, or that its commit has no room for, is the
// sender's fault, not the disk's.
static err_t do_fill(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    err_t err = store_fill_payload(driver->store, &effect->feed, effect->number, effect->salt,
                                   buf_span(&effect->bytes), fault);
    driver->grown = driver->grown || !err;
    if (err != ERR_BAD_COMMITMENT && err != ERR_STALE && err != ERR_NO_SUCH_RECORD &&
        err != ERR_PAYLOAD_ERASED && err != ERR_TOO_BIG)
        return err;
    event_t event = {.type = EVENT_REFUSED, .link = effect->link};
    event.as.refused.reason = err;
    event.as.refused.where = "payload";
    driver_step(driver, &event);
    return ERR_OK;
}

static err_t do_evidence(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    return store_add_evidence(driver->store, &effect->feed, effect->reason, &effect->proof,
                              buf_span(&effect->bytes), effect->wall_ms, fault);
}

static err_t do_stop(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    return store_stop_feed(driver->store, &effect->feed, effect->reason, &effect->proof,
                           effect->wall_ms, fault);
}

static err_t do_fence(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    return store_fence(driver->store, effect->reason, effect->text, effect->wall_ms, fault);
}

static err_t do_unfence(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    return store_unfence(driver->store, (lift_t)effect->number, effect->text, effect->wall_ms,
                         fault);
}

// The first of the run's commits that is not one of ours, by our log.
static err_t find_other(driver_t *driver, const run_t *run, event_t *event, fault_t *fault)
{
    err_t err = ERR_OK;
    size_t *at = &event->as.compared.at;
    for (*at = 0; *at < run->count && !err; ++*at) {
        const commit_t *commit = run->commits[*at];
        uint64_t first = 0;
        err = store_commit_at(driver->store, &run->feed, commit->first, &event->as.compared.ours,
                              &first, fault);
        if (!err &&
            (first != commit->first || !hash_equal(&event->as.compared.ours, &commit->hash)))
            return ERR_OK;
    }
    return err;
}

// A read, but of what the turn has written too, and its answer may want something
// durable: so it is carried out here.
static err_t do_compare(driver_t *driver, const effect_t *effect, fault_t *fault)
{
    run_t run;
    event_t event = {.type = EVENT_COMPARED};
    if (run_decode(buf_span(&effect->bytes), &run, fault))
        return ERR_OK; // it was decoded before
    err_t err = find_other(driver, &run, &event, fault);
    event.as.compared.from = effect->text;
    event.as.compared.run = buf_span(&effect->bytes);
    if (!err && event.as.compared.at < run.count)
        driver_step(driver, &event);
    run_clear(&run);
    return err == ERR_UNKNOWN_FEED || err == ERR_OUT_OF_ORDER ? ERR_OK : err;
}

typedef err_t (*durable_fn)(driver_t *driver, const effect_t *effect, fault_t *fault);
static const durable_fn durable[EFFECT_LAST_DURABLE + 1] = {
    [EFFECT_APPEND] = do_append,     [EFFECT_ROSTER] = do_roster,     [EFFECT_CARD] = do_card,
    [EFFECT_FILL_PAYLOAD] = do_fill, [EFFECT_EVIDENCE] = do_evidence, [EFFECT_STOP_FEED] = do_stop,
    [EFFECT_FENCE] = do_fence,       [EFFECT_UNFENCE] = do_unfence,   [EFFECT_COMPARE] = do_compare,
};

static void log_fault(driver_t *driver, err_t err, const fault_t *fault)
{
    char *text = mem_format("the store refuses: %s (%s)", err_text(err), fault->detail);
    driver->edge.log(driver->edge.context, 3, text);
    mem_free(text);
}

static void keep(driver_t *driver, effect_t *effect)
{
    *effects_add(&driver->queue, effect->type) = *effect;
}

static void carry_out(driver_t *driver, effect_t *effect)
{
    fault_t fault = {0};
    err_t err = driver->failed ? ERR_OK : durable[effect->type](driver, effect, &fault);
    if (err && fault.err)
        log_fault(driver, err, &fault);
    // A comparison may have stepped the core: what failed in there stays failed.
    if (!driver->failed)
        driver->failed = err;
    effect_clear(effect);
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

void driver_step(driver_t *driver, event_t *event)
{
    effects_t effects = {0};
    driver->edge.clock(driver->edge.context, &event->now_ms, &event->wall_ms, event->seed);
    core_step(driver->core, event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        if (effects.items[i].type <= EFFECT_LAST_DURABLE)
            carry_out(driver, &effects.items[i]);
        else if (effects.items[i].type == EFFECT_PREPARE)
            prepare(driver, &effects.items[i]);
        else
            keep(driver, &effects.items[i]);
    mem_free(effects.items); // what they owned has moved on or is gone
}

// ---- visible ----

static span_t topic_of(const driver_t *driver)
{
    return span_of(core_coalition(driver->core)->bytes, TOPIC_SIZE);
}

static void do_send(driver_t *driver, effect_t *effect)
{
    driver->edge.send(driver->edge.context, effect->link, buf_span(&effect->bytes));
}

static void do_publish(driver_t *driver, effect_t *effect)
{
    driver->edge.publish(driver->edge.context, topic_of(driver), buf_span(&effect->bytes));
}

static void do_reply(driver_t *driver, effect_t *effect)
{
    driver->edge.written(driver->edge.context, effect->request, effect->reason, &effect->feed,
                         effect->number);
}

static void do_close(driver_t *driver, effect_t *effect)
{
    driver->edge.close(driver->edge.context, effect->link);
}

static void do_dial(driver_t *driver, effect_t *effect)
{
    event_t event = {.type = EVENT_DIALLED};
    event.as.dialled.dial = effect->dial;
    event.link = driver->edge.dial(driver->edge.context, effect->text, &effect->key,
                                   topic_of(driver), &event.as.dialled.reason);
    driver_step(driver, &event);
}

static void do_admit(driver_t *driver, effect_t *effect)
{
    pubkey_t *keys;
    size_t count = core_admitted(driver->core, &keys);
    (void)effect;
    driver->edge.admit(driver->edge.context, keys, count);
    mem_free(keys);
}

// What the asker's chain parts from: our run from the commit on that holds the
// number asked about, headers alone. Asking with no hash tells the one before it.
static err_t read_proof(driver_t *driver, const effect_t *effect, served_run_t *proof,
                        fault_t *fault)
{
    hash_t hash = {0};
    uint64_t first = 1;
    err_t err = effect->number ? store_commit_at(driver->store, &effect->feed, effect->number,
                                                 &hash, &first, fault)
                               : ERR_OK;
    for (int i = 0; i < 2 && !err; i++) {
        hash = i ? proof->last.hash : (hash_t){0};
        buf_free(&proof->run);
        err = store_read_run(driver->store, &effect->feed, first - 1, &hash, PART_BYTES_MAX, true,
                             proof, fault);
    }
    return err;
}

static void do_read_run(driver_t *driver, effect_t *effect)
{
    served_run_t served = {0};
    fault_t fault = {0};
    event_t event = {.type = EVENT_RUN_READ, .link = effect->link};
    event.as.run_read.feed = effect->feed;
    event.as.run_read.fetch = effect->fetch;
    event.as.run_read.err =
        store_read_run_to(driver->store, &effect->feed, effect->number, &effect->hash,
                          effect->has_cut ? &effect->cut : NULL, (size_t)effect->limit,
                          effect->headers_only, &served, &fault);
    served_run_t proof = {0};
    event.as.run_read.last = served.last;
    event.as.run_read.end = served.end;
    event.as.run_read.diverged = served.diverged;
    // Within a commit of ours nobody ends who has our chain: that is another, too.
    bool parts = served.diverged || event.as.run_read.err == ERR_OUT_OF_ORDER;
    if (parts)
        read_proof(driver, effect, &proof, &fault); // asked again where there is none
    event.as.run_read.run = buf_span(parts ? &proof.run : &served.run);
    driver_step(driver, &event);
    buf_free(&served.run);
    buf_free(&proof.run);
}

static void do_read_proof(driver_t *driver, effect_t *effect)
{
    served_run_t ours = {0};
    buf_t theirs = {0};
    fault_t fault = {0};
    event_t event = {.type = EVENT_PROOF_READ, .link = effect->link};
    err_t err = store_read_evidence(driver->store, &effect->feed, effect->reason, &theirs, &fault);
    if (!err)
        err = read_proof(driver, effect, &ours, &fault);
    if (err == ERR_UNKNOWN_FEED || err == ERR_OUT_OF_ORDER)
        err = ERR_OK;
    if (err)
        log_fault(driver, err, &fault);
    event.as.proof_read.err = err;
    event.as.proof_read.ours = buf_span(&ours.run);
    event.as.proof_read.theirs = buf_span(&theirs);
    driver_step(driver, &event);
    buf_free(&ours.run);
    buf_free(&theirs);
}

static void do_read_payload(driver_t *driver, effect_t *effect)
{
    uint8_t salt[SALT_SIZE] = {0};
    buf_t body = {0};
    fault_t fault = {0};
    event_t event = {.type = EVENT_PAYLOAD_READ, .link = effect->link};
    event.as.payload_read.feed = effect->feed;
    event.as.payload_read.number = effect->number;
    event.as.payload_read.fetch = effect->fetch;
    event.as.payload_read.salt = salt;
    err_t err = store_read_payload(driver->store, &effect->feed, effect->number,
                                   &event.as.payload_read.state, salt, &body, &fault);
    if (err)
        event.as.payload_read.state = PAYLOAD_MISSING;
    event.as.payload_read.body = buf_span(&body);
    driver_step(driver, &event);
    buf_free(&body);
}

static void do_find_missing(driver_t *driver, effect_t *effect)
{
    enum { MOST = 64 };
    place_t places[MOST];
    feed_t feeds[MOST];
    uint64_t numbers[MOST];
    size_t count = 0;
    fault_t fault = {0};
    event_t event = {.type = EVENT_PAYLOADS_MISSING};
    size_t limit = effect->limit < MOST ? (size_t)effect->limit : MOST;
    uint64_t *after = &driver->missing_after;
    for (bool again = true; again && !count && !event.as.missing.err;) {
        again = *after > 0; // past the last one: from the first on
        event.as.missing.err =
            store_missing_payloads(driver->store, after, limit, places, &count, &fault);
    }
    if (event.as.missing.err)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        feeds[i] = places[i].feed;
        numbers[i] = places[i].number;
    }
    event.as.missing.feeds = feeds;
    event.as.missing.numbers = numbers;
    event.as.missing.count = count;
    driver_step(driver, &event);
}

static void do_log(driver_t *driver, effect_t *effect)
{
    driver->edge.log(driver->edge.context, effect->level, effect->text);
}

typedef void (*visible_fn)(driver_t *driver, effect_t *effect);
static const visible_fn visible[EFFECT_TYPE_END] = {
    [EFFECT_SEND] = do_send,
    [EFFECT_PUBLISH] = do_publish,
    [EFFECT_REPLY] = do_reply,
    [EFFECT_CLOSE] = do_close,
    [EFFECT_DIAL] = do_dial,
    [EFFECT_ADMIT] = do_admit,
    [EFFECT_READ_RUN] = do_read_run,
    [EFFECT_READ_PROOF] = do_read_proof,
    [EFFECT_READ_PAYLOAD] = do_read_payload,
    [EFFECT_FIND_MISSING] = do_find_missing,
    [EFFECT_LOG] = do_log,
};

// What carries an effect out may step the core and so lengthen the queue.
static void emit(driver_t *driver)
{
    for (size_t i = 0; i < driver->queue.count; i++) {
        effect_t effect = driver->queue.items[i];
        driver->queue.items[i] = (effect_t){.type = effect.type};
        visible[effect.type](driver, &effect);
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
        log_fault(driver, reason, &fault);
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
