// Changes as people follow them: the history of one record, and what was applied
// here, in that order.
#include <string.h>

#include "daemon/store/reader_internal.h"

enum { LOOKED_AT_MAX = 4096 };

// ---- one change ----

static void tell_content(const content_t *content, span_t body, row_t *row)
{
    row->kind = content_kind_name(content->kind);
    row->key = content->key;
    row->label = content->label;
    row->example = content->example;
    row->body = content->kind ? body : (span_t){0};
}

static err_t tell_record_change(const entry_t *entry, row_t *row, row_fn fn, void *context,
                                bool *more)
{
    content_t content = {0};
    // What is parked here says nothing, even where its bytes could be read (kind-fixed ...).
    if (!row->note || row->note == ERR_RETRACTED)
        content_read(entry->type, entry->min_reader, entry->state, entry->body, entry->look,
                     &content);
    if (content.why == ERR_DAMAGED) // since the view was made, maybe
        row->note = ERR_DAMAGED;
    tell_content(&content, entry->body, row);
    *more = fn(context, row);
    content_clear(&content);
    return ERR_OK;
}

// A retraction is told by what it retracts.
static err_t tell_retraction(sql_t *sql, const view_row_t *record, row_t *row, row_fn fn,
                             void *context, bool *more, fault_t *fault)
{
    buf_t body = {0};
    row->retracted = record->stands && row->apply == (uint64_t)record->stands;
    row->kind = content_kind_name(record->kind);
    row->key = record->key;
    row->label = record->label;
    row->example = record->example;
    err_t err = record->content ? entry_body(sql, record->content, &body, fault) : ERR_OK;
    if (err == ERR_DAMAGED) {
        row->note = err;
        err = ERR_OK;
    }
    row->body = buf_span(&body);
    if (!err)
        *more = fn(context, row);
    buf_free(&body);
    return err;
}

// What is told of a change besides its own content. `record` is the row of the record that it
// belongs to, id 0 where it belongs to none.
typedef struct {
    const char *owner;
    err_t parked;
    uint64_t revision; // 0: not told
    const view_row_t *record;
} shown_t;

static err_t show_change(sql_t *sql, const entry_t *entry, const shown_t *shown, row_fn fn,
                         void *context, bool *more, fault_t *fault)
{
    const view_row_t *record = shown->record;
    row_t row = {
        .origin = entry->origin_id,
        .owner = shown->owner,
        .id = record->id ? record->at : entry->at,
        .change = entry->at,
        .apply = (uint64_t)entry->id,
        .type = entry->type,
        .created_ms = record->id ? record->created_ms : entry->time_ms,
        .changed_ms = entry->time_ms,
        .revision = shown->revision,
        .note = shown->parked,
    };
    if (entry->type == CHANGE_RECORD)
        return tell_record_change(entry, &row, fn, context, more);
    if (entry->type == CHANGE_RETRACT && record->id)
        return tell_retraction(sql, record, &row, fn, context, more, fault);
    *more = fn(context, &row);
    return ERR_OK;
}

static err_t read_owner(sql_t *sql, int64_t origin, code_t *code, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *code = (code_t){{0}};
    err_t err = sql_first(sql, "SELECT code FROM origin WHERE ix = ?1", SQL_ROW(sql_int(origin)),
                          &statement, &row, fault);
    if (err || !row)
        return err;
    const char *text = sql_column_text(statement, 0);
    strncpy(code->text, text ? text : "", CODE_MAX);
    sql_done(statement);
    return ERR_OK;
}

// ---- history ----

// The cursor: epoch and number to go on from, and how many changes have counted so far.
typedef struct {
    uint64_t epoch, number, counted;
} past_t;

