// A part of the oracle: what a node has written into its own feed goes into the
// ledger, by reading its log as a peer would. I4 (its own log can be read), I5 (no
// number is given twice), I16.
#ifndef ENLACE_TESTS_SIM_OWN_LOG_H
#define ENLACE_TESTS_SIM_OWN_LOG_H

#include "daemon/core/state.h"
#include "tests/sim/oracle.h"

// The node's own head has gone on from `from` to `to`. Whether something of it was
// not known before: what came back from peers was.
bool own_log_learn(oracle_t *oracle, ledger_t *ledger, size_t node, const core_feed_state_t *feed,
                   const head_t *from, uint64_t to);
// What a node has written whose disk rotted afterwards, as far as it can be read.
void own_log_learn_rotten(const oracle_t *oracle, ledger_t *ledger, size_t node);
// Another node has taken what lies between `after` and the entry.
void own_log_spread(oracle_t *oracle, ledger_t *ledger, const known_t *entry, uint64_t after);

#endif
