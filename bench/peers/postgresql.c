// Logical replication of a table from a publisher (A) to a subscriber (B).
//
// What is durable at A when it is acknowledged is durable at B when it can be seen: the
// subscription has synchronous_commit=on too, which is off unless asked for.
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peers/peers.h"
#include "bench/peers/postgresql_server.h"
#include "bench/peers/server.h"
#include "lib/mem.h"

// Rows of one COPY, which is one transaction: enough that a sync to disk does not count,
// few enough that B applies while A still loads.
enum { ROWS = 5000, LOOKS = 20000 };

typedef struct {
    instance_t a, b;
    records_t records;
    bool subscribed;
} postgresql_t;

static json_t *describe(void)
{
    char *version = instance_version();
    json_t *settings = instance_settings();
    json_array_append_new(settings, json_string("subscription: synchronous_commit=on, binary"));
    json_t *all = json_pack("{s:s, s:o, s:i}", "version", version, "settings", settings,
                            "rows_per_copy", (int)ROWS);
    mem_free(version);
    return all;
}

// ---- A and B ----

static void make_table(PGconn *sql)
{
    pq_do(sql, "DROP TABLE IF EXISTS record");
    pq_do(sql, "CREATE TABLE record (id bigint PRIMARY KEY, owner text NOT NULL, "
               "kind integer NOT NULL, key text NOT NULL, body bytea NOT NULL)");
    pq_do(sql, "CREATE INDEX record_kind ON record (kind, owner)");
    pq_do(sql, "CHECKPOINT");
}

static void prepare_put(PGconn *sql)
{
    pq_prepare(sql, "put",
               "INSERT INTO record VALUES ($1::bigint, $2::text, $3::integer, $4::text, "
               "$5::bytea)");
}

static void prepare_look(PGconn *sql)
{
    pq_prepare(sql, "here", "SELECT 1 FROM record WHERE id = $1::bigint");
    pq_prepare(sql, "last", "SELECT max(id) FROM record");
}

static void *postgresql_open(const char *dir)
{
    postgresql_t *self = mem_alloc(sizeof *self);
    server_own(dir);
    instance_open(&self->a, dir, "a");
    instance_open(&self->b, dir, "b");
    instance_start(&self->a);
    pq_do(self->a.sql, "DROP PUBLICATION IF EXISTS publication");
    make_table(self->a.sql);
    pq_do(self->a.sql, "CREATE PUBLICATION publication FOR TABLE record");
    prepare_put(self->a.sql);
    instance_start(&self->b);
    make_table(self->b.sql);
    prepare_look(self->b.sql);
    return self;
}

static void postgresql_close(void *context)
{
    postgresql_t *self = context;
    if (self->b.pid && self->subscribed)
        pq_do(self->b.sql, "DROP SUBSCRIPTION subscription"); // with its slot at A
    instance_close(&self->b);
    instance_close(&self->a);
    records_clear(&self->records);
    mem_free(self);
}

static void follow(void *context)
{
    postgresql_t *self = context;
    if (self->subscribed) {
        instance_start(&self->b);
        prepare_look(self->b.sql);
        return;
    }
    self->subscribed = true;
    pq_do(self->b.sql,
          "CREATE SUBSCRIPTION subscription CONNECTION '%s' PUBLICATION publication "
          "WITH (copy_data = true, binary = true, synchronous_commit = on)",
          self->a.target);
}

static void wait_for(PGconn *sql, const char *question, const char *answer, const char *what)
{
    unsigned tries = 0;
    for (bool same = false; !same;) {
        char *text = pq_text(sql, question);
        same = strcmp(text, answer) == 0;
        mem_free(text);
        if (!same)
            peer_pause(postgresql_name, &tries, what);
    }
}

static void settle(void *context)
{
    postgresql_t *self = context;
    wait_for(self->b.sql, "SELECT srsubstate FROM pg_subscription_rel", "r",
             "that the subscription is ready");
}

static void pause_b(void *context)
{
    postgresql_t *self = context;
    instance_stop(&self->b);
    // A slot that A still takes for used would refuse B at its start.
    wait_for(self->a.sql, "SELECT active FROM pg_replication_slots", "f", "that the slot is free");
}

// ---- writing ----

static void prepare(void *context, uint64_t first, uint64_t count)
{
    records_prepare(&((postgresql_t *)context)->records, PEER_OWNER, first, count);
}

static void add_field(buf_t *rows, const void *bytes, uint32_t size)
{
    uint32_t length = htobe32(size);
    buf_append(rows, span_of(&length, sizeof length));
    buf_append(rows, span_of(bytes, size));
}

// COPY's binary form: number of fields, then each with its length before it.
static void add_row(buf_t *rows, uint64_t number, const uint8_t *body)
{
    char key[PEER_KEY + 1];
    uint16_t fields = htobe16(5);
    uint64_t id = htobe64(number);
    uint32_t kind = htobe32(PEER_KIND);
    peer_key(number, key);
    buf_append(rows, span_of(&fields, sizeof fields));
    add_field(rows, &id, sizeof id);
    add_field(rows, PEER_OWNER, sizeof PEER_OWNER - 1);
    add_field(rows, &kind, sizeof kind);
    add_field(rows, key, PEER_KEY);
    add_field(rows, body, LOAD_PAYLOAD);
}

