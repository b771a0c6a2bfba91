// The expected bytes of a card were put together, hashed and signed by a python
// script after membership.proto (hashlib.blake2b, RFC 8032 transcribed).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/membership.pb-c.h"
#include "lib/bounded.h"
#include "lib/card.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"
#include "tests/unit/thin.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void a_card_is_these_bytes(void **state)
{
    (void)state;
    card_t *card = sample_card("CR", 1);
    expect_hex(
        "0a10e6808f33fbec87975122804ac9ceda8e100122208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d9412"
        "1bf3748801b40f6f5c2a20d62f016a1efd1e4fdf793eb42cd84471e1ba9f0cf04d1287b5cc71f616287cb83220"
        "01010101010101010101010101010101010101010101010101010101010101013a200202020202020202020202"
        "0202020202020202020202020202020202020202024001520243525a094d656d626572204352620243526a1474"
        "63703a2f2f3139322e302e322e313a3730303070017801",
        card->body.data, card->body.size);
    expect_hex("7490e0ab09a8a486a1626724ff06d067c372a5ac3b2f1e93a11274d61e894075", card->hash.bytes,
               32);
    expect_hex(
        "7d99aba068cb8c2b18c500f2d1ab9c4c2bd51ddcbf9f69363b83ec224b4a754506e67e6361e14c437dd3"
        "e08c004635ac3e78e7417e0bd962687553a75955c008",
        card->signature.bytes, 64);
    card_destroy(&card);
    assert_null(card);
    card_destroy(&card);
}

// Card 2, with everything that a card can have.
static card_t *full_card(void)
{
    card_t *first = sample_card("CO-BOG", 4);
    card_t *card = card_copy(first);
    card->number = 2;
    card->has_previous = true;
    card->previous = first->hash;
    card->epoch = 2;
    card->cut_count = 3;
    mem_free(card->cuts);
    card->cuts = mem_alloc_array(3, sizeof *card->cuts);
    card->cuts[0] = (cut_t){1, 2, 9, {{9}}}; // not in order: signing puts them there
    card->cuts[1] = (cut_t){1, 0, 3, {{3}}};
    card->cuts[2] = (cut_t){1, 1, 0, {{1}}};
    mem_free(card->endpoints[0]);
    mem_free(card->endpoints);
    card->endpoint_count = 2;
    card->endpoints = mem_alloc_array(2, sizeof *card->endpoints);
    card->endpoints[0] = mem_copy_string("tcp://[2001:db8::1]:7000");
    card->endpoints[1] = mem_copy_string("tcp://nodo.example.org:443");
    pubkey_t key;
    secret_t *root = sample_secret(4, &key);
    card_sign(card, root);
    secret_destroy(&root);
    card_destroy(&first);
    return card;
}

static void expect_same(const card_t *a, const card_t *b)
{
    assert_true(origin_equal(&a->origin, &b->origin));
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->has_previous, b->has_previous);
    assert_true(hash_equal(&a->previous, &b->previous));
    assert_true(key_equal(&a->root_key, &b->root_key));
    assert_true(key_equal(&a->signing_key, &b->signing_key));
    assert_true(key_equal(&a->transport_key, &b->transport_key));
    assert_true(key_equal(&a->sealing_key, &b->sealing_key));
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->cut_count, b->cut_count);
    for (size_t i = 0; i < a->cut_count; i++) {
        assert_int_equal(a->cuts[i].epoch, b->cuts[i].epoch);
        assert_int_equal(a->cuts[i].lane, b->cuts[i].lane);
        assert_int_equal(a->cuts[i].number, b->cuts[i].number);
        assert_true(hash_equal(&a->cuts[i].hash, &b->cuts[i].hash));
    }
    assert_string_equal(a->code.text, b->code.text);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->country, b->country);
    assert_int_equal(a->endpoint_count, b->endpoint_count);
    for (size_t i = 0; i < a->endpoint_count; i++)
        assert_string_equal(a->endpoints[i], b->endpoints[i]);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->schema, b->schema);
    assert_true(hash_equal(&a->hash, &b->hash));
    assert_true(span_equal(buf_span(&a->body), buf_span(&b->body)));
    assert_memory_equal(a->signature.bytes, b->signature.bytes, SIGNATURE_SIZE);
}

