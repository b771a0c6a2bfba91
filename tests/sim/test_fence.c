// Stories of the fence, of forks and of epochs: what was restored or copied, who
// signs twice, and what the root decides about it.
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

// SV listens too where GT dials both.
static world_t *four(bool both)
{
    static const char *const codes[] = {"CRM", "GT", "SV", "HN"};
    world_t *world = world_new(31);
    for (size_t i = 0; i < NODES; i++)
        world_add(world, codes[i], i == HUB || (both && i == SV));
    for (size_t i = 1; i < NODES; i++)
        world_dial(world, i, HUB);
    if (both)
        world_dial(world, GT, SV);
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

static feed_t feed_of(world_t *world, size_t node, uint32_t epoch)
{
    return (feed_t){world_card(world, node)->origin, epoch, 1};
}

static uint64_t head_in(world_t *world, size_t node, size_t origin, uint32_t epoch)
{
    status_t status;
    feed_t feed = feed_of(world, origin, epoch);
    uint64_t number = 0;
    core_status(world_core(world, node), world_node_now(world, node), &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, &feed))
            number = status.feeds[i].number;
    status_clear(&status);
    return number;
}

// What status says of GT's feed in epoch 1 at a node; its proof.
static const char *state_at(world_t *world, size_t node, proof_t *proof)
{
    status_t status;
    feed_t feed = feed_of(world, GT, 1);
    const char *state = "";
    core_status(world_core(world, node), world_node_now(world, node), &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, &feed)) {
            state = status.feeds[i].state;
            *proof = status.feeds[i].proof;
        }
    status_clear(&status);
    return state;
}

// GT's disk as it was, in a machine that knows that it is another one.
static void restore(world_t *world, disk_image_t *image)
{
    world_load_disk(world, GT, image);
    world_start(world, GT);
    assert_int_equal(world_refused(world, GT), ERR_OK);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
}

// Within two seconds: it looks at each tick.
static void writes_again(world_t *world)
{
    for (int i = 0; i < 20 && world_writing(world, GT); i++)
        world_run(world, 100);
    assert_int_equal(world_writing(world, GT), ERR_OK);
}

static disk_image_t *image_of_gt(world_t *world)
{
    world_stop(world, GT);
    disk_image_t *image = disk_image_save(world_disk(world, GT));
    world_start(world, GT);
    return image;
}

// ---- listening, so that a story may speak in a peer's name ----

typedef struct {
    world_t *world;
    nonce_t session[NODES][NODES];
    bool lie;                   // the hub claims 50 more of GT's own than it holds
    bool withhold;              // the hub gives nothing of GT's but GT's beacons
    size_t said;                // by the hub to HN
    size_t first[MSG_TYPE_END]; // of these, by type; 0: none
} wire_t;

static bool is_of_gt(const wire_t *wire, const head_t *head)
{
    return origin_equal(&head->feed.origin, &world_card(wire->world, GT)->origin);
}

static void rewrite_heads(const wire_t *wire, message_t *message, buf_t *bytes)
{
    size_t kept = 0;
    for (size_t i = 0; i < message->as.heads.count; i++) {
        head_t head = message->as.heads.items[i];
        if (is_of_gt(wire, &head) && wire->lie)
            head.number += 50;
        if (!is_of_gt(wire, &head) || !wire->withhold)
            message->as.heads.items[kept++] = head;
    }
    message->as.heads.count = kept;
    buf_free(bytes);
    *bytes = message_encode(message);
}

// Of the hub's own, which tells what it holds of GT's.
static bool is_hubs_word(const wire_t *wire, const message_t *message)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    if (message->type != MSG_BEACONS)
        return false;
    assert_int_equal(beacon_decode(message->as.signed_items.items[0], &beacon, &fault), ERR_OK);
    bool is = origin_equal(&beacon->origin, &world_card(wire->world, HUB)->origin);
    beacon_destroy(&beacon);
    return is;
}

static bool listen(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    wire_t *wire = context;
    message_t message;
    fault_t fault;
    bool altered = from == HUB && to == GT && (wire->lie || wire->withhold);
    if (publication)
        return !altered;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    if (message.type != MSG_HELLO)
        wire->session[from][to] = message.session;
    if (from == HUB && to == HN) {
        wire->said++;
        if (!wire->first[message.type])
            wire->first[message.type] = wire->said;
    }
    if (altered && (message.type == MSG_HEADS || message.type == MSG_ACK))
        rewrite_heads(wire, &message, bytes);
    bool passes = !wire->withhold || !altered || !is_hubs_word(wire, &message);
    message_clear(&message);
    return passes;
}

