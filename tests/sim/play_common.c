// What several steps need.
#include <stdarg.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "tests/sim/play.h"

void play_note(play_t *play, const char *format, ...)
{
    va_list arguments;
    if (!play->trace)
        return;
    fprintf(play->trace, "%10llu  ", (unsigned long long)world_now(play->world));
    va_start(arguments, format);
    vfprintf(play->trace, format, arguments);
    va_end(arguments);
    fputc('\n', play->trace);
}

// A node that forgot may sign a number anew that only such nodes know which have
// forgotten, too, or whom it does not ask: it asks those that it dials.
void play_may_forget(play_t *play, size_t node)
{
    size_t forgot = 0;
    play->forgot[node] = true;
    for (size_t i = 0; i < play->plan->nodes; i++)
        forgot += play->forgot[i];
    for (size_t i = 0; i < play->plan->nodes; i++)
        if (play->forgot[i] && (forgot > 1 || i < play->plan->hubs))
            oracle_may_fork(play->oracle, i);
}

// What is held of a node that asks can be kept from it by leaving out, altering,
// replacing or holding back the message that says so.
static bool hides_heads(hostility_t how)
{
    return how == WITHHOLDS || how == ALTERS || how == REPLAYS || how == REORDERS;
}

void play_may_be_lied_to(play_t *play)
{
    for (size_t i = 0; i < play->plan->nodes; i++)
        for (size_t k = 0; k < play_places(play) && play->forgot[i]; k++)
            if (hides_heads(play->hostile[k].how) && k != i)
                oracle_may_fork(play->oracle, i);
}

void play_forget(play_t *play, size_t node)
{
    oracle_forget(play->oracle, node);
    play_may_forget(play, node);
}

size_t play_places(const play_t *play)
{
    return play->plan->nodes + play->cloned;
}

bool play_is_up(const play_t *play, size_t node)
{
    return world_running(play->world, node);
}

static bool dials(const plan_t *plan, size_t from, size_t to)
{
    for (size_t i = 0; i < plan->dial_counts[from]; i++)
        if (plan->dials[from][i] == to)
            return true;
    return false;
}

size_t play_partner(play_t *play, size_t node)
{
    const plan_t *plan = play->plan;
    size_t partners[PLAN_NODES_MAX], count = 0;
    for (size_t i = 0; i < plan->nodes; i++)
        if (i != node && (dials(plan, node, i) || dials(plan, i, node)))
            partners[count++] = i;
    return count ? partners[dice_below(&play->dice, count)] : (node + 1) % plan->nodes;
}

line_t *play_line(play_t *play, size_t from, size_t to)
{
    return network_line(world_network(play->world), from, to);
}

feed_t play_own_feed(const play_t *play, size_t node, uint32_t lane)
{
    const card_t *card = world_card(play->world, node);
    return (feed_t){card->origin, card->epoch, lane};
}

head_t play_head(const play_t *play, size_t node, const feed_t *feed)
{
    const core_t *core = world_core(play->world, node);
    const core_feed_state_t *state = feed_lookup(core, feed);
    const identity_t *identity = identity_find(core, &feed->origin);
    const card_t *start = identity ? identity_start(identity, feed->epoch) : NULL;
    if (state)
        return state->head;
    return (head_t){.feed = *feed, .hash = start ? start->hash : (hash_t){{0}}};
}

const session_t *play_session(const play_t *play, size_t node, size_t from)
{
    const core_t *core = world_core(play->world, node);
    const origin_t *origin = &world_card(play->world, from)->origin;
    for (size_t i = 0; i < core->session_count; i++) {
        const session_t *session = core->sessions[i];
        if (session->state == SESSION_READY && origin_equal(&session->peer->origin, origin) &&
            network_peer(world_network(play->world), node, session->link) == from)
            return session;
    }
    return NULL;
}

bool play_peer_of(play_t *play, size_t node, size_t *peer)
{
    size_t peers[PLAN_NODES_MAX + 1], count = 0;
    for (size_t i = 0; i < play_places(play) && play_is_up(play, node); i++)
        if (i != node && play_session(play, node, i))
            peers[count++] = i;
    if (count)
        *peer = peers[dice_below(&play->dice, count)];
    return count > 0;
}

bool play_say(play_t *play, size_t node, size_t from, message_t *message)
{
    const session_t *session = play_is_up(play, node) ? play_session(play, node, from) : NULL;
    if (!session)
        return false;
    message->has_session = true;
    message->session = session->id;
    buf_t bytes = message_encode(message);
    bool said = network_inject(world_network(play->world), world_now(play->world), node, from,
                               false, buf_span(&bytes));
    buf_free(&bytes);
    return said;
}

bool play_bring(play_t *play, size_t node, size_t from, const commit_t *commit)
{
    message_t proof = {.type = MSG_PROOF};
    commit_t *one = (commit_t *)(uintptr_t)commit;
    buf_t run = run_encode(&commit->feed, &one, 1);
    buf_t publication = publication_of_commit(commit);
    bool brought;
    proof.as.proof.run = buf_span(&run);
    if (dice_chance(&play->dice, 500)) {
        brought = play_say(play, node, from, &proof);
        play->liar[from] = play->liar[from] || brought; // a claim, where it goes on
    } else {
        brought = network_inject(world_network(play->world), world_now(play->world), node, from,
                                 true, buf_span(&publication));
    }
    buf_free(&run);
    buf_free(&publication);
    return brought;
}