static void a_card_comes_back(void **state)
{
    (void)state;
    card_t *cards[] = {sample_card("CR", 1), full_card(), sample_card("GT", 2)};
    for (size_t i = 0; i < 3; i++) {
        if (i == 2) { // without what may be absent
            pubkey_t key;
            secret_t *root = sample_secret(2, &key);
            mem_free(cards[i]->endpoints[0]);
            cards[i]->endpoint_count = 0;
            cards[i]->country[0] = '\0';
            card_sign(cards[i], root);
            secret_destroy(&root);
        }
        card_t *back = NULL;
        buf_t bytes = card_encode(cards[i]);
        assert_int_equal(card_decode(buf_span(&bytes), &back, NULL), ERR_OK);
        expect_same(back, cards[i]);
        card_t *copy = card_copy(back);
        card_destroy(&back);
        expect_same(copy, cards[i]);
        card_destroy(&copy);
        buf_free(&bytes);
        card_destroy(&cards[i]);
    }
}

static void cuts_are_put_in_order(void **state)
{
    (void)state;
    card_t *card = full_card();
    for (uint32_t lane = 0; lane < 3; lane++)
        assert_int_equal(card->cuts[lane].lane, lane);
    card_destroy(&card);
}

// ---- what is refused ----

typedef struct {
    Enlace__V1__Card card;
    Enlace__V1__Cut cuts[CARD_CUTS_MAX + 1];
    Enlace__V1__Cut *cut_list[CARD_CUTS_MAX + 1];
    char *endpoints[CARD_ENDPOINTS_MAX + 1];
    char code[32], name[256], country[8], endpoint[300];
    uint8_t origin[17], previous[33], root[33], key[33], hash[33];
    secret_t *secret;
} card_draft_t;

static void put_strings(card_draft_t *draft)
{
    strcpy(draft->code, "CR");
    strcpy(draft->name, "Nodo");
    strcpy(draft->country, "CR");
    strcpy(draft->endpoint, "tcp://192.0.2.1:7000");
    draft->card.code = draft->code;
    draft->card.name = draft->name;
    draft->card.country = draft->country;
    draft->card.n_endpoints = 1;
    draft->card.endpoints = draft->endpoints;
    for (size_t i = 0; i <= CARD_ENDPOINTS_MAX; i++)
        draft->endpoints[i] = draft->endpoint;
}

static void put_cuts(card_draft_t *draft)
{
    draft->card.cuts = draft->cut_list;
    for (uint32_t i = 0; i <= CARD_CUTS_MAX; i++) {
        Enlace__V1__Cut *cut = draft->cut_list[i] = &draft->cuts[i];
        enlace__v1__cut__init(cut);
        cut->has_epoch = cut->has_lane = cut->has_number = cut->has_hash = true;
        cut->epoch = 1;
        cut->lane = i;
        cut->hash = (ProtobufCBinaryData){HASH_SIZE, draft->hash};
    }
}

static card_draft_t *card_new(void)
{
    card_draft_t *draft = mem_alloc(sizeof *draft);
    Enlace__V1__Card *card = &draft->card;
    pubkey_t root;
    enlace__v1__card__init(card);
    draft->secret = sample_secret(1, &root);
    origin_t origin = crypto_origin(&root);
    memcpy(draft->origin, origin.bytes, ORIGIN_SIZE);
    memcpy(draft->root, root.bytes, KEY_SIZE);
    card->has_origin = card->has_number = card->has_root_key = card->has_signing_key = true;
    card->has_transport_key = card->has_sealing_key = card->has_epoch = true;
    card->has_protocol = card->has_schema = true;
    card->origin = (ProtobufCBinaryData){ORIGIN_SIZE, draft->origin};
    card->number = card->epoch = card->protocol = card->schema = 1;
    card->previous = (ProtobufCBinaryData){HASH_SIZE, draft->previous};
    card->root_key = (ProtobufCBinaryData){KEY_SIZE, draft->root};
    card->signing_key = (ProtobufCBinaryData){KEY_SIZE, draft->key};
    card->transport_key = card->sealing_key = card->signing_key;
    put_strings(draft);
    put_cuts(draft);
    return draft;
}

