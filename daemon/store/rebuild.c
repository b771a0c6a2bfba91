// The view made anew from the log, in one transaction.
#include "daemon/store/internal.h"
#include "daemon/store/schema.h"

// What does not read is asked for again, as what never came is: the commitment tells
// whether it is the same.
static err_t ask_again(store_t *store, fault_t *fault)
{
    return sql_run(store->sql,
                   "INSERT OR IGNORE INTO missing SELECT change FROM parked WHERE reason = ?1",
                   SQL_ROW(sql_int(ERR_DAMAGED)), fault);
}

static err_t fold_all(store_t *store, fault_t *fault)
{
    view_t *view = &store->view;
    err_t err = schema_make_view(store->sql, fault);
    if (err)
        return err;
    view->digest = (hash_t){0};
    view->records = 0;
    view_drop(view);
    err = view_visit_range(view, 0, INT64_MAX, true, fault);
    if (!err)
        err = ask_again(store, fault);
    if (err)
        return err;
    return sql_run(store->sql, "UPDATE meta SET view_version = ?1, view_schema = ?2",
                   SQL_ROW(sql_int(VIEW_VERSION), sql_int(SCHEMA_VERSION)), fault);
}

err_t store_rebuild(store_t *store, fault_t *fault)
{
    err_t err = store_begin(store, fault);
    return err ? err : store_settle(store, fold_all(store, fault));
}
