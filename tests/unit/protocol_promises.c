#include "tests/unit/protocol_promises.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/beacon.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/message.h"
#include "lib/wire.h"
#include "tests/unit/doc_table.h"

typedef const ProtobufCMessageDescriptor type_t;
typedef const ProtobufCFieldDescriptor field_t;

// ---- the document ----

static void add_promises(promises_t *promises, const char *message, const doc_table_t *table)
{
    for (size_t i = 0; i < table->count; i++) {
        char **cells = table->rows[i].cells;
        assert_int_equal(table->rows[i].count, 6);
        mem_grow(&promises->items, &promises->capacity, promises->count, sizeof *promises->items);
        promises->items[promises->count++] =
            (promise_t){.message = mem_copy_string(message),
                        .number = (unsigned)strtoul(cells[0], NULL, 10),
                        .field = mem_copy_string(cells[1]),
                        .type = mem_copy_string(cells[2]),
                        .there = mem_copy_string(cells[3]),
                        .values = mem_copy_string(cells[4])};
    }
}

promises_t promises_of(const char *text)
{
    promises_t promises = {0};
    const char *end = strstr(text, "\n## 11.");
    const char *at = strstr(text, "\n## 10.");
    assert_true(at && end);
    for (at = strstr(at, "\n### "); at && at < end; at = strstr(at + 1, "\n### ")) {
        doc_table_t table;
        char *heading = mem_format("%.*s", (int)strcspn(at + 1, "\n"), at + 1);
        doc_table(text, heading, &table);
        add_promises(&promises, heading + strlen("### "), &table);
        doc_table_clear(&table);
        mem_free(heading);
    }
    return promises;
}

void promises_free(promises_t *promises)
{
    for (size_t i = 0; i < promises->count; i++) {
        mem_free(promises->items[i].message);
        mem_free(promises->items[i].field);
        mem_free(promises->items[i].type);
        mem_free(promises->items[i].there);
        mem_free(promises->items[i].values);
    }
    mem_free(promises->items);
}

promise_t *promise_find(const promises_t *promises, const char *message, const char *field)
{
    for (size_t i = 0; i < promises->count; i++)
        if (strcmp(promises->items[i].message, message) == 0 &&
            strcmp(promises->items[i].field, field) == 0)
            return &promises->items[i];
    return NULL;
}

// ---- what decodes what ----

static err_t decode_link(span_t bytes)
{
    message_t message;
    fault_t fault;
    err_t err = message_decode(bytes, &message, &fault);
    message_clear(&message);
    return err;
}

static err_t decode_run(span_t bytes)
{
    run_t run;
    fault_t fault;
    err_t err = run_decode(bytes, &run, &fault);
    if (!err)
        run_clear(&run);
    return err;
}

static err_t decode_header(span_t bytes)
{
    static const payload_state_t states[1] = {PAYLOAD_MISSING};
    static const uint8_t salts[1][SALT_SIZE];
    static const span_t bodies[1];
    commit_t *commit = NULL;
    fault_t fault;
    err_t err = commit_decode(bytes, NULL, 1, states, salts, bodies, &commit, &fault);
    commit_destroy(&commit);
    return err;
}

static err_t decode_signed_card(span_t bytes)
{
    card_t *card = NULL;
    fault_t fault;
    err_t err = card_decode(bytes, &card, &fault);
    card_destroy(&card);
    return err;
}

static err_t decode_signed_roster(span_t bytes)
{
    roster_t *roster = NULL;
    fault_t fault;
    err_t err = roster_decode(bytes, &roster, &fault);
    roster_destroy(&roster);
    return err;
}

static err_t decode_signed_beacon(span_t bytes)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    err_t err = beacon_decode(bytes, &beacon, &fault);
    beacon_destroy(&beacon);
    return err;
}

static err_t decode_charter(span_t bytes)
{
    charter_t *charter = NULL;
    fault_t fault;
    err_t err = charter_decode(bytes, &charter, &fault);
    charter_destroy(&charter);
    return err;
}

