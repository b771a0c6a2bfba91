#include "daemon/search/file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/search/alike.h"
#include "lib/mem.h"

// How much of a merge is done in one step of a purge: pages of the index.
#define PURGE_PAGES 1000

// A list that fills four pages of the index has a list of its pages, by which FTS5 passes over
// those before the record that a page of an answer begins with; within a page, and where there is
// no such list, it goes from record to record. Eight of them fit one page of the file.
#define PAGE_BYTES "490"

struct file {
    sql_t *sql;
    tokens_t came; // words of the batch, to be terms
    tokens_t left; // words that a record of the batch no longer has
    bool erased;
};

// ---- the schema ----

// `tokens` keeps no text: what stands in it is taken out again by naming it, and that is what
// doc.tokens is for. Neither positions nor sizes are asked for. `grams` has the trigrams of terms.
static const char schema[] =
    "CREATE TABLE known ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  applied INTEGER NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32)," // of the commit of that change
    "  boot BLOB NOT NULL CHECK (length(boot) = 16)," // the store's
    "  view_version INTEGER NOT NULL,"
    "  view_schema INTEGER NOT NULL,"
    "  purge INTEGER NOT NULL,"
    "  terms INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO known VALUES (1, 0, zeroblob(32), zeroblob(16), 0, 0, 0, 0);"
    "CREATE TABLE doc (record INTEGER PRIMARY KEY, tokens TEXT NOT NULL) STRICT;"
    "CREATE TABLE waiting (change INTEGER PRIMARY KEY, record INTEGER NOT NULL) STRICT;"
    "CREATE TABLE term (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE VIRTUAL TABLE tokens USING fts5 (t, content='', detail=none, columnsize=0,"
    "  tokenize=\"ascii tokenchars '=@.'\");"
    "CREATE VIRTUAL TABLE grams USING fts5 (t, content='', detail=none, columnsize=0,"
    "  tokenize='trigram case_sensitive 1');"
    "INSERT INTO tokens (tokens, rank) VALUES ('pgsz', " PAGE_BYTES ");";

// secure_delete: what is taken away is overwritten.
static const char set_up[] = "PRAGMA page_size = 4096;"
                             "PRAGMA journal_mode = WAL;"
                             "PRAGMA synchronous = NORMAL;"
                             "PRAGMA secure_delete = ON;"
                             "PRAGMA cell_size_check = ON;"
                             "PRAGMA temp_store = MEMORY;"
                             "PRAGMA cache_size = -2048;"
                             "PRAGMA busy_timeout = 500;"
                             "PRAGMA journal_size_limit = 4194304;";

static err_t make_schema(sql_t *sql, fault_t *fault)
{
    char numbers[96];
    snprintf(numbers, sizeof numbers, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             FILE_APPLICATION, FILE_VERSION);
    err_t err = sql_script(sql, "BEGIN IMMEDIATE", fault);
    if (!err)
        err = sql_script(sql, schema, fault);
    if (!err)
        err = sql_script(sql, numbers, fault);
    return err ? err : sql_script(sql, "COMMIT", fault);
}

static err_t check_schema(sql_t *sql, bool *empty, fault_t *fault)
{
    int64_t version = 0, application = 0, tables = 0;
    err_t err = sql_number(sql, "PRAGMA user_version", SQL_NO_VALUES, 0, &version, fault);
    if (!err)
        err = sql_number(sql, "PRAGMA application_id", SQL_NO_VALUES, 0, &application, fault);
    if (!err)
        err =
            sql_number(sql, "SELECT count(*) FROM sqlite_schema", SQL_NO_VALUES, 0, &tables, fault);
    *empty = tables == 0;
    if (err || *empty || (version == FILE_VERSION && application == FILE_APPLICATION))
        return err;
    return fault_set(fault, ERR_DAMAGED, "search", "of another version");
}

err_t file_open(const char *path, file_t **file, fault_t *fault)
{
    file_t *made = mem_alloc(sizeof *made);
    bool empty = false;
    *file = NULL;
    err_t err = sql_open(path, NULL, SQL_WRITE, &made->sql, fault);
    if (!err)
        err = check_schema(made->sql, &empty, fault);
    if (!err)
        err = sql_script(made->sql, set_up, fault);
    if (!err && empty)
        err = make_schema(made->sql, fault);
    if (err) {
        file_close(&made);
        return err;
    }
    *file = made;
    return ERR_OK;
}

