// The store: log, view and cursors in one SQLite file and one transaction.
//
// Invariants
//   S1  log, view and cursor change in one transaction or not at all;
//   S2  the view is the fold of the log: dropped and rebuilt it has the same
//       digest and the same columns, whatever the order of arrival was;
//   S3  what a feed's cursor names is in the log, and nothing of it is missing;
//   S4  only signatures that were verified are stored.
//
// A store_t is one writing connection and belongs to one thread (the loop's).
// Readers have connections of their own: daemon/store/reader.h. SQL lives in
// this folder and nowhere else. Errors: DISK_FULL (ENOSPC, EFBIG, EDQUOT),
// DISK_ERROR, DAMAGED, BUSY, NEWER_STORE; after any of them from a write the turn is
// rolled back. One from a read leaves the turn as it is, or, where SQLite has undone it,
// is what the turn's next write and its commit fail with, too.
#ifndef ENLACE_DAEMON_STORE_H
#define ENLACE_DAEMON_STORE_H

#include "lib/beacon.h"
#include "lib/commit.h"
#include "lib/roster.h"

typedef struct store store_t;

// Once a process, before anything is opened. INTERNAL where it comes too late.
err_t store_start(void);

// Creates or migrates. `vfs` NULL is SQLite's default; path may be ":memory:".
err_t store_open(const char *path, const char *vfs, store_t **store, fault_t *fault);
void store_close(store_t **store);

// ---- what the core starts from ----
typedef struct {
    head_t head;
    uint64_t time_ms; // of the last commit
    err_t stopped;    // ERR_OK, or why the feed does not advance (DIVERGED, FORK ...)
    uint64_t stopped_ms;
    proof_t proof;
} feed_row_t;

typedef struct {
    size_t roster_count;
    roster_t **rosters; // by version, from 1
    size_t card_count;
    card_t **cards; // by origin, number
    size_t feed_count;
    feed_row_t *feeds;
    err_t fence;       // ERR_OK: this node may write
    uint64_t fence_ms; // wall clock
    char fence_detail[192];
} snapshot_t;

err_t store_snapshot(store_t *store, snapshot_t *snapshot, fault_t *fault);
void snapshot_clear(snapshot_t *snapshot);

// ---- a turn: begin is implicit in the first write; reads see what the turn wrote ----
err_t store_commit(store_t *store, fault_t *fault); // nothing begun: ERR_OK
void store_rollback(store_t *store);
bool store_in_turn(const store_t *store);
// How many turns were taken back: what was read in one of them may never have been.
uint64_t store_undone(const store_t *store);
// From here to store_let_go reads look at one state of the file, and what each would spend
// on finding it is spent once. Within a turn, or held already: nothing. A write lets go.
err_t store_hold(store_t *store, fault_t *fault);
void store_let_go(store_t *store);
uint64_t store_wal_bytes(const store_t *store); // how far the WAL was filled by the last commit
void store_empty_wal(store_t *store);           // between turns; what a reader keeps stays

// Appends a commit that the core has checked, moves the cursor from
// (commit->first - 1, commit->previous) — compare and set, else ERR_OUT_OF_ORDER —
// and folds it into the view. `arrived_ms` is this node's wall clock.
err_t store_append(store_t *store, const commit_t *commit, uint64_t arrived_ms, fault_t *fault);
// What is held already changes nothing. ROSTER_FORK: another one of that version;
// OUT_OF_ORDER: not the version that comes next.
err_t store_add_roster(store_t *store, const roster_t *roster, fault_t *fault);
// What is held already changes nothing. BAD_CARD: another one of that number.
err_t store_add_card(store_t *store, const card_t *card, fault_t *fault);
// A missing payload arrived and matches its commitment (checked here again). One
// that is held already changes nothing. Refused, with nothing written: BAD_COMMITMENT,
// TOO_BIG, PAYLOAD_ERASED, UNKNOWN_FEED, OUT_OF_ORDER (a change that is not held).
err_t store_fill_payload(store_t *store, const feed_t *feed, uint64_t number,
                         const uint8_t salt[SALT_SIZE], span_t body, fault_t *fault);
// What proves something against an origin, or lies beyond a cut; bounded: the first
// 64 an origin and 4 MiB a feed are kept, each once. `proof` NULL: it is for the
// reader of `bytes` to see. TOO_BIG: more than two runs.
err_t store_add_evidence(store_t *store, const feed_t *feed, err_t reason, const proof_t *proof,
                         span_t bytes, uint64_t arrived_ms, fault_t *fault);
// The first that is kept of a feed for a reason; empty where there is none. Caller frees.
err_t store_read_evidence(store_t *store, const feed_t *feed, err_t reason, buf_t *bytes,
                          fault_t *fault);
// ERR_OK lets it go on. The feed need not be held. `proof` may be NULL.
err_t store_stop_feed(store_t *store, const feed_t *feed, err_t reason, const proof_t *proof,
                      uint64_t wall_ms, fault_t *fault);
