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
