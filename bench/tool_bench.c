// What it costs: real daemons, real sockets, one machine. See README.md beside it.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/works.h"
#include "lib/crypto.h"

static int usage(void)
{
    fprintf(stderr, "usage: tool_bench [--n RECORDS] [--repeat TIMES] [--seconds IDLE] [--growth] "
                    "[--json FILE] "
                    "[WORK...]\n");
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

static bool read_options(int argc, char **argv, bench_t *bench, bool *growth, const char **path)
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
            bench->n = number;
        else if (option == 'r' && read_number(optarg, REPEAT_MAX, &number))
            bench->repeat = (unsigned)number;
        else if (option == 's' && read_number(optarg, 3600, &number))
            bench->seconds = (unsigned)number;
        else if (option == 'g')
            *growth = true;
        else if (option == 'j')
            *path = optarg;
        else
            return false;
    }
    return true;
}

static bool is_named(const work_t *work, char **names)
{
    bool named = !names;
    for (size_t i = 0; names && names[i] && !named; i++)
        named = strcmp(work->name, names[i]) == 0;
    return named;
}

// The works whose cost may grow, of those that are named (NULL: all), with a twentieth of the
// records and with five times as many: 10,000 and a million beside 200,000.
static void grow(const bench_t *bench, char **names)
{
    for (int i = 0; i < 2; i++) {
        bench_t other = *bench;
        other.n = i ? 5 * bench->n : (bench->n + 19) / 20;
        for (const work_t *work = works; work->name; work++)
            if (work->grows && is_named(work, names))
                work->run(&other);
    }
}

int main(int argc, char **argv)
{
    bool growth = false;
    bench_t bench = {.n = 200000, .repeat = 5, .seconds = 60};
    const char *path = NULL;
    if (!read_options(argc, argv, &bench, &growth, &path))
        return usage();
    for (int i = optind; i < argc; i++)
        if (!find(argv[i]))
            return usage();
    if (crypto_start())
        return 1;
    bench.report = report_new();
    for (const work_t *work = works; optind == argc && work->name; work++)
        work->run(&bench);
    for (int i = optind; i < argc; i++)
        find(argv[i])->run(&bench);
    if (growth)
        grow(&bench, optind < argc ? argv + optind : NULL);
    bool good = !path || report_write(bench.report, path, argc, argv);
    if (!good)
        fprintf(stderr, "%s cannot be written: %s\n", path, strerror(errno));
    report_destroy(&bench.report);
    return good ? 0 : 1;
}
