// The transcripts of tests/conformance/vectors, played to the production core,
// driver and store: what it says has to be the same bytes, what it refuses has
// to be counted under the same reason, and what it holds in the end has to be
// the same. tests/conformance/scenario.py says what the steps are.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/store/reader.h"
#include "lib/mem.h"
#include "tests/unit/scratch.h"
#include "tests/unit/stage.h"
#include "tests/unit/vectors.h"

enum { REASONS_MAX = 256, APART_MAX = 4 };

typedef struct {
    stage_t *stage;
    uint64_t counted[REASONS_MAX]; // at the last count, by reason
} play_t;

// ---- the node ----

static void remove_database(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *name = mem_format("%s%s", path, ends[i]);
        unlink(name);
        mem_free(name);
    }
}

static void find_dials(const json_t *steps, stage_options_t *options)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        if (json_is_true(json_object_get(step, "dialled")))
            options->dials[options->dial_count++] = vector_text(step, "link");
    }
}

static stage_t *open_stage(const json_t *file, const json_t *vector, const char *path)
{
    const json_t *self = json_object_get(file, "self");
    buf_t charter = vector_bytes(file, "charter");
    stage_options_t options = {.charter = buf_span(&charter),
                               .code = vector_text(self, "code"),
                               .listening = json_is_true(json_object_get(vector, "listening")),
                               .wall_ms = vector_number(file, "clock_ms"),
                               .path = path};
    vector_fixed(self, "signing", options.seed, sizeof options.seed);
    find_dials(json_object_get(vector, "steps"), &options);
    stage_t *stage = stage_new(&options);
    buf_free(&charter);
    return stage;
}

// ---- what it is given ----

static char *do_up(play_t *play, const json_t *step)
{
    pubkey_t key;
    nonce_t nonce;
    vector_fixed(step, "key", key.bytes, sizeof key.bytes);
    vector_fixed(step, "nonce", nonce.bytes, sizeof nonce.bytes);
    stage_up(play->stage, vector_text(step, "link"), json_is_true(json_object_get(step, "dialled")),
             &key, &nonce);
    return NULL;
}

static char *do_get(play_t *play, const json_t *step)
{
    buf_t message = vector_bytes(step, "message");
    stage_get(play->stage, vector_text(step, "link"), buf_span(&message));
    buf_free(&message);
    return NULL;
}

static char *do_publication(play_t *play, const json_t *step)
{
    buf_t topic = vector_bytes(step, "topic"), body = vector_bytes(step, "body");
    stage_publication(play->stage, vector_text(step, "link"), buf_span(&topic), buf_span(&body));
    buf_free(&topic);
    buf_free(&body);
    return NULL;
}

static char *do_hold(play_t *play, const json_t *step)
{
    buf_t run = vector_bytes(step, "run");
    stage_hold(play->stage, buf_span(&run));
    buf_free(&run);
    return NULL;
}

static char *do_wait(play_t *play, const json_t *step)
{
    stage_wait(play->stage, vector_number(step, "ms"));
    return NULL;
}

// ---- what is expected ----

static char *do_say(play_t *play, const json_t *step)
{
    const char *apart[APART_MAX + 1] = {NULL};
    const json_t *fields = json_object_get(step, "apart");
    assert_true(json_array_size(fields) <= APART_MAX);
    for (size_t i = 0; i < json_array_size(fields); i++)
        apart[i] = json_string_value(json_array_get(fields, i));
    buf_t message = vector_bytes(step, "message");
    char *differs = stage_said(play->stage, vector_text(step, "link"), buf_span(&message), apart);
    buf_free(&message);
    return differs;
}

static char *do_publish(play_t *play, const json_t *step)
{
    buf_t body = vector_bytes(step, "body");
    char *differs = stage_published(play->stage, buf_span(&body));
    buf_free(&body);
    return differs;
}

static char *do_close(play_t *play, const json_t *step)
{
    return stage_closed(play->stage, vector_text(step, "link"));
}

