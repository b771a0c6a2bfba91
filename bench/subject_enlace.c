// Two real daemons, a hub and one that dials it, with keys of their own and every safeguard
// on.
#include <stdio.h>
#include <stdlib.h>

#include "bench/batch.h"
#include "bench/subject.h"
#include "bench/watch.h"
#include "lib/mem.h"
#include "tests/system/fleet.h"

enum { A, B, WAIT_MS = 1000, IMPORT_MOST = 500000 }; // an import takes a million records
static const char a[] = "CRM";                       // which fleet_hub calls its hub

typedef struct {
    fleet_t *fleet;
    watch_t *at_a, *at_b; // of B while it runs
    watch_t *clients[CLIENTS];
    uint64_t before;   // changes applied at B that are not records of A
    records_t records; // what the next load writes
} enlace_t;

static json_t *describe(void)
{
    return json_pack("{s:s, s:{}}", "version", ENLACE_VERSION, "settings");
}

// fleet_new makes a directory of its own under TMPDIR.
static void *enlace_open(const char *dir)
{
    (void)dir;
    enlace_t *enlace = mem_alloc(sizeof *enlace);
    enlace->fleet = fleet_hub(1);
    fleet_start(enlace->fleet, A);
    enlace->at_a = watch_open(fleet_node_dir(enlace->fleet, A));
    for (size_t i = 0; i < CLIENTS; i++)
        enlace->clients[i] = watch_open(fleet_node_dir(enlace->fleet, A));
    return enlace;
}

static void enlace_close(void *self)
{
    enlace_t *enlace = self;
    watch_close(&enlace->at_a);
    for (size_t i = 0; i < CLIENTS; i++)
        watch_close(&enlace->clients[i]);
    if (enlace->at_b)
        watch_close(&enlace->at_b);
    fleet_destroy(&enlace->fleet);
    records_clear(&enlace->records);
    mem_free(enlace);
}

static void prepare(void *self, uint64_t first, uint64_t count)
{
    records_prepare(&((enlace_t *)self)->records, a, first, count);
}

static void load(void *self, uint64_t first, uint64_t count)
{
    enlace_t *enlace = self;
    for (uint64_t at = 0; at < count; at += IMPORT_MOST) {
        uint64_t left = count - at;
        batch_write(enlace->at_a, a, &enlace->records, first + at,
                    left < IMPORT_MOST ? left : IMPORT_MOST);
    }
}

static void put(void *self, uint64_t number)
{
    watch_put(((enlace_t *)self)->clients[number % CLIENTS], number, a);
}

static void follow(void *self)
{
    enlace_t *enlace = self;
    fleet_start(enlace->fleet, B);
    enlace->at_b = watch_open(fleet_node_dir(enlace->fleet, B));
}

static void settle(void *self)
{
    enlace_t *enlace = self;
    fleet_settle(enlace->fleet);
    enlace->before = watch_applied(enlace->at_b) - watch_number(enlace->at_b, a);
}

static void enlace_pause(void *self)
{
    enlace_t *enlace = self;
    watch_close(&enlace->at_b);
    fleet_stop(enlace->fleet, B);
}

static void until(void *self, uint64_t number)
{
    watch_until(((enlace_t *)self)->at_b, a, number);
}

static void check(void *self, uint64_t number)
{
    enlace_t *enlace = self;
    hash_t is = watch_digest(enlace->at_b), must_be = watch_digest(enlace->at_a);
    if (hash_equal(&is, &must_be))
        return;
    fprintf(stderr,
            "enlace: after %llu records the digests of A and B differ: `enlace digest` "
            "and `enlace verify` at both say where\n",
            (unsigned long long)number);
    exit(1);
}

// Apply numbers count what members said of themselves too.
static uint64_t wait_more(void *self, uint64_t since)
{
    enlace_t *enlace = self;
    return watch_tail(enlace->at_b, enlace->before + since, WAIT_MS) - enlace->before;
}

const subject_t subject_enlace = {
    .name = "enlace",
    .describe = describe,
    .open = enlace_open,
    .close = enlace_close,
    .prepare = prepare,
    .load = load,
    .put = put,
    .follow = follow,
    .settle = settle,
    .pause = enlace_pause,
    .until = until,
    .check = check,
    .wait = wait_more,
};
