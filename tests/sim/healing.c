// After the last step everything is mended, operators do what the manual says,
// and what promises to happen in the end has to: L1, L2, L3.
#include <string.h>

#include "daemon/core/internal.h"
#include "daemon/store/internal.h"
#include "lib/mem.h"
#include "tests/sim/audit.h"
#include "tests/sim/play.h"

enum {
    ROUND_MS = 2000,
    PATIENCE_MS = 30 * 60 * 1000, // sources that were blamed are left for ten minutes
    SILENCE_LONG_MS = 420 * 1000, // the alarm comes three minutes after the last try to connect
};

// ---- mending ----

static void mend_lines(play_t *play, size_t except)
{
    for (size_t i = 0; i < play_places(play); i++) {
        if (i != except)
            play_turn_honest(play, i);
        for (size_t k = 0; k < play_places(play); k++) {
            *play_line(play, i, k) = (line_t){0};
            play->flip[i][k] = false;
        }
    }
}

// A disk that rotted is replaced: charter, cards and keys from the safe, the log from
// peers.
static void replace_disk(play_t *play, size_t node)
{
    world_die(play->world, node, DEATH_KILL);
    world_load_disk(play->world, node, world_founded(play->world));
    world_restore_cards(play->world, node);
    play_forget(play, node);
    play->damaged[node] = false;
    play_note(play, "%s gets a new disk", world_code(play->world, node));
}

static void mend_node(play_t *play, size_t node)
{
    world_bury(play->world, node);
    disk_heal(world_disk(play->world, node));
    world_die_at(play->world, node, DEATH_KILL, 0);
    world_set_clock(play->world, node, 0);
    if (play->damaged[node])
        replace_disk(play, node);
    if (!play_is_up(play, node))
        world_start(play->world, node);
    if (!play_is_up(play, node))
        oracle_violate(play->oracle, "S3", "%s does not start: %s", world_code(play->world, node),
                       err_name(world_refused(play->world, node)));
}

// Whoever claimed what it does not hold is told no more of it while that session
// lasts: its own harm, and it was not itself that spoke.
static void end_false_sessions(play_t *play)
{
    network_t *network = world_network(play->world);
    for (size_t i = 0; i < network_links(network); i++) {
        core_link_t link;
        size_t node, peer;
        network_link_at(network, i, &node, &link);
        peer = network_peer(network, node, link);
        if (play->liar[node] || play->liar[peer])
            network_break(network, world_now(play->world), node, link);
    }
}

static void mend_all(play_t *play, size_t except)
{
    mend_lines(play, except);
    end_false_sessions(play);
    for (size_t i = 0; i < play->plan->nodes; i++)
        mend_node(play, i);
    // The copy of a machine is found and switched off.
    if (play->cloned)
        world_stop(play->world, play->plan->nodes);
}

// ---- what must come in the end ----

static bool is_counted(const play_t *play, size_t node)
{
    return !play->removed[node] && !play->apart[node] && play_is_up(play, node);
}

// The furthest that any member holds of a feed.
static head_t furthest(const play_t *play, const feed_t *feed)
{
    head_t most = {.feed = *feed};
    for (size_t i = 0; i < play->plan->nodes; i++) {
        if (!is_counted(play, i))
            continue;
        head_t head = play_head(play, i, feed);
        if (head.number > most.number)
            most = head;
    }
    return most;
}

// What lies beyond a cut that only some had taken in is flagged there, and
// comes to nobody else.
static bool may_differ(const play_t *play, const core_feed_state_t *feed)
{
    return feed->stopped || oracle_forks(play->oracle, &feed->feed.origin, feed->feed.epoch);
}

static bool any_stopped(const play_t *play, const feed_t *feed)
{
    for (size_t i = 0; i < play->plan->nodes; i++) {
        const core_feed_state_t *state =
            is_counted(play, i) ? feed_lookup(world_core(play->world, i), feed) : NULL;
        if (state && state->stopped)
            return true;
    }
    return false;
}

// I8: whoever holds one side of a fork is told of the other, as long as neither a new
// epoch nor the roster has decided.
static bool is_untold(const play_t *play, const core_feed_state_t *own,
                      const core_feed_state_t *feed)
{
    fork_state_t fork = feed_fork_state(feed);
    return (fork == FORK_DIVERGED || fork == FORK_CONTESTED) && own && feed->proof.number &&
           own->head.number >= feed->proof.number && feed_fork_state(own) == FORK_NONE &&
           identity_newest(own->identity)->epoch == own->feed.epoch &&
           roster_member(play->roster, &own->feed.origin);
}