static void inject_run(wire_t *wire, size_t node, size_t from, const feed_t *feed, commit_t *commit)
{
    buf_t bytes = run_encode(feed, &commit, 1);
    message_t message = {.type = MSG_PROOF, .has_session = true};
    message.session = wire->session[from][node];
    message.as.proof.run = buf_span(&bytes);
    world_inject(wire->world, node, from, &message);
    buf_free(&bytes);
}

// ---- commits and cards of GT's ----

static hash_t hash_at(world_t *world, size_t node, uint64_t number)
{
    feed_t feed = feed_of(world, GT, 1);
    hash_t hash;
    uint64_t first;
    fault_t fault;
    assert_int_equal(
        store_commit_at(world_store(world, node), &feed, number, &hash, &first, &fault), ERR_OK);
    return hash;
}

// Another change of GT's with that number, by the key of card 1.
static commit_t *other_commit(world_t *world, const secret_t *key, uint64_t number)
{
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
    uint8_t seed[32] = {9};
    feed_t feed = feed_of(world, GT, 1);
    hash_t previous = number > 1 ? hash_at(world, HUB, number - 1) : world_start_hash(world, GT);
    return commit_author(&feed, number, &previous, 1700000000000 + world_now(world), 1, &draft, 1,
                         seed, key, core_coalition(world_core(world, HUB)));
}

static secret_t *copy_of(const secret_t *key)
{
    pubkey_t public_key;
    return secret_sign_new(secret_bytes(key), &public_key); // its first half is the seed
}

// Card n+1: epoch n+1, another key; of the old epoch counts lane 1 up to `number`.
static card_t *epoch_card(world_t *world, uint64_t number, const hash_t *hash, secret_t **signing)
{
    uint8_t seed[32] = {0x66, (uint8_t)world_card(world, GT)->number};
    const card_t *last = world_card(world, GT);
    card_t *card = card_copy(last);
    *signing = secret_sign_new(seed, &card->signing_key);
    card->number++;
    card->epoch++;
    card->has_previous = true;
    card->previous = last->hash;
    mem_free(card->cuts);
    card->cuts = mem_alloc(sizeof *card->cuts);
    card->cut_count = number > 0;
    card->cuts[0] = (cut_t){.epoch = last->epoch, .lane = 1, .number = number, .hash = *hash};
    return card;
}

static err_t start_epoch(world_t *world, uint64_t number, const hash_t *hash)
{
    secret_t *signing;
    card_t *card = epoch_card(world, number, hash, &signing);
    return world_epoch(world, GT, card, signing);
}

// ---- restored ----

static void a_restored_node_gets_its_changes_back_and_then_writes(void **state)
{
    (void)state;
    world_t *world = four(false);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    disk_image_t *image = image_of_gt(world);
    put_many(world, GT, "b", 2);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    restore(world, image);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_RESTORED);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, GT, GT, 1), 3);
    writes_again(world);
    put_many(world, GT, "c", 1);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, HN, GT, 1), 4);
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    // Its marker knows what it wrote, and the next start agrees.
    world_die(world, GT, DEATH_KILL);
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    disk_image_destroy(&image);
    world_destroy(&world);
}

