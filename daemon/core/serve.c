// Serving: fetches that peers have open here. One run goes out at a time in a
// session, in parts, as far as credit reaches; lane 0 goes first.
//
// I12, L6: a session keeps one run, and none is read before credit has come: a
// peer that takes nothing costs that much and holds up nobody. I13: credit only
// rises. L7: parts are small while little is granted.
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

static serve_t *serve_find(session_t *session, uint32_t fetch)
{
    for (size_t i = 0; i < session->serve_count; i++)
        if (session->serves[i].fetch == fetch)
            return &session->serves[i];
    return NULL;
}

bool serve_stands(const session_t *session, const core_feed_state_t *feed)
{
    for (size_t i = 0; i < session->serve_count; i++)
        if (session->serves[i].feed == feed && session->serves[i].standing)
            return true;
    return false;
}

void serve_forget(session_t *session)
{
    mem_free(session->serves);
    session->serves = NULL;
    session->serve_count = session->serve_capacity = 0;
    session->sending = 0;
    buf_free(&session->run);
}

static void serve_end(session_t *session, uint32_t fetch)
{
    serve_t *serve = serve_find(session, fetch);
    if (serve) {
        // What it would have told has to be told by heads from now on.
        if (serve->standing)
            heads_mark(session, serve->feed);
        size_t place = (size_t)(serve - session->serves);
        memmove(serve, serve + 1, (--session->serve_count - place) * sizeof *serve);
    }
    if (session->sending == fetch) {
        session->sending = 0;
        buf_clear(&session->run);
    }
}

static void nope(core_t *core, session_t *session, uint32_t fetch, err_t reason, const head_t *ours,
                 effects_t *effects)
{
    message_t message = {.type = MSG_NOPE};
    message.as.nope.fetch = fetch;
    message.as.nope.reason = (uint32_t)reason;
    if (ours) {
        message.as.nope.number = ours->number;
        message.as.nope.has_hash = true;
        message.as.nope.hash = ours->hash;
    }
    core_count(core, reason, core_code(core, &session->peer->origin));
    session_send(core, session, &message, effects);
}

void serve_on_credit(core_t *core, session_t *session, uint64_t limit, effects_t *effects)
{
    (void)effects;
    // Only ever more: an older word on it may come late. Never more than a peer
    // can sensibly take, so that no arithmetic overflows.
    uint64_t most = session->charged + 2 * (uint64_t)CREDIT_MAX;
    if (limit <= session->allowance)
        return;
    packing_credit(core, session);
    session->allowance = limit < most ? limit : most;
}

void serve_on_fetch(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    err_t err;
    core_feed_state_t *feed = feed_admit(core, &m->as.fetch.feed, &err);
    if (serve_find(session, m->as.fetch.fetch)) {
        session_close(core, session, ERR_UNEXPECTED, effects);
        return;
    }
    // Whatever becomes of the fetch: that word of credit may not come again.
    serve_on_credit(core, session, m->as.fetch.credit_limit, effects);
    if (!feed && err != ERR_NOT_ALLOWED)
        err = ERR_UNKNOWN_FEED;
    if (!err && session->serve_count >= SERVES_MAX)
        err = ERR_BUSY;
    if (err) {
        nope(core, session, m->as.fetch.fetch, err, NULL, effects);
        return;
    }
    mem_grow(&session->serves, &session->serve_capacity, session->serve_count,
             sizeof *session->serves);
    session->serves[session->serve_count++] = (serve_t){.fetch = m->as.fetch.fetch,
                                                        .feed = feed,
                                                        .after = m->as.fetch.after,
                                                        .after_hash = m->as.fetch.after_hash,
                                                        .standing = m->as.fetch.standing,
                                                        .headers_only = m->as.fetch.headers_only};
}

void serve_on_end_fetch(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    (void)core;
    (void)effects;
    serve_end(session, m->as.end_fetch.fetch);
}

void serve_feed_moved(core_t *core, core_feed_state_t *feed)
{
    for (size_t i = 0; i < core->session_count; i++)
        for (size_t k = 0; k < core->sessions[i]->serve_count; k++)
            if (core->sessions[i]->serves[k].feed == feed)
                core->sessions[i]->serves[k].caught_up = false;
}

// ---- sending ----

static void sent_whole(core_t *core, session_t *session, effects_t *effects)
{
    serve_t *serve = serve_find(session, session->sending);
    session->sending = 0;
    buf_free(&session->run);
    if (!serve)
        return;
    serve->after = session->run_last.number;
    serve->after_hash = session->run_last.hash;
    if (!session->run_end)
        return;
    // Unless more has come since it was read. Not by how far it has got: of what is
    // held beyond a cut nothing is served.
    serve->caught_up = serve->feed->head.number <= session->run_head;
    // Whoever has the whole of a forked feed now can tell that it is one.
    proof_tell_served(core, session, serve->feed, effects);
    if (!serve->standing)
        serve_end(session, serve->fetch);
}

