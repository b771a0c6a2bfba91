#include <sodium.h>
#include <string.h>

#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/value.h"

#define TAG_MAX 536870911 // 2^29 - 1

json_t *json_sure(json_t *json)
{
    if (!json)
        mem_exhausted();
    return json;
}

void json_put(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, json_sure(value)) != 0)
        mem_exhausted();
}

void json_push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, json_sure(value)) != 0)
        mem_exhausted();
}

json_t *bytes_to_json(span_t bytes)
{
    const int variant = sodium_base64_VARIANT_ORIGINAL;
    size_t size = sodium_base64_encoded_len(bytes.size, variant);
    char *text = mem_alloc(size);
    sodium_bin2base64(text, size, bytes.data, bytes.size, variant);
    json_t *json = json_sure(json_string(text));
    mem_free(text);
    return json;
}

bool bytes_from_json(const json_t *json, buf_t *bytes)
{
    if (!json_is_string(json))
        return false;
    size_t size = json_string_length(json), used = 0;
    const char *text = json_string_value(json), *end = NULL;
    buf_t room = {0};
    uint8_t *data = buf_extend(&room, size / 4 * 3 + 3);
    if (sodium_base642bin(data, room.size, text, size, NULL, &used, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != text + size) {
        buf_free(&room);
        return false;
    }
    *bytes = buf_copy(span_of(data, used));
    buf_free(&room);
    return true;
}

// Bytes of the varint at the start, or 0 where it is not whole, minimal and of 64 bits.
static size_t varint_size(span_t bytes)
{
    size_t size = 0;
    while (size < bytes.size && size < 10 && (bytes.data[size] & 0x80))
        size++;
    if (size == bytes.size || size == 10 || (size > 0 && bytes.data[size] == 0) ||
        (size == 9 && bytes.data[size] > 1))
        return 0;
    return size + 1;
}

static void append_varint(buf_t *buf, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *buf_extend(buf, 1) = (uint8_t)(value | 0x80);
    *buf_extend(buf, 1) = (uint8_t)value;
}

// protobuf-c keeps the length with what it counts; JSON does not.
static span_t counted(const ProtobufCMessageUnknownField *field)
{
    span_t bytes = span_of(field->data, field->len);
    if (field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return bytes;
    size_t length = varint_size(bytes);
    return span_of(bytes.data + length, bytes.size - length);
}

void unknown_to_json(const ProtobufCMessage *message, bool of_record, json_t *array)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        json_t *entry = json_sure(json_object());
        json_put(entry, "tag", json_integer(field->tag));
        json_put(entry, "wire", json_integer(field->wire_type));
        json_put(entry, "data", bytes_to_json(counted(field)));
        if (of_record)
            json_put(entry, JSON_UNKNOWN_OF_RECORD, json_true());
        json_push(array, entry);
    }
}

// Whether the bytes are one value of that wire type and nothing behind it:
// otherwise fields could be smuggled past every check. Makes of them what protobuf-c keeps.
static bool wire_form(int64_t wire, buf_t *data)
{
    buf_t whole = {0};
    switch (wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return data->size > 0 && varint_size(buf_span(data)) == data->size;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return data->size == 8;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return data->size == 4;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        append_varint(&whole, data->size);
        buf_append(&whole, buf_span(data));
        buf_free(data);
        *data = whole;
        return true;
    default:
        return false;
    }
}

static void unknown_add(ProtobufCMessage *message, uint32_t tag, int64_t wire, buf_t data)
{
    size_t count = message->n_unknown_fields;
    message->unknown_fields =
        mem_resize(message->unknown_fields, (count + 1) * sizeof *message->unknown_fields);
    message->unknown_fields[count] = (ProtobufCMessageUnknownField){
        .tag = tag, .wire_type = (ProtobufCWireType)wire, .len = data.size, .data = data.data};
    message->n_unknown_fields++;
}

static err_t unknown_take(const json_t *entry, const site_t *site, ProtobufCMessage *message,
                          fault_t *fault)
{
    const json_t *tag = json_object_get(entry, "tag"), *wire = json_object_get(entry, "wire");
    json_int_t number = json_integer_value(tag), type = json_integer_value(wire);
    buf_t data = {0};
    bool ours = json_object_get(entry, JSON_UNKNOWN_OF_RECORD) != NULL;
    if (!json_is_integer(tag) || !json_is_integer(wire) || number < 1 || number > TAG_MAX ||
        json_object_size(entry) != (ours ? 4u : 3u))
        return fault_set(fault, ERR_BAD_VALUE, site->trail.path, "not a tag, wire and data");
    if (protobuf_c_message_descriptor_get_field(message->descriptor, (unsigned)number))
        return fault_set(fault, ERR_BAD_VALUE, site->trail.path, "the field of tag %lld is known",
                         (long long)number);
    if (!bytes_from_json(json_object_get(entry, "data"), &data) || !wire_form(type, &data)) {
        buf_free(&data);
        return fault_set(fault, ERR_BAD_VALUE, site->trail.path,
                         "data is not base64 of that wire type");
    }
    unknown_add(message, (uint32_t)number, type, data);
    return ERR_OK;
}

err_t unknown_from_json(const json_t *array, bool of_record, const site_t *site,
                        ProtobufCMessage *message, size_t *taken, fault_t *fault)
{
    *taken = 0;
    if (!json_is_array(array))
        return fault_set(fault, ERR_WRONG_TYPE, site->trail.path, "a list belongs here");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *entry = json_array_get(array, i);
        const json_t *mark = json_object_get(entry, JSON_UNKNOWN_OF_RECORD);
        site_t here = *site;
        trail_place(&here.trail, i + 1);
        if (!json_is_object(entry) || (mark && !json_is_true(mark)))
            return fault_set(fault, ERR_WRONG_TYPE, here.trail.path, NULL);
        if ((mark != NULL) != of_record)
            continue;
        err_t err = unknown_take(entry, &here, message, fault);
        if (err != ERR_OK)
            return err;
        ++*taken;
    }
    return ERR_OK;
}