// Only SV has the newest change of GT, and SV is off: the hub's word is not enough.
static void while_one_is_silent_the_fence_stays(void **state)
{
    (void)state;
    world_t *world = four(true);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    disk_image_t *image = image_of_gt(world);
    assert_true(world_settle(world, 60000));
    world_stop(world, HUB);
    put_many(world, GT, "b", 1);
    world_run(world, 5000);
    assert_int_equal(world_head(world, SV, GT, 1), 2);
    world_stop(world, SV);
    world_stop(world, GT);
    world_start(world, HUB);
    restore(world, image);
    world_run(world, 120000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    world_start(world, SV);
    assert_true(world_settle(world, 120000));
    writes_again(world);
    assert_int_equal(world_head(world, GT, GT, 1), 2);
    disk_image_destroy(&image);
    world_destroy(&world);
}

static void the_operator_may_go_on_without_the_silent_one(void **state)
{
    (void)state;
    world_t *world = four(true);
    lifting_t lifting;
    size_t count;
    fault_t fault;
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    disk_image_t *image = image_of_gt(world);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_accept(world, GT), ERR_NOT_FENCED);
    world_stop(world, SV);
    world_stop(world, GT);
    restore(world, image);
    world_run(world, 60000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    put_many(world, GT, "b", 1);
    // What was accepted is kept, with who had not answered; and so is that it may write.
    world_die(world, GT, DEATH_KILL);
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    assert_int_equal(store_liftings(world_store(world, GT), 1, &lifting, &count, &fault), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(lifting.fence, ERR_RESTORED);
    assert_int_equal(lifting.how, LIFT_ACCEPTED);
    assert_non_null(strstr(lifting.detail, "SV has not answered"));
    world_start(world, SV);
    assert_true(world_settle(world, 120000));
    disk_image_destroy(&image);
    world_destroy(&world);
}

// The hub says 50 more than there are: it cannot deliver them, and so has not told.
static void who_tells_of_what_it_cannot_deliver_has_not_told(void **state)
{
    (void)state;
    wire_t wire = {.world = four(false), .lie = true};
    world_t *world = wire.world;
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    disk_image_t *image = image_of_gt(world);
    world_stop(world, GT);
    world_tamper(world, listen, &wire);
    restore(world, image);
    world_run(world, 120000);
    assert_true(world_count(world, GT, ERR_CLAIM_UNMET) > 0);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    wire.lie = false;
    world_run(world, 5000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED); // the lie stands in this session
    world_stop(world, HUB);
    world_start(world, HUB);
    assert_true(world_settle(world, 900000));
    writes_again(world);
    disk_image_destroy(&image);
    world_destroy(&world);
}

// Nobody has the last changes, but the marker says that there were some: not by itself.
static void what_the_marker_knows_of_and_nobody_has_is_the_operators_to_give_up(void **state)
{
    (void)state;
    world_t *world = four(false);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    disk_image_t *image = disk_image_save(world_disk(world, GT));
    world_partition(world, GT, HUB, true);
    world_start(world, GT);
    put_many(world, GT, "b", 2);
    world_run(world, 5000);
    world_die(world, GT, DEATH_KILL);
    world_partition(world, GT, HUB, false);
    // The database alone is replaced: the marker is the machine's own.
    disk_image_load(world_disk(world, GT), image, "node.db");
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    world_run(world, 60000);
    assert_int_equal(world_writing(world, GT), ERR_RESTORED);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    put_many(world, GT, "c", 1);
    assert_true(world_settle(world, 60000));
    disk_image_destroy(&image);
    world_destroy(&world);
}

// Power fails after changes have left, and what is put back then was copied since the
// last start: the nonce is the same, so only the marker's heads can tell.
static void a_power_cut_takes_nothing_that_the_marker_knew(void **state)
{
    (void)state;
    world_t *world = four(false);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    disk_image_t *image = disk_image_save(world_disk(world, GT));
    put_many(world, GT, "b", 2);
    assert_true(world_settle(world, 60000));
    world_die(world, GT, DEATH_POWER);
    disk_image_load(world_disk(world, GT), image, "node.db");
    world_partition(world, GT, HUB, true);
    world_start(world, GT);
    assert_int_equal(world_head(world, GT, GT, 1), 1);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_RESTORED);
    world_partition(world, GT, HUB, false);
    assert_true(world_settle(world, 900000));
    put_many(world, GT, "c", 1);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, HUB, GT, 1), 4);
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    disk_image_destroy(&image);
    world_destroy(&world);
}

typedef struct {
    world_t *world;
    unsigned left;
} marked_t;

static uint64_t marked_up_to(world_t *world, size_t node)
{
    marker_t marker;
    assert_true(world_marker(world, node, &marker));
    for (size_t i = 0; i < marker.head_count; i++)
        if (marker.heads[i].epoch == 1 && marker.heads[i].lane == LANE_COALITION)
            return marker.heads[i].number;
    return 0;
}

