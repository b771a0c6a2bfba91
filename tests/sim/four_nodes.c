#include "tests/sim/four_nodes.h"

#include "lib/mem.h"

static world_t *found_four(uint64_t seed, bool two_hubs)
{
    static const char *const codes[] = {"CRM", "GT", "SV", "HN"};
    world_t *world = world_new(seed);
    for (size_t i = 0; i < NODES; i++)
        world_add(world, codes[i], i == HUB || (two_hubs && i == SV));
    for (size_t i = 1; i < NODES; i++)
        world_dial(world, i, HUB);
    if (two_hubs)
        world_dial(world, GT, SV);
    world_found(world, 3);
    return world;
}

world_t *four_nodes(uint64_t seed)
{
    return found_four(seed, false);
}

world_t *four_nodes_two_hubs(uint64_t seed)
{
    return found_four(seed, true);
}

// ---- writing ----

void put_many(world_t *world, size_t node, const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%s%d", prefix, i);
        assert_int_equal(world_put(world, node, key, "Nombre"), ERR_OK);
    }
}

void put_and_settle(world_t *world, size_t node, const char *prefix, int count)
{
    put_many(world, node, prefix, count);
    assert_true(world_settle(world, 60000));
}

void put_apart(world_t *world, int count)
{
    for (int i = 0; i < count; i++) {
        put_many(world, GT, (char[]){(char)('a' + i), 0}, 1);
        world_run(world, 1000);
    }
}

// ---- a machine that is put back as a whole ----

void copy_machine(world_t *world, size_t node)
{
    world_stop(world, node);
    world_save(world, node);
    world_start(world, node);
}

void put_back(world_t *world, size_t node)
{
    world_stop(world, node);
    world_restore(world, node);
}

// ---- looking ----

feed_t feed_of(world_t *world, size_t node)
{
    return (feed_t){world_card(world, node)->origin, 1, 1};
}

feed_status_t gt_at(world_t *world, size_t node, uint32_t epoch)
{
    feed_status_t found = {.state = ""};
    feed_t feed = feed_of(world, GT);
    status_t status;
    feed.epoch = epoch;
    core_status(world_core(world, node), world_node_now(world, node), &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, &feed))
            found = status.feeds[i];
    status_clear(&status);
    return found;
}

void expect_everywhere(world_t *world, const char *state)
{
    for (size_t i = 0; i < NODES; i++)
        assert_string_equal(gt_at(world, i, 1).state, state);
}

bool synced(world_t *world, size_t node)
{
    status_t status;
    core_status(world_core(world, node), world_node_now(world, node), &status);
    bool is = status.synced;
    status_clear(&status);
    return is;
}

uint32_t version_at(world_t *world, size_t node)
{
    return core_roster(world_core(world, node))->version;
}

static hash_t hash_in(world_t *world, size_t node, uint32_t epoch, uint64_t number)
{
    feed_t feed = feed_of(world, GT);
    hash_t hash;
    uint64_t first;
    fault_t fault;
    feed.epoch = epoch;
    assert_int_equal(
        store_commit_at(world_store(world, node), &feed, number, &hash, &first, &fault), ERR_OK);
    return hash;
}

hash_t hash_at(world_t *world, size_t node, uint64_t number)
{
    return hash_in(world, node, 1, number);
}

// ---- changes in GT's name ----

commit_t *sign_change(world_t *world, const secret_t *key, uint64_t number, const hash_t *previous)
{
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
    uint8_t seed[32] = {9};
    feed_t feed = feed_of(world, GT);
    return commit_author(&feed, number, previous, 1700000000000 + world_now(world), 1, &draft, 1,
                         seed, key, core_coalition(world_core(world, HUB)));
}

commit_t *other_change(world_t *world, const secret_t *key, uint64_t number)
{
    hash_t previous = number > 1 ? hash_at(world, HUB, number - 1) : world_start_hash(world, GT);
    return sign_change(world, key, number, &previous);
}

void publish_to(world_t *world, size_t node, const commit_t *commit)
{
    buf_t published = publication_of_commit(commit);
    world_publish_to(world, node, HUB, buf_span(&published));
    buf_free(&published);
}

// ---- what its root decides ----

static card_t *card_after(const card_t *last)
{
    card_t *card = card_copy(last);
    card->number++;
    card->has_previous = true;
    card->previous = last->hash;
    return card;
}

// Of the card's predecessor: by what a node holds of its epoch.
static void cut_at(world_t *world, card_t *card, size_t holder, uint64_t number)
{
    uint32_t epoch = world_card(world, GT)->epoch;
    mem_free(card->cuts);
    card->cuts = mem_alloc(sizeof *card->cuts);
    card->cut_count = 1;
    card->cuts[0] = (cut_t){.epoch = epoch, .lane = 1, .number = number};
    card->cuts[0].hash = hash_in(world, holder, epoch, number);
}

card_t *epoch_card(world_t *world, uint64_t number, secret_t **signing)
{
    const card_t *last = world_card(world, GT);
    uint8_t seed[32] = {0x66, (uint8_t)last->number};
    card_t *card = card_after(last);
    *signing = secret_sign_new(seed, &card->signing_key);
    card->epoch++;
    if (number)
        cut_at(world, card, GT, number);
    return card;
}