// What a node still lacks, in words; NULL: nothing.
static char *lack_of_feed(play_t *play, size_t node, const core_feed_state_t *feed)
{
    head_t most = furthest(play, &feed->feed), mine = play_head(play, node, &feed->feed);
    const core_feed_state_t *own = feed_lookup(world_core(play->world, node), &feed->feed);
    if (is_untold(play, own, feed))
        return mem_format("%s epoch %u lane %u: the proof of a fork",
                          core_code(world_core(play->world, node), &feed->feed.origin),
                          feed->feed.epoch, feed->feed.lane);
    if (mine.number == most.number || may_differ(play, feed) || any_stopped(play, &feed->feed))
        return NULL;
    return mem_format("%s epoch %u lane %u: %llu of %llu, %s",
                      core_code(world_core(play->world, node), &feed->feed.origin),
                      feed->feed.epoch, feed->feed.lane, (unsigned long long)mine.number,
                      (unsigned long long)most.number, own ? err_name(own->why) : "not followed");
}

static bool anybody_has(play_t *play, const place_t *place)
{
    for (size_t i = 0; i < play->plan->nodes; i++) {
        payload_state_t state = PAYLOAD_MISSING;
        uint8_t salt[SALT_SIZE];
        buf_t body = {0};
        fault_t fault;
        if (is_counted(play, i))
            store_read_payload(world_store(play->world, i), &place->feed, place->number, &state,
                               salt, &body, &fault);
        buf_free(&body);
        if (state == PAYLOAD_PRESENT)
            return true;
    }
    return false;
}

// Of a chain that only one node holds of a fork nobody else has the payloads.
static char *lack_of_payload(play_t *play, size_t node)
{
    enum { MOST = 100 };
    place_t places[MOST];
    uint64_t after = 0;
    size_t count;
    fault_t fault;
    if (store_missing_payloads(world_store(play->world, node), &after, MOST, places, &count,
                               &fault))
        return mem_format("its store: %s", fault.detail);
    for (size_t i = 0; i < count; i++)
        if (!oracle_forks(play->oracle, &places[i].feed.origin, places[i].feed.epoch) &&
            !any_stopped(play, &places[i].feed) && anybody_has(play, &places[i]))
            return mem_format("payload %llu", (unsigned long long)places[i].number);
    return NULL;
}

static char *lack_of(play_t *play, size_t node)
{
    const core_t *core = world_core(play->world, node);
    char *lack = NULL;
    if (core_roster(core)->version != play->roster->version)
        return mem_format("roster %u of %u", core_roster(core)->version, play->roster->version);
    for (size_t i = 0; i < play->plan->nodes && !lack; i++) {
        const core_t *other = is_counted(play, i) ? world_core(play->world, i) : NULL;
        for (size_t k = 0; other && k < other->feed_count && !lack; k++)
            lack = lack_of_feed(play, node, other->feeds[k]);
    }
    if (lack)
        return lack;
    return lack_of_payload(play, node);
}

static char *any_lack(play_t *play, size_t *laggard)
{
    char *lack = NULL;
    for (size_t i = 0; i < play->plan->nodes && !lack; i++) {
        *laggard = i;
        if (is_counted(play, i))
            lack = lack_of(play, i);
    }
    return lack;
}

// A roster that reached nobody who kept it is brought again by its authors.
static void bring_roster(play_t *play)
{
    for (size_t i = 0; i < play->plan->nodes; i++)
        if (is_counted(play, i) &&
            core_roster(world_core(play->world, i))->version == play->roster->version)
            return;
    // All of them: who has some passes over those.
    for (size_t i = 0; i < play->plan->nodes; i++) {
        bool told = is_counted(play, i);
        for (size_t k = 1; k < play->older_count && told; k++)
            told = play_tell_roster(play, i, play->older[k]);
        if (told && play_tell_roster(play, i, play->roster))
            return;
    }
}

// L1 and L2: everybody has everything within the patience, and can write.
static void check_convergence(play_t *play, const char *invariant)
{
    uint64_t end = world_now(play->world) + PATIENCE_MS;
    char *lack = NULL;
    do {
        size_t laggard;
        mem_free(lack);
        bring_roster(play);
        world_run(play->world, ROUND_MS);
        lack = any_lack(play, &laggard);
        if (lack && world_now(play->world) > end)
            oracle_violate(play->oracle, invariant,
                           "%s is not in step half an hour after the last fault: %s",
                           world_code(play->world, laggard), lack);
    } while (lack && !oracle_violation(play->oracle));
    mem_free(lack);
}

