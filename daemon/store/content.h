// What a payload says, or why it says nothing here (rule 6 at the head of fold.c).
#ifndef ENLACE_DAEMON_STORE_CONTENT_H
#define ENLACE_DAEMON_STORE_CONTENT_H

#include "lib/commit.h"
#include "lib/record.h"

typedef struct {
    err_t why;         // ERR_OK: readable; else a reason for being parked
    unsigned kind;     // tag; 0 unless readable
    char *key, *label; // as given; NULL where there is none; these two are the content's
    bool example;
    record_t *record; // only where there may be references in it
} content_t;

// What comes out depends on the first four arguments and this version alone, never on
// what else is held. When it changes, VIEW_VERSION (daemon/store/view.h) rises. `state` 0:
// the payload does not read. `look`:
// a look at this body that was taken ahead; NULL.
void content_read(uint32_t type, uint32_t min_reader, payload_state_t state, span_t body,
                  const look_t *look, content_t *content);
// KIND_FIXED or KEY_FIXED where a revision may not follow the creation.
err_t content_follows(unsigned creation_kind, const char *creation_key, const content_t *revision);
void content_clear(content_t *content);

const char *content_kind_name(unsigned kind); // NULL where there is none

#endif