void file_close(file_t **file)
{
    if (!file || !*file)
        return;
    if ((*file)->sql)
        file_rollback(*file);
    sql_close(&(*file)->sql);
    mem_free(*file);
    *file = NULL;
}

static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

void file_remove(const char *path)
{
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = mem_format("%s%s", path, suffixes[i]);
        unlink(name);
        mem_free(name);
    }
}

uint64_t file_bytes(const char *path)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < 2; i++) {
        struct stat facts;
        char *name = mem_format("%s%s", path, suffixes[i]);
        if (stat(name, &facts) == 0 && facts.st_size > 0)
            bytes += (uint64_t)facts.st_size;
        mem_free(name);
    }
    return bytes;
}

sql_t *file_sql(file_t *file)
{
    return file->sql;
}

void file_release_memory(file_t *file)
{
    sqlite3_db_release_memory(sql_handle(file->sql));
}

// ---- what it knows ----

err_t file_known(sql_t *sql, known_t *known, fault_t *fault)
{
    static const char find[] =
        "SELECT applied, hash, boot, view_version, view_schema, purge FROM known";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *known = (known_t){0};
    err_t err = sql_first(sql, find, SQL_NO_VALUES, &statement, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_DAMAGED, "search", "it does not say what it knows");
    known->stand.applied = sql_column_u64(statement, 0);
    sql_column_bytes(statement, 1, known->stand.hash.bytes, HASH_SIZE);
    sql_column_bytes(statement, 2, known->stand.boot.bytes, sizeof known->stand.boot.bytes);
    known->stand.view_version = sql_column_u32(statement, 3);
    known->stand.view_schema = sql_column_u32(statement, 4);
    known->purge = (purge_t)sqlite3_column_int(statement, 5);
    sql_done(statement);
    return ERR_OK;
}

err_t file_advance(file_t *file, const stand_t *stand, fault_t *fault)
{
    static const char update[] = "UPDATE known SET applied = ?1, hash = ?2, boot = ?3,"
                                 " view_version = ?4, view_schema = ?5";
    return sql_run(file->sql, update,
                   SQL_ROW(sql_u64(stand->applied), sql_blob(stand->hash.bytes, HASH_SIZE),
                           sql_blob(stand->boot.bytes, sizeof stand->boot.bytes),
                           sql_int(stand->view_version), sql_int(stand->view_schema)),
                   fault);
}

err_t file_store_of(file_t *file, const nonce_t *boot, fault_t *fault)
{
    return sql_run(file->sql, "UPDATE known SET boot = ?1",
                   SQL_ROW(sql_blob(boot->bytes, sizeof boot->bytes)), fault);
}

// ---- terms ----

static err_t has_token(sql_t *sql, const char *word, bool *has, fault_t *fault)
{
    int64_t found = 0;
    char *match = mem_format("\"%s\"", word); // a word has no quotation mark in it
    err_t err = sql_number(sql, "SELECT 1 FROM tokens WHERE tokens MATCH ?1 ORDER BY rowid LIMIT 1",
                           SQL_ROW(sql_text(match)), 0, &found, fault);
    mem_free(match);
    *has = found != 0;
    return err;
}

static err_t add_term(file_t *file, const char *word, int64_t *terms, fault_t *fault)
{
    static const char insert[] = "INSERT OR IGNORE INTO term (word) VALUES (?1)";
    static const char insert_grams[] = "INSERT INTO grams (rowid, t) VALUES (?1, ?2)";
    sqlite3 *handle = sql_handle(file->sql);
    err_t err = sql_run(file->sql, insert, SQL_ROW(sql_text(word)), fault);
    if (err || sqlite3_changes(handle) == 0)
        return err;
    int64_t id = sqlite3_last_insert_rowid(handle);
    buf_t padded = alike_padded(word);
    buf_append(&padded, span_of("", 1));
    err = sql_run(file->sql, insert_grams,
                  SQL_ROW(sql_int(id), sql_text((const char *)padded.data)), fault);
    buf_free(&padded);
    ++*terms;
    return err;
}

