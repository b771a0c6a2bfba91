// Types of fields that the schema may come to use: the bounded reader and the
// values of records know all of protobuf's integers, not only those of today.
// The messages here are described by hand; bytes after the encoding's description.
#include "tests/unit/record_helpers.h"

#include "lib/bounded.h"
#include "lib/fields.h"
#include "lib/value.h"
#include "tests/unit/hostile.h"

// ---- a message of fixed-width fields ----

typedef struct {
    ProtobufCMessage base;
    protobuf_c_boolean has_small;
    uint32_t small;
    protobuf_c_boolean has_large;
    uint64_t large;
    size_t n_reals;
    double *reals;
    size_t n_signs;
    int32_t *signs;
} fixed_t;

static const ProtobufCFieldDescriptor fixed_fields[] = {
    {"small", 1, PROTOBUF_C_LABEL_OPTIONAL, PROTOBUF_C_TYPE_FIXED32, offsetof(fixed_t, has_small),
     offsetof(fixed_t, small), NULL, NULL, 0, 0, NULL, NULL},
    {"large", 2, PROTOBUF_C_LABEL_OPTIONAL, PROTOBUF_C_TYPE_SFIXED64, offsetof(fixed_t, has_large),
     offsetof(fixed_t, large), NULL, NULL, 0, 0, NULL, NULL},
    {"reals", 3, PROTOBUF_C_LABEL_REPEATED, PROTOBUF_C_TYPE_DOUBLE, offsetof(fixed_t, n_reals),
     offsetof(fixed_t, reals), NULL, NULL, PROTOBUF_C_FIELD_FLAG_PACKED, 0, NULL, NULL},
    {"signs", 4, PROTOBUF_C_LABEL_REPEATED, PROTOBUF_C_TYPE_SINT32, offsetof(fixed_t, n_signs),
     offsetof(fixed_t, signs), NULL, NULL, PROTOBUF_C_FIELD_FLAG_PACKED, 0, NULL, NULL},
};
static const unsigned fixed_by_name[] = {1, 2, 3, 0};
static const ProtobufCIntRange fixed_ranges[] = {{1, 0}, {0, 4}};
static const ProtobufCMessageDescriptor fixed_type = {PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                                                      "test.Fixed",
                                                      "Fixed",
                                                      "Fixed",
                                                      "test",
                                                      sizeof(fixed_t),
                                                      4,
                                                      fixed_fields,
                                                      fixed_by_name,
                                                      1,
                                                      fixed_ranges,
                                                      NULL,
                                                      NULL,
                                                      NULL,
                                                      NULL};
static const limits_t limits = {.bytes = 200, .fields = 12, .depth = 1, .memory = 1000};

static err_t unpack(const char *hex, fixed_t **message, fault_t *fault)
{
    buf_t bytes = from_hex(hex);
    ProtobufCMessage *unpacked = NULL;
    err_t err = bounded_unpack(&fixed_type, buf_span(&bytes), &limits, &unpacked, fault);
    *message = (fixed_t *)unpacked;
    buf_free(&bytes);
    return err;
}

static void fixed_widths_are_read(void **state)
{
    fixed_t *message = NULL;
    fault_t fault = {0};
    (void)state;
    // 5: 32 bits; 1: 64 bits; 1.5 is 3ff8000000000000; -1 and 1 zigzag to 1 and 2.
    assert_int_equal(unpack("0d 01020304 11 fffffffffffffffe 1a 10 000000000000f83f"
                            "0000000000000000 22 02 0102",
                            &message, &fault),
                     ERR_OK);
    assert_int_equal(message->small, 0x04030201);
    assert_true(message->large == UINT64_C(0xfeffffffffffffff));
    assert_int_equal(message->n_reals, 2);
    assert_true(message->reals[0] == 1.5 && message->reals[1] == 0);
    assert_int_equal(message->n_signs, 2);
    assert_int_equal(message->signs[0], -1);
    assert_int_equal(message->signs[1], 1);
    bounded_free(&message->base);
}

