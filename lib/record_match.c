#include <string.h>

#include "lib/assign.h"
#include "lib/field_path.h"
#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/value.h"

// ---- does it match ----

typedef struct {
    const char *wanted;
    const site_t *site;
    bool found;
    bool any; // whether there was a value at all
} search_t;

static bool all_digits(const char *text)
{
    size_t size = strspn(text, "0123456789");
    return size > 0 && text[size] == '\0';
}

// Whether such a value can be in the field at all: a filter that can never
// match is a mistake that must be told, not an empty list.
static err_t check_wanted(const char *wanted, const ProtobufCFieldDescriptor *field,
                          const site_t *site, fault_t *fault)
{
    int64_t room[2] = {0}; // for a number, a boolean or an enum
    char *text = NULL;
    bool unused = false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const value_type_t *type = value_type_of(field->descriptor);
        if (!type)
            return fault_set(fault, ERR_WRONG_TYPE, site->trail.path,
                             "has fields of its own: name one of those");
        return type->matches(wanted, site, NULL, &unused, fault);
    }
    // A value unknown to this version is shown as its number.
    if (field->type == PROTOBUF_C_TYPE_ENUM && all_digits(wanted))
        return ERR_OK;
    if (field->type != PROTOBUF_C_TYPE_STRING)
        return scalar_from_text(wanted, field, site, room, fault);
    err_t err = scalar_from_text(wanted, field, site, &text, fault);
    mem_free(text);
    return err;
}

static void compare(void *context, const ProtobufCFieldDescriptor *field, const void *value)
{
    search_t *search = context;
    bool matches = false;
    search->any = true;
    if (search->wanted[0] == '\0')
        return; // only whether anything is set; of any type, those without a text too
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *message = *(ProtobufCMessage *const *)value;
        value_type_of(field->descriptor)
            ->matches(search->wanted, search->site, message, &matches, NULL);
    } else {
        char *text = scalar_to_text(field, value);
        matches = strcmp(text, search->wanted) == 0;
        mem_free(text);
    }
    search->found |= matches;
}

// The label as it counts: absent is RED.
static err_t label_matches(const record_t *record, const char *wanted, bool *matches,
                           fault_t *fault)
{
    if (wanted[0] && !label_valid(wanted))
        return fault_set(fault, ERR_BAD_LABEL, "label", "%s", wanted);
    *matches = wanted[0] ? strcmp(label_effective(record->label), wanted) == 0 : !record->label;
    return ERR_OK;
}

err_t record_matches(const record_t *record, const char *field, const char *value,
                     const json_reading_t *reading, bool *matches, fault_t *fault)
{
    const kind_t *kind = record_kind(record);
    field_at_t at;
    *matches = false;
    if (strcmp(field, "label") == 0)
        return label_matches(record, value, matches, fault);
    err_t err = field_path_find(record, field, &at, fault);
    if (err != ERR_OK)
        return err;
    site_t site = {.kind = kind ? kind->name : "", .reading = reading, .trail = at.trail};
    search_t search = {value, &site, false, false};
    if (value[0] != '\0')
        err = check_wanted(value, at.field, &site, fault);
    if (err != ERR_OK)
        return err;
    field_path_each(record, field, compare, &search);
    *matches = value[0] == '\0' ? !search.any : search.found;
    return ERR_OK;
}

// ---- as a table shows it ----

typedef struct {
    buf_t text;
    const char *lang;
    const char *between; // values
} cell_t;

static void show(void *context, const ProtobufCFieldDescriptor *field, const void *value);

// An entry of several fields: those that are set, a comma between them.
static char *show_fields(const ProtobufCMessage *message, const char *lang)
{
    cell_t cell = {{0}, lang, ", "};
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        size_t count = field_count(message, field);
        for (size_t j = 0; j < count; j++)
            show(&cell, field, field_value(message, field, j));
    }
    buf_append(&cell.text, span_of("", 1));
    return (char *)cell.text.data;
}

static char *value_text(const ProtobufCFieldDescriptor *field, const void *value, const char *lang)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return scalar_to_text(field, value);
    const ProtobufCMessage *message = *(ProtobufCMessage *const *)value;
    const value_type_t *type = value_type_of(field->descriptor);
    return type ? type->to_text(message, lang) : show_fields(message, lang);
}

static void show(void *context, const ProtobufCFieldDescriptor *field, const void *value)
{
    cell_t *cell = context;
    char *text = value_text(field, value, cell->lang);
    if (cell->text.size > 0 && text[0] != '\0')
        buf_append(&cell->text, span_text(cell->between));
    buf_append(&cell->text, span_text(text));
    mem_free(text);
}

char *record_cell(const record_t *record, const char *field, const char *lang)
{
    field_at_t at;
    cell_t cell = {{0}, lang, "; "};
    if (field_path_find(record, field, &at, NULL) == ERR_OK)
        field_path_each(record, field, show, &cell);
    buf_append(&cell.text, span_of("", 1));
    return (char *)cell.text.data;
}
