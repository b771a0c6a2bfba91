// Questions as jobs of the reader threads: each reads at most one page and
// leaves the encoded reply, which the loop only passes on.
#ifndef ENLACE_DAEMON_QUERY_H
#define ENLACE_DAEMON_QUERY_H

#include "daemon/control/readers.h"
#include "enlace/v1/control.pb-c.h"

#define QUERY_LANG_MAX 35u // BCP 47

typedef struct {
    job_t job;        // first: what the readers see
    uint64_t request; // the loop's number of it
    uint64_t id;      // the client's
    bool sealed;      // restricted lanes may be shown
    char lang[QUERY_LANG_MAX + 1];
    Enlace__V1__ControlRequest *message; // owned
    uint64_t since;                      // tail: where this round starts
    size_t limit;                        // tail: rows
    bool here;                           // tail: the loop itself looks, so only at what is little
    bool much;                           // tail: it is not, and was not looked at
    bool nothing;                        // tail: no reply yet, nothing newer than `last`
    uint64_t last;
    buf_t reply; // owned
} ask_t;

// Takes the message.
ask_t *ask_new(void (*run)(job_t *job, query_t *query), bool needs_reader,
               Enlace__V1__ControlRequest *message);

void query_list(job_t *job, query_t *query);
void query_search(job_t *job, query_t *query);
void query_show(job_t *job, query_t *query);
void query_tail(job_t *job, query_t *query);
void query_digest(job_t *job, query_t *query);
void query_verify(job_t *job, query_t *query);

#endif
