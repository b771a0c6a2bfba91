#include "daemon/store/checkpoint.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "daemon/store/sql.h"
#include "lib/log.h"
#include "lib/mem.h"

// After a hint it waits this long for more of them: a burst is one checkpoint.
enum { GATHER_MS = 1000 };

struct checkpoint {
    sql_t *sql; // the thread's alone
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool hinted, stopping;
    bool failing; // said so already; the thread's alone
};

static struct timespec deadline(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += GATHER_MS / 1000;
    return at;
}

// Waits for a hint, then for the burst to pass. False: to stop.
static bool wait_for_work(checkpoint_t *checkpoint)
{
    pthread_mutex_lock(&checkpoint->mutex);
    while (!checkpoint->hinted && !checkpoint->stopping)
        pthread_cond_wait(&checkpoint->wake, &checkpoint->mutex);
    struct timespec until = deadline();
    while (!checkpoint->stopping &&
           pthread_cond_timedwait(&checkpoint->wake, &checkpoint->mutex, &until) != ETIMEDOUT)
        continue;
    checkpoint->hinted = false;
    bool on = !checkpoint->stopping;
    pthread_mutex_unlock(&checkpoint->mutex);
    return on;
}

// PASSIVE never waits for anybody; what a reader keeps it from comes next time.
static void run(checkpoint_t *checkpoint, int mode)
{
    sql_calm();
    int code = sqlite3_wal_checkpoint_v2(sql_handle(checkpoint->sql), NULL, mode, NULL, NULL);
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

void checkpoint_hint(checkpoint_t *checkpoint)
{
    pthread_mutex_lock(&checkpoint->mutex);
    if (!checkpoint->hinted) {
        checkpoint->hinted = true;
        pthread_cond_signal(&checkpoint->wake);
    }
    pthread_mutex_unlock(&checkpoint->mutex);
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
