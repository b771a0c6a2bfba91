// Steps: what an adversary tries who has a member's place, or a member's key.
#include <string.h>

#include "daemon/core/state.h"
#include "lib/mem.h"
#include "tests/sim/play.h"

// So many fetches from one source in that time: feeds are few, and each is blamed apart.
enum { CLAIM_MS = 3000, CLAIM_FETCHES = 30 };

const char *hostility_name(hostility_t how)
{
    static const char *const names[] = {"honest",   "alters",          "withholds", "replays",
                                        "reorders", "denies payloads", "stalls"};
    return names[how];
}

bool step_turn_hostile(play_t *play, const step_t *step)
{
    // Hubs pass most on.
    size_t node = dice_chance(&play->dice, 700) ? step->node % play->plan->hubs : step->node;
    hostile_t *hostile = &play->hostile[node];
    hostile->how = (hostility_t)(1 + dice_below(&play->dice, HOSTILITIES - 1));
    hostile->victim = world_card(play->world, step->peer)->origin;
    play_may_be_lied_to(play);
    play_note(play, "%s %s from now on", world_code(play->world, node),
              hostility_name(hostile->how));
    return true;
}

// An honest program takes the place of the other one: sessions end with that, and
// what had been kept back in them is told in new ones.
bool play_turn_honest(play_t *play, size_t node)
{
    bool was_honest = play->hostile[node].how == HONEST;
    play->hostile[node].how = HONEST;
    buf_free(&play->hostile[node].kept);
    if (was_honest)
        return false;
    if (play_is_up(play, node)) {
        world_stop(play->world, node);
        world_start(play->world, node);
    }
    return true;
}

bool step_turn_honest(play_t *play, const step_t *step)
{
    bool any = false;
    (void)step;
    for (size_t i = 0; i < play_places(play); i++)
        any = play_turn_honest(play, i) || any;
    return any;
}

// The change that would come next of `victim` at `node`, by whatever key.
static commit_t *next_commit(play_t *play, size_t node, size_t victim, const head_t *after,
                             const secret_t *signing, const hash_t *coalition)
{
    uint8_t seed[32];
    buf_t body = world_record("false", "nobody said this");
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&body)};
    dice_bytes(&play->dice, seed, sizeof seed);
    uint64_t time_ms = 1700000000000u + world_now(play->world) + dice_below(&play->dice, 100000);
    commit_t *commit =
        commit_author(&after->feed, after->number + 1, &after->hash, time_ms,
                      world_card(play->world, victim)->number, &draft, 1, seed, signing, coalition);
    (void)node;
    buf_free(&body);
    return commit;
}

static bool bring_next(play_t *play, const step_t *step, const secret_t *signing,
                       const hash_t *coalition)
{
    size_t peer, victim = step->peer;
    if (victim == step->node || !play_peer_of(play, step->node, &peer))
        return false;
    feed_t feed = play_own_feed(play, victim, LANE_COALITION);
    head_t after = play_head(play, step->node, &feed);
    commit_t *commit = next_commit(play, step->node, victim, &after, signing, coalition);
    bool brought = play_bring(play, step->node, peer, commit);
    commit_destroy(&commit);
    return brought;
}

// The same members, the same keys, another coalition.
bool step_foreign(play_t *play, const step_t *step)
{
    hash_t other = world_roster(play->world)->hash;
    other.bytes[0] ^= 1;
    return bring_next(play, step, world_signing(play->world, step->peer), &other);
}

bool step_forge(play_t *play, const step_t *step)
{
    size_t thief = (step->peer + 1) % play->plan->nodes;
    return bring_next(play, step, world_signing(play->world, thief),
                      &world_roster(play->world)->hash);
}

// Number 1 again, after the card that started the epoch, under the right key.
bool step_steal(play_t *play, const step_t *step)
{
    size_t peer, victim = step->peer;
    if (victim == step->node || play->removed[victim] || play->damaged[victim] ||
        !play_peer_of(play, step->node, &peer))
        return false;
    feed_t feed = play_own_feed(play, victim, LANE_COALITION);
    head_t start = {.feed = feed, .hash = world_start_hash(play->world, victim)};
    commit_t *commit =
        next_commit(play, step->node, victim, &start, world_signing(play->world, victim),
                    &world_roster(play->world)->hash);
    bool brought = play_bring(play, step->node, peer, commit);
    if (brought) {
        oracle_may_fork(play->oracle, victim);
        oracle_forged(play->oracle, commit);
    }
    commit_destroy(&commit);
    return brought;
}

// L3: whoever cannot deliver is asked once, and then left alone for a while.
static void watch_liar(play_t *play, size_t node, size_t liar)
{
    const session_t *session = play_session(play, node, liar);
    core_link_t link = session->link;
    uint64_t before = session->next_fetch;
    bool payloads = world_core(play->world, node)->missing_hint; // have numbers of the same row
    world_run(play->world, CLAIM_MS);
    session = play_is_up(play, node) ? play_session(play, node, liar) : NULL;
    payloads = payloads || (session && world_core(play->world, node)->missing_hint);
    if (session && session->link == link && !payloads &&
        session->next_fetch > before + CLAIM_FETCHES)
        oracle_violate(play->oracle, "L3", "%s asks %s again and again for what it claims",
                       world_code(play->world, node), world_code(play->world, liar));
}

// Whose own later change somebody claims waits until it knows, however much it has to say.
static void write_meanwhile(play_t *play, size_t node)
{
    enum { TRIES = 12, TRY_MS = 15 };
    for (unsigned i = 0; i < TRIES && play_is_up(play, node) && !play->damaged[node]; i++) {
        world_put(play->world, node, "hurry", "written while it is claimed");
        world_run(play->world, TRY_MS);
    }
}

bool step_claim(play_t *play, const step_t *step)
{
    size_t peer;
    feed_t feed = play_own_feed(play, step->peer, LANE_COALITION);
    head_t head = {.feed = feed, .number = 1 + dice_skewed(&play->dice, NUMBER_MAX - 1)};
    message_t heads = {.type = MSG_HEADS};
    heads.as.heads.count = 1;
    heads.as.heads.items = &head;
    if (!play_peer_of(play, step->node, &peer) || !play_say(play, step->node, peer, &heads))
        return false;
    play->liar[peer] = true;
    if (step->peer == step->node)
        write_meanwhile(play, step->node);
    else
        watch_liar(play, step->node, peer);
    return true;
}
