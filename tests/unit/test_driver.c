// The driver by itself, over a real store and a core that wants what the test says:
// core_step is this file's (driver.mk).
#include "daemon/driver.h"
#include "tests/unit/make_commits.h"

enum { COMMITS = 3, STEPS_MAX = 8, SAID_MAX = 512 };

typedef struct driven driven_t;
typedef void (*wants_fn)(driven_t *driven, effects_t *effects);

struct driven {
    store_t *store;
    core_t *core;
    driver_t *driver;
    secret_t *signing;
    writer_t writer;
    commit_t *commits[COMMITS]; // of one feed, one after the other
    size_t step_count;          // the core's so far
    event_type_t stepped[STEPS_MAX];
    wants_fn wants[EVENT_TYPE_END]; // what it wants of an event; NULL: nothing
    char said[SAID_MAX];            // what left, in its order
};

static driven_t *played; // core_step has no room for it; cmocka's tests run one by one

void __wrap_core_step(core_t *core, const event_t *event, effects_t *effects);
void __wrap_core_step(core_t *core, const event_t *event, effects_t *effects)
{
    assert_ptr_equal(core, played->core);
    assert_true(played->step_count < STEPS_MAX);
    played->stepped[played->step_count++] = event->type;
    if (played->wants[event->type])
        played->wants[event->type](played, effects);
}

// ---- the edge ----

static void edge_clock(void *context, uint64_t *now_ms, uint64_t *wall_ms, uint8_t seed[32])
{
    (void)context;
    *now_ms = *wall_ms = 1000;
    memset(seed, 1, 32);
}

static void say(driven_t *driven, const char *what)
{
    size_t size = strlen(driven->said);
    snprintf(driven->said + size, SAID_MAX - size, "%s%s", size ? " " : "", what);
}

static void edge_written(void *context, uint64_t request, err_t reason, const feed_t *feed,
                         uint64_t first)
{
    (void)request;
    (void)feed;
    (void)first;
    say(context, err_name(reason));
}

static void edge_publish(void *context, span_t topic, span_t body)
{
    (void)topic;
    (void)body;
    say(context, "published");
}

static void edge_log(void *context, int level, const char *text)
{
    if (level > 3)
        say(context, text);
}

static void edge_applied(void *context)
{
    say(context, "applied");
}

static void edge_durable(void *context)
{
    say(context, "durable");
}

// One that has no room: what it was given is read before it goes on.
static void edge_prepare(void *context, prepared_t **prepared)
{
    driven_t *driven = context;
    prepared_read(*prepared);
    driver_prepared(driven->driver, prepared);
}

// ---- putting it together ----

static void open_driven(driven_t *driven, bool prepares)
{
    pubkey_t key;
    fault_t fault;
    edge_t edge = {.context = driven,
                   .clock = edge_clock,
                   .written = edge_written,
                   .publish = edge_publish,
                   .log = edge_log,
                   .applied = edge_applied,
                   .durable = edge_durable,
                   .prepare = prepares ? edge_prepare : NULL};
    *driven = (driven_t){.writer = writer_of(1, 1, 1), .signing = sample_secret(101, &key)};
    for (size_t i = 0; i < COMMITS; i++) {
        write_record(&driven->writer, 0, "{'kind':'organisation','key':'a','acronym':'A'}");
        driven->commits[i] = seal_commit(&driven->writer);
    }
    assert_ok(store_open(":memory:", NULL, &driven->store, NULL));
    found_coalition(driven->store);
    core_options_t options = {.self = origin_of_member(1), .signing = driven->signing};
    assert_ok(driver_load(driven->store, &options, 1000, 1000, &driven->core, &fault));
    driven->driver = driver_new(driven->core, driven->store, &edge);
    played = driven;
}

static void close_driven(driven_t *driven)
{
    driver_destroy(&driven->driver);
    core_destroy(&driven->core);
    store_close(&driven->store);
    secret_destroy(&driven->signing);
    for (size_t i = 0; i < COMMITS; i++)
        commit_destroy(&driven->commits[i]);
    writer_clear(&driven->writer);
}

static void tick(driven_t *driven)
{
    event_t event = {.type = EVENT_TICK};
    driver_step(driven->driver, &event);
}

// ---- what the core wants ----

static void want_append(const driven_t *driven, size_t index, effects_t *effects)
{
    effects_add(effects, EFFECT_APPEND)->commit = commit_copy(driven->commits[index]);
}

