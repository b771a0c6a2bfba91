// Opening a session: Hello and Welcome, then what the other lacks of rosters and
// cards, beacons, heads — in the order in which catching up needs them.
//
// I11: the session's id comes from a nonce of either side, so that it is no
// other session's.
#include "daemon/core/internal.h"

#include <string.h>

#include "lib/mem.h"

enum { ITEMS_BYTES_MAX = 96 * 1024 }; // of rosters or cards in one message

// ---- what goes into both ----

static size_t card_numbers(const core_t *core, card_number_t **numbers)
{
    size_t count = 0;
    *numbers = mem_alloc_array(core->identity_count, sizeof **numbers);
    for (size_t i = 0; i < core->identity_count && count < HELLO_CARDS_MAX; i++)
        if (core->identities[i]->card_count)
            (*numbers)[count++] = (card_number_t){core->identities[i]->origin,
                                                  (uint32_t)core->identities[i]->card_count};
    return count;
}

static greeting_t greeting(const core_t *core, const session_t *session)
{
    greeting_t greeting = {.protocol_min = PROTOCOL_VERSION,
                           .protocol_max = PROTOCOL_VERSION,
                           .coalition = core->coalition,
                           .nonce = session->nonce,
                           .origin = core->self->origin,
                           .packings = PACKING_ZSTD,
                           .roster_version = core_roster(core)->version,
                           .roster_hash = core_roster(core)->hash};
    greeting.card_count = card_numbers(core, &greeting.cards);
    return greeting;
}

void greeting_hello(core_t *core, session_t *session, effects_t *effects)
{
    message_t message = {.type = MSG_HELLO};
    message.as.hello = greeting(core, session);
    session_send(core, session, &message, effects);
    mem_free(message.as.hello.cards);
}

// ---- membership that the other lacks ----

static void send_items(core_t *core, session_t *session, message_type_t type, buf_t *items,
                       size_t count, effects_t *effects)
{
    message_t message = {.type = type};
    for (size_t i = 0; i < count; i++)
        message.as.signed_items.items[i] = buf_span(&items[i]);
    message.as.signed_items.count = count;
    if (count)
        session_send(core, session, &message, effects);
    for (size_t i = 0; i < count; i++)
        buf_free(&items[i]);
}

// Collects encoded items and sends them whenever a message is full.
typedef struct {
    core_t *core;
    session_t *session;
    message_type_t type;
    effects_t *effects;
    buf_t items[MESSAGE_CARDS_MAX];
    size_t count, bytes;
} batch_t;

static void batch_flush(batch_t *batch)
{
    send_items(batch->core, batch->session, batch->type, batch->items, batch->count,
               batch->effects);
    batch->count = 0;
    batch->bytes = 0;
}

static void batch_add(batch_t *batch, buf_t item)
{
    if (batch->count == MESSAGE_CARDS_MAX || batch->bytes + item.size > ITEMS_BYTES_MAX)
        batch_flush(batch);
    batch->bytes += item.size;
    batch->items[batch->count++] = item;
}

static void send_rosters_after(core_t *core, session_t *session, uint32_t version,
                               effects_t *effects)
{
    batch_t batch = {.core = core, .session = session, .type = MSG_ROSTERS, .effects = effects};
    for (size_t i = version; i < core->roster_count; i++) {
        buf_t item = roster_encode(core->rosters[i]);
        if (item.size > LINK_ROSTER_MAX) {
            // It would end the session, and every one after it: this one goes on without.
            // Those after it would be refused where it lacks.
            core_count(core, ERR_TOO_BIG, "roster");
            core_log(effects, 3, "roster version %zu has %zu bytes: no link carries it", i + 1,
                     item.size);
            buf_free(&item);
            break;
        }
        batch_add(&batch, item);
    }
    batch_flush(&batch);
}

static uint32_t number_told(const greeting_t *told, const origin_t *origin)
{
    for (size_t i = 0; i < told->card_count; i++)
        if (origin_equal(&told->cards[i].origin, origin))
            return told->cards[i].number;
    return 0;
}

