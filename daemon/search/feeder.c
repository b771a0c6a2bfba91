#include "daemon/search/feeder.h"

#include <sched.h>
#include <string.h>

#include "daemon/search/document.h"
#include "lib/clock.h"
#include "lib/mem.h"

void feeder_init(feeder_t *feeder, const char *database, const char *path, const nonce_t *before)
{
    *feeder = (feeder_t){
        .database = mem_copy_string(database), .path = mem_copy_string(path), .before = *before};
}

void feeder_clear(feeder_t *feeder)
{
    file_close(&feeder->file);
    reader_close(&feeder->reader);
    tokenizer_destroy(&feeder->tokenizer);
    mem_free(feeder->database);
    mem_free(feeder->path);
    *feeder = (feeder_t){0};
}

// ---- opening ----

static bool same_nonce(const nonce_t *a, const nonce_t *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

// A store that was put back may have the numbers of the one that was fed, and other changes under
// them: so what the file knows must be of this run or the one before, at the same place in the
// same log, folded by the same rules.
static err_t continues(feeder_t *feeder, const known_t *known, bool *yes, fault_t *fault)
{
    stand_t now;
    const stand_t *then = &known->stand;
    err_t err = reader_hold(feeder->reader, fault);
    if (!err)
        err = reader_stand(feeder->reader, then->applied, &now, fault);
    reader_release(feeder->reader);
    if (err)
        return err;
    *yes = (same_nonce(&then->boot, &now.boot) || same_nonce(&then->boot, &feeder->before)) &&
           then->applied <= now.applied && then->view_version == now.view_version &&
           then->view_schema == now.view_schema && hash_equal(&then->hash, &now.hash);
    return *yes ? file_store_of(feeder->file, &now.boot, fault) : ERR_OK;
}

// A file that knows nothing yet is of whatever store there is.
static err_t adopt(feeder_t *feeder, fault_t *fault)
{
    stand_t now;
    err_t err = reader_hold(feeder->reader, fault);
    if (!err)
        err = reader_stand(feeder->reader, 0, &now, fault);
    reader_release(feeder->reader);
    now.applied = 0;
    return err ? err : file_advance(feeder->file, &now, fault);
}

void feeder_anew(feeder_t *feeder)
{
    file_close(&feeder->file);
    file_remove(feeder->path);
    feeder->made_anew++;
    feeder->fed = 0;
    feeder->waited = 0;
}

static err_t open_file(feeder_t *feeder, fault_t *fault)
{
    known_t known;
    bool good = false;
    err_t err = file_open(feeder->path, &feeder->file, fault);
    if (!err)
        err = file_known(file_sql(feeder->file), &known, fault);
    if (err)
        return err;
    feeder->fed = known.stand.applied;
    if (!known.stand.applied)
        return adopt(feeder, fault);
    err = continues(feeder, &known, &good, fault);
    return err || good ? err : fault_set(fault, ERR_DAMAGED, "search", "of another store");
}

err_t feeder_open(feeder_t *feeder, fault_t *fault)
{
    err_t err = ERR_OK;
    if (!feeder->tokenizer)
        err = tokenizer_new(&feeder->tokenizer, fault);
    if (!err && !feeder->reader)
        err = reader_open(feeder->database, &feeder->reader, fault);
    if (err || feeder->file)
        return err;
    err = open_file(feeder, fault);
    if (err == ERR_DAMAGED) {
        feeder_anew(feeder);
        err = open_file(feeder, fault);
    }
    if (err)
        file_close(&feeder->file);
    return err;
}

// ---- a batch: gathered within one snapshot, then written ----

typedef struct {
    int64_t record;
    bool erased;
    tokens_t tokens;
} doc_t;

typedef struct {
    feeder_t *feeder;
    stand_t stand; // when it is written
    uint64_t newest;
    size_t bytes;
    uint64_t until_ms; // gathering ends then: it holds a snapshot of the store
    doc_t *docs;
    size_t doc_count, doc_capacity;
    changed_t *waits; // changes that wait for their payload
    size_t wait_count, wait_capacity;
    changed_t *came; // those that waited, and have it
    size_t came_count;
    int64_t waited;  // of those that wait these had their turn, up to this change
    bool round_over; // all had
} batch_t;

// Whoever waits for the processor has it after each record: the scheduler may leave it to a thread
// for some milliseconds before it looks at others, however little this one is worth.
static void make_way(void)
{
    sched_yield();
}

static void batch_clear(batch_t *batch)
{
    for (size_t i = 0; i < batch->doc_count; i++)
        tokens_clear(&batch->docs[i].tokens);
    mem_free(batch->docs);
    mem_free(batch->waits);
    mem_free(batch->came);
}

// For one more of a list of which so many are taken. One always is, or it would never end.
static bool has_room(const batch_t *batch, size_t taken)
{
    return batch->bytes < FEEDER_BYTES && (taken == 0 || clock_now_ms() < batch->until_ms);
}

static bool take_row(void *context, const row_t *row)
{
    batch_t *batch = context;
    mem_grow(&batch->docs, &batch->doc_capacity, batch->doc_count, sizeof *batch->docs);
    doc_t *doc = &batch->docs[batch->doc_count++];
    *doc = (doc_t){.record = row->place.record,
                   .erased = !row->body.size || row->note == ERR_PAYLOAD_ERASED};
    document_tokens(batch->feeder->tokenizer, row, &doc->tokens);
    batch->bytes += doc->tokens.bytes.size;
    make_way();
    return true;
}

static err_t take_change(batch_t *batch, const changed_t *changed, fault_t *fault)
{
    reader_t *reader = batch->feeder->reader;
    bool missing = false;
    batch->stand.applied = (uint64_t)changed->change;
    if (!changed->record)
        return ERR_OK;
    err_t err = reader_is_missing(reader, changed->change, &missing, fault);
    if (!err && missing) {
        mem_grow(&batch->waits, &batch->wait_capacity, batch->wait_count, sizeof *batch->waits);
        batch->waits[batch->wait_count++] = *changed;
    }
    bool again = batch->doc_count && batch->docs[batch->doc_count - 1].record == changed->record;
    return err || again ? err : reader_row(reader, changed->record, take_row, batch, fault);
}

static err_t gather_changes(batch_t *batch, fault_t *fault)
{
    size_t count = 0;
    changed_t *changed = mem_alloc_array(FEEDER_CHANGES, sizeof *changed);
    err_t err = reader_changed(batch->feeder->reader, batch->stand.applied, FEEDER_CHANGES, changed,
                               &count, fault);
    for (size_t i = 0; i < count && !err && has_room(batch, i); i++)
        err = take_change(batch, &changed[i], fault);
    mem_free(changed);
    return err;
}

// Of the changes that wait as many as of those that came: a member may have any number of them
// wait. The next batch goes on behind them.
static err_t gather_came(batch_t *batch, fault_t *fault)
{
    changed_t *waiting = mem_alloc_array(FEEDER_CHANGES, sizeof *waiting);
    feeder_t *feeder = batch->feeder;
    size_t count = 0, looked = 0;
    batch->came = waiting;
    err_t err = file_waiting(file_sql(feeder->file), feeder->waited, FEEDER_CHANGES, waiting,
                             &count, fault);
    feeder->file_failed = err != ERR_OK;
    for (; looked < count && !err && has_room(batch, looked); looked++) {
        bool missing = false;
        const changed_t changed = waiting[looked];
        batch->waited = changed.change;
        err = reader_is_missing(feeder->reader, changed.change, &missing, fault);
        if (err || missing)
            continue;
        err = reader_row(feeder->reader, changed.record, take_row, batch, fault);
        waiting[batch->came_count++] = changed;
    }
    batch->round_over = looked == count && count < FEEDER_CHANGES;
    return err;
}

static err_t gather(batch_t *batch, fault_t *fault)
{
    feeder_t *feeder = batch->feeder;
    stand_t then = {.applied = feeder->fed};
    batch->until_ms = clock_now_ms() + FEEDER_HOLD_MS;
    err_t err = reader_hold(feeder->reader, fault);
    if (!err)
        err = reader_stand(feeder->reader, feeder->fed, &then, fault);
    batch->newest = then.applied;
    batch->stand.applied = feeder->fed;
    if (!err && feeder->fed < batch->newest)
        err = gather_changes(batch, fault);
    if (!err)
        err = gather_came(batch, fault);
    uint64_t applied = batch->stand.applied;
    if (!err)
        err = reader_stand(feeder->reader, applied, &batch->stand, fault);
    batch->stand.applied = applied;
    reader_release(feeder->reader);
    return err;
}

static err_t write(batch_t *batch, fault_t *fault)
{
    file_t *file = batch->feeder->file;
    err_t err = ERR_OK;
    for (size_t i = 0; i < batch->doc_count && !err; i++) {
        const doc_t *doc = &batch->docs[i];
        err = file_put(file, doc->record, &doc->tokens, doc->erased, fault);
        make_way();
    }
    for (size_t i = 0; i < batch->came_count && !err; i++)
        err = file_came(file, batch->came[i].change, fault);
    for (size_t i = 0; i < batch->wait_count && !err; i++)
        err = file_wait(file, batch->waits[i].change, batch->waits[i].record, fault);
    return err ? err : file_advance(file, &batch->stand, fault);
}

static err_t write_all(batch_t *batch, fault_t *fault)
{
    file_t *file = batch->feeder->file;
    err_t err = file_begin(file, fault);
    if (!err)
        err = write(batch, fault);
    if (err)
        file_rollback(file);
    else
        err = file_commit(file, fault);
    return err;
}

err_t feeder_batch(feeder_t *feeder, bool *more, fault_t *fault)
{
    batch_t batch = {.feeder = feeder, .waited = feeder->waited};
    bool purged = true, news = false;
    *more = feeder->file_failed = false;
    err_t err = gather(&batch, fault);
    if (!err) {
        news = batch.stand.applied != feeder->fed || batch.came_count;
        err = news ? write_all(&batch, fault) : file_purge(feeder->file, &purged, fault);
        feeder->file_failed = err != ERR_OK;
    }
    if (!err) {
        feeder->fed = batch.stand.applied;
        feeder->waited = batch.round_over ? 0 : batch.waited;
    }
    *more = !err && (news || !purged || !batch.round_over);
    batch_clear(&batch);
    return err;
}