static buf_t sign_body(span_t body, const secret_t *secret)
{
    hash_t hash = crypto_hash_of(HASH_CARD, body);
    signature_t signature = crypto_sign_hash(secret, SIGN_CARD, NULL, &hash);
    Enlace__V1__SignedCard outer = ENLACE__V1__SIGNED_CARD__INIT;
    buf_t copy = buf_copy(body);
    outer.has_body = outer.has_signature = true;
    outer.body = (ProtobufCBinaryData){copy.size, copy.data};
    outer.signature = (ProtobufCBinaryData){SIGNATURE_SIZE, signature.bytes};
    buf_t bytes = bounded_pack(&outer.base);
    buf_free(&copy);
    return bytes;
}

static void expect_card(card_draft_t *draft, err_t expected, const char *where)
{
    card_t *card = NULL;
    fault_t fault = {ERR_OK, "", ""};
    buf_t body = bounded_pack(&draft->card.base);
    buf_t bytes = sign_body(buf_span(&body), draft->secret);
    err_t err = card_decode(buf_span(&bytes), &card, &fault);
    if (err != expected || strcmp(fault.where, where) != 0)
        fail_msg("%s at \"%s\", expected %s at \"%s\"", err_name(err), fault.where,
                 err_name(expected), where);
    assert_int_equal(card != NULL, expected == ERR_OK);
    card_destroy(&card);
    buf_free(&body);
    buf_free(&bytes);
    secret_destroy(&draft->secret);
    mem_free(draft);
}

#define CARD_CASE(change, expected, where)                                                         \
    do {                                                                                           \
        card_draft_t *d = card_new();                                                              \
        change;                                                                                    \
        expect_card(d, expected, where);                                                           \
    } while (0)

static void a_card_is_whole(void **state)
{
    (void)state;
    CARD_CASE((void)d, ERR_OK, "");
    CARD_CASE(d->card.has_origin = false, ERR_MISSING_FIELD, "origin");
    CARD_CASE(d->card.has_number = false, ERR_MISSING_FIELD, "number");
    CARD_CASE(d->card.has_root_key = false, ERR_MISSING_FIELD, "root_key");
    CARD_CASE(d->card.has_signing_key = false, ERR_MISSING_FIELD, "signing_key");
    CARD_CASE(d->card.has_transport_key = false, ERR_MISSING_FIELD, "transport_key");
    CARD_CASE(d->card.has_sealing_key = false, ERR_MISSING_FIELD, "sealing_key");
    CARD_CASE(d->card.has_epoch = false, ERR_MISSING_FIELD, "epoch");
    CARD_CASE(d->card.code = NULL, ERR_MISSING_FIELD, "code");
    CARD_CASE(d->card.name = NULL, ERR_MISSING_FIELD, "name");
    CARD_CASE(d->card.country = NULL, ERR_OK, "");
    CARD_CASE(d->card.n_endpoints = 0, ERR_OK, "");
    CARD_CASE(d->card.has_protocol = false, ERR_MISSING_FIELD, "protocol");
    CARD_CASE(d->card.has_schema = false, ERR_MISSING_FIELD, "schema");
}

static void a_card_keeps_lengths_and_ranges(void **state)
{
    (void)state;
    CARD_CASE(d->card.origin.len = 15, ERR_BAD_LENGTH, "origin");
    CARD_CASE(d->card.root_key.len = 31, ERR_BAD_LENGTH, "root_key");
    CARD_CASE(d->card.signing_key.len = 33, ERR_BAD_LENGTH, "signing_key");
    CARD_CASE(d->card.transport_key.len = 0, ERR_BAD_LENGTH, "transport_key");
    CARD_CASE(d->card.sealing_key.len = 31, ERR_BAD_LENGTH, "sealing_key");
    CARD_CASE(d->card.number = 0, ERR_BAD_VALUE, "number");
    CARD_CASE(d->card.epoch = 0, ERR_BAD_VALUE, "epoch");
    CARD_CASE(d->card.epoch = EPOCH_MAX + 1, ERR_BAD_VALUE, "epoch");
    CARD_CASE(d->card.protocol = 0, ERR_BAD_VALUE, "protocol");
    CARD_CASE(d->card.schema = 0, ERR_BAD_VALUE, "schema");
    CARD_CASE(d->card.protocol = 99, ERR_OK, "");
}

