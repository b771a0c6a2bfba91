// The view: what rows the log adds up to, in any order of arrival, and the digest.
#include <sodium.h>

#include "tests/unit/make_commits.h"
#include "tests/unit/thin.h"

static store_t *open_store(void)
{
    store_t *store = NULL;
    assert_ok(store_open(":memory:", NULL, &store, NULL));
    found_coalition(store);
    return store;
}

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static err_t parked_at(store_t *store, uint32_t epoch, uint32_t lane, uint64_t number)
{
    static const char find[] =
        "SELECT p.reason FROM feed f JOIN commit_log m ON m.feed = f.ix"
        " JOIN parked p ON p.change = m.id + ?3 - m.first"
        " WHERE f.epoch = ?1 AND f.lane = ?2 AND ?3 BETWEEN m.first AND m.last";
    int64_t reason = 0;
    assert_ok(sql_number(store->sql, find, SQL_ROW(sql_int(epoch), sql_int(lane), sql_u64(number)),
                         0, &reason, NULL));
    return (err_t)reason;
}

static current_t current_of(store_t *store, uint64_t number)
{
    origin_t origin = origin_of_member(1);
    current_t current;
    assert_ok(store_record(store, &origin, (position_t){1, 1, number}, true, &current, NULL));
    return current;
}

// What is in the body's title, so that a test can tell which revision it is.
static void expect_body(current_t *current, const char *acronym)
{
    record_t *record = NULL;
    assert_ok(record_decode(buf_span(&current->body), &record, NULL));
    assert_string_equal(record->organisation->acronym, acronym);
    record_destroy(&record);
    buf_free(&current->body);
}

// ---- the digest, by the definition: design.md section 3, lib/crypto.h ----

static void put_little(uint8_t **to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *(*to)++ = (uint8_t)(value >> (8 * i));
}

static void put_position(uint8_t **to, position_t at)
{
    put_little(to, at.epoch, 4);
    put_little(to, at.lane, 4);
    put_little(to, at.number, 8);
}

