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

// What a line comes to is known at once where it refers to nothing. Whatever is wrong with
// it is the check's to say, when all lines have come.
static void settle_early(import_t *import, const roster_t *roster, bool plain, staged_line_t *line,
                         authored_t *authored)
{
    author_t author = import_author(import, roster, NULL);
    record_t *record = NULL;
    fault_t ignored = {0};
    if (!line->mine || !plain || !import->fresh)
        return;
    decoded_t decoded = {.bytes = line->text, .plain = true};
    err_t err = record_decode_plain(line->text, &record, &ignored);
    if (!err)
        err = author_settle(&author, record, &decoded, authored, &ignored);
    record_destroy(&record);
    if (err)
        return;
    line->outcome = (outcome_t){true, authored->act, authored->id};
    line->text = buf_span(&authored->body);
}

static err_t stage(import_t *import, const roster_t *roster, bool plain, staged_line_t *line,
                   fault_t *fault)
{
    uint64_t taken;
    authored_t authored = {0};
    settle_early(import, roster, plain, line, &authored);
    err_t err = staging_add(import->staging, line, &taken, fault);
    authored_clear(&authored);
    import->staged += !err && line->mine;
    import->skipped += !err && !line->mine;
    return err;
}

// Parsed once: what says all by itself waits as the record that it is.
static err_t stage_record(import_t *import, const roster_t *roster, const json_t *object,
                          staged_line_t *line, fault_t *fault)
{
    buf_t encoded = line->mine ? record_encode_json(object, import->lang) : (buf_t){0};
    record_glance_t glance = {0};
    if (encoded.size) {
        line->encoded = true;
        line->text = buf_span(&encoded);
        glance.plain = record_glance(line->text, &glance) == ERR_OK && glance.plain;
    }
    err_t err = stage(import, roster, glance.plain, line, fault);
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
        err = stage_record(import, roster, object, &line, fault);
    return err;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static err_t count_line(import_t *import, size_t size, fault_t *fault)
{
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
    return ERR_OK;
}

static err_t stage_line(import_t *import, const roster_t *roster, const char *text, fault_t *fault)
{
    size_t size = strlen(text);
    json_t *object = NULL;
    err_t err = count_line(import, size, fault);
    if (err || is_blank(text))
        return err;
    err = json_parse(text, size, &object, fault);
    if (!err)
        err = stage_object(import, roster, object, span_of(text, size), fault);
    json_decref(object);
    return err;
}

// ---- lines that the client has read ----

static err_t take_key(span_t given, bool needed, char key[STAGING_KEY_MAX + 1], fault_t *fault)
{
    if (!given.data && needed)
        return fault_set(fault, ERR_MISSING_FIELD, "key", NULL);
    if (given.size > STAGING_KEY_MAX || (given.data && given.size == 0))
        return fault_set(fault, ERR_BAD_VALUE, "key", NULL);
    if (given.data)
        memcpy(key, given.data, given.size);
    key[given.size] = '\0';
    return ERR_OK;
}

// The record is only looked at: what an author may write is the check's to say.
static err_t stage_glance(import_t *import, const roster_t *roster, const char *node,
                          const record_glance_t *glance, span_t record, fault_t *fault)
{
    char key[STAGING_KEY_MAX + 1] = "";
    staged_line_t line = {
        .number = import->next_line,
        .node = meaning(import, node),
        .kind = kind_by_tag(glance->kind)->name,
        .key = glance->key.data ? key : NULL,
        .mine = strcmp(node, import->node) == 0,
        .encoded = true,
        .text = record,
    };
    err_t err = take_key(glance->key, line.mine, key, fault);
    return err ? err : stage(import, roster, glance->plain, &line, fault);
}

static err_t stage_read(import_t *import, const roster_t *roster,
                        const Enlace__V1__ImportRecord *given, fault_t *fault)
{
    span_t record = span_of(given->record.data, given->has_record ? given->record.len : 0);
    record_glance_t glance;
    err_t err = count_line(import, record.size, fault);
    if (!err && !given->node)
        err = fault_set(fault, ERR_MISSING_FIELD, "node", NULL);
    if (!err)
        err = check_node(import, roster, given->node, fault);
    if (err)
        return err;
    err = record_glance(record, &glance);
    if (err || !glance.kind)
        return fault_set(fault, err ? err : ERR_UNKNOWN_KIND, "record", NULL);
    return stage_glance(import, roster, given->node, &glance, record, fault);
}

// The one whose place this is, if there is one; *next goes on behind it.
static err_t find_read(const Enlace__V1__ImportLines *lines, size_t place, size_t *next,
                       const Enlace__V1__ImportRecord **found, fault_t *fault)
{
    *found = *next < lines->n_records ? lines->records[*next] : NULL;
    if (!*found || ((*found)->has_place && (*found)->place > place)) {
        *found = NULL;
        return ERR_OK;
    }
    ++*next;
    if (!(*found)->has_place || (*found)->place != place || lines->lines[place][0])
        return fault_set(fault, ERR_BAD_VALUE, "records", "not in the places of empty lines");
    return ERR_OK;
}

static err_t stage_next(import_t *import, const roster_t *roster,
                        const Enlace__V1__ImportLines *lines, size_t place, size_t *next,
                        fault_t *fault)
{
    const Enlace__V1__ImportRecord *given = NULL;
    err_t err = find_read(lines, place, next, &given, fault);
    if (err)
        return err;
    return given ? stage_read(import, roster, given, fault)
                 : stage_line(import, roster, lines->lines[place], fault);
}

static err_t stage_all(import_t *import, const roster_t *roster,
                       const Enlace__V1__ImportLines *lines, fault_t *fault)
{
    size_t next = 0;
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < lines->n_lines; i++) {
        err = stage_next(import, roster, lines, i, &next, fault);
        import->line = err ? import->next_line : 0;
        import->next_line++;
    }
    if (!err && next < lines->n_records)
        err = fault_set(fault, ERR_BAD_VALUE, "records", "more than there are lines");
    return err;
}

err_t import_stage(import_t *import, const roster_t *roster, const Enlace__V1__ImportLines *lines,
                   fault_t *fault)
{
    import->line = 0;
    if (import->stage != STAGE_LINES)
        return fault_set(fault, ERR_UNEXPECTED, "", "the last line has come before");
    if (lines->n_lines > CONTROL_IMPORT_LINES_MAX)
        return fault_set(fault, ERR_TOO_MANY, "lines", "at most %u lines come at once",
                         CONTROL_IMPORT_LINES_MAX);
    // Numbers are those of the file: a client may leave its empty lines out.
    if (lines->n_lines && (lines->first_line < import->next_line || lines->first_line > NUMBER_MAX))
        return fault_set(fault, ERR_OUT_OF_ORDER, "first_line", "line %llu comes next",
                         (unsigned long long)import->next_line);
    if (lines->n_lines)
        import->next_line = lines->first_line;
    err_t err = import_look(import, fault);
    if (!err)
        err = stage_all(import, roster, lines, fault);
    store_let_go(import->store);
    if (err)
        return err;
    if (lines->last)
        import->stage = STAGE_CHECK;
    return ERR_OK;
}
