// Runs as a hostile or unlucky source brings them, on one core.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/unit/core_bench.h"
#include "tests/unit/protocol_samples.h"

enum { LINK = 7, FETCH_NONE = 0 };

static head_t start_of(const bench_t *bench, size_t member)
{
    return (head_t){bench_feed(bench, member), 0, bench->cards[member]->hash};
}

static head_t head_of(const commit_t *commit)
{
    return (head_t){commit->feed, commit->last, commit->hash};
}

// Four commits, each after the one before.
static void make_chain(const bench_t *bench, size_t member, commit_t *chain[4])
{
    head_t head = start_of(bench, member);
    for (size_t i = 0; i < 4; i++) {
        chain[i] =
            bench_commit_after(bench, member, &head, (const char *[]){"a", "b", "c", "d"}[i]);
        head = head_of(chain[i]);
    }
}

static void free_chain(commit_t *chain[4])
{
    for (size_t i = 0; i < 4; i++)
        commit_destroy(&chain[i]);
}

static uint64_t held(const bench_t *bench, size_t member)
{
    status_t status;
    uint64_t number = 0;
    feed_t feed = bench_feed(bench, member);
    core_status(bench->core, bench->now_ms, &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, &feed))
            number = status.feeds[i].number;
    status_clear(&status);
    return number;
}

// The source claims; the fetch that this brings is what it may answer.
static uint32_t claim(bench_t *bench, core_link_t link, size_t member, uint64_t number)
{
    head_t head = {bench_feed(bench, member), number, {{9}}};
    message_t heads = {.type = MSG_HEADS}, fetch;
    heads.as.heads.count = 1;
    heads.as.heads.items = &head;
    bench_say(bench, link, &heads);
    uint32_t opened = FETCH_NONE;
    if (bench_sent(bench, MSG_FETCH, &fetch)) {
        opened = fetch.as.fetch.fetch;
        message_clear(&fetch);
    }
    return opened;
}

static void bring(bench_t *bench, core_link_t link, uint32_t fetch, commit_t **commits,
                  size_t count, bool end)
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

static void answer(bench_t *bench, core_link_t link, uint32_t fetch, commit_t **commits,
                   size_t count)
{
    bring(bench, link, fetch, commits, count, true);
}

// What waited for a gap to be closed is looked at then as anything else that comes.
static void what_waited_is_looked_at_too(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_BB, chain);
    head_t wrong = {bench_feed(&bench, BENCH_BB), 1, {{5}}};
    commit_t *broken = bench_commit_after(&bench, BENCH_BB, &wrong, "x");
    broken->has_signature = true;
    bench_publish(&bench, LINK, broken); // number 2, after another number 1
    assert_int_equal(held(&bench, BENCH_BB), 0);
    uint32_t fetch = claim(&bench, LINK, BENCH_BB, 2);
    if (!fetch)
        fetch = 1; // opened by the publication itself
    answer(&bench, LINK, fetch, chain, 1);
    bench_commit(&bench);
    // It is signed, and contradicts what came: the feed stops where it is.
    assert_int_equal(held(&bench, BENCH_BB), 1);
    assert_true(bench_counted(&bench, ERR_DIVERGED) + bench_counted(&bench, ERR_FORK) +
                    bench_counted(&bench, ERR_BROKEN_CHAIN) >
                0);
    commit_destroy(&broken);
    free_chain(chain);
    bench_close(&bench);
}

// BB was removed with a cut at number 3 that its chain does not meet: what a run
// brings before it is taken as far as a signature of its own vouches for it.
static void before_a_cut_a_signature_vouches(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_BB, chain);
    bench_remove(&bench, BENCH_BB, LINK, 3, &(hash_t){{0xcc}});
    uint32_t fetch = claim(&bench, LINK, BENCH_BB, 3);
    assert_int_not_equal(fetch, FETCH_NONE);
    chain[1]->has_signature = chain[2]->has_signature = false;
    answer(&bench, LINK, fetch, chain, 4);
    assert_int_equal(held(&bench, BENCH_BB), 1); // not 2, which nobody vouches for
    assert_int_equal(bench_counted(&bench, ERR_BEYOND_CUT), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_APPEND), 1);
    free_chain(chain);
    bench_close(&bench);
}

