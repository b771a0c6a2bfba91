// Where records of a kind are, after any writing: against a plain scan of the records.
#include "tests/unit/make_commits.h"
#include "tests/unit/thin.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- a store that is written by chance ----

enum { FEEDS = 6, TURNS = 60, WAITING_MAX = 64 };

// A payload that was left out, to be given later.
typedef struct {
    feed_t feed;
    uint64_t number;
    uint8_t salt[SALT_SIZE];
    buf_t body;
} waiting_t;

typedef struct {
    char *path;
    store_t *store;
    reader_t *reader;
    writer_t writers[FEEDS];
    waiting_t waiting[WAITING_MAX];
    size_t waiting_count;
    uint64_t dice; // splitmix64 (Steele, Lea, Flood 2014)
} scene_t;

static size_t below(scene_t *scene, size_t count)
{
    uint64_t z = scene->dice += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ (z >> 31)) % count);
}

static void write_one(scene_t *scene, writer_t *writer)
{
    char json[64];
    uint64_t now = writer->next + writer->count;
    uint64_t target = now > 1 ? 1 + below(scene, (size_t)(now - 1)) : 0;
    size_t what = below(scene, 10);
    // Many kinds and feeds, so that a block has few of each: one that goes is often the last.
    snprintf(json, sizeof json, "{'kind':'%s'}", kind_at(below(scene, kind_count()))->name);
    if (target && what == 0)
        write_retraction(writer, 1, target);
    else
        write_record(writer, target && what < 4 ? target : 0, json);
}

// Takes some of a commit's payloads away, so that revisions come before what they revise.
static void lose_some(scene_t *scene, commit_t *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        change_t *change = &commit->changes[i];
        if (scene->waiting_count == WAITING_MAX || below(scene, 6))
            continue;
        waiting_t *waiting = &scene->waiting[scene->waiting_count++];
        *waiting = (waiting_t){commit->feed, commit->first + i, {0}, buf_copy(change->body)};
        memcpy(waiting->salt, change->salt, SALT_SIZE);
        lose_payload(commit, i, PAYLOAD_MISSING);
    }
}

static void give_one(scene_t *scene)
{
    if (!scene->waiting_count)
        return;
    waiting_t *waiting = &scene->waiting[below(scene, scene->waiting_count)];
    assert_ok(store_fill_payload(scene->store, &waiting->feed, waiting->number, waiting->salt,
                                 buf_span(&waiting->body), NULL));
    buf_free(&waiting->body);
    *waiting = scene->waiting[--scene->waiting_count];
}

static void write_turn(scene_t *scene)
{
    for (size_t commits = 1 + below(scene, 4); commits > 0; commits--) {
        writer_t *writer = &scene->writers[below(scene, FEEDS)];
        for (size_t i = 1 + below(scene, DRAFTS_MAX); i > 0; i--)
            write_one(scene, writer);
        commit_t *commit = seal_commit(writer);
        lose_some(scene, commit);
        assert_ok(store_append(scene->store, commit, 1, NULL));
        commit_destroy(&commit);
    }
    for (size_t i = below(scene, 4); i > 0; i--)
        give_one(scene);
    if (below(scene, 8) == 0) { // a turn that the disk did not take
        store_rollback(scene->store);
        return;
    }
    assert_ok(store_commit(scene->store, NULL));
}

// What a turn that was taken back has written must be written again, not gone on from.
static void take_turn(scene_t *scene)
{
    writer_t before[FEEDS];
    memcpy(before, scene->writers, sizeof before);
    size_t count = scene->waiting_count;
    waiting_t waiting[WAITING_MAX];
    for (size_t i = 0; i < count; i++) {
        waiting[i] = scene->waiting[i];
        waiting[i].body = buf_copy(buf_span(&scene->waiting[i].body));
    }
    uint64_t held = 0, after = 0;
    assert_ok(newest_apply(scene->store->sql, &held, NULL));
    write_turn(scene);
    assert_ok(newest_apply(scene->store->sql, &after, NULL));
    waiting_t *gone = after > held ? waiting : scene->waiting;
    size_t gone_count = after > held ? count : scene->waiting_count;
    for (size_t i = 0; i < gone_count; i++)
        buf_free(&gone[i].body);
    if (after > held)
        return;
    for (size_t i = 0; i < FEEDS; i++) { // bodies are the writer's own memory
        scene->writers[i].next = before[i].next;
        scene->writers[i].previous = before[i].previous;
        scene->writers[i].time_ms = before[i].time_ms;
    }
    memcpy(scene->waiting, waiting, count * sizeof *waiting);
    scene->waiting_count = count;
}

