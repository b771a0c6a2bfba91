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
    bool left;     // the hub has ended a fetch from GT
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

// Of GT's own word, not the hub's, which tells what it holds of GT.
static bool is_word_of(world_t *world, size_t node, const message_t *message)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    if (message->type != MSG_BEACONS)
        return false;
    assert_int_equal(beacon_decode(message->as.signed_items.items[0], &beacon, &fault), ERR_OK);
    bool is = origin_equal(&beacon->origin, &world_card(world, node)->origin);
    beacon_destroy(&beacon);
    return is;
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
    if (message.type == MSG_END_FETCH && from == HUB && to == GT)
        wire->left = true;
    if (withhold && (message.type == MSG_HEADS || message.type == MSG_ACK))
        drop_heads(wire, &message, bytes);
    bool passes = !withhold || !is_word_of(wire->world, HUB, &message);
    message_clear(&message);
    return passes;
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

static void add_cut(world_t *world, card_t *card, uint64_t number)
{
    feed_t feed = feed_of(world, GT);
    fault_t fault;
    uint64_t first;
    mem_free(card->cuts);
    card->cuts = mem_alloc(sizeof *card->cuts);
    card->cut_count = 1;
    card->cuts[0] = (cut_t){.epoch = 1, .lane = 1, .number = number};
    assert_int_equal(store_commit_at(world_store(world, HUB), &feed, number, &card->cuts[0].hash,
                                     &first, &fault),
                     ERR_OK);
}

// GT's card 2, with another signing key; what card 1 signs reaches up to `number`.
static card_t *second_card(world_t *world, uint64_t number)
{
    card_t *card = card_copy(world_card(world, GT));
    secret_t *signing = secret_sign_new(second_seed, &card->signing_key);
    secret_destroy(&signing);
    card->number = 2;
    card->has_previous = true;
    card->previous = world_card(world, GT)->hash;
    if (number)
        add_cut(world, card, number);
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
    assert_true(world_count(world, HUB, ERR_CONTESTED) > 0);
    buf_free(&bytes);
    commit_destroy(&other);
    run_clear(&real);
    card_destroy(&card);
    world_destroy(&world);
}

// ---- rosters ----

static void tell(wire_t *wire, size_t node, const roster_t *roster)
{
    buf_t bytes = roster_encode(roster);
    message_t message = {.type = MSG_ROSTERS};
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&bytes);
    inject(wire, node, GT, &message);
    buf_free(&bytes);
}

static roster_t *second_roster(world_t *world, uint64_t time_ms)
{
    roster_t *next = roster_copy(world_roster(world));
    next->version = 2;
    next->has_previous = true;
    next->previous = world_roster(world)->hash;
    next->has_creator = false;
    next->time_ms = time_ms;
    next->signature_count = 0;
    return next;
}

static void vote(world_t *world, roster_t *roster, size_t node, uint32_t card_number)
{
    pubkey_t unused;
    secret_t *second = secret_sign_new(second_seed, &unused);
    roster_signature_t signature = {.origin = world_card(world, node)->origin,
                                    .card_number = card_number};
    signature.signature =
        crypto_sign_hash(card_number == 2 ? second : world_signing(world, node), SIGN_ROSTER,
                         core_coalition(world_core(world, HUB)), &roster->hash);
    roster_add_signature(roster, &signature);
    secret_destroy(&second);
}

static uint32_t version_at(world_t *world, size_t node)
{
    return core_roster(world_core(world, node))->version;
}

// SV was off when GT replaced its key, and when the roster was voted for with it.
static void a_roster_voted_for_with_a_newer_key_reaches_who_was_off(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start(world, HUB);
    world_start(world, GT);
    world_run(world, 3000);
    card_t *card = second_card(world, 0);
    roster_t *next = second_roster(world, 1);
    roster_seal(next);
    vote(world, next, HUB, 1);
    vote(world, next, HN, 1);
    vote(world, next, GT, 2);
    give(&wire, HUB, card);
    tell(&wire, HUB, next);
    world_run(world, 1000);
    assert_int_equal(version_at(world, HUB), 2);
    world_start(world, SV);
    world_run(world, 20000);
    assert_int_equal(version_at(world, SV), 2);
    roster_destroy(&next);
    card_destroy(&card);
    world_destroy(&world);
}

