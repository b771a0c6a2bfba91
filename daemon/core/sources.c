// From whom each feed is taken: choosing a source, leaving it, and what it is
// blamed for.
//
// L1, L4: a feed that lags has a source, or a time at which one is tried again.
// L3: a source that failed is left alone for longer each time, so that every
// other one has its turn.
//
// A source that we dialled is followed by subscription, and gaps are closed by
// a fetch that ends; one that dialled us is followed by a standing fetch. Never
// both.
#include "daemon/core/internal.h"

#include <string.h>

#include "lib/mem.h"

// ---- the machine ----

static const char *const follow_states[FOLLOW_STATES] = {
    [FOLLOW_IDLE] = "idle",
    [FOLLOW_FETCHING] = "fetching",
    [FOLLOW_STREAMING] = "streaming",
    [FOLLOW_STANDING] = "standing",
};

static const char *const follow_events[FOLLOW_EVENTS] = {
    [FOLLOW_ASKS] = "source that is subscribed to",
    [FOLLOW_STANDS] = "source that is not",
    [FOLLOW_RUN] = "run taken",
    [FOLLOW_END] = "end",
    [FOLLOW_UNMET] = "end before the claim",
    [FOLLOW_REFUSED] = "run refused",
    [FOLLOW_NOPE] = "Nope",
    [FOLLOW_STALLED] = "no progress",
    [FOLLOW_WITHHELD] = "claims and sends nothing",
    [FOLLOW_OTHER] = "another has more",
    [FOLLOW_ORIGIN] = "the origin has more",
    [FOLLOW_GONE] = "session ended",
    [FOLLOW_STOPPED] = "feed stopped",
    [FOLLOW_TAKEN_BACK] = "turn taken back",
};

#define DROPS    "EndFetch; blame the source; ask another"
#define UNCLAIMS "EndFetch; drop the claim; blame the source; ask another"
#define STALLS   "count stalled; EndFetch; blame the source; ask another"
#define ASKS     "ask another"
#define ENDS     "EndFetch"
#define WAITS    "EndFetch; ask again after 5 s"
#define RETURNS  "count stalled; blame the source; EndFetch; ask the origin"
#define NOT_HERE "drop the claim (busy: keep it); blame the source; ask another"
#define GOES_ON  "acknowledge"

static const machine_row_t follow_rows[] = {
    {FOLLOW_IDLE, FOLLOW_ASKS, FOLLOW_FETCHING, "Fetch"},
    {FOLLOW_IDLE, FOLLOW_STANDS, FOLLOW_STREAMING, "Fetch, standing"},

    {FOLLOW_FETCHING, FOLLOW_RUN, FOLLOW_FETCHING, GOES_ON},
    {FOLLOW_FETCHING, FOLLOW_END, FOLLOW_IDLE, "acknowledge; ask again if more is claimed by now"},
    {FOLLOW_FETCHING, FOLLOW_UNMET, FOLLOW_IDLE, "drop the claim; blame the source; ask another"},
    {FOLLOW_FETCHING, FOLLOW_REFUSED, FOLLOW_IDLE, DROPS},
    {FOLLOW_FETCHING, FOLLOW_NOPE, FOLLOW_IDLE, NOT_HERE},
    {FOLLOW_FETCHING, FOLLOW_STALLED, FOLLOW_IDLE, STALLS},
    {FOLLOW_FETCHING, FOLLOW_ORIGIN, FOLLOW_IDLE, RETURNS},
    {FOLLOW_FETCHING, FOLLOW_GONE, FOLLOW_IDLE, ASKS},
    {FOLLOW_FETCHING, FOLLOW_STOPPED, FOLLOW_IDLE, ENDS},
    {FOLLOW_FETCHING, FOLLOW_TAKEN_BACK, FOLLOW_IDLE, WAITS},

    {FOLLOW_STREAMING, FOLLOW_RUN, FOLLOW_STREAMING, GOES_ON},
    {FOLLOW_STREAMING, FOLLOW_END, FOLLOW_STANDING, GOES_ON},
    {FOLLOW_STREAMING, FOLLOW_UNMET, FOLLOW_IDLE, UNCLAIMS},
    {FOLLOW_STREAMING, FOLLOW_REFUSED, FOLLOW_IDLE, DROPS},
    {FOLLOW_STREAMING, FOLLOW_NOPE, FOLLOW_IDLE, NOT_HERE},
    {FOLLOW_STREAMING, FOLLOW_STALLED, FOLLOW_IDLE, STALLS},
    {FOLLOW_STREAMING, FOLLOW_ORIGIN, FOLLOW_IDLE, RETURNS},
    {FOLLOW_STREAMING, FOLLOW_GONE, FOLLOW_IDLE, ASKS},
    {FOLLOW_STREAMING, FOLLOW_STOPPED, FOLLOW_IDLE, ENDS},
    {FOLLOW_STREAMING, FOLLOW_TAKEN_BACK, FOLLOW_IDLE, WAITS},

    {FOLLOW_STANDING, FOLLOW_RUN, FOLLOW_STREAMING, GOES_ON},
    {FOLLOW_STANDING, FOLLOW_END, FOLLOW_STANDING, GOES_ON},
    {FOLLOW_STANDING, FOLLOW_UNMET, FOLLOW_IDLE, UNCLAIMS},
    {FOLLOW_STANDING, FOLLOW_REFUSED, FOLLOW_IDLE, DROPS},
    {FOLLOW_STANDING, FOLLOW_NOPE, FOLLOW_IDLE, NOT_HERE},
    {FOLLOW_STANDING, FOLLOW_WITHHELD, FOLLOW_IDLE, UNCLAIMS},
    {FOLLOW_STANDING, FOLLOW_OTHER, FOLLOW_IDLE, "EndFetch; ask the other"},
    {FOLLOW_STANDING, FOLLOW_ORIGIN, FOLLOW_IDLE, RETURNS},
    {FOLLOW_STANDING, FOLLOW_GONE, FOLLOW_IDLE, ASKS},
    {FOLLOW_STANDING, FOLLOW_STOPPED, FOLLOW_IDLE, ENDS},
    {FOLLOW_STANDING, FOLLOW_TAKEN_BACK, FOLLOW_IDLE, WAITS},
};