err_t start_epoch(world_t *world, uint64_t number)
{
    secret_t *signing;
    card_t *card = epoch_card(world, number, &signing);
    return world_epoch(world, GT, card, signing);
}

static secret_t *second_key(pubkey_t *public_key)
{
    static const uint8_t seed[32] = {0x5a};
    return secret_sign_new(seed, public_key);
}

card_t *second_card(world_t *world, uint64_t number)
{
    card_t *card = card_after(world_card(world, GT));
    secret_t *signing = second_key(&card->signing_key);
    secret_destroy(&signing);
    if (number)
        cut_at(world, card, HUB, number);
    card_sign(card, world_root(world, GT));
    return card;
}

// ---- what voters decide ----

roster_t *roster_after(const roster_t *last)
{
    roster_t *next = roster_copy(last);
    next->version++;
    next->has_previous = true;
    next->previous = last->hash;
    next->has_creator = false;
    next->time_ms++;
    next->signature_count = 0;
    return next;
}

static void sign_roster(world_t *world, roster_t *roster, size_t node, uint32_t card_number,
                        const secret_t *key)
{
    roster_signature_t signature = {.origin = world_card(world, node)->origin,
                                    .card_number = card_number};
    signature.signature =
        crypto_sign_hash(key, SIGN_ROSTER, core_coalition(world_core(world, HUB)), &roster->hash);
    roster_add_signature(roster, &signature);
}

void vote(world_t *world, roster_t *roster, size_t node)
{
    sign_roster(world, roster, node, 1, world_signing(world, node));
}

void vote_by_second_card(world_t *world, roster_t *roster)
{
    pubkey_t unused;
    secret_t *key = second_key(&unused);
    sign_roster(world, roster, GT, 2, key);
    secret_destroy(&key);
}

void put_at_hub(world_t *world, const roster_t *roster, const card_t *card)
{
    fault_t fault;
    world_stop(world, HUB);
    if (roster)
        assert_int_equal(store_add_roster(world_store(world, HUB), roster, &fault), ERR_OK);
    if (card)
        assert_int_equal(store_add_card(world_store(world, HUB), card, &fault), ERR_OK);
    assert_int_equal(store_commit(world_store(world, HUB), &fault), ERR_OK);
    world_start(world, HUB);
}

// ---- a tap on the lines ----

world_t *four_tapped(tap_t *tap, uint64_t seed)
{
    *tap = (tap_t){.world = four_nodes(seed)};
    world_tamper(tap->world, tap_listen, tap);
    return tap->world;
}

static void drop_heads_of_gt(const tap_t *tap, message_t *message, buf_t *bytes)
{
    const origin_t *gt = &world_card(tap->world, GT)->origin;
    size_t kept = 0;
    for (size_t i = 0; i < message->as.heads.count; i++)
        if (!origin_equal(&message->as.heads.items[i].feed.origin, gt))
            message->as.heads.items[kept++] = message->as.heads.items[i];
    message->as.heads.count = kept;
    buf_free(bytes);
    *bytes = message_encode(message);
}

// The hub's own word, which tells what it holds of GT's.
static bool is_hubs_word(const tap_t *tap, const message_t *message)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    if (message->type != MSG_BEACONS || !message->as.signed_items.count)
        return false;
    assert_int_equal(beacon_decode(message->as.signed_items.items[0], &beacon, &fault), ERR_OK);
    bool is = origin_equal(&beacon->origin, &world_card(tap->world, HUB)->origin);
    beacon_destroy(&beacon);
    return is;
}

bool tap_listen(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    tap_t *tap = context;
    message_t message;
    fault_t fault;
    bool withhold = from == HUB && tap->withhold[to];
    if (publication)
        return !withhold;
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    if (message.type != MSG_HELLO) {
        tap->session[from][to] = message.session;
        tap->known[from][to] = true;
    }
    if (withhold && (message.type == MSG_HEADS || message.type == MSG_ACK))
        drop_heads_of_gt(tap, &message, bytes);
    bool passes = !withhold || !is_hubs_word(tap, &message);
    message_clear(&message);
    return passes;
}

void tap_say(tap_t *tap, size_t node, size_t from, message_t *message)
{
    assert_true(tap->known[from][node]);
    message->has_session = true;
    message->session = tap->session[from][node];
    world_inject(tap->world, node, from, message);
}

void tap_say_proof(tap_t *tap, size_t node, size_t from, commit_t *const *commits, size_t count)
{
    feed_t feed = feed_of(tap->world, GT);
    buf_t bytes = run_encode(&feed, commits, count);
    message_t message = {.type = MSG_PROOF};
    message.as.proof.run = buf_span(&bytes);
    tap_say(tap, node, from, &message);
    buf_free(&bytes);
}

static void say_signed(tap_t *tap, size_t node, message_type_t type, buf_t *bytes)
{
    message_t message = {.type = type};
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(bytes);
    tap_say(tap, node, GT, &message);
    buf_free(bytes);
}

void tap_say_card(tap_t *tap, size_t node, const card_t *card)
{
    buf_t bytes = card_encode(card);
    say_signed(tap, node, MSG_CARDS, &bytes);
}

void tap_say_roster(tap_t *tap, size_t node, const roster_t *roster)
{
    buf_t bytes = roster_encode(roster);
    say_signed(tap, node, MSG_ROSTERS, &bytes);
}
