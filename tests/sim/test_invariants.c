// What must hold whatever the story: of every message that leaves a node, at each of
// which the network itself looks, and of turns, taken back or not.
#include "lib/mem.h"
#include "tests/sim/four_nodes.h"

typedef struct {
    world_t *world;
    uint64_t allowed[NODES][NODES]; // by the second, of what the first may send
    uint64_t charged[NODES][NODES];
    unsigned publications, heads, parts;
    unsigned lose; // every n-th publication
} watch_t;

// ---- what leaves ----

static void assert_durable(watch_t *watch, size_t node, const head_t *head)
{
    hash_t hash;
    uint64_t first;
    fault_t fault;
    if (!head->number)
        return;
    // The turn is over when something leaves: what the store reads now is on disk.
    assert_false(store_in_turn(world_store(watch->world, node)));
    assert_int_equal(store_commit_at(world_store(watch->world, node), &head->feed, head->number,
                                     &hash, &first, &fault),
                     ERR_OK);
    assert_memory_equal(hash.bytes, head->hash.bytes, HASH_SIZE);
}

static void look_at_publication(watch_t *watch, size_t from, span_t bytes)
{
    publication_t publication;
    fault_t fault;
    const hash_t *coalition = core_coalition(world_core(watch->world, from));
    span_t topic = span_of(coalition->bytes, TOPIC_SIZE);
    assert_int_equal(publication_decode(topic, bytes, coalition, &publication, &fault), ERR_OK);
    if (publication.type == PUB_RUN) {
        const commit_t *commit = publication.run.commits[0];
        head_t head = {publication.run.feed, commit->last, commit->hash};
        assert_durable(watch, from, &head);
        watch->publications++;
    } else if (publication.type == PUB_HEAD) {
        assert_durable(watch, from, &publication.head);
        watch->publications++;
    }
    publication_clear(&publication);
}

static void look_at_credit(watch_t *watch, size_t from, size_t to, const message_t *m)
{
    if (m->type == MSG_HELLO || m->type == MSG_WELCOME) {
        watch->allowed[from][to] = watch->allowed[to][from] = 0;
        watch->charged[from][to] = watch->charged[to][from] = 0;
    } else if (m->type == MSG_FETCH && m->as.fetch.credit_limit > watch->allowed[to][from]) {
        watch->allowed[to][from] = m->as.fetch.credit_limit;
    } else if (m->type == MSG_ACK && m->as.heads.has_credit) {
        assert_true(m->as.heads.credit_limit >= watch->allowed[to][from]); // only rises
        watch->allowed[to][from] = m->as.heads.credit_limit;
    } else if (m->type == MSG_RUN_PART) {
        // docs/protocol.md section 7: bytes and 128, at least 1,024.
        uint64_t cost = m->as.run_part.bytes.size + 128;
        watch->charged[from][to] += cost > 1024 ? cost : 1024;
        assert_true(watch->charged[from][to] <= watch->allowed[from][to]);
        watch->parts++;
    }
}

static bool look(void *context, size_t from, size_t to, bool publication, buf_t *bytes)
{
    watch_t *watch = context;
    message_t message;
    fault_t fault;
    if (publication) {
        look_at_publication(watch, from, buf_span(bytes));
        return !watch->lose || watch->publications % watch->lose != 0;
    }
    assert_int_equal(message_decode(buf_span(bytes), &message, &fault), ERR_OK);
    look_at_credit(watch, from, to, &message);
    for (size_t i = 0;
         (message.type == MSG_HEADS || message.type == MSG_ACK) && i < message.as.heads.count;
         i++) {
        assert_durable(watch, from, &message.as.heads.items[i]);
        watch->heads++;
    }
    message_clear(&message);
    return true;
}

static world_t *watched(watch_t *watch, unsigned lose)
{
    world_t *world = four_nodes(lose + 5);
    *watch = (watch_t){.world = world, .lose = lose};
    world_tamper(world, look, watch);
    return world;
}

static void nothing_leaves_before_it_is_durable_or_beyond_credit(void **state)
{
    (void)state;
    for (unsigned lose = 0; lose < 4; lose++) {
        watch_t watch;
        world_t *world = watched(&watch, lose);
        world_start(world, HUB);
        world_start(world, GT);
        for (int i = 0; i < 60; i++) {
            char key[16];
            snprintf(key, sizeof key, "k%d", i);
            assert_int_equal(world_put_sized(world, GT, key, i % 10 == 0 ? 15000 : 300), ERR_OK);
            assert_int_equal(world_put_sized(world, HUB, key, 300), ERR_OK);
            world_run(world, 11);
        }
        world_start(world, SV);
        world_start(world, HN);
        assert_true(world_settle(world, 600000));
        assert_true(watch.publications > 60 && watch.heads > 60 && watch.parts > 20);
        world_destroy(&world);
    }
}

