// One node, AA of the cast, as production runs it (core, driver, store in a file in
// memory), and in place of its network the three other members, each on a line of
// its own: BB and DD have dialled AA, CC is dialled by it.
//
// What AA sends is decoded as its peers would decode it: what they would refuse is
// a failure. The lines greet as peers do; from then on a story says what comes.
#ifndef ENLACE_TESTS_FUZZ_NODE_SCENE_H
#define ENLACE_TESTS_FUZZ_NODE_SCENE_H

#include "daemon/driver.h"
#include "tests/fuzz/cast.h"

enum { LINE_COUNT = CAST_MEMBERS - 1, FETCHES_MAX = 8, EPOCHS_MAX = 4 };
enum { REQUEST_APPEND = 1, REQUEST_EPOCH, REQUEST_ACCEPT }; // of its operator

// A fetch that AA has open with a line.
typedef struct {
    uint32_t fetch;
    feed_t feed;
    uint64_t after;
} fetch_t;

typedef struct {
    size_t member; // of the cast
    bool outbound; // AA dials it
    core_link_t link;
    bool up, heard_hello, in_session;
    nonce_t hello, session;
    size_t fetch_count;
    fetch_t fetches[FETCHES_MAX];
} line_t;

typedef struct {
    char path[96];
    store_t *store;
    core_t *core;
    driver_t *driver;
    uint64_t now_ms, drawn;
    core_link_t last_link;
    line_t lines[LINE_COUNT];
    head_t heads[CAST_MEMBERS]; // of each member's lane 1, as its owner knows it
    uint32_t epoch;             // of AA, from 0: its signing key
    bool applied;               // the log has grown
} scene_t;

void scene_prepare(void); // once
void scene_open(scene_t *scene);
void scene_close(scene_t *scene);
// What must hold at the end of any story, and after every restart.
void scene_check(scene_t *scene);

const secret_t *scene_signing(uint32_t epoch, pubkey_t *key); // AA's, from epoch 0 on

void scene_link_up(scene_t *scene, line_t *line); // nothing where it is
void scene_link_down(scene_t *scene, line_t *line, err_t reason);
void scene_pass(scene_t *scene, uint64_t ms); // time, with the ticks that are due in it
void scene_flush(scene_t *scene);             // ends the turn; dials and greets as asked

// As it comes from the wire, within the turn.
void scene_message(scene_t *scene, line_t *line, span_t bytes);
void scene_publication(scene_t *scene, line_t *line, span_t body);
// A message of the line's own session.
void scene_say(scene_t *scene, line_t *line, message_t *message);

#endif
