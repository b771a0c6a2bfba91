// Enlace and what one would use instead of it, in one run: for each repetition and each work
// all subjects one after the other, so that what the machine does meanwhile meets all of them.
// Only one of them runs at a time, and each begins with nothing.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/guard.h"
#include "bench/machine.h"
#include "bench/peers/peers.h"
#include "bench/ratios.h"
#include "bench/repetition.h"
#include "bench/report.h"
#include "lib/crypto.h"
#include "lib/mem.h"

static const subject_t *const subjects[] = {&subject_enlace, &peer_postgresql, &peer_nats,
                                            &peer_sqlite};
enum { SUBJECTS = sizeof subjects / sizeof *subjects, ENLACE = 0 };

// What a work yields; latency two of them.
typedef enum { RATE_BOOTSTRAP, RATE_LIVE, RATE_CATCH_UP, P50, P99, FIGURES } figure_t;
static const struct {
    const char *name, *unit;
} figures[FIGURES] = {{"bootstrap", "1/s"},
                      {"live", "1/s"},
                      {"catch-up", "1/s"},
                      {"latency-p50", "ms"},
                      {"latency-p99", "ms"}};

enum { WORKS = 4 };

typedef struct {
    int argc;
    char **argv;
    uint64_t n;
    unsigned repeat;
    const char *path; // of the JSON; NULL: none
    bool keep;
    bool work[WORKS], subject[SUBJECTS]; // which
    samples_t samples[FIGURES][SUBJECTS];
    double medians[FIGURES][SUBJECTS]; // 0: not measured
} peers_t;

// ---- measuring ----

static uint64_t put_count(const peers_t *peers)
{
    uint64_t count = peers->n / 100;
    return count > 2 * LATENCY_WARM_UP ? count : 2 * LATENCY_WARM_UP;
}

static void add(peers_t *peers, figure_t figure, size_t subject, double value)
{
    samples_add(&peers->samples[figure][subject], value);
    fprintf(stderr, "  %-12s %-11s %12.4g %s\n", figures[figure].name, subjects[subject]->name,
            value, figures[figure].unit);
}

static void run_bootstrap(peers_t *peers, size_t which, void *self)
{
    add(peers, RATE_BOOTSTRAP, which, repeat_bootstrap(subjects[which], self, peers->n));
}

static void run_live(peers_t *peers, size_t which, void *self)
{
    double wrote;
    add(peers, RATE_LIVE, which, repeat_live(subjects[which], self, 0, peers->n, &wrote));
}

static void run_catch_up(peers_t *peers, size_t which, void *self)
{
    add(peers, RATE_CATCH_UP, which, repeat_catch_up(subjects[which], self, 0, peers->n, false));
}

static void run_latency(peers_t *peers, size_t which, void *self)
{
    samples_t delays = {0};
    repeat_latency(subjects[which], self, 0, put_count(peers), 0, &delays);
    add(peers, P50, which, samples_quantile(&delays, 0.5));
    add(peers, P99, which, samples_quantile(&delays, 0.99));
    samples_clear(&delays);
}

static const struct {
    const char *name;
    bool followed; // B follows before it begins
    void (*run)(peers_t *peers, size_t which, void *self);
} works[WORKS] = {{"bootstrap", false, run_bootstrap},
                  {"live", true, run_live},
                  {"catch-up", true, run_catch_up},
                  {"latency", true, run_latency}};

static void measure(peers_t *peers, size_t work, size_t which)
{
    const subject_t *subject = subjects[which];
    char *dir = mem_format("%s/%s", getenv("TMPDIR"), subject->name);
    sync(); // nobody pays for what the one before has left to be written
    void *self = subject->open(dir);
    if (works[work].followed) {
        subject->follow(self);
        subject->settle(self);
    }
    works[work].run(peers, which, self);
    subject->close(self);
    mem_free(dir);
}

// Whoever comes first in one repetition comes last in the next.
static void repeat_all(peers_t *peers, unsigned repetition)
{
    fprintf(stderr, "repetition %u of %u\n", repetition + 1, peers->repeat);
    for (size_t work = 0; work < WORKS; work++)
        for (size_t i = 0; peers->work[work] && i < SUBJECTS; i++) {
            size_t which = (i + repetition) % SUBJECTS;
            if (peers->subject[which])
                measure(peers, work, which);
        }
}

// ---- reporting ----

// Takes the samples over; the medians stay.
static void report_all(peers_t *peers, report_t *report)
{
    for (int figure = 0; figure < FIGURES; figure++)
        for (size_t which = 0; which < SUBJECTS; which++) {
            samples_t *samples = &peers->samples[figure][which];
            uint64_t n = figure < P50 ? peers->n : put_count(peers);
            peers->medians[figure][which] = samples_quantile(samples, 0.5);
            if (samples->count > 0)
                report_add(report, figures[figure].name, subjects[which]->name, n,
                           figures[figure].unit, samples);
        }
}

