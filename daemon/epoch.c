#include "daemon/epoch.h"

#include <stdio.h>
#include <string.h>

#include "daemon/hook.h"
#include "lib/keys.h"
#include "lib/log.h"

// ---- at the start ----

static const card_t *newest_of(const snapshot_t *snapshot, const origin_t *origin)
{
    const card_t *newest = NULL;
    for (size_t i = 0; i < snapshot->card_count; i++)
        if (origin_equal(&snapshot->cards[i]->origin, origin))
            newest = snapshot->cards[i];
    return newest;
}

static bool is_loaded(const char *dir, const pubkey_t *wanted)
{
    secret_t *secret = NULL;
    pubkey_t public_key;
    fault_t fault;
    bool same =
        !key_load(dir, KEY_SIGNING, &secret, &public_key, &fault) && key_equal(&public_key, wanted);
    secret_destroy(&secret);
    return same;
}

// A card whose key is not here at all is of another instance of this node: then
// nothing is changed, and the core finds the node fenced.
static err_t settle_forward(const char *dir, const card_t *held, fault_t *fault)
{
    secret_t *pending = NULL;
    fault_t none;
    err_t err = ERR_OK;
    if (!is_loaded(dir, &held->signing_key)) {
        if (key_load_pending(dir, &held->signing_key, &pending, &none))
            return ERR_OK;
        secret_destroy(&pending);
        err = key_promote_pending(dir, &held->signing_key, fault);
    }
    return err ? err : home_write_card(dir, held, fault);
}

static err_t settle_back(store_t *store, const card_t *held, const card_t *own, fault_t *fault)
{
    if (card_follows(held, own))
        return ERR_OK; // what lies between them comes from others
    err_t err = store_add_card(store, own, fault);
    return err ? err : store_commit(store, fault);
}

err_t epoch_settle(const char *dir, store_t *store, fault_t *fault)
{
    card_t *own = NULL;
    snapshot_t snapshot = {0};
    err_t err = home_card(dir, &own, fault);
    if (!err)
        err = store_snapshot(store, &snapshot, fault);
    const card_t *held = err ? NULL : newest_of(&snapshot, &own->origin);
    if (held && held->number > own->number)
        err = settle_forward(dir, held, fault);
    else if (held && held->number < own->number)
        err = settle_back(store, held, own, fault);
    snapshot_clear(&snapshot);
    card_destroy(&own);
    return err;
}

// ---- the start of an epoch ----

static err_t check_cut(store_t *store, const card_t *card, const cut_t *cut, fault_t *fault)
{
    feed_t feed = {card->origin, cut->epoch, cut->lane};
    bool ends = false;
    char where[32];
    snprintf(where, sizeof where, "lane %u", cut->lane);
    if (cut->epoch + 1 != card->epoch || cut->number == 0)
        return fault_set(fault, ERR_BAD_CUT, where, NULL);
    err_t err = store_ends_at(store, &feed, cut->number, &cut->hash, &ends, fault);
    if (err || ends)
        return err;
    return fault_set(fault, ERR_BAD_CUT, where, "no commit that is known here ends at %llu so",
                     (unsigned long long)cut->number);
}

static err_t check(store_t *store, const origin_t *self, const card_t *card, fault_t *fault)
{
    err_t err = ERR_OK;
    if (!origin_equal(&card->origin, self))
        return fault_set(fault, ERR_NOT_OWNER, card->code.text, NULL);
    for (size_t i = 0; i < card->cut_count && !err; i++)
        err = check_cut(store, card, &card->cuts[i], fault);
    return err;
}

err_t epoch_begin(epoch_t *epoch, const char *dir, store_t *store, driver_t *driver,
                  const origin_t *self, uint64_t request, span_t bytes, fault_t *fault)
{
    card_t *card = NULL;
    err_t err = epoch->request ? fault_set(fault, ERR_BUSY, "", NULL) : ERR_OK;
    if (!err)
        err = card_decode(bytes, &card, fault);
    if (!err)
        err = check(store, self, card, fault);
    if (!err)
        err = key_load_pending(dir, &card->signing_key, &epoch->signing, fault);
    if (!err) {
        event_t event = {.type = EVENT_EPOCH};
        epoch->request = event.as.epoch.request = request;
        epoch->signing_public = card->signing_key;
        event.as.epoch.card = bytes;
        event.as.epoch.signing = epoch->signing;
        driver_step(driver, &event);
    }
    card_destroy(&card);
    return err;
}

void epoch_written(epoch_t *epoch, const char *dir, const card_t *newest, keys_t *keys,
                   err_t reason)
{
    fault_t fault = {0};
    epoch->request = 0;
    if (reason) {
        secret_destroy(&epoch->signing);
        return;
    }
    secret_destroy(&keys->signing);
    keys->signing = epoch->signing;
    keys->signing_public = epoch->signing_public;
    epoch->signing = NULL;
    hook_die("epoch-1");
    err_t err = key_promote_pending(dir, &epoch->signing_public, &fault);
    hook_die("epoch-2");
    if (!err)
        err = home_write_card(dir, newest, &fault);
    hook_die("epoch-3");
    if (err) // the next start does it
        log_line(LOG_LEVEL_WARNING, "the new key and card are not in their places yet: %s: %s",
                 fault.where, fault.detail);
}
