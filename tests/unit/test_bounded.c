// Bytes here are written by hand after
// https://protobuf.dev/programming-guides/encoding/: a tag byte is field number
// times 8 plus wire type (0 varint, 1 64-bit, 2 length-prefixed, 5 32-bit).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/link.pb-c.h"
#include "enlace/v1/types.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "tests/unit/hostile.h"

static const limits_t wide = {
    .bytes = 1 << 20, .fields = 1000, .depth = 8, .memory = 1 << 20, .unknown = true};
static const limits_t known_only = {
    .bytes = 1 << 20, .fields = 1000, .depth = 8, .memory = 1 << 20, .unknown = false};

#define HEAD   &enlace__v1__head__descriptor
#define FEED   &enlace__v1__feed__descriptor
#define TEXT   &enlace__v1__text__descriptor
#define MONEY  &enlace__v1__money__descriptor
#define PART   &enlace__v1__run_part__descriptor
#define MEMBER &enlace__v1__roster__member__descriptor
#define ROSTER &enlace__v1__roster__descriptor
#define LINK   &enlace__v1__link_message__descriptor

// Checks in a block of exactly the size, and that unpacking agrees.
static err_t check(const ProtobufCMessageDescriptor *type, span_t bytes, const limits_t *limits,
                   fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    uint8_t *exact = mem_alloc(bytes.size);
    if (bytes.size)
        memcpy(exact, bytes.data, bytes.size);
    err_t err = bounded_check(type, span_of(exact, bytes.size), limits, fault);
    assert_int_equal(bounded_unpack(type, span_of(exact, bytes.size), limits, &message, NULL), err);
    assert_int_equal(message != NULL, err == ERR_OK);
    bounded_free(message);
    mem_free(exact);
    return err;
}

static void expect(const ProtobufCMessageDescriptor *type, const char *hex, const limits_t *limits,
                   err_t err, const char *where)
{
    fault_t fault = {ERR_OK, "", ""};
    buf_t bytes = from_hex(hex);
    if (check(type, buf_span(&bytes), limits, &fault) != err || fault.err != err)
        fail_msg("%s: %s instead of %s", hex, err_name(fault.err), err_name(err));
    if (where)
        assert_string_equal(fault.where, where);
    buf_free(&bytes);
}

static void refused(const ProtobufCMessageDescriptor *type, const char *hex, err_t err,
                    const char *where)
{
    expect(type, hex, &wide, err, where);
}

static void taken(const ProtobufCMessageDescriptor *type, const char *hex)
{
    expect(type, hex, &wide, ERR_OK, NULL);
}

// ---- numbers ----

static void varints_have_one_form(void **state)
{
    (void)state;
    taken(FEED, "10 01");
    taken(FEED, "10 00");
    taken(FEED, "10 ff ff ff ff 0f");
    refused(FEED, "10 81 00", ERR_BAD_VARINT, "epoch");
    refused(FEED, "10 80 00", ERR_BAD_VARINT, "epoch");
    refused(FEED, "10 80 80 80 00", ERR_BAD_VARINT, "epoch");
    taken(HEAD, "10 ff ff ff ff ff ff ff ff ff 01");
    refused(HEAD, "10 ff ff ff ff ff ff ff ff ff 02", ERR_BAD_VARINT, "number");
    refused(HEAD, "10 80 80 80 80 80 80 80 80 80 80 01", ERR_BAD_VARINT, "number");
}

// protobuf-c would cut these to 32 bits and to a bit.
static void numbers_fit_their_type(void **state)
{
    (void)state;
    refused(FEED, "10 80 80 80 80 10", ERR_BAD_VARINT, "epoch");
    refused(FEED, "10 ff ff ff ff ff ff ff ff ff 01", ERR_BAD_VARINT, "epoch");
    taken(PART, "18 01");
    taken(PART, "18 00");
    refused(PART, "18 02", ERR_BAD_VARINT, "last");
    taken(MONEY, "08 ff ff ff ff ff ff ff ff ff 01"); // -1
}

static void tags_have_one_form(void **state)
{
    (void)state;
    refused(FEED, "00 01", ERR_BAD_TAG, "");
    refused(FEED, "07", ERR_BAD_TAG, "");
    taken(FEED, "f8 ff ff ff 0f 01");                    // 2^29 - 1
    refused(FEED, "80 80 80 80 10 01", ERR_BAD_TAG, ""); // 2^29
    refused(FEED, "90 00 01", ERR_BAD_VARINT, "");       // 2, padded
    refused(FEED, "90 80 80 80 80 80 80 80 80 01 01", ERR_BAD_TAG, "");
}

// ---- wire types ----