static err_t drop_term(file_t *file, const char *word, int64_t *terms, fault_t *fault)
{
    static const char take[] = "INSERT INTO grams (grams, rowid, t) VALUES ('delete', ?1, ?2)";
    int64_t id = 0;
    bool has = false;
    err_t err = sql_number(file->sql, "SELECT id FROM term WHERE word = ?1",
                           SQL_ROW(sql_text(word)), 0, &id, fault);
    if (!err && id)
        err = has_token(file->sql, word, &has, fault);
    if (err || !id || has)
        return err;
    buf_t padded = alike_padded(word);
    buf_append(&padded, span_of("", 1));
    err =
        sql_run(file->sql, take, SQL_ROW(sql_int(id), sql_text((const char *)padded.data)), fault);
    buf_free(&padded);
    --*terms;
    return err ? err
               : sql_run(file->sql, "DELETE FROM term WHERE id = ?1", SQL_ROW(sql_int(id)), fault);
}

static err_t settle_terms(file_t *file, fault_t *fault)
{
    int64_t before = 0;
    err_t err = sql_number(file->sql, "SELECT terms FROM known", SQL_NO_VALUES, 0, &before, fault);
    int64_t terms = before;
    tokens_sort(&file->came);
    tokens_sort(&file->left);
    for (size_t i = 0; i < file->left.count && !err; i++)
        err = drop_term(file, tokens_at(&file->left, i), &terms, fault);
    for (size_t i = 0; i < file->came.count && !err && terms < FILE_TERMS_MAX; i++)
        err = add_term(file, tokens_at(&file->came, i), &terms, fault);
    if (err || terms == before)
        return err;
    return sql_run(file->sql, "UPDATE known SET terms = ?1", SQL_ROW(sql_int(terms)), fault);
}

// ---- a batch ----

static err_t set_purge(file_t *file, purge_t purge, fault_t *fault)
{
    return sql_run(file->sql, "UPDATE known SET purge = ?1", SQL_ROW(sql_int(purge)), fault);
}

static void forget_batch(file_t *file)
{
    tokens_clear(&file->came);
    tokens_clear(&file->left);
    file->erased = false;
}

err_t file_begin(file_t *file, fault_t *fault)
{
    forget_batch(file);
    return sql_run(file->sql, "BEGIN IMMEDIATE", SQL_NO_VALUES, fault);
}

void file_rollback(file_t *file)
{
    if (!sqlite3_get_autocommit(sql_handle(file->sql)))
        sql_script(file->sql, "ROLLBACK", NULL);
    forget_batch(file);
}

err_t file_commit(file_t *file, fault_t *fault)
{
    err_t err = settle_terms(file, fault);
    if (!err && file->erased)
        err = set_purge(file, PURGE_ASKED, fault);
    if (!err)
        err = sql_run(file->sql, "COMMIT", SQL_NO_VALUES, fault);
    if (err)
        file_rollback(file);
    forget_batch(file);
    return err;
}

static void note_words(tokens_t *to, const tokens_t *from, const tokens_t *without)
{
    for (size_t i = 0; i < from->count; i++) {
        const char *token = tokens_at(from, i);
        if (token_is_word(token) && alike_worthy(token) && !tokens_has(without, token, false))
            tokens_add(to, span_text(token));
    }
}

static err_t take_out(file_t *file, int64_t record, span_t joined, fault_t *fault)
{
    static const char take[] = "INSERT INTO tokens (tokens, rowid, t) VALUES ('delete', ?1, ?2)";
    sql_value_t text = {.type = SQLITE_TEXT, .bytes = joined};
    err_t err = sql_run(file->sql, take, SQL_ROW(sql_int(record), text), fault);
    return err ? err
               : sql_run(file->sql, "DELETE FROM doc WHERE record = ?1", SQL_ROW(sql_int(record)),
                         fault);
}

static err_t put_in(file_t *file, int64_t record, span_t joined, fault_t *fault)
{
    sql_value_t text = {.type = SQLITE_TEXT, .bytes = joined};
    err_t err = sql_run(file->sql, "INSERT INTO doc (record, tokens) VALUES (?1, ?2)",
                        SQL_ROW(sql_int(record), text), fault);
    return err ? err
               : sql_run(file->sql, "INSERT INTO tokens (rowid, t) VALUES (?1, ?2)",
                         SQL_ROW(sql_int(record), text), fault);
}

static err_t known_tokens(file_t *file, int64_t record, buf_t *joined, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(file->sql, "SELECT tokens FROM doc WHERE record = ?1",
                          SQL_ROW(sql_int(record)), &statement, &row, fault);
    if (err || !row)
        return err;
    *joined = buf_copy(sql_column_span(statement, 0));
    sql_done(statement);
    return ERR_OK;
}