// Whoever sends the cards after the rosters only, as a peer may.
static bool rosters_first(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    message_t message;
    fault_t fault;
    wire_t *wire = context;
    if (!listen(wire, from, to, publication, bytes) || publication || from != HUB || to != SV)
        return true;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    bool early = message.type == MSG_CARDS && !wire->left;
    wire->left = wire->left || message.type == MSG_CARDS || message.type == MSG_ROSTERS;
    message_clear(&message);
    return !early;
}

static void a_roster_that_came_before_the_card_of_its_vote_comes_again(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, rosters_first, &wire);
    world_start(world, HUB);
    world_start(world, GT);
    world_run(world, 3000);
    card_t *card = second_card(world, 0);
    roster_t *next = second_roster(world, 1);
    roster_seal(next);
    vote(world, next, HUB, 1);
    vote(world, next, HN, 1);
    vote(world, next, GT, 2);
    give(&wire, HUB, card);
    tell(&wire, HUB, next);
    world_run(world, 1000);
    world_start(world, SV);
    world_run(world, 20000);
    assert_int_equal(world_count(world, SV, ERR_TOO_FEW_SIGNATURES) > 0, true);
    assert_int_equal(version_at(world, SV), 2);
    roster_destroy(&next);
    card_destroy(&card);
    world_destroy(&world);
}

// A roster that accepts no card of GT's that the hub knows: taken as it is, it would
// shut out the one who brings the newer card. With that card it is taken.
static void a_roster_waits_for_the_card_that_it_asks_for(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    roster_t *next = second_roster(world, 1);
    for (size_t i = 0; i < next->member_count; i++)
        if (origin_equal(&next->members[i].origin, &world_card(world, GT)->origin))
            next->members[i].min_card = 2;
    roster_seal(next);
    vote(world, next, HUB, 1);
    vote(world, next, SV, 1);
    vote(world, next, HN, 1);
    tell(&wire, HUB, next);
    world_run(world, 3000);
    assert_int_equal(version_at(world, HUB), 1);
    assert_int_equal(world_count(world, HUB, ERR_UNKNOWN_CARD), 1);
    assert_int_equal(world_put(world, HUB, "uno", "Nombre"), ERR_OK);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, GT, HUB, 1), 1); // not shut out
    card_t *card = second_card(world, 0);
    give(&wire, HUB, card);
    world_run(world, 60000);
    tell(&wire, HUB, next);
    world_run(world, 3000);
    assert_int_equal(version_at(world, HUB), 2);
    card_destroy(&card);
    roster_destroy(&next);
    world_destroy(&world);
}

static void a_roster_without_votes_is_no_fork(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    roster_t *next = second_roster(world, 1), *other = second_roster(world, 2);
    roster_seal(next);
    roster_seal(other);
    for (size_t i = 0; i < 3; i++)
        vote(world, next, i, 1);
    vote(world, other, GT, 1);
    tell(&wire, HUB, next);
    tell(&wire, HUB, other);
    world_run(world, 1000);
    assert_int_equal(version_at(world, HUB), 2);
    assert_int_equal(world_count(world, HUB, ERR_ROSTER_FORK), 0);
    vote(world, other, SV, 1);
    vote(world, other, HN, 1);
    tell(&wire, HUB, other);
    world_run(world, 1000);
    assert_int_equal(world_count(world, HUB, ERR_ROSTER_FORK), 1);
    roster_destroy(&next);
    roster_destroy(&other);
    world_destroy(&world);
}

static void a_roster_that_found_the_disk_full_comes_again(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    roster_t *next = second_roster(world, 1);
    roster_seal(next);
    for (size_t i = 0; i < 3; i++)
        vote(world, next, i, 1);
    tell(&wire, HUB, next);
    while (version_at(world, HUB) == 1)
        world_run(world, 1);
    disk_fault_at(world_disk(world, SV), 1, DISK_ENOSPC, UINT32_MAX);
    world_run(world, 1000);
    disk_heal(world_disk(world, SV));
    assert_int_equal(world_count(world, SV, ERR_DISK_FULL), 1);
    assert_int_equal(version_at(world, SV), 1);
    world_run(world, 20000);
    assert_int_equal(version_at(world, SV), 2);
    roster_destroy(&next);
    world_destroy(&world);
}

// ---- turns that are taken back ----

static void step(world_t *world, size_t node, uint64_t after_ms, event_t *event, effects_t *effects)
{
    event->now_ms = world_now(world) + after_ms;
    event->wall_ms = 1700000000000 + event->now_ms;
    memset(event->seed, 3, sizeof event->seed);
    effects_clear(effects);
    core_step(world_core(world, node), event, effects);
}

