#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bounded.h"
#include "lib/enums.h"
#include "lib/mem.h"
#include "lib/value.h"

// Numbers pass through here as a sign and a size, so that no type needs a case
// of its own: what a field can hold is in the table.
typedef struct {
    bool negative;
    bool beyond; // of more than 64 bits: fits nowhere
    uint64_t size;
} number_t;

typedef struct {
    ProtobufCType type;
    bool is_signed;
    unsigned bits;
} integer_type_t;

static const integer_type_t *integer_type(ProtobufCType type)
{
    static const integer_type_t types[] = {
        {PROTOBUF_C_TYPE_INT32, true, 32},    {PROTOBUF_C_TYPE_SINT32, true, 32},
        {PROTOBUF_C_TYPE_SFIXED32, true, 32}, {PROTOBUF_C_TYPE_UINT32, false, 32},
        {PROTOBUF_C_TYPE_FIXED32, false, 32}, {PROTOBUF_C_TYPE_INT64, true, 64},
        {PROTOBUF_C_TYPE_SINT64, true, 64},   {PROTOBUF_C_TYPE_SFIXED64, true, 64},
        {PROTOBUF_C_TYPE_UINT64, false, 64},  {PROTOBUF_C_TYPE_FIXED64, false, 64},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type)
            return &types[i];
    return NULL;
}

static number_t number_of(int64_t value)
{
    bool negative = value < 0;
    return (number_t){negative, false, negative ? (uint64_t) - (value + 1) + 1 : (uint64_t)value};
}

static number_t number_load(const integer_type_t *type, const void *value)
{
    if (type->bits == 32)
        return type->is_signed ? number_of(*(const int32_t *)value)
                               : (number_t){false, false, *(const uint32_t *)value};
    return type->is_signed ? number_of(*(const int64_t *)value)
                           : (number_t){false, false, *(const uint64_t *)value};
}

static bool number_fits(const integer_type_t *type, number_t number)
{
    uint64_t half = UINT64_C(1) << (type->bits - 1);
    if (number.negative)
        return !number.beyond && type->is_signed && number.size <= half;
    return !number.beyond && number.size <= (type->is_signed ? half - 1 : half - 1 + half);
}

static bool number_in_json(number_t number)
{
    return !number.beyond && number.size <= (uint64_t)JSON_INTEGER_MAX;
}

static void number_store(const integer_type_t *type, number_t number, void *value)
{
    // Two's complement, as C11's fixed-width types are.
    uint64_t bits = number.negative ? ~(number.size - 1) : number.size;
    if (type->bits == 64)
        memcpy(value, &bits, sizeof bits);
    else
        memcpy(value, &(uint32_t){(uint32_t)(bits & UINT32_MAX)}, sizeof(uint32_t));
}

// Digits with an optional minus, no sign or zero too many.
static bool number_parse(const char *text, number_t *number)
{
    *number = (number_t){text[0] == '-', false, 0};
    const char *digits = text + (number->negative ? 1 : 0);
    size_t size = strspn(digits, "0123456789");
    if (size == 0 || digits[size] != '\0' || (digits[0] == '0' && (size > 1 || number->negative)))
        return false;
    for (size_t i = 0; i < size; i++) {
        uint64_t digit = (uint64_t)(digits[i] - '0');
        number->beyond = number->beyond || number->size > (UINT64_MAX - digit) / 10;
        number->size = number->beyond ? 0 : number->size * 10 + digit;
    }
    return true;
}

static char *number_text(number_t number)
{
    return mem_format("%s%" PRIu64, number.negative ? "-" : "", number.size);
}

static err_t take_number(const integer_type_t *type, number_t number, const site_t *site,
                         void *value, fault_t *fault)
{
    if (!number_fits(type, number))
        return fault_set(fault, ERR_NUMBER_RANGE, site->trail.path, NULL);
    number_store(type, number, value);
    return ERR_OK;
}

static err_t integer_from_json(const json_t *json, const integer_type_t *type, const site_t *site,
                               void *value, fault_t *fault)
{
    number_t number = {0};
    if (json_is_integer(json)) {
        number = number_of(json_integer_value(json));
        if (!number_in_json(number))
            return fault_set(fault, ERR_NUMBER_RANGE, site->trail.path, NULL);
    } else if (!json_is_string(json) || !number_parse(json_string_value(json), &number) ||
               number_in_json(number)) {
        // The one text that is let in is the one that scalar_to_json writes.
        return fault_set(fault, ERR_WRONG_TYPE, site->trail.path, "a whole number belongs here");
    }
    return take_number(type, number, site, value, fault);
}

static json_t *integer_to_json(const integer_type_t *type, const void *value)
{
    number_t number = number_load(type, value);
    if (number_in_json(number))
        return json_integer(number.negative ? -(json_int_t)number.size : (json_int_t)number.size);
    // A reader that keeps numbers as doubles would silently round it.
    char *text = number_text(number);
    json_t *json = json_string(text);
    mem_free(text);
    return json;
}

static err_t integer_from_text(const char *text, const integer_type_t *type, const site_t *site,
                               void *value, fault_t *fault)
{
    number_t number;
    if (!number_parse(text, &number))
        return fault_set(fault, ERR_WRONG_TYPE, site->trail.path, "a whole number belongs here");
    if (!number_in_json(number))
        return fault_set(fault, ERR_NUMBER_RANGE, site->trail.path, NULL);
    return take_number(type, number, site, value, fault);
}

