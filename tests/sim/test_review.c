// Stories of what must not be lost when a turn or a source comes at a bad moment, and of
// peers that do harm.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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
        cmocka_unit_test(a_beacon_says_only_what_is_on_disk),
        cmocka_unit_test(a_node_that_met_its_later_self_writes_no_more_whatever_its_disk_says),
        cmocka_unit_test(a_change_made_while_its_follower_turns_away_is_not_forgotten),
        cmocka_unit_test(what_is_withheld_whole_shows_by_its_authors_beacon),
        cmocka_unit_test(who_was_given_nothing_but_rubbish_is_not_in_step),
        cmocka_unit_test(a_slow_line_is_no_stalled_source),
        cmocka_unit_test(reasons_of_a_peers_own_making_are_one_counter),
        cmocka_unit_test(a_peer_that_breaks_every_session_is_not_stormed),
    };
    return cmocka_run_group_tests_name("review", tests, NULL, NULL);
}
