#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "tests/unit/hostile.h"
#include "tests/unit/protocol_messages.h"
#include "tests/unit/protocol_samples.h"

static message_t message_of(const known_message_t *one)
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
    for (size_t i = 0; known_message(i); i++) {
        message_t message = message_of(known_message(i));
        buf_t bytes = message_encode(&message);
        expect_hex(known_message(i)->hex, bytes.data, bytes.size);
        buf_free(&bytes);
        message_clear(&message);
    }
}

static void every_type_is_here(void **state)
{
    (void)state;
    bool seen[MSG_TYPE_END] = {false};
    for (size_t i = 0; known_message(i); i++)
        seen[known_message(i)->type] = true;
    for (size_t type = MSG_HELLO; type < MSG_TYPE_END; type++)
        assert_true(seen[type]);
    assert_int_equal(MSG_BYE, ENLACE__V1__LINK_MESSAGE__BODY_BYE);
    assert_string_equal(message_type_name(MSG_HELLO), "hello");
    assert_string_equal(message_type_name(MSG_PAYLOAD_FOUND), "payload_found");
    assert_string_equal(message_type_name((message_type_t)1), "unknown");
    assert_string_equal(message_type_name(MSG_TYPE_END), "unknown");
    assert_string_equal(message_type_name((message_type_t)9999), "unknown");
}

static void messages_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; known_message(i); i++) {
        message_t message;
        fault_t fault = {ERR_OK, "", ""};
        if (decode_hex(known_message(i)->hex, &message, &fault))
            fail_msg("%s: %s at %s", message_type_name(known_message(i)->type), err_name(fault.err),
                     fault.where);
        assert_int_equal(message.type, known_message(i)->type);
        assert_int_equal(message.has_session, known_message(i)->type != MSG_HELLO);
        buf_t again = message_encode(&message);
        expect_hex(known_message(i)->hex, again.data, again.size);
        buf_free(&again);
        message_clear(&message);
        message_clear(&message);
    }
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
    assert_int_equal(m.as.hello.packings, PACKING_ZSTD);
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
    assert_int_equal(m.as.run_part.unpacked, 300);
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
    for (size_t i = 0; known_message(i); i++) {
        buf_t bytes = from_hex(known_message(i)->hex);
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
        cmocka_unit_test(session_ids),
        cmocka_unit_test(altered_messages),
    };
    return cmocka_run_group_tests_name("message", tests, known_messages_start, known_messages_stop);
}
