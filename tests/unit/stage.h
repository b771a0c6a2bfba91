// One node on a stage: the production core, driver and store, and in the place
// of the network whoever plays its peers. What it says is kept until it is asked
// for. Deterministic: time stands still unless it is moved.
//
// A transcript was written with nonces, and so session ids, and with numbers of
// fetches that are not those that this node draws: they are exchanged on the way
// in and out, whole values for whole values.
#ifndef ENLACE_TESTS_UNIT_STAGE_H
#define ENLACE_TESTS_UNIT_STAGE_H

#include "daemon/driver.h"

typedef struct stage stage_t;

typedef struct {
    span_t charter;   // encoded CharterFile
    const char *code; // the node's
    uint8_t seed[32]; // of its signing key
    bool listening;
    size_t dial_count; // whom it dials, by code
    const char *dials[4];
    uint64_t wall_ms;
    const char *path; // of its database
} stage_options_t;

stage_t *stage_new(const stage_options_t *options);
void stage_destroy(stage_t **stage);

// A link by a name of the test's. `nonce` is the transcript's.
void stage_up(stage_t *stage, const char *link, bool dialled, const pubkey_t *key,
              const nonce_t *nonce);
void stage_down(stage_t *stage, const char *link);
void stage_get(stage_t *stage, const char *link, span_t message);
void stage_publication(stage_t *stage, const char *link, span_t topic, span_t body);
void stage_wait(stage_t *stage, uint64_t ms);
// Takes a signed commit as from a peer that nobody sees.
void stage_hold(stage_t *stage, span_t run);

// What the node has done, oldest first; all of it is taken or passed over. NULL
// where it holds, otherwise what it did instead, for mem_free.
//
// `apart`: fields that need not agree, NULL-ended.
char *stage_said(stage_t *stage, const char *link, span_t message, const char *const *apart);
char *stage_published(stage_t *stage, span_t body);
char *stage_closed(stage_t *stage, const char *link);
// Whether there is anything left that somebody should have expected.
char *stage_nothing_else(stage_t *stage);

// How often it has counted each reason below `most`.
void stage_counts(stage_t *stage, uint64_t *counts, size_t most);
const char *stage_path(const stage_t *stage);

#endif
