// A checksum over what a commit's row has, kept in the row: what was checked when it came, and has
// not changed since, need not be hashed again to be passed on.
//
// It is there for damage: bits that a disk or memory has turned. It is no safeguard against
// whoever can write to the database, who can write the checksum, too: what he makes of a payload is
// refused by whoever it is given to, and told by `enlace verify`, which hashes everything.
//
// A payload that comes late is put into its row. Where something else in that row had changed, it
// has no checksum from there on: hash and commitments are looked at as before, a signature and the
// state of a payload are not.
//
// XXH3, 64 bits (xxHash, Yann Collet): a changed row passes once in 2^64. Each piece has the sum of
// what is before it as its seed, so that a byte which goes from the end of one to the beginning of
// the next shows; payloads are the last, since they alone are ever replaced.
#ifndef ENLACE_DAEMON_STORE_CHECKSUM_H
#define ENLACE_DAEMON_STORE_CHECKSUM_H

#include "daemon/store/sql.h"

// What a row of commit_log has that never changes; borrowed.
typedef struct {
    uint64_t first, last;
    span_t hash, signature, header; // no signature: empty
} commit_row_t;

uint64_t checksum_begin(const commit_row_t *row);
int64_t checksum_end(uint64_t begun, span_t payloads);

// ---- of a row that is read ----

#define CHECKED_COLUMNS "first, last, hash, signature, header, payloads, checksum"
enum {
    CHECKED_FIRST,
    CHECKED_LAST,
    CHECKED_HASH,
    CHECKED_SIGNATURE,
    CHECKED_HEADER,
    CHECKED_PAYLOADS,
    CHECKED_SUM
};

typedef enum {
    ROW_UNKNOWN, // has no checksum
    ROW_AS_WRITTEN,
    ROW_CHANGED,
} row_state_t;

// `at`: the place of CHECKED_COLUMNS' first among the statement's. *begun (NULL where it is not
// wanted): over all but the payloads.
row_state_t row_state(sqlite3_stmt *statement, int at, uint64_t *begun);

#endif
