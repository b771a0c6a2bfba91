// Beacons: each node's newest signed word, passed on as it came. They make
// withholding and silence visible.
//
// I7: ours says what is on disk, after the turn. I13: no sequence falls. I15:
// others' go on as the bytes that came.
// L5: who is connected to somebody hears of every member at least once a minute,
// whoever passes it on: by a beacon, or where nothing has changed since that by a
// pulse (pulses.c). Of whom nothing new has come for BEACON_LATE_MS is down
// or kept from us: counted once (NO_BEACON), logged, shown until its word comes.
#include <assert.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// ---- our own ----

static bool has_change(const core_feed_state_t *feed)
{
    return feed->head.number > 0;
}

static beacon_t *compose(core_t *core)
{
    assert(core->own == OWN_DURABLE); // I7
    beacon_t *beacon = mem_alloc(sizeof *beacon);
    beacon->origin = core->self->origin;
    beacon->coalition = core->coalition;
    beacon->card_number = identity_newest(core->self)->number;
    beacon->own = mem_alloc_array(core->feed_count, sizeof *beacon->own);
    beacon->held = mem_alloc_array(core->feed_count, sizeof *beacon->held);
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->sorted[i];
        if (!has_change(feed))
            continue;
        if (feed->identity == core->self)
            beacon->own[beacon->own_count++] = feed->head;
        else
            beacon->held[beacon->held_count++] = feed->head;
    }
    beacon_leave_out(beacon);
    return beacon;
}

// Takes *beacon over.
static void speak(core_t *core, beacon_t *beacon)
{
    core->beacon_sequence =
        core->wall_ms > core->beacon_sequence ? core->wall_ms : core->beacon_sequence + 1;
    beacon->sequence = core->beacon_sequence;
    pulse_begin(core, beacon);
    beacon_sign(beacon, core->options.signing);
    beacon_destroy(&core->self->beacon);
    core->self->beacon = beacon;
}

// Those who dial us subscribe; those whom we dial are told on the link.
static void spread(core_t *core, const beacon_t *beacon, const session_t *except,
                   effects_t *effects)
{
    message_t message = {.type = MSG_BEACONS};
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&beacon->signed_form);
    if (core->options.listening)
        effects_add(effects, EFFECT_PUBLISH)->bytes =
            publication_of_beacon(buf_span(&beacon->signed_form));
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->outbound && session->state == SESSION_READY && session != except)
            session_send(core, session, &message, effects);
    }
}

// L7: whoever signs beacons without end does not fill others' lines, too. Beyond so many
// in a second the newest goes out when the next one has begun.
static void relay(core_t *core, identity_t *identity, const session_t *except, effects_t *effects)
{
    if (core->now_ms >= identity->relays_ms + TICK_MS) {
        identity->relays_ms = core->now_ms;
        identity->relays = 0;
    }
    identity->relay_due = identity->relays >= BEACON_RELAYS_MAX;
    if (identity->relay_due) {
        core_soon(core, identity->relays_ms + TICK_MS);
        return;
    }
    identity->relays++;
    spread(core, identity->beacon, except, effects);
}

// After the turn: what a beacon says is signed, and must be on disk.
void beacon_flush(core_t *core, effects_t *effects)
{
    uint64_t wait = core->beacon_due ? BEACON_MIN_MS : BEACON_IDLE_MS;
    if (core->beacon_ms && core->now_ms < core->beacon_ms + wait)
        return;
    if (!own_key_counts(core))
        return; // nobody would believe it
    beacon_t *next = compose(core);
    core->self->beacon_ms = core->beacon_ms = core->now_ms;
    core->beacon_due = false;
    if (pulse_instead(core, next, effects)) {
        beacon_destroy(&next);
        return;
    }
    speak(core, next);
    spread(core, core->self->beacon, NULL, effects);
}

// The beacon as it came, and the newest pulse that continues it.
static void tell(core_t *core, session_t *session, const beacon_t *beacon, effects_t *effects)
{
    message_t message = {.type = MSG_BEACONS};
    pulse_t pulse = pulse_newest(beacon);
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&beacon->signed_form);
    message.as.signed_items.pulse_count = pulse.step ? 1 : 0;
    message.as.signed_items.pulses = &pulse;
    session_send(core, session, &message, effects);
}

static bool may_tell(const core_t *core, const identity_t *identity)
{
    return identity && identity->beacon && roster_member(core_roster(core), &identity->origin);
}

// All that we hold, the peer's own among them: a node whose clock was set back
// learns so how far its sequence has come.
void beacon_greet(core_t *core, session_t *session, effects_t *effects)
{
    for (size_t i = 0; i < core->identity_count; i++)
        if (may_tell(core, core->identities[i]))
            tell(core, session, core->identities[i]->beacon, effects);
}

void beacon_on_want(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    for (size_t i = 0; i < m->as.want_beacons.count && session_may_ask(core, session); i++) {
        const identity_t *identity = identity_find(core, &m->as.want_beacons.origins[i]);
        if (may_tell(core, identity))
            tell(core, session, identity->beacon, effects);
    }
}

// ---- others' ----

