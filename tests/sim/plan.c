#include "tests/sim/plan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

// Names under which dice are thrown; steps use theirs, which are small.
enum { DICE_PLAN = 1 << 20, DICE_STEPS };

static const struct {
    const char *name, *text;
    uint32_t weight;
} rows[STEP_TYPES] = {
#define STEP_ROW(upper, lower, share, what)                                                        \
    [STEP_##upper] = {.name = #lower, .text = (what), .weight = (share)},
    STEPS(STEP_ROW)
#undef STEP_ROW
};

const char *step_name(step_type_t type)
{
    return rows[type].name;
}

const char *step_text(step_type_t type)
{
    return rows[type].text;
}

// ---- who is there ----

static size_t draw_nodes(dice_t *dice)
{
    static const size_t counts[] = {2, 3, 4, 6, 7, 9, 12, 20, 40};
    static const uint32_t shares[] = {40, 40, 40, 40, 20, 10, 5, 3, 1};
    uint64_t drawn = dice_below(dice, 1000);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (drawn < shares[i])
            return counts[i];
        drawn -= shares[i];
    }
    return 5;
}

static void add_dial(plan_t *plan, size_t from, size_t to)
{
    if (to == from || plan->dial_counts[from] == PLAN_DIALS_MAX)
        return;
    for (size_t i = 0; i < plan->dial_counts[from]; i++)
        if (plan->dials[from][i] == to)
            return;
    plan->dials[from][plan->dial_counts[from]++] = to;
}

// Hubs dial the hubs before them, the others one or two hubs.
static void draw_dials(plan_t *plan, dice_t *dice)
{
    for (size_t i = 1; i < plan->nodes; i++) {
        size_t among = i < plan->hubs ? i : plan->hubs;
        add_dial(plan, i, dice_below(dice, among));
        if (dice_chance(dice, 600))
            add_dial(plan, i, dice_below(dice, among));
    }
}

// ---- what happens ----

static step_type_t draw_type(dice_t *dice)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < STEP_TYPES; i++)
        sum += rows[i].weight;
    uint64_t drawn = dice_below(dice, sum);
    for (size_t i = 0; i < STEP_TYPES; i++) {
        if (drawn < rows[i].weight)
            return (step_type_t)i;
        drawn -= rows[i].weight;
    }
    return STEP_PUT;
}

static void draw_steps(plan_t *plan, dice_t *dice)
{
    plan->step_count = PLAN_STEPS_MIN + dice_below(dice, PLAN_STEPS_MORE);
    plan->steps = mem_alloc_array(plan->step_count, sizeof *plan->steps);
    for (size_t i = 0; i < plan->step_count; i++) {
        step_t *step = &plan->steps[i];
        step->number = i;
        step->type = draw_type(dice);
        step->node = dice_below(dice, plan->nodes);
        step->peer = dice_below(dice, plan->nodes);
        step->wait_ms = dice_skewed(dice, 1500);
    }
}

plan_t *plan_new(uint64_t seed, size_t nodes)
{
    plan_t *plan = mem_alloc(sizeof *plan);
    dice_t dice = dice_of(seed, DICE_PLAN), steps = dice_of(seed, DICE_STEPS);
    plan->seed = seed;
    plan->nodes = nodes ? nodes : draw_nodes(&dice);
    plan->hubs = 1 + dice_below(&dice, plan->nodes > 3 ? 3 : 1);
    plan->threshold = (uint32_t)(plan->nodes / 2 + 1);
    draw_dials(plan, &dice);
    draw_steps(plan, &steps);
    return plan;
}

// ---- smaller ones ----

plan_t *plan_without(const plan_t *plan, size_t first, size_t count)
{
    plan_t *less = mem_alloc(sizeof *less);
    *less = *plan;
    less->steps = mem_alloc_array(plan->step_count + 1, sizeof *less->steps);
    less->step_count = 0;
    for (size_t i = 0; i < plan->step_count; i++)
        if (i < first || i >= first + count)
            less->steps[less->step_count++] = plan->steps[i];
    return less;
}

void plan_keep(plan_t *plan, const size_t *numbers, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->step_count; i++)
        for (size_t k = 0; k < count; k++)
            if (plan->steps[i].number == numbers[k]) {
                plan->steps[kept++] = plan->steps[i];
                break;
            }
    plan->step_count = kept;
}

void plan_destroy(plan_t **plan)
{
    if (!*plan)
        return;
    mem_free((*plan)->steps);
    mem_free(*plan);
    *plan = NULL;
}

void plan_print(const plan_t *plan, FILE *out)
{
    fprintf(out, "seed %llu: %zu nodes, %zu of them hubs, threshold %u\n",
            (unsigned long long)plan->seed, plan->nodes, plan->hubs, plan->threshold);
    for (size_t i = 0; i < plan->nodes; i++) {
        fprintf(out, "  node %zu dials", i);
        for (size_t k = 0; k < plan->dial_counts[i]; k++)
            fprintf(out, " %zu", plan->dials[i][k]);
        fprintf(out, "%s\n", plan->dial_counts[i] ? "" : " nobody");
    }
    for (size_t i = 0; i < plan->step_count; i++)
        fprintf(out, "  step %3zu  %-12s node %zu, peer %zu, then %llu ms\n", plan->steps[i].number,
                step_name(plan->steps[i].type), plan->steps[i].node, plan->steps[i].peer,
                (unsigned long long)plan->steps[i].wait_ms);
}

// ---- plans that are kept ----

static bool read_dials(plan_t *plan, const char *line)
{
    size_t node;
    int at = 0;
    if (sscanf(line, " node %zu dials%n", &node, &at) != 1 || node >= plan->nodes)
        return false;
    for (const char *rest = line + at; *rest;) {
        char *end;
        size_t to = strtoul(rest, &end, 10);
        if (end == rest)
            break; // nobody, or the end
        if (to >= plan->nodes)
            return false;
        add_dial(plan, node, to);
        rest = end;
    }
    return true;
}

static bool read_step(plan_t *plan, size_t *capacity, const char *line)
{
    step_t step = {0};
    unsigned long long wait_ms;
    char name[32];
    if (sscanf(line, " step %zu %31s node %zu, peer %zu, then %llu ms", &step.number, name,
               &step.node, &step.peer, &wait_ms) != 5 ||
        step.node >= plan->nodes || step.peer >= plan->nodes)
        return false;
    step.wait_ms = wait_ms;
    while (step.type < STEP_TYPES && strcmp(rows[step.type].name, name) != 0)
        step.type++;
    if (step.type == STEP_TYPES)
        return false;
    mem_grow(&plan->steps, capacity, plan->step_count, sizeof *plan->steps);
    plan->steps[plan->step_count++] = step;
    return true;
}

plan_t *plan_read(FILE *in)
{
    char line[256];
    unsigned long long seed = 0;
    size_t capacity = 0;
    plan_t *plan = mem_alloc(sizeof *plan);
    bool good = false;
    while (fgets(line, sizeof line, in)) {
        if (line[0] == '#')
            continue;
        if (sscanf(line, "seed %llu: %zu nodes, %zu of them hubs, threshold %u", &seed,
                   &plan->nodes, &plan->hubs, &plan->threshold) == 4)
            good = plan->nodes >= 2 && plan->nodes <= PLAN_NODES_MAX && plan->hubs >= 1 &&
                   plan->hubs <= plan->nodes;
        else
            good = good && (read_dials(plan, line) || read_step(plan, &capacity, line));
    }
    plan->seed = seed;
    if (!good)
        plan_destroy(&plan);
    return plan;
}
