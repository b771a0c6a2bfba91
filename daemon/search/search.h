// Search, fed behind the cursor: a thread of its own reads what the store has committed, through a
// read-only connection of its own, and keeps daemon/search/file.h in step with the view.
//
// Invariants
//   the writing path pays a signal and nothing else; the thread never writes to the store, holds
//   no snapshot of it longer than one bounded batch, and sleeps while there is nothing to do;
//   whatever is wrong with the file is no reason not to start: it is made anew, and what cannot
//   be done is told by search_state.
#ifndef ENLACE_DAEMON_SEARCH_H
#define ENLACE_DAEMON_SEARCH_H

#include "daemon/store/store.h"

typedef struct search search_t;

typedef struct {
    const char *database; // the store's
    const char *path;     // the file
    // Before the store was given its nonce of this run: what was fed until then is of that one.
    nonce_t before;
    unsigned retry_ms; // how long after a failure it is tried again without a hint; 0: 30 s
} search_options_t;

// Starts the thread. `search` is never NULL; where the thread could not be started, its state says
// so. After the store has its nonce, before anything is appended to it.
void search_start(const search_options_t *options, search_t **search);
void search_stop(search_t **search); // within one batch

const char *search_path(const search_t *search);

// The log has grown, or a payload has come. Any thread.
void search_hint(search_t *search);
// The loop does bulk work that brings nothing new: feeding makes way for it, as for what comes.
void search_stir(search_t *search);
// A reader found the file damaged: it is made anew. Any thread.
void search_distrust(search_t *search);

typedef struct {
    uint64_t fed;       // local apply number up to which it knows everything
    uint64_t made_anew; // how many times in this run
    uint64_t bytes;     // of the file
    err_t why;          // ERR_OK, or why it does not go on
    uint64_t failures;  // how many times in this run
    char detail[192];
} search_state_t;
void search_state(search_t *search, search_state_t *state);

// For tests: waits until all that is committed now is fed, nothing is left to purge, or it failed.
err_t search_settle(search_t *search);
// For tests: waits for the end of a pass, whatever it begins for; what it ended with.
err_t search_next_pass(search_t *search);

#endif
