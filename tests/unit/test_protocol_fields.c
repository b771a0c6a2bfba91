// The messages of docs/protocol.md, section 10, are those of the schema, field by
// field; and what it says of each field is what the decoders do: whether it must
// be there, how often, how long it is, what it may hold.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "enlace/v1/link.pb-c.h"
#include "lib/beacon.h"
#include "lib/mem.h"
#include "tests/unit/doc_table.h"
#include "tests/unit/protocol_messages.h"
#include "tests/unit/protocol_promises.h"
#include "tests/unit/protocol_samples.h"
#include "tests/unit/thin.h"

#define DOCUMENT "docs/protocol.md"

typedef const ProtobufCMessageDescriptor type_t;
typedef const ProtobufCFieldDescriptor field_t;

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
    for (size_t i = 0; i < promises.count; i += thin(10)) {
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

// ---- the samples ----

static void try_and_free(promises_t *promises, type_t *type, buf_t bytes)
{
    promises_try(promises, type, buf_span(&bytes));
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
    promises_try(promises, &enlace__v1__commit_header__descriptor, plain->header);
    promises_try(promises, &enlace__v1__commit_header__descriptor, targeted->header);
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
    mem_free(second->cuts);
    second->cuts = mem_alloc(sizeof *second->cuts);
    second->cuts[0] = (cut_t){.epoch = 1, .lane = 1, .number = 7};
    second->cut_count = 1;
    card_sign(second, root);
    promises_try(promises, &enlace__v1__card__descriptor, buf_span(&first->body));
    promises_try(promises, &enlace__v1__card__descriptor, buf_span(&second->body));
    try_and_free(promises, &enlace__v1__signed_card__descriptor, card_encode(second));
    secret_destroy(&root);
    card_destroy(&first);
    card_destroy(&second);
}

static void try_rosters(promises_t *promises)
{
    roster_t *charter = sample_charter(2, 1), *next = sample_roster_after(charter);
    card_t *cards[2] = {sample_card("AA", 1), sample_card("BB", 2)};
    mem_free(next->formers);
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
    promises_try(promises, &enlace__v1__roster__descriptor, buf_span(&charter->body));
    promises_try(promises, &enlace__v1__roster__descriptor, buf_span(&next->body));
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
    promises_try(promises, &enlace__v1__beacon__descriptor,
                 span_of(outer->body.data, outer->body.len));
    promises_try(promises, &enlace__v1__signed_beacon__descriptor, buf_span(&beacon->signed_form));
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
        if (promise->broken)
            fail_msg("%s.%s: not as it says (%s; %s)", promise->message, promise->field,
                     promise->there, promise->values);
    }
    promises_free(&promises);
    mem_free(text);
}

// Whoever wrote one of these would be told.
static void a_promise_that_is_not_kept_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *message, *field, *there, *values;
    } lies[] = {
        {"Ack", "credit_limit", "must", "0 to 2^53"},
        {"Ack", "credit_limit", "may", "0 to 2^54"},
        {"Fetch", "after_number", "may", "0 to 2^53"},
        {"Fetch", "after_number", "must", "0 to 2^52"},
        {"Fetch", "fetch", "must", ""},
        {"Fetch", "after_hash", "must", "31 bytes"},
        {"Fetch", "after_hash", "must", "33 bytes"},
        {"RunPart", "bytes", "must", "up to 15 KiB"},
        {"RunPart", "bytes", "must", "up to 17 KiB"},
        {"Heads", "heads", "0 to 511", ""},
        {"Heads", "heads", "0 to 513", ""},
        {"Heads", "heads", "1 to 512", ""},
        {"CardNumber", "number", "must", "1 to 2^32-1"},
    };
    char *text = doc_read(DOCUMENT);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        promises_t promises = promises_of(text);
        promise_t *lie = promise_find(&promises, lies[i].message, lies[i].field);
        assert_non_null(lie);
        mem_free(lie->there);
        mem_free(lie->values);
        lie->there = mem_copy_string(lies[i].there);
        lie->values = mem_copy_string(lies[i].values);
        try_links(&promises);
        if (!lie->broken)
            fail_msg("%s.%s: %s; %s", lie->message, lie->field, lie->there, lie->values);
        promises_free(&promises);
    }
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_are_those_of_the_schema),
        cmocka_unit_test(a_field_too_few_or_other_is_noticed),
        cmocka_unit_test(the_decoders_do_what_it_says),
        cmocka_unit_test(a_promise_that_is_not_kept_is_noticed),
    };
    return cmocka_run_group_tests(tests, known_messages_start, known_messages_stop);
}
