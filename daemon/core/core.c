// The instance and its turns: one table from events to the files that handle them.
//
// I6: what speaks of a turn's changes, heads, runs and beacons, is sent from
// EVENT_COMMITTED on; EVENT_ROLLED_BACK puts back what the turn had moved.
#include "daemon/core/core.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// ---- life ----

static void load_feeds(core_t *core, const core_snapshot_t *snapshot)
{
    for (size_t i = 0; i < snapshot->feed_count; i++) {
        err_t err;
        core_feed_state_t *feed = feed_admit(core, &snapshot->feeds[i].head.feed, &err);
        if (!feed)
            continue;
        feed->head = snapshot->feeds[i].head;
        feed->time_ms = snapshot->feeds[i].time_ms;
        feed->stopped = snapshot->feeds[i].stopped;
        feed->stopped_ms = snapshot->feeds[i].stopped_ms;
        feed->proof = snapshot->feeds[i].proof;
    }
}

static void load_dials(core_t *core, const core_options_t *options)
{
    core->dial_count = options->dial_count;
    core->dials = mem_alloc_array(options->dial_count, sizeof *core->dials);
    for (size_t i = 0; i < options->dial_count; i++) {
        core->dials[i].config = options->dials[i];
        core->dials[i].config.endpoint = mem_copy_string(options->dials[i].endpoint);
        core->dials[i].since_ms = core->now_ms;
    }
}

// What the turn may be taken back to.
static void mark_turn(core_t *core)
{
    core->rosters_before = core->roster_count;
    for (size_t i = 0; i < core->identity_count && core->turn_membership; i++) {
        core->identities[i]->cards_before = core->identities[i]->card_count;
        beacon_destroy(&core->identities[i]->beacon_before);
    }
    core->turn_membership = core->turn_proofs = false;
    core->signing_before = NULL;
}

core_t *core_new(const core_options_t *options, const core_snapshot_t *snapshot, uint64_t now_ms,
                 uint64_t wall_ms)
{
    assert(snapshot->roster_count >= 1);
    core_t *core = mem_alloc(sizeof *core);
    core->options = *options;
    core->options.dials = NULL;
    core->options.boot_heads = NULL;
    core->options.boot_detail = NULL;
    core->now_ms = core->ticked_ms = now_ms;
    core->wall_ms = wall_ms;
    core->soon_ms = now_ms; // dial at once
    core->coalition = snapshot->rosters[0]->hash;
    membership_load(core, snapshot);
    core->self = identity_find(core, &options->self);
    assert(core->self && identity_newest(core->self));
    load_feeds(core, snapshot);
    load_dials(core, options);
    fence_load(core, options, snapshot);
    core->own_moves = 1;
    core->missing_hint = true;
    core->beacon_due = true;
    core->turn_membership = true; // all of it came with the snapshot
    mark_turn(core);
    return core;
}

static void session_destroy(session_t *session)
{
    buf_free(&session->parts);
    buf_free(&session->run);
    mem_free(session->feeds);
    mem_free(session->dirty);
    mem_free(session->serves);
    mem_free(session);
}

static void identity_destroy(identity_t *identity)
{
    for (size_t i = 0; i < identity->card_count; i++)
        card_destroy(&identity->cards[i]);
    mem_free(identity->blames);
    mem_free(identity->cards);
    mem_free(identity->told);
    beacon_destroy(&identity->beacon);
    beacon_destroy(&identity->beacon_before);
    mem_free(identity);
}

void core_destroy(core_t **core_pointer)
{
    core_t *core = *core_pointer;
    if (!core)
        return;
    for (size_t i = 0; i < core->session_count; i++)
        session_destroy(core->sessions[i]);
    for (size_t i = 0; i < core->feed_count; i++) {
        feed_drop_pending(core->feeds[i]);
        mem_free(core->feeds[i]);
    }
    for (size_t i = 0; i < core->identity_count; i++)
        identity_destroy(core->identities[i]);
    for (size_t i = 0; i < core->roster_count; i++)
        roster_destroy(&core->rosters[i]);
    for (size_t i = 0; i < core->dial_count; i++)
        mem_free((char *)(uintptr_t)core->dials[i].config.endpoint);
    fence_free(core);
    mem_free(core->sessions);
    mem_free(core->feeds);
    mem_free(core->sorted);
    mem_free(core->identities);
    mem_free(core->rosters);
    mem_free(core->dials);
    mem_free(core->counters);
    mem_free(core);
    *core_pointer = NULL;
}

// ---- events ----

