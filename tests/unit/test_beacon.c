// The expected bytes were put together, hashed and signed by a python script
// after link.proto (hashlib.blake2b, RFC 8032 transcribed).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/beacon.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

static void sign(beacon_t *beacon)
{
    pubkey_t key;
    secret_t *signing = sample_secret(1, &key);
    beacon_sign(beacon, signing);
    secret_destroy(&signing);
}

static bool holds(const beacon_t *beacon, uint8_t n, const hash_t *coalition)
{
    pubkey_t key;
    secret_t *signing = sample_secret(n, &key);
    bool result = beacon_signature_holds(beacon, &key, coalition);
    secret_destroy(&signing);
    return result;
}

static beacon_t *beacon_new(size_t own, size_t held)
{
    beacon_t *beacon = mem_alloc(sizeof *beacon);
    beacon->coalition = sample_coalition;
    beacon->origin = sample_feed().origin;
    beacon->sequence = 1700000000000;
    beacon->card_number = 2;
    beacon->own = mem_alloc_array(own, sizeof *beacon->own);
    beacon->own_count = own;
    beacon->held = mem_alloc_array(held, sizeof *beacon->held);
    beacon->held_count = held;
    for (size_t i = 0; i < own; i++) {
        beacon->own[i].feed = (feed_t){beacon->origin, 1, (uint32_t)i};
        beacon->own[i].number = i + 1;
        memset(beacon->own[i].hash.bytes, 0x11, HASH_SIZE);
    }
    for (size_t i = 0; i < held; i++) {
        memset(beacon->held[i].feed.origin.bytes, 0x22, ORIGIN_SIZE);
        beacon->held[i].feed.epoch = 3;
        beacon->held[i].feed.lane = 1;
        beacon->held[i].number = 500 + i;
        memset(beacon->held[i].hash.bytes, 0x33, HASH_SIZE);
    }
    return beacon;
}

// The beginning of the chain that the script has walked: 70, 71 .. 7f.
static preimage_t top(void)
{
    preimage_t preimage;
    for (uint8_t i = 0; i < PREIMAGE_SIZE; i++)
        preimage.bytes[i] = 0x70 + i;
    return preimage;
}

static beacon_t *anchored(void)
{
    beacon_t *beacon = beacon_new(1, 1);
    preimage_t first = top();
    beacon->anchor = pulse_preimage(beacon, &first, 0);
    sign(beacon);
    return beacon;
}

static pulse_t pulse_of(const beacon_t *beacon, uint32_t step)
{
    preimage_t first = top();
    return (pulse_t){beacon->origin, beacon->sequence, step, pulse_preimage(beacon, &first, step)};
}

static void a_chain_is_these_bytes(void **state)
{
    (void)state;
    static const struct {
        uint32_t step;
        const char *hex;
    } chain[] = {{0, "6562714ae64124e9ea843d76fde53047"},
                 {1, "9109a84119e4fe9c3424f9a9584dcf09"},
                 {2, "9a0691b912dfab20ceda3f7ef4e68bd4"},
                 {255, "08fee9ac5876ca453ee86d4d0b4d70d5"},
                 {256, "707172737475767778797a7b7c7d7e7f"}};
    beacon_t *beacon = beacon_new(0, 0);
    for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) {
        pulse_t pulse = pulse_of(beacon, chain[i].step);
        expect_hex(chain[i].hex, pulse.preimage.bytes, PREIMAGE_SIZE);
    }
    beacon_destroy(&beacon);
}

static void a_pulse_continues_its_beacon_further_than_before(void **state)
{
    (void)state;
    static const uint32_t steps[] = {1, 2, 7, 255, 256};
    beacon_t *beacon = anchored(), *back = NULL;
    assert_int_equal(beacon_decode(buf_span(&beacon->signed_form), &back, NULL), ERR_OK);
    assert_int_equal(pulse_newest(back).step, 0);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        pulse_t pulse = pulse_of(beacon, steps[i]);
        assert_true(pulse_holds(back, &pulse));
        pulse_take(back, &pulse);
        assert_false(pulse_holds(back, &pulse)); // it has been given
        assert_int_equal(pulse_newest(back).step, steps[i]);
        assert_memory_equal(pulse_newest(back).preimage.bytes, pulse.preimage.bytes, PREIMAGE_SIZE);
    }
    pulse_t older = pulse_of(beacon, 3); // anybody can walk back to it
    assert_false(pulse_holds(back, &older));
    beacon_destroy(&back);
    beacon_destroy(&beacon);
}

