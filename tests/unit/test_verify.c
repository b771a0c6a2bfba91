// Verify: what is whole has no findings, also under a writer; what is damaged is named.
#include "tests/unit/make_damage.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void a_whole_store_has_no_findings(void **state)
{
    char *path = make_store(*state);
    expect_clean(path);
    verify_t verify = verify_of(path, NULL);
    assert_int_equal(verify.feeds, 5);
    assert_int_equal(verify.commits, 7);
    assert_int_equal(verify.changes, 11);
    assert_int_equal(verify.signatures, 6);
    assert_int_equal(verify.records, 5);
    mem_free(path);
}

static void an_empty_store_has_no_findings(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    store_t *store = NULL;
    assert_ok(store_open(path, NULL, &store, NULL));
    expect_clean(path);
    found_coalition(store);
    expect_clean(path);
    store_close(&store);
    expect_clean(path);
    mem_free(path);
}

// ---- damage, one kind at a time ----

typedef struct {
    const char *damage, *finding;
} damage_t;

static const damage_t damages[] = {
    // what was said
    {"UPDATE commit_log SET payloads = CAST(substr(payloads, 1, length(payloads) - 1) || x'00'"
     " AS BLOB) WHERE id = 1",
     "AA:2 bad-commitment payload\n"},
    {"UPDATE commit_log SET payloads = CAST(substr(payloads, 1, 6) || zeroblob(16)"
     " || substr(payloads, 23) AS BLOB) WHERE id = 1",
     "AA:1 bad-commitment payload\n"}, // the salt
    {"UPDATE commit_log SET payloads = CAST(substr(payloads, 1, length(payloads) - 4)"
     " || x'12170801121000000000000000000000000000000000' || x'1a0178' AS BLOB) WHERE id = 7",
     "BB:2 bad-commitment payload\n"}, // the missing one
    {"UPDATE commit_log SET payloads = CAST(substr(payloads, 1, length(payloads) - 4)"
     " || x'12170801121000000000000000000000000000000000' || x'1a0178' AS BLOB) WHERE id = 7",
     "BB:2 damaged table missing has it\n"},
    {"UPDATE commit_log SET payloads = CAST(payloads || x'12020803' AS BLOB) WHERE id = 1",
     "AA:2 damaged column payloads has more than there are changes\n"},
    {"UPDATE commit_log SET payloads = x'12020804' WHERE id = 9",
     "BB:3 damaged column payloads does not read\n"},
    {"UPDATE commit_log SET payloads = x'' WHERE id = 1",
     "AA:1 damaged column payloads does not read\n"},
    // what the log is searched by
    {"DELETE FROM missing", "BB:2 damaged table missing lacks it\n"},
    {"INSERT INTO missing VALUES (1)", "AA:1 damaged table missing has it\n"},
    {"INSERT INTO missing VALUES (0)", "missing damaged 1 rows are of no change\n"},
    {"DELETE FROM target WHERE change = 3", "AA:3 damaged table target lacks it\n"},
    {"UPDATE target SET number = 2 WHERE change = 3", "AA:3 damaged table target lacks it\n"},
    {"INSERT INTO target VALUES (1, 1, 1, 9)", "target damaged 1 rows are of no change\n"},
    {"UPDATE commit_log SET id = -9223372036854775808 WHERE id = 1", "commit_log damaged apply"},
    {"UPDATE commit_log SET id = 9223372036854775807 WHERE id = 11", "commit_log damaged apply"},
    {"INSERT INTO kind_block VALUES (33, 1, 9223372036854775807)", "kind_block: a row too many\n"},
    {"UPDATE commit_log SET id = 12 WHERE id = 11", "commit_log damaged apply numbers do not"},
    // the chain
    {"UPDATE commit_log SET hash = zeroblob(32) WHERE id = 3", "AA:3 damaged column hash"},
    {"UPDATE commit_log SET checksum = 0 WHERE id = 3", "AA:3 damaged column checksum"},
    {"UPDATE commit_log SET time_ms = 0 WHERE id = 3", "AA:3 damaged column time_ms"},
    {"UPDATE commit_log SET last = last + 1 WHERE id = 3", "AA:3 damaged header differs"},
    {"UPDATE commit_log SET header = x'00' WHERE id = 3", "AA:3 bad-tag header"},
    {"UPDATE commit_log SET header = (SELECT header FROM commit_log WHERE id = 9) WHERE id = 7",
     "BB:1 damaged header differs from columns first and last\n"},
    {"UPDATE commit_log SET header = (SELECT header FROM commit_log WHERE id = 1) WHERE id = 3",
     "AA:3 broken-chain previous hash\n"},
    {"UPDATE commit_log SET header = (SELECT header FROM commit_log WHERE id = 1) WHERE id = 3",
     "AA:3 damaged column first"},
    {"UPDATE commit_log SET header = (SELECT header FROM commit_log WHERE id = 1) WHERE id = 3",
     "AA:3 bad-signature card 1\n"},
    {"DELETE FROM commit_log WHERE id = 7", "BB:3 out-of-order comes after 0\n"},
    {"DELETE FROM commit_log WHERE id = 7", "commit_log damaged apply numbers do not rise"},
    {"UPDATE commit_log SET signature = zeroblob(64) WHERE id = 1", "AA:1 bad-signature card 1\n"},
    {"UPDATE commit_log SET signature = (SELECT signature FROM commit_log WHERE id = 3)"
     " WHERE id = 7",
     "BB:1 bad-signature card 1\n"}, // S4: not where none was verified
    {"UPDATE commit_log SET signature = NULL WHERE id = 3", "AA.1/1 unsigned the last commit\n"},
    {"UPDATE commit_log SET feed = 99 WHERE id = 11",
     "commit_log damaged 1 commits are of no feed"},
    {"UPDATE feed SET number = 3 WHERE ix = 1", "AA.1/1 damaged the cursor"},
    {"UPDATE feed SET hash = zeroblob(32) WHERE ix = 1", "AA.1/1 damaged the cursor"},
    {"UPDATE feed SET time_ms = 1 WHERE ix = 1", "AA.1/1 damaged the cursor"},
    {"DELETE FROM commit_log WHERE id = 3", "AA.1/1 damaged the cursor"},
    {"UPDATE feed SET epoch = 3 WHERE ix = 1", "AA.3/1 wrong-epoch no card starts epoch 3\n"},
    {"UPDATE feed SET lane = 5 WHERE ix = 1", "AA/5:1 damaged column feed"},
    {"DELETE FROM feed WHERE ix = 1", "commit_log damaged 2 commits are of no feed's chain\n"},
    // who belongs
    {"UPDATE origin SET code = 'ZZ' WHERE code = 'AA'",
     "origin ZZ damaged the roster calls it AA\n"},
    {"DELETE FROM card WHERE number = 2", "AA.2:1 unknown-card card 2\n"},
    {"DELETE FROM card WHERE number = 2", "AA.2/1 wrong-epoch no card starts epoch 2\n"},
    {"UPDATE card SET epoch = 1 WHERE number = 2", "card 2 of AA damaged its columns"},
    {"UPDATE card SET hash = zeroblob(32) WHERE number = 2", "card 2 of AA damaged its columns"},
    {"UPDATE card SET signed = x'00' WHERE number = 2", "card 2 of AA bad-tag"},
    {"UPDATE roster SET hash = zeroblob(32)", "roster 1 damaged its columns"},
    {"UPDATE roster SET version = 2", "roster 2 damaged its columns"},
    {"DELETE FROM roster", "roster no-charter"},
    // the view
    {"UPDATE meta SET digest = zeroblob(32)", "meta view-differs the digest"},
    {"UPDATE meta SET view_version = 0", "meta view-differs the view was made by another version"},
    {"UPDATE record SET stands = 1 WHERE id = 1",
     "AA:1 view-differs record: column stands differs\n"},
    {"UPDATE record SET revision = 9 WHERE id = 1", "AA:1 view-differs record: column revision"},
    {"UPDATE record SET key = 'b' WHERE id = 1", "AA:1 view-differs record: column key differs\n"},
    {"DELETE FROM record WHERE id = 1", "AA:1 view-differs record: a row is not in the view\n"},
    {"INSERT INTO record SELECT 3, origin, feed, number, stands, newest, content, state, revision,"
     " created_ms, changed_ms, note, kind, example, key, label FROM record WHERE id = 1",
     "AA:3 view-differs record: a row too many\n"},
    {"INSERT INTO record SELECT 300, origin, feed, number, stands, newest, content, state, "
     "revision,"
     " created_ms, changed_ms, note, kind, example, key, label FROM record WHERE id = 1",
     "record 300 view-differs record: a row too many\n"},
    {"DELETE FROM kind_block WHERE feed = 1",
     "kind_block 0 view-differs kind_block: column feed differs\n"},
    {"INSERT INTO kind_block VALUES (63, 3, 0)", "view-differs kind_block: a row too many\n"},
    {"INSERT INTO kind_block VALUES (33, 1, 256)", "view-differs kind_block: a row too many\n"},
    {"DELETE FROM reference WHERE place = 2", "AA:2 view-differs reference: a row is not"},
    {"UPDATE reference SET key = 'q' WHERE place = 1", "AA:2 view-differs reference: column key"},
    {"INSERT INTO reference VALUES (-4, 1, 'x', NULL, NULL, NULL, NULL, NULL)",
     "reference -4 view-differs reference: a row too many\n"},
    {"DELETE FROM parked WHERE reason = 180", "AA.2:2 view-differs parked: a row is not"},
    {"UPDATE parked SET reason = 191 WHERE reason = 180",
     "AA.2:2 view-differs parked: column reason"},
    {"INSERT INTO parked VALUES (1, 190)", "AA:1 view-differs parked: a row too many\n"},
    {"UPDATE commit_log SET payloads = CAST(x'12020803' || substr(payloads, -24) AS BLOB)"
     " WHERE id = 3",
     "AA:1 view-differs record: column content differs\n"},
};