static void add_by_hand(uint8_t sum[32], const origin_t *origin, position_t record,
                        position_t stands, const hash_t *commitment, uint8_t status)
{
    uint8_t bytes[16 + 16 + 16 + 32 + 1], *to = bytes, term[32];
    static const uint8_t personal[16] = "enlace-view";
    memcpy(to, origin->bytes, 16);
    to += 16;
    put_position(&to, record);
    put_position(&to, stands);
    memcpy(to, commitment->bytes, 32);
    to[32] = status;
    crypto_generichash_blake2b_salt_personal(term, 32, bytes, sizeof bytes, NULL, 0, NULL,
                                             personal);
    for (unsigned i = 0, carry = 0; i < 32; i++) {
        carry += (unsigned)sum[i] + term[i];
        sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void the_digest_is_the_sum_by_definition(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t one = writer_of(1, 1, 1), two = writer_of(2, 1, 0);
    write_record(&one, 0, "{'kind':'organisation','key':'a','acronym':'A'}");
    write_record(&one, 0, "{'kind':'organisation','key':'b','acronym':'B'}");
    write_record(&one, 1, "{'kind':'organisation','key':'a','acronym':'A2'}");
    commit_t *first = seal_commit(&one);
    write_record(&two, 0, "{'kind':'organisation','key':'a','acronym':'C'}");
    write_retraction(&two, 1, 1);
    commit_t *second = seal_commit(&two);
    assert_ok(store_append(store, first, 1, NULL));
    assert_ok(store_append(store, second, 1, NULL));
    assert_ok(store_commit(store, NULL));
    uint8_t want[32] = {0};
    hash_t got;
    add_by_hand(want, &one.feed.origin, (position_t){1, 1, 1}, (position_t){1, 1, 3},
                &first->changes[2].commitment, 1);
    add_by_hand(want, &one.feed.origin, (position_t){1, 1, 2}, (position_t){1, 1, 2},
                &first->changes[1].commitment, 1);
    add_by_hand(want, &two.feed.origin, (position_t){1, 0, 1}, (position_t){1, 0, 2},
                &second->changes[1].commitment, 2);
    assert_ok(read_digest(store->sql, &got, NULL));
    assert_memory_equal(got.bytes, want, 32);
    commit_destroy(&first);
    commit_destroy(&second);
    writer_clear(&one);
    writer_clear(&two);
    store_close(&store);
}

static void a_record_is_created_revised_and_retracted(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    writer.time_ms = 7000;
    write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A1'}");
    append_written(store, &writer);
    current_t current = current_of(store, 1);
    assert_string_equal(current.kind, "organisation");
    assert_string_equal(current.key, "a");
    assert_int_equal(current.revision, 1);
    assert_int_equal(current.created_ms, 7000);
    assert_int_equal(current.changed_ms, 7000);
    assert_true(current.readable);
    assert_false(current.retracted);
    expect_body(&current, "A1");
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A2'}");
    append_written(store, &writer);
    current = current_of(store, 1);
    assert_int_equal(current.revision, 2);
    assert_int_equal(current.created_ms, 7000);
    assert_int_equal(current.changed_ms, 7010);
    expect_body(&current, "A2");
    write_retraction(&writer, 1, 1);
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A4'}");
    write_retraction(&writer, 1, 1);
    append_written(store, &writer);
    current = current_of(store, 1);
    assert_true(current.retracted);
    assert_int_equal(current.revision, 3);
    assert_true(current.readable);
    expect_body(&current, "A2");
    assert_int_equal(parked_at(store, 1, 1, 3), ERR_OK);
    assert_int_equal(parked_at(store, 1, 1, 4), ERR_RETRACTED);
    assert_int_equal(parked_at(store, 1, 1, 5), ERR_RETRACTED);
    writer_clear(&writer);
    store_close(&store);
}

static void a_change_that_fits_nothing_is_parked(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1), control = writer_of(1, 1, 0);
    write_record(&writer, 0, "{'kind':'organisation','key':'a'}");       // 1
    write_record(&writer, 2, "{'kind':'organisation','key':'a'}");       // 2: itself
    write_record(&writer, 9, "{'kind':'organisation','key':'a'}");       // 3: not yet written
    aim(write_record(&writer, 1, "{'kind':'body','key':'a'}"), 1, 0, 1); // 4: another lane
    aim(write_record(&writer, 1, "{'kind':'organisation','key':'a'}"), 2, 1, 1); // 5: later epoch
    write_record(&writer, 1, "{'kind':'organisation','key':'a'}");               // 6: good
    write_record(&writer, 6, "{'kind':'organisation','key':'a'}"); // 7: creates nothing
    write_retraction(&writer, 1, 6);                               // 8
    write_change(&writer, 77, span_text("?"));                     // 9
    write_change(&writer, CHANGE_ERASED, span_text("?"));          // 10
    append_written(store, &writer);
    write_change(&control, CHANGE_CONSENT, span_text("c"));
    append_written(store, &control);
    static const err_t want[] = {
        ERR_OK, ERR_PARKED_TARGET, ERR_PARKED_TARGET, ERR_PARKED_TARGET, ERR_PARKED_TARGET,
        ERR_OK, ERR_PARKED_TARGET, ERR_PARKED_TARGET, ERR_PARKED_TYPE,   ERR_PARKED_TYPE};
    for (uint64_t number = 1; number <= 10; number++)
        assert_int_equal(parked_at(store, 1, 1, number), want[number - 1]);
    assert_int_equal(parked_at(store, 1, 0, 1), ERR_OK);
    current_t current = current_of(store, 1);
    assert_int_equal(current.revision, 2);
    buf_free(&current.body);
    char *incremental = dump_view(store);
    assert_ok(store_rebuild(store, NULL));
    char *rebuilt = dump_view(store);
    assert_string_equal(incremental, rebuilt);
    mem_free(incremental);
    mem_free(rebuilt);
    totals_t totals;
    assert_ok(store_totals(store, &totals, NULL));
    assert_int_equal(totals.records, 1);
    assert_int_equal(totals.parked, 8);
    assert_int_equal(totals.applied, 11);
    writer_clear(&writer);
    writer_clear(&control);
    store_close(&store);
}

static void restricted_lanes_are_stored_and_no_more(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 2);
    write_record(&writer, 0, "{'kind':'organisation','key':'a'}");
    write_record(&writer, 7, "{'kind':'organisation','key':'a'}");
    write_change(&writer, CHANGE_SEALED, span_text("sealed"));
    append_written(store, &writer);
    char *dump = dump_view(store);
    assert_string_equal(dump,
                        "digest 0000000000000000000000000000000000000000000000000000000000000000");
    mem_free(dump);
    writer_clear(&writer);
    store_close(&store);
}

// ---- content ----

