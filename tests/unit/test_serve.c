// Runs and payloads as they are served to others.
#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "tests/unit/make_commits.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static store_t *open_store(void)
{
    store_t *store = NULL;
    assert_ok(store_open(":memory:", NULL, &store, NULL));
    found_coalition(store);
    return store;
}

// A record whose body has about this many bytes.
static void write_big(writer_t *writer, size_t size)
{
    buf_t json = {0};
    buf_append(&json, span_text("{'kind':'organisation','public_contact':'"));
    memset(buf_extend(&json, size), 'x', size);
    buf_append(&json, span_of("'}", 3));
    write_record(writer, 0, (const char *)json.data);
    buf_free(&json);
}

// `count` commits of one record each; bit i of `signatures`: commit i keeps its signature.
static void fill_feed(store_t *store, writer_t *writer, size_t count, uint64_t signatures,
                      size_t size, hash_t *hashes)
{
    for (size_t i = 0; i < count; i++) {
        write_big(writer, size);
        commit_t *commit = seal_commit(writer);
        commit->has_signature = signatures >> i & 1;
        if (hashes)
            hashes[i] = commit->hash;
        assert_ok(store_append(store, commit, 1, NULL));
        commit_destroy(&commit);
    }
    assert_ok(store_commit(store, NULL));
}

static served_run_t serve(store_t *store, const feed_t *feed, uint64_t after, const hash_t *hash,
                          size_t max_bytes)
{
    served_run_t served;
    assert_ok(store_read_run(store, feed, after, hash, max_bytes, false, &served, NULL));
    return served;
}

// Decodes it, checks chain and signature, and that it says what `served` says. Frees.
static void expect_run(served_run_t *served, uint64_t first, uint64_t last, bool end)
{
    run_t run;
    pubkey_t key;
    hash_t coalition = make_coalition();
    assert_false(served->diverged);
    assert_ok(run_decode(buf_span(&served->run), &run, NULL));
    assert_int_equal(run.commits[0]->first, first);
    assert_int_equal(run.commits[run.count - 1]->last, last);
    for (size_t i = 1; i < run.count; i++)
        assert_true(hash_equal(&run.commits[i]->previous, &run.commits[i - 1]->hash));
    secret_t *signing = sample_secret(101, &key);
    secret_destroy(&signing);
    assert_true(commit_signature_holds(run.commits[run.count - 1], &key, &coalition));
    assert_int_equal(served->last.number, last);
    assert_true(hash_equal(&served->last.hash, &run.commits[run.count - 1]->hash));
    assert_int_equal(served->end, end);
    run_clear(&run);
    buf_free(&served->run);
}

static void a_run_ends_at_a_signature(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous, hashes[8];
    fill_feed(store, &writer, 8, 0x94, 10, hashes); // 3, 5 and 8 are signed
    served_run_t served = serve(store, &writer.feed, 0, &begin, SIZE_MAX);
    expect_run(&served, 1, 8, true);
    served = serve(store, &writer.feed, 0, &begin, 1); // whatever its size
    expect_run(&served, 1, 3, false);
    served = serve(store, &writer.feed, 3, &hashes[2], 1);
    expect_run(&served, 4, 5, false);
    served = serve(store, &writer.feed, 1, &hashes[0], 1);
    expect_run(&served, 2, 3, false);
    served = serve(store, &writer.feed, 5, &hashes[4], 1);
    expect_run(&served, 6, 8, true);
    served = serve(store, &writer.feed, 8, &hashes[7], SIZE_MAX);
    assert_int_equal(served.run.size, 0);
    assert_true(served.end);
    assert_int_equal(served.last.number, 8);
    writer_clear(&writer);
    store_close(&store);
}

// The size of a run of commits after..last, as encoded.
static size_t size_of_run(store_t *store, const feed_t *feed, uint64_t after, const hash_t *hash,
                          uint64_t last)
{
    served_run_t served = serve(store, feed, after, hash, SIZE_MAX);
    run_t run;
    assert_ok(run_decode(buf_span(&served.run), &run, NULL));
    buf_t part = run_encode(feed, run.commits, (size_t)(last - after));
    size_t size = part.size;
    buf_free(&part);
    run_clear(&run);
    buf_free(&served.run);
    return size;
}

