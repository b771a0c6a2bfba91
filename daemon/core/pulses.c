// Pulses: where nothing has changed since its last beacon, a node says so in 50 bytes
// instead of naming all heads again. lib/beacon.h says why nobody else can.
//
// I7: "as before" is said only where the heads on disk are those of the beacon.
// I13: sequences and steps only rise. I15: a pulse goes on as it came. L5: who gives
// them is there.
// Whoever lacks the beacon that a pulse continues believes nothing and passes nothing on:
// that is counted (LACKS_BEACON), whether it is asked for or waits for the next pulse. It
// asks whoever gave it the pulse, once a second in a session at most. So none but a
// neighbour can make a node ask, and that one is all who is asked.
#include <assert.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// ---- passing on ----

// Those that wait, but for what came by `except`. Returns how many.
static size_t collect(const core_t *core, core_link_t except, pulse_t *pulses)
{
    size_t count = 0;
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *identity = core->identities[i];
        bool here = identity->pulse_due && identity->beacon && identity->beacon->step &&
                    roster_member(core_roster(core), &identity->origin);
        if (here && (!except || identity->pulse_from != except))
            pulses[count++] = pulse_newest(identity->beacon);
    }
    return count;
}

static size_t part_of(size_t count, size_t at)
{
    return count - at < MESSAGE_PULSES_MAX ? count - at : MESSAGE_PULSES_MAX;
}

static void publish(const pulse_t *pulses, size_t count, effects_t *effects)
{
    for (size_t at = 0; at < count; at += MESSAGE_PULSES_MAX) {
        signed_items_t part = {.pulse_count = part_of(count, at), .pulses = pulses + at};
        effects_add(effects, EFFECT_PUBLISH)->bytes = publication_of_beacons(&part);
    }
}

static void send(core_t *core, session_t *session, const pulse_t *pulses, size_t count,
                 effects_t *effects)
{
    for (size_t at = 0; at < count; at += MESSAGE_PULSES_MAX) {
        message_t message = {.type = MSG_BEACONS};
        message.as.signed_items.pulse_count = part_of(count, at);
        message.as.signed_items.pulses = pulses + at;
        session_send(core, session, &message, effects);
    }
}

// Those who dial us subscribe; those whom we dial are told on the link.
static void pass_on(core_t *core, effects_t *effects)
{
    pulse_t *pulses = mem_alloc_array(core->identity_count, sizeof *pulses);
    if (core->options.listening)
        publish(pulses, collect(core, 0, pulses), effects);
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->outbound && session->state == SESSION_READY)
            send(core, session, pulses, collect(core, session->link, pulses), effects);
    }
    for (size_t i = 0; i < core->identity_count; i++)
        core->identities[i]->pulse_due = false;
    core->pulses_ms = 0;
    mem_free(pulses);
}

void pulse_tick(core_t *core, effects_t *effects)
{
    if (core->pulses_ms && core->now_ms >= core->pulses_ms + PULSE_GATHER_MS)
        pass_on(core, effects);
}

// ---- our own ----

void pulse_begin(core_t *core, beacon_t *ours)
{
    core_random(core, core->beacon_top.bytes, sizeof core->beacon_top.bytes);
    ours->anchor = pulse_preimage(ours, &core->beacon_top, 0);
}

static bool same_heads(const head_t *a, size_t a_count, const head_t *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; i < a_count && same; i++)
        same = feed_equal(&a[i].feed, &b[i].feed) && a[i].number == b[i].number &&
               hash_equal(&a[i].hash, &b[i].hash);
    return same;
}

// One further than the last; a minute each since the beacon where the machine has slept,
// or was put back to an earlier minute while it ran: what it has given is given.
static uint64_t next_step(const core_t *core, const beacon_t *said)
{
    uint64_t minutes =
        core->wall_ms > said->sequence ? (core->wall_ms - said->sequence) / BEACON_IDLE_MS : 0;
    return minutes > said->step ? minutes : said->step + 1;
}

