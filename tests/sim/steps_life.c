// Steps: nodes start, stop and die; clocks and time.
#include "tests/sim/play.h"

bool step_stop(play_t *play, const step_t *step)
{
    bool was_up = play_is_up(play, step->node);
    world_stop(play->world, step->node);
    return was_up;
}

bool step_start(play_t *play, const step_t *step)
{
    bool started = false;
    for (size_t i = 0; i < play_places(play); i++) {
        if (play_is_up(play, i) || (i != step->node && !dice_chance(&play->dice, 700)))
            continue;
        world_start(play->world, i);
        play_note(play, "%s starts: %s", world_code(play->world, i),
                  err_name(world_refused(play->world, i)));
        started = true;
    }
    return started;
}

static bool die(play_t *play, size_t node, death_t how)
{
    bool was_up = play_is_up(play, node);
    world_die(play->world, node, how);
    return was_up;
}

bool step_kill(play_t *play, const step_t *step)
{
    return die(play, step->node, DEATH_KILL);
}

bool step_power(play_t *play, const step_t *step)
{
    return die(play, step->node, DEATH_POWER);
}

// Whether it fires shows later: the disk counts it.
static bool die_at(play_t *play, size_t node, death_t how)
{
    if (!play_is_up(play, node))
        return false;
    world_die_at(play->world, node, how, 1 + dice_skewed(&play->dice, 60));
    return true;
}

bool step_kill_at(play_t *play, const step_t *step)
{
    return die_at(play, step->node, DEATH_KILL);
}

bool step_power_at(play_t *play, const step_t *step)
{
    return die_at(play, step->node, DEATH_POWER);
}

bool step_clock(play_t *play, const step_t *step)
{
    static const int64_t hour = 3600000, year = 365 * 24 * hour;
    const int64_t jumps[] = {-hour, hour, -30 * hour, 30 * hour, -3 * year, 3 * year, 0};
    world_set_clock(play->world, step->node,
                    jumps[dice_below(&play->dice, sizeof jumps / sizeof *jumps)]);
    return true;
}

bool step_wait(play_t *play, const step_t *step)
{
    (void)step;
    world_run(play->world, 2000 + dice_skewed(&play->dice, 60000));
    return true;
}
