// The control edge on real sockets and a real store; the node behind it is
// played by the test, and so is the clock.
#ifndef ENLACE_TESTS_CONTROL_SCENE_H
#define ENLACE_TESTS_CONTROL_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include "daemon/control/control.h"
#include "house.h"
#include "lib/control.h"
#include "lib/mem.h"

typedef Enlace__V1__ControlRequest request_t;
typedef Enlace__V1__ControlReply reply_t;
#define REPLY(symbol) ENLACE__V1__CONTROL_REPLY__BODY_##symbol

enum { WRITES_MAX = 64, CLIENTS_MAX = 8, ITEMS_MAX = 16, PATIENCE_MS = 20000 };

typedef struct {
    uint64_t request, first;
    err_t reason;
} write_t;

typedef struct {
    house_t house;
    void *zmq;
    config_t config;
    control_t *control;
    uint64_t now_ms;
    err_t fence;        // what writing is refused with
    err_t disk;         // what the turn fails with
    size_t write_count; // of the turn
    write_t writes[WRITES_MAX];
    size_t client_count;
    void *clients[CLIENTS_MAX];
} scene_t;

// Closed first (control_destroy), the edge can be opened again.
void open_control(scene_t *scene);
// For cmocka: *state is the scene.
int scene_open(void **state);
int scene_close(void **state);

// What the node does at the end of a turn: to disk, then the answers.
void end_turn(scene_t *scene);
void scene_turn(scene_t *scene);
// Lets the daemon work until the socket has something to read.
void work_until(scene_t *scene, void *socket);

void *connect_queueing(scene_t *scene, bool full, int queue);
// A client; closed with the scene.
void *connect_to(scene_t *scene, bool full);

void send_to(void *client, uint64_t id, Enlace__V1__ControlRequest__BodyCase body_case, void *body);
#define SEND(client, id, symbol, body)                                                             \
    send_to(client, id, ENLACE__V1__CONTROL_REQUEST__BODY_##symbol, body)

// What has come, or NULL. The caller frees (bounded_free).
reply_t *take_reply(void *client);
reply_t *next_reply(scene_t *scene, void *client);
void expect_case(reply_t *reply, uint64_t id, Enlace__V1__ControlReply__BodyCase want, int line);
void expect_refused(scene_t *scene, void *client, uint64_t id, err_t reason, int line);
#define REFUSED(scene, client, id, reason) expect_refused(scene, client, id, reason, __LINE__)
void expect_written(scene_t *scene, void *client, uint64_t id, const char *record,
                    uint64_t revision, bool unchanged, int line);
#define WRITTEN(scene, client, id, record, revision, unchanged)                                    \
    expect_written(scene, client, id, record, revision, unchanged, __LINE__)

void send_put(void *client, uint64_t id, const char *key);
void send_tail(void *client, uint64_t id, bool has_since, uint64_t since, uint32_t wait_ms);
reply_t *ask_status(scene_t *scene, void *client);
// How often status says that a reason came up.
uint64_t counted(scene_t *scene, void *client, const char *reason);

#endif
