#include "lib/fields.h"
#include "lib/value.h"

static json_t *value_to_json(const ProtobufCFieldDescriptor *field, site_t *site, const void *value)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return scalar_to_json(field, value);
    const ProtobufCMessage *message = *(ProtobufCMessage *const *)value;
    const value_type_t *type = value_type_of(field->descriptor);
    json_t *json = type && type->to_json ? type->to_json(message, site) : NULL;
    return json ? json : message_to_json(message, site);
}

static json_t *field_to_json(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                             site_t *site)
{
    if (!field_is_list(field))
        return value_to_json(field, site, field_value(message, field, 0));
    json_t *array = json_sure(json_array());
    size_t count = field_count(message, field);
    for (size_t i = 0; i < count; i++)
        json_push(array, value_to_json(field, site, field_value(message, field, i)));
    return array;
}

void fields_to_json(const ProtobufCMessage *message, site_t *site, json_t *object)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field_in_oneof(field) || field_count(message, field) == 0)
            continue;
        trail_mark_t before = trail_name(&site->trail, field->name);
        json_put(object, field->name, field_to_json(message, field, site));
        trail_back(&site->trail, before);
    }
}

json_t *message_to_json(const ProtobufCMessage *message, site_t *site)
{
    json_t *object = json_sure(json_object());
    fields_to_json(message, site, object);
    if (message->n_unknown_fields == 0)
        return object;
    json_t *unknown = json_sure(json_array());
    unknown_to_json(message, false, unknown);
    json_put(object, JSON_UNKNOWN, unknown);
    return object;
}