static void wire_types_are_the_fields_own(void **state)
{
    (void)state;
    refused(FEED, "11 01 00 00 00 00 00 00 00", ERR_BAD_WIRE_TYPE, "epoch");
    refused(FEED, "15 01 00 00 00", ERR_BAD_WIRE_TYPE, "epoch");
    refused(FEED, "12 01 01", ERR_BAD_WIRE_TYPE, "epoch"); // packed, but not repeated
    refused(FEED, "08 01", ERR_BAD_WIRE_TYPE, "origin");
    refused(HEAD, "08 01", ERR_BAD_WIRE_TYPE, "feed");
}

static void groups_are_refused(void **state)
{
    (void)state;
    refused(FEED, "13 14", ERR_BAD_WIRE_TYPE, "epoch");
    refused(FEED, "14", ERR_BAD_WIRE_TYPE, "epoch");
    refused(FEED, "16 01", ERR_BAD_WIRE_TYPE, "epoch");
    refused(FEED, "17 01", ERR_BAD_WIRE_TYPE, "epoch");
    refused(FEED, "7b 7c", ERR_BAD_WIRE_TYPE, "#15"); // a group of an unknown number
}

// ---- ends ----

static void what_ends_too_early(void **state)
{
    (void)state;
    refused(FEED, "10", ERR_TRUNCATED, "epoch");
    refused(FEED, "10 80", ERR_TRUNCATED, "epoch");
    refused(FEED, "80", ERR_TRUNCATED, "");
    refused(FEED, "0a", ERR_TRUNCATED, "origin");
    refused(FEED, "0a 02 01", ERR_TRUNCATED, "origin");
    refused(FEED, "0a ff ff ff ff ff ff ff ff ff 01 00", ERR_TRUNCATED, "origin");
    refused(FEED, "79 01 00 00 00 00 00 00", ERR_TRUNCATED, "#15");
    refused(FEED, "7d 01 00 00", ERR_TRUNCATED, "#15");
    // The nested one claims a byte that belongs to the outer one.
    refused(HEAD, "0a 02 0a 01 10 05", ERR_TRUNCATED, "feed.origin");
    // Its length reaches beyond the whole.
    refused(HEAD, "0a 03 10 05", ERR_TRUNCATED, "feed");
}

// ---- given twice ----

static void singular_fields_come_once(void **state)
{
    (void)state;
    refused(FEED, "10 01 10 01", ERR_DUPLICATE_FIELD, "epoch");
    refused(FEED, "0a 01 41 0a 01 41", ERR_DUPLICATE_FIELD, "origin");
    refused(HEAD, "0a 00 0a 00", ERR_DUPLICATE_FIELD, "feed");
    taken(TEXT, "0a 00 0a 00");
}

static void a_oneof_comes_once(void **state)
{
    (void)state;
    taken(LINK, "8a 01 00"); // ping, 17
    refused(LINK, "8a 01 00 8a 01 00", ERR_DUPLICATE_FIELD, "ping");
    refused(LINK, "8a 01 00 92 01 00", ERR_DUPLICATE_FIELD, "pong");
    refused(LINK, "12 00 8a 01 00", ERR_DUPLICATE_FIELD, "ping");
    taken(LINK, "0a 00 8a 01 00"); // session is outside it
}

// ---- text ----

static void text_is_checked(void **state)
{
    (void)state;
    taken(TEXT, "0a 06 12 04 c3 b1 c3 a1"); // ñá
    refused(TEXT, "0a 04 12 02 c3 28", ERR_BAD_UTF8, "entries.1.text");
    refused(TEXT, "0a 03 12 01 c3", ERR_BAD_UTF8, "entries.1.text"); // cut within a character
    refused(TEXT, "0a 05 12 03 41 00 42", ERR_NUL_IN_TEXT, "entries.1.text");
    refused(TEXT, "0a 03 12 01 00", ERR_NUL_IN_TEXT, "entries.1.text");
    taken(TEXT, "0a 02 12 00");
}

// ---- unknown fields ----

static void unknown_fields(void **state)
{
    (void)state;
    static const char *const each[] = {"78 05", "79 01 02 03 04 05 06 07 08", "7a 02 ff fe",
                                       "7d 01 02 03 04", "10 01 78 05 18 02"};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        taken(FEED, each[i]);
        expect(FEED, each[i], &known_only, ERR_UNKNOWN_FIELD, "#15");
    }
    taken(FEED, "78 05 78 05"); // nobody knows whether they repeat
    refused(FEED, "78 85 00", ERR_BAD_VARINT, "#15");
    expect(HEAD, "0a 02 78 05", &known_only, ERR_UNKNOWN_FIELD, "feed.#15");
}