static err_t bad_enum(const ProtobufCFieldDescriptor *field, const site_t *site, fault_t *fault)
{
    char list[160];
    enum_list(field->descriptor, list, sizeof list);
    return fault_set(fault, ERR_BAD_ENUM, site->trail.path, "one of %s", list);
}

// A name; or a number, but only one that has no name here.
static err_t enum_from_json(const json_t *json, const ProtobufCFieldDescriptor *field,
                            const site_t *site, void *value, fault_t *fault)
{
    int number = 0;
    if (json_is_string(json) && enum_by_name(field->descriptor, json_string_value(json), &number)) {
        *(int *)value = number;
        return ERR_OK;
    }
    if (!json_is_integer(json))
        return bad_enum(field, site, fault);
    json_int_t given = json_integer_value(json);
    if (given == 0 || given < INT32_MIN || given > INT32_MAX ||
        enum_name(field->descriptor, (int)given))
        return bad_enum(field, site, fault);
    *(int *)value = (int)given;
    return ERR_OK;
}

static json_t *enum_to_json(const ProtobufCFieldDescriptor *field, const void *value)
{
    const char *name = enum_name(field->descriptor, *(const int *)value);
    return name ? json_string(name) : json_integer(*(const int *)value);
}

err_t string_check(const char *text, const site_t *site, fault_t *fault)
{
    size_t size = strlen(text);
    if (size > RECORD_STRING_MAX)
        return fault_set(fault, ERR_TOO_BIG, site->trail.path, "at most %u bytes",
                         RECORD_STRING_MAX);
    if (!utf8_valid(span_of(text, size)))
        return fault_set(fault, ERR_BAD_UTF8, site->trail.path, NULL);
    return ERR_OK;
}

static err_t take_string(const char *text, const site_t *site, void *value, fault_t *fault)
{
    err_t err = string_check(text, site, fault);
    if (err == ERR_OK)
        *(char **)value = mem_copy_string(text);
    return err;
}

static err_t bytes_read(const json_t *json, const site_t *site, void *value, fault_t *fault)
{
    buf_t bytes = {0};
    if (!bytes_from_json(json, &bytes))
        return fault_set(fault, ERR_WRONG_TYPE, site->trail.path, "base64 belongs here");
    *(ProtobufCBinaryData *)value = (ProtobufCBinaryData){bytes.size, bytes.data};
    return ERR_OK;
}

err_t scalar_from_json(const json_t *json, const ProtobufCFieldDescriptor *field,
                       const site_t *site, void *value, fault_t *fault)
{
    const integer_type_t *integer = integer_type(field->type);
    if (integer)
        return integer_from_json(json, integer, site, value, fault);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return enum_from_json(json, field, site, value, fault);
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return bytes_read(json, site, value, fault);
    if (field->type == PROTOBUF_C_TYPE_STRING && json_is_string(json))
        return take_string(json_string_value(json), site, value, fault);
    if (field->type == PROTOBUF_C_TYPE_BOOL && json_is_boolean(json)) {
        *(protobuf_c_boolean *)value = json_is_true(json);
        return ERR_OK;
    }
    return fault_set(fault, ERR_WRONG_TYPE, site->trail.path,
                     field->type == PROTOBUF_C_TYPE_BOOL ? "true or false belongs here"
                                                         : "a text belongs here");
}

json_t *scalar_to_json(const ProtobufCFieldDescriptor *field, const void *value)
{
    const integer_type_t *integer = integer_type(field->type);
    if (integer)
        return json_sure(integer_to_json(integer, value));
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return json_sure(enum_to_json(field, value));
    if (field->type == PROTOBUF_C_TYPE_BOOL)
        return json_boolean(*(const protobuf_c_boolean *)value != 0);
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = value;
        return bytes_to_json(span_of(bytes->data, bytes->len));
    }
    return json_sure(json_string(*(char *const *)value));
}

err_t scalar_from_text(const char *text, const ProtobufCFieldDescriptor *field, const site_t *site,
                       void *value, fault_t *fault)
{
    const integer_type_t *integer = integer_type(field->type);
    if (integer)
        return integer_from_text(text, integer, site, value, fault);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return enum_by_name(field->descriptor, text, value) ? ERR_OK : bad_enum(field, site, fault);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return take_string(text, site, value, fault);
    if (field->type == PROTOBUF_C_TYPE_BOOL && (!strcmp(text, "true") || !strcmp(text, "false"))) {
        *(protobuf_c_boolean *)value = text[0] == 't';
        return ERR_OK;
    }
    return fault_set(fault, ERR_WRONG_TYPE, site->trail.path,
                     field->type == PROTOBUF_C_TYPE_BOOL ? "true or false belongs here" : NULL);
}

char *scalar_to_text(const ProtobufCFieldDescriptor *field, const void *value)
{
    json_t *json = scalar_to_json(field, value);
    char *text = json_is_string(json) ? mem_copy_string(json_string_value(json))
                                      : json_dumps(json, JSON_ENCODE_ANY);
    json_decref(json);
    if (!text)
        mem_exhausted();
    return text;
}

err_t scalar_check(const ProtobufCFieldDescriptor *field, const site_t *site, const void *value,
                   fault_t *fault)
{
    const integer_type_t *integer = integer_type(field->type);
    if (integer && !number_in_json(number_load(integer, value)))
        return fault_set(fault, ERR_NUMBER_RANGE, site->trail.path, NULL);
    if (field->type == PROTOBUF_C_TYPE_ENUM && !enum_name(field->descriptor, *(const int *)value))
        return bad_enum(field, site, fault);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return string_check(*(char *const *)value, site, fault);
    return ERR_OK;
}
