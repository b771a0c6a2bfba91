// The author: what this node's own people say, turned into changes. Parses,
// fills in defaults, checks, compares with what stands, encodes; whatever it
// lets through is good content, and nothing of what it refuses has been written.
//
// Rules (who may: only the owner changes a record): a key is unique for its
// owner and never changed; a kind is never changed; what is retracted stays
// retracted; what this version doesn't know of a record survives an edit; an
// edit that changes nothing is no change.
//
// References: an own record must stand (or be in the file that is imported); a
// member's may not have arrived yet. What a revision already pointed at is not
// looked at again by the next one, so that a record can be edited after what it
// points at was retracted.
//
// An author reads the loop's store: it sees what this turn has written.
#ifndef ENLACE_DAEMON_AUTHOR_H
#define ENLACE_DAEMON_AUTHOR_H

#include "daemon/store/store.h"
#include "enlace/v1/control.pb-c.h"
#include "lib/record_json.h"

// The keys of the file that a record comes from.
typedef struct {
    void *context;
    // The kind of that node's line with this key; NULL where there is none.
    const char *(*kind_of)(void *context, const char *node, const char *key);
} file_keys_t;

typedef struct {
    store_t *store;
    const roster_t *roster;
    origin_t self;
    const char *own;         // code of this node
    const char *lang;        // of a bare text: the node's
    const char *alias;       // code that means this node's own in a file; NULL
    const file_keys_t *file; // NULL outside an import
} author_t;

typedef enum {
    AUTHORED_CREATE,
    AUTHORED_EDIT,
    AUTHORED_RETRACT,
    AUTHORED_UNCHANGED,
    AUTHORED_STAYS_RETRACTED, // an import's line for a record that is retracted
} authored_act_t;

// Zero-initialised is empty. The draft points into the body.
typedef struct {
    authored_act_t act;
    position_t id;     // of the record; zero where it is to be created
    uint64_t revision; // that it has afterwards
    draft_t draft;     // where act is one of the first three
    buf_t body;
} authored_t;

void authored_clear(authored_t *authored);

// fault->where is the field's path, or the argument.
err_t author_put(const author_t *author, const Enlace__V1__Put *put, authored_t *authored,
                 fault_t *fault);
err_t author_edit(const author_t *author, const Enlace__V1__Edit *edit, authored_t *authored,
                  fault_t *fault);
err_t author_retract(const author_t *author, const Enlace__V1__Retract *retract,
                     authored_t *authored, fault_t *fault);

// A whole record with a key, as a line of a file gives it: what it comes to. The body is
// then the record as it would be written, whatever that is.
// author_settle checks content and references as well; author_resettle looks only at what
// may have changed since (the record takes over what the standing one has of unknown fields).
typedef struct {
    span_t bytes; // what the record was decoded from; empty: it was not
    bool plain;   // it refers to nothing
} decoded_t;
err_t author_settle(const author_t *author, record_t *record, const decoded_t *decoded,
                    authored_t *authored, fault_t *fault);
err_t author_resettle(const author_t *author, record_t *record, authored_t *authored,
                      fault_t *fault);

// ---- parts ----

// Makes references to the alias's keys this node's own.
void author_adopt_alias(const author_t *author, record_t *record);
// Checks all references that `before` (NULL allowed) does not have at the same field.
err_t author_check_refs(const author_t *author, const record_t *record, const record_t *before,
                        fault_t *fault);
// Fields unknown to this version that `from` has and `to` lacks, in the record,
// its body and singular messages within: copied.
void author_keep_unknown(record_t *to, const record_t *from);

#endif
