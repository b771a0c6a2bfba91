#include "tests/unit/protocol_messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

// ---- one message of each type ----

static card_number_t cards[2];
static head_t heads[2];
buf_t signed_card, signed_roster, proof_run;

static void fill_cards(uint32_t first, uint32_t second)
{
    memset(cards[0].origin.bytes, 0x0a, ORIGIN_SIZE);
    memset(cards[1].origin.bytes, 0x0b, ORIGIN_SIZE);
    cards[0].number = first;
    cards[1].number = second;
}

static void fill_head(size_t i, uint64_t number, uint8_t byte)
{
    heads[i].feed = sample_feed();
    heads[i].number = number;
    memset(heads[i].hash.bytes, byte, HASH_SIZE);
}

static void fill_hello(message_t *m)
{
    fill_cards(1, 300);
    m->as.hello = (greeting_t){.protocol_min = 1,
                               .protocol_max = 3,
                               .coalition = sample_coalition,
                               .roster_version = 7,
                               .card_count = 2,
                               .cards = cards,
                               .packings = 1};
    memset(m->as.hello.nonce.bytes, 1, NONCE_SIZE);
    memset(m->as.hello.roster_hash.bytes, 0x60, HASH_SIZE);
    memset(m->as.hello.origin.bytes, 0x0d, ORIGIN_SIZE);
}

static void fill_welcome(message_t *m)
{
    fill_hello(m);
    m->as.welcome.protocol_max = 1;
    m->as.welcome.card_count = 1;
    memset(m->as.welcome.hello_nonce.bytes, 1, NONCE_SIZE);
    memset(m->as.welcome.nonce.bytes, 2, NONCE_SIZE);
}

static void fill_rosters(message_t *m)
{
    m->as.signed_items.count = 2;
    m->as.signed_items.items[0] = m->as.signed_items.items[1] = buf_span(&signed_roster);
}

static void fill_cards_message(message_t *m)
{
    m->as.signed_items.count = 2;
    m->as.signed_items.items[0] = m->as.signed_items.items[1] = buf_span(&signed_card);
}

static void fill_beacons(message_t *m)
{
    m->as.signed_items.count = 1;
    static const pulse_t pulse = {
        .origin = {{0x0a}}, .sequence = NUMBER_MAX, .step = PULSE_STEPS_MAX, .preimage = {{0x0b}}};
    m->as.signed_items.items[0] = buf_span(&signed_card); // which has a beacon's shape
    m->as.signed_items.pulse_count = 1;
    m->as.signed_items.pulses = &pulse;
}

static void fill_want_beacons(message_t *m)
{
    static origin_t origins[2] = {{{0x0c}}, {{0x0d}}};
    m->as.want_beacons.count = 2;
    m->as.want_beacons.origins = origins;
}

static void fill_want_cards(message_t *m)
{
    fill_cards(0, UINT32_MAX);
    m->as.want_cards.count = 2;
    m->as.want_cards.items = cards;
}

static void fill_heads(message_t *m)
{
    fill_head(0, 0, 0x11);
    fill_head(1, NUMBER_MAX, 0x22);
    m->as.heads.count = 2;
    m->as.heads.items = heads;
}

static void fill_ack(message_t *m)
{
    fill_head(0, 5, 0x55);
    m->as.heads.count = 1;
    m->as.heads.items = heads;
    m->as.heads.has_credit = true;
    m->as.heads.credit_limit = 65536;
}

static void fill_fetch(message_t *m)
{
    m->as.fetch.fetch = 9;
    m->as.fetch.feed = sample_feed();
    m->as.fetch.after = 41;
    m->as.fetch.standing = true;
    m->as.fetch.credit_limit = 8192;
    memset(m->as.fetch.after_hash.bytes, 0x44, HASH_SIZE);
}

static void fill_end_fetch(message_t *m)
{
    m->as.end_fetch.fetch = 9;
}

static void fill_run_part(message_t *m)
{
    m->as.run_part.fetch = 9;
    m->as.run_part.index = 2;
    m->as.run_part.last = true;
    m->as.run_part.bytes = span_text("piece");
    m->as.run_part.unpacked = 300;
}

static void fill_nope(message_t *m)
{
    m->as.nope.fetch = 9;
    m->as.nope.reason = ERR_DIVERGED;
    m->as.nope.number = 12;
    m->as.nope.has_hash = true;
    memset(m->as.nope.hash.bytes, 0x77, HASH_SIZE);
}

static void fill_fetch_payload(message_t *m)
{
    m->as.payload.fetch = 10;
    m->as.payload.feed = sample_feed();
    m->as.payload.number = 42;
}

static void fill_payload_found(message_t *m)
{
    fill_fetch_payload(m);
    m->as.payload.state = PAYLOAD_PRESENT;
    memset(m->as.payload.salt, 0x88, SALT_SIZE);
    m->as.payload.body = span_text("body");
}

static void fill_proof(message_t *m)
{
    m->as.proof.run = buf_span(&proof_run);
}

static void fill_ping(message_t *m)
{
    m->as.ping.token = UINT64_MAX;
}

static void fill_pong(message_t *m)
{
    m->as.ping.token = 0;
}

static void fill_bye(message_t *m)
{
    m->as.bye.reason = ERR_STOPPING;
}