static void send_cards_after(core_t *core, session_t *session, const greeting_t *told,
                             effects_t *effects)
{
    batch_t batch = {.core = core, .session = session, .type = MSG_CARDS, .effects = effects};
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *identity = core->identities[i];
        for (size_t n = number_told(told, &identity->origin); n < identity->card_count; n++)
            batch_add(&batch, card_encode(identity->cards[n]));
    }
    batch_flush(&batch);
}

// The other way round: what the other has and we don't, it sends by the same rule.
static void ready(core_t *core, session_t *session, const greeting_t *told, effects_t *effects)
{
    session_move(session, session->outbound ? SESSION_WELCOME : SESSION_HELLO);
    session->since_ms = core->now_ms;
    session->peer_roster = told->roster_version;
    session->allowance = 0; // until its first fetch gives some
    session->granted = session->granted_ended = CREDIT_FIRST;
    session->renewed_ms = core->now_ms;
    packing_begin(session, told->packings);
    follow_recall_blame(core, session);
    fence_expect(core, session->peer);
    dial_ready(core, session->link);
    if (told->roster_version == core_roster(core)->version &&
        !hash_equal(&told->roster_hash, &core_roster(core)->hash))
        core_count(core, ERR_ROSTER_FORK, core_code(core, &session->peer->origin));
    core_log(effects, 6, "session with %s is open (%s)", core_code(core, &session->peer->origin),
             session->outbound ? "dialled" : "dialled by it");
    // A roster is voted for with the keys of cards, and admits cards in its turn:
    // whoever lacks rosters gets the cards on either side of them.
    if (told->roster_version < core_roster(core)->version)
        send_cards_after(core, session, told, effects);
    send_rosters_after(core, session, told->roster_version, effects);
    send_cards_after(core, session, told, effects);
    beacon_greet(core, session, effects);
    proof_greet(core, session, effects);
    // Its own feeds are acknowledged even where it knows their heads, and before our
    // first Heads: it has to hear how far others hold them (L2).
    for (size_t i = 0; i < core->feed_count; i++)
        if (core->feeds[i]->identity == session->peer && core->feeds[i]->head.number)
            heads_owe_ack(session, core->feeds[i]);
        else
            heads_mark(session, core->feeds[i]);
    session->heads_owed = true;
}

// ---- Hello and Welcome ----

// Who speaks is who the greeting says, if the connection's key is that member's.
static err_t check(const core_t *core, session_t *session, const greeting_t *greeting)
{
    identity_t *speaker = identity_find(core, &greeting->origin);
    if (!hash_equal(&greeting->coalition, &core->coalition))
        return ERR_WRONG_COALITION;
    if (greeting->protocol_min > PROTOCOL_VERSION || greeting->protocol_max < PROTOCOL_VERSION)
        return ERR_NO_COMMON_VERSION;
    if (!speaker || !identity_holds(core, speaker, &session->key))
        return ERR_NOT_A_MEMBER;
    session->peer = speaker;
    return speaker == core->self ? ERR_SELF : ERR_OK;
}

// A peer has one inbound session: the newest. The older one is a connection
// that it has lost and we have not noticed losing.
static void replace_older(core_t *core, const session_t *session, effects_t *effects)
{
    for (size_t i = core->session_count; i-- > 0;) {
        session_t *other = core->sessions[i];
        if (other != session && other->peer == session->peer && !other->outbound)
            session_leave(core, other, SESSION_REPLACED, ERR_REPLACED, effects);
    }
}

void greeting_on_hello(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    message_t welcome = {.type = MSG_WELCOME};
    err_t err = check(core, session, &m->as.hello);
    if (err) {
        session_close(core, session, err, effects);
        return;
    }
    replace_older(core, session, effects);
    session->id = session_id(&m->as.hello.nonce, &session->nonce);
    welcome.as.welcome = greeting(core, session);
    welcome.as.welcome.hello_nonce = m->as.hello.nonce;
    session_send(core, session, &welcome, effects);
    mem_free(welcome.as.welcome.cards);
    ready(core, session, &m->as.hello, effects);
}

