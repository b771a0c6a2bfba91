// Steps: disks that are full, fail and rot; backups, restored and copied machines.
#include "lib/mem.h"
#include "tests/sim/play.h"

static bool fault(play_t *play, const step_t *step, disk_kind_t kind, uint64_t most)
{
    if (!play_is_up(play, step->node))
        return false;
    disk_fault_at(world_disk(play->world, step->node), 1 + dice_skewed(&play->dice, 40), kind,
                  1 + dice_skewed(&play->dice, most));
    return true;
}

bool step_disk_full(play_t *play, const step_t *step)
{
    return fault(play, step, DISK_ENOSPC, 60);
}

bool step_disk_error(play_t *play, const step_t *step)
{
    return fault(play, step, dice_chance(&play->dice, 300) ? DISK_READ_EIO : DISK_EIO, 10);
}

bool step_short_write(play_t *play, const step_t *step)
{
    return fault(play, step, DISK_SHORT_WRITE, 2);
}

bool step_sync_fail(play_t *play, const step_t *step)
{
    return fault(play, step, DISK_SYNC_FAIL, 2);
}

// From here on the node's word counts for nothing, until its disk is another one;
// what it spreads must harm nobody else.
bool step_flip_disk(play_t *play, const step_t *step)
{
    disk_flip_t flip;
    disk_t *disk = world_disk(play->world, step->node);
    const char *file = dice_chance(&play->dice, 300) ? "node.db-wal" : "node.db";
    world_die(play->world, step->node, DEATH_KILL);
    if (!disk_flip_bit(disk, file, &flip))
        return false;
    oracle_distrust(play->oracle, step->node);
    play_may_forget(play, step->node);
    play->damaged[step->node] = true;
    play_note(play, "%s: bit %u of byte %llu of %s flips", world_code(play->world, step->node),
              flip.bit, (unsigned long long)flip.offset, file);
    world_start(play->world, step->node);
    return true;
}

// Of the files as they lie there, as a snapshot of the volume has them.
bool step_back_up(play_t *play, const step_t *step)
{
    if (play->damaged[step->node] || disk_is_down(world_disk(play->world, step->node)))
        return false;
    disk_image_destroy(&play->backups[step->node]);
    play->backups[step->node] = disk_image_save(world_disk(play->world, step->node));
    return true;
}

enum { HURRIES = 12, HURRY_MS = 15 };

bool step_restore(play_t *play, const step_t *step)
{
    disk_image_t *backup = play->backups[step->node];
    if (!backup || play->damaged[step->node])
        return false;
    world_die(play->world, step->node, DEATH_KILL);
    world_die_at(play->world, step->node, DEATH_KILL, 0); // it is another disk
    disk_heal(world_disk(play->world, step->node));
    world_load_disk(play->world, step->node, backup);
    world_restore_cards(play->world, step->node);
    play_forget(play, step->node);
    play_may_be_lied_to(play);
    world_start(play->world, step->node);
    // People notice nothing and go on.
    for (unsigned i = 0; i < HURRIES && play_is_up(play, step->node); i++) {
        world_put(play->world, step->node, "hurry", "written after a restore");
        world_run(play->world, HURRY_MS);
    }
    return true;
}

// The last place is kept for it: the same keys, the same disk as of now. Nothing
// on the machine itself can tell, so its epoch may fork.
bool step_clone(play_t *play, const step_t *step)
{
    size_t place = play->plan->nodes;
    if (play->cloned || step->node != play->clone_of || !play_is_up(play, step->node) ||
        play->damaged[step->node])
        return false;
    oracle_may_fork(play->oracle, step->node);
    disk_image_t *image = disk_image_save(world_disk(play->world, step->node));
    world_clone(play->world, step->node, image);
    disk_image_destroy(&image);
    play->cloned = true;
    world_start(play->world, place);
    return true;
}
