// What is carried out once the turn is on disk: what leaves this node, and reads whose
// answers are sent on. Nothing here writes.
//
// L6: sending never waits for a peer; whom the edge cannot send to is dropped.
#include "daemon/driver_internal.h"
#include "lib/mem.h"

static span_t topic_of(const driver_t *driver)
{
    return span_of(core_coalition(driver->core)->bytes, TOPIC_SIZE);
}

static void do_send(driver_t *driver, effect_t *effect)
{
    driver->edge.send(driver->edge.context, effect->link, buf_span(&effect->bytes));
}

static void do_publish(driver_t *driver, effect_t *effect)
{
    driver->edge.publish(driver->edge.context, topic_of(driver), buf_span(&effect->bytes));
}

static void do_reply(driver_t *driver, effect_t *effect)
{
    driver->edge.written(driver->edge.context, effect->request, effect->reason, &effect->feed,
                         effect->number);
}

static void do_close(driver_t *driver, effect_t *effect)
{
    driver->edge.close(driver->edge.context, effect->link);
}

static void do_dial(driver_t *driver, effect_t *effect)
{
    event_t event = {.type = EVENT_DIALLED};
    event.as.dialled.dial = effect->dial;
    event.link = driver->edge.dial(driver->edge.context, effect->text, &effect->key,
                                   topic_of(driver), &event.as.dialled.reason);
    driver_step(driver, &event);
}

static void do_admit(driver_t *driver, effect_t *effect)
{
    pubkey_t *keys;
    size_t count = core_admitted(driver->core, &keys);
    (void)effect;
    driver->edge.admit(driver->edge.context, keys, count);
    mem_free(keys);
}

// What the asker's chain parts from: our run from the commit on that holds the
// number asked about, headers alone. Asking with no hash tells the one before it.
static err_t read_proof(driver_t *driver, const effect_t *effect, served_run_t *proof,
                        fault_t *fault)
{
    hash_t hash = {0};
    uint64_t first = 1;
    err_t err = effect->number ? store_commit_at(driver->store, &effect->feed, effect->number,
                                                 &hash, &first, fault)
                               : ERR_OK;
    for (int i = 0; i < 2 && !err; i++) {
        hash = i ? proof->last.hash : (hash_t){0};
        buf_free(&proof->run);
        err = store_read_run(driver->store, &effect->feed, first - 1, &hash, PART_BYTES_MAX, true,
                             proof, fault);
    }
    return err;
}

// What nobody gets because of it somebody here has to mend.
static void log_damage(driver_t *driver, err_t err, const fault_t *fault)
{
    if (err == ERR_DAMAGED || err == ERR_DISK_ERROR)
        driver_log_fault(driver, err, fault);
}

static void do_read_run(driver_t *driver, effect_t *effect)
{
    served_run_t served = {0};
    fault_t fault = {0};
    event_t event = {.type = EVENT_RUN_READ, .link = effect->link};
    event.as.run_read.feed = effect->feed;
    event.as.run_read.fetch = effect->fetch;
    event.as.run_read.err =
        store_read_run_to(driver->store, &effect->feed, effect->number, &effect->hash,
                          effect->has_cut ? &effect->cut : NULL, (size_t)effect->limit,
                          effect->headers_only, &served, &fault);
    log_damage(driver, event.as.run_read.err, &fault);
    served_run_t proof = {0};
    event.as.run_read.last = served.last;
    event.as.run_read.end = served.end;
    event.as.run_read.diverged = served.diverged;
    // Within a commit of ours nobody ends who has our chain: that is another, too.
    bool parts = served.diverged || event.as.run_read.err == ERR_OUT_OF_ORDER;
    if (parts)
        read_proof(driver, effect, &proof, &fault); // asked again where there is none
    event.as.run_read.run = buf_span(parts ? &proof.run : &served.run);
    driver_step(driver, &event);
    buf_free(&served.run);
    buf_free(&proof.run);
}

static void do_read_proof(driver_t *driver, effect_t *effect)
{
    served_run_t ours = {0};
    buf_t theirs = {0};
    fault_t fault = {0};
    event_t event = {.type = EVENT_PROOF_READ, .link = effect->link};
    err_t err = store_read_evidence(driver->store, &effect->feed, effect->reason, &theirs, &fault);
    if (!err)
        err = read_proof(driver, effect, &ours, &fault);
    if (err == ERR_UNKNOWN_FEED || err == ERR_OUT_OF_ORDER)
        err = ERR_OK;
    if (err)
        driver_log_fault(driver, err, &fault);
    event.as.proof_read.err = err;
    event.as.proof_read.ours = buf_span(&ours.run);
    event.as.proof_read.theirs = buf_span(&theirs);
    driver_step(driver, &event);
    buf_free(&ours.run);
    buf_free(&theirs);
}

static void do_read_payload(driver_t *driver, effect_t *effect)
{
    uint8_t salt[SALT_SIZE] = {0};
    buf_t body = {0};
    fault_t fault = {0};
    event_t event = {.type = EVENT_PAYLOAD_READ, .link = effect->link};
    event.as.payload_read.feed = effect->feed;
    event.as.payload_read.number = effect->number;
    event.as.payload_read.fetch = effect->fetch;
    event.as.payload_read.salt = salt;
    event.as.payload_read.err =
        store_read_payload(driver->store, &effect->feed, effect->number,
                           &event.as.payload_read.state, salt, &body, &fault);
    log_damage(driver, event.as.payload_read.err, &fault);
    event.as.payload_read.body = buf_span(&body);
    driver_step(driver, &event);
    buf_free(&body);
}

static void do_find_missing(driver_t *driver, effect_t *effect)
{
    enum { MOST = 64 };
    place_t places[MOST];
    feed_t feeds[MOST];
    uint64_t numbers[MOST];
    size_t count = 0;
    fault_t fault = {0};
    event_t event = {.type = EVENT_PAYLOADS_MISSING};
    size_t limit = effect->limit < MOST ? (size_t)effect->limit : MOST;
    uint64_t *after = &driver->missing_after;
    for (bool again = true; again && !count && !event.as.missing.err;) {
        again = *after > 0; // past the last one: from the first on
        event.as.missing.err =
            store_missing_payloads(driver->store, after, limit, places, &count, &fault);
    }
    if (event.as.missing.err)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        feeds[i] = places[i].feed;
        numbers[i] = places[i].number;
    }
    event.as.missing.feeds = feeds;
    event.as.missing.numbers = numbers;
    event.as.missing.count = count;
    driver_step(driver, &event);
}

static void do_log(driver_t *driver, effect_t *effect)
{
    driver->edge.log(driver->edge.context, effect->level, effect->text);
}

const visible_fn driver_visible[EFFECT_TYPE_END] = {
    [EFFECT_SEND] = do_send,
    [EFFECT_PUBLISH] = do_publish,
    [EFFECT_REPLY] = do_reply,
    [EFFECT_CLOSE] = do_close,
    [EFFECT_DIAL] = do_dial,
    [EFFECT_ADMIT] = do_admit,
    [EFFECT_READ_RUN] = do_read_run,
    [EFFECT_READ_PROOF] = do_read_proof,
    [EFFECT_READ_PAYLOAD] = do_read_payload,
    [EFFECT_FIND_MISSING] = do_find_missing,
    [EFFECT_LOG] = do_log,
};
