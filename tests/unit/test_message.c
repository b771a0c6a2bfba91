// Every message as bytes that a python script put together after link.proto.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "lib/wire.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_samples.h"

static int start(void **state)
{
    (void)state;
    return crypto_start();
}

// ---- one message of each type ----

static card_number_t cards[2];
static head_t heads[2];
static buf_t signed_card, signed_roster, proof_run;

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
                               .cards = cards};
    memset(m->as.hello.nonce.bytes, 1, NONCE_SIZE);
    memset(m->as.hello.roster_hash.bytes, 0x60, HASH_SIZE);
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
    m->as.signed_items.items[0] = buf_span(&signed_card); // which has a beacon's shape
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

typedef struct {
    message_type_t type;
    void (*fill)(message_t *m);
    const char *hex;
} known_t;

static const known_t known[] = {
    {MSG_HELLO, fill_hello,
     "128901080110031a20c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0221001"
     "0101010101010101010101010101012807322060606060606060606060606060606060606060606060606060"
     "606060606060603a140a100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a10013a150a100b0b0b0b0b0b0b0b0b0b0b"
     "0b0b0b0b0b10ac02"},
    {MSG_WELCOME, fill_welcome,
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e1a820108011220c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
     "c0c0c0c0c0c0c0c0c0c0c0c0c01a100101010101010101010101010101010122100202020202020202020202"
     "02020202022807322060606060606060606060606060606060606060606060606060606060606060603a140a"
     "100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a1001"},
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
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e520f08091002180120002a057069656365"},
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
     "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e82014a0a480a04626f6479124099999999999999999999999999"
     "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
     "99999999999999"},
    {MSG_PING, fill_ping, "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e8a010b08ffffffffffffffffff01"},
    {MSG_PONG, fill_pong, "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e9201020800"},
    {MSG_BYE, fill_bye, "0a105e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e9a01020861"},
};
enum { KNOWN = sizeof known / sizeof *known };

static int start_known(void **state)
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
    return start(state);
}

static int stop(void **state)
{
    (void)state;
    buf_free(&signed_card);
    buf_free(&signed_roster);
    buf_free(&proof_run);
    return 0;
}

static message_t message_of(const known_t *one)
{
    message_t message = {.type = one->type, .has_session = one->type != MSG_HELLO};
    if (message.has_session)
        memset(message.session.bytes, 0x5e, NONCE_SIZE);
    one->fill(&message);
    return message;
}

static void messages_are_these_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        message_t message = message_of(&known[i]);
        buf_t bytes = message_encode(&message);
        expect_hex(known[i].hex, bytes.data, bytes.size);
        buf_free(&bytes);
        message_clear(&message);
    }
}

static void every_type_is_here(void **state)
{
    (void)state;
    bool seen[MSG_TYPE_END] = {false};
    for (size_t i = 0; i < KNOWN; i++)
        seen[known[i].type] = true;
    for (size_t type = MSG_HELLO; type < MSG_TYPE_END; type++)
        assert_true(seen[type]);
    assert_int_equal(MSG_BYE, ENLACE__V1__LINK_MESSAGE__BODY_BYE);
    assert_string_equal(message_type_name(MSG_HELLO), "hello");
    assert_string_equal(message_type_name(MSG_PAYLOAD_FOUND), "payload_found");
    assert_string_equal(message_type_name((message_type_t)1), "unknown");
    assert_string_equal(message_type_name(MSG_TYPE_END), "unknown");
    assert_string_equal(message_type_name((message_type_t)9999), "unknown");
}

// Decoded, in a block of exactly its size that is gone before anything is looked at.
static err_t decode(span_t bytes, message_t *message, fault_t *fault)
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

static err_t decode_hex(const char *hex, message_t *message, fault_t *fault)
{
    buf_t bytes = from_hex(hex);
    err_t err = decode(buf_span(&bytes), message, fault);
    buf_free(&bytes);
    return err;
}

