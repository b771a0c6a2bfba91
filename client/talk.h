// One conversation with the local daemon over its control socket.
//
// Wire: a DEALER connected to the ipc endpoint of home_control; one frame is an
// encoded ControlRequest; each is answered by one frame, an encoded ControlReply,
// before which any number of Working replies may come.
//
// Time: a daemon of which nothing is heard within a second is not reachable, nor
// is one that was heard and then says nothing for three (it says Working every
// half second). A daemon that goes away during a request is noticed at once, by
// the connection's end. What a request that writes has then done is unknown,
// unless it never left this process.
#ifndef ENLACE_CLIENT_TALK_H
#define ENLACE_CLIENT_TALK_H

#include <stdbool.h>

#include "enlace/v1/control.pb-c.h"
#include "lib/error.h"

typedef struct talk talk_t;
typedef Enlace__V1__ControlRequest request_t;
typedef Enlace__V1__ControlReply reply_t;

// Looks whether a daemon runs there, then connects: with full rights where the
// directory lets us, otherwise read-only. UNREACHABLE_NODE, NO_DIRECTORY, NOT_ALLOWED.
err_t talk_open(const char *dir, const char *lang, talk_t **talk, fault_t *fault);
void talk_close(talk_t **talk);

// While a request waits: called at each Working reply.
typedef void (*working_fn)(void *context, uint64_t done, uint64_t total);
void talk_on_working(talk_t *talk, working_fn fn, void *context);
// Ends a wait (ERR_STOPPING, and talk_interrupted says so) when something can be
// read from `fd`, or when `pipe_fd` has no reader any more. -1: none.
void talk_watch(talk_t *talk, int fd, int pipe_fd);
bool talk_interrupted(const talk_t *talk);

// Sends the request (id and language are set here) and waits for its answer.
// *reply is the caller's, for talk_free. A refusal becomes its reason, with
// line and field in *fault; an answer of another sort than `expected` is
// ERR_UNEXPECTED. Otherwise UNREACHABLE_NODE, OUTCOME_UNKNOWN, STOPPING.
err_t talk_ask(talk_t *talk, request_t *request, Enlace__V1__ControlReply__BodyCase expected,
               reply_t **reply, fault_t *fault);
// Its two halves, so that something can be done while the daemon is at work: one request
// at a time. The request is not needed any more when talk_send returns.
err_t talk_send(talk_t *talk, request_t *request, fault_t *fault);
err_t talk_wait(talk_t *talk, Enlace__V1__ControlReply__BodyCase expected, reply_t **reply,
                fault_t *fault);
void talk_free(reply_t **reply);

#endif
