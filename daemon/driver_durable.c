// What goes into the turn's transaction, each as one call of the store.
//
// What the store answers may be another event: the step that it makes adds to what is
// carried out after this (driver.c).
#include "daemon/driver_internal.h"

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

const durable_fn driver_durable[EFFECT_LAST_DURABLE + 1] = {
    [EFFECT_APPEND] = do_append,     [EFFECT_ROSTER] = do_roster,     [EFFECT_CARD] = do_card,
    [EFFECT_FILL_PAYLOAD] = do_fill, [EFFECT_EVIDENCE] = do_evidence, [EFFECT_STOP_FEED] = do_stop,
    [EFFECT_FENCE] = do_fence,       [EFFECT_UNFENCE] = do_unfence,   [EFFECT_COMPARE] = do_compare,
};