static void messages_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        message_t message;
        fault_t fault = {ERR_OK, "", ""};
        if (decode_hex(known[i].hex, &message, &fault))
            fail_msg("%s: %s at %s", message_type_name(known[i].type), err_name(fault.err),
                     fault.where);
        assert_int_equal(message.type, known[i].type);
        assert_int_equal(message.has_session, known[i].type != MSG_HELLO);
        buf_t again = message_encode(&message);
        expect_hex(known[i].hex, again.data, again.size);
        buf_free(&again);
        message_clear(&message);
        message_clear(&message);
    }
}

static const char *hex_of(message_type_t type)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i].type == type)
            return known[i].hex;
    fail();
    return NULL;
}

static void fields_of_greetings(void **state)
{
    (void)state;
    message_t m;
    nonce_t one;
    nonce_t two;
    memset(one.bytes, 1, NONCE_SIZE);
    memset(two.bytes, 2, NONCE_SIZE);
    assert_int_equal(decode_hex(hex_of(MSG_HELLO), &m, NULL), ERR_OK);
    assert_int_equal(m.as.hello.protocol_min, 1);
    assert_int_equal(m.as.hello.protocol_max, 3);
    assert_true(hash_equal(&m.as.hello.coalition, &sample_coalition));
    assert_memory_equal(m.as.hello.nonce.bytes, one.bytes, NONCE_SIZE);
    assert_int_equal(m.as.hello.roster_version, 7);
    assert_int_equal(m.as.hello.card_count, 2);
    assert_int_equal(m.as.hello.cards[1].number, 300);
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_WELCOME), &m, NULL), ERR_OK);
    assert_int_equal(m.as.welcome.protocol_min, 1);
    assert_int_equal(m.as.welcome.protocol_max, 1);
    assert_memory_equal(m.as.welcome.hello_nonce.bytes, one.bytes, NONCE_SIZE);
    assert_memory_equal(m.as.welcome.nonce.bytes, two.bytes, NONCE_SIZE);
    message_clear(&m);
}

static void fields_of_fetching(void **state)
{
    (void)state;
    message_t m;
    feed_t feed = sample_feed();
    assert_int_equal(decode_hex(hex_of(MSG_FETCH), &m, NULL), ERR_OK);
    assert_int_equal(m.as.fetch.fetch, 9);
    assert_true(feed_equal(&m.as.fetch.feed, &feed));
    assert_int_equal(m.as.fetch.after, 41);
    assert_true(m.as.fetch.standing);
    assert_false(m.as.fetch.headers_only);
    assert_int_equal(m.as.fetch.credit_limit, 8192);
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_RUN_PART), &m, NULL), ERR_OK);
    assert_int_equal(m.as.run_part.index, 2);
    assert_true(m.as.run_part.last);
    assert_false(m.as.run_part.end);
    assert_true(span_equal(m.as.run_part.bytes, span_text("piece")));
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_NOPE), &m, NULL), ERR_OK);
    assert_int_equal(m.as.nope.reason, ERR_DIVERGED);
    assert_int_equal(m.as.nope.number, 12);
    assert_true(m.as.nope.has_hash);
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_PAYLOAD_FOUND), &m, NULL), ERR_OK);
    assert_int_equal(m.as.payload.number, 42);
    assert_int_equal(m.as.payload.state, PAYLOAD_PRESENT);
    assert_true(span_equal(m.as.payload.body, span_text("body")));
    message_clear(&m);
}

static void fields_of_lists(void **state)
{
    (void)state;
    message_t m;
    assert_int_equal(decode_hex(hex_of(MSG_HEADS), &m, NULL), ERR_OK);
    assert_int_equal(m.as.heads.count, 2);
    assert_int_equal(m.as.heads.items[1].number, NUMBER_MAX);
    assert_false(m.as.heads.has_credit);
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_ACK), &m, NULL), ERR_OK);
    assert_true(m.as.heads.has_credit);
    assert_int_equal(m.as.heads.credit_limit, 65536);
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_CARDS), &m, NULL), ERR_OK);
    assert_int_equal(m.as.signed_items.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(span_equal(m.as.signed_items.items[i], buf_span(&signed_card)));
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_ROSTERS), &m, NULL), ERR_OK);
    assert_true(span_equal(m.as.signed_items.items[1], buf_span(&signed_roster)));
    message_clear(&m);
    assert_int_equal(decode_hex(hex_of(MSG_PROOF), &m, NULL), ERR_OK);
    assert_true(span_equal(m.as.proof.run, buf_span(&proof_run)));
    message_clear(&m);
}

