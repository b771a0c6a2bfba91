#include "tests/unit/core_feeds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "lib/mem.h"

// ---- chains ----

head_t bench_start(const bench_t *bench, size_t member)
{
    return (head_t){bench_feed(bench, member), 0, bench->cards[member]->hash};
}

head_t bench_head_of(const commit_t *commit)
{
    return (head_t){commit->feed, commit->last, commit->hash};
}

void bench_make_chain(const bench_t *bench, size_t member, commit_t *chain[BENCH_CHAIN])
{
    static const char *const bodies[BENCH_CHAIN] = {"a", "b", "c", "d"};
    head_t head = bench_start(bench, member);
    for (size_t i = 0; i < BENCH_CHAIN; i++) {
        chain[i] = bench_commit_after(bench, member, &head, bodies[i]);
        head = bench_head_of(chain[i]);
    }
}

void bench_free_chain(commit_t *chain[BENCH_CHAIN])
{
    for (size_t i = 0; i < BENCH_CHAIN; i++)
        commit_destroy(&chain[i]);
}

void bench_hold_first(bench_t *bench, core_link_t link, size_t member, commit_t *chain[BENCH_CHAIN])
{
    bench_make_chain(bench, member, chain);
    bench_publish(bench, link, chain[0]);
    bench_commit(bench);
}

commit_t *bench_fork(bench_t *bench, core_link_t link, size_t member)
{
    head_t start = bench_start(bench, member);
    commit_t *other = bench_commit_after(bench, member, &start, "another");
    bench_publish(bench, link, other);
    return other;
}

// ---- what others say and bring ----

void bench_tell(bench_t *bench, core_link_t link, const head_t *head)
{
    message_t heads = {.type = MSG_HEADS};
    head_t item = *head;
    heads.as.heads.count = 1;
    heads.as.heads.items = &item;
    bench_say(bench, link, &heads);
}

uint32_t bench_claim(bench_t *bench, core_link_t link, size_t member, uint64_t number)
{
    message_t fetch;
    uint32_t opened = BENCH_NO_FETCH;
    bench_tell(bench, link, &(head_t){bench_feed(bench, member), number, {{9}}});
    if (bench_sent(bench, MSG_FETCH, &fetch)) {
        opened = fetch.as.fetch.fetch;
        message_clear(&fetch);
    }
    return opened;
}

void bench_bring(bench_t *bench, core_link_t link, uint32_t fetch, commit_t **commits, size_t count,
                 bool end)
{
    buf_t run = run_encode(&commits[0]->feed, commits, count);
    message_t part = {.type = MSG_RUN_PART};
    part.as.run_part.fetch = fetch;
    part.as.run_part.last = true;
    part.as.run_part.end = end;
    part.as.run_part.bytes = buf_span(&run);
    bench_say(bench, link, &part);
    buf_free(&run);
}

// ---- what they fetch ----

beacon_t *bench_beacon_of_bb(const bench_t *bench, uint32_t card_number, uint64_t sequence)
{
    beacon_t *beacon = mem_alloc(sizeof *beacon);
    beacon->origin = bench->cards[BENCH_BB]->origin;
    beacon->coalition = bench->charter->hash;
    beacon->card_number = card_number;
    beacon->sequence = sequence;
    beacon_sign(beacon, bench->signing[BENCH_BB]);
    return beacon;
}

message_t bench_fetch_of(const bench_t *bench, size_t member, uint32_t fetch)
{
    message_t message = {.type = MSG_FETCH};
    message.as.fetch.fetch = fetch;
    message.as.fetch.feed = bench_feed(bench, member);
    message.as.fetch.after_hash = bench->cards[member]->hash;
    return message;
}

void bench_fetch_read(bench_t *bench, core_link_t link, message_t *fetch, commit_t *commit)
{
    bench_say(bench, link, fetch);
    bench_commit(bench);
    assert_int_equal(bench_count_of(bench, EFFECT_READ_RUN), 1);
    buf_t run = run_encode(&commit->feed, &commit, 1);
    event_t read = {.type = EVENT_RUN_READ, .link = link};
    read.as.run_read.feed = commit->feed;
    read.as.run_read.fetch = fetch->as.fetch.fetch;
    read.as.run_read.run = buf_span(&run);
    read.as.run_read.last = bench_head_of(commit);
    read.as.run_read.end = true;
    bench_step(bench, &read);
    buf_free(&run);
}

// ---- how far they are held ----

feed_status_t bench_feed_status(const bench_t *bench, size_t member)
{
    status_t status;
    feed_status_t found = {0};
    feed_t feed = bench_feed(bench, member);
    core_status(bench->core, bench->now_ms, &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, &feed))
            found = status.feeds[i];
    status_clear(&status);
    return found;
}

uint64_t bench_held(const bench_t *bench, size_t member)
{
    return bench_feed_status(bench, member).number;
}
