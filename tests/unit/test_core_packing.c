// Packed runs: to whom, over which link, and what becomes of those that come.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/compress.h"
#include "lib/mem.h"
#include "tests/unit/core_feeds.h"

enum { LINK = 7, BODY = 30000, GRANTED = 200000 };

// Half of it is noise: it is packed to somewhat more than a half.
static span_t body(void)
{
    static uint8_t bytes[BODY];
    uint64_t state = 5;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = i / 32 % 2 ? 'e' : (uint8_t)(state >> 56);
    }
    return span_of(bytes, sizeof bytes);
}

// ---- serving ----

// All parts of the last step, put together; what its first one says of their size.
static uint32_t take_parts(const bench_t *bench, buf_t *whole)
{
    message_t part;
    uint32_t unpacked = 0;
    for (size_t at = 0; (at = bench_next_sent(bench, MSG_RUN_PART, at, &part)) != 0;) {
        if (part.as.run_part.index == 0)
            unpacked = part.as.run_part.unpacked;
        else
            assert_int_equal(part.as.run_part.unpacked, 0);
        buf_append(whole, part.as.run_part.bytes);
        message_clear(&part);
    }
    return unpacked;
}

static void grant(bench_t *bench, uint64_t limit)
{
    message_t ack = {.type = MSG_ACK};
    ack.as.heads.has_credit = true;
    ack.as.heads.credit_limit = limit;
    bench_say(bench, LINK, &ack);
    bench_commit(bench);
}

typedef struct {
    bench_t bench;
    commit_t *commit;
    buf_t run;
} serving_t;

static serving_t *serving(uint32_t packings)
{
    serving_t *serving = mem_alloc(sizeof *serving);
    bench_open(&serving->bench, NULL, 0, NULL, 0);
    serving->bench.packings = packings;
    bench_greet(&serving->bench, LINK, BENCH_BB);
    assert_int_equal(bench_append(&serving->bench, body()), 1);
    serving->commit = commit_copy(bench_effect(&serving->bench, EFFECT_APPEND)->commit);
    serving->run = run_encode(&serving->commit->feed, &serving->commit, 1);
    bench_commit(&serving->bench);
    return serving;
}

static void serving_free(serving_t *serving)
{
    commit_destroy(&serving->commit);
    buf_free(&serving->run);
    bench_close(&serving->bench);
    mem_free(serving);
}

// The run once more, for a fetch of its own, within that credit; what went out.
static uint32_t serve(serving_t *serving, uint32_t fetch, uint64_t limit, buf_t *whole)
{
    message_t m = bench_fetch_of(&serving->bench, BENCH_AA, fetch);
    m.as.fetch.credit_limit = limit;
    bench_fetch_read(&serving->bench, LINK, &m, serving->commit);
    return take_parts(&serving->bench, whole);
}

static void expect_packed(const serving_t *serving, uint32_t unpacked, buf_t *whole)
{
    buf_t run;
    assert_int_equal(unpacked, serving->run.size);
    assert_true(whole->size < serving->run.size);
    assert_int_equal(decompress(buf_span(whole), unpacked, &run), ERR_OK);
    assert_true(span_equal(buf_span(&run), buf_span(&serving->run)));
    buf_free(&run);
    buf_free(whole);
}

static void expect_plain(const serving_t *serving, uint32_t unpacked, buf_t *whole)
{
    assert_int_equal(unpacked, 0);
    assert_true(span_equal(buf_span(whole), buf_span(&serving->run)));
    buf_free(whole);
}

// So large a run waits, and the credit for the rest comes that much later; all parts.
static uint32_t serve_slowly(serving_t *serving, uint32_t fetch, uint64_t limit, uint64_t after_ms,
                             buf_t *whole)
{
    uint32_t unpacked = serve(serving, fetch, limit, whole);
    serving->bench.now_ms += after_ms;
    grant(&serving->bench, limit + GRANTED);
    assert_int_equal(take_parts(&serving->bench, whole), 0);
    return unpacked;
}