static void the_newest_readable_revision_is_shown(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A1'}");
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A2'}");
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A3'}")->min_reader = 2;
    draft_t *bad = write_change(&writer, CHANGE_RECORD, span_text("\xff\xff")); // 4
    aim(bad, 1, 1, 1);
    write_record(&writer, 1, "{'kind':'body','key':'a'}");                  // 5
    write_record(&writer, 1, "{'kind':'organisation','key':'b'}");          // 6
    write_record(&writer, 1, "{'kind':'organisation','acronym':'no key'}"); // 7
    append_written(store, &writer);
    static const err_t want[] = {
        ERR_OK,         ERR_OK,        ERR_PARKED_READER, ERR_PARKED_CONTENT,
        ERR_KIND_FIXED, ERR_KEY_FIXED, ERR_KEY_FIXED};
    for (uint64_t number = 1; number <= 7; number++)
        assert_int_equal(parked_at(store, 1, 1, number), want[number - 1]);
    current_t current = current_of(store, 1);
    assert_int_equal(current.revision, 7);
    assert_false(current.readable);
    expect_body(&current, "A2");
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A8'}");
    append_written(store, &writer);
    current = current_of(store, 1);
    assert_true(current.readable);
    expect_body(&current, "A8");
    writer_clear(&writer);
    store_close(&store);
}

static void bad_content_is_parked(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    static const char *const bodies[] = {
        "",                         // no kind
        "\x0a\x01\x61",             // key a, no kind
        "\xca\x03\x02\x0a\x00",     // tag 57: a kind that is still to come
        "\x92\x02\x00\x0a\x01\x41", // organisation with a key in capitals
        "\x92\x02\x00\x92\x02\x00", // organisation twice
        "\x92\x02\x00\x12\x01\xc0", // a label that is not UTF-8
    };
    static const size_t sizes[] = {0, 3, 5, 6, 6, 6};
    for (size_t i = 0; i < 6; i++)
        write_change(&writer, CHANGE_RECORD, span_of(bodies[i], sizes[i]));
    write_change(&writer, CHANGE_RECORD, span_of("\x92\x02\x00\x12\x03RED", 8)); // an unknown label
    append_written(store, &writer);
    for (uint64_t number = 1; number <= 6; number++)
        assert_int_equal(parked_at(store, 1, 1, number), ERR_PARKED_CONTENT);
    assert_int_equal(parked_at(store, 1, 1, 7), ERR_OK);
    current_t current = current_of(store, 1);
    assert_string_equal(current.kind, "");
    assert_string_equal(current.key, "");
    assert_false(current.readable);
    assert_int_equal(current.body.size, 0);
    assert_int_equal(current.revision, 1);
    writer_clear(&writer);
    store_close(&store);
}

static void references_are_stored_as_given(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    write_record(&writer, 0,
                 "{'kind':'membership','key':'m','member':'@BB:comite','coalition':'CC.2:7'}");
    append_written(store, &writer);
    buf_t rows = {0};
    static const char list[] =
        "SELECT place, path, owner, key, epoch, lane, number FROM reference ORDER BY place";
    dump_rows(store->sql, list, &rows);
    assert_int_equal(rows.size, strlen("1 member BB comite - - -\n2 coalition CC - 2 1 7\n"));
    assert_memory_equal(rows.data, "1 member BB comite - - -\n2 coalition CC - 2 1 7\n", rows.size);
    write_record(&writer, 1, "{'kind':'membership','key':'m','member':'AA:9'}");
    append_written(store, &writer);
    buf_clear(&rows);
    dump_rows(store->sql, list, &rows);
    assert_memory_equal(rows.data, "1 member AA - 1 1 9\n", rows.size);
    buf_free(&rows);
    writer_clear(&writer);
    store_close(&store);
}

// ---- payloads that are missing ----

static commit_t *revisions_without_payload(writer_t *writer)
{
    write_record(writer, 0, "{'kind':'organisation','key':'a','acronym':'A1'}");
    write_record(writer, 1, "{'kind':'organisation','key':'a','acronym':'A2'}");
    write_record(writer, 1, "{'kind':'body','key':'a'}");
    write_record(writer, 1, "{'kind':'organisation','key':'a','acronym':'A4'}");
    return seal_commit(writer);
}

static void fill(store_t *store, const commit_t *whole, size_t index)
{
    const change_t *change = &whole->changes[index];
    assert_ok(store_fill_payload(store, &whole->feed, whole->first + index, change->salt,
                                 change->body, NULL));
}