// A run whose last part never comes, sent as fast as credit lets it.
static void a_run_that_never_ends_is_given_up(void **state)
{
    static const uint8_t bytes[PART_BYTES_MAX];
    bench_t bench;
    uint64_t limit = 8192, sent = 0;
    (void)state;
    bench_open_connected(&bench, LINK);
    uint32_t fetch = claim(&bench, LINK, BENCH_BB, 100000);
    assert_int_not_equal(fetch, FETCH_NONE);
    for (uint32_t index = 0; bench_counted(&bench, ERR_TOO_BIG) == 0; index++) {
        message_t part = {.type = MSG_RUN_PART}, ack;
        assert_true(index < 1000);
        part.as.run_part.fetch = fetch;
        part.as.run_part.index = index;
        uint64_t room = limit - sent < 128 + PART_BYTES_MAX ? limit - sent - 128 : PART_BYTES_MAX;
        assert_true(limit > sent + 1024);
        part.as.run_part.bytes = span_of(bytes, (size_t)room);
        sent += room + 128;
        bench.now_ms += 5;
        bench_say(&bench, LINK, &part);
        if (bench_counted(&bench, ERR_TOO_BIG))
            break;
        bench_commit(&bench);
        if (bench_sent(&bench, MSG_ACK, &ack)) {
            limit = ack.as.heads.credit_limit;
            message_clear(&ack);
        }
    }
    assert_int_equal(bench_counted(&bench, ERR_OVER_CREDIT), 0);
    assert_true(sent > RUN_BYTES_MAX && sent < 2 * RUN_BYTES_MAX);
    assert_int_equal(held(&bench, BENCH_BB), 0);
    bench_close(&bench);
}

// Whoever goes on with a fetch that was ended would have the line for itself: what was
// on its way is dropped, what was sent after it ends the session.
static void parts_of_an_ended_fetch_have_an_end(void **state)
{
    static const uint8_t bytes[8000];
    bench_t bench;
    message_t part = {.type = MSG_RUN_PART}, ended, ack;
    (void)state;
    bench_open_connected(&bench, LINK);
    part.as.run_part.fetch = claim(&bench, LINK, BENCH_BB, 100000);
    part.as.run_part.bytes = span_of(bytes, sizeof bytes);
    bench_pass(&bench, 11000);
    assert_int_equal(bench_counted(&bench, ERR_STALLED), 1);
    assert_true(bench_sent(&bench, MSG_END_FETCH, &ended));
    assert_int_equal(ended.as.end_fetch.fetch, part.as.run_part.fetch);
    bench_say(&bench, LINK, &part); // 8,128 of the 8,192 that were granted
    bench_commit(&bench);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 1);
    assert_true(bench_sent(&bench, MSG_ACK, &ack));
    assert_true(ack.as.heads.credit_limit >= 8128 * 2); // for the fetches to come
    assert_int_equal(bench_counted(&bench, ERR_OVER_CREDIT), 0);
    part.as.run_part.index = 1;
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_counted(&bench, ERR_OVER_CREDIT), 1);
    assert_non_null(bench_effect(&bench, EFFECT_CLOSE));
    message_clear(&ended);
    message_clear(&ack);
    bench_close(&bench);
}

