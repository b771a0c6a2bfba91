#include "daemon/control/import.h"

#include <string.h>

#include "daemon/store/staging.h"
#include "lib/control.h"
#include "lib/mem.h"

typedef enum { STAGE_LINES, STAGE_CHECK, STAGE_WRITE } stage_t;

typedef struct {
    uint64_t created, edited, unchanged, retracted;
} counts_t;

struct import {
    staging_t *staging;
    store_t *store;
    origin_t self;
    char own[CODE_MAX + 1];
    char node[CODE_MAX + 1]; // whose lines are mine, as the file says it
    char lang[36];
    stage_t stage;
    char owner[CODE_MAX + 1]; // what owner_of_key gave last
    uint64_t next_line;       // number that the next line must have
    uint64_t lines, bytes;
    uint64_t staged, skipped, checked;
    uint64_t at;   // check, write: the last line that is done with
    uint64_t line; // of the last refusal
    counts_t counts;
    bool done;
    // the batch that is out
    bool writing;
    uint64_t batch_end;
    counts_t batch_counts;
    bool batch_last;
    size_t draft_count;
    commit_room_t room; // what the drafts have taken of the commit's
    draft_t drafts[COMMIT_CHANGES_MAX];
    buf_t bodies[COMMIT_CHANGES_MAX];
};

err_t import_new(const author_t *author, const char *node, import_t **import, fault_t *fault)
{
    *import = NULL;
    if (node && !code_valid(node))
        return fault_set(fault, ERR_BAD_NODE_CODE, node, NULL);
    import_t *self = mem_alloc(sizeof *self);
    self->store = author->store;
    self->self = author->self;
    self->next_line = 1;
    strncat(self->own, author->own, CODE_MAX);
    strncat(self->node, node ? node : author->own, CODE_MAX);
    strncat(self->lang, author->lang, sizeof self->lang - 1);
    err_t err = staging_open(&self->staging, fault);
    if (err)
        import_destroy(&self);
    *import = self;
    return err;
}

static void drop_batch(import_t *import)
{
    for (size_t i = 0; i < import->draft_count; i++)
        buf_free(&import->bodies[i]);
    import->draft_count = 0;
    import->room = (commit_room_t){0};
    import->batch_counts = (counts_t){0};
    import->writing = false;
}

void import_destroy(import_t **import)
{
    if (!*import)
        return;
    drop_batch(*import);
    staging_close(&(*import)->staging);
    mem_free(*import);
    *import = NULL;
}

uint64_t import_line(const import_t *import)
{
    return import->line;
}

bool import_writing(const import_t *import)
{
    return import->writing;
}

static void set_count(protobuf_c_boolean *has, uint64_t *to, uint64_t value)
{
    *has = true;
    *to = value;
}

void import_state(const import_t *import, Enlace__V1__ImportState *state)
{
    set_count(&state->has_staged, &state->staged, import->staged);
    set_count(&state->has_skipped, &state->skipped, import->skipped);
    set_count(&state->has_checked, &state->checked, import->checked);
    set_count(&state->has_created, &state->created, import->counts.created);
    set_count(&state->has_edited, &state->edited, import->counts.edited);
    set_count(&state->has_unchanged, &state->unchanged, import->counts.unchanged);
    set_count(&state->has_retracted, &state->retracted, import->counts.retracted);
    state->has_done = true;
    state->done = import->done;
}

// ---- lines ----

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

// ---- check ----

static const char *owner_of_key(void *context, const char *key, fault_t *fault)
{
    import_t *import = context;
    size_t owners;
    code_t first;

    if (staging_owners(import->staging, key, &owners, &first, fault) || owners == 0)
        return NULL;
    if (owners > 1) {
        fault_set(fault, ERR_AMBIGUOUS_KEY, "", "more than one node of the file has @%s", key);
        return NULL;
    }
    if (strcmp(first.text, import->own) == 0)
        return NULL;
    memcpy(import->owner, first.text, sizeof first.text);
    return import->owner;
}

static err_t kind_of(void *context, const char *node, const char *key, char kind[40],
                     fault_t *fault)
{
    import_t *import = context;
    return staging_kind(import->staging, node, key, kind, fault);
}

static author_t make_author(import_t *import, const roster_t *roster, const file_keys_t *keys)
{
    bool other = strcmp(import->node, import->own) != 0;
    return (author_t){
        .store = import->store,
        .roster = roster,
        .self = import->self,
        .own = import->own,
        .lang = import->lang,
        .alias = other ? import->node : NULL,
        .file = keys,
    };
}

static err_t read_line(import_t *import, span_t text, record_t **record, fault_t *fault)
{
    json_reading_t reading = {
        .own = import->own, .lang = import->lang, .owner_of_key = owner_of_key, .context = import};
    json_t *object = NULL;
    *record = NULL;
    err_t err = json_parse((const char *)text.data, text.size, &object, fault);
    if (!err)
        err = record_from_json(object, &reading, record, fault);
    json_decref(object);
    return err;
}

