// Status: what the core, the store and the control edge know at this moment,
// answered in the loop. The reply borrows its texts from what it is made of.
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/control/parts.h"
#include "daemon/control/reply.h"
#include "lib/mem.h"

typedef Enlace__V1__StatusReply__Node node_line_t;
typedef Enlace__V1__StatusReply__Peer peer_line_t;
typedef Enlace__V1__StatusReply__FeedState feed_line_t;
typedef Enlace__V1__StatusReply__Counter counter_line_t;
typedef Enlace__V1__StatusReply__Search search_line_t;
typedef char next_text_t[512];

// Singular fields of these messages are optional: their has_ flag and value together.
#define SET(line, field, value) ((line)->has_##field = true, (line)->field = (value))

static char *name_of(err_t reason)
{
    return (char *)err_name(reason); // the encoder only reads
}

static char *borrow(const char *text)
{
    return text && text[0] ? (char *)text : NULL;
}

static void set_age(protobuf_c_boolean *has, uint64_t *to, uint64_t age_ms)
{
    *has = age_ms != AGE_NEVER;
    *to = *has ? age_ms : 0;
}

static void fill_store(node_line_t *node, const totals_t *totals, const char *dir)
{
    struct statvfs disk;
    if (statvfs(dir, &disk) == 0)
        SET(node, disk_free_bytes, (uint64_t)disk.f_bavail * (uint64_t)disk.f_frsize);
    SET(node, log_bytes, totals->log_bytes);
    SET(node, applied, totals->applied);
    SET(node, records, totals->records);
    SET(node, parked, totals->parked);
    SET(node, payloads_missing, totals->payloads_missing);
}

// What the operator does next, as a command where one helps.
static const char *next_of(const control_t *control, err_t reason, bool own, next_text_t text)
{
    switch (reason) {
    case ERR_RESTORED:
    case ERR_OWN_LATER_COMMIT:
        snprintf(text, sizeof(next_text_t), "enlace --dir %s origin recover", control->dir);
        return text;
    case ERR_FORK:
    case ERR_DIVERGED:
    case ERR_CONTESTED:
        if (own)
            snprintf(text, sizeof(next_text_t),
                     "enlace --dir %s epoch start --root KEY --cut LANE:here ...", control->dir);
        else
            snprintf(text, sizeof(next_text_t), "its operator decides, by: enlace epoch start");
        return text;
    case ERR_BEYOND_CUT:
        return "what is held beyond the cut stays, flagged: nothing is to be done";
    default:
        return NULL;
    }
}

static void fill_node(const control_t *control, status_t *status, const totals_t *totals,
                      node_line_t *node, next_text_t text)
{
    node->code = borrow(status->code.text);
    node->name = borrow(control->name);
    node->coalition = borrow(status->coalition_name);
    node->has_coalition_id = true;
    node->coalition_id = (ProtobufCBinaryData){HASH_SIZE, status->coalition.bytes};
    SET(node, roster_version, status->roster_version);
    SET(node, epoch, status->epoch);
    node->version = (char *)ENLACE_VERSION;
    SET(node, started_ms, control->started_ms);
    node->writing = name_of(status->writing);
    if (status->writing)
        SET(node, writing_since_ms, status->writing_since_ms);
    node->writing_detail = borrow(status->writing_detail);
    node->next = borrow(next_of(control, status->writing, true, text));
    SET(node, listening, control->listening);
    fill_store(node, totals, control->dir);
}

static void fill_peer(const peer_status_t *peer, peer_line_t *line)
{
    line->code = borrow(peer->code.text);
    line->state = borrow(peer->state);
    line->direction = borrow(peer->direction);
    line->endpoint = borrow(peer->endpoint);
    SET(line, since_ms, peer->since_ms);
    set_age(&line->has_heard_ms, &line->heard_ms, peer->heard_ms);
    line->why = peer->why ? name_of(peer->why) : NULL;
    set_age(&line->has_rtt_ms, &line->rtt_ms, peer->rtt_ms);
    SET(line, bytes_in, peer->bytes_in);
    SET(line, bytes_out, peer->bytes_out);
    SET(line, unacknowledged, peer->unacknowledged);
    SET(line, configured, peer->configured);
    SET(line, heads_heard, peer->heads_heard);
    set_age(&line->has_beacon_age_ms, &line->beacon_age_ms, peer->beacon_age_ms);
    SET(line, beacon_late, peer->beacon_late);
}

static void fill_stop(const control_t *control, const status_t *status, feed_status_t *feed,
                      feed_line_t *line, next_text_t text)
{
    bool own = strcmp(feed->code.text, status->code.text) == 0;
    if (!feed->stopped_ms)
        return;
    SET(line, stopped_ms, feed->stopped_ms);
    line->next = borrow(next_of(control, feed->why, own, text));
    if (!feed->proof.number)
        return;
    SET(line, proof_number, feed->proof.number);
    SET(line, proof_ours, ((ProtobufCBinaryData){HASH_SIZE, feed->proof.ours.bytes}));
    SET(line, proof_theirs, ((ProtobufCBinaryData){HASH_SIZE, feed->proof.theirs.bytes}));
    line->proof_source = borrow(feed->proof.source);
}

