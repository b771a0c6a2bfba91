// Following: what becomes of what comes from a source.
//
// I12: published commits that wait for the gap before them are bounded. L4: whoever is
// refused or stalls is left.
#include "daemon/core/internal.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

// ---- what comes ----

// Something refused: who gave it is left alone for a while, another is asked.
static void refuse(core_t *core, session_t *session, core_feed_state_t *feed, err_t reason,
                   effects_t *effects)
{
    char where[96];
    snprintf(where, sizeof where, "%s from %s", core_code(core, &feed->feed.origin),
             core_code(core, &session->peer->origin));
    core_count(core, reason, where);
    core_log(effects, 4, "refused a change of %s (epoch %u, lane %u, after %llu) from %s: %s",
             core_code(core, &feed->feed.origin), feed->feed.epoch, feed->feed.lane,
             (unsigned long long)feed->head.number, core_code(core, &session->peer->origin),
             err_name(reason));
    feed->why = reason;
    if (feed->stopped)
        return;
    if (reason == ERR_UNKNOWN_CARD || reason == ERR_WRONG_EPOCH)
        greeting_want_cards(core, session, feed->identity, effects);
    follow_penalise(core, session, feed, reason);
    if (feed->follower.source == session->link)
        follow_end(core, feed, reason == ERR_STALLED ? FOLLOW_STALLED : FOLLOW_REFUSED, effects);
    follow_plan(core, feed, effects);
}

// Takes the first of them out: the caller's.
static commit_t *take_pending(core_feed_state_t *feed)
{
    commit_t *commit = feed->pending[0];
    feed->pending_bytes -= commit_encoded_size(commit);
    feed->pending_count--;
    memmove(feed->pending, feed->pending + 1, feed->pending_count * sizeof *feed->pending);
    return commit;
}

// Published commits that waited for the gap before them to be closed.
static void drain_pending(core_t *core, core_feed_state_t *feed, effects_t *effects)
{
    while (feed->pending_count && feed->pending[0]->first <= feed->head.number + 1) {
        run_t run = {.feed = feed->feed, .count = 1, .commits = {take_pending(feed)}};
        bool is_new = run.commits[0]->last > feed->head.number;
        err_t err = is_new ? apply_run(core, &run, NULL, effects) : ERR_OK;
        if (err)
            core_count(core, err, core_code(core, &feed->feed.origin));
        commit_destroy(&run.commits[0]);
    }
}

// So that nobody fills the memory with what is to come, feed by feed: what is not
// kept is fetched.
static bool room_to_keep(const core_t *core, const core_feed_state_t *feed)
{
    size_t keeping = 0;
    for (size_t i = 0; i < core->feed_count && !feed->pending_count; i++)
        keeping += core->feeds[i]->pending_count > 0;
    return keeping < PENDING_FEEDS_MAX;
}

static void keep_pending(core_feed_state_t *feed, commit_t **slot)
{
    commit_t *commit = *slot;
    size_t size = commit_encoded_size(commit);
    const commit_t *newest = feed->pending_count ? feed->pending[feed->pending_count - 1] : NULL;
    if (newest && commit->last <= newest->last)
        return;
    bool follows = !newest || commit->first == newest->last + 1;
    if (!follows || feed->pending_count == PENDING_COMMITS_MAX ||
        feed->pending_bytes + size > PENDING_BYTES_MAX)
        feed_drop_pending(feed);
    feed->pending[feed->pending_count++] = commit;
    feed->pending_bytes += size;
    *slot = NULL;
}

// It had said that it holds more than it could deliver: the claim is dropped, so
// that nobody waits for it.
static void claim_unmet(core_t *core, session_t *session, core_feed_state_t *feed)
{
    core_count(core, ERR_CLAIM_UNMET, core_code(core, &session->peer->origin));
    session_feed(session, feed)->held = feed->head.number;
    if (feed->identity == core->self)
        fence_unmet(core, session->peer);
    follow_penalise(core, session, feed, ERR_CLAIM_UNMET);
}

