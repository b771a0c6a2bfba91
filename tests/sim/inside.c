#include "tests/sim/inside.h"

#include <string.h>

#include "daemon/core/internal.h"
#include "daemon/store/store.h"
#include "lib/marker.h"
#include "lib/mem.h"

// docs/protocol.md, sections 2, 5 and 7.
enum {
    WAITING_COMMITS = 64,
    WAITING_BYTES = 256 * 1024,
    WAITING_FEEDS = 64,
    RUN_AND_COMMIT = (1024 + 128) * 1024,
    CREDIT_AHEAD = 4 * 1024 * 1024,
    REVOKED_MS = 3000, // within a second, on a machine that is not busy
};

// What was seen of a member's beacon: of body and signature.
typedef struct {
    hash_t hash;
    signature_t signature;
    uint64_t sequence; // rises under one card
    uint32_t card_number;
    uint32_t step;  // of the last pulse that continued it
    preimage_t top; // where its chain begins, as its author has it
} word_t;

typedef struct {
    uint64_t revoked_ms; // since when a session is open that may not be; 0: none
    bool restored;       // it was fenced so when a turn of it ended last
    marker_t marker;     // what its marker said then: it falls with the fence
    bool decided;        // in this turn that it goes, while messages still come
    const char *why_not; // what was against it then; NULL: nothing
    word_t words[WORLD_NODES_MAX];
} node_t;

struct inside {
    node_t nodes[WORLD_NODES_MAX];
    size_t count, capacity;
    word_t *spoken; // by the nodes themselves
};

inside_t *inside_new(void)
{
    return mem_alloc(sizeof(inside_t));
}

void inside_destroy(inside_t **inside)
{
    mem_free((*inside)->spoken);
    mem_free(*inside);
    *inside = NULL;
}

// ---- I12: what waits ----

static void check_waiting(oracle_t *oracle, size_t node, const core_feed_state_t *feed)
{
    size_t bytes = 0;
    for (size_t i = 0; i < feed->pending_count; i++)
        bytes += commit_encoded_size(feed->pending[i]);
    if (feed->pending_count > WAITING_COMMITS || bytes > WAITING_BYTES)
        oracle_violate(oracle, "I12", "%s keeps %zu commits of %zu bytes until a gap is closed",
                       world_code(oracle_world(oracle), node), feed->pending_count, bytes);
}

static void check_all_waiting(oracle_t *oracle, size_t node, const core_t *core)
{
    size_t feeds = 0;
    for (size_t i = 0; i < core->feed_count; i++) {
        if (!core->feeds[i]->pending_count)
            continue;
        feeds++;
        check_waiting(oracle, node, core->feeds[i]);
    }
    if (feeds > WAITING_FEEDS)
        oracle_violate(oracle, "I12", "%s keeps commits of %zu feeds until gaps are closed",
                       world_code(oracle_world(oracle), node), feeds);
}

static void check_session(oracle_t *oracle, size_t node, const session_t *session)
{
    const char *code = world_code(oracle_world(oracle), node);
    if (session->unpacked && session->parts.size > session->unpacked)
        oracle_violate(oracle, "I12", "%s keeps more of a packed run than it was told of", code);
    if (session->parts.size > RUN_AND_COMMIT)
        oracle_violate(oracle, "I12", "%s puts %zu bytes of one run together", code,
                       session->parts.size);
    if (session->received > session->granted)
        oracle_violate(oracle, "I12", "%s takes more than it has granted", code);
    if (session->granted > session->received + CREDIT_AHEAD)
        oracle_violate(oracle, "I12", "%s grants %llu bytes at once", code,
                       (unsigned long long)(session->granted - session->received));
}

// ---- I9: who may be here ----

static void check_sessions(inside_t *inside, oracle_t *oracle, size_t node, const core_t *core)
{
    uint64_t *since = &inside->nodes[node].revoked_ms, now = world_now(oracle_world(oracle));
    bool any = false;
    for (size_t i = 0; i < core->session_count; i++) {
        const session_t *session = core->sessions[i];
        check_session(oracle, node, session);
        any = any || !identity_holds(core, session->peer, &session->key);
    }
    if (!any)
        *since = 0;
    else if (!*since)
        *since = now;
    else if (now - *since > REVOKED_MS)
        oracle_violate(oracle, "I9", "%s goes on with somebody whose key counts no more",
                       world_code(oracle_world(oracle), node));
}

// ---- I13, I15: beacons ----

static word_t word_of(const beacon_t *beacon)
{
    return (word_t){.hash = beacon->hash,
                    .signature = beacon->signature,
                    .sequence = beacon->sequence,
                    .card_number = beacon->card_number,
                    .step = beacon->step};
}

static bool is_word(const word_t *word, const beacon_t *beacon)
{
    return hash_equal(&word->hash, &beacon->hash) &&
           memcmp(word->signature.bytes, beacon->signature.bytes, SIGNATURE_SIZE) == 0;
}

