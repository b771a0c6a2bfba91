#include "client/status_print.h"

#include <string.h>

#include "client/pairs.h"
#include "client/table.h"
#include "client/text.h"
#include "client/when.h"
#include "lib/error.h"
#include "lib/ids.h"
#include "lib/mem.h"

typedef Enlace__V1__StatusReply__Node node_t;
typedef Enlace__V1__StatusReply__Peer peer_t;
typedef Enlace__V1__StatusReply__FeedState feed_state_t;
typedef Enlace__V1__StatusReply__Counter counter_t;

typedef struct {
    const char *word;
    style_t style;
} mood_t;

static style_t style_of(const mood_t *moods, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (word && strcmp(moods[i].word, word) == 0)
            return moods[i].style;
    return STYLE_NONE;
}

static style_t style_of_peer(const char *state)
{
    static const mood_t moods[] = {
        {"up", STYLE_GOOD},     {"connecting", STYLE_WARNING}, {"waiting", STYLE_WARNING},
        {"refused", STYLE_BAD}, {"down", STYLE_BAD},           {"never", STYLE_BAD},
    };
    return style_of(moods, sizeof moods / sizeof *moods, state);
}

static style_t style_of_feed(const char *state)
{
    static const mood_t moods[] = {
        {"in-step", STYLE_GOOD},      {"fetching", STYLE_WARNING}, {"behind", STYLE_WARNING},
        {"stopped", STYLE_BAD},       {"fenced", STYLE_BAD},       {"cut", STYLE_WARNING},
        {"contested", STYLE_WARNING},
    };
    return style_of(moods, sizeof moods / sizeof *moods, state);
}

// A reason by its name, with its text where it is one.
static char *reason_text(const char *name)
{
    err_t err = name ? err_by_name(name) : ERR_OK;
    if (!name || !*name)
        return mem_copy_string("");
    return err == ERR_INTERNAL ? mem_copy_string(name)
                               : mem_format("%s: %s", name, _(err_text(err)));
}

// ---- the node ----

static void add_numbers(pairs_t *pairs, const node_t *node)
{
    char size[WHEN_TEXT], free_room[WHEN_TEXT];
    char *line = mem_format(_("%llu records, %llu changes applied"),
                            (unsigned long long)node->records, (unsigned long long)node->applied);
    pairs_add(pairs, _("holds"), line, STYLE_NONE);
    mem_free(line);
    size_format(node->log_bytes, size);
    size_format(node->disk_free_bytes, free_room);
    line = mem_format(_("%s on disk, %s free"), size, free_room);
    if (node->has_log_bytes || node->has_disk_free_bytes)
        pairs_add(pairs, _("room"), line, STYLE_NONE);
    mem_free(line);
    if (!node->parked && !node->payloads_missing)
        return;
    line = mem_format(_("%llu changes parked, %llu contents missing"),
                      (unsigned long long)node->parked, (unsigned long long)node->payloads_missing);
    pairs_add(pairs, _("waiting"), line, STYLE_WARNING);
    mem_free(line);
}

static void add_writing(pairs_t *pairs, const node_t *node, uint64_t now_ms)
{
    char since[WHEN_TEXT] = "";
    if (!node->writing || strcmp(node->writing, "ok") == 0) {
        pairs_add(pairs, _("writing"), node->writing ? _("yes") : NULL, STYLE_GOOD);
        return;
    }
    if (node->has_writing_since_ms && node->writing_since_ms <= now_ms)
        when_duration(now_ms - node->writing_since_ms, since);
    char *reason = reason_text(node->writing);
    const char *detail = node->writing_detail ? node->writing_detail : "";
    char *line = mem_format("%s: %s%s%s%s%s%s", _("no"), reason, *detail ? ": " : "", detail,
                            *since ? " (" : "", since, *since ? ")" : "");
    pairs_add(pairs, _("writing"), line, STYLE_BAD);
    pairs_add(pairs, _("next"), node->next, STYLE_WARNING);
    mem_free(line);
    mem_free(reason);
}

static void add_coalition(pairs_t *pairs, const node_t *node)
{
    char id[17] = "";
    if (node->coalition_id.len >= 8)
        hex_format(node->coalition_id.data, 8, id);
    char *line = mem_format(_("%s (%s..., roster %u)"), node->coalition ? node->coalition : "?", id,
                            node->roster_version);
    pairs_add(pairs, _("coalition"), line, STYLE_NONE);
    mem_free(line);
}

static void add_synced(pairs_t *pairs, const Enlace__V1__StatusReply *status)
{
    pairs_add(pairs, _("in step"), status->synced ? _("yes") : _("no"),
              status->synced ? STYLE_GOOD : STYLE_WARNING);
    for (size_t i = 0; i < status->n_missing; i++)
        pairs_add(pairs, i ? "" : _("missing"), status->missing[i], STYLE_WARNING);
}