static err_t unpack(const buf_t *cursor, past_t *past, fault_t *fault)
{
    *past = (past_t){0};
    if (cursor->size == 0)
        return ERR_OK;
    if (cursor->size != sizeof *past)
        return fault_set(fault, ERR_BAD_VALUE, "cursor", NULL);
    memcpy(past, cursor->data, sizeof *past);
    if (past->epoch == 0 || past->epoch > EPOCH_MAX || past->number > NUMBER_MAX + 1 ||
        past->counted > NUMBER_MAX)
        return fault_set(fault, ERR_BAD_VALUE, "cursor", NULL);
    return ERR_OK;
}

typedef struct {
    sql_t *sql;
    code_t owner;
    view_row_t record;
    past_t past;
    size_t left;
    bool more; // the caller wants more
    row_fn fn;
    void *context;
} history_t;

static err_t tell_past(history_t *history, const entry_t *entry, fault_t *fault)
{
    shown_t shown = {.owner = history->owner.text, .record = &history->record};
    err_t err = view_parked(history->sql, entry->id, &shown.parked, fault);
    if (err)
        return err;
    if (fold_counts(&history->record.fold, entry->at))
        shown.revision = ++history->past.counted;
    history->past.epoch = entry->at.epoch;
    history->past.number = entry->at.number + 1;
    history->left--;
    return show_change(history->sql, entry, &shown, history->fn, history->context, &history->more,
                       fault);
}

static err_t tell_creation(history_t *history, entry_t *creation, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    err_t err = entry_by_id(history->sql, history->record.id, &statement, creation, fault);
    if (err || !creation->id)
        return err;
    if (history->past.epoch == 0)
        err = tell_past(history, creation, fault);
    creation->body = (span_t){0};
    sql_done(statement);
    return err;
}

static err_t tell_revision(history_t *history, int64_t change, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    entry_t entry;
    err_t err = entry_by_id(history->sql, change, &statement, &entry, fault);
    if (err)
        return err;
    if (!entry.id)
        return fault_set(fault, ERR_DAMAGED, "target", "it names a change that is not in the log");
    err = tell_past(history, &entry, fault);
    sql_done(statement);
    return err;
}

