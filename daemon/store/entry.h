// Changes as they stand in the log, header and payload, for fold and readers.
#ifndef ENLACE_DAEMON_STORE_ENTRY_H
#define ENLACE_DAEMON_STORE_ENTRY_H

#include "daemon/store/sql.h"
#include "lib/commit.h"

typedef struct {
    int64_t id;     // local apply number; 0: none
    int64_t feed;   // row
    int64_t origin; // row
    origin_t origin_id;
    position_t at;
    uint32_t type;
    bool has_target;
    position_t target;
    uint32_t min_reader;
    hash_t commitment;
    payload_state_t state;
    uint64_t time_ms; // of its commit
    span_t body;      // until the statement that read it moves on
} entry_t;

// The columns that entry_take reads, from column 0 on, and where they come from.
#define ENTRY_HEADER_COLUMNS                                                                       \
    "c.id, c.feed, f.origin, o.origin_id, f.epoch, f.lane, c.number, c.type, c.target_epoch,"      \
    " c.target_lane, c.target_number, c.min_reader, c.commitment, c.state, m.time_ms, "
#define ENTRY_COLUMNS      ENTRY_HEADER_COLUMNS "c.body"
#define ENTRY_COLUMN_COUNT 16
#define ENTRY_TABLES                                                                               \
    "change c JOIN feed f ON f.ix = c.feed JOIN origin o ON o.ix = f.origin"                       \
    " JOIN commit_log m ON m.id = c.commit_id"

void entry_take(sqlite3_stmt *statement, entry_t *entry);

// One entry. With entry->id 0 where there is none; otherwise the caller ends
// *statement with sql_done when it no longer needs entry->body.
err_t entry_by_id(sql_t *sql, int64_t id, sqlite3_stmt **statement, entry_t *entry, fault_t *fault);
// The same without the body, and nothing to end.
err_t entry_facts(sql_t *sql, int64_t id, entry_t *entry, fault_t *fault);
err_t entry_facts_at(sql_t *sql, int64_t origin, position_t at, entry_t *entry, fault_t *fault);

// Starts the record changes and retractions that name `target` (its origin and
// position count), in the order of the fold, from (epoch, number) on; those that
// the position does not fit are left out. Take each with entry_take.
err_t entry_start_revisions(sql_t *sql, const entry_t *target, uint32_t from_epoch,
                            uint64_t from_number, sqlite3_stmt **statement, fault_t *fault);
// Whether the origin holds a feed of the same lane and a later epoch.
err_t entry_later_epochs(sql_t *sql, int64_t origin, uint32_t lane, uint32_t epoch, bool *later,
                         fault_t *fault);

#endif
