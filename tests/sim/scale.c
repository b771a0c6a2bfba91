#include "tests/sim/scale.h"

#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"
#include "tests/sim/dice.h"
#include "tests/sim/memo.h"
#include "tests/sim/world.h"

enum {
    LOOK_MS = 20,                         // how often it is looked who holds everything
    PATIENCE_MS = 1800000,                // for all of them
    CHANGE_MS = 1000,                     // between two changes
    CALM_MS = 10000,                      // after the last, until nothing more is fetched
    SILENT_MS = 75000,                    // ... and everybody has said its new heads in a beacon
    NAME_BYTES = SCALE_RECORD_BYTES - 23, // with its key, and what holds them
};

typedef struct {
    world_t *world;
    shape_t shape;
    traffic_t *traffic; // where it is counted now; NULL: nowhere
    size_t only;        // of that node's links; nodes: of all
    // the change that is on its way
    feed_t feed;
    uint64_t number;
    size_t missing;
    bool *done;
    uint64_t done_ms;
    uint64_t logged;
} scale_t;

static bool is_hub(const scale_t *scale, size_t node)
{
    return node < scale->shape.hubs;
}

// ---- looking ----

static void on_arrival(void *context, const arrival_t *arrival, bool before)
{
    scale_t *scale = context;
    bool publication = arrival->type == ARRIVE_PUBLICATION;
    if (!before || !scale->traffic || (!publication && arrival->type != ARRIVE_MESSAGE))
        return;
    if (scale->only != scale->shape.nodes && scale->only != arrival->node &&
        scale->only != arrival->from)
        return;
    traffic_way_t way =
        is_hub(scale, arrival->node) ? is_hub(scale, arrival->from) ? WAY_HUBS : WAY_UP : WAY_DOWN;
    traffic_add(scale->traffic, way, publication, buf_span(&arrival->bytes));
}

static void on_turn(void *context, size_t node)
{
    scale_t *scale = context;
    if (!scale->missing || scale->done[node])
        return;
    const core_feed_state_t *feed = feed_lookup(world_core(scale->world, node), &scale->feed);
    if (!feed || feed->head.number < scale->number)
        return;
    scale->done[node] = true;
    if (!--scale->missing)
        scale->done_ms = world_now(scale->world);
}

// All changes are numbered without gaps, so whoever holds as many holds them all.
static bool holds_all(const scale_t *scale, size_t node)
{
    const core_t *core = world_core(scale->world, node);
    uint64_t sum = 0;
    for (size_t i = 0; i < core->feed_count; i++)
        sum += core->feeds[i]->head.number;
    return sum == scale->logged;
}

// Until the nodes from `first` on hold everything; how long it took, below 0: for ever.
static double until_all_hold(scale_t *scale, size_t first, size_t end)
{
    uint64_t began = world_now(scale->world);
    while (first < end && world_now(scale->world) < began + PATIENCE_MS) {
        world_run(scale->world, LOOK_MS);
        while (first < end && holds_all(scale, first))
            first++;
    }
    return first == end ? (double)(world_now(scale->world) - began) : -1;
}

// ---- the coalition ----

static void add_member(scale_t *scale, size_t index)
{
    size_t hub = index % scale->shape.hubs;
    char *code = index == hub ? mem_format("N%02zu", hub) : mem_format("N%02zu-%04zu", hub, index);
    world_add(scale->world, code, index == hub);
    if (index != hub)
        world_dial(scale->world, index, hub);
    mem_free(code);
}

static void link_hubs(scale_t *scale)
{
    size_t hubs = scale->shape.hubs;
    for (size_t i = 0; i < hubs; i++)
        for (size_t k = 1; k <= hubs / 2; k++)
            world_dial(scale->world, i, (i + k) % hubs);
}

static void found(scale_t *scale)
{
    watcher_t watcher = {.context = scale, .turn = on_turn, .arrives = on_arrival};
    scale->world = world_new_sized(scale->shape.seed, scale->shape.nodes);
    scale->done = mem_alloc_array(scale->shape.nodes, sizeof *scale->done);
    for (size_t i = 0; i < scale->shape.nodes; i++)
        add_member(scale, i);
    link_hubs(scale);
    world_found(scale->world, 1);
    world_watch(scale->world, &watcher);
}

// Spread evenly over hubs and leaves.
static size_t nth_writer(const scale_t *scale, size_t nth)
{
    return nth * (scale->shape.nodes - 1) / scale->shape.writers;
}

static bool writes(const scale_t *scale, size_t node)
{
    for (size_t i = 0; i < scale->shape.writers; i++)
        if (nth_writer(scale, i) == node)
            return true;
    return false;
}

static void put(scale_t *scale, size_t node)
{
    char key[32];
    snprintf(key, sizeof key, "k%llu", (unsigned long long)scale->logged);
    assert(world_put_sized(scale->world, node, key, NAME_BYTES) == ERR_OK);
    scale->logged++;
}

static void start_node(scale_t *scale, size_t node)
{
    world_start(scale->world, node);
    assert(world_running(scale->world, node));
    if (!writes(scale, node))
        return;
    assert(world_consent(scale->world, node) == ERR_OK);
    scale->logged++;
    put(scale, node);
}

// ---- what is measured ----

