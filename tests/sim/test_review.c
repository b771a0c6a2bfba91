// Stories of those who would stop a node with what looks like proof, and of what
// must not be lost when a turn, a source or a cut comes at a bad moment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/sim/world.h"

enum { HUB, GT, SV, HN, NODES };

static world_t *hub_world(void)
{
    static const char *const codes[] = {"CRM", "GT", "SV", "HN"};
    world_t *world = world_new(21);
    for (size_t i = 0; i < NODES; i++)
        world_add(world, codes[i], i == HUB);
    for (size_t i = 1; i < NODES; i++)
        world_dial(world, i, HUB);
    world_found(world, 3);
    return world;
}

static void put_many(world_t *world, size_t node, const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%s%d", prefix, i);
        assert_int_equal(world_put(world, node, key, "Nombre"), ERR_OK);
    }
}

static feed_t feed_of(world_t *world, size_t node)
{
    return (feed_t){world_card(world, node)->origin, 1, 1};
}

// ---- listening on the wire ----

// The session ids that nodes use towards each other, so that a story may speak
// in a peer's name.
typedef struct {
    nonce_t session[NODES][NODES]; // by who sends, to whom
    unsigned hellos[NODES];
    bool withhold; // of GT nothing but its beacons gets from the hub to SV
    world_t *world;
} wire_t;

static bool is_of(const head_t *head, const origin_t *origin)
{
    return origin_equal(&head->feed.origin, origin);
}

static void drop_heads(wire_t *wire, message_t *message, buf_t *bytes)
{
    size_t kept = 0;
    for (size_t i = 0; i < message->as.heads.count; i++)
        if (!is_of(&message->as.heads.items[i], &world_card(wire->world, GT)->origin))
            message->as.heads.items[kept++] = message->as.heads.items[i];
    message->as.heads.count = kept;
    buf_free(bytes);
    *bytes = message_encode(message);
}

static bool listen(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    wire_t *wire = context;
    message_t message;
    fault_t fault;
    bool withhold = wire->withhold && from == HUB && to == SV;
    if (publication)
        return !withhold;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    if (message.type == MSG_HELLO)
        wire->hellos[from]++;
    else
        wire->session[from][to] = message.session;
    if (withhold && (message.type == MSG_HEADS || message.type == MSG_ACK))
        drop_heads(wire, &message, bytes);
    message_clear(&message);
    return true;
}

static void inject(wire_t *wire, size_t node, size_t from, message_t *message)
{
    message->has_session = true;
    message->session = wire->session[from][node];
    world_inject(wire->world, node, from, message);
}

// ---- what only looks like proof ----

static run_t held_run(world_t *world, size_t node, size_t origin)
{
    feed_t feed = feed_of(world, origin);
    served_run_t served;
    run_t run;
    fault_t fault;
    const card_t *card = world_card(world, origin);
    assert_int_equal(store_read_run(world_store(world, node), &feed, 0, &card->hash, RUN_BYTES_MAX,
                                    false, &served, &fault),
                     ERR_OK);
    assert_int_equal(run_decode(buf_span(&served.run), &run, &fault), ERR_OK);
    buf_free(&served.run);
    return run;
}

static commit_t *forged(world_t *world, size_t by, const feed_t *feed, uint64_t first,
                        const hash_t *previous)
{
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
    uint8_t seed[32] = {7};
    return commit_author(feed, first, previous, 1700000000000, 1, &draft, 1, seed,
                         world_signing(world, by), core_coalition(world_core(world, by)));
}

// HN puts a commit of its own making in the name of GT before one that GT has
// signed: the signature is GT's, the chain is not.
static void send_false_proof(wire_t *wire, size_t to, size_t from, uint64_t number)
{
    static const hash_t nowhere = {{9}};
    run_t real = held_run(wire->world, HUB, GT);
    feed_t feed = feed_of(wire->world, GT);
    commit_t *last = real.commits[real.count - 1];
    commit_t *commits[] = {forged(wire->world, HN, &feed, number, &nowhere), last};
    buf_t bytes = run_encode(&feed, commits, 2);
    message_t message = {.type = MSG_PROOF};
    message.as.proof.run = buf_span(&bytes);
    inject(wire, to, from, &message);
    commit_destroy(&commits[0]);
    run_clear(&real);
    buf_free(&bytes);
}