static const effect_t *effect_of(const effects_t *effects, effect_type_t type)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].type == type)
            return &effects->items[i];
    return NULL;
}

static size_t sent_of(const effects_t *effects, message_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < effects->count; i++) {
        message_t message;
        fault_t fault;
        if (effects->items[i].type != EFFECT_SEND)
            continue;
        assert_int_equal(message_decode(buf_span(&effects->items[i].bytes), &message, &fault),
                         ERR_OK);
        count += message.type == type;
        message_clear(&message);
    }
    return count;
}

static void append_one(world_t *world, size_t node, uint64_t after_ms, effects_t *effects)
{
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
    event_t append = {.type = EVENT_APPEND};
    append.as.append = (__typeof__(append.as.append)){1, LANE_COALITION, &draft, 1};
    step(world, node, after_ms, &append, effects);
}

static void a_beacon_says_only_what_is_on_disk(void **state)
{
    (void)state;
    world_t *world = hub_world();
    effects_t effects = {0};
    event_t tick = {.type = EVENT_TICK}, back = {.type = EVENT_ROLLED_BACK};
    event_t committed = {.type = EVENT_COMMITTED};
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    append_one(world, GT, 6000, &effects);
    step(world, GT, 6000, &tick, &effects);
    assert_int_equal(sent_of(&effects, MSG_BEACONS), 0);
    back.as.rolled_back.reason = ERR_DISK_FULL;
    step(world, GT, 6000, &back, &effects);
    assert_int_equal(sent_of(&effects, MSG_BEACONS), 0);
    append_one(world, GT, 7000, &effects);
    step(world, GT, 7000, &committed, &effects);
    assert_int_equal(sent_of(&effects, MSG_BEACONS), 1);
    effects_free(&effects);
    world_destroy(&world);
}

// GT's own later commit, as a copy of GT would have made it.
static buf_t later_commit(world_t *world, const commit_t *held)
{
    feed_t feed = feed_of(world, GT);
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("y")};
    uint8_t seed[32] = {8};
    commit_t *later =
        commit_author(&feed, held->last + 1, &held->hash, held->time_ms, 1, &draft, 1, seed,
                      world_signing(world, GT), core_coalition(world_core(world, GT)));
    buf_t bytes = run_encode(&feed, &later, 1);
    commit_destroy(&later);
    return bytes;
}

static void a_node_that_met_its_later_self_writes_no_more_whatever_its_disk_says(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    effects_t effects = {0};
    event_t tick = {.type = EVENT_TICK}, back = {.type = EVENT_ROLLED_BACK};
    event_t committed = {.type = EVENT_COMMITTED}, met = {.type = EVENT_MESSAGE};
    world_tamper(world, listen, &wire);
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    append_one(world, GT, 0, &effects);
    buf_t later = later_commit(world, effect_of(&effects, EFFECT_APPEND)->commit);
    step(world, GT, 0, &committed, &effects);
    message_t proof = {.type = MSG_PROOF, .session = wire.session[HUB][GT]};
    proof.as.proof.run = buf_span(&later);
    met.as.message = &proof;
    met.link = effect_of(&effects, EFFECT_SEND)->link;
    step(world, GT, 0, &met, &effects);
    assert_non_null(effect_of(&effects, EFFECT_FENCE));
    back.as.rolled_back.reason = ERR_DISK_FULL;
    step(world, GT, 0, &back, &effects);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    step(world, GT, 6000, &tick, &effects);
    assert_non_null(effect_of(&effects, EFFECT_FENCE));
    step(world, GT, 6000, &back, &effects);
    step(world, GT, 12000, &tick, &effects);
    assert_non_null(effect_of(&effects, EFFECT_FENCE));
    step(world, GT, 12000, &committed, &effects);
    step(world, GT, 18000, &tick, &effects);
    assert_null(effect_of(&effects, EFFECT_FENCE)); // once is enough
    buf_free(&later);
    effects_free(&effects);
    world_destroy(&world);
}

// ---- what others hold ----

// SV says that it holds more of GT than the hub: the hub leaves GT for it, and
// GT's next change is on its way just then.
static void a_change_made_while_its_follower_turns_away_is_not_forgotten(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    head_t lie = {.feed = feed_of(world, GT), .number = 100};
    message_t message = {.type = MSG_HEADS};
    message.as.heads.count = 1;
    message.as.heads.items = &lie;
    inject(&wire, HUB, SV, &message);
    for (int i = 0; i < 10000 && !wire.left; i++)
        world_run(world, 1);
    assert_true(wire.left);
    put_many(world, GT, "b", 1);
    world_run(world, 30000);
    assert_int_equal(world_head(world, HUB, GT, 1), 2);
    world_destroy(&world);
}

