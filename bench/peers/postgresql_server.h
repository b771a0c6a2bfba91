// One PostgreSQL instance: a cluster of its own, reached through a socket in its directory
// and by nothing else.
#ifndef ENLACE_BENCH_PEERS_POSTGRESQL_SERVER_H
#define ENLACE_BENCH_PEERS_POSTGRESQL_SERVER_H

#include <jansson.h>
#include <postgresql/libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

extern const char postgresql_name[]; // of the subject, in messages

typedef struct {
    char *dir, *log, *target; // target: how to connect
    pid_t pid;
    PGconn *sql; // while it runs
} instance_t;

json_t *instance_settings(void);
char *instance_version(void); // caller frees (mem_free)

// Below `parent`; where there is no cluster yet, one is made and warmed up. Not started.
void instance_open(instance_t *instance, const char *parent, const char *name);
void instance_start(instance_t *instance); // until it answers
void instance_stop(instance_t *instance);
void instance_close(instance_t *instance); // the cluster stays

// Another connection; the caller's.
PGconn *instance_connect(const instance_t *instance);

// Statements; the result is of no interest, but they must succeed. printf-like.
void pq_do(PGconn *sql, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The only field of the only row; "" where there is none. Caller frees (mem_free).
char *pq_text(PGconn *sql, const char *question);
void pq_prepare(PGconn *sql, const char *name, const char *statement);
// Ends the program where a result is not what it should be; clears it.
void pq_expect(PGconn *sql, PGresult *result, ExecStatusType expected);

#endif
