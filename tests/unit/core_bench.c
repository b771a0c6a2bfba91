#include "tests/unit/core_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/unit/protocol_samples.h"

static const uint64_t wall_start_ms = 1700000000000;

const core_dial_t bench_dial_cc = {"CC", "tcp://192.0.2.3:7000"};

void bench_sign_card(card_t *card, size_t member)
{
    pubkey_t key;
    secret_t *root = sample_secret((uint8_t)(member + 1), &key);
    card_sign(card, root);
    secret_destroy(&root);
}

static void advertise(card_t *card, size_t member, const char *endpoint)
{
    mem_free(card->endpoints[0]);
    card->endpoints[0] = mem_copy_string(endpoint);
    bench_sign_card(card, member);
}

static card_t *make_card(size_t member)
{
    char letter = (char)('A' + member), endpoint[32];
    card_t *card = sample_card((char[]){letter, letter, '\0'}, (uint8_t)(member + 1));
    snprintf(endpoint, sizeof endpoint, "tcp://192.0.2.%zu:7000", member + 1);
    advertise(card, member, endpoint);
    return card;
}

static void make_members(bench_t *bench)
{
    *bench = (bench_t){.now_ms = 1000, .known = 1};
    for (uint8_t i = 0; i < BENCH_MEMBERS; i++) {
        bench->signing[i] = sample_secret((uint8_t)(101 + i), &bench->signing_key[i]);
        bench->cards[i] = make_card(i);
    }
    bench->charter = sample_charter(BENCH_MEMBERS, 2);
}

static void make_core(bench_t *bench, const core_options_t *how, card_t *const *cards, size_t count,
                      const core_feed_t *feeds, size_t feed_count)
{
    core_options_t options = *how;
    core_snapshot_t snapshot = {.roster_count = 1,
                                .rosters = &bench->charter,
                                .card_count = count,
                                .cards = cards,
                                .feed_count = feed_count,
                                .feeds = feeds,
                                .fence = options.boot,
                                .fence_ms = wall_start_ms,
                                .fence_detail = options.boot_detail};
    options.self = bench->cards[BENCH_AA]->origin;
    options.signing = bench->signing[BENCH_AA];
    options.listening = true;
    bench->core = core_new(&options, &snapshot, bench->now_ms, wall_start_ms);
}

void bench_open(bench_t *bench, const core_dial_t *dials, size_t dial_count,
                const core_feed_t *feeds, size_t feed_count)
{
    make_members(bench);
    core_options_t options = {.dial_count = dial_count, .dials = dials};
    make_core(bench, &options, bench->cards, BENCH_MEMBERS, feeds, feed_count);
}

void bench_open_greeted(bench_t *bench, core_link_t link, size_t member)
{
    bench_open(bench, NULL, 0, NULL, 0);
    bench_greet(bench, link, member);
}

void bench_open_connected(bench_t *bench, core_link_t link)
{
    bench_open(bench, &bench_dial_cc, 1, NULL, 0);
    bench_connect(bench, link, BENCH_CC);
}

void bench_open_aside(bench_t *bench, core_link_t link)
{
    make_members(bench);
    core_options_t options = {.dial_count = 1, .dials = &bench_dial_cc, .prepare_from = 1};
    make_core(bench, &options, bench->cards, BENCH_MEMBERS, NULL, 0);
    bench_connect(bench, link, BENCH_CC);
}

void bench_open_holding(bench_t *bench, size_t member, uint64_t number)
{
    make_members(bench);
    core_feed_t feed = {.head = {bench_feed(bench, member), number, {{1}}}, .time_ms = 1};
    make_core(bench, &(core_options_t){0}, bench->cards, BENCH_MEMBERS, &feed, 1);
}

void bench_open_restored(bench_t *bench, const core_dial_t *dials, size_t dial_count,
                         uint64_t came_to)
{
    position_t head = {1, LANE_COALITION, came_to};
    make_members(bench);
    core_options_t options = {.dial_count = dial_count,
                              .dials = dials,
                              .boot = ERR_RESTORED,
                              .boot_detail = "a test says so",
                              .boot_count = came_to ? 1 : 0,
                              .boot_heads = &head};
    make_core(bench, &options, bench->cards, BENCH_MEMBERS, NULL, 0);
}

