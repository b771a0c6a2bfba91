// This node's own log: the only one that it writes.
//
// Keeps I5: whether it may write is the fence's to say (fence.h), and while a peer
// claims a later change of ours that is being fetched, nothing is written either.
#include <string.h>

#include "daemon/core/internal.h"

// ---- the machine ----

static const char *const own_states[] = {[OWN_DURABLE] = "durable", [OWN_AHEAD] = "ahead"};

static const char *const own_events[] = {
    [OWN_ON_REFUSED] = "changes that may not be written",
    [OWN_ON_APPENDED] = "changes written",
    [OWN_ON_LATER] = "later commit of its own taken",
    [OWN_ON_DURABLE] = "turn on disk",
    [OWN_ON_BACK] = "turn taken back",
};

#define WRITES "chain, sign, append"
#define SAYS   "reply why"
#define TAKES  "tell the fence; append"

static const machine_row_t own_rows[] = {
    {OWN_DURABLE, OWN_ON_REFUSED, OWN_DURABLE, SAYS},
    {OWN_DURABLE, OWN_ON_APPENDED, OWN_AHEAD, WRITES},
    {OWN_DURABLE, OWN_ON_LATER, OWN_AHEAD, TAKES},
    {OWN_AHEAD, OWN_ON_REFUSED, OWN_AHEAD, SAYS},
    {OWN_AHEAD, OWN_ON_APPENDED, OWN_AHEAD, WRITES},
    {OWN_AHEAD, OWN_ON_LATER, OWN_AHEAD, TAKES},
    {OWN_AHEAD, OWN_ON_DURABLE, OWN_DURABLE, "publish; reply; Heads; Beacon within 5 s"},
    {OWN_AHEAD, OWN_ON_BACK, OWN_DURABLE, "the head before; reply why; publish nothing"},
};

const machine_t own_machine = MACHINE("own log", own_states, own_events, own_rows);

void own_move(core_t *core, own_event_t event)
{
    core->own = (own_state_t)machine_move(&own_machine, core->own, event);
}

void own_turn_ends(core_t *core, bool durable)
{
    if (core->own == OWN_AHEAD)
        own_move(core, durable ? OWN_ON_DURABLE : OWN_ON_BACK);
}

// ---- writing ----

bool own_is(const core_t *core, const feed_t *feed)
{
    return origin_equal(&feed->origin, &core->self->origin);
}

bool own_key_counts(const core_t *core)
{
    // libsodium keeps the public key in the secret one's second half.
    const uint8_t *ours = secret_bytes(core->options.signing) + KEY_SIZE;
    return memcmp(ours, identity_newest(core->self)->signing_key.bytes, KEY_SIZE) == 0;
}

static void reply(effects_t *effects, uint64_t request, err_t reason, const feed_t *feed,
                  uint64_t first)
{
    effect_t *effect = effects_add(effects, EFFECT_REPLY);
    effect->request = request;
    effect->reason = reason;
    effect->feed = *feed;
    effect->number = first;
}

// One commit of as many drafts as fit; returns how many. I5: its number is the one
// after the head, which moves in the same turn; a turn that is taken back was
// seen by nobody (I6).
static size_t append_commit(core_t *core, core_feed_state_t *feed, const draft_t *drafts,
                            size_t count, effects_t *effects)
{
    const card_t *card = identity_newest(core->self);
    uint8_t seed[32];
    size_t fit = commit_fit(drafts, count);
    if (!fit)
        return 0;
    core_random(core, seed, sizeof seed);
    // The author's time never falls within a feed, whatever the clock does.
    uint64_t time_ms = core->wall_ms > feed->time_ms ? core->wall_ms : feed->time_ms;
    commit_t *commit =
        commit_author(&feed->feed, feed->head.number + 1, &feed->head.hash, time_ms, card->number,
                      drafts, fit, seed, core->options.signing, &core->coalition);
    feed_touch(feed);
    feed->head.number = commit->last;
    feed->head.hash = commit->hash;
    feed->time_ms = time_ms;
    if (core->options.listening)
        effects_add(effects, EFFECT_PUBLISH)->bytes = publication_of_commit(commit);
    effects_add(effects, EFFECT_APPEND)->commit = commit;
    return fit;
}

static bool all_fit(const draft_t *drafts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!commit_fit(&drafts[i], 1))
            return false;
    return count > 0;
}

// Whoever claims a later change of ours and cannot deliver it holds us up no
// longer than one fetch takes (follow.c): a claim without proof is nothing.
bool own_is_claimed(const core_feed_state_t *feed)
{
    const follower_t *follower = &feed->follower;
    return (follower->state == FOLLOW_FETCHING || follower->state == FOLLOW_STREAMING) &&
           follower->claim > feed->head.number;
}