static void leaves_marked(void *context, size_t from, size_t to, bool publication, span_t bytes)
{
    marked_t *marked = context;
    (void)to;
    (void)publication;
    (void)bytes;
    if (from != GT)
        return;
    marked->left++;
    assert_int_equal(marked_up_to(marked->world, GT), head_in(marked->world, GT, GT, 1));
}

// Killed right after a change has left, with a database put back that was copied
// since the last start: the nonce is the same, so only the marker's heads can tell.
static void the_marker_knows_of_a_change_before_anybody_else(void **state)
{
    (void)state;
    world_t *world = four(true);
    marked_t marked = {.world = world};
    const watcher_t watcher = {.context = &marked, .leaves = leaves_marked};
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    world_watch(world, &watcher);
    for (int i = 0; i < 3; i++) {
        char key[16];
        unsigned before = marked.left;
        snprintf(key, sizeof key, "a%d", i);
        assert_int_equal(world_put(world, GT, key, "Nombre"), ERR_OK);
        assert_true(marked.left > before);
    }
    world_destroy(&world);
}

// ---- found out while it writes ----

// The machine was put back as a whole: nothing on it can tell.
static void its_own_later_commit_stops_a_node_that_knew_nothing(void **state)
{
    (void)state;
    world_t *world = four(false);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    world_save(world, GT);
    world_start(world, GT);
    put_many(world, GT, "b", 2);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    world_restore(world, GT);
    world_start(world, GT);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    world_run(world, 5000);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_head(world, GT, GT, 1), 3);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_OWN_LATER_COMMIT);
    world_run(world, 120000); // it does not go by itself: a copy may be alive
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    put_many(world, GT, "c", 1);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_count(world, HUB, ERR_DIVERGED), 0);
    world_destroy(&world);
}

// All that comes is its own beacon: it is signed, so it stops it, and nobody may
// accept while what it speaks of is not here.
static void its_own_signed_word_stops_it_too(void **state)
{
    (void)state;
    wire_t wire = {.world = four(false)};
    world_t *world = wire.world;
    world_tamper(world, listen, &wire);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    world_save(world, GT);
    world_start(world, GT);
    put_many(world, GT, "b", 2);
    assert_true(world_settle(world, 60000));
    world_run(world, 70000); // its beacon says 3
    world_stop(world, GT);
    world_restore(world, GT);
    wire.withhold = true;
    world_start(world, GT);
    world_run(world, 10000);
    assert_int_equal(world_head(world, GT, GT, 1), 1);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    assert_int_equal(world_accept(world, GT), ERR_OWN_LATER_COMMIT);
    wire.withhold = false;
    world_stop(world, HUB);
    world_start(world, HUB);
    world_run(world, 120000);
    assert_int_equal(world_head(world, GT, GT, 1), 3);
    assert_int_equal(world_accept(world, GT), ERR_OK);
    put_many(world, GT, "c", 1);
    assert_true(world_settle(world, 60000));
    world_destroy(&world);
}

// ---- forks ----

static void expect_everywhere(world_t *world, const char *expected)
{
    for (size_t i = 0; i < NODES; i++) {
        proof_t proof;
        assert_string_equal(state_at(world, i, &proof), expected);
    }
}

// The second change twice: HN is shown the other one.
static world_t *equivocated(wire_t *wire)
{
    world_t *world = wire->world = four(false);
    feed_t feed = feed_of(world, GT, 1);
    world_tamper(world, listen, wire);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    put_many(world, GT, "b", 1);
    assert_true(world_settle(world, 60000));
    commit_t *other = other_commit(world, world_signing(world, GT), 2);
    inject_run(wire, HN, HUB, &feed, other);
    commit_destroy(&other);
    world_run(world, 10000);
    return world;
}

static void an_origin_that_signs_twice_is_stopped_everywhere(void **state)
{
    (void)state;
    wire_t wire = {0};
    world_t *world = equivocated(&wire);
    expect_everywhere(world, "stopped");
    for (size_t i = 0; i < NODES; i++) {
        proof_t proof;
        state_at(world, i, &proof);
        assert_int_equal(proof.number, 2);
        assert_false(hash_equal(&proof.ours, &proof.theirs));
        hash_t held = hash_at(world, i, 2);
        assert_true(hash_equal(&proof.ours, &held)); // nothing was taken back
        assert_int_equal(world_head(world, i, GT, 1), 2);
    }
    assert_int_equal(world_writing(world, GT), ERR_FORK);
    assert_int_equal(world_accept(world, GT), ERR_FORK);
    assert_int_equal(world_put(world, GT, "c", "Nombre"), ERR_FORK);
    // All lanes of that epoch, and after a restart too.
    world_die(world, HUB, DEATH_KILL);
    world_start(world, HUB);
    world_run(world, 10000);
    expect_everywhere(world, "stopped");
    proof_t proof;
    state_at(world, HUB, &proof);
    assert_int_equal(proof.number, 2);
    assert_string_equal(proof.source, "HN");
    world_destroy(&world);
}

