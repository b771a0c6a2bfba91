#include "lib/fields.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/mem.h"

static size_t value_size(ProtobufCType type)
{
    static const size_t sizes[] = {
        [PROTOBUF_C_TYPE_INT32] = 4,
        [PROTOBUF_C_TYPE_SINT32] = 4,
        [PROTOBUF_C_TYPE_SFIXED32] = 4,
        [PROTOBUF_C_TYPE_INT64] = 8,
        [PROTOBUF_C_TYPE_SINT64] = 8,
        [PROTOBUF_C_TYPE_SFIXED64] = 8,
        [PROTOBUF_C_TYPE_UINT32] = 4,
        [PROTOBUF_C_TYPE_FIXED32] = 4,
        [PROTOBUF_C_TYPE_UINT64] = 8,
        [PROTOBUF_C_TYPE_FIXED64] = 8,
        [PROTOBUF_C_TYPE_FLOAT] = sizeof(float),
        [PROTOBUF_C_TYPE_DOUBLE] = sizeof(double),
        [PROTOBUF_C_TYPE_BOOL] = sizeof(protobuf_c_boolean),
        [PROTOBUF_C_TYPE_ENUM] = sizeof(int),
        [PROTOBUF_C_TYPE_STRING] = sizeof(char *),
        [PROTOBUF_C_TYPE_BYTES] = sizeof(ProtobufCBinaryData),
        [PROTOBUF_C_TYPE_MESSAGE] = sizeof(ProtobufCMessage *),
    };
    assert((size_t)type < sizeof sizes / sizeof *sizes);
    return sizes[type];
}

static void *member(const ProtobufCMessage *message, unsigned offset)
{
    return (uint8_t *)message + offset;
}

static size_t *list_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return member(message, field->quantifier_offset);
}

static void **list_values(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return member(message, field->offset);
}

// Texts and messages are there when their pointer is; the rest has a flag.
static bool presence_by_pointer(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static protobuf_c_boolean *presence_flag(const ProtobufCMessage *message,
                                         const ProtobufCFieldDescriptor *field)
{
    return member(message, field->quantifier_offset);
}

const ProtobufCFieldDescriptor *field_named(const ProtobufCMessageDescriptor *type,
                                            const char *name, size_t size)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (strlen(field->name) == size && memcmp(field->name, name, size) == 0)
            return field_in_oneof(field) ? NULL : field;
    }
    return NULL;
}

bool field_is_list(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

bool field_in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    assert(!field_in_oneof(field));
    if (field_is_list(field))
        return *list_count(message, field);
    if (presence_by_pointer(field))
        return *(void **)member(message, field->offset) ? 1 : 0;
    return *presence_flag(message, field) ? 1 : 0;
}

void *field_value(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                  size_t index)
{
    assert(index < field_count(message, field));
    if (!field_is_list(field))
        return member(message, field->offset);
    return (uint8_t *)*list_values(message, field) + index * value_size(field->type);
}

static void value_free(const ProtobufCFieldDescriptor *field, void *value)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        mem_free(*(char **)value);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        mem_free(((ProtobufCBinaryData *)value)->data);
    else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        message_free(*(ProtobufCMessage **)value);
}

static void *value_init(const ProtobufCFieldDescriptor *field, void *value)
{
    memset(value, 0, value_size(field->type));
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        *(ProtobufCMessage **)value = message_new(field->descriptor);
    return value;
}

void *field_add(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (!field_is_list(field)) {
        field_clear(message, field);
        if (!presence_by_pointer(field))
            *presence_flag(message, field) = 1;
        return value_init(field, member(message, field->offset));
    }
    size_t *count = list_count(message, field);
    void **values = list_values(message, field);
    *values = mem_resize(*values, (*count + 1) * value_size(field->type));
    *count += 1;
    return value_init(field, field_value(message, field, *count - 1));
}

void *field_renew(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index)
{
    void *value = field_value(message, field, index);
    value_free(field, value);
    return value_init(field, value);
}

void field_clear(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    size_t count = field_count(message, field);
    for (size_t i = 0; i < count; i++)
        value_free(field, field_value(message, field, i));
    if (field_is_list(field)) {
        mem_free(*list_values(message, field));
        *list_values(message, field) = NULL;
        *list_count(message, field) = 0;
        return;
    }
    memset(member(message, field->offset), 0, value_size(field->type));
    if (!presence_by_pointer(field))
        *presence_flag(message, field) = 0;
}

void field_remove(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index)
{
    size_t *count = list_count(message, field);
    size_t size = value_size(field->type);
    assert(field_is_list(field) && index < *count);
    uint8_t *value = field_value(message, field, index);
    value_free(field, value);
    memmove(value, value + size, (*count - index - 1) * size);
    *count -= 1;
    if (*count == 0)
        field_clear(message, field);
}

ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = mem_alloc(type->sizeof_message);
    protobuf_c_message_init(type, message);
    return message;
}

void message_free(ProtobufCMessage *message)
{
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
}

bool message_is_empty(const ProtobufCMessage *message)
{
    if (message->n_unknown_fields > 0)
        return false;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        if (field_count(message, &message->descriptor->fields[i]) > 0)
            return false;
    return true;
}
