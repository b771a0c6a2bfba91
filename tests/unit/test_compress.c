// Packing: what comes back, what is not worth it, and every way in which a frame may not
// be. The frames below are made by hand after RFC 8878.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "lib/commit.h"
#include "lib/compress.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"

static uint8_t *noise(size_t size, uint64_t state)
{
    uint8_t *bytes = mem_alloc(size);
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
    return bytes;
}

// Half of it noise, half of it one letter: packed to somewhat more than a half.
static uint8_t *half_noise(size_t size)
{
    uint8_t *bytes = noise(size, 7);
    for (size_t i = 0; i < size; i++)
        if (i / 32 % 2)
            bytes[i] = 'e';
    return bytes;
}

static void expect(err_t expected, span_t frame, size_t size)
{
    buf_t bytes;
    uint8_t *exact = mem_alloc(frame.size); // so that a byte beyond it is found out
    memcpy(exact, frame.data, frame.size);
    assert_int_equal(decompress(span_of(exact, frame.size), size, &bytes), expected);
    assert_int_equal(bytes.size, expected ? 0 : size);
    buf_free(&bytes);
    mem_free(exact);
}

static void expect_frame(err_t expected, const char *hex, size_t size)
{
    buf_t frame = from_hex(hex);
    expect(expected, buf_span(&frame), size);
    buf_free(&frame);
}

// Whatever may be a run can be packed.
static void what_was_packed_comes_back(void **state)
{
    assert_int_equal(COMPRESS_BYTES_MAX, RUN_BYTES_MAX);
    static const size_t sizes[] = {64, 1000, 4096, 65537, COMPRESS_BYTES_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *bytes = half_noise(sizes[i]);
        buf_t frame, again;
        assert_true(compress(span_of(bytes, sizes[i]), &frame));
        assert_true(frame.size < sizes[i]);
        assert_int_equal(decompress(buf_span(&frame), sizes[i], &again), ERR_OK);
        assert_memory_equal(again.data, bytes, sizes[i]);
        buf_free(&again);
        buf_free(&frame);
        mem_free(bytes);
    }
}

static void what_gains_nothing_stays_as_it_is(void **state)
{
    buf_t frame;
    uint8_t *bytes = noise(5000, 3);
    (void)state;
    assert_false(compress(span_of(bytes, 5000), &frame));
    assert_null(frame.data);
    assert_false(compress(span_of(bytes, 1), &frame));
    assert_false(compress(span_of(NULL, 0), &frame));
    mem_free(bytes);
}

// Whoever receives it would have more work of a byte than is allowed.
static void what_shrinks_too_much_stays_as_it_is(void **state)
{
    static const uint8_t zeros[100000];
    buf_t frame;
    (void)state;
    assert_false(compress(span_of(zeros, sizeof zeros), &frame));
    assert_null(frame.data);
}

// 28b52ffd magic; 20: one segment, its size in one byte; then blocks: three bytes, little
// endian, of 1 bit last, 2 bits type (0 raw, 1 one byte repeated), 21 bits size.
#define MAGIC "28b52ffd "

static void frames_by_hand(void **state)
{
    (void)state;
    // 40 times 'e' in one block: 40 * 8 + 2 + 1 = 0x143.
    expect_frame(ERR_OK, MAGIC "20 28 430100 65", 40);
    // The same and a raw one of 3 before it: 3 * 8 = 0x18; in all 43.
    expect_frame(ERR_OK, MAGIC "20 2b 180000 616263 430100 65", 43);
    // Two bytes of size hold 256 less: 300 of 'e' in two blocks, more than eight to one.
    expect_frame(ERR_BAD_PACKING, MAGIC "60 2c00 630900 65", 300);
    // 80 is eight to one of the 10 bytes of these: 80 * 8 + 3 = 0x283; 81 is more.
    expect_frame(ERR_OK, MAGIC "20 50 830200 65", 80);
    expect_frame(ERR_BAD_PACKING, MAGIC "20 51 8b0200 65", 81);
}

