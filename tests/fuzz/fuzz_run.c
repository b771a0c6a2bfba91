// Runs: what a fetch brings, put together from its parts.
#include "enlace/v1/commit.pb-c.h"
#include "tests/fuzz/check_commit.h"
#include "tests/fuzz/fuzz.h"

static void one(span_t input)
{
    run_t run;
    fault_t fault = {0};
    err_t err = run_decode(input, &run, &fault);
    fuzz_refused(err, &fault);
    check_run_readers(input);
    if (err) {
        FUZZ_EXPECT(run.count == 0);
        return;
    }
    check_run(&run);
    run_clear(&run);
}

const fuzz_target_t fuzz_target = {
    .one = one, .type = &enlace__v1__run__descriptor, .peak_bytes = 16 * 1024 * 1024};