static void a_card_keeps_its_texts(void **state)
{
    (void)state;
    CARD_CASE(strcpy(d->code, "cr"), ERR_BAD_NODE_CODE, "code");
    CARD_CASE(strcpy(d->code, ""), ERR_BAD_NODE_CODE, "code");
    CARD_CASE(strcpy(d->code, "ABCDEFGHIJKLMNOPQ"), ERR_BAD_NODE_CODE, "code");
    CARD_CASE(strcpy(d->name, ""), ERR_BAD_VALUE, "name");
    CARD_CASE(strcpy(d->name, "a\x1b[2Jb"), ERR_BAD_VALUE, "name");
    CARD_CASE(strcpy(d->name, "a\xff"), ERR_BAD_UTF8, "name");
    CARD_CASE(strcpy(d->name, "Ñandú"), ERR_OK, "");
    CARD_CASE(memset(d->name, 'n', NAME_MAX_BYTES), ERR_OK, "");
    CARD_CASE(memset(d->name, 'n', NAME_MAX_BYTES + 1), ERR_BAD_VALUE, "name");
    CARD_CASE(strcpy(d->country, "cr"), ERR_BAD_COUNTRY, "country");
    CARD_CASE(strcpy(d->country, "C"), ERR_BAD_COUNTRY, "country");
    CARD_CASE(strcpy(d->country, ""), ERR_BAD_COUNTRY, "country");
    CARD_CASE(strcpy(d->country, "CRI"), ERR_BAD_COUNTRY, "country");
    CARD_CASE(d->card.n_endpoints = CARD_ENDPOINTS_MAX, ERR_OK, "");
    CARD_CASE(d->card.n_endpoints = CARD_ENDPOINTS_MAX + 1, ERR_TOO_MANY, "endpoints");
    CARD_CASE(strcpy(d->endpoint, "ipc://x"), ERR_BAD_VALUE, "endpoints.1");
    CARD_CASE((d->card.n_endpoints = 2, d->endpoints[1] = d->name), ERR_BAD_VALUE, "endpoints.2");
}

static void second(card_draft_t *draft, size_t cuts)
{
    draft->card.number = 2;
    draft->card.has_previous = true;
    draft->card.n_cuts = cuts;
}

static void a_card_keeps_its_cuts(void **state)
{
    (void)state;
    CARD_CASE(second(d, 0), ERR_OK, "");
    CARD_CASE(second(d, CARD_CUTS_MAX), ERR_OK, "");
    CARD_CASE(second(d, CARD_CUTS_MAX + 1), ERR_TOO_MANY, "cuts");
    CARD_CASE((second(d, 2), d->cuts[1].has_epoch = false), ERR_MISSING_FIELD, "cuts.2.epoch");
    CARD_CASE((second(d, 2), d->cuts[1].has_lane = false), ERR_MISSING_FIELD, "cuts.2.lane");
    CARD_CASE((second(d, 2), d->cuts[1].has_number = false), ERR_MISSING_FIELD, "cuts.2.number");
    CARD_CASE((second(d, 2), d->cuts[1].has_hash = false), ERR_MISSING_FIELD, "cuts.2.hash");
    CARD_CASE((second(d, 2), d->cuts[1].hash.len = 31), ERR_BAD_LENGTH, "cuts.2.hash");
    CARD_CASE((second(d, 2), d->cuts[1].epoch = 0), ERR_BAD_VALUE, "cuts.2.epoch");
    CARD_CASE((second(d, 2), d->cuts[1].lane = LANE_MAX + 1), ERR_BAD_VALUE, "cuts.2.lane");
    CARD_CASE((second(d, 2), d->cuts[1].number = NUMBER_MAX + 1), ERR_BAD_VALUE, "cuts.2.number");
    CARD_CASE((second(d, 2), d->cuts[0].lane = 2), ERR_NOT_CANONICAL, "cuts.2"); // out of order
    CARD_CASE((second(d, 2), d->cuts[0].lane = 1), ERR_NOT_CANONICAL, "cuts.2"); // twice
    CARD_CASE((second(d, 2), d->cuts[0].lane = 1, d->cuts[0].number = 5), ERR_NOT_CANONICAL,
              "cuts.2");
}

