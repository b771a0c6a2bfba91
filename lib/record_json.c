// One object for the record and its kind's fields: their names never meet.
#include "lib/record_json.h"

#include <string.h>

#include "lib/fields.h"
#include "lib/value.h"

static bool of_envelope(const char *name)
{
    static const char *const names[] = {"kind",       "id",         "node",    "state",
                                        "created_at", "changed_at", "revision"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

// Without a kind stands only what show --json made of a kind unknown here: then
// the kind itself is among the record's unknown fields.
static err_t new_record(const json_t *object, record_t **record, fault_t *fault)
{
    const json_t *name = json_object_get(object, "kind");
    if (!name && json_is_array(json_object_get(object, JSON_UNKNOWN))) {
        *record = (record_t *)message_new(&enlace__v1__record__descriptor);
        return ERR_OK;
    }
    if (!name)
        return fault_set(fault, ERR_MISSING_FIELD, "kind", NULL);
    if (!json_is_string(name))
        return fault_set(fault, ERR_WRONG_TYPE, "kind", "a text belongs here");
    const kind_t *kind = kind_by_name(json_string_value(name));
    if (!kind)
        return fault_set(fault, ERR_UNKNOWN_KIND, "kind", "%s", json_string_value(name));
    *record = record_new(kind);
    return ERR_OK;
}

static err_t read_unknown(const json_t *json, site_t *site, record_t *record, fault_t *fault)
{
    size_t of_record = 0, of_body = 0;
    ProtobufCMessage *body = record_body(record);
    err_t err = unknown_from_json(json, true, site, &record->base, &of_record, fault);
    if (err == ERR_OK && body)
        err = unknown_from_json(json, false, site, body, &of_body, fault);
    if (err == ERR_OK && of_record + of_body != json_array_size(json))
        err = fault_set(fault, ERR_MISSING_FIELD, "kind", NULL);
    return err == ERR_OK && !body && of_record == 0
               ? fault_set(fault, ERR_MISSING_FIELD, "kind", NULL)
               : err;
}

static err_t read_member(const char *name, const json_t *json, site_t *site, record_t *record,
                         fault_t *fault)
{
    ProtobufCMessage *holder = NULL;
    if (strcmp(name, JSON_UNKNOWN) == 0)
        return read_unknown(json, site, record, fault);
    const ProtobufCFieldDescriptor *field = record_field(record, name, strlen(name), &holder);
    if (!field)
        return fault_set(fault, ERR_UNKNOWN_FIELD, site->trail.path, NULL);
    return field_from_json(json, field, site, holder, fault);
}

err_t record_from_json(const json_t *object, const json_reading_t *reading, record_t **record,
                       fault_t *fault)
{
    *record = NULL;
    if (!json_is_object(object))
        return fault_set(fault, ERR_WRONG_TYPE, "", "an object belongs here");
    err_t err = new_record(object, record, fault);
    if (err != ERR_OK)
        return err;
    const kind_t *kind = record_kind(*record);
    site_t site = {.kind = kind ? kind->name : "", .reading = reading};
    for (void *at = json_object_iter((json_t *)object); at && err == ERR_OK;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *name = json_object_iter_key(at);
        trail_mark_t before = trail_name(&site.trail, name);
        if (!of_envelope(name))
            err = read_member(name, json_object_iter_value(at), &site, *record, fault);
        trail_back(&site.trail, before);
    }
    if (err != ERR_OK)
        record_destroy(record);
    return err;
}

json_t *record_to_json(const record_t *record)
{
    const kind_t *kind = record_kind(record);
    ProtobufCMessage *body = record_body(record);
    site_t site = {.kind = kind ? kind->name : ""};
    json_t *object = json_sure(json_object());
    json_t *unknown = json_sure(json_array());
    if (kind)
        json_put(object, "kind", json_string(kind->name));
    fields_to_json(&record->base, &site, object);
    unknown_to_json(&record->base, true, unknown);
    if (body) {
        fields_to_json(body, &site, object);
        unknown_to_json(body, false, unknown);
    }
    if (json_array_size(unknown) > 0)
        json_put(object, JSON_UNKNOWN, json_incref(unknown));
    json_decref(unknown);
    return object;
}

// ---- a record by itself ----

static const char *ask_later(void *context, const char *key, fault_t *fault)
{
    bool *later = context;
    (void)key;
    (void)fault;
    *later = true;
    return NULL;
}

buf_t record_encode_json(const json_t *object, const char *lang)
{
    bool later = false;
    json_reading_t reading = {
        .own = "", .lang = lang, .owner_of_key = ask_later, .context = &later};
    record_glance_t glance;
    record_t *record = NULL;
    buf_t encoded = {0};
    if (record_from_json(object, &reading, &record, NULL) || later) {
        record_destroy(&record);
        return encoded;
    }
    record_apply_defaults(record);
    encoded = record_encode(record);
    if (record_glance(buf_span(&encoded), &glance) || !glance.kind)
        buf_free(&encoded);
    record_destroy(&record);
    return encoded;
}
