#include "daemon/store/kind_block.h"

static int64_t block_of(int64_t record)
{
    return record & ~(int64_t)(KIND_BLOCK - 1);
}

err_t kind_block_add(sql_t *sql, kind_block_t *last, unsigned kind, int64_t feed, int64_t record,
                     fault_t *fault)
{
    static const char insert[] =
        "INSERT OR IGNORE INTO kind_block (kind, feed, block) VALUES (?1, ?2, ?3)";
    kind_block_t this = {kind, feed, block_of(record)};
    if (!kind || (last->kind == kind && last->feed == feed && last->block == this.block))
        return ERR_OK;
    err_t err =
        sql_run(sql, insert, SQL_ROW(sql_int(kind), sql_int(feed), sql_int(this.block)), fault);
    if (!err)
        *last = this;
    return err;
}

err_t kind_block_tidy(sql_t *sql, kind_block_t *last, unsigned kind, int64_t feed, int64_t record,
                      fault_t *fault)
{
    static const char tidy[] =
        "DELETE FROM kind_block WHERE kind = ?1 AND feed = ?2 AND block = ?3 AND NOT EXISTS"
        " (SELECT 1 FROM record WHERE id BETWEEN ?3 AND ?3 + 255 AND kind = ?1 AND feed = ?2)";
    *last = (kind_block_t){0};
    if (!kind)
        return ERR_OK;
    return sql_run(sql, tidy, SQL_ROW(sql_int(kind), sql_int(feed), sql_int(block_of(record))),
                   fault);
}