static void damage_is_named(void **state)
{
    char *path = make_store(*state);
    buf_t whole = scratch_read(*state, "enlace.db");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        char *got = findings_after(*state, &whole, damages[i].damage);
        if (!strstr(got, damages[i].finding))
            fail_msg("%s\nexpected %s\ngot\n%s", damages[i].damage, damages[i].finding, got);
        mem_free(got);
    }
    buf_free(&whole);
    mem_free(path);
}

// ---- under a writer ----

enum { BEFORE = 4200, LOST = 16 }; // more than two pages of rows

typedef struct {
    store_t *store;
    writer_t old, late;
    commit_t *whole; // whose payloads are filled in meanwhile
    unsigned calls;
    uint64_t last_done;
} meanwhile_t;

static void begin_meanwhile(meanwhile_t *meanwhile, const char *path)
{
    assert_ok(store_open(path, NULL, &meanwhile->store, NULL));
    found_coalition(meanwhile->store);
    meanwhile->old = writer_of(1, 1, 1);
    meanwhile->late = writer_of(1, 2, 1);
    for (size_t i = 0; i < LOST; i++)
        write_record(&meanwhile->old, 0, "{'kind':'organisation','key':'lost'}");
    meanwhile->whole = seal_commit(&meanwhile->old);
    commit_t *bare = commit_copy(meanwhile->whole);
    for (size_t i = 0; i < LOST; i++)
        lose_payload(bare, i, PAYLOAD_MISSING);
    assert_ok(store_append(meanwhile->store, bare, 1, NULL));
    commit_destroy(&bare);
    while (meanwhile->old.next < BEFORE) {
        for (size_t i = 0; i < DRAFTS_MAX; i++)
            write_record(&meanwhile->old, 0, "{'kind':'organisation','key':'k'}");
        append_written(meanwhile->store, &meanwhile->old);
    }
    assert_ok(store_commit(meanwhile->store, NULL));
}

