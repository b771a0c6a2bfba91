// The store: turns, compare and set, what survives, what is refused.
#include <sys/stat.h>

#include "daemon/store/schema.h"
#include "tests/unit/make_commits.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static store_t *open_at(const char *path)
{
    store_t *store = NULL;
    assert_ok(store_open(path, NULL, &store, NULL));
    return store;
}

static store_t *open_founded(const char *path)
{
    store_t *store = open_at(path);
    found_coalition(store);
    return store;
}

static uint64_t applied(store_t *store)
{
    totals_t totals;
    assert_ok(store_totals(store, &totals, NULL));
    return totals.applied;
}

static commit_t *one_record(writer_t *writer)
{
    write_record(writer, 0, "{'kind':'organisation','acronym':'A'}");
    return seal_commit(writer);
}

// ---- compare and set ----

static void a_commit_must_follow_the_cursor(void **state)
{
    (void)state;
    store_t *store = open_founded(":memory:");
    writer_t writer = writer_of(1, 1, 1), other = writer_of(1, 1, 1);
    commit_t *first = one_record(&writer), *second = one_record(&writer), *third;
    third = one_record(&writer);
    write_record(&other, 0, "{'kind':'body'}");
    commit_t *rival = seal_commit(&other), *rival_second = one_record(&other);
    assert_refused(store_append(store, second, 1, NULL), ERR_OUT_OF_ORDER);
    assert_ok(store_append(store, first, 1, NULL));
    assert_refused(store_append(store, first, 1, NULL), ERR_OUT_OF_ORDER);
    assert_refused(store_append(store, rival, 1, NULL), ERR_OUT_OF_ORDER);
    assert_refused(store_append(store, third, 1, NULL), ERR_OUT_OF_ORDER);
    assert_refused(store_append(store, rival_second, 1, NULL), ERR_OUT_OF_ORDER);
    assert_ok(store_append(store, second, 1, NULL));
    assert_ok(store_commit(store, NULL));
    assert_refused(store_append(store, second, 1, NULL), ERR_OUT_OF_ORDER);
    assert_ok(store_append(store, third, 1, NULL));
    assert_ok(store_commit(store, NULL));
    assert_int_equal(applied(store), 3);
    commit_t *all[] = {first, second, third, rival, rival_second};
    for (size_t i = 0; i < 5; i++)
        commit_destroy(&all[i]);
    writer_clear(&writer);
    writer_clear(&other);
    store_close(&store);
}

// ---- turns ----

static void write_one(store_t *store, writer_t *writer)
{
    commit_t *commit = one_record(writer);
    assert_ok(store_append(store, commit, 1, NULL));
    assert_ok(store_commit(store, NULL));
    commit_destroy(&commit);
}

static void a_turn_is_all_or_nothing(void **state)
{
    (void)state;
    store_t *store = open_founded(":memory:");
    writer_t writer = writer_of(1, 1, 1);
    commit_t *first = one_record(&writer), *second = one_record(&writer);
    assert_false(store_in_turn(store));
    assert_ok(store_commit(store, NULL));
    assert_ok(store_append(store, first, 1, NULL));
    assert_true(store_in_turn(store));
    assert_int_equal(applied(store), 1); // reads see what the turn wrote
    char *with = dump_view(store);
    store_rollback(store);
    assert_false(store_in_turn(store));
    assert_int_equal(applied(store), 0);
    assert_refused(store_append(store, second, 1, NULL), ERR_OUT_OF_ORDER);
    assert_ok(store_append(store, first, 1, NULL));
    assert_ok(store_append(store, second, 1, NULL));
    assert_ok(store_commit(store, NULL));
    totals_t totals;
    assert_ok(store_totals(store, &totals, NULL));
    assert_int_equal(totals.applied, 2);
    assert_int_equal(totals.records, 2);
    // A rolled back turn leaves nothing in the digest either.
    char *before = dump_view(store);
    write_record(&writer, 1, "{'kind':'organisation','acronym':'B'}");
    append_written(store, &writer);
    store_rollback(store);
    assert_ok(store_commit(store, NULL));
    char *after = dump_view(store);
    assert_string_equal(before, after);
    assert_string_not_equal(with, after);
    mem_free(with);
    mem_free(before);
    mem_free(after);
    commit_destroy(&first);
    commit_destroy(&second);
    writer_clear(&writer);
    store_close(&store);
}