// A body with a signature that is none: bodies are looked at before it is.
static err_t with_signature(span_t body, err_t (*decode)(span_t bytes))
{
    static const uint8_t nothing[SIGNATURE_SIZE];
    buf_t bytes = {0};
    wire_append(&bytes, 1, body);
    if (decode != decode_signed_roster)
        wire_append(&bytes, 2, span_of(nothing, sizeof nothing));
    err_t err = decode(buf_span(&bytes));
    buf_free(&bytes);
    return err;
}

static err_t decode_card(span_t body)
{
    return with_signature(body, decode_signed_card);
}

static err_t decode_roster(span_t body)
{
    return with_signature(body, decode_signed_roster);
}

static err_t decode_beacon(span_t body)
{
    return with_signature(body, decode_signed_beacon);
}

typedef struct {
    type_t *type;
    err_t (*decode)(span_t bytes);
} decoder_t;

static const decoder_t decoders[] = {
    {&enlace__v1__link_message__descriptor, decode_link},
    {&enlace__v1__run__descriptor, decode_run},
    {&enlace__v1__commit_header__descriptor, decode_header},
    {&enlace__v1__signed_card__descriptor, decode_signed_card},
    {&enlace__v1__card__descriptor, decode_card},
    {&enlace__v1__signed_roster__descriptor, decode_signed_roster},
    {&enlace__v1__roster__descriptor, decode_roster},
    {&enlace__v1__signed_beacon__descriptor, decode_signed_beacon},
    {&enlace__v1__beacon__descriptor, decode_beacon},
    {&enlace__v1__charter_file__descriptor, decode_charter},
};

static const decoder_t *decoder_of(type_t *type)
{
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
        if (decoders[i].type == type)
            return &decoders[i];
    return NULL;
}

// ---- trying what a row says ----

typedef struct {
    promises_t *promises;
    const decoder_t *decoder;
    ProtobufCMessage *root;
} trial_t;

static err_t decode_now(const trial_t *trial)
{
    buf_t bytes = bounded_pack(trial->root);
    err_t err = trial->decoder->decode(buf_span(&bytes));
    buf_free(&bytes);
    return err;
}

static void expect(promise_t *promise, bool refused, err_t reason, err_t got)
{
    promise->broken += (got == reason) != refused;
}

static void *place_of(ProtobufCMessage *message, field_t *field)
{
    return (uint8_t *)message + field->offset;
}

static size_t *count_of(ProtobufCMessage *message, field_t *field)
{
    return (size_t *)(void *)((uint8_t *)message + field->quantifier_offset);
}

static protobuf_c_boolean *has_of(ProtobufCMessage *message, field_t *field)
{
    return (protobuf_c_boolean *)((uint8_t *)message + field->quantifier_offset);
}

static bool is_pointer(field_t *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

// As the document writes numbers: 2,048; 2^53; 2^32-1.
static uint64_t number_from(const char **at)
{
    uint64_t number = 0;
    for (; (**at >= '0' && **at <= '9') || **at == ','; ++*at)
        number = **at == ',' ? number : number * 10 + (uint64_t)(**at - '0');
    if (**at == '^') {
        number = (uint64_t)1 << strtoul(*at + 1, NULL, 10);
        *at += 3;
        if (**at == '-') {
            number--;
            *at += 2;
        }
    }
    return number;
}

bool promise_range(const char *text, uint64_t *least, uint64_t *most)
{
    const char *at = text;
    *least = number_from(&at);
    if (strncmp(at, " to ", 4) != 0)
        return false;
    at += 4;
    *most = number_from(&at);
    assert_int_equal(*at, '\0');
    return true;
}

// Without its field, which is put back.
static err_t decode_without(const trial_t *trial, ProtobufCMessage *message, field_t *field)
{
    err_t err;
    if (is_pointer(field)) {
        void *pointer, *none = NULL;
        memcpy(&pointer, place_of(message, field), sizeof pointer);
        memcpy(place_of(message, field), &none, sizeof none);
        err = decode_now(trial);
        memcpy(place_of(message, field), &pointer, sizeof pointer);
    } else {
        *has_of(message, field) = 0;
        err = decode_now(trial);
        *has_of(message, field) = 1;
    }
    return err;
}

static err_t decode_times(const trial_t *trial, ProtobufCMessage *message, field_t *field,
                          size_t times)
{
    size_t size = field->type == PROTOBUF_C_TYPE_UINT32  ? sizeof(uint32_t)
                  : field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData)
                                                         : sizeof(void *);
    size_t before = *count_of(message, field);
    uint8_t *array, *many = mem_alloc_array(times, size);
    memcpy(&array, place_of(message, field), sizeof array);
    for (size_t i = 0; i < times; i++)
        memcpy(many + i * size, array, size); // the first, again and again
    memcpy(place_of(message, field), &many, sizeof many);
    *count_of(message, field) = times;
    err_t err = decode_now(trial);
    memcpy(place_of(message, field), &array, sizeof array);
    *count_of(message, field) = before;
    mem_free(many);
    return err;
}

