// SQLite alone, as the limit: what any store on it takes to write a log row and a record row
// that points at it, as durable as ours. Nothing is hashed, signed, checked or sent: B is a
// thread that is told how far A has committed and writes the same into a file of its own.
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "bench/machine.h"
#include "bench/peers/peers.h"
#include "bench/peers/server.h"
#include "lib/mem.h"

enum { ROWS = 4096, WAIT_MS = 1000 }; // of a transaction
static const char name[] = "sqlite";

static const char schema[] =
    "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;" // 64 MiB, as ours
    "CREATE TABLE change (id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, number INTEGER NOT NULL,"
    "  body BLOB NOT NULL) STRICT;"
    "CREATE TABLE record (id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, stands INTEGER NOT "
    "NULL, kind INTEGER NOT NULL, key TEXT NOT NULL) STRICT;";

typedef struct {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *change, *record;
} file_t;

typedef struct {
    char *path_a, *path_b;
    file_t a, b;
    records_t records;
    pthread_t thread;
    pthread_mutex_t lock; // of all below
    pthread_cond_t moved;
    uint64_t at_a, at_b; // committed there
    bool following, stop;
} pair_t;

static json_t *describe(void)
{
    return json_pack("{s:s, s:[s,s,s], s:i}", "version", sqlite3_libversion(), "settings",
                     "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=16384",
                     "rows_per_transaction", (int)ROWS);
}

// ---- a file ----

static void expect(const file_t *file, int got, int expected)
{
    if (got != expected)
        peer_fail(name, "a statement failed: %s: is there room on the disk?",
                  sqlite3_errmsg(file->db));
}

static sqlite3_stmt *statement(const file_t *file, const char *text)
{
    sqlite3_stmt *made = NULL;
    expect(file, sqlite3_prepare_v3(file->db, text, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL),
           SQLITE_OK);
    return made;
}

static void file_open(file_t *file, const char *path)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    expect(file, sqlite3_open_v2(path, &file->db, flags, NULL), SQLITE_OK);
    expect(file, sqlite3_exec(file->db, schema, NULL, NULL, NULL), SQLITE_OK);
    file->begin = statement(file, "BEGIN IMMEDIATE");
    file->commit = statement(file, "COMMIT");
    file->change = statement(file, "INSERT INTO change VALUES (?1, 1, ?1, ?2)");
    file->record = statement(file, "INSERT INTO record VALUES (?1, 1, ?1, ?2, ?3)");
}

static void file_close(file_t *file)
{
    sqlite3_finalize(file->begin);
    sqlite3_finalize(file->commit);
    sqlite3_finalize(file->change);
    sqlite3_finalize(file->record);
    sqlite3_close(file->db);
    *file = (file_t){0};
}

static void step(const file_t *file, sqlite3_stmt *statement)
{
    expect(file, sqlite3_step(statement), SQLITE_DONE);
    sqlite3_reset(statement);
}

static void insert(const file_t *file, uint64_t number, const uint8_t *body)
{
    char key[PEER_KEY + 1];
    peer_key(number, key);
    sqlite3_bind_int64(file->change, 1, (sqlite3_int64)number);
    sqlite3_bind_blob(file->change, 2, body, LOAD_PAYLOAD, SQLITE_STATIC);
    step(file, file->change);
    sqlite3_bind_int64(file->record, 1, (sqlite3_int64)number);
    sqlite3_bind_int(file->record, 2, PEER_KIND);
    sqlite3_bind_text(file->record, 3, key, PEER_KEY, SQLITE_STATIC);
    step(file, file->record);
}

static void write_rows(const file_t *file, const records_t *records, uint64_t first, uint64_t count)
{
    step(file, file->begin);
    for (uint64_t i = 0; i < count; i++)
        insert(file, first + i, records_body(records, first + i));
    step(file, file->commit);
}

// ---- B ----

static uint64_t fewer(uint64_t count)
{
    return count < ROWS ? count : ROWS;
}

// How many there are to write, 0: it is to stop.
static uint64_t wait_work(pair_t *pair)
{
    pthread_mutex_lock(&pair->lock);
    while (!pair->stop && pair->at_a == pair->at_b)
        pthread_cond_wait(&pair->moved, &pair->lock);
    uint64_t count = pair->stop ? 0 : fewer(pair->at_a - pair->at_b);
    pthread_mutex_unlock(&pair->lock);
    return count;
}

