// Heads and acknowledgements: what we hold durably, told to those who have to
// know, and what others say that they hold.
//
// I7: told is only what heads_flush sees after the turn, which is on disk. L1:
// whoever lacks something is told of it once a session at least, and follows.
#include "daemon/core/internal.h"

#include "lib/mem.h"

void heads_mark(session_t *session, const core_feed_state_t *feed)
{
    peer_feed_t *peer = session_feed(session, feed);
    if (peer->dirty)
        return;
    peer->dirty = true;
    mem_grow(&session->dirty, &session->dirty_capacity, session->dirty_count,
             sizeof *session->dirty);
    session->dirty[session->dirty_count++] = feed->index;
}

void heads_owe_ack(session_t *session, const core_feed_state_t *feed)
{
    session_feed(session, feed)->ack_due = true;
    heads_mark(session, feed);
}

// Our head moved. Its origin is told whoever brought it: that is how an author
// learns who has its changes.
void heads_changed(core_t *core, core_feed_state_t *feed)
{
    feed_note_lag(core, feed);
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->state != SESSION_READY)
            continue;
        if (session->peer == feed->identity)
            heads_owe_ack(session, feed);
        else
            heads_mark(session, feed);
    }
    serve_feed_moved(core, feed);
}

// ---- telling ----

typedef struct {
    size_t count;
    head_t items[MESSAGE_HEADS_MAX];
} head_list_t;

static void send_list(core_t *core, session_t *session, message_type_t type, head_list_t *list,
                      effects_t *effects)
{
    message_t message = {.type = type};
    message.as.heads.count = list->count;
    message.as.heads.items = list->items;
    if (type == MSG_ACK && session->credit_due) {
        message.as.heads.has_credit = true;
        message.as.heads.credit_limit = session->granted;
        session->credit_due = false;
    }
    session_send(core, session, &message, effects);
    list->count = 0;
}

static void put(core_t *core, session_t *session, message_type_t type, head_list_t *list,
                const head_t *head, effects_t *effects)
{
    if (list->count == MESSAGE_HEADS_MAX)
        send_list(core, session, type, list, effects);
    list->items[list->count++] = *head;
}

// Those whom we dial cannot subscribe to us: they are told at once, unless a
// standing fetch tells them anyway. Those who dial us subscribe; heads only
// close the gaps that publications leave. They wait: one that is there before its
// publication has the change fetched that is on its way.
static bool may_announce(const core_t *core, const session_t *session)
{
    return session->outbound || session->heads_owed ||
           (session->news_ms && core->now_ms >= session->news_ms + ANNOUNCE_MS);
}

static void wait_with_news(core_t *core, session_t *session)
{
    if (!session->dirty_count) {
        session->news_ms = 0;
        return;
    }
    if (!session->news_ms)
        session->news_ms = core->now_ms;
    core_soon(core, session->news_ms + ANNOUNCE_MS);
}

// What is owed as an acknowledgement goes before all news: what we hold of the
// peer's own feeds is what it has to hear first (L2).
static void flush_acks(core_t *core, session_t *session, head_list_t *list, effects_t *effects)
{
    size_t kept = 0;
    for (size_t i = 0; i < session->dirty_count; i++) {
        core_feed_state_t *feed = core->feeds[session->dirty[i]];
        peer_feed_t *peer = session_feed(session, feed);
        if (!peer->ack_due) {
            session->dirty[kept++] = feed->index;
            continue;
        }
        put(core, session, MSG_ACK, list, &feed->head, effects);
        peer->told = feed->head.number;
        peer->ack_due = peer->dirty = false;
    }
    session->dirty_count = kept;
    if (list->count || session->credit_due)
        send_list(core, session, MSG_ACK, list, effects);
}

static void flush_news(core_t *core, session_t *session, head_list_t *list, effects_t *effects)
{
    bool announce = may_announce(core, session);
    size_t kept = 0;
    for (size_t i = 0; i < session->dirty_count; i++) {
        core_feed_state_t *feed = core->feeds[session->dirty[i]];
        peer_feed_t *peer = session_feed(session, feed);
        bool due = feed->head.number > peer->held && feed->head.number > peer->told &&
                   !(session->outbound && serve_stands(session, feed));
        if (due && !announce) {
            session->dirty[kept++] = feed->index;
            continue;
        }
        if (due) {
            put(core, session, MSG_HEADS, list, &feed->head, effects);
            peer->told = feed->head.number;
        }
        peer->dirty = false;
    }
    session->dirty_count = kept;
    if (list->count || session->heads_owed) {
        session->heads_owed = false;
        send_list(core, session, MSG_HEADS, list, effects);
    }
    wait_with_news(core, session);
}

void heads_flush(core_t *core, effects_t *effects)
{
    head_list_t list; // 32 KiB, once a turn: only the count is cleared
    list.count = 0;
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->state != SESSION_READY ||
            !(session->dirty_count || session->credit_due || session->heads_owed))
            continue;
        flush_acks(core, session, &list, effects);
        flush_news(core, session, &list, effects);
    }
}

// ---- hearing ----

void heads_claim(core_t *core, session_t *session, const head_t *head, effects_t *effects)
{
    err_t err;
    core_feed_state_t *feed = feed_admit(core, &head->feed, &err);
    if (!feed) {
        const identity_t *identity = identity_find(core, &head->feed.origin);
        core_count(core, err, core_code(core, &session->peer->origin));
        if (identity == core->self && head->number)
            session->told_odd = true; // it knows more of us than we do
        if (err == ERR_WRONG_EPOCH && identity)
            greeting_want_cards(core, session, identity, effects);
        return;
    }
    peer_feed_t *peer = session_feed(session, feed);
    if (head->number > peer->held) {
        // A proof that was told before the peer had come so far it could not judge.
        if (session->heads_heard && peer->held < feed->proof.number &&
            head->number >= feed->proof.number)
            proof_tell(session, feed, effects);
        peer->held = head->number;
    }
    if (feed->identity == core->self)
        fence_hear(core, session->peer, head);
    if (peer->held <= feed->head.number) {
        // One number, two hashes: two chains. Whose doing that is, the proof says.
        if (head->number == feed->head.number && head->number && !feed->stopped &&
            !hash_equal(&head->hash, &feed->head.hash))
            follow_probe(core, session, &feed->head, effects);
        return; // most of what a greeting brings
    }
    feed_note_lag(core, feed);
    follow_plan(core, feed, effects);
}

// The greeting ends with heads. A roster that came in it before a card that it, or a
// vote on it, needs is not told again: a new greeting, with that card, brings it.
static bool greets_anew(const core_t *core, const session_t *session)
{
    return !session->heads_heard && session->cards_taken &&
           session->peer_roster > core_roster(core)->version;
}

void heads_on_heads(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    if (m->type == MSG_HEADS && greets_anew(core, session)) {
        session_close(core, session,
                      session->lacks_cards ? session->lacks_cards : ERR_TOO_FEW_SIGNATURES,
                      effects);
        return;
    }
    for (size_t i = 0; i < m->as.heads.count; i++)
        heads_claim(core, session, &m->as.heads.items[i], effects);
    if (m->type != MSG_HEADS)
        return;
    // What it holds of our own feeds has come before the end of this one.
    if (!session->heads_heard && !session->told_odd)
        fence_answered(core, session->peer);
    session->heads_heard = true;
    fence_consider(core, effects);
}
