// Who signs a charter, and what its file must hold.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "lib/roster.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- the charter's own signature ----

static void a_charter_is_its_creators(void **state)
{
    (void)state;
    roster_t *charter = sample_charter(3, 2);
    assert_int_equal(charter_check(charter), ERR_OK);
    charter->signatures[0].signature.bytes[10] ^= 1;
    assert_int_equal(charter_check(charter), ERR_BAD_SIGNATURE);
    charter->signatures[0].signature.bytes[10] ^= 1;
    charter->signatures[0].card_number = 1;
    assert_int_equal(charter_check(charter), ERR_TOO_FEW_SIGNATURES);
    charter->signatures[0].card_number = 0;
    charter->signatures[0].origin = charter->members[1].origin;
    assert_int_equal(charter_check(charter), ERR_TOO_FEW_SIGNATURES);
    charter->creator = charter->members[1].origin; // then by that one's key
    assert_int_equal(charter_check(charter), ERR_BAD_SIGNATURE);
    charter->signature_count = 0;
    assert_int_equal(charter_check(charter), ERR_TOO_FEW_SIGNATURES);
    charter->version = 2;
    assert_int_equal(charter_check(charter), ERR_BAD_ROSTER);
    roster_destroy(&charter);
}

// A vote does not found, and a founding signature does not vote.
static void a_vote_is_no_charter_signature(void **state)
{
    (void)state;
    roster_t *charter = sample_charter(1, 1);
    pubkey_t key;
    secret_t *root = sample_secret(1, &key);
    charter->signatures[0].signature =
        crypto_sign_hash(root, SIGN_ROSTER, &charter->hash, &charter->hash);
    assert_int_equal(charter_check(charter), ERR_BAD_SIGNATURE);
    secret_destroy(&root);
    roster_destroy(&charter);
}

// ---- the charter file ----

static void cards_for(const roster_t *roster, card_t **cards)
{
    for (size_t i = 0; i < roster->member_count; i++)
        cards[i] = sample_card(roster->members[i].code.text, (uint8_t)(i + 1));
}

static void free_cards(card_t **cards, size_t count)
{
    for (size_t i = 0; i < count; i++)
        card_destroy(&cards[i]);
}

static err_t decode_charter(const roster_t *roster, card_t *const *cards, size_t count,
                            charter_t **charter)
{
    buf_t bytes = charter_encode(roster, cards, count);
    err_t err = charter_decode(buf_span(&bytes), charter, NULL);
    assert_int_equal(*charter != NULL, err == ERR_OK);
    buf_free(&bytes);
    return err;
}

static void a_charter_file_comes_back(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(3, 2);
    card_t *cards[3];
    charter_t *charter = NULL;
    cards_for(roster, cards);
    card_t *swapped[] = {cards[2], cards[0], cards[1]};
    assert_int_equal(decode_charter(roster, swapped, 3, &charter), ERR_OK);
    assert_int_equal(charter->card_count, 3);
    assert_true(hash_equal(&charter->roster->hash, &roster->hash));
    for (size_t i = 0; i < 3; i++) // in the order of the members
        assert_true(hash_equal(&charter->cards[i]->hash, &cards[i]->hash));
    charter_destroy(&charter);
    assert_null(charter);
    charter_destroy(&charter);
    free_cards(cards, 3);
    roster_destroy(&roster);
}

static void each_member_has_its_card(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(3, 2);
    card_t *cards[4];
    charter_t *charter = NULL;
    cards_for(roster, cards);
    assert_int_equal(decode_charter(roster, cards, 2, &charter), ERR_BAD_CARD);
    assert_int_equal(decode_charter(roster, cards, 0, &charter), ERR_BAD_CARD);
    cards[3] = sample_card("DD", 4);
    assert_int_equal(decode_charter(roster, cards, 4, &charter), ERR_BAD_CARD);
    assert_int_equal(decode_charter(roster, cards + 1, 3, &charter), ERR_BAD_CARD);
    card_t *twice[] = {cards[0], cards[1], cards[1]};
    assert_int_equal(decode_charter(roster, twice, 3, &charter), ERR_BAD_CARD);
    card_destroy(&cards[3]);
    card_destroy(&cards[1]);
    cards[1] = sample_card("BB", 9); // the code of a member, but another's keys
    assert_int_equal(decode_charter(roster, cards, 3, &charter), ERR_BAD_CARD);
    card_destroy(&cards[1]);
    card_t *first = sample_card("BB", 2);
    cards[1] = sample_card_after(first, 2); // its second card, without the first
    card_destroy(&first);
    assert_int_equal(decode_charter(roster, cards, 3, &charter), ERR_BAD_CARD);
    free_cards(cards, 3);
    roster_destroy(&roster);
}

static void a_charter_file_is_checked(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(2, 2);
    card_t *cards[2];
    charter_t *charter = NULL;
    cards_for(roster, cards);
    roster->members[0].min_card = 2; // which no card here has
    roster_seal(roster);
    assert_int_equal(decode_charter(roster, cards, 2, &charter), ERR_BAD_SIGNATURE);
    roster_destroy(&roster);
    roster = sample_charter(2, 2);
    roster->signature_count = 0;
    assert_int_equal(decode_charter(roster, cards, 2, &charter), ERR_TOO_FEW_SIGNATURES);
    roster_destroy(&roster);
    assert_int_equal(charter_decode(span_of(NULL, 0), &charter, NULL), ERR_MISSING_FIELD);
    free_cards(cards, 2);
}

static void refuse_charter(void *context, span_t bytes, size_t place)
{
    charter_t *charter = NULL;
    (void)context;
    (void)place;
    assert_int_not_equal(charter_decode(bytes, &charter, NULL), ERR_OK);
    assert_null(charter);
}

static void try_charter(void *context, span_t bytes, size_t place)
{
    const roster_t *good = context;
    charter_t *charter = NULL;
    (void)place;
    if (charter_decode(bytes, &charter, NULL))
        return;
    assert_true(hash_equal(&charter->roster->hash, &good->hash));
    charter_destroy(&charter);
}

// Every byte of it is under a signature or around one.
static void altered_charters(void **state)
{
    (void)state;
    roster_t *roster = sample_charter(1, 1);
    card_t *cards[1];
    cards_for(roster, cards);
    buf_t bytes = charter_encode(roster, cards, 1);
    hostile_each_bit(buf_span(&bytes), refuse_charter, NULL);
    hostile_each_prefix(buf_span(&bytes), refuse_charter, NULL);
    hostile_rounds(buf_span(&bytes), 4, 500, try_charter, roster);
    buf_free(&bytes);
    free_cards(cards, 1);
    roster_destroy(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_charter_is_its_creators),
        cmocka_unit_test(a_vote_is_no_charter_signature),
        cmocka_unit_test(a_charter_file_comes_back),
        cmocka_unit_test(each_member_has_its_card),
        cmocka_unit_test(a_charter_file_is_checked),
        cmocka_unit_test(altered_charters),
    };
    return cmocka_run_group_tests_name("charter", tests, start, NULL);
}
