// Real daemons on loopback, made and run as a person would make and run them:
// through the commands, in a directory of their own that goes when the test ends.
//
// Nothing here sleeps: a daemon is waited for by its READY=1, a state by asking
// for it, an end by waitpid.
#ifndef ENLACE_TESTS_SYSTEM_FLEET_H
#define ENLACE_TESTS_SYSTEM_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { FLEET_MAX = 48 };

typedef struct fleet fleet_t;

// What a command left behind. Free with result_clear.
typedef struct {
    int status; // exit status; 128 + signal where one ended it
    char *out, *err;
    uint64_t ms; // how long it took
} result_t;

fleet_t *fleet_new(void);
void fleet_destroy(fleet_t **fleet); // kills what still runs; fails the test where it must

// `enlace init`; `dials` names nodes added before, NULL-ended; `extra` are more
// options or "". Returns the node's index.
size_t fleet_add(fleet_t *fleet, const char *code, bool listens, const char *extra,
                 const char *const *dials);
// Cards, charter by the first, accepted by all with the words that it shows.
void fleet_found(fleet_t *fleet, unsigned threshold);
// A hub and `others` that dial it, founded; the hub is node 0. Codes as in the
// regional coalition: CRM, GT, SV, HN, NI, CR, BZ, PA; then N08, N09 ...
fleet_t *fleet_hub(size_t others);
// From its next start on, the node's daemon runs in this network namespace (an open
// /proc/PID/ns/net that outlives the fleet; needs CAP_SYS_ADMIN).
void fleet_place(fleet_t *fleet, size_t node, int network);

void fleet_start(fleet_t *fleet, size_t node); // waits for READY=1
void fleet_start_all(fleet_t *fleet);
// As fleet_start with an environment entry "NAME=VALUE", or a limit on file size.
void fleet_start_with(fleet_t *fleet, size_t node, const char *environment, uint64_t file_size);
// The two halves of it: begins, and waits until it is ready (false where `ms` passed
// or it ended before).
void fleet_launch(fleet_t *fleet, size_t node, const char *environment, uint64_t file_size);
bool fleet_ready(fleet_t *fleet, size_t node, unsigned ms);
int fleet_stop(fleet_t *fleet, size_t node); // SIGTERM; its exit status
int fleet_kill(fleet_t *fleet, size_t node); // SIGKILL; 128 + 9, or what it ended with before
pid_t fleet_pid(const fleet_t *fleet, size_t node); // 0: not running
bool fleet_alive(fleet_t *fleet, size_t node);

// Runs `enlace --dir DIR …` at a node; printf-like, split by a shell.
result_t fleet_run(fleet_t *fleet, size_t node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same, asserting exit 0; returns the standard output without its last newline, caller frees.
char *fleet_do(fleet_t *fleet, size_t node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Any shell command; `$BIN` is where the programs are, `$FLEET` the fleet's directory.
result_t fleet_shell(fleet_t *fleet, const char *format, ...) __attribute__((format(printf, 2, 3)));
void result_clear(result_t *result);

// Starts `enlace --dir DIR …` in the background, its output readable line by line.
typedef struct reading reading_t;
reading_t *fleet_open(fleet_t *fleet, size_t node, const char *arguments);
// The same for any shell command.
reading_t *fleet_background(fleet_t *fleet, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool reading_running(const reading_t *reading);
// Waits until it ends by itself; its status.
int reading_wait(reading_t **reading);
// Next line without its newline, within `ms`; NULL where none came. Caller frees.
char *reading_line(reading_t *reading, unsigned ms);
int reading_close(reading_t **reading); // SIGTERM where it still runs; its status

// `status --wait-synced` at each running node, asserted.
void fleet_settle(fleet_t *fleet);
// Asserts that all running nodes print the same digest.
void fleet_assert_same(fleet_t *fleet);
// Asks `status --json` until the text contains `needle`, at most `ms`; false if it never does.
bool fleet_status_shows(fleet_t *fleet, size_t node, const char *needle, unsigned ms);

const char *fleet_dir(const fleet_t *fleet); // of the fleet
const char *fleet_node_dir(const fleet_t *fleet, size_t node);
const char *fleet_endpoint(const fleet_t *fleet, size_t node); // link; empty: none
char *fleet_log(const fleet_t *fleet, size_t node);            // what it logged; caller frees
uint16_t fleet_port(void);                                     // a free one, and the next

#endif