static void who_comes_after_a_fork_hears_of_it(void **state)
{
    (void)state;
    wire_t wire = {.world = four(false)};
    world_t *world = wire.world;
    feed_t feed = feed_of(world, GT, 1);
    proof_t proof;
    world_tamper(world, listen, &wire);
    for (size_t i = 0; i < HN; i++)
        world_start(world, i);
    put_many(world, GT, "a", 2);
    assert_true(world_settle(world, 60000));
    commit_t *other = other_commit(world, world_signing(world, GT), 2);
    inject_run(&wire, SV, HUB, &feed, other);
    commit_destroy(&other);
    world_run(world, 5000);
    world_stop(world, GT);
    world_start(world, HN);
    world_run(world, 20000);
    assert_string_equal(state_at(world, HN, &proof), "stopped");
    // docs/protocol.md, section 6: in this order.
    assert_int_equal(wire.first[MSG_WELCOME], 1);
    assert_true(wire.first[MSG_BEACONS] && wire.first[MSG_BEACONS] < wire.first[MSG_HEADS]);
    assert_true(wire.first[MSG_HEADS] < wire.first[MSG_PROOF]);
    world_destroy(&world);
}

// The machine was put back as a whole, and what it writes next ends where no commit of
// the others' does: whoever asks for what follows theirs asks within one of it.
static void chains_that_part_within_a_commit_are_a_fork_too(void **state)
{
    (void)state;
    static const uint8_t body[] = {0};
    const draft_t drafts[3] = {{.type = 99, .min_reader = 1, .body = span_of(body, 1)},
                               {.type = 99, .min_reader = 1, .body = span_of(body, 1)},
                               {.type = 99, .min_reader = 1, .body = span_of(body, 1)}};
    world_t *world = four(false);
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    world_save(world, GT);
    world_start(world, GT);
    put_many(world, GT, "b", 1);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    world_restore(world, GT);
    world_partition(world, GT, HUB, true);
    world_start(world, GT);
    assert_int_equal(world_append(world, GT, drafts, 3), ERR_OK);
    assert_int_equal(world_head(world, GT, GT, 1), 4);
    world_partition(world, GT, HUB, false);
    world_run(world, 120000);
    expect_everywhere(world, "stopped");
    assert_int_equal(world_writing(world, GT), ERR_FORK);
    world_destroy(&world);
}

// ---- epochs ----

static void a_new_epoch_brings_everybody_on_together(void **state)
{
    (void)state;
    wire_t wire = {0};
    world_t *world = equivocated(&wire);
    hash_t hash = hash_at(world, GT, 2);
    world_stop(world, HN); // it comes later, as one who knows of nothing
    assert_int_equal(start_epoch(world, 2, &hash), ERR_OK);
    assert_int_equal(world_writing(world, GT), ERR_OK);
    put_many(world, GT, "c", 2);
    assert_true(world_settle(world, 120000));
    world_start(world, HN);
    assert_true(world_settle(world, 120000));
    for (size_t i = 0; i < NODES; i++) {
        proof_t proof;
        assert_string_equal(state_at(world, i, &proof), "in-step");
        assert_int_equal(head_in(world, i, GT, 1), 2);
        assert_int_equal(head_in(world, i, GT, 2), 2);
    }
    // It is the new key that counts from now on, at the next start too.
    world_die(world, GT, DEATH_POWER);
    world_start(world, GT);
    put_many(world, GT, "d", 1);
    assert_true(world_settle(world, 120000));
    assert_int_equal(head_in(world, HN, GT, 2), 3);
    world_destroy(&world);
}

