#include "house.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static const uint64_t start_ms = 1700000000000;
static const char *const codes[HOUSE_MEMBERS] = {"CR", "GT", "SV"};

static secret_t *make_secret(size_t member, uint64_t use, bool box, pubkey_t *key)
{
    uint8_t seed[32] = {(uint8_t)(member + 1)};
    uint8_t derived[32];
    crypto_derive(seed, use, derived, sizeof derived);
    return box ? secret_box_new(derived, key) : secret_sign_new(derived, key);
}

static secret_t *make_member(house_feed_t *feed, size_t member)
{
    card_t *card = mem_alloc(sizeof *card);
    secret_t *root = make_secret(member, 0, false, &card->root_key);
    secret_t *transport = make_secret(member, 2, true, &card->transport_key);
    secret_t *sealing = make_secret(member, 3, true, &card->sealing_key);
    feed->signing = make_secret(member, 1, false, &card->signing_key);
    secret_destroy(&transport);
    secret_destroy(&sealing);
    bool valid = code_parse(codes[member], &feed->code);
    assert(valid);
    card->origin = crypto_origin(&card->root_key);
    card->number = 1;
    card->epoch = 1;
    card->code = feed->code;
    card->name = mem_format("Node %s", codes[member]);
    card->protocol = PROTOCOL_VERSION;
    card->schema = SCHEMA_VERSION;
    card_sign(card, root);
    feed->card = card;
    feed->head = (head_t){{card->origin, 1, LANE_COALITION}, 0, card->hash};
    feed->time_ms = start_ms;
    return root;
}

static roster_t *make_charter(const house_t *house, const secret_t *root)
{
    roster_t *charter = mem_alloc(sizeof *charter);
    charter->version = 1;
    charter->name = mem_copy_string("Example coalition");
    charter->threshold = 2;
    charter->min_protocol = 1;
    charter->time_ms = start_ms;
    charter->member_count = HOUSE_MEMBERS;
    charter->members = mem_alloc_array(HOUSE_MEMBERS, sizeof *charter->members);
    for (size_t i = 0; i < HOUSE_MEMBERS; i++) {
        const card_t *card = house->feeds[i].card;
        charter->members[i] = (member_t){
            .code = card->code, .origin = card->origin, .root_key = card->root_key, .min_card = 1};
    }
    charter->has_creator = true;
    charter->creator = house->feeds[0].card->origin;
    roster_seal(charter);
    roster_signature_t signature = {.origin = charter->creator};
    signature.signature = crypto_sign_hash(root, SIGN_CHARTER, NULL, &charter->hash);
    roster_add_signature(charter, &signature);
    return charter;
}

static void expect_ok(err_t err, const fault_t *fault, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "%s: %s at %s: %s\n", what, err_name(err), fault->where, fault->detail);
    abort();
}

void house_open(house_t *house)
{
    fault_t fault = {0};
    *house = (house_t){0};
    expect_ok(crypto_start(), &fault, "crypto");
    snprintf(house->dir, sizeof house->dir, "%s/enlace-house-XXXXXX", P_tmpdir);
    if (!mkdtemp(house->dir))
        abort();
    house->database = mem_format("%s/enlace.db", house->dir);
    secret_t *roots[HOUSE_MEMBERS];
    for (size_t i = 0; i < HOUSE_MEMBERS; i++)
        roots[i] = make_member(&house->feeds[i], i);
    house->roster = make_charter(house, roots[0]);
    expect_ok(store_open(house->database, NULL, &house->store, &fault), &fault, "open");
    expect_ok(store_add_roster(house->store, house->roster, &fault), &fault, "roster");
    for (size_t i = 0; i < HOUSE_MEMBERS; i++) {
        expect_ok(store_add_card(house->store, house->feeds[i].card, &fault), &fault, "card");
        secret_destroy(&roots[i]);
    }
    house_commit(house);
}

