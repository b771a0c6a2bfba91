// Sessions: one a link, from the connection to its loss. What may happen to one
// is the first table, what comes in on it is dispatched by the second.
//
// I11: whatever is not of this session is dropped before anything looks at it.
#include "daemon/core/internal.h"

#include <assert.h>

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"

// ---- the machine ----

static const char *const session_states[SESSION_STATES] = {
    [SESSION_NONE] = "none",
    [SESSION_HELLO_SENT] = "hello-sent",
    [SESSION_HELLO_AWAITED] = "hello-awaited",
    [SESSION_READY] = "ready",
};

static const char *const session_events[SESSION_EVENTS] = {
    [SESSION_DIALLED] = "connection dialled",
    [SESSION_ACCEPTED] = "connection accepted",
    [SESSION_STRANGER] = "connection of no other member",
    [SESSION_HELLO] = "Hello that holds",
    [SESSION_WELCOME] = "Welcome that holds",
    [SESSION_MESSAGE] = "message in its place",
    [SESSION_LEFT_OVER] = "message of another session",
    [SESSION_REFUSED] = "message refused",
    [SESSION_BYE] = "Bye",
    [SESSION_LATE] = "15 s without greeting",
    [SESSION_QUIET] = "15 s without sending or hearing",
    [SESSION_SILENT] = "30 s without hearing",
    [SESSION_REVOKED] = "key revoked",
    [SESSION_REPLACED] = "newer session accepted",
    [SESSION_TAKEN_BACK] = "roster, card or proof taken back",
    [SESSION_STOPPING] = "node stops",
    [SESSION_LOST] = "connection lost",
};

#define OPENS  "send Rosters, Cards, Beacons, Heads"
#define CLOSES "close"
#define LEAVES "Bye; close"

static const machine_row_t session_rows[] = {
    {SESSION_NONE, SESSION_DIALLED, SESSION_HELLO_SENT, "send Hello"},
    {SESSION_NONE, SESSION_ACCEPTED, SESSION_HELLO_AWAITED, "wait"},
    {SESSION_NONE, SESSION_STRANGER, SESSION_NONE, "count not-a-member or self; close"},

    {SESSION_HELLO_SENT, SESSION_WELCOME, SESSION_READY, OPENS},
    {SESSION_HELLO_SENT, SESSION_REFUSED, SESSION_NONE, CLOSES},
    {SESSION_HELLO_SENT, SESSION_BYE, SESSION_NONE, CLOSES},
    {SESSION_HELLO_SENT, SESSION_LATE, SESSION_NONE, "count no-hello; close"},
    {SESSION_HELLO_SENT, SESSION_REVOKED, SESSION_NONE, CLOSES},
    {SESSION_HELLO_SENT, SESSION_TAKEN_BACK, SESSION_NONE, CLOSES},
    {SESSION_HELLO_SENT, SESSION_LOST, SESSION_NONE, "dial again"},

    {SESSION_HELLO_AWAITED, SESSION_HELLO, SESSION_READY,
     "close older accepted sessions of the peer; send Welcome, Rosters, Cards, Beacons, Heads"},
    {SESSION_HELLO_AWAITED, SESSION_REFUSED, SESSION_NONE, CLOSES},
    {SESSION_HELLO_AWAITED, SESSION_BYE, SESSION_NONE, CLOSES},
    {SESSION_HELLO_AWAITED, SESSION_LATE, SESSION_NONE, "count no-hello; close"},
    {SESSION_HELLO_AWAITED, SESSION_REVOKED, SESSION_NONE, CLOSES},
    {SESSION_HELLO_AWAITED, SESSION_REPLACED, SESSION_NONE, CLOSES},
    {SESSION_HELLO_AWAITED, SESSION_TAKEN_BACK, SESSION_NONE, CLOSES},
    {SESSION_HELLO_AWAITED, SESSION_LOST, SESSION_NONE, "forget"},

    {SESSION_READY, SESSION_MESSAGE, SESSION_READY, "take it"},
    {SESSION_READY, SESSION_LEFT_OVER, SESSION_READY, "count wrong-session; drop it"},
    {SESSION_READY, SESSION_REFUSED, SESSION_NONE, LEAVES},
    {SESSION_READY, SESSION_BYE, SESSION_NONE, "count what it says; close"},
    {SESSION_READY, SESSION_QUIET, SESSION_READY, "Ping, if none is out"},
    {SESSION_READY, SESSION_SILENT, SESSION_NONE, LEAVES},
    {SESSION_READY, SESSION_REVOKED, SESSION_NONE, LEAVES},
    {SESSION_READY, SESSION_REPLACED, SESSION_NONE, LEAVES},
    {SESSION_READY, SESSION_TAKEN_BACK, SESSION_NONE, LEAVES},
    {SESSION_READY, SESSION_STOPPING, SESSION_READY, "Bye"},
    {SESSION_READY, SESSION_LOST, SESSION_NONE, "leave it as a source; dial again if dialled"},
};