static void a_card_that_starts_no_epoch_is_refused(void **state)
{
    (void)state;
    world_t *world = four(false);
    secret_t *signing;
    world_start_all(world);
    put_many(world, GT, "a", 1);
    assert_true(world_settle(world, 60000));
    hash_t hash = hash_at(world, GT, 1);
    card_t *card = epoch_card(world, 0, &hash, &signing); // a lane without a cut
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_CUT_MISSING);
    card = epoch_card(world, 1, &hash, &signing);
    card->epoch--;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &hash, &signing);
    card->epoch++;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &hash, &signing); // the key of now
    card->signing_key = world_card(world, GT)->signing_key;
    secret_destroy(&signing);
    assert_int_equal(world_epoch(world, GT, card, copy_of(world_signing(world, GT))), ERR_BAD_CARD);
    card = epoch_card(world, 1, &hash, &signing); // not the one that is handed over
    card->signing_key.bytes[0] ^= 1;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &hash, &signing);
    card->transport_key.bytes[0] ^= 1;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    card = epoch_card(world, 1, &hash, &signing);
    card->previous.bytes[0] ^= 1;
    assert_int_equal(world_epoch(world, GT, card, signing), ERR_BAD_CARD);
    put_many(world, GT, "b", 1); // all is as it was
    assert_true(world_settle(world, 60000));
    world_destroy(&world);
}

// The thief signs another first change; HN hears of that one first.
static void a_stolen_key_that_forks_at_the_first_change_is_worth_nothing(void **state)
{
    (void)state;
    wire_t wire = {.world = four(false)};
    world_t *world = wire.world;
    feed_t feed = feed_of(world, GT, 1);
    proof_t proof;
    world_tamper(world, listen, &wire);
    world_start_all(world);
    world_run(world, 5000);
    commit_t *thiefs = other_commit(world, world_signing(world, GT), 1);
    secret_t *stolen = copy_of(world_signing(world, GT));
    buf_t published = publication_of_commit(thiefs);
    world_publish_to(world, HN, HUB, buf_span(&published));
    put_many(world, GT, "a", 2); // two hops away
    world_run(world, 20000);
    hash_t held = hash_at(world, HN, 1);
    assert_true(hash_equal(&held, &thiefs->hash));
    buf_free(&published);
    expect_everywhere(world, "stopped");
    hash_t cut = hash_at(world, GT, 2);
    assert_int_equal(start_epoch(world, 2, &cut), ERR_OK);
    put_many(world, GT, "b", 1);
    world_run(world, 60000);
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(head_in(world, i, GT, 2), 1);
    assert_string_equal(state_at(world, HUB, &proof), "in-step");
    // It holds the thief's: that stays, flagged; nothing more is to come, which is in step.
    assert_string_equal(state_at(world, HN, &proof), "cut");
    assert_int_equal(head_in(world, HN, GT, 1), 1);
    assert_true(hash_equal(&proof.ours, &thiefs->hash));
    // More by the stolen key, in the old epoch: kept aside at most, never taken.
    commit_t *more = other_commit(world, stolen, 3);
    uint64_t before = world_count(world, SV, ERR_BEYOND_CUT);
    published = publication_of_commit(more);
    world_publish_to(world, SV, HUB, buf_span(&published));
    buf_free(&published);
    world_run(world, 5000);
    assert_int_equal(head_in(world, SV, GT, 1), 2);
    assert_true(world_count(world, SV, ERR_BEYOND_CUT) > before);
    buf_t kept;
    fault_t fault;
    assert_int_equal(
        store_read_evidence(world_store(world, SV), &feed, ERR_BEYOND_CUT, &kept, &fault), ERR_OK);
    assert_true(kept.size > 0);
    buf_free(&kept);
    commit_destroy(&more);
    commit_destroy(&thiefs);
    secret_destroy(&stolen);
    world_destroy(&world);
}