// ---- turns ----

// One event for a node's core, `after_ms` from now; nothing is left of earlier effects.
static void step(world_t *world, size_t node, uint64_t after_ms, event_t *event, effects_t *effects)
{
    event->now_ms = world_now(world) + after_ms;
    event->wall_ms = 1700000000000 + event->now_ms;
    memset(event->seed, 3, sizeof event->seed);
    effects_clear(effects);
    core_step(world_core(world, node), event, effects);
}

static const effect_t *effect_of(const effects_t *effects, effect_type_t type)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].type == type)
            return &effects->items[i];
    return NULL;
}

static size_t count_of(const effects_t *effects, effect_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < effects->count; i++)
        count += effects->items[i].type == type;
    return count;
}

static size_t sent_of(const effects_t *effects, message_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < effects->count; i++) {
        message_t message;
        fault_t fault;
        if (effects->items[i].type != EFFECT_SEND)
            continue;
        assert_int_equal(message_decode(buf_span(&effects->items[i].bytes), &message, &fault),
                         ERR_OK);
        count += message.type == type;
        message_clear(&message);
    }
    return count;
}

static void append_one(world_t *world, size_t node, uint64_t after_ms, effects_t *effects)
{
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
    event_t append = {.type = EVENT_APPEND};
    append.as.append = (__typeof__(append.as.append)){1, LANE_COALITION, &draft, 1};
    step(world, node, after_ms, &append, effects);
}