const machine_t session_machine = MACHINE("link", session_states, session_events, session_rows);

void session_move(session_t *session, session_event_t event)
{
    session->state = (session_state_t)machine_move(&session_machine, session->state, event);
}

// ---- sessions ----

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
        assert(machine_takes(&session_machine, SESSION_NONE, SESSION_STRANGER));
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
    session_move(session, session->outbound ? SESSION_DIALLED : SESSION_ACCEPTED);
    if (session->outbound)
        greeting_hello(core, session, effects);
}

static void session_remove(core_t *core, session_t *session, session_event_t event, err_t reason,
                           effects_t *effects)
{
    session_move(session, event);
    assert(session->state == SESSION_NONE);
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
        session_remove(core, session, SESSION_LOST, event->as.link_down.reason, effects);
    else
        dial_lost(core, event->link, event->as.link_down.reason);
}

void session_leave(core_t *core, session_t *session, session_event_t event, err_t reason,
                   effects_t *effects)
{
    core_count(core, reason, core_code(core, &session->peer->origin));
    session_end(core, session, event, reason, effects);
}

void session_close(core_t *core, session_t *session, err_t reason, effects_t *effects)
{
    session_leave(core, session, SESSION_REFUSED, reason, effects);
}

void session_end(core_t *core, session_t *session, session_event_t event, err_t reason,
                 effects_t *effects)
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
    session_remove(core, session, event, reason, effects);
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
    session_remove(core, session, SESSION_BYE, reason, effects);
}

static void on_ack(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    heads_on_heads(core, session, m, effects);
    if (m->as.heads.has_credit)
        serve_on_credit(core, session, m->as.heads.credit_limit, effects);
}

typedef void (*message_fn)(core_t *core, session_t *session, const message_t *message,
                           effects_t *effects);
typedef struct {
    message_fn fn;
    err_t refusal[SESSION_STATES]; // ERR_OK: taken in this state
} message_row_t;

#define ONCE_OPEN                                                                                  \
    {                                                                                              \
        [SESSION_HELLO_SENT] = ERR_NO_HELLO, [SESSION_HELLO_AWAITED] = ERR_NO_HELLO                \
    }

static const message_row_t rows[MSG_TYPE_END] = {
    [MSG_HELLO] = {greeting_on_hello,
                   {[SESSION_HELLO_SENT] = ERR_UNEXPECTED, [SESSION_READY] = ERR_UNEXPECTED}},
    [MSG_WELCOME] = {greeting_on_welcome,
                     {[SESSION_HELLO_AWAITED] = ERR_UNEXPECTED, [SESSION_READY] = ERR_UNEXPECTED}},
    [MSG_ROSTERS] = {greeting_on_rosters, ONCE_OPEN},
    [MSG_CARDS] = {greeting_on_cards, ONCE_OPEN},
    [MSG_WANT_CARDS] = {greeting_on_want_cards, ONCE_OPEN},
    [MSG_HEADS] = {heads_on_heads, ONCE_OPEN},
    [MSG_FETCH] = {serve_on_fetch, ONCE_OPEN},
    [MSG_END_FETCH] = {serve_on_end_fetch, ONCE_OPEN},
    [MSG_RUN_PART] = {part_on_part, ONCE_OPEN},
    [MSG_ACK] = {on_ack, ONCE_OPEN},
    [MSG_NOPE] = {part_on_nope, ONCE_OPEN},
    [MSG_FETCH_PAYLOAD] = {payload_on_fetch, ONCE_OPEN},
    [MSG_PAYLOAD_FOUND] = {payload_on_found, ONCE_OPEN},
    [MSG_PROOF] = {proof_on_proof, ONCE_OPEN},
    [MSG_BEACONS] = {beacon_on_beacons, ONCE_OPEN},
    [MSG_WANT_BEACONS] = {beacon_on_want, ONCE_OPEN},
    [MSG_PING] = {on_ping, ONCE_OPEN},
    [MSG_PONG] = {on_pong, ONCE_OPEN},
    [MSG_BYE] = {on_bye, {ERR_OK}},
};

