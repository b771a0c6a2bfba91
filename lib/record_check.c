#include <string.h>

#include "lib/commit.h"
#include "lib/fields.h"
#include "lib/record.h"
#include "lib/record_walk.h"
#include "lib/text.h"
#include "lib/vocabulary.h"

static err_t check_format(const visit_t *visit, fault_t *fault)
{
    const char *text = *(char **)visit->value, *path = visit->site->trail.path;
    format_t format = kind_format(visit->site->kind, visit->site->trail.field);
    bool international = format == FORMAT_COUNTRY_OR_INTERNATIONAL;
    if (international && strcmp(text, "INTERNATIONAL") == 0)
        return ERR_OK;
    if ((international || format == FORMAT_COUNTRY) && !country_valid(text))
        return fault_set(fault, ERR_BAD_COUNTRY, path, "%s", text);
    if (format == FORMAT_LANGUAGE && !lang_valid(text))
        return fault_set(fault, ERR_BAD_LANGUAGE, path, "%s", text);
    return ERR_OK;
}

static err_t check_message(const visit_t *visit, fault_t *fault)
{
    const ProtobufCMessage *message = *(ProtobufCMessage **)visit->value;
    const value_type_t *type = value_type_of(visit->field->descriptor);
    if (type)
        return type->check(message, visit->site, fault);
    if (message_is_empty(message))
        return fault_set(fault, ERR_BAD_VALUE, visit->site->trail.path, "an entry without a field");
    return ERR_OK;
}

static err_t check_value(void *context, const visit_t *visit, fault_t *fault)
{
    (void)context;
    if (visit->index >= RECORD_LIST_MAX)
        return fault_set(fault, ERR_TOO_MANY, visit->site->trail.path, "at most %u entries",
                         RECORD_LIST_MAX);
    if (visit->field->type == PROTOBUF_C_TYPE_MESSAGE)
        return check_message(visit, fault);
    err_t err = scalar_check(visit->field, visit->site, visit->value, fault);
    if (err == ERR_OK && visit->field->type == PROTOBUF_C_TYPE_STRING)
        err = check_format(visit, fault);
    return err;
}

static err_t check_envelope(const record_t *record, fault_t *fault)
{
    if (record->key && !record_key_valid(record->key))
        return fault_set(fault, ERR_BAD_VALUE, "key",
                         "a key is up to %u of a-z, 0-9 and . _ - and starts with a letter or "
                         "digit",
                         RECORD_KEY_MAX);
    if (record->label && !label_valid(record->label))
        return fault_set(fault, ERR_BAD_LABEL, "label", "%s", record->label);
    return ERR_OK;
}

// What is authored here must pass the bounds of everybody who receives it.
err_t record_check_bytes(span_t bytes, fault_t *fault)
{
    record_t *decoded = NULL;
    if (bytes.size > PAYLOAD_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", "a record has at most %u bytes",
                         PAYLOAD_BYTES_MAX);
    err_t err = record_decode(bytes, &decoded, fault);
    record_destroy(&decoded);
    return err;
}

err_t record_check_values(const record_t *record, fault_t *fault)
{
    ProtobufCMessage *body = record_body(record);
    if (!body)
        return fault_set(fault, ERR_UNKNOWN_KIND, "kind", NULL);
    err_t err = check_envelope(record, fault);
    if (err == ERR_OK)
        err = record_walk(record, check_value, NULL, fault);
    if (err == ERR_OK && message_is_empty(body))
        err = fault_set(fault, ERR_EMPTY_RECORD, "", NULL);
    return err;
}

err_t record_check(const record_t *record, fault_t *fault)
{
    err_t err = record_check_values(record, fault);
    if (err)
        return err;
    buf_t bytes = record_encode(record);
    err = record_check_bytes(buf_span(&bytes), fault);
    buf_free(&bytes);
    return err;
}
