// Accepting a charter: whose it is, once, and not under a running daemon.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/home.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"

typedef struct {
    char *dir;
    card_t *card;
    keys_t *keys;
} node_t;

static node_t node_of(const void *state, const char *name, const char *code)
{
    node_t node = {.dir = scratch_path(state, name)};
    config_t *config = config_new();
    assert_int_equal(config_set(config, "node/code", code, NULL), ERR_OK);
    assert_int_equal(config_set(config, "node/name", code, NULL), ERR_OK);
    assert_int_equal(home_create(node.dir, config, NULL), ERR_OK);
    assert_int_equal(home_card(node.dir, &node.card, NULL), ERR_OK);
    assert_int_equal(home_keys(node.dir, true, &node.keys, NULL), ERR_OK);
    config_destroy(&config);
    return node;
}

static void node_clear(node_t *node)
{
    mem_free(node->dir);
    card_destroy(&node->card);
    keys_destroy(&node->keys);
}

// Signed by the creator, who is the first of the cards.
static buf_t charter_of(const char *name, const node_t *creator, card_t *const *cards, size_t count)
{
    roster_t *roster = mem_alloc(sizeof *roster);
    roster->version = 1;
    roster->name = mem_copy_string(name);
    roster->threshold = 1;
    roster->min_protocol = 1;
    roster->time_ms = 1523000000000;
    roster->has_creator = true;
    roster->creator = creator->card->origin;
    roster->member_count = count;
    roster->members = mem_alloc_array(count, sizeof *roster->members);
    for (size_t i = 0; i < count; i++)
        roster->members[i] = (member_t){.code = cards[i]->code,
                                        .origin = cards[i]->origin,
                                        .root_key = cards[i]->root_key,
                                        .min_card = 1};
    roster_seal(roster);
    roster_signature_t signature = {.origin = creator->card->origin};
    signature.signature = crypto_sign_hash(creator->keys->root, SIGN_CHARTER, NULL, &roster->hash);
    roster_add_signature(roster, &signature);
    buf_t bytes = charter_encode(roster, cards, count);
    roster_destroy(&roster);
    return bytes;
}

static void test_accepted_once_and_kept(void **state)
{
    node_t cr = node_of(*state, "CR", "CR"), gt = node_of(*state, "GT", "GT");
    buf_t first = charter_of("First", &cr, (card_t *[]){cr.card, gt.card}, 2);
    buf_t second = charter_of("Second", &cr, (card_t *[]){cr.card, gt.card}, 2);
    charter_t *charter = NULL;
    fault_t fault = {0};
    assert_int_equal(home_charter(gt.dir, &charter, NULL), ERR_NO_CHARTER);
    assert_int_equal(home_accept(gt.dir, buf_span(&first), &fault), ERR_OK);
    assert_int_equal(home_charter(gt.dir, &charter, NULL), ERR_OK);
    assert_string_equal(charter->roster->name, "First");
    assert_int_equal(charter->card_count, 2);
    buf_t kept = scratch_read(*state, "GT/charter");
    assert_int_equal(home_accept(gt.dir, buf_span(&first), &fault), ERR_OK);
    assert_int_equal(home_accept(gt.dir, buf_span(&second), &fault), ERR_OTHER_CHARTER);
    buf_t still = scratch_read(*state, "GT/charter");
    assert_true(span_equal(buf_span(&kept), buf_span(&still)));
    charter_destroy(&charter);
    buf_free(&kept);
    buf_free(&still);
    buf_free(&first);
    buf_free(&second);
    node_clear(&cr);
    node_clear(&gt);
}

static void test_not_under_a_running_daemon(void **state)
{
    node_t cr = node_of(*state, "CR", "CR");
    buf_t bytes = charter_of("Mesa", &cr, &cr.card, 1);
    int lock = -1;
    assert_int_equal(home_lock(cr.dir, &lock, NULL), ERR_OK);
    assert_int_equal(home_accept(cr.dir, buf_span(&bytes), NULL), ERR_LOCKED);
    home_unlock(&lock);
    assert_int_equal(home_accept(cr.dir, buf_span(&bytes), NULL), ERR_OK);
    // The same again changes nothing, so it does no harm to anybody.
    assert_int_equal(home_lock(cr.dir, &lock, NULL), ERR_OK);
    assert_int_equal(home_accept(cr.dir, buf_span(&bytes), NULL), ERR_OK);
    home_unlock(&lock);
    buf_free(&bytes);
    node_clear(&cr);
}

static void test_only_ones_own(void **state)
{
    node_t cr = node_of(*state, "CR", "CR"), gt = node_of(*state, "GT", "GT");
    node_t namesake = node_of(*state, "other-GT", "GT");
    fault_t fault = {0};
    buf_t without = charter_of("Without", &cr, &cr.card, 1);
    assert_int_equal(home_accept(gt.dir, buf_span(&without), &fault), ERR_UNKNOWN_MEMBER);
    assert_string_equal(fault.where, "GT");
    // Another node under this one's code is not this one.
    buf_t taken = charter_of("Taken", &cr, (card_t *[]){cr.card, namesake.card}, 2);
    assert_int_equal(home_accept(gt.dir, buf_span(&taken), &fault), ERR_UNKNOWN_MEMBER);
    // Nor is a charter made with an earlier card: peers would dial keys that are gone.
    card_t *newer = card_copy(gt.card);
    newer->number = 2;
    newer->has_previous = true;
    newer->previous = gt.card->hash;
    card_sign(newer, gt.keys->root);
    buf_t other_card = charter_of("Newer", &cr, (card_t *[]){cr.card, newer}, 2);
    assert_int_equal(home_accept(gt.dir, buf_span(&other_card), &fault), ERR_BAD_CARD);
    charter_t *charter = NULL;
    assert_int_equal(home_charter(gt.dir, &charter, NULL), ERR_NO_CHARTER);
    card_destroy(&newer);
    buf_free(&other_card);
    buf_free(&taken);
    buf_free(&without);
    node_clear(&namesake);
    node_clear(&cr);
    node_clear(&gt);
}

// Every single byte counts, and so does every missing one.
static void test_damage_is_refused(void **state)
{
    node_t cr = node_of(*state, "CR", "CR");
    buf_t bytes = charter_of("Mesa", &cr, &cr.card, 1);
    charter_t *charter = NULL;
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= 0x20;
        assert_int_not_equal(home_accept(cr.dir, buf_span(&bytes), NULL), ERR_OK);
        bytes.data[i] ^= 0x20;
        assert_int_not_equal(home_accept(cr.dir, span_of(bytes.data, i), NULL), ERR_OK);
    }
    assert_int_equal(home_charter(cr.dir, &charter, NULL), ERR_NO_CHARTER);
    assert_int_equal(home_accept(cr.dir, buf_span(&bytes), NULL), ERR_OK);
    buf_free(&bytes);
    node_clear(&cr);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_accepted_once_and_kept),
        SCRATCH_TEST(test_not_under_a_running_daemon),
        SCRATCH_TEST(test_only_ones_own),
        SCRATCH_TEST(test_damage_is_refused),
    };
    if (crypto_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
