// Records built at random: the seed alone says what is built.
#ifndef ENLACE_TESTS_RECORD_RANDOM_H
#define ENLACE_TESTS_RECORD_RANDOM_H

#include "tests/unit/record_helpers.h"

#include "lib/fields.h"
#include "lib/value.h"

typedef struct {
    uint64_t state;
} dice_t;

// splitmix64 (Steele, Lea, Flood 2014).
static uint64_t roll(dice_t *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(dice_t *dice, size_t count)
{
    return (size_t)(roll(dice) % count);
}

static char *random_text(dice_t *dice)
{
    static const char *const texts[] = {"",
                                        "es",
                                        "en",
                                        "CR",
                                        "@CR:key",
                                        "2018-04",
                                        "EUR",
                                        "ñandú 😀",
                                        "es-CO",
                                        "iati-activity-status",
                                        "entries",
                                        "_unknown",
                                        "htcds-services",
                                        "a\"b\\c\n\x01",
                                        "ES",
                                        "key"};
    return mem_copy_string(texts[below(dice, sizeof texts / sizeof *texts)]);
}

static uint64_t random_number(dice_t *dice)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     12,
                                     31,
                                     2018,
                                     UINT32_MAX,
                                     UINT64_C(9007199254740991),
                                     UINT64_C(9007199254740992),
                                     INT64_MAX,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX};
    return edges[below(dice, sizeof edges / sizeof *edges)];
}

static void fill_message(ProtobufCMessage *message, dice_t *dice);

static void fill_value(const ProtobufCFieldDescriptor *field, void *value, dice_t *dice)
{
    uint64_t number = random_number(dice);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        *(char **)value = random_text(dice);
    else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        fill_message(*(ProtobufCMessage **)value, dice);
    else if (field->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)value = (number & 1) != 0;
    else if (field->type == PROTOBUF_C_TYPE_ENUM)
        *(int *)value = (int)below(dice, 40) + 1;
    else if (field->type == PROTOBUF_C_TYPE_UINT32)
        *(uint32_t *)value = (uint32_t)number;
    else
        *(uint64_t *)value = number;
}

static void add_unknown(ProtobufCMessage *message, dice_t *dice)
{
    static const struct {
        const char *data;
        ProtobufCWireType wire;
    } forms[] = {{"BQ==", PROTOBUF_C_WIRE_TYPE_VARINT},
                 {"////////////AQ==", PROTOBUF_C_WIRE_TYPE_VARINT},
                 {"AAECAwQFBgc=", PROTOBUF_C_WIRE_TYPE_64BIT},
                 {"AAECAw==", PROTOBUF_C_WIRE_TYPE_32BIT},
                 {"", PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED},
                 {"CAE=", PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED}};
    size_t form = below(dice, sizeof forms / sizeof *forms), taken = 0;
    site_t site = {.kind = ""};
    fault_t fault = {0};
    json_t *array = json_pack("[{s:i, s:i, s:s}]", "tag", 1000 + (int)below(dice, 9), "wire",
                              (int)forms[form].wire, "data", forms[form].data);
    assert_int_equal(unknown_from_json(array, false, &site, message, &taken, &fault), ERR_OK);
    assert_int_equal(taken, 1);
    json_decref(array);
}

static void fill_message(ProtobufCMessage *message, dice_t *dice)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field_in_oneof(field) || below(dice, 3) == 0)
            continue;
        size_t count = field_is_list(field) ? below(dice, 4) : 1;
        for (size_t j = 0; j < count; j++)
            fill_value(field, field_add(message, field), dice);
    }
    if (below(dice, 8) == 0)
        add_unknown(message, dice);
}

// Any record of a kind, of which most is nothing that an author could write.
static record_t *random_record(const kind_t *kind, uint64_t seed)
{
    dice_t dice = {seed};
    record_t *record = record_new(kind);
    fill_message(&record->base, &dice);
    fill_message(record_body(record), &dice);
    return record;
}

#endif
