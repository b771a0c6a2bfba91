// kill -9 at random moments, many times, while nodes write, import, relay, catch
// up, start and stop. After it nothing that was acknowledged is lost or doubled,
// all nodes hold the same, no node has signed two changes with one number, none
// is fenced, and no daemon has ended in any way but ours.
//
//   CRASH_KILLS=n   how many (200)
//   CRASH_SEED=n    of all choices; printed first. Timing is the machine's own.
//
// A kill counts for the phase that it has hit, by what can be seen afterwards:
// the daemon had not said READY yet, the import was not acknowledged, the disk
// holds a part of what was to be caught up with. A phase that no kill has hit is
// a failure: then nothing is known about it.
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/long/load.h"

enum { HUB, GT, HN, NI, CR, NODES }; // HN relays for NI; CR dials both hubs
enum { PUTS = 30, IMPORT_LINES = 2000, LOOK_EVERY = 40 };
enum { KILLED = 128 + SIGKILL, WAIT_MS = 20000 };

#ifdef __SANITIZE_ADDRESS__
enum { SLOWNESS = 4 };
#else
enum { SLOWNESS = 1 };
#endif

typedef enum {
    AT_BIRTH,    // a new node's first start: schema, charter, consent
    AT_START,    // any other start, before READY
    UNDER_PUTS,  // while puts are answered
    IN_IMPORT,   // of the node that imports, or of the hub that takes it in
    IN_CATCH_UP, // a part of what was missed is on disk
    AT_STOP,     // after SIGTERM
    BETWEEN,     // missed what it was meant for
    PHASES
} phase_t;

static const char *const names[PHASES] = {"at birth",    "at start", "under puts", "in import",
                                          "in catch-up", "at stop",  "in between"};