static void no_other_pulse_continues_it(void **state)
{
    (void)state;
    beacon_t *beacon = anchored();
    const pulse_t good = pulse_of(beacon, 5);
    pulse_t bad = good;
    bad.step = 4;
    assert_false(pulse_holds(beacon, &bad));
    bad.step = 6;
    assert_false(pulse_holds(beacon, &bad));
    bad = pulse_of(beacon, 0);
    assert_false(pulse_holds(beacon, &bad)); // the anchor itself
    bad = good;
    bad.step = PULSE_STEPS_MAX + 1;
    assert_false(pulse_holds(beacon, &bad));
    bad = good;
    bad.origin.bytes[0] ^= 1;
    assert_false(pulse_holds(beacon, &bad));
    bad = good;
    bad.sequence++;
    assert_false(pulse_holds(beacon, &bad));
    for (size_t bit = 0; bit < 8 * PREIMAGE_SIZE; bit++) {
        bad = good;
        bad.preimage.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(pulse_holds(beacon, &bad));
    }
    // The same beginning is another chain for another sequence, and for another origin.
    beacon->sequence++;
    bad = good;
    bad.sequence++;
    assert_false(pulse_holds(beacon, &bad));
    beacon->sequence--;
    assert_true(pulse_holds(beacon, &good));
    beacon_destroy(&beacon);
}

static void a_beacon_is_these_bytes(void **state)
{
    (void)state;
    beacon_t *beacon = anchored();
    expect_hex(
        "0acc010a20c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c01210000102"
        "030405060708090a0b0c0d0e0f1880d095ffbc3120022a3c0a160a10000102030405060708090a0b0c0d"
        "0e0f1001180010011a201111111111111111111111111111111111111111111111111111111111111111"
        "323d0a160a10222222222222222222222222222222221003180110f4031a203333333333333333333333"
        "3333333333333333333333333333333333333333333a106562714ae64124e9ea843d76fde5304712406a"
        "bda008ebada0b25ee0edee761555b23c899b7066dadef00f88dc1119ef1f3ab7363f8ad29dc5d956646c"
        "c68696c217dfb936dc81cfcf3b237da22858b39d09",
        beacon->signed_form.data, beacon->signed_form.size);
    expect_hex("0c90a132265dcf698c71ea5068857d9057381aa6b114a35d46ec3b11f8c85f9e",
               beacon->hash.bytes, 32);
    beacon_destroy(&beacon);
    assert_null(beacon);
    beacon_destroy(&beacon);
}

static void a_beacon_comes_back(void **state)
{
    (void)state;
    static const size_t counts[][2] = {{0, 0}, {1, 0}, {2, 3}, {0, 1}, {2, 158}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        beacon_t *beacon = beacon_new(counts[i][0], counts[i][1]);
        beacon_t *back = NULL;
        sign(beacon);
        assert_true(beacon->signed_form.size <= BEACON_BYTES_MAX);
        assert_int_equal(beacon_decode(buf_span(&beacon->signed_form), &back, NULL), ERR_OK);
        assert_true(origin_equal(&back->origin, &beacon->origin));
        assert_true(hash_equal(&back->coalition, &beacon->coalition));
        assert_true(hash_equal(&back->hash, &beacon->hash));
        assert_int_equal(back->sequence, beacon->sequence);
        assert_int_equal(back->card_number, beacon->card_number);
        assert_int_equal(back->own_count, counts[i][0]);
        assert_int_equal(back->held_count, counts[i][1]);
        for (size_t j = 0; j < back->held_count; j++) {
            assert_true(feed_equal(&back->held[j].feed, &beacon->held[j].feed));
            assert_int_equal(back->held[j].number, beacon->held[j].number);
            assert_true(hash_equal(&back->held[j].hash, &beacon->held[j].hash));
        }
        assert_true(span_equal(buf_span(&back->signed_form), buf_span(&beacon->signed_form)));
        assert_true(holds(back, 1, &sample_coalition));
        beacon_destroy(&back);
        beacon_destroy(&beacon);
    }
}

