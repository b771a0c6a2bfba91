// Steps: rosters, cards, epochs. What operators and members do on purpose.
#include <string.h>

#include "daemon/core/internal.h"
#include "lib/mem.h"
#include "tests/sim/play.h"

// ---- rosters ----

static roster_t *next_roster(const play_t *play)
{
    roster_t *next = roster_copy(play->roster);
    next->version++;
    next->has_previous = true;
    next->previous = play->roster->hash;
    next->has_creator = false;
    next->time_ms++;
    next->signature_count = 0;
    return next;
}

static bool is_member(const play_t *play, size_t node)
{
    return roster_member(play->roster, &world_card(play->world, node)->origin) != NULL;
}

static void vote(play_t *play, roster_t *roster, size_t node)
{
    const card_t *card = world_card(play->world, node);
    roster_signature_t signature = {.origin = card->origin, .card_number = card->number};
    signature.signature = crypto_sign_hash(world_signing(play->world, node), SIGN_ROSTER,
                                           &world_roster(play->world)->hash, &roster->hash);
    roster_add_signature(roster, &signature);
}

// As many members as the version before asks for, less `fewer`, from a drawn one on.
static void vote_all(play_t *play, roster_t *roster, uint32_t fewer)
{
    uint32_t wanted = play->roster->threshold - fewer;
    size_t first = dice_below(&play->dice, play->plan->nodes);
    for (size_t i = 0; i < play->plan->nodes && wanted; i++) {
        size_t node = (first + i) % play->plan->nodes;
        if (!is_member(play, node))
            continue;
        vote(play, roster, node);
        wanted--;
    }
}

bool play_tell_roster(play_t *play, size_t node, const roster_t *roster)
{
    message_t message = {.type = MSG_ROSTERS};
    size_t peer;
    if (!play_peer_of(play, node, &peer))
        return false;
    buf_t bytes = roster_encode(roster);
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&bytes);
    bool told = play_say(play, node, peer, &message);
    buf_free(&bytes);
    return told;
}

// Into force: told to one node, that all others learn it from.
static bool enact(play_t *play, size_t node, roster_t *roster)
{
    roster_seal(roster);
    vote_all(play, roster, 0);
    oracle_admit_roster(play->oracle, &roster->hash);
    if (!play_tell_roster(play, node, roster)) {
        roster_destroy(&roster);
        return false;
    }
    mem_grow(&play->older, &play->older_capacity, play->older_count, sizeof *play->older);
    play->older[play->older_count++] = play->roster;
    play->roster = roster;
    return true;
}

// Members may be several versions behind; who tells must not be.
static bool knows_newest(const play_t *play, size_t node)
{
    return play_is_up(play, node) && !play->damaged[node] &&
           core_roster(world_core(play->world, node))->version == play->roster->version;
}

// As after a theft: of every member no card counts but the newest that is known where
// the roster is made. Whoever does not know that one yet has to wait for it.
static void accept_newest(const play_t *play, size_t node, roster_t *roster)
{
    const core_t *core = world_core(play->world, node);
    for (size_t i = 0; i < roster->member_count; i++) {
        member_t *member = &roster->members[i];
        const identity_t *identity = identity_find(core, &member->origin);
        if (identity && identity->card_count > member->min_card)
            member->min_card = (uint32_t)identity->card_count;
    }
}

bool step_amend(play_t *play, const step_t *step)
{
    if (!knows_newest(play, step->node))
        return false;
    roster_t *next = next_roster(play);
    if (next->threshold > 1 && dice_chance(&play->dice, 300))
        next->threshold--;
    if (dice_chance(&play->dice, 500))
        accept_newest(play, step->node, next);
    return enact(play, step->node, next);
}

// Up to what the one who tells it holds of each of its feeds.
static former_t former_of(const play_t *play, size_t node, const member_t *member)
{
    const core_t *core = world_core(play->world, node);
    former_t former = {
        .code = member->code, .origin = member->origin, .root_key = member->root_key};
    former.cuts = mem_alloc_array(core->feed_count + 1, sizeof *former.cuts);
    for (size_t i = 0; i < core->feed_count; i++) {
        const head_t *head = &core->sorted[i]->head;
        if (head->number && origin_equal(&head->feed.origin, &member->origin))
            former.cuts[former.cut_count++] =
                (cut_t){head->feed.epoch, head->feed.lane, head->number, head->hash};
    }
    return former;
}

