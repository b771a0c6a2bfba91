#include "daemon/preparer.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/mem.h"

// A ring: `ready` of `count` from `first` on are read. The thread has the one after
// those to itself while it reads it; all else is under the mutex.
struct preparer {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake; // the thread: there is something to read, or it is to stop
    pthread_cond_t done; // whoever waits for the oldest
    int fd;              // counts while something is ready
    bool stopping;
    size_t first, ready, count;
    prepared_t *items[PREPARER_ITEMS_MAX];
    size_t sizes[PREPARER_ITEMS_MAX];
    size_t held; // the loop's alone: bytes of those that are in the ring
};

// ---- the thread ----

// NULL: to stop.
static prepared_t *next(preparer_t *preparer)
{
    while (preparer->ready == preparer->count && !preparer->stopping)
        pthread_cond_wait(&preparer->wake, &preparer->mutex);
    size_t place = (preparer->first + preparer->ready) % PREPARER_ITEMS_MAX;
    return preparer->stopping ? NULL : preparer->items[place];
}

static void tell(const preparer_t *preparer)
{
    static const uint64_t one = 1;
    // It cannot fail: nobody counts as far as it reaches.
    ssize_t written = write(preparer->fd, &one, sizeof one);
    assert(written == sizeof one);
}

static void *work(void *context)
{
    preparer_t *preparer = context;
    pthread_mutex_lock(&preparer->mutex);
    for (prepared_t *item = next(preparer); item; item = next(preparer)) {
        pthread_mutex_unlock(&preparer->mutex);
        prepared_read(item);
        pthread_mutex_lock(&preparer->mutex);
        preparer->ready++;
        tell(preparer);
        pthread_cond_signal(&preparer->done);
    }
    pthread_mutex_unlock(&preparer->mutex);
    return NULL;
}

// ---- life ----

static void discard(preparer_t *preparer)
{
    for (; preparer->count; preparer->count--) {
        prepared_destroy(&preparer->items[preparer->first]);
        preparer->first = (preparer->first + 1) % PREPARER_ITEMS_MAX;
    }
    if (preparer->fd >= 0)
        close(preparer->fd);
    pthread_cond_destroy(&preparer->done);
    pthread_cond_destroy(&preparer->wake);
    pthread_mutex_destroy(&preparer->mutex);
    mem_free(preparer);
}

// Signals are the loop's: a thread starts with all of them blocked.
static int start_thread(preparer_t *preparer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&preparer->thread, NULL, work, preparer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

err_t preparer_start(preparer_t **preparer, fault_t *fault)
{
    preparer_t *made = mem_alloc(sizeof *made);
    *preparer = NULL;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->wake, NULL);
    pthread_cond_init(&made->done, NULL);
    made->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->fd < 0 || start_thread(made) != 0) {
        discard(made);
        return fault_set(fault, ERR_INTERNAL, "", "no thread to read runs");
    }
    *preparer = made;
    return ERR_OK;
}

void preparer_stop(preparer_t **preparer)
{
    if (!*preparer)
        return;
    pthread_mutex_lock(&(*preparer)->mutex);
    (*preparer)->stopping = true;
    pthread_cond_signal(&(*preparer)->wake);
    pthread_mutex_unlock(&(*preparer)->mutex);
    pthread_join((*preparer)->thread, NULL);
    discard(*preparer);
    *preparer = NULL;
}

// ---- the loop's side ----

int preparer_fd(const preparer_t *preparer)
{
    return preparer->fd;
}

// Only the loop adds and takes away: `count` cannot change meanwhile.
bool preparer_has_room(const preparer_t *preparer, size_t bytes)
{
    return preparer->count == 0 ||
           (preparer->count < PREPARER_ITEMS_MAX && preparer->held + bytes <= PREPARER_BYTES_MAX);
}

void preparer_put(preparer_t *preparer, prepared_t **prepared)
{
    size_t size = prepared_size(*prepared);
    assert(preparer_has_room(preparer, size));
    preparer->held += size;
    pthread_mutex_lock(&preparer->mutex);
    size_t place = (preparer->first + preparer->count++) % PREPARER_ITEMS_MAX;
    preparer->items[place] = *prepared;
    preparer->sizes[place] = size;
    pthread_cond_signal(&preparer->wake);
    pthread_mutex_unlock(&preparer->mutex);
    *prepared = NULL;
}

static prepared_t *take_first(preparer_t *preparer, size_t *bytes)
{
    prepared_t *taken = preparer->items[preparer->first];
    *bytes = preparer->sizes[preparer->first];
    preparer->first = (preparer->first + 1) % PREPARER_ITEMS_MAX;
    preparer->ready--;
    preparer->count--;
    preparer->held -= *bytes;
    return taken;
}

prepared_t *preparer_take(preparer_t *preparer, bool wait, size_t *bytes)
{
    uint64_t told;
    *bytes = 0;
    pthread_mutex_lock(&preparer->mutex);
    while (wait && preparer->count && !preparer->ready)
        pthread_cond_wait(&preparer->done, &preparer->mutex);
    prepared_t *taken = preparer->ready ? take_first(preparer, bytes) : NULL;
    // Under the mutex, so that nothing that becomes ready now goes unheard.
    if (!preparer->ready && read(preparer->fd, &told, sizeof told) < 0)
        told = 0; // nothing had been told
    pthread_mutex_unlock(&preparer->mutex);
    return taken;
}
