// The fold decides alike in whatever order changes arrive.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/fold.h"
#include "lib/commit.h"

static position_t at(uint32_t epoch, uint64_t number)
{
    return (position_t){epoch, 1, number};
}

static void a_target_is_earlier_and_of_the_same_lane(void **state)
{
    (void)state;
    assert_true(fold_target_fits(at(1, 2), at(1, 1)));
    assert_true(fold_target_fits(at(2, 1), at(1, 999)));
    assert_true(fold_target_fits(at(3, 1), at(1, 1)));
    assert_false(fold_target_fits(at(1, 2), at(1, 2)));
    assert_false(fold_target_fits(at(1, 2), at(1, 3)));
    assert_false(fold_target_fits(at(1, 2), at(2, 1)));
    assert_false(fold_target_fits((position_t){1, 0, 5}, (position_t){1, 1, 1}));
    assert_false(fold_target_fits((position_t){2, 1, 5}, (position_t){1, 0, 1}));
}

static void expect(const fold_t *fold, fold_state_t state, uint64_t revision, position_t stands,
                   position_t newest)
{
    assert_int_equal(fold->state, state);
    assert_int_equal(fold->revision, revision);
    assert_true(position_equal(fold->stands, stands));
    assert_true(position_equal(fold->newest, newest));
}

static void the_newest_revision_stands(void **state)
{
    (void)state;
    fold_t fold;
    fold_create(&fold, at(1, 4));
    expect(&fold, FOLD_STANDING, 1, at(1, 4), at(1, 4));
    assert_true(fold_next(&fold, at(1, 7), CHANGE_RECORD));
    assert_true(fold_next(&fold, at(2, 1), CHANGE_RECORD));
    expect(&fold, FOLD_STANDING, 3, at(2, 1), at(2, 1));
}

static void the_first_retraction_ends_it(void **state)
{
    (void)state;
    fold_t fold;
    fold_create(&fold, at(1, 1));
    assert_true(fold_next(&fold, at(1, 2), CHANGE_RECORD));
    assert_true(fold_next(&fold, at(1, 3), CHANGE_RETRACT));
    assert_false(fold_next(&fold, at(1, 4), CHANGE_RECORD));
    assert_false(fold_next(&fold, at(2, 1), CHANGE_RETRACT));
    expect(&fold, FOLD_RETRACTED, 3, at(1, 3), at(1, 2));
    assert_true(fold_counts(&fold, at(1, 2)));
    assert_true(fold_counts(&fold, at(1, 3)));
    assert_false(fold_counts(&fold, at(1, 4)));
}

// By rule 3 as it is written, without the code under test.
static void oracle(const position_t *places, const uint32_t *types, unsigned held, fold_t *fold)
{
    *fold = (fold_t){FOLD_STANDING, 1, at(1, 1), at(1, 1)};
    for (size_t i = 0; i < 5; i++) {
        if (!(held & 1u << i))
            continue;
        fold->revision++;
        fold->stands = places[i];
        if (types[i] == CHANGE_RETRACT) {
            fold->state = FOLD_RETRACTED;
            return;
        }
        fold->newest = places[i];
    }
}

static void fold_anew(const position_t *places, const uint32_t *types, unsigned held, fold_t *fold)
{
    fold_create(fold, at(1, 1));
    for (size_t i = 0; i < 5; i++)
        if (held & 1u << i)
            fold_next(fold, places[i], types[i]);
}

static void same(const fold_t *got, const fold_t *want)
{
    expect(got, want->state, want->revision, want->stands, want->newest);
}

static unsigned arrive(const position_t *places, const uint32_t *types, unsigned held, size_t next,
                       fold_t *fold)
{
    fold_t before = *fold, want;
    unsigned after = held | 1u << next;
    oracle(places, types, after, &want);
    switch (fold_insert(fold, places[next], types[next])) {
    case FOLD_AGAIN:
        assert_int_equal(types[next], CHANGE_RETRACT);
        fold_anew(places, types, after, fold);
        break;
    case FOLD_NOTHING:
        same(fold, &before);
        break;
    case FOLD_COUNTS:
        break;
    }
    same(fold, &want);
    return after;
}

// All orders of those not yet held.
static size_t every_order(const position_t *places, const uint32_t *types, unsigned held,
                          fold_t fold)
{
    size_t orders = held == 0x1f;
    for (size_t i = 0; i < 5; i++) {
        fold_t copy = fold;
        if (!(held & 1u << i))
            orders += every_order(places, types, arrive(places, types, held, i, &copy), copy);
    }
    return orders;
}

static void any_order_of_arrival_ends_the_same(void **state)
{
    (void)state;
    const position_t places[5] = {at(1, 2), at(1, 5), at(2, 1), at(2, 2), at(3, 1)};
    for (unsigned kinds = 0; kinds < 32; kinds++) {
        uint32_t types[5];
        fold_t fold;
        for (size_t i = 0; i < 5; i++)
            types[i] = kinds & 1u << i ? CHANGE_RETRACT : CHANGE_RECORD;
        fold_create(&fold, at(1, 1));
        assert_int_equal(every_order(places, types, 0, fold), 120);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_earlier_and_of_the_same_lane),
        cmocka_unit_test(the_newest_revision_stands),
        cmocka_unit_test(the_first_retraction_ends_it),
        cmocka_unit_test(any_order_of_arrival_ends_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
