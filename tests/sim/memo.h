// What libsodium has computed once in a run it does not compute again.
//
// Whether a signature holds is a pure function of key, message and signature, and
// a commitment one of salt and body. The same card, commit or beacon comes to
// every node of a run, and again at each start and in each look through a log; so
// the simulator keeps what libsodium said of the first and gives it for the rest.
// It is found by comparing every byte of all of them: what differs in one bit is
// computed. The seam is the linker's (--wrap, sim.mk): the product's code has none
// of this.
//
// Off until memo_use(true); bounded (what comes when it is full is computed each
// time); one for the process, since the functions that it stands before have no
// context. The result is the same with and without: tool_seeds --replay.
#ifndef ENLACE_TESTS_SIM_MEMO_H
#define ENLACE_TESTS_SIM_MEMO_H

#include <stdbool.h>
#include <stdint.h>

void memo_use(bool use);
void memo_forget(void); // at the start of each run; counts begin again, too

// Signatures since memo_forget.
uint64_t memo_verified(void);   // by libsodium
uint64_t memo_remembered(void); // not again

#endif
