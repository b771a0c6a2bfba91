// Readers: pages, single records, history, tail, references, digest.
#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/make_commits.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// A store in a file, and a reader beside the open writer.
typedef struct {
    char *path;
    store_t *store;
    reader_t *reader;
} both_t;

static both_t open_both(void **state)
{
    both_t both = {.path = scratch_path(*state, "enlace.db")};
    assert_ok(store_open(both.path, NULL, &both.store, NULL));
    found_coalition(both.store);
    assert_ok(reader_open(both.path, &both.reader, NULL));
    return both;
}

static void close_both(both_t *both)
{
    reader_close(&both->reader);
    store_close(&both->store);
    mem_free(both->path);
}

static void append_turn(both_t *both, writer_t *writer)
{
    append_written(both->store, writer);
    assert_ok(store_commit(both->store, NULL));
}

// ---- rows as text ----

typedef struct {
    buf_t text;
    size_t stop_after; // 0: never
    size_t rows;
} told_t;

static bool tell(void *context, const row_t *row)
{
    told_t *told = context;
    char id[RECORD_ID_TEXT], change[RECORD_ID_TEXT], line[400];
    record_t *record = NULL;
    const char *acronym = "";
    if (row->body.size)
        assert_ok(record_decode(row->body, &record, NULL));
    if (record && strcmp(row->kind, "organisation") == 0 && record->organisation->acronym)
        acronym = record->organisation->acronym;
    record_id_format(row->owner, row->id, id);
    record_id_format(row->owner, row->change, change);
    int size =
        snprintf(line, sizeof line, "%s %s #%llu t%u %s %s %s%s%s r%llu %llu-%llu %s [%s]\n", id,
                 change, (unsigned long long)row->apply, row->type, row->kind ? row->kind : "-",
                 row->key ? row->key : "-", row->label ? row->label : "-",
                 row->retracted ? " retracted" : "", row->example ? " example" : "",
                 (unsigned long long)row->revision, (unsigned long long)row->created_ms,
                 (unsigned long long)row->changed_ms, err_name(row->note), acronym);
    buf_append(&told->text, span_of(line, (size_t)size));
    record_destroy(&record);
    told->rows++;
    return told->rows != told->stop_after;
}

static void expect_told(told_t *told, const char *want)
{
    buf_append(&told->text, span_of("", 1));
    assert_string_equal((const char *)told->text.data, want);
    buf_free(&told->text);
    *told = (told_t){0};
}

// ---- list ----

// AA: organisations in epochs 1 and 2 and lane 0; BB, CC: some, and some retracted.
static void write_three(both_t *both)
{
    writer_t a = writer_of(1, 1, 1), a0 = writer_of(1, 1, 0), a2 = writer_of(1, 2, 1);
    writer_t b = writer_of(2, 1, 1), c = writer_of(3, 1, 1);
    write_record(&c, 0, "{'kind':'organisation','key':'c1','acronym':'C1'}");
    append_turn(both, &c);
    write_record(&a2, 0, "{'kind':'organisation','key':'a5','acronym':'A5'}");
    append_turn(both, &a2);
    write_record(&a, 0, "{'kind':'organisation','key':'a1','acronym':'A1'}");
    write_record(&a, 0, "{'kind':'body','key':'a2'}");
    write_record(&a, 0, "{'kind':'organisation','key':'a3','acronym':'A3'}");
    append_turn(both, &a);
    write_record(&a0, 0, "{'kind':'organisation','key':'a0','acronym':'A0'}");
    append_turn(both, &a0);
    write_record(&b, 0, "{'kind':'organisation','key':'b1','acronym':'B1'}");
    write_retraction(&b, 1, 1);
    append_turn(both, &b);
    writer_t *all[] = {&a, &a0, &a2, &b, &c};
    for (size_t i = 0; i < 5; i++)
        writer_clear(all[i]);
}

static const char three_listed[] = "AA/0:1 AA/0:1 #6 t1 organisation a0 - r1 1000-1000 ok [A0]\n"
                                   "AA:1 AA:1 #3 t1 organisation a1 - r1 1000-1000 ok [A1]\n"
                                   "AA:3 AA:3 #5 t1 organisation a3 - r1 1000-1000 ok [A3]\n"
                                   "AA.2:1 AA.2:1 #2 t1 organisation a5 - r1 2000-2000 ok [A5]\n"
                                   "CC:1 CC:1 #1 t1 organisation c1 - r1 1000-1000 ok [C1]\n";

