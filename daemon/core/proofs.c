// Proofs: two chains of one feed, each ending in a valid signature. Keeps I8.
//
// Whoever knows of a fork stops that epoch, keeps the other side as evidence and
// proves it, by both sides' headers, to everybody whom it is linked with: whichever
// of the two the other holds, the other one contradicts it there.
//
// Where the key that signed the other side was replaced, and its cut is reached, the
// root has decided: the feed goes on. But who took the other side before does not,
// until a new epoch; so that its origin hears of it, it is kept and told all the same.
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

enum { PROOF_BYTES_MAX = LINK_MESSAGE_MAX - 1024, PROOFS_MAX = 64 };

// ---- telling ----

static bool has_proof(const core_feed_state_t *feed)
{
    fork_state_t fork = feed_fork_state(feed);
    return (fork == FORK_DIVERGED || fork == FORK_CONTESTED) && feed->proof.number;
}

void proof_tell(session_t *session, const core_feed_state_t *feed, effects_t *effects)
{
    if (!has_proof(feed))
        return;
    effect_t *effect = effects_add(effects, EFFECT_READ_PROOF);
    effect->reason = feed_fork_state(feed) == FORK_DIVERGED ? ERR_DIVERGED : ERR_CONTESTED;
    effect->link = session->link;
    effect->feed = feed->feed;
    effect->number = feed->proof.number;
}

// I12: reading a proof is work that whoever opens fetches at the end of a forked feed
// gives as often as it likes: beyond what it may ask for it waits with the others.
void proof_tell_served(core_t *core, session_t *session, const core_feed_state_t *feed,
                       effects_t *effects)
{
    if (!has_proof(feed))
        return;
    if (session_may_ask(core, session))
        proof_tell(session, feed, effects);
    else
        session->proofs_owed = true;
}

// So many a turn; the rest is owed.
void proof_greet(core_t *core, session_t *session, effects_t *effects)
{
    size_t before = effects->count, i = session->proofs_from;
    for (; i < core->feed_count && effects->count < before + PROOFS_MAX; i++)
        proof_tell(session, core->feeds[i], effects);
    session->proofs_ms = core->now_ms;
    session->proofs_owed = i < core->feed_count;
    session->proofs_from = session->proofs_owed ? i : 0;
}

void proof_send(core_t *core, session_t *session, span_t run, effects_t *effects)
{
    message_t message = {.type = MSG_PROOF};
    if (!run.size || run.size > PROOF_BYTES_MAX)
        return; // headers that fit no message are not sent
    message.as.proof.run = run;
    session_send(core, session, &message, effects);
}

void proof_read(core_t *core, const event_t *event, effects_t *effects)
{
    session_t *session = session_find(core, event->link);
    if (!session || session->state != SESSION_READY)
        return;
    if (event->as.proof_read.err) {
        core_count(core, event->as.proof_read.err, "store");
        core->disk_retry_ms = core->now_ms + DISK_RETRY_MS;
        core_soon(core, core->disk_retry_ms);
        session->proofs_owed = true;
        session->proofs_from = 0; // which of them it was is not known here
        return;
    }
    proof_send(core, session, event->as.proof_read.theirs, effects);
    proof_send(core, session, event->as.proof_read.ours, effects);
}

void proof_repay(core_t *core, session_t *session, effects_t *effects)
{
    uint64_t due_ms = session->proofs_ms + PROOFS_MS;
    if (!session->proofs_owed || core->now_ms < core->disk_retry_ms)
        return;
    if (core->now_ms < due_ms) {
        core_soon(core, due_ms);
        return;
    }
    proof_greet(core, session, effects);
}

// ---- what comes ----

// Only where each commit follows from the one before does the last one's
// signature speak for the first.
static err_t check_links(const run_t *run, size_t from)
{
    for (size_t i = from; i + 1 < run->count; i++)
        if (run->commits[i + 1]->first != run->commits[i]->last + 1 ||
            !hash_equal(&run->commits[i + 1]->previous, &run->commits[i]->hash))
            return ERR_BROKEN_CHAIN;
    return ERR_OK;
}

// Headers and signature prove it; content would outlive its erasure here.
static void keep_evidence(core_t *core, run_t *run, size_t from, err_t reason, const proof_t *proof,
                          effects_t *effects)
{
    for (size_t i = from; i < run->count; i++)
        for (size_t k = 0; k < run->commits[i]->count; k++)
            run->commits[i]->changes[k].state = PAYLOAD_MISSING;
    effect_t *effect = effects_add(effects, EFFECT_EVIDENCE);
    effect->feed = run->feed;
    effect->reason = reason;
    effect->proof = *proof;
    effect->wall_ms = core->wall_ms;
    effect->bytes = run_encode(&run->feed, run->commits + from, run->count - from);
}