static char *do_count(play_t *play, const json_t *step)
{
    const char *name;
    json_t *expected;
    char *differs = NULL;
    uint64_t now[REASONS_MAX];
    stage_counts(play->stage, now, REASONS_MAX);
    json_object_foreach(json_object_get(step, "reasons"), name, expected)
    {
        err_t reason = err_by_name(name);
        assert_int_not_equal(reason, ERR_INTERNAL);
        uint64_t count = now[reason] - play->counted[reason];
        if (!differs && count != (uint64_t)json_integer_value(expected))
            differs = mem_format("%s counted %llu times, expected %lld", name,
                                 (unsigned long long)count, json_integer_value(expected));
    }
    memcpy(play->counted, now, sizeof now);
    return differs;
}

static json_t *head_json(const head_t *head)
{
    char *origin = vector_hex(head->feed.origin.bytes, ORIGIN_SIZE);
    char *hash = vector_hex(head->hash.bytes, HASH_SIZE);
    json_t *json =
        json_pack("{s:s, s:i, s:i, s:I, s:s}", "origin", origin, "epoch", (int)head->feed.epoch,
                  "lane", (int)head->feed.lane, "number", (json_int_t)head->number, "hash", hash);
    mem_free(origin);
    mem_free(hash);
    return json;
}

// In whatever order: one list is sorted by code, the other by origin.
static bool same_heads(const digest_t *digest, const json_t *expected)
{
    size_t found = 0;
    for (size_t i = 0; i < digest->count; i++) {
        json_t *head = head_json(&digest->heads[i]);
        for (size_t k = 0; k < json_array_size(expected); k++)
            found += (size_t)json_equal(head, json_array_get(expected, k));
        json_decref(head);
    }
    return found == digest->count && found == json_array_size(expected);
}

static char *do_view(play_t *play, const json_t *step)
{
    reader_t *reader = NULL;
    digest_t digest;
    fault_t fault;
    assert_int_equal(reader_open(stage_path(play->stage), &reader, &fault), ERR_OK);
    assert_int_equal(reader_digest(reader, &digest, &fault), ERR_OK);
    char *hex = vector_hex(digest.digest.bytes, HASH_SIZE);
    char *differs = same_heads(&digest, json_object_get(step, "heads"))
                        ? vector_compare("view digest", hex, vector_text(step, "digest"))
                        : mem_format("other heads, %zu of them", digest.count);
    mem_free(hex);
    digest_clear(&digest);
    reader_close(&reader);
    return differs;
}

static const struct {
    const char *name;
    bool given; // otherwise it is expected
    char *(*take)(play_t *play, const json_t *step);
} steps_known[] = {
    {"up", true, do_up},        {"get", true, do_get},    {"publication", true, do_publication},
    {"hold", true, do_hold},    {"wait", true, do_wait},  {"say", false, do_say},
    {"count", false, do_count}, {"view", false, do_view}, {"publish", false, do_publish},
    {"close", false, do_close},
};

static char *take_step(play_t *play, const json_t *step)
{
    const char *name = vector_text(step, "do");
    for (size_t i = 0; i < sizeof steps_known / sizeof *steps_known; i++) {
        if (strcmp(name, steps_known[i].name) != 0)
            continue;
        char *differs = steps_known[i].given ? stage_nothing_else(play->stage) : NULL;
        return differs ? differs : steps_known[i].take(play, step);
    }
    return mem_format("no such step: %s", name);
}

static char *play_steps(play_t *play, const json_t *steps)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        char *differs = take_step(play, json_array_get(steps, i));
        if (differs) {
            char *placed = mem_format("step %zu: %s", i, differs);
            mem_free(differs);
            return placed;
        }
    }
    return stage_nothing_else(play->stage);
}

static char *play(const json_t *file, const json_t *vector, void *context)
{
    char *path = scratch_path(context, "node.db");
    play_t play = {.stage = open_stage(file, vector, path)};
    char *differs = play_steps(&play, json_object_get(vector, "steps"));
    stage_destroy(&play.stage);
    remove_database(path);
    mem_free(path);
    return differs;
}

static void links(void **state)
{
    vectors_play("links", play, *state);
}

static void applying(void **state)
{
    vectors_play("applying", play, *state);
}

static void members(void **state)
{
    vectors_play("members", play, *state);
}

static void views(void **state)
{
    vectors_play("views", play, *state);
}

static int start(void **state)
{
    (void)state;
    return (int)crypto_start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(links),
        SCRATCH_TEST(applying),
        SCRATCH_TEST(members),
        SCRATCH_TEST(views),
    };
    return cmocka_run_group_tests_name("vectors node", tests, start, NULL);
}