static err_t replace(file_t *file, int64_t record, span_t before, span_t after, fault_t *fault)
{
    err_t err = before.size ? take_out(file, record, before, fault) : ERR_OK;
    return err || !after.size ? err : put_in(file, record, after, fault);
}

err_t file_put(file_t *file, int64_t record, const tokens_t *tokens, bool erased, fault_t *fault)
{
    buf_t before = {0}, after = tokens_join(tokens);
    tokens_t had = {0};
    err_t err = known_tokens(file, record, &before, fault);
    if (!err && !span_equal(buf_span(&before), buf_span(&after))) {
        tokens_split(&had, buf_span(&before));
        note_words(&file->left, &had, tokens);
        note_words(&file->came, tokens, &had);
        file->erased = file->erased || (erased && before.size);
        err = replace(file, record, buf_span(&before), buf_span(&after), fault);
    }
    tokens_clear(&had);
    buf_free(&before);
    buf_free(&after);
    return err;
}

// ---- payloads that come later ----

err_t file_wait(file_t *file, int64_t change, int64_t record, fault_t *fault)
{
    return sql_run(file->sql, "INSERT OR REPLACE INTO waiting (change, record) VALUES (?1, ?2)",
                   SQL_ROW(sql_int(change), sql_int(record)), fault);
}

err_t file_came(file_t *file, int64_t change, fault_t *fault)
{
    return sql_run(file->sql, "DELETE FROM waiting WHERE change = ?1", SQL_ROW(sql_int(change)),
                   fault);
}

err_t file_waiting(sql_t *sql, int64_t after, size_t most, changed_t *changed, size_t *count,
                   fault_t *fault)
{
    static const char list[] =
        "SELECT change, record FROM waiting WHERE change > ?1 ORDER BY change LIMIT ?2";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *count = 0;
    err_t err =
        sql_first(sql, list, SQL_ROW(sql_int(after), sql_u64(most)), &statement, &row, fault);
    while (!err && row) {
        changed[(*count)++] = (changed_t){.change = sqlite3_column_int64(statement, 0),
                                          .record = sqlite3_column_int64(statement, 1)};
        err = sql_step(sql, statement, &row, fault);
    }
    return err;
}

// ---- after an erase ----

// FTS5 keeps what was deleted, as entries that say so beside those that they delete, until both
// are merged away. A negative number starts a merge of everything, positive ones go on with it
// (https://www.sqlite.org/fts5.html, section 6.8); fewer than two rows changed: it is over.
static err_t merge(file_t *file, int pages, bool *over, fault_t *fault)
{
    static const char *const merges[] = {
        "INSERT INTO tokens (tokens, rank) VALUES ('merge', ?1)",
        "INSERT INTO grams (grams, rank) VALUES ('merge', ?1)",
    };
    sqlite3 *handle = sql_handle(file->sql);
    err_t err = ERR_OK;
    *over = true;
    for (size_t i = 0; i < 2 && !err; i++) {
        int64_t before = sqlite3_total_changes64(handle);
        err = sql_run(file->sql, merges[i], SQL_ROW(sql_int(pages)), fault);
        *over = *over && sqlite3_total_changes64(handle) - before < 2;
    }
    return err;
}

// The WAL has the words, too, until it is cut; a reader may keep it from that for a moment.
static err_t cut_wal(file_t *file, bool *cut, fault_t *fault)
{
    int64_t busy = 1;
    err_t err =
        sql_number(file->sql, "PRAGMA wal_checkpoint(TRUNCATE)", SQL_NO_VALUES, 1, &busy, fault);
    *cut = !err && busy == 0;
    return err == ERR_BUSY ? ERR_OK : err;
}

err_t file_purge(file_t *file, bool *done, fault_t *fault)
{
    known_t known;
    bool over = false;
    err_t err = file_known(file->sql, &known, fault);
    *done = !err && known.purge == PURGE_NONE;
    if (err || *done)
        return err;
    if (known.purge == PURGE_ASKED) {
        err = merge(file, -PURGE_PAGES, &over, fault);
        return err ? err : set_purge(file, PURGE_BEGUN, fault);
    }
    err = merge(file, PURGE_PAGES, &over, fault);
    if (!err && over)
        err = cut_wal(file, done, fault);
    return err || !*done ? err : set_purge(file, PURGE_NONE, fault);
}
