// The fence: its table, what moves it, and what others say of our own feeds (I5, L2).
#include "daemon/core/fence.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// ---- the machine ----

static const char *const states[] = {
    [FENCE_OPEN] = "open",     [FENCE_RESTORED] = "restored", [FENCE_LATER] = "later",
    [FENCE_FORKED] = "forked", [FENCE_LIFTING] = "lifting",
};

static const char *const events[] = {
    [FENCE_ON_COPIED] = "copied",
    [FENCE_ON_LATER] = "later commit",
    [FENCE_ON_CARD] = "newer card",
    [FENCE_ON_FORK] = "fork",
    [FENCE_ON_TOLD] = "told by all",
    [FENCE_ON_ACCEPTED] = "accepted",
    [FENCE_ON_EPOCH] = "epoch started",
    [FENCE_ON_DURABLE] = "durable",
    [FENCE_ON_BACK_RESTORED] = "taken back: restored",
    [FENCE_ON_BACK_LATER] = "taken back: later",
    [FENCE_ON_BACK_FORKED] = "taken back: forked",
};

#define WRITE_IT "write the fence"
#define LIFT_IT  "write that it is lifted"
#define NOTHING  "nothing"

static const machine_row_t table[] = {
    {FENCE_OPEN, FENCE_ON_COPIED, FENCE_RESTORED, WRITE_IT},
    {FENCE_OPEN, FENCE_ON_LATER, FENCE_LATER, WRITE_IT},
    {FENCE_OPEN, FENCE_ON_CARD, FENCE_LATER, WRITE_IT},
    {FENCE_OPEN, FENCE_ON_FORK, FENCE_FORKED, WRITE_IT},
    {FENCE_OPEN, FENCE_ON_EPOCH, FENCE_OPEN, NOTHING},
    {FENCE_RESTORED, FENCE_ON_COPIED, FENCE_RESTORED, NOTHING},
    {FENCE_RESTORED, FENCE_ON_LATER, FENCE_RESTORED, NOTHING}, // taken back: it heals
    {FENCE_RESTORED, FENCE_ON_CARD, FENCE_RESTORED, NOTHING},
    {FENCE_RESTORED, FENCE_ON_FORK, FENCE_FORKED, WRITE_IT},
    {FENCE_RESTORED, FENCE_ON_TOLD, FENCE_LIFTING, LIFT_IT},
    {FENCE_RESTORED, FENCE_ON_ACCEPTED, FENCE_LIFTING, LIFT_IT},
    {FENCE_RESTORED, FENCE_ON_EPOCH, FENCE_LIFTING, LIFT_IT},
    {FENCE_LATER, FENCE_ON_COPIED, FENCE_LATER, NOTHING},
    {FENCE_LATER, FENCE_ON_LATER, FENCE_LATER, NOTHING},
    {FENCE_LATER, FENCE_ON_CARD, FENCE_LATER, NOTHING},
    {FENCE_LATER, FENCE_ON_FORK, FENCE_FORKED, WRITE_IT},
    {FENCE_LATER, FENCE_ON_ACCEPTED, FENCE_LIFTING, LIFT_IT},
    {FENCE_LATER, FENCE_ON_EPOCH, FENCE_LIFTING, LIFT_IT},
    {FENCE_FORKED, FENCE_ON_COPIED, FENCE_FORKED, NOTHING},
    {FENCE_FORKED, FENCE_ON_LATER, FENCE_FORKED, NOTHING},
    {FENCE_FORKED, FENCE_ON_CARD, FENCE_FORKED, NOTHING},
    {FENCE_FORKED, FENCE_ON_FORK, FENCE_FORKED, NOTHING},
    {FENCE_FORKED, FENCE_ON_EPOCH, FENCE_LIFTING, LIFT_IT},
    {FENCE_LIFTING, FENCE_ON_LATER, FENCE_LATER, WRITE_IT},
    {FENCE_LIFTING, FENCE_ON_CARD, FENCE_LATER, WRITE_IT},
    {FENCE_LIFTING, FENCE_ON_FORK, FENCE_FORKED, WRITE_IT},
    {FENCE_LIFTING, FENCE_ON_DURABLE, FENCE_OPEN, "write again"},
    {FENCE_LIFTING, FENCE_ON_BACK_RESTORED, FENCE_RESTORED, NOTHING},
    {FENCE_LIFTING, FENCE_ON_BACK_LATER, FENCE_LATER, NOTHING},
    {FENCE_LIFTING, FENCE_ON_BACK_FORKED, FENCE_FORKED, NOTHING},
};

