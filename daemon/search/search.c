#include "daemon/search/search.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon/search/feeder.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"

// After a hint it waits until the loop is quiet for a moment: what comes in a burst is fed at less
// cost together, and a burst, of what comes or of what is served, has the processor for itself.
// While it goes on feeding begins all the same, and leaves between batches so many times as long
// as one took: of the time a third is its own, so that it comes into step however long that is.
enum { QUIET_MS = 200, GATHER_MS = 3000, RESTS = 2, REST_MAX_MS = 1000, ANEW_MAX = 8, NICE = 15 };
enum { RETRY_MS = 30000 };
#define STACK_BYTES (1024u * 1024)

struct search {
    feeder_t feeder; // the thread's, once it runs
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t wake, settled;
    uint64_t hints, seen; // hints given; those that a pass that has begun knows of
    uint64_t passed;      // those that a pass that is over knew of
    uint64_t passes;      // that are over
    // Hints, and pieces of bulk that the loop gave others; not under the mutex, for which the loop
    // would wait.
    atomic_uint_least64_t stirs;
    uint64_t rested; // stirs that had been heard at the last rest
    bool stopping, distrusted, hurried;
    unsigned retry_ms;
    search_state_t state;
};

// ---- waiting ----

// False: it is over, or nobody has to wait any more. The mutex is held.
static bool wait_until(search_t *search, uint64_t until_ms)
{
    struct timespec at = {.tv_sec = (time_t)(until_ms / 1000),
                          .tv_nsec = (long)(until_ms % 1000) * 1000000};
    while (!search->stopping && !search->hurried && clock_now_ms() < until_ms)
        pthread_cond_timedwait(&search->wake, &search->mutex, &at);
    return !search->stopping && !search->hurried;
}

// For a burst to pass. The mutex is held.
static void wait_for_quiet(search_t *search, uint64_t most_ms)
{
    uint64_t end_ms = clock_now_ms() + most_ms, heard, until_ms;
    do {
        heard = search->stirs;
        until_ms = clock_now_ms() + QUIET_MS;
    } while (wait_until(search, until_ms < end_ms ? until_ms : end_ms) && heard != search->stirs &&
             clock_now_ms() < end_ms);
}

// Waits for a hint or, after a failure, for the time to try again: where nobody writes, nothing
// else tells that there is room on the disk again. The mutex is held.
static void wait_for_hint(search_t *search)
{
    uint64_t until_ms = clock_now_ms() + search->retry_ms;
    struct timespec at = {.tv_sec = (time_t)(until_ms / 1000),
                          .tv_nsec = (long)(until_ms % 1000) * 1000000};
    while (search->hints == search->seen && !search->stopping)
        if (!search->state.why)
            pthread_cond_wait(&search->wake, &search->mutex);
        else if (clock_now_ms() < until_ms)
            pthread_cond_timedwait(&search->wake, &search->mutex, &at);
        else
            break;
}

// Waits for something to do, and for the burst to pass. False: to stop.
static bool wait_for_work(search_t *search)
{
    pthread_mutex_lock(&search->mutex);
    wait_for_hint(search);
    wait_for_quiet(search, GATHER_MS);
    search->seen = search->hints;
    bool on = !search->stopping;
    pthread_mutex_unlock(&search->mutex);
    return on;
}

// Between batches, where the loop has stirred since the last one. False: to stop.
static bool rest(search_t *search, uint64_t took_ms)
{
    pthread_mutex_lock(&search->mutex);
    uint64_t rest_ms = RESTS * took_ms < REST_MAX_MS ? RESTS * took_ms : REST_MAX_MS;
    bool burst = search->stirs != search->rested;
    if (burst)
        wait_for_quiet(search, rest_ms);
    search->rested = search->stirs;
    bool on = !search->stopping;
    pthread_mutex_unlock(&search->mutex);
    return on;
}

// ---- what is told ----

static void tell(search_t *search, err_t err, const fault_t *fault)
{
    uint64_t bytes = file_bytes(search->feeder.path);
    pthread_mutex_lock(&search->mutex);
    search_state_t *state = &search->state;
    bool news = state->why != err;
    state->fed = search->feeder.fed;
    state->made_anew = search->feeder.made_anew;
    state->bytes = bytes;
    state->why = err;
    state->failures += err != ERR_OK;
    snprintf(state->detail, sizeof state->detail, "%s", err ? fault->detail : "");
    pthread_mutex_unlock(&search->mutex);
    if (err && news)
        log_line(LOG_LEVEL_WARNING, "search is not kept in step: %s (%s)", err_text(err),
                 fault->detail);
    else if (news)
        log_line(LOG_LEVEL_NOTICE, "search is kept in step again");
}

static void end_pass(search_t *search)
{
    pthread_mutex_lock(&search->mutex);
    search->passed = search->seen;
    search->passes++;
    pthread_cond_broadcast(&search->settled);
    pthread_mutex_unlock(&search->mutex);
}

// ---- the thread ----