// ---- what is refused ----

#define SESSION "0a 10 5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
#define ORIGIN  "000102030405060708090a0b0c0d0e0f"
#define HASH    "4444444444444444444444444444444444444444444444444444444444444444"
#define FEED    "12 16 0a 10 " ORIGIN " 10 02 18 01"

static void expect(const char *hex, err_t expected, const char *where)
{
    message_t message;
    fault_t fault = {ERR_OK, "", ""};
    err_t err = decode_hex(hex, &message, &fault);
    if (err != expected || strcmp(fault.where, where) != 0)
        fail_msg("%s\n%s at \"%s\", expected %s at \"%s\"", hex, err_name(err), fault.where,
                 err_name(expected), where);
    message_clear(&message);
}

static void sessions(void **state)
{
    (void)state;
    expect("8a 01 02 08 05", ERR_MISSING_FIELD, "session");
    expect(SESSION "8a 01 02 08 05", ERR_OK, "");
    expect("0a 0f 5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e 8a 01 02 08 05", ERR_BAD_LENGTH, "session");
    expect("0a 00 8a 01 02 08 05", ERR_BAD_LENGTH, "session");
    // A Hello has none.
    buf_t hello = from_hex(hex_of(MSG_HELLO));
    buf_t bytes = from_hex(SESSION);
    message_t message;
    buf_append(&bytes, buf_span(&hello));
    assert_int_equal(decode(buf_span(&bytes), &message, NULL), ERR_BAD_VALUE);
    buf_free(&bytes);
    buf_free(&hello);
}

static void unknown_messages(void **state)
{
    (void)state;
    expect("", ERR_UNKNOWN_MESSAGE, "");
    expect(SESSION, ERR_UNKNOWN_MESSAGE, "");
    expect(SESSION "a2 01 02 08 05", ERR_UNKNOWN_MESSAGE, ""); // 20
    expect(SESSION "8a 01 02 08 05 a2 01 00", ERR_OK, "");     // and what a newer peer adds
    expect(SESSION "8a 01 04 08 05 78 01", ERR_OK, "");
    expect(SESSION "8a 01 02 08 05 92 01 02 08 05", ERR_DUPLICATE_FIELD, "pong");
}

static void pings_and_byes(void **state)
{
    (void)state;
    expect(SESSION "8a 01 00", ERR_MISSING_FIELD, "ping.token");
    expect(SESSION "92 01 00", ERR_MISSING_FIELD, "pong.token");
    expect(SESSION "9a 01 00", ERR_MISSING_FIELD, "bye.reason");
    expect(SESSION "4a 00", ERR_MISSING_FIELD, "end_fetch.fetch");
    expect(SESSION "4a 02 08 00", ERR_OK, "");
}

static void fetches(void **state)
{
    (void)state;
    expect(SESSION "42 40 08 09" FEED "18 29 22 20" HASH "38 05", ERR_OK, "");
    expect(SESSION "42 3e" FEED "18 29 22 20" HASH "38 05", ERR_MISSING_FIELD, "fetch.fetch");
    expect(SESSION "42 28 08 09 18 29 22 20" HASH "38 05", ERR_MISSING_FIELD, "fetch.feed");
    expect(SESSION "42 3e 08 09" FEED "22 20" HASH "38 05", ERR_MISSING_FIELD,
           "fetch.after_number");
    expect(SESSION "42 1e 08 09" FEED "18 29 38 05", ERR_MISSING_FIELD, "fetch.after_hash");
    expect(SESSION "42 20 08 09" FEED "18 29 22 00 38 05", ERR_BAD_LENGTH, "fetch.after_hash");
    expect(SESSION "42 3e 08 09" FEED "18 29 22 20" HASH, ERR_MISSING_FIELD, "fetch.credit_limit");
    expect(SESSION "42 2c 08 09 12 02 10 02 18 29 22 20" HASH "38 05", ERR_MISSING_FIELD,
           "fetch.feed.origin");
    expect(SESSION "42 40 08 09 12 16 0a 10" ORIGIN "10 00 18 01 18 29 22 20" HASH "38 05",
           ERR_BAD_VALUE, "fetch.feed.epoch");
    // 2^53 is the last number there is.
    expect(SESSION "42 47 08 09" FEED "18 80 80 80 80 80 80 80 10 22 20" HASH "38 05", ERR_OK, "");
    expect(SESSION "42 47 08 09" FEED "18 81 80 80 80 80 80 80 10 22 20" HASH "38 05",
           ERR_BAD_VALUE, "fetch.after_number");
    expect(SESSION "42 47 08 09" FEED "18 29 22 20" HASH "38 81 80 80 80 80 80 80 10",
           ERR_BAD_VALUE, "fetch.credit_limit");
}