static void a_signature_is_of_one_key_and_coalition(void **state)
{
    (void)state;
    hash_t other = {{1}};
    beacon_t *beacon = beacon_new(1, 1);
    sign(beacon);
    assert_true(holds(beacon, 1, &sample_coalition));
    assert_false(holds(beacon, 2, &sample_coalition));
    assert_false(holds(beacon, 1, &other));
    beacon->coalition = other; // says one thing, is signed for another
    assert_false(holds(beacon, 1, &sample_coalition));
    assert_false(holds(beacon, 1, &other));
    beacon_destroy(&beacon);
}

static void heads_are_left_out_held_first(void **state)
{
    (void)state;
    static const size_t counts[][4] = {
        {2, 200, 2, 158}, {160, 1, 160, 0}, {170, 5, 160, 0}, {159, 1, 159, 1}, {0, 161, 0, 160}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        beacon_t *beacon = beacon_new(counts[i][0], counts[i][1]);
        beacon_t *back = NULL;
        sign(beacon);
        assert_int_equal(beacon_decode(buf_span(&beacon->signed_form), &back, NULL), ERR_OK);
        assert_int_equal(back->own_count, counts[i][2]);
        assert_int_equal(back->held_count, counts[i][3]);
        beacon_destroy(&back);
        beacon_destroy(&beacon);
    }
}

// At the largest of every number.
static void the_largest_beacon_fits(void **state)
{
    (void)state;
    beacon_t *beacon = beacon_new(80, 80);
    beacon_t *back = NULL;
    beacon->sequence = NUMBER_MAX;
    beacon->card_number = UINT32_MAX;
    for (size_t i = 0; i < 80; i++) {
        head_t *both[] = {&beacon->own[i], &beacon->held[i]};
        for (size_t j = 0; j < 2; j++) {
            both[j]->feed.epoch = EPOCH_MAX;
            both[j]->feed.lane = LANE_MAX;
            both[j]->number = NUMBER_MAX;
        }
    }
    sign(beacon);
    assert_true(beacon->signed_form.size <= BEACON_BYTES_MAX);
    assert_int_equal(beacon_decode(buf_span(&beacon->signed_form), &back, NULL), ERR_OK);
    beacon_destroy(&back);
    beacon_destroy(&beacon);
}

// ---- what is refused ----

typedef struct {
    Enlace__V1__Beacon beacon;
    Enlace__V1__Head heads[BEACON_HEADS_MAX + 1];
    Enlace__V1__Feed feeds[BEACON_HEADS_MAX + 1];
    Enlace__V1__Head *list[BEACON_HEADS_MAX + 1];
    uint8_t coalition[33], origin[17], hash[33], anchor[17];
} beacon_draft_t;

static beacon_draft_t *draft_new(void)
{
    beacon_draft_t *draft = mem_alloc(sizeof *draft);
    Enlace__V1__Beacon *beacon = &draft->beacon;
    enlace__v1__beacon__init(beacon);
    beacon->has_coalition = beacon->has_origin = beacon->has_sequence = true;
    beacon->has_card_number = beacon->has_anchor = true;
    beacon->anchor = (ProtobufCBinaryData){PREIMAGE_SIZE, draft->anchor};
    beacon->coalition = (ProtobufCBinaryData){HASH_SIZE, draft->coalition};
    beacon->origin = (ProtobufCBinaryData){ORIGIN_SIZE, draft->origin};
    beacon->sequence = 1;
    beacon->card_number = 1;
    for (size_t i = 0; i <= BEACON_HEADS_MAX; i++) {
        Enlace__V1__Feed *feed = &draft->feeds[i];
        Enlace__V1__Head *head = draft->list[i] = &draft->heads[i];
        enlace__v1__feed__init(feed);
        enlace__v1__head__init(head);
        feed->has_origin = feed->has_epoch = feed->has_lane = true;
        feed->origin = beacon->origin;
        feed->epoch = 1;
        head->feed = feed;
        head->has_number = head->has_hash = true;
        head->hash = (ProtobufCBinaryData){HASH_SIZE, draft->hash};
    }
    beacon->n_own = 1;
    beacon->own = draft->list;
    beacon->n_held = 2;
    beacon->held = draft->list + 1;
    return draft;
}

static buf_t wrap_body(span_t body)
{
    uint8_t signature[SIGNATURE_SIZE] = {0};
    buf_t copy = buf_copy(body);
    Enlace__V1__SignedBeacon outer = ENLACE__V1__SIGNED_BEACON__INIT;
    outer.has_body = outer.has_signature = true;
    outer.body = (ProtobufCBinaryData){copy.size, copy.data};
    outer.signature = (ProtobufCBinaryData){SIGNATURE_SIZE, signature};
    buf_t bytes = bounded_pack(&outer.base);
    buf_free(&copy);
    return bytes;
}

