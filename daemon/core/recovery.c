// The fence and this node's own feeds, for people and for the boot marker.
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// ---- what is waited for ----

static void say(buf_t *text, const char *code, const char *what)
{
    if (text->size)
        buf_append(text, span_text(", "));
    buf_append(text, span_text(code));
    buf_append(text, span_text(what));
}

char *fence_missing(const core_t *core)
{
    buf_t text = {0};
    for (size_t i = 0; i < core->dial_count; i++) {
        const identity_t *peer = fence_named(core, &core->dials[i]);
        if (!peer)
            say(&text, core->dials[i].config.endpoint, " is no member's address");
        else if (!peer->told_ms)
            say(&text, core_code(core, &peer->origin), " has not answered");
        else if (!fence_told_is_here(core, peer))
            say(&text, core_code(core, &peer->origin), " has more than is here");
    }
    if (!fence_floors_reached(core, false))
        say(&text, "", "changes that this node had written are not here");
    buf_append(&text, span_of("", 1));
    return (char *)text.data;
}

// ---- for the marker ----

uint64_t core_own_moves(const core_t *core)
{
    return core->own_moves;
}

size_t core_own_heads(const core_t *core, position_t **heads)
{
    size_t count = 0;
    *heads = mem_alloc_array(core->feed_count + core->fence.floor_count, sizeof **heads);
    for (size_t i = 0; i < core->fence.floor_count; i++)
        (*heads)[count++] = core->fence.floors[i].at;
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->feeds[i];
        if (feed->identity != core->self || !feed->head.number)
            continue;
        uint64_t number = feed->head.number;
        bool is_signed;
        if (fence_floor(core, &feed->feed, &is_signed) < number)
            (*heads)[count++] = (position_t){feed->feed.epoch, feed->feed.lane, number};
    }
    return count;
}

// ---- for the operator ----

const card_t *core_own_card(const core_t *core)
{
    return identity_newest(core->self);
}

size_t core_own_ends(const core_t *core, head_t **heads)
{
    size_t count = 0;
    *heads = mem_alloc_array(core->feed_count, sizeof **heads);
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->sorted[i];
        if (feed->identity == core->self && feed->head.number &&
            feed->feed.epoch == core_own_card(core)->epoch)
            (*heads)[count++] = feed->head;
    }
    return count;
}

static void fill_teller(const core_t *core, const identity_t *peer, teller_t *teller)
{
    code_parse(core_code(core, &peer->origin), &teller->code);
    teller->told_ms = peer->told_ms;
    teller->here = fence_told_is_here(core, peer);
    teller->told_count = peer->told_count;
    teller->told = mem_alloc_array(peer->told_count, sizeof *teller->told);
    if (peer->told_count)
        memcpy(teller->told, peer->told, peer->told_count * sizeof *teller->told);
}

static bool is_named(const core_t *core, const identity_t *peer)
{
    for (size_t i = 0; i < core->dial_count; i++)
        if (fence_named(core, &core->dials[i]) == peer)
            return true;
    return false;
}

// Whom the configuration names, in its order; then whoever else has answered.
static void fill_tellers(const core_t *core, recovery_t *recovery)
{
    recovery->tellers =
        mem_alloc_array(core->dial_count + core->identity_count, sizeof *recovery->tellers);
    for (size_t i = 0; i < core->dial_count; i++) {
        const dial_t *dial = &core->dials[i];
        const identity_t *peer = fence_named(core, dial);
        teller_t *teller = &recovery->tellers[recovery->teller_count++];
        teller->endpoint = mem_copy_string(dial->config.endpoint);
        teller->why = dial->why;
        if (peer)
            fill_teller(core, peer, teller);
    }
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *peer = core->identities[i];
        if (peer != core->self && peer->told_ms && !is_named(core, peer))
            fill_teller(core, peer, &recovery->tellers[recovery->teller_count++]);
    }
}

static void fill_own(const core_t *core, recovery_t *recovery)
{
    recovery->own = mem_alloc_array(core->feed_count, sizeof *recovery->own);
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->sorted[i];
        bool is_signed = false;
        uint64_t known = feed->identity == core->self ? feed_known(core, feed, &is_signed) : 0;
        if (!known)
            continue;
        recovery->own[recovery->own_count++] =
            (own_end_t){.held = {feed->feed.epoch, feed->feed.lane, feed->head.number},
                        .known = known,
                        .known_signed = is_signed};
    }
}

void core_recovery(const core_t *core, recovery_t *recovery)
{
    *recovery = (recovery_t){.fence = fence_reason(core),
                             .since_ms = core->fence.since_ms,
                             .accept = fence_may_accept(core),
                             .missing = fence_missing(core)};
    memcpy(recovery->detail, core->fence.detail, sizeof recovery->detail);
    fill_tellers(core, recovery);
    fill_own(core, recovery);
}

void recovery_clear(recovery_t *recovery)
{
    for (size_t i = 0; i < recovery->teller_count; i++) {
        mem_free(recovery->tellers[i].endpoint);
        mem_free(recovery->tellers[i].told);
    }
    mem_free(recovery->tellers);
    mem_free(recovery->own);
    mem_free(recovery->missing);
    *recovery = (recovery_t){0};
}
