// Opening, and the turn.
#include "daemon/store/store.h"

#include <assert.h>
#include <string.h>

#include "daemon/store/internal.h"
#include "daemon/store/schema.h"
#include "daemon/store/wal.h"
#include "lib/mem.h"

enum { PAGE_BYTES = 4096 };

#define DIGITS_OF(number) #number
#define DIGITS(number)    DIGITS_OF(number)
_Static_assert(WAL_KEPT_BYTES > WAL_BYTES_MAX, "or each round would cut it and grow it again");

// ---- the turn ----

bool store_in_turn(const store_t *store)
{
    return store->in_turn;
}

static void undo(store_t *store)
{
    // SQLite may have rolled back by itself, after a failed write.
    if (!sqlite3_get_autocommit(sql_handle(store->sql)))
        sql_script(store->sql, "ROLLBACK", NULL);
    store->undone += store->in_turn;
    store->in_turn = store->held = false;
    store->loaded = false;
    store->asked.ix = 0; // a row of this turn's is gone
    view_drop(&store->view);
}

uint64_t store_undone(const store_t *store)
{
    return store->undone;
}

void store_rollback(store_t *store)
{
    undo(store);
    store->lost = ERR_OK;
}

err_t store_settle(store_t *store, err_t err)
{
    if (sql_is_failure(err))
        undo(store);
    return err;
}

err_t store_settle_read(store_t *store, err_t err)
{
    bool gone = sqlite3_get_autocommit(sql_handle(store->sql)) != 0;
    if (!sql_is_failure(err) || (store->in_turn && !gone))
        return err;
    if (store->in_turn)
        store->lost = err;
    undo(store);
    return err;
}

static err_t tell_lost(const store_t *store, fault_t *fault)
{
    return fault_set(fault, store->lost, "", "the turn was lost where something could not be read");
}

err_t store_hold(store_t *store, fault_t *fault)
{
    if (store->in_turn || store->held)
        return ERR_OK;
    err_t err = sql_begin_read(store->sql, fault);
    store->held = !err;
    return store_settle_read(store, err);
}

void store_let_go(store_t *store)
{
    if (store->held)
        sql_end_read(store->sql);
    store->held = false;
}

static err_t load_view(store_t *store, fault_t *fault)
{
    if (store->loaded)
        return ERR_OK;
    err_t err = read_digest(store->sql, &store->committed, fault);
    store->view.digest = store->committed;
    store->view.records = -1;
    store->loaded = !err;
    return err;
}

err_t store_begin(store_t *store, fault_t *fault)
{
    if (store->in_turn)
        return ERR_OK;
    if (store->lost)
        return tell_lost(store, fault);
    store_let_go(store);
    err_t err = sql_run(store->sql, "BEGIN IMMEDIATE", SQL_NO_VALUES, fault);
    if (err)
        return err;
    store->in_turn = true;
    return store_settle(store, load_view(store, fault));
}

static err_t save_digest(store_t *store, fault_t *fault)
{
    if (hash_equal(&store->view.digest, &store->committed))
        return ERR_OK;
    return sql_run(store->sql, "UPDATE meta SET digest = ?1",
                   SQL_ROW(sql_blob(store->view.digest.bytes, HASH_SIZE)), fault);
}

err_t store_commit(store_t *store, fault_t *fault)
{
    if (!store->in_turn) {
        err_t lost = store->lost ? tell_lost(store, fault) : ERR_OK;
        store->lost = ERR_OK;
        return lost;
    }
    err_t err = save_digest(store, fault);
    if (!err)
        err = sql_run(store->sql, "COMMIT", SQL_NO_VALUES, fault);
    if (err) {
        store_rollback(store);
        return err;
    }
    store->in_turn = false;
    store->committed = store->view.digest;
    return ERR_OK;
}

uint64_t store_wal_bytes(const store_t *store)
{
    return store->wal_bytes;
}

// One that fails has done nothing: the checkpoint thread says why.
void store_empty_wal(store_t *store)
{
    sqlite3_wal_checkpoint_v2(sql_handle(store->sql), NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

// Called by SQLite after each commit, in place of its own checkpoints.
static int after_commit(void *context, sqlite3 *handle, const char *name, int pages)
{
    store_t *store = context;
    store->wal_bytes = (uint64_t)pages * PAGE_BYTES;
    if (store->wal_bytes > WAL_BYTES_MAX)
        sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

// ---- opening ----

// What SQLite counts of its own memory nobody asks for, and it takes a lock for
// every piece of it.
err_t store_start(void)
{
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK ? ERR_OK : ERR_INTERNAL;
}

static err_t set_up(store_t *store, fault_t *fault)
{
    // What survives a power cut is what was committed (FULL), what is deleted is
    // overwritten, and the WAL does not stay as long as one burst may make it.
    static const char pragmas[] = "PRAGMA page_size = 4096;"
                                  "PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = FULL;"
                                  "PRAGMA secure_delete = ON;"
                                  "PRAGMA foreign_keys = ON;"
                                  "PRAGMA cell_size_check = ON;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA journal_size_limit = " DIGITS(WAL_KEPT_BYTES);
    err_t err = schema_known(store->sql, fault);
    if (!err)
        err = sql_script(store->sql, pragmas, fault);
    sqlite3_wal_hook(sql_handle(store->sql), after_commit, store);
    return err ? err : schema_migrate(store->sql, fault);
}

// A view made by another version is made again, which also unparks what was
// parked for being too new.
static err_t refresh_view(store_t *store, fault_t *fault)
{
    static const char current[] =
        "SELECT count(*) FROM meta WHERE view_version = ?1 AND view_schema = ?2";
    int64_t fresh = 0;
    err_t err =
        sql_number(store->sql, current, SQL_ROW(sql_int(VIEW_VERSION), sql_int(SCHEMA_VERSION)), 0,
                   &fresh, fault);
    if (err || fresh)
        return err;
    err = store_rebuild(store, fault);
    return err ? err : store_commit(store, fault);
}

err_t store_open(const char *path, const char *vfs, store_t **store, fault_t *fault)
{
    *store = NULL;
    store_t *made = mem_alloc(sizeof *made);
    made->path = mem_copy_string(path);
    err_t err = wal_make_durable(path, vfs, fault);
    if (!err)
        err = sql_open(path, vfs, SQL_WRITE, &made->sql, fault);
    made->view.sql = made->sql;
    if (!err)
        err = set_up(made, fault);
    if (!err)
        err = refresh_view(made, fault);
    if (err) {
        store_close(&made);
        return err;
    }
    *store = made;
    return ERR_OK;
}

void store_close(store_t **store)
{
    if (!store || !*store)
        return;
    if ((*store)->sql)
        store_rollback(*store);
    sql_close(&(*store)->sql);
    mem_free((*store)->path);
    mem_free(*store);
    *store = NULL;
}