// Between the pages of verify: everything that can change a row that was looked at.
static bool write_meanwhile(void *context, uint64_t done, uint64_t total)
{
    meanwhile_t *meanwhile = context;
    unsigned call = meanwhile->calls++;
    assert_true(done <= total);
    assert_true(done >= meanwhile->last_done);
    meanwhile->last_done = done;
    if (call >= 200)
        return true;
    // At both ends, so that pages that were looked at and pages that were not change.
    write_record(&meanwhile->old, 20 + call, "{'kind':'organisation','key':'k','acronym':'n'}");
    write_record(&meanwhile->old, BEFORE - 9 - call, "{'kind':'organisation','key':'k'}");
    write_record(&meanwhile->old, 0, "{'kind':'body'}");
    append_written(meanwhile->store, &meanwhile->old);
    aim(write_change(&meanwhile->late, CHANGE_RETRACT, span_text("")), 1, 1, 300 + call);
    aim(write_record(&meanwhile->late, 0, "{'kind':'body'}"), 1, 1, BEFORE + 3 * call + 40);
    append_written(meanwhile->store, &meanwhile->late);
    // One each time that a page of rows may just have been folded, or compared.
    size_t lost = call % LOST;
    assert_ok(store_fill_payload(meanwhile->store, &meanwhile->whole->feed, 1 + lost,
                                 meanwhile->whole->changes[lost].salt,
                                 meanwhile->whole->changes[lost].body, NULL));
    assert_ok(store_commit(meanwhile->store, NULL));
    return true;
}