static void fill_feed(const feed_status_t *feed, feed_line_t *line)
{
    line->node = borrow(feed->code.text);
    SET(line, epoch, feed->feed.epoch);
    SET(line, lane, feed->feed.lane);
    SET(line, number, feed->number);
    SET(line, known, feed->known);
    SET(line, known_signed, feed->known_signed);
    SET(line, behind_ms, feed->behind_ms);
    line->state = borrow(feed->state);
    line->why = feed->why ? name_of(feed->why) : NULL;
    line->source = borrow(feed->source.text);
}

// The core counts what it refused, the control edge what never became a request.
static size_t merge_counters(const control_t *control, const status_t *status,
                             counter_status_t *counters)
{
    size_t count = status->counter_count;
    for (size_t i = 0; i < count; i++)
        counters[i] = status->counters[i];
    for (size_t i = 0; i < control->tally_count; i++) {
        const tally_t *tally = &control->tallies[i];
        uint64_t age_ms = control->now_ms - tally->last_ms;
        size_t at = 0;
        while (at < count && counters[at].reason != tally->reason)
            at++;
        if (at == count)
            counters[count++] = (counter_status_t){.reason = tally->reason, .last_ms = AGE_NEVER};
        counters[at].count += tally->count;
        if (age_ms >= counters[at].last_ms)
            continue;
        counters[at].last_ms = age_ms;
        memcpy(counters[at].last_where, tally->where, sizeof counters[at].last_where);
    }
    return count;
}

static void fill_counter(const counter_status_t *counter, counter_line_t *line)
{
    line->reason = name_of(counter->reason);
    SET(line, count, counter->count);
    set_age(&line->has_last_ms, &line->last_ms, counter->last_ms);
    line->last_where = borrow(counter->last_where);
}

static void fill_search(const search_state_t *state, uint64_t applied, search_line_t *line)
{
    SET(line, fed, state->fed);
    SET(line, behind, applied > state->fed ? applied - state->fed : 0);
    SET(line, bytes, state->bytes);
    SET(line, made_anew, state->made_anew);
    SET(line, failures, state->failures);
    line->why = state->why ? name_of(state->why) : NULL;
    line->detail = borrow(state->detail);
}

// An array of initialised messages and the array of pointers that the encoder takes.
#define LINES(type, init_function, lines, pointers, count)                                         \
    type *lines = mem_alloc_array((count), sizeof(type));                                          \
    type **pointers = mem_alloc_array((count), sizeof(type *));                                    \
    for (size_t line_index = 0; line_index < (count); line_index++) {                              \
        init_function(&(lines)[line_index]);                                                       \
        (pointers)[line_index] = &(lines)[line_index];                                             \
    }

static buf_t make_reply(const control_t *control, uint64_t id, status_t *status,
                        const totals_t *totals)
{
    Enlace__V1__StatusReply reply = ENLACE__V1__STATUS_REPLY__INIT;
    node_line_t node = ENLACE__V1__STATUS_REPLY__NODE__INIT;
    counter_status_t *counters =
        mem_alloc_array(status->counter_count + control->tally_count, sizeof *counters);
    size_t counter_count = merge_counters(control, status, counters);
    LINES(peer_line_t, enlace__v1__status_reply__peer__init, peers, peer_list, status->peer_count)
    LINES(feed_line_t, enlace__v1__status_reply__feed_state__init, feeds, feed_list,
          status->feed_count)
    LINES(counter_line_t, enlace__v1__status_reply__counter__init, tallies, counter_list,
          counter_count)
    for (size_t i = 0; i < status->peer_count; i++)
        fill_peer(&status->peers[i], &peers[i]);
    next_text_t *texts = mem_alloc_array(status->feed_count + 1, sizeof *texts);
    for (size_t i = 0; i < status->feed_count; i++) {
        fill_feed(&status->feeds[i], &feeds[i]);
        fill_stop(control, status, &status->feeds[i], &feeds[i], texts[i]);
    }
    for (size_t i = 0; i < counter_count; i++)
        fill_counter(&counters[i], &tallies[i]);
    fill_node(control, status, totals, &node, texts[status->feed_count]);
    search_line_t search = ENLACE__V1__STATUS_REPLY__SEARCH__INIT;
    search_state_t state;
    if (control->search) {
        search_state(control->search, &state);
        fill_search(&state, totals->applied, &search);
        reply.search = &search;
    }
    reply.node = &node;
    reply.n_peers = status->peer_count;
    reply.peers = peer_list;
    reply.n_feeds = status->feed_count;
    reply.feeds = feed_list;
    reply.n_counters = counter_count;
    reply.counters = counter_list;
    reply.has_synced = true;
    reply.synced = status->synced;
    reply.n_missing = status->missing_count;
    reply.missing = status->missing;
    buf_t encoded = reply_status(id, &reply);
    void *const parts[] = {counters,  peers,   peer_list,    feeds,
                           feed_list, tallies, counter_list, texts};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        mem_free(parts[i]);
    return encoded;
}

void control_status(control_t *control, request_t *request)
{
    status_t status = {0};
    totals_t totals = {0};
    control->node.status(control->node.context, &status, &totals);
    buf_t reply = make_reply(control, request->id, &status, &totals);
    status_clear(&status);
    control_finish(control, request, &reply);
}