static void run_parts(void **state)
{
    (void)state;
    expect(SESSION "52 07 08 09 10 02 2a 01 ff", ERR_OK, "");
    expect(SESSION "52 05 10 02 2a 01 ff", ERR_MISSING_FIELD, "run_part.fetch");
    expect(SESSION "52 05 08 09 2a 01 ff", ERR_MISSING_FIELD, "run_part.index");
    expect(SESSION "52 04 08 09 10 02", ERR_MISSING_FIELD, "run_part.bytes");
    expect(SESSION "52 06 08 09 10 02 2a 00", ERR_BAD_LENGTH, "run_part.bytes");
    expect(SESSION "52 08 08 09 10 02 18 01 2a 00", ERR_OK, "");
    expect(SESSION "52 08 08 09 10 02 20 01 2a 00", ERR_OK, "");
    expect(SESSION "52 0a 08 09 10 81 80 80 01 2a 01 ff", ERR_BAD_VALUE, "run_part.index");
    static uint8_t bytes[PART_BYTES_MAX + 1];
    for (size_t over = 0; over < 2; over++) {
        message_t back;
        message_t message = {.type = MSG_RUN_PART, .has_session = true};
        message.as.run_part.bytes = span_of(bytes, PART_BYTES_MAX + over);
        buf_t encoded = message_encode(&message);
        assert_int_equal(decode(buf_span(&encoded), &back, NULL), over ? ERR_TOO_BIG : ERR_OK);
        message_clear(&back);
        buf_free(&encoded);
    }
}

static void nopes(void **state)
{
    (void)state;
    expect(SESSION "62 04 08 09 10 39", ERR_OK, "");
    expect(SESSION "62 02 10 39", ERR_MISSING_FIELD, "nope.fetch");
    expect(SESSION "62 02 08 09", ERR_MISSING_FIELD, "nope.reason");
    expect(SESSION "62 04 08 09 10 00", ERR_BAD_VALUE, "nope.reason");
    expect(SESSION "62 07 08 09 10 39 22 01 ff", ERR_BAD_LENGTH, "nope.hash");
    expect(SESSION "62 26 08 09 10 39 22 20" HASH, ERR_OK, "");
    expect(SESSION "62 0d 08 09 10 39 18 81 80 80 80 80 80 80 10", ERR_BAD_VALUE, "nope.number");
}

