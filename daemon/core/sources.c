// From whom each feed is taken: choosing a source, leaving it, and what it is
// blamed for.
//
// A source that we dialled is followed by subscription, and gaps are closed by
// a fetch that ends; one that dialled us is followed by a standing fetch. Never
// both.
#include "daemon/core/state.h"

#include <string.h>

#include "lib/mem.h"

// Whether a fetch from this session stands: nothing else would bring the news.
static bool stands(const core_t *core, const session_t *session)
{
    if (session->outbound)
        return false;
    for (size_t i = 0; i < core->session_count; i++) {
        const session_t *other = core->sessions[i];
        if (other->outbound && other->peer == session->peer && other->state == SESSION_READY)
            return false;
    }
    return true;
}

bool follow_usable(core_t *core, session_t *session, const core_feed_state_t *feed)
{
    const peer_feed_t *peer = session_feed(session, feed);
    if (session->state != SESSION_READY || peer->held <= feed->head.number)
        return false;
    if (peer->blame.until_ms > core->now_ms) {
        core_soon(core, peer->blame.until_ms);
        return false;
    }
    return session->fetches < FETCHES_MAX || stands(core, session);
}

// The origin itself before others, then who has given less cause for complaint,
// then who holds more.
static bool better(session_t *a, session_t *b, const core_feed_state_t *feed)
{
    const peer_feed_t *x = session_feed(a, feed), *y = session_feed(b, feed);
    if (x->blame.times != y->blame.times)
        return x->blame.times < y->blame.times;
    if ((a->peer == feed->identity) != (b->peer == feed->identity))
        return a->peer == feed->identity;
    return x->held > y->held;
}

static session_t *choose(core_t *core, const core_feed_state_t *feed)
{
    session_t *best = NULL;
    bool complete = feed_reach(core, feed) <= feed->head.number;
    for (size_t i = 0; i < core->session_count && !complete; i++) {
        session_t *session = core->sessions[i];
        if (follow_usable(core, session, feed) && (!best || better(session, best, feed)))
            best = session;
    }
    return best;
}

static void start(core_t *core, core_feed_state_t *feed, session_t *session, effects_t *effects)
{
    message_t message = {.type = MSG_FETCH};
    follower_t *follower = &feed->follower;
    follower->active = true;
    follower->standing = stands(core, session);
    follower->caught_up = false;
    follower->source = session->link;
    follower->fetch = ++session->next_fetch;
    follower->claim = session_feed(session, feed)->held;
    follower->progress_ms = follower->applied_ms = core->now_ms;
    if (!follower->standing)
        session->fetches++;
    message.as.fetch.fetch = follower->fetch;
    message.as.fetch.feed = feed->feed;
    message.as.fetch.after = feed->head.number;
    message.as.fetch.after_hash = feed->head.hash;
    message.as.fetch.standing = follower->standing;
    message.as.fetch.credit_limit = session->granted;
    session_send(core, session, &message, effects);
}

void follow_end(core_t *core, core_feed_state_t *feed, bool tell, effects_t *effects)
{
    follower_t *follower = &feed->follower;
    session_t *session = session_find(core, follower->source);
    if (!follower->active)
        return;
    follower->active = false;
    if (!session)
        return;
    if (!follower->standing)
        session->fetches--;
    if (session->assembling == follower->fetch) {
        session->assembling = 0;
        buf_clear(&session->parts);
    }
    if (tell) {
        message_t message = {.type = MSG_END_FETCH};
        message.as.end_fetch.fetch = follower->fetch;
        session_send(core, session, &message, effects);
    }
}

// Since when nothing came although there is something to come.
uint64_t follow_quiet_since(const core_feed_state_t *feed)
{
    return feed->behind_since_ms > feed->follower.progress_ms ? feed->behind_since_ms
                                                              : feed->follower.progress_ms;
}

// A standing source that has nothing more while another does is left, but not
// at once: the news may be on its way from it.
static bool leaves_standing(core_t *core, core_feed_state_t *feed)
{
    const follower_t *follower = &feed->follower;
    if (!follower->standing || !follower->caught_up || !feed->behind_since_ms)
        return false;
    if (core->now_ms < follow_quiet_since(feed) + SWITCH_MS) {
        core_soon(core, follow_quiet_since(feed) + SWITCH_MS);
        return false;
    }
    session_t *other = choose(core, feed);
    return other && other->link != follower->source;
}

// Another brings nothing good while the origin itself has more: nobody can keep
// a feed from us whose author is at hand.
static bool leaves_for_origin(core_t *core, core_feed_state_t *feed)
{
    const follower_t *follower = &feed->follower;
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->peer != feed->identity || session->link == follower->source ||
            !follow_usable(core, session, feed))
            continue;
        const session_t *source = session_find(core, follower->source);
        if (source && source->peer == feed->identity)
            return false;
        core_soon(core, follower->applied_ms + SWITCH_MS);
        return core->now_ms >= follower->applied_ms + SWITCH_MS;
    }
    return false;
}

void follow_plan(core_t *core, core_feed_state_t *feed, effects_t *effects)
{
    if (feed->stopped)
        return;
    if (feed->follower.active) {
        bool for_origin = leaves_for_origin(core, feed);
        if (!for_origin && !leaves_standing(core, feed))
            return;
        session_t *source = for_origin ? session_find(core, feed->follower.source) : NULL;
        if (source) {
            core_count(core, ERR_STALLED, core_code(core, &source->peer->origin));
            follow_penalise(core, source, feed, ERR_STALLED);
        }
        follow_end(core, feed, true, effects);
    }
    if (feed->follower.retry_ms > core->now_ms) {
        core_soon(core, feed->follower.retry_ms);
        return;
    }
    session_t *session = choose(core, feed);
    if (session)
        start(core, feed, session, effects);
}

void follow_plan_all(core_t *core, effects_t *effects)
{
    for (size_t i = 0; i < core->feed_count; i++)
        follow_plan(core, core->feeds[i], effects);
}

void follow_penalise(core_t *core, session_t *session, core_feed_state_t *feed, err_t reason)
{
    blame_t *blame = &session_feed(session, feed)->blame;
    uint64_t wait = reason == ERR_BUSY ? SWITCH_MS : PENALTY_MS;
    for (uint32_t i = 0; i < blame->times && wait < PENALTY_MAX_MS; i++)
        wait *= 2;
    if (blame->times < UINT32_MAX)
        blame->times++;
    blame->reason = reason;
    blame->until_ms = core->now_ms + (wait < PENALTY_MAX_MS ? wait : PENALTY_MAX_MS);
    feed->why = reason;
    core_soon(core, blame->until_ms);
}

void follow_keep_blame(session_t *session)
{
    identity_t *peer = session->peer;
    if (session->feed_capacity > peer->blame_count) {
        peer->blames = mem_resize(peer->blames, session->feed_capacity * sizeof *peer->blames);
        memset(peer->blames + peer->blame_count, 0,
               (session->feed_capacity - peer->blame_count) * sizeof *peer->blames);
        peer->blame_count = session->feed_capacity;
    }
    for (size_t i = 0; i < session->feed_capacity; i++)
        peer->blames[i] = session->feeds[i].blame;
}

void follow_recall_blame(core_t *core, session_t *session)
{
    for (size_t i = 0; i < core->feed_count && i < session->peer->blame_count; i++)
        session_feed(session, core->feeds[i])->blame = session->peer->blames[i];
}
