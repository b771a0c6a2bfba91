// What the changes of one record add up to, from their headers alone. Pure: no
// SQL, no payload, no memory. The rules are at the head of fold.c.
#ifndef ENLACE_DAEMON_STORE_FOLD_H
#define ENLACE_DAEMON_STORE_FOLD_H

#include "lib/crypto.h"

// As they stand in the view and in the term of the digest.
typedef enum { FOLD_STANDING = DIGEST_STANDING, FOLD_RETRACTED = 2 } fold_state_t;

typedef struct {
    fold_state_t state;
    uint64_t revision; // how many changes count, the creation included
    position_t stands; // the change that stands
    position_t newest; // the newest revision (CHANGE_RECORD) that counts
} fold_t;

// Whether a change at `at` may name `target` at all: same lane, earlier epoch or
// earlier in the same one. Whether the target creates a record is another question.
bool fold_target_fits(position_t at, position_t target);

void fold_create(fold_t *fold, position_t creation);
// The next change in order. False: it counts for nothing, since the record is retracted.
bool fold_next(fold_t *fold, position_t at, uint32_t type);

// One more change, wherever in the order it belongs, without looking at the
// others: what the fold of the larger set is, or that it has to be made anew.
typedef enum {
    FOLD_COUNTS,  // *fold is that of the larger set
    FOLD_NOTHING, // it counts for nothing; *fold is as it was
    FOLD_AGAIN,   // a retraction that others were thought to come before: fold all again
} fold_verdict_t;
fold_verdict_t fold_insert(fold_t *fold, position_t at, uint32_t type);

// Whether a change counts, given the fold of a set that it belongs to.
bool fold_counts(const fold_t *fold, position_t at);

// The record's term of the view digest; `commitment` is that of the change that stands.
hash_t fold_term(const fold_t *fold, const origin_t *origin, position_t record,
                 const hash_t *commitment);

#endif
