#include "daemon/store/checkpoint.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "daemon/store/sql.h"
#include "lib/log.h"
#include "lib/mem.h"

// After a hint it waits this long for more of them: a burst is one checkpoint. The
// WAL begins anew after each, which is a sync more for the commit that comes next:
// while it is short, there is time.
enum { GATHER_S = 1, GATHER_SHORT_S = 60, SHORT_BYTES = 4 * 1024 * 1024 };

// What was committed while a checkpoint ran keeps the WAL from beginning anew, and
// it grows. So little of it the writer takes along itself: two syncs of its time.
enum { LITTLE_PAGES = 1024 };

struct checkpoint {
    sql_t *sql; // the thread's alone
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool hinted, stopping;
    bool filled;  // the WAL is not short any more
    bool left;    // little was committed meanwhile
    bool failing; // said so already; the thread's alone
};

// Until `*early`, to stop, or for so long: under the mutex.
static void wait_for(checkpoint_t *checkpoint, time_t seconds, const bool *early)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    while (!checkpoint->stopping && !*early && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&checkpoint->wake, &checkpoint->mutex, &until);
}

// Waits for a hint, then for the burst to pass. False: to stop.
static bool wait_for_work(checkpoint_t *checkpoint)
{
    static const bool never = false;
    pthread_mutex_lock(&checkpoint->mutex);
    while (!checkpoint->hinted && !checkpoint->stopping)
        pthread_cond_wait(&checkpoint->wake, &checkpoint->mutex);
    wait_for(checkpoint, GATHER_SHORT_S, &checkpoint->filled);
    wait_for(checkpoint, GATHER_S, &never);
    checkpoint->hinted = checkpoint->filled = false;
    bool on = !checkpoint->stopping;
    pthread_mutex_unlock(&checkpoint->mutex);
    return on;
}

// PASSIVE never waits for anybody; what a reader keeps it from comes next time.
static int empty(checkpoint_t *checkpoint, int mode)
{
    int pages = 0, done = 0;
    sql_calm();
    int code = sqlite3_wal_checkpoint_v2(sql_handle(checkpoint->sql), NULL, mode, &pages, &done);
    pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->left = code == SQLITE_OK && pages > done && pages - done <= LITTLE_PAGES;
    pthread_mutex_unlock(&checkpoint->mutex);
    return code;
}

static void run(checkpoint_t *checkpoint, int mode)
{
    int code = empty(checkpoint, mode);
    bool failed = code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY;
    fault_t fault = {0};
    if (failed && !checkpoint->failing) {
        err_t err = sql_fault(checkpoint->sql, code, &fault);
        log_line(LOG_LEVEL_WARNING, "checkpoint: %s (%s)", err_text(err), fault.detail);
    } else if (!failed && checkpoint->failing) {
        log_line(LOG_LEVEL_NOTICE, "checkpoint: works again");
    }
    checkpoint->failing = failed;
}

static void *work(void *context)
{
    checkpoint_t *checkpoint = context;
    while (wait_for_work(checkpoint))
        run(checkpoint, SQLITE_CHECKPOINT_PASSIVE);
    run(checkpoint, SQLITE_CHECKPOINT_TRUNCATE);
    return NULL;
}

// Signals are the loop's: a thread starts with all of them blocked.
static int start_thread(checkpoint_t *checkpoint)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&checkpoint->thread, NULL, work, checkpoint);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static void discard(checkpoint_t *checkpoint)
{
    pthread_cond_destroy(&checkpoint->wake);
    pthread_mutex_destroy(&checkpoint->mutex);
    sql_close(&checkpoint->sql);
    mem_free(checkpoint);
}

static void init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

// A connection that has read nothing yet does not know that there is a WAL, and
// its checkpoints do nothing. The last one waits a moment for readers, not for long.
static const char set_up[] = "PRAGMA synchronous = FULL;"
                             "PRAGMA secure_delete = ON;"
                             "PRAGMA busy_timeout = 200;"
                             "SELECT count(*) FROM sqlite_schema;";

err_t checkpoint_start(const char *path, checkpoint_t **checkpoint, fault_t *fault)
{
    checkpoint_t *made = mem_alloc(sizeof *made);
    *checkpoint = NULL;
    pthread_mutex_init(&made->mutex, NULL);
    init_wake(&made->wake);
    err_t err = sql_open(path, NULL, SQL_WRITE, &made->sql, fault);
    if (!err)
        err = sql_script(made->sql, set_up, fault);
    if (!err && start_thread(made) != 0)
        err = fault_set(fault, ERR_INTERNAL, "", "no thread for checkpoints");
    if (err) {
        discard(made);
        return err;
    }
    *checkpoint = made;
    return ERR_OK;
}

bool checkpoint_hint(checkpoint_t *checkpoint, uint64_t wal_bytes)
{
    pthread_mutex_lock(&checkpoint->mutex);
    bool left = checkpoint->left;
    checkpoint->left = false;
    bool filled = checkpoint->filled || wal_bytes > SHORT_BYTES;
    if (!checkpoint->hinted || filled != checkpoint->filled) {
        checkpoint->hinted = true;
        checkpoint->filled = filled;
        pthread_cond_signal(&checkpoint->wake);
    }
    pthread_mutex_unlock(&checkpoint->mutex);
    return left;
}

void checkpoint_stop(checkpoint_t **checkpoint)
{
    if (!checkpoint || !*checkpoint)
        return;
    pthread_mutex_lock(&(*checkpoint)->mutex);
    (*checkpoint)->stopping = true;
    pthread_cond_signal(&(*checkpoint)->wake);
    pthread_mutex_unlock(&(*checkpoint)->mutex);
    pthread_join((*checkpoint)->thread, NULL);
    discard(*checkpoint);
    *checkpoint = NULL;
}
