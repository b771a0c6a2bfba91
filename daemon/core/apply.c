// Applying a run: everything that arrives, live or in catching up, ends here.
//
// Kept here (docs/protocol.md, section 12): I1 and I2, nothing is taken but what
// comes next, hash by hash; I3, what is held already changes nothing; I8; I9, no
// commit beyond its key's reach; I10, nobody else's word erases; I13, neither head
// nor time falls; I16, what is taken ends in a signature verified here; L2, our
// own feeds come back by the same way.
//
// The ladder, one reason each: the feed may exist (UNKNOWN_ORIGIN, WRONG_EPOCH,
// NOT_ALLOWED), it advances at all (its stop reason), the run comes next
// (OUT_OF_ORDER), its chain holds (BROKEN_CHAIN), the author's time does not
// fall (TIME_BACKWARDS), the key that it was signed with reaches this position
// (UNKNOWN_CARD, BEYOND_CUT), the last signature holds (BAD_SIGNATURE,
// UNSIGNED). Payloads have met their commitments in decoding.
//
// A signed run that contradicts what is held is not the sender's doing but the
// origin's: proofs.c.
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"

err_t apply_signature(const core_t *core, const core_feed_state_t *feed, const commit_t *last)
{
    const card_t *card = identity_card(feed->identity, last->card_number);
    if (!last->has_signature)
        return ERR_UNSIGNED;
    if (!card)
        return ERR_UNKNOWN_CARD;
    return commit_signature_holds(last, &card->signing_key, &core->coalition) ? ERR_OK
                                                                              : ERR_BAD_SIGNATURE;
}

// The cut's own hash is signed, by the root or the roster: it vouches for the chain
// up to it.
static bool at_cut(const core_t *core, const core_feed_state_t *feed, const commit_t *commit)
{
    head_t cut;
    return membership_cut(core, feed->identity, commit->card_number, &feed->feed, &cut) &&
           commit->last == cut.number && hash_equal(&commit->hash, &cut.hash);
}

// Where a run goes beyond a cut, what is before it may still be taken, up to the
// cut or the last signature; how many of the run's commits that are.
static size_t before_cut(const core_t *core, const core_feed_state_t *feed, const run_t *run,
                         size_t from, size_t beyond)
{
    while (beyond > from && !run->commits[beyond - 1]->has_signature &&
           !at_cut(core, feed, run->commits[beyond - 1]))
        beyond--;
    return beyond;
}

// By its signature, or by a cut: then a signature that does not hold is not kept (I16).
static err_t vouched_for(const core_t *core, const core_feed_state_t *feed, commit_t *last)
{
    err_t err = apply_signature(core, feed, last);
    if (!err || !at_cut(core, feed, last))
        return err;
    last->has_signature = false;
    return ERR_OK;
}

// Chain, time and authority from the feed's head on; nothing is changed yet. To
// be taken are the commits before *end.
static err_t check_chain(core_t *core, const core_feed_state_t *feed, const run_t *run, size_t from,
                         size_t *end)
{
    uint64_t number = feed->head.number;
    hash_t hash = feed->head.hash;
    uint64_t time_ms = feed->time_ms;
    for (size_t i = from; i < run->count; i++) {
        const commit_t *commit = run->commits[i];
        if (commit->first != number + 1)
            return ERR_OUT_OF_ORDER;
        if (!hash_equal(&commit->previous, &hash))
            return ERR_BROKEN_CHAIN;
        if (commit->time_ms < time_ms)
            return ERR_TIME_BACKWARDS;
        err_t err = membership_authority(core, feed->identity, commit->card_number, &feed->feed,
                                         commit->last, &commit->hash);
        size_t before = err == ERR_BEYOND_CUT ? before_cut(core, feed, run, from, i) : from;
        if (before > from)
            *end = before;
        if (err)
            return before > from ? ERR_OK : err;
        number = commit->last;
        hash = commit->hash;
        time_ms = commit->time_ms;
    }
    return ERR_OK;
}

// Only the last commit's signature was verified, so only that one is kept.
// Nobody may say that a payload was erased but its owner, in lane 0; from
// anybody else it is missing, and asked for elsewhere.
static void take(core_t *core, core_feed_state_t *feed, commit_t **slot, bool last,
                 effects_t *effects)
{
    commit_t *commit = *slot;
    *slot = NULL;
    if (!last)
        commit->has_signature = false;
    for (size_t i = 0; i < commit->count; i++) {
        if (commit->changes[i].state == PAYLOAD_PRESENT)
            continue;
        commit->changes[i].state = PAYLOAD_MISSING;
        core->missing_hint = true;
        core_count(core, ERR_PAYLOAD_MISSING, core_code(core, &feed->feed.origin));
    }
    feed->head.number = commit->last;
    feed->head.hash = commit->hash;
    feed->time_ms = commit->time_ms;
    effects_add(effects, EFFECT_APPEND)->commit = commit;
}