// The cut is at three; the hub holds five, HN comes later.
static void what_lies_beyond_a_cut_stays_with_those_who_hold_it(void **state)
{
    (void)state;
    world_t *world = four(false);
    proof_t proof;
    for (size_t i = 0; i < HN; i++)
        world_start(world, i);
    for (int i = 0; i < 5; i++) {
        put_many(world, GT, (char[]){(char)('a' + i), 0}, 1);
        world_run(world, 1000);
    }
    assert_true(world_settle(world, 60000));
    hash_t hash = hash_at(world, GT, 3);
    assert_int_equal(start_epoch(world, 3, &hash), ERR_OK);
    put_many(world, GT, "f", 1);
    world_run(world, 10000);
    world_start(world, HN);
    world_run(world, 60000);
    for (size_t i = 0; i < HN; i++) {
        assert_int_equal(head_in(world, i, GT, 1), 5);
        assert_string_equal(state_at(world, i, &proof), "cut");
        assert_int_equal(head_in(world, i, GT, 2), 1);
    }
    assert_int_equal(head_in(world, HN, GT, 1), 3);
    assert_string_equal(state_at(world, HN, &proof), "in-step");
    assert_int_equal(head_in(world, HN, GT, 2), 1);
    status_t status; // nothing more is to come: that is in step
    core_status(world_core(world, HUB), world_node_now(world, HUB), &status);
    assert_true(status.synced);
    status_clear(&status);
    world_destroy(&world);
}

// The hub took all five in one run, so it has one signature, on the fifth; the cut
// is at three, and GT is gone.
static void a_cut_vouches_where_no_signature_ends(void **state)
{
    (void)state;
    world_t *world = four(false);
    served_run_t served;
    fault_t fault;
    world_start(world, GT);
    for (int i = 0; i < 5; i++)
        put_many(world, GT, (char[]){(char)('a' + i), 0}, 1);
    world_start(world, HUB);
    world_run(world, 10000);
    assert_int_equal(head_in(world, HUB, GT, 1), 5);
    feed_t feed = feed_of(world, GT, 1);
    hash_t start = world_start_hash(world, GT), hash = hash_at(world, GT, 3);
    assert_int_equal(
        store_read_run(world_store(world, HUB), &feed, 0, &start, 1, false, &served, &fault),
        ERR_OK);
    assert_int_equal(served.last.number, 5); // none ends before
    buf_free(&served.run);
    assert_int_equal(start_epoch(world, 3, &hash), ERR_OK);
    world_run(world, 10000);
    world_stop(world, GT);
    world_start(world, SV);
    world_run(world, 20000);
    assert_int_equal(head_in(world, SV, GT, 1), 3);
    assert_int_equal(world_count(world, SV, ERR_UNSIGNED), 0);
    proof_t proof;
    assert_string_equal(state_at(world, SV, &proof), "in-step");
    world_destroy(&world);
}

// The hub has lost everything; SV, which dials it, holds five of GT's, two of them
// beyond the cut, and serves it by a fetch that stands.
static void what_lies_beyond_a_cut_is_not_served(void **state)
{
    (void)state;
    world_t *world = four(false);
    for (size_t i = 0; i < HN; i++)
        world_start(world, i);
    for (int i = 0; i < 5; i++) {
        put_many(world, GT, (char[]){(char)('a' + i), 0}, 1);
        world_run(world, 1000);
    }
    assert_true(world_settle(world, 60000));
    hash_t hash = hash_at(world, GT, 3);
    assert_int_equal(start_epoch(world, 3, &hash), ERR_OK);
    assert_true(world_settle(world, 60000));
    world_stop(world, GT);
    world_stop(world, HUB);
    world_load_disk(world, HUB, world_founded(world));
    world_start(world, HUB);
    world_run(world, 60000);
    assert_int_equal(head_in(world, HUB, GT, 1), 3);
    proof_t proof;
    assert_string_equal(state_at(world, HUB, &proof), "in-step");
    // And no more is said about it: a minute of pings and beacons, no more.
    status_t status;
    core_status(world_core(world, SV), world_node_now(world, SV), &status);
    assert_true(status.peers[0].bytes_out < 20000);
    status_clear(&status);
    assert_int_equal(world_count(world, HUB, ERR_CLAIM_UNMET), 0);
    world_destroy(&world);
}

