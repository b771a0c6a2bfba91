// `make sim`: plans by seed, several at a time, with what fired counted over all.
//
//   tool_seeds [--seeds N] [--first S] [--nodes N] [--jobs N] [--stop]
//   tool_seeds --seed S [--nodes N] [--keep 1,2,3] [--trace]
//   tool_seeds --corpus PLAN...     plans that were kept
//   tool_seeds --replay S           the same seed twice: the same bytes
//
// A signature that a run has verified is not computed again (memo.h); --no-memo
// computes all. --replay has one of its two runs with, the other one without.
//
// Prints the seed and every derived choice before a single run; a run that fails
// is made smaller, and what is left of it printed with the command that shows it.
// Exit status: 0 nothing violated, 1 a violation, 2 usage.
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/mem.h"
#include "tests/sim/memo.h"
#include "tests/sim/play.h"

enum { JOBS_MAX = 64, KEEP_MAX = 400, FAILURES_SHOWN = 5 };

typedef struct {
    uint64_t first, seeds, seed;
    size_t nodes, jobs, keep_count;
    size_t keep[KEEP_MAX];
    bool single, trace, replay;
    bool corpus;
    bool must_fire; // a fault that never fired is a failure
    bool stop;      // at the first violation, which is not made smaller
    bool no_memo;
} options_t;

// What all workers add to; in memory that they share.
typedef struct {
    uint64_t next, done, failed;
    uint64_t failures[FAILURES_SHOWN];
    result_t sum;
} shared_t;

// ---- one run ----

static void run_seed(const options_t *options, const disk_image_t *empty, uint64_t seed,
                     FILE *trace, result_t *result)
{
    plan_t *plan = plan_new(seed, options->nodes);
    if (options->keep_count)
        plan_keep(plan, options->keep, options->keep_count);
    if (trace)
        plan_print(plan, trace);
    play_run(plan, empty, trace, options->single || options->replay, result);
    plan_destroy(&plan);
}

// ---- making a failing run smaller ----

