// Sessions: one a link, from the connection to its loss; what comes in on them
// is dispatched by one table.
#include "daemon/core/state.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

session_t *session_find(const core_t *core, core_link_t link)
{
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i]->link == link)
            return core->sessions[i];
    return NULL;
}

peer_feed_t *session_feed(session_t *session, const core_feed_state_t *feed)
{
    if (feed->index >= session->feed_capacity) {
        size_t capacity = session->feed_capacity ? session->feed_capacity * 2 : 16;
        while (capacity <= feed->index)
            capacity *= 2;
        session->feeds = mem_resize(session->feeds, capacity * sizeof *session->feeds);
        memset(session->feeds + session->feed_capacity, 0,
               (capacity - session->feed_capacity) * sizeof *session->feeds);
        session->feed_capacity = capacity;
    }
    return &session->feeds[feed->index];
}

void session_send(core_t *core, session_t *session, message_t *message, effects_t *effects)
{
    message->has_session = message->type != MSG_HELLO;
    if (message->has_session)
        message->session = session->id;
    effect_t *effect = effects_add(effects, EFFECT_SEND);
    effect->link = session->link;
    effect->bytes = message_encode(message);
    session->sent_ms = core->now_ms;
    session->bytes_out += effect->bytes.size;
}

// ---- coming and going ----

static size_t dial_of(const core_t *core, core_link_t link)
{
    for (size_t i = 0; i < core->dial_count; i++)
        if (core->dials[i].link == link)
            return i;
    return core->dial_count;
}

void session_link_up(core_t *core, const event_t *event, effects_t *effects)
{
    identity_t *peer = identity_by_transport(core, &event->as.link_up.key);
    if (!peer || peer == core->self) {
        err_t reason = peer ? ERR_SELF : ERR_NOT_A_MEMBER;
        core_count(core, reason, event->as.link_up.outbound ? "dial" : "link");
        dial_lost(core, event->link, reason);
        effects_add(effects, EFFECT_CLOSE)->link = event->link;
        return;
    }
    mem_grow(&core->sessions, &core->session_capacity, core->session_count, sizeof *core->sessions);
    session_t *session = mem_alloc(sizeof *session);
    core->sessions[core->session_count++] = session;
    session->link = event->link;
    session->outbound = event->as.link_up.outbound;
    session->dial = dial_of(core, event->link);
    session->peer = peer;
    session->key = event->as.link_up.key;
    session->since_ms = session->heard_ms = session->sent_ms = core->now_ms;
    session->rtt_ms = AGE_NEVER;
    session->window = CREDIT_FIRST;
    core_random(core, session->nonce.bytes, sizeof session->nonce.bytes);
    if (session->outbound)
        greeting_hello(core, session, effects);
}

static void session_remove(core_t *core, session_t *session, err_t reason, effects_t *effects)
{
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i] == session) {
            core->sessions[i] = core->sessions[--core->session_count];
            break;
        }
    dial_lost(core, session->link, reason);
    follow_keep_blame(session);
    follow_source_gone(core, session, effects);
    serve_forget(session);
    buf_free(&session->parts);
    mem_free(session->feeds);
    mem_free(session->dirty);
    mem_free(session);
}

void session_link_down(core_t *core, const event_t *event, effects_t *effects)
{
    session_t *session = session_find(core, event->link);
    core_count(core, event->as.link_down.reason,
               session ? core_code(core, &session->peer->origin) : "dial");
    if (session)
        session_remove(core, session, event->as.link_down.reason, effects);
    else
        dial_lost(core, event->link, event->as.link_down.reason);
}

void session_close(core_t *core, session_t *session, err_t reason, effects_t *effects)
{
    core_count(core, reason, core_code(core, &session->peer->origin));
    session_end(core, session, reason, effects);
}

void session_end(core_t *core, session_t *session, err_t reason, effects_t *effects)
{
    message_t bye = {.type = MSG_BYE};
    bye.as.bye.reason = (uint32_t)reason;
    core_log(effects, 5, "session with %s ends: %s", core_code(core, &session->peer->origin),
             err_text(reason));
    if (session->state == SESSION_READY)
        session_send(core, session, &bye, effects);
    effect_t *effect = effects_add(effects, EFFECT_CLOSE);
    effect->link = session->link;
    effect->reason = reason;
    session_remove(core, session, reason, effects);
}

// ---- small messages ----

static void on_ping(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    message_t pong = {.type = MSG_PONG};
    pong.as.ping.token = m->as.ping.token;
    session_send(core, session, &pong, effects);
}

static void on_pong(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    (void)effects;
    if (m->as.ping.token == session->ping_token && session->ping_token)
        session->rtt_ms = core->now_ms - session->ping_ms;
    session->ping_token = 0;
}

static void on_bye(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    char where[96];
    err_t reason = core_reason(m->as.bye.reason);
    snprintf(where, sizeof where, "said by %s", core_code(core, &session->peer->origin));
    core_count(core, reason, where);
    effects_add(effects, EFFECT_CLOSE)->link = session->link;
    session_remove(core, session, reason, effects);
}

static void on_ack(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    heads_on_heads(core, session, m, effects);
    if (m->as.heads.has_credit)
        serve_on_credit(core, session, m->as.heads.credit_limit, effects);
}