static void nobody_gets_what_it_does_not_take(void **state)
{
    static const uint32_t others[] = {0, 2, 0xfffffffe}; // what a later version may take
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        serving_t *s = serving(others[i]);
        buf_t whole = {0};
        uint32_t unpacked = serve_slowly(s, 1, 8192, 60000, &whole);
        expect_plain(s, unpacked, &whole);
        unpacked = serve(s, 2, 8192 + GRANTED, &whole);
        expect_plain(s, unpacked, &whole);
        serving_free(s);
    }
}

// Of an unknown link: what would wait is packed, and nothing else.
static void an_unknown_link_is_tried(void **state)
{
    serving_t *s = serving(PACKING_ZSTD | 2);
    buf_t whole = {0};
    (void)state;
    uint32_t unpacked = serve(s, 1, GRANTED, &whole);
    expect_plain(s, unpacked, &whole);
    serving_free(s);
    s = serving(PACKING_ZSTD);
    unpacked = serve_slowly(s, 1, 8192, 10, &whole);
    expect_packed(s, unpacked, &whole);
    serving_free(s);
}

// A wait of 250 ms in which 8 KiB came: 32 KiB a second.
static void a_slow_link_gets_packed_runs(void **state)
{
    serving_t *s = serving(PACKING_ZSTD);
    buf_t whole = {0};
    (void)state;
    expect_packed(s, serve_slowly(s, 1, 8192, 250, &whole), &whole);
    expect_packed(s, serve(s, 2, 8192 + GRANTED, &whole), &whole);
    // In the next session from the first run on.
    bench_greet(&s->bench, LINK + 1, BENCH_BB);
    message_t m = bench_fetch_of(&s->bench, BENCH_AA, 3);
    m.as.fetch.credit_limit = GRANTED;
    bench_fetch_read(&s->bench, LINK + 1, &m, s->commit);
    expect_packed(s, take_parts(&s->bench, &whole), &whole);
    serving_free(s);
}

// Shorter waits say nothing: a session begins with little credit on any link.
static void short_waits_say_nothing(void **state)
{
    serving_t *s = serving(PACKING_ZSTD);
    buf_t whole = {0};
    (void)state;
    expect_packed(s, serve_slowly(s, 1, 8192, 249, &whole), &whole);
    expect_plain(s, serve(s, 2, 8192 + GRANTED, &whole), &whole);
    serving_free(s);
}

// 8 KiB in 7 ms are more than 1 MiB a second, in 8 ms they are less. A link that was slow
// is so until then.
static void a_fast_link_pays_nothing(void **state)
{
    serving_t *s = serving(PACKING_ZSTD);
    buf_t whole = {0};
    (void)state;
    expect_packed(s, serve_slowly(s, 1, 8192, 7, &whole), &whole);
    uint64_t limit = 8192 + GRANTED;
    while (serve(s, 2, limit, &whole) == 0 && whole.size == s->run.size)
        buf_free(&whole); // until credit has run out, plain all the time
    assert_true(whole.size < s->run.size);
    grant(&s->bench, limit + GRANTED);
    assert_int_equal(take_parts(&s->bench, &whole), 0);
    assert_true(span_equal(buf_span(&whole), buf_span(&s->run)));
    buf_free(&whole);
    serving_free(s);
}

// ---- following ----

static void bring(bench_t *bench, uint32_t fetch, uint32_t unpacked, span_t bytes)
{
    message_t part = {.type = MSG_RUN_PART};
    part.as.run_part.fetch = fetch;
    part.as.run_part.last = part.as.run_part.end = true;
    part.as.run_part.unpacked = unpacked;
    part.as.run_part.bytes = bytes;
    bench_say(bench, LINK, &part);
    bench_commit(bench);
}