// The source says that nothing more is held. Only what it had claimed before it
// was asked can be unmet: what it has claimed since is fetched next.
static void reached_end(core_t *core, session_t *session, core_feed_state_t *feed,
                        effects_t *effects)
{
    bool unmet = feed->follower.claim > feed->head.number;
    if (unmet || feed->follower.state == FOLLOW_FETCHING)
        follow_end(core, feed, unmet ? FOLLOW_UNMET : FOLLOW_END, effects);
    else
        follow_move(feed, FOLLOW_END);
    if (unmet)
        claim_unmet(core, session, feed);
    feed_note_lag(core, feed);
    follow_plan(core, feed, effects);
}

// STALE: nothing in it that is not held.
static err_t apply_prepared(core_t *core, session_t *session, const core_feed_state_t *feed,
                            prepared_t *prepared, effects_t *effects)
{
    if (prepared->refused)
        return prepared->refused;
    return feed_equal(&prepared->run.feed, &feed->feed)
               ? apply_run(core, &prepared->run, session, effects)
               : ERR_UNEXPECTED;
}

void follow_take_run(core_t *core, session_t *session, core_feed_state_t *feed,
                     prepared_t *prepared, effects_t *effects)
{
    peer_feed_t *peer = session_feed(session, feed);
    err_t err = apply_prepared(core, session, feed, prepared, effects);
    if (err && err != ERR_STALE) {
        refuse(core, session, feed, err, effects);
        return;
    }
    if (peer->held < feed->head.number)
        peer->held = feed->head.number;
    if (!err) {
        feed->follower.progress_ms = feed->follower.applied_ms = core->now_ms;
        feed->follower.quiet_ms = core->now_ms;
        peer->blame = (blame_t){0};
    } else if (feed->head.number == feed->follower.run_after) {
        // L4: what is held already, sent again, or nothing, is no progress.
        feed->follower.progress_ms = feed->follower.quiet_ms;
    }
    drain_pending(core, feed, effects);
    if (feed->stopped)
        return; // by what had waited
    if (prepared->end)
        reached_end(core, session, feed, effects);
    else
        follow_move(feed, FOLLOW_RUN);
}

void follow_take_nope(core_t *core, session_t *session, core_feed_state_t *feed, err_t reason,
                      effects_t *effects)
{
    follow_end(core, feed, FOLLOW_NOPE, effects);
    if (reason != ERR_BUSY)
        claim_unmet(core, session, feed);
    else
        follow_penalise(core, session, feed, reason);
    feed->why = reason;
    follow_plan(core, feed, effects);
}

static err_t apply_orphan(core_t *core, prepared_t *prepared, core_feed_state_t *feed,
                          effects_t *effects)
{
    if (prepared->refused)
        return prepared->refused;
    if (!feed)
        return ERR_UNEXPECTED;
    // After a turn that was taken back it would be another such turn; it is asked for anew.
    return feed->follower.retry_ms > core->now_ms ? ERR_STALE
                                                  : apply_run(core, &prepared->run, NULL, effects);
}

// A session that is gone may have left something good; its fetch is another's by now. A No
// was counted when it came, and an end that brought nothing is none.
void follow_take_orphan(core_t *core, prepared_t *prepared, effects_t *effects)
{
    if (prepared->nope || prepared->refused == ERR_STALE)
        return;
    core_feed_state_t *feed = prepared->refused ? NULL : feed_lookup(core, &prepared->run.feed);
    err_t err = apply_orphan(core, prepared, feed, effects);
    if (err)
        core_count(core, err, feed ? core_code(core, &feed->feed.origin) : "a lost session");
    else
        drain_pending(core, feed, effects);
}

// ---- publications ----

