// The thread that reads runs: order, room, its end with work left. What it computes is
// tests/unit/test_run_prepare.c's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>

#include "daemon/preparer.h"
#include "lib/compress.h"
#include "lib/mem.h"
#include "tests/unit/protocol_samples.h"

static preparer_t *start(void)
{
    preparer_t *preparer = NULL;
    assert_int_equal(preparer_start(&preparer, NULL), ERR_OK);
    assert_non_null(preparer);
    return preparer;
}

// A run of one commit whose change has so many bytes; `number` is its fetch.
static prepared_t *make(uint32_t number, size_t size)
{
    static const uint8_t seed[32] = {1};
    prepared_t *prepared = mem_alloc(sizeof *prepared);
    uint8_t *body = mem_alloc(size);
    feed_t feed = sample_feed();
    hash_t previous = {{4}};
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_of(body, size)};
    secret_t *signing = sample_secret(1, &prepared->key);
    commit_t *commit = commit_author(&feed, number, &previous, 1700000000000, 1, &draft, 1, seed,
                                     signing, &sample_coalition);
    prepared->fetch = number;
    prepared->coalition = sample_coalition;
    prepared->bytes = run_encode(&feed, &commit, 1);
    commit_destroy(&commit);
    secret_destroy(&signing);
    mem_free(body);
    return prepared;
}

static void put(preparer_t *preparer, prepared_t *prepared)
{
    assert_true(preparer_has_room(preparer, prepared->bytes.size));
    preparer_put(preparer, &prepared);
    assert_null(prepared);
}

// Waits for it as the loop does.
static prepared_t *polled(preparer_t *preparer)
{
    size_t bytes;
    prepared_t *taken = NULL;
    while (!taken) {
        struct pollfd item = {.fd = preparer_fd(preparer), .events = POLLIN};
        assert_int_equal(poll(&item, 1, 60000), 1);
        taken = preparer_take(preparer, false, &bytes);
    }
    return taken;
}

static void expect_read(prepared_t *prepared, uint32_t number)
{
    assert_non_null(prepared);
    assert_int_equal(prepared->fetch, number);
    assert_int_equal(prepared->refused, ERR_OK);
    assert_int_equal(prepared->run.count, 1);
    assert_int_equal(prepared->run.commits[0]->first, number);
    assert_true(prepared->run.commits[0]->holds);
    prepared_destroy(&prepared);
}

static void they_come_back_in_their_order(void **state)
{
    size_t bytes;
    (void)state;
    preparer_t *preparer = start();
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 1; i <= 10; i++) // big ones before small ones
            put(preparer, make(i, i % 3 == 1 ? 60000 : 10));
        for (uint32_t i = 1; i <= 10; i++)
            expect_read(round % 2 ? polled(preparer) : preparer_take(preparer, true, &bytes), i);
        assert_null(preparer_take(preparer, round % 2, &bytes)); // waits for nothing
    }
    struct pollfd item = {.fd = preparer_fd(preparer), .events = POLLIN};
    assert_int_equal(poll(&item, 1, 0), 0);
    preparer_stop(&preparer);
    assert_null(preparer);
}

static void what_does_not_read_comes_back_with_the_reason(void **state)
{
    (void)state;
    preparer_t *preparer = start();
    prepared_t *broken = make(1, 10), *empty = make(2, 10), *end = make(3, 10);
    broken->bytes.data[broken->bytes.size - 70] ^= 1;
    buf_free(&empty->bytes);
    buf_free(&end->bytes);
    end->end = true;
    put(preparer, broken);
    put(preparer, empty);
    put(preparer, end);
    const err_t wanted[] = {ERR_OK, ERR_BAD_PARTS, ERR_STALE};
    for (size_t i = 0; i < 3; i++) {
        prepared_t *taken = polled(preparer);
        assert_int_equal(taken->run.count, 0);
        if (i == 0)
            assert_int_not_equal(taken->refused, ERR_OK);
        else
            assert_int_equal(taken->refused, wanted[i]);
        prepared_destroy(&taken);
    }
    preparer_stop(&preparer);
}

// Room is counted until they are taken, read or not; one goes in always.
static void room_is_bounded(void **state)
{
    size_t bytes, held = 0, count = 0;
    (void)state;
    preparer_t *preparer = start();
    assert_true(preparer_has_room(preparer, SIZE_MAX / 2));
    for (prepared_t *next = make(1, 60000); next; count++) {
        size_t size = next->bytes.size;
        if (!preparer_has_room(preparer, size)) {
            assert_true(held + size > PREPARER_BYTES_MAX || count == PREPARER_ITEMS_MAX);
            prepared_destroy(&next);
            break;
        }
        held += size;
        put(preparer, next);
        next = make(1, 60000);
    }
    assert_true(held <= PREPARER_BYTES_MAX && count <= PREPARER_ITEMS_MAX && count > 32);
    expect_read(preparer_take(preparer, true, &bytes), 1);
    assert_true(bytes > 60000 && preparer_has_room(preparer, bytes));
    preparer_stop(&preparer); // with the others in it
}

static prepared_t *make_packed(uint32_t number)
{
    prepared_t *prepared = make(number, 300);
    buf_t frame;
    assert_true(compress(buf_span(&prepared->bytes), &frame));
    prepared->unpacked = (uint32_t)prepared->bytes.size;
    buf_free(&prepared->bytes);
    prepared->bytes = frame;
    return prepared;
}

// They count as what they are unpacked to: that is what they take once they are read.
static void packed_ones_are_unpacked_and_count_so(void **state)
{
    size_t bytes;
    (void)state;
    preparer_t *preparer = start();
    prepared_t *good = make_packed(1), *broken = make_packed(2);
    size_t size = good->unpacked;
    assert_true(good->bytes.size < size);
    broken->bytes.data[0] ^= 1;
    put(preparer, good);
    put(preparer, broken);
    expect_read(preparer_take(preparer, true, &bytes), 1);
    assert_int_equal(bytes, size);
    prepared_t *taken = preparer_take(preparer, true, &bytes);
    assert_int_equal(taken->refused, ERR_BAD_PACKING);
    assert_int_equal(taken->run.count, 0);
    assert_null(taken->bytes.data);
    prepared_destroy(&taken);
    preparer_stop(&preparer);
}

static void many_small_ones_are_bounded_too(void **state)
{
    size_t count = 0;
    (void)state;
    preparer_t *preparer = start();
    while (preparer_has_room(preparer, 0)) {
        prepared_t *nothing = mem_alloc(sizeof *nothing);
        assert_true(count++ < 1000);
        put(preparer, nothing);
    }
    assert_int_equal(count, PREPARER_ITEMS_MAX);
    preparer_stop(&preparer);
    preparer_stop(&preparer); // nothing is left to do
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_back_in_their_order),
        cmocka_unit_test(what_does_not_read_comes_back_with_the_reason),
        cmocka_unit_test(room_is_bounded),
        cmocka_unit_test(packed_ones_are_unpacked_and_count_so),
        cmocka_unit_test(many_small_ones_are_bounded_too),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("preparer", tests, NULL, NULL);
}
