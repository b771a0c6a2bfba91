// What one core writes itself, and what keeps it from that: others' word of its feeds, a
// disk that was restored, its removal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/unit/core_feeds.h"
#include "tests/unit/protocol_samples.h"

enum { LINK = 7, FRESH = 210 }; // FRESH: the secret of a new epoch

static void what_is_too_big_is_not_written(void **state)
{
    static const uint8_t body[PAYLOAD_BYTES_MAX + 1];
    bench_t bench;
    const char *detail = NULL;
    (void)state;
    bench_open(&bench, NULL, 0, NULL, 0);
    assert_int_equal(bench_append(&bench, span_of(body, sizeof body)), 0);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->reason, ERR_TOO_BIG);
    assert_int_equal(bench_append(&bench, span_of(body, sizeof body - 1)), 1);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->reason, ERR_OK);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->number, 1);
    assert_int_equal(core_writing(bench.core, &detail), ERR_OK);
    assert_string_equal(detail, "");
    bench_close(&bench);
}

// With a signing key of its own; to sign.
static card_t *card_of_epoch_2(const bench_t *bench, size_t member)
{
    card_t *card = bench_next_card(bench, member);
    secret_t *fresh = sample_secret(FRESH, &card->signing_key);
    card->epoch = 2;
    secret_destroy(&fresh);
    return card;
}

// An epoch is begun by this node's own root, and only once it is on disk.
static void an_epoch_is_its_own(void **state)
{
    bench_t bench;
    pubkey_t key;
    (void)state;
    bench_open(&bench, NULL, 0, NULL, 0);
    secret_t *fresh = sample_secret(FRESH, &key);
    card_t *mine = card_of_epoch_2(&bench, BENCH_AA), *theirs = card_of_epoch_2(&bench, BENCH_BB);
    bench_sign_card(mine, BENCH_AA);
    bench_sign_card(theirs, BENCH_BB);
    buf_t bytes[2] = {card_encode(theirs), card_encode(mine)};
    event_t event = {.type = EVENT_EPOCH};
    event.as.epoch.request = 6;
    event.as.epoch.signing = fresh;
    event.as.epoch.card = buf_span(&bytes[0]);
    bench_step(&bench, &event);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->reason, ERR_NOT_OWNER);
    assert_int_equal(bench_count_of(&bench, EFFECT_CARD), 0);
    event.as.epoch.card = buf_span(&bytes[1]);
    bench_step(&bench, &event);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->reason, ERR_OK);
    assert_int_equal(core_own_card(bench.core)->epoch, 2);
    bench_roll_back(&bench);
    assert_int_equal(core_own_card(bench.core)->epoch, 1);
    // What it writes now is signed by the key that counts, not by the one that came to nothing.
    assert_int_equal(bench_append(&bench, span_text("x")), 1);
    const commit_t *commit = bench_effect(&bench, EFFECT_APPEND)->commit;
    assert_int_equal(commit->feed.epoch, 1);
    assert_true(commit_signature_holds(commit, &bench.signing_key[BENCH_AA], &bench.charter->hash));
    buf_free(&bytes[0]);
    buf_free(&bytes[1]);
    card_destroy(&mine);
    card_destroy(&theirs);
    secret_destroy(&fresh);
    bench_close(&bench);
}

// Its own later commit stops it; a new epoch that does not reach the disk changes nothing.
static void an_epoch_that_does_not_lift_the_fence_after_all(void **state)
{
    bench_t bench;
    pubkey_t fresh_key;
    (void)state;
    bench_open_connected(&bench, LINK);
    head_t start = bench_start(&bench, BENCH_AA);
    commit_t *later = bench_commit_after(&bench, BENCH_AA, &start, "written elsewhere");
    bench_publish(&bench, LINK, later);
    bench_commit(&bench);
    assert_int_equal(core_writing(bench.core, NULL), ERR_OWN_LATER_COMMIT);
    secret_t *fresh = sample_secret(FRESH, &fresh_key);
    card_t *card = card_of_epoch_2(&bench, BENCH_AA);
    mem_free(card->cuts);
    card->cuts = mem_alloc(sizeof *card->cuts);
    card->cuts[0] = (cut_t){1, LANE_COALITION, 1, later->hash};
    card->cut_count = 1;
    bench_sign_card(card, BENCH_AA);
    buf_t bytes = card_encode(card);
    event_t epoch = {.type = EVENT_EPOCH};
    epoch.as.epoch.card = buf_span(&bytes);
    epoch.as.epoch.signing = fresh;
    bench_step(&bench, &epoch);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->reason, ERR_OK);
    bench_roll_back(&bench);
    assert_int_equal(core_writing(bench.core, NULL), ERR_OWN_LATER_COMMIT);
    bench_step(&bench, &epoch);
    bench_commit(&bench);
    assert_int_equal(core_writing(bench.core, NULL), ERR_OK);
    bench_close(&bench);
    buf_free(&bytes);
    card_destroy(&card);
    commit_destroy(&later);
    secret_destroy(&fresh);
}

// Somebody knows an epoch of ours that we do not: its cards are asked for.
static void an_epoch_of_our_own_that_we_do_not_know(void **state)
{
    bench_t bench;
    message_t want;
    (void)state;
    bench_open_greeted(&bench, LINK, BENCH_BB);
    head_t head = {{bench.cards[BENCH_AA]->origin, 2, LANE_COALITION}, 3, {{1}}};
    bench_tell(&bench, LINK, &head);
    assert_int_equal(bench_counted(&bench, ERR_WRONG_EPOCH), 1);
    assert_true(bench_sent(&bench, MSG_WANT_CARDS, &want));
    assert_int_equal(want.as.want_cards.count, 1);
    assert_int_equal(want.as.want_cards.items[0].number, 1);
    message_clear(&want);
    bench_close(&bench);
}

