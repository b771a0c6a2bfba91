// What a peer sent in answer to a fetch, and has to be read before it can be taken in.
//
// Reading it is a pure function (prepared_read), so that an edge may do it on another
// thread while the core goes on. In a session order is kept: what came after it waits.
#ifndef ENLACE_DAEMON_CORE_PREPARED_H
#define ENLACE_DAEMON_CORE_PREPARED_H

#include "lib/commit.h"

typedef struct {
    uint64_t link;
    uint32_t fetch;
    bool end;   // the source has no more
    err_t nope; // why it does not serve: there is no run; ERR_OK
    // the run
    buf_t bytes;       // owned; empty: there is none
    uint32_t unpacked; // how many they are once unpacked; 0: they are not packed
    pubkey_t key;      // that its last signature should hold by
    hash_t coalition;
    // once it is read
    err_t refused; // why there is no run; STALE where nothing came
    run_t run;     // owned
} prepared_t;

// What it counts where bytes of runs are bounded: what they are once unpacked.
size_t prepared_size(const prepared_t *prepared);
void prepared_read(prepared_t *prepared); // frees the bytes
// The same without what can be worked out later: for whoever takes it in at once, and may
// find that there is nothing new in it.
void prepared_decode(prepared_t *prepared);
void prepared_destroy(prepared_t **prepared);

#endif
