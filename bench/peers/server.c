#include "bench/peers/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"

void peer_fail(const char *subject, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", subject);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void peer_pause(const char *subject, unsigned *tries, const char *what)
{
    if (++*tries > PEER_LIMIT_MS)
        peer_fail(subject, "%s did not happen within %d s: its log says why (--keep keeps it)",
                  what, PEER_LIMIT_MS / 1000);
    usleep(1000);
}

// ---- who ----

static const struct passwd *unprivileged(void)
{
    if (geteuid() != 0)
        return getpwuid(geteuid());
    const struct passwd *user = getpwnam("postgres");
    return user ? user : getpwnam("nobody");
}

static const struct passwd *must_have_user(void)
{
    const struct passwd *user = unprivileged();
    if (!user)
        peer_fail("servers", "no user to run them as: neither postgres nor nobody in passwd");
    return user;
}

const char *server_user(void)
{
    return must_have_user()->pw_name;
}

void server_own(const char *dir)
{
    const struct passwd *user = must_have_user();
    bool made = mkdir(dir, 0700) == 0 || errno == EEXIST;
    if (!made || (geteuid() == 0 && chown(dir, user->pw_uid, user->pw_gid) != 0))
        peer_fail("servers", "%s cannot be made: %s: set TMPDIR to where there is room", dir,
                  strerror(errno));
}

// ---- starting ----

// A change of user forgets the signal of prctl: that comes last.
static bool become_user(const struct passwd *user, int last, pid_t parent)
{
    if (geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        return false;
    return prctl(PR_SET_PDEATHSIG, last) == 0 && getppid() == parent;
}

_Noreturn static void become(const char *const *arguments, const char *log, int last, pid_t parent)
{
    int null = open("/dev/null", O_RDONLY);
    int out = open(log, O_CREAT | O_APPEND | O_WRONLY, 0644);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    // An interrupt from the keyboard is for whoever waits for them.
    setpgid(0, 0);
    if (become_user(must_have_user(), last, parent) && chdir("/") == 0)
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

pid_t server_start(const char *const *arguments, const char *log, int last)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(arguments, log, last, parent);
    if (pid < 0)
        peer_fail("servers", "%s cannot be started: %s: end some processes", arguments[0],
                  strerror(errno));
    return pid;
}

static int wait_end(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void show_log(const char *log)
{
    FILE *file = fopen(log, "re");
    for (int c; file && (c = fgetc(file)) != EOF;)
        fputc(c, stderr);
    if (file)
        fclose(file);
}

void server_run(const char *const *arguments, const char *log)
{
    if (wait_end(server_start(arguments, log, SIGKILL)) == 0)
        return;
    show_log(log);
    peer_fail("servers", "%s failed: the lines above say why", arguments[0]);
}

bool server_alive(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void server_stop(pid_t *pid, int signal)
{
    if (*pid) {
        kill(*pid, signal);
        wait_end(*pid);
    }
    *pid = 0;
}

char *server_line(const char *const *arguments)
{
    char line[256] = "";
    char *path = mem_format("%s/line", getenv("TMPDIR"));
    remove(path);
    server_run(arguments, path);
    FILE *file = fopen(path, "re");
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    mem_free(path);
    line[strcspn(line, "\n")] = '\0';
    return mem_copy_string(line);
}
