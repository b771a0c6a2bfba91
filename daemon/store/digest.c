// What two nodes compare: heads and view digest, from one snapshot.
#include <string.h>

#include "daemon/store/reader_internal.h"
#include "lib/mem.h"

typedef struct {
    size_t heads, codes;
} capacity_t;

static void take_head(sqlite3_stmt *statement, digest_t *digest, capacity_t *capacity)
{
    mem_grow(&digest->heads, &capacity->heads, digest->count, sizeof *digest->heads);
    mem_grow(&digest->codes, &capacity->codes, digest->count, sizeof *digest->codes);
    head_t *head = &digest->heads[digest->count];
    code_t *code = &digest->codes[digest->count++];
    const char *text = sql_column_text(statement, 1);
    *head = (head_t){
        .feed = {.epoch = sql_column_u32(statement, 2), .lane = sql_column_u32(statement, 3)},
        .number = sql_column_u64(statement, 4)};
    sql_column_bytes(statement, 0, head->feed.origin.bytes, ORIGIN_SIZE);
    sql_column_bytes(statement, 5, head->hash.bytes, HASH_SIZE);
    *code = (code_t){{0}};
    strncpy(code->text, text ? text : "", CODE_MAX);
}

static err_t read_heads(sql_t *sql, digest_t *digest, fault_t *fault)
{
    static const char list[] =
        "SELECT o.origin_id, o.code, f.epoch, f.lane, f.number, f.hash FROM feed f"
        " JOIN origin o ON o.ix = f.origin WHERE f.lane < 2 AND f.number > 0"
        " ORDER BY o.code, f.epoch, f.lane";
    sqlite3_stmt *statement = NULL;
    capacity_t capacity = {0};
    bool row = false;
    err_t err = sql_first(sql, list, SQL_NO_VALUES, &statement, &row, fault);
    while (!err && row) {
        take_head(statement, digest, &capacity);
        err = sql_step(sql, statement, &row, fault);
    }
    return err;
}

err_t reader_digest(reader_t *reader, digest_t *digest, fault_t *fault)
{
    *digest = (digest_t){0};
    err_t err = sql_begin_read(reader->sql, fault);
    if (!err)
        err = read_heads(reader->sql, digest, fault);
    if (!err)
        err = read_digest(reader->sql, &digest->digest, fault);
    sql_end_read(reader->sql);
    if (err)
        digest_clear(digest);
    return err;
}

void digest_clear(digest_t *digest)
{
    mem_free(digest->heads);
    mem_free(digest->codes);
    *digest = (digest_t){0};
}
