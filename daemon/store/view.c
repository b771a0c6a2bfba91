// The rules are at the head of fold.c. I14: the digest is the sum of what stands,
// whatever the order in which it came.
#include "daemon/store/view.h"

err_t view_flush(view_t *view, fault_t *fault)
{
    return view_rows_flush(view->sql, &view->rows, fault);
}

void view_drop(view_t *view)
{
    view_rows_drop(&view->rows);
    view->block = (kind_block_t){0};
}

static bool is_creation(const entry_t *entry)
{
    return entry->type == CHANGE_RECORD && !entry->has_target && entry->at.lane < LANE_OPEN_COUNT;
}

static void count_record(view_t *view, int by)
{
    if (view->records >= 0)
        view->records += by;
}

// ---- one record from all of its changes ----

static err_t remove_record(view_t *view, int64_t id, fault_t *fault)
{
    view_row_t row = {0};
    err_t err = view_flush(view, fault);
    if (!err)
        err = view_row_load(view->sql, id, &row, fault);
    if (!err && row.id) {
        hash_t term = view_row_term(&row);
        digest_subtract(&view->digest, &term);
        count_record(view, -1);
    }
    view_row_clear(&row);
    // Also where nothing was loaded: a row whose changes are not there must go, too.
    return err ? err : view_row_delete(view->sql, &view->block, id, fault);
}

// Reads the entry into the row; *best becomes its content if it is taken.
static err_t read_into(view_t *view, view_row_t *row, const entry_t *entry, content_t *best,
                       fault_t *fault)
{
    content_t content;
    bool adopted = false;
    content_read(entry->type, entry->min_reader, entry->state, entry->body, entry->look, &content);
    view_row_read(row, entry, &content, &adopted);
    err_t err = view_park(view->sql, entry->id, content.why, fault);
    if (adopted) {
        content_clear(best);
        *best = content;
    } else {
        content_clear(&content);
    }
    return err;
}

static err_t fold_entry(view_t *view, view_row_t *row, const entry_t *entry, content_t *best,
                        fault_t *fault)
{
    if (!fold_next(&row->fold, entry->at, entry->type))
        return view_park(view->sql, entry->id, ERR_RETRACTED, fault);
    view_row_place(row, entry);
    if (entry->type == CHANGE_RETRACT)
        return view_park(view->sql, entry->id, ERR_OK, fault);
    return read_into(view, row, entry, best, fault);
}

// One of the changes that entry_start_revisions lists.
static err_t fold_revision(view_t *view, int64_t change, view_row_t *row, content_t *best,
                           fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    entry_t entry;
    err_t err = entry_by_id(view->sql, change, &statement, &entry, fault);
    if (err)
        return err;
    if (!entry.id)
        return fault_set(fault, ERR_DAMAGED, "target", "it names a change that is not in the log");
    err = fold_entry(view, row, &entry, best, fault);
    sql_done(statement);
    return err;
}

static err_t fold_revisions(view_t *view, const entry_t *creation, view_row_t *row, content_t *best,
                            fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    err_t err = entry_start_revisions(view->sql, creation, 0, 0, &statement, fault);
    if (!err)
        err = sql_step(view->sql, statement, &more, fault);
    while (!err && more) {
        err = fold_revision(view, sqlite3_column_int64(statement, 0), row, best, fault);
        if (!err)
            err = sql_step(view->sql, statement, &more, fault);
    }
    if (statement)
        sql_done(statement);
    return err;
}

// Takes the row over. `term` is the row's.
static err_t insert_record(view_t *view, view_row_t *row, const record_t *content,
                           const hash_t *term, fault_t *fault)
{
    err_t err = kind_block_add(view->sql, &view->block, row->kind, row->feed, row->id, fault);
    if (!err)
        err = view_references(view->sql, row->id, content, false, fault);
    if (!err)
        err = view_rows_add(view->sql, &view->rows, row, fault);
    if (err)
        return err;
    digest_add(&view->digest, term);
    count_record(view, 1);
    return ERR_OK;
}

