// Nodes, their keys and cards, and the charter that binds them.
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/places.h"

static void seed_for(const char *code, const char *use, uint8_t seed[32])
{
    char text[64];
    snprintf(text, sizeof text, "%s %s", code, use);
    hash_t hash = crypto_hash_of(HASH_DERIVE, span_text(text));
    memcpy(seed, hash.bytes, 32);
}

static void make_secrets(place_in_t *place, card_t *card)
{
    uint8_t seed[32];
    secret_t *transport, *sealing;
    seed_for(place->code.text, "root", seed);
    place->root = secret_sign_new(seed, &place->root_key);
    seed_for(place->code.text, "signing", seed);
    place->signing = secret_sign_new(seed, &place->signing_key);
    seed_for(place->code.text, "transport", seed);
    transport = secret_box_new(seed, &place->transport_key);
    seed_for(place->code.text, "sealing", seed);
    sealing = secret_box_new(seed, &card->sealing_key);
    secret_destroy(&transport);
    secret_destroy(&sealing);
}

void place_make_keys(place_in_t *place)
{
    card_t *card = mem_alloc(sizeof *card);
    make_secrets(place, card);
    card->origin = crypto_origin(&place->root_key);
    card->number = 1;
    card->root_key = place->root_key;
    card->signing_key = place->signing_key;
    card->transport_key = place->transport_key;
    card->epoch = 1;
    card->code = place->code;
    card->name = mem_format("Node %s", place->code.text);
    card->protocol = PROTOCOL_VERSION;
    card->schema = SCHEMA_VERSION;
    if (place->listening) {
        card->endpoints = mem_alloc(sizeof *card->endpoints);
        card->endpoints[0] = mem_copy_string(place->endpoint);
        card->endpoint_count = 1;
    }
    card_sign(card, place->root);
    place->card = card;
    place->start = card->hash;
}

secret_t *world_first_signing(const world_t *world, size_t node)
{
    uint8_t seed[32];
    pubkey_t key;
    seed_for(world->nodes[node].code.text, "signing", seed);
    return secret_sign_new(seed, &key);
}

static secret_t *copy_signing(const secret_t *secret)
{
    pubkey_t key;
    return secret_sign_new(secret_bytes(secret), &key); // the seed comes first
}

void place_copy_keys(place_in_t *place, const place_in_t *from)
{
    place->code = from->code;
    place->root = copy_signing(from->root);
    place->signing = copy_signing(from->signing);
    place->root_key = from->root_key;
    place->signing_key = from->signing_key;
    place->transport_key = from->transport_key;
    place->card = card_copy(from->card);
    place->start = from->start;
}

static roster_t *make_charter(world_t *world, uint32_t threshold)
{
    roster_t *charter = mem_alloc(sizeof *charter);
    charter->version = 1;
    charter->name = mem_copy_string("Example coalition");
    charter->threshold = threshold;
    charter->min_protocol = 1;
    charter->time_ms = WORLD_EPOCH_MS;
    charter->member_count = world->node_count;
    charter->members = mem_alloc_array(world->node_count, sizeof *charter->members);
    for (size_t i = 0; i < world->node_count; i++)
        charter->members[i] = (member_t){.code = world->nodes[i].code,
                                         .origin = world->nodes[i].card->origin,
                                         .root_key = world->nodes[i].root_key,
                                         .min_card = 1};
    charter->has_creator = true;
    charter->creator = world->nodes[0].card->origin;
    roster_seal(charter);
    roster_signature_t signature = {.origin = charter->creator};
    signature.signature =
        crypto_sign_hash(world->nodes[0].root, SIGN_CHARTER, NULL, &charter->hash);
    roster_add_signature(charter, &signature);
    return charter;
}

static void fill_store(world_t *world, store_t *store)
{
    fault_t fault;
    assert(store_add_roster(store, world->charter, &fault) == ERR_OK);
    for (size_t i = 0; i < world->node_count; i++)
        assert(store_add_card(store, world->nodes[i].card, &fault) == ERR_OK);
    assert(store_commit(store, &fault) == ERR_OK);
}

// What all nodes begin with is made once: their stores are copies of the first.
void world_found(world_t *world, uint32_t threshold)
{
    place_in_t *first = &world->nodes[0];
    world->charter = make_charter(world, threshold);
    disk_image_load(first->disk, world->empty, NULL);
    place_open(first);
    fill_store(world, first->store);
    store_close(&first->store);
    world->founded = disk_image_save(first->disk);
    for (size_t i = 1; i < world->node_count; i++)
        disk_image_load(world->nodes[i].disk, world->founded, NULL);
    for (size_t i = 0; i < world->node_count; i++)
        place_make_marker(&world->nodes[i]);
}

static err_t try_card(place_in_t *place, const card_t *card, fault_t *fault)
{
    err_t err = place_try_open(place, fault);
    if (!err)
        err = store_add_card(place->store, card, fault);
    return err ? err : store_commit(place->store, fault);
}

static void take_card(place_in_t *place, card_t *card, secret_t *signing)
{
    if (card->epoch > place->card->epoch)
        place->start = card->hash;
    assert(place->old_count < WORLD_CARDS_MAX);
    place->old_cards[place->old_count++] = place->card;
    place->card = card;
    secret_destroy(&place->signing);
    place->signing = signing;
    place->signing_key = card->signing_key;
}

bool world_replace_card(world_t *world, size_t node, card_t *card, secret_t *signing)
{
    place_in_t *place = &world->nodes[node];
    fault_t fault;
    assert(!place->running);
    card_sign(card, place->root);
    if (try_card(place, card, &fault)) {
        card_destroy(&card);
        secret_destroy(&signing);
        return false;
    }
    take_card(place, card, signing);
    return true;
}

err_t world_epoch(world_t *world, size_t node, card_t *card, secret_t *signing)
{
    place_in_t *place = &world->nodes[node];
    event_t event = {.type = EVENT_EPOCH};
    card_sign(card, place->root);
    buf_t bytes = card_encode(card);
    event.as.epoch.request = 1;
    event.as.epoch.card = buf_span(&bytes);
    event.as.epoch.signing = signing;
    err_t err = place_ask(place, &event);
    buf_free(&bytes);
    if (!err) {
        take_card(place, card, signing);
        return ERR_OK;
    }
    card_destroy(&card);
    secret_destroy(&signing);
    return err;
}

void world_restore_cards(world_t *world, size_t node)
{
    place_in_t *place = &world->nodes[node];
    fault_t fault;
    for (size_t i = 1; i < place->old_count; i++)
        assert(try_card(place, place->old_cards[i], &fault) == ERR_OK);
    if (place->old_count)
        assert(try_card(place, place->card, &fault) == ERR_OK);
}