// ---- a hub that stays hostile ----

static bool dials(const plan_t *plan, size_t from, size_t to)
{
    for (size_t i = 0; i < plan->dial_counts[from]; i++)
        if (plan->dials[from][i] == to)
            return true;
    return false;
}

// Everybody is apart but the other hubs and who dials one of them, and of these
// only who has a way to the first of them.
static bool set_apart(play_t *play, size_t hub)
{
    const plan_t *plan = play->plan;
    size_t first = hub == 0, together = 1;
    for (size_t i = 0; i <= plan->nodes; i++)
        play->apart[i] = i != first;
    for (size_t round = 0; round < plan->hubs; round++)
        for (size_t i = 0; i < plan->nodes; i++)
            for (size_t k = 0; k < plan->hubs && play->apart[i]; k++)
                if (i != hub && k != hub && !play->apart[k] && !play->removed[i] &&
                    !play->removed[k] && (dials(plan, i, k) || dials(plan, k, i))) {
                    play->apart[i] = false;
                    together++;
                }
    return together > 2 && !play->removed[first];
}

// L4: whoever has another way comes into step without it.
static void check_around_hub(play_t *play)
{
    const plan_t *plan = play->plan;
    size_t hub = plan->seed / 4 % plan->hubs;
    hostile_t *hostile = &play->hostile[hub];
    if (set_apart(play, hub)) {
        play_turn_honest(play, hub);
        hostile->how = plan->seed % 8 ? STALLS : WITHHOLDS;
        hostile->victim = world_card(play->world, plan->seed % plan->nodes)->origin;
        play_note(play, "%s %s to the end", world_code(play->world, hub),
                  hostility_name(hostile->how));
        mend_all(play, hub);
        check_convergence(play, "L4");
    }
    memset(play->apart, 0, sizeof play->apart);
}

void play_heal(play_t *play)
{
    if (play->plan->hubs > 1 && play->plan->seed % 4 == 0)
        check_around_hub(play);
    if (!oracle_violation(play->oracle))
        mend_all(play, play_places(play));
}

// ---- L5: who has fallen silent is known, and nobody else is taken for it ----

static const identity_t *identity_of(play_t *play, size_t at, size_t of)
{
    return identity_find(world_core(play->world, at), &world_card(play->world, of)->origin);
}

// Whoever has been connected for less than three minutes waits for beacons still.
static bool may_wait(play_t *play, size_t node)
{
    const core_t *core = world_core(play->world, node);
    return world_node_now(play->world, node) <= core->connected_ms + BEACON_LATE_MS + TICK_MS;
}

static bool in_session(play_t *play, size_t node)
{
    const core_t *core = world_core(play->world, node);
    for (size_t i = 0; i < core->session_count; i++)
        if (core->sessions[i]->state == SESSION_READY)
            return true;
    return false;
}

// On connections that have borne nothing yet: a subscription that a fault took along
// is silent, too.
static void connect_anew(play_t *play)
{
    network_t *network = world_network(play->world);
    for (size_t i = 0; i < network_links(network); i++) {
        core_link_t link;
        size_t node;
        network_link_at(network, i, &node, &link);
        network_break(network, world_now(play->world), node, link);
    }
}

static void check_alarm(play_t *play)
{
    size_t silent = play->plan->nodes - 1;
    if (play->plan->seed % 4 != 1 || silent < play->plan->hubs || !is_counted(play, silent))
        return;
    play_note(play, "%s falls silent", world_code(play->world, silent));
    world_stop(play->world, silent);
    connect_anew(play);
    world_run(play->world, SILENCE_LONG_MS);
    for (size_t i = 0; i < play->plan->nodes; i++)
        for (size_t k = 0; k < play->plan->nodes && is_counted(play, i); k++) {
            if (i == k || play->removed[k] || !in_session(play, i) ||
                (k == silent && may_wait(play, i)))
                continue;
            bool late = identity_of(play, i, k)->beacon_late;
            if (late != (k == silent))
                oracle_violate(play->oracle, "L5", "%s takes %s for %s", world_code(play->world, i),
                               world_code(play->world, k), late ? "silent" : "there");
        }
}

// ---- operators ----