const machine_t fence_machine = MACHINE("fence", states, events, table);

static bool move(fence_t *fence, fence_event_t event)
{
    fence_state_t before = fence->state;
    fence->state = (fence_state_t)machine_move(&fence_machine, fence->state, event);
    return fence->state != before;
}

static err_t reason_of(fence_state_t state)
{
    static const err_t reasons[] = {[FENCE_RESTORED] = ERR_RESTORED,
                                    [FENCE_LATER] = ERR_OWN_LATER_COMMIT,
                                    [FENCE_FORKED] = ERR_FORK};
    return state < sizeof reasons / sizeof *reasons ? reasons[state] : ERR_FENCED;
}

err_t fence_reason(const core_t *core)
{
    const fence_t *fence = &core->fence;
    return reason_of(fence->state == FENCE_LIFTING ? fence->cause : fence->state);
}

// ---- closing ----

static void write_fence(core_t *core, effects_t *effects)
{
    effect_t *effect = effects_add(effects, EFFECT_FENCE);
    effect->reason = fence_reason(core);
    effect->wall_ms = core->fence.since_ms;
    effect->text = mem_copy_string(core->fence.detail);
    core->fence.out = true;
}

// The first detail of a cause stays: it says what was seen when.
void fence_close(core_t *core, fence_event_t event, const char *detail, effects_t *effects)
{
    fence_t *fence = &core->fence;
    if (!move(fence, event))
        return;
    fence->cause = fence->state;
    fence->since_ms = core->wall_ms;
    snprintf(fence->detail, sizeof fence->detail, "%s", detail);
    fence->owed = true;
    core_count(core, fence_reason(core), "own log");
    write_fence(core, effects);
    core_log(effects, 3, "this node stops writing: %s (%s)", err_text(fence_reason(core)), detail);
}

void fence_tick(core_t *core, effects_t *effects)
{
    fence_t *fence = &core->fence;
    if (fence->owed && !fence->out && fence->state != FENCE_LIFTING &&
        core->now_ms >= core->disk_retry_ms)
        write_fence(core, effects);
    fence_consider(core, effects);
}

// ---- at the start ----

static fence_state_t state_of(err_t reason)
{
    switch (reason) {
    case ERR_OK:
        return FENCE_OPEN;
    case ERR_RESTORED:
        return FENCE_RESTORED;
    case ERR_FORK:
        return FENCE_FORKED;
    default:
        return FENCE_LATER;
    }
}

static void raise_floor(core_t *core, position_t at, bool is_signed)
{
    fence_t *fence = &core->fence;
    core->own_moves++;
    for (size_t i = 0; i < fence->floor_count; i++) {
        floor_t *floor = &fence->floors[i];
        if (floor->at.epoch != at.epoch || floor->at.lane != at.lane)
            continue;
        if (at.number > floor->at.number || (at.number == floor->at.number && is_signed))
            *floor = (floor_t){at, is_signed};
        return;
    }
    mem_grow(&fence->floors, &fence->floor_capacity, fence->floor_count, sizeof *fence->floors);
    fence->floors[fence->floor_count++] = (floor_t){at, is_signed};
}