void greeting_on_welcome(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    const greeting_t *welcome = &m->as.welcome;
    nonce_t id = session_id(&session->nonce, &welcome->nonce);
    bool ours = memcmp(welcome->hello_nonce.bytes, session->nonce.bytes, NONCE_SIZE) == 0 &&
                memcmp(m->session.bytes, id.bytes, NONCE_SIZE) == 0;
    err_t err = ours ? check(core, session, welcome) : ERR_WRONG_SESSION;
    if (err) {
        session_close(core, session, err, effects);
        return;
    }
    session->id = id;
    ready(core, session, welcome, effects);
}

// ---- rosters and cards that come ----

typedef err_t (*take_fn)(core_t *core, span_t bytes, effects_t *effects);

static bool take_all(core_t *core, session_t *session, const message_t *m, take_fn take,
                     effects_t *effects)
{
    bool any = false;
    for (size_t i = 0; i < m->as.signed_items.count; i++) {
        err_t err = take(core, m->as.signed_items.items[i], effects);
        any = any || !err;
        if (err == ERR_TOO_FEW_SIGNATURES || err == ERR_UNKNOWN_CARD)
            session->lacks_cards = err;
        if (err && err != ERR_STALE)
            core_count(core, err, core_code(core, &session->peer->origin));
    }
    return any;
}

void greeting_on_rosters(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    if (take_all(core, session, m, membership_add_roster, effects))
        follow_plan_all(core, effects);
}

// A roster that was refused for want of votes or cards is told again in a new
// greeting, now that there are more of these. In the greeting itself its end decides.
static void greet_lacking(core_t *core, effects_t *effects)
{
    for (size_t i = core->session_count; i-- > 0;)
        if (core->sessions[i]->lacks_cards && core->sessions[i]->heads_heard)
            session_close(core, core->sessions[i], core->sessions[i]->lacks_cards, effects);
}

void greeting_on_cards(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    if (!take_all(core, session, m, membership_add_card, effects))
        return;
    session->cards_taken = true;
    for (size_t i = 0; i < core->feed_count; i++)
        if (core->feeds[i]->why == ERR_UNKNOWN_CARD || core->feeds[i]->why == ERR_WRONG_EPOCH)
            session_feed(session, core->feeds[i])->blame.until_ms = 0; // it was early, not wrong
    follow_plan_all(core, effects);
    greet_lacking(core, effects);
}

void greeting_on_want_cards(core_t *core, session_t *session, const message_t *m,
                            effects_t *effects)
{
    batch_t batch = {.core = core, .session = session, .type = MSG_CARDS, .effects = effects};
    for (size_t i = 0; i < m->as.want_cards.count && session_may_ask(core, session); i++) {
        const identity_t *identity = identity_find(core, &m->as.want_cards.items[i].origin);
        size_t first = m->as.want_cards.items[i].number, last = first + WANTED_CARDS_MAX;
        for (size_t n = first; identity && n < identity->card_count && n < last; n++)
            batch_add(&batch, card_encode(identity->cards[n]));
    }
    batch_flush(&batch);
}

void greeting_want_cards(core_t *core, session_t *session, const identity_t *identity,
                         effects_t *effects)
{
    card_number_t wanted = {identity->origin, (uint32_t)identity->card_count};
    message_t message = {.type = MSG_WANT_CARDS};
    message.as.want_cards.count = 1;
    message.as.want_cards.items = &wanted;
    session_send(core, session, &message, effects);
}

static void send_new_cards(core_t *core, session_t *session, effects_t *effects)
{
    batch_t batch = {.core = core, .session = session, .type = MSG_CARDS, .effects = effects};
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *identity = core->identities[i];
        for (size_t n = identity->cards_before; n < identity->card_count; n++)
            batch_add(&batch, card_encode(identity->cards[n]));
    }
    batch_flush(&batch);
}

// A roster is voted for with the keys of cards, and admits cards in its turn: as in
// a greeting they go before it, and once more after it.
void greeting_spread_membership(core_t *core, effects_t *effects)
{
    bool rosters = core->roster_count > core->rosters_before;
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->state != SESSION_READY)
            continue;
        if (rosters)
            send_new_cards(core, session, effects);
        send_rosters_after(core, session, (uint32_t)core->rosters_before, effects);
        send_new_cards(core, session, effects);
    }
}
