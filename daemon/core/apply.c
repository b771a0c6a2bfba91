// Applying a run: everything that arrives, live or in catching up, ends here.
//
// Kept here (docs/protocol.md, section 12): I1 and I2, nothing is taken but what
// comes next, hash by hash; I3, what is held already changes nothing; I8; I9, no
// commit beyond its key's reach; I10, nobody else's word erases; I13, neither head
// nor time falls; I16, what is taken ends in a signature verified here; L2, our
// own feeds come back by the same way.
//
// The ladder, one reason each: the feed may exist (UNKNOWN_ORIGIN, WRONG_EPOCH,
// NOT_ALLOWED), it advances at all (its stop reason), the run comes next
// (OUT_OF_ORDER), its chain holds (BROKEN_CHAIN), the author's time does not
// fall (TIME_BACKWARDS), the key that it was signed with reaches this position
// (UNKNOWN_CARD, BEYOND_CUT), the last signature holds (BAD_SIGNATURE,
// UNSIGNED). Payloads have met their commitments in decoding.
//
// A signed run that contradicts what is held is not the sender's doing but the
// origin's: the feed stops, what is held stays, the run is kept as evidence.
#include <string.h>

#include "daemon/core/state.h"

static err_t check_signature(core_t *core, const core_feed_state_t *feed, const commit_t *last)
{
    const card_t *card = identity_card(feed->identity, last->card_number);
    if (!last->has_signature)
        return ERR_UNSIGNED;
    if (!card)
        return ERR_UNKNOWN_CARD;
    return commit_signature_holds(last, &card->signing_key, &core->coalition) ? ERR_OK
                                                                              : ERR_BAD_SIGNATURE;
}

// Only where each commit follows from the one before does the last one's
// signature speak for the first.
static err_t check_links(const run_t *run, size_t from)
{
    for (size_t i = from; i + 1 < run->count; i++)
        if (run->commits[i + 1]->first != run->commits[i]->last + 1 ||
            !hash_equal(&run->commits[i + 1]->previous, &run->commits[i]->hash))
            return ERR_BROKEN_CHAIN;
    return ERR_OK;
}

// Two different commits of one origin for one number, each vouched for by a
// signature: ours was verified when it came, this one, at `from`, is verified
// here. A key whose cut we have reached has no say in it any more: the root has.
static err_t contradiction(core_t *core, core_feed_state_t *feed, run_t *run, size_t from,
                           effects_t *effects)
{
    const commit_t *last = run->commits[run->count - 1];
    err_t err = check_links(run, from);
    if (!err)
        err = membership_authority(core, feed->identity, last->card_number, &feed->feed, last->last,
                                   &last->hash);
    if (!err &&
        membership_reach(core, feed->identity, last->card_number, &feed->feed) <= feed->head.number)
        err = ERR_BEYOND_CUT;
    if (!err)
        err = check_signature(core, feed, last);
    if (err)
        return err == ERR_BAD_SIGNATURE || err == ERR_UNSIGNED ? ERR_BROKEN_CHAIN : err;
    effect_t *effect = effects_add(effects, EFFECT_EVIDENCE);
    effect->feed = feed->feed;
    effect->reason = ERR_DIVERGED;
    effect->wall_ms = core->wall_ms;
    effect->bytes = run_encode(&run->feed, run->commits, run->count);
    if (own_is(core, &feed->feed))
        own_fence(core, ERR_FORK, "a different change of this node's own with the same number",
                  effects);
    feed_stop(core, feed, ERR_DIVERGED, effects);
    return ERR_DIVERGED;
}

// Where a run goes beyond a cut, what is before it may still be taken, up to the
// last signature; how many of the run's commits that are.
static size_t before_cut(const run_t *run, size_t from, size_t beyond)
{
    while (beyond > from && !run->commits[beyond - 1]->has_signature)
        beyond--;
    return beyond;
}