static double median_of(const peers_t *peers, const char *work, const char *subject)
{
    for (int figure = 0; figure < FIGURES; figure++)
        for (size_t which = 0; which < SUBJECTS; which++)
            if (strcmp(figures[figure].name, work) == 0 &&
                strcmp(subjects[which]->name, subject) == 0)
                return peers->medians[figure][which];
    return 0;
}

static void print_asked(double value)
{
    if (value > 0)
        printf(" %8.2f", value);
    else
        printf(" %8s", "-");
}

static json_t *report_ratios(const peers_t *peers)
{
    json_t *all = json_array();
    printf("\n%-12s %-10s %8s  %-7s %8s %8s\n", "ours/theirs", "peer", "ratio", "better", "bound",
           "aim");
    for (const ratio_rule_t *rule = ratio_rules; rule->work; rule++) {
        double ratio = ratio_of(median_of(peers, rule->work, subjects[ENLACE]->name),
                                median_of(peers, rule->work, rule->peer));
        ratio_grade_t grade = ratio_grade(rule, ratio);
        if (grade == RATIO_UNKNOWN)
            continue;
        printf("%-12s %-10s %8.3f  %-7s", rule->work, rule->peer, ratio,
               rule->lower ? "lower" : "higher");
        print_asked(rule->bound);
        print_asked(rule->aim);
        printf("  %s\n", ratio_grade_text(grade));
        json_array_append_new(all, ratio_json(rule, ratio));
    }
    fflush(stdout);
    return all;
}

static json_t *describe_all(const peers_t *peers)
{
    json_t *all = json_object();
    for (size_t which = 0; which < SUBJECTS; which++)
        if (peers->subject[which])
            json_object_set_new(all, subjects[which]->name, subjects[which]->describe());
    return all;
}

static bool write_report(const peers_t *peers, const report_t *report)
{
    json_t *options =
        json_pack("{s:I, s:i, s:b, s:o}", "n", (json_int_t)peers->n, "repeat", (int)peers->repeat,
                  "keep", peers->keep, "names", report_texts(peers->argv + optind));
    return report_write(report, peers->path, options);
}

static int run(void *context)
{
    peers_t *peers = context;
    if (crypto_start())
        return 1;
    for (unsigned i = 0; i < peers->repeat; i++)
        repeat_all(peers, i);
    report_t *report = report_new();
    report_all(peers, report);
    report_attach(report, "ratios", report_ratios(peers));
    report_attach(report, "subjects", describe_all(peers));
    bool good = write_report(peers, report);
    report_destroy(&report);
    return good ? 0 : 1;
}

// ---- options ----

static int usage(void)
{
    fprintf(stderr, "usage: tool_peers [--n RECORDS] [--repeat TIMES] [--json FILE] [--keep] "
                    "[WORK|SUBJECT...]\n  works:   ");
    for (int i = 0; i < WORKS; i++)
        fprintf(stderr, " %s", works[i].name);
    fprintf(stderr, "\n  subjects:");
    for (size_t i = 0; i < SUBJECTS; i++)
        fprintf(stderr, " %s", subjects[i]->name);
    fprintf(stderr, "\n  --keep: the servers' logs stay\n");
    return 2;
}

static bool read_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return !errno && end != text && !*end && *number > 0 && *number <= most;
}

// Names of works and subjects; no work named is all works, and so with subjects.
static bool read_names(peers_t *peers, char **names)
{
    bool any_work = false, any_subject = false;
    for (; *names; names++) {
        bool known = false;
        for (int i = 0; i < WORKS; i++)
            if (strcmp(*names, works[i].name) == 0)
                known = any_work = peers->work[i] = true;
        for (size_t i = 0; i < SUBJECTS; i++)
            if (strcmp(*names, subjects[i]->name) == 0)
                known = any_subject = peers->subject[i] = true;
        if (!known)
            return false;
    }
    for (int i = 0; !any_work && i < WORKS; i++)
        peers->work[i] = true;
    for (size_t i = 0; !any_subject && i < SUBJECTS; i++)
        peers->subject[i] = true;
    return true;
}

static bool read_options(peers_t *peers)
{
    static const struct option options[] = {{"n", required_argument, NULL, 'n'},
                                            {"repeat", required_argument, NULL, 'r'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"keep", no_argument, NULL, 'k'},
                                            {0}};
    uint64_t number = 0;
    for (int option; (option = getopt_long(peers->argc, peers->argv, "", options, NULL)) != -1;) {
        if (option == 'n' && read_number(optarg, 10000000, &number))
            peers->n = number;
        else if (option == 'r' && read_number(optarg, 11, &number))
            peers->repeat = (unsigned)number;
        else if (option == 'j')
            peers->path = optarg;
        else if (option == 'k')
            peers->keep = true;
        else
            return false;
    }
    return read_names(peers, peers->argv + optind);
}

int main(int argc, char **argv)
{
    peers_t peers = {.argc = argc, .argv = argv, .n = 200000, .repeat = 5};
    if (!read_options(&peers))
        return usage();
    return guard_run(run, &peers, peers.keep);
}