static void want_log(const char *text, effects_t *effects)
{
    effect_t *effect = effects_add(effects, EFFECT_LOG);
    effect->level = 7;
    effect->text = mem_copy_string(text);
}

static void want_first_and_preparing(driven_t *driven, effects_t *effects)
{
    prepared_t *prepared = mem_alloc(sizeof *prepared);
    prepared->end = true; // no run, and so nothing to read
    effects_add(effects, EFFECT_PREPARE)->prepared = prepared;
    want_append(driven, 0, effects);
    want_log("outer", effects);
}

static void want_second(driven_t *driven, effects_t *effects)
{
    want_append(driven, 1, effects);
    want_log("inner", effects);
}

static void want_second_and_comparing(driven_t *driven, effects_t *effects)
{
    writer_t other = writer_of(1, 1, 1);
    write_retraction(&other, 1, 1);
    commit_t *commit = seal_commit(&other);
    effect_t *effect = effects_add(effects, EFFECT_COMPARE);
    effect->text = mem_copy_string("BB");
    effect->bytes = run_encode(&commit->feed, &commit, 1);
    commit_destroy(&commit);
    writer_clear(&other);
    want_second(driven, effects);
}

static void want_third(driven_t *driven, effects_t *effects)
{
    want_append(driven, 2, effects);
}

static void want_all_but_the_first(driven_t *driven, effects_t *effects)
{
    want_append(driven, 1, effects);
    want_append(driven, 0, effects);
    effects_add(effects, EFFECT_PUBLISH);
    effects_add(effects, EFFECT_REPLY)->request = 1;
}

// ---- D4 ----

static void expect_in_order(bool prepares)
{
    driven_t driven;
    open_driven(&driven, prepares);
    driven.wants[EVENT_TICK] = want_first_and_preparing;
    driven.wants[EVENT_PREPARED] = want_second;
    tick(&driven);
    assert_string_equal(driven.said, ""); // D1
    assert_ok(driver_flush(driven.driver));
    assert_int_equal(driven.stepped[1], EVENT_PREPARED);
    assert_int_equal(driven.stepped[2], EVENT_COMMITTED);
    assert_string_equal(driven.said, "durable outer inner applied");
    assert_int_equal(held_of(driven.store, &driven.writer.feed), 2);
    close_driven(&driven);
}

static void what_is_read_at_once_comes_after_its_step(void **state)
{
    (void)state;
    expect_in_order(false);
}

static void what_an_edge_without_room_brings_back_comes_after_its_step(void **state)
{
    (void)state;
    expect_in_order(true);
}

static void what_a_comparison_leads_to_comes_after_its_step(void **state)
{
    driven_t driven;
    (void)state;
    open_driven(&driven, false);
    assert_ok(store_append(driven.store, driven.commits[0], 1000, NULL));
    driven.wants[EVENT_TICK] = want_second_and_comparing;
    driven.wants[EVENT_COMPARED] = want_third;
    tick(&driven);
    assert_ok(driver_flush(driven.driver));
    assert_int_equal(driven.stepped[1], EVENT_COMPARED);
    assert_int_equal(driven.stepped[2], EVENT_COMMITTED);
    assert_int_equal(held_of(driven.store, &driven.writer.feed), 3);
    close_driven(&driven);
}

// ---- D2 ----

static void a_write_that_fails_fails_its_turn(void **state)
{
    driven_t driven;
    (void)state;
    open_driven(&driven, false);
    driven.wants[EVENT_TICK] = want_all_but_the_first;
    tick(&driven);
    assert_ok(driver_flush(driven.driver));
    assert_int_equal(driven.stepped[1], EVENT_ROLLED_BACK);
    assert_string_equal(driven.said, "a publication was dropped with its turn out-of-order");
    assert_false(store_in_turn(driven.store));
    // The next one is a turn like any other.
    driven.wants[EVENT_TICK] = want_first_and_preparing;
    tick(&driven);
    assert_ok(driver_flush(driven.driver));
    assert_int_equal(held_of(driven.store, &driven.writer.feed), 1);
    close_driven(&driven);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_at_once_comes_after_its_step),
        cmocka_unit_test(what_an_edge_without_room_brings_back_comes_after_its_step),
        cmocka_unit_test(what_a_comparison_leads_to_comes_after_its_step),
        cmocka_unit_test(a_write_that_fails_fails_its_turn),
    };
    return crypto_start() ? 1 : cmocka_run_group_tests_name("driver", tests, NULL, NULL);
}
