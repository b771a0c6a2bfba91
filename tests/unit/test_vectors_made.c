// Vectors of what is signed: cards, rosters and beacons written by the production
// code from their fields have to be the same bytes, with the same hash and
// signature, as those of tests/conformance/vectors/made.json.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/beacon.h"
#include "lib/card.h"
#include "lib/mem.h"
#include "lib/roster.h"
#include "tests/unit/vectors.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

// ---- fields ----

static bool has(const json_t *fields, const char *key)
{
    return json_object_get(fields, key) != NULL;
}

#define TAKE(fields, key, to) vector_fixed(fields, key, (to)->bytes, sizeof(to)->bytes)

static uint32_t number(const json_t *fields, const char *key)
{
    return (uint32_t)vector_number(fields, key);
}

static secret_t *secret(const json_t *vector, const char *key)
{
    uint8_t seed[32];
    pubkey_t public_key;
    vector_fixed(vector, key, seed, sizeof seed);
    return secret_sign_new(seed, &public_key);
}

static cut_t *cuts(const json_t *fields, size_t *count)
{
    const json_t *list = json_object_get(fields, "cuts");
    *count = json_array_size(list);
    cut_t *made = mem_alloc_array(*count, sizeof *made);
    for (size_t i = 0; i < *count; i++) {
        const json_t *cut = json_array_get(list, i);
        made[i].epoch = number(cut, "epoch");
        made[i].lane = number(cut, "lane");
        made[i].number = vector_number(cut, "number");
        TAKE(cut, "hash", &made[i].hash);
    }
    return made;
}

static char *compare(const json_t *vector, const hash_t *hash, span_t made)
{
    hash_t expected_hash;
    buf_t expected = vector_bytes(vector, "signed");
    TAKE(vector, "hash", &expected_hash);
    char *differs = vector_compare_bytes("signed", made, buf_span(&expected));
    if (!differs)
        differs = vector_compare_bytes("hash", span_of(hash->bytes, HASH_SIZE),
                                       span_of(expected_hash.bytes, HASH_SIZE));
    buf_free(&expected);
    return differs;
}

// ---- cards ----

static void take_endpoints(card_t *card, const json_t *list)
{
    card->endpoint_count = json_array_size(list);
    card->endpoints = mem_alloc_array(card->endpoint_count, sizeof *card->endpoints);
    for (size_t i = 0; i < card->endpoint_count; i++)
        card->endpoints[i] = mem_copy_string(json_string_value(json_array_get(list, i)));
}

static card_t *card_of(const json_t *fields)
{
    card_t *card = mem_alloc(sizeof *card);
    TAKE(fields, "origin", &card->origin);
    card->number = number(fields, "number");
    card->has_previous = has(fields, "previous");
    if (card->has_previous)
        TAKE(fields, "previous", &card->previous);
    TAKE(fields, "root_key", &card->root_key);
    TAKE(fields, "signing_key", &card->signing_key);
    TAKE(fields, "transport_key", &card->transport_key);
    TAKE(fields, "sealing_key", &card->sealing_key);
    card->epoch = number(fields, "epoch");
    card->cuts = cuts(fields, &card->cut_count);
    assert_true(code_parse(vector_text(fields, "code"), &card->code));
    card->name = mem_copy_string(vector_text(fields, "name"));
    if (has(fields, "country"))
        memcpy(card->country, vector_text(fields, "country"), 2);
    take_endpoints(card, json_object_get(fields, "endpoints"));
    card->protocol = number(fields, "protocol");
    card->schema = number(fields, "schema");
    return card;
}

static char *make_card(const json_t *vector)
{
    card_t *card = card_of(json_object_get(vector, "fields"));
    secret_t *root = secret(vector, "root");
    card_sign(card, root);
    buf_t made = card_encode(card);
    char *differs = compare(vector, &card->hash, buf_span(&made));
    buf_free(&made);
    card_destroy(&card);
    secret_destroy(&root);
    return differs;
}

// ---- rosters ----

static void take_members(roster_t *roster, const json_t *list)
{
    roster->member_count = json_array_size(list);
    roster->members = mem_alloc_array(roster->member_count, sizeof *roster->members);
    for (size_t i = 0; i < roster->member_count; i++) {
        const json_t *fields = json_array_get(list, i);
        const json_t *roles = json_object_get(fields, "roles");
        member_t *member = &roster->members[i];
        assert_true(code_parse(vector_text(fields, "code"), &member->code));
        TAKE(fields, "origin", &member->origin);
        TAKE(fields, "root_key", &member->root_key);
        member->min_card = number(fields, "min_card");
        member->role_count = json_array_size(roles);
        for (size_t k = 0; k < member->role_count; k++)
            member->roles[k] = (uint32_t)json_integer_value(json_array_get(roles, k));
    }
}

