// A picture of the moment: peers, feeds, counters, and whether this node is in
// step with everything that it has heard of. L5: whose word is late is said here.
#include "daemon/core/status.h"

#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

// ---- peers ----

static const session_t *session_with(const core_t *core, const identity_t *identity)
{
    const session_t *found = NULL;
    for (size_t i = 0; i < core->session_count; i++) {
        const session_t *session = core->sessions[i];
        if (session->peer == identity && (!found || session->state == SESSION_READY))
            found = session;
    }
    return found;
}

static const dial_t *dial_to(const core_t *core, const identity_t *identity)
{
    for (size_t i = 0; i < core->dial_count; i++)
        if (dial_means(core, &core->dials[i], identity))
            return &core->dials[i];
    return NULL;
}

static uint64_t unacknowledged(const core_t *core, const session_t *session)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->feeds[i];
        uint64_t held = i < session->feed_capacity ? session->feeds[i].held : 0;
        if (feed->identity == core->self && feed->head.number > held)
            sum += feed->head.number - held;
    }
    return sum;
}

static void from_session(const core_t *core, uint64_t now_ms, const session_t *session,
                         peer_status_t *peer)
{
    peer->state = session->state == SESSION_READY ? "up" : "greeting";
    peer->direction = session->outbound ? "out" : "in";
    peer->since_ms = now_ms - session->since_ms;
    peer->heard_ms = now_ms - session->heard_ms;
    peer->rtt_ms = session->rtt_ms;
    peer->bytes_in = session->bytes_in;
    peer->bytes_out = session->bytes_out;
    peer->heads_heard = session->heads_heard;
    if (session->state == SESSION_READY)
        peer->unacknowledged = unacknowledged(core, session);
}

static void from_dial(uint64_t now_ms, const dial_t *dial, peer_status_t *peer)
{
    peer->configured = true;
    peer->endpoint = mem_copy_string(dial->config.endpoint);
    peer->why = dial->why;
    if (strcmp(peer->state, "never") != 0)
        return;
    peer->direction = "out";
    peer->state = dial->link ? "connecting" : dial->ever ? "down" : "waiting";
    peer->since_ms = now_ms - dial->since_ms;
}

static void fill_peers(const core_t *core, uint64_t now_ms, status_t *status)
{
    const roster_t *roster = core_roster(core);
    status->peers = mem_alloc_array(roster->member_count, sizeof *status->peers);
    for (size_t i = 0; i < roster->member_count; i++) {
        const identity_t *identity = identity_find(core, &roster->members[i].origin);
        if (identity == core->self)
            continue;
        peer_status_t *peer = &status->peers[status->peer_count++];
        *peer = (peer_status_t){.code = roster->members[i].code,
                                .state = "never",
                                .direction = "",
                                .heard_ms = AGE_NEVER,
                                .rtt_ms = AGE_NEVER,
                                .beacon_age_ms = AGE_NEVER};
        const session_t *session = session_with(core, identity);
        const dial_t *dial = dial_to(core, identity);
        if (session)
            from_session(core, now_ms, session, peer);
        if (dial)
            from_dial(now_ms, dial, peer);
        if (identity->beacon)
            peer->beacon_age_ms = now_ms - identity->beacon_ms;
        peer->beacon_late = identity->beacon_late;
    }
}

// ---- feeds ----

static const char *feed_state(const core_t *core, const core_feed_state_t *feed, uint64_t known)
{
    // What it holds beyond a cut is flagged for ever; nothing more is to come.
    if (feed->stopped)
        return feed->stopped == ERR_BEYOND_CUT ? "cut" : "stopped";
    if (feed->identity == core->self && fence_reason(core))
        return "fenced";
    if (known <= feed->head.number)
        return feed_fork_state(feed) == FORK_CONTESTED ? "contested" : "in-step";
    bool fetching =
        feed->follower.state == FOLLOW_FETCHING || feed->follower.state == FOLLOW_STREAMING;
    return fetching ? "fetching" : "behind";
}

static void fill_feeds(const core_t *core, uint64_t now_ms, status_t *status)
{
    status->feeds = mem_alloc_array(core->feed_count, sizeof *status->feeds);
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->sorted[i];
        feed_status_t *row = &status->feeds[status->feed_count];
        uint64_t known = feed_known(core, feed, &row->known_signed);
        if (!feed->head.number && !known)
            continue;
        status->feed_count++;
        code_parse(core_code(core, &feed->feed.origin), &row->code);
        row->feed = feed->feed;
        row->number = feed->head.number;
        row->known = known;
        row->behind_ms = feed->behind_since_ms ? now_ms - feed->behind_since_ms : 0;
        row->state = feed_state(core, feed, known);
        row->why = feed->stopped                             ? feed->stopped
                   : feed_fork_state(feed) == FORK_CONTESTED ? ERR_CONTESTED
                                                             : feed->why;
        row->stopped_ms = feed->stopped_ms;
        row->proof = feed->proof;
        const session_t *source =
            feed->follower.state ? session_find(core, feed->follower.source) : NULL;
        if (source)
            code_parse(core_code(core, &source->peer->origin), &row->source);
    }
}

