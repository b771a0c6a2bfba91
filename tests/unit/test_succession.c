// How one roster follows from another.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "lib/roster.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- votes ----

// The signing keys of members 1 to 8, on their cards 1; `revoked` has none.
typedef struct {
    origin_t origins[8];
    pubkey_t keys[8];
    size_t revoked;
    size_t asked;
} keys_t;

static keys_t keys_new(void)
{
    keys_t keys = {.revoked = SIZE_MAX};
    for (size_t i = 0; i < 8; i++) {
        pubkey_t root_key;
        secret_t *root = sample_secret((uint8_t)(i + 1), &root_key);
        secret_t *signing = sample_secret((uint8_t)(101 + i), &keys.keys[i]);
        keys.origins[i] = crypto_origin(&root_key);
        secret_destroy(&root);
        secret_destroy(&signing);
    }
    return keys;
}

static const pubkey_t *vote_key(void *context, const origin_t *origin, uint32_t card_number)
{
    keys_t *keys = context;
    keys->asked++;
    for (size_t i = 0; i < 8; i++)
        if (i != keys->revoked && card_number == 1 && origin_equal(&keys->origins[i], origin))
            return &keys->keys[i];
    return NULL;
}

static err_t follows(const roster_t *before, const roster_t *next)
{
    keys_t keys = keys_new();
    return roster_follows(before, next, &sample_coalition, vote_key, &keys);
}

static void a_threshold_decides(void **state)
{
    (void)state;
    roster_t *charter = sample_charter(4, 3);
    roster_t *next = sample_roster_after(charter);
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    sample_vote(next, 2, &sample_coalition);
    sample_vote(next, 4, &sample_coalition);
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    sample_vote(next, 1, &sample_coalition);
    assert_int_equal(follows(charter, next), ERR_OK);
    sample_vote(next, 3, &sample_coalition);
    assert_int_equal(follows(charter, next), ERR_OK);
    roster_destroy(&next);
    roster_destroy(&charter);
}

static void nobody_counts_twice(void **state)
{
    (void)state;
    roster_t *charter = sample_charter(4, 3);
    roster_t *next = sample_roster_after(charter);
    for (size_t i = 0; i < 10; i++)
        sample_vote(next, 2, &sample_coalition);
    sample_vote(next, 1, &sample_coalition);
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    roster_destroy(&next);
    roster_destroy(&charter);
}

static void a_bad_vote_does_not_spoil_a_good_one(void **state)
{
    (void)state;
    roster_t *charter = sample_charter(3, 2);
    roster_t *next = sample_roster_after(charter);
    sample_vote(next, 1, &sample_coalition);
    next->signatures[0].signature.bytes[0] ^= 1;
    sample_vote(next, 2, &sample_coalition);
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    sample_vote(next, 1, &sample_coalition);
    assert_int_equal(follows(charter, next), ERR_OK);
    roster_destroy(&next);
    roster_destroy(&charter);
}

static void votes_that_do_not_count(void **state)
{
    (void)state;
    hash_t other = {{1}};
    roster_t *charter = sample_charter(3, 2);
    roster_t *next = sample_roster_after(charter);
    sample_vote(next, 1, &sample_coalition);
    sample_vote(next, 2, &other);            // of another coalition
    sample_vote(next, 7, &sample_coalition); // not a member of the version before
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    sample_vote(next, 3, &sample_coalition);
    assert_int_equal(follows(charter, next), ERR_OK);
    next->signatures[3].card_number = 2; // a card that nobody has
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    next->signatures[3].card_number = 0; // the root key is the charter's
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    next->signatures[3].card_number = 1;
    charter->members[2].min_card = 2; // that card is no longer accepted
    assert_int_equal(follows(charter, next), ERR_TOO_FEW_SIGNATURES);
    charter->members[2].min_card = 1;
    keys_t keys = keys_new();
    keys.revoked = 0;
    assert_int_equal(roster_follows(charter, next, &sample_coalition, vote_key, &keys),
                     ERR_TOO_FEW_SIGNATURES);
    roster_destroy(&next);
    roster_destroy(&charter);
}

