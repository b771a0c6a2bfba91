// What is fed to search stands as the view does: after revisions, retractions, late payloads,
// kills, restores, damage and erasure.
#include "tests/unit/search_stage.h"
#include "tests/unit/thin.h"

#include "daemon/search/alike.h"
#include "daemon/search/document.h"

// splitmix64 (Steele, Lea, Flood 2014).
typedef struct {
    uint64_t state;
} dice_t;

static size_t below(dice_t *dice, size_t count)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ (z >> 31)) % count);
}

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- the file is as good as made anew ----

static void it_goes_on_where_it_stood(void **state)
{
    stage_t stage = open_stage(state);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    feed(&stage);
    restart(&stage, &first_run, &second_run);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k2','name':{'es':'uno dos'}}");
    expect_found(&stage, "uno", "1 | 2");
    feed(&stage);
    assert_int_equal(stage.feeder.made_anew, 0);
    expect_found(&stage, "uno", "2 1");
    // A run in which nothing was fed lies between: whether it was the same store nobody knows.
    restart(&stage, &third_run, &first_run);
    expect_found(&stage, "uno", " | 1 2"); // not believed
    feed(&stage);
    assert_int_equal(stage.feeder.made_anew, 1);
    expect_found(&stage, "uno", "2 1");
    close_stage(&stage);
}

// Put back to where it was, in the same run, the store goes on with other changes.
static void a_store_put_back_is_found_out(void **state)
{
    stage_t stage = open_stage(state);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    store_close(&stage.store);
    scratch_copy(stage.dir, "enlace.db", "copy.db");
    open_store(&stage, &first_run);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k2','name':{'es':'uno dos'}}");
    feed(&stage);
    feeder_clear(&stage.feeder);
    store_close(&stage.store);
    scratch_copy(stage.dir, "copy.db", "enlace.db");
    open_store(&stage, &second_run);
    feeder_init(&stage.feeder, stage.path, stage.search_path, &first_run);
    expect_found(&stage, "uno", " | 1");
    assert_ok(feeder_open(&stage.feeder, NULL)); // before anything is appended
    assert_int_equal(stage.feeder.made_anew, 1);
    put(&stage, &stage.b, 0, "{'kind':'body','key':'k3','name':{'es':'uno tres'}}");
    feed(&stage);
    expect_found(&stage, "uno", "2 1");
    expect_found(&stage, "dos", "");
    expect_found(&stage, "tres", "2");
    close_stage(&stage);
}

// The same numbers, and other changes under them.
static void another_log_of_the_same_length_is_found_out(void **state)
{
    stage_t stage = open_stage(state);
    store_close(&stage.store);
    scratch_copy(stage.dir, "enlace.db", "copy.db");
    open_store(&stage, &first_run);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    feed(&stage);
    feeder_clear(&stage.feeder);
    store_close(&stage.store);
    scratch_copy(stage.dir, "copy.db", "enlace.db");
    open_store(&stage, &first_run);
    put(&stage, &stage.b, 0, "{'kind':'body','key':'k1','name':{'es':'dos'}}");
    feeder_init(&stage.feeder, stage.path, stage.search_path, &first_run);
    feed(&stage);
    assert_int_equal(stage.feeder.made_anew, 1);
    expect_found(&stage, "uno", "");
    expect_found(&stage, "dos", "1");
    close_stage(&stage);
}

static void whatever_lies_there_is_made_anew(void **state)
{
    stage_t stage = open_stage(state);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    for (int i = 0; i < 5; i++) {
        sql_t *sql = NULL;
        feed(&stage);
        feeder_clear(&stage.feeder);
        if (i == 0)
            file_remove(stage.search_path);
        if (i == 1)
            scratch_write(stage.dir, "search.db", "no database at all, but longer than a header",
                          0600);
        if (i == 2) {
            store_close(&stage.store); // so that it all stands in the one file
            scratch_copy(stage.dir, "enlace.db", "search.db");
            open_store(&stage, &first_run);
        }
        if (i >= 3) {
            char version[40]; // a later one, and the one before
            snprintf(version, sizeof version, "PRAGMA user_version = %d",
                     i == 3 ? 99 : FILE_VERSION - 1);
            assert_ok(sql_open(stage.search_path, NULL, SQL_WRITE, &sql, NULL));
            assert_ok(sql_script(sql, version, NULL));
            sql_close(&sql);
        }
        if (i)
            expect_found(&stage, "uno", " | 1"); // a reader does without it
        feeder_init(&stage.feeder, stage.path, stage.search_path, &first_run);
        feed(&stage);
        if (stage.feeder.made_anew != (i > 0))
            fail_msg("%d: made anew %d times", i, (int)stage.feeder.made_anew);
        expect_found(&stage, "uno", "1");
    }
    close_stage(&stage);
}