// ---- what must hold ----

static void expect_blocks(scene_t *scene)
{
    static const char differing[] =
        "SELECT count(*) FROM (SELECT * FROM (SELECT kind, feed, block FROM kind_block EXCEPT"
        " SELECT kind, feed, id / 256 * 256 FROM record WHERE kind IS NOT NULL) UNION ALL"
        " SELECT * FROM (SELECT kind, feed, id / 256 * 256 FROM record WHERE kind IS NOT NULL"
        " EXCEPT SELECT kind, feed, block FROM kind_block))";
    int64_t count = 0;
    assert_ok(sql_number(scene->store->sql, differing, SQL_NO_VALUES, -1, &count, NULL));
    assert_int_equal(count, 0);
}

typedef struct {
    buf_t text;
    size_t rows;
} told_t;

static bool tell(void *context, const row_t *row)
{
    told_t *told = context;
    char id[RECORD_ID_TEXT];
    record_id_format(row->owner, row->id, id);
    buf_append(&told->text, span_text(id));
    buf_append(&told->text, span_text("\n"));
    told->rows++;
    return true;
}

// All pages of a kind, of one to nine rows each.
static size_t list_all(scene_t *scene, const char *kind, bool retracted, buf_t *text)
{
    told_t told = {0};
    buf_t cursor = {0};
    bool end = false;
    while (!end)
        assert_ok(reader_list(scene->reader, kind, NULL, retracted, 1 + below(scene, 9), &cursor,
                              &end, tell, &told, NULL));
    buf_free(&cursor);
    *text = told.text;
    return told.rows;
}

static void scan_all(scene_t *scene, const char *kind, bool retracted, buf_t *text)
{
    char *query =
        mem_format("SELECT o.code || CASE f.lane WHEN 1 THEN '' ELSE '/' || f.lane END"
                   " || ':' || r.number FROM record r JOIN feed f ON f.ix = r.feed"
                   " JOIN origin o ON o.ix = f.origin WHERE r.kind = %u AND r.state <= %d"
                   " ORDER BY o.code, f.epoch, f.lane, r.number",
                   kind_by_name(kind)->tag, (int)(retracted ? FOLD_RETRACTED : FOLD_STANDING));
    dump_rows(scene->store->sql, query, text);
    mem_free(query);
}

static size_t expect_lists(scene_t *scene)
{
    size_t rows = 0;
    for (size_t i = 0; i < 2 * kind_count(); i++) {
        buf_t listed = {0}, scanned = {0};
        const char *kind = kind_at(i / 2)->name;
        rows += list_all(scene, kind, i % 2 != 0, &listed);
        scan_all(scene, kind, i % 2 != 0, &scanned);
        if (!span_equal(buf_span(&listed), buf_span(&scanned)))
            fail_msg("%s:\n%.*s\nand not\n%.*s", kind, (int)listed.size, (const char *)listed.data,
                     (int)scanned.size, (const char *)scanned.data);
        buf_free(&listed);
        buf_free(&scanned);
    }
    return rows;
}

static void scene_open(scene_t *scene, const void *state, uint64_t seed)
{
    *scene = (scene_t){.path = scratch_path(state, "enlace.db"), .dice = seed};
    unlink(scene->path);
    assert_ok(store_open(scene->path, NULL, &scene->store, NULL));
    found_coalition(scene->store);
    assert_ok(reader_open(scene->path, &scene->reader, NULL));
    for (uint8_t i = 0; i < FEEDS; i++)
        scene->writers[i] = writer_of((uint8_t)(1 + i / 2), 1, i % 2);
}

