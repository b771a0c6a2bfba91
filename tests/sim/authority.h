// A part of the oracle: whether a node might take what it took, by the cards, cuts and
// rosters that it knows itself. I8 (a fork stops all lanes), I9 (authority up to its
// cut).
#ifndef ENLACE_TESTS_SIM_AUTHORITY_H
#define ENLACE_TESTS_SIM_AUTHORITY_H

#include "daemon/core/state.h"
#include "tests/sim/oracle.h"

// The node has taken what lies between `after` and the entry.
void authority_check(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                     const known_t *entry, uint64_t after);
// A turn has ended: a fork stops all lanes of its epoch, until a new one or the roster
// decides.
void authority_check_lanes(oracle_t *oracle, size_t node, const core_feed_state_t *feed);

#endif