// A record in the making.
typedef struct {
    view_row_t row;
    content_t best;
} folding_t;

// From its creation, with the body: that is not looked at later.
static err_t fold_begin(view_t *view, folding_t *folding, const entry_t *creation, fault_t *fault)
{
    folding->best = (content_t){0};
    view_row_begin(&folding->row, creation);
    return read_into(view, &folding->row, creation, &folding->best, fault);
}

// Takes in what came after it and writes the row; frees.
static err_t fold_end(view_t *view, folding_t *folding, const entry_t *creation, err_t err,
                      fault_t *fault)
{
    if (!err)
        err = fold_revisions(view, creation, &folding->row, &folding->best, fault);
    hash_t term = view_row_term(&folding->row);
    if (!err)
        err = insert_record(view, &folding->row, folding->best.record, &term, fault);
    content_clear(&folding->best);
    view_row_clear(&folding->row);
    return err;
}

static err_t fold_record(view_t *view, const entry_t *creation, fault_t *fault)
{
    folding_t folding;
    err_t err = fold_begin(view, &folding, creation, fault);
    return fold_end(view, &folding, creation, err, fault);
}

static err_t refold(view_t *view, int64_t id, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    entry_t creation;
    folding_t folding;
    err_t err = remove_record(view, id, fault);
    if (!err)
        err = entry_by_id(view->sql, id, &statement, &creation, fault);
    if (err || !creation.id)
        return err;
    bool creates = is_creation(&creation);
    if (creates)
        err = fold_begin(view, &folding, &creation, fault);
    sql_done(statement); // entries are read by this statement in the fold, too
    return creates ? fold_end(view, &folding, &creation, err, fault) : err;
}

// ---- what a change points at ----

// *why is ERR_OK and *record the record's row, or why the change counts for nothing.
static err_t resolve(view_t *view, const entry_t *entry, err_t *why, int64_t *record,
                     fault_t *fault)
{
    entry_t target;
    *record = 0;
    *why = ERR_PARKED_TARGET;
    if (!entry->has_target || !fold_target_fits(entry->at, entry->target))
        return ERR_OK;
    err_t err = entry_facts_at(view->sql, entry->origin, entry->target, &target, fault);
    if (err || (target.id && !is_creation(&target)))
        return err;
    *why = target.id ? ERR_OK : ERR_NOT_YET_HERE;
    *record = target.id;
    return ERR_OK;
}

// What waited for a change that turns out to create nothing.
static err_t refuse_waiting(view_t *view, const entry_t *target, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool more = false;
    err_t err = entry_start_revisions(view->sql, target, 0, 0, &statement, fault);
    if (!err)
        err = sql_step(view->sql, statement, &more, fault);
    while (!err && more) {
        err = view_park(view->sql, sqlite3_column_int64(statement, 0), ERR_PARKED_TARGET, fault);
        if (!err)
            err = sql_step(view->sql, statement, &more, fault);
    }
    if (statement)
        sql_done(statement);
    return err;
}

static err_t anything_waits(view_t *view, const entry_t *target, bool *waits, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    err_t err = entry_start_revisions(view->sql, target, 0, 0, &statement, fault);
    if (!err)
        err = sql_step(view->sql, statement, waits, fault);
    if (statement)
        sql_done(statement);
    return err;
}

// ---- one more change ----

// Of a record that nothing has changed yet.
static hash_t first_term(const view_row_t *row, const entry_t *creation)
{
    return creation->look && creation->look->termed ? creation->look->term : view_row_term(row);
}

static err_t apply_creation(view_t *view, const entry_t *entry, fault_t *fault)
{
    content_t content;
    view_row_t row;
    bool adopted = false;
    view_row_begin(&row, entry);
    content_read(entry->type, entry->min_reader, entry->state, entry->body, entry->look, &content);
    view_row_read(&row, entry, &content, &adopted);
    hash_t term = first_term(&row, entry);
    err_t err = insert_record(view, &row, content.record, &term, fault);
    if (!err && content.why)
        err = view_park(view->sql, entry->id, content.why, fault);
    content_clear(&content);
    view_row_clear(&row);
    return err;
}