static void a_run_keeps_to_the_limit(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    fill_feed(store, &writer, 20, ~0ull, 500, NULL);
    size_t five = size_of_run(store, &writer.feed, 0, &begin, 5);
    served_run_t served = serve(store, &writer.feed, 0, &begin, five);
    assert_int_equal(served.run.size, five);
    expect_run(&served, 1, 5, false);
    served = serve(store, &writer.feed, 0, &begin, five - 1);
    expect_run(&served, 1, 4, false);
    writer_clear(&writer);
    store_close(&store);
}

static void a_run_has_at_most_32_commits_and_a_mebibyte(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t small = writer_of(1, 1, 1), large = writer_of(1, 1, 0);
    hash_t begin = small.previous;
    fill_feed(store, &small, 40, ~0ull, 1, NULL);
    served_run_t served = serve(store, &small.feed, 0, &begin, SIZE_MAX);
    expect_run(&served, 1, 32, false);
    fill_feed(store, &large, 30, ~0ull, 16000, NULL);
    for (size_t i = 0; i < 40; i++) {
        for (size_t k = 0; k < 4; k++)
            write_big(&large, 15000);
        append_written(store, &large);
    }
    served = serve(store, &large.feed, 30, &(hash_t){{0}}, SIZE_MAX);
    assert_true(served.diverged); // the answer names the hash, so it can be asked with
    hash_t at_30 = served.last.hash;
    served = serve(store, &large.feed, 30, &at_30, SIZE_MAX);
    assert_true(served.run.size <= RUN_BYTES_MAX && served.run.size > RUN_BYTES_MAX - 70000);
    expect_run(&served, 31, served.last.number, false);
    writer_clear(&small);
    writer_clear(&large);
    store_close(&store);
}

static void the_place_asked_for_is_compared(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1), none = writer_of(3, 1, 1);
    hash_t begin = writer.previous, wrong = {{1}}, hash;
    served_run_t served;
    write_record(&writer, 0, "{'kind':'body'}");
    write_record(&writer, 0, "{'kind':'body'}");
    append_written(store, &writer);
    hash_t first_hash = writer.previous;
    write_record(&writer, 0, "{'kind':'body'}");
    append_written(store, &writer);
    const feed_t *feed = &writer.feed;
    assert_refused(store_read_run(store, &none.feed, 0, &begin, 9, false, &served, NULL),
                   ERR_UNKNOWN_FEED);
    assert_refused(store_read_run(store, feed, 1, &begin, 9, false, &served, NULL),
                   ERR_OUT_OF_ORDER); // inside a commit
    assert_refused(store_read_run(store, feed, 4, &begin, 9, false, &served, NULL),
                   ERR_OUT_OF_ORDER);
    served = serve(store, feed, 0, &wrong, 9);
    assert_true(served.diverged);
    assert_true(hash_equal(&served.last.hash, &begin));
    assert_int_equal(served.run.size, 0);
    served = serve(store, feed, 2, &wrong, 9);
    assert_true(served.diverged);
    assert_true(hash_equal(&served.last.hash, &first_hash));
    served = serve(store, feed, 3, &wrong, 9);
    assert_true(served.diverged);
    uint64_t first = 0;
    assert_ok(store_commit_at(store, feed, 2, &hash, &first, NULL));
    assert_int_equal(first, 1);
    assert_true(hash_equal(&hash, &first_hash));
    assert_ok(store_commit_at(store, feed, 3, &hash, &first, NULL));
    assert_int_equal(first, 3);
    assert_true(hash_equal(&hash, &writer.previous));
    assert_refused(store_commit_at(store, feed, 0, &hash, &first, NULL), ERR_OUT_OF_ORDER);
    assert_refused(store_commit_at(store, feed, 4, &hash, &first, NULL), ERR_OUT_OF_ORDER);
    assert_refused(store_commit_at(store, &none.feed, 1, &hash, &first, NULL), ERR_UNKNOWN_FEED);
    writer_clear(&writer);
    store_close(&store);
}