// Asked what it holds where its head is another, it has changed its mind and sends all
// that it has: nobody follows that fetch, so it is ended.
static void a_probe_that_brings_runs_is_ended(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    message_t fetch, ended;
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_BB, chain);
    bench_publish(&bench, LINK, chain[0]);
    bench_commit(&bench);
    head_t other = {bench_feed(&bench, BENCH_BB), 1, {{9}}};
    message_t heads = {.type = MSG_HEADS};
    heads.as.heads.count = 1;
    heads.as.heads.items = &other;
    bench_say(&bench, LINK, &heads);
    assert_true(bench_sent(&bench, MSG_FETCH, &fetch));
    assert_true(fetch.as.fetch.headers_only);
    bring(&bench, LINK, fetch.as.fetch.fetch, chain + 1, 1, false);
    assert_true(bench_sent(&bench, MSG_END_FETCH, &ended));
    assert_int_equal(ended.as.end_fetch.fetch, fetch.as.fetch.fetch);
    assert_int_equal(held(&bench, BENCH_BB), 1);
    assert_int_equal(bench_counted(&bench, ERR_STALE), 1);
    bring(&bench, LINK, fetch.as.fetch.fetch, chain + 2, 1, true); // was on its way
    assert_int_equal(bench_counted(&bench, ERR_STALE), 2);
    assert_null(bench_effect(&bench, EFFECT_CLOSE));
    message_clear(&fetch);
    message_clear(&ended);
    free_chain(chain);
    bench_close(&bench);
}

// What the disk did not take is as if it had never come, and comes again.
static void a_turn_that_is_taken_back(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_CC, chain);
    bench_publish(&bench, LINK, chain[0]);
    assert_int_equal(held(&bench, BENCH_CC), 1);
    bench_roll_back(&bench);
    assert_int_equal(held(&bench, BENCH_CC), 0);
    assert_int_equal(bench_counted(&bench, ERR_DISK_FULL), 1);
    bench.now_ms += 6000; // the disk is not stormed
    bench_publish(&bench, LINK, chain[0]);
    bench_commit(&bench);
    assert_int_equal(held(&bench, BENCH_CC), 1);
    bench_roll_back(&bench); // nothing of that turn was this feed's
    assert_int_equal(held(&bench, BENCH_CC), 1);
    free_chain(chain);
    bench_close(&bench);
}

// A commit that begins where one is held and goes further is another one.
static void a_commit_across_the_head_is_a_fork(void **state)
{
    static const uint8_t seed[32] = {4};
    bench_t bench;
    commit_t *chain[4];
    draft_t drafts[2] = {{.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("a")},
                         {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("b")}};
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_CC, chain);
    bench_publish(&bench, LINK, chain[0]);
    bench_commit(&bench);
    head_t start = start_of(&bench, BENCH_CC);
    commit_t *across = commit_author(&start.feed, 1, &start.hash, 1700000000000, 1, drafts, 2, seed,
                                     bench.signing[BENCH_CC], &bench.charter->hash);
    bench_publish(&bench, LINK, across);
    assert_int_equal(held(&bench, BENCH_CC), 1);
    assert_int_equal(bench_count_of(&bench, EFFECT_EVIDENCE), 1);
    const effect_t *stop = bench_effect(&bench, EFFECT_STOP_FEED);
    assert_non_null(stop);
    assert_true(hash_equal(&stop->proof.ours, &chain[0]->hash));
    assert_true(hash_equal(&stop->proof.theirs, &across->hash));
    // Stopped, it takes nothing, the next of its own chain either.
    bench_commit(&bench);
    bench_publish(&bench, LINK, chain[1]);
    assert_int_equal(held(&bench, BENCH_CC), 1);
    commit_destroy(&across);
    free_chain(chain);
    bench_close(&bench);
}

