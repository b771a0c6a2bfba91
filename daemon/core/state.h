// What the core is made of, its times and bounds. Only files of this folder include this, and
// tests that look inside.
#ifndef ENLACE_DAEMON_CORE_STATE_H
#define ENLACE_DAEMON_CORE_STATE_H

#include "daemon/core/core.h"
#include "daemon/core/fence.h"
#include "daemon/core/machine.h"

// ---- times, in ms ----
enum {
    TICK_MS = 1000,
    GREETING_TIMEOUT_MS = 15000, // from connecting to the Welcome
    PING_MS = 15000,             // after that long without sending; as long for the answer
    SILENCE_MS = 30000,          // nothing heard: the session is dropped
    STALL_MS = 10000,            // a fetch without progress: another source
    SWITCH_MS = 2000,            // a standing source lags behind another that long: it is left
    PENALTY_MS = 15000,          // a source that gave something bad is left alone, doubling ...
    PENALTY_MAX_MS = 600000,     // ... up to this
    ANNOUNCE_MS = 1000,          // until heads to those who subscribe: they close gaps, no more
    COMPARE_MS = 1000,           // what comes again below the head is compared no oftener
    PROOFS_MS = 1000,            // between what a session is owed of them
    BEACON_IDLE_MS = 60000,
    BEACON_MIN_MS = 5000,
    BEACON_LATE_MS = 180000, // three that did not come: an alarm
    PULSE_GATHER_MS = 10000, // a relay passes on together what comes in so long
    WANT_BEACONS_MS = 1000,  // between two questions for beacons in a session
    MISSING_MS = 5000,       // between looks for missing payloads
    MISSING_SOON_MS = 200,   // after one came
    DIAL_FIRST_MS = 500,
    DIAL_MAX_MS = 60000,
    DIAL_STEADY_MS = 30000, // a session that lasted so long was no failure
    DISK_RETRY_MS = 5000,   // after a turn that did not reach the disk
    PACKING_WAIT_MS = 250,  // for credit, until a link is slow
};

// ---- bounds ----
enum {
    CARDS_PER_ORIGIN_MAX = 1000,
    SERVES_MAX = 4096,        // fetches that one session may have open here
    ASKS_MAX = 32,            // payloads and cards that a peer may ask for in a second
    BEACON_RELAYS_MAX = 4,    // of an origin, passed on in a second
    WANTED_CARDS_MAX = 64,    // of an origin, in answer to one WantCards
    FETCHES_MAX = 16,         // of ours in a session, standing ones apart
    PENDING_COMMITS_MAX = 64, // published while a fetch is under way
    PENDING_BYTES_MAX = 256 * 1024,
    PENDING_FEEDS_MAX = 64, // feeds that keep some at a time
    CREDIT_FIRST = 8 * 1024,
    CREDIT_MAX = 4 * 1024 * 1024,
    CREDIT_SECONDS = 4, // bulk ahead of a ping
    CHARGE_MIN = 1024,
    CHARGE_OVERHEAD = 128,
    PACKING_RATE = 1024 * 1024, // bytes a second: a faster link costs less than packing
    PACE_MIN = 512, // bytes a second: half of what 9.6 kbit/s carry; slower is no progress
};

// Why a source is left alone for a feed, and how long.
typedef struct {
    uint64_t until_ms;
    uint32_t times;
    err_t reason; // what the last one was for
} blame_t;

// Whether a link is slower than packing what goes over it (packing.c).
typedef enum { PACE_UNKNOWN, PACE_SLOW, PACE_FAST } pace_t;

// A member or former member: its cards, its last beacon.
typedef struct {
    origin_t origin;
    size_t card_count, card_capacity;
    card_t **cards;          // card number n at n - 1
    size_t cards_before;     // when the turn began
    beacon_t *beacon_before; // owned; where this turn has taken a card
    beacon_t *beacon;        // newest; NULL
    uint64_t beacon_ms;      // when it came
    uint64_t relays_ms;      // the second in which ...
    uint32_t relays;         // ... so many were passed on
    bool relay_due;          // a newer one waits
    bool beacon_late;        // the alarm is out
    bool pulse_due;          // the newest of its pulses waits to be passed on ...
    core_link_t pulse_from;  // ... but not to where it came from; 0: our own
    size_t blame_count;      // by core_feed_state_t.index, from its sessions that ended
    blame_t *blames;
    pace_t pace; // of the link of its last session
    // What it has told of this node's own feeds, in its last session.
    size_t told_count, told_capacity;
    head_t *told;
    uint64_t told_ms; // wall clock; 0: it has not told all yet, or could not deliver it
} identity_t;

// Its table is in sources.c.
typedef enum {
    FOLLOW_IDLE,      // no fetch is open
    FOLLOW_FETCHING,  // one that ends
    FOLLOW_STREAMING, // one that stands, and more is to come
    FOLLOW_STANDING,  // one that stands, and the source has said that nothing more is held
    FOLLOW_STATES
} follow_state_t;