static void copy(postgresql_t *self, buf_t *rows, uint64_t first, uint64_t count)
{
    static const char head[19] = "PGCOPY\n\377\r\n"; // a NUL, flags and extension of none
    static const char tail[2] = "\377\377";
    PGconn *sql = self->a.sql;
    buf_clear(rows);
    buf_append(rows, span_of(head, sizeof head));
    for (uint64_t i = 0; i < count; i++)
        add_row(rows, first + i, records_body(&self->records, first + i));
    buf_append(rows, span_of(tail, sizeof tail));
    pq_expect(sql, PQexec(sql, "COPY record FROM STDIN (FORMAT binary)"), PGRES_COPY_IN);
    if (PQputCopyData(sql, (const char *)rows->data, (int)rows->size) != 1 ||
        PQputCopyEnd(sql, NULL) != 1)
        peer_fail(postgresql_name, "COPY failed: %s: --keep keeps the log", PQerrorMessage(sql));
    pq_expect(sql, PQgetResult(sql), PGRES_COMMAND_OK);
    PQclear(PQgetResult(sql)); // NULL: the end of it
}

static void load(void *context, uint64_t first, uint64_t count)
{
    buf_t rows = {0};
    for (uint64_t done = 0; done < count; done += ROWS)
        copy(context, &rows, first + done, count - done < ROWS ? count - done : ROWS);
    buf_free(&rows);
}

static void put(void *context, uint64_t number)
{
    postgresql_t *self = context;
    char key[PEER_KEY + 1];
    uint64_t id = htobe64(number);
    uint32_t kind = htobe32(PEER_KIND);
    peer_key(number, key);
    const char *const values[] = {(const char *)&id, PEER_OWNER, (const char *)&kind, key,
                                  (const char *)records_body(&self->records, number)};
    const int sizes[] = {sizeof id, sizeof PEER_OWNER - 1, sizeof kind, PEER_KEY, LOAD_PAYLOAD};
    const int binary[] = {1, 1, 1, 1, 1};
    pq_expect(self->a.sql, PQexecPrepared(self->a.sql, "put", 5, values, sizes, binary, 1),
              PGRES_COMMAND_OK);
}

// ---- looking ----

static bool here(PGconn *sql, uint64_t number)
{
    uint64_t id = htobe64(number);
    const char *const values[] = {(const char *)&id};
    const int sizes[] = {sizeof id}, binary[] = {1};
    PGresult *result = PQexecPrepared(sql, "here", 1, values, sizes, binary, 1);
    bool found = PQntuples(result) > 0;
    pq_expect(sql, result, PGRES_TUPLES_OK);
    return found;
}

// B applies transactions in the order of their commits, and copies in one: who has the last
// has all.
static void until(void *context, uint64_t number)
{
    unsigned tries = 0;
    while (!here(((postgresql_t *)context)->b.sql, number))
        peer_pause(postgresql_name, &tries, "that the last record came");
}

static void check(void *context, uint64_t number)
{
    static const char question[] =
        "SELECT count(*) || ' ' || coalesce(sum(hash_record_extended(record, 0)), 0) FROM record";
    postgresql_t *self = context;
    char *is = pq_text(self->b.sql, question), *must_be = pq_text(self->a.sql, question);
    if (strcmp(is, must_be) != 0 || strtoull(is, NULL, 10) != number)
        peer_fail(postgresql_name, "after %llu records A holds %s, B %s: --keep keeps the logs",
                  (unsigned long long)number, must_be, is);
    mem_free(is);
    mem_free(must_be);
}

static uint64_t last(PGconn *sql)
{
    uint64_t id = 0;
    PGresult *result = PQexecPrepared(sql, "last", 0, NULL, NULL, NULL, 1);
    if (PQntuples(result) > 0 && PQgetlength(result, 0, 0) == sizeof id)
        memcpy(&id, PQgetvalue(result, 0, 0), sizeof id);
    pq_expect(sql, result, PGRES_TUPLES_OK);
    return be64toh(id);
}

// Asked again and again, for about a second: a trigger that tells would be work of B as well.
static uint64_t wait_more(void *context, uint64_t since)
{
    postgresql_t *self = context;
    uint64_t number = since;
    for (unsigned tries = 0; number <= since && tries < LOOKS; tries++)
        number = last(self->b.sql);
    return number > since ? number : since;
}

const subject_t peer_postgresql = {
    .name = postgresql_name,
    .describe = describe,
    .open = postgresql_open,
    .close = postgresql_close,
    .prepare = prepare,
    .load = load,
    .put = put,
    .follow = follow,
    .settle = settle,
    .pause = pause_b,
    .until = until,
    .check = check,
    .wait = wait_more,
};