// Everybody but the newcomer, the last of them, one after the other: else all would
// speak in the same millisecond of each minute.
static double start_all(scale_t *scale, point_t *point)
{
    size_t last = scale->shape.nodes - 1;
    scale->traffic = &point->start;
    for (size_t i = 0; i < last; i++) {
        start_node(scale, i);
        if (!is_hub(scale, i)) // each hub finds the others there
            world_run(scale->world, SCALE_START_MS);
    }
    double took = until_all_hold(scale, 0, last);
    scale->traffic = NULL;
    return took;
}

static double change(scale_t *scale, size_t author)
{
    const core_t *core = world_core(scale->world, author);
    size_t running = scale->shape.nodes - 1;
    feed_t feed = {core->self->origin, 1, LANE_COALITION};
    memset(scale->done, 0, scale->shape.nodes * sizeof *scale->done);
    scale->feed = feed;
    scale->number = feed_lookup(core, &feed)->head.number + 1;
    scale->missing = running;
    uint64_t began = world_now(scale->world);
    put(scale, author);
    world_run(scale->world, CHANGE_MS);
    if (!scale->missing)
        return (double)(scale->done_ms - began);
    scale->missing = 0;
    double later = until_all_hold(scale, 0, running);
    return later < 0 ? later : later + CHANGE_MS;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void change_often(scale_t *scale, point_t *point)
{
    size_t count = scale->shape.changes;
    double *took = mem_alloc_array(count, sizeof *took);
    dice_t dice = dice_of(scale->shape.seed, 1);
    scale->traffic = &point->changes;
    for (size_t i = 0; i < count; i++) {
        took[i] = change(scale, nth_writer(scale, (size_t)dice_below(&dice, scale->shape.writers)));
        point->in_step = point->in_step && took[i] >= 0;
    }
    scale->traffic = NULL;
    qsort(took, count, sizeof *took, compare);
    point->change_ms = (spread_t){took[0], took[count / 2], took[count - 1]};
    mem_free(took);
}

static void be_quiet(scale_t *scale, point_t *point)
{
    world_run(scale->world, SILENT_MS);
    memo_forget();
    scale->traffic = &point->quiet;
    world_run(scale->world, scale->shape.quiet_s * 1000);
    scale->traffic = NULL;
}

static void come_new(scale_t *scale, point_t *point)
{
    size_t last = scale->shape.nodes - 1;
    world_start(scale->world, last);
    scale->traffic = &point->newcomer;
    scale->only = last;
    point->newcomer_ms = until_all_hold(scale, last, last + 1);
    scale->traffic = NULL;
}

static double taken(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
}

static double file_size(world_t *world, size_t node)
{
    buf_t bytes = {0};
    assert(disk_get_file(world_disk(world, node), "node.db", &bytes));
    double size = (double)bytes.size;
    buf_free(&bytes);
    return size;
}

// What a node gives back when it stops, and when its store is closed.
static void weigh(scale_t *scale, size_t node, double *core, double *store)
{
    double all = taken();
    world_stop(scale->world, node);
    double stopped = taken();
    world_close(scale->world, node);
    *core = all - stopped;
    *store = stopped - taken();
}

static void weigh_all(scale_t *scale, point_t *point)
{
    size_t leaf = scale->shape.nodes - 2, hub = scale->shape.hubs - 1;
    const core_t *core = world_core(scale->world, leaf);
    point->beacon_bytes = (double)core->self->beacon->signed_form.size;
    buf_t roster = roster_encode(core_roster(core)),
          card = card_encode(world_card(scale->world, leaf));
    point->roster_bytes = (double)roster.size;
    point->card_bytes = (double)card.size;
    buf_free(&roster);
    buf_free(&card);
    for (size_t i = 0; i < core->feed_count; i++)
        point->feeds += core->feeds[i]->head.number > 0;
    weigh(scale, leaf, &point->leaf_core, &point->leaf_store);
    point->disk_end = file_size(scale->world, leaf);
    weigh(scale, hub, &point->hub_core, &point->hub_store);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void say(const scale_t *scale, const char *what)
{
    fprintf(stderr, "%zu nodes, %.0f s of processor, %.0f s simulated: %s\n", scale->shape.nodes,
            cpu_seconds(), (double)world_now(scale->world) / 1000, what);
}

void scale_measure(const shape_t *shape, point_t *point)
{
    scale_t scale = {.shape = *shape, .only = shape->nodes};
    *point = (point_t){.shape = *shape, .in_step = true};
    memo_use(true);
    memo_forget();
    found(&scale);
    point->disk_founded = file_size(scale.world, 0);
    point->leaves = shape->nodes - shape->hubs;
    point->hub_links = shape->hubs * (shape->hubs - 1) / 2;
    say(&scale, "founded");
    point->start_ms = start_all(&scale, point);
    point->in_step = point->start_ms >= 0;
    say(&scale, "started");
    world_run(scale.world, CALM_MS);
    memo_forget();
    change_often(&scale, point);
    say(&scale, "changes");
    be_quiet(&scale, point);
    say(&scale, "quiet");
    come_new(&scale, point);
    say(&scale, "newcomer");
    point->in_step = point->in_step && point->newcomer_ms >= 0;
    world_run(scale.world, CALM_MS);
    weigh_all(&scale, point);
    point->logged = scale.logged;
    point->cpu_s = cpu_seconds();
    point->simulated_ms = (double)world_now(scale.world);
}