static bool synced(world_t *world, size_t node)
{
    status_t status;
    core_status(world_core(world, node), world_now(world), &status);
    bool is = status.synced;
    status_clear(&status);
    return is;
}

static void what_is_withheld_whole_shows_by_its_authors_beacon(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world(), .withhold = true};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start(world, HUB);
    world_start(world, GT);
    put_many(world, GT, "a", 1);
    world_run(world, 70000); // GT has said so in a beacon
    world_start(world, SV);
    world_run(world, 20000);
    assert_int_equal(world_head(world, SV, GT, 1), 0);
    assert_false(synced(world, SV));
    wire.withhold = false;
    put_many(world, GT, "b", 1);
    world_run(world, 20000);
    assert_int_equal(world_head(world, SV, GT, 1), 2);
    assert_true(synced(world, SV));
    world_destroy(&world);
}

static bool alter(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    message_t message;
    fault_t fault;
    (void)context;
    if (from != HUB || to != SV || publication)
        return !publication;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    bool beacon = message.type == MSG_BEACONS;
    if (message.type == MSG_RUN_PART && message.as.run_part.bytes.size) {
        buf_t part = buf_copy(message.as.run_part.bytes);
        part.data[part.size - 1] ^= 1; // of the signature
        message.as.run_part.bytes = buf_span(&part);
        buf_free(bytes);
        *bytes = message_encode(&message);
        buf_free(&part);
    }
    message_clear(&message);
    return !beacon;
}

// What the only source gives is refused: a node that got nothing is not in step,
// however long it leaves that source alone.
static void who_was_given_nothing_but_rubbish_is_not_in_step(void **state)
{
    (void)state;
    world_t *world = hub_world();
    world_start(world, HUB);
    put_many(world, HUB, "a", 1);
    world_run(world, 1000);
    world_tamper(world, alter, NULL);
    world_start(world, SV);
    for (int i = 0; i < 60; i++) {
        world_run(world, 1000);
        assert_false(synced(world, SV));
    }
    world_tamper(world, NULL, NULL);
    assert_true(world_settle(world, 300000));
    world_destroy(&world);
}

// ---- a node that was restored and wrote before it knew ----

static err_t stopped_at(world_t *world, size_t node, size_t origin)
{
    status_t status;
    feed_t feed = feed_of(world, origin);
    err_t why = ERR_OK;
    core_status(world_core(world, node), world_now(world), &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, &feed) &&
            strcmp(status.feeds[i].state, "stopped") == 0)
            why = status.feeds[i].why;
    status_clear(&status);
    return why;
}

// It wrote less, as much, or more than its peers have of its former self.
static void a_restored_node_that_wrote_anew_is_found_out(void **state)
{
    (void)state;
    for (int more = 0; more < 4; more++) {
        world_t *world = hub_world();
        world_start_all(world);
        put_many(world, GT, "a", 1);
        assert_true(world_settle(world, 60000));
        world_stop(world, GT);
        world_save(world, GT);
        world_start(world, GT);
        put_many(world, GT, "b", 3);
        assert_true(world_settle(world, 60000));
        world_stop(world, GT);
        world_restore(world, GT);
        world_start(world, GT);
        put_many(world, GT, "c", 1 + more);
        world_run(world, 5000);
        world_run(world, 30000);
        // Whichever side is longer, both are proven to everybody.
        assert_int_equal(world_writing(world, GT), ERR_FORK);
        assert_int_equal(stopped_at(world, HUB, GT), ERR_DIVERGED);
        assert_int_equal(stopped_at(world, SV, GT), ERR_DIVERGED);
        assert_int_equal(stopped_at(world, HN, GT), ERR_DIVERGED);
        assert_int_equal(world_head(world, SV, GT, 1), 4);
        world_destroy(&world);
    }
}

// ---- slow lines ----

static uint64_t rtt_of(world_t *world, size_t node)
{
    status_t status;
    uint64_t most = 0;
    core_status(world_core(world, node), world_now(world), &status);
    for (size_t i = 0; i < status.peer_count; i++)
        if (status.peers[i].rtt_ms != AGE_NEVER && status.peers[i].rtt_ms > most)
            most = status.peers[i].rtt_ms;
    status_clear(&status);
    return most;
}