// A proof that the disk did not give when it was to be told is owed: it is looked for
// again, in the same session, and its reason is counted.
static void a_proof_that_cannot_be_read_is_owed(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_CC, chain);
    bench_publish(&bench, LINK, chain[0]);
    bench_commit(&bench);
    head_t start = start_of(&bench, BENCH_CC);
    commit_t *other = bench_commit_after(&bench, BENCH_CC, &start, "another");
    bench_publish(&bench, LINK, other);
    const effect_t *read = bench_effect(&bench, EFFECT_READ_PROOF);
    assert_non_null(read);
    assert_int_equal(read->reason, ERR_DIVERGED);
    bench_commit(&bench);
    event_t failed = {.type = EVENT_PROOF_READ, .link = LINK};
    failed.as.proof_read.err = ERR_DISK_ERROR;
    bench_step(&bench, &failed);
    assert_int_equal(bench_counted(&bench, ERR_DISK_ERROR), 1);
    bench_pass(&bench, 1000);
    assert_null(bench_effect(&bench, EFFECT_READ_PROOF)); // not at once
    bench_pass(&bench, 4500);
    assert_non_null(bench_effect(&bench, EFFECT_READ_PROOF));
    bench_pass(&bench, 5000);
    assert_null(bench_effect(&bench, EFFECT_READ_PROOF)); // and then no more
    commit_destroy(&other);
    free_chain(chain);
    bench_close(&bench);
}

static void ask_for_cards(bench_t *bench, unsigned times)
{
    message_t want = {.type = MSG_WANT_CARDS};
    card_number_t card = {bench->cards[BENCH_BB]->origin, 0};
    want.as.want_cards.count = 1;
    want.as.want_cards.items = &card;
    for (unsigned i = 0; i < times; i++)
        bench_say(bench, LINK, &want);
}

static void ask_for(bench_t *bench, commit_t *commit, const hash_t *start)
{
    message_t fetch = {.type = MSG_FETCH};
    fetch.as.fetch.fetch = 3;
    fetch.as.fetch.feed = commit->feed;
    fetch.as.fetch.after_hash = *start;
    fetch.as.fetch.credit_limit = 8192;
    bench_say(bench, LINK, &fetch);
    bench_commit(bench);
    assert_int_equal(bench_count_of(bench, EFFECT_READ_RUN), 1);
    buf_t run = run_encode(&commit->feed, &commit, 1);
    event_t read = {.type = EVENT_RUN_READ, .link = LINK};
    read.as.run_read.feed = commit->feed;
    read.as.run_read.fetch = 3;
    read.as.run_read.run = buf_span(&run);
    read.as.run_read.last = head_of(commit);
    read.as.run_read.end = true;
    bench_step(bench, &read);
    buf_free(&run);
}

// Whoever fetches a forked feed to its end is told of the fork; who does it without end
// is told later.
static void proofs_at_the_end_of_fetches_have_a_bound(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    message_t part;
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_CC, chain);
    bench_publish(&bench, LINK, chain[0]);
    bench_commit(&bench);
    head_t start = start_of(&bench, BENCH_CC);
    commit_t *other = bench_commit_after(&bench, BENCH_CC, &start, "another");
    bench_publish(&bench, LINK, other);
    bench_commit(&bench);
    ask_for_cards(&bench, 32); // all that may be asked for in a second
    assert_int_equal(bench_counted(&bench, ERR_BUSY), 0);
    ask_for(&bench, chain[0], &start.hash);
    assert_true(bench_sent(&bench, MSG_RUN_PART, &part));
    assert_int_equal(bench_counted(&bench, ERR_BUSY), 1);
    assert_null(bench_effect(&bench, EFFECT_READ_PROOF));
    bench_pass(&bench, 500);
    assert_null(bench_effect(&bench, EFFECT_READ_PROOF));
    assert_true(core_wake_ms(bench.core) <= bench.now_ms + 500);
    bench_pass(&bench, 600);
    assert_non_null(bench_effect(&bench, EFFECT_READ_PROOF));
    message_clear(&part);
    commit_destroy(&other);
    free_chain(chain);
    bench_close(&bench);
}

