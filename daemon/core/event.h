// What comes into the core: everything that it cannot know by itself, time and
// randomness included, as one value.
#ifndef ENLACE_DAEMON_CORE_EVENT_H
#define ENLACE_DAEMON_CORE_EVENT_H

#include "daemon/core/prepared.h"
#include "lib/message.h"

typedef uint64_t core_link_t; // the edge's number of a link; never used twice

typedef enum {
    EVENT_TICK,             // time passed; due when core_wake_ms says so, harmless at any time
    EVENT_DIALLED,          // answers EFFECT_DIAL: the link's number, or why it cannot be tried
    EVENT_LINK_UP,          // an authenticated connection
    EVENT_LINK_DOWN,        // it is gone
    EVENT_MESSAGE,          // decoded and bounded
    EVENT_PUBLICATION,      // likewise
    EVENT_REFUSED,          // the edge refused something: counted here, under its reason
    EVENT_APPEND,           // changes of this node's own, checked by the author
    EVENT_COMMITTED,        // the turn's durable effects are on disk
    EVENT_ROLLED_BACK,      // they are not, and nothing of the turn has happened
    EVENT_RUN_READ,         // answers EFFECT_READ_RUN
    EVENT_PAYLOAD_READ,     // answers EFFECT_READ_PAYLOAD
    EVENT_PAYLOADS_MISSING, // answers EFFECT_FIND_MISSING
    EVENT_STOPPING,         // this node ends: its peers are told
    EVENT_COMPARED,         // answers EFFECT_COMPARE, within the turn
    EVENT_PROOF_READ,       // answers EFFECT_READ_PROOF
    EVENT_ACCEPT,           // the operator takes the risk of writing on
    EVENT_EPOCH,            // the operator starts an epoch by a card of the root's
    EVENT_PREPARED,         // answers EFFECT_PREPARE; those of a link in their order
    EVENT_TYPE_END
} event_type_t;

typedef struct {
    event_type_t type;
    uint64_t now_ms;  // monotonic
    uint64_t wall_ms; // wall clock
    uint8_t seed[32]; // fresh randomness
    core_link_t link;
    size_t bytes; // of a message or publication, as it came
    union {
        struct {
            size_t dial;
            err_t reason;
        } dialled;
        struct {
            bool outbound;
            pubkey_t key;
        } link_up; // key: the peer's transport key
        struct {
            err_t reason;
        } link_down;
        const message_t *message;   // the edge's; copied where kept
        publication_t *publication; // the edge's; a commit in it may be taken out
        struct {
            err_t reason;
            const char *where;
            bool drop;
        } refused; // drop: close the link
        struct {
            uint64_t request;
            uint32_t lane;
            const draft_t *drafts;
            size_t count;
        } append;
        struct {
            err_t reason;
        } rolled_back;
        struct {
            feed_t feed;
            uint32_t fetch;
            err_t err;
            span_t run; // where it diverged: ours, that proves it
            head_t last;
            bool end;
            bool diverged;
        } run_read;
        struct {
            feed_t feed;
            uint64_t number;
            uint32_t fetch;
            err_t err; // it could not be read; then what follows says nothing
            payload_state_t state;
            const uint8_t *salt;
            span_t body;
        } payload_read;
        struct {
            const feed_t *feeds;
            const uint64_t *numbers;
            size_t count;
            err_t err; // they could not be looked for
        } missing;
        struct {
            const char *from; // code of who brought it
            span_t run;
            size_t at; // the first commit that is not ours; the number of commits: all are
            hash_t ours;
        } compared;
        struct {
            span_t ours, theirs; // runs of headers; empty: not here
            err_t err;           // they could not be read
        } proof_read;
        struct {
            uint64_t request;
        } accept;
        struct {
            uint64_t request;
            span_t card;             // signed
            const secret_t *signing; // the caller's, outlives the core where the answer is ERR_OK
        } epoch;
        prepared_t *prepared; // the edge's, read; commits of its run may be taken out
    } as;
} event_t;

#endif