static void a_signature_proves_nothing_of_commits_that_do_not_lead_to_it(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_tamper(wire.world, listen, &wire);
    world_start_all(wire.world);
    put_many(wire.world, GT, "k", 3);
    assert_true(world_settle(wire.world, 60000));
    send_false_proof(&wire, HUB, HN, 4);
    send_false_proof(&wire, GT, HUB, 4);
    world_run(wire.world, 1000);
    assert_true(world_count(wire.world, HUB, ERR_BROKEN_CHAIN) > 0);
    assert_int_equal(world_writing(wire.world, GT), ERR_OK);
    assert_int_equal(world_put(wire.world, GT, "otro", "Nombre"), ERR_OK);
    assert_true(world_settle(wire.world, 60000));
    assert_int_equal(world_head(wire.world, SV, GT, 1), 4);
    world_destroy(&wire.world);
}

// ---- cuts ----

static const uint8_t second_seed[32] = {0x5a};

// GT's card 2, with another signing key; what card 1 signs reaches up to `number`.
static card_t *second_card(world_t *world, uint64_t number)
{
    card_t *card = card_copy(world_card(world, GT));
    secret_t *signing = secret_sign_new(second_seed, &card->signing_key);
    feed_t feed = feed_of(world, GT);
    fault_t fault;
    uint64_t first;
    secret_destroy(&signing);
    card->number = 2;
    card->has_previous = true;
    card->previous = world_card(world, GT)->hash;
    mem_free(card->cuts);
    card->cuts = mem_alloc(sizeof *card->cuts);
    card->cut_count = 1;
    card->cuts[0] = (cut_t){.epoch = 1, .lane = 1, .number = number};
    assert_int_equal(store_commit_at(world_store(world, HUB), &feed, number, &card->cuts[0].hash,
                                     &first, &fault),
                     ERR_OK);
    card_sign(card, world_root(world, GT));
    return card;
}

static void give(wire_t *wire, size_t node, const card_t *card)
{
    buf_t bytes = card_encode(card);
    message_t message = {.type = MSG_CARDS};
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&bytes);
    inject(wire, node, GT, &message);
    buf_free(&bytes);
}

// The hub took in all five before it heard of the cut at three; SV was off.
static void who_is_behind_a_cut_gets_as_far_as_the_cut(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start(world, HUB);
    world_start(world, GT);
    world_run(world, 3000);
    for (int i = 0; i < 5; i++) {
        put_many(world, GT, (char[]){(char)('a' + i), 0}, 1);
        world_run(world, 1000);
    }
    card_t *card = second_card(world, 3);
    give(&wire, HUB, card);
    world_run(world, 1000);
    world_stop(world, GT);
    world_start(world, SV);
    world_run(world, 30000);
    assert_int_equal(world_head(world, SV, GT, 1), 3);
    card_destroy(&card);
    world_destroy(&world);
}

// The thief has the key that was replaced, and signs another third change.
static void a_replaced_key_can_stop_nothing_below_its_cut(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start_all(world);
    for (int i = 0; i < 3; i++) {
        put_many(world, GT, (char[]){(char)('a' + i), 0}, 1);
        world_run(world, 1000);
    }
    card_t *card = second_card(world, 3);
    give(&wire, HUB, card);
    world_run(world, 1000);
    run_t real = held_run(world, HUB, GT);
    feed_t feed = feed_of(world, GT);
    commit_t *other = forged(world, GT, &feed, 3, &real.commits[1]->hash);
    buf_t bytes = run_encode(&feed, &other, 1);
    message_t message = {.type = MSG_PROOF};
    message.as.proof.run = buf_span(&bytes);
    inject(&wire, HUB, HN, &message);
    world_run(world, 1000);
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    assert_true(world_count(world, HUB, ERR_BEYOND_CUT) > 0);
    buf_free(&bytes);
    commit_destroy(&other);
    run_clear(&real);
    card_destroy(&card);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_proves_nothing_of_commits_that_do_not_lead_to_it),
        cmocka_unit_test(who_is_behind_a_cut_gets_as_far_as_the_cut),
        cmocka_unit_test(a_replaced_key_can_stop_nothing_below_its_cut),
    };
    return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
