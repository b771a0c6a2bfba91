// What the files of the core call of each other, on what state.h says that it is made of.
// Only files of this folder include this, and tests that look inside.
#ifndef ENLACE_DAEMON_CORE_INTERNAL_H
#define ENLACE_DAEMON_CORE_INTERNAL_H

#include "daemon/core/state.h"

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
