// The messages of docs/protocol.md, section 10, are those of the schema, field by
// field; and what it says of each field is what the decoders do: whether it must
// be there, how often, how long it is, what it may hold.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/beacon.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "tests/unit/doc_table.h"
#include "tests/unit/protocol_messages.h"
#include "tests/unit/protocol_samples.h"

#define DOCUMENT "docs/protocol.md"

typedef const ProtobufCMessageDescriptor type_t;
typedef const ProtobufCFieldDescriptor field_t;

// ---- the document ----

// A row, and whether some sample has tried what it says.
typedef struct {
    char *message, *field, *type, *there, *values;
    unsigned number;
    bool there_tried, values_tried;
} promise_t;

typedef struct {
    size_t count, capacity;
    promise_t *items;
} promises_t;

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

static promises_t promises_of(const char *text)
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

static void promises_free(promises_t *promises)
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

static promise_t *promise_of(promises_t *promises, type_t *type, field_t *field)
{
    for (size_t i = 0; i < promises->count; i++)
        if (strcmp(promises->items[i].message, type->short_name) == 0 &&
            strcmp(promises->items[i].field, field->name) == 0)
            return &promises->items[i];
    fail_msg("%s.%s: not in the document", type->short_name, field->name);
    return NULL;
}

// ---- the schema ----

static const char *type_name(field_t *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
        return "uint32";
    case PROTOBUF_C_TYPE_UINT64:
        return "uint64";
    case PROTOBUF_C_TYPE_BOOL:
        return "bool";
    case PROTOBUF_C_TYPE_BYTES:
        return "bytes";
    case PROTOBUF_C_TYPE_STRING:
        return "string";
    case PROTOBUF_C_TYPE_MESSAGE:
        return ((type_t *)field->descriptor)->short_name;
    default:
        return "?";
    }
}

enum { TYPES_MAX = 64 };

static void collect(type_t *type, type_t *types[TYPES_MAX], size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        if (types[i] == type)
            return;
    assert_true(*count < TYPES_MAX);
    types[(*count)++] = type;
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            collect(type->fields[i].descriptor, types, count);
}

// How a field is there, as far as the schema knows.
static const char *label_of(field_t *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return "repeated";
    return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? "one of" : "singular";
}

static const char *label_promised(const promise_t *promise)
{
    const char *there = promise->there;
    if (strcmp(there, "one of") == 0)
        return "one of";
    if (strcmp(there, "any") == 0 || strstr(there, " to "))
        return "repeated";
    bool known = strcmp(there, "must") == 0 || strcmp(there, "may") == 0 ||
                 strcmp(there, "all or none") == 0;
    return known ? "singular" : there;
}

static void lines_of_schema(lines_t *lines)
{
    type_t *const roots[] = {
        &enlace__v1__link_message__descriptor,  &enlace__v1__publication__descriptor,
        &enlace__v1__commit_header__descriptor, &enlace__v1__card__descriptor,
        &enlace__v1__roster__descriptor,        &enlace__v1__beacon__descriptor,
        &enlace__v1__charter_file__descriptor,  &enlace__v1__consent__descriptor,
        &enlace__v1__retraction__descriptor,
    };
    type_t *types[TYPES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        collect(roots[i], types, &count);
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < types[i]->n_fields; k++) {
            field_t *field = &types[i]->fields[k];
            lines_add(lines, "%s | %u | %s | %s | %s", types[i]->short_name, field->id, field->name,
                      type_name(field), label_of(field));
        }
}

static size_t schema_differs(const char *text, const char *name)
{
    promises_t promises = promises_of(text);
    lines_t document = {0}, code = {0};
    for (size_t i = 0; i < promises.count; i++) {
        const promise_t *promise = &promises.items[i];
        lines_add(&document, "%s | %u | %s | %s | %s", promise->message, promise->number,
                  promise->field, promise->type, label_promised(promise));
    }
    lines_of_schema(&code);
    size_t count = lines_differ(&document, &code, name);
    lines_clear(&document);
    lines_clear(&code);
    promises_free(&promises);
    return count;
}

static void the_fields_are_those_of_the_schema(void **state)
{
    (void)state;
    char *text = doc_read(DOCUMENT);
    assert_int_equal(schema_differs(text, "section 10"), 0);
    mem_free(text);
}