static void headers_go_without_payloads(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    for (int i = 0; i < 3; i++)
        write_record(&writer, 0, "{'kind':'body','key':'k'}");
    commit_t *commit = seal_commit(&writer);
    lose_payload(commit, 1, PAYLOAD_ERASED);
    lose_payload(commit, 2, PAYLOAD_MISSING);
    assert_ok(store_append(store, commit, 1, NULL));
    static const payload_state_t want[2][3] = {{PAYLOAD_PRESENT, PAYLOAD_ERASED, PAYLOAD_MISSING},
                                               {PAYLOAD_MISSING, PAYLOAD_ERASED, PAYLOAD_MISSING}};
    for (int headers_only = 0; headers_only < 2; headers_only++) {
        served_run_t served;
        run_t run;
        assert_ok(
            store_read_run(store, &writer.feed, 0, &begin, SIZE_MAX, headers_only, &served, NULL));
        assert_ok(run_decode(buf_span(&served.run), &run, NULL));
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(run.commits[0]->changes[i].state, want[headers_only][i]);
        assert_true(span_equal(run.commits[0]->header, commit->header));
        run_clear(&run);
        buf_free(&served.run);
    }
    commit_destroy(&commit);
    writer_clear(&writer);
    store_close(&store);
}

// 32 commits without payloads came as one run with one signature. Filled in they
// are four times a run: the chain must still be servable.
static void late_payloads_do_not_cut_the_chain(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    for (size_t i = 0; i < RUN_COMMITS_MAX; i++) {
        for (size_t k = 0; k < 7; k++)
            write_big(&writer, 16000);
        commit_t *whole = seal_commit(&writer), *bare = commit_copy(whole);
        for (size_t k = 0; k < 7; k++)
            lose_payload(bare, k, PAYLOAD_MISSING);
        bare->has_signature = i == RUN_COMMITS_MAX - 1;
        assert_ok(store_append(store, bare, 1, NULL));
        for (size_t k = 0; k < 7; k++)
            assert_ok(store_fill_payload(store, &whole->feed, whole->first + k,
                                         whole->changes[k].salt, whole->changes[k].body, NULL));
        commit_destroy(&whole);
        commit_destroy(&bare);
    }
    served_run_t served = serve(store, &writer.feed, 0, &begin, SIZE_MAX);
    assert_true(served.run.size <= RUN_BYTES_MAX);
    expect_run(&served, 1, 7 * RUN_COMMITS_MAX, true);
    writer_clear(&writer);
    store_close(&store);
}

// What no honest author makes: three changes whose bodies are together larger than a commit
// may be. They are not seen in a header; nobody can be sent all three.
static commit_t *make_oversized(writer_t *writer, const uint8_t salt[SALT_SIZE], span_t body)
{
    for (size_t i = 0; i < 3; i++)
        write_change(writer, CHANGE_RECORD, span_text("small"));
    commit_t *commit = seal_commit(writer), *made = NULL;
    Enlace__V1__CommitHeader *header =
        enlace__v1__commit_header__unpack(NULL, commit->header.size, commit->header.data);
    hash_t commitment = crypto_commitment(salt, body);
    for (size_t i = 0; i < 3; i++)
        memcpy(header->changes[i]->commitment.data, commitment.bytes, HASH_SIZE);
    buf_t bytes = bounded_pack(&header->base);
    assert_ok(commit_decode_bare(buf_span(&bytes), commit->signature.bytes, 3, &made, NULL));
    enlace__v1__commit_header__free_unpacked(header, NULL);
    buf_free(&bytes);
    commit_destroy(&commit);
    return made;
}

// A body that would make its commit larger than others take is left out: it would keep
// everybody from what this node passes on.
static void late_payloads_do_not_outgrow_the_commit(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    uint8_t salt[SALT_SIZE] = {3};
    buf_t body = {0};
    place_t places[4];
    uint64_t after = 0;
    size_t count = 0;
    memset(buf_extend(&body, PAYLOAD_BYTES_MAX), 'x', PAYLOAD_BYTES_MAX);
    commit_t *commit = make_oversized(&writer, salt, buf_span(&body));
    assert_ok(store_append(store, commit, 1, NULL));
    assert_ok(store_fill_payload(store, &writer.feed, 2, salt, buf_span(&body), NULL));
    assert_refused(store_fill_payload(store, &writer.feed, 1, salt, buf_span(&body), NULL),
                   ERR_TOO_BIG);
    assert_refused(store_fill_payload(store, &writer.feed, 3, salt, buf_span(&body), NULL),
                   ERR_TOO_BIG);
    assert_ok(store_missing_payloads(store, &after, 4, places, &count, NULL));
    assert_int_equal(count, 2);
    served_run_t served;
    run_t run;
    assert_ok(store_read_run(store, &writer.feed, 0, &begin, SIZE_MAX, false, &served, NULL));
    assert_ok(run_decode(buf_span(&served.run), &run, NULL));
    assert_int_equal(run.commits[0]->changes[1].state, PAYLOAD_PRESENT);
    run_clear(&run);
    buf_free(&served.run);
    buf_free(&body);
    commit_destroy(&commit);
    writer_clear(&writer);
    store_close(&store);
}