// GT has lost everything, and its root starts a new epoch before anybody has told it of
// the two changes that the hub and HN hold: they are cut off, and nobody else takes them.
static void what_an_epoch_does_not_name_has_ended_with_nothing(void **state)
{
    (void)state;
    world_t *world = four(false);
    const size_t holders[] = {HUB, HN};
    hash_t none = {{0}};
    proof_t proof;
    for (size_t i = 0; i < NODES; i++)
        if (i != SV)
            world_start(world, i);
    put_many(world, GT, "a", 2);
    world_run(world, 20000);
    world_stop(world, GT);
    world_stop(world, HUB);
    world_stop(world, HN);
    world_load_disk(world, GT, world_founded(world));
    world_start(world, GT);
    assert_int_equal(start_epoch(world, 0, &none), ERR_OK);
    world_start(world, HUB);
    world_start(world, HN);
    world_start(world, SV);
    world_run(world, 60000);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(head_in(world, holders[i], GT, 1), 2);
        assert_string_equal(state_at(world, holders[i], &proof), "cut");
    }
    assert_int_equal(head_in(world, SV, GT, 1), 0);
    world_destroy(&world);
}

// While SV is off: three rosters, an epoch, and changes in it.
static void who_is_several_versions_behind_comes_on(void **state)
{
    (void)state;
    world_t *world = four(false);
    world_start_all(world);
    put_many(world, GT, "a", 2);
    assert_true(world_settle(world, 60000));
    world_stop(world, SV);
    roster_t *last = roster_copy(world_roster(world));
    hash_t coalition = *core_coalition(world_core(world, HUB));
    for (uint32_t version = 2; version <= 4; version++) {
        static const size_t voters[] = {HUB, GT, HN};
        fault_t fault;
        roster_t *next = roster_copy(last);
        next->version = version;
        next->has_previous = true;
        next->previous = last->hash;
        next->has_creator = false;
        next->time_ms++;
        next->signature_count = 0;
        roster_seal(next);
        for (size_t i = 0; i < 3; i++) {
            roster_signature_t vote = {.origin = world_card(world, voters[i])->origin,
                                       .card_number = 1};
            vote.signature = crypto_sign_hash(world_signing(world, voters[i]), SIGN_ROSTER,
                                              &coalition, &next->hash);
            roster_add_signature(next, &vote);
        }
        world_stop(world, HUB);
        assert_int_equal(store_add_roster(world_store(world, HUB), next, &fault), ERR_OK);
        assert_int_equal(store_commit(world_store(world, HUB), &fault), ERR_OK);
        world_start(world, HUB);
        roster_destroy(&last);
        last = next;
    }
    world_run(world, 60000);
    hash_t hash = hash_at(world, GT, 2);
    assert_int_equal(start_epoch(world, 2, &hash), ERR_OK);
    put_many(world, GT, "b", 3);
    world_run(world, 20000);
    world_start(world, SV);
    assert_true(world_settle(world, 120000));
    assert_int_equal(core_roster(world_core(world, SV))->version, 4);
    assert_int_equal(head_in(world, SV, GT, 2), 3);
    roster_destroy(&last);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_node_gets_its_changes_back_and_then_writes),
        cmocka_unit_test(while_one_is_silent_the_fence_stays),
        cmocka_unit_test(the_operator_may_go_on_without_the_silent_one),
        cmocka_unit_test(who_tells_of_what_it_cannot_deliver_has_not_told),
        cmocka_unit_test(what_the_marker_knows_of_and_nobody_has_is_the_operators_to_give_up),
        cmocka_unit_test(a_power_cut_takes_nothing_that_the_marker_knew),
        cmocka_unit_test(the_marker_knows_of_a_change_before_anybody_else),
        cmocka_unit_test(its_own_later_commit_stops_a_node_that_knew_nothing),
        cmocka_unit_test(its_own_signed_word_stops_it_too),
        cmocka_unit_test(an_origin_that_signs_twice_is_stopped_everywhere),
        cmocka_unit_test(who_comes_after_a_fork_hears_of_it),
        cmocka_unit_test(chains_that_part_within_a_commit_are_a_fork_too),
        cmocka_unit_test(a_new_epoch_brings_everybody_on_together),
        cmocka_unit_test(a_card_that_starts_no_epoch_is_refused),
        cmocka_unit_test(a_stolen_key_that_forks_at_the_first_change_is_worth_nothing),
        cmocka_unit_test(what_lies_beyond_a_cut_stays_with_those_who_hold_it),
        cmocka_unit_test(a_cut_vouches_where_no_signature_ends),
        cmocka_unit_test(what_lies_beyond_a_cut_is_not_served),
        cmocka_unit_test(what_an_epoch_does_not_name_has_ended_with_nothing),
        cmocka_unit_test(who_is_several_versions_behind_comes_on),
    };
    return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