static void unknown_fields_survive(void **state)
{
    (void)state;
    ProtobufCMessage *message = NULL;
    buf_t bytes = from_hex("10 01 7a 02 ff fe");
    assert_int_equal(bounded_unpack(FEED, buf_span(&bytes), &wide, &message, NULL), ERR_OK);
    buf_t again = bounded_pack(message);
    assert_true(span_equal(buf_span(&again), buf_span(&bytes)));
    bounded_free(message);
    buf_free(&again);
    buf_free(&bytes);
}

// ---- packed ----

static void packed_numbers(void **state)
{
    (void)state;
    taken(MEMBER, "22 03 01 02 03");
    taken(MEMBER, "22 00");
    taken(MEMBER, "20 01 20 02"); // as the older form has it
    refused(MEMBER, "22 02 01 80", ERR_TRUNCATED, "roles.1");
    refused(MEMBER, "22 02 81 00", ERR_BAD_VARINT, "roles.1");
    refused(MEMBER, "22 05 80 80 80 80 10", ERR_BAD_VARINT, "roles.1");
    refused(MEMBER, "22 04 01 02", ERR_TRUNCATED, "roles.1");
    limits_t few = wide;
    few.fields = 3;
    expect(MEMBER, "22 03 01 02 03", &few, ERR_TOO_MANY, "roles.1"); // 1 field and 3 values
    few.fields = 4;
    expect(MEMBER, "22 03 01 02 03", &few, ERR_OK, NULL);
}

// ---- limits ----

static void limit_of_bytes(void **state)
{
    (void)state;
    limits_t limits = wide;
    limits.bytes = 2;
    expect(FEED, "10 01", &limits, ERR_OK, NULL);
    limits.bytes = 1;
    expect(FEED, "10 01", &limits, ERR_TOO_BIG, "");
    limits.bytes = 0;
    expect(FEED, "", &limits, ERR_OK, NULL);
}

static void limit_of_fields(void **state)
{
    (void)state;
    limits_t limits = wide;
    limits.fields = 4;
    expect(HEAD, "0a 04 10 01 18 02 10 05", &limits, ERR_OK, NULL);
    limits.fields = 3;
    expect(HEAD, "0a 04 10 01 18 02 10 05", &limits, ERR_TOO_MANY, "number");
    limits.fields = 2;
    expect(HEAD, "0a 04 10 01 18 02 10 05", &limits, ERR_TOO_MANY, "feed.lane");
    expect(FEED, "78 01 78 01 78 01", &limits, ERR_TOO_MANY, "#15");
}

static void limit_of_depth(void **state)
{
    (void)state;
    limits_t limits = wide;
    limits.depth = 1;
    expect(FEED, "10 01", &limits, ERR_OK, NULL);
    expect(HEAD, "0a 00", &limits, ERR_TOO_DEEP, "feed");
    // link message, heads, head, feed
    limits.depth = 4;
    expect(LINK, "3a 06 0a 04 0a 02 10 01", &limits, ERR_OK, NULL);
    limits.depth = 3;
    expect(LINK, "3a 06 0a 04 0a 02 10 01", &limits, ERR_TOO_DEEP, "heads.heads.1.feed");
}

// 512 Ki empty members in 1 MiB, at 88 bytes and a pointer each: refused by
// their count, and by the budget where the count allowed them.
static void many_small_things_cost_little(void **state)
{
    (void)state;
    buf_t bytes = {0};
    for (size_t i = 0; i < 512 * 1024; i++) {
        uint8_t *at = buf_extend(&bytes, 2);
        at[0] = 0x2a; // members, 5
        at[1] = 0x00;
    }
    ProtobufCMessage *message = NULL;
    limits_t limits = wide;
    fault_t fault;
    assert_int_equal(bounded_unpack(ROSTER, buf_span(&bytes), &limits, &message, &fault),
                     ERR_TOO_MANY);
    assert_string_equal(fault.where, "members.1001");
    limits.fields = 1 << 20;
    assert_int_equal(bounded_unpack(ROSTER, buf_span(&bytes), &limits, &message, &fault),
                     ERR_OVER_BUDGET);
    assert_null(message);
    buf_free(&bytes);
}

// A message with strings, bytes, nesting, packed values and unknown fields: every
// allocation in turn is the one that the budget refuses.
static void every_budget(void **state)
{
    (void)state;
    buf_t bytes = from_hex("08 02 1a 02 41 42 20 01"
                           "2a 0e 0a 02 43 52 12 04 01 02 03 04 22 02 05 06"
                           "2a 0a 0a 02 47 54 7a 04 01 02 03 04"
                           "32 0a 0a 02 50 41 22 04 08 01 10 02 7a 01 ff");
    bool passed = false;
    for (size_t memory = 0; memory < 8192; memory++) {
        ProtobufCMessage *message = NULL;
        limits_t limits = wide;
        limits.memory = memory;
        err_t err = bounded_unpack(ROSTER, buf_span(&bytes), &limits, &message, NULL);
        assert_int_equal(err, message ? ERR_OK : ERR_OVER_BUDGET);
        assert_true(message || !passed);
        passed = message != NULL;
        bounded_free(message);
    }
    assert_true(passed);
    buf_free(&bytes);
}