// What another connection writes meanwhile shows when the store is let go, or writes itself.
static void what_is_held_stays_as_it_was(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = open_founded(path), *other = open_at(path);
    writer_t writer = writer_of(1, 1, 1);
    assert_ok(store_hold(store, NULL));
    assert_int_equal(applied(store), 0);
    write_one(other, &writer);
    assert_int_equal(applied(store), 0);
    assert_ok(store_hold(store, NULL)); // as it is already
    assert_int_equal(applied(store), 0);
    store_let_go(store);
    assert_int_equal(applied(store), 1);
    store_let_go(store);
    assert_ok(store_hold(store, NULL));
    write_one(other, &writer);
    write_one(store, &writer);
    assert_int_equal(applied(store), 3);
    // A turn that is open is not held, nor let go.
    commit_t *last = one_record(&writer);
    assert_ok(store_append(store, last, 1, NULL));
    assert_ok(store_hold(store, NULL));
    store_let_go(store);
    assert_true(store_in_turn(store));
    assert_int_equal(applied(store), 4);
    store_rollback(store);
    assert_ok(store_hold(store, NULL));
    store_rollback(store);
    assert_int_equal(applied(store), 3);
    commit_destroy(&last);
    writer_clear(&writer);
    store_close(&other);
    store_close(&store);
    mem_free(path);
}

// Writes 20 commits in one turn, or ten and then ten more, and does not end the last one.
static int write_and_die(const char *path, bool committed)
{
    store_t *store = NULL;
    writer_t writer = writer_of(1, 1, 1);
    if (store_open(path, NULL, &store, NULL))
        return 1;
    for (int i = 0; i < 20; i++) {
        commit_t *commit = one_record(&writer);
        if (store_append(store, commit, 1, NULL))
            return 2;
        commit_destroy(&commit);
        if (i == 9 && committed && store_commit(store, NULL))
            return 3;
    }
    return 0;
}

static int die_before_the_end(const char *path)
{
    return write_and_die(path, false);
}

static int die_after_half(const char *path)
{
    return write_and_die(path, true);
}

static void a_killed_turn_never_happened(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = open_founded(path);
    store_close(&store);
    assert_int_equal(in_a_child(die_before_the_end, path), 0);
    store = open_at(path);
    assert_int_equal(applied(store), 0);
    store_close(&store);
    assert_int_equal(in_a_child(die_after_half, path), 0);
    store = open_at(path);
    snapshot_t snapshot;
    assert_ok(store_snapshot(store, &snapshot, NULL));
    assert_int_equal(applied(store), 10);
    assert_int_equal(snapshot.feed_count, 1);
    assert_int_equal(snapshot.feeds[0].head.number, 10);
    snapshot_clear(&snapshot);
    store_close(&store);
    verify_t verify = {0};
    assert_ok(store_verify(path, &verify, NULL));
    assert_int_equal(verify.found, 0);
    assert_int_equal(verify.changes, 10);
    mem_free(path);
}

// ---- what the core starts from ----

