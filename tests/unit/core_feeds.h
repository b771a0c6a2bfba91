// Feeds on the bench of core_bench.h: chains and forks that a test makes, what others
// say of them and bring, how far they are held.
#ifndef ENLACE_TESTS_CORE_FEEDS_H
#define ENLACE_TESTS_CORE_FEEDS_H

#include "tests/unit/core_bench.h"

enum { BENCH_NO_FETCH = 0, BENCH_CHAIN = 4 };

// Where a member's lane 1 of epoch 1 begins, and where it is after a commit.
head_t bench_start(const bench_t *bench, size_t member);
head_t bench_head_of(const commit_t *commit);
// Commits from the start, each after the one before.
void bench_make_chain(const bench_t *bench, size_t member, commit_t *chain[BENCH_CHAIN]);
void bench_free_chain(commit_t *chain[BENCH_CHAIN]);
// ... the first of which is published, and held.
void bench_hold_first(bench_t *bench, core_link_t link, size_t member,
                      commit_t *chain[BENCH_CHAIN]);
// A number 1 that is not the chain's is published; commit_destroy.
commit_t *bench_fork(bench_t *bench, core_link_t link, size_t member);

// Whoever is in session says how far it holds a feed.
void bench_tell(bench_t *bench, core_link_t link, const head_t *head);
// ... a member's, in a change that is not the chain's; the fetch that this opened is what
// it may answer, or BENCH_NO_FETCH.
uint32_t bench_claim(bench_t *bench, core_link_t link, size_t member, uint64_t number);
// The run of those commits, in one part. `end`: no more is held there.
void bench_bring(bench_t *bench, core_link_t link, uint32_t fetch, commit_t **commits, size_t count,
                 bool end);

// BB's word under a card of its own that holds nothing; beacon_destroy.
beacon_t *bench_beacon_of_bb(const bench_t *bench, uint32_t card_number, uint64_t sequence);

// A Fetch of a member's feed from its start; without credit.
message_t bench_fetch_of(const bench_t *bench, size_t member, uint32_t fetch);
// Says it; what is read for it then is that commit, with which the feed ends.
void bench_fetch_read(bench_t *bench, core_link_t link, message_t *fetch, commit_t *commit);

feed_status_t bench_feed_status(const bench_t *bench, size_t member); // zeros: unknown
uint64_t bench_held(const bench_t *bench, size_t member);

#endif