// Newcomers do not vote themselves in.
static void who_comes_does_not_vote(void **state)
{
    (void)state;
    roster_t *small = sample_charter(2, 2);
    roster_t *large = sample_charter(4, 2);
    large->version = 2;
    large->has_previous = true;
    large->previous = small->hash;
    large->has_creator = false;
    large->signature_count = 0;
    roster_seal(large);
    sample_vote(large, 3, &sample_coalition);
    sample_vote(large, 4, &sample_coalition);
    sample_vote(large, 1, &sample_coalition);
    assert_int_equal(follows(small, large), ERR_TOO_FEW_SIGNATURES);
    sample_vote(large, 2, &sample_coalition);
    assert_int_equal(follows(small, large), ERR_OK);
    roster_destroy(&small);
    roster_destroy(&large);
}

// However many signatures there are, no more keys are asked for than are needed.
static void counting_stops_at_the_threshold(void **state)
{
    (void)state;
    roster_t *charter = sample_charter(3, 2);
    roster_t *next = sample_roster_after(charter);
    keys_t keys = keys_new();
    for (size_t i = 0; i < 50; i++)
        sample_vote(next, (uint8_t)(1 + i % 3), &sample_coalition);
    assert_int_equal(roster_follows(charter, next, &sample_coalition, vote_key, &keys), ERR_OK);
    assert_int_equal(keys.asked, 2);
    roster_destroy(&next);
    roster_destroy(&charter);
}

// ---- what may change ----

static void vote_all(roster_t *roster, size_t members)
{
    roster_seal(roster);
    roster->signature_count = 0;
    for (size_t i = 0; i < members; i++)
        sample_vote(roster, (uint8_t)(1 + i), &sample_coalition);
}

// Changes a successor of a charter of three with one former (BB of version 2), has
// all three vote, and asks whether it follows.
static roster_t *second_version(void)
{
    roster_t *charter = sample_charter(4, 1);
    roster_t *roster = sample_roster_after(charter);
    const member_t left = roster->members[1];
    mem_free(roster->formers);
    roster->formers = mem_alloc_array(4, sizeof *roster->formers);
    roster->formers[0] =
        (former_t){.code = left.code, .origin = left.origin, .root_key = left.root_key};
    roster->formers[0].cuts = mem_alloc(sizeof(cut_t));
    roster->formers[0].cuts[0] = (cut_t){1, 1, 20, {{1}}};
    roster->formers[0].cut_count = 1;
    roster->former_count = 1;
    roster->members[1] = roster->members[2];
    roster->members[2] = roster->members[3];
    roster->member_count = 3;
    vote_all(roster, 1);
    assert_int_equal(follows(charter, roster), ERR_OK);
    roster_destroy(&charter);
    return roster;
}

static roster_t *third_version(const roster_t *second)
{
    roster_t *roster = sample_roster_after(second);
    former_t *formers = mem_alloc_array(4, sizeof *formers);
    memcpy(formers, roster->formers, roster->former_count * sizeof *formers);
    mem_free(roster->formers);
    roster->formers = formers;
    member_t *members = mem_alloc_array(6, sizeof *members);
    memcpy(members, roster->members, roster->member_count * sizeof *members);
    mem_free(roster->members);
    roster->members = members;
    return roster;
}

#define FOLLOW_CASE(change, expected)                                                              \
    do {                                                                                           \
        roster_t *b = second_version();                                                            \
        roster_t *n = third_version(b);                                                            \
        change;                                                                                    \
        vote_all(n, 1);                                                                            \
        assert_int_equal(follows(b, n), expected);                                                 \
        roster_destroy(&n);                                                                        \
        roster_destroy(&b);                                                                        \
    } while (0)

static void versions_are_linked(void **state)
{
    (void)state;
    FOLLOW_CASE((void)n, ERR_OK);
    FOLLOW_CASE(n->version = 2, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->version = 4, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->previous.bytes[31] ^= 1, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->has_previous = false, ERR_BAD_ROSTER);
    FOLLOW_CASE((b->version = UINT32_MAX, n->version = 0), ERR_BAD_ROSTER);
    FOLLOW_CASE(b->threshold = 0, ERR_TOO_FEW_SIGNATURES);
}

static member_t newcomer(const char *code, uint8_t n)
{
    member_t member = {.min_card = 1};
    secret_t *root = sample_secret(n, &member.root_key);
    assert_true(code_parse(code, &member.code));
    member.origin = crypto_origin(&member.root_key);
    secret_destroy(&root);
    return member;
}

static void join(roster_t *roster, member_t member)
{
    roster->members[roster->member_count++] = member;
}

