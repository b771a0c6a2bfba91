#include "tests/unit/protocol_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"

const hash_t sample_coalition = {{0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
                                  0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0,
                                  0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0, 0xc0}};

secret_t *sample_secret(uint8_t n, pubkey_t *public_key)
{
    uint8_t seed[32];
    memset(seed, n, sizeof seed);
    return secret_sign_new(seed, public_key);
}

feed_t sample_feed(void)
{
    feed_t feed = {.epoch = 2, .lane = 1};
    for (uint8_t i = 0; i < ORIGIN_SIZE; i++)
        feed.origin.bytes[i] = i;
    return feed;
}

commit_t *sample_commit(uint64_t first, const hash_t *previous, size_t count, size_t size)
{
    static const uint8_t seed[32] = {7};
    static const hash_t start = {{0x50}};
    draft_t drafts[COMMIT_CHANGES_MAX] = {{0}};
    pubkey_t key;
    feed_t feed = sample_feed();
    uint8_t *body = mem_alloc(size);
    memset(body, 'b', size);
    for (size_t i = 0; i < count; i++)
        drafts[i] = (draft_t){.type = CHANGE_RECORD, .min_reader = 1, .body = {body, size}};
    secret_t *signing = sample_secret(1, &key);
    commit_t *commit = commit_author(&feed, first, previous ? previous : &start, 1000 + first, 3,
                                     drafts, count, seed, signing, &sample_coalition);
    secret_destroy(&signing);
    mem_free(body);
    return commit;
}

static void sign_card(card_t *card, uint8_t n)
{
    pubkey_t key;
    secret_t *root = sample_secret(n, &key);
    card_sign(card, root);
    secret_destroy(&root);
}

card_t *sample_card(const char *code, uint8_t n)
{
    card_t *card = mem_alloc(sizeof *card);
    secret_t *root = sample_secret(n, &card->root_key);
    secret_t *signing = sample_secret((uint8_t)(100 + n), &card->signing_key);
    card->origin = crypto_origin(&card->root_key);
    card->number = 1;
    card->epoch = 1;
    memset(card->transport_key.bytes, n, KEY_SIZE);
    memset(card->sealing_key.bytes, n + 1, KEY_SIZE);
    assert_true(code_parse(code, &card->code));
    card->name = mem_format("Member %s", code);
    memcpy(card->country, "CR", 2);
    card->endpoint_count = 1;
    card->endpoints = mem_alloc(sizeof *card->endpoints);
    card->endpoints[0] = mem_copy_string("tcp://192.0.2.1:7000");
    card->protocol = PROTOCOL_VERSION;
    card->schema = SCHEMA_VERSION;
    sign_card(card, n);
    secret_destroy(&root);
    secret_destroy(&signing);
    return card;
}

card_t *sample_card_after(const card_t *before, uint8_t n)
{
    card_t *card = card_copy(before);
    card->number++;
    card->has_previous = true;
    card->previous = before->hash;
    sign_card(card, n);
    return card;
}

roster_t *sample_charter(size_t members, uint32_t threshold)
{
    roster_t *roster = mem_alloc(sizeof *roster);
    roster->version = 1;
    roster->name = mem_copy_string("Coalición");
    roster->threshold = threshold;
    roster->members = mem_alloc_array(members, sizeof *roster->members);
    roster->member_count = members;
    for (size_t i = 0; i < members; i++) {
        member_t *member = &roster->members[i];
        char letter = (char)('A' + i);
        secret_t *root = sample_secret((uint8_t)(i + 1), &member->root_key);
        assert_true(code_parse((char[]){letter, letter, '\0'}, &member->code));
        member->origin = crypto_origin(&member->root_key);
        member->min_card = 1;
        secret_destroy(&root);
    }
    roster->min_protocol = 1;
    roster->time_ms = 1700000000000;
    roster->has_creator = true;
    roster->creator = roster->members[0].origin;
    roster_seal(roster);
    pubkey_t key;
    secret_t *creator = sample_secret(1, &key);
    roster_signature_t signature = {.origin = roster->creator};
    signature.signature = crypto_sign_hash(creator, SIGN_CHARTER, NULL, &roster->hash);
    roster_add_signature(roster, &signature);
    secret_destroy(&creator);
    return roster;
}

roster_t *sample_roster_after(const roster_t *before)
{
    roster_t *roster = roster_copy(before);
    mem_free(roster->signatures);
    roster->signatures = NULL;
    roster->signature_count = 0;
    roster->version++;
    roster->has_previous = true;
    roster->previous = before->hash;
    roster->has_creator = false;
    roster_seal(roster);
    return roster;
}

void sample_vote(roster_t *roster, uint8_t n, const hash_t *coalition)
{
    pubkey_t root_key;
    pubkey_t key;
    secret_t *root = sample_secret(n, &root_key);
    secret_t *signing = sample_secret((uint8_t)(100 + n), &key);
    roster_signature_t signature = {.origin = crypto_origin(&root_key), .card_number = 1};
    signature.signature = crypto_sign_hash(signing, SIGN_ROSTER, coalition, &roster->hash);
    roster_add_signature(roster, &signature);
    secret_destroy(&root);
    secret_destroy(&signing);
}
