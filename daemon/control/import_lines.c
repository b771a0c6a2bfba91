// The first stage of an import: lines come, are read, and wait for the others.
#include <string.h>

#include "daemon/control/import_internal.h"
#include "lib/control.h"
#include "lib/mem.h"

// A member's code as the file says it; that of `mine` means this node itself.
static const char *meaning(const import_t *import, const char *node)
{
    return strcmp(node, import->node) == 0 ? import->own : node;
}

static err_t take_text(const json_t *object, const char *name, size_t max, bool needed,
                       const char **text, fault_t *fault)
{
    const json_t *value = json_object_get(object, name);
    *text = NULL;
    if (!value && needed)
        return fault_set(fault, ERR_MISSING_FIELD, name, NULL);
    if (value && !json_is_string(value))
        return fault_set(fault, ERR_WRONG_TYPE, name, NULL);
    if (value && (json_string_length(value) > max || json_string_length(value) == 0))
        return fault_set(fault, ERR_BAD_VALUE, name, NULL);
    *text = json_string_value(value);
    return ERR_OK;
}

static err_t check_node(const import_t *import, const roster_t *roster, const char *node,
                        fault_t *fault)
{
    origin_t origin;
    if (!code_valid(node))
        return fault_set(fault, ERR_BAD_NODE_CODE, "node", "%s", node);
    if (strcmp(node, import->node) == 0 || strcmp(node, import->own) == 0 ||
        roster_origin_of(roster, node, &origin))
        return ERR_OK;
    return fault_set(fault, ERR_UNKNOWN_MEMBER, "node", "%s", node);
}

// A key without a node means whatever the whole file says: that is not known yet.
static const char *ask_later(void *context, const char *key, fault_t *fault)
{
    bool *later = context;
    (void)key;
    (void)fault;
    *later = true;
    return NULL;
}

// The record of a line, so that it is parsed once. Empty where that must wait for the
// check: because of what it refers to, or because it is going to be refused.
static buf_t encode_early(const import_t *import, const json_t *object)
{
    bool later = false;
    json_reading_t reading = {
        .own = import->own, .lang = import->lang, .owner_of_key = ask_later, .context = &later};
    record_glance_t glance;
    record_t *record = NULL;
    buf_t encoded = {0};
    if (record_from_json(object, &reading, &record, NULL) || later)
        later = true;
    else
        record_apply_defaults(record);
    if (!later)
        encoded = record_encode(record);
    if (encoded.size && record_glance(buf_span(&encoded), &glance))
        buf_free(&encoded);
    record_destroy(&record);
    return encoded;
}

static err_t stage_record(import_t *import, const json_t *object, staged_line_t *line,
                          fault_t *fault)
{
    uint64_t taken;
    buf_t encoded = line->mine ? encode_early(import, object) : (buf_t){0};
    if (encoded.size) {
        line->encoded = true;
        line->text = buf_span(&encoded);
    }
    err_t err = staging_add(import->staging, line, &taken, fault);
    buf_free(&encoded);
    return err;
}

static err_t stage_object(import_t *import, const roster_t *roster, const json_t *object,
                          span_t text, fault_t *fault)
{
    staged_line_t line = {.number = import->next_line, .text = text};
    const char *node;
    err_t err = take_text(object, "node", CODE_MAX, true, &node, fault);
    if (!err)
        err = check_node(import, roster, node, fault);
    if (err)
        return err;
    line.mine = strcmp(node, import->node) == 0;
    line.node = meaning(import, node);
    err = take_text(object, "kind", STAGING_KIND_MAX, true, &line.kind, fault);
    if (!err)
        err = take_text(object, "key", STAGING_KEY_MAX, line.mine, &line.key, fault);
    if (!err)
        err = stage_record(import, object, &line, fault);
    if (err)
        return err;
    import->staged += line.mine;
    import->skipped += !line.mine;
    return ERR_OK;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static err_t stage_line(import_t *import, const roster_t *roster, const char *text, fault_t *fault)
{
    size_t size = strlen(text);
    json_t *object = NULL;
    if (++import->lines > IMPORT_LINES_MAX)
        return fault_set(fault, ERR_TOO_MANY, "", "an import has at most %u lines",
                         IMPORT_LINES_MAX);
    if (size > CONTROL_IMPORT_LINE_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", "a line has at most %u bytes",
                         CONTROL_IMPORT_LINE_MAX);
    import->bytes += size;
    if (import->bytes > IMPORT_BYTES_MAX)
        return fault_set(fault, ERR_TOO_BIG, "", "an import has at most %llu bytes",
                         (unsigned long long)IMPORT_BYTES_MAX);
    if (is_blank(text))
        return ERR_OK;
    err_t err = json_parse(text, size, &object, fault);
    if (!err)
        err = stage_object(import, roster, object, span_of(text, size), fault);
    json_decref(object);
    return err;
}

err_t import_stage(import_t *import, const roster_t *roster, const Enlace__V1__ImportLines *lines,
                   fault_t *fault)
{
    import->line = 0;
    if (import->stage != STAGE_LINES)
        return fault_set(fault, ERR_UNEXPECTED, "", "the last line has come before");
    // Numbers are those of the file: a client may leave its empty lines out.
    if (lines->n_lines && (lines->first_line < import->next_line || lines->first_line > NUMBER_MAX))
        return fault_set(fault, ERR_OUT_OF_ORDER, "first_line", "line %llu comes next",
                         (unsigned long long)import->next_line);
    if (lines->n_lines)
        import->next_line = lines->first_line;
    for (size_t i = 0; i < lines->n_lines; i++) {
        err_t err = stage_line(import, roster, lines->lines[i], fault);
        if (err) {
            import->line = import->next_line;
            return err;
        }
        import->next_line++;
    }
    if (lines->last)
        import->stage = STAGE_CHECK;
    return ERR_OK;
}
