#include "tests/sim/wire.h"

#include <string.h>

#include "daemon/core/internal.h"
#include "lib/compress.h"
#include "lib/mem.h"

// Credit of one session, by direction: 0 from the lower node to the higher.
typedef struct {
    nonce_t id;
    uint64_t allowed[2], charged[2];
} account_t;

struct wire {
    uint64_t packed; // runs that went so
    size_t count, capacity;
    account_t *accounts;
};

wire_t *wire_new(void)
{
    return mem_alloc(sizeof(wire_t));
}

void wire_destroy(wire_t **wire)
{
    mem_free((*wire)->accounts);
    mem_free(*wire);
    *wire = NULL;
}

uint64_t wire_packed(const wire_t *wire)
{
    return wire->packed;
}

// The session of a message; the newest come last.
static account_t *account_of(wire_t *wire, const nonce_t *id)
{
    for (size_t i = wire->count; i-- > 0;)
        if (memcmp(wire->accounts[i].id.bytes, id->bytes, sizeof id->bytes) == 0)
            return &wire->accounts[i];
    mem_grow(&wire->accounts, &wire->capacity, wire->count, sizeof *wire->accounts);
    account_t *account = &wire->accounts[wire->count++];
    *account = (account_t){.id = *id};
    return account;
}

// ---- I6, I7: what a node says that it holds ----

static void check_head(oracle_t *oracle, size_t from, const head_t *head, const char *what)
{
    const core_t *core = world_core(oracle_world(oracle), from);
    const core_feed_state_t *feed = feed_lookup(core, &head->feed);
    const char *code = world_code(oracle_world(oracle), from);
    if (!head->number)
        return;
    if (!feed || head->number > feed->head.number) {
        oracle_violate(oracle, "I7", "%s says in a %s that it holds %llu, and holds %llu", code,
                       what, (unsigned long long)head->number,
                       feed ? (unsigned long long)feed->head.number : 0);
        return;
    }
    const known_t *entry = ledger_find(oracle_ledger(oracle), &feed->head.hash);
    const known_t *at = entry ? ledger_ancestor(oracle_ledger(oracle), entry, head->number) : NULL;
    // The ledger learns what a turn has written after it is out.
    if (head->number == feed->head.number ? !hash_equal(&head->hash, &feed->head.hash)
                                          : at && !hash_equal(&at->hash, &head->hash))
        oracle_violate(oracle, "I7", "%s says in a %s another hash at %llu than it holds", code,
                       what, (unsigned long long)head->number);
}

static void check_heads(oracle_t *oracle, size_t from, const message_t *m)
{
    for (size_t i = 0; i < m->as.heads.count; i++)
        check_head(oracle, from, &m->as.heads.items[i], message_type_name(m->type));
}

static void check_beacon(oracle_t *oracle, size_t from, span_t bytes)
{
    beacon_t *beacon = NULL;
    fault_t fault;
    if (beacon_decode(bytes, &beacon, &fault)) {
        oracle_violate(oracle, "I15", "%s passes on a beacon that cannot be read",
                       world_code(oracle_world(oracle), from));
        return;
    }
    if (origin_equal(&beacon->origin, &world_card(oracle_world(oracle), from)->origin))
        for (size_t i = 0; i < beacon->own_count; i++)
            check_head(oracle, from, &beacon->own[i], "beacon");
    beacon_destroy(&beacon);
}

// "As before" is a word on what is held now, and a node gives it only while that is so.
static void check_pulse(oracle_t *oracle, size_t from, const pulse_t *pulse)
{
    const core_t *core = world_core(oracle_world(oracle), from);
    const beacon_t *said = core->self->beacon;
    if (!origin_equal(&pulse->origin, &core->self->origin))
        return;
    if (!said || said->sequence != pulse->sequence) {
        oracle_violate(oracle, "I7", "%s continues a beacon that is not its newest",
                       world_code(oracle_world(oracle), from));
        return;
    }
    size_t named = 0;
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->feeds[i];
        const head_t *heads = feed->identity == core->self ? said->own : said->held;
        size_t count = feed->identity == core->self ? said->own_count : said->held_count;
        bool there = !feed->head.number;
        for (size_t k = 0; k < count && !there; k++)
            there = feed_equal(&heads[k].feed, &feed->feed) && heads[k].number == feed->head.number;
        named += there;
    }
    if (named < core->feed_count && core->feed_count <= BEACON_HEADS_MAX)
        oracle_violate(oracle, "I7", "%s says that all is as before, and holds more",
                       world_code(oracle_world(oracle), from));
}