// Reads a revision that counts into its row, and writes the row.
static err_t write_revision(view_t *view, view_row_t *row, const entry_t *entry, fault_t *fault)
{
    content_t content;
    bool adopted = false, renamed = false;
    unsigned kind = row->kind;
    content_read(entry->type, entry->min_reader, entry->state, entry->body, entry->look, &content);
    if (entry->type == CHANGE_RECORD) {
        renamed = !content.why && !row->anchored;
        view_row_read(row, entry, &content, &adopted);
    }
    err_t err = view_park(view->sql, entry->id, content.why, fault);
    if (!err)
        err = view_row_update(view->sql, row, fault);
    if (!err && adopted && renamed)
        err = view_row_rename(view->sql, &view->block, row, kind, fault);
    if (!err && adopted)
        err = view_references(view->sql, row->id, content.record, true, fault);
    content_clear(&content);
    return err;
}

static err_t insert_revision(view_t *view, view_row_t *row, const entry_t *entry, fault_t *fault)
{
    hash_t before = view_row_term(row);
    switch (fold_insert(&row->fold, entry->at, entry->type)) {
    case FOLD_NOTHING:
        return view_park(view->sql, entry->id, ERR_RETRACTED, fault);
    case FOLD_AGAIN:
        return refold(view, row->id, fault);
    case FOLD_COUNTS:
        break;
    }
    view_row_place(row, entry);
    err_t err = write_revision(view, row, entry, fault);
    if (err)
        return err;
    hash_t after = view_row_term(row);
    digest_subtract(&view->digest, &before);
    digest_add(&view->digest, &after);
    return ERR_OK;
}

// Loads the row that a revision belongs to, or parks the revision: then row->id is 0.
static err_t load_target(view_t *view, const entry_t *entry, view_row_t *row, fault_t *fault)
{
    err_t why = ERR_OK;
    int64_t record = 0;
    *row = (view_row_t){0};
    err_t err = resolve(view, entry, &why, &record, fault);
    if (err)
        return err;
    if (why)
        return view_park(view->sql, entry->id, why, fault);
    err = view_flush(view, fault);
    if (!err)
        err = view_row_load(view->sql, record, row, fault);
    if (!err && !row->id)
        return fault_set(fault, ERR_DAMAGED, "", "a record is in the log and not in the view");
    return err;
}

static err_t apply_revision(view_t *view, const entry_t *entry, fault_t *fault)
{
    view_row_t row;
    err_t err = load_target(view, entry, &row, fault);
    if (!err && row.id)
        err = insert_revision(view, &row, entry, fault);
    view_row_clear(&row);
    return err;
}

err_t view_apply(view_t *view, const entry_t *entry, bool later_epochs, fault_t *fault)
{
    bool waits = false;
    err_t err = ERR_OK;
    if (entry->at.lane >= LANE_OPEN_COUNT)
        return ERR_OK;
    if (later_epochs)
        err = anything_waits(view, entry, &waits, fault);
    if (!err && waits && !is_creation(entry))
        err = refuse_waiting(view, entry, fault);
    if (err)
        return err;
    if (is_creation(entry))
        return waits ? refold(view, entry->id, fault) : apply_creation(view, entry, fault);
    if (entry->type == CHANGE_RECORD || entry->type == CHANGE_RETRACT)
        return apply_revision(view, entry, fault);
    if (entry->type == CHANGE_CONSENT)
        return ERR_OK;
    return view_park(view->sql, entry->id, ERR_PARKED_TYPE, fault);
}

// ---- a payload that came later ----