static err_t decode_length(const trial_t *trial, ProtobufCBinaryData *data, size_t size)
{
    ProtobufCBinaryData before = *data;
    uint8_t *bytes = mem_alloc(size);
    if (before.len)
        memcpy(bytes, before.data, before.len < size ? before.len : size);
    *data = (ProtobufCBinaryData){size, bytes};
    err_t err = decode_now(trial);
    *data = before;
    mem_free(bytes);
    return err;
}

static void try_bytes(const trial_t *trial, ProtobufCBinaryData *data, promise_t *promise)
{
    const char *at = promise->values;
    bool bounded = strncmp(at, "up to ", 6) == 0;
    at += bounded ? 6 : 0;
    size_t size = (size_t)number_from(&at);
    promise->values_tried = true;
    if (bounded) {
        assert_string_equal(at, " KiB");
        expect(promise, false, ERR_TOO_BIG, decode_length(trial, data, size * 1024));
        expect(promise, true, ERR_TOO_BIG, decode_length(trial, data, size * 1024 + 1));
    } else if (size) {
        assert_string_equal(at, " bytes");
        expect(promise, false, ERR_BAD_LENGTH, decode_length(trial, data, size));
        expect(promise, true, ERR_BAD_LENGTH, decode_length(trial, data, size - 1));
        expect(promise, true, ERR_BAD_LENGTH, decode_length(trial, data, size + 1));
    }
}

static void try_repeated(const trial_t *trial, ProtobufCMessage *message, field_t *field,
                         promise_t *promise)
{
    uint64_t least, most;
    if (!*count_of(message, field))
        return;
    promise->there_tried = promise->values_tried = true;
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *first;
        memcpy(&first, place_of(message, field), sizeof first);
        try_bytes(trial, first, promise);
    }
    if (!promise_range(promise->there, &least, &most))
        return; // any
    expect(promise, least > 0, ERR_MISSING_FIELD, decode_times(trial, message, field, 0));
    expect(promise, false, ERR_TOO_MANY, decode_times(trial, message, field, (size_t)most));
    expect(promise, true, ERR_TOO_MANY, decode_times(trial, message, field, (size_t)most + 1));
}

static err_t decode_number(const trial_t *trial, ProtobufCMessage *message, field_t *field,
                           uint64_t number)
{
    uint32_t narrow = (uint32_t)number;
    bool wide = field->type == PROTOBUF_C_TYPE_UINT64;
    size_t size = wide ? sizeof number : sizeof narrow;
    uint8_t before[8];
    memcpy(before, place_of(message, field), size);
    memcpy(place_of(message, field), wide ? (void *)&number : (void *)&narrow, size);
    err_t err = decode_now(trial);
    memcpy(place_of(message, field), before, size);
    return err;
}