// That the marker does not agree is on disk already: whoever loads the core sees
// to it, for it must be there before the marker is made to agree.
void fence_load(core_t *core, const core_options_t *options, const core_snapshot_t *snapshot)
{
    fence_t *fence = &core->fence;
    fence->state = fence->cause = state_of(snapshot->fence);
    fence->since_ms = snapshot->fence_ms;
    snprintf(fence->detail, sizeof fence->detail, "%s",
             snapshot->fence_detail ? snapshot->fence_detail : "");
    assert(!options->boot || fence->state != FENCE_OPEN);
    for (size_t i = 0; fence->state == FENCE_RESTORED && i < options->boot_count; i++)
        raise_floor(core, options->boot_heads[i], false);
}

void fence_free(core_t *core)
{
    mem_free(core->fence.floors);
}

// ---- what others say of this node's own feeds ----

void fence_expect(core_t *core, identity_t *peer)
{
    (void)core;
    peer->told_count = 0;
    peer->told_ms = 0;
}

void fence_hear(core_t *core, identity_t *peer, const head_t *head)
{
    (void)core;
    for (size_t i = 0; i < peer->told_count; i++)
        if (feed_equal(&peer->told[i].feed, &head->feed)) {
            if (head->number >= peer->told[i].number)
                peer->told[i] = *head;
            return;
        }
    mem_grow(&peer->told, &peer->told_capacity, peer->told_count, sizeof *peer->told);
    peer->told[peer->told_count++] = *head;
}

void fence_answered(core_t *core, identity_t *peer)
{
    peer->told_ms = core->wall_ms;
}

// Until it tells again it counts as not having answered.
void fence_unmet(core_t *core, identity_t *peer)
{
    fence_expect(core, peer);
}

static bool is_here(const core_t *core, const head_t *told)
{
    const core_feed_state_t *feed = feed_lookup(core, &told->feed);
    if (told->number == 0)
        return true;
    if (!feed || told->number > feed->head.number)
        return false;
    return told->number < feed->head.number || hash_equal(&told->hash, &feed->head.hash);
}

bool fence_told_is_here(const core_t *core, const identity_t *peer)
{
    for (size_t i = 0; i < peer->told_count; i++)
        if (!is_here(core, &peer->told[i]))
            return false;
    return true;
}

bool fence_floors_reached(const core_t *core, bool signed_only)
{
    for (size_t i = 0; i < core->fence.floor_count; i++) {
        const floor_t *floor = &core->fence.floors[i];
        feed_t own = {core->self->origin, floor->at.epoch, floor->at.lane};
        const core_feed_state_t *feed = feed_lookup(core, &own);
        uint64_t held = feed ? feed->head.number : 0;
        if ((floor->is_signed || !signed_only) && held < floor->at.number)
            return false;
    }
    return true;
}

uint64_t fence_floor(const core_t *core, const feed_t *feed, bool *is_signed)
{
    for (size_t i = 0; i < core->fence.floor_count && own_is(core, feed); i++) {
        const floor_t *floor = &core->fence.floors[i];
        if (floor->at.epoch != feed->epoch || floor->at.lane != feed->lane)
            continue;
        *is_signed = floor->is_signed;
        return floor->at.number;
    }
    return 0;
}

// Our own beacon, as peers keep it: whatever its sequence, what it says that we
// hold we have held.
void fence_own_word(core_t *core, const beacon_t *beacon, effects_t *effects)
{
    for (size_t i = 0; i < beacon->own_count; i++) {
        const head_t *said = &beacon->own[i];
        const core_feed_state_t *feed = feed_lookup(core, &said->feed);
        char detail[192];
        if (said->number <= (feed ? feed->head.number : 0))
            continue;
        position_t at = {said->feed.epoch, said->feed.lane, said->number};
        raise_floor(core, at, true);
        snprintf(detail, sizeof detail,
                 "epoch %u lane %u: its own signed word says %llu, %llu are held here", at.epoch,
                 at.lane, (unsigned long long)at.number,
                 (unsigned long long)(feed ? feed->head.number : 0));
        fence_close(core, FENCE_ON_LATER, detail, effects);
    }
}

// ---- lifting ----

static bool has_answered(const core_t *core, const identity_t *peer)
{
    return peer && peer->told_ms && fence_told_is_here(core, peer);
}