static err_t refill_revision(view_t *view, view_row_t *row, int64_t change, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    entry_t entry;
    err_t err = entry_by_id(view->sql, change, &statement, &entry, fault);
    if (err || !entry.id)
        return err;
    err = write_revision(view, row, &entry, fault);
    sql_done(statement);
    return err;
}

err_t view_refill(view_t *view, int64_t change, fault_t *fault)
{
    entry_t entry;
    view_row_t row;
    err_t err = entry_facts(view->sql, change, &entry, fault);
    if (err || !entry.id || entry.type != CHANGE_RECORD || entry.at.lane >= LANE_OPEN_COUNT)
        return err;
    if (is_creation(&entry))
        return refold(view, change, fault);
    err = load_target(view, &entry, &row, fault);
    if (!err && row.id && fold_counts(&row.fold, entry.at))
        err = refill_revision(view, &row, change, fault);
    view_row_clear(&row);
    return err;
}

// ---- anew ----

static err_t visit_revision(view_t *view, const entry_t *entry, bool settled, fault_t *fault)
{
    err_t why = ERR_OK;
    int64_t record = 0;
    err_t err = resolve(view, entry, &why, &record, fault);
    if (err)
        return err;
    if (why)
        return view_park(view->sql, entry->id, why, fault);
    return settled ? ERR_OK : refold(view, record, fault);
}

// What creates nothing.
static err_t visit_other(view_t *view, const entry_t *entry, bool settled, fault_t *fault)
{
    if (entry->at.lane >= LANE_OPEN_COUNT)
        return ERR_OK;
    err_t err = settled ? ERR_OK : refuse_waiting(view, entry, fault);
    if (err)
        return err;
    if (entry->type == CHANGE_RECORD || entry->type == CHANGE_RETRACT)
        return visit_revision(view, entry, settled, fault);
    return view_park(view->sql, entry->id, entry->type == CHANGE_CONSENT ? ERR_OK : ERR_PARKED_TYPE,
                     fault);
}

// There is no row to look for, and most changes are creations.
static err_t visit_settled(view_t *view, const entry_t *entry, fault_t *fault)
{
    return is_creation(entry) ? fold_record(view, entry, fault)
                              : visit_other(view, entry, true, fault);
}

err_t view_visit(view_t *view, int64_t change, fault_t *fault)
{
    entry_t entry;
    err_t err = entry_facts(view->sql, change, &entry, fault);
    if (err)
        return err;
    return !entry.id || is_creation(&entry) ? refold(view, change, fault)
                                            : visit_other(view, &entry, false, fault);
}

// A commit's changes within the range, read where the row stands.
static err_t visit_commit(view_t *view, sqlite3_stmt *statement, int64_t after, int64_t until,
                          bool settled, fault_t *fault)
{
    entries_t entries;
    bool more = false;
    entries_begin(&entries, statement);
    err_t err = entries_after(&entries, after, &more, fault);
    while (!err && more && entries.entry.id <= until) {
        err = settled ? visit_settled(view, &entries.entry, fault)
                      : view_visit(view, entries.entry.id, fault);
        if (!err)
            err = entries_next(&entries, 0, &more, fault);
    }
    return err;
}

err_t view_visit_range(view_t *view, int64_t after, int64_t until, bool settled, fault_t *fault)
{
    static const char list[] =
        "SELECT " ENTRIES_COLUMNS " FROM " ENTRIES_TABLES
        " WHERE m.id > ?1 - 256 AND m.id <= ?2 AND m.id + m.last - m.first > ?1 ORDER BY m.id";
    sqlite3_stmt *statement = NULL;
    bool more = false;
    err_t err = sql_first(view->sql, list, SQL_ROW(sql_int(after), sql_int(until)), &statement,
                          &more, fault);
    while (!err && more) {
        err = visit_commit(view, statement, after, until, settled, fault);
        if (!err)
            err = sql_step(view->sql, statement, &more, fault);
    }
    if (statement)
        sql_done(statement);
    return err ? err : view_flush(view, fault);
}