void proof_name_source(const core_t *core, const session_t *from, proof_t *proof)
{
    if (from)
        snprintf(proof->source, sizeof proof->source, "%s", core_code(core, &from->peer->origin));
}

static bool has_ended(const core_t *core, const core_feed_state_t *feed)
{
    head_t cut;
    return feed->feed.epoch < identity_newest(feed->identity)->epoch && feed_cut(core, feed, &cut);
}

// The root has decided which chain counts. A run that leads to the cut shows that
// ours does not; any other shows nothing any more, whoever has the old key.
static err_t ended_otherwise(core_t *core, core_feed_state_t *feed, const run_t *run, size_t from,
                             const proof_t *proof, effects_t *effects)
{
    head_t cut;
    if (!feed_cut(core, feed, &cut))
        return ERR_BEYOND_CUT;
    for (size_t i = from; i < run->count; i++)
        if (run->commits[i]->last == cut.number && hash_equal(&run->commits[i]->hash, &cut.hash))
            feed_fork(core, feed, FORK_ON_CUT, proof, effects);
    return ERR_BEYOND_CUT;
}

// Signed by a key that a later card of the epoch has replaced, where its cut is held
// and the chains part below or at it: its owner has decided. Of somebody who left
// nobody waits for a new epoch.
static bool is_decided(const core_t *core, const core_feed_state_t *feed, const run_t *run,
                       size_t from)
{
    uint32_t number = run->commits[run->count - 1]->card_number;
    const card_t *card = identity_card(feed->identity, number);
    const card_t *newest = identity_newest(feed->identity);
    if (!card || card->epoch != feed->feed.epoch || newest->epoch != feed->feed.epoch ||
        number == newest->number || !roster_member(core_roster(core), &feed->feed.origin))
        return false;
    uint64_t reach = membership_reach(core, feed->identity, number, &feed->feed);
    return reach <= feed->head.number && run->commits[from]->first <= reach;
}

// What a signed run that contradicts ours means: DIVERGED, CONTESTED, or why it
// means nothing.
static err_t meaning(const core_t *core, const core_feed_state_t *feed, const run_t *run,
                     size_t from)
{
    const commit_t *last = run->commits[run->count - 1];
    bool decided = is_decided(core, feed, run, from);
    err_t err = decided ? ERR_OK
                        : membership_authority(core, feed->identity, last->card_number, &feed->feed,
                                               last->last, &last->hash);
    if (!err && !decided &&
        membership_reach(core, feed->identity, last->card_number, &feed->feed) <= feed->head.number)
        err = ERR_BEYOND_CUT;
    if (!err)
        err = apply_signature(core, feed, last);
    if (!err)
        return decided ? ERR_CONTESTED : ERR_DIVERGED;
    return err == ERR_BAD_SIGNATURE || err == ERR_UNSIGNED ? ERR_BROKEN_CHAIN : err;
}

static void tell_all(const core_t *core, const core_feed_state_t *feed, effects_t *effects)
{
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i]->state == SESSION_READY)
            proof_tell(core->sessions[i], feed, effects);
}

static void diverge(core_t *core, core_feed_state_t *feed, const proof_t *proof, effects_t *effects)
{
    if (own_is(core, &feed->feed)) {
        char detail[192];
        snprintf(detail, sizeof detail,
                 "epoch %u lane %u number %llu: another change of its own, signed, came from %s",
                 feed->feed.epoch, feed->feed.lane, (unsigned long long)proof->number,
                 *proof->source ? proof->source : "?");
        fence_close(core, FENCE_ON_FORK, detail, effects);
    }
    feed_fork_epoch(core, feed, proof, effects);
}

// Two different commits of one origin for one number, each vouched for by a
// signature: ours was verified when it came, this one, at `from`, is verified here.
err_t proof_contradicts(core_t *core, core_feed_state_t *feed, run_t *run, size_t from,
                        const proof_t *proof, effects_t *effects)
{
    err_t err = check_links(run, from);
    if (!err && has_ended(core, feed))
        return ended_otherwise(core, feed, run, from, proof, effects);
    if (!err)
        err = meaning(core, feed, run, from);
    core->turn_proofs = core->turn_proofs || err == ERR_DIVERGED || err == ERR_CONTESTED;
    if (err == ERR_DIVERGED) {
        keep_evidence(core, run, from, err, proof, effects);
        diverge(core, feed, proof, effects);
        tell_all(core, feed, effects);
    } else if (err == ERR_CONTESTED && feed_fork_state(feed) == FORK_NONE) {
        // Once: whoever has the old key may sign as many as it likes.
        keep_evidence(core, run, from, err, proof, effects);
        feed_fork(core, feed, FORK_ON_OLD_KEY, proof, effects);
        tell_all(core, feed, effects);
    }
    return err;
}

