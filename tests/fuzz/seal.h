// Makes what a tree says hold: commitments of payloads, the chain of a run, and
// the signatures of the cast on commits, cards, rosters and beacons, the chains of pulses.
#ifndef ENLACE_TESTS_FUZZ_SEAL_H
#define ENLACE_TESTS_FUZZ_SEAL_H

#include "tests/fuzz/wire_tree.h"

void seal_tree(wire_node_t *root);

#endif