static void a_field_too_few_or_other_is_noticed(void **state)
{
    (void)state;
    char *text = doc_read(DOCUMENT);
    promises_t promises = promises_of(text);
    for (size_t i = 0; i < promises.count; i++) {
        char *heading = mem_format("### %s", promises.items[i].message);
        doc_table_t table;
        assert_true(doc_table(text, heading, &table));
        const doc_row_t *row = &table.rows[i % table.count];
        char *without = mem_format("%.*s%s", (int)row->start, text, text + row->end);
        assert_true(schema_differs(without, NULL) > 0);
        char *other = mem_copy_string(text);
        *strchr(other + row->start, '`') = 'x'; // of the field's name
        assert_true(schema_differs(other, NULL) > 0);
        mem_free(without);
        mem_free(other);
        doc_table_clear(&table);
        mem_free(heading);
    }
    promises_free(&promises);
    mem_free(text);
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

static void expect(const promise_t *promise, const char *what, bool refused, err_t reason,
                   err_t got)
{
    if ((got == reason) != refused)
        fail_msg("%s.%s (%s; %s), %s: %s", promise->message, promise->field, promise->there,
                 promise->values, what, err_name(got));
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

static bool range_from(const char *text, uint64_t *least, uint64_t *most)
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
    size_t size = field->type == PROTOBUF_C_TYPE_UINT32 ? sizeof(uint32_t) : sizeof(void *);
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

static void try_repeated(const trial_t *trial, ProtobufCMessage *message, field_t *field,
                         promise_t *promise)
{
    uint64_t least, most;
    if (!*count_of(message, field))
        return;
    promise->there_tried = promise->values_tried = true;
    if (!range_from(promise->there, &least, &most))
        return; // any
    expect(promise, "none", least > 0, ERR_MISSING_FIELD, decode_times(trial, message, field, 0));
    expect(promise, "the most", false, ERR_TOO_MANY,
           decode_times(trial, message, field, (size_t)most));
    expect(promise, "one more", true, ERR_TOO_MANY,
           decode_times(trial, message, field, (size_t)most + 1));
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
        expect(promise, "one byte more", true, ERR_TOO_BIG,
               decode_length(trial, data, size * 1024 + 1));
    } else if (size) {
        assert_string_equal(at, " bytes");
        expect(promise, "as it is", false, ERR_BAD_LENGTH, decode_length(trial, data, size));
        expect(promise, "shorter", true, ERR_BAD_LENGTH, decode_length(trial, data, size - 1));
        expect(promise, "longer", true, ERR_BAD_LENGTH, decode_length(trial, data, size + 1));
    }
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
    bool ranged = range_from(promise->values, &least, &most);
    if (!ranged)
        assert_string_equal(promise->values, "");
    promise->values_tried = true;
    if (least)
        expect(promise, "below the least", true, ERR_BAD_VALUE,
               decode_number(trial, message, field, least - 1));
    expect(promise, "the least", false, ERR_BAD_VALUE, decode_number(trial, message, field, least));
    expect(promise, "the most", false, ERR_BAD_VALUE, decode_number(trial, message, field, most));
    if (most < type_most)
        expect(promise, "above the most", true, ERR_BAD_VALUE,
               decode_number(trial, message, field, most + 1));
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
    expect(promise, "without", must, ERR_MISSING_FIELD, decode_without(trial, message, field));
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
        promise_t *promise = promise_of(trial->promises, message->descriptor, field);
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

static void try_sample(promises_t *promises, type_t *type, span_t bytes)
{
    trial_t trial = {.promises = promises, .decoder = decoder_of(type)};
    assert_non_null(trial.decoder);
    assert_int_equal(type == &enlace__v1__card__descriptor ||
                             type == &enlace__v1__beacon__descriptor
                         ? ERR_OK
                         : trial.decoder->decode(bytes),
                     ERR_OK);
    trial.root = protobuf_c_message_unpack(type, NULL, bytes.size, bytes.data);
    assert_non_null(trial.root);
    try_message(&trial, trial.root);
    protobuf_c_message_free_unpacked(trial.root, NULL);
}

// ---- the samples ----

static void try_and_free(promises_t *promises, type_t *type, buf_t bytes)
{
    try_sample(promises, type, buf_span(&bytes));
    buf_free(&bytes);
}

static void try_links(promises_t *promises)
{
    for (size_t i = 0; known_message(i); i++) {
        message_t message = {.type = known_message(i)->type,
                             .has_session = known_message(i)->type != MSG_HELLO};
        known_message(i)->fill(&message);
        if (message.type == MSG_HELLO)
            message.as.hello.protocol_max = UINT32_MAX; // or the lowest could not be as high
        try_and_free(promises, &enlace__v1__link_message__descriptor, message_encode(&message));
        message.as.payload.state = PAYLOAD_MISSING;
        if (message.type == MSG_PAYLOAD_FOUND)
            try_and_free(promises, &enlace__v1__link_message__descriptor, message_encode(&message));
    }
}

static void try_commits(promises_t *promises)
{
    static const uint8_t seed[32] = {3};
    static const hash_t start = {{0x50}};
    pubkey_t key;
    secret_t *signing = sample_secret(1, &key);
    feed_t feed = sample_feed();
    draft_t draft = {.type = CHANGE_RETRACT,
                     .has_target = true,
                     .target = {1, 1, 5},
                     .min_reader = 1,
                     .body = span_text("body")};
    commit_t *plain = sample_commit(1, NULL, 1, 20);
    commit_t *full =
        sample_commit(1, NULL, COMMIT_CHANGES_MAX, 20); // or fewer payloads were too many
    commit_t *targeted =
        commit_author(&feed, 1, &start, 1000, 3, &draft, 1, seed, signing, &sample_coalition);
    try_and_free(promises, &enlace__v1__run__descriptor, run_encode(&full->feed, &full, 1));
    try_sample(promises, &enlace__v1__commit_header__descriptor, plain->header);
    try_sample(promises, &enlace__v1__commit_header__descriptor, targeted->header);
    commit_destroy(&plain);
    commit_destroy(&full);
    commit_destroy(&targeted);
    secret_destroy(&signing);
}

static void try_cards(promises_t *promises)
{
    card_t *first = sample_card("AA", 1), *second = sample_card_after(first, 1);
    pubkey_t key;
    secret_t *root = sample_secret(1, &key);
    second->cuts = mem_alloc(sizeof *second->cuts);
    second->cuts[0] = (cut_t){.epoch = 1, .lane = 1, .number = 7};
    second->cut_count = 1;
    card_sign(second, root);
    try_sample(promises, &enlace__v1__card__descriptor, buf_span(&first->body));
    try_sample(promises, &enlace__v1__card__descriptor, buf_span(&second->body));
    try_and_free(promises, &enlace__v1__signed_card__descriptor, card_encode(second));
    secret_destroy(&root);
    card_destroy(&first);
    card_destroy(&second);
}

static void try_rosters(promises_t *promises)
{
    roster_t *charter = sample_charter(2, 1), *next = sample_roster_after(charter);
    card_t *cards[2] = {sample_card("AA", 1), sample_card("BB", 2)};
    next->formers = mem_alloc(sizeof *next->formers);
    next->formers[0] = (former_t){.code = next->members[1].code,
                                  .origin = next->members[1].origin,
                                  .root_key = next->members[1].root_key,
                                  .cut_count = 1,
                                  .cuts = mem_alloc(sizeof(cut_t))};
    next->formers[0].cuts[0] = (cut_t){.epoch = 1, .number = 7};
    next->former_count = 1;
    next->member_count = 1;
    next->members[0].roles[0] = 1;
    next->members[0].role_count = 1;
    roster_seal(next);
    try_sample(promises, &enlace__v1__roster__descriptor, buf_span(&charter->body));
    try_sample(promises, &enlace__v1__roster__descriptor, buf_span(&next->body));
    try_and_free(promises, &enlace__v1__signed_roster__descriptor, roster_encode(charter));
    try_and_free(promises, &enlace__v1__charter_file__descriptor,
                 charter_encode(charter, cards, 2));
    card_destroy(&cards[0]);
    card_destroy(&cards[1]);
    roster_destroy(&charter);
    roster_destroy(&next);
}

static void try_beacon(promises_t *promises, bool own)
{
    pubkey_t key;
    secret_t *signing = sample_secret(1, &key);
    beacon_t *beacon = mem_alloc(sizeof *beacon);
    head_t *head = mem_alloc(sizeof *head);
    *head = (head_t){.feed = sample_feed(), .number = 3};
    *beacon = (beacon_t){.origin = head->feed.origin,
                         .sequence = 9,
                         .card_number = 1,
                         .coalition = sample_coalition,
                         .own = own ? head : NULL,
                         .own_count = own,
                         .held = own ? NULL : head,
                         .held_count = !own};
    beacon_sign(beacon, signing);
    Enlace__V1__SignedBeacon *outer =
        enlace__v1__signed_beacon__unpack(NULL, beacon->signed_form.size, beacon->signed_form.data);
    try_sample(promises, &enlace__v1__beacon__descriptor,
               span_of(outer->body.data, outer->body.len));
    try_sample(promises, &enlace__v1__signed_beacon__descriptor, buf_span(&beacon->signed_form));
    enlace__v1__signed_beacon__free_unpacked(outer, NULL);
    beacon_destroy(&beacon);
    secret_destroy(&signing);
}

// What nobody who receives it reads, and what another test tries.
static bool tried_elsewhere(const promise_t *promise)
{
    return strcmp(promise->message, "Consent") == 0 ||
           strcmp(promise->message, "Retraction") == 0 ||
           strcmp(promise->message, "Publication") == 0;
}

static void the_decoders_do_what_it_says(void **state)
{
    (void)state;
    char *text = doc_read(DOCUMENT);
    promises_t promises = promises_of(text);
    try_links(&promises);
    try_commits(&promises);
    try_cards(&promises);
    try_rosters(&promises);
    try_beacon(&promises, true);
    try_beacon(&promises, false);
    for (size_t i = 0; i < promises.count; i++) {
        const promise_t *promise = &promises.items[i];
        if (!tried_elsewhere(promise) && !(promise->there_tried && promise->values_tried))
            fail_msg("%s.%s: no sample tries it", promise->message, promise->field);
    }
    promises_free(&promises);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_are_those_of_the_schema),
        cmocka_unit_test(a_field_too_few_or_other_is_noticed),
        cmocka_unit_test(the_decoders_do_what_it_says),
    };
    return cmocka_run_group_tests(tests, known_messages_start, known_messages_stop);
}
