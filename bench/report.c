#include "bench/report.h"

#include <errno.h>
#include <string.h>

#include "bench/machine.h"
#include "lib/mem.h"

struct report {
    json_t *machine; // as it was before anything was measured
    json_t *results, *skipped;
    json_t *attached; // by name
};

report_t *report_new(void)
{
    report_t *report = mem_alloc(sizeof *report);
    report->machine = machine_describe();
    report->results = json_array();
    report->skipped = json_array();
    report->attached = json_object();
    printf("%-38s %-10s %9s  %-11s %12s %12s %12s\n", "work", "subject", "n", "unit", "median",
           "least", "most");
    fflush(stdout);
    return report;
}

void report_destroy(report_t **report_pointer)
{
    json_decref((*report_pointer)->machine);
    json_decref((*report_pointer)->results);
    json_decref((*report_pointer)->skipped);
    json_decref((*report_pointer)->attached);
    mem_free(*report_pointer);
    *report_pointer = NULL;
}

static json_t *values_of(const samples_t *samples)
{
    json_t *values = json_array();
    for (size_t i = 0; i < samples->count; i++)
        json_array_append_new(values, json_real(samples->values[i]));
    return values;
}

void report_add(report_t *report, const char *work, const char *subject, uint64_t n,
                const char *unit, samples_t *samples)
{
    double median = samples_quantile(samples, 0.5);
    double least = samples_min(samples), most = samples_max(samples);
    printf("%-38s %-10s %9llu  %-11s %12.4g %12.4g %12.4g\n", work, subject, (unsigned long long)n,
           unit, median, least, most);
    fflush(stdout);
    json_array_append_new(report->results,
                          json_pack("{s:s, s:s, s:I, s:s, s:o, s:f, s:f, s:f}", "work", work,
                                    "subject", subject, "n", (json_int_t)n, "unit", unit, "values",
                                    values_of(samples), "median", median, "min", least, "max",
                                    most));
    samples_clear(samples);
}

// A quantile has one sample beyond it at least: a hundred for p99.
static bool has_enough(const samples_t *runs, size_t count, double share)
{
    for (size_t k = 0; k < count; k++)
        if ((double)runs[k].count * (1 - share) < 1 - 1e-9)
            return false;
    return true;
}

void report_quantiles(report_t *report, const char *work, const char *subject, uint64_t n,
                      const char *unit, samples_t *runs, size_t count, size_t quantiles)
{
    static const struct {
        const char *name;
        double share;
    } kept[TO_P99_9] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
    for (size_t i = 0; i < quantiles; i++) {
        samples_t values = {0};
        char *name = mem_format("%s, %s", work, kept[i].name);
        for (size_t k = 0; k < count; k++)
            samples_add(&values, samples_quantile(&runs[k], kept[i].share));
        if (has_enough(runs, count, kept[i].share))
            report_add(report, name, subject, n, unit, &values);
        else
            report_skip(report, name, subject, "too few samples in a repetition");
        samples_clear(&values);
        mem_free(name);
    }
    for (size_t k = 0; k < count; k++)
        samples_clear(&runs[k]);
}

void report_skip(report_t *report, const char *work, const char *subject, const char *why)
{
    printf("%-38s %-10s skipped: %s\n", work, subject, why);
    fflush(stdout);
    json_array_append_new(report->skipped, json_pack("{s:s, s:s, s:s}", "work", work, "subject",
                                                     subject, "why", why));
}

void report_attach(report_t *report, const char *name, json_t *value)
{
    json_object_set_new(report->attached, name, value);
}

json_t *report_texts(char **texts)
{
    json_t *list = json_array();
    for (; *texts; texts++)
        json_array_append_new(list, json_string(*texts));
    return list;
}

bool report_write(const report_t *report, const char *path, json_t *options)
{
    json_t *all = json_pack("{s:O, s:o, s:o, s:O, s:O}", "machine", report->machine, "versions",
                            machine_versions(), "options", options, "results", report->results,
                            "skipped", report->skipped);
    json_object_update(all, report->attached);
    bool written = !path || json_dump_file(all, path, JSON_INDENT(1)) == 0;
    if (!written)
        fprintf(stderr, "%s cannot be written: %s: name another with --json\n", path,
                strerror(errno));
    json_decref(all);
    return written;
}