static void a_payload_that_comes_later_is_shown(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    commit_t *whole = revisions_without_payload(&writer), *bare = commit_copy(whole);
    for (size_t i = 0; i < 4; i++)
        lose_payload(bare, i, PAYLOAD_MISSING);
    assert_ok(store_append(store, bare, 1, NULL));
    current_t current = current_of(store, 1);
    assert_string_equal(current.kind, "");
    assert_int_equal(current.revision, 4);
    assert_int_equal(parked_at(store, 1, 1, 4), ERR_PAYLOAD_MISSING);
    fill(store, whole, 1);
    current = current_of(store, 1);
    assert_false(current.readable);
    expect_body(&current, "A2");
    // Without the creation nobody can say that the kind is another one.
    fill(store, whole, 2);
    current = current_of(store, 1);
    assert_string_equal(current.kind, "body");
    assert_int_equal(parked_at(store, 1, 1, 3), ERR_OK);
    buf_free(&current.body);
    fill(store, whole, 0);
    assert_int_equal(parked_at(store, 1, 1, 3), ERR_KIND_FIXED);
    current = current_of(store, 1);
    expect_body(&current, "A2");
    fill(store, whole, 3);
    fill(store, whole, 3);
    current = current_of(store, 1);
    assert_true(current.readable);
    expect_body(&current, "A4");
    totals_t totals;
    assert_ok(store_totals(store, &totals, NULL));
    assert_int_equal(totals.payloads_missing, 0);
    assert_int_equal(totals.parked, 1);
    commit_destroy(&whole);
    commit_destroy(&bare);
    writer_clear(&writer);
    store_close(&store);
}

// 4! orders of filling, and none of them matters.
static void payloads_may_come_in_any_order(void **state)
{
    (void)state;
    writer_t writer = writer_of(1, 1, 1);
    commit_t *whole = revisions_without_payload(&writer), *bare = commit_copy(whole);
    store_t *store = open_store();
    assert_ok(store_append(store, whole, 1, NULL));
    assert_ok(store_commit(store, NULL));
    char *want = dump_view(store);
    store_close(&store);
    for (size_t i = 0; i < 4; i++)
        lose_payload(bare, i, PAYLOAD_MISSING);
    for (unsigned order = 0; order < 256; order++) {
        size_t places[] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6};
        unsigned seen = 1u << places[0] | 1u << places[1] | 1u << places[2] | 1u << places[3];
        if (seen != 15)
            continue;
        store = open_store();
        assert_ok(store_append(store, bare, 1, NULL));
        for (size_t i = 0; i < 4; i++)
            fill(store, whole, places[i]);
        assert_ok(store_commit(store, NULL));
        char *got = dump_view(store);
        assert_string_equal(got, want);
        mem_free(got);
        store_close(&store);
    }
    mem_free(want);
    commit_destroy(&whole);
    commit_destroy(&bare);
    writer_clear(&writer);
}

// ---- payloads that do not read ----

static buf_t stored_payloads(store_t *store)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    assert_ok(sql_first(store->sql, "SELECT payloads FROM commit_log WHERE id = 1", SQL_NO_VALUES,
                        &statement, &row, NULL));
    assert_true(row);
    buf_t payloads = buf_copy(sql_column_span(statement, 0));
    sql_done(statement);
    return payloads;
}

static void spoil(store_t *store, span_t payloads)
{
    assert_ok(sql_run(store->sql, "UPDATE commit_log SET payloads = ?1 WHERE id = 1",
                      SQL_ROW(sql_blob(payloads.data, payloads.size)), NULL));
    assert_ok(store_rebuild(store, NULL));
    assert_ok(store_commit(store, NULL));
}

static size_t count_missing(store_t *store)
{
    place_t places[8];
    uint64_t after = 0;
    size_t count = 0;
    assert_ok(store_missing_payloads(store, &after, 8, places, &count, NULL));
    return count;
}

// The third payload's tag within the payload, or where it begins: then nothing from there on
// can be told apart.
static buf_t spoilt_third(const buf_t *payloads, size_t skip)
{
    buf_t spoilt = buf_copy(buf_span(payloads));
    scan_t scan = scan_of(buf_span(&spoilt));
    change_t change;
    assert_true(commit_scan_payload(&scan, 1, &change));
    spoilt.data[(size_t)(scan.at - spoilt.data) + skip] ^= 0xf0;
    return spoilt;
}

static void expect_parked(store_t *store, const err_t want[4])
{
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(parked_at(store, 1, 1, i + 1), want[i]);
}

// One at a time, in this order; each that was not asked for changes nothing. In the end all
// is as it was.
static void expect_mended(store_t *store, const commit_t *whole, const char *view,
                          const buf_t *payloads, const size_t order[4])
{
    for (size_t i = 0; i < 4; i++)
        fill(store, whole, order[i]);
    assert_ok(store_commit(store, NULL));
    char *got = dump_view(store);
    buf_t stored = stored_payloads(store);
    assert_string_equal(got, view);
    assert_true(span_equal(buf_span(&stored), buf_span(payloads)));
    assert_int_equal(count_missing(store), 0);
    buf_free(&stored);
    mem_free(got);
}