static void take_formers(roster_t *roster, const json_t *list)
{
    roster->former_count = json_array_size(list);
    roster->formers = mem_alloc_array(roster->former_count, sizeof *roster->formers);
    for (size_t i = 0; i < roster->former_count; i++) {
        const json_t *fields = json_array_get(list, i);
        former_t *former = &roster->formers[i];
        assert_true(code_parse(vector_text(fields, "code"), &former->code));
        TAKE(fields, "origin", &former->origin);
        TAKE(fields, "root_key", &former->root_key);
        former->cuts = cuts(fields, &former->cut_count);
    }
}

static roster_t *roster_of(const json_t *fields)
{
    roster_t *roster = mem_alloc(sizeof *roster);
    roster->version = number(fields, "version");
    roster->has_previous = has(fields, "previous");
    if (roster->has_previous)
        TAKE(fields, "previous", &roster->previous);
    roster->name = mem_copy_string(vector_text(fields, "name"));
    roster->threshold = number(fields, "threshold");
    take_members(roster, json_object_get(fields, "members"));
    take_formers(roster, json_object_get(fields, "formers"));
    roster->min_protocol = number(fields, "min_protocol");
    roster->time_ms = vector_number(fields, "time_ms");
    roster->has_creator = has(fields, "creator");
    if (roster->has_creator)
        TAKE(fields, "creator", &roster->creator);
    return roster;
}

static char *seal(const json_t *vector, roster_t *roster, roster_signature_t signature,
                  const char *key, sign_use_t use, const hash_t *coalition)
{
    secret_t *signing = secret(vector, key);
    roster_seal(roster);
    signature.signature = crypto_sign_hash(signing, use, coalition, &roster->hash);
    roster_add_signature(roster, &signature);
    buf_t made = roster_encode(roster);
    char *differs = compare(vector, &roster->hash, buf_span(&made));
    buf_free(&made);
    roster_destroy(&roster);
    secret_destroy(&signing);
    return differs;
}

static char *make_charter(const json_t *vector)
{
    roster_t *roster = roster_of(json_object_get(vector, "fields"));
    roster_signature_t by_creator = {.origin = roster->creator, .card_number = 0};
    return seal(vector, roster, by_creator, "root", SIGN_CHARTER, NULL);
}

static char *make_roster(const json_t *vector)
{
    roster_t *roster = roster_of(json_object_get(vector, "fields"));
    roster_signature_t vote = {.card_number = 1};
    hash_t coalition;
    TAKE(vector, "voter", &vote.origin);
    TAKE(vector, "coalition", &coalition);
    return seal(vector, roster, vote, "signing", SIGN_ROSTER, &coalition);
}

// ---- beacons ----

static head_t *heads(const json_t *list, size_t *count)
{
    *count = json_array_size(list);
    head_t *made = mem_alloc_array(*count, sizeof *made);
    for (size_t i = 0; i < *count; i++) {
        const json_t *fields = json_array_get(list, i);
        const json_t *feed = json_object_get(fields, "feed");
        TAKE(feed, "origin", &made[i].feed.origin);
        made[i].feed.epoch = number(feed, "epoch");
        made[i].feed.lane = number(feed, "lane");
        made[i].number = vector_number(fields, "number");
        TAKE(fields, "hash", &made[i].hash);
    }
    return made;
}

static char *make_beacon(const json_t *vector)
{
    const json_t *fields = json_object_get(vector, "fields");
    beacon_t *beacon = mem_alloc(sizeof *beacon);
    secret_t *signing = secret(vector, "signing");
    TAKE(fields, "coalition", &beacon->coalition);
    TAKE(fields, "origin", &beacon->origin);
    TAKE(fields, "anchor", &beacon->anchor);
    beacon->sequence = vector_number(fields, "sequence");
    beacon->card_number = number(fields, "card_number");
    beacon->own = heads(json_object_get(fields, "own"), &beacon->own_count);
    beacon->held = heads(json_object_get(fields, "held"), &beacon->held_count);
    beacon_sign(beacon, signing);
    char *differs = compare(vector, &beacon->hash, buf_span(&beacon->signed_form));
    beacon_destroy(&beacon);
    secret_destroy(&signing);
    return differs;
}

static const struct {
    const char *type;
    vector_fn make;
} writers[] = {
    {"card", make_card},
    {"charter", make_charter},
    {"roster", make_roster},
    {"beacon", make_beacon},
};

static char *check_made(const json_t *vector)
{
    const char *type = vector_text(vector, "type");
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++)
        if (strcmp(type, writers[i].type) == 0)
            return writers[i].make(vector);
    return mem_format("no such type: %s", type);
}

static void made(void **state)
{
    (void)state;
    vectors_run("made", check_made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made),
    };
    return cmocka_run_group_tests_name("vectors made", tests, start, NULL);
}
