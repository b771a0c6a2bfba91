// What comes of fetches: runs, in parts and within credit, and refusals; each in its
// session's order, also where a run is read aside.
//
// I12: a session's parts are bounded, and so are runs that go aside (daemon/preparer.h).
// L7: credit is what some seconds of the measured rate carry.
#include "daemon/core/internal.h"
#include "lib/mem.h"

// ---- which fetch ----

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

// ---- aside ----

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

// A fetch that was ended meanwhile is none of ours any more.
void part_prepared(core_t *core, const event_t *event, effects_t *effects)
{
    prepared_t *prepared = event->as.prepared;
    session_t *session = session_find(core, prepared->link);
    if (!session) {
        follow_take_orphan(core, prepared, effects);
        return;
    }
    session->aside--;
    core_feed_state_t *feed = feed_of_fetch(core, session, prepared->fetch);
    if (!feed) {
        core_count(core, ERR_STALE, core_code(core, &session->peer->origin));
    } else if (prepared->nope) {
        follow_take_nope(core, session, feed, prepared->nope, effects);
    } else {
        feed->follower.aside--;
        follow_take_run(core, session, feed, prepared, effects);
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
    follow_take_run(core, session, feed, prepared, effects);
    prepared_destroy(&prepared);
}

void part_on_part(core_t *core, session_t *session, const message_t *m, effects_t *effects)
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

void part_on_nope(core_t *core, session_t *session, const message_t *m, effects_t *effects)
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
        follow_take_nope(core, session, feed, reason, effects);
    }
}