card_t *bench_next_card(const bench_t *bench, size_t member)
{
    return sample_card_after(bench->cards[member], (uint8_t)(member + 1));
}

card_t *bench_claim_address(bench_t *bench, core_link_t link, const char *endpoint)
{
    card_t *card = bench_next_card(bench, BENCH_BB);
    advertise(card, BENCH_BB, endpoint);
    bench_greet(bench, link, BENCH_BB);
    bench_offer(bench, link, MSG_CARDS, card_encode(card));
    bench_commit(bench);
    return card;
}

void bench_open_epochs(bench_t *bench, const core_dial_t *dials, size_t dial_count, uint32_t epochs,
                       bool forked)
{
    make_members(bench);
    core_feed_t *feeds = mem_alloc_array(epochs, sizeof *feeds);
    card_t **cards = mem_alloc_array(BENCH_MEMBERS + epochs, sizeof(card_t *));
    bench->later = mem_alloc_array(epochs, sizeof(card_t *));
    for (bench->known = 1; bench->known < epochs; bench->known++) {
        const card_t *before =
            bench->known == 1 ? bench->cards[BENCH_BB] : bench->later[bench->known - 2];
        card_t *card = sample_card_after(before, 2);
        mem_free(card->cuts); // a copy's
        card->cuts = mem_alloc(sizeof *card->cuts);
        card->cut_count = 1;
        card->cuts[0] = (cut_t){card->epoch, LANE_COALITION, 5, {{7}}};
        card->epoch++;
        bench_sign_card(card, BENCH_BB);
        bench->later[bench->known - 1] = card;
    }
    for (size_t i = 0; i < BENCH_MEMBERS; i++)
        cards[i] = bench->cards[i];
    for (uint32_t i = 0; i < epochs; i++) {
        feeds[i].head = (head_t){{bench->cards[BENCH_BB]->origin, i + 1, LANE_COALITION}, 1, {{3}}};
        if (forked) {
            feeds[i].stopped = ERR_DIVERGED;
            feeds[i].proof.number = 1;
        }
        if (i > 0)
            cards[BENCH_MEMBERS + i - 1] = bench->later[i - 1];
    }
    make_core(bench, &(core_options_t){.dials = dials, .dial_count = dial_count}, cards,
              BENCH_MEMBERS + epochs - 1, feeds, epochs);
    mem_free(cards);
    mem_free(feeds);
}

void bench_close(bench_t *bench)
{
    core_destroy(&bench->core);
    effects_free(&bench->effects);
    roster_destroy(&bench->charter);
    for (size_t i = 0; i < BENCH_MEMBERS; i++) {
        secret_destroy(&bench->signing[i]);
        card_destroy(&bench->cards[i]);
    }
    for (size_t i = 0; i + 1 < bench->known; i++)
        card_destroy(&bench->later[i]);
    mem_free(bench->later);
}

// ---- events ----

void bench_step(bench_t *bench, event_t *event)
{
    event->now_ms = bench->now_ms;
    event->wall_ms = wall_start_ms + bench->now_ms;
    memset(event->seed, ++bench->drawn, sizeof event->seed);
    effects_clear(&bench->effects);
    core_step(bench->core, event, &bench->effects);
}

size_t bench_append(bench_t *bench, span_t body)
{
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = body};
    event_t event = {.type = EVENT_APPEND};
    event.as.append.request = 5;
    event.as.append.lane = LANE_COALITION;
    event.as.append.drafts = &draft;
    event.as.append.count = 1;
    bench_step(bench, &event);
    return bench_count_of(bench, EFFECT_APPEND);
}

void bench_commit(bench_t *bench)
{
    bench_step(bench, &(event_t){.type = EVENT_COMMITTED});
}

void bench_roll_back(bench_t *bench)
{
    event_t event = {.type = EVENT_ROLLED_BACK};
    event.as.rolled_back.reason = ERR_DISK_FULL;
    bench_step(bench, &event);
}

void bench_pass(bench_t *bench, uint64_t ms)
{
    bench->now_ms += ms;
    bench_step(bench, &(event_t){.type = EVENT_TICK});
}