// Whether somebody subscribes, as those do who have dialled us, that may lack it. Who
// brought it has it, and yet a publication would come back to it.
static bool is_lacked(const core_t *core, const core_feed_state_t *feed, uint64_t number,
                      const session_t *from)
{
    for (size_t i = 0; i < core->session_count; i++) {
        session_t *session = core->sessions[i];
        bool brought = from && session->peer == from->peer;
        if (session->state == SESSION_READY && !session->outbound && !brought &&
            session_feed(session, feed)->held < number)
            return true;
    }
    return false;
}

// A single signed commit goes on as it is, where it is of use; of more, subscribers fetch
// the rest.
static void relay(core_t *core, const core_feed_state_t *feed, const commit_t *last, size_t count,
                  const session_t *from, effects_t *effects)
{
    if (!core->options.listening)
        return;
    head_t head = {.feed = feed->feed, .number = last->last, .hash = last->hash};
    bool whole = count == 1 && last->has_signature && is_lacked(core, feed, last->last, from);
    effects_add(effects, EFFECT_PUBLISH)->bytes =
        whole ? publication_of_commit(last) : publication_of_head(&head);
}

// How many of the run's commits are held already. *conflict where one of them is
// another than ours; then *proof says where.
size_t apply_held(const core_feed_state_t *feed, const run_t *run, bool *conflict, proof_t *proof)
{
    const head_t *head = &feed->head;
    size_t skip = 0;
    while (skip < run->count && run->commits[skip]->last <= head->number)
        skip++;
    const commit_t *meet = skip ? run->commits[skip - 1] : NULL;
    const commit_t *next = skip == 0 && head->number > 0 ? run->commits[0] : NULL;
    const commit_t *across = skip < run->count ? run->commits[skip] : NULL;
    *proof = (proof_t){.number = head->number, .ours = head->hash};
    *conflict = true;
    if (across && across->first <= head->number)
        proof->theirs = across->hash;
    else if (meet && meet->last == head->number && !hash_equal(&meet->hash, &head->hash))
        proof->theirs = meet->hash;
    else if (next && next->first == head->number + 1 && !hash_equal(&next->previous, &head->hash))
        proof->theirs = next->previous;
    else
        *conflict = false;
    return skip;
}

// A later commit of our own that we do not know: we were restored, or copied.
void apply_meet_own(core_t *core, const core_feed_state_t *feed, const commit_t *last,
                    const session_t *from, effects_t *effects)
{
    char detail[192], hash[17];
    hex_format(last->hash.bytes, 8, hash);
    snprintf(detail, sizeof detail,
             "epoch %u lane %u: %llu (%s...) came from %s, %llu were held here", feed->feed.epoch,
             feed->feed.lane, (unsigned long long)last->last, hash,
             from ? core_code(core, &from->peer->origin) : "another node",
             (unsigned long long)feed->head.number);
    fence_close(core, FENCE_ON_LATER, detail, effects);
    own_move(core, OWN_ON_LATER);
}

err_t apply_run(core_t *core, run_t *run, session_t *from, effects_t *effects)
{
    err_t err;
    bool conflict = false;
    proof_t proof;
    core_feed_state_t *feed = feed_admit(core, &run->feed, &err);
    if (!feed)
        return err;
    if (feed->stopped)
        return feed->stopped;
    size_t skip = apply_held(feed, run, &conflict, &proof);
    proof_name_source(core, from, &proof);
    if (conflict)
        return proof_contradicts(core, feed, run, skip ? skip - 1 : 0, &proof, effects);
    if (skip == run->count)
        return ERR_STALE;
    size_t end = run->count;
    err = check_chain(core, feed, run, skip, &end);
    commit_t *last = run->commits[end - 1];
    if (err == ERR_BEYOND_CUT)
        proof_set_aside(core, feed, run, skip, from, effects);
    if (!err)
        err = vouched_for(core, feed, last);
    if (err)
        return err;
    if (own_is(core, &feed->feed))
        apply_meet_own(core, feed, last, from, effects);
    feed_touch(feed);
    relay(core, feed, last, end - skip, from, effects);
    if (end < run->count) {
        core_count(core, ERR_BEYOND_CUT, core_code(core, &feed->feed.origin));
        proof_set_aside(core, feed, run, end, from, effects);
    }
    for (size_t i = skip; i < end; i++)
        take(core, feed, &run->commits[i], i + 1 == end, effects);
    feed->why = ERR_OK;
    if (from)
        heads_owe_ack(from, feed);
    heads_changed(core, feed);
    return ERR_OK;
}
