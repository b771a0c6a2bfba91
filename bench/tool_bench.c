// What it costs: real daemons, real sockets, one machine. See README.md beside it.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/guard.h"
#include "bench/works.h"
#include "lib/crypto.h"

typedef struct {
    bench_t bench;
    bool growth;
    const char *path; // of the JSON; NULL: none
    char **names;     // of works; none: all
} run_t;

static int usage(void)
{
    fprintf(stderr, "usage: tool_bench [--n RECORDS] [--repeat TIMES] [--seconds IDLE] [--growth] "
                    "[--json FILE] [WORK...]\n");
    for (const work_t *work = works; work->name; work++)
        fprintf(stderr, "  %-12s %s\n", work->name, work->what);
    return 2;
}

static const work_t *find(const char *name)
{
    for (const work_t *work = works; work->name; work++)
        if (strcmp(work->name, name) == 0)
            return work;
    return NULL;
}

static bool read_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return !errno && end != text && !*end && *number > 0 && *number <= most;
}

static bool read_options(int argc, char **argv, run_t *run)
{
    static const struct option options[] = {{"n", required_argument, NULL, 'n'},
                                            {"repeat", required_argument, NULL, 'r'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"growth", no_argument, NULL, 'g'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    uint64_t number = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'n' && read_number(optarg, 10000000, &number))
            run->bench.n = number;
        else if (option == 'r' && read_number(optarg, REPEAT_MAX, &number))
            run->bench.repeat = (unsigned)number;
        else if (option == 's' && read_number(optarg, 3600, &number))
            run->bench.seconds = (unsigned)number;
        else if (option == 'g')
            run->growth = true;
        else if (option == 'j')
            run->path = optarg;
        else
            return false;
    }
    run->names = argv + optind;
    return true;
}

// ---- running ----

static bool save(const run_t *run)
{
    const bench_t *bench = &run->bench;
    json_t *options = json_pack("{s:I, s:i, s:i, s:b, s:o}", "n", (json_int_t)bench->n, "repeat",
                                (int)bench->repeat, "seconds", (int)bench->seconds, "growth",
                                run->growth, "works", report_texts(run->names));
    return report_write(bench->report, run->path, options);
}

static bool is_named(const run_t *run, const work_t *work)
{
    bool named = !*run->names;
    for (char **name = run->names; *name && !named; name++)
        named = strcmp(work->name, *name) == 0;
    return named;
}

// One after the other; the file has what there is after each of them.
static bool run_works(const run_t *run, uint64_t n, bool grows)
{
    bench_t bench = run->bench;
    bool saved = true;
    bench.n = n;
    for (const work_t *work = works; work->name && saved; work++) {
        if (!is_named(run, work) || (grows && !work->grows))
            continue;
        work->run(&bench);
        saved = save(run);
    }
    return saved;
}

// The works whose cost may grow again, with a twentieth of the records and with five times as
// many: 10,000 and a million beside 200,000.
static int run_all(void *context)
{
    run_t *run = context;
    uint64_t n = run->bench.n;
    if (crypto_start())
        return 1;
    run->bench.report = report_new();
    bool saved = run_works(run, n, false);
    if (run->growth)
        saved = saved && run_works(run, (n + 19) / 20, true) && run_works(run, 5 * n, true);
    report_destroy(&run->bench.report);
    return saved ? 0 : 1;
}

int main(int argc, char **argv)
{
    run_t run = {.bench = {.n = 200000, .repeat = 5, .seconds = 60}};
    if (!read_options(argc, argv, &run))
        return usage();
    for (char **name = run.names; *name; name++)
        if (!find(*name))
            return usage();
    return guard_run(run_all, &run, false);
}
