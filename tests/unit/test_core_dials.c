// Whom a node dials: by code or by address, and what it says where that leads nowhere.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/core_bench.h"

static bool misses(const bench_t *bench, const char *text)
{
    status_t status;
    bool found = false;
    core_status(bench->core, bench->now_ms, &status);
    for (size_t i = 0; i < status.missing_count; i++)
        found = found || strstr(status.missing[i], text);
    assert_false(status.synced);
    status_clear(&status);
    return found;
}

static void not_reached(bench_t *bench)
{
    event_t answer = {.type = EVENT_DIALLED};
    answer.as.dialled.reason = ERR_UNREACHABLE;
    bench_step(bench, &answer);
}

static const effect_t *dial_after(bench_t *bench, uint64_t ms)
{
    bench_pass(bench, ms);
    const effect_t *dial = bench_effect(bench, EFFECT_DIAL);
    assert_non_null(dial);
    return dial;
}

static void an_address_is_a_member_who_advertises_it(void **state)
{
    static const core_dial_t dials[] = {{"", "tcp://192.0.2.3:7000"}};
    bench_t bench;
    (void)state;
    bench_open(&bench, dials, 1, NULL, 0);
    const effect_t *dial = dial_after(&bench, 10);
    assert_string_equal(dial->text, "tcp://192.0.2.3:7000");
    assert_true(key_equal(&dial->key, &bench.cards[BENCH_CC]->transport_key));
    assert_true(misses(&bench, "CC at tcp://192.0.2.3:7000 has not answered"));
    bench_close(&bench);
}

// BB advertises CC's address, too: it is dialled with the key of either in turn.
static void an_address_that_another_claims_is_still_reached(void **state)
{
    static const core_dial_t dials[] = {{"", "tcp://192.0.2.3:7000"}};
    bench_t bench;
    size_t of_bb = 0, of_cc = 0;
    (void)state;
    bench_open(&bench, dials, 1, NULL, 0);
    card_t *claims = bench_claim_address(&bench, 5, dials[0].endpoint);
    for (size_t tries = 0; tries < 6; tries++) {
        const effect_t *dial = dial_after(&bench, 3600 * 1000);
        of_bb += key_equal(&dial->key, &claims->transport_key);
        of_cc += key_equal(&dial->key, &bench.cards[BENCH_CC]->transport_key);
        not_reached(&bench);
    }
    assert_int_equal(of_bb, 3);
    assert_int_equal(of_cc, 3);
    card_destroy(&claims);
    bench_close(&bench);
}

static void who_is_meant_by_a_code(void **state)
{
    static const core_dial_t dials[] = {{"BB", "tcp://127.0.0.1:1"}};
    bench_t bench;
    (void)state;
    bench_open(&bench, dials, 1, NULL, 0);
    const effect_t *dial = dial_after(&bench, 10);
    assert_string_equal(dial->text, "tcp://127.0.0.1:1"); // whatever its card says
    assert_true(key_equal(&dial->key, &bench.cards[BENCH_BB]->transport_key));
    bench_close(&bench);
}

static void what_leads_nowhere_is_told(void **state)
{
    static const struct {
        core_dial_t dial;
        err_t reason;
    } cases[] = {
        {{"", "tcp://192.0.2.9:7000"}, ERR_NO_ADDRESS},
        {{"ZZ", "tcp://192.0.2.2:7000"}, ERR_UNKNOWN_MEMBER},
        {{"", "tcp://192.0.2.1:7000"}, ERR_SELF},
        {{"AA", "tcp://192.0.2.9:7000"}, ERR_SELF},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench_t bench;
        bench_open(&bench, &cases[i].dial, 1, NULL, 0);
        bench_pass(&bench, 10);
        assert_null(bench_effect(&bench, EFFECT_DIAL));
        assert_int_equal(bench_counted(&bench, cases[i].reason), 1);
        assert_true(misses(&bench, cases[i].dial.endpoint));
        assert_true(misses(&bench, " is no member's address"));
        recovery_t recovery;
        core_recovery(bench.core, &recovery);
        recovery_clear(&recovery);
        // It is tried again, for a card may come that says otherwise.
        bench_pass(&bench, 3600 * 1000);
        assert_int_equal(bench_counted(&bench, cases[i].reason), 2);
        bench_close(&bench);
    }
}

// Its card and its address are known still.
static void who_was_removed_is_not_dialled(void **state)
{
    static const core_dial_t dials[] = {{"", "tcp://192.0.2.4:7000"}};
    bench_t bench;
    (void)state;
    bench_open(&bench, dials, 1, NULL, 0);
    bench_greet(&bench, 5, BENCH_BB);
    bench_remove(&bench, BENCH_DD, 5, 0, NULL);
    bench_pass(&bench, 10);
    assert_null(bench_effect(&bench, EFFECT_DIAL));
    assert_int_equal(bench_counted(&bench, ERR_NO_ADDRESS), 1);
    assert_true(misses(&bench, " is no member's address"));
    bench_close(&bench);
}

// An endpoint that cannot even be tried waits longer each time.
static void what_cannot_be_tried_waits(void **state)
{
    static const core_dial_t dials[] = {{"BB", "tcp://192.0.2.2:7000"}};
    bench_t bench;
    (void)state;
    bench_open(&bench, dials, 1, NULL, 0);
    for (uint64_t tries = 1; tries <= 12; tries++) {
        bench_pass(&bench, 3600 * 1000);
        assert_int_equal(bench_count_of(&bench, EFFECT_DIAL), 1);
        not_reached(&bench);
        assert_int_equal(bench_counted(&bench, ERR_UNREACHABLE), tries);
        bench_pass(&bench, 10);
        assert_int_equal(bench_count_of(&bench, EFFECT_DIAL), 0);
        assert_true(core_wake_ms(bench.core) > bench.now_ms);
    }
    assert_true(misses(&bench, "unreachable"));
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_a_member_who_advertises_it),
        cmocka_unit_test(an_address_that_another_claims_is_still_reached),
        cmocka_unit_test(who_is_meant_by_a_code),
        cmocka_unit_test(what_leads_nowhere_is_told),
        cmocka_unit_test(who_was_removed_is_not_dialled),
        cmocka_unit_test(what_cannot_be_tried_waits),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core dials", tests, NULL, NULL);
}