static void say(pair_t *pair, uint64_t *where, uint64_t number)
{
    pthread_mutex_lock(&pair->lock);
    *where = number;
    pthread_cond_broadcast(&pair->moved);
    pthread_mutex_unlock(&pair->lock);
}

// Only this thread writes at_b, so it may read it without the lock.
static void *run_b(void *context)
{
    pair_t *pair = context;
    for (uint64_t count; (count = wait_work(pair)) > 0;) {
        write_rows(&pair->b, &pair->records, pair->at_b + 1, count);
        say(pair, &pair->at_b, pair->at_b + count);
    }
    return NULL;
}

static void follow(void *self)
{
    pair_t *pair = self;
    if (!pair->b.db)
        file_open(&pair->b, pair->path_b);
    pair->stop = false;
    pair->following = true;
    if (pthread_create(&pair->thread, NULL, run_b, pair))
        peer_fail(name, "no thread can be started: end some processes");
}

static void pause_b(void *self)
{
    pair_t *pair = self;
    pthread_mutex_lock(&pair->lock);
    pair->stop = true;
    pthread_cond_broadcast(&pair->moved);
    pthread_mutex_unlock(&pair->lock);
    pthread_join(pair->thread, NULL);
    pair->following = false;
}

// At most `ms` until B has more than `since`.
static uint64_t wait_b(pair_t *pair, uint64_t since, unsigned ms)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += ms / 1000;
    int timed_out = 0;
    pthread_mutex_lock(&pair->lock);
    while (pair->at_b <= since && !timed_out)
        timed_out = pthread_cond_timedwait(&pair->moved, &pair->lock, &end);
    uint64_t number = pair->at_b;
    pthread_mutex_unlock(&pair->lock);
    return number;
}

static void until(void *self, uint64_t number)
{
    if (wait_b(self, number - 1, PEER_LIMIT_MS) < number)
        peer_fail(name, "B did not come to %llu: is the disk that slow?",
                  (unsigned long long)number);
}

static uint64_t wait_more(void *self, uint64_t since)
{
    return wait_b(self, since, WAIT_MS);
}

// ---- A ----

static void *sqlite_open(const char *dir)
{
    // Taken before the first database is open, as the daemon does; later it is refused and stands.
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    pair_t *pair = mem_alloc(sizeof *pair);
    server_own(dir);
    pair->path_a = mem_format("%s/a.db", dir);
    pair->path_b = mem_format("%s/b.db", dir);
    pthread_mutex_init(&pair->lock, NULL);
    pthread_cond_init(&pair->moved, NULL);
    file_open(&pair->a, pair->path_a);
    return pair;
}

static void sqlite_close(void *self)
{
    pair_t *pair = self;
    if (pair->following)
        pause_b(pair);
    file_close(&pair->a);
    file_close(&pair->b);
    remove(pair->path_a);
    remove(pair->path_b);
    records_clear(&pair->records);
    pthread_cond_destroy(&pair->moved);
    pthread_mutex_destroy(&pair->lock);
    mem_free(pair->path_a);
    mem_free(pair->path_b);
    mem_free(pair);
}

static void prepare(void *self, uint64_t first, uint64_t count)
{
    records_prepare(&((pair_t *)self)->records, PEER_OWNER, first, count);
}

static void load(void *self, uint64_t first, uint64_t count)
{
    pair_t *pair = self;
    for (uint64_t done = 0; done < count; done += ROWS) {
        uint64_t rows = fewer(count - done);
        write_rows(&pair->a, &pair->records, first + done, rows);
        say(pair, &pair->at_a, first + done + rows - 1);
    }
}

static void put(void *self, uint64_t number)
{
    load(self, number, 1);
}

static void settle(void *self)
{
    (void)self; // a thread: there is nothing to connect
}

static int64_t sum(const file_t *file)
{
    sqlite3_stmt *question =
        statement(file, "SELECT count(*) FROM change JOIN record ON change.id = record.stands");
    expect(file, sqlite3_step(question), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(question, 0);
    sqlite3_finalize(question);
    return count;
}

static void check(void *self, uint64_t number)
{
    const pair_t *pair = self;
    int64_t is = sum(&pair->b), must_be = sum(&pair->a);
    if (is != must_be || (uint64_t)is != number)
        peer_fail(name, "after %llu records A holds %lld, B %lld", (unsigned long long)number,
                  (long long)must_be, (long long)is);
}

const subject_t peer_sqlite = {
    .name = name,
    .describe = describe,
    .open = sqlite_open,
    .close = sqlite_close,
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