static void try_number(const trial_t *trial, ProtobufCMessage *message, field_t *field,
                       promise_t *promise)
{
    uint64_t type_most = field->type == PROTOBUF_C_TYPE_UINT64 ? UINT64_MAX : UINT32_MAX;
    uint64_t least = 0, most = type_most;
    bool ranged = promise_range(promise->values, &least, &most);
    if (!ranged)
        assert_string_equal(promise->values, "");
    promise->values_tried = true;
    if (least)
        expect(promise, true, ERR_BAD_VALUE, decode_number(trial, message, field, least - 1));
    expect(promise, false, ERR_BAD_VALUE, decode_number(trial, message, field, least));
    expect(promise, false, ERR_BAD_VALUE, decode_number(trial, message, field, most));
    if (most < type_most)
        expect(promise, true, ERR_BAD_VALUE, decode_number(trial, message, field, most + 1));
}

static bool is_set(ProtobufCMessage *message, field_t *field)
{
    void *pointer = NULL;
    if (is_pointer(field))
        memcpy(&pointer, place_of(message, field), sizeof pointer);
    return is_pointer(field) ? pointer != NULL : *has_of(message, field) != 0;
}

static void try_singular(const trial_t *trial, ProtobufCMessage *message, field_t *field,
                         promise_t *promise)
{
    bool must = strcmp(promise->there, "may") != 0;
    if (!is_set(message, field))
        return;
    promise->there_tried = true;
    // What is present cannot be called anything else: tried on what is missing.
    if (message->descriptor == &enlace__v1__payload__descriptor && field->id == 1 &&
        ((Enlace__V1__Payload *)message)->has_salt)
        return;
    expect(promise, must, ERR_MISSING_FIELD, decode_without(trial, message, field));
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        try_bytes(trial, place_of(message, field), promise);
    else if (field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_UINT64)
        try_number(trial, message, field, promise);
    else
        promise->values_tried = true;
}

static void try_message(const trial_t *trial, ProtobufCMessage *message);

// What a decoder of its own looks at is no concern of the message around it; the
// feed of a run cannot be another than its commits'.
static void descend(const trial_t *trial, ProtobufCMessage *message, field_t *field)
{
    void *value;
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    bool bound = message->descriptor == &enlace__v1__run__descriptor;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE || decoder_of(field->descriptor) ||
        (bound && field->descriptor == &enlace__v1__feed__descriptor))
        return;
    memcpy(&value, place_of(message, field), sizeof value);
    if (!repeated && value)
        try_message(trial, value);
    else if (repeated && *count_of(message, field))
        try_message(trial, ((ProtobufCMessage **)value)[0]);
}

static bool chosen(ProtobufCMessage *message, field_t *field)
{
    uint32_t which;
    memcpy(&which, (uint8_t *)message + field->quantifier_offset, sizeof which);
    return which == field->id;
}

static void try_message(const trial_t *trial, ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        field_t *field = &message->descriptor->fields[i];
        bool one_of = field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
        promise_t *promise =
            promise_find(trial->promises, message->descriptor->short_name, field->name);
        assert_non_null(promise);
        if (one_of && !chosen(message, field))
            continue;
        if (one_of)
            promise->there_tried = promise->values_tried = true;
        else if (field->label == PROTOBUF_C_LABEL_REPEATED)
            try_repeated(trial, message, field, promise);
        else
            try_singular(trial, message, field, promise);
        descend(trial, message, field);
    }
}

void promises_try(promises_t *promises, type_t *type, span_t sample)
{
    trial_t trial = {.promises = promises, .decoder = decoder_of(type)};
    assert_non_null(trial.decoder);
    err_t err = trial.decoder->decode(sample); // a body's signature is none
    assert_true(err == ERR_OK || err == ERR_BAD_SIGNATURE);
    trial.root = protobuf_c_message_unpack(type, NULL, sample.size, sample.data);
    assert_non_null(trial.root);
    try_message(&trial, trial.root);
    protobuf_c_message_free_unpacked(trial.root, NULL);
}