static bool take_distrust(search_t *search)
{
    pthread_mutex_lock(&search->mutex);
    bool distrusted = search->distrusted;
    search->distrusted = false;
    pthread_mutex_unlock(&search->mutex);
    return distrusted;
}

// A file that is damaged is made anew, but not for ever.
static err_t batch(search_t *search, bool *more, fault_t *fault)
{
    feeder_t *feeder = &search->feeder;
    if (take_distrust(search) && feeder->made_anew < ANEW_MAX)
        feeder_anew(feeder);
    err_t err = feeder_open(feeder, fault);
    if (!err)
        err = feeder_batch(feeder, more, fault);
    if (err != ERR_DAMAGED || !feeder->file_failed || feeder->made_anew >= ANEW_MAX)
        return err;
    log_line(LOG_LEVEL_WARNING, "the file of search is damaged and made anew (%s)", fault->detail);
    feeder_anew(feeder);
    *more = true;
    return ERR_OK;
}

static void pass(search_t *search)
{
    fault_t fault = {0};
    bool more = true;
    err_t err = ERR_OK;
    while (!err && more) {
        uint64_t began_ms = clock_now_ms();
        more = false;
        err = batch(search, &more, &fault);
        tell(search, err, &fault);
        if (more && !rest(search, clock_now_ms() - began_ms))
            break;
    }
    if (search->feeder.file)
        file_release_memory(search->feeder.file);
    end_pass(search);
}

// What is in step a little later must not hold up what others wait for: where the processors are
// all taken it has a thirtieth of one. Not less, since the loop may wait for the mutex.
static void step_back(void)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

static void *work(void *context)
{
    search_t *search = context;
    step_back();
    while (wait_for_work(search))
        pass(search);
    return NULL;
}

// ---- beginning and end ----

// Signals are the loop's: a thread starts with all of them blocked.
static bool start_thread(search_t *search)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    search->started = pthread_create(&search->thread, &attributes, work, search) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return search->started;
}

static void init_waits(search_t *search)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&search->wake, &attributes);
    pthread_cond_init(&search->settled, NULL);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&search->mutex, NULL);
}

void search_start(const search_options_t *options, search_t **search)
{
    search_t *made = mem_alloc(sizeof *made);
    fault_t fault = {0};
    init_waits(made);
    made->retry_ms = options->retry_ms ? options->retry_ms : RETRY_MS;
    feeder_init(&made->feeder, options->database, options->path, &options->before);
    made->hints = 1; // what was not fed in the run before
    // Here, since what is appended from now on must not pass for what was fed.
    tell(made, feeder_open(&made->feeder, &fault), &fault);
    *search = made;
    if (start_thread(made))
        return;
    fault_set(&fault, ERR_INTERNAL, "search", "its thread cannot be started");
    tell(made, ERR_INTERNAL, &fault);
}

static void signal_wake(search_t *search)
{
    pthread_cond_signal(&search->wake);
    pthread_mutex_unlock(&search->mutex);
}

void search_stop(search_t **search)
{
    search_t *self = search ? *search : NULL;
    if (!self)
        return;
    pthread_mutex_lock(&self->mutex);
    self->stopping = true;
    signal_wake(self);
    if (self->started)
        pthread_join(self->thread, NULL);
    feeder_clear(&self->feeder);
    pthread_cond_destroy(&self->wake);
    pthread_cond_destroy(&self->settled);
    pthread_mutex_destroy(&self->mutex);
    mem_free(self);
    *search = NULL;
}

const char *search_path(const search_t *search)
{
    return search->feeder.path;
}

void search_hint(search_t *search)
{
    pthread_mutex_lock(&search->mutex);
    // One that gathers or is at work looks at the number by itself.
    bool asleep = search->hints++ == search->seen;
    search->stirs++;
    if (asleep)
        pthread_cond_signal(&search->wake);
    pthread_mutex_unlock(&search->mutex);
}

void search_stir(search_t *search)
{
    atomic_fetch_add(&search->stirs, 1);
}

void search_distrust(search_t *search)
{
    pthread_mutex_lock(&search->mutex);
    search->distrusted = true;
    search->hints++;
    signal_wake(search);
}

void search_state(search_t *search, search_state_t *state)
{
    pthread_mutex_lock(&search->mutex);
    *state = search->state;
    pthread_mutex_unlock(&search->mutex);
}

err_t search_settle(search_t *search)
{
    pthread_mutex_lock(&search->mutex);
    uint64_t mine = ++search->hints;
    search->hurried = true;
    pthread_cond_signal(&search->wake);
    while (search->passed < mine && search->started)
        pthread_cond_wait(&search->settled, &search->mutex);
    search->hurried = false;
    err_t why = search->state.why;
    pthread_mutex_unlock(&search->mutex);
    return why;
}

err_t search_next_pass(search_t *search)
{
    pthread_mutex_lock(&search->mutex);
    for (uint64_t before = search->passes; search->passes == before && search->started;)
        pthread_cond_wait(&search->settled, &search->mutex);
    err_t why = search->state.why;
    pthread_mutex_unlock(&search->mutex);
    return why;
}