static void drafts_that_do_not_fit_are_refused_whole(void **state)
{
    (void)state;
    world_t *world = world_new(1);
    world_add(world, "CRM", true);
    world_found(world, 1);
    world_start_all(world);
    effects_t effects = {0};
    char *large = mem_alloc(PAYLOAD_BYTES_MAX + 1);
    draft_t drafts[] = {
        {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")},
        {.type = CHANGE_RECORD, .min_reader = 1, .body = span_of(large, PAYLOAD_BYTES_MAX + 1)}};
    event_t append = {.type = EVENT_APPEND};
    append.as.append = (__typeof__(append.as.append)){1, LANE_COALITION, drafts, 2};
    step(world, HUB, 1000, &append, &effects);
    assert_int_equal(count_of(&effects, EFFECT_APPEND), 0);
    assert_int_equal(effects.items[effects.count - 1].type, EFFECT_REPLY);
    assert_int_equal(effects.items[effects.count - 1].reason, ERR_TOO_BIG);
    // 300 changes are two commits of at most 256, each signed, one chain.
    draft_t many[300];
    for (size_t i = 0; i < 300; i++)
        many[i] = drafts[0];
    append.as.append.drafts = many;
    append.as.append.count = 300;
    step(world, HUB, 1000, &append, &effects);
    assert_int_equal(count_of(&effects, EFFECT_APPEND), 2);
    effects_free(&effects);
    mem_free(large);
    world_destroy(&world);
}

static void a_beacon_says_only_what_is_on_disk(void **state)
{
    (void)state;
    world_t *world = four_nodes(21);
    effects_t effects = {0};
    event_t tick = {.type = EVENT_TICK}, back = {.type = EVENT_ROLLED_BACK};
    event_t committed = {.type = EVENT_COMMITTED};
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    append_one(world, GT, 6000, &effects);
    step(world, GT, 6000, &tick, &effects);
    assert_int_equal(sent_of(&effects, MSG_BEACONS), 0);
    back.as.rolled_back.reason = ERR_DISK_FULL;
    step(world, GT, 6000, &back, &effects);
    assert_int_equal(sent_of(&effects, MSG_BEACONS), 0);
    append_one(world, GT, 7000, &effects);
    step(world, GT, 7000, &committed, &effects);
    assert_int_equal(sent_of(&effects, MSG_BEACONS), 1);
    effects_free(&effects);
    world_destroy(&world);
}

// ---- turns that are taken back ----

static void a_turn_taken_back_leaves_the_core_where_it_was(void **state)
{
    (void)state;
    world_t *world = world_new(1);
    world_add(world, "CRM", true);
    world_found(world, 1);
    world_start_all(world);
    world_run(world, 3000);
    effects_t effects = {0};
    event_t back = {.type = EVENT_ROLLED_BACK};
    back.as.rolled_back.reason = ERR_DISK_FULL;
    for (int i = 0; i < 2; i++) {
        append_one(world, HUB, 1000, &effects);
        assert_int_equal(count_of(&effects, EFFECT_APPEND), 1);
    }
    assert_int_equal(effects.items[effects.count - 1].type, EFFECT_REPLY);
    assert_int_equal(effects.items[effects.count - 1].number, 2);
    step(world, HUB, 1000, &back, &effects);
    assert_int_equal(world_head(world, HUB, HUB, 1), 0);
    assert_int_equal(world_count(world, HUB, ERR_DISK_FULL), 1);
    // The next turn begins where the last durable one ended, in core and store alike.
    assert_int_equal(world_put(world, HUB, "uno", "Nombre"), ERR_OK);
    assert_int_equal(world_head(world, HUB, HUB, 1), 1);
    effects_free(&effects);
    world_destroy(&world);
}

// A full disk did not take the change. After a sync that failed nobody can know: the
// change may be found in the WAL by the next process, and counts there.
static void a_failed_sync_leaves_the_outcome_open(void **state)
{
    (void)state;
    world_t *world = world_new(23);
    world_add(world, "CRM", true);
    world_add(world, "GT", false);
    world_dial(world, GT, HUB);
    world_found(world, 1);
    world_start_all(world);
    assert_int_equal(world_put(world, GT, "uno", "Nombre"), ERR_OK);
    disk_fault_at(world_disk(world, GT), 1, DISK_ENOSPC, 1);
    assert_int_equal(world_put(world, GT, "dos", "Nombre"), ERR_DISK_FULL);
    disk_fault_at(world_disk(world, GT), 1, DISK_SYNC_FAIL, 1);
    assert_int_equal(world_put(world, GT, "tres", "Nombre"), ERR_OUTCOME_UNKNOWN);
    // It has ended and begun anew, and found the change.
    assert_int_equal(world_head(world, GT, GT, 1), 2);
    assert_true(world_settle(world, 60000));
    assert_int_equal(world_head(world, HUB, GT, 1), 2);
    world_destroy(&world);
}

// GT's own later commit, as a copy of GT would have made it.
static buf_t later_commit(world_t *world, const commit_t *held)
{
    feed_t feed = feed_of(world, GT);
    commit_t *later = sign_change(world, world_signing(world, GT), held->last + 1, &held->hash);
    buf_t bytes = run_encode(&feed, &later, 1);
    commit_destroy(&later);
    return bytes;
}

static void a_node_that_met_its_later_self_writes_no_more_whatever_its_disk_says(void **state)
{
    (void)state;
    tap_t tap;
    world_t *world = four_tapped(&tap, 21);
    effects_t effects = {0};
    event_t tick = {.type = EVENT_TICK}, back = {.type = EVENT_ROLLED_BACK};
    event_t committed = {.type = EVENT_COMMITTED}, met = {.type = EVENT_MESSAGE};
    world_start_all(world);
    assert_true(world_settle(world, 60000));
    append_one(world, GT, 0, &effects);
    buf_t later = later_commit(world, effect_of(&effects, EFFECT_APPEND)->commit);
    step(world, GT, 0, &committed, &effects);
    message_t proof = {.type = MSG_PROOF, .session = tap.session[HUB][GT]};
    proof.as.proof.run = buf_span(&later);
    met.as.message = &proof;
    met.link = effect_of(&effects, EFFECT_SEND)->link;
    step(world, GT, 0, &met, &effects);
    assert_non_null(effect_of(&effects, EFFECT_FENCE));
    back.as.rolled_back.reason = ERR_DISK_FULL;
    step(world, GT, 0, &back, &effects);
    assert_int_equal(world_writing(world, GT), ERR_OWN_LATER_COMMIT);
    step(world, GT, 6000, &tick, &effects);
    assert_non_null(effect_of(&effects, EFFECT_FENCE));
    step(world, GT, 6000, &back, &effects);
    step(world, GT, 12000, &tick, &effects);
    assert_non_null(effect_of(&effects, EFFECT_FENCE));
    step(world, GT, 12000, &committed, &effects);
    step(world, GT, 18000, &tick, &effects);
    assert_null(effect_of(&effects, EFFECT_FENCE)); // once is enough
    buf_free(&later);
    effects_free(&effects);
    world_destroy(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_before_it_is_durable_or_beyond_credit),
        cmocka_unit_test(drafts_that_do_not_fit_are_refused_whole),
        cmocka_unit_test(a_beacon_says_only_what_is_on_disk),
        cmocka_unit_test(a_turn_taken_back_leaves_the_core_where_it_was),
        cmocka_unit_test(a_failed_sync_leaves_the_outcome_open),
        cmocka_unit_test(a_node_that_met_its_later_self_writes_no_more_whatever_its_disk_says),
    };
    return cmocka_run_group_tests_name("invariants", tests, NULL, NULL);
}
