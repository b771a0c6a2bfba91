// Commits as values: what core and store work on. The header stays the bytes
// that came; everything else here is read from them once, by commit_decode.
#ifndef ENLACE_LIB_COMMIT_H
#define ENLACE_LIB_COMMIT_H

#include "lib/bytes.h"
#include "lib/crypto.h"
#include "lib/glance.h"
#include "lib/ids.h"
#include "lib/scan.h"

#define COMMIT_CHANGES_MAX 256u
#define COMMIT_BYTES_MAX   (128u * 1024) // header and payloads, encoded
#define PAYLOAD_BYTES_MAX  (64u * 1024)
#define RUN_COMMITS_MAX    32u
#define RUN_BYTES_MAX      (1024u * 1024)
#define PUBLISH_BYTES_MAX  (16u * 1024) // bigger commits are published as their head
#define HEADER_VERSION     1u
#define SCHEMA_VERSION     1u // of records: the highest min_reader known here

typedef enum {
    CHANGE_RECORD = 1,  // body: Record; creates without target, revises with one
    CHANGE_RETRACT = 2, // body: Retraction; target required
    CHANGE_CONSENT = 3, // body: Consent; lane 0
    CHANGE_SEALED = 4,
    CHANGE_ERASED = 5,
    CHANGE_GENERATION = 6,
} change_type_t;

typedef enum { PAYLOAD_PRESENT = 1, PAYLOAD_ERASED = 2, PAYLOAD_MISSING = 3 } payload_state_t;

typedef struct {
    uint32_t type;
    bool has_target;
    position_t target;
    uint32_t min_reader;
    hash_t commitment;
    payload_state_t state;
    uint8_t salt[SALT_SIZE]; // zero unless present
    span_t body;             // points into the commit's own memory
} change_t;

// What a record change says by its bytes alone, looked at ahead (run_prepare). Each part
// is what those who need it would work out themselves.
typedef struct {
    bool termed, glanced; // which parts are there
    hash_t term;          // of a record that it creates and that stands at it: digest_term
    err_t refused;        // what record_glance says of the body
    record_glance_t glance;
} look_t;

typedef struct {
    feed_t feed;
    uint64_t first; // number of the first change
    uint64_t last;
    hash_t previous;
    uint64_t time_ms;
    uint32_t card_number;
    hash_t hash; // of the header
    size_t count;
    change_t *changes;
    bool has_signature;
    signature_t signature;
    bool holds;      // the signature was checked ahead and holds, ...
    pubkey_t of_key; // ... by this key
    hash_t in;       // and in this coalition
    span_t header;   // points into the commit's own memory
    span_t payloads; // likewise; as commit_put_payload made them of the changes
    buf_t memory;
    look_t *looks; // one a change, owned; NULL: nobody has looked ahead
} commit_t;

typedef struct {
    feed_t feed;
    size_t count;
    commit_t *commits[RUN_COMMITS_MAX];
} run_t;

// ---- reading: bounds, canonical form, lengths, ranges; not chain, not signature ----

// *commit is the caller's, for commit_destroy. Payloads marked present whose
// commitment does not match are refused here (BAD_COMMITMENT).
err_t commit_decode(span_t header, const uint8_t *signature64_or_null, size_t payload_count,
                    const payload_state_t *states, const uint8_t (*salts)[SALT_SIZE],
                    const span_t *bodies, commit_t **commit, fault_t *fault);
// The same of what its author has just made: commitments, made of these bodies, are not
// made once more.
err_t commit_decode_made(span_t header, const signature_t *signature, size_t payload_count,
                         const payload_state_t *states, const uint8_t (*salts)[SALT_SIZE],
                         const span_t *bodies, commit_t **commit, fault_t *fault);
// The same of a header alone: all of its `count` payloads are missing.
err_t commit_decode_bare(span_t header, const uint8_t *signature64_or_null, size_t count,
                         commit_t **commit, fault_t *fault);
err_t run_decode(span_t bytes, run_t *run, fault_t *fault); // run_clear after use, on success only
// Its two halves: the form that everybody writes, in one pass (false, with nothing to
// clear, where it is not that), and all that may be, for what that does not take.
bool run_scan(span_t bytes, run_t *run);
err_t run_unpack(span_t bytes, run_t *run, fault_t *fault);
// run_decode, and everything else that can be told of the run by its bytes alone: the
// looks of its commits, and whether the last signature holds against `key`. A pure
// function of its arguments, so that it may run on any thread and at any time: who takes
// the run in decides as with one that was only decoded, and has less to compute.
err_t run_prepare(span_t bytes, const pubkey_t *key, const hash_t *coalition, run_t *run,
                  fault_t *fault);
// The copy has no looks.
commit_t *commit_copy(const commit_t *commit);
// Copies what header and bodies point at into the commit's own memory.
void commit_own_memory(commit_t *commit);
void commit_destroy(commit_t **commit);
void run_clear(run_t *run);

// ---- writing ----

typedef struct {
    uint32_t type;
    bool has_target;
    position_t target;
    uint32_t min_reader;
    span_t body;
} draft_t;

// How much of a commit's bounds is taken; {0}: nothing yet.
typedef struct {
    size_t changes;
    size_t header, payloads; // bytes
} commit_room_t;
// False, and the room as it was, where one more draft would be over a bound.
bool commit_room_take(commit_room_t *room, const draft_t *draft);
// How many of the drafts (from the first) fit into one commit; 0 where the
// first alone is over a bound.
size_t commit_fit(const draft_t *drafts, size_t count);
// Hashes, commits to payloads (salts derived from seed), signs.
commit_t *commit_author(const feed_t *feed, uint64_t first, const hash_t *previous,
                        uint64_t time_ms, uint32_t card_number, const draft_t *drafts, size_t count,
                        const uint8_t seed[32], const secret_t *signing, const hash_t *coalition);
buf_t run_encode(const feed_t *feed, commit_t *const *commits, size_t count);
size_t commit_encoded_size(const commit_t *commit); // within a run, tag and length included
// Header and payloads encoded, without the signature (which comes and goes):
// what COMMIT_BYTES_MAX bounds.
size_t commit_content_size(const commit_t *commit);
// The same of a header of this size, and payloads that commit_put_payload has written.
size_t commit_parts_size(size_t header, size_t payloads);

// What a header says, into a commit that is empty, in the form that everybody writes; its
// payloads are not looked at. False where it is not that: then the commit is spoilt.
bool commit_scan_header(span_t header, commit_t *commit);
// The same of any header that may be, with the reason where it may not. Either way only
// commit->changes is to be freed.
err_t commit_unpack_header(span_t header, commit_t *commit, fault_t *fault);

// ---- one change at a time, out of bytes that commit_decode took before (the log's) ----

// To a header's first change; false, as below, where it does not read.
bool commit_scan_start(span_t header, scan_t *changes, hash_t *previous);
// From where the scan stands, `skip` of them passed over; false where that is not
// there or does not read. A header's change has everything but its payload; the
// payload's scan adds state, salt and body, which points into what is scanned; the state
// is 0 and the body empty where it does not read.
bool commit_scan_change(scan_t *changes, size_t skip, change_t *change);
bool commit_scan_payload(scan_t *payloads, size_t skip, change_t *change);
// Adds a payload as it stands in a Commit: those of all its changes, in order, are what
// the log keeps beside a header.
void commit_put_payload(buf_t *to, const change_t *change);
size_t commit_payload_size(const change_t *change); // without tag and length

// Not worked out again where run_prepare has found that it does, in this coalition.
bool commit_signature_holds(const commit_t *commit, const pubkey_t *signing_key,
                            const hash_t *coalition);

#endif
