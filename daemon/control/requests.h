// Requests under way: each from the moment it was taken until it is answered.
//
// Invariants: numbers are never used twice in a process; at most
// CONTROL_OUTSTANDING_MAX of one client and REQUESTS_MAX in all.
#ifndef ENLACE_DAEMON_REQUESTS_H
#define ENLACE_DAEMON_REQUESTS_H

#include "daemon/control/author.h"
#include "daemon/control/door.h"
#include "daemon/control/readers.h"

#define REQUESTS_MAX 1024u

typedef struct control_case control_case_t;

typedef enum {
    REQUEST_NEW,
    REQUEST_READING, // a reader thread has it
    REQUEST_WAITING, // a tail with nothing to tell yet
    REQUEST_WRITING, // handed to the core, not on disk yet
} request_state_t;

typedef struct {
    uint64_t number;
    door_t *door;
    route_t route;
    bool peer_known;
    uint32_t uid;
    uint64_t id; // the client's
    const control_case_t *entry;
    Enlace__V1__ControlRequest *message; // owned; NULL once a job has it
    request_state_t state;
    uint64_t working_ms; // when the next Working is due
    job_t *job;          // REQUEST_READING: where progress stands
    // REQUEST_WRITING: what is told when it is on disk
    authored_act_t act;
    position_t target;
    uint64_t revision;
    uint64_t import; // number of the import that writes; 0: none
    // tails
    uint64_t since;
    uint64_t until_ms;
    uint64_t seen; // how many times something had been applied
    size_t limit;
} request_t;

typedef struct requests requests_t;
requests_t *requests_new(void);
void requests_destroy(requests_t **requests);

// BUSY where a bound is reached. The request is the table's; message and door are set by the
// caller.
err_t requests_add(requests_t *requests, door_t *door, const route_t *route, request_t **request);
request_t *requests_find(requests_t *requests, uint64_t number); // NULL
void requests_remove(requests_t *requests, uint64_t number);
size_t requests_count(const requests_t *requests);
// In no order; removing one puts the last in its place: go through it from the end.
request_t *requests_at(requests_t *requests, size_t index);

bool route_equal(const route_t *a, const route_t *b);

#endif