// Never the first hub, and never so many that nobody is left to vote.
bool step_remove(play_t *play, const step_t *step)
{
    size_t gone = step->peer, at = 0;
    if (gone < play->plan->hubs || gone == step->node || !is_member(play, gone) ||
        !knows_newest(play, step->node) || play->roster->member_count < 4 ||
        oracle_forks(play->oracle, &world_card(play->world, gone)->origin, 1))
        return false;
    roster_t *next = next_roster(play);
    while (!origin_equal(&next->members[at].origin, &world_card(play->world, gone)->origin))
        at++;
    next->formers = mem_resize(next->formers, (next->former_count + 1) * sizeof *next->formers);
    next->formers[next->former_count++] = former_of(play, step->node, &next->members[at]);
    memmove(&next->members[at], &next->members[at + 1],
            (--next->member_count - at) * sizeof *next->members);
    if (next->threshold > next->member_count)
        next->threshold = (uint32_t)next->member_count;
    if (!enact(play, step->node, next))
        return false;
    play->removed[gone] = true;
    play_note(play, "%s is removed", world_code(play->world, gone));
    return true;
}

// ---- cards ----

static card_t *next_card(play_t *play, size_t node, secret_t **signing)
{
    const card_t *last = world_card(play->world, node);
    card_t *card = card_copy(last);
    uint8_t seed[32];
    dice_bytes(&play->dice, seed, sizeof seed);
    card->number++;
    card->has_previous = true;
    card->previous = last->hash;
    *signing = secret_sign_new(seed, &card->signing_key);
    return card;
}

// The old key, or the old epoch, reaches as far as the node itself has come.
static void cut_here(play_t *play, size_t node, card_t *card, uint32_t epoch)
{
    size_t most = card->cut_count + LANE_OPEN_COUNT;
    card->cuts = mem_resize(card->cuts, most * sizeof *card->cuts);
    card->cut_count = 0;
    for (uint32_t lane = 0; lane < LANE_OPEN_COUNT; lane++) {
        feed_t feed = {card->origin, epoch, lane};
        head_t head = play_head(play, node, &feed);
        if (head.number)
            card->cuts[card->cut_count++] = (cut_t){epoch, lane, head.number, head.hash};
    }
}

static bool may_get_card(const play_t *play, size_t node)
{
    const core_t *core = play_is_up(play, node) ? world_core(play->world, node) : NULL;
    return core && !play->damaged[node] && !play->removed[node] &&
           world_card(play->world, node)->number < 20 &&
           identity_newest(core->self)->number == world_card(play->world, node)->number &&
           !core_writing(core, NULL) && !(play->cloned && node == play->clone_of);
}

static bool replace(play_t *play, size_t node)
{
    secret_t *signing;
    if (!may_get_card(play, node))
        return false;
    card_t *card = next_card(play, node, &signing);
    cut_here(play, node, card, card->epoch);
    // Whoever does this waits for a machine that works.
    world_stop(play->world, node);
    world_die_at(play->world, node, DEATH_KILL, 0);
    disk_heal(world_disk(play->world, node));
    bool done = world_replace_card(play->world, node, card, signing);
    if (done)
        oracle_admit_card(play->oracle, &world_card(play->world, node)->hash);
    world_start(play->world, node);
    return done;
}

err_t play_start_epoch(play_t *play, size_t node)
{
    secret_t *signing;
    const core_t *core = play_is_up(play, node) ? world_core(play->world, node) : NULL;
    if (!core || identity_newest(core->self)->number != world_card(play->world, node)->number)
        return ERR_UNREACHABLE;
    // Whoever does this waits for a machine that works.
    world_die_at(play->world, node, DEATH_KILL, 0);
    disk_heal(world_disk(play->world, node));
    card_t *card = next_card(play, node, &signing);
    cut_here(play, node, card, card->epoch);
    card->epoch++;
    card_sign(card, world_root(play->world, node));
    oracle_admit_card(play->oracle, &card->hash);
    return world_epoch(play->world, node, card, signing);
}

bool step_rotate(play_t *play, const step_t *step)
{
    return replace(play, step->node);
}

bool step_epoch(play_t *play, const step_t *step)
{
    return may_get_card(play, step->node) && play_start_epoch(play, step->node) == ERR_OK;
}

// ---- what nobody may: too few votes, somebody else's root ----