static void end_meanwhile(meanwhile_t *meanwhile)
{
    commit_destroy(&meanwhile->whole);
    writer_clear(&meanwhile->old);
    writer_clear(&meanwhile->late);
    store_close(&meanwhile->store);
}

static void a_live_writer_makes_no_findings(void **state)
{
    char *path = scratch_path(*state, "enlace.db");
    meanwhile_t meanwhile = {0};
    findings_t findings = {{0}};
    begin_meanwhile(&meanwhile, path);
    verify_t verify = {.context = &findings, .finding = note_finding};
    assert_ok(store_verify(path, &verify, NULL));
    assert_int_equal(verify.found, 0);
    assert_true(verify.records >= BEFORE - 1);
    verify = (verify_t){.context = &meanwhile, .progress = write_meanwhile};
    assert_ok(store_verify(path, &verify, NULL));
    assert_in_range(meanwhile.calls, 20, 60); // and it does not run after the writer for ever
    assert_int_equal(verify.found, 0);
    // What is really wrong is found all the same.
    assert_ok(
        sql_script(meanwhile.store->sql, "UPDATE record SET revision = 7 WHERE id = 900", NULL));
    meanwhile.last_done = 0;
    verify = (verify_t){.context = &meanwhile, .progress = write_meanwhile};
    assert_ok(store_verify(path, &verify, NULL));
    assert_int_equal(verify.found, 1);
    buf_free(&findings.text);
    end_meanwhile(&meanwhile);
    mem_free(path);
}

static bool stop_at_once(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    ++*(int *)context;
    return false;
}

static void verify_can_be_stopped(void **state)
{
    char *path = make_store(*state);
    int calls = 0;
    verify_t verify = {.context = &calls, .progress = stop_at_once};
    assert_refused(store_verify(path, &verify, NULL), ERR_STOPPING);
    assert_int_equal(calls, 1);
    mem_free(path);
}

// ---- a chain that ends where a cut vouches for it ----

static void add_card_with_cut(store_t *store, bool other_hash)
{
    writer_t first = writer_of(1, 1, 1);
    feed_place_t place;
    pubkey_t key;
    card_t *card = sample_card_after(the_coalition()->cards[MEMBERS], 1);
    secret_t *root = sample_secret(1, &key);
    assert_ok(feed_find(store->sql, &first.feed, &place, NULL));
    mem_free(card->cuts); // a copy's, of none
    card->cuts = mem_alloc(sizeof *card->cuts);
    card->cut_count = 1;
    card->cuts[0] = (cut_t){1, 1, place.number, place.hash};
    card->cuts[0].hash.bytes[0] ^= other_hash;
    card_sign(card, root);
    assert_ok(store_add_card(store, card, NULL));
    assert_ok(store_commit(store, NULL));
    secret_destroy(&root);
    card_destroy(&card);
}

static void a_cut_stands_for_the_last_signature(void **state)
{
    for (int other_hash = 0; other_hash < 2; other_hash++) {
        char *path = make_store(*state);
        store_t *store = NULL;
        findings_t findings = {{0}};
        assert_ok(store_open(path, NULL, &store, NULL));
        assert_ok(sql_script(store->sql,
                             "UPDATE commit_log SET signature = NULL, checksum = NULL WHERE id = 3",
                             NULL));
        add_card_with_cut(store, other_hash);
        store_close(&store);
        verify_of(path, &findings);
        buf_append(&findings.text, span_of("", 1));
        assert_string_equal(findings.text.data,
                            other_hash ? "AA.1/1 unsigned the last commit\n" : "");
        buf_free(&findings.text);
        scratch_unlink(*state, "enlace.db");
        mem_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_whole_store_has_no_findings),
        SCRATCH_TEST(an_empty_store_has_no_findings),
        SCRATCH_TEST(damage_is_named),
        SCRATCH_TEST(a_cut_stands_for_the_last_signature),
        SCRATCH_TEST(a_live_writer_makes_no_findings),
        SCRATCH_TEST(verify_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