static void payloads_are_found_filled_and_read(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1), sealed = writer_of(2, 1, 2), none = writer_of(3, 1, 1);
    write_record(&writer, 0, "{'kind':'body','key':'a'}");
    write_record(&writer, 0, "{'kind':'body','key':'b'}");
    commit_t *whole = seal_commit(&writer), *bare = commit_copy(whole);
    lose_payload(bare, 1, PAYLOAD_MISSING);
    assert_ok(store_append(store, bare, 1, NULL));
    write_change(&sealed, CHANGE_SEALED, span_text("s"));
    commit_t *restricted = seal_commit(&sealed);
    change_t gone = restricted->changes[0];
    lose_payload(restricted, 0, PAYLOAD_MISSING);
    assert_ok(store_append(store, restricted, 1, NULL));
    place_t places[4];
    uint64_t after = 0;
    size_t count = 0;
    assert_ok(store_missing_payloads(store, &after, 4, places, &count, NULL));
    assert_int_equal(count, 2);
    assert_true(feed_equal(&places[0].feed, &writer.feed));
    assert_int_equal(places[0].number, 2);
    assert_true(feed_equal(&places[1].feed, &sealed.feed));
    assert_int_equal(after, 0); // they were all
    // One at a time each has its turn, whatever the one before it stays.
    assert_ok(store_missing_payloads(store, &after, 1, places, &count, NULL));
    assert_int_equal(count, 1);
    assert_int_equal(places[0].number, 2);
    assert_ok(store_missing_payloads(store, &after, 1, places, &count, NULL));
    assert_int_equal(count, 1);
    assert_true(feed_equal(&places[0].feed, &sealed.feed));
    assert_ok(store_missing_payloads(store, &after, 1, places, &count, NULL));
    assert_int_equal(count, 0);
    assert_int_equal(after, 0);

    payload_state_t status;
    uint8_t salt[SALT_SIZE];
    buf_t body;
    const change_t *change = &whole->changes[1];
    assert_ok(store_read_payload(store, &writer.feed, 2, &status, salt, &body, NULL));
    assert_int_equal(status, PAYLOAD_MISSING);
    assert_int_equal(body.size, 0);
    assert_refused(store_fill_payload(store, &writer.feed, 2, change->salt, span_text("x"), NULL),
                   ERR_BAD_COMMITMENT);
    assert_refused(store_fill_payload(store, &writer.feed, 2, salt, change->body, NULL),
                   ERR_BAD_COMMITMENT);
    assert_refused(store_fill_payload(store, &writer.feed, 3, salt, change->body, NULL),
                   ERR_OUT_OF_ORDER);
    assert_refused(store_fill_payload(store, &none.feed, 1, salt, change->body, NULL),
                   ERR_UNKNOWN_FEED);
    assert_refused(store_fill_payload(store, &writer.feed, 2, salt,
                                      span_of(change->body.data, PAYLOAD_BYTES_MAX + 1), NULL),
                   ERR_TOO_BIG);
    assert_ok(store_fill_payload(store, &writer.feed, 2, change->salt, change->body, NULL));
    assert_ok(store_fill_payload(store, &sealed.feed, 1, gone.salt, span_text("s"), NULL));
    assert_ok(store_read_payload(store, &writer.feed, 2, &status, salt, &body, NULL));
    assert_int_equal(status, PAYLOAD_PRESENT);
    assert_memory_equal(salt, change->salt, SALT_SIZE);
    assert_true(span_equal(buf_span(&body), change->body));
    buf_free(&body);
    assert_refused(store_read_payload(store, &writer.feed, 3, &status, salt, &body, NULL),
                   ERR_OUT_OF_ORDER);
    assert_refused(store_read_payload(store, &none.feed, 1, &status, salt, &body, NULL),
                   ERR_UNKNOWN_FEED);
    assert_ok(store_missing_payloads(store, &after, 4, places, &count, NULL));
    assert_int_equal(count, 0);
    commit_destroy(&whole);
    commit_destroy(&bare);
    commit_destroy(&restricted);
    writer_clear(&writer);
    writer_clear(&sealed);
    store_close(&store);
}