static void damaged_payloads_are_parked_and_asked_for_again(void **state)
{
    (void)state;
    static const size_t forth[] = {0, 1, 2, 3}, back[] = {3, 2, 1, 0}, mixed[] = {2, 0, 3, 1};
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    commit_t *whole = revisions_without_payload(&writer);
    hash_t before, after;
    assert_ok(store_append(store, whole, 1, NULL));
    write_record(&writer, 0, "{'kind':'organisation','key':'next','acronym':'N'}");
    append_written(store, &writer);
    assert_ok(store_commit(store, NULL));
    assert_ok(read_digest(store->sql, &before, NULL));
    char *view = dump_view(store);
    buf_t payloads = stored_payloads(store);
    buf_t inside = spoilt_third(&payloads, 2), border = spoilt_third(&payloads, 0);

    spoil(store, span_text("\xff"));
    expect_parked(store, (err_t[]){ERR_DAMAGED, ERR_DAMAGED, ERR_DAMAGED, ERR_DAMAGED});
    current_t current = current_of(store, 5);
    expect_body(&current, "N");
    assert_ok(read_digest(store->sql, &after, NULL));
    assert_true(hash_equal(&before, &after)); // headers decide
    assert_int_equal(count_missing(store), 4);
    fill(store, whole, 1); // with it goes what was in the place of the others
    expect_parked(store,
                  (err_t[]){ERR_PAYLOAD_MISSING, ERR_OK, ERR_PAYLOAD_MISSING, ERR_PAYLOAD_MISSING});
    assert_int_equal(count_missing(store), 3);
    expect_mended(store, whole, view, &payloads, mixed);

    spoil(store, buf_span(&inside));
    expect_parked(store, (err_t[]){ERR_OK, ERR_OK, ERR_DAMAGED, ERR_OK});
    assert_int_equal(count_missing(store), 1);
    expect_mended(store, whole, view, &payloads, back);

    spoil(store, buf_span(&border));
    expect_parked(store, (err_t[]){ERR_OK, ERR_OK, ERR_DAMAGED, ERR_DAMAGED});
    assert_int_equal(count_missing(store), 2);
    expect_mended(store, whole, view, &payloads, forth);

    buf_free(&inside);
    buf_free(&border);
    buf_free(&payloads);
    mem_free(view);
    commit_destroy(&whole);
    writer_clear(&writer);
    store_close(&store);
}

// A disk that read wrongly once: what was asked for is found to be there.
static void a_payload_that_reads_again_is_shown(void **state)
{
    (void)state;
    static const size_t order[] = {0, 1, 2, 3};
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    commit_t *whole = revisions_without_payload(&writer);
    assert_ok(store_append(store, whole, 1, NULL));
    assert_ok(store_commit(store, NULL));
    char *view = dump_view(store);
    buf_t payloads = stored_payloads(store);
    spoil(store, span_text("\xff"));
    assert_ok(sql_run(store->sql, "UPDATE commit_log SET payloads = ?1",
                      SQL_ROW(sql_blob(payloads.data, payloads.size)), NULL));
    expect_mended(store, whole, view, &payloads, order);
    buf_free(&payloads);
    mem_free(view);
    commit_destroy(&whole);
    writer_clear(&writer);
    store_close(&store);
}

// Any one bit: the view is made anew, and the other commit's record is as it was.
static void any_bit_of_payloads_may_flip(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    commit_t *whole = revisions_without_payload(&writer);
    size_t asked = 0;
    assert_ok(store_append(store, whole, 1, NULL));
    write_record(&writer, 0, "{'kind':'organisation','key':'next','acronym':'N'}");
    append_written(store, &writer);
    assert_ok(store_commit(store, NULL));
    buf_t payloads = stored_payloads(store);
    for (size_t bit = 0; bit < payloads.size * 8; bit += thin(41)) {
        payloads.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        spoil(store, buf_span(&payloads));
        payloads.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        asked += count_missing(store) > 0;
        current_t current = current_of(store, 5);
        expect_body(&current, "N");
        for (size_t i = 0; i < 4; i++) {
            const change_t *change = &whole->changes[i];
            err_t err =
                store_fill_payload(store, &whole->feed, i + 1, change->salt, change->body, NULL);
            assert_true(!err || err == ERR_PAYLOAD_ERASED); // as a flipped state may say
        }
    }
    assert_true(asked > 4 * 8 / thin(41)); // at least the bits of where each begins
    buf_free(&payloads);
    commit_destroy(&whole);
    writer_clear(&writer);
    store_close(&store);
}

