// Steps: lines and connections.
#include "tests/sim/play.h"

// The line between a node and one of those that it talks to, either way.
static line_t *some_line(play_t *play, const step_t *step, size_t *from, size_t *to)
{
    size_t partner = play_partner(play, step->node);
    bool there = dice_chance(&play->dice, 500);
    *from = there ? step->node : partner;
    *to = there ? partner : step->node;
    return play_line(play, *from, *to);
}

bool step_cut(play_t *play, const step_t *step)
{
    size_t from, to;
    some_line(play, step, &from, &to)->cut = true;
    play_line(play, to, from)->cut = true;
    return true;
}

bool step_cut_one_way(play_t *play, const step_t *step)
{
    size_t from, to;
    some_line(play, step, &from, &to)->cut = true;
    return true;
}

bool step_mend(play_t *play, const step_t *step)
{
    bool mended = false;
    // Those of one node; or all.
    bool all = dice_chance(&play->dice, 300);
    for (size_t i = 0; i < play_places(play); i++)
        for (size_t k = 0; k < play_places(play); k++)
            if (all || i == step->node || k == step->node) {
                mended = mended || play_line(play, i, k)->cut;
                *play_line(play, i, k) = (line_t){0};
            }
    return mended;
}

static bool end_some_link(play_t *play, size_t node, bool silent)
{
    network_t *network = world_network(play->world);
    core_link_t link = network_link(network, node, play_partner(play, node), 0);
    size_t peer = network_peer(network, node, link);
    if (!link || !play_is_up(play, node))
        return false;
    // Both ends are told of a break; of a half-open one only this end.
    core_link_t other = network_link(network, peer, node, 0);
    network_break(network, world_now(play->world), node, link);
    if (!silent && other)
        network_break(network, world_now(play->world), peer, other);
    return true;
}

bool step_break_link(play_t *play, const step_t *step)
{
    return end_some_link(play, step->node, false);
}

bool step_half_open(play_t *play, const step_t *step)
{
    return end_some_link(play, step->node, true);
}

bool step_slow(play_t *play, const step_t *step)
{
    static const uint64_t rates[] = {1200, 1200, 2400, 8000};
    size_t from, to;
    uint64_t rate = rates[dice_below(&play->dice, 4)];
    some_line(play, step, &from, &to)->bytes_per_s = rate;
    play_line(play, to, from)->bytes_per_s = rate;
    return true;
}

bool step_high_water(play_t *play, const step_t *step)
{
    size_t from, to;
    line_t *line = some_line(play, step, &from, &to);
    line->bytes_per_s = 4000;
    line->queue_max = 6000 + dice_below(&play->dice, 40000);
    return true;
}

bool step_lose(play_t *play, const step_t *step)
{
    static const uint32_t losses[] = {50, 300, 900, 1000};
    size_t from, to;
    some_line(play, step, &from, &to)->publication_loss = losses[dice_below(&play->dice, 4)];
    return true;
}

bool step_twice(play_t *play, const step_t *step)
{
    size_t from, to;
    some_line(play, step, &from, &to)->publication_twin = 300;
    return true;
}

bool step_deafen(play_t *play, const step_t *step)
{
    size_t from, to;
    some_line(play, step, &from, &to)->deaf = true;
    return end_some_link(play, step->node, false);
}

bool step_delay(play_t *play, const step_t *step)
{
    size_t from, to;
    line_t *line = some_line(play, step, &from, &to);
    line->latency_ms = dice_skewed(&play->dice, 3000);
    line->jitter_ms = dice_skewed(&play->dice, 2000);
    return true;
}

bool step_stale(play_t *play, const step_t *step)
{
    size_t partner = play_partner(play, step->node);
    play_line(play, step->node, partner)->stale_queue = true;
    play_line(play, partner, step->node)->stale_queue = true;
    return true;
}

bool step_flip_wire(play_t *play, const step_t *step)
{
    size_t from, to;
    some_line(play, step, &from, &to);
    play->flip[from][to] = true;
    return true;
}

bool step_garbage(play_t *play, const step_t *step)
{
    uint8_t bytes[600];
    size_t peer, size = 1 + dice_skewed(&play->dice, sizeof bytes - 1);
    if (!play_peer_of(play, step->node, &peer))
        return false;
    dice_bytes(&play->dice, bytes, size);
    return network_inject(world_network(play->world), world_now(play->world), step->node, peer,
                          dice_chance(&play->dice, 300), span_of(bytes, size));
}

// ---- L7 ----

enum {
    BULK_RECORDS = 6,
    BULK_BYTES = 40000,
    BULK_RATE = 2400,
    BULK_MS = 90000,
    BULK_NODES_MAX = 12,
    AHEAD_MS = 20000
};

static bool end_all_links(play_t *play, size_t node, size_t peer)
{
    network_t *network = world_network(play->world);
    size_t count = 0;
    for (core_link_t link; (link = network_link(network, node, peer, count)); count++)
        network_break(network, world_now(play->world), node, link);
    for (size_t i = 0; network_link(network, peer, node, i); i++)
        network_break(network, world_now(play->world), peer, network_link(network, peer, node, i));
    return count > 0;
}

// Never is more on the way than a ping may wait for: a session that began on a slow
// line is granted what the line carries. Two links, publications and what is told
// besides are in the bound; what more than a dozen members publish may fill such a
// line by itself.
bool step_bulk(play_t *play, const step_t *step)
{
    network_t *network = world_network(play->world);
    size_t node = step->node, source = play_partner(play, node);
    if (play->plan->nodes > BULK_NODES_MAX || !play_is_up(play, node) ||
        !play_is_up(play, source) || play->damaged[source] || play->hostile[source].how != HONEST ||
        !end_all_links(play, node, source))
        return false;
    *play_line(play, node, source) = (line_t){.bytes_per_s = BULK_RATE};
    *play_line(play, source, node) = (line_t){.bytes_per_s = BULK_RATE};
    world_run(play->world, 5); // until both ends know: what the old session was granted is gone
    for (unsigned i = 0; i < BULK_RECORDS && play_is_up(play, source); i++)
        world_put_sized(play->world, source, "bulk", BULK_BYTES);
    bool clear = false; // of what an earlier line had queued
    for (uint64_t ms = 0; ms < BULK_MS; ms += 1000) {
        uint64_t ahead_ms = network_wait_ms(network, world_now(play->world), source, node);
        clear = clear || ahead_ms < AHEAD_MS;
        world_run(play->world, 1000);
        ahead_ms = network_wait_ms(network, world_now(play->world), source, node);
        if (clear && ahead_ms > AHEAD_MS)
            oracle_violate(play->oracle, "L7", "a ping of %s to %s would wait %llu ms",
                           world_code(play->world, source), world_code(play->world, node),
                           (unsigned long long)ahead_ms);
    }
    return true;
}