// Pages that do not read, behind a head that does.
static void damage_within_is_made_anew(void **state)
{
    stage_t stage = open_stage(state);
    fault_t fault = {0};
    bool more = true;
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    feed(&stage);
    feeder_clear(&stage.feeder);
    buf_t bytes = scratch_read(stage.dir, "search.db");
    for (size_t i = 3 * 4096; i < bytes.size; i++)
        bytes.data[i] = 0xa5;
    scratch_write_bytes(stage.dir, "search.db", buf_span(&bytes), 0600);
    buf_free(&bytes);
    put(&stage, &stage.a, 1, "{'kind':'body','key':'k1','name':{'es':'dos'}}");
    feeder_init(&stage.feeder, stage.path, stage.search_path, &first_run);
    err_t err = feeder_open(&stage.feeder, &fault);
    if (!err)
        err = feeder_batch(&stage.feeder, &more, &fault);
    if (err)
        feeder_anew(&stage.feeder);
    feed(&stage);
    assert_true(stage.feeder.made_anew > 0);
    expect_found(&stage, "uno", "");
    expect_found(&stage, "dos", "1");
    close_stage(&stage);
}

// ---- payloads ----

static void a_payload_that_comes_late_is_found(void **state)
{
    stage_t stage = open_stage(state);
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    write_record(&stage.b, 0, "{'kind':'body','key':'k2','name':{'es':'dos'}}");
    commit_t *commit = seal_commit(&stage.b);
    uint8_t salt[SALT_SIZE];
    memcpy(salt, commit->changes[0].salt, SALT_SIZE);
    buf_t body = buf_copy(commit->changes[0].body);
    lose_payload(commit, 0, PAYLOAD_MISSING);
    assert_ok(store_append(stage.store, commit, 5000, NULL));
    assert_ok(store_commit(stage.store, NULL));
    feed(&stage);
    expect_found(&stage, "dos", "");
    assert_ok(store_fill_payload(stage.store, &stage.b.feed, 1, salt, buf_span(&body), NULL));
    assert_ok(store_commit(stage.store, NULL));
    expect_found(&stage, "dos", " | 2"); // told as tail, although no change is behind
    feed(&stage);
    expect_found(&stage, "dos", "2");
    buf_free(&body);
    commit_destroy(&commit);
    close_stage(&stage);
}

// However many wait, a batch, which holds a snapshot of the store, looks at a few.
static void payloads_without_number_make_no_long_batch(void **state)
{
    enum { EACH = 10, COMMITS = 2 * FEEDER_CHANGES / EACH + 1 };
    stage_t stage = open_stage(state);
    uint8_t salt[SALT_SIZE];
    buf_t body = {0};
    bool more = true;
    for (size_t i = 0; i < COMMITS; i++) {
        for (size_t k = 0; k < EACH; k++)
            write_record(&stage.b, 0, "{'kind':'body','name':{'es':'dos'}}");
        commit_t *commit = seal_commit(&stage.b);
        const change_t *last = &commit->changes[EACH - 1];
        memcpy(salt, last->salt, SALT_SIZE);
        buf_free(&body);
        body = buf_copy(last->body);
        for (size_t k = 0; k < EACH; k++)
            lose_payload(commit, k, PAYLOAD_MISSING);
        assert_ok(store_append(stage.store, commit, 5000, NULL));
        commit_destroy(&commit);
    }
    assert_ok(store_commit(stage.store, NULL));
    feed(&stage);
    assert_ok(feeder_batch(&stage.feeder, &more, NULL));
    assert_true(more); // nothing came, and it does not know yet
    feed(&stage);
    uint64_t number = (uint64_t)COMMITS * EACH;
    assert_ok(store_fill_payload(stage.store, &stage.b.feed, number, salt, buf_span(&body), NULL));
    assert_ok(store_commit(stage.store, NULL));
    feed(&stage);
    char *want = mem_format("%u", (unsigned)number);
    expect_found(&stage, "dos", want);
    mem_free(want);
    buf_free(&body);
    close_stage(&stage);
}

// A commit is read once for the records of it, but not from one batch to the next.
static void a_payload_beside_others_that_comes_late_is_found(void **state)
{
    stage_t stage = open_stage(state);
    write_record(&stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'uno'}}");
    write_record(&stage.a, 0, "{'kind':'body','key':'k2','name':{'es':'uno dos'}}");
    commit_t *commit = seal_commit(&stage.a);
    uint8_t salt[SALT_SIZE];
    memcpy(salt, commit->changes[1].salt, SALT_SIZE);
    buf_t body = buf_copy(commit->changes[1].body);
    lose_payload(commit, 1, PAYLOAD_MISSING);
    assert_ok(store_append(stage.store, commit, 5000, NULL));
    assert_ok(store_commit(stage.store, NULL));
    feed(&stage);
    expect_found(&stage, "uno", "1");
    assert_ok(store_fill_payload(stage.store, &stage.a.feed, 2, salt, buf_span(&body), NULL));
    assert_ok(store_commit(stage.store, NULL));
    feed(&stage);
    expect_found(&stage, "uno", "2 1");
    buf_free(&body);
    commit_destroy(&commit);
    close_stage(&stage);
}