// Numbers and codes of nodes apart, the same words are the same failure.
static bool alike_texts(const char *a, const char *b)
{
    while (*a && *b) {
        a += strspn(a, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        b += strspn(b, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (*a != *b)
            return false;
        a += *a != '\0';
        b += *b != '\0';
    }
    return *a == *b;
}

static bool fails_alike(const plan_t *plan, const disk_image_t *empty, const char *violation)
{
    result_t result;
    play_run(plan, empty, NULL, false, &result);
    size_t name = strcspn(violation, ":"); // of the invariant
    bool alike = result.violation && strncmp(result.violation, violation, name + 1) == 0 &&
                 alike_texts(result.violation, violation);
    result_clear(&result);
    return alike;
}

// Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
// 2002, in its simple form: ever smaller pieces are left out.
static plan_t *minimise(const plan_t *whole, const disk_image_t *empty, const char *violation)
{
    plan_t *plan = plan_without(whole, 0, 0);
    for (size_t piece = plan->step_count / 2; piece >= 1; piece /= 2) {
        for (size_t at = 0; at < plan->step_count;) {
            plan_t *less = plan_without(plan, at, piece);
            if (!fails_alike(less, empty, violation)) {
                plan_destroy(&less);
                at += piece;
                continue;
            }
            plan_destroy(&plan);
            plan = less;
        }
    }
    return plan;
}

// What is left of a plan that fails.
static void show_small(const plan_t *plan, const disk_image_t *empty, const char *violation)
{
    plan_t *small = minimise(plan, empty, violation);
    printf("smaller: %zu of %zu steps fail alike\n", small->step_count, plan->step_count);
    plan_print(small, stdout);
    plan_destroy(&small);
}

static void show_failure(const options_t *options, const disk_image_t *empty, uint64_t seed)
{
    result_t result;
    run_seed(options, empty, seed, NULL, &result);
    if (!result.violation) {
        printf("seed %llu failed only once: it is not the same run twice\n",
               (unsigned long long)seed);
        return;
    }
    printf("violation: %s (seed %llu)\n", result.violation, (unsigned long long)seed);
    plan_t *plan = plan_new(seed, options->nodes);
    if (options->keep_count)
        plan_keep(plan, options->keep, options->keep_count);
    show_small(plan, empty, result.violation);
    printf("again: keep these lines in a file, and tool_seeds --corpus --trace FILE\n");
    plan_destroy(&plan);
    result_clear(&result);
}

// ---- many ----

// Everything of a result from its first number to its last is a sum.
static void add_result(result_t *sum, const result_t *result)
{
    uint64_t *to = &sum->steps;
    const uint64_t *from = &result->steps;
    for (size_t i = 0; &from[i] < &result->hash; i++)
        __atomic_fetch_add(&to[i], from[i], __ATOMIC_RELAXED);
}

// A long run shows that it goes on.
static void print_progress(const options_t *options, const shared_t *shared, uint64_t done)
{
    enum { EVERY = 5000 };
    if (done % EVERY || done == options->seeds)
        return;
    printf("%llu of %llu seeds, %llu violations\n", (unsigned long long)done,
           (unsigned long long)options->seeds, (unsigned long long)shared->failed);
    fflush(stdout);
}

static void work(const options_t *options, shared_t *shared)
{
    disk_image_t *empty = world_empty_store();
    for (;;) {
        uint64_t index = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        if (index >= options->seeds)
            break;
        result_t result;
        run_seed(options, empty, options->first + index, NULL, &result);
        add_result(&shared->sum, &result);
        if (result.violation) {
            uint64_t place = __atomic_fetch_add(&shared->failed, 1, __ATOMIC_RELAXED);
            unsigned long long seed = options->first + index;
            if (place < FAILURES_SHOWN)
                shared->failures[place] = seed;
            printf("violation: %s (seed %llu)\n", result.violation, seed);
            fflush(stdout);
            if (options->stop)
                __atomic_store_n(&shared->next, options->seeds, __ATOMIC_RELAXED);
        }
        print_progress(options, shared, __atomic_add_fetch(&shared->done, 1, __ATOMIC_RELAXED));
        result_clear(&result);
    }
    disk_image_destroy(&empty);
}

static uint64_t start_workers(const options_t *options, shared_t *shared)
{
    uint64_t died = 0;
    fflush(stdout);
    for (size_t i = 0; i < options->jobs; i++) {
        pid_t child = fork();
        if (child == 0) {
            work(options, shared);
            exit(0); // leaks are looked for
        }
    }
    for (size_t i = 0; i < options->jobs; i++) {
        int status = 0;
        wait(&status);
        died += status != 0;
    }
    return died;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// ---- what was seen ----

static uint64_t print_count(const char *what, uint64_t count)
{
    printf("  %-62s %llu%s\n", what, (unsigned long long)count, count ? "" : "   NEVER");
    return count == 0;
}

static const char *const disk_texts[DISK_KINDS] = {
    [DISK_ENOSPC] = "disk full",
    [DISK_EIO] = "disk error (write)",
    [DISK_SHORT_WRITE] = "short write",
    [DISK_READ_EIO] = "disk error (read)",
    [DISK_SYNC_FAIL] = "sync failed",
    [DISK_CRASH] = "process killed",
    [DISK_POWER_LOSS] = "power lost",
    [DISK_FLIP] = "bit flipped on disk",
    [DISK_SECTOR_LOST] = "unsynced sector lost",
    [DISK_SECTOR_GARBLED] = "unsynced sector garbled",
    [DISK_SIZE_LOST] = "unsynced size of a file lost",
};

static uint64_t print_counts(const result_t *sum)
{
    uint64_t never = 0;
    for (size_t i = 0; i < STEP_TYPES; i++)
        never += print_count(step_text((step_type_t)i), sum->fired[i]);
    for (size_t i = 0; i < NET_COUNT_END; i++)
        never += print_count(net_count_name((net_count_t)i), sum->net[i]);
    for (size_t i = 0; i < DISK_KINDS; i++)
        if (disk_texts[i])
            never += print_count(disk_texts[i], sum->disk[i]);
    for (size_t i = 1; i < HOSTILITIES; i++)
        never += print_count(hostility_name((hostility_t)i), sum->hostilities[i]);
    never += print_count("fence lifted by its operator", sum->lifted[0]);
    never += print_count("fence lifted by a new epoch", sum->lifted[1]);
    never += print_count("message of a node a version ahead", sum->newer_messages);
    never += print_count("run that went packed", sum->packed);
    never += print_count("bit flipped on the wire", sum->wire_flips);
    never += print_count("member two or more rosters behind, at a step", sum->behind);
    return never;
}

static int many(const options_t *options)
{
    shared_t *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    printf("seeds %llu to %llu, %zu at a time\n", (unsigned long long)options->first,
           (unsigned long long)options->first + options->seeds - 1, options->jobs);
    double began = seconds();
    uint64_t died = start_workers(options, shared);
    double took = seconds() - began;
    uint64_t never = print_counts(&shared->sum);
    printf("%llu seeds, %llu steps, %llu writes (%llu refused), %llu commits, %.1f virtual hours "
           "in %.1f s: %.1f seeds a second, %.1f a second and process\n",
           (unsigned long long)shared->done, (unsigned long long)shared->sum.steps,
           (unsigned long long)shared->sum.writes, (unsigned long long)shared->sum.refused_writes,
           (unsigned long long)shared->sum.commits, (double)shared->sum.virtual_ms / 3.6e6, took,
           (double)shared->done / took, (double)shared->done / took / (double)options->jobs);
    printf("%llu signatures verified, %llu times one that the run had verified before\n",
           (unsigned long long)shared->sum.verified, (unsigned long long)shared->sum.remembered);
    disk_image_t *empty = shared->failed && !options->stop ? world_empty_store() : NULL;
    if (empty)
        show_failure(options, empty, shared->failures[0]);
    if (empty)
        disk_image_destroy(&empty);
    bool failed =
        shared->failed || died || shared->done != options->seeds || (options->must_fire && never);
    printf("%llu violations, %llu processes died, %llu faults never fired\n",
           (unsigned long long)shared->failed, (unsigned long long)died, (unsigned long long)never);
    munmap(shared, sizeof *shared);
    return failed;
}

// ---- single ones ----

static int single(const options_t *options)
{
    disk_image_t *empty = world_empty_store();
    result_t result;
    run_seed(options, empty, options->seed, options->trace ? stdout : NULL, &result);
    printf("seed %llu: %s; disks at the end %016llx\n", (unsigned long long)options->seed,
           result.violation ? result.violation : "nothing violated",
           (unsigned long long)result.hash);
    bool failed = result.violation != NULL;
    if (failed && !options->trace)
        show_failure(options, empty, options->seed);
    result_clear(&result);
    disk_image_destroy(&empty);
    return failed;
}

// Two runs of one seed, the second one without the memo: the same trace to the byte,
// the same disks.
static int replay(const options_t *options)
{
    char *traces[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        disk_image_t *empty = world_empty_store();
        result_t result;
        FILE *trace = open_memstream(&traces[i], &sizes[i]);
        memo_use(i == 0);
        run_seed(options, empty, options->seed, trace, &result);
        fclose(trace);
        hashes[i] = result.hash;
        result_clear(&result);
        disk_image_destroy(&empty);
    }
    bool same = sizes[0] == sizes[1] && memcmp(traces[0], traces[1], sizes[0]) == 0 &&
                hashes[0] == hashes[1];
    printf("seed %llu: %zu bytes of trace, disks %016llx: %s\n", (unsigned long long)options->seed,
           sizes[0], (unsigned long long)hashes[0], same ? "the same twice" : "NOT the same twice");
    free(traces[0]);
    free(traces[1]);
    return !same;
}

static bool parse_keep(const char *text, options_t *options)
{
    options->keep_count = 0;
    while (*text && *text != ' ' && *text != '\n' && options->keep_count < KEEP_MAX) {
        char *end;
        options->keep[options->keep_count++] = strtoul(text, &end, 10);
        if (end == text)
            return false;
        text = *end == ',' ? end + 1 : end;
    }
    return options->keep_count > 0;
}

// A kept plan: what failed once, whatever the table of steps has become since.
static int kept(const char *path, const disk_image_t *empty, FILE *trace)
{
    FILE *file = fopen(path, "r");
    plan_t *plan = file ? plan_read(file) : NULL;
    result_t result = {0};
    if (file)
        fclose(file);
    if (!plan) {
        printf("%s: no plan that can be read\n", path);
        return 1;
    }
    play_run(plan, empty, trace, false, &result);
    printf("%s: %s\n", path, result.violation ? result.violation : "nothing violated");
    int failed = result.violation != NULL;
    if (failed && !trace)
        show_small(plan, empty, result.violation);
    result_clear(&result);
    plan_destroy(&plan);
    return failed;
}

static int corpus(char *const *paths, FILE *trace)
{
    disk_image_t *empty = world_empty_store();
    int failed = 0, count = 0;
    for (; paths[count]; count++)
        failed += kept(paths[count], empty, trace);
    disk_image_destroy(&empty);
    printf("corpus: %d runs, %d failed\n", count, failed);
    return failed || !count;
}

static bool parse(int argc, char **argv, options_t *options)
{
    static const struct option names[] = {{"seeds", required_argument, NULL, 'n'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"nodes", required_argument, NULL, 'm'},
                                          {"jobs", required_argument, NULL, 'j'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"keep", required_argument, NULL, 'k'},
                                          {"trace", no_argument, NULL, 't'},
                                          {"replay", required_argument, NULL, 'r'},
                                          {"corpus", no_argument, NULL, 'c'},
                                          {"must-fire", no_argument, NULL, 'a'},
                                          {"stop", no_argument, NULL, 'o'},
                                          {"no-memo", no_argument, NULL, 'x'},
                                          {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        switch (option) {
        case 'n':
            options->seeds = number;
            break;
        case 'f':
            options->first = number;
            break;
        case 'm':
            options->nodes = number;
            break;
        case 'j':
            options->jobs = number;
            break;
        case 's':
            options->seed = number;
            options->single = true;
            break;
        case 'r':
            options->seed = number;
            options->replay = true;
            break;
        case 'k':
            if (!parse_keep(optarg, options))
                return false;
            break;
        case 't':
            options->trace = true;
            break;
        case 'c':
            options->corpus = true;
            break;
        case 'a':
            options->must_fire = true;
            break;
        case 'o':
            options->stop = true;
            break;
        case 'x':
            options->no_memo = true;
            break;
        default:
            return false;
        }
    }
    return (optind == argc) != options->corpus && options->jobs && options->jobs <= JOBS_MAX &&
           options->nodes <= PLAN_NODES_MAX && options->nodes != 1;
}

int main(int argc, char **argv)
{
    options_t options = {.first = 1, .seeds = 1000, .jobs = (size_t)sysconf(_SC_NPROCESSORS_ONLN)};
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: tool_seeds [--seeds N] [--first S] [--nodes 2..40] [--jobs N] "
                        "[--must-fire] [--stop] [--no-memo]\n"
                        "       tool_seeds --seed S [--nodes N] [--keep 1,2,3] [--trace] "
                        "[--no-memo]\n"
                        "       tool_seeds --replay S | --corpus [--trace] PLAN...\n");
        return 2;
    }
    memo_use(!options.no_memo);
    disk_hurry_sqlite();
    if (options.corpus)
        return corpus(argv + optind, options.trace ? stdout : NULL);
    if (options.replay)
        return replay(&options);
    return options.single ? single(&options) : many(&options);
}
