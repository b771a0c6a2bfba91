// The boot marker: a small file beside the database that says with which
// database this node last ran. A database that it does not agree with was
// restored from a backup, copied from another machine or rolled back: a node
// that wrote on from there would sign numbers anew that it has given already.
//
// The marker holds the boot nonce of the database, what it is itself (machine,
// inode, time of birth: a copy of the file is another file), and how far this
// node's own feeds had come. At each start a new nonce is agreed on:
//
//   1. marker {current, next}, durably;  2. database: next, durably;
//   3. marker {next}, durably.
//
// A node killed between any two of them agrees at its next start. A nonce of
// zeros stands for a database that has none: of a node that has never run.
//
// The heads are written in place and synced after a turn that moved them, before
// anybody hears of it: neither a kill nor a power cut takes them. Two places for
// them alternate, so that one is always whole.
//
// What is not found out here: a machine put back as a whole (a snapshot of its
// disk). Its peers find it out: docs/protocol.md, section 7.
//
// Encoding, decoding and the comparison are pure; files are marker_file.c's.
#ifndef ENLACE_LIB_MARKER_H
#define ENLACE_LIB_MARKER_H

#include "lib/bytes.h"
#include "lib/ids.h"

#define MARKER_FILE       "boot"
#define MARKER_HEADS_MAX  64u // the newest epochs' where there are more
#define MARKER_SLOT_BYTES 2048u
#define MARKER_BYTES      (3u * MARKER_SLOT_BYTES)

// What a marker is: never that of a copy.
typedef struct {
    uint8_t machine[16]; // zeros where the machine has no id
    uint64_t inode;
    uint64_t born_ns; // 0 where the file system does not say
} marker_place_t;

typedef struct {
    marker_place_t place;
    size_t nonce_count; // 1, or 2 from before the database is told until after
    nonce_t nonces[2];
    uint64_t sequence; // of the heads; rises with each writing
    size_t head_count;
    position_t heads[MARKER_HEADS_MAX];
} marker_t;

void marker_encode(const marker_t *marker, uint8_t bytes[MARKER_BYTES]);
// The part that is written in place: the heads, where they go this time.
size_t marker_encode_heads(const marker_t *marker, uint8_t slot[MARKER_SLOT_BYTES]); // offset
err_t marker_decode(span_t bytes, marker_t *marker);                                 // DAMAGED

// Takes heads over, highest epochs first; `raise_only`: numbers never fall.
// Whether anything changed.
bool marker_set_heads(marker_t *marker, const position_t *heads, size_t count, bool raise_only);

// Whether a database may be written on from: ERR_OK or RESTORED, with why in
// fault->detail. `marker` NULL: there is none, or it is damaged. `found` is what
// the file is now, `nonce` and `heads` are what the database says.
err_t marker_agrees(const marker_t *marker, const marker_place_t *found, const nonce_t *nonce,
                    const position_t *heads, size_t count, fault_t *fault);

// Whether its heads are this database's, or this file's own: a copy's may be anybody's.
bool marker_is_known(const marker_t *marker, const marker_place_t *found, const nonce_t *nonce);

// ---- files: marker_file.c ----

// *there: whole and readable; a file that is missing or damaged is none.
// CANNOT_READ where it is there and cannot be read.
err_t marker_read(const char *dir, marker_t *marker, marker_place_t *found, bool *there,
                  fault_t *fault);
// Replaces it durably; fills in marker->place, which is that of the new file.
err_t marker_write(const char *dir, marker_t *marker, fault_t *fault);
// Only the heads, in place, synced.
err_t marker_update(const char *dir, marker_t *marker, fault_t *fault);

#endif