// A later sequence of our own that was heard meanwhile has taken the place of our beacon
// at others: we say all of it anew.
bool pulse_instead(core_t *core, const beacon_t *next, effects_t *effects)
{
    assert(core->own == OWN_DURABLE); // I7
    beacon_t *said = core->self->beacon;
    if (!said || said->card_number != next->card_number ||
        said->sequence != core->beacon_sequence ||
        !same_heads(said->own, said->own_count, next->own, next->own_count) ||
        !same_heads(said->held, said->held_count, next->held, next->held_count))
        return false;
    uint64_t step = next_step(core, said);
    if (step > PULSE_STEPS_MAX)
        return false;
    pulse_t pulse = {said->origin, said->sequence, (uint32_t)step,
                     pulse_preimage(said, &core->beacon_top, (uint32_t)step)};
    pulse_take(said, &pulse);
    core->self->pulse_due = true;
    core->self->pulse_from = 0;
    pass_on(core, effects);
    return true;
}

// ---- others' ----

typedef enum { PULSE_NEW, PULSE_OLD, PULSE_LACKS, PULSE_BAD } verdict_t;

// What is said in our own name under a sequence that we have not given yet: somebody
// else's word, or ours of before a restore. It is asked for, to be judged.
static verdict_t judge(core_t *core, const identity_t *identity, const pulse_t *pulse, err_t *err)
{
    const beacon_t *beacon = identity ? identity->beacon : NULL;
    *err = ERR_UNKNOWN_ORIGIN;
    if (!identity || !roster_member(core_roster(core), &pulse->origin))
        return PULSE_BAD;
    *err = ERR_LACKS_BEACON;
    if (identity == core->self)
        return pulse->sequence > core->beacon_sequence ? PULSE_LACKS : PULSE_OLD;
    if (!beacon || pulse->sequence > beacon->sequence)
        return PULSE_LACKS;
    if (pulse->sequence < beacon->sequence || pulse->step <= beacon->step)
        return PULSE_OLD;
    *err = ERR_BEYOND_CUT; // as in a beacon
    if (identity_card(identity, beacon->card_number) != identity_admitted(core, identity))
        return PULSE_BAD;
    *err = ERR_BAD_SIGNATURE;
    return pulse_holds(beacon, pulse) ? PULSE_NEW : PULSE_BAD;
}

static void take(core_t *core, const session_t *from, identity_t *identity, const pulse_t *pulse,
                 effects_t *effects)
{
    pulse_take(identity->beacon, pulse);
    identity->beacon_ms = core->now_ms;
    identity->pulse_due = true;
    identity->pulse_from = from->link;
    if (!core->pulses_ms)
        core->pulses_ms = core->now_ms;
    beacon_heard(core, identity, effects);
}

static void want(core_t *core, session_t *session, origin_t *origins, size_t count,
                 effects_t *effects)
{
    message_t message = {.type = MSG_WANT_BEACONS};
    if (!count || core->now_ms < session->wanted_ms + WANT_BEACONS_MS)
        return;
    session->wanted_ms = core->now_ms;
    message.as.want_beacons.count = count;
    message.as.want_beacons.origins = origins;
    session_send(core, session, &message, effects);
}

void pulse_take_all(core_t *core, session_t *from, const signed_items_t *beacons,
                    effects_t *effects)
{
    origin_t lacks[WANT_BEACONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < beacons->pulse_count; i++) {
        const pulse_t *pulse = &beacons->pulses[i];
        identity_t *identity = identity_find(core, &pulse->origin);
        err_t err;
        verdict_t verdict = judge(core, identity, pulse, &err);
        if (verdict == PULSE_NEW)
            take(core, from, identity, pulse, effects);
        else if (verdict != PULSE_OLD)
            core_count(core, err, core_code(core, &from->peer->origin));
        if (verdict == PULSE_LACKS && count < WANT_BEACONS_MAX)
            lacks[count++] = pulse->origin;
    }
    want(core, from, lacks, count, effects);
}
