// What holds of every commit that a decoder has let through.
#ifndef ENLACE_TESTS_FUZZ_CHECK_COMMIT_H
#define ENLACE_TESTS_FUZZ_CHECK_COMMIT_H

#include "lib/commit.h"

void check_commit(const commit_t *commit);
void check_run(const run_t *run);
// As check_commit and check_run say they are the same.
void check_same_commit(const commit_t *a, const commit_t *b);

// Whatever bytes they are: the reading in one pass takes nothing that unpacking does not
// take, too, with the same values; and what it leaves has unpacking's reason.
void check_header_readers(span_t header);
void check_run_readers(span_t run);

#endif
