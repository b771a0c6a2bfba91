#include "bench/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load.h"
#include "daemon/store/store.h"
#include "lib/armour.h"
#include "lib/home.h"
#include "lib/mem.h"

#define THEN_MS UINT64_C(1700000000000) // when they spoke

struct crowd {
    size_t count;
    card_t **cards;
};

static void expect(err_t err, const char *what, const fault_t *fault)
{
    if (!err)
        return;
    fprintf(stderr, "%s: %s (%s: %s)\n", what, err_text(err), fault->where, fault->detail);
    exit(1);
}

// ---- keys and cards ----

typedef enum { ROOT = 1, SIGNING, TRANSPORT, SEALING } use_t;

static secret_t *secret_of(size_t number, use_t use, pubkey_t *key)
{
    uint8_t seed[32] = {(uint8_t)use};
    memcpy(seed + 1, &number, sizeof number);
    return secret_sign_new(seed, key);
}

static pubkey_t key_of(size_t number, use_t use)
{
    pubkey_t key;
    secret_t *secret = secret_of(number, use, &key);
    secret_destroy(&secret);
    return key;
}

static card_t *make_card(size_t number)
{
    card_t *card = mem_alloc(sizeof *card);
    secret_t *root = secret_of(number, ROOT, &card->root_key);
    card->signing_key = key_of(number, SIGNING);
    card->transport_key = key_of(number, TRANSPORT); // nobody connects with it
    card->sealing_key = key_of(number, SEALING);
    card->origin = crypto_origin(&card->root_key);
    card->number = card->epoch = 1;
    card->name = mem_format("Member %zu", number);
    snprintf(card->code.text, sizeof card->code.text, "K%05u", (unsigned)number);
    card->protocol = PROTOCOL_VERSION;
    card->schema = SCHEMA_VERSION;
    card_sign(card, root);
    secret_destroy(&root);
    return card;
}

static void lay_down(const fleet_t *fleet, const card_t *card)
{
    fault_t fault = {0};
    buf_t bytes = card_encode(card);
    char *line = armour_format("card", buf_span(&bytes));
    char *path = mem_format("%s/%s.card", fleet_dir(fleet), card->code.text);
    expect(file_write(path, span_of(line, strlen(line)), 0600, &fault), path, &fault);
    mem_free(path);
    mem_free(line);
    buf_free(&bytes);
}

crowd_t *crowd_new(fleet_t *fleet, size_t count)
{
    crowd_t *crowd = mem_alloc(sizeof *crowd);
    crowd->count = count;
    crowd->cards = mem_alloc_array(count, sizeof(card_t *));
    for (size_t i = 0; i < count; i++) {
        crowd->cards[i] = make_card(i + 1);
        lay_down(fleet, crowd->cards[i]);
    }
    return crowd;
}

void crowd_destroy(crowd_t **crowd)
{
    for (size_t i = 0; i < (*crowd)->count; i++)
        card_destroy(&(*crowd)->cards[i]);
    mem_free((*crowd)->cards);
    mem_free(*crowd);
    *crowd = NULL;
}

// ---- what they have said ----

static commit_t *first_word(const card_t *card, size_t number, const hash_t *coalition)
{
    uint8_t seed[32] = {0};
    pubkey_t key;
    buf_t body = load_body(card->code.text, number);
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = buf_span(&body)};
    feed_t feed = {.origin = card->origin, .epoch = 1, .lane = LANE_COALITION};
    secret_t *signing = secret_of(number, SIGNING, &key);
    memcpy(seed, &number, sizeof number);
    commit_t *commit =
        commit_author(&feed, 1, &card->hash, THEN_MS, 1, &draft, 1, seed, signing, coalition);
    secret_destroy(&signing);
    buf_free(&body);
    return commit;
}

void crowd_speak(crowd_t *crowd, const char *node_dir)
{
    store_t *store = NULL;
    charter_t *charter = NULL;
    fault_t fault = {0};
    char *path = home_path(node_dir, "enlace.db");
    expect(home_charter(node_dir, &charter, &fault), node_dir, &fault);
    expect(store_open(path, NULL, &store, &fault), path, &fault);
    for (size_t i = 0; i < crowd->count; i++) {
        commit_t *commit = first_word(crowd->cards[i], i + 1, &charter->roster->hash);
        expect(store_append(store, commit, THEN_MS, &fault), path, &fault);
        commit_destroy(&commit);
    }
    expect(store_commit(store, &fault), path, &fault);
    store_close(&store);
    charter_destroy(&charter);
    mem_free(path);
}
