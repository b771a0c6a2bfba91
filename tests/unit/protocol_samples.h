// Keys, commits, cards and rosters made up for the tests of the protocol.
#ifndef ENLACE_TESTS_PROTOCOL_SAMPLES_H
#define ENLACE_TESTS_PROTOCOL_SAMPLES_H

#include "lib/commit.h"
#include "lib/roster.h"

// 32 bytes c0.
extern const hash_t sample_coalition;

// Ed25519 of the seed of 32 bytes `n`.
secret_t *sample_secret(uint8_t n, pubkey_t *public_key);
feed_t sample_feed(void); // origin 00 01 02 ... 0f, epoch 2, lane 1
// `count` changes that create, each with a body of `size` bytes; time is 1000 + first.
// Signed by sample_secret (1).
commit_t *sample_commit(uint64_t first, const hash_t *previous, size_t count, size_t size);

// The root key of member n is sample_secret (n), its signing key that of 100 + n.
card_t *sample_card(const char *code, uint8_t n);           // number 1
card_t *sample_card_after(const card_t *before, uint8_t n); // the next, unchanged otherwise
// The members AA, BB, CC ... of keys 1, 2, 3 ..., the first of them the creator, who has signed.
roster_t *sample_charter(size_t members, uint32_t threshold);
// The next version, unsigned, its members those of the one before.
roster_t *sample_roster_after(const roster_t *before);
// Signs with the member's signing key (card 1).
void sample_vote(roster_t *roster, uint8_t n, const hash_t *coalition);

#endif
