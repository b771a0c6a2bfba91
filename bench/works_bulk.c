// How fast much moves: bootstrap, live, catch-up, and that with each change signed by itself.
#include <stdlib.h>

#include "bench/machine.h"
#include "bench/repetition.h"
#include "bench/works.h"
#include "lib/crypto.h"

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

// Two nodes in step.
static void *open_followed(void)
{
    void *self = enlace->open(NULL);
    enlace->follow(self);
    enlace->settle(self);
    return self;
}

void work_live(const bench_t *bench)
{
    samples_t rates = {0}, writes = {0};
    void *self = open_followed();
    for (unsigned i = 0; i < bench->repeat; i++) {
        double wrote;
        samples_add(&rates, repeat_live(enlace, self, i * bench->n, bench->n, &wrote));
        samples_add(&writes, (double)bench->n / wrote);
    }
    enlace->close(self);
    report_add(bench->report, "live", enlace->name, bench->n, "1/s", &rates);
    report_add(bench->report, "local write, batches", enlace->name, bench->n, "1/s", &writes);
}

void work_catch_up(const bench_t *bench)
{
    samples_t rates = {0};
    void *self = open_followed();
    for (unsigned i = 0; i < bench->repeat; i++)
        samples_add(&rates, repeat_catch_up(enlace, self, i * bench->n, bench->n, false));
    enlace->close(self);
    report_add(bench->report, "catch-up", enlace->name, bench->n, "1/s", &rates);
}

// ---- each change signed by itself ----

enum { CHECKS = 2000 };

// How many signatures one thread checks a second and does nothing else.
static double check_rate(void)
{
    const uint8_t seed[32] = {1};
    pubkey_t key;
    secret_t *secret = secret_sign_new(seed, &key);
    hash_t coalition = {{2}}, hash = {{3}};
    signature_t signature = crypto_sign_hash(secret, SIGN_COMMIT, &coalition, &hash);
    unsigned good = 0;
    double began = machine_now();
    for (unsigned i = 0; i < CHECKS; i++)
        good += crypto_verify_hash(&key, SIGN_COMMIT, &coalition, &hash, &signature);
    double took = machine_now() - began;
    secret_destroy(&secret);
    if (good != CHECKS)
        abort();
    return CHECKS / took;
}

// A tenth: to write them takes a sync each. Beside it, in the same repetition, what it would be
// to check a signature for each and nothing else.
void work_single(const bench_t *bench)
{
    uint64_t n = bench->n / 10 ? bench->n / 10 : 1;
    samples_t rates = {0}, checks = {0}, times = {0};
    void *self = open_followed();
    for (unsigned i = 0; i < bench->repeat; i++) {
        double rate = repeat_catch_up(enlace, self, i * n, n, true), check = check_rate();
        samples_add(&rates, rate);
        samples_add(&checks, check);
        samples_add(&times, rate / check);
    }
    enlace->close(self);
    report_add(bench->report, "catch-up, a signature each", enlace->name, n, "1/s", &rates);
    report_add(bench->report, "a signature checked", enlace->name, CHECKS, "1/s", &checks);
    report_add(bench->report, "catch-up, each, to a check", enlace->name, n, "times", &times);
}
