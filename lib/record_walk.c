#include "lib/record_walk.h"

#include "lib/fields.h"

typedef struct {
    visitor_t *visitor;
    void *context;
    site_t site;
    fault_t *fault;
} walk_t;

// As deep as the schema nests, which never recurses.
static err_t walk_message(walk_t *walk, const ProtobufCMessage *message);

static err_t walk_value(walk_t *walk, const ProtobufCFieldDescriptor *field, size_t index,
                        void *value)
{
    visit_t visit = {&walk->site, field, index, value};
    err_t err = walk->visitor(walk->context, &visit, walk->fault);
    if (err != ERR_OK || field->type != PROTOBUF_C_TYPE_MESSAGE || value_type_of(field->descriptor))
        return err;
    return walk_message(walk, *(ProtobufCMessage **)value);
}

static err_t walk_field(walk_t *walk, const ProtobufCMessage *message,
                        const ProtobufCFieldDescriptor *field)
{
    err_t err = ERR_OK;
    size_t count = field_count(message, field);
    if (count == 0) // most fields of most records
        return ERR_OK;
    trail_mark_t before = trail_name(&walk->site.trail, field->name);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        trail_mark_t named = {walk->site.trail.path_size, walk->site.trail.field_size};
        if (field_is_list(field))
            trail_place(&walk->site.trail, i + 1);
        err = walk_value(walk, field, i, field_value(message, field, i));
        trail_back(&walk->site.trail, named);
    }
    trail_back(&walk->site.trail, before);
    return err;
}

static err_t walk_message(walk_t *walk, const ProtobufCMessage *message)
{
    err_t err = ERR_OK;
    for (unsigned i = 0; i < message->descriptor->n_fields && err == ERR_OK; i++)
        if (!field_in_oneof(&message->descriptor->fields[i]))
            err = walk_field(walk, message, &message->descriptor->fields[i]);
    return err;
}

err_t record_walk(const record_t *record, visitor_t *visitor, void *context, fault_t *fault)
{
    const kind_t *kind = record_kind(record);
    ProtobufCMessage *body = record_body(record);
    walk_t walk = {visitor, context, {.kind = kind ? kind->name : ""}, fault};
    err_t err = walk_message(&walk, &record->base);
    return err == ERR_OK && body ? walk_message(&walk, body) : err;
}