// An empty payload is a payload.
static void an_empty_body_is_present(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    payload_state_t status;
    uint8_t salt[SALT_SIZE];
    buf_t body;
    write_change(&writer, CHANGE_CONSENT, (span_t){NULL, 0});
    append_written(store, &writer);
    assert_ok(store_read_payload(store, &writer.feed, 1, &status, salt, &body, NULL));
    assert_int_equal(status, PAYLOAD_PRESENT);
    assert_int_equal(body.size, 0);
    buf_free(&body);
    writer_clear(&writer);
    store_close(&store);
}

static void damage_is_not_served(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    fill_feed(store, &writer, 3, ~0ull, 10, NULL);
    served_run_t served;
    assert_ok(sql_script(store->sql,
                         "UPDATE commit_log SET payloads = CAST(substr(payloads, 1,"
                         " length(payloads) - 1) || x'ff' AS BLOB) WHERE id = 2",
                         NULL));
    assert_refused(store_read_run(store, &writer.feed, 0, &begin, SIZE_MAX, false, &served, NULL),
                   ERR_DAMAGED);
    assert_int_equal(served.run.size, 0);
    payload_state_t status;
    uint8_t salt[SALT_SIZE];
    buf_t body;
    assert_refused(store_read_payload(store, &writer.feed, 2, &status, salt, &body, NULL),
                   ERR_DAMAGED);
    assert_int_equal(body.size, 0);
    assert_ok(store_read_payload(store, &writer.feed, 1, &status, salt, &body, NULL));
    buf_free(&body);
    assert_ok(sql_script(store->sql,
                         "PRAGMA ignore_check_constraints = ON;"
                         "UPDATE commit_log SET signature = x'00' WHERE id = 1",
                         NULL));
    assert_refused(store_read_run(store, &writer.feed, 0, &begin, 1, false, &served, NULL),
                   ERR_DAMAGED);
    assert_ok(sql_script(store->sql, "UPDATE commit_log SET signature = NULL", NULL));
    assert_refused(store_read_run(store, &writer.feed, 0, &begin, SIZE_MAX, true, &served, NULL),
                   ERR_DAMAGED);
    writer_clear(&writer);
    store_close(&store);
}

// ---- every bit of what a row has ----

static buf_t column_of(store_t *store, const char *query)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    assert_ok(sql_first(store->sql, query, SQL_NO_VALUES, &statement, &row, NULL));
    assert_true(row);
    buf_t bytes = buf_copy(sql_column_span(statement, 0));
    sql_done(statement);
    return bytes;
}

// Refused, or what was there: no payload that is present says anything else.
static size_t serve_flipped(store_t *store, const feed_t *feed, const hash_t *begin,
                            const commit_t *whole)
{
    served_run_t served;
    run_t run;
    hash_t hash;
    uint64_t first = 0;
    err_t err = store_commit_at(store, feed, 1, &hash, &first, NULL);
    assert_true(err == ERR_DAMAGED || (!err && hash_equal(&hash, &whole->hash)));
    assert_int_equal(
        store_read_run(store, feed, whole->last, &whole->hash, 9, false, &served, NULL),
        err); // as one who is in step asks
    assert_false(served.diverged);
    err = store_read_run(store, feed, 0, begin, SIZE_MAX, false, &served, NULL);
    if (err) {
        assert_int_equal(err, ERR_DAMAGED);
        assert_int_equal(served.run.size, 0);
        return 0;
    }
    assert_false(served.diverged);
    assert_ok(run_decode(buf_span(&served.run), &run, NULL));
    assert_true(span_equal(run.commits[0]->header, whole->header));
    for (size_t i = 0; i < whole->count; i++) {
        const change_t *got = &run.commits[0]->changes[i], *want = &whole->changes[i];
        assert_int_equal(got->state == PAYLOAD_PRESENT, want->state == PAYLOAD_PRESENT);
        assert_true(span_equal(got->body, want->body));
    }
    run_clear(&run);
    buf_free(&served.run);
    return 1;
}

