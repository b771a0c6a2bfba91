// The table of feeds, and what a turn may take back of them.
//
// I2: what is known to exist and is not held shows as lag. I8: a feed that is
// stopped keeps its head and goes no further.
#include <string.h>

#include "daemon/core/internal.h"
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
    feed->stopped_ms_before = feed->stopped_ms;
    feed->proof_before = feed->proof;
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
    feed->stopped_ms = feed->stopped_ms_before;
    feed->proof = feed->proof_before;
}

static void set_stop(core_t *core, core_feed_state_t *feed, err_t reason, const proof_t *proof,
                     effects_t *effects)
{
    feed_touch(feed);
    feed->stopped = reason;
    feed->stopped_ms = reason || proof ? core->wall_ms : 0;
    feed->proof = proof ? *proof : (proof_t){0};
    effect_t *effect = effects_add(effects, EFFECT_STOP_FEED);
    effect->feed = feed->feed;
    effect->reason = reason;
    effect->wall_ms = feed->stopped_ms;
    effect->proof = feed->proof;
}

static void stop(core_t *core, core_feed_state_t *feed, err_t reason, const proof_t *proof,
                 effects_t *effects)
{
    set_stop(core, feed, reason, proof, effects);
    core_log(effects, 3, "feed %s epoch %u lane %u stopped at %llu: %s",
             core_code(core, &feed->feed.origin), feed->feed.epoch, feed->feed.lane,
             (unsigned long long)feed->head.number, err_name(reason));
    follow_end(core, feed, FOLLOW_STOPPED, effects);
    feed_drop_pending(feed);
}

// ---- forks and cuts: the machine ----

static const char *const fork_states[] = {
    [FORK_NONE] = "advancing",
    [FORK_CONTESTED] = "contested",
    [FORK_DIVERGED] = "diverged",
    [FORK_CUT] = "cut",
};

static const char *const fork_events[] = {
    [FORK_ON_PROOF] = "two chains proven",
    [FORK_ON_OLD_KEY] = "two chains proven, the other under a replaced key",
    [FORK_ON_EPOCH] = "cut by a new epoch, not reached yet",
    [FORK_ON_CUT] = "cut below what is held, or of another chain",
};

static const machine_row_t fork_table[] = {
    {FORK_NONE, FORK_ON_PROOF, FORK_DIVERGED,
     "stop all lanes of the epoch; keep what is held; keep the proof; Proof to all"},
    {FORK_NONE, FORK_ON_OLD_KEY, FORK_CONTESTED, "keep the proof; Proof to all; go on"},
    {FORK_NONE, FORK_ON_EPOCH, FORK_NONE, "go on up to the cut"},
    {FORK_NONE, FORK_ON_CUT, FORK_CUT, "stop; flag what is held beyond it"},
    {FORK_CONTESTED, FORK_ON_PROOF, FORK_DIVERGED,
     "stop all lanes of the epoch; keep what is held; keep the proof; Proof to all"},
    {FORK_CONTESTED, FORK_ON_OLD_KEY, FORK_CONTESTED, "nothing"},
    {FORK_CONTESTED, FORK_ON_EPOCH, FORK_NONE, "go on up to the cut"},
    {FORK_CONTESTED, FORK_ON_CUT, FORK_CUT, "stop; flag what is held beyond it"},
    {FORK_DIVERGED, FORK_ON_PROOF, FORK_DIVERGED, "nothing"},
    {FORK_DIVERGED, FORK_ON_OLD_KEY, FORK_DIVERGED, "nothing"},
    {FORK_DIVERGED, FORK_ON_EPOCH, FORK_NONE, "go on up to the cut"},
    {FORK_DIVERGED, FORK_ON_CUT, FORK_CUT, "flag what is held beyond it"},
    {FORK_CUT, FORK_ON_PROOF, FORK_CUT, "nothing"},
    {FORK_CUT, FORK_ON_OLD_KEY, FORK_CUT, "nothing"},
    {FORK_CUT, FORK_ON_EPOCH, FORK_CUT, "nothing"},
    {FORK_CUT, FORK_ON_CUT, FORK_CUT, "nothing"},
};

const machine_t fork_machine = MACHINE("fork", fork_states, fork_events, fork_table);

static const err_t fork_reasons[] = {[FORK_DIVERGED] = ERR_DIVERGED, [FORK_CUT] = ERR_BEYOND_CUT};

fork_state_t feed_fork_state(const core_feed_state_t *feed)
{
    if (!feed->stopped)
        return feed->proof.number ? FORK_CONTESTED : FORK_NONE;
    return feed->stopped == ERR_BEYOND_CUT ? FORK_CUT : FORK_DIVERGED;
}

void feed_fork(core_t *core, core_feed_state_t *feed, fork_event_t event, const proof_t *proof,
               effects_t *effects)
{
    fork_state_t before = feed_fork_state(feed);
    fork_state_t next = (fork_state_t)machine_move(&fork_machine, before, event);
    if (next == before)
        return;
    if (fork_reasons[next]) {
        stop(core, feed, fork_reasons[next], proof, effects);
        return;
    }
    set_stop(core, feed, ERR_OK, next == FORK_CONTESTED ? proof : NULL, effects);
    core_log(effects, 5, "feed %s epoch %u lane %u goes on%s", core_code(core, &feed->feed.origin),
             feed->feed.epoch, feed->feed.lane,
             next == FORK_CONTESTED ? ": a replaced key signed another chain besides"
                                    : " up to its cut");
}

void feed_fork_epoch(core_t *core, core_feed_state_t *feed, const proof_t *proof,
                     effects_t *effects)
{
    for (uint32_t lane = 0; lane < LANE_OPEN_COUNT; lane++) {
        feed_t beside = {feed->feed.origin, feed->feed.epoch, lane};
        err_t err;
        core_feed_state_t *state = feed_admit(core, &beside, &err);
        if (state)
            feed_fork(core, state, FORK_ON_PROOF, state == feed ? proof : NULL, effects);
    }
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

bool feed_cut(const core_t *core, const core_feed_state_t *feed, head_t *cut)
{
    for (size_t n = feed->identity->card_count; n > 0; n--)
        if (feed->identity->cards[n - 1]->epoch == feed->feed.epoch)
            return membership_cut(core, feed->identity, (uint32_t)n, &feed->feed, cut);
    return false;
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
    bool own_signed = false;
    uint64_t floor = fence_floor(core, &feed->feed, &own_signed);
    if (floor > known) {
        known = floor;
        *is_signed = own_signed;
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