// Docs say: look who did not answer, then accept; where two changes have one
// number, only a new epoch helps.
static void lift_fence(play_t *play, size_t node)
{
    err_t why = world_writing(play->world, node), err;
    if (why == ERR_FORK || why == ERR_DIVERGED || oracle_forks_now(play->oracle, node))
        err = play_start_epoch(play, node);
    else
        err = world_accept(play->world, node);
    play_note(play, "%s is fenced (%s); its operator acts: %s", world_code(play->world, node),
              err_name(why), err_name(err));
    if (!err)
        play->lifted[why == ERR_FORK]++;
}

// Another member does not get on, and waits for this one's new epoch.
static bool is_waited_for(const play_t *play, size_t node)
{
    const core_t *core = world_core(play->world, node);
    for (size_t i = 0; i < core->feed_count; i++)
        if (core->feeds[i]->identity == core->self &&
            feed_fork_state(core->feeds[i]) == FORK_CONTESTED)
            return true;
    return false;
}

// L2: whoever was fenced writes again, and what it writes comes to everybody.
static void check_writing(play_t *play)
{
    for (size_t i = 0; i < play->plan->nodes && !oracle_violation(play->oracle); i++) {
        if (!is_counted(play, i))
            continue;
        if (world_writing(play->world, i))
            lift_fence(play, i);
        else if (is_waited_for(play, i))
            play_note(play, "%s is waited for; its operator acts: %s", world_code(play->world, i),
                      err_name(play_start_epoch(play, i)));
        err_t err = world_put(play->world, i, "last", "written after all is mended");
        if (err && play_start_epoch(play, i) == ERR_OK)
            err = world_put(play->world, i, "last", "written in a new epoch");
        if (err)
            oracle_violate(play->oracle, "L2", "%s does not write any more: %s",
                           world_code(play->world, i), err_name(err));
    }
}

// S2: the view that grew is the view that the log gives.
static void check_rebuild(play_t *play, size_t node)
{
    fault_t fault = {0};
    store_t *store = world_store(play->world, node);
    hash_t before = world_digest(play->world, node);
    if (store_rebuild(store, &fault) || store_commit(store, &fault))
        oracle_violate(play->oracle, "I4", "%s: the view cannot be rebuilt: %s",
                       world_code(play->world, node), fault.detail);
    hash_t after = world_digest(play->world, node);
    if (!hash_equal(&before, &after))
        oracle_violate(play->oracle, "I3", "%s: rebuilt, the view is another one",
                       world_code(play->world, node));
}

static bool disk_suffered(play_t *play, size_t node)
{
    const disk_t *disk = world_disk(play->world, node);
    return disk_count(disk, DISK_ENOSPC) + disk_count(disk, DISK_EIO) +
               disk_count(disk, DISK_SHORT_WRITE) + disk_count(disk, DISK_READ_EIO) +
               disk_count(disk, DISK_SYNC_FAIL) + disk_count(disk, DISK_POWER_LOSS) >
           0;
}

// "I4: ..." as the audit says it; takes the text.
static void report(play_t *play, size_t node, char *text)
{
    char invariant[8] = "";
    if (!text)
        return;
    memcpy(invariant, text, strcspn(text, ":") < 7 ? strcspn(text, ":") : 7);
    oracle_violate(play->oracle, invariant, "%s: %s", world_code(play->world, node),
                   text + strlen(invariant) + 2);
    mem_free(text);
}

// What lies on its disk is what it must be, looked at with other eyes.
static void check_audit(play_t *play, size_t node)
{
    store_t *store = world_store(play->world, node);
    hash_t digest;
    fault_t fault;
    report(play, node, audit_log("node.db", disk_vfs_name(world_disk(play->world, node))));
    report(play, node, audit_words(store));
    if (!read_digest(store->sql, &digest, &fault))
        report(play, node, audit_view(store, &digest));
}

void play_check_end(play_t *play)
{
    check_convergence(play, "L1");
    if (!oracle_violation(play->oracle))
        check_writing(play);
    if (!oracle_violation(play->oracle))
        check_convergence(play, "L1");
    if (!oracle_violation(play->oracle))
        check_alarm(play);
    for (size_t i = 0; i < play->plan->nodes && !oracle_violation(play->oracle); i++) {
        if (!play_is_up(play, i))
            continue;
        world_stop(play->world, i);
        check_audit(play, i);
        // Of one at least, and of those whose disks had something to bear.
        if (i == play->plan->seed % play->plan->nodes || disk_suffered(play, i))
            check_rebuild(play, i);
    }
}
