#include "bench/report.h"

#include <jansson.h>
#include <string.h>

#include "bench/machine.h"
#include "lib/mem.h"

struct report {
    json_t *results;
};

report_t *report_new(void)
{
    report_t *report = mem_alloc(sizeof *report);
    report->results = json_array();
    printf("%-34s %-10s %9s  %-8s %12s %12s %12s\n", "work", "subject", "n", "unit", "median",
           "least", "most");
    fflush(stdout);
    return report;
}

void report_destroy(report_t **report_pointer)
{
    json_decref((*report_pointer)->results);
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
    printf("%-34s %-10s %9llu  %-8s %12.4g %12.4g %12.4g\n", work, subject, (unsigned long long)n,
           unit, median, least, most);
    fflush(stdout);
    json_array_append_new(report->results,
                          json_pack("{s:s, s:s, s:I, s:s, s:o, s:f, s:f, s:f}", "work", work,
                                    "subject", subject, "n", (json_int_t)n, "unit", unit, "values",
                                    values_of(samples), "median", median, "min", least, "max",
                                    most));
    samples_clear(samples);
}

bool report_write(const report_t *report, const char *path, int argc, char **argv)
{
    json_t *options = json_array();
    for (int i = 1; i < argc; i++)
        json_array_append_new(options, json_string(argv[i]));
    json_t *all = json_pack("{s:o, s:o, s:O}", "machine", machine_describe(), "options", options,
                            "results", report->results);
    bool written = json_dump_file(all, path, JSON_INDENT(1)) == 0;
    json_decref(all);
    return written;
}