// What is vouched for by its signature, but lies beyond a cut, is kept aside.
void proof_set_aside(core_t *core, core_feed_state_t *feed, run_t *run, size_t from,
                     const session_t *source, effects_t *effects)
{
    proof_t proof = {.number = run->commits[from]->first};
    proof_name_source(core, source, &proof);
    proof.theirs = run->commits[from]->hash;
    if (proof.number == feed->head.number + 1)
        proof.ours = feed->head.hash;
    if (!check_links(run, from) && !apply_signature(core, feed, run->commits[run->count - 1]))
        keep_evidence(core, run, from, ERR_BEYOND_CUT, &proof, effects);
}

// A proof is headers alone: it is never taken for the log, or its payloads might be
// missing for ever. What goes on from our head is fetched; of our own feed it stops
// us at once.
static void goes_on(core_t *core, session_t *session, core_feed_state_t *feed, const run_t *run,
                    size_t from, effects_t *effects)
{
    const commit_t *last = run->commits[run->count - 1];
    head_t claim = {run->feed, last->last, last->hash};
    bool follows = run->commits[from]->first == feed->head.number + 1 &&
                   hash_equal(&run->commits[from]->previous, &feed->head.hash);
    if (own_is(core, &run->feed) && follows && !check_links(run, from) &&
        !membership_authority(core, feed->identity, last->card_number, &run->feed, last->last,
                              &last->hash) &&
        !apply_signature(core, feed, last))
        apply_meet_own(core, feed, last, session, effects);
    heads_claim(core, session, &claim, effects);
}

static void compare(core_t *core, const session_t *from, buf_t run, effects_t *effects)
{
    core->turn_proofs = true;
    effect_t *effect = effects_add(effects, EFFECT_COMPARE);
    effect->bytes = run;
    effect->text = mem_copy_string(core_code(core, &from->peer->origin));
}

// What lies wholly below our head may be ours or not: the store knows. A relay may
// well repeat itself, so that it is not asked every time.
void proof_below(core_t *core, const session_t *from, core_feed_state_t *feed, const run_t *run,
                 effects_t *effects)
{
    if (core->now_ms < feed->compare_ms)
        return;
    feed->compare_ms = core->now_ms + COMPARE_MS;
    compare(core, from, run_encode(&run->feed, run->commits, run->count), effects);
}

static void judge(core_t *core, session_t *session, core_feed_state_t *feed, const message_t *m,
                  run_t *run, effects_t *effects)
{
    bool conflict = false;
    proof_t proof;
    size_t skip = apply_held(feed, run, &conflict, &proof);
    proof_name_source(core, session, &proof);
    if (conflict) {
        err_t err = proof_contradicts(core, feed, run, skip ? skip - 1 : 0, &proof, effects);
        core_count(core, err, core_code(core, &session->peer->origin));
    } else if (skip < run->count) {
        goes_on(core, session, feed, run, skip, effects);
    } else if (session_may_ask(core, session)) {
        compare(core, session, buf_copy(m->as.proof.run), effects);
    }
}

void proof_on_proof(core_t *core, session_t *session, const message_t *m, effects_t *effects)
{
    run_t run;
    fault_t fault;
    core_feed_state_t *feed = NULL;
    err_t err = run_decode(m->as.proof.run, &run, &fault);
    if (!err)
        feed = feed_admit(core, &run.feed, &err);
    if (err)
        core_count(core, err, core_code(core, &session->peer->origin));
    else if (!feed->stopped)
        judge(core, session, feed, m, &run, effects);
    run_clear(&run);
}

void proof_compared(core_t *core, const event_t *event, effects_t *effects)
{
    run_t run;
    fault_t fault;
    if (run_decode(event->as.compared.run, &run, &fault))
        return;
    core_feed_state_t *feed = feed_lookup(core, &run.feed);
    size_t at = event->as.compared.at;
    if (feed && !feed->stopped && at < run.count) {
        proof_t proof = {.number = run.commits[at]->first,
                         .ours = event->as.compared.ours,
                         .theirs = run.commits[at]->hash};
        snprintf(proof.source, sizeof proof.source, "%s", event->as.compared.from);
        err_t err = proof_contradicts(core, feed, &run, at, &proof, effects);
        core_count(core, err, proof.source);
    }
    run_clear(&run);
}