// Of our own word any counts that says more than we hold: the sequence of a
// restored node has gone on.
static bool is_old(const core_t *core, const identity_t *identity, const beacon_t *beacon)
{
    bool newer = !identity->beacon || beacon->sequence > identity->beacon->sequence;
    for (size_t i = 0; i < beacon->own_count && identity == core->self && !newer; i++) {
        const core_feed_state_t *feed = feed_lookup(core, &beacon->own[i].feed);
        newer = beacon->own[i].number > (feed ? feed->head.number : 0);
    }
    return !newer;
}

static err_t check(core_t *core, const beacon_t *beacon, identity_t **identity)
{
    *identity = identity_find(core, &beacon->origin);
    if (!hash_equal(&beacon->coalition, &core->coalition))
        return ERR_WRONG_COALITION;
    if (!*identity || !roster_member(core_roster(core), &beacon->origin))
        return ERR_UNKNOWN_ORIGIN;
    if (is_old(core, *identity, beacon))
        return ERR_STALE;
    if (*identity == core->self && beacon->card_number < core->self->card_count)
        return ERR_STALE; // of a key that we have replaced ourselves
    const card_t *card = identity_card(*identity, beacon->card_number);
    if (!card)
        return ERR_UNKNOWN_CARD;
    // A stolen key that was replaced says nothing about now.
    if (card != identity_admitted(core, *identity))
        return ERR_BEYOND_CUT;
    return beacon_signature_holds(beacon, &card->signing_key, &core->coalition) ? ERR_OK
                                                                                : ERR_BAD_SIGNATURE;
}

// The origin's signed heads say how far behind we are, whoever withholds, and
// even where nothing of the feed has come yet.
static void note_lag(core_t *core, const beacon_t *beacon)
{
    for (size_t i = 0; i < beacon->own_count; i++) {
        err_t err; // its card may still have to come: then it shows by the next beacon
        bool own = origin_equal(&beacon->own[i].feed.origin, &beacon->origin);
        core_feed_state_t *feed = own ? feed_admit(core, &beacon->own[i].feed, &err) : NULL;
        if (feed)
            feed_note_lag(core, feed);
    }
}

// What its author holds by its signed word, it holds for us, too: heads that it
// kept from a session, or that were kept from us on their way, are asked for.
static void take_as_claims(core_t *core, const identity_t *author, const beacon_t *beacon,
                           effects_t *effects)
{
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->peer != author || session->state != SESSION_READY)
            continue;
        for (size_t k = 0; k < beacon->own_count; k++)
            heads_claim(core, session, &beacon->own[k], effects);
        for (size_t k = 0; k < beacon->held_count; k++)
            heads_claim(core, session, &beacon->held[k], effects);
    }
}

void beacon_heard(core_t *core, identity_t *identity, effects_t *effects)
{
    note_lag(core, identity->beacon);
    take_as_claims(core, identity, identity->beacon, effects);
}

static void take(core_t *core, session_t *from, span_t signed_beacon, effects_t *effects)
{
    beacon_t *beacon = NULL;
    identity_t *identity = NULL;
    fault_t fault;
    err_t err = beacon_decode(signed_beacon, &beacon, &fault);
    if (!err)
        err = check(core, beacon, &identity);
    if (err || identity == core->self) {
        if (!err && beacon->sequence > core->beacon_sequence)
            core->beacon_sequence = beacon->sequence;
        if (!err)
            fence_own_word(core, beacon, effects);
        if (err && err != ERR_STALE)
            core_count(core, err, core_code(core, &from->peer->origin));
        beacon_destroy(&beacon);
        return;
    }
    beacon_destroy(&identity->beacon);
    identity->beacon = beacon;
    identity->beacon_ms = core->now_ms;
    identity->pulse_due = false; // of the one before
    relay(core, identity, from, effects);
    beacon_heard(core, identity, effects);
}

void beacon_take_all(core_t *core, session_t *from, const signed_items_t *beacons,
                     effects_t *effects)
{
    for (size_t i = 0; i < beacons->count; i++)
        take(core, from, beacons->items[i], effects);
    pulse_take_all(core, from, beacons, effects);
}

void beacon_on_beacons(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    beacon_take_all(core, session, &m->as.signed_items, effects);
}

// ---- the alarm ----

static bool in_session(const core_t *core)
{
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i]->state == SESSION_READY)
            return true;
    return false;
}

static void watch(core_t *core, identity_t *identity, effects_t *effects)
{
    uint64_t since_ms =
        identity->beacon_ms > core->connected_ms ? identity->beacon_ms : core->connected_ms;
    bool late = core->connected_ms && core->now_ms - since_ms > BEACON_LATE_MS;
    if (late && !identity->beacon_late) {
        const char *code = core_code(core, &identity->origin); // looks through all members
        core_count(core, ERR_NO_BEACON, code);
        core_log(effects, 4, "nothing newly signed by %s for %u s: it is down, or kept from us",
                 code, (unsigned)((core->now_ms - since_ms) / 1000));
    }
    identity->beacon_late = late;
}

void beacon_tick(core_t *core, effects_t *effects)
{
    const roster_t *roster = core_roster(core);
    if (!in_session(core))
        core->connected_ms = 0;
    else if (!core->connected_ms)
        core->connected_ms = core->now_ms;
    for (size_t i = 0; i < roster->member_count; i++) {
        identity_t *identity = identity_find(core, &roster->members[i].origin);
        if (identity == core->self)
            continue;
        if (identity->relay_due && identity->beacon)
            relay(core, identity, NULL, effects);
        watch(core, identity, effects);
    }
}
