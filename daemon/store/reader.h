// Reading connections: read-only, one a thread, for the control and web edges.
// Every call is one short snapshot (bounded rows), so that none can hold back a
// checkpoint for long; the caller pages.
#ifndef ENLACE_DAEMON_READER_H
#define ENLACE_DAEMON_READER_H

#include "daemon/store/store.h"

typedef struct reader reader_t;
err_t reader_open(const char *path, reader_t **reader, fault_t *fault);
// Through the writing connection: for what is little, in the writer's thread, between turns
// only. In a turn it would show what is not on disk yet. Closed before the store is.
reader_t *reader_within(store_t *store);
void reader_close(reader_t **reader);

// A row of the view or of the log as people ask for it. Spans and strings live
// until the callback returns.
typedef struct {
    origin_t origin;
    const char *owner; // code
    position_t id;     // of the record; of the change itself for consents
    position_t change; // the change that this row shows
    uint64_t apply;    // its local apply number
    uint32_t type;     // of the change
    const char *kind;  // NULL: nothing readable
    const char *key;   // NULL
    const char *label; // as in the record; NULL
    bool retracted;
    bool example;
    uint64_t created_ms, changed_ms, revision;
    err_t note; // ERR_OK, or why the newest revision is not readable
    struct {
        int64_t record, feed, origin;
    } place;     // rows of this database, for what is kept beside it; of a record only
    span_t body; // encoded Record; empty where nothing is readable
} row_t;

// Returns false to stop.
typedef bool (*row_fn)(void *context, const row_t *row);

// Records of a kind in the order owner code, epoch, lane, number, after the
// cursor (opaque; empty: from the start). *cursor is replaced (buf of the
// caller) by the position after the last row handed over; *end tells that there
// are no more: a page may be short, or empty, before that. owner NULL: any. At
// most `rows` rows are handed over. UNKNOWN_KIND, BAD_VALUE (cursor).
err_t reader_list(reader_t *reader, const char *kind, const origin_t *owner, bool retracted,
                  size_t rows, buf_t *cursor, bool *end, row_fn fn, void *context, fault_t *fault);
// The same, looking only at records that may be wanted: the sieve knows which those are, and must
// leave out none that is. It sees the snapshot of the list, and its own may not be a later one.
typedef struct {
    void *context;
    // Before anything is read. False: it does not know, every record is looked at.
    bool (*begin)(void *context, reader_t *reader);
    // The first record (row) behind `after` that may be of that feed and wanted; 0: none. False: it
    // does not know any more, every record is looked at from here on.
    bool (*next)(void *context, int64_t feed, int64_t after, int64_t *record);
} sieve_t;
err_t reader_list_sieved(reader_t *reader, const char *kind, const origin_t *owner, bool retracted,
                         size_t rows, const sieve_t *sieve, buf_t *cursor, bool *end, row_fn fn,
                         void *context, fault_t *fault);
err_t reader_record(reader_t *reader, const origin_t *origin, position_t id, row_fn fn,
                    void *context, fault_t *fault); // NO_SUCH_RECORD
err_t reader_by_key(reader_t *reader, const origin_t *origin, const char *key, row_fn fn,
                    void *context, fault_t *fault); // NO_SUCH_RECORD, AMBIGUOUS_KEY
// Every change that names the record, oldest first, told by its own content: body,
// kind and key are empty where that is not readable, note says why, or why it
// counts for nothing (then revision is 0). A retraction is told by what it
// retracts. Cursor as above. NO_SUCH_RECORD, BAD_VALUE (cursor).
err_t reader_history(reader_t *reader, const origin_t *origin, position_t id, size_t rows,
                     buf_t *cursor, bool *end, row_fn fn, void *context, fault_t *fault);
// Changes of lanes 0 and 1 by local apply number, after `since`, told as above; *last
// is the newest one looked at. revision is 0 where the change neither creates the
// record nor is the one that stands: counting could take long.
err_t reader_tail(reader_t *reader, uint64_t since, size_t rows, uint64_t *last, row_fn fn,
                  void *context, fault_t *fault);
err_t reader_applied(reader_t *reader, uint64_t *applied, fault_t *fault);

// ---- for what is kept beside the view and made from it ----

// Everything between the two sees one snapshot; of the calls of this file only those of
// this section may come between.
err_t reader_hold(reader_t *reader, fault_t *fault);
void reader_release(reader_t *reader); // also where reader_hold failed

// How far the log has come, and what tells it from another one. `hash` is that of the
// commit that holds the change `apply`; zeros where none does, and for 0.
typedef struct {
    uint64_t applied;
    uint32_t view_version, view_schema; // what the view was folded with
    nonce_t boot;                       // zeros: it was never run
    hash_t hash;
} stand_t;
err_t reader_stand(reader_t *reader, uint64_t apply, stand_t *stand, fault_t *fault);

// The changes after `since` by local apply number, at most `most`, each with the row of
// the record that the view may show differently because of it (0: none).
typedef struct {
    int64_t change, record;
} changed_t;
err_t reader_changed(reader_t *reader, uint64_t since, size_t most, changed_t *changed,
                     size_t *count, fault_t *fault);
// Whether the change waits for its payload, which comes without a change of its own.
err_t reader_is_missing(reader_t *reader, int64_t change, bool *missing, fault_t *fault);
// As in row->place.origin; 0 where nothing of theirs is here.
err_t reader_origin_row(reader_t *reader, const origin_t *origin, int64_t *row, fault_t *fault);
// By row: row->place.record of any row. DAMAGED where there is none. Rows of one commit one after
// the other read it once.
err_t reader_row(reader_t *reader, int64_t record, row_fn fn, void *context, fault_t *fault);

// Resolving a reference for display.
typedef struct {
    bool found;
    err_t why; // NOT_YET_HERE, AMBIGUOUS_KEY, RETRACTED, ERR_OK
    position_t id;
    char kind[40];
    buf_t body; // for its title; caller frees
} resolved_t;
err_t reader_resolve(reader_t *reader, const origin_t *owner, const char *key_or_null,
                     position_t id, resolved_t *resolved, fault_t *fault);
// The newest roster held, for codes. Caller destroys.
err_t reader_roster(reader_t *reader, roster_t **roster, fault_t *fault);

// Heads of lanes 0 and 1 that have a change, ordered by code, epoch, lane, and
// the view digest, from one snapshot.
typedef struct {
    size_t count;
    head_t *heads;
    code_t *codes;
    hash_t digest;
} digest_t;
err_t reader_digest(reader_t *reader, digest_t *digest, fault_t *fault);
void digest_clear(digest_t *digest);

// ---- verify: chain, signatures, commitments, view = fold of the log ----
typedef struct {
    uint64_t feeds, commits, changes, signatures, records;
    uint64_t found;  // findings in all
    const char *vfs; // the caller's to set; NULL is SQLite's default
    void *context;
    void (*finding)(void *context, const char *where, err_t reason, const char *detail);
    bool (*progress)(void *context, uint64_t done, uint64_t total); // false stops; may be NULL
} verify_t;
// On a database at rest or under a live writer: pages, and leaves out of the
// comparison what changed meanwhile. Looks at cards and rosters too.
err_t store_verify(const char *path, verify_t *verify, fault_t *fault);

#endif
