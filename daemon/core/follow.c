// Following: what becomes of what comes from a source.
//
// I12: what is kept before it can be taken is bounded, a session's parts and a
// feed's pending commits alike. L4: whoever is refused or stalls is left. L7:
// credit is what some seconds of the measured rate carry.
#include "daemon/core/state.h"

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

// Published commits that waited for the gap before them to be closed.
static void drain_pending(core_t *core, core_feed_state_t *feed, effects_t *effects)
{
    size_t done = 0;
    while (done < feed->pending_count && !feed->stopped) {
        commit_t *commit = feed->pending[done];
        if (commit->first > feed->head.number + 1)
            break;
        if (commit->last > feed->head.number) {
            run_t run = {.feed = feed->feed, .count = 1, .commits = {commit}};
            feed->pending[done] = NULL;
            err_t err = apply_run(core, &run, NULL, effects);
            if (err)
                core_count(core, err, core_code(core, &feed->feed.origin));
            commit_destroy(&run.commits[0]);
        }
        done++;
    }
    for (size_t i = 0; i < done && i < feed->pending_count; i++)
        commit_destroy(&feed->pending[i]);
    if (done && feed->pending_count) {
        feed->pending_count -= done;
        memmove(feed->pending, feed->pending + done, feed->pending_count * sizeof *feed->pending);
    }
    if (!feed->pending_count)
        feed->pending_bytes = 0;
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

static void take_run(core_t *core, session_t *session, core_feed_state_t *feed,
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

static bool is_of_fetch(const core_feed_state_t *feed, const session_t *session, uint32_t fetch)
{
    const follower_t *follower = &feed->follower;
    return follower->state != FOLLOW_IDLE && follower->source == session->link &&
           follower->fetch == fetch;
}

static core_feed_state_t *feed_of_fetch(const core_t *core, const session_t *session,
                                        uint32_t fetch)
{
    core_feed_state_t *last = session->part_feed;
    if (last && is_of_fetch(last, session, fetch))
        return last;
    for (size_t i = 0; i < core->feed_count; i++)
        if (is_of_fetch(core->feeds[i], session, fetch))
            return core->feeds[i];
    return NULL;
}

static void take_nope(core_t *core, session_t *session, core_feed_state_t *feed, err_t reason,
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

// ---- what is prepared aside ----

// Big runs are, and then whatever comes of fetches in this session, so that it keeps its
// order. What else comes may overtake: cards, heads and proofs come by other sessions,
// too, and are good in any order.
static bool goes_aside(const core_t *core, const session_t *session)
{
    size_t size = session->unpacked ? session->unpacked : session->parts.size;
    return session->aside || (core->options.prepare_from && size >= core->options.prepare_from);
}

static void put_aside(session_t *session, prepared_t *prepared, effects_t *effects)
{
    session->aside++;
    effects_add(effects, EFFECT_PREPARE)->prepared = prepared;
}

// Takes the session's parts: one that is in step keeps no room for a run.
static prepared_t *gather(const core_t *core, session_t *session, const core_feed_state_t *feed,
                          bool end)
{
    const card_t *card = identity_newest(feed->identity);
    prepared_t *prepared = mem_alloc(sizeof *prepared);
    prepared->link = session->link;
    prepared->fetch = feed->follower.fetch;
    prepared->end = end;
    prepared->bytes = session->parts;
    prepared->unpacked = session->unpacked;
    if (card)
        prepared->key = card->signing_key;
    prepared->coalition = core->coalition;
    session->parts = (buf_t){0};
    return prepared;
}

// A session that is gone may have left something good; its fetch is another's by now.
static void take_orphan(core_t *core, prepared_t *prepared, effects_t *effects)
{
    core_feed_state_t *feed =
        prepared->refused || prepared->nope ? NULL : feed_lookup(core, &prepared->run.feed);
    if (!feed || feed->stopped || feed->follower.retry_ms > core->now_ms)
        return;
    err_t err = apply_run(core, &prepared->run, NULL, effects);
    if (err && err != ERR_STALE)
        core_count(core, err, core_code(core, &feed->feed.origin));
    else if (!err)
        drain_pending(core, feed, effects);
}

// A fetch that was ended meanwhile is none of ours any more.
void follow_prepared(core_t *core, const event_t *event, effects_t *effects)
{
    prepared_t *prepared = event->as.prepared;
    session_t *session = session_find(core, prepared->link);
    if (!session) {
        take_orphan(core, prepared, effects);
        return;
    }
    session->aside--;
    core_feed_state_t *feed = feed_of_fetch(core, session, prepared->fetch);
    if (!feed) {
        core_count(core, ERR_STALE, core_code(core, &session->peer->origin));
    } else if (prepared->nope) {
        take_nope(core, session, feed, prepared->nope, effects);
    } else {
        feed->follower.aside--;
        take_run(core, session, feed, prepared, effects);
    }
}

// ---- parts ----

// Credit is renewed on receipt, when half of it is used, and grows with the
// measured rate: what is in flight is at most CREDIT_SECONDS ahead of a ping.
static err_t charge(core_t *core, session_t *session, size_t size)
{
    uint64_t cost = size + CHARGE_OVERHEAD;
    session->received += cost > CHARGE_MIN ? cost : CHARGE_MIN;
    if (session->received > session->granted)
        return ERR_OVER_CREDIT;
    if (session->granted - session->received > session->window / 2)
        return ERR_OK;
    uint64_t elapsed = core->now_ms - session->renewed_ms;
    uint64_t bytes = session->received - session->renewed_received;
    uint64_t target = bytes * CREDIT_SECONDS * 1000 / (elapsed ? elapsed : 1);
    uint64_t most = session->window * 2 < CREDIT_MAX ? session->window * 2 : CREDIT_MAX;
    session->window = target > most ? most : target < CREDIT_FIRST ? CREDIT_FIRST : target;
    session->renewed_ms = core->now_ms;
    session->renewed_received = session->received;
    // I13: what was granted stays granted. A window that became smaller is reached by
    // waiting, not by taking credit back that may be used up already.
    if (session->received + session->window > session->granted) {
        session->granted = session->received + session->window;
        session->credit_due = true;
    }
    return ERR_OK;
}

static err_t assemble(session_t *session, const message_t *m)
{
    if (m->as.run_part.index == 0) {
        // Nor may a run that has begun begin again and again.
        if (session->assembling)
            return ERR_BAD_PARTS;
        buf_clear(&session->parts);
        session->assembling = m->as.run_part.fetch;
        session->next_part = 0;
        session->unpacked = m->as.run_part.unpacked;
    } else if (session->assembling != m->as.run_part.fetch ||
               session->next_part != m->as.run_part.index || m->as.run_part.unpacked) {
        return ERR_BAD_PARTS;
    }
    size_t size = session->parts.size + m->as.run_part.bytes.size;
    if (size > RUN_BYTES_MAX + COMMIT_BYTES_MAX)
        return ERR_TOO_BIG;
    if (session->unpacked && size > session->unpacked)
        return ERR_BAD_PACKING;
    session->next_part++;
    buf_append(&session->parts, m->as.run_part.bytes);
    return ERR_OK;
}

// A part now and then is no progress: a run that has begun must come along.
static bool keeps_pace(const core_t *core, const session_t *session)
{
    uint64_t took_ms = core->now_ms - session->run_began_ms;
    return took_ms <= STALL_MS || session->parts.size >= (took_ms - STALL_MS) * PACE_MIN / 1000;
}

// Of a fetch that was ended while this was on its way. I12: whoever goes on with one
// would have the line for itself.
static err_t drop_part(core_t *core, session_t *session, uint32_t fetch, effects_t *effects)
{
    core_count(core, ERR_STALE, core_code(core, &session->peer->origin));
    if (follow_end_probe(core, session, fetch, effects))
        return ERR_OK;
    return session->received <= session->granted_ended ? ERR_OK : ERR_OVER_CREDIT;
}

static void whole_run(core_t *core, session_t *session, core_feed_state_t *feed, bool end,
                      effects_t *effects)
{
    bool aside = goes_aside(core, session);
    prepared_t *prepared = gather(core, session, feed, end);
    session->assembling = 0;
    if (aside) {
        feed->follower.aside++;
        put_aside(session, prepared, effects);
        return;
    }
    prepared_decode(prepared);
    take_run(core, session, feed, prepared, effects);
    prepared_destroy(&prepared);
}

void follow_on_part(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    err_t err = charge(core, session, m->as.run_part.bytes.size);
    core_feed_state_t *feed = feed_of_fetch(core, session, m->as.run_part.fetch);
    if (!err)
        err = feed ? assemble(session, m) : drop_part(core, session, m->as.run_part.fetch, effects);
    if (err)
        session_close(core, session, err, effects);
    if (err || !feed)
        return;
    session->part_feed = feed;
    session->part_ms = core->now_ms;
    if (m->as.run_part.index == 0)
        session->run_began_ms = core->now_ms;
    // What was prepared has not shown yet whether it is any progress.
    if (m->as.run_part.index == 0 && !feed->follower.aside) {
        feed->follower.run_after = feed->head.number;
        feed->follower.quiet_ms = feed->follower.progress_ms;
    }
    if (keeps_pace(core, session))
        feed->follower.progress_ms = core->now_ms;
    if (m->as.run_part.last)
        whole_run(core, session, feed, m->as.run_part.end, effects);
}

void follow_on_nope(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    err_t reason = core_reason(m->as.nope.reason);
    core_feed_state_t *feed = feed_of_fetch(core, session, m->as.nope.fetch);
    core_count(core, reason, core_code(core, &session->peer->origin));
    if (feed && session->aside) {
        prepared_t *prepared = mem_alloc(sizeof *prepared);
        *prepared = (prepared_t){
            .link = session->link, .fetch = m->as.nope.fetch, .end = true, .nope = reason};
        put_aside(session, prepared, effects);
    } else if (feed) {
        take_nope(core, session, feed, reason, effects);
    }
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
