// What stage.c and stage_script.c share.
#ifndef ENLACE_TESTS_UNIT_STAGE_INTERNAL_H
#define ENLACE_TESTS_UNIT_STAGE_INTERNAL_H

#include "lib/roster.h"
#include "tests/unit/stage.h"

enum { LINES_MAX = 8, FETCHES_MAX = 16 };

typedef enum { DID_SAY, DID_PUBLISH, DID_CLOSE } did_t;

typedef struct {
    char name[32];
    core_link_t link;
    bool open, dialled;
    nonce_t nonce, script_nonce;     // this node's, and the transcript's in its place
    nonce_t session, script_session; // likewise
    size_t fetch_count;
    uint32_t fetches[FETCHES_MAX], script_fetches[FETCHES_MAX];
} line_t;

typedef struct {
    did_t did;
    core_link_t link;
    buf_t bytes;
} deed_t;

struct stage {
    store_t *store;
    core_t *core;
    driver_t *driver;
    secret_t *signing;
    charter_t *charter;
    char path[128];
    uint64_t now_ms, wall_ms, drawn;
    core_link_t next_link, dialled;
    size_t line_count;
    line_t lines[LINES_MAX];
    size_t deed_count, deed_capacity;
    deed_t *deeds;
};

line_t *stage_line(stage_t *stage, const char *name);
line_t *stage_line_of(stage_t *stage, core_link_t link);
// Every `from` in the bytes becomes `to`.
void stage_exchange(buf_t *bytes, const nonce_t *from, const nonce_t *to);
void stage_take_deed(stage_t *stage, size_t place);
void stage_forget_deeds(stage_t *stage);

#endif
