// What is refused of a link message, field by field; counts and sizes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "lib/message.h"
#include "lib/wire.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_messages.h"
#include "tests/unit/protocol_samples.h"

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
    assert_int_equal(decode_exact(buf_span(&bytes), &message, NULL), ERR_BAD_VALUE);
    buf_free(&bytes);
    buf_free(&hello);
}

static void unknown_messages(void **state)
{
    (void)state;
    expect("", ERR_UNKNOWN_MESSAGE, "");
    expect(SESSION, ERR_UNKNOWN_MESSAGE, "");
    expect(SESSION "aa 01 02 08 05", ERR_UNKNOWN_MESSAGE, ""); // 21
    expect(SESSION "8a 01 02 08 05 aa 01 00", ERR_OK, "");     // and what a newer peer adds
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
    expect(SESSION "4a 02 08 01", ERR_OK, "");
    expect(SESSION "4a 02 08 00", ERR_BAD_VALUE, "end_fetch.fetch");
}

static void fetches(void **state)
{
    (void)state;
    expect(SESSION "42 40 08 09" FEED "18 29 22 20" HASH "38 05", ERR_OK, "");
    expect(SESSION "42 3e" FEED "18 29 22 20" HASH "38 05", ERR_MISSING_FIELD, "fetch.fetch");
    // 0 is nobody's fetch.
    expect(SESSION "42 40 08 00" FEED "18 29 22 20" HASH "38 05", ERR_BAD_VALUE, "fetch.fetch");
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
    expect(SESSION "52 09 08 09 10 00 2a 01 ff 30 00", ERR_BAD_VALUE, "run_part.unpacked");
    expect(SESSION "52 0b 08 09 10 00 2a 01 ff 30 80 80 40", ERR_OK, "");
    expect(SESSION "52 0b 08 09 10 00 2a 01 ff 30 81 80 40", ERR_BAD_VALUE, "run_part.unpacked");
    static uint8_t bytes[PART_BYTES_MAX + 1];
    for (size_t over = 0; over < 2; over++) {
        message_t back;
        message_t message = {.type = MSG_RUN_PART, .has_session = true};
        message.as.run_part.fetch = 1;
        message.as.run_part.bytes = span_of(bytes, PART_BYTES_MAX + over);
        buf_t encoded = message_encode(&message);
        assert_int_equal(decode_exact(buf_span(&encoded), &back, NULL),
                         over ? ERR_TOO_BIG : ERR_OK);
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
    expect("12 6e 08 01 10 03" HELLO_REST "42 10" ORIGIN, ERR_OK, "");
    expect("12 5c 08 01 10 03" HELLO_REST, ERR_MISSING_FIELD, "hello.origin");
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
    expect(SESSION "1a 7e 08 01 12 20" HASH "1a 10" ORIGIN "22 10" ORIGIN "28 07 32 20" HASH
                   "42 10" ORIGIN,
           ERR_OK, "");
    expect(SESSION "1a 6c 08 01 12 20" HASH "1a 10" ORIGIN "22 10" ORIGIN "28 07 32 20" HASH,
           ERR_MISSING_FIELD, "welcome.origin");
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
    err_t err = decode_exact(buf_span(&bytes), &back, NULL);
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
        known_message(0)->fill(&hello); // the first is a Hello
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
    err_t err = decode_exact(buf_span(&bytes), &message, NULL);
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

static void wanted_beacons_are_bounded(void **state)
{
    (void)state;
    for (size_t count = WANT_BEACONS_MAX; count <= WANT_BEACONS_MAX + 1; count++) {
        static origin_t origins[WANT_BEACONS_MAX + 1];
        message_t message = {.type = MSG_WANT_BEACONS, .has_session = true}, back;
        message.as.want_beacons.count = count;
        message.as.want_beacons.origins = origins;
        buf_t bytes = message_encode(&message);
        assert_int_equal(decode_exact(buf_span(&bytes), &back, NULL),
                         count > WANT_BEACONS_MAX ? ERR_TOO_MANY : ERR_OK);
        message_clear(&back);
        buf_free(&bytes);
    }
    expect(SESSION "a2 01 00", ERR_OK, "");
    expect(SESSION "a2 01 03 0a 01 05", ERR_BAD_LENGTH, "want_beacons.origins.1");
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
            assert_int_not_equal(decode_exact(buf_span(&bytes), &message, NULL), ERR_OK);
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
    assert_int_equal(decode_exact(buf_span(&bytes), &back, NULL), ERR_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(wanted_beacons_are_bounded),
        cmocka_unit_test(swarms_are_refused),
        cmocka_unit_test(a_proof_holds_a_real_run),
    };
    return cmocka_run_group_tests_name("message_refusals", tests, known_messages_start,
                                       known_messages_stop);
}