static void deliver(bench_t *bench, core_link_t link, const message_t *message)
{
    message_t decoded;
    buf_t bytes = message_encode(message);
    event_t event = {.type = EVENT_MESSAGE, .link = link, .bytes = bytes.size};
    assert_int_equal(message_decode(buf_span(&bytes), &decoded, NULL), ERR_OK);
    event.as.message = &decoded;
    bench_step(bench, &event);
    message_clear(&decoded);
    buf_free(&bytes);
}

static greeting_t greeting_of(const bench_t *bench, size_t member, card_number_t *numbers)
{
    for (size_t i = 0; i < BENCH_MEMBERS; i++)
        numbers[i] = (card_number_t){bench->cards[i]->origin, 1};
    return (greeting_t){.protocol_min = 1,
                        .protocol_max = 1,
                        .coalition = bench->charter->hash,
                        .roster_version = 1,
                        .roster_hash = bench->charter->hash,
                        .card_count = BENCH_MEMBERS,
                        .cards = numbers,
                        .origin = bench->cards[member]->origin,
                        .packings = bench->packings};
}

static void link_up(bench_t *bench, core_link_t link, size_t member, bool outbound)
{
    event_t up = {.type = EVENT_LINK_UP, .link = link};
    up.as.link_up.key = bench->cards[member]->transport_key;
    up.as.link_up.outbound = outbound;
    bench_step(bench, &up);
}

void bench_greet(bench_t *bench, core_link_t link, size_t member)
{
    card_number_t numbers[BENCH_MEMBERS];
    message_t hello = {.type = MSG_HELLO}, welcome;
    link_up(bench, link, member, false);
    hello.as.hello = greeting_of(bench, member, numbers);
    memset(hello.as.hello.nonce.bytes, (int)link, NONCE_SIZE);
    deliver(bench, link, &hello);
    assert_true(bench_sent(bench, MSG_WELCOME, &welcome));
    bench->session = welcome.session;
    message_clear(&welcome);
}

void bench_connect(bench_t *bench, core_link_t link, size_t member)
{
    card_number_t numbers[BENCH_MEMBERS];
    message_t hello, welcome = {.type = MSG_WELCOME};
    bench_pass(bench, 10);
    assert_int_equal(bench_count_of(bench, EFFECT_DIAL), 1);
    bench_step(bench, &(event_t){.type = EVENT_DIALLED, .link = link});
    link_up(bench, link, member, true);
    assert_true(bench_sent(bench, MSG_HELLO, &hello));
    welcome.as.welcome = greeting_of(bench, member, numbers);
    memset(welcome.as.welcome.nonce.bytes, (int)link, NONCE_SIZE);
    welcome.as.welcome.hello_nonce = hello.as.hello.nonce;
    bench->session = session_id(&hello.as.hello.nonce, &welcome.as.welcome.nonce);
    bench_say(bench, link, &welcome);
    message_clear(&hello);
}

void bench_publish(bench_t *bench, core_link_t link, const commit_t *commit)
{
    publication_t publication;
    buf_t body = publication_of_commit(commit);
    event_t event = {.type = EVENT_PUBLICATION, .link = link, .bytes = TOPIC_SIZE + body.size};
    span_t topic = span_of(bench->charter->hash.bytes, TOPIC_SIZE);
    assert_int_equal(
        publication_decode(topic, buf_span(&body), &bench->charter->hash, &publication, NULL),
        ERR_OK);
    event.as.publication = &publication;
    bench_step(bench, &event);
    publication_clear(&publication);
    buf_free(&body);
}

void bench_say(bench_t *bench, core_link_t link, message_t *message)
{
    message->has_session = true;
    message->session = bench->session;
    deliver(bench, link, message);
}

void bench_offer(bench_t *bench, core_link_t link, message_type_t type, buf_t item)
{
    message_t message = {.type = type};
    message.as.signed_items.count = 1;
    message.as.signed_items.items[0] = buf_span(&item);
    bench_say(bench, link, &message);
    buf_free(&item);
}

void bench_seal_roster(const bench_t *bench, roster_t *next, size_t one, size_t other)
{
    roster_seal(next);
    sample_vote(next, (uint8_t)(one + 1), &bench->charter->hash);
    sample_vote(next, (uint8_t)(other + 1), &bench->charter->hash);
}