static const known_message_t known[] = {
    {MSG_HELLO, fill_hello,
     "129d01080110031a20c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0221001"
     "0101010101010101010101010101012807322060606060606060606060606060606060606060606060606060"
     "606060606060603a140a100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a10013a150a100b0b0b0b0b0b0b0b0b0b0b"
     "0b0b0b0b0b10ac0242100d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d4801"},
    {MSG_WELCOME, fill_welcome,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e1a960108011220c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
     "c0c0c0c0c0c0c0c0c0c0c0c0c01a100101010101010101010101010101010122100202020202020202020202"
     "02020202022807322060606060606060606060606060606060606060606060606060606060606060603a140a"
     "100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a100142100d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d4801"},
    {MSG_ROSTERS, fill_rosters,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e22c0010a5e0a04626f647912560a10000102030405060708090a"
     "0b0c0d0e0f10011a409898989898989898989898989898989898989898989898989898989898989898989898"
     "98989898989898989898989898989898989898989898989898989898980a5e0a04626f647912560a10000102"
     "030405060708090a0b0c0d0e0f10011a40989898989898989898989898989898989898989898989898989898"
     "98989898989898989898989898989898989898989898989898989898989898989898989898"},
    {MSG_CARDS, fill_cards_message,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e2a94010a480a04626f6479124099999999999999999999999999"
     "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
     "999999999999990a480a04626f64791240999999999999999999999999999999999999999999999999999999"
     "99999999999999999999999999999999999999999999999999999999999999999999999999"},
    {MSG_WANT_CARDS, fill_want_cards,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e32300a140a100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a10000a18"
     "0a100b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b10ffffffff0f"},
    {MSG_HEADS, fill_heads,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e3a83010a3c0a160a10000102030405060708090a0b0c0d0e0f10"
     "02180110001a2011111111111111111111111111111111111111111111111111111111111111110a430a160a"
     "10000102030405060708090a0b0c0d0e0f100218011080808080808080101a20222222222222222222222222"
     "2222222222222222222222222222222222222222"},
    {MSG_FETCH, fill_fetch,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e4245080912160a10000102030405060708090a0b0c0d0e0f1002"
     "1801182922204444444444444444444444444444444444444444444444444444444444444444280130003880"
     "40"},
    {MSG_END_FETCH, fill_end_fetch, "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e4a020809"},
    {MSG_RUN_PART, fill_run_part,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e521208091002180120002a05706965636530ac02"},
    {MSG_ACK, fill_ack,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5a420a3c0a160a10000102030405060708090a0b0c0d0e0f1002"
     "180110051a20555555555555555555555555555555555555555555555555555555555555555510808004"},
    {MSG_NOPE, fill_nope,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e62280809102b180c222077777777777777777777777777777777"
     "77777777777777777777777777777777"},
    {MSG_FETCH_PAYLOAD, fill_fetch_payload,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e6a1c080a12160a10000102030405060708090a0b0c0d0e0f1002"
     "1801182a"},
    {MSG_PAYLOAD_FOUND, fill_payload_found,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e7238080a12160a10000102030405060708090a0b0c0d0e0f1002"
     "1801182a221a08011210888888888888888888888888888888881a04626f6479"},
    {MSG_PROOF, fill_proof,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e7a240a220a160a10000102030405060708090a0b0c0d0e0f1002"
     "180112080a06686561646572"},
    {MSG_BEACONS, fill_beacons,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e82017c0a480a04626f6479124099999999999999999999999999"
     "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
     "9999999999999912300a100a00000000000000000000000000000010808080808080801018800222100b0000"
     "00000000000000000000000000"},
    {MSG_PING, fill_ping, "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e8a010b08ffffffffffffffffff01"},
    {MSG_PONG, fill_pong, "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e9201020800"},
    {MSG_BYE, fill_bye, "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e9a01020861"},
    {MSG_WANT_BEACONS, fill_want_beacons,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5ea201240a100c0000000000000000000000000000000a100d0000"
     "00000000000000000000000000"},
};
int known_messages_start(void **state)
{
    (void)state;
    static const char nines[] =
        "12 40 9999999999999999999999999999999999999999999999999999999999999999"
        "9999999999999999999999999999999999999999999999999999999999999999";
    static const char eights[] = "12 56 0a 10 000102030405060708090a0b0c0d0e0f 10 01 1a 40"
                                 "9898989898989898989898989898989898989898989898989898989898989898"
                                 "9898989898989898989898989898989898989898989898989898989898989898";
    signed_card = from_hex("0a 04 626f6479");
    signed_roster = from_hex("0a 04 626f6479");
    buf_t more = from_hex(nines);
    buf_append(&signed_card, buf_span(&more));
    buf_free(&more);
    more = from_hex(eights);
    buf_append(&signed_roster, buf_span(&more));
    buf_free(&more);
    proof_run = from_hex("0a 16 0a 10 000102030405060708090a0b0c0d0e0f 10 02 18 01"
                         "12 08 0a 06 686561646572");
    return (int)crypto_start();
}

int known_messages_stop(void **state)
{
    (void)state;
    buf_free(&signed_card);
    buf_free(&signed_roster);
    buf_free(&proof_run);
    return 0;
}

const known_message_t *known_message(size_t i)
{
    return i < sizeof known / sizeof *known ? &known[i] : NULL;
}

// Decoded, in a block of exactly its size that is gone before anything is looked at.
err_t decode_exact(span_t bytes, message_t *message, fault_t *fault)
{
    uint8_t *exact = mem_alloc(bytes.size);
    if (bytes.size)
        memcpy(exact, bytes.data, bytes.size);
    err_t err = message_decode(span_of(exact, bytes.size), message, fault);
    mem_free(exact);
    if (err)
        assert_null(message->memory);
    return err;
}

err_t decode_hex(const char *hex, message_t *message, fault_t *fault)
{
    buf_t bytes = from_hex(hex);
    err_t err = decode_exact(buf_span(&bytes), message, fault);
    buf_free(&bytes);
    return err;
}

const char *hex_of(message_type_t type)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == type)
            return known[i].hex;
    fail();
    return NULL;
}