static void expect_beacon(beacon_draft_t *draft, err_t expected, const char *where)
{
    beacon_t *beacon = NULL;
    fault_t fault = {ERR_OK, "", ""};
    buf_t body = bounded_pack(&draft->beacon.base);
    buf_t bytes = wrap_body(buf_span(&body));
    err_t err = beacon_decode(buf_span(&bytes), &beacon, &fault);
    if (err != expected || strcmp(fault.where, where) != 0)
        fail_msg("%s at \"%s\", expected %s at \"%s\"", err_name(err), fault.where,
                 err_name(expected), where);
    assert_int_equal(beacon != NULL, expected == ERR_OK);
    beacon_destroy(&beacon);
    buf_free(&body);
    buf_free(&bytes);
    mem_free(draft);
}

#define BEACON_CASE(change, expected, where)                                                       \
    do {                                                                                           \
        beacon_draft_t *d = draft_new();                                                           \
        change;                                                                                    \
        expect_beacon(d, expected, where);                                                         \
    } while (0)

static void a_beacon_is_whole(void **state)
{
    (void)state;
    static uint8_t other[ORIGIN_SIZE] = {5};
    BEACON_CASE((void)d, ERR_OK, "");
    BEACON_CASE(d->beacon.has_coalition = false, ERR_MISSING_FIELD, "coalition");
    BEACON_CASE(d->beacon.has_origin = false, ERR_MISSING_FIELD, "origin");
    BEACON_CASE(d->beacon.has_sequence = false, ERR_MISSING_FIELD, "sequence");
    BEACON_CASE(d->beacon.has_card_number = false, ERR_MISSING_FIELD, "card_number");
    BEACON_CASE(d->beacon.has_anchor = false, ERR_MISSING_FIELD, "anchor");
    BEACON_CASE(d->beacon.anchor.len = 15, ERR_BAD_LENGTH, "anchor");
    BEACON_CASE(d->beacon.anchor.len = 17, ERR_BAD_LENGTH, "anchor");
    BEACON_CASE(d->beacon.coalition.len = 33, ERR_BAD_LENGTH, "coalition");
    BEACON_CASE(d->beacon.origin.len = 15, ERR_BAD_LENGTH, "origin");
    BEACON_CASE(d->beacon.sequence = 0, ERR_BAD_VALUE, "sequence");
    BEACON_CASE(d->beacon.sequence = NUMBER_MAX + 1, ERR_BAD_VALUE, "sequence");
    BEACON_CASE(d->beacon.card_number = 0, ERR_BAD_VALUE, "card_number");
    BEACON_CASE(d->beacon.n_own = 0, ERR_OK, "");
    BEACON_CASE((d->beacon.n_own = 0, d->beacon.n_held = 160), ERR_OK, "");
    BEACON_CASE(d->beacon.n_held = 160, ERR_TOO_MANY, "held");
    BEACON_CASE(d->feeds[0].origin.data = other, ERR_BAD_VALUE, "own");
    BEACON_CASE(d->feeds[1].origin.data = other, ERR_OK, "");
    BEACON_CASE((d->beacon.n_own = 161, d->beacon.n_held = 0), ERR_TOO_MANY, "own");
}

static void a_head_is_whole(void **state)
{
    (void)state;
    BEACON_CASE(d->heads[2].feed = NULL, ERR_MISSING_FIELD, "held.2.feed");
    BEACON_CASE(d->heads[2].has_number = false, ERR_MISSING_FIELD, "held.2.number");
    BEACON_CASE(d->heads[2].has_hash = false, ERR_MISSING_FIELD, "held.2.hash");
    BEACON_CASE(d->heads[2].number = NUMBER_MAX, ERR_OK, "");
    BEACON_CASE(d->heads[2].number = NUMBER_MAX + 1, ERR_BAD_VALUE, "held.2.number");
    BEACON_CASE(d->heads[2].hash.len = 31, ERR_BAD_LENGTH, "held.2.hash");
    BEACON_CASE(d->feeds[0].has_origin = false, ERR_MISSING_FIELD, "own.1.feed.origin");
    BEACON_CASE(d->feeds[0].has_epoch = false, ERR_MISSING_FIELD, "own.1.feed.epoch");
    BEACON_CASE(d->feeds[0].has_lane = false, ERR_MISSING_FIELD, "own.1.feed.lane");
    BEACON_CASE(d->feeds[0].epoch = 0, ERR_BAD_VALUE, "own.1.feed.epoch");
    BEACON_CASE(d->feeds[0].epoch = EPOCH_MAX + 1, ERR_BAD_VALUE, "own.1.feed.epoch");
    BEACON_CASE(d->feeds[0].lane = LANE_MAX + 1, ERR_BAD_VALUE, "own.1.feed.lane");
    BEACON_CASE(d->feeds[0].origin.len = 17, ERR_BAD_LENGTH, "own.1.feed.origin");
}

