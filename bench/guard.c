#include "bench/guard.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { END_SECONDS = 20, DIR_SIZE = 40, PLACE_SIZE = 16 };

// ---- the directory ----

static bool make_dir(char dir[DIR_SIZE])
{
    const char *place = getenv("TMPDIR");
    // Sockets lie below it, and their paths have room for about a hundred characters.
    if (place && strlen(place) >= PLACE_SIZE) {
        fprintf(stderr, "TMPDIR has %d characters and more: /tmp is used in its place\n",
                PLACE_SIZE);
        place = NULL;
    }
    snprintf(dir, DIR_SIZE, "%s/enlace-bench-XXXXXX", place ? place : "/tmp");
    // Servers that must not run as root pass through it.
    if (mkdtemp(dir) && chmod(dir, 0711) == 0 && setenv("TMPDIR", dir, 1) == 0)
        return true;
    fprintf(stderr, "%s cannot be made: %s: set TMPDIR to where there is room\n", dir,
            strerror(errno));
    return false;
}

static int remove_one(const char *path, const struct stat *file, int type, struct FTW *walk)
{
    (void)file;
    (void)type;
    (void)walk;
    return remove(path);
}

void guard_remove(const char *dir)
{
    if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        fprintf(stderr, "%s cannot be removed: %s: remove it by hand\n", dir, strerror(errno));
}

// ---- processes ----

static void watched(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
}

// Its status once it has ended. Orphans of its own come to us and are reaped besides.
static int wait_worker(pid_t worker, const sigset_t *set)
{
    int ended_by = 0;
    for (;;) {
        int status = 0, signal = sigwaitinfo(set, NULL);
        if (signal > 0 && signal != SIGCHLD) {
            ended_by = signal;
            kill(worker, SIGKILL);
        }
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid != worker)
                continue;
            if (ended_by)
                return 128 + ended_by;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
}

// proc(5): children of the only thread here.
static void kill_children(void)
{
    char path[64], text[4096] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (file && fgets(text, sizeof text, file))
        for (char *at = text, *end; *at && *at != '\n'; at = end) {
            long pid = strtol(at, &end, 10);
            if (pid <= 0 || (*end != ' ' && *end != '\n'))
                break;
            kill((pid_t)pid, SIGKILL);
            end += strspn(end, " ");
        }
    if (file)
        fclose(file);
}

// What the worker had started has asked to be told of its end (server.c, fleet.c).
static void wait_rest(const sigset_t *set)
{
    for (int seconds = 0; seconds < END_SECONDS;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0)
            return; // none left
        const struct timespec second = {.tv_sec = 1};
        if (pid == 0 && sigtimedwait(set, NULL, &second) < 0)
            seconds++;
    }
    kill_children();
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static int work_alone(int (*work)(void *), void *context, pid_t guard)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == guard ? work(context) : 1;
}

int guard_run(int (*work)(void *), void *context, bool keep)
{
    char dir[DIR_SIZE];
    sigset_t set;
    pid_t guard = getpid();
    if (!make_dir(dir))
        return 1;
    watched(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    fflush(NULL);
    pid_t worker = fork();
    if (worker == 0)
        exit(work_alone(work, context, guard));
    int status = 1;
    if (worker < 0)
        fprintf(stderr, "no process can be started: %s: end some\n", strerror(errno));
    else
        status = wait_worker(worker, &set);
    wait_rest(&set);
    if (keep)
        fprintf(stderr, "kept: %s\n", dir);
    else
        guard_remove(dir);
    return status;
}