static void check_beacons(oracle_t *oracle, size_t from, const signed_items_t *beacons)
{
    for (size_t i = 0; i < beacons->count; i++)
        check_beacon(oracle, from, beacons->items[i]);
    // One that goes with its beacon was given before.
    for (size_t i = 0; i < beacons->pulse_count && !beacons->count; i++)
        check_pulse(oracle, from, &beacons->pulses[i]);
}

static void check_publication(oracle_t *oracle, size_t from, span_t bytes)
{
    const hash_t *coalition = core_coalition(world_core(oracle_world(oracle), from));
    publication_t publication;
    fault_t fault;
    if (publication_decode(span_of(coalition->bytes, TOPIC_SIZE), bytes, coalition, &publication,
                           &fault)) {
        oracle_violate(oracle, "I15", "%s publishes what cannot be read: %s",
                       world_code(oracle_world(oracle), from), fault.detail);
        return;
    }
    if (publication.type == PUB_RUN) {
        const commit_t *commit = publication.run.commits[0];
        head_t head = {publication.run.feed, commit->last, commit->hash};
        check_head(oracle, from, &head, "publication");
    } else if (publication.type == PUB_HEAD) {
        check_head(oracle, from, &publication.head, "publication");
    } else {
        check_beacons(oracle, from, &publication.beacons);
    }
    publication_clear(&publication);
}

// ---- I12, I13: credit ----

static void allow(oracle_t *oracle, size_t from, uint64_t *allowed, uint64_t limit, bool is_ack)
{
    if (is_ack && limit < *allowed)
        oracle_violate(oracle, "I13", "%s takes credit back",
                       world_code(oracle_world(oracle), from));
    if (limit > *allowed)
        *allowed = limit;
}

// docs/protocol.md, "Credit": the bytes and 128, at least 1,024.
static void charge(oracle_t *oracle, size_t from, account_t *account, unsigned way,
                   const message_t *m)
{
    uint64_t cost = m->as.run_part.bytes.size + 128;
    account->charged[way] += cost > 1024 ? cost : 1024;
    if (account->charged[way] > account->allowed[way])
        oracle_violate(oracle, "I12", "%s sends more than it has credit for",
                       world_code(oracle_world(oracle), from));
    if (m->as.run_part.bytes.size > PART_BYTES_MAX)
        oracle_violate(oracle, "I12", "%s sends too large a part",
                       world_code(oracle_world(oracle), from));
}

static void check_credit(wire_t *wire, oracle_t *oracle, size_t from, size_t to, const message_t *m)
{
    if (!m->has_session || to == WORLD_NODES_MAX || oracle_is_altered(oracle, from, to))
        return;
    account_t *account = account_of(wire, &m->session);
    unsigned way = from > to; // of what `from` sends
    if (m->type == MSG_FETCH)
        allow(oracle, from, &account->allowed[!way], m->as.fetch.credit_limit, false);
    else if (m->type == MSG_ACK && m->as.heads.has_credit)
        allow(oracle, from, &account->allowed[!way], m->as.heads.credit_limit, true);
    else if (m->type == MSG_RUN_PART)
        charge(oracle, from, account, way, m);
}

// ---- I9, I12, I15, I16: what a node serves ----

err_t run_of_part(const message_t *m, run_t *run, fault_t *fault)
{
    buf_t whole = {0};
    span_t bytes = m->as.run_part.bytes;
    err_t err =
        m->as.run_part.unpacked ? decompress(bytes, m->as.run_part.unpacked, &whole) : ERR_OK;
    if (!err)
        err = run_decode(m->as.run_part.unpacked ? buf_span(&whole) : bytes, run, fault);
    buf_free(&whole);
    return err;
}

