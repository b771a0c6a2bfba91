// A store that is fed to search, and what is found then.
#ifndef ENLACE_TESTS_UNIT_SEARCH_STAGE_H
#define ENLACE_TESTS_UNIT_SEARCH_STAGE_H

#include "tests/unit/make_commits.h"

#include "daemon/search/feeder.h"
#include "daemon/search/finder.h"
#include "daemon/store/sql.h"

typedef struct {
    void *dir;
    char *path, *search_path;
    store_t *store;
    feeder_t feeder;
    writer_t a, b;
} stage_t;

UNUSED_HERE static const nonce_t first_run = {{1}}, second_run = {{2}}, third_run = {{3}};

UNUSED_HERE static void open_store(stage_t *stage, const nonce_t *boot)
{
    assert_ok(store_open(stage->path, NULL, &stage->store, NULL));
    assert_ok(store_set_boot(stage->store, boot, NULL));
    assert_ok(store_commit(stage->store, NULL));
}

UNUSED_HERE static stage_t open_stage(void **state)
{
    stage_t stage = {.dir = *state,
                     .path = scratch_path(*state, "enlace.db"),
                     .search_path = scratch_path(*state, "search.db"),
                     .a = writer_of(1, 1, 1),
                     .b = writer_of(2, 1, 1)};
    open_store(&stage, &first_run);
    found_coalition(stage.store);
    feeder_init(&stage.feeder, stage.path, stage.search_path, &first_run);
    return stage;
}

UNUSED_HERE static void close_stage(stage_t *stage)
{
    feeder_clear(&stage->feeder);
    store_close(&stage->store);
    writer_clear(&stage->a);
    writer_clear(&stage->b);
    mem_free(stage->path);
    mem_free(stage->search_path);
}

UNUSED_HERE static void append(stage_t *stage, writer_t *writer)
{
    append_written(stage->store, writer);
    assert_ok(store_commit(stage->store, NULL));
}

UNUSED_HERE static void put(stage_t *stage, writer_t *writer, uint64_t target, const char *json)
{
    write_record(writer, target, json);
    append(stage, writer);
}

UNUSED_HERE static void feed(stage_t *stage)
{
    fault_t fault = {0};
    assert_ok(feeder_open(&stage->feeder, &fault));
    for (bool more = true; more;)
        assert_ok(feeder_batch(&stage->feeder, &more, &fault));
}

// A daemon that ends and starts again: the store's nonce changes, the feeder is told the one
// before.
UNUSED_HERE static void restart(stage_t *stage, const nonce_t *before, const nonce_t *now)
{
    feeder_clear(&stage->feeder);
    store_close(&stage->store);
    open_store(stage, now);
    feeder_init(&stage->feeder, stage->path, stage->search_path, before);
    assert_ok(feeder_open(&stage->feeder, NULL));
}

// ---- what is found ----

// Apply numbers of the records, the newest first, as "3 1"; with the tail, "3 1 | 4".
UNUSED_HERE static char *found(const char *search_path, const char *path, const char *asked,
                               bool tolerant)
{
    finder_t *finder = NULL;
    reader_t *reader = NULL;
    asked_t words;
    tail_t tail;
    hits_t hits;
    int64_t record = 1;
    char *pieces[] = {(char *)(uintptr_t)asked};
    buf_t text = {0};
    assert_ok(finder_new(search_path, &finder, NULL));
    assert_ok(reader_open(path, &reader, NULL));
    assert_ok(asked_read(finder_tokenizer(finder), pieces, 1, &words, NULL));
    words.tolerant = tolerant;
    finder_begin(finder, false);
    assert_ok(reader_hold(reader, NULL));
    assert_ok(finder_tail(finder, reader, &tail, NULL));
    if (tolerant)
        assert_ok(finder_alike(finder, &words, NULL));
    char *expression = asked_expression(&words, NULL, 0);
    hits_begin(&hits, finder, expression, 1, INT64_MAX, true);
    while (record) {
        char number[32];
        assert_ok(hits_next(&hits, &record, NULL));
        int size =
            snprintf(number, sizeof number, "%s%lld", text.size ? " " : "", (long long)record);
        if (record)
            buf_append(&text, span_of(number, (size_t)size));
    }
    for (size_t i = 0; i < tail.count; i++) {
        char number[32];
        int size =
            snprintf(number, sizeof number, "%s%lld", i ? " " : " | ", (long long)tail.records[i]);
        buf_append(&text, span_of(number, (size_t)size));
    }
    buf_append(&text, span_of("", 1));
    hits_end(&hits);
    tail_clear(&tail);
    asked_clear(&words);
    mem_free(expression);
    reader_release(reader);
    reader_close(&reader);
    finder_destroy(&finder);
    return (char *)text.data;
}

UNUSED_HERE static void expect_hits(stage_t *stage, const char *asked, bool tolerant,
                                    const char *want)
{
    char *got = found(stage->search_path, stage->path, asked, tolerant);
    if (strcmp(got, want) != 0)
        fail_msg("%s: '%s' instead of '%s'", asked, got, want);
    mem_free(got);
}

UNUSED_HERE static void expect_found(stage_t *stage, const char *asked, const char *want)
{
    expect_hits(stage, asked, false, want);
}

#endif