static void payloads(void **state)
{
    (void)state;
    expect(SESSION "6a 1c 08 0a" FEED "18 2a", ERR_OK, "");
    expect(SESSION "6a 1c 08 0a" FEED "18 00", ERR_BAD_VALUE, "fetch_payload.number");
    expect(SESSION "6a 1a 08 0a" FEED, ERR_MISSING_FIELD, "fetch_payload.number");
    expect(SESSION "6a 04 08 0a 18 2a", ERR_MISSING_FIELD, "fetch_payload.feed");
    expect(SESSION "72 1c 08 0a" FEED "18 2a", ERR_MISSING_FIELD, "payload_found.payload");
    expect(SESSION "72 1e 08 0a" FEED "18 2a 22 00", ERR_MISSING_FIELD,
           "payload_found.payload.state");
    expect(SESSION "72 20 08 0a" FEED "18 2a 22 02 08 02", ERR_OK, "");
    expect(SESSION "72 20 08 0a" FEED "18 2a 22 02 08 04", ERR_BAD_VALUE,
           "payload_found.payload.state");
    expect(SESSION "72 20 08 0a" FEED "18 2a 22 02 08 01", ERR_MISSING_FIELD,
           "payload_found.payload.salt");
    expect(SESSION "72 23 08 0a" FEED "18 2a 22 05 08 02 1a 01 ff", ERR_BAD_VALUE,
           "payload_found.payload.body");
    expect(SESSION "72 32 08 0a" FEED "18 2a 22 14 08 01 12 10" ORIGIN, ERR_MISSING_FIELD,
           "payload_found.payload.body");
}

static void greetings(void **state)
{
    (void)state;
#define HELLO_REST "1a 20" HASH "22 10" ORIGIN "28 07 32 20" HASH
    expect("12 5c 08 01 10 03" HELLO_REST, ERR_OK, "");
    expect("12 5a 10 03" HELLO_REST, ERR_MISSING_FIELD, "hello.protocol_min");
    expect("12 5a 08 01" HELLO_REST, ERR_MISSING_FIELD, "hello.protocol_max");
    expect("12 5c 08 00 10 03" HELLO_REST, ERR_BAD_VALUE, "hello.protocol_min");
    expect("12 5c 08 04 10 03" HELLO_REST, ERR_BAD_VALUE, "hello.protocol_max");
    expect("12 38 08 01 10 03 1a 20" HASH "22 10" ORIGIN, ERR_MISSING_FIELD,
           "hello.roster_version");
    expect("12 3a 08 01 10 03 22 10" ORIGIN "28 07 32 20" HASH, ERR_MISSING_FIELD,
           "hello.coalition");
    expect("12 4a 08 01 10 03 1a 20" HASH "28 07 32 20" HASH, ERR_MISSING_FIELD, "hello.nonce");
    expect("12 3a 08 01 10 03 1a 20" HASH "22 10" ORIGIN "28 07", ERR_MISSING_FIELD,
           "hello.roster_hash");
    expect("12 5e 08 01 10 03" HELLO_REST "3a 00", ERR_MISSING_FIELD, "hello.cards.1.origin");
    expect("12 70 08 01 10 03" HELLO_REST "3a 12 0a 10" ORIGIN, ERR_MISSING_FIELD,
           "hello.cards.1.number");
    expect(SESSION "1a 6c 08 01 12 20" HASH "1a 10" ORIGIN "22 10" ORIGIN "28 07 32 20" HASH,
           ERR_OK, "");
    expect(SESSION "1a 6a 12 20" HASH "1a 10" ORIGIN "22 10" ORIGIN "28 07 32 20" HASH,
           ERR_MISSING_FIELD, "welcome.protocol");
    expect(SESSION "1a 5a 08 01 12 20" HASH "22 10" ORIGIN "28 07 32 20" HASH, ERR_MISSING_FIELD,
           "welcome.hello_nonce");
    expect(SESSION "1a 5a 08 01 12 20" HASH "1a 10" ORIGIN "28 07 32 20" HASH, ERR_MISSING_FIELD,
           "welcome.nonce");
}

// ---- counts and sizes ----

static err_t round_trip(message_t *message)
{
    message_t back;
    message->has_session = message->type != MSG_HELLO;
    buf_t bytes = message_encode(message);
    err_t err = decode(buf_span(&bytes), &back, NULL);
    message_clear(&back);
    buf_free(&bytes);
    return err;
}