static void a_card_does_not_contradict_itself(void **state)
{
    (void)state;
    CARD_CASE(d->card.has_previous = true, ERR_BAD_CARD, "previous");
    CARD_CASE(d->card.number = 2, ERR_BAD_CARD, "previous");
    CARD_CASE((second(d, 0), d->card.previous.len = 31), ERR_BAD_LENGTH, "previous");
    CARD_CASE(d->origin[3] ^= 1, ERR_BAD_CARD, "origin");
    // The origin is the hash of the first root key; a later one may be another.
    CARD_CASE((second(d, 0), d->origin[3] ^= 1), ERR_OK, "");
    CARD_CASE(d->card.n_cuts = 1, ERR_BAD_CARD, "cuts");
    CARD_CASE((second(d, 0), d->root[3] ^= 1), ERR_BAD_SIGNATURE, "signature");
}

static void a_card_has_one_form(void **state)
{
    (void)state;
    ProtobufCMessageUnknownField extra = {40, PROTOBUF_C_WIRE_TYPE_VARINT, 1, (uint8_t[]){5}};
    CARD_CASE((d->card.base.n_unknown_fields = 1, d->card.base.unknown_fields = &extra),
              ERR_UNKNOWN_FIELD, "#40");
    card_draft_t *draft = card_new();
    buf_t body = bounded_pack(&draft->card.base);
    // schema (78 01) is last: put it first.
    memmove(body.data + 2, body.data, body.size - 2);
    body.data[0] = 0x78;
    body.data[1] = 0x01;
    buf_t bytes = sign_body(buf_span(&body), draft->secret);
    card_t *card = NULL;
    assert_int_equal(card_decode(buf_span(&bytes), &card, NULL), ERR_NOT_CANONICAL);
    assert_null(card);
    buf_free(&body);
    buf_free(&bytes);
    secret_destroy(&draft->secret);
    mem_free(draft);
}

static void what_is_around_a_card(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "0a 00", "12 00", "0a 02 08 01", "0a 00 12 00 18 01"};
    card_t *card = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_t bytes = from_hex(cases[i]);
        assert_int_not_equal(card_decode(buf_span(&bytes), &card, NULL), ERR_OK);
        assert_null(card);
        buf_free(&bytes);
    }
    buf_t big = {0};
    memset(buf_extend(&big, CARD_BYTES_MAX + 1), 0, CARD_BYTES_MAX + 1);
    assert_int_equal(card_decode(buf_span(&big), &card, NULL), ERR_TOO_BIG);
    buf_free(&big);
}

// ---- succession ----

static void cards_follow(void **state)
{
    (void)state;
    card_t *first = sample_card("CR", 1);
    card_t *next = sample_card_after(first, 1);
    card_t *third = sample_card_after(next, 1);
    assert_int_equal(card_follows(NULL, first), ERR_OK);
    assert_int_equal(card_follows(first, next), ERR_OK);
    assert_int_equal(card_follows(next, third), ERR_OK);
    assert_int_equal(card_follows(NULL, next), ERR_BAD_CARD);
    assert_int_equal(card_follows(first, third), ERR_BAD_CARD);
    assert_int_equal(card_follows(first, first), ERR_BAD_CARD);
    assert_int_equal(card_follows(next, first), ERR_BAD_CARD);
    card_destroy(&first);
    card_destroy(&next);
    card_destroy(&third);
}

