// How soon one is there: from the call of `put` to the moment at which another node shows
// it, one at a time and by the clock.
#include "bench/repetition.h"
#include "bench/works.h"
#include "lib/mem.h"

enum { OPEN_SECONDS = 10 };

static const subject_t *const enlace = &subject_enlace;

static void add_quantiles(const bench_t *bench, const char *work, uint64_t n, samples_t *runs)
{
    static const struct {
        const char *name;
        double share;
    } kept[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        samples_t values = {0};
        for (unsigned k = 0; k < bench->repeat; k++)
            samples_add(&values, samples_quantile(&runs[k], kept[i].share));
        char *name = mem_format("%s, %s", work, kept[i].name);
        report_add(bench->report, name, enlace->name, n, "ms", &values);
        mem_free(name);
    }
    for (unsigned k = 0; k < bench->repeat; k++)
        samples_clear(&runs[k]);
}

static uint64_t enough(uint64_t count)
{
    return count > 2 * LATENCY_WARM_UP ? count : 2 * LATENCY_WARM_UP;
}

static void measure(const bench_t *bench, void *self, const char *work, uint64_t count,
                    unsigned rate, uint64_t *written)
{
    samples_t *runs = mem_alloc_array(bench->repeat, sizeof *runs);
    for (unsigned i = 0; i < bench->repeat; i++) {
        repeat_latency(enlace, self, *written, count, rate, &runs[i]);
        *written += count;
    }
    add_quantiles(bench, work, count, runs);
    mem_free(runs);
}

void work_latency(const bench_t *bench)
{
    static const unsigned rates[] = {10, 100, 1000};
    uint64_t written = 0;
    void *self = enlace->open(NULL);
    enlace->follow(self);
    enlace->settle(self);
    measure(bench, self, "latency", enough(bench->n / 100), 0, &written);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        char *work = mem_format("latency at %u a second", rates[i]);
        uint64_t count = enough((uint64_t)rates[i] * OPEN_SECONDS);
        measure(bench, self, work, count, rates[i], &written);
        mem_free(work);
    }
    enlace->close(self);
}
