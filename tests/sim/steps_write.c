// Steps: people write at their nodes.
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/play.h"

static bool write_drafts(play_t *play, size_t node, const draft_t *drafts, size_t count)
{
    if (play->damaged[node])
        return false; // what it signs from a rotten disk nobody can judge
    feed_t feed = play_own_feed(play, node, LANE_COALITION);
    uint64_t before = play_head(play, node, &feed).number;
    err_t err = world_append(play->world, node, drafts, count);
    // I6: an author is told what has become of its changes, not what was meant to.
    if (!err && play_head(play, node, &feed).number < before + count)
        oracle_violate(play->oracle, "I6", "%s says that it has written %zu, and has not",
                       world_code(play->world, node), count);
    play->writes += !err;
    play->refused_writes += err != ERR_OK;
    play_note(play, "%s writes %zu: %s", world_code(play->world, node), count, err_name(err));
    return !err;
}

static bool put(play_t *play, size_t node, size_t bytes, position_t target, uint32_t min_reader)
{
    char key[40], *name = mem_alloc(bytes + 1);
    memset(name, 'a' + (int)dice_below(&play->dice, 26), bytes);
    snprintf(key, sizeof key, "k%llu", (unsigned long long)(dice_number(&play->dice) >> 40));
    buf_t body = world_record(key, name);
    draft_t draft = {.type = CHANGE_RECORD,
                     .has_target = target.number > 0,
                     .target = target,
                     .min_reader = min_reader,
                     .body = buf_span(&body)};
    bool done = play_is_up(play, node) && write_drafts(play, node, &draft, 1);
    buf_free(&body);
    mem_free(name);
    return done;
}

bool step_put(play_t *play, const step_t *step)
{
    return put(play, step->node, 20 + dice_skewed(&play->dice, 2000), (position_t){0}, 1);
}

bool step_put_big(play_t *play, const step_t *step)
{
    return put(play, step->node, 12000 + dice_below(&play->dice, 40000), (position_t){0}, 1);
}

bool step_put_many(play_t *play, const step_t *step)
{
    enum { MANY = 40 };
    draft_t drafts[MANY];
    buf_t bodies[MANY];
    size_t count = 2 + dice_below(&play->dice, MANY - 2);
    for (size_t i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof key, "m%zu-%zu", step->number, i);
        bodies[i] = world_record(key, "several");
        drafts[i] = (draft_t){.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&bodies[i])};
    }
    bool done = play_is_up(play, step->node) && write_drafts(play, step->node, drafts, count);
    for (size_t i = 0; i < count; i++)
        buf_free(&bodies[i]);
    return done;
}

// Any earlier number of its own, of the epoch before too: often a record, now and then
// something that counts for nothing as a target.
static bool own_target(play_t *play, size_t node, position_t *target)
{
    feed_t feed = play_own_feed(play, node, LANE_COALITION);
    if (!play_is_up(play, node))
        return false;
    if (feed.epoch > 1 && dice_chance(&play->dice, 500))
        feed.epoch--;
    head_t head = play_head(play, node, &feed);
    if (!head.number)
        return false;
    *target = (position_t){feed.epoch, feed.lane, 1 + dice_below(&play->dice, head.number)};
    return true;
}

bool step_revise(play_t *play, const step_t *step)
{
    position_t target;
    return own_target(play, step->node, &target) &&
           put(play, step->node, 20 + dice_skewed(&play->dice, 2000), target, 1);
}

bool step_retract(play_t *play, const step_t *step)
{
    draft_t draft = {.type = CHANGE_RETRACT, .has_target = true, .min_reader = 1};
    return own_target(play, step->node, &draft.target) && write_drafts(play, step->node, &draft, 1);
}

// What a node of the next version writes: a record that this one cannot read, a
// type of change that it does not know. Stored, relayed, parked; in step all the same.
bool step_put_newer(play_t *play, const step_t *step)
{
    draft_t draft = {.type = 40, .min_reader = 1, .body = span_text("of a later version")};
    if (!play_is_up(play, step->node))
        return false;
    if (dice_chance(&play->dice, 500))
        return put(play, step->node, 50, (position_t){0}, SCHEMA_VERSION + 1);
    return write_drafts(play, step->node, &draft, 1);
}