// How far search is behind, and why it does not go on.
static void add_search(pairs_t *pairs, const Enlace__V1__StatusReply__Search *search)
{
    char size[WHEN_TEXT];
    if (!search)
        return;
    size_format(search->bytes, size);
    char *reason = reason_text(search->why);
    const char *detail = search->detail ? search->detail : "";
    char *line = search->why      ? mem_format(_("%llu changes behind: %s%s%s%s"),
                                               (unsigned long long)search->behind, reason,
                                          *detail ? " (" : "", detail, *detail ? ")" : "")
                 : search->behind ? mem_format(_("%llu changes behind, %s on disk"),
                                               (unsigned long long)search->behind, size)
                                  : mem_format(_("in step, %s on disk"), size);
    pairs_add(pairs, _("search"), line, search->why ? STYLE_BAD : STYLE_NONE);
    mem_free(line);
    mem_free(reason);
}

static void print_node(FILE *out, const screen_t *screen, const Enlace__V1__StatusReply *status)
{
    const node_t *node = status->node;
    char up[WHEN_TEXT] = "";
    uint64_t now_ms = when_now_ms();
    pairs_t *pairs = pairs_new();
    if (node->started_ms && node->started_ms <= now_ms)
        when_duration(now_ms - node->started_ms, up);
    char *line = mem_format("%s  %s", node->code ? node->code : "?", node->name ? node->name : "");
    pairs_add(pairs, _("node"), line, STYLE_HEADING);
    mem_free(line);
    add_coalition(pairs, node);
    line = mem_format(_("enlaced %s for %s, epoch %u, %s"), node->version ? node->version : "?", up,
                      node->epoch, node->listening ? _("listening") : _("outbound only"));
    pairs_add(pairs, _("daemon"), line, STYLE_NONE);
    mem_free(line);
    add_writing(pairs, node, now_ms);
    add_numbers(pairs, node);
    add_search(pairs, status->search);
    add_synced(pairs, status);
    pairs_print(pairs, out, screen);
    pairs_destroy(&pairs);
}

// ---- tables ----

static void cell_duration(table_t *table, bool has, uint64_t ms)
{
    char text[WHEN_TEXT] = "";
    if (has)
        when_duration(ms, text);
    table_cell(table, text, STYLE_NONE);
}

static void cell_reason(table_t *table, const char *name)
{
    char *text = reason_text(name);
    table_cell(table, text, STYLE_NONE);
    mem_free(text);
}

static void cell_count(table_t *table, bool has, uint64_t number)
{
    if (has)
        table_cell_number(table, number);
    else
        table_cell(table, "", STYLE_NONE);
}

static void print_table(FILE *out, const screen_t *screen, const char *title, table_t **table)
{
    if (table_rows(*table)) {
        fprintf(out, "\n%s%s%s\n", screen_on(screen, STYLE_HEADING), title,
                screen_off(screen, STYLE_HEADING));
        table_print(*table, out, screen);
    }
    table_destroy(table);
}

// How old the member's newest signed word is, by whatever way it came. The
// daemon says when that is an alarm.
static void cell_last_word(table_t *table, const peer_t *peer)
{
    bool late = peer->has_beacon_late && peer->beacon_late;
    char text[WHEN_TEXT] = "";
    if (peer->has_beacon_age_ms)
        when_duration(peer->beacon_age_ms, text);
    table_cell(table, text[0] || !late ? text : _("never"), late ? STYLE_BAD : STYLE_NONE);
}

static void add_peer(table_t *table, const peer_t *peer)
{
    const char *direction = peer->direction ? peer->direction : "";
    // A member that is neither to be dialled nor has ever come is no trouble.
    bool idle = !peer->configured && peer->state && strcmp(peer->state, "never") == 0;
    table_cell(table, peer->code, STYLE_NONE);
    table_cell(table, peer->state, idle ? STYLE_FAINT : style_of_peer(peer->state));
    cell_duration(table, peer->has_since_ms && !idle, peer->since_ms);
    table_cell(table,
               strcmp(direction, "out") == 0  ? _("out")
               : strcmp(direction, "in") == 0 ? _("in")
                                              : direction,
               STYLE_NONE);
    cell_duration(table, peer->has_heard_ms, peer->heard_ms);
    cell_duration(table, peer->has_rtt_ms, peer->rtt_ms);
    cell_count(table, peer->has_unacknowledged && !idle, peer->unacknowledged);
    cell_last_word(table, peer);
    table_cell(table, peer->endpoint, STYLE_NONE);
    cell_reason(table, peer->why);
}

