#include "tests/sim/authority.h"

#include "daemon/core/internal.h"

static bool cut_ends(const cut_t *cuts, size_t count, const feed_t *feed, const cut_t **cut)
{
    for (size_t i = 0; i < count; i++)
        if (cuts[i].epoch == feed->epoch && cuts[i].lane == feed->lane) {
            *cut = &cuts[i];
            return true;
        }
    return false;
}

// I9: what came in between `after` and `entry` does not lie beyond a cut that the
// node knows, and passes through the cut's own hash.
static void check_cut(oracle_t *oracle, size_t node, const known_t *entry, uint64_t after,
                      uint32_t below_card, const cut_t *cut)
{
    for (; entry && entry->last > after;
         entry = entry->first > 1 ? ledger_find(oracle_ledger(oracle), &entry->previous) : NULL) {
        if (entry->card_number >= below_card)
            continue;
        if (entry->last > cut->number)
            oracle_violate(oracle, "I9",
                           "%s took number %llu under card %u, beyond the cut at %llu",
                           world_code(oracle_world(oracle), node), (unsigned long long)entry->last,
                           entry->card_number, (unsigned long long)cut->number);
        else if (entry->last == cut->number && !hash_equal(&entry->hash, &cut->hash))
            oracle_violate(oracle, "I9", "%s took another change at the cut",
                           world_code(oracle_world(oracle), node));
    }
}

static bool is_named(const core_feed_state_t *feed)
{
    const cut_t *cut;
    for (size_t i = 0; i < feed->identity->card_count; i++)
        if (cut_ends(feed->identity->cards[i]->cuts, feed->identity->cards[i]->cut_count,
                     &feed->feed, &cut))
            return true;
    return false;
}

// I9: what the start of a later epoch leaves no cut has ended with nothing, and so has
// what is signed under a card that the roster accepts no more.
static void check_ended(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                        const known_t *entry)
{
    const core_t *core = world_core(oracle_world(oracle), node);
    const member_t *member = roster_member(core_roster(core), &feed->feed.origin);
    bool ended = identity_newest(feed->identity)->epoch > feed->feed.epoch;
    bool refused = member && entry->card_number < member->min_card;
    if ((ended || refused) && !is_named(feed))
        oracle_violate(oracle, "I9", "%s took number %llu of a lane %s",
                       world_code(oracle_world(oracle), node), (unsigned long long)entry->last,
                       ended ? "that has ended with nothing" : "under a card that counts no more");
}

void authority_check(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                     const known_t *entry, uint64_t after)
{
    const core_t *core = world_core(oracle_world(oracle), node);
    const former_t *former = roster_former(core_roster(core), &feed->feed.origin);
    const cut_t *cut;
    if (feed->stopped)
        return; // the cut came in the same turn
    const card_t *card = identity_card(feed->identity, entry->card_number);
    if (!card || card->epoch != feed->feed.epoch)
        oracle_violate(oracle, "I9", "%s took number %llu of epoch %u under card %u, of another",
                       world_code(oracle_world(oracle), node), (unsigned long long)entry->last,
                       feed->feed.epoch, entry->card_number);
    check_ended(oracle, node, feed, entry);
    // A card's cut binds the cards before it.
    for (size_t i = 0; i < feed->identity->card_count; i++)
        if (cut_ends(feed->identity->cards[i]->cuts, feed->identity->cards[i]->cut_count,
                     &feed->feed, &cut))
            check_cut(oracle, node, entry, after, feed->identity->cards[i]->number, cut);
    if (former && cut_ends(former->cuts, former->cut_count, &feed->feed, &cut))
        check_cut(oracle, node, entry, after, UINT32_MAX, cut);
    else if (former)
        oracle_violate(oracle, "I9", "%s took a change of a former member without a cut",
                       world_code(oracle_world(oracle), node));
}

void authority_check_lanes(oracle_t *oracle, size_t node, const core_feed_state_t *feed)
{
    const core_t *core = world_core(oracle_world(oracle), node);
    if (feed->stopped != ERR_DIVERGED || identity_newest(feed->identity)->epoch > feed->feed.epoch)
        return;
    for (uint32_t lane = 0; lane < LANE_OPEN_COUNT; lane++) {
        feed_t beside = {feed->feed.origin, feed->feed.epoch, lane};
        const core_feed_state_t *state = feed_lookup(core, &beside);
        if (!state || !state->stopped)
            oracle_violate(oracle, "I8", "%s: lane %u goes on where a fork has stopped lane %u",
                           world_code(oracle_world(oracle), node), lane, feed->feed.lane);
    }
}
