// Changes as they stand in the log, header and payload, for fold and readers.
#ifndef ENLACE_DAEMON_STORE_ENTRY_H
#define ENLACE_DAEMON_STORE_ENTRY_H

#include "daemon/store/sql.h"
#include "lib/commit.h"

#define APPLY_MAX ((int64_t)1 << 53) // what is above was never given: damage

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
    payload_state_t state; // 0 where the payload does not read, or was not looked at
    uint64_t time_ms;      // of its commit
    span_t body;           // until the statement that read it moves on
    const look_t *look;    // what is known of it already; NULL
} entry_t;

// ---- the changes of one commit, one after another ----

// The columns that entries_begin reads, from column 0 on, and where they come from.
#define ENTRIES_COLUMNS                                                                            \
    "m.id, m.feed, f.origin, o.origin_id, f.epoch, f.lane, m.first, m.last, m.time_ms, m.header,"  \
    " m.payloads"
#define ENTRIES_COLUMN_COUNT 11
#define ENTRIES_TABLES                                                                             \
    "commit_log m CROSS JOIN feed f ON f.ix = m.feed CROSS JOIN origin o ON o.ix = f.origin"

typedef struct {
    entry_t entry;   // the one read last; at first only where it would be, before the first
    uint64_t behind; // changes that are not read yet
    scan_t changes, payloads;
    bool with_payloads;
} entries_t;

// From a row of the commit; what is read points into it.
void entries_begin(entries_t *entries, sqlite3_stmt *statement);
void entries_begin_facts(entries_t *entries, sqlite3_stmt *statement); // without payloads
// `skip` are passed over. False where there are no more; DAMAGED where a header does not
// read. Of a payload that does not only the entry's state and body tell.
err_t entries_next(entries_t *entries, uint64_t skip, bool *more, fault_t *fault);
// Right after entries_begin: the first with a greater apply number than that.
err_t entries_after(entries_t *entries, int64_t apply, bool *more, fault_t *fault);

// ---- one change ----

// With entry->id 0 where there is none; otherwise the caller ends *statement with
// sql_done when it no longer needs entry->body.
err_t entry_by_id(sql_t *sql, int64_t id, sqlite3_stmt **statement, entry_t *entry, fault_t *fault);
// The same without the payload, and nothing to end.
err_t entry_facts(sql_t *sql, int64_t id, entry_t *entry, fault_t *fault);
err_t entry_facts_at(sql_t *sql, int64_t origin, position_t at, entry_t *entry, fault_t *fault);
// Its payload's body, empty where it is not here. Caller frees.
err_t entry_body(sql_t *sql, int64_t id, buf_t *body, fault_t *fault);
// Where it stands in its feed; number 0 where there is none.
err_t entry_position(sql_t *sql, int64_t id, position_t *at, fault_t *fault);

// ---- bodies of many changes ----

// Those of a commit are read once where they are asked for in the order of ids. {0} at
// first; bodies_clear in the end.
typedef struct {
    int64_t first, last; // the commit's changes; 0: none was read
    int64_t next;        // where the scan stands
    scan_t scan;
    buf_t payloads;
} bodies_t;

// As entry_body; *body lives until the next call.
err_t bodies_read(sql_t *sql, bodies_t *bodies, int64_t id, span_t *body, fault_t *fault);
void bodies_clear(bodies_t *bodies);

// ---- what belongs to a record ----

// Starts the record changes and retractions that name `target` (its origin and
// position count), in the order of the fold, from (epoch, number) on; those that
// the position does not fit are left out. Column 0 is the id of each.
err_t entry_start_revisions(sql_t *sql, const entry_t *target, uint32_t from_epoch,
                            uint64_t from_number, sqlite3_stmt **statement, fault_t *fault);
// Whether the origin holds a feed of the same lane and a later epoch.
err_t entry_later_epochs(sql_t *sql, int64_t origin, uint32_t lane, uint32_t epoch, bool *later,
                         fault_t *fault);

#endif
