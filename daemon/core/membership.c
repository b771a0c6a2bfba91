// Rosters and cards: who belongs, with which keys, and how far each key reaches.
#include <stdio.h>
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"

static size_t place_of(const core_t *core, const origin_t *origin)
{
    size_t low = 0, high = core->identity_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (origin_compare(&core->identities[middle]->origin, origin) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

identity_t *identity_find(const core_t *core, const origin_t *origin)
{
    size_t place = place_of(core, origin);
    if (place < core->identity_count && origin_equal(&core->identities[place]->origin, origin))
        return core->identities[place];
    return NULL;
}

static void identity_add(core_t *core, const origin_t *origin)
{
    if (identity_find(core, origin))
        return;
    mem_grow(&core->identities, &core->identity_capacity, core->identity_count,
             sizeof *core->identities);
    identity_t *identity = mem_alloc(sizeof *identity);
    identity->origin = *origin;
    size_t place = place_of(core, origin);
    memmove(&core->identities[place + 1], &core->identities[place],
            (core->identity_count - place) * sizeof *core->identities);
    core->identities[place] = identity;
    core->identity_count++;
}

const card_t *identity_card(const identity_t *identity, uint32_t number)
{
    return number >= 1 && number <= identity->card_count ? identity->cards[number - 1] : NULL;
}

const card_t *identity_newest(const identity_t *identity)
{
    return identity_card(identity, (uint32_t)identity->card_count);
}

const card_t *identity_start(const identity_t *identity, uint32_t epoch)
{
    for (size_t i = 0; i < identity->card_count; i++)
        if (identity->cards[i]->epoch == epoch)
            return identity->cards[i];
    return NULL;
}

const card_t *identity_admitted(const core_t *core, const identity_t *identity)
{
    const card_t *card = identity_newest(identity);
    const member_t *member = roster_member(core_roster(core), &identity->origin);
    return card && member && card->number >= member->min_card ? card : NULL;
}

// Only current members, and only by their newest card: a key that was replaced
// opens nothing.
bool identity_holds(const core_t *core, const identity_t *identity, const pubkey_t *key)
{
    const card_t *card = identity_newest(identity);
    return card && key_equal(&card->transport_key, key) && identity_admitted(core, identity);
}

// Any who holds it. Nothing keeps a member from naming another's key in its
// card: which of them a peer is, the peer says in its greeting.
identity_t *identity_by_transport(const core_t *core, const pubkey_t *key)
{
    for (size_t i = 0; i < core->identity_count; i++)
        if (identity_holds(core, core->identities[i], key))
            return core->identities[i];
    return NULL;
}

size_t core_admitted(const core_t *core, pubkey_t **keys)
{
    size_t count = 0;
    *keys = mem_alloc_array(core->identity_count, sizeof **keys);
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *identity = core->identities[i];
        const card_t *card = identity_admitted(core, identity);
        if (card && identity != core->self)
            (*keys)[count++] = card->transport_key;
    }
    return count;
}

static void push_card(identity_t *identity, card_t *card)
{
    mem_grow(&identity->cards, &identity->card_capacity, identity->card_count,
             sizeof *identity->cards);
    identity->cards[identity->card_count++] = card;
}

static void push_roster(core_t *core, roster_t *roster)
{
    mem_grow(&core->rosters, &core->roster_capacity, core->roster_count, sizeof *core->rosters);
    core->rosters[core->roster_count++] = roster;
    for (size_t i = 0; i < roster->member_count; i++)
        identity_add(core, &roster->members[i].origin);
    for (size_t i = 0; i < roster->former_count; i++)
        identity_add(core, &roster->formers[i].origin);
}

void membership_load(core_t *core, const core_snapshot_t *snapshot)
{
    for (size_t i = 0; i < snapshot->roster_count; i++)
        push_roster(core, roster_copy(snapshot->rosters[i]));
    for (size_t i = 0; i < snapshot->card_count; i++) {
        identity_t *identity = identity_find(core, &snapshot->cards[i]->origin);
        if (identity && snapshot->cards[i]->number == identity->card_count + 1)
            push_card(identity, card_copy(snapshot->cards[i]));
    }
}

// ---- cards ----

// The root key that a card must be signed by: as the newest roster has it.
static const pubkey_t *root_of(const core_t *core, const origin_t *origin)
{
    const member_t *member = roster_member(core_roster(core), origin);
    if (member)
        return &member->root_key;
    const former_t *former = roster_former(core_roster(core), origin);
    return former ? &former->root_key : NULL;
}

static err_t card_admissible(const core_t *core, const identity_t *identity, const card_t *card)
{
    const pubkey_t *root = root_of(core, &card->origin);
    const char *code = roster_code_of(core_roster(core), &card->origin);
    if (!root || !code)
        return ERR_UNKNOWN_ORIGIN;
    if (card->number <= identity->card_count)
        return hash_equal(&identity->cards[card->number - 1]->hash, &card->hash) ? ERR_STALE
                                                                                 : ERR_BAD_CARD;
    if (card->number > CARDS_PER_ORIGIN_MAX)
        return ERR_TOO_MANY;
    if (card->number != identity->card_count + 1)
        return ERR_OUT_OF_ORDER;
    if (!key_equal(root, &card->root_key) || strcmp(code, card->code.text) != 0)
        return ERR_BAD_CARD;
    return card_follows(identity_newest(identity), card);
}

// What was taken in before a cut became known and lies beyond it is flagged; the
// feed goes no further. One that a fork had stopped goes on up to the cut of a
// new epoch: by that the root decides.
static void enforce_cut(core_t *core, const origin_t *origin, const cut_t *cut, bool new_epoch,
                        effects_t *effects)
{
    feed_t feed = {*origin, cut->epoch, cut->lane};
    core_feed_state_t *state = feed_lookup(core, &feed);
    if (!state)
        return;
    bool at = state->head.number == cut->number && state->head.number;
    bool other = at && !hash_equal(&state->head.hash, &cut->hash);
    proof_t proof = {.number = other ? cut->number : 0};
    if (state->head.number > cut->number || other) {
        proof.ours = state->head.hash;
        proof.theirs = cut->hash;
        feed_fork(core, state, FORK_ON_CUT, &proof, effects);
    } else if (new_epoch) {
        feed_fork(core, state, FORK_ON_EPOCH, NULL, effects);
    }
}

static void enforce_cuts(core_t *core, const origin_t *origin, const cut_t *cuts, size_t count,
                         uint32_t epoch, effects_t *effects)
{
    for (size_t i = 0; i < count; i++)
        enforce_cut(core, origin, &cuts[i], cuts[i].epoch < epoch, effects);
    // Lanes of an epoch that has ended, and which its end does not name: with nothing.
    for (size_t i = 0; i < core->feed_count; i++) {
        core_feed_state_t *state = core->feeds[i];
        proof_t proof = {.ours = state->head.hash};
        if (origin_equal(&state->feed.origin, origin) && state->feed.epoch < epoch &&
            !feed_reach(core, state))
            feed_fork(core, state, state->head.number ? FORK_ON_CUT : FORK_ON_EPOCH,
                      state->head.number ? &proof : NULL, effects);
    }
}

static bool names(const former_t *former, const feed_t *feed)
{
    for (size_t i = 0; i < former->cut_count; i++)
        if (former->cuts[i].epoch == feed->epoch && former->cuts[i].lane == feed->lane)
            return true;
    return false;
}

// A feed that the roster leaves no cut is cut at nothing: who holds some of it
// flags it, as nobody else takes it.
static void enforce_absence(core_t *core, const former_t *former, effects_t *effects)
{
    for (size_t i = 0; i < core->feed_count; i++) {
        core_feed_state_t *state = core->feeds[i];
        proof_t proof = {.ours = state->head.hash};
        if (state->head.number && origin_equal(&state->feed.origin, &former->origin) &&
            !names(former, &state->feed))
            feed_fork(core, state, FORK_ON_CUT, &proof, effects);
    }
}

static void take_card(core_t *core, identity_t *identity, card_t *card, effects_t *effects)
{
    push_card(identity, card);
    // Signed by the key that this one replaces, with any sequence a thief liked.
    if (identity->card_count > identity->cards_before + 1)
        beacon_destroy(&identity->beacon); // came in this turn, under a card of this turn
    else
        identity->beacon_before = identity->beacon;
    identity->beacon = NULL;
    core->turn_membership = true;
    effects_add(effects, EFFECT_CARD)->card = card_copy(card);
    enforce_cuts(core, &card->origin, card->cuts, card->cut_count, card->epoch, effects);
    effects_add(effects, EFFECT_ADMIT);
}

err_t membership_add_card(core_t *core, span_t signed_card, effects_t *effects)
{
    card_t *card = NULL;
    fault_t fault;
    err_t err = card_decode(signed_card, &card, &fault);
    if (err)
        return err;
    identity_t *identity = identity_find(core, &card->origin);
    err = identity ? card_admissible(core, identity, card) : ERR_UNKNOWN_ORIGIN;
    if (err) {
        card_destroy(&card);
        return err;
    }
    take_card(core, identity, card, effects);
    if (identity == core->self) {
        char detail[64];
        snprintf(detail, sizeof detail, "a newer card of its own, number %u", card->number);
        fence_close(core, FENCE_ON_CARD, detail, effects);
    }
    return ERR_OK;
}

err_t membership_own_card(core_t *core, card_t **card, effects_t *effects)
{
    err_t err = card_admissible(core, core->self, *card);
    if (err)
        return err;
    take_card(core, core->self, *card, effects);
    *card = NULL;
    return ERR_OK;
}

// ---- rosters ----

// Any card's: which of them still vote is the rosters' to say (roster_follows),
// so that every node comes to the same answer whichever card arrived first.
static const pubkey_t *vote_key(void *context, const origin_t *origin, uint32_t card_number)
{
    const core_t *core = context;
    const identity_t *identity = identity_find(core, origin);
    const card_t *card = identity ? identity_card(identity, card_number) : NULL;
    return card ? &card->signing_key : NULL;
}

// Only one that is valid is a fork: a claim without votes is nothing.
static err_t known_version(core_t *core, const roster_t *roster)
{
    if (hash_equal(&core->rosters[roster->version - 1]->hash, &roster->hash))
        return ERR_STALE;
    if (roster->version == 1)
        return ERR_WRONG_COALITION;
    err_t err = roster_follows(core->rosters[roster->version - 2], roster, &core->coalition,
                               vote_key, core);
    return err ? err : ERR_ROSTER_FORK;
}

// A roster that accepts no card of a member's that is known here would shut that
// member out, and with it perhaps the only way by which its newer card can come.
static err_t cards_are_here(const core_t *core, const roster_t *roster)
{
    for (size_t i = 0; i < roster->member_count; i++) {
        const member_t *member = &roster->members[i];
        const member_t *before = roster_member(core_roster(core), &member->origin);
        if (before && member->min_card > before->min_card &&
            member->min_card > identity_find(core, &member->origin)->card_count)
            return ERR_UNKNOWN_CARD;
    }
    return ERR_OK;
}

err_t membership_add_roster(core_t *core, span_t signed_roster, effects_t *effects)
{
    roster_t *roster = NULL;
    fault_t fault;
    err_t err = roster_decode(signed_roster, &roster, &fault);
    if (err)
        return err;
    if (roster->version <= core->roster_count)
        err = known_version(core, roster);
    else
        err = roster_follows(core_roster(core), roster, &core->coalition, vote_key, core);
    if (!err)
        err = cards_are_here(core, roster);
    if (err) {
        roster_destroy(&roster);
        return err;
    }
    push_roster(core, roster);
    core->turn_membership = true;
    effects_add(effects, EFFECT_ROSTER)->roster = roster_copy(roster);
    for (size_t i = 0; i < roster->former_count; i++) {
        enforce_cuts(core, &roster->formers[i].origin, roster->formers[i].cuts,
                     roster->formers[i].cut_count, 0, effects);
        enforce_absence(core, &roster->formers[i], effects);
    }
    effects_add(effects, EFFECT_ADMIT);
    core_log(effects, 5, "roster version %u of %s accepted: %zu members", roster->version,
             roster->name, roster->member_count);
    return ERR_OK;
}

// A turn that is taken back takes its rosters and cards along, and the beacons under
// these. Identities stay:
// without roster and cards they open nothing.
void membership_rolled_back(core_t *core, effects_t *effects)
{
    if (!core->turn_membership)
        return;
    while (core->roster_count > core->rosters_before)
        roster_destroy(&core->rosters[--core->roster_count]);
    for (size_t i = 0; i < core->identity_count; i++) {
        identity_t *identity = core->identities[i];
        if (identity->card_count == identity->cards_before)
            continue;
        while (identity->card_count > identity->cards_before)
            card_destroy(&identity->cards[--identity->card_count]);
        beacon_destroy(&identity->beacon); // of this turn, under a card that is gone
        identity->beacon = identity->beacon_before;
        identity->beacon_before = NULL;
    }
    effects_add(effects, EFFECT_ADMIT);
}

// ---- authority ----
//
// I9: reach is the lowest of all cuts that name the feed. I13: rosters and cards
// are taken in the order of their numbers, so that reach only shrinks.

// The lowest of the cuts that name the feed.
typedef struct {
    uint64_t number; // UINT64_MAX: none does
    const hash_t *hash;
} reach_t;

static void narrow(reach_t *reach, const cut_t *cuts, size_t count, const feed_t *feed)
{
    for (size_t i = 0; i < count; i++)
        if (cuts[i].epoch == feed->epoch && cuts[i].lane == feed->lane &&
            cuts[i].number < reach->number)
            *reach = (reach_t){cuts[i].number, &cuts[i].hash};
}

// By the cards after it, by the roster's lowest card number, and for a former
// member by what the roster leaves it.
static reach_t reach_of(const core_t *core, const identity_t *identity, uint32_t card_number,
                        const feed_t *feed)
{
    static const reach_t nothing = {0, NULL};
    const member_t *member = roster_member(core_roster(core), &identity->origin);
    const former_t *former = roster_former(core_roster(core), &identity->origin);
    reach_t reach = {UINT64_MAX, NULL}, left = reach;
    bool ended = false;
    for (size_t n = card_number; n < identity->card_count; n++) {
        narrow(&reach, identity->cards[n]->cuts, identity->cards[n]->cut_count, feed);
        ended = ended || identity->cards[n]->epoch > feed->epoch;
    }
    // What the start of a later epoch does not name has ended with nothing.
    if (ended && !reach.hash)
        return nothing;
    if (member)
        return card_number < member->min_card && !reach.hash ? nothing : reach;
    if (former)
        narrow(&left, former->cuts, former->cut_count, feed);
    if (!left.hash)
        return nothing;
    return left.number <= reach.number ? left : reach;
}

uint64_t membership_reach(const core_t *core, const identity_t *identity, uint32_t card_number,
                          const feed_t *feed)
{
    return reach_of(core, identity, card_number, feed).number;
}

bool membership_cut(const core_t *core, const identity_t *identity, uint32_t card_number,
                    const feed_t *feed, head_t *cut)
{
    reach_t reach = reach_of(core, identity, card_number, feed);
    if (!reach.hash)
        return false;
    *cut = (head_t){*feed, reach.number, *reach.hash};
    return true;
}

err_t membership_authority(const core_t *core, const identity_t *identity, uint32_t card_number,
                           const feed_t *feed, uint64_t last, const hash_t *hash)
{
    const card_t *card = identity_card(identity, card_number);
    if (!card)
        return ERR_UNKNOWN_CARD;
    if (card->epoch != feed->epoch)
        return ERR_WRONG_EPOCH;
    if (!roster_code_of(core_roster(core), &identity->origin))
        return ERR_UNKNOWN_ORIGIN;
    reach_t reach = reach_of(core, identity, card_number, feed);
    bool other = last == reach.number && reach.hash && !hash_equal(hash, reach.hash);
    return last > reach.number || other ? ERR_BEYOND_CUT : ERR_OK;
}