err_t store_fence(store_t *store, err_t reason, const char *detail, uint64_t wall_ms,
                  fault_t *fault);
// This node may write again; that it was fenced, and how that ended, is kept.
err_t store_unfence(store_t *store, lift_t how, const char *detail, uint64_t wall_ms,
                    fault_t *fault);
typedef struct {
    err_t fence;
    uint64_t fence_ms, lifted_ms;
    char fence_detail[192];
    lift_t how;
    char detail[512];
} lifting_t;
// The newest first, at most `most`.
err_t store_liftings(store_t *store, size_t most, lifting_t *liftings, size_t *count,
                     fault_t *fault);
// The nonce that the marker knows this database by; zeros where it has none.
err_t store_boot(store_t *store, nonce_t *nonce, fault_t *fault);
err_t store_set_boot(store_t *store, const nonce_t *nonce, fault_t *fault);
// How far an origin's feeds are held: (epoch, lane, number). Caller frees (mem_free).
err_t store_positions(store_t *store, const origin_t *origin, position_t **positions, size_t *count,
                      fault_t *fault);

// ---- reading the log, for serving ----
typedef struct {
    buf_t run;     // encoded Run; empty where nothing comes after
    head_t last;   // of what the run ends with
    bool end;      // nothing more is held after it
    bool diverged; // the position asked for is not ours; last.hash says what we hold there
} served_run_t;
// The longest run after (number, hash) within max_bytes (at least one commit,
// whatever its size), 32 commits and 1 MiB, ending in a stored signature.
// UNKNOWN_FEED; OUT_OF_ORDER where `after` is not the end of a commit of ours.
// after 0 is compared with the first commit's previous hash. Where payloads that
// came later make the way to the next signature longer than a run, they are left
// out (MISSING), as with headers_only.
err_t store_read_run(store_t *store, const feed_t *feed, uint64_t after, const hash_t *after_hash,
                     size_t max_bytes, bool headers_only, served_run_t *served, fault_t *fault);
// The same, knowing a cut: where it is held, a run may end there without a
// signature, and nothing beyond it is served. NULL: there is none.
err_t store_read_run_to(store_t *store, const feed_t *feed, uint64_t after,
                        const hash_t *after_hash, const head_t *cut, size_t max_bytes,
                        bool headers_only, served_run_t *served, fault_t *fault);
// One payload; state MISSING or ERASED has no body. Caller frees body.
err_t store_read_payload(store_t *store, const feed_t *feed, uint64_t number,
                         payload_state_t *state, uint8_t salt[SALT_SIZE], buf_t *body,
                         fault_t *fault);
// Hash and header-level facts of the commit that holds a number: fork checks.
err_t store_commit_at(store_t *store, const feed_t *feed, uint64_t number, hash_t *hash,
                      uint64_t *first, fault_t *fault);
// Whether a commit held here, or one kept as evidence, ends at that number with that hash.
err_t store_ends_at(store_t *store, const feed_t *feed, uint64_t number, const hash_t *hash,
                    bool *ends, fault_t *fault);
// Up to `limit` missing payloads, oldest first: (feed, number) pairs. Of those behind
// `*after`, which is 0 at first, becomes the place of the last one, and 0 again where
// these were the last: those that nobody has keep none of the others from their turn.
typedef struct {
    feed_t feed;
    uint64_t number;
} place_t;
err_t store_missing_payloads(store_t *store, uint64_t *after, size_t limit, place_t *places,
                             size_t *count, fault_t *fault);

// ---- reading the view, for authors (current record of one's own, references) ----
typedef struct {
    origin_t origin;
    position_t id;
    char kind[40]; // empty where no readable revision is here
    char key[72];
    bool retracted;
    uint64_t revision; // 1 is the creation; a retraction is one, too
    uint64_t created_ms, changed_ms;
    bool readable; // body is that of the newest revision
    buf_t body;    // encoded Record of the newest readable revision; caller frees
} current_t;
err_t store_record(store_t *store, const origin_t *origin, position_t id, bool with_body,
                   current_t *current, fault_t *fault); // NO_SUCH_RECORD
// By key: NO_SUCH_RECORD, AMBIGUOUS_KEY (two or more that are not retracted; a
// retracted one is found only when nothing else has the key).
err_t store_record_by_key(store_t *store, const origin_t *origin, const char *key, bool with_body,
                          current_t *current, fault_t *fault);

// ---- whole ----
typedef struct {
    uint64_t applied; // newest local apply number
    uint64_t records, parked, payloads_missing;
    uint64_t log_bytes; // database and WAL
} totals_t;
err_t store_totals(store_t *store, totals_t *totals, fault_t *fault);

// Drops the view and folds the log again; the digest comes out the same (S2).
err_t store_rebuild(store_t *store, fault_t *fault);

#endif
