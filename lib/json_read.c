#include <string.h>

#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/value.h"

err_t value_from_json(const json_t *json, const ProtobufCFieldDescriptor *field, site_t *site,
                      void *value, fault_t *fault)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return scalar_from_json(json, field, site, value, fault);
    ProtobufCMessage *message = *(ProtobufCMessage **)value;
    const value_type_t *type = value_type_of(field->descriptor);
    if (type && type->is_short && type->is_short(json))
        return type->from_json(json, site, message, fault);
    return message_from_json(json, site, message, fault);
}

static err_t list_from_json(const json_t *json, const ProtobufCFieldDescriptor *field, site_t *site,
                            ProtobufCMessage *message, fault_t *fault)
{
    if (!json_is_array(json))
        return fault_set(fault, ERR_WRONG_TYPE, site->trail.path, "a list belongs here");
    if (json_array_size(json) > RECORD_LIST_MAX)
        return fault_set(fault, ERR_TOO_MANY, site->trail.path, "at most %u entries",
                         RECORD_LIST_MAX);
    err_t err = ERR_OK;
    for (size_t i = 0; i < json_array_size(json) && err == ERR_OK; i++) {
        trail_mark_t before = trail_place(&site->trail, i + 1);
        err =
            value_from_json(json_array_get(json, i), field, site, field_add(message, field), fault);
        trail_back(&site->trail, before);
    }
    return err;
}

err_t field_from_json(const json_t *json, const ProtobufCFieldDescriptor *field, site_t *site,
                      ProtobufCMessage *message, fault_t *fault)
{
    field_clear(message, field);
    if (field_is_list(field))
        return list_from_json(json, field, site, message, fault);
    return value_from_json(json, field, site, field_add(message, field), fault);
}

static err_t member_from_json(const char *name, const json_t *json, site_t *site,
                              ProtobufCMessage *message, fault_t *fault)
{
    size_t taken = 0;
    if (strcmp(name, JSON_UNKNOWN) == 0)
        return unknown_from_json(json, false, site, message, &taken, fault);
    const ProtobufCFieldDescriptor *field = field_named(message->descriptor, name, strlen(name));
    if (!field)
        return fault_set(fault, ERR_UNKNOWN_FIELD, site->trail.path, NULL);
    return field_from_json(json, field, site, message, fault);
}

err_t message_from_json(const json_t *object, site_t *site, ProtobufCMessage *message,
                        fault_t *fault)
{
    err_t err = ERR_OK;
    if (!json_is_object(object))
        return fault_set(fault, ERR_WRONG_TYPE, site->trail.path, "an object belongs here");
    for (void *at = json_object_iter((json_t *)object); at && err == ERR_OK;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *name = json_object_iter_key(at);
        trail_mark_t before = trail_name(&site->trail, name);
        err = member_from_json(name, json_object_iter_value(at), site, message, fault);
        trail_back(&site->trail, before);
    }
    return err;
}