static err_t check_line(import_t *import, const roster_t *roster, uint64_t number, bool encoded,
                        span_t text, fault_t *fault)
{
    file_keys_t keys = {import, kind_of};
    author_t author = make_author(import, roster, &keys);
    authored_t authored = {0};
    record_t *record = NULL;
    err_t err =
        encoded ? record_decode(text, &record, fault) : read_line(import, text, &record, fault);
    if (!err)
        err = author_settle(&author, record, &authored, fault);
    if (!err) {
        buf_t settled = record_encode(record);
        if (!encoded || !span_equal(buf_span(&settled), text))
            err = staging_replace(import->staging, number, buf_span(&settled), fault);
        buf_free(&settled);
    }
    authored_clear(&authored);
    record_destroy(&record);
    return err;
}

err_t import_check(import_t *import, const roster_t *roster, bool *done, fault_t *fault)
{
    buf_t text = {0};
    size_t bytes = 0;
    err_t err = ERR_OK;
    *done = false;
    import->line = 0;
    if (import->stage != STAGE_CHECK)
        return fault_set(fault, ERR_UNEXPECTED, "", "a check comes once, after the last line");
    for (size_t i = 0; !err && !*done && i < IMPORT_CHECK_LINES && bytes < IMPORT_STEP_BYTES; i++) {
        uint64_t number;
        bool encoded = false;
        err = staging_next(import->staging, import->at, &number, &encoded, &text, fault);
        *done = !err && number == 0;
        if (err || *done)
            break;
        bytes += text.size;
        import->at = number;
        err = check_line(import, roster, number, encoded, buf_span(&text), fault);
        import->line = err ? number : 0;
        import->checked += !err;
    }
    buf_free(&text);
    if (*done) {
        import->stage = STAGE_WRITE;
        import->at = 0;
    }
    return err;
}

// ---- write ----

static void count_act(counts_t *counts, authored_act_t act)
{
    counts->created += act == AUTHORED_CREATE;
    counts->edited += act == AUTHORED_EDIT;
    counts->unchanged += act == AUTHORED_UNCHANGED;
    counts->retracted += act == AUTHORED_STAYS_RETRACTED;
}

static err_t settle_line(import_t *import, const roster_t *roster, span_t encoded,
                         authored_t *authored, fault_t *fault)
{
    author_t author = make_author(import, roster, NULL);
    record_t *record = NULL;
    *authored = (authored_t){0};
    err_t err = record_decode(encoded, &record, fault);
    if (!err)
        err = author_resettle(&author, record, authored, fault);
    record_destroy(&record);
    return err;
}

// Adds what a line comes to; false where it does not fit into the commit any more.
static bool add_to_batch(import_t *import, authored_t *authored)
{
    size_t count = import->draft_count;
    bool writes = authored->act == AUTHORED_CREATE || authored->act == AUTHORED_EDIT;
    if (writes) {
        if (!commit_room_take(&import->room, &authored->draft))
            return false;
        import->drafts[count] = authored->draft;
        import->bodies[count] = authored->body;
        import->draft_count++;
        authored->body = (buf_t){0};
    }
    count_act(&import->batch_counts, authored->act);
    return true;
}

static err_t fill_batch(import_t *import, const roster_t *roster, buf_t *text, fault_t *fault)
{
    for (size_t i = 0; i < IMPORT_BATCH_LINES && import->draft_count < COMMIT_CHANGES_MAX; i++) {
        uint64_t number;
        bool encoded = false;
        authored_t authored = {0};
        err_t err =
            staging_next(import->staging, import->batch_end, &number, &encoded, text, fault);
        import->batch_last = !err && number == 0;
        if (err || import->batch_last)
            return err;
        err = settle_line(import, roster, buf_span(text), &authored, fault);
        bool fits = !err && add_to_batch(import, &authored);
        authored_clear(&authored);
        import->line = err ? number : 0;
        if (err || !fits)
            return err;
        import->batch_end = number;
    }
    return ERR_OK;
}

err_t import_batch(import_t *import, const roster_t *roster, const draft_t **drafts, size_t *count,
                   fault_t *fault)
{
    buf_t text = {0};
    *count = 0;
    *drafts = import->drafts;
    import->line = 0;
    if (import->stage != STAGE_WRITE)
        return fault_set(fault, ERR_UNEXPECTED, "", "writing comes after the check");
    drop_batch(import);
    import->batch_end = import->at;
    err_t err = fill_batch(import, roster, &text, fault);
    buf_free(&text);
    if (err) {
        drop_batch(import);
        return err;
    }
    *count = import->draft_count;
    import->writing = *count > 0;
    if (*count == 0)
        import_written(import);
    return ERR_OK;
}

void import_written(import_t *import)
{
    import->counts.created += import->batch_counts.created;
    import->counts.edited += import->batch_counts.edited;
    import->counts.unchanged += import->batch_counts.unchanged;
    import->counts.retracted += import->batch_counts.retracted;
    import->at = import->batch_end;
    import->done = import->batch_last;
    drop_batch(import);
}

void import_unwritten(import_t *import)
{
    drop_batch(import);
}
