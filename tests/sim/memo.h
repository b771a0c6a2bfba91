// Signatures that were verified once in a run are not computed again.
//
// A verification is a pure function of key, message and signature. The same card,
// commit or beacon comes to every node of a run, and again at each start; so the
// simulator keeps what libsodium said of the first and gives it for the rest. It
// is found by every byte of all three: what differs in one bit is computed. The
// seam is the linker's (--wrap, sim.mk): the product's code has none of this.
//
// Off until memo_use(true); bounded (what comes when it is full is computed each
// time); one for the process, since the function that it stands before has no
// context. The result is the same with and without: tool_seeds --replay.
#ifndef ENLACE_TESTS_SIM_MEMO_H
#define ENLACE_TESTS_SIM_MEMO_H

#include <stdbool.h>
#include <stdint.h>

void memo_use(bool use);
void memo_forget(void); // at the start of each run; counts begin again, too

uint64_t memo_computed(void);   // by libsodium, since memo_forget
uint64_t memo_remembered(void); // not computed again

#endif