// Connected both ways, the way that we dialled brings publications: nothing stands on the other.
static void two_ways_to_one_peer(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    message_t fetch;
    (void)state;
    bench_open_connected(&bench, LINK);
    nonce_t dialled = bench.session;
    bench_greet(&bench, LINK + 1, BENCH_CC);
    nonce_t came = bench.session;
    make_chain(&bench, BENCH_CC, chain);
    uint32_t opened = claim(&bench, LINK + 1, BENCH_CC, 4);
    assert_int_not_equal(opened, FETCH_NONE);
    bench.session = dialled;
    assert_int_equal(claim(&bench, LINK, BENCH_CC, 4), FETCH_NONE); // one source at a time
    bench.session = came;
    answer(&bench, LINK + 1, opened, chain, 2);
    assert_int_equal(held(&bench, BENCH_CC), 2);
    // It said that this was all, and had claimed four: the other way is tried.
    assert_true(bench_sent(&bench, MSG_FETCH, &fetch));
    assert_true(memcmp(fetch.session.bytes, dialled.bytes, NONCE_SIZE) == 0);
    assert_false(fetch.as.fetch.standing);
    assert_int_equal(fetch.as.fetch.after, 2);
    message_clear(&fetch);
    free_chain(chain);
    bench_close(&bench);
}

// A source that brings other things may take its time, unless somebody else could.
static void a_slow_source_is_left_where_there_is_another(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    message_t fetch;
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_BB, chain);
    nonce_t cc = bench.session;
    uint32_t of_bb = claim(&bench, LINK, BENCH_BB, 4);
    uint32_t of_dd = claim(&bench, LINK, BENCH_DD, 4);
    assert_true(of_bb != FETCH_NONE && of_dd != FETCH_NONE);
    bench.now_ms += 9000;
    bring(&bench, LINK, of_bb, chain, 1, false);
    bench_commit(&bench);
    bench_pass(&bench, 2000); // nobody else: it may
    assert_int_equal(bench_counted(&bench, ERR_STALLED), 0);
    bench_greet(&bench, LINK + 1, BENCH_BB);
    assert_int_equal(claim(&bench, LINK + 1, BENCH_DD, 4), FETCH_NONE);
    nonce_t bb = bench.session;
    bench.session = cc;
    bench_pass(&bench, 3000);
    assert_true(bench_sent(&bench, MSG_FETCH, &fetch));
    assert_true(memcmp(fetch.session.bytes, bb.bytes, NONCE_SIZE) == 0);
    message_clear(&fetch);
    free_chain(chain);
    bench_close(&bench);
}

// Sends that again and again for two minutes; whom DD's feed is fetched from then.
static bool leaves_for_another(bool end)
{
    bench_t bench;
    commit_t *chain[4];
    message_t fetch;
    bool left = false;
    bench_open(&bench, &bench_dial_cc, 1, NULL, 0);
    make_chain(&bench, BENCH_DD, chain);
    bench_greet(&bench, LINK + 1, BENCH_BB);
    nonce_t bb = bench.session;
    bench_connect(&bench, LINK, BENCH_CC);
    nonce_t cc = bench.session;
    uint32_t opened = claim(&bench, LINK, BENCH_DD, end ? 1 : 4);
    assert_int_not_equal(opened, FETCH_NONE);
    bring(&bench, LINK, opened, chain, 1, end);
    bench_commit(&bench);
    opened = end ? claim(&bench, LINK, BENCH_DD, 4) : opened;
    bench.session = bb;
    assert_int_equal(claim(&bench, LINK + 1, BENCH_DD, 4), FETCH_NONE);
    bench.session = cc;
    for (int i = 0; i < 24 && !left; i++) {
        bench.now_ms += 4900;
        bring(&bench, LINK, opened, chain, 1, false); // what is held here
        bench_commit(&bench);
        bench_pass(&bench, 100);
        left = bench_sent(&bench, MSG_FETCH, &fetch);
    }
    if (left) {
        assert_true(memcmp(fetch.session.bytes, bb.bytes, NONCE_SIZE) == 0);
        assert_int_equal(bench_counted(&bench, ERR_STALLED), 1);
        message_clear(&fetch);
    }
    free_chain(chain);
    bench_close(&bench);
    return left;
}

