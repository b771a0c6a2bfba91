// Lets a profiler see only what a work measures, not what it prepares.
//
// bench/profile.sh runs the bench under `perf record --control`, switched off, and names
// the two FIFOs (commands, answers) in ENLACE_PERF_CONTROL and ENLACE_PERF_ACK. Where it
// does not, these do nothing.
#ifndef ENLACE_BENCH_PROFILE_H
#define ENLACE_BENCH_PROFILE_H

void profile_begin(void);
void profile_end(void);

#endif