static void scene_close(scene_t *scene)
{
    for (size_t i = 0; i < scene->waiting_count; i++)
        buf_free(&scene->waiting[i].body);
    for (size_t i = 0; i < FEEDS; i++)
        writer_clear(&scene->writers[i]);
    reader_close(&scene->reader);
    store_close(&scene->store);
    mem_free(scene->path);
}

static void lists_have_what_a_scan_has(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed += thin(4)) {
        scene_t scene;
        size_t rows = 0;
        scene_open(&scene, *state, seed);
        for (size_t turn = 0; turn < TURNS; turn++) {
            take_turn(&scene);
            expect_blocks(&scene);
            if (turn % 10 == 9)
                rows += expect_lists(&scene);
        }
        assert_true(rows > 1000);
        assert_ok(store_rebuild(scene.store, NULL));
        assert_ok(store_commit(scene.store, NULL));
        expect_blocks(&scene);
        expect_lists(&scene);
        verify_t verify = {0};
        assert_ok(store_verify(scene.path, &verify, NULL));
        assert_int_equal(verify.found, 0);
        scene_close(&scene);
    }
}

// The block that was added last is remembered: not beyond its turn.
static void a_turn_that_is_taken_back_is_written_again(void **state)
{
    scene_t scene;
    buf_t listed = {0};
    scene_open(&scene, *state, 5);
    write_record(&scene.writers[1], 0, "{'kind':'body'}");
    commit_t *commit = seal_commit(&scene.writers[1]);
    assert_ok(store_append(scene.store, commit, 1, NULL));
    store_rollback(scene.store);
    assert_ok(store_append(scene.store, commit, 1, NULL));
    assert_ok(store_commit(scene.store, NULL));
    expect_blocks(&scene);
    assert_int_equal(list_all(&scene, "body", false, &listed), 1);
    buf_free(&listed);
    commit_destroy(&commit);
    scene_close(&scene);
}

// ---- pages while others write ----

typedef struct {
    uint64_t last;
    size_t rows;
} rising_t;

static bool take_rising(void *context, const row_t *row)
{
    rising_t *rising = context;
    assert_true(row->id.number > rising->last); // none comes twice
    rising->last = row->id.number;
    rising->rows++;
    return true;
}

// Nothing that was there from the first page to the last is left out, whatever is written
// between them.
static void pages_go_on_while_others_write(void **state)
{
    scene_t scene;
    writer_t writer = writer_of(1, 1, 1);
    buf_t cursor = {0};
    bool end = false;
    rising_t rising = {0};
    origin_t owner = origin_of_member(1);
    scene_open(&scene, *state, 9);
    for (size_t i = 0; i < 600; i++) {
        write_record(&writer, 0, i % 3 ? "{'kind':'project'}" : "{'kind':'body'}");
        if (i % 10 == 9)
            append_written(scene.store, &writer);
    }
    assert_ok(store_commit(scene.store, NULL));
    for (size_t page = 0; !end; page++) {
        assert_ok(reader_list(scene.reader, "body", &owner, false, 7, &cursor, &end, take_rising,
                              &rising, NULL));
        if (page == 5) // every record that is not a body, before and behind the cursor
            for (uint64_t number = 2; number <= 600; number += 6) {
                write_retraction(&writer, 1, number);
                append_written(scene.store, &writer);
            }
        assert_ok(store_commit(scene.store, NULL));
    }
    assert_int_equal(rising.rows, 200);
    writer_clear(&writer);
    buf_free(&cursor);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(lists_have_what_a_scan_has),
        SCRATCH_TEST(a_turn_that_is_taken_back_is_written_again),
        SCRATCH_TEST(pages_go_on_while_others_write),
    };
    return cmocka_run_group_tests_name("records of a kind", tests, start, NULL);
}
