// Headers of commits, which are read in two ways: in one pass where they have the form
// that everybody writes, unpacked where they do not.
#include "enlace/v1/commit.pb-c.h"
#include "lib/mem.h"
#include "tests/fuzz/check_commit.h"
#include "tests/fuzz/fuzz.h"

static void one(span_t input)
{
    commit_t *commit = NULL;
    commit_t facts = {0};
    check_header_readers(input);
    if (commit_unpack_header(input, &facts, NULL) == ERR_OK) {
        FUZZ_EXPECT(commit_decode_bare(input, NULL, facts.count, &commit, NULL) == ERR_OK);
        check_commit(commit);
    }
    commit_destroy(&commit);
    mem_free(facts.changes);
}

const fuzz_target_t fuzz_target = {
    .one = one, .type = &enlace__v1__commit_header__descriptor, .peak_bytes = 4 * 1024 * 1024};