typedef struct {
    fleet_t *fleet;
    load_t *load;
    uint64_t random;
    unsigned killed;
    unsigned counts[PHASES];
    uint64_t length_us[BETWEEN]; // of the phase: moments are drawn from it
} crash_t;

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// splitmix64
static uint64_t below(crash_t *crash, uint64_t bound)
{
    uint64_t z = crash->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

// ---- killing ----

// A moment within the phase, or less if the daemon ends by itself.
static void let_pass(crash_t *crash, fleet_t *fleet, size_t node, phase_t phase)
{
    uint64_t us = below(crash, crash->length_us[phase] + 1);
    struct timespec moment = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    int fd = (int)syscall(SYS_pidfd_open, fleet_pid(fleet, node), 0);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    assert_true(fd >= 0);
    while (ppoll(&item, 1, &moment, NULL) < 0)
        assert_int_equal(errno, EINTR);
    close(fd);
}

// Any other end than ours is a crash.
static void expect_end(fleet_t *fleet, size_t node, int status, int expected)
{
    if (status == expected)
        return;
    char *log = fleet_log(fleet, node);
    size_t length = strlen(log);
    fail_msg("%s ended with %d:\n%s", fleet_node_dir(fleet, node), status,
             log + (length > 8000 ? length - 8000 : 0));
}

static void kill_now(crash_t *crash, fleet_t *fleet, size_t node)
{
    expect_end(fleet, node, fleet_kill(fleet, node), KILLED);
    crash->killed++;
}

// Where it hit, and so whether the moments are drawn from too long a time, or
// from one that ends before the phase does.
static void count_kill(crash_t *crash, phase_t phase, bool hit)
{
    uint64_t *length = &crash->length_us[phase];
    crash->counts[hit ? phase : BETWEEN]++;
    *length = hit ? *length + *length / 8 + 1 : *length * 3 / 4;
}

// ---- starting and stopping ----

// A node that was killed, and never restored, may always write.
static void expect_writes(fleet_t *fleet, size_t node)
{
    char *status = fleet_do(fleet, node, "status --json");
    if (!strstr(status, "\"writing\":\"ok\""))
        fail_msg("%s does not write: %s", fleet_node_dir(fleet, node), status);
    mem_free(status);
}

static void start(fleet_t *fleet, size_t node)
{
    fleet_start(fleet, node);
    expect_writes(fleet, node);
}

static void stop(fleet_t *fleet, size_t node)
{
    expect_end(fleet, node, fleet_stop(fleet, node), 0);
}

static size_t any_node(crash_t *crash)
{
    return (size_t)below(crash, NODES);
}

static size_t other_node(crash_t *crash, size_t node)
{
    return (node + 1 + (size_t)below(crash, NODES - 1)) % NODES;
}

// ---- the rounds: each kills once at least, but for at_stop ----

// In a directory of its own: only a new node is born.
static void at_birth(crash_t *crash)
{
    fleet_t *young = fleet_hub(0);
    fleet_launch(young, 0, NULL, 0);
    let_pass(crash, young, 0, AT_BIRTH);
    kill_now(crash, young, 0);
    count_kill(crash, AT_BIRTH, !fleet_ready(young, 0, 0));
    start(young, 0);
    mem_free(fleet_do(young, 0, "put body key=k name=N"));
    mem_free(fleet_do(young, 0, "verify"));
    stop(young, 0);
    fleet_destroy(&young);
}

// Up to three times in a row: what one start has begun the next one finds.
static void at_start(crash_t *crash)
{
    size_t victim = any_node(crash);
    stop(crash->fleet, victim);
    for (uint64_t times = 1 + below(crash, 3); times > 0; times--) {
        fleet_launch(crash->fleet, victim, NULL, 0);
        let_pass(crash, crash->fleet, victim, AT_START);
        kill_now(crash, crash->fleet, victim);
        count_kill(crash, AT_START, !fleet_ready(crash->fleet, victim, 0));
    }
    start(crash->fleet, victim);
}

static void under_puts(crash_t *crash)
{
    size_t victim = any_node(crash), other = other_node(crash, victim);
    load_puts(crash->load, other, PUTS);
    load_puts(crash->load, victim, PUTS);
    assert_true(load_next(crash->load, victim, WAIT_MS));
    let_pass(crash, crash->fleet, victim, UNDER_PUTS);
    kill_now(crash, crash->fleet, victim);
    count_kill(crash, UNDER_PUTS, load_end(crash->load, victim));
    start(crash->fleet, victim);
    assert_false(load_end(crash->load, other));
}

// Of the node that imports, or of one that takes in and relays what it imports.
static void in_import(crash_t *crash)
{
    size_t importer = any_node(crash);
    size_t victim = below(crash, 3) ? importer : other_node(crash, importer);
    unsigned file = load_file(crash->load, importer, IMPORT_LINES);
    load_import(crash->load, file);
    let_pass(crash, crash->fleet, victim, IN_IMPORT);
    bool under_way = load_importing(crash->load);
    kill_now(crash, crash->fleet, victim);
    bool done = load_imported(crash->load, file);
    count_kill(crash, IN_IMPORT, victim == importer ? !done : under_way);
    start(crash->fleet, victim);
    assert_true(done || victim == importer);
    if (done)
        return;
    load_import(crash->load, file);
    assert_true(load_imported(crash->load, file));
}

// What another imported while it was off comes in; killed with a part of it.
static void in_catch_up(crash_t *crash)
{
    size_t victim = any_node(crash), source = other_node(crash, victim);
    fleet_settle(crash->fleet); // what the victim holds, all hold
    stop(crash->fleet, victim);
    unsigned file = load_file(crash->load, source, IMPORT_LINES);
    load_import(crash->load, file);
    assert_true(load_imported(crash->load, file));
    uint64_t before = load_held(crash->load, victim);
    fleet_launch(crash->fleet, victim, NULL, 0);
    assert_true(fleet_ready(crash->fleet, victim, WAIT_MS));
    let_pass(crash, crash->fleet, victim, IN_CATCH_UP);
    kill_now(crash, crash->fleet, victim);
    uint64_t after = load_held(crash->load, victim);
    bool hit = after > before && after < before + IMPORT_LINES;
    if (after == before) // too soon: the mean of the moments is to rise
        crash->length_us[IN_CATCH_UP] = crash->length_us[IN_CATCH_UP] * 3 / 2 + 1000;
    count_kill(crash, IN_CATCH_UP, hit);
    start(crash->fleet, victim);
}

// It may have been quicker: then nobody was killed.
static void at_stop(crash_t *crash)
{
    size_t victim = any_node(crash);
    load_puts(crash->load, victim, PUTS);
    assert_true(load_next(crash->load, victim, WAIT_MS));
    kill(fleet_pid(crash->fleet, victim), SIGTERM);
    let_pass(crash, crash->fleet, victim, AT_STOP);
    int status = fleet_kill(crash->fleet, victim);
    if (status == KILLED) {
        crash->killed++;
        count_kill(crash, AT_STOP, true);
    } else {
        expect_end(crash->fleet, victim, status, 0);
        crash->length_us[AT_STOP] = crash->length_us[AT_STOP] * 3 / 4;
    }
    load_end(crash->load, victim);
    start(crash->fleet, victim);
}

typedef struct {
    void (*fn)(crash_t *crash);
    unsigned weight;
    uint64_t first_us; // length of the phase, as long as nothing better is known
} round_t;

static const round_t rounds[BETWEEN] = {
    [AT_BIRTH] = {at_birth, 3, 20000},        [AT_START] = {at_start, 6, 15000},
    [UNDER_PUTS] = {under_puts, 5, 200000},   [IN_IMPORT] = {in_import, 5, 150000},
    [IN_CATCH_UP] = {in_catch_up, 4, 100000}, [AT_STOP] = {at_stop, 3, 100000},
};

// Every other time the phase that is furthest behind its share.
static phase_t next_phase(crash_t *crash)
{
    phase_t next = AT_BIRTH;
    uint64_t pick = below(crash, 26);
    if (below(crash, 2)) {
        for (phase_t p = AT_BIRTH; p < BETWEEN; p++)
            if (crash->counts[p] * rounds[next].weight < crash->counts[next] * rounds[p].weight)
                next = p;
        return next;
    }
    while (pick >= rounds[next].weight)
        pick -= rounds[next++].weight;
    return next;
}

// ---- looking ----

static void expect_whole(crash_t *crash)
{
    fleet_settle(crash->fleet);
    fleet_settle(crash->fleet); // the first ones may have settled before the last had told
    fleet_assert_same(crash->fleet);
    for (size_t i = 0; i < NODES; i++) {
        expect_writes(crash->fleet, i);
        mem_free(fleet_do(crash->fleet, i, "verify"));
        load_check(crash->load, i);
    }
    print_message("%4u kills: %zu acknowledged changes are at all %d nodes\n", crash->killed,
                  load_acknowledged(crash->load), NODES);
}

// Nobody has ever seen two changes with one number, in any life of any node.
static void expect_calm_logs(crash_t *crash)
{
    static const char *const words[] = {"stops writing", " stopped at ", "Sanitizer",
                                        "runtime error", "Assertion"};
    for (size_t i = 0; i < NODES; i++) {
        char *log = fleet_log(crash->fleet, i);
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            if (strstr(log, words[k]))
                fail_msg("%s logged: %.300s", fleet_node_dir(crash->fleet, i),
                         strstr(log, words[k]));
        mem_free(log);
    }
}

static fleet_t *two_hubs(void)
{
    static const char *const hub[] = {"CRM", NULL}, *const relay[] = {"HN", NULL};
    static const char *const both[] = {"CRM", "HN", NULL};
    fleet_t *fleet = fleet_new();
    fleet_add(fleet, "CRM", true, "", NULL);
    fleet_add(fleet, "GT", false, "", hub);
    fleet_add(fleet, "HN", true, "", hub);
    fleet_add(fleet, "NI", false, "", relay);
    fleet_add(fleet, "CR", false, "", both);
    fleet_found(fleet, 3);
    return fleet;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static bool all_hit(const crash_t *crash)
{
    for (phase_t p = AT_BIRTH; p < BETWEEN; p++)
        if (!crash->counts[p])
            return false;
    return true;
}

static void report(crash_t *crash, uint64_t us)
{
    print_message("%u kills in %.0f s, %.0f a minute:", crash->killed, (double)us / 1e6,
                  crash->killed * 60e6 / (double)us);
    for (phase_t p = AT_BIRTH; p < PHASES; p++)
        print_message("%s %u %s", p ? "," : "", crash->counts[p], names[p]);
    print_message("\n");
    for (phase_t p = AT_BIRTH; p < BETWEEN; p++)
        if (!crash->counts[p])
            fail_msg("no kill %s: nothing is known about it", names[p]);
}

static void killed_at_any_moment_nothing_is_lost_or_said_twice(void **state)
{
    (void)state;
    crash_t crash = {.random = setting("CRASH_SEED", clock_us())};
    uint64_t wanted = setting("CRASH_KILLS", 200), began = clock_us();
    unsigned look = LOOK_EVERY;
    print_message("CRASH_SEED=%llu CRASH_KILLS=%llu\n", (unsigned long long)crash.random,
                  (unsigned long long)wanted);
    for (phase_t p = AT_BIRTH; p < BETWEEN; p++)
        crash.length_us[p] = rounds[p].first_us * SLOWNESS;
    crash.fleet = two_hubs();
    crash.load = load_new(crash.fleet);
    fleet_start_all(crash.fleet);
    // A few more where that many have passed a phase over.
    while (crash.killed < wanted || (!all_hit(&crash) && crash.killed < wanted + LOOK_EVERY)) {
        rounds[next_phase(&crash)].fn(&crash);
        if (crash.killed < look)
            continue;
        expect_whole(&crash);
        look = crash.killed + LOOK_EVERY;
    }
    if (look != crash.killed + LOOK_EVERY)
        expect_whole(&crash);
    for (size_t i = 0; i < NODES; i++)
        stop(crash.fleet, i);
    expect_calm_logs(&crash);
    load_destroy(&crash.load);
    fleet_destroy(&crash.fleet);
    report(&crash, clock_us() - began);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_nothing_is_lost_or_said_twice),
    };
    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
