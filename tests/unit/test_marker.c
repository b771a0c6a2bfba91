// The boot marker: its bytes, and every way in which it does not agree.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/crypto.h"
#include "lib/home.h"
#include "lib/marker.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

static const nonce_t first = {{1}}, second = {{2}}, none = {{0}};

static marker_t sample(void)
{
    return (marker_t){.place = {{7}, 99, 1234567890123456789u},
                      .nonce_count = 2,
                      .nonces = {first, second},
                      .sequence = 4,
                      .head_count = 2,
                      .heads = {{2, 0, 1}, {1, 1, 300}}};
}

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    uint8_t bytes[MARKER_BYTES];
    marker_t marker = sample(), back;
    marker_encode(&marker, bytes);
    // By the layout that the module's head gives, counted by hand.
    assert_memory_equal(bytes, "enlace-boot-1\n\0\0", 16);
    assert_int_equal(bytes[16], 7);
    assert_int_equal(bytes[32], 99);
    assert_int_equal(bytes[48], 2);
    assert_int_equal(bytes[56], 1);
    assert_int_equal(bytes[72], 2);
    // Sequence 4 goes to the first place; its second head is epoch 1, lane 1, 300.
    assert_int_equal(bytes[2048], 4);
    assert_int_equal(bytes[2056], 2);
    assert_int_equal(bytes[2048 + 32], 1);
    assert_int_equal(bytes[2048 + 36], 1);
    assert_int_equal(bytes[2048 + 40] + 256 * bytes[2048 + 41], 300);
    assert_int_equal(marker_decode(span_of(bytes, sizeof bytes), &back), ERR_OK);
    assert_memory_equal(&back.place, &marker.place, sizeof back.place);
    assert_int_equal(back.nonce_count, 2);
    assert_memory_equal(back.nonces, marker.nonces, sizeof back.nonces);
    assert_int_equal(back.sequence, 4);
    assert_int_equal(back.head_count, 2);
    assert_true(position_equal(back.heads[1], (position_t){1, 1, 300}));
}

static void what_is_altered_or_cut_is_damaged(void **state)
{
    (void)state;
    uint8_t bytes[MARKER_BYTES];
    marker_t marker = sample(), back;
    marker_encode(&marker, bytes);
    assert_int_equal(marker_decode(span_of(bytes, sizeof bytes - 1), &back), ERR_DAMAGED);
    assert_int_equal(marker_decode(span_of(NULL, 0), &back), ERR_DAMAGED);
    // Every byte of the place and of the heads that were written: one bit.
    for (size_t i = 0; i < MARKER_BYTES; i++) {
        bool place = i < 16 + 16 + 8 + 8 + 8 + 32 + 32;
        bool heads = i >= 2048 && i < 2048 + 16 + 64 * 16 + 32;
        if (!place && !heads)
            continue;
        bytes[i] ^= 0x10;
        assert_int_equal(marker_decode(span_of(bytes, sizeof bytes), &back), ERR_DAMAGED);
        bytes[i] ^= 0x10;
    }
}

// Written in place, the other place stays as it was: torn in the middle, the
// older heads count.
static void torn_heads_leave_those_before(void **state)
{
    (void)state;
    uint8_t bytes[MARKER_BYTES], slot[MARKER_SLOT_BYTES];
    marker_t marker = sample(), back;
    marker_encode(&marker, bytes);
    marker.sequence++;
    marker.heads[1].number = 301;
    size_t at = marker_encode_heads(&marker, slot);
    assert_int_equal(at, 4096);
    for (size_t torn = 0; torn <= sizeof slot; torn += 64) {
        memcpy(bytes + at, slot, torn);
        assert_int_equal(marker_decode(span_of(bytes, sizeof bytes), &back), ERR_OK);
        // Whole once the hash behind 64 heads is there.
        assert_int_equal(back.heads[1].number, torn >= 16 + 64 * 16 + 32 ? 301 : 300);
    }
}

static void heads_rise_and_the_newest_epochs_are_kept(void **state)
{
    (void)state;
    marker_t marker = {.nonce_count = 1};
    position_t more[2] = {{1, 1, 5}, {1, 0, 1}}, less = {1, 1, 4};
    assert_true(marker_set_heads(&marker, more, 2, false));
    assert_false(marker_set_heads(&marker, more, 2, false));
    assert_false(marker_set_heads(&marker, &less, 1, true));
    assert_int_equal(marker.head_count, 2);
    assert_true(marker_set_heads(&marker, &less, 1, false));
    assert_int_equal(marker.head_count, 1);
    for (uint32_t epoch = 1; epoch <= MARKER_HEADS_MAX + 6; epoch++)
        assert_true(marker_set_heads(&marker, &(position_t){epoch, 1, 9}, 1, true));
    assert_int_equal(marker.head_count, MARKER_HEADS_MAX);
    assert_int_equal(marker.heads[0].epoch, MARKER_HEADS_MAX + 6);
    assert_int_equal(marker.heads[MARKER_HEADS_MAX - 1].epoch, 7);
}

static err_t agrees(const marker_t *marker, const marker_place_t *found, const nonce_t *nonce,
                    const position_t *heads, size_t count)
{
    fault_t fault = {0};
    err_t err = marker_agrees(marker, found, nonce, heads, count, &fault);
    assert_true(!err || fault.detail[0]); // it says why
    return err;
}