static void lists_are_bounded(void **state)
{
    (void)state;
    card_number_t *many = mem_alloc_array(HELLO_CARDS_MAX + 1, sizeof *many);
    head_t *all = mem_alloc_array(MESSAGE_HEADS_MAX + 1, sizeof *all);
    for (size_t i = 0; i <= MESSAGE_HEADS_MAX; i++)
        all[i] = (head_t){.feed = {.epoch = EPOCH_MAX, .lane = LANE_MAX}, .number = NUMBER_MAX};
    for (size_t over = 0; over < 2; over++) {
        err_t expected = over ? ERR_TOO_MANY : ERR_OK;
        message_t hello = {.type = MSG_HELLO};
        fill_hello(&hello);
        hello.as.hello.card_count = HELLO_CARDS_MAX + over;
        hello.as.hello.cards = many;
        assert_int_equal(round_trip(&hello), expected);
        message_t want = {.type = MSG_WANT_CARDS};
        want.as.want_cards.count = HELLO_CARDS_MAX + over;
        want.as.want_cards.items = many;
        assert_int_equal(round_trip(&want), expected);
        message_t heads_message = {.type = over ? MSG_ACK : MSG_HEADS};
        heads_message.as.heads.count = MESSAGE_HEADS_MAX + over;
        heads_message.as.heads.items = all;
        assert_int_equal(round_trip(&heads_message), expected);
    }
    mem_free(many);
    mem_free(all);
}

static err_t decode_items(message_type_t type, size_t count, size_t size)
{
    buf_t item = {0};
    buf_t list = {0};
    buf_t bytes = from_hex(SESSION);
    message_t message;
    uint8_t *body = mem_alloc(size);
    wire_append(&item, 1, span_of(body, size));
    for (size_t i = 0; i < count; i++)
        wire_append(&list, 1, buf_span(&item));
    wire_append(&bytes, type, buf_span(&list));
    err_t err = decode(buf_span(&bytes), &message, NULL);
    if (!err)
        assert_int_equal(message.as.signed_items.count, count);
    message_clear(&message);
    mem_free(body);
    buf_free(&item);
    buf_free(&list);
    buf_free(&bytes);
    return err;
}

static void signed_items_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(decode_items(MSG_ROSTERS, 0, 0), ERR_OK);
    assert_int_equal(decode_items(MSG_ROSTERS, MESSAGE_ROSTERS_MAX, 100), ERR_OK);
    assert_int_equal(decode_items(MSG_ROSTERS, MESSAGE_ROSTERS_MAX + 1, 100), ERR_TOO_MANY);
    assert_int_equal(decode_items(MSG_CARDS, MESSAGE_CARDS_MAX, 100), ERR_OK);
    assert_int_equal(decode_items(MSG_CARDS, MESSAGE_CARDS_MAX + 1, 100), ERR_TOO_MANY);
    assert_int_equal(decode_items(MSG_BEACONS, MESSAGE_BEACONS_MAX, 100), ERR_OK);
    assert_int_equal(decode_items(MSG_BEACONS, MESSAGE_BEACONS_MAX + 1, 100), ERR_TOO_MANY);
    assert_int_equal(decode_items(MSG_CARDS, 1, CARD_BYTES_MAX - 3), ERR_OK);
    assert_int_equal(decode_items(MSG_CARDS, 1, CARD_BYTES_MAX - 2), ERR_TOO_BIG);
    assert_int_equal(decode_items(MSG_BEACONS, 1, BEACON_BYTES_MAX - 3), ERR_OK);
    assert_int_equal(decode_items(MSG_BEACONS, 1, BEACON_BYTES_MAX - 2), ERR_TOO_BIG);
    assert_int_equal(decode_items(MSG_ROSTERS, 1, LINK_MESSAGE_MAX - 100), ERR_OK);
    assert_int_equal(decode_items(MSG_ROSTERS, 1, LINK_MESSAGE_MAX), ERR_TOO_BIG);
}

// 192 KiB of the smallest things there are, each of which costs memory.
static void swarms_are_refused(void **state)
{
    (void)state;
    static const uint8_t tags[] = {0x0a, 0x12};
    for (size_t type = MSG_HELLO; type < MSG_TYPE_END; type++)
        for (size_t tag = 0; tag < 2; tag++) {
            buf_t swarm = {0};
            buf_t bytes = {0};
            message_t message;
            for (size_t i = 0; i < 96 * 1024 - 20; i++)
                buf_append(&swarm, span_of((uint8_t[]){tags[tag], 0}, 2));
            wire_append(&bytes, (uint32_t)type, buf_span(&swarm));
            assert_int_not_equal(decode(buf_span(&bytes), &message, NULL), ERR_OK);
            buf_free(&swarm);
            buf_free(&bytes);
        }
}