// A run of DD's first change, packed.
static uint32_t packed_run(bench_t *bench, buf_t *frame)
{
    head_t start = bench_start(bench, BENCH_DD);
    char text[512];
    memset(text, 'e', sizeof text);
    text[sizeof text - 1] = '\0';
    commit_t *commit = bench_commit_after(bench, BENCH_DD, &start, text);
    buf_t run = run_encode(&commit->feed, &commit, 1);
    uint32_t size = (uint32_t)run.size;
    assert_true(compress(buf_span(&run), frame));
    buf_free(&run);
    commit_destroy(&commit);
    return size;
}

static void a_packed_run_is_taken(void **state)
{
    bench_t bench;
    buf_t frame;
    (void)state;
    bench_open_connected(&bench, LINK);
    uint32_t size = packed_run(&bench, &frame);
    bring(&bench, bench_claim(&bench, LINK, BENCH_DD, 1), size, buf_span(&frame));
    assert_int_equal(bench_held(&bench, BENCH_DD), 1);
    buf_free(&frame);
    bench_close(&bench);
}

// The source's fault: it is counted, and left alone; the session goes on.
static void one_that_cannot_be_unpacked_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bench_t bench;
        buf_t frame;
        bench_open_connected(&bench, LINK);
        uint32_t size = packed_run(&bench, &frame);
        if (i == 1)
            frame.data[0] ^= 1;
        if (i == 2)
            buf_append(&frame, span_text("x"));
        bring(&bench, bench_claim(&bench, LINK, BENCH_DD, 1), size + (i == 0),
              span_of(frame.data, frame.size - (i == 3)));
        assert_int_equal(bench_counted(&bench, ERR_BAD_PACKING), 1);
        assert_int_equal(bench_held(&bench, BENCH_DD), 0);
        assert_null(bench_effect(&bench, EFFECT_CLOSE));
        assert_int_equal(bench_claim(&bench, LINK, BENCH_DD, 2), BENCH_NO_FETCH);
        buf_free(&frame);
        bench_close(&bench);
    }
}

// Nor is more kept than was told.
static void more_than_was_told_ends_the_session(void **state)
{
    static const uint8_t bytes[600];
    bench_t bench;
    (void)state;
    bench_open_connected(&bench, LINK);
    message_t part = {.type = MSG_RUN_PART};
    part.as.run_part.fetch = bench_claim(&bench, LINK, BENCH_DD, 1);
    part.as.run_part.unpacked = 1000;
    part.as.run_part.bytes = span_of(bytes, sizeof bytes);
    bench_say(&bench, LINK, &part);
    assert_null(bench_effect(&bench, EFFECT_CLOSE));
    part.as.run_part.index = 1;
    part.as.run_part.unpacked = 0;
    bench_say(&bench, LINK, &part);
    assert_non_null(bench_effect(&bench, EFFECT_CLOSE));
    assert_int_equal(bench_counted(&bench, ERR_BAD_PACKING), 1);
    bench_close(&bench);
}

static void the_size_is_told_once(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_connected(&bench, LINK);
    message_t part = {.type = MSG_RUN_PART};
    part.as.run_part.fetch = bench_claim(&bench, LINK, BENCH_DD, 1);
    part.as.run_part.unpacked = 1000;
    part.as.run_part.bytes = span_text("x");
    bench_say(&bench, LINK, &part);
    part.as.run_part.index = 1;
    bench_say(&bench, LINK, &part);
    assert_non_null(bench_effect(&bench, EFFECT_CLOSE));
    assert_int_equal(bench_counted(&bench, ERR_BAD_PARTS), 1);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_what_it_does_not_take),
        cmocka_unit_test(an_unknown_link_is_tried),
        cmocka_unit_test(a_slow_link_gets_packed_runs),
        cmocka_unit_test(short_waits_say_nothing),
        cmocka_unit_test(a_fast_link_pays_nothing),
        cmocka_unit_test(a_packed_run_is_taken),
        cmocka_unit_test(one_that_cannot_be_unpacked_is_refused),
        cmocka_unit_test(more_than_was_told_ends_the_session),
        cmocka_unit_test(the_size_is_told_once),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core packing", tests, NULL, NULL);
}