static void fill_counters(const core_t *core, uint64_t now_ms, status_t *status)
{
    status->counters = mem_alloc_array(core->counter_count, sizeof *status->counters);
    status->counter_count = core->counter_count;
    for (size_t i = 0; i < core->counter_count; i++) {
        counter_status_t *row = &status->counters[i];
        row->reason = core->counters[i].reason;
        row->count = core->counters[i].count;
        row->last_ms = now_ms - core->counters[i].last_ms;
        memcpy(row->last_where, core->counters[i].where, sizeof row->last_where);
    }
}

// ---- in step? ----

static void miss(status_t *status, size_t *capacity, char *sentence)
{
    mem_grow(&status->missing, capacity, status->missing_count, sizeof *status->missing);
    status->missing[status->missing_count++] = sentence;
}

// Every peer that the configuration names has answered with its heads in this
// run; a node that dials nobody needs one member at least.
static void miss_peers(const core_t *core, status_t *status, size_t *capacity)
{
    bool any = false;
    for (size_t i = 0; i < status->peer_count; i++) {
        const peer_status_t *peer = &status->peers[i];
        any = any || peer->heads_heard;
        if (peer->configured && !peer->heads_heard)
            miss(status, capacity,
                 mem_format("%s at %s has not answered (%s)", peer->code.text, peer->endpoint,
                            err_name(peer->why)));
    }
    for (size_t i = 0; i < core->dial_count; i++) {
        bool named = false;
        for (size_t k = 0; k < core->identity_count && !named; k++)
            named = core->identities[k] != core->self &&
                    dial_means(core, &core->dials[i], core->identities[k]);
        if (!named)
            miss(status, capacity,
                 mem_format("%s is no member's address (%s)", core->dials[i].config.endpoint,
                            err_name(core->dials[i].why)));
    }
    if (!core->dial_count && !any && status->peer_count)
        miss(status, capacity, mem_format("no member has connected yet"));
}

static void miss_feeds(status_t *status, size_t *capacity)
{
    for (size_t i = 0; i < status->feed_count; i++) {
        const feed_status_t *feed = &status->feeds[i];
        bool waited_for =
            feed->why == ERR_CONTESTED && strcmp(feed->code.text, status->code.text) == 0;
        if (feed->known > feed->number || strcmp(feed->state, "stopped") == 0 || waited_for)
            miss(status, capacity,
                 mem_format("%s epoch %u lane %u: %llu of %llu held (%s, %s)", feed->code.text,
                            feed->feed.epoch, feed->feed.lane, (unsigned long long)feed->number,
                            (unsigned long long)feed->known, feed->state, err_name(feed->why)));
    }
}

static void miss_acks(status_t *status, size_t *capacity)
{
    for (size_t i = 0; i < status->peer_count; i++)
        if (status->peers[i].unacknowledged)
            miss(status, capacity,
                 mem_format("%s has not acknowledged %llu of this node's changes",
                            status->peers[i].code.text,
                            (unsigned long long)status->peers[i].unacknowledged));
}

// Held is not enough: what a change says has to be here too, to be shown.
static void miss_payloads(const core_t *core, status_t *status, size_t *capacity)
{
    if (core->missing_hint)
        miss(status, capacity,
             mem_format("the content of some changes has not arrived yet (%s)",
                        err_name(ERR_PAYLOAD_MISSING)));
}

static void fill_node(const core_t *core, status_t *status)
{
    code_parse(core_code(core, &core->self->origin), &status->code);
    status->coalition_name = mem_copy_string(core_roster(core)->name);
    status->coalition = core->coalition;
    status->roster_version = core_roster(core)->version;
    status->epoch = identity_newest(core->self)->epoch;
    status->writing = fence_reason(core);
    status->writing_since_ms = core->fence.since_ms;
    memcpy(status->writing_detail, core->fence.detail, sizeof status->writing_detail);
}

void core_status(const core_t *core, uint64_t now_ms, status_t *status)
{
    size_t capacity = 0;
    *status = (status_t){0};
    fill_node(core, status);
    fill_peers(core, now_ms, status);
    fill_feeds(core, now_ms, status);
    fill_counters(core, now_ms, status);
    miss_peers(core, status, &capacity);
    miss_feeds(status, &capacity);
    miss_payloads(core, status, &capacity);
    miss_acks(status, &capacity);
    status->synced = status->missing_count == 0;
}

void status_clear(status_t *status)
{
    for (size_t i = 0; i < status->peer_count; i++)
        mem_free(status->peers[i].endpoint);
    for (size_t i = 0; i < status->missing_count; i++)
        mem_free(status->missing[i]);
    mem_free(status->coalition_name);
    mem_free(status->peers);
    mem_free(status->feeds);
    mem_free(status->counters);
    mem_free(status->missing);
    *status = (status_t){0};
}