static void it_agrees_with_the_database_that_it_knows_and_no_other(void **state)
{
    (void)state;
    const position_t heads[] = {{1, 1, 300}, {2, 0, 1}}, low[] = {{1, 1, 299}, {2, 0, 1}},
                     high[] = {{1, 1, 301}, {2, 0, 1}, {2, 1, 8}};
    marker_t marker = sample();
    marker_place_t place = marker.place, other = place;
    assert_int_equal(agrees(&marker, &place, &first, heads, 2), ERR_OK);
    assert_int_equal(agrees(&marker, &place, &second, heads, 2), ERR_OK);
    assert_int_equal(agrees(&marker, &place, &second, high, 3), ERR_OK);
    assert_int_equal(agrees(&marker, &place, &second, low, 2), ERR_RESTORED);
    assert_int_equal(agrees(&marker, &place, &second, heads, 1), ERR_RESTORED);
    assert_int_equal(agrees(&marker, &place, &(nonce_t){{3}}, heads, 2), ERR_RESTORED);
    assert_int_equal(agrees(&marker, &place, &none, heads, 2), ERR_RESTORED);
    assert_int_equal(agrees(NULL, &place, &first, heads, 2), ERR_RESTORED);
    other.inode++;
    assert_int_equal(agrees(&marker, &other, &first, heads, 2), ERR_RESTORED);
    other = place;
    other.born_ns--;
    assert_int_equal(agrees(&marker, &other, &first, heads, 2), ERR_RESTORED);
    other = place;
    other.machine[15] = 1;
    assert_int_equal(agrees(&marker, &other, &first, heads, 2), ERR_RESTORED);
    marker.nonce_count = 1;
    assert_int_equal(agrees(&marker, &place, &second, heads, 2), ERR_RESTORED);
}

// Made by init: a database that has no nonce, and nothing in it, is the one.
static void of_a_node_that_never_ran_only_an_empty_database_agrees(void **state)
{
    (void)state;
    marker_t marker = {.nonce_count = 1};
    marker_place_t place = {{0}, 0, 0};
    assert_int_equal(agrees(&marker, &place, &none, NULL, 0), ERR_OK);
    assert_int_equal(agrees(&marker, &place, &none, &(position_t){1, 1, 0}, 1), ERR_OK);
    assert_int_equal(agrees(&marker, &place, &none, &(position_t){1, 1, 1}, 1), ERR_RESTORED);
    assert_int_equal(agrees(&marker, &place, &first, NULL, 0), ERR_RESTORED);
}

// ---- files ----

static void copy(const char *from, const char *to)
{
    buf_t bytes;
    assert_int_equal(file_read(from, MARKER_BYTES, &bytes, NULL), ERR_OK);
    assert_int_equal(file_write(to, buf_span(&bytes), 0600, NULL), ERR_OK);
    buf_free(&bytes);
}

static bool read_agrees(const char *dir, const nonce_t *nonce)
{
    marker_t marker;
    marker_place_t found;
    bool there;
    assert_int_equal(marker_read(dir, &marker, &found, &there, NULL), ERR_OK);
    return !marker_agrees(there ? &marker : NULL, &found, nonce, NULL, 0, NULL);
}

static void a_copy_never_agrees_and_a_move_does(void **state)
{
    char *dir = scratch_path(*state, "node"), *copied = scratch_path(*state, "copy");
    char *moved = scratch_path(*state, "moved");
    char *from = home_path(dir, MARKER_FILE), *to = home_path(copied, MARKER_FILE);
    marker_t marker = {.nonce_count = 1, .nonces = {first}};
    scratch_mkdir(*state, "node");
    scratch_mkdir(*state, "copy");
    assert_false(read_agrees(dir, &first)); // there is none
    assert_int_equal(marker_write(dir, &marker, NULL), ERR_OK);
    assert_true(read_agrees(dir, &first));
    copy(from, to);
    assert_false(read_agrees(copied, &first));
    assert_int_equal(rename(dir, moved), 0);
    assert_true(read_agrees(moved, &first));
    mem_free(to);
    mem_free(from);
    mem_free(moved);
    mem_free(copied);
    mem_free(dir);
}

static void heads_are_written_in_place(void **state)
{
    char *dir = scratch_path(*state, "node");
    marker_t marker = {.nonce_count = 1, .nonces = {first}}, back;
    marker_place_t before, after;
    bool there;
    scratch_mkdir(*state, "node");
    assert_int_equal(marker_write(dir, &marker, NULL), ERR_OK);
    assert_int_equal(marker_read(dir, &back, &before, &there, NULL), ERR_OK);
    for (uint64_t i = 1; i < 6; i++) {
        marker_set_heads(&marker, &(position_t){1, 1, i}, 1, false);
        assert_int_equal(marker_update(dir, &marker, NULL), ERR_OK);
        assert_int_equal(marker_read(dir, &back, &after, &there, NULL), ERR_OK);
        assert_true(there);
        assert_int_equal(back.heads[0].number, i);
        assert_int_equal(before.inode, after.inode);
    }
    // Nothing but a plain file of its own size is a marker.
    scratch_write(*state, "node/boot", "enlace", 0600);
    assert_int_equal(marker_read(dir, &back, &after, &there, NULL), ERR_OK);
    assert_false(there);
    mem_free(dir);
}

static int start(void **state)
{
    (void)state;
    return crypto_start() ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(what_is_altered_or_cut_is_damaged),
        cmocka_unit_test(torn_heads_leave_those_before),
        cmocka_unit_test(heads_rise_and_the_newest_epochs_are_kept),
        cmocka_unit_test(it_agrees_with_the_database_that_it_knows_and_no_other),
        cmocka_unit_test(of_a_node_that_never_ran_only_an_empty_database_agrees),
        SCRATCH_TEST(a_copy_never_agrees_and_a_move_does),
        SCRATCH_TEST(heads_are_written_in_place),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
