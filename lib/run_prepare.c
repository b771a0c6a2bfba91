// A run made ready for whoever takes it in: what costs most of that needs its bytes alone.
#include "lib/commit.h"
#include "lib/mem.h"

static void look_at(const commit_t *commit, size_t index, look_t *look)
{
    const change_t *change = &commit->changes[index];
    position_t at = {commit->feed.epoch, commit->feed.lane, commit->first + index};
    if (change->type != CHANGE_RECORD)
        return;
    look->termed = !change->has_target;
    if (look->termed)
        look->term =
            digest_term(&commit->feed.origin, at, at, &change->commitment, DIGEST_STANDING);
    look->glanced = change->state == PAYLOAD_PRESENT;
    if (look->glanced)
        look->refused = record_glance(change->body, &look->glance);
}

static void look_ahead(commit_t *commit)
{
    if (commit->feed.lane >= LANE_OPEN_COUNT)
        return; // it adds nothing to the view
    commit->looks = mem_alloc_array(commit->count, sizeof *commit->looks);
    for (size_t i = 0; i < commit->count; i++)
        look_at(commit, i, &commit->looks[i]);
}

err_t run_prepare(span_t bytes, const pubkey_t *key, const hash_t *coalition, run_t *run,
                  fault_t *fault)
{
    err_t err = run_decode(bytes, run, fault);
    if (err)
        return err;
    for (size_t i = 0; i < run->count; i++)
        look_ahead(run->commits[i]);
    commit_t *last = run->commits[run->count - 1];
    last->holds = commit_signature_holds(last, key, coalition);
    last->of_key = *key;
    last->in = *coalition;
    return ERR_OK;
}
