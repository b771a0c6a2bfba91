// How soon one is there: from the call of `put` to the moment at which another node shows
// it, one at a time and by the clock.
#include "bench/repetition.h"
#include "bench/works.h"
#include "lib/mem.h"

// Of 1,000 samples one lies beyond p99.9.
enum { OPEN_SECONDS = 10, SAMPLES = 1000 + LATENCY_WARM_UP };

static const subject_t *const enlace = &subject_enlace;

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
    report_quantiles(bench->report, work, enlace->name, count, "ms", runs, bench->repeat, TO_P99_9);
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
        uint64_t count = (uint64_t)rates[i] * OPEN_SECONDS;
        count = count > SAMPLES ? count : SAMPLES;
        measure(bench, self, work, count, rates[i], &written);
        mem_free(work);
    }
    enlace->close(self);
}