static void fixed_widths_are_refused(void **state)
{
    static const struct {
        const char *hex;
        err_t err;
        const char *where;
    } cases[] = {
        {"0d 010203", ERR_TRUNCATED, "small"},
        {"11 01020304050607", ERR_TRUNCATED, "large"},
        {"08 01", ERR_BAD_WIRE_TYPE, "small"},
        {"09 0102030405060708", ERR_BAD_WIRE_TYPE, "small"},
        {"0a 04 01020304", ERR_BAD_WIRE_TYPE, "small"}, // only lists may come packed
        {"1a 09 0102030405060708 01", ERR_TRUNCATED, "reals.1"},
        {"22 06 ffffffffff01", ERR_BAD_VARINT, "signs.1"}, // more than 32 bits
        {"22 0d 01010101010101010101010101", ERR_TOO_MANY, "signs.1"},
        {"0d 01020304 0d 01020304", ERR_DUPLICATE_FIELD, "small"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixed_t *message = NULL;
        fault_t fault = {0};
        assert_err_name(unpack(cases[i].hex, &message, &fault), cases[i].err, cases[i].hex);
        assert_string_equal(fault.where, cases[i].where);
        assert_null(message);
    }
}

// ---- integers of every sort, as values of records ----

typedef struct {
    ProtobufCType type;
    const char *least, *below, *most, *above;
} integers_t;

static const integers_t integers[] = {
    {PROTOBUF_C_TYPE_INT32, "-2147483648", "-2147483649", "2147483647", "2147483648"},
    {PROTOBUF_C_TYPE_SINT32, "-2147483648", "-2147483649", "2147483647", "2147483648"},
    {PROTOBUF_C_TYPE_SFIXED32, "-2147483648", "-2147483649", "2147483647", "2147483648"},
    {PROTOBUF_C_TYPE_UINT32, "0", "-1", "4294967295", "4294967296"},
    {PROTOBUF_C_TYPE_FIXED32, "0", "-1", "4294967295", "4294967296"},
    {PROTOBUF_C_TYPE_INT64, "-9223372036854775808", "-9223372036854775809", "9223372036854775807",
     "9223372036854775808"},
    {PROTOBUF_C_TYPE_SFIXED64, "-9223372036854775808", "-9223372036854775809",
     "9223372036854775807", "9223372036854775808"},
    {PROTOBUF_C_TYPE_UINT64, "0", "-1", "18446744073709551615", "18446744073709551616"},
    {PROTOBUF_C_TYPE_FIXED64, "0", "-1", "18446744073709551615", "99999999999999999999999"},
};

static ProtobufCFieldDescriptor field_of(ProtobufCType type)
{
    return (ProtobufCFieldDescriptor){
        .name = "n", .id = 1, .label = PROTOBUF_C_LABEL_OPTIONAL, .type = type};
}

// Whether everybody's JSON has it as a number; beyond that it is its digits, and
// people write none.
static bool is_small(const char *digits)
{
    return strlen(digits) < 16;
}

static err_t from_digits(const char *digits, const ProtobufCFieldDescriptor *field, uint64_t *value)
{
    site_t site = {.kind = "", .reading = &reading_cr};
    fault_t fault = {0};
    json_t *json = is_small(digits) ? json_integer(strtoll(digits, NULL, 10)) : json_string(digits);
    err_t err = scalar_from_json(json, field, &site, value, &fault);
    json_decref(json);
    return err;
}

// To JSON and back it is the same, and so is its text.
static void expect_returns(const ProtobufCFieldDescriptor *field, const char *digits)
{
    site_t site = {.kind = "", .reading = &reading_cr};
    uint64_t value = 0, again = 0, typed = 0;
    fault_t fault = {0};
    assert_err_name(from_digits(digits, field, &value), ERR_OK, digits);
    json_t *json = scalar_to_json(field, &value);
    assert_true(is_small(digits) ? json_is_integer(json) : json_is_string(json));
    assert_err_name(scalar_from_json(json, field, &site, &again, &fault), ERR_OK, digits);
    assert_true(value == again);
    json_decref(json);
    char *text = scalar_to_text(field, &value);
    assert_string_equal(text, digits);
    mem_free(text);
    err_t err = scalar_from_text(digits, field, &site, &typed, &fault);
    assert_err_name(err, is_small(digits) ? ERR_OK : ERR_NUMBER_RANGE, digits);
    assert_true(err || typed == value);
}

static void integers_of_every_type_come_back(void **state)
{
    site_t site = {.kind = "", .reading = &reading_cr};
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        ProtobufCFieldDescriptor field = field_of(integers[i].type);
        uint64_t value = 0;
        fault_t fault = {0};
        expect_returns(&field, integers[i].least);
        expect_returns(&field, integers[i].most);
        expect_returns(&field, "7");
        assert_int_not_equal(from_digits(integers[i].below, &field, &value), ERR_OK);
        assert_int_not_equal(from_digits(integers[i].above, &field, &value), ERR_OK);
        assert_err_name(scalar_from_text(integers[i].below, &field, &site, &value, &fault),
                        ERR_NUMBER_RANGE, integers[i].below);
        assert_err_name(scalar_from_text(integers[i].above, &field, &site, &value, &fault),
                        ERR_NUMBER_RANGE, integers[i].above);
        assert_int_not_equal(scalar_from_text("7.5", &field, &site, &value, &fault), ERR_OK);
        assert_int_not_equal(scalar_from_text("", &field, &site, &value, &fault), ERR_OK);
    }
}

// What an author writes must be a number in everybody's JSON.
static void authors_keep_to_numbers_of_json(void **state)
{
    site_t site = {.kind = ""};
    fault_t fault = {0};
    (void)state;
    ProtobufCFieldDescriptor small = field_of(PROTOBUF_C_TYPE_INT32),
                             large = field_of(PROTOBUF_C_TYPE_SINT64);
    int32_t least = INT32_MIN;
    int64_t within = -INT64_C(9007199254740991), beyond = within - 1;
    assert_int_equal(scalar_check(&small, &site, &least, &fault), ERR_OK);
    assert_int_equal(scalar_check(&large, &site, &within, &fault), ERR_OK);
    assert_int_equal(scalar_check(&large, &site, &beyond, &fault), ERR_NUMBER_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_widths_are_read),
        cmocka_unit_test(fixed_widths_are_refused),
        cmocka_unit_test(integers_of_every_type_come_back),
        cmocka_unit_test(authors_keep_to_numbers_of_json),
    };
    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