// Of several members that advertise the address, one that has not told: any of them may
// be the one that the operator means.
const identity_t *fence_named(const core_t *core, const dial_t *dial)
{
    const identity_t *named = NULL;
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *peer = core->identities[i];
        if (peer == core->self || !dial_means(core, dial, peer))
            continue;
        if (!has_answered(core, peer))
            return peer;
        named = named ? named : peer;
    }
    return named;
}

// Every peer that the configuration names, and one at least; and nothing that
// anybody who answered has told of is still to come.
static bool told_by_all(const core_t *core)
{
    bool any = false;
    for (size_t i = 0; i < core->dial_count; i++)
        if (!has_answered(core, fence_named(core, &core->dials[i])))
            return false;
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *peer = core->identities[i];
        if (peer == core->self || !peer->told_ms)
            continue;
        if (!fence_told_is_here(core, peer))
            return false;
        any = true;
    }
    return any && fence_floors_reached(core, false) && own_key_counts(core);
}

static void lift(core_t *core, fence_event_t event, lift_t how, effects_t *effects)
{
    if (!move(&core->fence, event))
        return;
    effect_t *effect = effects_add(effects, EFFECT_UNFENCE);
    effect->number = how;
    effect->wall_ms = core->wall_ms;
    effect->text = fence_missing(core);
    core_log(effects, 4, "this node is to write again (%s)%s%s",
             how == LIFT_TOLD       ? "all have told"
             : how == LIFT_ACCEPTED ? "its operator accepts"
                                    : "a new epoch",
             *effect->text ? "; " : "", effect->text);
}

void fence_consider(core_t *core, effects_t *effects)
{
    if (core->fence.state == FENCE_RESTORED && core->now_ms >= core->disk_retry_ms &&
        told_by_all(core))
        lift(core, FENCE_ON_TOLD, LIFT_TOLD, effects);
}

// Where a later change of our own is known of, writing on would give its number
// again: it has to come first, or a new epoch.
err_t fence_may_accept(const core_t *core)
{
    fence_state_t state = core->fence.state;
    if (state == FENCE_OPEN || state == FENCE_LIFTING)
        return ERR_NOT_FENCED;
    if (state == FENCE_FORKED)
        return ERR_FORK;
    if (!own_key_counts(core) || !fence_floors_reached(core, true))
        return ERR_OWN_LATER_COMMIT;
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->feeds[i];
        if (feed->identity == core->self && own_is_claimed(feed))
            return ERR_OWN_CLAIMED;
    }
    return ERR_OK;
}

void fence_accept(core_t *core, const event_t *event, effects_t *effects)
{
    err_t err = fence_may_accept(core);
    if (!err)
        lift(core, FENCE_ON_ACCEPTED, LIFT_ACCEPTED, effects);
    effect_t *effect = effects_add(effects, EFFECT_REPLY);
    effect->request = event->as.accept.request;
    effect->reason = err;
    effect->feed.origin = core->self->origin;
}

void fence_epoch(core_t *core, effects_t *effects)
{
    if (core->fence.state != FENCE_LIFTING)
        lift(core, FENCE_ON_EPOCH, LIFT_EPOCH, effects);
}

// ---- the turn ----

void fence_committed(core_t *core)
{
    fence_t *fence = &core->fence;
    fence->owed = fence->owed && !fence->out;
    fence->out = false;
    if (fence->state != FENCE_LIFTING)
        return;
    move(fence, FENCE_ON_DURABLE);
    fence->cause = FENCE_OPEN;
    fence->since_ms = 0;
    fence->detail[0] = '\0';
    fence->owed = false;
    fence->floor_count = 0;
    core->own_moves++;
}

void fence_rolled_back(core_t *core)
{
    fence_t *fence = &core->fence;
    fence->out = false;
    if (fence->state == FENCE_LIFTING)
        move(fence, fence->cause == FENCE_RESTORED ? FENCE_ON_BACK_RESTORED
                    : fence->cause == FENCE_LATER  ? FENCE_ON_BACK_LATER
                                                   : FENCE_ON_BACK_FORKED);
}
