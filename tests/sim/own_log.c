#include "tests/sim/own_log.h"

#include "daemon/core/internal.h"
#include "daemon/store/store.h"

static const char *code_of(const oracle_t *oracle, const origin_t *origin)
{
    for (size_t i = 0; i < world_nodes(oracle_world(oracle)); i++)
        if (origin_equal(&world_card(oracle_world(oracle), i)->origin, origin))
            return world_code(oracle_world(oracle), i);
    return "?";
}

// I5. Of two changes with one number that a node restored from a backup has given,
// one that nobody else ever saw is not there.
static void check_rival(oracle_t *oracle, const ledger_t *ledger, const known_t *entry)
{
    const known_t *rival = entry->genuine ? ledger_rival(ledger, entry) : NULL;
    if (rival && !oracle_forks(oracle, &entry->feed.origin, entry->feed.epoch))
        oracle_violate(
            oracle, "I5", "%s signed two different commits with number %llu",
            code_of(oracle, &entry->feed.origin),
            (unsigned long long)(entry->first > rival->first ? entry->first : rival->first));
}

void own_log_spread(oracle_t *oracle, ledger_t *ledger, const known_t *entry, uint64_t after)
{
    for (; entry && entry->last > after && !entry->spread;
         entry = entry->first > 1 ? ledger_find(ledger, &entry->previous) : NULL) {
        ledger_spread(ledger, entry);
        check_rival(oracle, ledger, entry);
    }
}

// Whether something of it was not known before.
static bool learn_run(oracle_t *oracle, ledger_t *ledger, size_t node, span_t bytes)
{
    run_t run;
    fault_t fault;
    bool fresh = false;
    if (run_decode(bytes, &run, &fault)) {
        oracle_violate(oracle, "I16", "%s: its own run cannot be read: %s",
                       world_code(oracle_world(oracle), node), fault.detail);
        return false;
    }
    for (size_t i = 0; i < run.count; i++) {
        const known_t *entry = ledger_find(ledger, &run.commits[i]->hash);
        fresh = fresh || !entry;
        if (!entry)
            entry = ledger_add(ledger, run.commits[i], true);
        check_rival(oracle, ledger, entry);
    }
    run_clear(&run);
    return fresh;
}

// What came back up to a cut within a run ends with no signature of its own: the cut's
// vouches for it.
static err_t read_own(oracle_t *oracle, size_t node, const core_feed_state_t *feed,
                      const head_t *at, served_run_t *served, fault_t *fault)
{
    store_t *store = world_store(oracle_world(oracle), node);
    head_t cut;
    disk_spare(world_disk(oracle_world(oracle), node), true);
    err_t err =
        store_read_run(store, &at->feed, at->number, &at->hash, RUN_BYTES_MAX, true, served, fault);
    if (err == ERR_DAMAGED && feed_cut(world_core(oracle_world(oracle), node), feed, &cut))
        err = store_read_run_to(store, &at->feed, at->number, &at->hash, &cut, RUN_BYTES_MAX, true,
                                served, fault);
    disk_spare(world_disk(oracle_world(oracle), node), false);
    return err;
}

bool own_log_learn(oracle_t *oracle, ledger_t *ledger, size_t node, const core_feed_state_t *feed,
                   const head_t *from, uint64_t to)
{
    head_t at = *from;
    bool fresh = false;
    while (at.number < to && !oracle_violation(oracle)) {
        served_run_t served = {0};
        fault_t fault = {0};
        err_t err = read_own(oracle, node, feed, &at, &served, &fault);
        if (err || !served.run.size || served.diverged) {
            oracle_violate(oracle, "I4", "%s: its own log cannot be read after %llu: %s (%s: %s)",
                           world_code(oracle_world(oracle), node), (unsigned long long)at.number,
                           err_name(err), fault.where, fault.detail);
            buf_free(&served.run);
            return fresh;
        }
        fresh = learn_run(oracle, ledger, node, buf_span(&served.run)) || fresh;
        at = served.last;
        buf_free(&served.run);
    }
    return fresh;
}

// Only what its signature vouches for.
static void learn_signed(ledger_t *ledger, const core_t *core, span_t bytes,
                         const identity_t *identity)
{
    run_t run;
    fault_t fault;
    if (run_decode(bytes, &run, &fault))
        return;
    const commit_t *last = run.commits[run.count - 1];
    const card_t *card = identity_card(identity, last->card_number);
    if (card && commit_signature_holds(last, &card->signing_key, core_coalition(core)))
        for (size_t i = 0; i < run.count; i++)
            if (!ledger_find(ledger, &run.commits[i]->hash))
                ledger_add(ledger, run.commits[i], true);
    run_clear(&run);
}

void own_log_learn_rotten(const oracle_t *oracle, ledger_t *ledger, size_t node)
{
    const core_t *core = world_core(oracle_world(oracle), node);
    for (size_t i = 0; i < core->feed_count; i++) {
        const core_feed_state_t *feed = core->feeds[i];
        if (feed->identity != core->self || !feed->head.number ||
            ledger_find(ledger, &feed->head.hash))
            continue;
        served_run_t served = {0};
        fault_t fault = {0};
        const card_t *start = identity_start(feed->identity, feed->feed.epoch);
        if (!store_read_run(world_store(oracle_world(oracle), node), &feed->feed, 0, &start->hash,
                            RUN_BYTES_MAX, true, &served, &fault) &&
            served.run.size)
            learn_signed(ledger, core, buf_span(&served.run), feed->identity);
        buf_free(&served.run);
    }
}