// It came after the retraction: it counts for nothing, with or without payload.
static void a_late_payload_of_what_does_not_count(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A1'}");
    write_retraction(&writer, 1, 1);
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A3'}");
    commit_t *whole = seal_commit(&writer), *bare = commit_copy(whole);
    lose_payload(bare, 2, PAYLOAD_MISSING);
    assert_ok(store_append(store, bare, 1, NULL));
    assert_int_equal(parked_at(store, 1, 1, 3), ERR_RETRACTED);
    fill(store, whole, 2);
    assert_int_equal(parked_at(store, 1, 1, 3), ERR_RETRACTED);
    current_t current = current_of(store, 1);
    assert_true(current.readable);
    assert_int_equal(current.revision, 2);
    expect_body(&current, "A1");
    commit_destroy(&whole);
    commit_destroy(&bare);
    writer_clear(&writer);
    store_close(&store);
}

static void an_erased_payload_stays_erased(void **state)
{
    (void)state;
    store_t *store = open_store();
    writer_t writer = writer_of(1, 1, 1);
    write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A1'}");
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A2'}");
    commit_t *whole = seal_commit(&writer), *bare = commit_copy(whole);
    lose_payload(bare, 1, PAYLOAD_ERASED);
    assert_ok(store_append(store, bare, 1, NULL));
    assert_int_equal(parked_at(store, 1, 1, 2), ERR_PAYLOAD_ERASED);
    assert_refused(store_fill_payload(store, &whole->feed, 2, whole->changes[1].salt,
                                      whole->changes[1].body, NULL),
                   ERR_PAYLOAD_ERASED);
    current_t current = current_of(store, 1);
    assert_false(current.readable);
    expect_body(&current, "A1");
    commit_destroy(&whole);
    commit_destroy(&bare);
    writer_clear(&writer);
    store_close(&store);
}

// ---- order of arrival over epochs ----

enum { COMMITS = 4 };

// Two epochs, four commits each. Epoch 2 revises, retracts and mistakes records of epoch 1.
static void write_epochs(commit_t *first[COMMITS], commit_t *second[COMMITS])
{
    writer_t old = writer_of(1, 1, 1), new = writer_of(1, 2, 1);
    write_record(&old, 0, "{'kind':'organisation','key':'a','acronym':'A','label':'TLP:RED'}");
    write_record(&old, 0, "{'kind':'membership','key':'m','member':'@BB:x'}"); // 2
    first[0] = seal_commit(&old);
    write_record(&old, 1, "{'kind':'organisation','key':'a','acronym':'A2'}"); // 3
    write_record(&old, 0, "{'kind':'organisation','key':'c','acronym':'C'}");  // 4
    first[1] = seal_commit(&old);
    write_retraction(&old, 1, 4);                                              // 5
    write_record(&old, 2, "{'kind':'membership','key':'m','member':'@BB:y'}"); // 6
    first[2] = seal_commit(&old);
    write_record(&old, 0, "{'kind':'body','key':'d'}");                        // 7
    write_record(&old, 4, "{'kind':'organisation','key':'c','acronym':'C8'}"); // 8: too late
    first[3] = seal_commit(&old);

    aim(write_record(&new, 9, "{'kind':'organisation','key':'a','acronym':'A4'}"), 1, 1, 1);
    aim(write_record(&new, 9, "{'kind':'organisation','key':'a','acronym':'?'}"), 1, 1, 3);
    second[0] = seal_commit(&new);
    write_retraction(&new, 1, 2); // 3
    aim(write_record(&new, 9, "{'kind':'organisation','key':'c','acronym':'C3'}"), 1, 1, 4);
    second[1] = seal_commit(&new);
    aim(write_record(&new, 9, "{'kind':'body','key':'other'}"), 1, 1, 7);   // 5: key-fixed
    aim(write_record(&new, 9, "{'kind':'membership','key':'m'}"), 1, 1, 2); // 6: too late
    second[2] = seal_commit(&new);
    write_record(&new, 0, "{'kind':'organisation','key':'a','acronym':'again'}"); // 7
    aim(write_change(&new, CHANGE_RETRACT, span_text("")), 1, 1, 99);             // 8: never comes
    second[3] = seal_commit(&new);
    writer_clear(&old);
    writer_clear(&new);
}

static const char expected_view[] =
    "AA 1/1:1 1 stands 2/1:1 newest 2/1:1 content 2/1:1 1 3 1000 2000 0 34 0 a -\n"
    "AA 1/1:2 2 stands 2/1:3 newest 1/1:6 content 1/1:6 2 3 1000 2010 0 35 0 m -\n"
    "AA 1/1:4 4 stands 1/1:5 newest 1/1:4 content 1/1:4 2 2 1010 1020 0 34 0 c -\n"
    "AA 1/1:7 7 stands 2/1:5 newest 2/1:5 content 1/1:7 1 2 1030 2020 174 55 0 d -\n"
    "AA 2/1:7 7 stands 2/1:7 newest 2/1:7 content 2/1:7 1 1 2030 2030 0 34 0 a -\n"
    "ref AA 1/1:2 1 member BB y - - -\n"
    "parked AA 1/1:8 175\n"
    "parked AA 2/1:2 192\n"
    "parked AA 2/1:4 175\n"
    "parked AA 2/1:5 174\n"
    "parked AA 2/1:6 175\n"
    "parked AA 2/1:8 180\n"
    "digest ";