// The cut is the hash of a change that is there already: nothing that AA writes now
// leads to it, however far below it AA's log ends.
static void who_is_removed_writes_no_more_below_its_cut(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_connected(&bench, LINK);
    head_t start = bench_start(&bench, BENCH_AA);
    commit_t *thiefs = bench_commit_after(&bench, BENCH_AA, &start, "by a stolen key");
    bench_remove(&bench, BENCH_AA, LINK, 1, &thiefs->hash);
    assert_int_equal(bench_append(&bench, span_text("mine")), 0);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->reason, ERR_BEYOND_CUT);
    commit_destroy(&thiefs);
    bench_close(&bench);
}

// ---- restored ----

// Whom a restored node waits for, in the order of its configuration.
static void a_restored_node_says_whom_it_waits_for(void **state)
{
    const core_dial_t both[] = {bench_dial_cc, {"BB", "tcp://192.0.2.2:7000"}};
    bench_t bench;
    recovery_t recovery;
    const char *detail = NULL;
    (void)state;
    bench_open_restored(&bench, both, 2, 9);
    assert_int_equal(core_writing(bench.core, &detail), ERR_RESTORED);
    assert_string_equal(detail, "a test says so");
    core_recovery(bench.core, &recovery);
    assert_int_equal(recovery.fence, ERR_RESTORED);
    assert_string_equal(recovery.missing,
                        "CC has not answered, BB has not answered, changes that this node had "
                        "written are not here");
    assert_int_equal(recovery.teller_count, 2);
    recovery_clear(&recovery);
    // One that answers with more than is here keeps it waiting, and is named for that.
    bench_greet(&bench, LINK, BENCH_BB);
    bench_tell(&bench, LINK, &(head_t){bench_feed(&bench, BENCH_AA), 9, {{9}}});
    core_recovery(bench.core, &recovery);
    assert_non_null(strstr(recovery.missing, "BB has more than is here"));
    recovery_clear(&recovery);
    bench_close(&bench);
}

// BB advertises the address that the configuration names, and says that it has nothing:
// that is no answer of CC's.
static void a_restored_node_waits_for_all_who_may_be_meant(void **state)
{
    static const core_dial_t address[] = {{"", "tcp://192.0.2.3:7000"}};
    bench_t bench;
    recovery_t recovery;
    (void)state;
    bench_open_restored(&bench, address, 1, 0);
    card_t *claims = bench_claim_address(&bench, LINK, address[0].endpoint);
    message_t heads = {.type = MSG_HEADS};
    bench_say(&bench, LINK, &heads);
    bench_pass(&bench, 1000);
    assert_int_equal(core_writing(bench.core, NULL), ERR_RESTORED);
    core_recovery(bench.core, &recovery);
    assert_string_equal(recovery.missing, "CC has not answered");
    recovery_clear(&recovery);
    bench_greet(&bench, LINK + 1, BENCH_CC);
    bench_say(&bench, LINK + 1, &heads);
    bench_commit(&bench);
    assert_int_equal(core_writing(bench.core, NULL), ERR_OK);
    card_destroy(&claims);
    bench_close(&bench);
}

// Whoever holds nothing of ours has answered, too.
static void nothing_is_an_answer(void **state)
{
    bench_t bench;
    recovery_t recovery;
    (void)state;
    bench_open_restored(&bench, &bench_dial_cc, 1, 9);
    bench_connect(&bench, LINK, BENCH_CC);
    bench_tell(&bench, LINK, &(head_t){bench_feed(&bench, BENCH_AA), 0, {{0}}});
    core_recovery(bench.core, &recovery);
    assert_string_equal(recovery.missing, "changes that this node had written are not here");
    assert_int_equal(recovery.teller_count, 1);
    assert_true(recovery.tellers[0].here);
    recovery_clear(&recovery);
    bench_close(&bench);
}

// The operator takes the risk; but what the disk did not take has not happened.
static void a_fence_that_was_not_lifted_after_all(void **state)
{
    bench_t bench;
    event_t accept = {.type = EVENT_ACCEPT};
    (void)state;
    accept.as.accept.request = 8;
    bench_open_restored(&bench, &bench_dial_cc, 1, 9);
    bench_step(&bench, &accept);
    assert_int_equal(bench_effect(&bench, EFFECT_REPLY)->reason, ERR_OK);
    assert_int_equal(bench_count_of(&bench, EFFECT_UNFENCE), 1);
    bench_roll_back(&bench);
    assert_int_equal(core_writing(bench.core, NULL), ERR_RESTORED);
    bench_step(&bench, &accept);
    assert_int_equal(bench_count_of(&bench, EFFECT_UNFENCE), 1);
    bench_commit(&bench);
    assert_int_equal(core_writing(bench.core, NULL), ERR_OK);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_big_is_not_written),
        cmocka_unit_test(an_epoch_is_its_own),
        cmocka_unit_test(an_epoch_that_does_not_lift_the_fence_after_all),
        cmocka_unit_test(an_epoch_of_our_own_that_we_do_not_know),
        cmocka_unit_test(who_is_removed_writes_no_more_below_its_cut),
        cmocka_unit_test(a_restored_node_says_whom_it_waits_for),
        cmocka_unit_test(a_restored_node_waits_for_all_who_may_be_meant),
        cmocka_unit_test(nothing_is_an_answer),
        cmocka_unit_test(a_fence_that_was_not_lifted_after_all),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core own", tests, NULL, NULL);
}
