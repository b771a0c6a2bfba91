// A whole run: founding, steps, healing, and what is then asked.
#include <string.h>

#include "daemon/core/state.h"
#include "lib/mem.h"
#include "tests/sim/memo.h"
#include "tests/sim/play.h"

// Names under which dice are thrown; steps use theirs, which are small.
enum { DICE_WIRE = 1 << 21, DICE_VERSIONS, DICE_PREPARE };

static const step_fn steps[STEP_TYPES] = {
#define STEP_FN(upper, lower, weight, text) [STEP_##upper] = step_##lower,
    STEPS(STEP_FN)
#undef STEP_FN
};

// ---- founding ----

// In two runs of three some nodes are a version ahead of the others.
static void draw_versions(play_t *play)
{
    dice_t dice = dice_of(play->plan->seed, DICE_VERSIONS);
    bool mixed = dice_chance(&dice, 666);
    for (size_t i = 0; i < play->plan->nodes; i++)
        play->newer[i] = mixed && dice_chance(&dice, 400);
}

// In one run of two, nodes have another thread that reads runs of some size and more.
static void draw_preparing(play_t *play)
{
    dice_t dice = dice_of(play->plan->seed, DICE_PREPARE);
    if (dice_chance(&dice, 500))
        world_prepare(play->world, 1 + dice_below(&dice, 2000));
}

static void found(play_t *play, const disk_image_t *empty)
{
    const plan_t *plan = play->plan;
    play->world = world_new_on(plan->seed, empty);
    draw_preparing(play);
    for (size_t i = 0; i < plan->nodes; i++) {
        char code[CODE_MAX + 1];
        snprintf(code, sizeof code, "N%c%c", (char)('A' + i / 26), (char)('A' + i % 26));
        world_add(play->world, code, i < plan->hubs);
    }
    for (size_t i = 0; i < plan->nodes; i++)
        for (size_t k = 0; k < plan->dial_counts[i]; k++)
            world_dial(play->world, i, plan->dials[i][k]);
    world_found(play->world, plan->threshold);
    play->roster = roster_copy(world_roster(play->world));
    play->oracle = oracle_new(play->world, play->trace);
    world_tamper(play->world, hostile_tamper, play);
    world_start_all(play->world);
    world_run(play->world, 300);
}

static void finish(play_t *play)
{
    for (size_t i = 0; i <= PLAN_NODES_MAX; i++) {
        disk_image_destroy(&play->backups[i]);
        buf_free(&play->hostile[i].kept);
    }
    oracle_destroy(&play->oracle);
    roster_destroy(&play->roster);
    for (size_t i = 0; i < play->older_count; i++)
        roster_destroy(&play->older[i]);
    mem_free(play->older);
    world_destroy(&play->world);
}

// ---- steps ----

static void note_laggards(play_t *play, result_t *result)
{
    for (size_t i = 0; i < play->plan->nodes; i++)
        if (play_is_up(play, i) && !play->removed[i] &&
            core_roster(world_core(play->world, i))->version + 2 <= play->roster->version)
            result->behind++;
}

static void take_step(play_t *play, const step_t *step, result_t *result)
{
    play->dice = dice_of(play->plan->seed, step->number);
    bool did = steps[step->type](play, step);
    play_note(play, "step %zu %s (%s)%s", step->number, step_name(step->type),
              world_code(play->world, step->node), did ? "" : ": nothing to do");
    play->fired[step->type] += did;
    world_run(play->world, step->wait_ms);
    result->steps++;
    note_laggards(play, result);
}

// ---- what came of it ----

static void tally(const play_t *play, result_t *result)
{
    const network_t *network = world_network(play->world);
    memcpy(result->fired, play->fired, sizeof result->fired);
    memcpy(result->hostilities, play->hostilities, sizeof result->hostilities);
    result->wire_flips = play->wire_flips;
    result->newer_messages = play->newer_messages;
    result->packed = oracle_packed(play->oracle);
    memcpy(result->lifted, play->lifted, sizeof result->lifted);
    result->writes = play->writes;
    result->refused_writes = play->refused_writes;
    result->commits = ledger_count(oracle_ledger(play->oracle));
    result->virtual_ms = world_now(play->world);
    result->verified = memo_verified();
    result->remembered = memo_remembered();
    for (size_t i = 0; i < NET_COUNT_END; i++)
        result->net[i] = network_count(network, (net_count_t)i);
    for (size_t node = 0; node < play_places(play); node++) {
        disk_t *disk = world_disk(play->world, node);
        for (size_t i = 0; i < DISK_KINDS; i++)
            result->disk[i] += disk_count(disk, (disk_kind_t)i);
        if (result->hashed)
            result->hash = result->hash * 0x9e3779b97f4a7c15u + disk_hash_now(disk);
    }
    if (oracle_violation(play->oracle))
        result->violation = mem_copy_string(oracle_violation(play->oracle));
}

void play_run(const plan_t *plan, const disk_image_t *empty, FILE *trace, bool hash,
              result_t *result)
{
    play_t play = {.plan = plan, .trace = trace};
    *result = (result_t){.hashed = hash};
    memo_forget();
    play.wire = dice_of(plan->seed, DICE_WIRE);
    play.clone_of = plan->nodes - 1;
    draw_versions(&play);
    found(&play, empty);
    for (size_t i = 0; i < plan->step_count && !oracle_violation(play.oracle); i++)
        take_step(&play, &plan->steps[i], result);
    if (!oracle_violation(play.oracle))
        play_heal(&play);
    if (!oracle_violation(play.oracle))
        play_check_end(&play);
    tally(&play, result);
    if (result->violation)
        play_note(&play, "VIOLATION %s", result->violation);
    finish(&play);
}

void result_clear(result_t *result)
{
    mem_free(result->violation);
    *result = (result_t){0};
}