static void a_kind_is_listed_by_owner_and_position(void **state)
{
    both_t both = open_both(state);
    told_t told = {0};
    bool end = false;
    write_three(&both);
    for (size_t page = 1; page < 8; page++) { // whatever the size of a page
        buf_t cursor = {0};
        size_t pages = 0;
        for (end = false; !end; pages++) {
            size_t before = told.rows;
            assert_ok(reader_list(both.reader, "organisation", NULL, false, page, &cursor, &end,
                                  tell, &told, NULL));
            assert_true(told.rows - before <= page);
            assert_true(pages < 20);
        }
        expect_told(&told, three_listed);
        buf_free(&cursor);
    }
    close_both(&both);
}

// One record's content that does not read: the others are listed, and it is named.
static void a_damaged_payload_does_not_end_a_list(void **state)
{
    both_t both = open_both(state);
    told_t told = {0};
    buf_t cursor = {0};
    bool end = false;
    write_three(&both);
    assert_ok(sql_script(both.store->sql,
                         "UPDATE commit_log SET payloads = CAST(x'ff' || substr(payloads, 2) AS"
                         " BLOB) WHERE id = 6",
                         NULL));
    while (!end)
        assert_ok(reader_list(both.reader, "organisation", NULL, false, 2, &cursor, &end, tell,
                              &told, NULL));
    expect_told(&told, "AA/0:1 AA/0:1 #6 t1 organisation a0 - r1 1000-1000 damaged []\n"
                       "AA:1 AA:1 #3 t1 organisation a1 - r1 1000-1000 ok [A1]\n"
                       "AA:3 AA:3 #5 t1 organisation a3 - r1 1000-1000 ok [A3]\n"
                       "AA.2:1 AA.2:1 #2 t1 organisation a5 - r1 2000-2000 ok [A5]\n"
                       "CC:1 CC:1 #1 t1 organisation c1 - r1 1000-1000 ok [C1]\n");
    buf_free(&cursor);
    close_both(&both);
}

static void a_list_can_be_narrowed(void **state)
{
    both_t both = open_both(state);
    told_t told = {0};
    buf_t cursor = {0};
    bool end = false;
    write_three(&both);
    origin_t b = origin_of_member(2), nobody = {{9}};
    assert_ok(
        reader_list(both.reader, "organisation", &b, false, 10, &cursor, &end, tell, &told, NULL));
    assert_int_equal(told.rows, 0);
    assert_true(end);
    buf_clear(&cursor);
    assert_ok(
        reader_list(both.reader, "organisation", &b, true, 10, &cursor, &end, tell, &told, NULL));
    expect_told(&told, "BB:1 BB:2 #8 t2 organisation b1 - retracted r2 1000-1000 ok [B1]\n");
    buf_clear(&cursor);
    assert_ok(reader_list(both.reader, "body", NULL, false, 10, &cursor, &end, tell, &told, NULL));
    expect_told(&told, "AA:2 AA:2 #4 t1 body a2 - r1 1000-1000 ok []\n");
    buf_clear(&cursor);
    assert_ok(reader_list(both.reader, "organisation", &nobody, true, 10, &cursor, &end, tell,
                          &told, NULL));
    assert_true(end && told.rows == 0);
    buf_clear(&cursor);
    assert_refused(
        reader_list(both.reader, "nothing", NULL, true, 10, &cursor, &end, tell, &told, NULL),
        ERR_UNKNOWN_KIND);
    buf_free(&cursor);
    close_both(&both);
}

static void the_caller_may_stop(void **state)
{
    both_t both = open_both(state);
    told_t told = {.stop_after = 2};
    buf_t cursor = {0};
    bool end = false;
    write_three(&both);
    assert_ok(reader_list(both.reader, "organisation", NULL, false, 10, &cursor, &end, tell, &told,
                          NULL));
    assert_false(end);
    assert_int_equal(told.rows, 2);
    assert_ok(reader_list(both.reader, "organisation", NULL, false, 10, &cursor, &end, tell, &told,
                          NULL));
    assert_true(end);
    expect_told(&told, three_listed);
    buf_free(&cursor);
    close_both(&both);
}