static err_t tell_revisions(history_t *history, const entry_t *creation, bool *end, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = entry_start_revisions(history->sql, creation, (uint32_t)history->past.epoch,
                                      history->past.number, &statement, fault);
    if (!err)
        err = sql_step(history->sql, statement, &row, fault);
    while (!err && row && history->left > 0 && history->more) {
        err = tell_revision(history, sqlite3_column_int64(statement, 0), fault);
        if (!err)
            err = sql_step(history->sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    *end = !err && !row;
    return err;
}

static err_t tell_history(history_t *history, const origin_t *origin, position_t id, bool *end,
                          fault_t *fault)
{
    int64_t record = 0;
    entry_t creation;
    err_t err = lookup_id(history->sql, origin, id, &record, fault);
    if (!err)
        err = view_row_load(history->sql, record, &history->record, fault);
    if (!err && !history->record.id)
        err = fault_set(fault, ERR_DAMAGED, "record", "a row whose change is not in the log");
    if (!err)
        err = read_owner(history->sql, history->record.origin, &history->owner, fault);
    if (!err)
        err = tell_creation(history, &creation, fault);
    return err ? err : tell_revisions(history, &creation, end, fault);
}

err_t reader_history(reader_t *reader, const origin_t *origin, position_t id, size_t rows,
                     buf_t *cursor, bool *end, row_fn fn, void *context, fault_t *fault)
{
    history_t history = {
        .sql = reader->sql, .left = rows, .more = true, .fn = fn, .context = context};
    *end = false;
    err_t err = unpack(cursor, &history.past, fault);
    if (err || rows == 0)
        return err;
    err = sql_begin_read(reader->sql, fault);
    if (!err)
        err = tell_history(&history, origin, id, end, fault);
    sql_end_read(reader->sql);
    if (!err) {
        buf_clear(cursor);
        buf_append(cursor, span_of(&history.past, sizeof history.past));
    }
    view_row_clear(&history.record);
    return err;
}

// ---- tail ----

// The row of the record that a change belongs to, id 0 where there is none.
static err_t load_record(sql_t *sql, const entry_t *entry, err_t parked, view_row_t *record,
                         fault_t *fault)
{
    bool of_record = entry->type == CHANGE_RECORD || entry->type == CHANGE_RETRACT;
    entry_t creation = *entry;
    *record = (view_row_t){0};
    if (!of_record || parked == ERR_PARKED_TARGET)
        return ERR_OK;
    if (entry->has_target) {
        err_t err = entry_facts_at(sql, entry->origin, entry->target, &creation, fault);
        if (err || !creation.id)
            return err;
    }
    return view_row_load(sql, creation.id, record, fault);
}

// How many changes came before is not counted here: it could be many.
static uint64_t known_revision(const entry_t *entry, const view_row_t *record)
{
    if (record->id == entry->id && record->id)
        return 1;
    return record->stands == entry->id ? record->fold.revision : 0;
}

typedef struct {
    sql_t *sql;
    uint64_t last; // newest change that was looked at
    size_t left;   // changes that may still be looked at
    bool more;     // the caller wants more
    row_fn fn;
    void *context;
} tail_t;

static err_t tell_applied(tail_t *tail, const entry_t *entry, const char *owner, fault_t *fault)
{
    view_row_t record = {0};
    shown_t shown = {.owner = owner, .record = &record};
    if (entry->at.lane >= LANE_OPEN_COUNT)
        return ERR_OK;
    err_t err = view_parked(tail->sql, entry->id, &shown.parked, fault);
    if (!err)
        err = load_record(tail->sql, entry, shown.parked, &record, fault);
    shown.revision = known_revision(entry, &record);
    if (!err)
        err = show_change(tail->sql, entry, &shown, tail->fn, tail->context, &tail->more, fault);
    view_row_clear(&record);
    return err;
}

// Those of the row's commit that come after what was looked at.
static err_t tell_commit(tail_t *tail, sqlite3_stmt *statement, fault_t *fault)
{
    entries_t entries;
    bool more = false;
    entries_begin(&entries, statement);
    err_t err = entries_after(&entries, (int64_t)tail->last, &more, fault);
    while (!err && more && tail->more && tail->left > 0) {
        const char *owner = sql_column_text(statement, ENTRIES_COLUMN_COUNT);
        err = tell_applied(tail, &entries.entry, owner, fault);
        if (err)
            break;
        tail->left--;
        tail->last = (uint64_t)entries.entry.id;
        err = entries_next(&entries, 0, &more, fault);
    }
    return err;
}

static err_t tell_tail(tail_t *tail, fault_t *fault)
{
    static const char list[] =
        "SELECT " ENTRIES_COLUMNS ", o.code FROM " ENTRIES_TABLES " WHERE m.id >="
        " (SELECT coalesce(max(id), 0) FROM commit_log WHERE id <= ?1 + 1) ORDER BY m.id";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    err_t err = sql_first(tail->sql, list, SQL_ROW(sql_u64(tail->last)), &statement, &row, fault);
    while (!err && row && tail->more && tail->left > 0) {
        err = tell_commit(tail, statement, fault);
        if (!err)
            err = sql_step(tail->sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    return err;
}

err_t reader_tail(reader_t *reader, uint64_t since, size_t rows, uint64_t *last, row_fn fn,
                  void *context, fault_t *fault)
{
    tail_t tail = {.sql = reader->sql,
                   .last = since,
                   .left = rows < LOOKED_AT_MAX ? rows : LOOKED_AT_MAX,
                   .more = true,
                   .fn = fn,
                   .context = context};
    *last = since;
    if (since >= INT64_MAX)
        return ERR_OK;
    err_t err = sql_begin_read(reader->sql, fault);
    if (!err)
        err = tell_tail(&tail, fault);
    sql_end_read(reader->sql);
    *last = tail.last;
    return err;
}
