// A part of the oracle: which view digest a set of heads has. I14 (equal heads, equal
// digest).
#ifndef ENLACE_TESTS_SIM_DIGESTS_H
#define ENLACE_TESTS_SIM_DIGESTS_H

#include "tests/sim/oracle.h"

typedef struct digests digests_t;

digests_t *digests_new(void);
void digests_destroy(digests_t **digests);
// A turn of the node has ended that moved a head.
void digests_check(digests_t *digests, oracle_t *oracle, size_t node);

#endif