err_t session_refusal(unsigned state, unsigned type)
{
    assert(state < SESSION_STATES && type < MSG_TYPE_END);
    return rows[type].fn ? rows[type].refusal[state] : ERR_UNKNOWN_MESSAGE;
}

// What a socket still had queued for the session before. Until a session is
// open there is none to tell it from.
static bool left_over(const session_t *session, const message_t *message)
{
    return session->state == SESSION_READY &&
           memcmp(message->session.bytes, session->id.bytes, sizeof session->id.bytes) != 0;
}

void session_message(core_t *core, const event_t *event, effects_t *effects)
{
    const message_t *message = event->as.message;
    session_t *session = session_find(core, event->link);
    if (!session) {
        core_count(core, ERR_UNEXPECTED, "link");
        return;
    }
    err_t refusal = session_refusal(session->state, message->type);
    if (refusal) {
        session_close(core, session, refusal, effects);
        return;
    }
    if (left_over(session, message)) {
        session_move(session, SESSION_LEFT_OVER);
        core_count(core, ERR_WRONG_SESSION, core_code(core, &session->peer->origin));
        return;
    }
    session->heard_ms = core->now_ms;
    session->bytes_in += event->bytes;
    // Its handler decides whether a greeting holds, and takes the Bye for the end.
    if (session->state == SESSION_READY && message->type != MSG_BYE)
        session_move(session, SESSION_MESSAGE);
    rows[message->type].fn(core, session, message, effects);
}

// ---- time ----

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
    session_move(session, SESSION_QUIET);
    core_random(core, &session->ping_token, sizeof session->ping_token);
    session->ping_token |= 1; // 0 means that none is out
    session->ping_ms = core->now_ms;
    message.as.ping.token = session->ping_token;
    session_send(core, session, &message, effects);
}

// Why a session ends now, SESSION_EVENTS: it doesn't. `again`: a turn with a
// roster, a card or a proof was taken back, ERR_OK: none was.
static session_event_t ends(const core_t *core, const session_t *session, err_t again,
                            err_t *reason)
{
    bool ready = session->state == SESSION_READY;
    bool late = !ready && core->now_ms - session->since_ms > GREETING_TIMEOUT_MS;
    bool silent = ready && core->now_ms - session->heard_ms > SILENCE_MS;
    *reason = late ? ERR_NO_HELLO : silent ? ERR_SILENT : again ? again : ERR_REVOKED;
    if (late)
        return SESSION_LATE;
    if (silent)
        return SESSION_SILENT;
    if (again)
        return SESSION_TAKEN_BACK;
    return revoked(core, session) ? SESSION_REVOKED : SESSION_EVENTS;
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
        session_event_t event = ends(core, session, again, &reason);
        if (event != SESSION_EVENTS) {
            session_leave(core, session, event, reason, effects);
        } else if (session->state == SESSION_READY) {
            proof_repay(core, session, effects);
            ping(core, session, effects);
        }
    }
}

void session_stopping(core_t *core, const event_t *event, effects_t *effects)
{
    message_t bye = {.type = MSG_BYE};
    (void)event;
    bye.as.bye.reason = ERR_STOPPING;
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->state != SESSION_READY)
            continue;
        session_move(session, SESSION_STOPPING);
        session_send(core, session, &bye, effects);
    }
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
