#include <string.h>

#include "daemon/control/import_internal.h"
#include "lib/mem.h"

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
    self->staging = staging_new();
    *import = self;
    return ERR_OK;
}

static void drop_batch(import_t *import)
{
    import->draft_count = import->body_bytes = import->commits = 0;
    import->room = (commit_room_t){0};
    import->batch_counts = (counts_t){0};
    import->writing = false;
}

void import_destroy(import_t **import)
{
    if (!*import)
        return;
    staging_destroy(&(*import)->staging);
    mem_free((*import)->bodies);
    mem_free(*import);
    *import = NULL;
}

uint64_t import_line(const import_t *import)
{
    return import->line;
}

const char *import_lang(const import_t *import)
{
    return import->lang;
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

// ---- what others write ----

// Of all feeds of this node: whatever it says makes one of them longer.
static err_t read_length(const import_t *import, uint64_t *length, fault_t *fault)
{
    position_t *ends;
    size_t count;
    err_t err = store_positions(import->store, &import->self, &ends, &count, fault);
    *length = 0;
    for (size_t i = 0; i < count; i++)
        *length += ends[i].number;
    mem_free(ends);
    return err;
}

err_t import_look(import_t *import, fault_t *fault)
{
    uint64_t length = 0, undone = store_undone(import->store);
    err_t err = store_hold(import->store, fault);
    if (!err)
        err = read_length(import, &length, fault);
    if (err)
        return err;
    if (!import->looked) {
        import->length = length;
        import->undone = undone;
    }
    import->fresh =
        length == import->length && undone == import->undone && (import->fresh || !import->looked);
    import->looked = true;
    return ERR_OK;
}

// ---- check ----

static const char *owner_of_key(void *context, const char *key, fault_t *fault)
{
    import_t *import = context;
    code_t first;

    size_t owners = staging_owners(import->staging, key, &first);
    if (owners == 0)
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

static const char *kind_of(void *context, const char *node, const char *key)
{
    return staging_kind(((import_t *)context)->staging, node, key);
}

author_t import_author(import_t *import, const roster_t *roster, const file_keys_t *keys)
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

// What is settled is kept beside the line, the record only where it is not the line's own.
static err_t keep_outcome(import_t *import, const staged_line_t *line, const authored_t *authored,
                          fault_t *fault)
{
    outcome_t outcome = {true, authored->act, authored->id};
    span_t settled = buf_span(&authored->body);
    if (line->encoded && span_equal(settled, line->text))
        settled = span_of(NULL, 0);
    return staging_settle(import->staging, line->number, &outcome, settled, fault);
}

static err_t check_line(import_t *import, const roster_t *roster, const staged_line_t *line,
                        fault_t *fault)
{
    file_keys_t keys = {import, kind_of};
    author_t author = import_author(import, roster, &keys);
    authored_t authored = {0};
    record_t *record = NULL;
    decoded_t decoded = {.bytes = line->encoded ? line->text : span_of(NULL, 0)};
    err_t err = line->encoded ? record_decode(line->text, &record, fault)
                              : read_line(import, line->text, &record, fault);
    if (!err)
        err = author_settle(&author, record, &decoded, &authored, fault);
    if (!err)
        err = keep_outcome(import, line, &authored, fault);
    authored_clear(&authored);
    record_destroy(&record);
    return err;
}

// What lines came to as they came holds only where nobody else has written since.
static err_t begin_check(import_t *import, fault_t *fault)
{
    bool first = import->checked == 0 && import->at.line == 0;
    err_t err = import_look(import, fault);
    import->early = import->fresh && (first || import->early);
    if (err || !first || import->fresh)
        return err;
    import->looked = false;
    return import_look(import, fault);
}

static err_t check_next(import_t *import, const roster_t *roster, size_t *looked, size_t *bytes,
                        bool *done, fault_t *fault)
{
    staged_line_t line;
    err_t err = staging_next(import->staging, &import->at, &line, fault);
    *done = !err && line.number == 0;
    if (err || *done)
        return err;
    if (!import->early || !line.outcome.known) {
        ++*looked;
        *bytes += line.text.size;
        err = check_line(import, roster, &line, fault);
    }
    import->line = err ? line.number : 0;
    import->checked += !err;
    return err;
}

err_t import_check(import_t *import, const roster_t *roster, bool *done, fault_t *fault)
{
    size_t bytes = 0, looked = 0;
    *done = false;
    import->line = 0;
    if (import->stage != STAGE_CHECK)
        return fault_set(fault, ERR_UNEXPECTED, "", "a check comes once, after the last line");
    err_t err = begin_check(import, fault);
    for (size_t i = 0; !err && !*done && i < IMPORT_STEP_LINES && looked < IMPORT_CHECK_LINES &&
                       bytes < IMPORT_STEP_BYTES;
         i++)
        err = check_next(import, roster, &looked, &bytes, done, fault);
    store_let_go(import->store);
    if (*done) {
        import->stage = STAGE_WRITE;
        import->at = (staging_at_t){0};
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

static bool take_room(import_t *import, const draft_t *draft)
{
    if (import->commits && commit_room_take(&import->room, draft))
        return true;
    if (import->commits == IMPORT_BATCH_COMMITS)
        return false;
    import->commits++;
    import->room = (commit_room_t){0};
    return commit_room_take(&import->room, draft);
}

// Adds what a line comes to; false where it does not fit into the batch any more.
static bool add_to_batch(import_t *import, const outcome_t *outcome, span_t body)
{
    draft_t draft = {
        .type = CHANGE_RECORD,
        .has_target = outcome->act == AUTHORED_EDIT,
        .target = outcome->id,
        .min_reader = SCHEMA_VERSION,
        .body = span_of(import->bodies + import->body_bytes, body.size),
    };
    if (outcome->act == AUTHORED_CREATE || outcome->act == AUTHORED_EDIT) {
        if (!take_room(import, &draft))
            return false;
        memcpy(import->bodies + import->body_bytes, body.data, body.size);
        import->body_bytes += body.size;
        import->drafts[import->draft_count++] = draft;
    }
    count_act(&import->batch_counts, outcome->act);
    return true;
}

static err_t resettle(import_t *import, const roster_t *roster, staged_line_t *line,
                      authored_t *authored, fault_t *fault)
{
    author_t author = import_author(import, roster, NULL);
    record_t *record = NULL;
    err_t err = record_decode(line->text, &record, fault);
    if (!err)
        err = author_resettle(&author, record, authored, fault);
    record_destroy(&record);
    line->outcome = (outcome_t){true, authored->act, authored->id};
    line->text = buf_span(&authored->body);
    return err;
}

static err_t fill_batch(import_t *import, const roster_t *roster, fault_t *fault)
{
    for (size_t i = 0; i < IMPORT_BATCH_LINES; i++) {
        staged_line_t line;
        authored_t authored = {0};
        staging_at_t at = import->batch_end;
        err_t err = staging_next(import->staging, &at, &line, fault);
        import->batch_last = !err && line.number == 0;
        if (err || import->batch_last)
            return err;
        if (!import->fresh)
            err = resettle(import, roster, &line, &authored, fault);
        bool fits = !err && add_to_batch(import, &line.outcome, line.text);
        authored_clear(&authored);
        import->line = err ? line.number : 0;
        if (err || !fits)
            return err;
        import->batch_end = at;
    }
    return ERR_OK;
}

err_t import_batch(import_t *import, const roster_t *roster, const draft_t **drafts, size_t *count,
                   fault_t *fault)
{
    *count = 0;
    *drafts = import->drafts;
    import->line = 0;
    if (import->stage != STAGE_WRITE)
        return fault_set(fault, ERR_UNEXPECTED, "", "writing comes after the check");
    drop_batch(import);
    if (!import->bodies)
        import->bodies = mem_alloc(IMPORT_BATCH_COMMITS * COMMIT_BYTES_MAX);
    import->batch_end = import->at;
    err_t err = import_look(import, fault);
    if (!err)
        err = fill_batch(import, roster, fault);
    store_let_go(import->store);
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
    import->length += import->draft_count;
    import->at = import->batch_end;
    import->done = import->batch_last;
    drop_batch(import);
}

void import_unwritten(import_t *import)
{
    drop_batch(import);
}
