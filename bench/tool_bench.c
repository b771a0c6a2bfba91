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
    fprintf(stderr,
            "usage: tool_bench [--n RECORDS] [--repeat TIMES] [--seconds IDLE] [--json FILE] "
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

static bool read_options(int argc, char **argv, bench_t *bench, const char **path)
{
    static const struct option options[] = {
        {"n", required_argument, NULL, 'n'},       {"repeat", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'}, {"json", required_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {0}};
    uint64_t number = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'n' && read_number(optarg, 10000000, &number))
            bench->n = number;
        else if (option == 'r' && read_number(optarg, REPEAT_MAX, &number))
            bench->repeat = (unsigned)number;
        else if (option == 's' && read_number(optarg, 3600, &number))
            bench->seconds = (unsigned)number;
        else if (option == 'j')
            *path = optarg;
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    bench_t bench = {.n = 200000, .repeat = 5, .seconds = 60};
    const char *path = NULL;
    if (!read_options(argc, argv, &bench, &path))
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
    bool good = !path || report_write(bench.report, path, argc, argv);
    if (!good)
        fprintf(stderr, "%s cannot be written: %s\n", path, strerror(errno));
    report_destroy(&bench.report);
    return good ? 0 : 1;
}