static void expect_snapshot(store_t *store, const writer_t *writer, uint64_t time_ms)
{
    snapshot_t snapshot;
    hash_t coalition = make_coalition();
    assert_ok(store_snapshot(store, &snapshot, NULL));
    assert_int_equal(snapshot.roster_count, 1);
    assert_true(hash_equal(&snapshot.rosters[0]->hash, &coalition));
    assert_int_equal(snapshot.card_count, 4);
    for (size_t i = 1; i < 4; i++) {
        int order = origin_compare(&snapshot.cards[i - 1]->origin, &snapshot.cards[i]->origin);
        assert_true(order < 0 ||
                    (order == 0 && snapshot.cards[i - 1]->number < snapshot.cards[i]->number));
    }
    assert_int_equal(snapshot.feed_count, 1);
    const feed_row_t *row = &snapshot.feeds[0];
    assert_true(feed_equal(&row->head.feed, &writer->feed));
    assert_int_equal(row->head.number, writer->next - 1);
    assert_true(hash_equal(&row->head.hash, &writer->previous));
    assert_int_equal(row->time_ms, time_ms);
    assert_int_equal(row->stopped, ERR_FORK);
    assert_int_equal(row->stopped_ms, 77);
    assert_int_equal(snapshot.fence, ERR_OWN_LATER_COMMIT);
    assert_int_equal(snapshot.fence_ms, 88);
    assert_string_equal(snapshot.fence_detail, "BB holds 12");
    snapshot_clear(&snapshot);
}

static void the_core_finds_what_it_left(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = open_founded(path);
    writer_t writer = writer_of(2, 1, 1);
    writer.time_ms = 4242;
    write_record(&writer, 0, "{'kind':'organisation'}");
    append_written(store, &writer);
    assert_ok(store_stop_feed(store, &writer.feed, ERR_FORK, NULL, 77, NULL));
    assert_ok(store_fence(store, ERR_OWN_LATER_COMMIT, "BB holds 12", 88, NULL));
    assert_ok(store_commit(store, NULL));
    expect_snapshot(store, &writer, 4242);
    store_close(&store);
    store = open_at(path);
    expect_snapshot(store, &writer, 4242);
    assert_ok(store_fence(store, ERR_OK, NULL, 99, NULL));
    assert_ok(store_stop_feed(store, &writer.feed, ERR_OK, NULL, 0, NULL));
    snapshot_t snapshot;
    assert_ok(store_snapshot(store, &snapshot, NULL));
    assert_int_equal(snapshot.fence, ERR_OK);
    assert_int_equal(snapshot.feeds[0].stopped, ERR_OK);
    snapshot_clear(&snapshot);
    writer_clear(&writer);
    mem_free(path);
    store_close(&store);
}

// A feed can be stopped before anything of it is held.
static void a_feed_stopped_at_its_start(void **state)
{
    (void)state;
    store_t *store = open_founded(":memory:");
    writer_t writer = writer_of(1, 2, 1);
    assert_ok(store_stop_feed(store, &writer.feed, ERR_DIVERGED, NULL, 5, NULL));
    snapshot_t snapshot;
    assert_ok(store_snapshot(store, &snapshot, NULL));
    assert_int_equal(snapshot.feed_count, 1);
    assert_int_equal(snapshot.feeds[0].head.number, 0);
    assert_true(
        hash_equal(&snapshot.feeds[0].head.hash, &writer.previous)); // card 2 starts epoch 2
    snapshot_clear(&snapshot);
    write_record(&writer, 0, "{'kind':'organisation'}");
    append_written(store, &writer);
    assert_ok(store_commit(store, NULL));
    writer_clear(&writer);
    store_close(&store);
}

// ---- members ----