static void bad_cursors_are_refused(void **state)
{
    both_t both = open_both(state);
    told_t told = {0};
    bool end = false;
    write_three(&both);
    origin_t a = origin_of_member(1);
    for (size_t size = 1; size < 40; size++) {
        buf_t cursor = {0};
        memset(buf_extend(&cursor, size), 0xff, size);
        assert_refused(
            reader_list(both.reader, "body", NULL, false, 9, &cursor, &end, tell, &told, NULL),
            ERR_BAD_VALUE);
        assert_refused(reader_history(both.reader, &a, (position_t){1, 1, 1}, 9, &cursor, &end,
                                      tell, &told, NULL),
                       ERR_BAD_VALUE);
        buf_free(&cursor);
    }
    // A place behind which nothing can be counted on: code, epoch, lane, then the change.
    buf_t far = {0};
    static const uint8_t last[16] = {1,    0,    0,    0,    1,    0,    0,    0,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    static const char code[CODE_MAX + 1] = "AA";
    buf_append(&far, span_of(code, sizeof code));
    buf_append(&far, span_of(last, sizeof last));
    assert_refused(reader_list(both.reader, "body", NULL, false, 9, &far, &end, tell, &told, NULL),
                   ERR_BAD_VALUE);
    buf_free(&far);
    close_both(&both);
}

// More retracted records than a call looks at: pages may be empty, the walk ends.
static void a_call_is_bounded(void **state)
{
    both_t both = open_both(state);
    writer_t writer = writer_of(1, 1, 1);
    told_t told = {0};
    buf_t cursor = {0};
    bool end = false;
    size_t calls = 0;
    for (int i = 0; i < 700; i++) {
        for (int k = 0; k < 7; k++) {
            write_record(&writer, 0, "{'kind':'organisation'}");
            write_retraction(&writer, 1, writer.next + writer.count - 1);
        }
        append_written(both.store, &writer);
    }
    write_record(&writer, 0, "{'kind':'organisation','acronym':'last'}");
    append_turn(&both, &writer);
    for (; !end; calls++)
        assert_ok(reader_list(both.reader, "organisation", NULL, false, 10, &cursor, &end, tell,
                              &told, NULL));
    assert_int_equal(calls, 2);
    assert_int_equal(told.rows, 1);
    buf_free(&told.text);
    buf_free(&cursor);
    writer_clear(&writer);
    close_both(&both);
}

// ---- one record ----

static void one_record_is_shown(void **state)
{
    both_t both = open_both(state);
    writer_t writer = writer_of(1, 1, 1);
    told_t told = {0};
    write_record(
        &writer, 0,
        "{'kind':'organisation','key':'k','acronym':'K','label':'TLP:RED','example':true}");
    write_record(&writer, 1, "{'kind':'organisation','key':'k','acronym':'K2'}")->min_reader = 5;
    append_turn(&both, &writer);
    const origin_t *origin = &writer.feed.origin;
    position_t id = {1, 1, 1};
    assert_ok(reader_record(both.reader, origin, id, tell, &told, NULL));
    assert_ok(reader_by_key(both.reader, origin, "k", tell, &told, NULL));
    expect_told(&told, "AA:1 AA:2 #2 t1 organisation k TLP:RED example r2 1000-1000 "
                       "needs-newer-reader [K]\n"
                       "AA:1 AA:2 #2 t1 organisation k TLP:RED example r2 1000-1000 "
                       "needs-newer-reader [K]\n");
    id.number = 2;
    assert_refused(reader_record(both.reader, origin, id, tell, &told, NULL), ERR_NO_SUCH_RECORD);
    assert_refused(reader_by_key(both.reader, origin, "none", tell, &told, NULL),
                   ERR_NO_SUCH_RECORD);
    write_record(&writer, 0, "{'kind':'organisation','key':'k'}");
    append_turn(&both, &writer);
    assert_refused(reader_by_key(both.reader, origin, "k", tell, &told, NULL), ERR_AMBIGUOUS_KEY);
    assert_int_equal(told.rows, 0);
    writer_clear(&writer);
    close_both(&both);
}

// ---- history and tail ----

static void write_past(both_t *both, writer_t *writer, writer_t *later)
{
    write_record(writer, 0, "{'kind':'organisation','key':'k','acronym':'1'}");
    write_record(writer, 1, "{'kind':'organisation','key':'k','acronym':'2'}")->min_reader = 5;
    write_record(writer, 1, "{'kind':'body','key':'k'}");
    append_turn(both, writer);
    aim(write_record(later, 0, "{'kind':'organisation','key':'k','acronym':'5'}"), 1, 1, 1);
    write_retraction(later, 1, 1);
    write_record(later, 0, "{'kind':'organisation','key':'k','acronym':'7'}");
    aim(&later->drafts[2], 1, 1, 1);
    append_turn(both, later);
    write_record(writer, 1, "{'kind':'organisation','key':'k','acronym':'4'}");
    append_turn(both, writer);
}

static void a_history_has_every_revision_in_order(void **state)
{
    both_t both = open_both(state);
    writer_t writer = writer_of(1, 1, 1), later = writer_of(1, 2, 1);
    told_t told = {0};
    write_past(&both, &writer, &later);
    for (size_t page = 1; page < 9; page++) {
        buf_t cursor = {0};
        bool end = false;
        while (!end)
            assert_ok(reader_history(both.reader, &writer.feed.origin, (position_t){1, 1, 1}, page,
                                     &cursor, &end, tell, &told, NULL));
        expect_told(&told, "AA:1 AA:1 #1 t1 organisation k - r1 1000-1000 ok [1]\n"
                           "AA:1 AA:2 #2 t1 - - - r2 1000-1000 needs-newer-reader []\n"
                           "AA:1 AA:3 #3 t1 - - - r3 1000-1000 kind-fixed []\n"
                           "AA:1 AA:4 #7 t1 organisation k - r4 1000-1010 ok [4]\n"
                           "AA:1 AA.2:1 #4 t1 organisation k - r5 1000-2000 ok [5]\n"
                           "AA:1 AA.2:2 #5 t2 organisation k - retracted r6 1000-2000 ok [5]\n"
                           "AA:1 AA.2:3 #6 t1 organisation k - r0 1000-2000 retracted [7]\n");
        buf_free(&cursor);
    }
    buf_t cursor = {0};
    bool end = false;
    assert_refused(reader_history(both.reader, &writer.feed.origin, (position_t){1, 1, 2}, 9,
                                  &cursor, &end, tell, &told, NULL),
                   ERR_NO_SUCH_RECORD);
    buf_free(&cursor);
    writer_clear(&writer);
    writer_clear(&later);
    close_both(&both);
}

static void a_tail_follows_what_is_applied(void **state)
{
    both_t both = open_both(state);
    writer_t writer = writer_of(1, 1, 1), later = writer_of(1, 2, 1);
    writer_t control = writer_of(2, 1, 0), sealed = writer_of(2, 1, 2);
    told_t told = {0};
    uint64_t last = 99, newest = 99;
    assert_ok(reader_tail(both.reader, 0, 10, &last, tell, &told, NULL));
    assert_int_equal(last, 0);
    write_past(&both, &writer, &later);
    write_change(&sealed, CHANGE_SEALED, span_text("x"));
    append_turn(&both, &sealed); // 8: passed over
    write_change(&control, CHANGE_CONSENT, span_text("x"));
    write_change(&control, 99, span_text("x"));
    write_retraction(&control, 1, 1); // of the consent: creates nothing
    append_turn(&both, &control);
    static const char want[] = "AA:1 AA:1 #1 t1 organisation k - r1 1000-1000 ok [1]\n"
                               "AA:1 AA:2 #2 t1 - - - r0 1000-1000 needs-newer-reader []\n"
                               "AA:1 AA:3 #3 t1 - - - r0 1000-1000 kind-fixed []\n"
                               "AA:1 AA.2:1 #4 t1 organisation k - r0 1000-2000 ok [5]\n"
                               "AA:1 AA.2:2 #5 t2 organisation k - retracted r6 1000-2000 ok [5]\n"
                               "AA:1 AA.2:3 #6 t1 organisation k - r0 1000-2000 retracted [7]\n"
                               "AA:1 AA:4 #7 t1 organisation k - r0 1000-1010 ok [4]\n"
                               "BB/0:1 BB/0:1 #9 t3 - - - r0 1000-1000 ok []\n"
                               "BB/0:2 BB/0:2 #10 t99 - - - r0 1000-1000 unknown-change-type []\n"
                               "BB/0:3 BB/0:3 #11 t2 - - - r0 1000-1000 bad-target []\n";
    assert_ok(reader_tail(both.reader, 0, 100, &last, tell, &told, NULL));
    assert_int_equal(last, 11);
    expect_told(&told, want);
    for (last = 0; last < 11;)
        assert_ok(reader_tail(both.reader, last, 2, &last, tell, &told, NULL));
    expect_told(&told, want);
    assert_ok(reader_tail(both.reader, 7, 1, &last, tell, &told, NULL));
    assert_int_equal(told.rows, 0);
    assert_int_equal(last, 8);
    assert_ok(reader_tail(both.reader, UINT64_MAX, 1, &last, tell, &told, NULL));
    assert_int_equal(told.rows, 0);
    assert_ok(reader_applied(both.reader, &newest, NULL));
    assert_int_equal(newest, 11);
    writer_t *all[] = {&writer, &later, &control, &sealed};
    for (size_t i = 0; i < 4; i++)
        writer_clear(all[i]);
    close_both(&both);
}

// ---- references, roster, digest ----

static void references_are_resolved(void **state)
{
    both_t both = open_both(state);
    writer_t writer = writer_of(1, 1, 1);
    resolved_t resolved;
    position_t none = {0, 0, 0};
    origin_t nobody = {{9}};
    write_record(&writer, 0, "{'kind':'organisation','key':'one','acronym':'1'}");
    write_record(&writer, 0, "{'kind':'organisation','key':'two'}");
    write_record(&writer, 0, "{'kind':'organisation','key':'two'}");
    write_record(&writer, 0, "{'kind':'body','key':'gone'}");
    write_retraction(&writer, 1, 4);
    write_change(&writer, CHANGE_RECORD, span_text("?"));
    append_turn(&both, &writer);
    const origin_t *origin = &writer.feed.origin;
    assert_ok(reader_resolve(both.reader, origin, "one", none, &resolved, NULL));
    assert_true(resolved.found);
    assert_int_equal(resolved.why, ERR_OK);
    assert_int_equal(resolved.id.number, 1);
    assert_string_equal(resolved.kind, "organisation");
    assert_true(resolved.body.size > 0);
    buf_free(&resolved.body);
    assert_ok(reader_resolve(both.reader, origin, "two", none, &resolved, NULL));
    assert_false(resolved.found);
    assert_int_equal(resolved.why, ERR_AMBIGUOUS_KEY);
    assert_ok(reader_resolve(both.reader, origin, "gone", none, &resolved, NULL));
    assert_true(resolved.found);
    assert_int_equal(resolved.why, ERR_RETRACTED);
    buf_free(&resolved.body);
    assert_ok(reader_resolve(both.reader, origin, NULL, (position_t){1, 1, 6}, &resolved, NULL));
    assert_true(resolved.found);
    assert_string_equal(resolved.kind, "");
    assert_int_equal(resolved.body.size, 0);
    assert_ok(reader_resolve(both.reader, origin, NULL, (position_t){3, 1, 1}, &resolved, NULL));
    assert_false(resolved.found);
    assert_int_equal(resolved.why, ERR_NOT_YET_HERE);
    assert_ok(reader_resolve(both.reader, &nobody, "one", none, &resolved, NULL));
    assert_int_equal(resolved.why, ERR_NOT_YET_HERE);
    writer_clear(&writer);
    close_both(&both);
}

static void the_roster_is_the_newest(void **state)
{
    both_t both = open_both(state);
    roster_t *charter = sample_charter(MEMBERS, 2), *second = sample_roster_after(charter), *got;
    assert_ok(store_add_roster(both.store, second, NULL));
    assert_ok(store_commit(both.store, NULL));
    assert_ok(reader_roster(both.reader, &got, NULL));
    assert_int_equal(got->version, 2);
    assert_true(hash_equal(&got->hash, &second->hash));
    roster_destroy(&got);
    roster_destroy(&charter);
    roster_destroy(&second);
    close_both(&both);
}

static void heads_are_in_the_order_of_codes(void **state)
{
    both_t both = open_both(state);
    digest_t digest;
    hash_t stored;
    writer_t sealed = writer_of(1, 1, 2);
    write_change(&sealed, CHANGE_SEALED, span_text("x"));
    append_turn(&both, &sealed);
    write_three(&both);
    writer_t stopped = writer_of(3, 1, 0); // nothing of it is held
    assert_ok(store_stop_feed(both.store, &stopped.feed, ERR_FORK, NULL, 1, NULL));
    assert_ok(store_commit(both.store, NULL));
    assert_ok(reader_digest(both.reader, &digest, NULL));
    static const struct {
        const char *code;
        uint32_t epoch, lane;
        uint64_t number;
    } want[] = {
        {"AA", 1, 0, 1}, {"AA", 1, 1, 3}, {"AA", 2, 1, 1}, {"BB", 1, 1, 2}, {"CC", 1, 1, 1}};
    assert_int_equal(digest.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(digest.codes[i].text, want[i].code);
        assert_int_equal(digest.heads[i].feed.epoch, want[i].epoch);
        assert_int_equal(digest.heads[i].feed.lane, want[i].lane);
        assert_int_equal(digest.heads[i].number, want[i].number);
        feed_place_t place;
        assert_ok(feed_find(both.store->sql, &digest.heads[i].feed, &place, NULL));
        assert_true(hash_equal(&place.hash, &digest.heads[i].hash));
    }
    assert_ok(read_digest(both.store->sql, &stored, NULL));
    assert_true(hash_equal(&stored, &digest.digest));
    digest_clear(&digest);
    assert_int_equal(digest.count, 0);
    writer_clear(&sealed);
    close_both(&both);
}

// ---- payloads that do not read ----

static void spoil_payloads(both_t *both, int64_t commit)
{
    assert_ok(sql_run(both->store->sql, "UPDATE commit_log SET payloads = x'ff' WHERE id = ?1",
                      SQL_ROW(sql_int(commit)), NULL));
}

static void a_damaged_payload_does_not_end_a_tail(void **state)
{
    both_t both = open_both(state);
    told_t told = {0};
    uint64_t last = 0;
    write_three(&both);
    spoil_payloads(&both, 3);
    spoil_payloads(&both, 7);
    for (size_t turns = 0; last < 8 && turns < 8; turns++)
        assert_ok(reader_tail(both.reader, last, 2, &last, tell, &told, NULL));
    assert_int_equal(last, 8);
    expect_told(&told, "CC:1 CC:1 #1 t1 organisation c1 - r1 1000-1000 ok [C1]\n"
                       "AA.2:1 AA.2:1 #2 t1 organisation a5 - r1 2000-2000 ok [A5]\n"
                       "AA:1 AA:1 #3 t1 - - - r1 1000-1000 damaged []\n"
                       "AA:2 AA:2 #4 t1 - - - r1 1000-1000 damaged []\n"
                       "AA:3 AA:3 #5 t1 - - - r1 1000-1000 damaged []\n"
                       "AA/0:1 AA/0:1 #6 t1 organisation a0 - r1 1000-1000 ok [A0]\n"
                       "BB:1 BB:1 #7 t1 - - - r1 1000-1000 damaged []\n"
                       "BB:1 BB:2 #8 t2 organisation b1 - retracted r2 1000-1000 damaged []\n");
    close_both(&both);
}

static void a_damaged_payload_does_not_end_a_history(void **state)
{
    both_t both = open_both(state);
    origin_t a = origin_of_member(1);
    writer_t writer = writer_of(1, 1, 1);
    told_t told = {0};
    buf_t cursor = {0};
    bool end = false;
    write_record(&writer, 0, "{'kind':'organisation','key':'a','acronym':'A1'}");
    append_turn(&both, &writer);
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A2'}");
    append_turn(&both, &writer);
    write_record(&writer, 1, "{'kind':'organisation','key':'a','acronym':'A3'}");
    append_turn(&both, &writer);
    spoil_payloads(&both, 2);
    assert_ok(reader_history(both.reader, &a, (position_t){1, 1, 1}, 9, &cursor, &end, tell, &told,
                             NULL));
    assert_true(end);
    expect_told(&told, "AA:1 AA:1 #1 t1 organisation a - r1 1000-1000 ok [A1]\n"
                       "AA:1 AA:2 #2 t1 - - - r2 1000-1010 damaged []\n"
                       "AA:1 AA:3 #3 t1 organisation a - r3 1000-1020 ok [A3]\n");
    buf_free(&cursor);
    writer_clear(&writer);
    close_both(&both);
}

// ---- opening ----

static void a_reader_sees_whole_turns_only(void **state)
{
    both_t both = open_both(state);
    writer_t writer = writer_of(1, 1, 1);
    uint64_t newest = 9;
    write_record(&writer, 0, "{'kind':'organisation'}");
    append_written(both.store, &writer);
    assert_ok(reader_applied(both.reader, &newest, NULL));
    assert_int_equal(newest, 0);
    assert_ok(store_commit(both.store, NULL));
    assert_ok(reader_applied(both.reader, &newest, NULL));
    assert_int_equal(newest, 1);
    writer_clear(&writer);
    close_both(&both);
}

static void a_reader_creates_nothing(void **state)
{
    char *path = scratch_path(*state, "none.db");
    reader_t *reader = NULL;
    verify_t verify = {0};
    assert_refused(reader_open(path, &reader, NULL), ERR_DISK_ERROR);
    assert_null(reader);
    assert_refused(store_verify(path, &verify, NULL), ERR_DISK_ERROR);
    assert_int_equal(scratch_entries(*state, ""), 0);
    mem_free(path);
}

// As on a read-only mount: file and directory cannot be written, by whoever asks.
static int read_without_writing(const char *path)
{
    reader_t *reader = NULL;
    uint64_t newest = 0;
    verify_t verify = {0};
    if (getuid() == 0 && setuid(65534))
        return 2;
    if (access(path, W_OK) == 0 || errno != EACCES)
        return 3;
    if (reader_open(path, &reader, NULL) || reader_applied(reader, &newest, NULL) || newest != 1)
        return 4;
    reader_close(&reader);
    return store_verify(path, &verify, NULL) || verify.found ? 5 : 0;
}

static void a_database_at_rest_is_read_where_nothing_can_be_written(void **state)
{
    both_t both = open_both(state);
    char *path = mem_copy_string(both.path), *directory = *state;
    writer_t writer = writer_of(1, 1, 1);
    write_record(&writer, 0, "{'kind':'organisation'}");
    append_turn(&both, &writer);
    close_both(&both);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(directory, 0555), 0);
    int result = in_a_child(read_without_writing, path);
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(result, 0);
    writer_clear(&writer);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_kind_is_listed_by_owner_and_position),
        SCRATCH_TEST(a_damaged_payload_does_not_end_a_list),
        SCRATCH_TEST(a_damaged_payload_does_not_end_a_tail),
        SCRATCH_TEST(a_damaged_payload_does_not_end_a_history),
        SCRATCH_TEST(a_list_can_be_narrowed),
        SCRATCH_TEST(the_caller_may_stop),
        SCRATCH_TEST(bad_cursors_are_refused),
        SCRATCH_TEST(a_call_is_bounded),
        SCRATCH_TEST(one_record_is_shown),
        SCRATCH_TEST(a_history_has_every_revision_in_order),
        SCRATCH_TEST(a_tail_follows_what_is_applied),
        SCRATCH_TEST(references_are_resolved),
        SCRATCH_TEST(the_roster_is_the_newest),
        SCRATCH_TEST(heads_are_in_the_order_of_codes),
        SCRATCH_TEST(a_reader_sees_whole_turns_only),
        SCRATCH_TEST(a_reader_creates_nothing),
        SCRATCH_TEST(a_database_at_rest_is_read_where_nothing_can_be_written),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