static void leave(roster_t *roster, const char *code)
{
    size_t i = (size_t)(roster_by_code(roster, code) - roster->members);
    const member_t *member = &roster->members[i];
    roster->formers[roster->former_count++] =
        (former_t){.code = member->code, .origin = member->origin, .root_key = member->root_key};
    roster->members[i] = roster->members[--roster->member_count];
}

static void drop_formers(roster_t *roster)
{
    mem_free(roster->formers[0].cuts);
    roster->former_count = 0;
}

static void members_come_and_go(void **state)
{
    (void)state;
    FOLLOW_CASE(join(n, newcomer("EE", 30)), ERR_OK);
    FOLLOW_CASE(leave(n, "CC"), ERR_OK);
    FOLLOW_CASE((leave(n, "CC"), join(n, newcomer("EE", 30))), ERR_OK);
    FOLLOW_CASE(n->threshold = 3, ERR_OK);
    FOLLOW_CASE((mem_free(n->name), n->name = mem_copy_string("Otro nombre")), ERR_OK);
}

static void keys_are_replaced(void **state)
{
    (void)state;
    FOLLOW_CASE(n->members[1].root_key.bytes[0] ^= 1, ERR_OK);
    FOLLOW_CASE(n->members[1].min_card = 9, ERR_OK);
    FOLLOW_CASE((b->members[1].min_card = 9, n->members[1].min_card = 8), ERR_BAD_ROSTER);
    FOLLOW_CASE(n->members[1].roles[n->members[1].role_count++] = 4, ERR_OK);
}

static void nothing_is_given_again(void **state)
{
    (void)state;
    // The code of a former member, to somebody new and to itself.
    FOLLOW_CASE((drop_formers(n), join(n, newcomer("BB", 30))), ERR_BAD_ROSTER);
    FOLLOW_CASE((drop_formers(n), join(n, newcomer("BB", 2))), ERR_BAD_ROSTER);
    // The origin of a former member under another code.
    FOLLOW_CASE(join(n, newcomer("EE", 2)), ERR_BAD_ROSTER);
    // A member's code to another origin, a member's origin to another code.
    FOLLOW_CASE(n->members[1] = newcomer("CC", 30), ERR_BAD_ROSTER);
    FOLLOW_CASE(n->members[1].code.text[0] = 'E', ERR_BAD_ROSTER);
}

static void nobody_vanishes(void **state)
{
    (void)state;
    FOLLOW_CASE(n->member_count--, ERR_BAD_ROSTER);
    FOLLOW_CASE((leave(n, "CC"), n->formers[1].root_key.bytes[0] ^= 1), ERR_BAD_ROSTER);
    FOLLOW_CASE((leave(n, "CC"), n->formers[1].origin.bytes[0] ^= 1), ERR_BAD_ROSTER);
    // A former that was never a member.
    FOLLOW_CASE((leave(n, "CC"), n->former_count++, n->formers[2] = n->formers[1],
                 n->formers[2].code.text[0] = 'X', n->formers[2].origin.bytes[0] ^= 1),
                ERR_BAD_ROSTER);
}

static void formers_stay_as_they_were(void **state)
{
    (void)state;
    FOLLOW_CASE(drop_formers(n), ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].origin.bytes[0] ^= 1, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].root_key.bytes[0] ^= 1, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].code.text[1] = 'X', ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].cuts[0].number++, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].cuts[0].epoch++, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].cuts[0].lane++, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].cuts[0].hash.bytes[0] ^= 1, ERR_BAD_ROSTER);
    FOLLOW_CASE(n->formers[0].cut_count = 0, ERR_BAD_ROSTER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_threshold_decides),
        cmocka_unit_test(nobody_counts_twice),
        cmocka_unit_test(a_bad_vote_does_not_spoil_a_good_one),
        cmocka_unit_test(votes_that_do_not_count),
        cmocka_unit_test(who_comes_does_not_vote),
        cmocka_unit_test(counting_stops_at_the_threshold),
        cmocka_unit_test(versions_are_linked),
        cmocka_unit_test(members_come_and_go),
        cmocka_unit_test(keys_are_replaced),
        cmocka_unit_test(nothing_is_given_again),
        cmocka_unit_test(nobody_vanishes),
        cmocka_unit_test(formers_stay_as_they_were),
    };
    return cmocka_run_group_tests_name("succession", tests, start, NULL);
}