static void published_commit(core_t *core, session_t *session, run_t *run, effects_t *effects)
{
    err_t err;
    commit_t *commit = run->commits[0];
    head_t claim = {.feed = run->feed, .number = commit->last, .hash = commit->hash};
    core_feed_state_t *feed = feed_admit(core, &run->feed, &err);
    if (!feed) {
        core_count(core, err, core_code(core, &session->peer->origin));
        return;
    }
    // After a turn that did not reach the disk each one would be another such turn.
    bool waits = feed->follower.retry_ms > core->now_ms;
    if (commit->first > feed->head.number + 1 || (waits && commit->last > feed->head.number)) {
        if (!feed->stopped && room_to_keep(core, feed))
            keep_pending(feed, &run->commits[0]);
        heads_claim(core, session, &claim, effects);
        return;
    }
    if (feed->stopped) {
        core_count(core, feed->stopped, core_code(core, &feed->feed.origin));
        return;
    }
    err = apply_run(core, run, session, effects);
    peer_feed_t *peer = session_feed(session, feed);
    if ((!err || err == ERR_STALE) && peer->held < claim.number)
        peer->held = claim.number;
    if (err == ERR_STALE && commit->last < feed->head.number)
        proof_below(core, session, feed, run, effects);
    else if (err && err != ERR_STALE)
        refuse(core, session, feed, err, effects);
    else if (!err)
        drain_pending(core, feed, effects);
}

void follow_on_publication(core_t *core, const event_t *event, effects_t *effects)
{
    publication_t *publication = event->as.publication;
    session_t *session = session_find(core, event->link);
    if (!session || session->state != SESSION_READY) {
        // The subscription was quicker than the greeting, whose heads will tell the same.
        core_count(core, ERR_NO_HELLO, "publication");
        return;
    }
    // It came beside the link, and says nothing of whether that still carries.
    session->bytes_in += event->bytes;
    if (publication->type == PUB_RUN)
        published_commit(core, session, &publication->run, effects);
    else if (publication->type == PUB_HEAD)
        heads_claim(core, session, &publication->head, effects);
    else
        beacon_take_all(core, session, &publication->beacons, effects);
}

// ---- time and loss ----

void follow_source_gone(core_t *core, session_t *session, effects_t *effects)
{
    for (size_t i = 0; i < core->feed_count; i++) {
        core_feed_state_t *feed = core->feeds[i];
        if (feed->follower.state != FOLLOW_IDLE && feed->follower.source == session->link) {
            follow_move(feed, FOLLOW_GONE);
            follow_plan(core, feed, effects);
        }
        feed_note_lag(core, feed);
    }
}

// A source that has nobody beside it may take its time over the feeds before
// this one, as long as it brings something.
static bool waits_in_turn(core_t *core, const core_feed_state_t *feed, const session_t *session)
{
    if (core->now_ms > session->part_ms + STALL_MS)
        return false;
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i] != session && follow_usable(core, core->sessions[i], feed))
            return false;
    return true;
}

static void tick_feed(core_t *core, core_feed_state_t *feed, effects_t *effects)
{
    follower_t *follower = &feed->follower;
    bool late = core->now_ms > follow_quiet_since(feed) + STALL_MS;
    session_t *session = follower->state && late ? session_find(core, follower->source) : NULL;
    if (!session || waits_in_turn(core, feed, session))
        return;
    peer_feed_t *peer = session_feed(session, feed);
    if (follower->state != FOLLOW_STANDING) {
        refuse(core, session, feed, ERR_STALLED, effects);
    } else if (peer->held > feed->head.number && feed_reach(core, feed) > feed->head.number) {
        // Its stream may have lost something on the way: the next one begins anew.
        follow_end(core, feed, FOLLOW_WITHHELD, effects);
        claim_unmet(core, session, feed);
    }
}

void follow_tick(core_t *core, effects_t *effects)
{
    for (size_t i = 0; i < core->feed_count; i++) {
        core_feed_state_t *feed = core->feeds[i];
        tick_feed(core, feed, effects);
        feed_note_lag(core, feed);
        if (feed->behind_since_ms)
            follow_plan(core, feed, effects);
    }
}
