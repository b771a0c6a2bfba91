#include "lib/assign.h"

#include <assert.h>
#include <string.h>

#include "lib/field_path.h"
#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/text.h"

err_t assignment_parse(const char *argument, char **field, char **value, bool *json, fault_t *fault)
{
    const char *equals = strchr(argument, '=');
    *field = *value = NULL;
    *json = equals && equals > argument && equals[-1] == ':';
    size_t size = equals ? (size_t)(equals - argument) - (*json ? 1 : 0) : 0;
    if (size == 0 || strspn(argument, "abcdefghijklmnopqrstuvwxyz0123456789_.") != size)
        return fault_set(fault, ERR_BAD_ASSIGNMENT, "", "%s", argument);
    *field = mem_format("%.*s", (int)size, argument);
    *value = mem_copy_string(equals + 1);
    return ERR_OK;
}

static bool is_text(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE &&
           field->descriptor == &enlace__v1__text__descriptor;
}

static void clear(const field_at_t *at)
{
    if (!at->message)
        return;
    if (at->place > 0)
        field_remove(at->message, at->field, at->place - 1);
    else
        field_clear(at->message, at->field);
}

// Where to write a value at the path's end. A text keeps its other languages,
// anything else starts afresh.
static void *slot(const field_at_t *at, bool keep)
{
    size_t count = field_count(at->message, at->field);
    bool list = field_is_list(at->field);
    if (list ? at->place == 0 || at->place > count : count == 0)
        return field_add(at->message, at->field);
    size_t index = list ? at->place - 1 : 0;
    return keep ? field_value(at->message, at->field, index)
                : field_renew(at->message, at->field, index);
}

static err_t value_from_text(const char *text, const field_at_t *at, const site_t *site,
                             void *value, fault_t *fault)
{
    if (at->field->type != PROTOBUF_C_TYPE_MESSAGE)
        return scalar_from_text(text, at->field, site, value, fault);
    const value_type_t *type = value_type_of(at->field->descriptor);
    if (!type)
        return fault_set(fault, ERR_WRONG_TYPE, site->trail.path,
                         "has fields of its own: assign those, or use %s:=JSON", site->trail.path);
    return type->from_text(text, site, *(ProtobufCMessage **)value, fault);
}

// A text whose last language was taken out is no longer there.
static void drop_if_empty(field_at_t *at)
{
    size_t count = field_count(at->message, at->field);
    assert(count > 0); // slot has made one
    bool list = field_is_list(at->field);
    size_t index = list && at->place > 0 ? at->place - 1 : count - 1;
    if (!message_is_empty(*(ProtobufCMessage **)field_value(at->message, at->field, index)))
        return;
    at->place = list ? index + 1 : 0;
    clear(at);
}

static err_t assign_text(const assignment_t *assignment, field_at_t *at, const site_t *site,
                         fault_t *fault)
{
    bool text = is_text(at->field);
    size_t count = field_count(at->message, at->field);
    if (field_is_list(at->field) && at->place == 0 && count >= RECORD_LIST_MAX)
        return fault_set(fault, ERR_TOO_MANY, site->trail.path, "at most %u entries",
                         RECORD_LIST_MAX);
    err_t err = value_from_text(assignment->value, at, site, slot(at, text), fault);
    if (err == ERR_OK && text)
        drop_if_empty(at);
    return err;
}

static err_t assign_json(const assignment_t *assignment, const field_at_t *at, site_t *site,
                         fault_t *fault)
{
    json_t *json = NULL;
    fault_t inner = {0};
    err_t err = json_parse_value(assignment->value, strlen(assignment->value), &json, &inner);
    if (err != ERR_OK)
        return fault_set(fault, err, site->trail.path, "%s", inner.detail);
    if (at->place > 0)
        err = value_from_json(json, at->field, site, slot(at, false), fault);
    else
        err = field_from_json(json, at->field, site, at->message, fault);
    json_decref(json);
    return err;
}

// The language that "es:Texto" names, or the reader's.
static const char *language(const char *value, const char *otherwise, char lang[LANG_MAX + 1])
{
    size_t size = lang_prefix(value);
    if (size == 0)
        return otherwise ? otherwise : "";
    memcpy(lang, value, size);
    lang[size] = '\0';
    return lang;
}

static bool same_language(const char *a, const char *b, const char *otherwise)
{
    char lang_a[LANG_MAX + 1], lang_b[LANG_MAX + 1];
    return strcmp(language(a, otherwise, lang_a), language(b, otherwise, lang_b)) == 0;
}

// Whether `field` lies within `whole`: budget.currency in budget.
static bool within(const char *field, const char *whole)
{
    size_t size = strlen(whole);
    return strncmp(field, whole, size) == 0 && field[size] == '.';
}

static bool clears(const assignment_t *assignment)
{
    return !assignment->json && assignment->value[0] == '\0';
}

// Two values of one field that stand side by side: entries of a list, texts in
// two languages.
static bool adds_up(const assignment_t *earlier, const assignment_t *later, const field_at_t *at,
                    const json_reading_t *reading)
{
    if (earlier->json || later->json)
        return false;
    if (field_is_list(at->field) && at->place == 0)
        return true;
    return is_text(at->field) && !same_language(earlier->value, later->value, reading->lang);
}

// A value that a later one of the same request would silently replace is
// refused; clearing first is fine. `repeats`: the list has bare values already.
static err_t check_repeated(const assignment_t *all, size_t index, const field_at_t *at,
                            const json_reading_t *reading, bool *repeats, fault_t *fault)
{
    const assignment_t *this = &all[index];
    bool inside = false;
    *repeats = false;
    for (size_t i = 0; i < index; i++) {
        if (clears(&all[i]))
            continue;
        inside = inside || within(all[i].field, this->field);
        if (strcmp(all[i].field, this->field) != 0)
            continue;
        if (!adds_up(&all[i], this, at, reading))
            return fault_set(fault, ERR_DUPLICATE_FIELD, at->trail.path, NULL);
        *repeats = true;
    }
    if (inside && !*repeats)
        return fault_set(fault, ERR_DUPLICATE_FIELD, at->trail.path, NULL);
    return ERR_OK;
}

static err_t assign_one(record_t *record, const assignment_t *all, size_t index,
                        const json_reading_t *reading, fault_t *fault)
{
    const kind_t *kind = record_kind(record);
    const assignment_t *this = &all[index];
    bool repeats = false;
    field_at_t at;
    if (strcmp(this->field, "kind") == 0)
        return fault_set(fault, ERR_KIND_FIXED, "kind", NULL);
    err_t err = field_path_open(record, this->field, !clears(this), &at, fault);
    if (err != ERR_OK)
        return err;
    err = check_repeated(all, index, &at, reading, &repeats, fault);
    if (err != ERR_OK)
        return err;
    if (clears(this)) {
        clear(&at);
        return ERR_OK;
    }
    site_t site = {.kind = kind ? kind->name : "", .reading = reading, .trail = at.trail};
    if (this->json)
        return assign_json(this, &at, &site, fault);
    if (field_is_list(at.field) && at.place == 0 && !repeats)
        field_clear(at.message, at.field);
    return assign_text(this, &at, &site, fault);
}

err_t record_assign(record_t *record, const assignment_t *assignments, size_t count,
                    const json_reading_t *reading, fault_t *fault)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = assign_one(record, assignments, i, reading, fault);
    return err;
}