static bool usurp_card(play_t *play, const step_t *step, size_t peer)
{
    message_t message = {.type = MSG_CARDS};
    secret_t *signing;
    card_t *card = next_card(play, step->peer, &signing);
    if (dice_chance(&play->dice, 500))
        card->root_key = world_card(play->world, peer)->root_key;
    card_sign(card, world_root(play->world, peer));
    buf_t bytes = card_encode(card);
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&bytes);
    bool other = !origin_equal(&card->origin, &world_card(play->world, peer)->origin);
    bool told = other && play_say(play, step->node, peer, &message);
    buf_free(&bytes);
    card_destroy(&card);
    secret_destroy(&signing);
    return told;
}

// One vote of a member that has voted already.
static void vote_again(roster_t *roster)
{
    if (!roster->signature_count)
        return;
    roster_signature_t again = roster->signatures[0]; // the array moves as it grows
    roster_add_signature(roster, &again);
}

// One under a key that the roster accepts no more.
static void vote_under_old_key(play_t *play, roster_t *roster)
{
    for (size_t i = 0; i < play->plan->nodes; i++) {
        const card_t *card = world_card(play->world, i);
        const member_t *member = roster_member(play->roster, &card->origin);
        bool voted = false;
        for (size_t k = 0; k < roster->signature_count; k++)
            voted = voted || origin_equal(&roster->signatures[k].origin, &card->origin);
        if (!member || member->min_card < 2 || voted)
            continue;
        secret_t *old = world_first_signing(play->world, i);
        roster_signature_t signature = {.origin = card->origin, .card_number = 1};
        signature.signature =
            crypto_sign_hash(old, SIGN_ROSTER, &world_roster(play->world)->hash, &roster->hash);
        roster_add_signature(roster, &signature);
        secret_destroy(&old);
        return;
    }
}

// ---- what votes and roots cannot do either ----

enum { DICE_LAWLESS = 1 << 22 };

// It has all votes, and does not follow from the one before.
static void break_roster(dice_t *dice, roster_t *roster)
{
    member_t *member = &roster->members[dice_below(dice, roster->member_count)];
    switch (dice_below(dice, 4)) {
    case 0:
        roster->previous.bytes[0] ^= 1;
        break;
    case 1:
        member->origin.bytes[0] ^= 1;
        break;
    case 2: // gone without a word on what it leaves
        memmove(member, member + 1,
                (size_t)(&roster->members[--roster->member_count] - member) * sizeof *member);
        if (roster->threshold > roster->member_count)
            roster->threshold = (uint32_t)roster->member_count;
        break;
    default:
        if (roster->former_count && roster->formers[0].cut_count)
            roster->formers[0].cuts[0].number++;
        else
            roster->version++;
    }
}

static bool lawless_roster(play_t *play, const step_t *step, dice_t *dice)
{
    roster_t *next = next_roster(play);
    break_roster(dice, next);
    roster_seal(next);
    vote_all(play, next, 0);
    bool told = play_tell_roster(play, step->node, next);
    roster_destroy(&next);
    return told;
}

// Its root has signed it, and it does not follow from the one before.
static bool lawless_card(play_t *play, const step_t *step, size_t peer, dice_t *dice)
{
    message_t message = {.type = MSG_CARDS};
    secret_t *signing;
    card_t *card = next_card(play, step->peer, &signing);
    unsigned how = (unsigned)dice_below(dice, 3);
    if (how == 0)
        card->previous.bytes[0] ^= 1;
    else if (how == 1)
        card->number++;
    else if (card->epoch > 1)
        card->epoch--;
    else
        card->code.text[0] ^= 1;
    card_sign(card, world_root(play->world, step->peer));
    buf_t bytes = card_encode(card);
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&bytes);
    bool told = play_say(play, step->node, peer, &message);
    buf_free(&bytes);
    card_destroy(&card);
    secret_destroy(&signing);
    return told;
}

bool step_usurp(play_t *play, const step_t *step)
{
    size_t peer;
    // Dice of its own: what the others choose stays what it was.
    dice_t dice = dice_of(play->plan->seed, DICE_LAWLESS + step->number);
    if (!play_peer_of(play, step->node, &peer))
        return false;
    if (dice_chance(&dice, 300))
        return lawless_roster(play, step, &dice);
    if (dice_chance(&dice, 200))
        return lawless_card(play, step, peer, &dice);
    if (dice_chance(&play->dice, 300))
        return usurp_card(play, step, peer);
    roster_t *next = next_roster(play);
    next->name[0] ^= 1;
    roster_seal(next);
    vote_all(play, next, 1);
    if (dice_chance(&play->dice, 300))
        vote_again(next);
    else
        vote_under_old_key(play, next);
    bool told = play_tell_roster(play, step->node, next);
    roster_destroy(&next);
    return told;
}