static word_t *spoken(const inside_t *inside, const beacon_t *beacon)
{
    for (size_t i = inside->count; i-- > 0;)
        if (is_word(&inside->spoken[i], beacon))
            return &inside->spoken[i];
    return NULL;
}

static void learn_own_word(inside_t *inside, node_t *seen, size_t slot, const core_t *core)
{
    const beacon_t *beacon = core->self->beacon;
    word_t *word = &seen->words[slot];
    if (beacon && is_word(word, beacon) && spoken(inside, beacon)->step < beacon->step)
        spoken(inside, beacon)->step = beacon->step;
    if (!beacon || is_word(word, beacon))
        return;
    *word = word_of(beacon);
    word->top = core->beacon_top;
    mem_grow(&inside->spoken, &inside->capacity, inside->count, sizeof *inside->spoken);
    inside->spoken[inside->count++] = *word;
}

static void check_pulse(inside_t *inside, oracle_t *oracle, size_t node, word_t *word,
                        const beacon_t *beacon)
{
    const char *code = world_code(oracle_world(oracle), node);
    const word_t *said = spoken(inside, beacon);
    if (beacon->step < word->step)
        oracle_violate(oracle, "I13", "%s goes back to an older pulse", code);
    if (beacon->step == word->step || !said)
        return;
    preimage_t given = pulse_preimage(beacon, &said->top, beacon->step);
    if (beacon->step > said->step ||
        memcmp(given.bytes, beacon->last.bytes, sizeof given.bytes) != 0)
        oracle_violate(oracle, "I15", "%s believes a pulse that its member never gave", code);
    word->step = beacon->step;
}

static void check_word(inside_t *inside, oracle_t *oracle, size_t node, size_t slot,
                       const beacon_t *beacon)
{
    word_t *word = &inside->nodes[node].words[slot];
    const char *code = world_code(oracle_world(oracle), node);
    if (!beacon) { // its key was replaced: the word with it
        *word = (word_t){0};
        return;
    }
    if (is_word(word, beacon)) {
        check_pulse(inside, oracle, node, word, beacon);
        return;
    }
    if (!spoken(inside, beacon))
        oracle_violate(oracle, "I15", "%s believes a beacon that its member never signed", code);
    if (beacon->card_number < word->card_number ||
        (beacon->card_number == word->card_number && beacon->sequence <= word->sequence))
        oracle_violate(oracle, "I13", "%s goes back to an older beacon", code);
    *word = word_of(beacon);
    word->step = 0;
    check_pulse(inside, oracle, node, word, beacon);
}

// Members are few: an identity's place is the same as long as none is added, and
// identities are sorted by origins, of which all are in the charter.
static void check_words(inside_t *inside, oracle_t *oracle, size_t node, const core_t *core,
                        bool trusted)
{
    for (size_t i = 0; i < core->identity_count && i < WORLD_NODES_MAX; i++) {
        const identity_t *identity = core->identities[i];
        if (identity == core->self)
            learn_own_word(inside, &inside->nodes[node], i, core);
        else if (trusted)
            check_word(inside, oracle, node, i, identity->beacon);
    }
}

// ---- L2: when the fence goes by itself ----

static bool holds(const core_t *core, const feed_t *feed, uint64_t number, const hash_t *hash)
{
    const core_feed_state_t *state = feed_lookup(core, feed);
    if (!number || (state && state->head.number > number))
        return true;
    return state && state->head.number == number && (!hash || hash_equal(&state->head.hash, hash));
}

static bool was_told_by(const core_t *core, const dial_t *dial)
{
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *peer = core->identities[i];
        if (peer != core->self && peer->told_ms && dial_means(core, dial, peer))
            return true;
    }
    return false;
}

// Everybody that it dials has told, what was told is here, and what the marker says.
static const char *why_not_lifted(const core_t *core, const marker_t *marker)
{
    bool any = false;
    for (size_t i = 0; i < core->dial_count; i++)
        if (!was_told_by(core, &core->dials[i]))
            return "somebody that it dials has not told";
    for (size_t i = 0; i < core->identity_count; i++) {
        const identity_t *peer = core->identities[i];
        any = any || (peer != core->self && peer->told_ms);
        for (size_t k = 0; k < peer->told_count && peer->told_ms; k++)
            if (!holds(core, &peer->told[k].feed, peer->told[k].number, &peer->told[k].hash))
                return "what was told is not here";
    }
    if (!any)
        return "nobody has told";
    for (size_t i = 0; i < marker->head_count; i++) {
        feed_t feed = {core->self->origin, marker->heads[i].epoch, marker->heads[i].lane};
        if (!holds(core, &feed, marker->heads[i].number, NULL))
            return "what its marker says is not here";
    }
    return NULL;
}

