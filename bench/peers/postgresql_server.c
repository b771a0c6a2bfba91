#include "bench/peers/postgresql_server.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/peers/server.h"
#include "lib/mem.h"

const char postgresql_name[] = "postgresql";

static const char programs[] = "/usr/lib/postgresql/15/bin";

// As whoever runs it for this load would set it. Durable at both ends, as Enlace is: what is
// left at its default (fsync, synchronous_commit) is named because it matters here. Memory
// and log have room, so that no checkpoint falls into what is measured.
static const char *const settings[] = {
    "fsync=on",
    "synchronous_commit=on",
    "wal_level=logical",
    "shared_buffers=512MB",
    "min_wal_size=1GB",
    "max_wal_size=8GB",
    "checkpoint_timeout=30min",
    "wal_retrieve_retry_interval=100ms",
};
enum { SETTINGS = sizeof settings / sizeof *settings };

json_t *instance_settings(void)
{
    json_t *all = json_array();
    for (size_t i = 0; i < SETTINGS; i++)
        json_array_append_new(all, json_string(settings[i]));
    return all;
}

char *instance_version(void)
{
    char *program = mem_format("%s/postgres", programs);
    char *line = server_line((const char *const[]){program, "--version", NULL});
    mem_free(program);
    return line;
}

// ---- statements ----

void pq_expect(PGconn *sql, PGresult *result, ExecStatusType expected)
{
    if (PQresultStatus(result) != expected)
        peer_fail(postgresql_name, "a statement failed: %s: --keep keeps the log",
                  PQerrorMessage(sql));
    PQclear(result);
}

void pq_do(PGconn *sql, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int made = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (made < 0)
        mem_exhausted();
    PGresult *result = PQexec(sql, text);
    ExecStatusType status = PQresultStatus(result);
    pq_expect(sql, result, status == PGRES_TUPLES_OK ? status : PGRES_COMMAND_OK);
    free(text);
}

char *pq_text(PGconn *sql, const char *question)
{
    PGresult *result = PQexec(sql, question);
    char *text = mem_copy_string(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    pq_expect(sql, result, PGRES_TUPLES_OK);
    return text;
}

void pq_prepare(PGconn *sql, const char *name, const char *statement)
{
    pq_expect(sql, PQprepare(sql, name, statement, 0, NULL), PGRES_COMMAND_OK);
}

// ---- the process ----

static void launch(instance_t *instance)
{
    const char *arguments[2 * SETTINGS + 16];
    size_t count = 0;
    char *program = mem_format("%s/postgres", programs);
    char *data = mem_format("%s/data", instance->dir);
    char *sockets = mem_format("unix_socket_directories=%s", instance->dir);
    arguments[count++] = program;
    arguments[count++] = "-D";
    arguments[count++] = data;
    arguments[count++] = "-c";
    arguments[count++] = sockets;
    arguments[count++] = "-c";
    arguments[count++] = "listen_addresses=";
    for (size_t i = 0; i < SETTINGS; i++) {
        arguments[count++] = "-c";
        arguments[count++] = settings[i];
    }
    arguments[count] = NULL;
    // Where it is not stopped: at once, but so that it takes its shared memory along.
    instance->pid = server_start(arguments, instance->log, SIGQUIT);
    mem_free(program);
    mem_free(data);
    mem_free(sockets);
}

PGconn *instance_connect(const instance_t *instance)
{
    PGconn *sql = PQconnectdb(instance->target);
    if (PQstatus(sql) == CONNECTION_OK)
        return sql;
    PQfinish(sql);
    return NULL;
}

void instance_start(instance_t *instance)
{
    unsigned tries = 0;
    launch(instance);
    while (!(instance->sql = instance_connect(instance))) {
        if (!server_alive(instance->pid))
            peer_fail(postgresql_name, "the server ended at its start: --keep keeps its log, %s",
                      instance->log);
        peer_pause(postgresql_name, &tries, "the start of a server");
    }
    pq_do(instance->sql, "SET client_min_messages = warning");
}

void instance_stop(instance_t *instance)
{
    PQfinish(instance->sql);
    instance->sql = NULL;
    server_stop(&instance->pid, SIGINT); // "fast": nobody is waited for, all is written
}

// ---- the cluster ----

// A cluster in use has log files to use again and need not make new ones.
static void warm_up(instance_t *instance)
{
    instance_start(instance);
    pq_do(instance->sql, "CREATE TABLE warm AS SELECT i, repeat('x', 1000) FROM "
                         "generate_series(1, 300000) AS i");
    pq_do(instance->sql, "DROP TABLE warm");
    pq_do(instance->sql, "CHECKPOINT");
    instance_stop(instance);
}

static void make_cluster(instance_t *instance, const char *data)
{
    char *program = mem_format("%s/initdb", programs);
    const char *const arguments[] = {program, "-D", data,   "-U",         "postgres", "-A",
                                     "trust", "-E", "UTF8", "--locale=C", NULL};
    server_run(arguments, instance->log);
    mem_free(program);
    warm_up(instance);
}

void instance_open(instance_t *instance, const char *parent, const char *name)
{
    *instance = (instance_t){.dir = mem_format("%s/%s", parent, name)};
    instance->log = mem_format("%s/log", instance->dir);
    instance->target = mem_format("host=%s user=postgres dbname=postgres", instance->dir);
    char *data = mem_format("%s/data", instance->dir);
    server_own(instance->dir);
    if (access(data, F_OK) != 0)
        make_cluster(instance, data);
    mem_free(data);
}

void instance_close(instance_t *instance)
{
    if (instance->pid)
        instance_stop(instance);
    mem_free(instance->dir);
    mem_free(instance->log);
    mem_free(instance->target);
    *instance = (instance_t){0};
}
