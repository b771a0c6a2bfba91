// What the core is made of. Only files of this folder include this.
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

// ---- small things that every file here uses ----
err_t core_reason(uint32_t reason); // that a peer names; UNEXPECTED where it is none of ours
void core_count(core_t *core, err_t reason, const char *where);
void core_soon(core_t *core, uint64_t at_ms);             // a tick is due then
void core_random(core_t *core, void *bytes, size_t size); // out of the event's seed
void core_log(effects_t *effects, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *core_code(const core_t *core, const origin_t *origin); // never NULL

// membership.c
identity_t *identity_find(const core_t *core, const origin_t *origin);
bool identity_holds(const core_t *core, const identity_t *identity, const pubkey_t *key);
identity_t *identity_by_transport(const core_t *core, const pubkey_t *key);
const card_t *identity_card(const identity_t *identity, uint32_t number); // NULL
const card_t *identity_newest(const identity_t *identity);                // NULL
// What a member may come in with: its newest card; NULL where it is none, or
// where the roster asks for a newer card than is here.
const card_t *identity_admitted(const core_t *core, const identity_t *identity);
const card_t *identity_start(const identity_t *identity,
                             uint32_t epoch); // card that started it; NULL
void membership_load(core_t *core, const core_snapshot_t *snapshot);
err_t membership_add_roster(core_t *core, span_t signed_roster, effects_t *effects);
err_t membership_add_card(core_t *core, span_t signed_card, effects_t *effects);
// A card of this node's own that its operator brings. Takes it over on success.
err_t membership_own_card(core_t *core, card_t **card, effects_t *effects);
void membership_rolled_back(core_t *core, effects_t *effects);
// The last number up to which card `number` may reach in the feed, and whether
// it does: by number, and at a cut by its hash.
uint64_t membership_reach(const core_t *core, const identity_t *identity, uint32_t card_number,
                          const feed_t *feed);
// The lowest cut that binds the card's key in the feed; false where none does.
bool membership_cut(const core_t *core, const identity_t *identity, uint32_t card_number,
                    const feed_t *feed, head_t *cut);
err_t membership_authority(const core_t *core, const identity_t *identity, uint32_t card_number,
                           const feed_t *feed, uint64_t last, const hash_t *hash);

// feeds.c
core_feed_state_t *feed_lookup(const core_t *core, const feed_t *feed);
// The feed's state, made when origin, epoch and lane are such that it may exist.
core_feed_state_t *feed_admit(core_t *core, const feed_t *feed, err_t *err);
void feed_touch(core_feed_state_t *feed); // before the first change in a turn
// What forks and cuts do to a feed; its table is in feeds.c. `proof` may be NULL.
typedef enum { FORK_NONE, FORK_CONTESTED, FORK_DIVERGED, FORK_CUT } fork_state_t;
typedef enum { FORK_ON_PROOF, FORK_ON_OLD_KEY, FORK_ON_EPOCH, FORK_ON_CUT } fork_event_t;
fork_state_t feed_fork_state(const core_feed_state_t *feed);
void feed_fork(core_t *core, core_feed_state_t *feed, fork_event_t event, const proof_t *proof,
               effects_t *effects);
// Two chains proven: all lanes of its epoch.
void feed_fork_epoch(core_t *core, core_feed_state_t *feed, const proof_t *proof,
                     effects_t *effects);
void feed_committed(core_feed_state_t *feed);
void feed_rolled_back(core_feed_state_t *feed);
uint64_t feed_reach(const core_t *core, const core_feed_state_t *feed); // no number beyond counts
bool feed_cut(const core_t *core, const core_feed_state_t *feed, head_t *cut);
uint64_t feed_known(const core_t *core, const core_feed_state_t *feed, bool *is_signed);
void feed_note_lag(core_t *core, core_feed_state_t *feed);
void feed_drop_pending(core_feed_state_t *feed);

// apply.c: everything that arrives ends here
err_t apply_run(core_t *core, run_t *run, session_t *from, effects_t *effects);
size_t apply_held(const core_feed_state_t *feed, const run_t *run, bool *conflict, proof_t *proof);
void apply_meet_own(core_t *core, const core_feed_state_t *feed, const commit_t *last,
                    const session_t *from, effects_t *effects);
err_t apply_signature(const core_t *core, const core_feed_state_t *feed, const commit_t *last);

// proofs.c
void proof_greet(core_t *core, session_t *session, effects_t *effects);
// Where the feed has forked.
void proof_tell(session_t *session, const core_feed_state_t *feed, effects_t *effects);
void proof_tell_served(core_t *core, session_t *session, const core_feed_state_t *feed,
                       effects_t *effects);
void proof_send(core_t *core, session_t *session, span_t run, effects_t *effects);
void proof_read(core_t *core, const event_t *event, effects_t *effects); // EVENT_PROOF_READ
void proof_repay(core_t *core, session_t *session, effects_t *effects);  // what is owed
void proof_name_source(const core_t *core, const session_t *from, proof_t *proof);
// Two commits for one number: DIVERGED and the epoch stops, where it is proven.
err_t proof_contradicts(core_t *core, core_feed_state_t *feed, run_t *run, size_t from,
                        const proof_t *proof, effects_t *effects);
// Of a run the commits from `from` on, which lie beyond a cut.
void proof_set_aside(core_t *core, core_feed_state_t *feed, run_t *run, size_t from,
                     const session_t *source, effects_t *effects);
// A run that its sender holds against us: where all of it lies below our head,
// the store is asked whether it is ours (EFFECT_COMPARE, EVENT_COMPARED).
void proof_on_proof(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void proof_compared(core_t *core, const event_t *event, effects_t *effects);
// A commit that lies wholly below the head: whether it is ours.
void proof_below(core_t *core, const session_t *from, core_feed_state_t *feed, const run_t *run,
                 effects_t *effects);

// own.c
void own_append(core_t *core, const event_t *event, effects_t *effects);
bool own_is(const core_t *core, const feed_t *feed);
void own_move(core_t *core, own_event_t event);
void own_turn_ends(core_t *core, bool durable); // false: it was taken back
bool own_key_counts(const core_t *core);        // the newest card names the key that we sign with
bool own_is_claimed(const core_feed_state_t *feed); // a later change of it is being fetched
void own_epoch(core_t *core, const event_t *event, effects_t *effects); // EVENT_EPOCH

// fence.c
void fence_load(core_t *core, const core_options_t *options, const core_snapshot_t *snapshot);
void fence_free(core_t *core);
err_t fence_reason(const core_t *core); // ERR_OK: it may write
// What stops writing: later, card, fork. `detail` says what was seen.
void fence_close(core_t *core, fence_event_t event, const char *detail, effects_t *effects);
void fence_tick(core_t *core, effects_t *effects);
void fence_committed(core_t *core);
void fence_rolled_back(core_t *core);

// What others say of this node's own feeds.
void fence_expect(core_t *core, identity_t *peer); // a session begins: it is to tell
void fence_hear(core_t *core, identity_t *peer, const head_t *head);
void fence_answered(core_t *core, identity_t *peer); // it has told all
void fence_unmet(core_t *core, identity_t *peer);    // it could not deliver what it told of
void fence_own_word(core_t *core, const beacon_t *beacon, effects_t *effects); // signed by us
// The highest number that a floor names; 0: none does.
uint64_t fence_floor(const core_t *core, const feed_t *feed, bool *is_signed);
// Lifts the fence where all have told.
void fence_consider(core_t *core, effects_t *effects);

// Whom the fence waits for at that dial, else whom it means; NULL: no member.
const identity_t *fence_named(const core_t *core, const dial_t *dial);
bool fence_told_is_here(const core_t *core, const identity_t *peer);
bool fence_floors_reached(const core_t *core, bool signed_only);
err_t fence_may_accept(const core_t *core);
// recovery.c: whose word is missing before the fence goes by itself, a sentence; empty
// where none is. Caller frees.
char *fence_missing(const core_t *core);
void fence_accept(core_t *core, const event_t *event, effects_t *effects); // EVENT_ACCEPT
void fence_epoch(core_t *core, effects_t *effects);

// sessions.c
session_t *session_find(const core_t *core, core_link_t link);
void session_link_up(core_t *core, const event_t *event, effects_t *effects);
void session_link_down(core_t *core, const event_t *event, effects_t *effects);
void session_message(core_t *core, const event_t *event, effects_t *effects);
void session_send(core_t *core, session_t *session, message_t *message, effects_t *effects);
void session_close(core_t *core, session_t *session, err_t reason, effects_t *effects);
// The same after any event that ends a session.
void session_leave(core_t *core, session_t *session, session_event_t event, err_t reason,
                   effects_t *effects);
// And for what is counted already.
void session_end(core_t *core, session_t *session, session_event_t event, err_t reason,
                 effects_t *effects);
void session_move(session_t *session, session_event_t event);
void session_tick(core_t *core, effects_t *effects);
void session_stopping(core_t *core, const event_t *event, effects_t *effects);
// Whether a peer may ask for one more thing that costs us a read or a large
// answer without credit; counted (busy) where it may not.
bool session_may_ask(core_t *core, session_t *session);
peer_feed_t *session_feed(session_t *session, const core_feed_state_t *feed);

// greeting.c
void greeting_hello(core_t *core, session_t *session, effects_t *effects); // we dialled
void greeting_on_hello(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void greeting_on_welcome(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void greeting_on_rosters(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void greeting_on_cards(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void greeting_on_want_cards(core_t *core, session_t *session, const message_t *m,
                            effects_t *effects);
void greeting_spread_membership(core_t *core, effects_t *effects); // it has grown in this turn
void greeting_want_cards(core_t *core, session_t *session, const identity_t *identity,
                         effects_t *effects);

// dials.c
void dial_tick(core_t *core, effects_t *effects);
void dial_answered(core_t *core, const event_t *event, effects_t *effects);
void dial_lost(core_t *core, core_link_t link, err_t reason);
void dial_ready(core_t *core, core_link_t link);
bool dial_means(const core_t *core, const dial_t *dial, const identity_t *identity);

// heads.c
void heads_changed(core_t *core, core_feed_state_t *feed); // ours moved: tell
void heads_mark(session_t *session, const core_feed_state_t *feed);
void heads_owe_ack(session_t *session, const core_feed_state_t *feed);
void heads_flush(core_t *core, effects_t *effects);
void heads_on_heads(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void heads_claim(core_t *core, session_t *session, const head_t *head, effects_t *effects);

// sources.c
bool follow_usable(core_t *core, session_t *session, const core_feed_state_t *feed);
// Since when nothing came although there is something to come.
uint64_t follow_quiet_since(const core_feed_state_t *feed);
void follow_plan(core_t *core, core_feed_state_t *feed, effects_t *effects);
void follow_plan_all(core_t *core, effects_t *effects);
// parts.c
void part_on_part(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void part_on_nope(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void part_prepared(core_t *core, const event_t *event, effects_t *effects); // EVENT_PREPARED
// follow.c
// A run, whole and read, of the feed's fetch; the source's No; and what a session brought
// that is gone.
void follow_take_run(core_t *core, session_t *session, core_feed_state_t *feed,
                     prepared_t *prepared, effects_t *effects);
void follow_take_nope(core_t *core, session_t *session, core_feed_state_t *feed, err_t reason,
                      effects_t *effects);
void follow_take_orphan(core_t *core, prepared_t *prepared, effects_t *effects);
void follow_on_publication(core_t *core, const event_t *event, effects_t *effects);
void follow_source_gone(core_t *core, session_t *session, effects_t *effects);
void follow_tick(core_t *core, effects_t *effects);
// The fetch that is open, if one is, ends because of `event`.
void follow_end(core_t *core, core_feed_state_t *feed, follow_event_t event, effects_t *effects);
void follow_move(core_feed_state_t *feed, follow_event_t event); // while it goes on
// Asks what a peer holds at a number where it cannot be what we hold: the answer
// is its proof.
void follow_probe(core_t *core, session_t *session, const head_t *ours, effects_t *effects);
// Runs come of a fetch that nobody follows: whether it was a probe. That is ended.
bool follow_end_probe(core_t *core, session_t *session, uint32_t fetch, effects_t *effects);
// What a source is blamed for outlives its session: reconnecting clears nothing.
void follow_keep_blame(session_t *session);
void follow_recall_blame(core_t *core, session_t *session);
void follow_penalise(core_t *core, session_t *session, core_feed_state_t *feed, err_t reason);

// serve.c
void serve_on_fetch(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void serve_on_end_fetch(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void serve_on_credit(core_t *core, session_t *session, uint64_t limit, effects_t *effects);
void serve_run_read(core_t *core, const event_t *event, effects_t *effects);
void serve_feed_moved(core_t *core, core_feed_state_t *feed);
void serve_flush(core_t *core, effects_t *effects);
void serve_forget(session_t *session);
bool serve_stands(const session_t *session, const core_feed_state_t *feed);

// packing.c
void packing_begin(session_t *session, uint32_t packings);   // what the greeting says
void packing_wait(const core_t *core, session_t *session);   // a run waits for credit
void packing_credit(const core_t *core, session_t *session); // and credit came
void packing_run(session_t *session, span_t run);            // to be sent

// payloads.c
void payload_tick(core_t *core, effects_t *effects);
void payload_missing(core_t *core, const event_t *event, effects_t *effects);
void payload_on_fetch(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void payload_on_found(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void payload_read(core_t *core, const event_t *event, effects_t *effects);

// beacons.c
void beacon_flush(core_t *core, effects_t *effects); // ours, when it is due
void beacon_tick(core_t *core, effects_t *effects);  // who has said nothing for too long
void beacon_take_all(core_t *core, session_t *from, const signed_items_t *beacons,
                     effects_t *effects);
// What the newest word says, heard once more: lag, and claims of a peer in session.
void beacon_heard(core_t *core, identity_t *identity, effects_t *effects);
void beacon_greet(core_t *core, session_t *session, effects_t *effects);
void beacon_on_beacons(core_t *core, session_t *session, const message_t *m, effects_t *effects);
void beacon_on_want(core_t *core, session_t *session, const message_t *m, effects_t *effects);

// pulses.c
void pulse_begin(core_t *core, beacon_t *ours); // its chain, before it is signed
// Says "as before" instead of our beacon; false where that cannot be said of `next`.
bool pulse_instead(core_t *core, const beacon_t *next, effects_t *effects);
// All of a message; asks whoever gave it for the beacons that they continue.
void pulse_take_all(core_t *core, session_t *from, const signed_items_t *beacons,
                    effects_t *effects);
void pulse_tick(core_t *core, effects_t *effects); // what was gathered goes on

#endif