// An interleaving is eight bits, four of them set: whose commit comes next.
static char *view_in_order(commit_t *const *first, commit_t *const *second, unsigned order,
                           bool rebuild)
{
    store_t *store = open_store();
    size_t a = 0, b = 0;
    for (size_t i = 0; i < 2 * COMMITS; i++)
        assert_ok(store_append(store, order & 1u << i ? first[a++] : second[b++], 1, NULL));
    if (rebuild)
        assert_ok(store_rebuild(store, NULL));
    assert_ok(store_commit(store, NULL));
    char *dump = dump_view(store);
    store_close(&store);
    return dump;
}

static void every_order_of_arrival_gives_the_same_rows(void **state)
{
    (void)state;
    commit_t *first[COMMITS], *second[COMMITS];
    write_epochs(first, second);
    char *want = view_in_order(first, second, 0x0f, false);
    assert_memory_equal(want, expected_view, strlen(expected_view));
    size_t orders = 0;
    for (unsigned order = 0; order < 256; order += (unsigned)thin(5)) {
        if (__builtin_popcount(order) != COMMITS)
            continue;
        char *got = view_in_order(first, second, order, order % 3 == 0);
        assert_string_equal(got, want);
        mem_free(got);
        orders++;
    }
    assert_true(orders == 70 || (thin(5) > 1 && orders > 7));
    mem_free(want);
    for (size_t i = 0; i < COMMITS; i++) {
        commit_destroy(&first[i]);
        commit_destroy(&second[i]);
    }
}

// Many records, many revisions, many epochs of arrival, by a fixed generator.
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static commit_t *random_commit(writer_t *writer, uint32_t *seed)
{
    size_t count = 1 + next_random(seed) % 6;
    for (size_t i = 0; i < count; i++) {
        char json[96];
        uint32_t what = next_random(seed) % 20;
        uint32_t epoch = 1 + next_random(seed) % 2;
        uint64_t number = 1 + next_random(seed) % 12;
        snprintf(json, sizeof json, "{'kind':'%s','key':'k%u','label':'TLP:GREEN'}",
                 what % 7 ? "organisation" : "body", what % 11 ? 1u : next_random(seed) % 3);
        if (what < 2) {
            write_retraction(writer, epoch, number);
            continue;
        }
        draft_t *draft = write_record(writer, 0, json);
        draft->min_reader = what == 3 ? 9 : 1;
        if (what > 8)
            aim(draft, epoch, 1, number);
    }
    return seal_commit(writer);
}

// `odd`: that one of them is not as the others.
static void write_many(writer_t *writer, size_t i, size_t odd)
{
    static const char *const bodies[] = {"{'kind':'body'}",
                                         "{'kind':'body','key':'x','example':true}"};
    char json[96];
    snprintf(json, sizeof json, "{'kind':'%s','key':'k%zu','label':'TLP:%s'}",
             i % 3 ? "body" : "organisation", i, i % 5 ? "GREEN" : "CLEAR");
    if (i != odd)
        write_record(writer, 0, json);
    else if (i % 3 == 2)
        write_change(writer, CHANGE_RECORD, span_text("\xff"));
    else
        write_record(writer, 0, bodies[i % 3]);
}

// Several rows to a statement or one to each: the same rows.
static void rows_are_the_same_however_many_are_written_at_once(void **state)
{
    enum { EACH = 16 };
    (void)state;
    for (size_t odd = 3; odd < EACH; odd += 4) { // of the second commit none is
        store_t *together = open_store(), *apart = open_store();
        writer_t one = writer_of(1, 1, 1), each = writer_of(1, 1, 1);
        for (size_t i = 0; i < 2 * EACH; i++) {
            write_many(&each, i, odd);
            write_many(&one, i, odd);
            each.time_ms = 1000;
            append_written(apart, &each);
            if (i % EACH == EACH - 1) {
                one.time_ms = 1000;
                append_written(together, &one);
            }
        }
        char *want = dump_view(apart), *got = dump_view(together);
        assert_non_null(strstr(want, "TLP:CLEAR"));
        // The digest is over commitments, whose salts are drawn by commit.
        *strstr(want, "digest ") = *strstr(got, "digest ") = '\0';
        assert_string_equal(got, want);
        mem_free(want);
        mem_free(got);
        writer_clear(&one);
        writer_clear(&each);
        store_close(&together);
        store_close(&apart);
    }
}

