// Reader threads: questions that take time run there, each thread with a reading
// connection of its own, opened when it is first needed; the loop goes on.
//
// Invariants: a job belongs to the readers from readers_submit until
// readers_take hands it back; a thread has one job at a time, what is more waits
// in the order in which it came; long work (verify) has a thread of its own, so
// that lists never wait for it. Only done, total and stop of a job are touched
// by both sides while it runs.
#ifndef ENLACE_DAEMON_READERS_H
#define ENLACE_DAEMON_READERS_H

#include <stdatomic.h>

#include "daemon/search/finder.h"
#include "daemon/search/search.h"
#include "daemon/store/reader.h"

// What a thread answers with.
typedef struct {
    const char *database;
    const char *own;  // code of this node
    reader_t *reader; // NULL in the thread for long work
    roster_t *roster; // likewise; as of roster_version, or newer than what is held on disk
    search_t *search; // NULL: there is none
    finder_t *finder; // NULL: not asked for yet
} query_t;

typedef struct job job_t;
struct job {
    void (*run)(job_t *job, query_t *query);
    void (*destroy)(job_t *job); // frees the whole
    bool needs_reader;
    uint32_t roster_version; // of the loop: the thread's is renewed where it is older
    err_t err;               // set where no reading connection could be had: run was not called
    fault_t fault;
    atomic_uint_least64_t done; // progress, for Working
    atomic_uint_least64_t total;
    atomic_bool stop; // nobody waits for it any more
    job_t *next;
};

typedef enum { READERS_QUERY, READERS_LONG } readers_kind_t;

typedef struct readers readers_t;
// Store and search outlive them; search may be NULL.
err_t readers_new(void *zmq, store_t *store, search_t *search, const char *database,
                  const char *own, readers_t **readers, fault_t *fault);
// Stops what runs and joins; jobs that nobody took are destroyed.
void readers_destroy(readers_t **readers);

// Runs a query at once, in the loop, by a reader within the store: between turns only.
void readers_here(readers_t *readers, job_t *job);
void *readers_socket(readers_t *readers); // readable when a job is done
void readers_submit(readers_t *readers, readers_kind_t kind, job_t *job);
job_t *readers_take(readers_t *readers); // NULL: none is done

#endif
