#include "daemon/control/readers.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "lib/crypto.h"
#include "lib/mem.h"

enum { QUERY_THREADS = 2, THREADS = QUERY_THREADS + 1 };

// SQLite and protobuf-c need far less; what the sanitisers add needs more.
#define STACK_BYTES (1024u * 1024)

typedef struct {
    readers_t *readers;
    pthread_t thread;
    bool started;
    void *jobs;  // the loop's end: PUSH
    void *inbox; // the thread's ends, connected before it starts
    void *outbox;
    job_t *busy; // the job that it has; the loop's knowledge
    char endpoint[64];
    query_t query; // the thread's
} worker_t;

typedef struct {
    job_t *first;
    job_t **last;
} queue_t;

struct readers {
    void *zmq;
    char *database;
    char *own;
    search_t *search;
    void *results; // PULL
    char endpoint[40];
    worker_t workers[THREADS];
    query_t here;       // the loop's
    queue_t waiting[2]; // by kind
};

// ---- the thread ----

static err_t renew_roster(query_t *query, const job_t *job, fault_t *fault)
{
    if (query->roster && query->roster->version >= job->roster_version)
        return ERR_OK;
    roster_t *roster = NULL;
    err_t err = reader_roster(query->reader, &roster, fault);
    if (err)
        return err;
    roster_destroy(&query->roster);
    query->roster = roster;
    return ERR_OK;
}

static err_t prepare(query_t *query, const job_t *job, fault_t *fault)
{
    if (!job->needs_reader)
        return ERR_OK;
    err_t err = ERR_OK;
    if (!query->reader)
        err = reader_open(query->database, &query->reader, fault);
    return err ? err : renew_roster(query, job, fault);
}

static void run(query_t *query, job_t *job)
{
    job->err = prepare(query, job, &job->fault);
    if (!job->err)
        job->run(job, query);
}

static void *work(void *argument)
{
    worker_t *worker = argument;
    for (;;) {
        job_t *job = NULL;
        int size = zmq_recv(worker->inbox, &job, sizeof job, 0);
        if (size < 0 && zmq_errno() == EINTR)
            continue;
        if (size != sizeof job || !job) // a null pointer is the word to stop
            break;
        run(&worker->query, job);
        zmq_send(worker->outbox, &job, sizeof job, 0);
    }
    finder_destroy(&worker->query.finder);
    reader_close(&worker->query.reader);
    roster_destroy(&worker->query.roster);
    return NULL;
}

// ---- the loop's side ----

static void *open_socket(void *zmq, int type, const char *endpoint, bool bind)
{
    void *socket = zmq_socket(zmq, type);
    int linger = 0;
    if (!socket)
        return NULL;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if ((bind ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) == 0)
        return socket;
    zmq_close(socket);
    return NULL;
}

static err_t start_thread(worker_t *worker, fault_t *fault)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all); // signals are the loop's
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&worker->thread, &attributes, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    worker->started = code == 0;
    return code ? fault_set(fault, ERR_INTERNAL, "reader thread", "%s", strerror(code)) : ERR_OK;
}

static err_t start_worker(readers_t *self, size_t index, fault_t *fault)
{
    worker_t *worker = &self->workers[index];
    worker->readers = self;
    worker->query = (query_t){.database = self->database, .own = self->own, .search = self->search};
    snprintf(worker->endpoint, sizeof worker->endpoint, "%s-%zu", self->endpoint, index);
    worker->jobs = open_socket(self->zmq, ZMQ_PUSH, worker->endpoint, true);
    worker->inbox = open_socket(self->zmq, ZMQ_PULL, worker->endpoint, false);
    worker->outbox = open_socket(self->zmq, ZMQ_PUSH, self->endpoint, false);
    if (!worker->jobs || !worker->inbox || !worker->outbox)
        return fault_set(fault, ERR_INTERNAL, "reader thread", "%s", zmq_strerror(zmq_errno()));
    return start_thread(worker, fault);
}