// L4: a source that sends what is held already is as good as one that sends nothing.
static void what_brings_nothing_new_is_no_progress(void **state)
{
    (void)state;
    assert_true(leaves_for_another(false));
    assert_true(leaves_for_another(true)); // after a run to the end, and a new fetch
}

// L4: so is one that begins its run again and again; that is out of order.
static void a_run_begins_once(void **state)
{
    bench_t bench;
    (void)state;
    bench_open_connected(&bench, LINK);
    uint32_t fetch = claim(&bench, LINK, BENCH_BB, 4);
    message_t part = {.type = MSG_RUN_PART};
    part.as.run_part.fetch = fetch;
    part.as.run_part.bytes = span_text("x");
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_count_of(&bench, EFFECT_CLOSE), 0);
    bench_say(&bench, LINK, &part);
    assert_int_equal(bench_count_of(&bench, EFFECT_CLOSE), 1);
    assert_int_equal(bench_counted(&bench, ERR_BAD_PARTS), 1);
    bench_close(&bench);
}

static uint64_t stopped_since(const bench_t *bench, size_t member)
{
    status_t status;
    uint64_t since_ms = 0;
    feed_t feed = bench_feed(bench, member);
    core_status(bench->core, bench->now_ms, &status);
    for (size_t i = 0; i < status.feed_count; i++)
        if (feed_equal(&status.feeds[i].feed, &feed))
            since_ms = status.feeds[i].stopped_ms;
    status_clear(&status);
    return since_ms;
}

// Since when a feed is stopped goes back with the turn, too.
static void a_stop_keeps_its_time(void **state)
{
    bench_t bench;
    commit_t *chain[4];
    (void)state;
    bench_open_connected(&bench, LINK);
    make_chain(&bench, BENCH_BB, chain);
    head_t start = start_of(&bench, BENCH_BB);
    commit_t *other = bench_commit_after(&bench, BENCH_BB, &start, "another");
    bench_publish(&bench, LINK, chain[0]);
    bench_publish(&bench, LINK, other);
    bench_commit(&bench);
    uint64_t since_ms = stopped_since(&bench, BENCH_BB);
    assert_int_not_equal(since_ms, 0);
    bench.now_ms += 7000;
    bench_offer_removal(&bench, BENCH_BB, LINK, 0, &start.hash);
    assert_int_not_equal(stopped_since(&bench, BENCH_BB), since_ms); // beyond its cut, from now on
    bench_roll_back(&bench);
    assert_int_equal(stopped_since(&bench, BENCH_BB), since_ms);
    commit_destroy(&other);
    free_chain(chain);
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waited_is_looked_at_too),
        cmocka_unit_test(before_a_cut_a_signature_vouches),
        cmocka_unit_test(a_run_that_never_ends_is_given_up),
        cmocka_unit_test(parts_of_an_ended_fetch_have_an_end),
        cmocka_unit_test(a_probe_that_brings_runs_is_ended),
        cmocka_unit_test(a_turn_that_is_taken_back),
        cmocka_unit_test(a_commit_across_the_head_is_a_fork),
        cmocka_unit_test(a_proof_that_cannot_be_read_is_owed),
        cmocka_unit_test(proofs_at_the_end_of_fetches_have_a_bound),
        cmocka_unit_test(two_ways_to_one_peer),
        cmocka_unit_test(a_slow_source_is_left_where_there_is_another),
        cmocka_unit_test(what_brings_nothing_new_is_no_progress),
        cmocka_unit_test(a_run_begins_once),
        cmocka_unit_test(a_stop_keeps_its_time),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("core runs", tests, NULL, NULL);
}