// What is told of a packed run's size is what a receiver may believe (docs/protocol.md,
// "Packed runs"), and one in one piece can be unpacked.
static void check_packed(wire_t *wire, oracle_t *oracle, size_t from, const message_t *m)
{
    size_t size = m->as.run_part.unpacked;
    buf_t run = {0};
    if (!size)
        return;
    wire->packed++;
    bool whole = m->as.run_part.last && !m->as.run_part.index;
    if (m->as.run_part.index || size > 1024 * 1024 || m->as.run_part.bytes.size >= size ||
        (whole && size > 8 * m->as.run_part.bytes.size))
        oracle_violate(oracle, "I12", "%s packs %zu bytes as no receiver takes it",
                       world_code(oracle_world(oracle), from), size);
    else if (whole && decompress(m->as.run_part.bytes, size, &run))
        oracle_violate(oracle, "I15", "%s packs a run that cannot be unpacked",
                       world_code(oracle_world(oracle), from));
    buf_free(&run);
}

// Nothing beyond a cut that it knows, and up to a signature or that cut. Of runs that
// go out in one piece: these are read and sent in one turn.
static void check_served(oracle_t *oracle, size_t from, const message_t *m)
{
    const core_t *core = world_core(oracle_world(oracle), from);
    const char *code = world_code(oracle_world(oracle), from);
    run_t run;
    fault_t fault;
    head_t cut;
    if (m->as.run_part.index || !m->as.run_part.last || !m->as.run_part.bytes.size ||
        run_of_part(m, &run, &fault))
        return;
    const core_feed_state_t *feed = feed_lookup(core, &run.feed);
    const commit_t *last = run.commits[run.count - 1];
    bool has_cut = feed && feed_cut(core, feed, &cut);
    bool at_cut = has_cut && last->last == cut.number && hash_equal(&last->hash, &cut.hash);
    if (has_cut && last->last > cut.number)
        oracle_violate(oracle, "I9", "%s serves number %llu, beyond the cut at %llu", code,
                       (unsigned long long)last->last, (unsigned long long)cut.number);
    if (!last->has_signature && !at_cut)
        oracle_violate(oracle, "I16", "%s serves a run that nothing vouches for, up to %llu", code,
                       (unsigned long long)last->last);
    run_clear(&run);
}

// ---- all ----

// As it is before anybody tampers with it.
static void check_part(wire_t *wire, oracle_t *oracle, size_t from, const message_t *m)
{
    check_packed(wire, oracle, from, m);
    check_served(oracle, from, m);
}

static void check_message(wire_t *wire, oracle_t *oracle, size_t from, size_t to, span_t bytes)
{
    message_t message;
    fault_t fault;
    if (bytes.size > LINK_MESSAGE_MAX)
        oracle_violate(oracle, "I12", "%s sends a message of %zu bytes",
                       world_code(oracle_world(oracle), from), bytes.size);
    if (message_decode(bytes, &message, &fault)) {
        oracle_violate(oracle, "I15", "%s sends what cannot be read: %s",
                       world_code(oracle_world(oracle), from), fault.detail);
        return;
    }
    check_credit(wire, oracle, from, to, &message);
    if (oracle_trusts(oracle, from) && (message.type == MSG_HEADS || message.type == MSG_ACK))
        check_heads(oracle, from, &message);
    if (oracle_trusts(oracle, from) && message.type == MSG_BEACONS)
        check_beacons(oracle, from, &message.as.signed_items);
    if (oracle_trusts(oracle, from) && message.type == MSG_RUN_PART)
        check_part(wire, oracle, from, &message);
    message_clear(&message);
}

void wire_check(wire_t *wire, oracle_t *oracle, size_t from, size_t to, bool publication,
                span_t bytes)
{
    if (store_in_turn(world_store(oracle_world(oracle), from)))
        oracle_violate(oracle, "I6", "%s speaks before its turn is on disk",
                       world_code(oracle_world(oracle), from));
    else if (publication && oracle_trusts(oracle, from))
        check_publication(oracle, from, bytes);
    else if (!publication)
        check_message(wire, oracle, from, to, bytes);
}