static void on_tick(core_t *core, const event_t *event, effects_t *effects)
{
    (void)event;
    core->ticked_ms = core->now_ms;
    core->soon_ms = UINT64_MAX;
    dial_tick(core, effects);
    session_tick(core, effects);
    follow_tick(core, effects);
    payload_tick(core, effects);
    beacon_tick(core, effects);
    pulse_tick(core, effects);
    fence_tick(core, effects);
}

static void on_refused(core_t *core, const event_t *event, effects_t *effects)
{
    session_t *session = session_find(core, event->link);
    const char *what = event->as.refused.where ? event->as.refused.where : "";
    char where[96];
    // Who and what: a refusal that names no peer helps nobody.
    snprintf(where, sizeof where, "%s%s%s", session ? core_code(core, &session->peer->origin) : "",
             session ? " " : "", what);
    core_count(core, event->as.refused.reason, where);
    if (!event->as.refused.drop)
        return;
    if (session)
        session_end(core, session, SESSION_REFUSED, event->as.refused.reason, effects);
    else if (event->link)
        effects_add(effects, EFFECT_CLOSE)->link = event->link;
}

// The marker is to know; and where all is back, the fence may go.
static void own_moved(core_t *core)
{
    core->own_moves++;
    core_soon(core, core->now_ms);
}

// Durable: now others may hear of it.
static void on_committed(core_t *core, const event_t *event, effects_t *effects)
{
    (void)event;
    for (size_t i = 0; i < core->feed_count; i++)
        if (core->feeds[i]->touched) {
            if (core->feeds[i]->identity == core->self)
                own_moved(core);
            feed_committed(core->feeds[i]);
        }
    if (core->turn_membership)
        greeting_spread_membership(core, effects);
    fence_committed(core);
    own_turn_ends(core, true);
    mark_turn(core);
    beacon_flush(core, effects);
    heads_flush(core, effects);
    serve_flush(core, effects);
}

static void on_rolled_back(core_t *core, const event_t *event, effects_t *effects)
{
    core_count(core, event->as.rolled_back.reason, "store");
    core->disk_retry_ms = core->now_ms + DISK_RETRY_MS;
    for (size_t i = 0; i < core->feed_count; i++) {
        core_feed_state_t *feed = core->feeds[i];
        if (!feed->touched)
            continue;
        feed_rolled_back(feed);
        follow_end(core, feed, FOLLOW_TAKEN_BACK, effects);
        feed_drop_pending(feed);
        feed->follower.retry_ms = core->disk_retry_ms;
        feed->why = event->as.rolled_back.reason;
    }
    // Told once a session: what was lost of it is heard again in new ones.
    if (core->turn_membership || core->turn_proofs)
        core->greet_again = event->as.rolled_back.reason;
    core->missing_hint = true; // what this turn had filled in is missing again
    membership_rolled_back(core, effects);
    fence_rolled_back(core);
    own_turn_ends(core, false);
    if (core->signing_before)
        core->options.signing = core->signing_before;
    mark_turn(core);
}

typedef void (*handler_fn)(core_t *core, const event_t *event, effects_t *effects);
static const handler_fn handlers[EVENT_TYPE_END] = {
    [EVENT_TICK] = on_tick,
    [EVENT_DIALLED] = dial_answered,
    [EVENT_LINK_UP] = session_link_up,
    [EVENT_LINK_DOWN] = session_link_down,
    [EVENT_MESSAGE] = session_message,
    [EVENT_PUBLICATION] = follow_on_publication,
    [EVENT_REFUSED] = on_refused,
    [EVENT_APPEND] = own_append,
    [EVENT_COMMITTED] = on_committed,
    [EVENT_ROLLED_BACK] = on_rolled_back,
    [EVENT_RUN_READ] = serve_run_read,
    [EVENT_PAYLOAD_READ] = payload_read,
    [EVENT_PAYLOADS_MISSING] = payload_missing,
    [EVENT_STOPPING] = session_stopping,
    [EVENT_COMPARED] = proof_compared,
    [EVENT_PROOF_READ] = proof_read,
    [EVENT_ACCEPT] = fence_accept,
    [EVENT_EPOCH] = own_epoch,
    [EVENT_PREPARED] = part_prepared,
};

void core_step(core_t *core, const event_t *event, effects_t *effects)
{
    assert(event->type < EVENT_TYPE_END && handlers[event->type]);
    core->now_ms = event->now_ms;
    core->wall_ms = event->wall_ms;
    memcpy(core->seed, event->seed, sizeof core->seed);
    core->derived = 0;
    handlers[event->type](core, event, effects);
}

uint64_t core_wake_ms(const core_t *core)
{
    uint64_t tick = core->ticked_ms + TICK_MS;
    return core->soon_ms < tick ? core->soon_ms : tick;
}