static void what_does_not_follow(void **state)
{
    (void)state;
    card_t *first = sample_card("CR", 1);
    card_t *next = sample_card_after(first, 1);
    first->epoch = next->epoch = 3;
#define FOLLOW_CASE(change, expected)                                                              \
    do {                                                                                           \
        card_t *n = card_copy(next);                                                               \
        change;                                                                                    \
        assert_int_equal(card_follows(first, n), expected);                                        \
        card_destroy(&n);                                                                          \
    } while (0)
    FOLLOW_CASE((void)n, ERR_OK);
    FOLLOW_CASE(n->epoch = 2, ERR_BAD_CARD);
    FOLLOW_CASE(n->epoch = 4, ERR_OK);
    FOLLOW_CASE(n->previous.bytes[31] ^= 1, ERR_BAD_CARD);
    FOLLOW_CASE(n->has_previous = false, ERR_BAD_CARD);
    FOLLOW_CASE(n->origin.bytes[0] ^= 1, ERR_BAD_CARD);
    FOLLOW_CASE(n->code.text[0] = 'X', ERR_BAD_CARD);
    FOLLOW_CASE(n->number = 3, ERR_BAD_CARD);
    FOLLOW_CASE(n->endpoints[0][0] = 'T', ERR_BAD_CARD);
    first->number = UINT32_MAX;
    FOLLOW_CASE(n->number = 0, ERR_BAD_CARD);
    card_destroy(&first);
    card_destroy(&next);
}

// ---- anything at all ----

static void refuse_card(void *context, span_t bytes, size_t place)
{
    card_t *card = NULL;
    (void)context;
    (void)place;
    assert_int_not_equal(card_decode(bytes, &card, NULL), ERR_OK);
    assert_null(card);
}

// A spoilt outer form may still hold the very same signed body.
static void try_card(void *context, span_t bytes, size_t place)
{
    const card_t *good = context;
    card_t *card = NULL;
    (void)place;
    if (card_decode(bytes, &card, NULL))
        return;
    expect_same(card, good);
    card_destroy(&card);
}

static void altered_cards(void **state)
{
    (void)state;
    card_t *cards[] = {sample_card("CR", 1), full_card()};
    for (size_t i = 0; i < 2; i++) {
        buf_t bytes = card_encode(cards[i]);
        hostile_each_bit(buf_span(&bytes), refuse_card, NULL);
        hostile_each_prefix(buf_span(&bytes), refuse_card, NULL);
        hostile_rounds(buf_span(&bytes), 3, 2000, try_card, cards[i]);
        // The body again, as if whoever spoilt it could sign.
        pubkey_t key;
        secret_t *root = sample_secret(i ? 4 : 1, &key);
        for (size_t at = 0; at < cards[i]->body.size; at += thin(7)) {
            buf_t body = buf_copy(buf_span(&cards[i]->body));
            body.data[at] ^= 0x41;
            buf_t spoilt = sign_body(buf_span(&body), root);
            card_t *card = NULL;
            if (!card_decode(buf_span(&spoilt), &card, NULL))
                assert_true(span_equal(buf_span(&card->body), buf_span(&body)));
            card_destroy(&card);
            buf_free(&spoilt);
            buf_free(&body);
        }
        secret_destroy(&root);
        buf_free(&bytes);
        card_destroy(&cards[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_these_bytes),
        cmocka_unit_test(a_card_comes_back),
        cmocka_unit_test(cuts_are_put_in_order),
        cmocka_unit_test(a_card_is_whole),
        cmocka_unit_test(a_card_keeps_lengths_and_ranges),
        cmocka_unit_test(a_card_keeps_its_texts),
        cmocka_unit_test(a_card_keeps_its_cuts),
        cmocka_unit_test(a_card_does_not_contradict_itself),
        cmocka_unit_test(a_card_has_one_form),
        cmocka_unit_test(what_is_around_a_card),
        cmocka_unit_test(cards_follow),
        cmocka_unit_test(what_does_not_follow),
        cmocka_unit_test(altered_cards),
    };
    return cmocka_run_group_tests_name("card", tests, start, NULL);
}
