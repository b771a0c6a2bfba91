// Where records of a kind are: by blocks of 256 apply numbers, which cost a row a block
// and not one a record.
//
// Invariant: (kind, feed, block) is there if and only if a record of that kind and feed
// was created by a change of the block.
#ifndef ENLACE_DAEMON_STORE_KIND_BLOCK_H
#define ENLACE_DAEMON_STORE_KIND_BLOCK_H

#include "daemon/store/sql.h"

#define KIND_BLOCK 256 // changes; a block is known by its first number

// What was added last, so that it is not looked up for every record; {0}: nothing.
// Forgotten when a turn is taken back, or something is taken away.
typedef struct {
    unsigned kind;
    int64_t feed, block;
} kind_block_t;

// A record of this kind was written; kind 0: of none.
err_t kind_block_add(sql_t *sql, kind_block_t *last, unsigned kind, int64_t feed, int64_t record,
                     fault_t *fault);
// One may no longer be there.
err_t kind_block_tidy(sql_t *sql, kind_block_t *last, unsigned kind, int64_t feed, int64_t record,
                      fault_t *fault);

#endif
