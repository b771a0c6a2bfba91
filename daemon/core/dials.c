// Whom to dial and when: only what the configuration names, a fresh connection
// each time, waiting longer after each failure, with jitter of our own so that
// a hub that comes back is not stormed.
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// Whether the configuration may mean this member: by its code, or by what its card
// advertises, which more than one may.
bool dial_means(const core_t *core, const dial_t *dial, const identity_t *identity)
{
    const card_t *card = identity_newest(identity);
    if (!card || !roster_member(core_roster(core), &identity->origin))
        return false;
    if (dial->config.code[0])
        return strcmp(dial->config.code, core_code(core, &identity->origin)) == 0;
    for (size_t i = 0; i < card->endpoint_count; i++)
        if (strcmp(card->endpoints[i], dial->config.endpoint) == 0)
            return true;
    return false;
}

static const identity_t *nth_meant(const core_t *core, const dial_t *dial, size_t nth)
{
    const identity_t *meant = NULL;
    for (size_t i = 0; i < core->identity_count && !meant; i++) {
        const identity_t *identity = core->identities[i];
        if (identity != core->self && dial_means(core, dial, identity) && nth-- == 0)
            meant = identity;
    }
    return meant;
}

// L1: an address that several advertise is dialled with the key of each in turn, or one
// who claims another's would keep everybody from it.
static const card_t *resolve(const core_t *core, const dial_t *dial, err_t *err)
{
    size_t count = 0;
    while (nth_meant(core, dial, count))
        count++;
    *err = count                                ? ERR_OK
           : dial_means(core, dial, core->self) ? ERR_SELF
           : dial->config.code[0]               ? ERR_UNKNOWN_MEMBER
                                                : ERR_NO_ADDRESS;
    return count ? identity_newest(nth_meant(core, dial, dial->failures % count)) : NULL;
}

static uint64_t backoff(core_t *core, uint32_t failures)
{
    uint64_t wait = DIAL_FIRST_MS;
    uint32_t jitter;
    for (uint32_t i = 1; i < failures && wait < DIAL_MAX_MS; i++)
        wait *= 2;
    if (wait > DIAL_MAX_MS)
        wait = DIAL_MAX_MS;
    core_random(core, &jitter, sizeof jitter);
    return wait / 2 + jitter % (wait + 1); // half to one and a half
}

static void fail(core_t *core, dial_t *dial, err_t reason)
{
    // A peer that ends each session as soon as it is open is not stormed either.
    if (dial->up && core->now_ms - dial->since_ms >= DIAL_STEADY_MS)
        dial->failures = 0;
    dial->up = false;
    dial->link = 0;
    dial->failures++;
    dial->why = reason;
    dial->since_ms = core->now_ms;
    dial->next_ms = core->now_ms + backoff(core, dial->failures);
    core_soon(core, dial->next_ms);
}

void dial_tick(core_t *core, effects_t *effects)
{
    for (size_t i = 0; i < core->dial_count; i++) {
        dial_t *dial = &core->dials[i];
        bool connecting = dial->link && !session_find(core, dial->link);
        if (connecting && core->now_ms - dial->since_ms > GREETING_TIMEOUT_MS) {
            effects_add(effects, EFFECT_CLOSE)->link = dial->link;
            core_count(core, ERR_UNREACHABLE, dial->config.endpoint);
            fail(core, dial, ERR_UNREACHABLE);
        }
        if (dial->link)
            continue;
        if (dial->next_ms > core->now_ms) {
            core_soon(core, dial->next_ms);
            continue;
        }
        err_t err;
        const card_t *card = resolve(core, dial, &err);
        if (err) {
            core_count(core, err, dial->config.endpoint);
            fail(core, dial, err);
            continue;
        }
        effect_t *effect = effects_add(effects, EFFECT_DIAL);
        effect->dial = i;
        effect->text = mem_copy_string(dial->config.endpoint);
        effect->key = card->transport_key;
        dial->since_ms = core->now_ms;
        dial->next_ms = core->now_ms + GREETING_TIMEOUT_MS; // until EVENT_DIALLED says more
    }
}

void dial_answered(core_t *core, const event_t *event, effects_t *effects)
{
    (void)effects;
    dial_t *dial = &core->dials[event->as.dialled.dial];
    dial->link = event->link;
    if (!event->link) {
        core_count(core, event->as.dialled.reason, dial->config.endpoint);
        fail(core, dial, event->as.dialled.reason);
    }
}

void dial_lost(core_t *core, core_link_t link, err_t reason)
{
    for (size_t i = 0; i < core->dial_count; i++)
        if (core->dials[i].link == link && link)
            fail(core, &core->dials[i], reason);
}

void dial_ready(core_t *core, core_link_t link)
{
    for (size_t i = 0; i < core->dial_count; i++)
        if (core->dials[i].link == link && link) {
            core->dials[i].up = true;
            core->dials[i].why = ERR_OK;
            core->dials[i].ever = true;
            core->dials[i].since_ms = core->now_ms;
        }
}
