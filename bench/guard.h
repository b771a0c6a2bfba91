// Nothing is left behind, however the program ends.
#ifndef ENLACE_BENCH_GUARD_H
#define ENLACE_BENCH_GUARD_H

#include <stdbool.h>

// A directory with all that is in it; where it is not there, nothing.
void guard_remove(const char *dir);

// Runs `work` in a process of its own, with TMPDIR a new directory. When that process has
// ended, by itself, by an error or because somebody interrupts (SIGINT, SIGTERM, SIGHUP),
// this one waits for whatever it had started, ends what does not end, removes the directory
// and returns the exit status; 128 + the signal where one ended it. `keep`: the directory,
// with the logs in it, stays and is named.
int guard_run(int (*work)(void *context), void *context, bool keep);

#endif