// As it comes from a peer, looked at ahead.
static void append_looked_at(store_t *store, commit_t *commit)
{
    run_t run;
    hash_t coalition = make_coalition();
    buf_t bytes = run_encode(&commit->feed, &commit, 1);
    assert_ok(run_prepare(buf_span(&bytes), &(pubkey_t){{0}}, &coalition, &run, NULL));
    assert_non_null(run.commits[0]->looks);
    assert_ok(store_append(store, run.commits[0], 1, NULL));
    run_clear(&run);
    buf_free(&bytes);
}

static void incremental_equals_rebuilt(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 40; round += (uint32_t)thin(4)) {
        uint32_t seed = round;
        store_t *store = open_store(), *ahead = open_store();
        writer_t writers[] = {writer_of(1, 1, 1), writer_of(1, 2, 1)};
        for (size_t i = 0; i < 14; i++) {
            commit_t *commit = random_commit(&writers[next_random(&seed) % 2], &seed), *whole;
            whole = commit_copy(commit);
            size_t lost = next_random(&seed) % commit->count;
            bool lose = next_random(&seed) % 2;
            if (lose)
                lose_payload(commit, lost, PAYLOAD_MISSING);
            assert_ok(store_append(store, commit, 1, NULL));
            append_looked_at(ahead, commit);
            if (lose && next_random(&seed) % 2) {
                fill(store, whole, lost);
                fill(ahead, whole, lost);
            }
            commit_destroy(&commit);
            commit_destroy(&whole);
        }
        assert_ok(store_commit(store, NULL));
        assert_ok(store_commit(ahead, NULL));
        char *incremental = dump_view(store), *looked_at = dump_view(ahead);
        assert_string_equal(looked_at, incremental);
        mem_free(looked_at);
        store_close(&ahead);
        assert_ok(store_rebuild(store, NULL));
        assert_ok(store_commit(store, NULL));
        char *rebuilt = dump_view(store);
        if (strcmp(incremental, rebuilt) != 0)
            fail_msg("seed %u:\n%s\n\n%s", round, incremental, rebuilt);
        mem_free(incremental);
        mem_free(rebuilt);
        writer_clear(&writers[0]);
        writer_clear(&writers[1]);
        store_close(&store);
    }
}

static void a_view_of_another_version_is_made_anew(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = NULL;
    writer_t writer = writer_of(1, 1, 1);
    assert_ok(store_open(path, NULL, &store, NULL));
    found_coalition(store);
    write_record(&writer, 0, "{'kind':'organisation','key':'a'}");
    append_written(store, &writer);
    assert_ok(store_commit(store, NULL));
    char *want = dump_view(store);
    // As an older version would have left it: parked, without a row.
    assert_ok(sql_script(store->sql,
                         "DELETE FROM record; INSERT INTO parked VALUES (1, 190);"
                         "UPDATE meta SET view_schema = 0, digest = zeroblob(32)",
                         NULL));
    store_close(&store);
    assert_ok(store_open(path, NULL, &store, NULL));
    char *got = dump_view(store);
    assert_string_equal(got, want);
    mem_free(got);
    mem_free(want);
    mem_free(path);
    writer_clear(&writer);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_the_sum_by_definition),
        cmocka_unit_test(a_record_is_created_revised_and_retracted),
        cmocka_unit_test(a_change_that_fits_nothing_is_parked),
        cmocka_unit_test(restricted_lanes_are_stored_and_no_more),
        cmocka_unit_test(the_newest_readable_revision_is_shown),
        cmocka_unit_test(bad_content_is_parked),
        cmocka_unit_test(references_are_stored_as_given),
        cmocka_unit_test(a_payload_that_comes_later_is_shown),
        cmocka_unit_test(payloads_may_come_in_any_order),
        cmocka_unit_test(damaged_payloads_are_parked_and_asked_for_again),
        cmocka_unit_test(a_payload_that_reads_again_is_shown),
        cmocka_unit_test(any_bit_of_payloads_may_flip),
        cmocka_unit_test(a_late_payload_of_what_does_not_count),
        cmocka_unit_test(an_erased_payload_stays_erased),
        cmocka_unit_test(every_order_of_arrival_gives_the_same_rows),
        cmocka_unit_test(rows_are_the_same_however_many_are_written_at_once),
        cmocka_unit_test(incremental_equals_rebuilt),
        SCRATCH_TEST(a_view_of_another_version_is_made_anew),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
