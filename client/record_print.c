#include "client/record_print.h"

#include <string.h>

#include "client/output.h"
#include "client/pairs.h"
#include "client/text.h"
#include "client/when.h"
#include "lib/assign.h"
#include "lib/fields.h"
#include "lib/mem.h"
#include "lib/trail.h"

err_t view_record(const view_t *view, record_t **record, fault_t *fault)
{
    *record = NULL;
    if (!view->has_record)
        return ERR_OK;
    return record_decode(span_of(view->record.data, view->record.len), record, fault);
}

// ---- JSON ----

static void put_text(json_t *object, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(object, name, json_string(text));
}

static void put_time(json_t *object, const char *name, uint64_t wall_ms)
{
    char text[WHEN_TEXT];
    when_format(wall_ms, text);
    put_text(object, name, text);
}

json_t *view_to_json(const view_t *view, const record_t *record)
{
    json_t *object = json_object();
    put_text(object, "id", view->id);
    put_text(object, "node", view->node);
    put_text(object, "kind", view->kind);
    put_text(object, "key", view->key);
    put_text(object, "label", view->label);
    put_text(object, "state", view->state);
    put_time(object, "created_at", view->created_ms);
    put_time(object, "changed_at", view->changed_ms);
    if (view->has_revision)
        json_object_set_new(object, "revision", json_integer((json_int_t)view->revision));
    put_text(object, "note", view->note);
    if (record) {
        json_t *own = record_to_json(record);
        json_object_update_missing(object, own);
        json_decref(own);
    }
    return object;
}

// ---- field by field ----

typedef struct {
    pairs_t *pairs;
    const view_t *view;
    const record_t *record;
    const char *lang;
    trail_t trail;
} walk_t;

static void add_text(walk_t *walk, const Enlace__V1__Text *text)
{
    for (size_t i = 0; i < text->n_entries; i++) {
        const char *lang = text->entries[i]->lang;
        char *name = mem_format("%s (%s)", walk->trail.path, lang ? lang : "");
        pairs_add(walk->pairs, name, text->entries[i]->text, STYLE_NONE);
        mem_free(name);
    }
}

// In a person's words why a reference leads nowhere.
static const char *why_text(const char *why)
{
    err_t err = err_by_name(why);
    if (err == ERR_NOT_YET_HERE)
        return _("not yet here");
    if (err == ERR_RETRACTED)
        return _("retracted");
    return err == ERR_INTERNAL ? why : _(err_text(err));
}

static char *resolved_text(const Enlace__V1__ResolvedRef *ref)
{
    const char *given = ref->given ? ref->given : "";
    const char *id = ref->id && strcmp(ref->id, given) != 0 ? ref->id : "";
    const char *title = ref->title ? ref->title : "";
    const char *why = ref->why && *ref->why ? why_text(ref->why) : "";
    return mem_format("%s%s%s%s%s%s%s%s", given, *id ? " = " : "", id, *title ? ": " : "", title,
                      *why ? " (" : "", why, *why ? ")" : "");
}

static void add_ref(walk_t *walk, const Enlace__V1__Ref *ref)
{
    char *text = NULL;
    style_t style = STYLE_NONE;
    for (size_t i = 0; i < walk->view->n_refs && !text; i++) {
        const Enlace__V1__ResolvedRef *resolved = walk->view->refs[i];
        if (!resolved->field || strcmp(resolved->field, walk->trail.path) != 0)
            continue;
        text = resolved_text(resolved);
        style = resolved->why && *resolved->why ? STYLE_WARNING : STYLE_NONE;
    }
    if (!text)
        text = ref_format(ref);
    pairs_add(walk->pairs, walk->trail.path, text, style);
    mem_free(text);
}

static void add_cell(walk_t *walk, const char *path)
{
    char *cell = record_cell(walk->record, path, walk->lang);
    pairs_add(walk->pairs, path, cell, STYLE_NONE);
    mem_free(cell);
}

static bool is_nested(const ProtobufCMessageDescriptor *type)
{
    return type != &enlace__v1__date__descriptor && type != &enlace__v1__money__descriptor &&
           type != &enlace__v1__code__descriptor;
}

static void add_fields(walk_t *walk, const ProtobufCMessage *message);

static void add_message(walk_t *walk, const ProtobufCMessage *message)
{
    if (message->descriptor == &enlace__v1__text__descriptor)
        add_text(walk, (const Enlace__V1__Text *)message);
    else if (message->descriptor == &enlace__v1__ref__descriptor)
        add_ref(walk, (const Enlace__V1__Ref *)message);
    else if (is_nested(message->descriptor))
        add_fields(walk, message);
    else
        add_cell(walk, walk->trail.path);
}