const machine_t follower_machine = MACHINE("follower", follow_states, follow_events, follow_rows);

void follow_move(core_feed_state_t *feed, follow_event_t event)
{
    feed->follower.state =
        (follow_state_t)machine_move(&follower_machine, feed->follower.state, event);
}

// ---- choosing ----

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
    bool standing = stands(core, session);
    follow_move(feed, standing ? FOLLOW_STANDS : FOLLOW_ASKS);
    follower->source = session->link;
    follower->fetch = ++session->next_fetch;
    // What lies beyond a cut it may hold and does not give.
    uint64_t held = session_feed(session, feed)->held, reach = feed_reach(core, feed);
    follower->claim = held < reach ? held : reach;
    follower->progress_ms = follower->applied_ms = core->now_ms;
    follower->aside = 0;
    if (!standing)
        session->fetches++;
    message.as.fetch.fetch = follower->fetch;
    message.as.fetch.feed = feed->feed;
    message.as.fetch.after = feed->head.number;
    message.as.fetch.after_hash = feed->head.hash;
    message.as.fetch.standing = standing;
    message.as.fetch.credit_limit = session->granted;
    session_send(core, session, &message, effects);
}

// Of a fetch that was told to end, no more is on its way than was granted by then.
static void tell_end(core_t *core, session_t *session, uint32_t fetch, effects_t *effects)
{
    message_t message = {.type = MSG_END_FETCH};
    message.as.end_fetch.fetch = fetch;
    session->granted_ended = session->granted;
    session_send(core, session, &message, effects);
}

bool follow_end_probe(core_t *core, session_t *session, uint32_t fetch, effects_t *effects)
{
    for (size_t i = 0; i < session->feed_capacity; i++)
        if (session->feeds[i].probe == fetch) {
            session->feeds[i].probe = 0;
            tell_end(core, session, fetch, effects);
            return true;
        }
    return false;
}

// Asked as any fetch is, but for no follower: what comes is a Nope and the proof.
void follow_probe(core_t *core, session_t *session, const head_t *ours, effects_t *effects)
{
    message_t message = {.type = MSG_FETCH};
    core_feed_state_t *feed = feed_lookup(core, &ours->feed);
    peer_feed_t *peer = feed ? session_feed(session, feed) : NULL;
    if (!peer || (peer->probed_ms && core->now_ms < peer->probed_ms + PENALTY_MS))
        return;
    peer->probed_ms = core->now_ms;
    if (peer->probe)
        tell_end(core, session, peer->probe, effects);
    peer->probe = ++session->next_fetch;
    message.as.fetch.fetch = peer->probe;
    message.as.fetch.feed = ours->feed;
    message.as.fetch.after = ours->number;
    message.as.fetch.after_hash = ours->hash;
    message.as.fetch.headers_only = true;
    message.as.fetch.credit_limit = session->granted;
    session_send(core, session, &message, effects);
}

// A server has no fetch to end where it has said no, or where one that ends did.
static bool must_tell(follow_state_t state, follow_event_t event)
{
    bool ended = state == FOLLOW_FETCHING && (event == FOLLOW_END || event == FOLLOW_UNMET);
    return event != FOLLOW_NOPE && !ended;
}

void follow_end(core_t *core, core_feed_state_t *feed, follow_event_t event, effects_t *effects)
{
    follower_t *follower = &feed->follower;
    session_t *session = session_find(core, follower->source);
    follow_state_t was = follower->state;
    if (was == FOLLOW_IDLE)
        return;
    follow_move(feed, event);
    if (!session)
        return;
    // Others may wait for the room. Half of it at once, since to plan is to look at every feed.
    if (was == FOLLOW_FETCHING && --session->fetches == FETCHES_MAX / 2)
        core_soon(core, core->now_ms);
    if (session->assembling == follower->fetch) {
        session->assembling = 0;
        buf_clear(&session->parts);
    }
    if (must_tell(was, event))
        tell_end(core, session, follower->fetch, effects);
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
    if (follower->state != FOLLOW_STANDING || !feed->behind_since_ms)
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
    if (feed->follower.state != FOLLOW_IDLE) {
        bool for_origin = leaves_for_origin(core, feed);
        if (!for_origin && !leaves_standing(core, feed))
            return;
        session_t *source = for_origin ? session_find(core, feed->follower.source) : NULL;
        if (source) {
            core_count(core, ERR_STALLED, core_code(core, &source->peer->origin));
            follow_penalise(core, source, feed, ERR_STALLED);
        }
        follow_end(core, feed, for_origin ? FOLLOW_ORIGIN : FOLLOW_OTHER, effects);
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