static void rosters_come_in_order(void **state)
{
    (void)state;
    store_t *store = open_at(":memory:");
    roster_t *charter = sample_charter(MEMBERS, 2), *second = sample_roster_after(charter);
    roster_t *other = sample_charter(2, 1), *third = sample_roster_after(second);
    assert_refused(store_add_roster(store, second, NULL), ERR_OUT_OF_ORDER);
    assert_ok(store_add_roster(store, charter, NULL));
    assert_ok(store_add_roster(store, charter, NULL));
    assert_refused(store_add_roster(store, other, NULL), ERR_ROSTER_FORK);
    assert_refused(store_add_roster(store, third, NULL), ERR_OUT_OF_ORDER);
    assert_ok(store_add_roster(store, second, NULL));
    assert_ok(store_add_roster(store, third, NULL));
    assert_ok(store_commit(store, NULL));
    snapshot_t snapshot;
    assert_ok(store_snapshot(store, &snapshot, NULL));
    assert_int_equal(snapshot.roster_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(snapshot.rosters[i]->version, i + 1);
    snapshot_clear(&snapshot);
    roster_t *all[] = {charter, second, other, third};
    for (size_t i = 0; i < 4; i++)
        roster_destroy(&all[i]);
    store_close(&store);
}

static void a_card_number_is_given_once(void **state)
{
    (void)state;
    store_t *store = open_at(":memory:");
    card_t *card = make_card(1, 1), *rival = make_card(1, 1);
    pubkey_t key;
    secret_t *root = sample_secret(1, &key);
    rival->transport_key.bytes[0] ^= 1;
    card_sign(rival, root);
    secret_destroy(&root);
    assert_ok(store_add_card(store, card, NULL));
    assert_ok(store_add_card(store, card, NULL));
    assert_refused(store_add_card(store, rival, NULL), ERR_BAD_CARD);
    assert_ok(store_commit(store, NULL));
    card_destroy(&card);
    card_destroy(&rival);
    store_close(&store);
}

// ---- evidence ----

static int64_t evidence_count(store_t *store)
{
    int64_t count = 0;
    assert_ok(
        sql_number(store->sql, "SELECT count(*) FROM evidence", SQL_NO_VALUES, 0, &count, NULL));
    return count;
}

static void evidence_is_bounded_and_kept_once(void **state)
{
    (void)state;
    store_t *store = open_founded(":memory:");
    writer_t one = writer_of(1, 1, 1), two = writer_of(2, 1, 1);
    for (int round = 0; round < 2; round++)
        for (uint8_t i = 0; i < 10; i++)
            assert_ok(
                store_add_evidence(store, &one.feed, ERR_FORK, NULL, span_of(&i, 1), 9, NULL));
    assert_int_equal(evidence_count(store), 10);
    for (uint8_t i = 0; i < 200; i++)
        assert_ok(
            store_add_evidence(store, &one.feed, ERR_BEYOND_CUT, NULL, span_of(&i, 1), 9, NULL));
    assert_int_equal(evidence_count(store), 64);
    assert_ok(store_add_evidence(store, &two.feed, ERR_FORK, NULL, span_text("x"), 9, NULL));
    assert_int_equal(evidence_count(store), 65);
    // Who has filled its room has hidden no fork by it: the first proof of one is kept.
    buf_t kept;
    for (uint8_t i = 0; i < 3; i++)
        assert_ok(
            store_add_evidence(store, &one.feed, ERR_DIVERGED, NULL, span_of(&i, 1), 9, NULL));
    assert_int_equal(evidence_count(store), 66);
    assert_ok(store_read_evidence(store, &one.feed, ERR_DIVERGED, &kept, NULL));
    assert_int_equal(kept.size, 1);
    assert_int_equal(kept.data[0], 0);
    buf_free(&kept);
    buf_t big = {0};
    memset(buf_extend(&big, 4u * 1024 * 1024), 0, 4u * 1024 * 1024);
    assert_refused(store_add_evidence(store, &two.feed, ERR_FORK, NULL, buf_span(&big), 9, NULL),
                   ERR_TOO_BIG);
    buf_free(&big);
    assert_ok(store_commit(store, NULL));
    store_close(&store);
}

// ---- keys ----

static void keys_are_found_and_may_be_ambiguous(void **state)
{
    (void)state;
    store_t *store = open_founded(":memory:");
    writer_t one = writer_of(1, 1, 1), two = writer_of(2, 1, 1);
    write_record(&one, 0, "{'kind':'organisation','key':'x','acronym':'1'}");
    write_record(&one, 0, "{'kind':'organisation','key':'x','acronym':'2'}");
    write_record(&one, 0, "{'kind':'organisation','key':'y','acronym':'3'}");
    append_written(store, &one);
    write_record(&two, 0, "{'kind':'body','key':'x'}");
    append_written(store, &two);
    current_t current;
    const origin_t *a = &one.feed.origin, *b = &two.feed.origin;
    origin_t nobody = {{9}};
    assert_refused(store_record_by_key(store, a, "x", false, &current, NULL), ERR_AMBIGUOUS_KEY);
    assert_refused(store_record_by_key(store, a, "z", false, &current, NULL), ERR_NO_SUCH_RECORD);
    assert_refused(store_record_by_key(store, &nobody, "x", false, &current, NULL),
                   ERR_NO_SUCH_RECORD);
    assert_ok(store_record_by_key(store, a, "y", false, &current, NULL));
    assert_int_equal(current.id.number, 3);
    assert_null(current.body.data);
    assert_ok(store_record_by_key(store, b, "x", false, &current, NULL));
    assert_string_equal(current.kind, "body");
    write_retraction(&one, 1, 2);
    append_written(store, &one);
    assert_ok(store_record_by_key(store, a, "x", false, &current, NULL));
    assert_int_equal(current.id.number, 1);
    write_retraction(&one, 1, 1);
    append_written(store, &one);
    assert_ok(store_record_by_key(store, a, "x", false, &current, NULL));
    assert_true(current.retracted);
    assert_int_equal(current.id.number, 2); // both are retracted: the newest
    store_rollback(store);
    assert_refused(store_record_by_key(store, b, "x", false, &current, NULL), ERR_NO_SUCH_RECORD);
    assert_refused(store_record(store, a, (position_t){1, 1, 4}, false, &current, NULL),
                   ERR_NO_SUCH_RECORD); // a change, but it creates nothing
    assert_refused(store_record(store, a, (position_t){1, 0, 1}, false, &current, NULL),
                   ERR_NO_SUCH_RECORD);
    writer_clear(&one);
    writer_clear(&two);
    store_close(&store);
}

// ---- files that are not ours, or not ours yet ----

static void a_newer_store_is_refused(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = open_founded(path);
    reader_t *reader = NULL;
    verify_t verify = {0};
    fault_t fault;
    assert_ok(sql_script(store->sql, "PRAGMA user_version = 5", NULL));
    store_close(&store);
    buf_t before = scratch_read(*state, "enlace.db");
    assert_refused(store_open(path, NULL, &store, &fault), ERR_NEWER_STORE);
    assert_null(store);
    assert_refused(reader_open(path, &reader, NULL), ERR_NEWER_STORE);
    assert_refused(store_verify(path, &verify, NULL), ERR_NEWER_STORE);
    buf_t after = scratch_read(*state, "enlace.db");
    assert_true(span_equal(buf_span(&before), buf_span(&after)));
    buf_free(&before);
    buf_free(&after);
    mem_free(path);
}

static void another_database_is_refused(void **state)
{
    char *path = scratch_path(*state, "other.db"), *text = scratch_path(*state, "text");
    sql_t *sql = NULL;
    store_t *store = NULL;
    assert_ok(sql_open(path, NULL, SQL_WRITE, &sql, NULL));
    assert_ok(sql_script(sql, "CREATE TABLE t (x); PRAGMA user_version = 1", NULL));
    sql_close(&sql);
    assert_refused(store_open(path, NULL, &store, NULL), ERR_DAMAGED);
    scratch_write(*state, "text",
                  "not a database, but long enough to be taken for one ..........."
                  "..............................................",
                  0600);
    assert_refused(store_open(text, NULL, &store, NULL), ERR_DAMAGED);
    assert_refused(store_open("/nonexistent/enlace.db", NULL, &store, NULL), ERR_DISK_ERROR);
    mem_free(path);
    mem_free(text);
}

// No link, no URI: a path is a path.
static void odd_paths_are_paths(void **state)
{
    static const char *const names[] = {"a?mode=memory.db", "b%41#c.db", "ñ ü.db"};
    for (size_t i = 0; i < 3; i++) {
        char *path = scratch_path(*state, names[i]);
        reader_t *reader = NULL;
        verify_t verify = {0};
        store_t *store = open_founded(path);
        writer_t writer = writer_of(1, 1, 1);
        write_record(&writer, 0, "{'kind':'organisation'}");
        append_written(store, &writer);
        assert_ok(store_commit(store, NULL));
        assert_ok(reader_open(path, &reader, NULL));
        uint64_t newest = 0;
        assert_ok(reader_applied(reader, &newest, NULL));
        assert_int_equal(newest, 1);
        reader_close(&reader);
        assert_ok(store_verify(path, &verify, NULL));
        assert_int_equal(verify.found, 0);
        assert_int_equal(access(path, F_OK), 0);
        writer_clear(&writer);
        store_close(&store);
        mem_free(path);
    }
}

static void pragma_is(store_t *store, const char *pragma, int64_t want)
{
    int64_t got = -1;
    assert_ok(sql_number(store->sql, pragma, SQL_NO_VALUES, -1, &got, NULL));
    assert_int_equal(got, want);
}

// What a killed daemon leaves: a WAL that nobody has checkpointed, of some size. The
// reader keeps it from being folded in when the store is closed.
static void a_long_wal_is_opened_again(void **state)
{
    char *path = scratch_path(*state, "enlace.db"), *wal = mem_format("%s-wal", path);
    store_t *store = open_founded(path);
    reader_t *reader = NULL;
    struct stat facts = {0};
    assert_ok(reader_open(path, &reader, NULL));
    assert_ok(sql_script(store->sql, "CREATE TABLE t (x)", NULL));
    while (facts.st_size < 1024 * 1024) {
        assert_ok(sql_script(store->sql, "INSERT INTO t VALUES (randomblob(50000))", NULL));
        assert_int_equal(stat(wal, &facts), 0);
    }
    store_close(&store);
    assert_int_equal(stat(wal, &facts), 0);
    assert_true(facts.st_size >= 1024 * 1024);
    assert_ok(store_open(path, NULL, &store, NULL));
    reader_close(&reader);
    store_close(&store);
    mem_free(wal);
    mem_free(path);
}

static void durability_is_on(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = open_founded(path);
    buf_t mode = {0};
    dump_rows(store->sql, "PRAGMA journal_mode", &mode);
    assert_memory_equal(mode.data, "wal\n", 4);
    buf_free(&mode);
    pragma_is(store, "PRAGMA synchronous", 2);
    pragma_is(store, "PRAGMA secure_delete", 1);
    pragma_is(store, "PRAGMA foreign_keys", 1);
    pragma_is(store, "PRAGMA user_version", 4);
    store_close(&store);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_must_follow_the_cursor),
        cmocka_unit_test(a_turn_is_all_or_nothing),
        SCRATCH_TEST(what_is_held_stays_as_it_was),
        SCRATCH_TEST(a_killed_turn_never_happened),
        SCRATCH_TEST(the_core_finds_what_it_left),
        cmocka_unit_test(a_feed_stopped_at_its_start),
        cmocka_unit_test(rosters_come_in_order),
        cmocka_unit_test(a_card_number_is_given_once),
        cmocka_unit_test(evidence_is_bounded_and_kept_once),
        cmocka_unit_test(keys_are_found_and_may_be_ambiguous),
        SCRATCH_TEST(a_newer_store_is_refused),
        SCRATCH_TEST(another_database_is_refused),
        SCRATCH_TEST(odd_paths_are_paths),
        SCRATCH_TEST(a_long_wal_is_opened_again),
        SCRATCH_TEST(durability_is_on),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