// ---- where ----

static void paths_name_the_place(void **state)
{
    (void)state;
    refused(ROSTER, "2a 02 22 00 2a 03 0a 01 ff", ERR_BAD_UTF8, "members.2.code");
    // Formers, former 1, cut 3, its epoch
    refused(ROSTER, "32 09 22 00 22 00 22 03 08 80 00", ERR_BAD_VARINT, "formers.1.cuts.3.epoch");
    refused(HEAD, "0a 03 0a 01", ERR_TRUNCATED, "feed");
    refused(HEAD, "0a 01 10", ERR_TRUNCATED, "feed.epoch");
}

static void a_fault_may_be_absent(void **state)
{
    (void)state;
    buf_t bytes = from_hex("0a 03 0a 01");
    assert_int_equal(bounded_check(HEAD, buf_span(&bytes), &wide, NULL), ERR_TRUNCATED);
    buf_free(&bytes);
    assert_int_equal(bounded_check(HEAD, span_of(NULL, 0), &wide, NULL), ERR_OK);
    bounded_free(NULL);
}

static void empty_messages(void **state)
{
    (void)state;
    ProtobufCMessage *message = NULL;
    assert_int_equal(bounded_unpack(FEED, span_of(NULL, 0), &wide, &message, NULL), ERR_OK);
    buf_t bytes = bounded_pack(message);
    assert_int_equal(bytes.size, 0);
    bounded_free(message);
    buf_free(&bytes);
}

// ---- anything at all ----

static void try_one(void *context, span_t bytes, size_t place)
{
    (void)place;
    const ProtobufCMessageDescriptor *type = context;
    ProtobufCMessage *message = NULL;
    if (bounded_unpack(type, bytes, &wide, &message, NULL))
        return;
    // What passed says the same after another round.
    buf_t again = bounded_pack(message);
    bounded_free(message);
    assert_int_equal(bounded_unpack(type, buf_span(&again), &wide, &message, NULL), ERR_OK);
    bounded_free(message);
    buf_free(&again);
}

static void nothing_crashes_it(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCMessageDescriptor *type;
        const char *hex;
    } seeds[] = {
        {ROSTER, "08 02 1a 02 41 42 20 01 2a 0e 0a 02 43 52 12 04 01 02 03 04 22 02 05 06"
                 "32 0a 0a 02 50 41 22 04 08 01 10 02 7a 01 ff"},
        {LINK, "0a 10 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
               "3a 0a 0a 04 0a 02 10 01 0a 02 10 07"},
        {TEXT, "0a 09 0a 02 65 73 12 03 53 c3 ad 0a 04 0a 02 65 6e"},
        {MONEY, "08 ff ff ff ff ff ff ff ff ff 01 12 03 45 55 52"},
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        const ProtobufCMessageDescriptor *type = seeds[i].type;
        void *context = NULL;
        memcpy(&context, &type, sizeof context);
        buf_t good = from_hex(seeds[i].hex);
        assert_int_equal(bounded_check(type, buf_span(&good), &wide, NULL), ERR_OK);
        hostile_each_bit(buf_span(&good), try_one, context);
        hostile_each_prefix(buf_span(&good), try_one, context);
        hostile_rounds(buf_span(&good), 2024, 5000, try_one, context);
        buf_free(&good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_have_one_form),
        cmocka_unit_test(numbers_fit_their_type),
        cmocka_unit_test(tags_have_one_form),
        cmocka_unit_test(wire_types_are_the_fields_own),
        cmocka_unit_test(groups_are_refused),
        cmocka_unit_test(what_ends_too_early),
        cmocka_unit_test(singular_fields_come_once),
        cmocka_unit_test(a_oneof_comes_once),
        cmocka_unit_test(text_is_checked),
        cmocka_unit_test(unknown_fields),
        cmocka_unit_test(unknown_fields_survive),
        cmocka_unit_test(packed_numbers),
        cmocka_unit_test(limit_of_bytes),
        cmocka_unit_test(limit_of_fields),
        cmocka_unit_test(limit_of_depth),
        cmocka_unit_test(many_small_things_cost_little),
        cmocka_unit_test(every_budget),
        cmocka_unit_test(paths_name_the_place),
        cmocka_unit_test(a_fault_may_be_absent),
        cmocka_unit_test(empty_messages),
        cmocka_unit_test(nothing_crashes_it),
    };
    return cmocka_run_group_tests_name("bounded", tests, NULL, NULL);
}