static void frames_that_may_not_be(void **state)
{
    (void)state;
    static const char *const hexes[] = {
        "",
        "28",
        MAGIC,
        MAGIC "20",
        MAGIC "20 28",
        MAGIC "20 28 4301",                               // ends early
        MAGIC "20 28 430100",                             // likewise
        MAGIC "20 28 420100 65",                          // its last block is not
        MAGIC "20 28 430100 65 00",                       // a byte behind it
        MAGIC "20 28 430100 65 502a4d18 00000000",        // a skippable frame behind it
        "502a4d18 00000000 " MAGIC "20 28 430100 65",     // and before it
        MAGIC "20 14 a30000 65 " MAGIC "20 14 a30000 65", // two frames of 20
        MAGIC "20 27 430100 65",                          // says 39
        MAGIC "20 29 430100 65",                          // says 41
        MAGIC "20 28 3b0100 65",                          // says 40, has 39
        MAGIC "20 28 4b0100 65",                          // has 41
        MAGIC "00 50 430100 65",                          // a window of 1 MiB, no size
        MAGIC "00 a8 430100 65",                          // a window of 2 GiB
        MAGIC "40 50 2800 430100 65",                     // a window and a size
        MAGIC "21 07 28 430100 65",                       // a dictionary's id
        MAGIC "28 28 430100 65",                          // a reserved bit
        MAGIC "30 28 430100 65",                          // an unused bit
        MAGIC "20 28 470100 65",                          // type 3, reserved
        MAGIC "24 28 430100 65 00000000",                 // a checksum that does not hold
        "27b52ffd 20 28 430100 65",                       // an older format
    };
    for (size_t i = 0; i < sizeof hexes / sizeof *hexes; i++) {
        buf_t frame = from_hex(hexes[i]);
        buf_t bytes;
        if (decompress(buf_span(&frame), 40, &bytes) != ERR_BAD_PACKING || bytes.data)
            fail_msg("taken: %s", hexes[i]);
        buf_free(&frame);
    }
}

// Another size than was told, above all one that is larger than what may be.
static void sizes_that_do_not_hold(void **state)
{
    enum { SIZE = COMPRESS_BYTES_MAX + 1 };
    (void)state;
    expect_frame(ERR_BAD_PACKING, MAGIC "20 28 430100 65", 39);
    expect_frame(ERR_BAD_PACKING, MAGIC "20 28 430100 65", 41);
    expect_frame(ERR_BAD_PACKING, MAGIC "20 28 430100 65", 0);
    expect_frame(ERR_BAD_PACKING, MAGIC "20 28 430100 65", SIZE_MAX);
    expect_frame(ERR_BAD_PACKING, MAGIC "20 05 290000 6162636465", 5); // no smaller than its frame
    uint8_t *bytes = half_noise(SIZE);
    buf_t frame = {0};
    size_t most = ZSTD_compressBound(SIZE);
    frame.size = ZSTD_compress(buf_extend(&frame, most), most, bytes, SIZE, 3);
    expect(ERR_BAD_PACKING, buf_span(&frame), SIZE);
    buf_free(&frame);
    mem_free(bytes);
}

// Each bit of a frame, and each shorter one: refused or read, never beyond its bounds.
static void damage_is_refused_or_read(void **state)
{
    enum { SIZE = 600 };
    (void)state;
    uint8_t *bytes = half_noise(SIZE);
    buf_t frame, again;
    assert_true(compress(span_of(bytes, SIZE), &frame));
    for (size_t i = 0; i < frame.size; i++)
        expect(ERR_BAD_PACKING, span_of(frame.data, i), SIZE);
    for (size_t bit = 0; bit < frame.size * 8; bit++) {
        frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err_t err = decompress(buf_span(&frame), SIZE, &again);
        assert_true(err == ERR_OK || err == ERR_BAD_PACKING);
        assert_int_equal(again.size, err ? 0 : SIZE);
        buf_free(&again);
        frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_free(&frame);
    mem_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(what_gains_nothing_stays_as_it_is),
        cmocka_unit_test(what_shrinks_too_much_stays_as_it_is),
        cmocka_unit_test(frames_by_hand),
        cmocka_unit_test(frames_that_may_not_be),
        cmocka_unit_test(sizes_that_do_not_hold),
        cmocka_unit_test(damage_is_refused_or_read),
    };
    return cmocka_run_group_tests_name("compress", tests, NULL, NULL);
}
