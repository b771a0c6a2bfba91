// This node's own log: the only one that it writes.
//
// A node that meets a later commit of its own, or a different one with a number
// that it has given already, was restored or copied: it stops writing at once
// and says so.
#include <stdio.h>
#include <string.h>

#include "daemon/core/state.h"
#include "lib/mem.h"

bool own_is(const core_t *core, const feed_t *feed)
{
    return origin_equal(&feed->origin, &core->self->origin);
}

static void write_fence(core_t *core, effects_t *effects)
{
    effect_t *effect = effects_add(effects, EFFECT_FENCE);
    effect->reason = core->fence;
    effect->wall_ms = core->fence_ms;
    effect->text = mem_copy_string(core->fence_detail);
    core->fence_out = true;
}

void own_tick(core_t *core, effects_t *effects)
{
    if (core->fence_owed && !core->fence_out && core->now_ms >= core->disk_retry_ms)
        write_fence(core, effects);
}

void own_fence(core_t *core, err_t reason, const char *detail, effects_t *effects)
{
    core_count(core, reason, "own log");
    if (core->fence)
        return;
    core->fence = reason;
    core->fence_ms = core->wall_ms;
    snprintf(core->fence_detail, sizeof core->fence_detail, "%s", detail);
    core->fence_owed = true;
    write_fence(core, effects);
    core_log(effects, 3, "this node stops writing: %s (%s)", err_text(reason), detail);
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

void own_append(core_t *core, const event_t *event, effects_t *effects)
{
    feed_t own = {core->self->origin, identity_newest(core->self)->epoch, event->as.append.lane};
    err_t err;
    core_feed_state_t *feed = feed_admit(core, &own, &err);
    if (core->fence)
        err = core->fence;
    else if (feed && feed->stopped)
        err = feed->stopped;
    else if (!all_fit(event->as.append.drafts, event->as.append.count))
        err = ERR_TOO_BIG; // nothing half-written: looked at before the first is appended
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