// One part, if credit reaches. Small parts while little is granted, so that a
// ping is never long behind one on a slow link.
static bool send_part(core_t *core, session_t *session, effects_t *effects)
{
    uint64_t credit = session->allowance - session->charged;
    size_t left = session->run.size - session->run_sent;
    size_t most = credit >= 4 * PART_BYTES_MAX ? PART_BYTES_MAX : PART_BYTES_SLOW;
    if (credit < CHARGE_MIN)
        return false;
    if (most > credit - CHARGE_OVERHEAD)
        most = (size_t)(credit - CHARGE_OVERHEAD);
    size_t size = left < most ? left : most;
    uint64_t cost = size + CHARGE_OVERHEAD;
    message_t message = {.type = MSG_RUN_PART};
    message.as.run_part.fetch = session->sending;
    message.as.run_part.unpacked = session->run_part ? 0 : session->run_unpacked;
    message.as.run_part.index = session->run_part++;
    message.as.run_part.bytes = span_of(session->run.data + session->run_sent, size);
    message.as.run_part.last = size == left;
    message.as.run_part.end = size == left && session->run_end;
    session->charged += cost > CHARGE_MIN ? cost : CHARGE_MIN;
    session->run_sent += size;
    session_send(core, session, &message, effects);
    if (size == left)
        sent_whole(core, session, effects);
    return true;
}

static serve_t *next_serve(session_t *session)
{
    serve_t *next = NULL;
    for (size_t i = 0; i < session->serve_count; i++) {
        serve_t *serve = &session->serves[i];
        if (!serve->caught_up && (!next || serve->feed->feed.lane < next->feed->feed.lane))
            next = serve;
    }
    return next;
}

static void pump(core_t *core, session_t *session, effects_t *effects)
{
    while (session->sending && send_part(core, session, effects))
        ;
    if (session->sending)
        packing_wait(core, session);
    if (session->sending || session->reading || session->allowance - session->charged < CHARGE_MIN)
        return;
    serve_t *serve = next_serve(session);
    if (!serve)
        return;
    uint64_t limit = session->allowance - session->charged;
    effect_t *effect = effects_add(effects, EFFECT_READ_RUN);
    effect->link = session->link;
    effect->fetch = serve->fetch;
    effect->feed = serve->feed->feed;
    effect->number = serve->after;
    effect->hash = serve->after_hash;
    effect->headers_only = serve->headers_only;
    effect->has_cut = feed_cut(core, serve->feed, &effect->cut);
    effect->limit = limit < PART_BYTES_MAX  ? PART_BYTES_MAX
                    : limit > RUN_BYTES_MAX ? RUN_BYTES_MAX
                                            : limit;
    session->reading = true;
}

void serve_flush(core_t *core, effects_t *effects)
{
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i]->state == SESSION_READY)
            pump(core, core->sessions[i], effects);
}

// Served in turn: a feed that has just been served goes behind the others.
static void rotate(session_t *session, uint32_t fetch)
{
    serve_t *serve = serve_find(session, fetch);
    serve_t moved = *serve;
    size_t place = (size_t)(serve - session->serves);
    memmove(serve, serve + 1, (session->serve_count - 1 - place) * sizeof *serve);
    session->serves[session->serve_count - 1] = moved;
}

static void start_sending(session_t *session, const event_t *event)
{
    packing_run(session, event->as.run_read.run);
    session->sending = event->as.run_read.fetch;
    session->run_sent = 0;
    session->run_part = 0;
    session->run_end = event->as.run_read.end;
    session->run_last = event->as.run_read.last;
    session->run_head = serve_find(session, session->sending)->feed->head.number;
    rotate(session, session->sending);
}

// Whoever's chain parts from ours is given ours, to see by its signature whose
// doing that is, and asked for its own.
static void diverged(core_t *core, session_t *session, const event_t *event, effects_t *effects)
{
    head_t ours = event->as.run_read.last;
    ours.feed = event->as.run_read.feed;
    const core_feed_state_t *feed = feed_lookup(core, &ours.feed);
    if (session_may_ask(core, session))
        proof_send(core, session, event->as.run_read.run, effects);
    if (feed && !feed->stopped && ours.number)
        follow_probe(core, session, &ours, effects);
}

void serve_run_read(core_t *core, const event_t *event, effects_t *effects)
{
    session_t *session = session_find(core, event->link);
    uint32_t fetch = event->as.run_read.fetch;
    err_t err = event->as.run_read.diverged ? ERR_DIVERGED : event->as.run_read.err;
    if (!session)
        return;
    session->reading = false;
    serve_t *serve = serve_find(session, fetch);
    if (err && serve) {
        // What our disk cannot do now is no fault of the question.
        bool ours = err == ERR_DISK_ERROR || err == ERR_DAMAGED || err == ERR_DISK_FULL;
        if (err == ERR_DIVERGED)
            diverged(core, session, event, effects);
        else if (event->as.run_read.run.size && session_may_ask(core, session))
            proof_send(core, session, event->as.run_read.run, effects);
        if (ours)
            core_count(core, err, core_code(core, &event->as.run_read.feed.origin));
        nope(core, session, fetch, ours ? ERR_BUSY : err,
             err == ERR_DIVERGED ? &event->as.run_read.last : NULL, effects);
        serve_end(session, fetch);
    } else if (serve) {
        start_sending(session, event);
    }
    pump(core, session, effects);
}
