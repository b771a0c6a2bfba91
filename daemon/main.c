// enlaced: the daemon. Options, and what a process must be before it holds keys.
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "daemon/node.h"
#include "daemon/store/reader.h"
#include "lib/crypto.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/mem.h"

enum { EXIT_USAGE = 2, EXIT_CONFIGURATION = 78 }; // sysexits.h EX_CONFIG: restarting is no help

static const char usage[] =
    "usage: enlaced --dir DIRECTORY [--verify]\n"
    "\n"
    "Runs the node that lives in DIRECTORY, in the foreground, until SIGTERM.\n"
    "Logs to standard error; tells systemd READY=1 when asked to (NOTIFY_SOCKET).\n"
    "\n"
    "  --dir DIRECTORY   the node's directory, made by enlace init (or ENLACE_DIR)\n"
    "  --verify          check chain, signatures and view, print what was found, end\n"
    "  --version         print the version\n"
    "  --help            print this\n"
    "\n"
    "Exit status: 0 ended cleanly, 1 failed, 2 usage, 78 nothing to run yet or the\n"
    "configuration is wrong (starting again will not help).\n";

// ---- what the process must be ----

// Secrets stay out of core dumps and out of other processes' sight; a full file
// is an error to handle, not a signal to die of.
static void harden(void)
{
#ifndef __SANITIZE_ADDRESS__ // the leak check at exit traces its own process
    secrets_protect_process();
#endif
    umask(077); // whoever starts it: nobody else reads the database
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    // A handful of threads that allocate little: one arena keeps the node small.
    mallopt(M_ARENA_MAX, 1);
}

static int status_of(err_t err)
{
    switch (err) {
    case ERR_OK:
        return EXIT_SUCCESS;
    case ERR_NO_CHARTER:
    case ERR_BAD_CONFIG:
    case ERR_BAD_KEY_FILE:
    case ERR_NO_DIRECTORY:
    case ERR_OTHER_CHARTER:
    case ERR_NOT_A_MEMBER:
    case ERR_NEWER_STORE:
        return EXIT_CONFIGURATION;
    default:
        return EXIT_FAILURE;
    }
}

// What to do next, where starting again does not help and somebody can.
static const char *next_step(err_t err)
{
    switch (err) {
    case ERR_NO_CHARTER:
        return "; next: enlace charter accept FILE --dir ";
    case ERR_NO_DIRECTORY:
        return "; next: enlace init --node CODE --name TEXT --dir ";
    default:
        return "";
    }
}

static int fail(const char *dir, err_t err, const fault_t *fault)
{
    const char *next = next_step(err);
    bool placed = fault->where[0] && strcmp(fault->where, dir) != 0;
    log_line(LOG_LEVEL_ERROR, "enlaced: %s: %s%s%s%s%s%s%s%s [%s]", dir, err_text(err),
             placed ? " (" : "", placed ? fault->where : "", placed ? ")" : "",
             fault->detail[0] ? ": " : "", fault->detail, next, *next ? dir : "", err_name(err));
    return status_of(err);
}

// ---- verify ----

static void print_finding(void *context, const char *where, err_t reason, const char *detail)
{
    (void)context;
    printf("%s: %s%s%s [%s]\n", where, err_text(reason), detail[0] ? ": " : "", detail,
           err_name(reason));
}

static int verify(const char *dir)
{
    fault_t fault = {0};
    verify_t job = {.finding = print_finding};
    bool running = false; // does not matter, but only a node's directory can say
    char *path = home_path(dir, "enlace.db");
    err_t err = home_running(dir, &running, &fault);
    if (!err)
        err = store_verify(path, &job, &fault);
    mem_free(path);
    if (err)
        return fail(dir, err, &fault);
    printf("%llu feeds, %llu commits, %llu changes, %llu signatures, %llu records: %llu findings\n",
           (unsigned long long)job.feeds, (unsigned long long)job.commits,
           (unsigned long long)job.changes, (unsigned long long)job.signatures,
           (unsigned long long)job.records, (unsigned long long)job.found);
    return job.found ? EXIT_FAILURE : EXIT_SUCCESS;
}

// ---- run ----

static void ready(void)
{
    sd_notify(0, "READY=1\nSTATUS=running");
    log_line(LOG_LEVEL_NOTICE, "enlaced %s is ready", ENLACE_VERSION);
}

static int run(const char *dir)
{
    fault_t fault = {0};
    node_t *node = NULL;
    err_t err = node_open(dir, &node, &fault);
    if (!err)
        err = node_run(node, ready, &fault);
    sd_notify(0, "STOPPING=1");
    node_close(&node);
    if (err)
        return fail(dir, err, &fault);
    log_line(LOG_LEVEL_NOTICE, "enlaced has ended");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
                                            {"verify", no_argument, NULL, 'v'},
                                            {"version", no_argument, NULL, 'V'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *dir = getenv("ENLACE_DIR");
    bool only_verify = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd')
            dir = optarg;
        else if (option == 'v')
            only_verify = true;
        else if (option == 'V')
            return puts("enlaced " ENLACE_VERSION) < 0;
        else if (option == 'h')
            return fputs(usage, stdout) < 0;
        else
            return fputs(usage, stderr), EXIT_USAGE;
    }
    if (!dir || optind != argc)
        return fputs(usage, stderr), EXIT_USAGE;
    harden();
    if (crypto_start())
        return fail(dir, ERR_INTERNAL, &(fault_t){.detail = "libsodium could not be started"});
    if (store_start())
        return fail(dir, ERR_INTERNAL, &(fault_t){.detail = "SQLite could not be set up"});
    return only_verify ? verify(dir) : run(dir);
}