// Kept, not believed: what follows from a proof is decided by verifying its run.
static void on_proof(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    run_t run;
    fault_t fault;
    err_t err = run_decode(m->as.proof.run, &run, &fault);
    if (!err) {
        err = apply_run(core, &run, session, effects);
        run_clear(&run);
    }
    if (err && err != ERR_STALE)
        core_count(core, err, core_code(core, &session->peer->origin));
}

typedef void (*message_fn)(core_t *core, session_t *session, const message_t *message,
                           effects_t *effects);
typedef struct {
    message_fn fn;
    bool greeting; // belongs before the session is ready
} message_row_t;

static const message_row_t rows[MSG_TYPE_END] = {
    [MSG_HELLO] = {greeting_on_hello, true},
    [MSG_WELCOME] = {greeting_on_welcome, true},
    [MSG_ROSTERS] = {greeting_on_rosters, false},
    [MSG_CARDS] = {greeting_on_cards, false},
    [MSG_WANT_CARDS] = {greeting_on_want_cards, false},
    [MSG_HEADS] = {heads_on_heads, false},
    [MSG_FETCH] = {serve_on_fetch, false},
    [MSG_END_FETCH] = {serve_on_end_fetch, false},
    [MSG_RUN_PART] = {follow_on_part, false},
    [MSG_ACK] = {on_ack, false},
    [MSG_NOPE] = {follow_on_nope, false},
    [MSG_FETCH_PAYLOAD] = {payload_on_fetch, false},
    [MSG_PAYLOAD_FOUND] = {payload_on_found, false},
    [MSG_PROOF] = {on_proof, false},
    [MSG_BEACONS] = {beacon_on_beacons, false},
    [MSG_PING] = {on_ping, false},
    [MSG_PONG] = {on_pong, false},
    [MSG_BYE] = {on_bye, true},
};

void session_message(core_t *core, const event_t *event, effects_t *effects)
{
    const message_t *message = event->as.message;
    session_t *session = session_find(core, event->link);
    if (!session || message->type >= MSG_TYPE_END || !rows[message->type].fn) {
        core_count(core, ERR_UNEXPECTED, "link");
        return;
    }
    const message_row_t *row = &rows[message->type];
    if (!row->greeting && session->state != SESSION_READY) {
        session_close(core, session, ERR_NO_HELLO, effects);
        return;
    }
    // What a reconnecting socket still had queued for the session before.
    if (!row->greeting &&
        memcmp(message->session.bytes, session->id.bytes, sizeof session->id.bytes) != 0) {
        core_count(core, ERR_WRONG_SESSION, core_code(core, &session->peer->origin));
        return;
    }
    session->heard_ms = core->now_ms;
    session->bytes_in += event->bytes;
    row->fn(core, session, message, effects);
}

// ---- time ----

static bool timed_out(const core_t *core, const session_t *session, err_t *reason)
{
    if (session->state == SESSION_GREETING) {
        *reason = ERR_NO_HELLO;
        return core->now_ms - session->since_ms > GREETING_TIMEOUT_MS;
    }
    *reason = ERR_SILENT;
    return core->now_ms - session->heard_ms > SILENCE_MS;
}

// A peer whose key is no longer a member's newest is cut at the next tick.
static bool revoked(const core_t *core, const session_t *session)
{
    return !identity_holds(core, session->peer, &session->key);
}

static void ping(core_t *core, session_t *session, effects_t *effects)
{
    message_t message = {.type = MSG_PING};
    bool quiet =
        core->now_ms - session->sent_ms >= PING_MS || core->now_ms - session->heard_ms >= PING_MS;
    if (session->ping_token || !quiet)
        return;
    core_random(core, &session->ping_token, sizeof session->ping_token);
    session->ping_token |= 1; // 0 means that none is out
    session->ping_ms = core->now_ms;
    message.as.ping.token = session->ping_token;
    session_send(core, session, &message, effects);
}

void session_tick(core_t *core, effects_t *effects)
{
    err_t again = core->now_ms >= core->disk_retry_ms ? core->greet_again : ERR_OK;
    if (again)
        core->greet_again = ERR_OK;
    // Backwards: closing takes the last one's place.
    for (size_t i = core->session_count; i-- > 0;) {
        session_t *session = core->sessions[i];
        err_t reason;
        if (timed_out(core, session, &reason))
            session_close(core, session, reason, effects);
        else if (again)
            session_close(core, session, again, effects);
        else if (revoked(core, session))
            session_close(core, session, ERR_REVOKED, effects);
        else if (session->state == SESSION_READY)
            ping(core, session, effects);
    }
}

void session_stopping(core_t *core, const event_t *event, effects_t *effects)
{
    message_t bye = {.type = MSG_BYE};
    (void)event;
    bye.as.bye.reason = ERR_STOPPING;
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i]->state == SESSION_READY)
            session_send(core, core->sessions[i], &bye, effects);
}

bool session_may_ask(core_t *core, session_t *session)
{
    if (core->now_ms - session->asked_ms >= 1000) {
        session->asked_ms = core->now_ms;
        session->asked = 0;
    }
    if (++session->asked <= ASKS_MAX)
        return true;
    core_count(core, ERR_BUSY, core_code(core, &session->peer->origin));
    return false;
}
