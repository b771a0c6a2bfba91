// Programs that are not ours: run in a directory of their own, never as root.
#ifndef ENLACE_BENCH_PEERS_SERVER_H
#define ENLACE_BENCH_PEERS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

// Each of these ends the program with a message where it cannot do what it should.

// Whose they are: who runs this, or, for root, "postgres" if there is such a user, else
// "nobody".
const char *server_user(void);
// A directory that is theirs, made where it is not there yet.
void server_own(const char *dir);

// `arguments` ends with NULL; output is added to the file `log`. The server gets signal
// `last` when the program ends without stopping it.
pid_t server_start(const char *const *arguments, const char *log, int last);
// Runs it to its end; it must succeed.
void server_run(const char *const *arguments, const char *log);
bool server_alive(pid_t pid);
void server_stop(pid_t *pid, int signal); // waits for its end; 0 is none, and none it is then

// The first line that it prints, such as a version; "" where it prints nothing. Caller frees
// (mem_free).
char *server_line(const char *const *arguments);

// Ends the program: subject, what went wrong, what to do. printf-like.
_Noreturn void peer_fail(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Polls that are bounded: `tries` counts them, a millisecond each.
enum { PEER_LIMIT_MS = 300000 };
void peer_pause(const char *subject, unsigned *tries, const char *what);

#endif
