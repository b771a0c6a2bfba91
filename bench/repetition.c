#include "bench/repetition.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/machine.h"
#include "bench/pace.h"
#include "bench/profile.h"
#include "lib/mem.h"

// ---- much ----

double repeat_bootstrap(const subject_t *subject, void *self, uint64_t n)
{
    subject->prepare(self, 1, n);
    subject->load(self, 1, n);
    profile_begin();
    double began = machine_now();
    subject->follow(self);
    subject->until(self, n);
    double ended = machine_now();
    profile_end();
    subject->check(self, n);
    return (double)n / (ended - began);
}

double repeat_live(const subject_t *subject, void *self, uint64_t from, uint64_t n, double *wrote)
{
    subject->prepare(self, from + 1, n);
    profile_begin();
    double began = machine_now();
    subject->load(self, from + 1, n);
    *wrote = machine_now() - began;
    subject->until(self, from + n);
    double ended = machine_now();
    profile_end();
    subject->check(self, from + n);
    return (double)n / (ended - began);
}

double repeat_catch_up(const subject_t *subject, void *self, uint64_t from, uint64_t n, bool each)
{
    subject->pause(self);
    subject->prepare(self, from + 1, n);
    if (!each)
        subject->load(self, from + 1, n);
    for (uint64_t i = 1; each && i <= n; i++)
        subject->put(self, from + i);
    profile_begin();
    double began = machine_now();
    subject->follow(self);
    subject->until(self, from + n);
    double ended = machine_now();
    profile_end();
    subject->check(self, from + n);
    return (double)n / (ended - began);
}

// ---- one ----

enum { GIVE_UP_SECONDS = 60 };

// What a thread of its own sees at B: when each number was there.
typedef struct {
    const subject_t *subject;
    void *self;
    uint64_t from, count;
    double *seen; // of from + 1 and so on
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t shown; // under the lock: how many of them
} observer_t;

static void tell(observer_t *observer, uint64_t shown)
{
    pthread_mutex_lock(&observer->lock);
    observer->shown = shown;
    pthread_cond_signal(&observer->moved);
    pthread_mutex_unlock(&observer->lock);
}

static void wait_shown(observer_t *observer, uint64_t count)
{
    pthread_mutex_lock(&observer->lock);
    while (observer->shown < count)
        pthread_cond_wait(&observer->moved, &observer->lock);
    pthread_mutex_unlock(&observer->lock);
}

static void *observe(void *context)
{
    observer_t *observer = context;
    uint64_t last = 0; // how many of them
    double moved = machine_now();
    while (last < observer->count) {
        uint64_t now =
            observer->subject->wait(observer->self, observer->from + last) - observer->from;
        double at = machine_now();
        if (now > last)
            moved = at;
        if (at - moved > GIVE_UP_SECONDS) {
            fprintf(stderr,
                    "%s: B shows %llu of %llu puts and no more for %d s: see its log, or repeat "
                    "with --keep\n",
                    observer->subject->name, (unsigned long long)last,
                    (unsigned long long)observer->count, GIVE_UP_SECONDS);
            exit(1);
        }
        for (; last < now && last < observer->count; last++)
            observer->seen[last] = at;
        tell(observer, last);
    }
    return NULL;
}

// Without a rate there is no queue: a B that is slower than A would make one that only grows.
static void put_in_turn(observer_t *observer, double *called)
{
    for (uint64_t i = 0; i < observer->count; i++) {
        called[i] = machine_now();
        observer->subject->put(observer->self, observer->from + 1 + i);
        wait_shown(observer, i + 1);
    }
}

// One of several who put by the clock: every CLIENTS-th.
typedef struct {
    const observer_t *observer;
    const double *called;
    uint64_t first;
    pthread_t thread;
} client_t;

static void *put_when_due(void *context)
{
    const client_t *client = context;
    const observer_t *observer = client->observer;
    for (uint64_t i = client->first; i < observer->count; i += CLIENTS) {
        pace_until(client->called[i]);
        observer->subject->put(observer->self, observer->from + 1 + i);
    }
    return NULL;
}

// A call that is late is counted from when it was due: who waits in the queue waits too.
static void put_by_clock(observer_t *observer, unsigned rate, double *called)
{
    client_t clients[CLIENTS];
    double began = machine_now();
    for (uint64_t i = 0; i < observer->count; i++)
        called[i] = began + (double)i / rate;
    for (uint64_t i = 0; i < CLIENTS; i++) {
        clients[i] = (client_t){.observer = observer, .called = called, .first = i};
        if (pthread_create(&clients[i].thread, NULL, put_when_due, &clients[i]))
            abort();
    }
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
}

void repeat_latency(const subject_t *subject, void *self, uint64_t from, uint64_t count,
                    unsigned rate, samples_t *delays)
{
    observer_t observer = {.subject = subject, .self = self, .from = from, .count = count};
    pthread_mutex_init(&observer.lock, NULL);
    pthread_cond_init(&observer.moved, NULL);
    double *called = mem_alloc_array(count, sizeof *called);
    observer.seen = mem_alloc_array(count, sizeof *observer.seen);
    subject->prepare(self, from + 1, count);
    profile_begin();
    pthread_t thread;
    if (pthread_create(&thread, NULL, observe, &observer))
        abort();
    if (rate)
        put_by_clock(&observer, rate, called);
    else
        put_in_turn(&observer, called);
    pthread_join(thread, NULL);
    profile_end();
    subject->check(self, from + count);
    for (uint64_t i = LATENCY_WARM_UP; i < count; i++)
        samples_add(delays, (observer.seen[i] - called[i]) * 1e3);
    pthread_cond_destroy(&observer.moved);
    pthread_mutex_destroy(&observer.lock);
    mem_free(observer.seen);
    mem_free(called);
}
