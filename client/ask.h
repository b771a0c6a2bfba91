// What the commands that ask the daemon have in common.
#ifndef ENLACE_CLIENT_ASK_H
#define ENLACE_CLIENT_ASK_H

#include "client/client.h"
#include "client/talk.h"

// Opens a talk where *talk is NULL. Prints the error, if any, and gives
// the exit status. The answer and the talk are the caller's.
int ask(const client_t *client, talk_t **talk, request_t *request,
        Enlace__V1__ControlReply__BodyCase expected, reply_t **reply);
int ask_open(const client_t *client, talk_t **talk);

// FIELD=VALUE words as the control protocol has them.
typedef struct {
    Enlace__V1__Assignment **items;
    size_t count;
} assignments_t;
err_t assignments_make(const char *const *words, size_t count, assignments_t *assignments,
                       fault_t *fault);
void assignments_clear(assignments_t *assignments);

#endif