static void print_peers(FILE *out, const screen_t *screen, const Enlace__V1__StatusReply *status)
{
    table_t *table = table_new();
    table_column(table, _("peer"), COLUMN_WHOLE);
    table_column(table, _("state"), COLUMN_WHOLE);
    table_column(table, _("for"), COLUMN_RIGHT);
    table_column(table, _("way"), COLUMN_LEFT);
    table_column(table, _("heard"), COLUMN_RIGHT);
    table_column(table, _("round trip"), COLUMN_RIGHT);
    table_column(table, _("to take"), COLUMN_RIGHT);
    table_column(table, _("last word"), COLUMN_RIGHT);
    table_column(table, _("endpoint"), COLUMN_LEFT);
    table_column(table, _("why"), COLUMN_LEFT);
    for (size_t i = 0; i < status->n_peers; i++)
        add_peer(table, status->peers[i]);
    print_table(out, screen, _("Peers"), &table);
}

static void add_feed(table_t *table, const feed_state_t *feed)
{
    uint64_t behind = feed->known > feed->number ? feed->known - feed->number : 0;
    char *name = mem_format("%s.%u/%u", feed->node ? feed->node : "?", feed->epoch, feed->lane);
    table_cell(table, name, STYLE_NONE);
    mem_free(name);
    table_cell(table, feed->state, style_of_feed(feed->state));
    table_cell_number(table, feed->number);
    cell_count(table, feed->has_known, feed->known);
    cell_count(table, behind > 0, behind);
    cell_duration(table, feed->has_behind_ms && behind, feed->behind_ms);
    table_cell(table, feed->source, STYLE_NONE);
    cell_reason(table, feed->why);
}

static void print_feeds(FILE *out, const screen_t *screen, const Enlace__V1__StatusReply *status)
{
    table_t *table = table_new();
    table_column(table, _("feed"), COLUMN_WHOLE);
    table_column(table, _("state"), COLUMN_WHOLE);
    table_column(table, _("held"), COLUMN_RIGHT);
    table_column(table, _("known"), COLUMN_RIGHT);
    table_column(table, _("behind"), COLUMN_RIGHT);
    table_column(table, _("for"), COLUMN_RIGHT);
    table_column(table, _("from"), COLUMN_LEFT);
    table_column(table, _("why"), COLUMN_LEFT);
    for (size_t i = 0; i < status->n_feeds; i++)
        add_feed(table, status->feeds[i]);
    print_table(out, screen, _("Feeds"), &table);
}

// Of what does not advance: since when, by what proof, and what to do.
static void add_stop(table_t *table, const feed_state_t *feed)
{
    char since[WHEN_TEXT] = "", ours[17] = "", theirs[17] = "";
    char *name = mem_format("%s.%u/%u", feed->node ? feed->node : "?", feed->epoch, feed->lane);
    when_format(feed->stopped_ms, since);
    if (feed->proof_ours.len >= 8)
        hex_format(feed->proof_ours.data, 8, ours);
    if (feed->proof_theirs.len >= 8)
        hex_format(feed->proof_theirs.data, 8, theirs);
    table_cell(table, name, STYLE_NONE);
    table_cell(table, since, STYLE_NONE);
    cell_count(table, feed->has_proof_number, feed->proof_number);
    table_cell(table, ours, STYLE_NONE);
    table_cell(table, theirs, STYLE_NONE);
    table_cell(table, feed->proof_source, STYLE_NONE);
    table_cell(table, feed->next, STYLE_WARNING);
    mem_free(name);
}

static void print_stops(FILE *out, const screen_t *screen, const Enlace__V1__StatusReply *status)
{
    table_t *table = table_new();
    table_column(table, _("feed"), COLUMN_WHOLE);
    table_column(table, _("since"), COLUMN_WHOLE);
    table_column(table, _("at"), COLUMN_RIGHT);
    table_column(table, _("held"), COLUMN_LEFT);
    table_column(table, _("other"), COLUMN_LEFT);
    table_column(table, _("from"), COLUMN_LEFT);
    table_column(table, _("next"), COLUMN_LEFT);
    for (size_t i = 0; i < status->n_feeds; i++)
        if (status->feeds[i]->has_stopped_ms)
            add_stop(table, status->feeds[i]);
    print_table(out, screen, _("Forked or cut"), &table);
}

static void print_counters(FILE *out, const screen_t *screen, const Enlace__V1__StatusReply *status)
{
    table_t *table = table_new();
    table_column(table, _("reason"), COLUMN_LEFT);
    table_column(table, _("count"), COLUMN_RIGHT);
    table_column(table, _("last"), COLUMN_RIGHT);
    table_column(table, _("where"), COLUMN_LEFT);
    for (size_t i = 0; i < status->n_counters; i++) {
        const counter_t *counter = status->counters[i];
        cell_reason(table, counter->reason);
        table_cell_number(table, counter->count);
        cell_duration(table, counter->has_last_ms, counter->last_ms);
        table_cell(table, counter->last_where, STYLE_NONE);
    }
    print_table(out, screen, _("Refused or failed since the daemon started"), &table);
}

void status_print(FILE *out, const screen_t *screen, const Enlace__V1__StatusReply *status)
{
    if (status->node)
        print_node(out, screen, status);
    print_peers(out, screen, status);
    print_feeds(out, screen, status);
    print_stops(out, screen, status);
    print_counters(out, screen, status);
}
