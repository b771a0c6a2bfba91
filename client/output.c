#include "client/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/plain.h"
#include "lib/fields.h"
#include "lib/ids.h"
#include "lib/mem.h"

// ---- JSON ----

void output_json(FILE *out, const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text)
        mem_exhausted();
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == 0x7f) {
            fputs("\\u007f", out);
        } else if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) {
            fprintf(out, "\\u00%02x", (unsigned)at[1]);
            at++;
        } else {
            fputc(*at, out);
        }
    }
    fputc('\n', out);
    free(text);
}

// ---- CSV ----

static bool needs_quotes(const char *text)
{
    size_t length = strlen(text);
    return strpbrk(text, ",\"\r\n") || (length && (text[0] == ' ' || text[length - 1] == ' '));
}

static void put_csv(FILE *out, const char *text)
{
    if (!needs_quotes(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

void output_csv(FILE *out, const char *text, bool first)
{
    // A file gets what was written, byte for byte; a terminal would obey it.
    char *plain = isatty(fileno(out)) == 1 ? plain_lines(text) : NULL;
    if (!first)
        fputc(',', out);
    put_csv(out, plain ? plain : text ? text : "");
    mem_free(plain);
}

void output_csv_end(FILE *out)
{
    fputs("\r\n", out);
}

// ---- control messages ----

static json_t *bytes_as_hex(const ProtobufCBinaryData *bytes)
{
    char *text = mem_alloc(bytes->len * 2 + 1);
    hex_format(bytes->data, bytes->len, text);
    json_t *value = json_string(text);
    mem_free(text);
    return value;
}

static json_t *value_of(const ProtobufCFieldDescriptor *field, const void *place)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return json_boolean(*(const protobuf_c_boolean *)place);
    case PROTOBUF_C_TYPE_UINT32:
        return json_integer((json_int_t) * (const uint32_t *)place);
    case PROTOBUF_C_TYPE_UINT64:
        return json_integer((json_int_t) * (const uint64_t *)place);
    case PROTOBUF_C_TYPE_STRING:
        return json_string(*(char *const *)place);
    case PROTOBUF_C_TYPE_BYTES:
        return bytes_as_hex(place);
    case PROTOBUF_C_TYPE_MESSAGE:
        return output_message(*(ProtobufCMessage *const *)place);
    default:
        return json_null(); // no control message has a field of another type
    }
}

static json_t *list_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    json_t *list = json_array();
    for (size_t i = 0; i < field_count(message, field); i++)
        json_array_append_new(list, value_of(field, field_value(message, field, i)));
    return list;
}

json_t *output_message(const ProtobufCMessage *message)
{
    json_t *object = json_object();
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            json_object_set_new(object, field->name, list_of(message, field));
        else if (field_count(message, field))
            json_object_set_new(object, field->name,
                                value_of(field, field_value(message, field, 0)));
    }
    return object;
}