err_t readers_new(void *zmq, store_t *store, search_t *search, const char *database,
                  const char *own, readers_t **readers, fault_t *fault)
{
    readers_t *self = mem_alloc(sizeof *self);
    self->zmq = zmq;
    self->database = mem_copy_string(database);
    self->own = mem_copy_string(own);
    self->search = search;
    self->here = (query_t){.database = self->database,
                           .own = self->own,
                           .reader = reader_within(store),
                           .search = search};
    for (size_t i = 0; i < 2; i++)
        self->waiting[i].last = &self->waiting[i].first;
    // Random: a name is given back some time after its socket was closed.
    uint64_t name;
    crypto_random(&name, sizeof name);
    snprintf(self->endpoint, sizeof self->endpoint, "inproc://readers-%016" PRIx64, name);
    self->results = open_socket(zmq, ZMQ_PULL, self->endpoint, true);
    err_t err = self->results ? ERR_OK
                              : fault_set(fault, ERR_INTERNAL, "reader threads", "%s",
                                          zmq_strerror(zmq_errno()));
    for (size_t i = 0; !err && i < THREADS; i++)
        err = start_worker(self, i, fault);
    if (err)
        readers_destroy(&self);
    *readers = self;
    return err;
}

static void give(worker_t *worker, job_t *job)
{
    worker->busy = job;
    // One job at a time: never at the high-water mark.
    int sent = zmq_send(worker->jobs, &job, sizeof job, 0);
    assert(sent == sizeof job);
    (void)sent;
}

static worker_t *idle_worker(readers_t *self, readers_kind_t kind)
{
    size_t from = kind == READERS_LONG ? QUERY_THREADS : 0;
    size_t to = kind == READERS_LONG ? THREADS : QUERY_THREADS;
    for (size_t i = from; i < to; i++)
        if (!self->workers[i].busy)
            return &self->workers[i];
    return NULL;
}

static void dispatch(readers_t *self, readers_kind_t kind)
{
    queue_t *queue = &self->waiting[kind];
    worker_t *worker;
    while (queue->first && (worker = idle_worker(self, kind))) {
        job_t *job = queue->first;
        queue->first = job->next;
        if (!queue->first)
            queue->last = &queue->first;
        job->next = NULL;
        give(worker, job);
    }
}

void readers_submit(readers_t *readers, readers_kind_t kind, job_t *job)
{
    queue_t *queue = &readers->waiting[kind];
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
    dispatch(readers, kind);
}

void readers_here(readers_t *readers, job_t *job)
{
    run(&readers->here, job);
}

job_t *readers_take(readers_t *readers)
{
    job_t *job = NULL;
    if (zmq_recv(readers->results, &job, sizeof job, ZMQ_DONTWAIT) != sizeof job)
        return NULL;
    for (size_t i = 0; i < THREADS; i++)
        if (readers->workers[i].busy == job)
            readers->workers[i].busy = NULL;
    dispatch(readers, READERS_QUERY);
    dispatch(readers, READERS_LONG);
    return job;
}

void *readers_socket(readers_t *readers)
{
    return readers->results;
}

static void drop_waiting(queue_t *queue)
{
    while (queue->first) {
        job_t *job = queue->first;
        queue->first = job->next;
        job->destroy(job);
    }
    queue->last = &queue->first;
}

static void stop_worker(worker_t *worker)
{
    job_t *none = NULL;
    if (worker->busy)
        atomic_store(&worker->busy->stop, true);
    if (worker->started) {
        zmq_send(worker->jobs, &none, sizeof none, 0);
        pthread_join(worker->thread, NULL);
    }
    // Done or not, what it had has not been taken.
    if (worker->busy)
        worker->busy->destroy(worker->busy);
    void *const sockets[] = {worker->jobs, worker->inbox, worker->outbox};
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
        if (sockets[i])
            zmq_close(sockets[i]);
}

void readers_destroy(readers_t **readers)
{
    readers_t *self = *readers;
    if (!self)
        return;
    for (size_t i = 0; i < 2; i++)
        drop_waiting(&self->waiting[i]);
    for (size_t i = 0; i < THREADS; i++)
        stop_worker(&self->workers[i]);
    if (self->results)
        zmq_close(self->results);
    reader_close(&self->here.reader);
    roster_destroy(&self->here.roster);
    mem_free(self->database);
    mem_free(self->own);
    mem_free(self);
    *readers = NULL;
}