static void add_field(walk_t *walk, const ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field)
{
    size_t count = field_count(message, field);
    trail_mark_t before = trail_name(&walk->trail, field->name);
    if (count && field->type != PROTOBUF_C_TYPE_MESSAGE)
        add_cell(walk, walk->trail.path);
    for (size_t i = 0; i < count && field->type == PROTOBUF_C_TYPE_MESSAGE; i++) {
        trail_mark_t name =
            field_is_list(field) ? trail_place(&walk->trail, i + 1) : (trail_mark_t){0, 0};
        add_message(walk, *(ProtobufCMessage *const *)field_value(message, field, i));
        if (field_is_list(field))
            trail_back(&walk->trail, name);
    }
    trail_back(&walk->trail, before);
}

static bool in_envelope(const char *name)
{
    return strcmp(name, "key") == 0 || strcmp(name, "label") == 0;
}

static void add_fields(walk_t *walk, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++)
        if (!field_in_oneof(&type->fields[i]) &&
            !(message == &walk->record->base && in_envelope(type->fields[i].name)))
            add_field(walk, message, &type->fields[i]);
}

static void add_time(pairs_t *pairs, const char *name, uint64_t wall_ms)
{
    char text[WHEN_TEXT];
    when_format(wall_ms, text);
    pairs_add(pairs, name, text, STYLE_NONE);
}

static void add_envelope(pairs_t *pairs, const view_t *view)
{
    char revision[24] = "";
    bool retracted = view->state && strcmp(view->state, "retracted") == 0;
    if (view->has_revision)
        snprintf(revision, sizeof revision, "%llu", (unsigned long long)view->revision);
    pairs_add(pairs, "id", view->id, STYLE_HEADING);
    pairs_add(pairs, "node", view->node, STYLE_NONE);
    pairs_add(pairs, "kind", view->kind, STYLE_NONE);
    pairs_add(pairs, "key", view->key, STYLE_NONE);
    pairs_add(pairs, "label", view->label, style_of_label(view->label));
    pairs_add(pairs, "state", view->state, retracted ? STYLE_BAD : STYLE_NONE);
    add_time(pairs, "created_at", view->created_ms);
    add_time(pairs, "changed_at", view->changed_ms);
    pairs_add(pairs, "revision", revision, STYLE_NONE);
    pairs_add(pairs, "change", view->change, STYLE_NONE);
    if (view->note && *view->note) {
        char *note = mem_format("%s: %s", view->note, _(err_text(err_by_name(view->note))));
        pairs_add(pairs, "note", note, STYLE_WARNING);
        mem_free(note);
    }
}

void view_print(FILE *out, const screen_t *screen, const view_t *view, const record_t *record,
                const char *lang)
{
    pairs_t *pairs = pairs_new();
    walk_t walk = {.pairs = pairs, .view = view, .record = record, .lang = lang};
    add_envelope(pairs, view);
    if (record && record_body(record))
        add_fields(&walk, record_body(record));
    if (record)
        add_fields(&walk, &record->base);
    pairs_print(pairs, out, screen);
    pairs_destroy(&pairs);
}

// ---- CSV ----

static const char *const envelope[] = {"id",    "node",       "kind",       "key",     "label",
                                       "state", "created_at", "changed_at", "revision"};

static void csv_names(FILE *out, const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (!field_in_oneof(&type->fields[i]) &&
            !(type == &enlace__v1__record__descriptor && in_envelope(type->fields[i].name)))
            output_csv(out, type->fields[i].name, false);
}

void view_csv_head(FILE *out, const kind_t *kind)
{
    for (size_t i = 0; i < sizeof envelope / sizeof *envelope; i++)
        output_csv(out, envelope[i], i == 0);
    if (kind)
        csv_names(out, kind->type);
    else
        output_csv(out, "title", false);
    csv_names(out, &enlace__v1__record__descriptor);
    output_csv_end(out);
}

static void csv_cells(FILE *out, const ProtobufCMessageDescriptor *type, const record_t *record,
                      const char *lang)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const char *name = type->fields[i].name;
        if (field_in_oneof(&type->fields[i]) ||
            (type == &enlace__v1__record__descriptor && in_envelope(name)))
            continue;
        char *cell = record ? record_cell(record, name, lang) : NULL;
        output_csv(out, cell, false);
        mem_free(cell);
    }
}

void view_csv(FILE *out, const kind_t *kind, const view_t *view, const record_t *record,
              const char *lang)
{
    json_t *object = view_to_json(view, NULL);
    for (size_t i = 0; i < sizeof envelope / sizeof *envelope; i++) {
        const json_t *value = json_object_get(object, envelope[i]);
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        output_csv(out, json_is_integer(value) ? number : json_string_value(value), i == 0);
    }
    if (kind)
        csv_cells(out, kind->type, record, lang);
    else
        output_csv(out, record ? record_title(record, lang) : NULL, false);
    csv_cells(out, &enlace__v1__record__descriptor, record, lang);
    output_csv_end(out);
    json_decref(object);
}
