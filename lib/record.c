#include "lib/record.h"

#include <string.h>

#include "lib/bounded.h"
#include "lib/commit.h"
#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/scan.h"
#include "lib/text.h"

// What an author may write fits by far: see record_check, which decodes it.
static const limits_t record_limits = {
    .bytes = PAYLOAD_BYTES_MAX,
    .fields = 16384,
    .depth = 8,
    .memory = 2u * 1024 * 1024,
    .unknown = true,
};

err_t record_decode(span_t bytes, record_t **record, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    err_t err =
        bounded_unpack(&enlace__v1__record__descriptor, bytes, &record_limits, &message, fault);
    *record = err == ERR_OK ? (record_t *)message : NULL;
    return err;
}

// ---- at a glance ----

// Unpacked, a field takes at most one message of the schema (test_record_parts looks at
// their sizes: below 4 KiB) beside its own bytes: this many are within the budget of
// record_decode whatever they are.
enum { PLAIN_FIELDS_MAX = 256 };

// Numbers of fields in proto/enlace/v1/records.proto.
enum { RECORD_KEY = 1, RECORD_LABEL = 2, RECORD_EXAMPLE = 4 };

static void take_field(record_glance_t *glance, uint32_t tag, const scan_value_t *value)
{
    if (tag == RECORD_KEY)
        glance->key = value->bytes;
    else if (tag == RECORD_LABEL)
        glance->label = value->bytes;
    else if (tag == RECORD_EXAMPLE)
        glance->example = value->number != 0;
    else if (kind_by_tag(tag))
        glance->kind = tag;
}

err_t record_glance(span_t bytes, record_glance_t *glance)
{
    walked_t walked = {.wanted = &enlace__v1__ref__descriptor};
    scan_t scan = scan_of(bytes);
    *glance = (record_glance_t){0};
    err_t err = bounded_walk(&enlace__v1__record__descriptor, bytes, &record_limits, &walked, NULL);
    while (!err && scan.at < scan.end) {
        scan_value_t value = {0};
        uint32_t tag = 0;
        unsigned wire = 0;
        err = scan_tag(&scan, &tag, &wire);
        if (!err)
            err = scan_value(&scan, wire, &value);
        if (!err)
            take_field(glance, tag, &value);
    }
    glance->plain = walked.messages == 0 && walked.fields <= PLAIN_FIELDS_MAX;
    return err;
}

err_t record_decode_plain(span_t bytes, record_t **record, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    err_t err = bounded_unpack_walked(&enlace__v1__record__descriptor, bytes, &record_limits,
                                      &message, fault);
    *record = err == ERR_OK ? (record_t *)message : NULL;
    return err;
}

// ---- whole ----

buf_t record_encode(const record_t *record)
{
    return bounded_pack(&record->base);
}

void record_destroy(record_t **record)
{
    if (*record)
        message_free(&(*record)->base);
    *record = NULL;
}

// Record's member of the oneof for a kind's tag, or NULL.
static const ProtobufCFieldDescriptor *kind_member(unsigned tag)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&enlace__v1__record__descriptor, tag);
    return field && field_in_oneof(field) ? field : NULL;
}

// All members of the oneof share one place.
static ProtobufCMessage **body_place(const record_t *record, const ProtobufCFieldDescriptor *member)
{
    return (ProtobufCMessage **)((uint8_t *)record + member->offset);
}

record_t *record_new(const kind_t *kind)
{
    record_t *record = (record_t *)message_new(&enlace__v1__record__descriptor);
    *body_place(record, kind_member(kind->tag)) = message_new(kind->type);
    record->kind_case = (Enlace__V1__Record__KindCase)kind->tag;
    return record;
}

const kind_t *record_kind(const record_t *record)
{
    return kind_by_tag((unsigned)record->kind_case);
}

ProtobufCMessage *record_body(const record_t *record)
{
    const ProtobufCFieldDescriptor *member = kind_member((unsigned)record->kind_case);
    return member ? *body_place(record, member) : NULL;
}

const ProtobufCFieldDescriptor *record_field(const record_t *record, const char *name, size_t size,
                                             ProtobufCMessage **holder)
{
    ProtobufCMessage *holders[] = {(ProtobufCMessage *)&record->base, record_body(record)};
    for (size_t i = 0; i < 2 && holders[i]; i++) {
        const ProtobufCFieldDescriptor *field = field_named(holders[i]->descriptor, name, size);
        if (field && holder)
            *holder = holders[i];
        if (field)
            return field;
    }
    return NULL;
}

static bool begins_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool goes_on_key(char c)
{
    return c == '.' || c == '_' || c == '-';
}

// Every record that comes passes here; strspn makes a table of its set each time.
bool record_key_valid(const char *key)
{
    size_t size = 0;
    while (size <= RECORD_KEY_MAX && (begins_key(key[size]) || goes_on_key(key[size])))
        size++;
    return begins_key(key[0]) && key[size] == '\0' && size <= RECORD_KEY_MAX;
}

void record_apply_defaults(record_t *record)
{
    const kind_t *kind = record_kind(record);
    if (kind && !record->label)
        record->label = mem_copy_string(kind->label);
}

const char *record_title(const record_t *record, const char *lang)
{
    const kind_t *kind = record_kind(record);
    ProtobufCMessage *body = record_body(record);
    if (!kind || !kind->title || !body)
        return "";
    const ProtobufCFieldDescriptor *field =
        field_named(kind->type, kind->title, strlen(kind->title));
    if (!field || field_count(body, field) == 0)
        return "";
    void *value = field_value(body, field, 0);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(char **)value;
    const char *text = text_pick(*(Enlace__V1__Text **)value, lang);
    return text ? text : "";
}
