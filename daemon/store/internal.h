// The store's own connection and turn, for the files of this folder and their tests.
#ifndef ENLACE_DAEMON_STORE_INTERNAL_H
#define ENLACE_DAEMON_STORE_INTERNAL_H

#include "daemon/store/store.h"
#include "daemon/store/view.h"

// Above this a turn's end checkpoints itself: the checkpoint thread is behind or gone.
#define WAL_BYTES_MAX (64u * 1024 * 1024)

struct store {
    sql_t *sql;
    char *path;
    bool in_turn;
    bool held;       // a reading transaction is open
    uint64_t undone; // how many turns were taken back
    err_t lost;      // what a read took the turn back with; ERR_OK
    bool loaded;     // view.digest is what `meta` says, or what the turn made of it
    view_t view;
    hash_t committed; // the digest in `meta`
    struct {
        origin_t id;
        int64_t ix; // of its row; 0: not known
    } asked;        // for a key, last
    uint64_t wal_bytes;
};

// Begins the turn where it has not begun. Every write starts with this.
err_t store_begin(store_t *store, fault_t *fault);
// Ends a write: after a failure of disk or data (not after a refusal) the turn is
// rolled back. Returns err.
err_t store_settle(store_t *store, err_t err);
// Ends a read. What cannot be read is no reason to undo what others have written in this
// turn. Where SQLite has undone it (after an I/O error), the turn cannot be committed any
// more: whoever asked did not begin it, so store_commit and the next write tell why. Returns err.
err_t store_settle_read(store_t *store, err_t err);

// ---- rows of origins and feeds ----
typedef struct {
    int64_t ix; // 0: not held
    int64_t origin;
    uint64_t number; // the cursor
    hash_t hash;
    uint64_t time_ms;
} feed_place_t;

err_t feed_find(sql_t *sql, const feed_t *feed, feed_place_t *place, fault_t *fault);
// The row of a feed that has none yet.
err_t feed_create(store_t *store, const feed_t *feed, feed_place_t *place, fault_t *fault);
err_t origin_find(sql_t *sql, const origin_t *origin, int64_t *ix, fault_t *fault); // 0: not held
err_t origin_ensure(sql_t *sql, const origin_t *origin, int64_t *ix, fault_t *fault);
// What stands for the code of an origin that no roster names. Distinct: codes start
// with a letter.
void origin_stand_in(const origin_t *origin, char code[CODE_MAX + 1]);
// Hash of the card that started an epoch: the first one that names it. Zeros
// where that is not held.
err_t epoch_start(sql_t *sql, int64_t origin, uint32_t epoch, hash_t *hash, fault_t *fault);

// ---- shared by store and reader ----

// The record's row by id or by key, as store_record and store_record_by_key say.
err_t lookup_id(sql_t *sql, const origin_t *origin, position_t id, int64_t *record, fault_t *fault);
err_t lookup_key(sql_t *sql, int64_t origin, const char *key, int64_t *record, fault_t *fault);
err_t newest_roster(sql_t *sql, roster_t **roster, fault_t *fault); // NULL where there is none
err_t newest_apply(sql_t *sql, uint64_t *applied, fault_t *fault);
err_t read_digest(sql_t *sql, hash_t *digest, fault_t *fault);

#endif