static void a_proof_holds_a_real_run(void **state)
{
    (void)state;
    commit_t *commits[2];
    message_t back;
    run_t run;
    commits[0] = sample_commit(1, NULL, COMMIT_CHANGES_MAX, 0);
    commits[1] = sample_commit(257, &commits[0]->hash, COMMIT_CHANGES_MAX, 40);
    buf_t encoded = run_encode(&commits[0]->feed, commits, 2);
    message_t message = {.type = MSG_PROOF, .has_session = true};
    message.as.proof.run = buf_span(&encoded);
    buf_t bytes = message_encode(&message);
    assert_int_equal(decode(buf_span(&bytes), &back, NULL), ERR_OK);
    assert_true(span_equal(back.as.proof.run, buf_span(&encoded)));
    assert_int_equal(run_decode(back.as.proof.run, &run, NULL), ERR_OK);
    assert_int_equal(run.count, 2);
    run_clear(&run);
    message_clear(&back);
    buf_free(&bytes);
    buf_free(&encoded);
    commit_destroy(&commits[0]);
    commit_destroy(&commits[1]);
    expect(SESSION "7a 00", ERR_MISSING_FIELD, "proof.run");
}

// ---- sessions ----

// blake2b(16 x 01 + 16 x 02, digest_size=32, person=b"enlace-session")[:16]
static void session_ids(void **state)
{
    (void)state;
    nonce_t hello;
    nonce_t welcome;
    memset(hello.bytes, 1, NONCE_SIZE);
    memset(welcome.bytes, 2, NONCE_SIZE);
    nonce_t id = session_id(&hello, &welcome);
    expect_hex("baaff6559209b85bc07f6c9e8d67b7fb", id.bytes, NONCE_SIZE);
    nonce_t other = session_id(&welcome, &hello);
    assert_memory_not_equal(id.bytes, other.bytes, NONCE_SIZE);
}

// ---- anything at all ----

static void try_message(void *context, span_t bytes, size_t place)
{
    message_t message;
    (void)context;
    (void)place;
    if (message_decode(bytes, &message, NULL)) {
        assert_null(message.memory);
        return;
    }
    buf_t again = message_encode(&message);
    message_clear(&message);
    assert_int_equal(message_decode(buf_span(&again), &message, NULL), ERR_OK);
    message_clear(&message);
    buf_free(&again);
}

static void refuse_message(void *context, span_t bytes, size_t place)
{
    message_t message;
    (void)context;
    (void)place;
    assert_int_not_equal(message_decode(bytes, &message, NULL), ERR_OK);
    assert_null(message.memory);
}

static void altered_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        buf_t bytes = from_hex(known[i].hex);
        hostile_each_bit(buf_span(&bytes), try_message, NULL);
        hostile_each_prefix(buf_span(&bytes), refuse_message, NULL);
        hostile_rounds(buf_span(&bytes), (unsigned)i, 1000, try_message, NULL);
        buf_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_these_bytes),
        cmocka_unit_test(every_type_is_here),
        cmocka_unit_test(messages_come_back),
        cmocka_unit_test(fields_of_greetings),
        cmocka_unit_test(fields_of_fetching),
        cmocka_unit_test(fields_of_lists),
        cmocka_unit_test(sessions),
        cmocka_unit_test(unknown_messages),
        cmocka_unit_test(pings_and_byes),
        cmocka_unit_test(fetches),
        cmocka_unit_test(run_parts),
        cmocka_unit_test(nopes),
        cmocka_unit_test(payloads),
        cmocka_unit_test(greetings),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(signed_items_are_bounded),
        cmocka_unit_test(swarms_are_refused),
        cmocka_unit_test(a_proof_holds_a_real_run),
        cmocka_unit_test(session_ids),
        cmocka_unit_test(altered_messages),
    };
    return cmocka_run_group_tests_name("message", tests, start_known, stop);
}
