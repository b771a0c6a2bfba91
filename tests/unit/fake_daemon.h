// A daemon as the client sees it: holds the lock, binds the control socket, and
// answers as the test says, on a thread of its own.
#ifndef ENLACE_TESTS_UNIT_FAKE_DAEMON_H
#define ENLACE_TESTS_UNIT_FAKE_DAEMON_H

#include <stdbool.h>

#include "enlace/v1/control.pb-c.h"

typedef struct fake_daemon fake_daemon_t;
typedef Enlace__V1__ControlRequest fake_request_t;
typedef Enlace__V1__ControlReply fake_reply_t;

// Called on the daemon's thread for each request. False: dies, as if killed.
typedef bool (*fake_answer_fn)(void *context, fake_daemon_t *daemon, const fake_request_t *request);

// Makes a node in `dir` if there is none. `answer` NULL: takes requests, says nothing.
fake_daemon_t *fake_daemon_start(const char *dir, bool full, fake_answer_fn answer, void *context);
void fake_daemon_stop(fake_daemon_t **daemon);
// To whoever asked last; the id is set to that of the request unless has_id.
void fake_daemon_reply(fake_daemon_t *daemon, fake_reply_t *reply);
void fake_daemon_reply_bytes(fake_daemon_t *daemon, const void *bytes, size_t size);
void fake_daemon_working(fake_daemon_t *daemon);
void fake_daemon_refuse(fake_daemon_t *daemon, unsigned reason, unsigned line, const char *field,
                        const char *detail);

void fake_node(const char *dir); // a directory to run one on

#endif
