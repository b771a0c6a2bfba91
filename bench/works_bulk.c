// How fast much moves: bootstrap, live, catch-up.
#include "bench/repetition.h"
#include "bench/works.h"

static const subject_t *const enlace = &subject_enlace;

void work_bootstrap(const bench_t *bench)
{
    samples_t rates = {0};
    for (unsigned i = 0; i < bench->repeat; i++) {
        void *self = enlace->open(NULL);
        samples_add(&rates, repeat_bootstrap(enlace, self, bench->n));
        enlace->close(self);
    }
    report_add(bench->report, "bootstrap", enlace->name, bench->n, "1/s", &rates);
}

void work_live(const bench_t *bench)
{
    samples_t rates = {0}, writes = {0};
    void *self = enlace->open(NULL);
    enlace->follow(self);
    enlace->settle(self);
    for (unsigned i = 0; i < bench->repeat; i++) {
        double wrote;
        samples_add(&rates, repeat_live(enlace, self, i * bench->n, bench->n, &wrote));
        samples_add(&writes, (double)bench->n / wrote);
    }
    enlace->close(self);
    report_add(bench->report, "live", enlace->name, bench->n, "1/s", &rates);
    report_add(bench->report, "local write, batches", enlace->name, bench->n, "1/s", &writes);
}

static void catch_up(const bench_t *bench, const char *work, uint64_t n, bool each)
{
    samples_t rates = {0};
    void *self = enlace->open(NULL);
    enlace->follow(self);
    enlace->settle(self);
    for (unsigned i = 0; i < bench->repeat; i++)
        samples_add(&rates, repeat_catch_up(enlace, self, i * n, n, each));
    enlace->close(self);
    report_add(bench->report, work, enlace->name, n, "1/s", &rates);
}

void work_catch_up(const bench_t *bench)
{
    catch_up(bench, "catch-up", bench->n, false);
}

// A tenth: to write them takes a sync each.
void work_single(const bench_t *bench)
{
    catch_up(bench, "catch-up, a signature each", bench->n / 10 ? bench->n / 10 : 1, true);
}
