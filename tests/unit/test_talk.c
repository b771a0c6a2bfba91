// The client's side of the control socket, against daemons that answer, lie, hang
// and die. Times are upper bounds that the client promises, measured.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/talk.h"
#include "client/when.h"
#include "lib/home.h"
#include "lib/mem.h"
#include "tests/unit/fake_daemon.h"
#include "tests/unit/scratch.h"

#define DIGEST ENLACE__V1__CONTROL_REPLY__BODY_DIGEST

typedef struct {
    char *dir;
    fake_daemon_t *daemon;
    talk_t *talk;
} scene_t;

static scene_t scene_of(const void *state, fake_answer_fn answer, void *context)
{
    fault_t fault = {0};
    scene_t scene = {.dir = scratch_path(state, "CR")};
    scene.daemon = fake_daemon_start(scene.dir, true, answer, context);
    err_t err = talk_open(scene.dir, "es", &scene.talk, &fault);
    if (err)
        fail_msg("%s %s %s", err_name(err), fault.where, fault.detail);
    return scene;
}

static void scene_clear(scene_t *scene)
{
    talk_close(&scene->talk);
    if (scene->daemon)
        fake_daemon_stop(&scene->daemon);
    mem_free(scene->dir);
}

static err_t ask_digest(talk_t *talk, reply_t **reply, fault_t *fault)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__DigestRequest body = ENLACE__V1__DIGEST_REQUEST__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_DIGEST;
    request.digest = &body;
    return talk_ask(talk, &request, DIGEST, reply, fault);
}

static err_t ask_retract(talk_t *talk, fault_t *fault)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__Retract body = ENLACE__V1__RETRACT__INIT;
    reply_t *reply = NULL;
    char id[] = "CR:1";
    body.id = id;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_RETRACT;
    request.retract = &body;
    err_t err = talk_ask(talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_WRITTEN, &reply, fault);
    assert_null(reply);
    return err;
}

static void reply_digest(fake_daemon_t *daemon, uint64_t id, const char *hash)
{
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__DigestReply digest = ENLACE__V1__DIGEST_REPLY__INIT;
    char copy[16];
    snprintf(copy, sizeof copy, "%s", hash);
    digest.has_digest = 1;
    digest.digest = (ProtobufCBinaryData){strlen(copy), (uint8_t *)copy};
    reply.has_id = id > 0;
    reply.id = id;
    reply.body_case = DIGEST;
    reply.digest = &digest;
    fake_daemon_reply(daemon, &reply);
}

// ---- answers ----

static bool answers(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)context;
    assert_string_equal(request->lang, "es");
    reply_digest(daemon, 0, "yes");
    return true;
}

static void test_ask_and_answer(void **state)
{
    scene_t scene = scene_of(*state, answers, NULL);
    fault_t fault = {0};
    for (int i = 0; i < 3; i++) {
        reply_t *reply = NULL;
        assert_int_equal(ask_digest(scene.talk, &reply, &fault), ERR_OK);
        assert_memory_equal(reply->digest->digest.data, "yes", 3);
        talk_free(&reply);
    }
    scene_clear(&scene);
}

// Working replies and answers to requests given up earlier come before it.
static bool answers_late(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)context;
    fake_daemon_working(daemon);
    reply_digest(daemon, request->id + 1000, "no");
    fake_daemon_working(daemon);
    reply_digest(daemon, 0, "yes");
    return true;
}

static void count_working(void *context, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    (*(int *)context)++;
}

static void test_only_ones_own_answer_counts(void **state)
{
    scene_t scene = scene_of(*state, answers_late, NULL);
    reply_t *reply = NULL;
    fault_t fault = {0};
    int worked = 0;
    talk_on_working(scene.talk, count_working, &worked);
    assert_int_equal(ask_digest(scene.talk, &reply, &fault), ERR_OK);
    assert_memory_equal(reply->digest->digest.data, "yes", 3);
    assert_int_equal(worked, 2);
    talk_free(&reply);
    scene_clear(&scene);
}

static bool refuses(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)context;
    (void)request;
    fake_daemon_refuse(daemon, ERR_BAD_ENUM, 12, "lead_sector", "FOREIGN");
    return true;
}

static void test_a_refusal_is_its_reason_with_line_and_field(void **state)
{
    scene_t scene = scene_of(*state, refuses, NULL);
    fault_t fault = {0};
    assert_int_equal(ask_retract(scene.talk, &fault), ERR_BAD_ENUM);
    assert_string_equal(fault.where, "line 12, field lead_sector");
    assert_string_equal(fault.detail, "FOREIGN");
    scene_clear(&scene);
}

