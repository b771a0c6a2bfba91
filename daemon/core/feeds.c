// The table of feeds, and what a turn may take back of them.
//
// I2: what is known to exist and is not held shows as lag. I8: a feed that is
// stopped keeps its head and goes no further.
#include <string.h>

#include "daemon/core/state.h"
#include "lib/mem.h"

// First place in core->sorted whose feed is not before `feed`.
static size_t place_of(const core_t *core, const feed_t *feed)
{
    size_t low = 0, high = core->feed_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (feed_compare(&core->sorted[middle]->feed, feed) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

core_feed_state_t *feed_lookup(const core_t *core, const feed_t *feed)
{
    size_t place = place_of(core, feed);
    if (place < core->feed_count && feed_equal(&core->sorted[place]->feed, feed))
        return core->sorted[place];
    return NULL;
}

static core_feed_state_t *add(core_t *core, const feed_t *feed, identity_t *identity,
                              const card_t *start)
{
    if (core->feed_count == core->feed_capacity) {
        core->feed_capacity = core->feed_capacity ? core->feed_capacity * 2 : 16;
        core->feeds = mem_resize(core->feeds, core->feed_capacity * sizeof *core->feeds);
        core->sorted = mem_resize(core->sorted, core->feed_capacity * sizeof *core->sorted);
    }
    core_feed_state_t *state = mem_alloc(sizeof *state);
    state->index = core->feed_count;
    state->feed = *feed;
    state->identity = identity;
    state->head = (head_t){.feed = *feed, .number = 0, .hash = start->hash};
    size_t place = place_of(core, feed);
    memmove(&core->sorted[place + 1], &core->sorted[place],
            (core->feed_count - place) * sizeof *core->sorted);
    core->sorted[place] = state;
    core->feeds[core->feed_count++] = state;
    return state;
}

core_feed_state_t *feed_admit(core_t *core, const feed_t *feed, err_t *err)
{
    core_feed_state_t *state = feed_lookup(core, feed);
    *err = ERR_OK;
    if (state)
        return state;
    identity_t *identity = identity_find(core, &feed->origin);
    if (!identity)
        *err = ERR_UNKNOWN_ORIGIN;
    else if (feed->lane >= LANE_OPEN_COUNT)
        *err = ERR_NOT_ALLOWED;
    else if (!identity_start(identity, feed->epoch))
        *err = ERR_WRONG_EPOCH;
    if (*err)
        return NULL;
    return add(core, feed, identity, identity_start(identity, feed->epoch));
}

void feed_touch(core_feed_state_t *feed)
{
    if (feed->touched)
        return;
    feed->touched = true;
    feed->head_before = feed->head;
    feed->time_before = feed->time_ms;
    feed->stopped_before = feed->stopped;
}

void feed_committed(core_feed_state_t *feed)
{
    feed->touched = false;
}

void feed_rolled_back(core_feed_state_t *feed)
{
    if (!feed->touched)
        return;
    feed->touched = false;
    feed->head = feed->head_before;
    feed->time_ms = feed->time_before;
    feed->stopped = feed->stopped_before;
}

void feed_stop(core_t *core, core_feed_state_t *feed, err_t reason, effects_t *effects)
{
    if (feed->stopped)
        return;
    feed_touch(feed);
    feed->stopped = reason;
    feed->stopped_ms = core->wall_ms;
    effect_t *effect = effects_add(effects, EFFECT_STOP_FEED);
    effect->feed = feed->feed;
    effect->reason = reason;
    effect->wall_ms = core->wall_ms;
    core_log(effects, 3, "feed %s epoch %u lane %u stopped at %llu: %s",
             core_code(core, &feed->feed.origin), feed->feed.epoch, feed->feed.lane,
             (unsigned long long)feed->head.number, err_name(reason));
    follow_end(core, feed, FOLLOW_STOPPED, effects);
    feed_drop_pending(feed);
}

static uint64_t number_in(const head_t *heads, size_t count, const feed_t *feed)
{
    for (size_t i = 0; i < count; i++)
        if (feed_equal(&heads[i].feed, feed))
            return heads[i].number;
    return 0;
}

// Each card is bound by those after it, so the epoch's newest reaches furthest.
uint64_t feed_reach(const core_t *core, const core_feed_state_t *feed)
{
    for (size_t n = feed->identity->card_count; n > 0; n--)
        if (feed->identity->cards[n - 1]->epoch == feed->feed.epoch)
            return membership_reach(core, feed->identity, (uint32_t)n, &feed->feed);
    return 0;
}

// The highest number heard of: the origin's signed word, and what peers that
// are connected now say that they hold. Nobody waits for what lies beyond a cut.
uint64_t feed_known(const core_t *core, const core_feed_state_t *feed, bool *is_signed)
{
    uint64_t known = feed->head.number;
    *is_signed = false;
    const beacon_t *beacon = feed->identity->beacon;
    if (beacon) {
        uint64_t said = number_in(beacon->own, beacon->own_count, &feed->feed);
        if (said > known) {
            known = said;
            *is_signed = true;
        }
    }
    for (size_t i = 0; i < core->session_count; i++) {
        const session_t *session = core->sessions[i];
        const peer_feed_t *peer =
            feed->index < session->feed_capacity ? &session->feeds[feed->index] : NULL;
        // Who could not deliver what it claimed is not believed for a while; whoever
        // delivered rubbish, or nothing, still leaves us behind.
        bool doubted =
            peer && peer->blame.reason == ERR_CLAIM_UNMET && peer->blame.until_ms > core->now_ms;
        if (peer && !doubted && peer->held > known) {
            known = peer->held;
            *is_signed = false;
        }
    }
    uint64_t reach = known > feed->head.number ? feed_reach(core, feed) : known;
    if (known > reach)
        known = reach > feed->head.number ? reach : feed->head.number;
    return known;
}

void feed_note_lag(core_t *core, core_feed_state_t *feed)
{
    bool is_signed;
    if (feed_known(core, feed, &is_signed) <= feed->head.number) {
        feed->behind_since_ms = 0;
        feed->why = ERR_OK;
    } else if (!feed->behind_since_ms) {
        feed->behind_since_ms = core->now_ms;
    }
}

void feed_drop_pending(core_feed_state_t *feed)
{
    for (size_t i = 0; i < feed->pending_count; i++)
        commit_destroy(&feed->pending[i]);
    feed->pending_count = 0;
    feed->pending_bytes = 0;
}
