// The fence and the boot nonce: whether this node may write from this database.
#include <stdio.h>
#include <string.h>

#include "daemon/store/internal.h"
#include "lib/mem.h"

// ---- the fence ----

err_t store_fence(store_t *store, err_t reason, const char *detail, uint64_t wall_ms,
                  fault_t *fault)
{
    static const char update[] = "UPDATE meta SET fence = ?1, fence_ms = ?2, fence_detail = ?3";
    err_t err = store_begin(store, fault);
    if (err)
        return err;
    return store_settle(
        store,
        sql_run(store->sql, update,
                SQL_ROW(sql_int(reason), sql_u64(wall_ms), sql_text(detail ? detail : "")), fault));
}

err_t store_unfence(store_t *store, lift_t how, const char *detail, uint64_t wall_ms,
                    fault_t *fault)
{
    static const char keep[] =
        "INSERT INTO lifting (fence, fence_ms, fence_detail, how, lifted_ms, detail)"
        " SELECT fence, fence_ms, fence_detail, ?1, ?2, ?3 FROM meta WHERE fence <> 0";
    err_t err = store_begin(store, fault);
    if (!err)
        err = store_settle(
            store, sql_run(store->sql, keep,
                           SQL_ROW(sql_int(how), sql_u64(wall_ms), sql_text(detail ? detail : "")),
                           fault));
    return err ? err : store_fence(store, ERR_OK, NULL, 0, fault);
}

static void take_lifting(sqlite3_stmt *statement, lifting_t *lifting)
{
    lifting->fence = (err_t)sqlite3_column_int(statement, 0);
    lifting->fence_ms = sql_column_u64(statement, 1);
    snprintf(lifting->fence_detail, sizeof lifting->fence_detail, "%s",
             sql_column_text(statement, 2));
    lifting->how = (lift_t)sqlite3_column_int(statement, 3);
    lifting->lifted_ms = sql_column_u64(statement, 4);
    snprintf(lifting->detail, sizeof lifting->detail, "%s", sql_column_text(statement, 5));
}

err_t store_liftings(store_t *store, size_t most, lifting_t *liftings, size_t *count,
                     fault_t *fault)
{
    static const char list[] = "SELECT fence, fence_ms, fence_detail, how, lifted_ms, detail"
                               " FROM lifting ORDER BY id DESC LIMIT ?1";
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *count = 0;
    err_t err = sql_first(store->sql, list, SQL_ROW(sql_u64(most)), &statement, &row, fault);
    while (!err && row && *count < most) {
        take_lifting(statement, &liftings[(*count)++]);
        err = sql_step(store->sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    return store_settle_read(store, err);
}

// ---- the boot nonce ----

err_t store_boot(store_t *store, nonce_t *nonce, fault_t *fault)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    *nonce = (nonce_t){{0}};
    err_t err = sql_first(store->sql, "SELECT boot FROM meta WHERE boot IS NOT NULL", SQL_NO_VALUES,
                          &statement, &row, fault);
    if (!err && row && !sql_column_bytes(statement, 0, nonce->bytes, NONCE_SIZE))
        err = fault_set(fault, ERR_DAMAGED, "meta", "the boot nonce has another length");
    if (statement)
        sql_done(statement);
    return store_settle_read(store, err);
}

err_t store_set_boot(store_t *store, const nonce_t *nonce, fault_t *fault)
{
    err_t err = store_begin(store, fault);
    if (err)
        return err;
    return store_settle(store, sql_run(store->sql, "UPDATE meta SET boot = ?1",
                                       SQL_ROW(sql_blob(nonce->bytes, NONCE_SIZE)), fault));
}

// ---- how far this node's own feeds have come ----

err_t store_positions(store_t *store, const origin_t *origin, position_t **positions, size_t *count,
                      fault_t *fault)
{
    static const char list[] = "SELECT f.epoch, f.lane, f.number FROM feed f"
                               " JOIN origin o ON o.ix = f.origin WHERE o.origin_id = ?1"
                               " ORDER BY f.epoch, f.lane";
    sqlite3_stmt *statement = NULL;
    size_t capacity = 0;
    bool row = false;
    *positions = NULL;
    *count = 0;
    err_t err = sql_first(store->sql, list, SQL_ROW(sql_blob(origin->bytes, ORIGIN_SIZE)),
                          &statement, &row, fault);
    while (!err && row) {
        mem_grow(positions, &capacity, *count, sizeof **positions);
        (*positions)[(*count)++] =
            (position_t){sql_column_u32(statement, 0), sql_column_u32(statement, 1),
                         sql_column_u64(statement, 2)};
        err = sql_step(store->sql, statement, &row, fault);
    }
    if (statement)
        sql_done(statement);
    return store_settle_read(store, err);
}