static bool babbles(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)request;
    const buf_t *bytes = context;
    fake_daemon_reply_bytes(daemon, bytes->data, bytes->size);
    return true;
}

static void test_garbage_is_not_taken_for_an_answer(void **state)
{
    static const char *const garbage[] = {"", "\xff\xff\xff\xff", "\x08", "\x12\x7f", "hello"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        buf_t bytes = buf_copy(span_text(garbage[i]));
        scene_t scene = scene_of(*state, babbles, &bytes);
        reply_t *reply = NULL;
        fault_t fault = {0};
        // An empty frame decodes, but is nobody's answer: silence follows it.
        err_t err = ask_digest(scene.talk, &reply, &fault);
        assert_int_equal(err, garbage[i][0] ? ERR_UNEXPECTED : ERR_UNREACHABLE_NODE);
        assert_null(reply);
        scene_clear(&scene);
        buf_free(&bytes);
    }
}

static void test_an_answer_of_another_sort_is_refused(void **state)
{
    scene_t scene = scene_of(*state, answers, NULL);
    fault_t fault = {0};
    assert_int_equal(ask_retract(scene.talk, &fault), ERR_UNEXPECTED);
    scene_clear(&scene);
}

// ---- nobody there ----

static void test_no_daemon_is_said_at_once(void **state)
{
    char *dir = scratch_path(*state, "CR");
    talk_t *talk = NULL;
    fault_t fault = {0};
    fake_node(dir);
    uint64_t start = when_monotonic_ms();
    assert_int_equal(talk_open(dir, NULL, &talk, &fault), ERR_UNREACHABLE_NODE);
    assert_true(when_monotonic_ms() - start < 100);
    assert_null(talk);
    assert_string_equal(fault.where, dir);
    mem_free(dir);
}

static void test_no_node_is_said_at_once(void **state)
{
    char *dir = scratch_path(*state, "nowhere");
    talk_t *talk = NULL;
    fault_t fault = {0};
    assert_int_equal(talk_open(dir, NULL, &talk, &fault), ERR_NO_DIRECTORY);
    assert_null(talk);
    mem_free(dir);
}

// The lock is held, but there is no socket, or one that nobody listens at.
static void test_a_daemon_without_a_door_is_unreachable_within_a_second(void **state)
{
    char *dir = scratch_path(*state, "CR");
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    fault_t fault = {0};
    int lock = -1;
    fake_node(dir);
    assert_int_equal(home_lock(dir, &lock, NULL), ERR_OK);
    uint64_t start = when_monotonic_ms();
    assert_int_equal(talk_open(dir, NULL, &talk, &fault), ERR_OK);
    assert_int_equal(ask_digest(talk, &reply, &fault), ERR_UNREACHABLE_NODE);
    assert_true(when_monotonic_ms() - start < 1000);
    talk_close(&talk);
    // What never left is not unknown: it was not done.
    start = when_monotonic_ms();
    assert_int_equal(talk_open(dir, NULL, &talk, &fault), ERR_OK);
    assert_int_equal(ask_retract(talk, &fault), ERR_UNREACHABLE_NODE);
    assert_true(when_monotonic_ms() - start < 1000);
    talk_close(&talk);
    home_unlock(&lock);
    mem_free(dir);
}

static void test_a_silent_daemon_is_unreachable_within_a_second(void **state)
{
    scene_t scene = scene_of(*state, NULL, NULL);
    reply_t *reply = NULL;
    fault_t fault = {0};
    uint64_t start = when_monotonic_ms();
    assert_int_equal(ask_digest(scene.talk, &reply, &fault), ERR_UNREACHABLE_NODE);
    assert_true(when_monotonic_ms() - start < 1000);
    start = when_monotonic_ms();
    // It may have been taken, and may still be done.
    assert_int_equal(ask_retract(scene.talk, &fault), ERR_OUTCOME_UNKNOWN);
    assert_true(when_monotonic_ms() - start < 1000);
    scene_clear(&scene);
}

// ---- gone in the middle ----

static bool dies(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    (void)context;
    (void)request;
    fake_daemon_working(daemon);
    return false;
}

