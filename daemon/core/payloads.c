// Missing payloads: looked for, asked for elsewhere, never passed over (I2).
#include <string.h>

#include "daemon/core/internal.h"

enum { MISSING_BATCH = 32 };

void payload_tick(core_t *core, effects_t *effects)
{
    if (!core->missing_hint || core->now_ms < core->missing_ms)
        return;
    core->missing_ms = core->now_ms + MISSING_MS;
    effects_add(effects, EFFECT_FIND_MISSING)->limit = MISSING_BATCH;
}

// Any of those that hold the feed that far; another one each time, so that one
// that does not have it either is not asked for ever.
static session_t *holder(core_t *core, const core_feed_state_t *feed, uint64_t number)
{
    session_t *chosen = NULL;
    uint32_t seen = 0, die;
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        if (session->state != SESSION_READY || session_feed(session, feed)->held < number)
            continue;
        core_random(core, &die, sizeof die);
        if (die % ++seen == 0)
            chosen = session;
    }
    return chosen;
}

void payload_missing(core_t *core, const event_t *event, effects_t *effects)
{
    core->missing_hint = event->as.missing.count > 0 || event->as.missing.err;
    for (size_t i = 0; i < event->as.missing.count; i++) {
        const core_feed_state_t *feed = feed_lookup(core, &event->as.missing.feeds[i]);
        uint64_t number = event->as.missing.numbers[i];
        session_t *session = feed ? holder(core, feed, number) : NULL;
        if (!session)
            continue;
        message_t message = {.type = MSG_FETCH_PAYLOAD};
        message.as.payload.fetch = ++session->next_fetch;
        message.as.payload.feed = feed->feed;
        message.as.payload.number = number;
        session_send(core, session, &message, effects);
    }
}

static void refuse(core_t *core, session_t *session, uint32_t fetch, err_t reason,
                   effects_t *effects)
{
    message_t no = {.type = MSG_NOPE};
    no.as.nope.fetch = fetch;
    no.as.nope.reason = (uint32_t)reason;
    core_count(core, reason, core_code(core, &session->peer->origin));
    session_send(core, session, &no, effects);
}

void payload_on_fetch(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    const core_feed_state_t *feed = feed_lookup(core, &m->as.payload.feed);
    if (!session_may_ask(core, session))
        return;
    if (!feed || m->as.payload.number > feed->head.number) {
        refuse(core, session, m->as.payload.fetch, ERR_UNKNOWN_FEED, effects);
        return;
    }
    effect_t *effect = effects_add(effects, EFFECT_READ_PAYLOAD);
    effect->link = session->link;
    effect->fetch = m->as.payload.fetch;
    effect->feed = feed->feed;
    effect->number = m->as.payload.number;
}

// One that cannot be read is asked of others; here it is counted for what it is.
void payload_read(core_t *core, const event_t *event, effects_t *effects)
{
    session_t *session = session_find(core, event->link);
    err_t err = event->as.payload_read.err;
    message_t message = {.type = MSG_PAYLOAD_FOUND};
    if (err)
        core_count(core, err, core_code(core, &event->as.payload_read.feed.origin));
    if (!session || session->state != SESSION_READY)
        return;
    message.as.payload.fetch = event->as.payload_read.fetch;
    message.as.payload.feed = event->as.payload_read.feed;
    message.as.payload.number = event->as.payload_read.number;
    message.as.payload.state = err ? PAYLOAD_MISSING : event->as.payload_read.state;
    if (message.as.payload.state == PAYLOAD_PRESENT) {
        memcpy(message.as.payload.salt, event->as.payload_read.salt, SALT_SIZE);
        message.as.payload.body = event->as.payload_read.body;
    }
    session_send(core, session, &message, effects);
}

// The store holds the commitment and checks it: what does not match is refused
// there and comes back as EVENT_REFUSED.
void payload_on_found(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    const core_feed_state_t *feed = feed_lookup(core, &m->as.payload.feed);
    if (!feed || m->as.payload.number > feed->head.number) {
        core_count(core, ERR_UNEXPECTED, core_code(core, &session->peer->origin));
        return;
    }
    if (m->as.payload.state != PAYLOAD_PRESENT) {
        core_count(core, ERR_PAYLOAD_MISSING, core_code(core, &session->peer->origin));
        return;
    }
    // It may have been the last: look again soon. Never later than without it, or
    // whoever went on bringing some would keep us from looking.
    if (core->missing_ms > core->now_ms + MISSING_SOON_MS)
        core->missing_ms = core->now_ms + MISSING_SOON_MS;
    core_soon(core, core->missing_ms);
    effect_t *effect = effects_add(effects, EFFECT_FILL_PAYLOAD);
    effect->link = session->link;
    effect->feed = feed->feed;
    effect->number = m->as.payload.number;
    memcpy(effect->salt, m->as.payload.salt, SALT_SIZE);
    effect->bytes = buf_copy(m->as.payload.body);
}