void house_close(house_t *house)
{
    store_close(&house->store);
    for (size_t i = 0; i < HOUSE_MEMBERS; i++) {
        secret_destroy(&house->feeds[i].signing);
        card_destroy(&house->feeds[i].card);
    }
    roster_destroy(&house->roster);
    char *command = mem_format("rm -rf '%s'", house->dir);
    if (system(command) != 0)
        fprintf(stderr, "%s could not be removed\n", house->dir);
    mem_free(command);
    mem_free(house->database);
}

author_t house_author(const house_t *house)
{
    return (author_t){.store = house->store,
                      .roster = house->roster,
                      .self = house->feeds[HOUSE_CR].card->origin,
                      .own = "CR",
                      .lang = "es"};
}

void house_commit(house_t *house)
{
    fault_t fault = {0};
    expect_ok(store_commit(house->store, &fault), &fault, "commit");
}

uint64_t house_append(house_t *house, house_member_t who, const draft_t *drafts, size_t count)
{
    house_feed_t *feed = &house->feeds[who];
    fault_t fault = {0};
    uint8_t seed[32];
    uint64_t first = feed->head.number + 1;
    crypto_random(seed, sizeof seed);
    commit_t *commit = commit_author(&feed->head.feed, first, &feed->head.hash, ++feed->time_ms, 1,
                                     drafts, count, seed, feed->signing, &house->roster->hash);
    expect_ok(store_append(house->store, commit, feed->time_ms, &fault), &fault, "append");
    feed->head.number = commit->last;
    feed->head.hash = commit->hash;
    commit_destroy(&commit);
    return first;
}

static uint64_t write_one(house_t *house, house_member_t who, const draft_t *draft)
{
    uint64_t number = house_append(house, who, draft, 1);
    house_commit(house);
    return number;
}

static buf_t encode(const char *own, const char *json)
{
    char *text = mem_copy_string(json);
    json_reading_t reading = {.own = own, .lang = "es"};
    json_t *object = NULL;
    record_t *record = NULL;
    fault_t fault = {0};
    for (char *at = text; (at = strchr(at, '\''));)
        *at = '"';
    expect_ok(json_parse(text, strlen(text), &object, &fault), &fault, json);
    expect_ok(record_from_json(object, &reading, &record, &fault), &fault, json);
    buf_t encoded = record_encode(record);
    record_destroy(&record);
    json_decref(object);
    mem_free(text);
    return encoded;
}

static uint64_t put(house_t *house, house_member_t who, uint64_t record, const char *json)
{
    buf_t body = encode(codes[who], json);
    draft_t draft = {.type = CHANGE_RECORD,
                     .has_target = record > 0,
                     .target = {1, LANE_COALITION, record},
                     .min_reader = SCHEMA_VERSION,
                     .body = buf_span(&body)};
    if (!record)
        draft.target = (position_t){0};
    uint64_t number = write_one(house, who, &draft);
    buf_free(&body);
    return number;
}

uint64_t house_put(house_t *house, house_member_t who, const char *json)
{
    return put(house, who, 0, json);
}

uint64_t house_revise(house_t *house, house_member_t who, uint64_t record, const char *json)
{
    return put(house, who, record, json);
}

uint64_t house_retract(house_t *house, house_member_t who, uint64_t record)
{
    draft_t draft = {.type = CHANGE_RETRACT,
                     .has_target = true,
                     .target = {1, LANE_COALITION, record},
                     .min_reader = SCHEMA_VERSION};
    return write_one(house, who, &draft);
}

uint64_t house_revise_newer(house_t *house, house_member_t who, uint64_t record)
{
    draft_t draft = {.type = CHANGE_RECORD,
                     .has_target = true,
                     .target = {1, LANE_COALITION, record},
                     .min_reader = SCHEMA_VERSION + 1,
                     .body = span_text("\x0a\x03new")};
    return write_one(house, who, &draft);
}