static void test_a_daemon_that_dies_is_noticed_at_once(void **state)
{
    reply_t *reply = NULL;
    fault_t fault = {0};
    scene_t scene = scene_of(*state, dies, NULL);
    uint64_t start = when_monotonic_ms();
    assert_int_equal(ask_retract(scene.talk, &fault), ERR_OUTCOME_UNKNOWN);
    assert_true(when_monotonic_ms() - start < 1000);
    scene_clear(&scene);
    scene = scene_of(*state, dies, NULL);
    start = when_monotonic_ms();
    assert_int_equal(ask_digest(scene.talk, &reply, &fault), ERR_UNREACHABLE_NODE);
    assert_true(when_monotonic_ms() - start < 1000);
    // And the talk knows: the next question is not even sent.
    assert_int_equal(ask_retract(scene.talk, &fault), ERR_UNREACHABLE_NODE);
    scene_clear(&scene);
}

static bool answers_and_dies(void *context, fake_daemon_t *daemon, const fake_request_t *request)
{
    answers(context, daemon, request);
    return false;
}

// An answer that was given before the end is an answer, every time.
static void test_the_last_answer_is_not_lost(void **state)
{
    for (int i = 0; i < 20; i++) {
        reply_t *reply = NULL;
        fault_t fault = {0};
        scene_t scene = scene_of(*state, answers_and_dies, NULL);
        assert_int_equal(ask_digest(scene.talk, &reply, &fault), ERR_OK);
        talk_free(&reply);
        scene_clear(&scene);
    }
}

// systemd starts it again at once: the lock is held again, but by another.
static void test_a_restarted_daemon_is_not_mistaken_for_the_one_asked(void **state)
{
    fault_t fault = {0};
    char *dir = scratch_path(*state, "CR");
    fake_daemon_t *first = fake_daemon_start(dir, true, answers, NULL);
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    assert_int_equal(talk_open(dir, "es", &talk, &fault), ERR_OK);
    assert_int_equal(ask_digest(talk, &reply, &fault), ERR_OK);
    talk_free(&reply);
    fake_daemon_stop(&first);
    fake_daemon_t *second = fake_daemon_start(dir, true, NULL, NULL);
    uint64_t start = when_monotonic_ms();
    assert_int_equal(ask_digest(talk, &reply, &fault), ERR_UNREACHABLE_NODE);
    assert_true(when_monotonic_ms() - start < 1000);
    talk_close(&talk);
    fake_daemon_stop(&second);
    mem_free(dir);
}

// ---- interrupted ----

static void test_a_wait_ends_when_asked_to(void **state)
{
    scene_t scene = scene_of(*state, NULL, NULL);
    reply_t *reply = NULL;
    fault_t fault = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    talk_watch(scene.talk, ends[0], -1);
    assert_int_equal(ask_digest(scene.talk, &reply, &fault), ERR_STOPPING);
    assert_true(talk_interrupted(scene.talk));
    close(ends[0]);
    close(ends[1]);
    scene_clear(&scene);
}

static void test_a_wait_ends_when_nobody_reads_any_more(void **state)
{
    scene_t scene = scene_of(*state, NULL, NULL);
    reply_t *reply = NULL;
    fault_t fault = {0};
    int quiet[2], output[2];
    assert_int_equal(pipe(quiet), 0);
    assert_int_equal(pipe(output), 0);
    close(output[0]);
    talk_watch(scene.talk, quiet[0], output[1]);
    assert_int_equal(ask_digest(scene.talk, &reply, &fault), ERR_STOPPING);
    assert_true(talk_interrupted(scene.talk));
    close(output[1]);
    close(quiet[0]);
    close(quiet[1]);
    scene_clear(&scene);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_ask_and_answer),
        SCRATCH_TEST(test_only_ones_own_answer_counts),
        SCRATCH_TEST(test_a_refusal_is_its_reason_with_line_and_field),
        SCRATCH_TEST(test_garbage_is_not_taken_for_an_answer),
        SCRATCH_TEST(test_an_answer_of_another_sort_is_refused),
        SCRATCH_TEST(test_no_daemon_is_said_at_once),
        SCRATCH_TEST(test_no_node_is_said_at_once),
        SCRATCH_TEST(test_a_daemon_without_a_door_is_unreachable_within_a_second),
        SCRATCH_TEST(test_a_silent_daemon_is_unreachable_within_a_second),
        SCRATCH_TEST(test_a_daemon_that_dies_is_noticed_at_once),
        SCRATCH_TEST(test_the_last_answer_is_not_lost),
        SCRATCH_TEST(test_a_restarted_daemon_is_not_mistaken_for_the_one_asked),
        SCRATCH_TEST(test_a_wait_ends_when_asked_to),
        SCRATCH_TEST(test_a_wait_ends_when_nobody_reads_any_more),
    };
    if (crypto_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
