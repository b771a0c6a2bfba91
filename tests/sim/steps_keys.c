// Steps: keys that were replaced and got into other hands, an owner that breaks its
// own rules, a second process at one database, a source that does not stop.
#include "daemon/core/internal.h"
#include "daemon/store/store.h"
#include "lib/mem.h"
#include "tests/sim/play.h"

// A change of `victim` after `after`, under one of its cards.
static commit_t *make(play_t *play, const head_t *after, uint32_t card_number, uint64_t time_ms,
                      const secret_t *signing)
{
    uint8_t seed[32];
    buf_t body = world_record("late", "nobody said this");
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&body)};
    dice_bytes(&play->dice, seed, sizeof seed);
    commit_t *commit =
        commit_author(&after->feed, after->number + 1, &after->hash, time_ms, card_number, &draft,
                      1, seed, signing, &world_roster(play->world)->hash);
    buf_free(&body);
    return commit;
}

// What the node knows of the victim is all there is to know: then it can tell.
static const identity_t *knows(const play_t *play, size_t node, size_t victim)
{
    const card_t *newest = world_card(play->world, victim);
    const identity_t *identity = play_is_up(play, node)
                                     ? identity_find(world_core(play->world, node), &newest->origin)
                                     : NULL;
    bool all = identity && identity->card_count == newest->number &&
               core_roster(world_core(play->world, node))->version == play->roster->version;
    return all ? identity : NULL;
}

// ---- the key of card 1, long replaced ----

// Whether a change after `after` under card 1 lies beyond what card 1 reaches.
static bool is_beyond(const play_t *play, const identity_t *identity, const head_t *after)
{
    const member_t *member = roster_member(play->roster, &identity->origin);
    if (after->feed.epoch != identity->cards[0]->epoch)
        return true;
    for (size_t i = 1; i < identity->card_count; i++)
        for (size_t k = 0; k < identity->cards[i]->cut_count; k++) {
            const cut_t *cut = &identity->cards[i]->cuts[k];
            if (cut->epoch == after->feed.epoch && cut->lane == after->feed.lane)
                return cut->number <= after->number;
        }
    return (member && member->min_card > 1) || identity_newest(identity)->epoch > after->feed.epoch;
}

bool step_old_key(play_t *play, const step_t *step)
{
    size_t peer, victim = step->peer;
    const identity_t *identity = knows(play, step->node, victim);
    feed_t feed = play_own_feed(play, victim, LANE_COALITION);
    if (!identity || victim == step->node || identity->card_count < 2 ||
        !play_peer_of(play, step->node, &peer))
        return false;
    if (dice_chance(&play->dice, 500))
        feed.epoch = identity->cards[0]->epoch;
    head_t after = play_head(play, step->node, &feed);
    if (!is_beyond(play, identity, &after)) {
        // In a lane that nobody has written to, and that no cut names.
        feed.lane = LANE_CONTROL;
        feed.epoch = identity->cards[0]->epoch;
        after = play_head(play, step->node, &feed);
    }
    if (!is_beyond(play, identity, &after))
        return false;
    secret_t *old = world_first_signing(play->world, victim);
    uint64_t time_ms = 1700000000000u + world_now(play->world) + dice_below(&play->dice, 1000000);
    commit_t *commit = make(play, &after, 1, time_ms, old);
    oracle_forged(play->oracle, commit);
    bool brought = play_bring(play, step->node, peer, commit);
    commit_destroy(&commit);
    secret_destroy(&old);
    return brought;
}

// ---- an origin whose time falls ----

bool step_backwards(play_t *play, const step_t *step)
{
    size_t peer, victim = step->peer;
    feed_t feed = play_own_feed(play, victim, LANE_COALITION);
    const identity_t *identity = knows(play, step->node, victim);
    if (!identity || victim == step->node || !play_peer_of(play, step->node, &peer))
        return false;
    const core_feed_state_t *state = feed_lookup(world_core(play->world, step->node), &feed);
    if (!state || state->stopped || state->time_ms == 0)
        return false;
    commit_t *commit =
        make(play, &state->head, world_card(play->world, victim)->number,
             dice_below(&play->dice, state->time_ms), world_signing(play->world, victim));
    bool brought = play_bring(play, step->node, peer, commit);
    commit_destroy(&commit);
    return brought;
}

// ---- a second process ----

// As when a daemon is started twice and the lock does not hold: another process
// writes the node's next change into its database. The first one writes on, from
// what it remembers; then both are ended.
bool step_twice_at_once(play_t *play, const step_t *step)
{
    size_t node = step->node;
    store_t *second = NULL;
    fault_t fault;
    if (!play_is_up(play, node) || play->damaged[node] || play->removed[node] ||
        core_writing(world_core(play->world, node), NULL))
        return false;
    feed_t feed = play_own_feed(play, node, LANE_COALITION);
    const core_feed_state_t *state = feed_lookup(world_core(play->world, node), &feed);
    if (!state || state->stopped ||
        store_open("node.db", disk_vfs_name(world_disk(play->world, node)), &second, &fault))
        return false;
    commit_t *commit = make(play, &state->head, world_card(play->world, node)->number,
                            state->time_ms + 1, world_signing(play->world, node));
    bool done =
        !store_append(second, commit, state->time_ms, &fault) && !store_commit(second, &fault);
    store_close(&second);
    if (done)
        oracle_wrote(play->oracle, commit);
    commit_destroy(&commit);
    if (done)
        play_note(play, "%s writes on: %s", world_code(play->world, node),
                  err_name(world_put(play->world, node, "second", "twice at once")));
    world_die(play->world, node, DEATH_KILL);
    world_start(play->world, node);
    return done;
}

// ---- a source that sends and sends ----

enum { FLOOD_PARTS = 400, FLOOD_MS = 25 };

static const core_feed_state_t *fetched(const core_t *core)
{
    for (size_t i = 0; i < core->feed_count; i++)
        if (core->feeds[i]->follower.state != FOLLOW_IDLE &&
            session_find(core, core->feeds[i]->follower.source))
            return core->feeds[i];
    return NULL;
}

static bool has_credit(const play_t *play, size_t node, core_link_t link, size_t size)
{
    const session_t *session = session_find(world_core(play->world, node), link);
    return session && session->received + size + 128 <= session->granted;
}

// Parts of one run without end: within its credit, or without a look at it.
bool step_flood(play_t *play, const step_t *step)
{
    static const uint8_t junk[8000];
    size_t node = step->node;
    const core_t *core = play_is_up(play, node) ? world_core(play->world, node) : NULL;
    const core_feed_state_t *feed = core ? fetched(core) : NULL;
    if (!feed)
        return false;
    core_link_t link = feed->follower.source;
    size_t peer = network_peer(world_network(play->world), node, link);
    bool modest = dice_chance(&play->dice, 700);
    message_t message = {.type = MSG_RUN_PART};
    message.as.run_part.fetch = feed->follower.fetch;
    message.as.run_part.bytes = span_of(junk, sizeof junk);
    // Every other one as packed, from less than what is to come.
    message.as.run_part.unpacked = world_now(play->world) % 2 ? 2 * sizeof junk : 0;
    for (unsigned i = 0; i < FLOOD_PARTS && play_is_up(play, node); i++) {
        if (!session_find(world_core(play->world, node), link))
            return true; // it has had enough
        if (!modest || has_credit(play, node, link, sizeof junk)) {
            if (!play_say(play, node, peer, &message))
                return i > 0;
            message.as.run_part.index++;
            message.as.run_part.unpacked = 0;
        }
        world_run(play->world, FLOOD_MS);
    }
    return true;
}