typedef enum {
    FOLLOW_ASKS,       // a source is chosen, news come by subscription
    FOLLOW_STANDS,     // a source is chosen, nothing else would bring the news
    FOLLOW_RUN,        // a run was taken, and it was not the last
    FOLLOW_END,        // the source has no more, and had promised no more
    FOLLOW_UNMET,      // the source has no more, and had promised more
    FOLLOW_REFUSED,    // what it sent was refused
    FOLLOW_NOPE,       // it says no
    FOLLOW_STALLED,    // it sends nothing, or too slowly
    FOLLOW_WITHHELD,   // it claims more and sends nothing
    FOLLOW_OTHER,      // another has what this one has not
    FOLLOW_ORIGIN,     // the origin itself has more, this one brings nothing good
    FOLLOW_GONE,       // its session has ended
    FOLLOW_STOPPED,    // the feed goes no further
    FOLLOW_TAKEN_BACK, // the turn did not reach the disk
    FOLLOW_EVENTS
} follow_event_t;

typedef struct {
    follow_state_t state; // changed by sources.c alone
    core_link_t source;
    uint32_t fetch;
    uint64_t claim;       // what the source had said that it holds when it was asked
    uint64_t progress_ms; // something came, and not too slowly
    uint64_t applied_ms;  // something of it was good
    uint64_t retry_ms;    // not before
    size_t aside;         // of its runs are being prepared
    uint64_t run_after;   // our head when the run that comes or is prepared began ...
    uint64_t quiet_ms;    // ... and since when nothing had come
} follower_t;

typedef struct {
    size_t index; // place in core->feeds, for the sessions' tables
    feed_t feed;
    identity_t *identity;
    head_t head; // turn's view; durable after EVENT_COMMITTED
    uint64_t time_ms;
    err_t stopped;
    uint64_t stopped_ms;
    proof_t proof;            // of what stopped it, or contests it
    uint64_t behind_since_ms; // 0: in step with everything heard
    follower_t follower;
    err_t why;            // last reason for not getting on
    uint64_t compare_ms;  // what is published again below the head is not compared before
    size_t pending_count; // published commits that wait for a fetch to close the gap
    size_t pending_bytes;
    commit_t *pending[PENDING_COMMITS_MAX];
    // as it was when the turn began
    bool touched;
    head_t head_before;
    uint64_t time_before;
    err_t stopped_before;
    uint64_t stopped_ms_before;
    proof_t proof_before;
} core_feed_state_t;

// What a session knows of a feed at its peer.
typedef struct {
    uint64_t held; // highest number that the peer says it holds
    uint64_t told; // highest that we have told it
    blame_t blame;
    uint64_t probed_ms; // when it was asked for its proof last
    uint32_t probe;     // by that fetch; 0: none, or it is ended
    bool ack_due, dirty;
} peer_feed_t;

// A fetch that a peer has open here.
typedef struct {
    uint32_t fetch;
    core_feed_state_t *feed;
    uint64_t after;
    hash_t after_hash;
    bool standing, headers_only;
    bool reading; // EFFECT_READ_RUN is out
    bool caught_up;
} serve_t;

// Its table is in sessions.c.
typedef enum {
    SESSION_NONE, // not there yet, or no more
    SESSION_HELLO_SENT,
    SESSION_HELLO_AWAITED,
    SESSION_READY,
    SESSION_STATES
} session_state_t;

typedef enum {
    SESSION_DIALLED,    // a connection that we dialled is up
    SESSION_ACCEPTED,   // one that a member dialled
    SESSION_STRANGER,   // one whose key is no other member's
    SESSION_HELLO,      // one that holds
    SESSION_WELCOME,    // likewise
    SESSION_MESSAGE,    // any other, in its place
    SESSION_LEFT_OVER,  // of another session
    SESSION_REFUSED,    // a message that does not hold, or not here
    SESSION_BYE,        // said by the peer
    SESSION_LATE,       // no greeting in time
    SESSION_QUIET,      // nothing sent or heard for a while
    SESSION_SILENT,     // nothing heard for too long
    SESSION_REVOKED,    // the key is no longer the member's
    SESSION_REPLACED,   // by a newer one of the same peer
    SESSION_TAKEN_BACK, // what the greeting brought did not reach the disk
    SESSION_STOPPING,   // this node ends
    SESSION_LOST,       // the connection is gone
    SESSION_EVENTS
} session_event_t;