typedef struct {
    const char *read, *write;
    size_t served; // bits that are served all the same
} column_t;

// Each of a column's bits turned, one after the other.
static void turn_each_bit(store_t *store, const feed_t *feed, const hash_t *begin,
                          const commit_t *commit, const column_t *column)
{
    buf_t bytes = column_of(store, column->read);
    size_t served = 0;
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_ok(
            sql_run(store->sql, column->write, SQL_ROW(sql_blob(bytes.data, bytes.size)), NULL));
        served += serve_flipped(store, feed, begin, commit);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(served, column->served);
    assert_ok(sql_run(store->sql, column->write, SQL_ROW(sql_blob(bytes.data, bytes.size)), NULL));
    assert_int_equal(serve_flipped(store, feed, begin, commit), 1);
    buf_free(&bytes);
}

// One commit with a payload erased and one missing among others.
static commit_t *append_one_of_each(store_t *store, writer_t *writer)
{
    for (int i = 0; i < 4; i++)
        write_record(writer, 0, "{'kind':'body','key':'k'}");
    commit_t *commit = seal_commit(writer);
    lose_payload(commit, 1, PAYLOAD_ERASED);
    lose_payload(commit, 2, PAYLOAD_MISSING);
    assert_ok(store_append(store, commit, 1, NULL));
    assert_ok(store_commit(store, NULL));
    return commit;
}

static void no_flipped_bit_is_served(void **state)
{
    static const column_t columns[] = {
        {"SELECT header FROM commit_log", "UPDATE commit_log SET header = ?1", 0},
        {"SELECT hash FROM commit_log", "UPDATE commit_log SET hash = ?1", 0},
        {"SELECT payloads FROM commit_log", "UPDATE commit_log SET payloads = ?1", 0},
        {"SELECT signature FROM commit_log", "UPDATE commit_log SET signature = ?1", 0},
    };
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    (void)state;
    commit_t *commit = append_one_of_each(store, &writer);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        turn_each_bit(store, &writer.feed, &begin, commit, &columns[i]);
    assert_ok(sql_script(store->sql, "UPDATE commit_log SET checksum = checksum + 1", NULL));
    assert_int_equal(serve_flipped(store, &writer.feed, &begin, commit), 0);
    commit_destroy(&commit);
    writer_clear(&writer);
    store_close(&store);
}

// As a store has it that is older than the checksum: what hashes and commitments cover.
static void without_a_checksum_each_payload_is_hashed(void **state)
{
    static const column_t columns[] = {
        {"SELECT header FROM commit_log", "UPDATE commit_log SET header = ?1", 0},
        {"SELECT hash FROM commit_log", "UPDATE commit_log SET hash = ?1", 0},
        // two bits tell a payload erased from one that is missing
        {"SELECT payloads FROM commit_log", "UPDATE commit_log SET payloads = ?1", 2},
    };
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    (void)state;
    commit_t *commit = append_one_of_each(store, &writer);
    assert_ok(sql_script(store->sql, "UPDATE commit_log SET checksum = NULL", NULL));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        turn_each_bit(store, &writer.feed, &begin, commit, &columns[i]);
    commit_destroy(&commit);
    writer_clear(&writer);
    store_close(&store);
}

// What no commitment covers: a payload that never came is not told to be erased, nor one that was
// erased to be missing, whatever bit is turned. One that is missing can be filled all the same.
static void no_flipped_state_is_told(void **state)
{
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    (void)state;
    commit_t *commit = append_one_of_each(store, &writer);
    buf_t bytes = column_of(store, "SELECT payloads FROM commit_log");
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_ok(sql_run(store->sql, "UPDATE commit_log SET payloads = ?1",
                          SQL_ROW(sql_blob(bytes.data, bytes.size)), NULL));
        for (uint64_t number = 1; number <= 4; number++) {
            payload_state_t told;
            uint8_t salt[SALT_SIZE];
            buf_t body;
            err_t err = store_read_payload(store, &writer.feed, number, &told, salt, &body, NULL);
            assert_true(err == ERR_DAMAGED || (!err && told == commit->changes[number - 1].state));
            refused += err != ERR_OK;
            buf_free(&body);
        }
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(refused >= 8 * bytes.size); // each bit is one payload's at least
    buf_free(&bytes);
    commit_destroy(&commit);
    writer_clear(&writer);
    store_close(&store);
}

