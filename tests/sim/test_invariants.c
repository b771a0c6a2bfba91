// What must hold of every message that leaves a node, whatever the story: the
// network itself looks at each one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/sim/world.h"

enum { HUB, GT, SV, HN, NODES };

typedef struct {
    world_t *world;
    uint64_t allowed[NODES][NODES]; // by the second, of what the first may send
    uint64_t charged[NODES][NODES];
    unsigned publications, heads, parts;
    unsigned lose; // every n-th publication
} watch_t;

// ---- what is looked at ----

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
    static const char *const codes[] = {"CRM", "GT", "SV", "HN"};
    world_t *world = world_new(lose + 5);
    for (size_t i = 0; i < NODES; i++)
        world_add(world, codes[i], i == 0);
    for (size_t i = 1; i < NODES; i++)
        world_dial(world, i, HUB);
    world_found(world, 3);
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

// ---- a turn that is taken back ----

static void step(world_t *world, size_t node, event_t *event, effects_t *effects)
{
    event->now_ms = 5000;
    event->wall_ms = 1700000005000;
    memset(event->seed, 3, sizeof event->seed);
    core_step(world_core(world, node), event, effects);
}

static size_t count_of(const effects_t *effects, effect_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < effects->count; i++)
        count += effects->items[i].type == type;
    return count;
}

static void a_turn_taken_back_leaves_the_core_where_it_was(void **state)
{
    (void)state;
    world_t *world = world_new(1);
    world_add(world, "CRM", true);
    world_found(world, 1);
    world_start_all(world);
    world_run(world, 3000);
    effects_t effects = {0};
    draft_t draft = {.type = CHANGE_RECORD, .min_reader = 1, .body = span_text("x")};
    event_t append = {.type = EVENT_APPEND}, back = {.type = EVENT_ROLLED_BACK};
    append.as.append = (__typeof__(append.as.append)){1, LANE_COALITION, &draft, 1};
    back.as.rolled_back.reason = ERR_DISK_FULL;
    step(world, HUB, &append, &effects);
    step(world, HUB, &append, &effects);
    assert_int_equal(count_of(&effects, EFFECT_APPEND), 2);
    assert_int_equal(effects.items[effects.count - 1].type, EFFECT_REPLY);
    assert_int_equal(effects.items[effects.count - 1].number, 2);
    step(world, HUB, &back, &effects);
    effects_clear(&effects);
    assert_int_equal(world_head(world, HUB, HUB, 1), 0);
    assert_int_equal(world_count(world, HUB, ERR_DISK_FULL), 1);
    // The next turn begins where the last durable one ended, in core and store alike.
    assert_int_equal(world_put(world, HUB, "uno", "Nombre"), ERR_OK);
    assert_int_equal(world_head(world, HUB, HUB, 1), 1);
    effects_free(&effects);
    world_destroy(&world);
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
    step(world, HUB, &append, &effects);
    assert_int_equal(count_of(&effects, EFFECT_APPEND), 0);
    assert_int_equal(effects.items[effects.count - 1].type, EFFECT_REPLY);
    assert_int_equal(effects.items[effects.count - 1].reason, ERR_TOO_BIG);
    // 300 changes are two commits of at most 256, each signed, one chain.
    draft_t many[300];
    for (size_t i = 0; i < 300; i++)
        many[i] = drafts[0];
    append.as.append.drafts = many;
    append.as.append.count = 300;
    effects_clear(&effects);
    step(world, HUB, &append, &effects);
    assert_int_equal(count_of(&effects, EFFECT_APPEND), 2);
    effects_free(&effects);
    mem_free(large);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_before_it_is_durable_or_beyond_credit),
        cmocka_unit_test(a_turn_taken_back_leaves_the_core_where_it_was),
        cmocka_unit_test(drafts_that_do_not_fit_are_refused_whole),
        cmocka_unit_test(a_failed_sync_leaves_the_outcome_open),
    };
    return cmocka_run_group_tests_name("invariants", tests, NULL, NULL);
}