// How the fence that went last went, and when; 0: none ever did.
static lift_t newest_lifting(oracle_t *oracle, size_t node, uint64_t *lifted_ms)
{
    lifting_t last = {0};
    size_t count = 0;
    fault_t fault;
    disk_t *disk = world_disk(oracle_world(oracle), node);
    disk_spare(disk, true);
    err_t err = store_liftings(world_store(oracle_world(oracle), node), 1, &last, &count, &fault);
    disk_spare(disk, false);
    *lifted_ms = last.lifted_ms;
    return !err && count ? last.how : (lift_t)0;
}

static bool lifted_now(oracle_t *oracle, size_t node, const core_t *core)
{
    uint64_t lifted_ms = 0;
    return newest_lifting(oracle, node, &lifted_ms) == LIFT_TOLD && lifted_ms == core->wall_ms;
}

// What comes later in the same turn was not known when it was decided.
static void note_decision(node_t *seen, const core_t *core)
{
    if (!seen->restored || seen->decided || core->fence.state != FENCE_LIFTING)
        return;
    seen->decided = true;
    seen->why_not = why_not_lifted(core, &seen->marker);
}

static void check_lifting(inside_t *inside, oracle_t *oracle, size_t node, const core_t *core)
{
    node_t *seen = &inside->nodes[node];
    bool lifts = seen->restored && !fence_reason(core) && lifted_now(oracle, node, core);
    const char *why = !lifts          ? NULL
                      : seen->decided ? seen->why_not
                                      : why_not_lifted(core, &seen->marker);
    seen->decided = false;
    if (why)
        oracle_violate(oracle, "L2", "%s writes again after a restore: %s",
                       world_code(oracle_world(oracle), node), why);
    seen->restored = fence_reason(core) == ERR_RESTORED;
    if (seen->restored && !world_marker(oracle_world(oracle), node, &seen->marker))
        seen->marker = (marker_t){0};
}

// A turn whose sync failed may be on disk all the same: its fence is gone then, and what
// was known when that was decided is gone with the process.
void inside_started(inside_t *inside, oracle_t *oracle, size_t node)
{
    node_t *seen = &inside->nodes[node];
    uint64_t lifted_ms = 0;
    if (seen->decided && seen->why_not && !fence_reason(world_core(oracle_world(oracle), node)) &&
        newest_lifting(oracle, node, &lifted_ms) == LIFT_TOLD)
        oracle_violate(oracle, "L2", "%s starts and may write after a restore: %s",
                       world_code(oracle_world(oracle), node), seen->why_not);
    seen->restored = seen->decided = false;
}

// ---- I5: its own word ----

static bool says_more(const core_t *core, const beacon_t *beacon)
{
    const card_t *card = identity_newest(core->self);
    if (!origin_equal(&beacon->origin, &core->self->origin) ||
        beacon->card_number != card->number ||
        !beacon_signature_holds(beacon, &card->signing_key, core_coalition(core)))
        return false;
    for (size_t i = 0; i < beacon->own_count; i++)
        if (!holds(core, &beacon->own[i].feed, beacon->own[i].number, NULL))
            return true;
    return false;
}

static void check_own_word(oracle_t *oracle, size_t node, const core_t *core, span_t bytes)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    if (beacon_decode(bytes, &beacon, &fault))
        return;
    if (says_more(core, beacon) && !fence_reason(core))
        oracle_violate(oracle, "I5", "%s may write, and its own word says that it has written more",
                       world_code(oracle_world(oracle), node));
    beacon_destroy(&beacon);
}

void inside_heard(inside_t *inside, oracle_t *oracle, const arrival_t *arrival)
{
    const core_t *core = world_core(oracle_world(oracle), arrival->node);
    message_t message;
    fault_t fault;
    if (!core)
        return;
    note_decision(&inside->nodes[arrival->node], core);
    const session_t *session = session_find(core, arrival->link);
    if (arrival->stale || !session || session->state != SESSION_READY ||
        !oracle_trusts(oracle, arrival->node) || arrival->type != ARRIVE_MESSAGE ||
        message_decode(buf_span(&arrival->bytes), &message, &fault))
        return;
    bool here = message.type == MSG_BEACONS &&
                memcmp(message.session.bytes, session->id.bytes, NONCE_SIZE) == 0;
    for (size_t i = 0; here && i < message.as.signed_items.count; i++)
        check_own_word(oracle, arrival->node, core, message.as.signed_items.items[i]);
    message_clear(&message);
}

void inside_check(inside_t *inside, oracle_t *oracle, size_t node)
{
    const core_t *core = world_core(oracle_world(oracle), node);
    bool trusted = oracle_trusts(oracle, node);
    check_words(inside, oracle, node, core, trusted);
    if (!trusted)
        return;
    check_all_waiting(oracle, node, core);
    check_sessions(inside, oracle, node, core);
    check_lifting(inside, oracle, node, core);
}