static void a_beacon_has_one_form(void **state)
{
    (void)state;
    ProtobufCMessageUnknownField extra = {40, PROTOBUF_C_WIRE_TYPE_VARINT, 1, (uint8_t[]){5}};
    beacon_t *back = NULL;
    BEACON_CASE((d->beacon.base.n_unknown_fields = 1, d->beacon.base.unknown_fields = &extra),
                ERR_UNKNOWN_FIELD, "#40");
    BEACON_CASE((d->feeds[0].base.n_unknown_fields = 1, d->feeds[0].base.unknown_fields = &extra),
                ERR_UNKNOWN_FIELD, "own.1.feed.#40");
    beacon_draft_t *draft = draft_new();
    draft->beacon.n_held = draft->beacon.n_own = 0;
    buf_t body = bounded_pack(&draft->beacon.base);
    // The card number (20 01) before the rest, but for the anchor, which is last.
    memmove(body.data + 2, body.data, body.size - 2 - (2 + PREIMAGE_SIZE));
    body.data[0] = 0x20;
    body.data[1] = 0x01;
    buf_t bytes = wrap_body(buf_span(&body));
    assert_int_equal(beacon_decode(buf_span(&bytes), &back, NULL), ERR_NOT_CANONICAL);
    buf_free(&body);
    buf_free(&bytes);
    mem_free(draft);
    buf_t big = {0};
    memset(buf_extend(&big, BEACON_BYTES_MAX + 1), 0, BEACON_BYTES_MAX + 1);
    assert_int_equal(beacon_decode(buf_span(&big), &back, NULL), ERR_TOO_BIG);
    buf_free(&big);
}

// ---- anything at all ----

static void try_beacon(void *context, span_t bytes, size_t place)
{
    const beacon_t *good = context;
    beacon_t *beacon = NULL;
    (void)place;
    if (beacon_decode(bytes, &beacon, NULL))
        return;
    bool same = hash_equal(&beacon->hash, &good->hash) &&
                memcmp(beacon->signature.bytes, good->signature.bytes, SIGNATURE_SIZE) == 0;
    assert_int_equal(holds(beacon, 1, &sample_coalition), same);
    beacon_destroy(&beacon);
}

static void refuse_beacon(void *context, span_t bytes, size_t place)
{
    beacon_t *beacon = NULL;
    (void)context;
    (void)place;
    assert_int_not_equal(beacon_decode(bytes, &beacon, NULL), ERR_OK);
}

static void altered_beacons(void **state)
{
    (void)state;
    beacon_t *beacon = beacon_new(2, 2);
    sign(beacon);
    hostile_each_bit(buf_span(&beacon->signed_form), try_beacon, beacon);
    hostile_each_prefix(buf_span(&beacon->signed_form), refuse_beacon, NULL);
    hostile_rounds(buf_span(&beacon->signed_form), 6, 3000, try_beacon, beacon);
    beacon_destroy(&beacon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_beacon_is_these_bytes),
        cmocka_unit_test(a_chain_is_these_bytes),
        cmocka_unit_test(a_pulse_continues_its_beacon_further_than_before),
        cmocka_unit_test(no_other_pulse_continues_it),
        cmocka_unit_test(a_beacon_comes_back),
        cmocka_unit_test(a_signature_is_of_one_key_and_coalition),
        cmocka_unit_test(heads_are_left_out_held_first),
        cmocka_unit_test(the_largest_beacon_fits),
        cmocka_unit_test(a_beacon_is_whole),
        cmocka_unit_test(a_head_is_whole),
        cmocka_unit_test(a_beacon_has_one_form),
        cmocka_unit_test(altered_beacons),
    };
    return cmocka_run_group_tests_name("beacon", tests, start, NULL);
}