// Takes the payload of a commit's only change away, as an erasure would.
static void erase(stage_t *stage, int64_t change)
{
    change_t gone = {.state = PAYLOAD_ERASED};
    buf_t payloads = {0};
    commit_put_payload(&payloads, &gone);
    assert_ok(sql_run(stage->store->sql, "UPDATE commit_log SET payloads = ?2 WHERE id = ?1",
                      SQL_ROW(sql_int(change), sql_blob(payloads.data, payloads.size)), NULL));
    assert_ok(store_rebuild(stage->store, NULL));
    assert_ok(store_commit(stage->store, NULL));
    buf_free(&payloads);
}

static bool bytes_have(stage_t *stage, const char *name, const char *word)
{
    buf_t bytes = scratch_read(stage->dir, name);
    bool have = bytes.size && memmem(bytes.data, bytes.size, word, strlen(word));
    buf_free(&bytes);
    return have;
}

static bool file_has(stage_t *stage, const char *word)
{
    return bytes_have(stage, "search.db", word) || bytes_have(stage, "search.db-wal", word);
}

static void what_is_erased_is_gone_from_the_file(void **state)
{
    stage_t stage = open_stage(state);
    for (int i = 0; i < 40; i++) { // several segments, and pages that share words' beginnings
        char json[200];
        snprintf(json, sizeof json, "{'kind':'body','key':'f%d','name':{'es':'palabra%c otras%d'}}",
                 i, 'a' + i % 26, i);
        put(&stage, &stage.b, 0, json);
        feed(&stage);
    }
    put(&stage, &stage.a, 0, "{'kind':'body','key':'k1','name':{'es':'murcielago palabra'}}");
    feed(&stage);
    put(&stage, &stage.a, 1, "{'kind':'body','key':'k1','name':{'es':'ornitorrinco palabra'}}");
    feed(&stage);
    assert_true(file_has(&stage, "ornitorrinco"));
    erase(&stage, 41);
    erase(&stage, 42);
    write_retraction(&stage.a, 1, 1);
    append(&stage, &stage.a);
    feed(&stage);
    expect_found(&stage, "ornitorrinco", "");
    expect_found(&stage, "palabra*",
                 "40 39 38 37 36 35 34 33 32 31 30 29 28 27 26 25 24 23 22 21 20"
                 " 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1");
    static const char *const gone[] = {"ornitorrinco", "murcielago", "itorr",
                                       "orrin",        "murci",      "lago"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (file_has(&stage, gone[i]))
            fail_msg("%s is still in the file", gone[i]);
    assert_true(file_has(&stage, "otras17")); // or the look would see nothing anyway
    close_stage(&stage);
}

// ---- at random: the file holds what the view does, token for token ----

static const char *const vocabulary[] = {"uno",   "dos",  "tres", "coalición", "región",
                                         "niñez", "plan", "meta", "Ágora",     "x1"};

static void draw_record(dice_t *dice, char *json, size_t size, uint64_t key)
{
    const char *words[3];
    for (size_t i = 0; i < 3; i++)
        words[i] = vocabulary[below(dice, sizeof vocabulary / sizeof *vocabulary)];
    snprintf(json, size, "{'kind':'body','key':'k%llu','name':{'es':'%s %s','en':'%s'}}",
             (unsigned long long)key, words[0], words[1], words[2]);
}

typedef struct {
    tokenizer_t *tokenizer;
    sql_t *sql;
    size_t rows;
} compared_t;

static bool compare_row(void *context, const row_t *row)
{
    compared_t *compared = context;
    tokens_t tokens = {0};
    sqlite3_stmt *statement = NULL;
    bool there = false;
    document_tokens(compared->tokenizer, row, &tokens);
    buf_t joined = tokens_join(&tokens);
    assert_ok(sql_first(compared->sql, "SELECT tokens FROM doc WHERE record = ?1",
                        SQL_ROW(sql_int(row->place.record)), &statement, &there, NULL));
    assert_int_equal(there, joined.size > 0);
    if (there) {
        assert_true(span_equal(sql_column_span(statement, 0), buf_span(&joined)));
        sql_done(statement);
    }
    compared->rows += joined.size > 0;
    buf_free(&joined);
    tokens_clear(&tokens);
    return true;
}

// Every token of every record finds it, and what is not in doc is found by nothing.
static void compare_index(sql_t *sql)
{
    int64_t wrong = 0;
    assert_ok(sql_script(sql,
                         "CREATE VIRTUAL TABLE temp.seen USING fts5vocab(main, tokens, instance);"
                         "CREATE VIRTUAL TABLE temp.fresh USING fts5 (t, detail=none,"
                         "  tokenize=\"ascii tokenchars '=@.'\");"
                         "INSERT INTO temp.fresh (rowid, t) SELECT record, tokens FROM main.doc;"
                         "CREATE VIRTUAL TABLE temp.want USING fts5vocab(temp, fresh, instance);",
                         NULL));
    assert_ok(
        sql_number(sql,
                   "SELECT (SELECT count(*) FROM (SELECT term, doc FROM temp.seen EXCEPT"
                   " SELECT term, doc FROM temp.want)) + (SELECT count(*) FROM (SELECT term, doc"
                   " FROM temp.want EXCEPT SELECT term, doc FROM temp.seen))",
                   SQL_NO_VALUES, 0, &wrong, NULL));
    assert_int_equal(wrong, 0);
    assert_ok(sql_number(sql,
                         "SELECT count(*) FROM term WHERE word NOT IN (SELECT term FROM temp.want)",
                         SQL_NO_VALUES, 0, &wrong, NULL));
    assert_int_equal(wrong, 0);
}

static void compare_all(stage_t *stage)
{
    compared_t compared = {0};
    reader_t *reader = NULL;
    buf_t cursor = {0};
    int64_t docs = -1;
    assert_ok(tokenizer_new(&compared.tokenizer, NULL));
    assert_ok(sql_open(stage->search_path, NULL, SQL_WRITE, &compared.sql, NULL));
    sqlite3_db_config(sql_handle(compared.sql), SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    assert_ok(reader_open(stage->path, &reader, NULL));
    for (bool end = false; !end;)
        assert_ok(reader_list(reader, "body", NULL, true, 100, &cursor, &end, compare_row,
                              &compared, NULL));
    assert_ok(sql_number(compared.sql, "SELECT count(*) FROM doc", SQL_NO_VALUES, -1, &docs, NULL));
    assert_int_equal(docs, compared.rows);
    compare_index(compared.sql);
    buf_free(&cursor);
    reader_close(&reader);
    sql_close(&compared.sql);
    tokenizer_destroy(&compared.tokenizer);
}

static void change_at_random(stage_t *stage, dice_t *dice)
{
    writer_t *writer = below(dice, 2) ? &stage->a : &stage->b;
    for (size_t i = 1 + below(dice, 4); i > 0; i--) {
        char json[300];
        uint64_t next = writer->next + writer->count,
                 target = next > 1 ? 1 + below(dice, (size_t)next - 1) : 0;
        // Half of them create; what is aimed at may be a revision, or retracted: then it counts
        // for nothing.
        bool creates = !target || below(dice, 2);
        draw_record(dice, json, sizeof json, creates ? next : target);
        if (!creates && below(dice, 8) == 0)
            write_retraction(writer, 1, target);
        else
            write_record(writer, creates ? 0 : target, json);
    }
    append(stage, writer);
}

static void whatever_happens_it_is_as_the_view(void **state)
{
    stage_t stage = open_stage(state);
    dice_t dice = {42};
    for (size_t i = 0; i < 120; i += thin(4)) {
        change_at_random(&stage, &dice);
        if (below(&dice, 3) == 0)
            feed(&stage);
        if (below(&dice, 25) == 0) { // as after a kill: what was committed stands
            feeder_clear(&stage.feeder);
            feeder_init(&stage.feeder, stage.path, stage.search_path, &first_run);
        }
        if (below(&dice, 20) == 0) {
            feed(&stage);
            compare_all(&stage);
        }
    }
    feed(&stage);
    compare_all(&stage);
    assert_int_equal(stage.feeder.made_anew, 0);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(it_goes_on_where_it_stood),
        SCRATCH_TEST(a_store_put_back_is_found_out),
        SCRATCH_TEST(another_log_of_the_same_length_is_found_out),
        SCRATCH_TEST(whatever_lies_there_is_made_anew),
        SCRATCH_TEST(damage_within_is_made_anew),
        SCRATCH_TEST(a_payload_that_comes_late_is_found),
        SCRATCH_TEST(payloads_without_number_make_no_long_batch),
        SCRATCH_TEST(a_payload_beside_others_that_comes_late_is_found),
        SCRATCH_TEST(what_is_erased_is_gone_from_the_file),
        SCRATCH_TEST(whatever_happens_it_is_as_the_view),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