// Chain, time and authority from the feed's head on; nothing is changed yet. To
// be taken are the commits before *end.
static err_t check_chain(core_t *core, const core_feed_state_t *feed, const run_t *run, size_t from,
                         size_t *end)
{
    uint64_t number = feed->head.number;
    hash_t hash = feed->head.hash;
    uint64_t time_ms = feed->time_ms;
    for (size_t i = from; i < run->count; i++) {
        const commit_t *commit = run->commits[i];
        if (commit->first != number + 1)
            return ERR_OUT_OF_ORDER;
        if (!hash_equal(&commit->previous, &hash))
            return ERR_BROKEN_CHAIN;
        if (commit->time_ms < time_ms)
            return ERR_TIME_BACKWARDS;
        err_t err = membership_authority(core, feed->identity, commit->card_number, &feed->feed,
                                         commit->last, &commit->hash);
        size_t before = err == ERR_BEYOND_CUT ? before_cut(run, from, i) : from;
        if (before > from)
            *end = before;
        if (err)
            return before > from ? ERR_OK : err;
        number = commit->last;
        hash = commit->hash;
        time_ms = commit->time_ms;
    }
    return ERR_OK;
}

// Only the last commit's signature was verified, so only that one is kept.
// Nobody may say that a payload was erased but its owner, in lane 0; from
// anybody else it is missing, and asked for elsewhere.
static void take(core_t *core, core_feed_state_t *feed, commit_t **slot, bool last,
                 effects_t *effects)
{
    commit_t *commit = *slot;
    *slot = NULL;
    if (!last)
        commit->has_signature = false;
    for (size_t i = 0; i < commit->count; i++) {
        if (commit->changes[i].state == PAYLOAD_PRESENT)
            continue;
        commit->changes[i].state = PAYLOAD_MISSING;
        core->missing_hint = true;
        core_count(core, ERR_PAYLOAD_MISSING, core_code(core, &feed->feed.origin));
    }
    feed->head.number = commit->last;
    feed->head.hash = commit->hash;
    feed->time_ms = commit->time_ms;
    effects_add(effects, EFFECT_APPEND)->commit = commit;
}

// A single signed commit goes on as it is; of more, subscribers fetch the rest.
static void relay(core_t *core, const core_feed_state_t *feed, const commit_t *last, size_t count,
                  effects_t *effects)
{
    if (!core->options.listening)
        return;
    head_t head = {.feed = feed->feed, .number = last->last, .hash = last->hash};
    effects_add(effects, EFFECT_PUBLISH)->bytes =
        count == 1 ? publication_of_commit(last) : publication_of_head(&head);
}

// How many of the run's commits are held already; 0 and *conflict where one of
// them is another than ours.
static size_t held_already(const core_feed_state_t *feed, const run_t *run, bool *conflict)
{
    size_t skip = 0;
    while (skip < run->count && run->commits[skip]->last <= feed->head.number)
        skip++;
    const commit_t *meet = skip ? run->commits[skip - 1] : NULL;
    const commit_t *next = skip == 0 && feed->head.number > 0 ? run->commits[0] : NULL;
    const commit_t *across = skip < run->count ? run->commits[skip] : NULL;
    *conflict =
        (across && across->first <= feed->head.number) ||
        (meet && meet->last == feed->head.number && !hash_equal(&meet->hash, &feed->head.hash)) ||
        (next && next->first == feed->head.number + 1 &&
         !hash_equal(&next->previous, &feed->head.hash));
    return skip;
}

err_t apply_run(core_t *core, run_t *run, session_t *from, effects_t *effects)
{
    err_t err;
    bool conflict = false;
    core_feed_state_t *feed = feed_admit(core, &run->feed, &err);
    if (!feed)
        return err;
    if (feed->stopped)
        return feed->stopped;
    size_t skip = held_already(feed, run, &conflict);
    if (conflict)
        return contradiction(core, feed, run, skip ? skip - 1 : 0, effects);
    if (skip == run->count)
        return ERR_STALE;
    size_t end = run->count;
    err = check_chain(core, feed, run, skip, &end);
    const commit_t *last = run->commits[end - 1];
    if (!err)
        err = check_signature(core, feed, last);
    if (err)
        return err;
    if (own_is(core, &feed->feed))
        own_fence(core, ERR_OWN_LATER_COMMIT, "a later change of its own came from another node",
                  effects);
    if (end < run->count)
        core_count(core, ERR_BEYOND_CUT, core_code(core, &feed->feed.origin));
    feed_touch(feed);
    relay(core, feed, last, end - skip, effects);
    for (size_t i = skip; i < end; i++)
        take(core, feed, &run->commits[i], i + 1 == end, effects);
    feed->why = ERR_OK;
    if (from)
        heads_owe_ack(from, feed);
    heads_changed(core, feed);
    return ERR_OK;
}