static bool has_checksum(store_t *store)
{
    static const char count[] = "SELECT count(*) FROM commit_log WHERE checksum IS NOT NULL";
    int64_t known = 0;
    assert_ok(sql_number(store->sql, count, SQL_NO_VALUES, 0, &known, NULL));
    return known == 1;
}

// A feed's only commit, of three records, the first `lost` of them without payload.
static void append_three(store_t *store, writer_t *writer, size_t lost, change_t whole[3])
{
    for (int i = 0; i < 3; i++)
        write_record(writer, 0, "{'kind':'body','key':'k'}");
    commit_t *commit = seal_commit(writer);
    for (size_t i = 0; i < 3; i++) {
        whole[i] = commit->changes[i];
        whole[i].body = buf_span(&writer->bodies[i]);
        if (i < lost)
            lose_payload(commit, i, PAYLOAD_MISSING);
    }
    assert_ok(store_append(store, commit, 1, NULL));
    assert_ok(store_commit(store, NULL));
    commit_destroy(&commit);
}

static void fill(store_t *store, const writer_t *writer, uint64_t number, const change_t *with)
{
    assert_ok(store_fill_payload(store, &writer->feed, number, with->salt, with->body, NULL));
    assert_ok(store_commit(store, NULL));
}

static err_t serve_all(store_t *store, const writer_t *writer, const hash_t *begin)
{
    served_run_t served;
    err_t err = store_read_run(store, &writer->feed, 0, begin, SIZE_MAX, false, &served, NULL);
    buf_free(&served.run);
    return err;
}

// A payload that comes late gets the row a new checksum, unless something else has changed in it:
// then it has none from there on, and is hashed as it was before there was one.
static void a_late_payload_hides_no_damage(void **state)
{
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    change_t whole[3];
    (void)state;
    append_three(store, &writer, 2, whole);
    fill(store, &writer, 1, &whole[0]);
    assert_true(has_checksum(store));
    assert_ok(serve_all(store, &writer, &begin));
    assert_ok(sql_script(store->sql,
                         "UPDATE commit_log SET header = CAST(substr(header, 1, length(header) - 1)"
                         " || x'00' AS BLOB)",
                         NULL));
    assert_refused(serve_all(store, &writer, &begin), ERR_DAMAGED);
    fill(store, &writer, 2, &whole[1]);
    assert_false(has_checksum(store));
    assert_refused(serve_all(store, &writer, &begin), ERR_DAMAGED);
    writer_clear(&writer);
    store_close(&store);
}

static void a_payload_that_comes_again_mends_the_row(void **state)
{
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    hash_t begin = writer.previous;
    change_t whole[3];
    (void)state;
    append_three(store, &writer, 0, whole);
    assert_ok(sql_script(store->sql,
                         "UPDATE commit_log SET payloads = CAST(substr(payloads, 1,"
                         " length(payloads) - 1) AS BLOB)",
                         NULL));
    assert_refused(serve_all(store, &writer, &begin), ERR_DAMAGED);
    fill(store, &writer, 3, &whole[2]);
    assert_true(has_checksum(store));
    assert_ok(serve_all(store, &writer, &begin));
    writer_clear(&writer);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_ends_at_a_signature),
        cmocka_unit_test(a_run_keeps_to_the_limit),
        cmocka_unit_test(a_run_has_at_most_32_commits_and_a_mebibyte),
        cmocka_unit_test(the_place_asked_for_is_compared),
        cmocka_unit_test(headers_go_without_payloads),
        cmocka_unit_test(late_payloads_do_not_cut_the_chain),
        cmocka_unit_test(late_payloads_do_not_outgrow_the_commit),
        cmocka_unit_test(payloads_are_found_filled_and_read),
        cmocka_unit_test(an_empty_body_is_present),
        cmocka_unit_test(damage_is_not_served),
        cmocka_unit_test(no_flipped_bit_is_served),
        cmocka_unit_test(without_a_checksum_each_payload_is_hashed),
        cmocka_unit_test(no_flipped_state_is_told),
        cmocka_unit_test(a_late_payload_hides_no_damage),
        cmocka_unit_test(a_payload_that_comes_again_mends_the_row),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
