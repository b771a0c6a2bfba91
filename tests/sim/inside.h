// A part of the oracle: what is inside of nodes after each turn, and must be
// within bounds or somebody's word. I9 (sessions of who is a member no more),
// I12 (what is kept of what peers chose the size of), I13 and I15 (beacons),
// I5 (its own word), L2 (when the fence after a restore goes by itself).
//
// The figures are those of docs/protocol.md, not the code's.
#ifndef ENLACE_TESTS_SIM_INSIDE_H
#define ENLACE_TESTS_SIM_INSIDE_H

#include "tests/sim/oracle.h"

typedef struct inside inside_t;

inside_t *inside_new(void);
void inside_destroy(inside_t **inside);
// A turn of the node has ended. Of one that is not trusted its own word is learnt,
// and nothing asked.
void inside_check(inside_t *inside, oracle_t *oracle, size_t node);
// The node has started, and its first turn is to be checked next.
void inside_started(inside_t *inside, oracle_t *oracle, size_t node);
// Something has come in: of what the node has said itself it makes something at once,
// and whether a fence goes it decides by what had come until then.
void inside_heard(inside_t *inside, oracle_t *oracle, const arrival_t *arrival);

#endif