typedef struct {
    core_link_t link;
    bool outbound;
    size_t dial;      // of outbound ones
    identity_t *peer; // whoever holds the key, until the greeting says who of them
    pubkey_t key;
    session_state_t state; // changed by session_move alone
    nonce_t nonce;         // ours
    nonce_t id;
    uint64_t since_ms, heard_ms, sent_ms;
    uint64_t news_ms; // since when it waits to be told what was published; 0: nothing does
    uint64_t ping_ms, ping_token, rtt_ms;
    uint64_t bytes_in, bytes_out;
    bool heads_heard;
    bool heads_owed;      // ours have not been told in this session yet
    bool told_odd;        // it has told of own feeds of ours that we cannot know
    bool cards_taken;     // it brought cards that were new here
    err_t lacks_cards;    // why a roster of its was refused that newer cards may mend; ERR_OK
    bool proofs_owed;     // not all could be read, or were allowed, when they were to be told
    size_t proofs_from;   // from that feed on
    uint64_t proofs_ms;   // when so many were told last
    uint32_t peer_roster; // version that it told
    // feeds at the peer, by core_feed_state_t.index
    size_t feed_capacity;
    peer_feed_t *feeds;
    size_t dirty_count, dirty_capacity;
    size_t *dirty; // feeds with something to tell or acknowledge
    // what we follow
    uint32_t next_fetch;
    size_t fetches;      // open, not standing
    uint32_t assembling; // fetch whose run comes in parts; 0: none
    uint32_t next_part;
    uint32_t unpacked; // size of the run whose parts come packed; 0: as it is
    buf_t parts;
    size_t aside; // runs and refusals of fetches that are prepared, or wait behind such
    core_feed_state_t *part_feed; // whose parts came last
    uint64_t part_ms;             // and when
    uint64_t run_began_ms;        // the run that comes in parts
    uint64_t granted, received, window, renewed_received, renewed_ms;
    uint64_t granted_ended; // granted, when a fetch was last told to end; at first the first
    bool credit_due;
    // what we serve
    size_t serve_count, serve_capacity;
    serve_t *serves;
    uint64_t allowance, charged;
    uint64_t asked_ms;  // what it has asked for outside of fetches in the second
    uint32_t asked;     // that began then
    uint64_t wanted_ms; // when we asked it for beacons last
    uint32_t sending;   // fetch whose run goes out; 0: none
    bool reading;
    bool packs;       // the peer takes packed runs
    pace_t pace;      // of its link
    bool waiting;     // a run waits for credit ...
    uint64_t wait_ms; // ... since then, when so much had been charged ...
    uint64_t wait_charged;
    uint64_t wait_bytes; // ... and since the wait before
    buf_t run;
    uint32_t run_unpacked; // its size before it was packed; 0: it is not
    size_t run_sent;
    uint32_t run_part;
    bool run_end;
    uint64_t run_head; // of the feed, when the run was read
    head_t run_last;
} session_t;

typedef struct {
    core_dial_t config; // endpoint owned
    core_link_t link;   // 0: none
    uint64_t since_ms;
    uint64_t next_ms;
    uint32_t failures;
    bool up; // since since_ms
    err_t why;
    bool ever;
} dial_t;

typedef struct {
    err_t reason;
    uint64_t count, last_ms;
    char where[96];
} counter_t;

// This node's own log, of all its lanes; the table is in own.c.
typedef enum { OWN_DURABLE, OWN_AHEAD } own_state_t; // ahead of the disk, within a turn
typedef enum {
    OWN_ON_REFUSED,
    OWN_ON_APPENDED,
    OWN_ON_LATER,
    OWN_ON_DURABLE,
    OWN_ON_BACK,
} own_event_t;

struct core {
    core_options_t options;
    hash_t coalition;
    size_t roster_count, roster_capacity;
    roster_t **rosters; // version n at n - 1
    size_t identity_count, identity_capacity;
    identity_t **identities; // sorted by origin
    identity_t *self;
    own_state_t own;
    size_t feed_count, feed_capacity;
    core_feed_state_t **feeds; // by index
    core_feed_state_t **sorted;
    size_t session_count, session_capacity;
    session_t **sessions;
    size_t dial_count;
    dial_t *dials;
    size_t counter_count, counter_capacity;
    counter_t *counters;
    fence_t fence;
    uint64_t own_moves;
    // as it was when the turn began
    size_t rosters_before;
    bool turn_membership;           // took a roster or a card
    bool turn_proofs;               // took a proof, or looks whether one is
    const secret_t *signing_before; // where the turn starts an epoch; NULL
    err_t greet_again;              // why sessions are to begin anew; ERR_OK
    // timers
    uint64_t now_ms, wall_ms;
    uint64_t ticked_ms, soon_ms;
    uint64_t beacon_ms, beacon_sequence;
    preimage_t beacon_top; // of our beacon's chain: whoever knows it can pulse for us
    uint64_t pulses_ms;    // since when one waits to be passed on; 0: none does
    uint64_t connected_ms; // since when somebody is in session; 0: nobody is
    bool beacon_due;
    bool missing_hint;
    uint64_t missing_ms;
    uint64_t disk_retry_ms;
    uint8_t seed[32];
    uint64_t derived;
};

#endif