static err_t may_write(const core_t *core, const core_feed_state_t *feed)
{
    err_t err = fence_reason(core);
    if (!err && feed->stopped)
        err = feed->stopped;
    if (!err && !own_key_counts(core))
        err = ERR_FENCED;
    // Who was removed, or has cut its own key, would write what nobody takes: below the
    // cut too, for that is the hash of a change that was there before.
    uint32_t card = identity_newest(core->self)->number;
    if (!err && membership_reach(core, core->self, card, &feed->feed) != UINT64_MAX)
        err = ERR_BEYOND_CUT;
    return !err && own_is_claimed(feed) ? ERR_OWN_CLAIMED : err;
}

void own_append(core_t *core, const event_t *event, effects_t *effects)
{
    feed_t own = {core->self->origin, identity_newest(core->self)->epoch, event->as.append.lane};
    err_t err;
    core_feed_state_t *feed = feed_admit(core, &own, &err);
    if (feed)
        err = may_write(core, feed);
    if (!err && !all_fit(event->as.append.drafts, event->as.append.count))
        err = ERR_TOO_BIG; // nothing half-written: looked at before the first is appended
    own_move(core, err ? OWN_ON_REFUSED : OWN_ON_APPENDED);
    if (err) {
        core_count(core, err, "own log");
        reply(effects, event->as.append.request, err, &own, 0);
        return;
    }
    uint64_t first = feed->head.number + 1;
    for (size_t done = 0; done < event->as.append.count;)
        done += append_commit(core, feed, event->as.append.drafts + done,
                              event->as.append.count - done, effects);
    heads_changed(core, feed);
    core->beacon_due = true;
    reply(effects, event->as.append.request, ERR_OK, &own, first);
}

// ---- a new epoch ----

// The lanes in which there is something need a cut, or it would count no more.
static err_t check_cuts(const core_t *core, const card_t *card)
{
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->feeds[i];
        if (feed->identity != core->self || !feed->head.number ||
            feed->feed.epoch != identity_newest(core->self)->epoch)
            continue;
        bool named = false;
        for (size_t k = 0; k < card->cut_count; k++)
            named = named || (card->cuts[k].epoch == feed->feed.epoch &&
                              card->cuts[k].lane == feed->feed.lane);
        if (!named)
            return ERR_CUT_MISSING;
    }
    return ERR_OK;
}

static err_t check_epoch(const core_t *core, const card_t *card, const secret_t *signing)
{
    const card_t *newest = identity_newest(core->self);
    if (!origin_equal(&card->origin, &core->self->origin))
        return ERR_NOT_OWNER;
    if (card->epoch != newest->epoch + 1 ||
        memcmp(secret_bytes(signing) + KEY_SIZE, card->signing_key.bytes, KEY_SIZE) != 0)
        return ERR_BAD_CARD;
    // What the old key signs is worth nothing beyond the cuts, and so is who has it.
    for (size_t i = 0; i < core->self->card_count; i++)
        if (key_equal(&core->self->cards[i]->signing_key, &card->signing_key))
            return ERR_BAD_CARD;
    // Links go on: their keys are not this card's to change.
    if (!key_equal(&card->transport_key, &newest->transport_key) ||
        !key_equal(&card->sealing_key, &newest->sealing_key))
        return ERR_BAD_CARD;
    return check_cuts(core, card);
}

// Whether the cuts name what exists has been looked up before: the core does not
// know the log.
void own_epoch(core_t *core, const event_t *event, effects_t *effects)
{
    card_t *card = NULL;
    fault_t fault;
    const secret_t *signing = event->as.epoch.signing;
    err_t err = card_decode(event->as.epoch.card, &card, &fault);
    if (!err)
        err = core->signing_before ? ERR_BUSY : check_epoch(core, card, signing);
    if (!err)
        err = membership_own_card(core, &card, effects);
    if (!err) {
        core->signing_before = core->options.signing;
        core->options.signing = signing;
        core->beacon_due = true;
        fence_epoch(core, effects);
        core_log(effects, 5, "epoch %u begins", identity_newest(core->self)->epoch);
    }
    card_destroy(&card);
    effect_t *effect = effects_add(effects, EFFECT_REPLY);
    effect->request = event->as.epoch.request;
    effect->reason = err;
    effect->feed.origin = core->self->origin;
    effect->feed.epoch = identity_newest(core->self)->epoch;
}