static void move_to_formers(roster_t *roster, size_t member)
{
    const member_t *gone = &roster->members[member];
    mem_free(roster->formers);
    roster->formers = mem_alloc(sizeof *roster->formers);
    roster->formers[0] =
        (former_t){.code = gone->code, .origin = gone->origin, .root_key = gone->root_key};
    roster->former_count = 1;
    roster->member_count--;
    memmove(&roster->members[member], &roster->members[member + 1],
            (roster->member_count - member) * sizeof *roster->members);
}

void bench_offer_removal(bench_t *bench, size_t member, core_link_t link, uint64_t number,
                         const hash_t *hash)
{
    roster_t *next = sample_roster_after(bench->charter);
    move_to_formers(next, member);
    if (hash) {
        next->formers[0].cut_count = 1;
        next->formers[0].cuts = mem_alloc(sizeof(cut_t));
        next->formers[0].cuts[0] = (cut_t){1, LANE_COALITION, number, *hash};
    }
    bench_seal_roster(bench, next, member == BENCH_AA ? BENCH_BB : BENCH_AA,
                      member <= BENCH_BB ? BENCH_CC : BENCH_BB);
    bench_offer(bench, link, MSG_ROSTERS, roster_encode(next));
    assert_int_equal(bench_count_of(bench, EFFECT_ROSTER), 1);
    roster_destroy(&next);
}

void bench_remove(bench_t *bench, size_t member, core_link_t link, uint64_t number,
                  const hash_t *hash)
{
    bench_offer_removal(bench, member, link, number, hash);
    bench_commit(bench);
}

// ---- what came of it ----

size_t bench_count_of(const bench_t *bench, effect_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < bench->effects.count; i++)
        count += bench->effects.items[i].type == type;
    return count;
}

const effect_t *bench_effect(const bench_t *bench, effect_type_t type)
{
    const effect_t *found = NULL;
    for (size_t i = 0; i < bench->effects.count; i++)
        if (bench->effects.items[i].type == type)
            found = &bench->effects.items[i];
    return found;
}

bool bench_sent(const bench_t *bench, message_type_t type, message_t *message)
{
    for (size_t i = bench->effects.count; i-- > 0;) {
        const effect_t *effect = &bench->effects.items[i];
        if (effect->type != EFFECT_SEND)
            continue;
        assert_int_equal(message_decode(buf_span(&effect->bytes), message, NULL), ERR_OK);
        if (message->type == type)
            return true;
        message_clear(message);
    }
    return false;
}

size_t bench_next_sent(const bench_t *bench, message_type_t type, size_t from, message_t *message)
{
    for (size_t i = from; i < bench->effects.count; i++) {
        const effect_t *effect = &bench->effects.items[i];
        if (effect->type != EFFECT_SEND)
            continue;
        assert_int_equal(message_decode(buf_span(&effect->bytes), message, NULL), ERR_OK);
        if (message->type == type)
            return i + 1;
        message_clear(message);
    }
    return 0;
}

size_t bench_items_sent(const bench_t *bench, message_type_t type, size_t most)
{
    message_t message;
    size_t items = 0;
    for (size_t i = 0; (i = bench_next_sent(bench, type, i, &message)) > 0;) {
        size_t count = type == MSG_CARDS ? message.as.signed_items.count : message.as.heads.count;
        assert_true(count <= most);
        items += count;
        message_clear(&message);
    }
    return items;
}

uint64_t bench_counted(const bench_t *bench, err_t reason)
{
    status_t status;
    uint64_t count = 0;
    core_status(bench->core, bench->now_ms, &status);
    for (size_t i = 0; i < status.counter_count; i++)
        if (status.counters[i].reason == reason)
            count = status.counters[i].count;
    status_clear(&status);
    return count;
}

// ---- feeds ----

feed_t bench_feed(const bench_t *bench, size_t member)
{
    return (feed_t){bench->cards[member]->origin, 1, LANE_COALITION};
}

commit_t *bench_commit_after(const bench_t *bench, size_t member, const head_t *head,
                             const char *body)
{
    static const uint8_t seed[32] = {3};
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text(body)};
    return commit_author(&head->feed, head->number + 1, &head->hash, wall_start_ms + head->number,
                         1, &draft, 1, seed, bench->signing[member], &bench->charter->hash);
}