// Four feeds over a line of 4 KiB a second: each waits for the others, and none
// is given up for that.
static void a_slow_line_is_no_stalled_source(void **state)
{
    (void)state;
    world_t *world = hub_world();
    for (size_t i = 0; i < 3; i++)
        world_start(world, i == 2 ? HN : i);
    for (size_t i = 0; i < NODES; i++)
        for (int k = 0; i != SV && k < 20; k++) {
            char key[16];
            snprintf(key, sizeof key, "k%d", k);
            assert_int_equal(world_put_sized(world, i, key, 4000), ERR_OK);
        }
    assert_true(world_settle(world, 60000));
    world_rate(world, HUB, SV, 4096);
    world_start(world, SV);
    uint64_t begin = world_now(world);
    assert_true(world_settle(world, 600000));
    // 240 kB take 59 s; more than twice as long would be time lost.
    assert_true(world_now(world) - begin < 120000);
    assert_int_equal(world_count(world, SV, ERR_STALLED), 0);
    assert_int_equal(world_count(world, SV, ERR_SILENT), 0);
    assert_true(rtt_of(world, SV) < 6000);
    world_destroy(&world);
}

// ---- peers that do harm by talking ----

static void reasons_of_a_peers_own_making_are_one_counter(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    status_t status;
    world_tamper(wire.world, listen, &wire);
    world_start_all(wire.world);
    assert_true(world_settle(wire.world, 60000));
    for (uint32_t i = 0; i < 300; i++) {
        message_t message = {.type = MSG_NOPE};
        message.as.nope.fetch = 1;
        message.as.nope.reason = 100000 + i * 1000003;
        inject(&wire, HUB, GT, &message);
    }
    world_run(wire.world, 1000);
    core_status(world_core(wire.world, HUB), world_now(wire.world), &status);
    assert_true(status.counter_count < 20);
    status_clear(&status);
    assert_true(world_count(wire.world, HUB, ERR_UNEXPECTED) >= 300);
    world_destroy(&wire.world);
}

static bool spoil(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    message_t message;
    fault_t fault;
    wire_t *wire = context;
    listen(wire, from, to, publication, bytes);
    if (publication || from != HUB || to != SV)
        return true;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    if (message.type == MSG_HEADS)
        bytes->data[0] = 0xff;
    message_clear(&message);
    return true;
}

static void a_peer_that_breaks_every_session_is_not_stormed(void **state)
{
    (void)state;
    wire_t wire = {.world = hub_world()};
    world_tamper(wire.world, spoil, &wire);
    world_start(wire.world, HUB);
    world_start(wire.world, SV);
    world_run(wire.world, 600000);
    assert_true(wire.hellos[SV] >= 5 && wire.hellos[SV] <= 40);
    world_tamper(wire.world, NULL, NULL);
    assert_true(world_settle(wire.world, 120000));
    world_destroy(&wire.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_proves_nothing_of_commits_that_do_not_lead_to_it),
        cmocka_unit_test(who_is_behind_a_cut_gets_as_far_as_the_cut),
        cmocka_unit_test(a_replaced_key_can_stop_nothing_below_its_cut),
        cmocka_unit_test(a_roster_voted_for_with_a_newer_key_reaches_who_was_off),
        cmocka_unit_test(a_roster_that_came_before_the_card_of_its_vote_comes_again),
        cmocka_unit_test(a_roster_waits_for_the_card_that_it_asks_for),
        cmocka_unit_test(a_roster_without_votes_is_no_fork),
        cmocka_unit_test(a_roster_that_found_the_disk_full_comes_again),
        cmocka_unit_test(a_beacon_says_only_what_is_on_disk),
        cmocka_unit_test(a_node_that_met_its_later_self_writes_no_more_whatever_its_disk_says),
        cmocka_unit_test(a_change_made_while_its_follower_turns_away_is_not_forgotten),
        cmocka_unit_test(what_is_withheld_whole_shows_by_its_authors_beacon),
        cmocka_unit_test(who_was_given_nothing_but_rubbish_is_not_in_step),
        cmocka_unit_test(a_restored_node_that_wrote_anew_is_found_out),
        cmocka_unit_test(a_slow_line_is_no_stalled_source),
        cmocka_unit_test(reasons_of_a_peers_own_making_are_one_counter),
        cmocka_unit_test(a_peer_that_breaks_every_session_is_not_stormed),
    };
    return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
