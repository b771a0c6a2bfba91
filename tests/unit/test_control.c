// The control edge as its clients meet it: writing, rights, asking, waiting.
#include <sys/stat.h>
#include <unistd.h>

#include "control_scene.h"

// ---- writing ----

static void what_is_written_is_answered_once_durable(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    Enlace__V1__Edit edit = ENLACE__V1__EDIT__INIT;
    Enlace__V1__Assignment assignment = ENLACE__V1__ASSIGNMENT__INIT;
    Enlace__V1__Assignment *assignments = &assignment;
    Enlace__V1__Retract retract = ENLACE__V1__RETRACT__INIT;
    send_put(client, 1, "a");
    WRITTEN(scene, client, 1, "CR:1", 1, false);
    edit.id = retract.id = (char *)"@a";
    edit.n_assignments = 1;
    edit.assignments = &assignments;
    assignment.field = (char *)"contact";
    assignment.value = (char *)"X";
    SEND(client, 2, EDIT, &edit);
    WRITTEN(scene, client, 2, "CR:1", 2, false);
    SEND(client, 3, EDIT, &edit);
    WRITTEN(scene, client, 3, "CR:1", 2, true);
    SEND(client, 4, RETRACT, &retract);
    WRITTEN(scene, client, 4, "CR:1", 3, false);
    SEND(client, 5, RETRACT, &retract);
    WRITTEN(scene, client, 5, "CR:1", 3, true);
    SEND(client, 6, EDIT, &edit);
    REFUSED(scene, client, 6, ERR_RETRACTED);
}

// Nothing is said before the turn is on disk.
static void no_answer_before_the_disk(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    send_put(client, 1, "a");
    while (!scene->write_count) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX);
        assert_true(zmq_poll(items, (int)count, PATIENCE_MS) > 0);
        control_drain(scene->control, 64, scene->now_ms);
    }
    assert_null(take_reply(client));
    end_turn(scene);
    WRITTEN(scene, client, 1, "CR:1", 1, false);
}

static void writes_of_one_turn_see_each_other(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    void *other = connect_to(scene, true);

    send_put(client, 1, "a");
    send_put(client, 2, "a");
    send_put(other, 1, "b");
    // The refusal waits for no disk: it may come first.
    for (int i = 0; i < 2; i++) {
        reply_t *reply = next_reply(scene, client);
        expect_case(reply, reply->id, reply->id == 1 ? REPLY(WRITTEN) : REPLY(REFUSAL), __LINE__);
        if (reply->id == 2)
            assert_int_equal(reply->refusal->reason, ERR_KEY_TAKEN);
        bounded_free(&reply->base);
    }
    reply_t *reply = next_reply(scene, other);
    expect_case(reply, 1, REPLY(WRITTEN), __LINE__);
    bounded_free(&reply->base);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, 2);
}

static void what_does_not_reach_the_disk_is_refused(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    scene->disk = ERR_DISK_FULL;
    send_put(client, 1, "a");
    REFUSED(scene, client, 1, ERR_DISK_FULL);
    scene->disk = ERR_OK;
    send_put(client, 2, "a");
    WRITTEN(scene, client, 2, "CR:1", 1, false);
}

static void a_fenced_node_says_so(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    scene->fence = ERR_FENCED;
    send_put(client, 1, "a");
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 1, REPLY(REFUSAL), __LINE__);
    assert_int_equal(reply->refusal->reason, ERR_FENCED);
    assert_string_equal(reply->refusal->detail, "restored from a copy");
    bounded_free(&reply->base);
    Enlace__V1__ImportBegin begin = ENLACE__V1__IMPORT_BEGIN__INIT;
    SEND(client, 2, IMPORT_BEGIN, &begin);
    REFUSED(scene, client, 2, ERR_FENCED);
    Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
    list.kind = (char *)"body";
    SEND(client, 3, LIST, &list); // asking goes on
    reply = next_reply(scene, client);
    expect_case(reply, 3, REPLY(PAGE), __LINE__);
    bounded_free(&reply->base);
}

// ---- rights ----

static void the_read_only_socket_takes_no_writing(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, false);
    Enlace__V1__Edit edit = ENLACE__V1__EDIT__INIT;
    Enlace__V1__Retract retract = ENLACE__V1__RETRACT__INIT;
    Enlace__V1__ImportBegin begin = ENLACE__V1__IMPORT_BEGIN__INIT;
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    Enlace__V1__ImportCheck check = ENLACE__V1__IMPORT_CHECK__INIT;
    Enlace__V1__ImportWrite write = ENLACE__V1__IMPORT_WRITE__INIT;
    Enlace__V1__ImportAbort abort_it = ENLACE__V1__IMPORT_ABORT__INIT;
    send_put(client, 1, "a");
    SEND(client, 2, EDIT, &edit);
    SEND(client, 3, RETRACT, &retract);
    SEND(client, 4, IMPORT_BEGIN, &begin);
    SEND(client, 5, IMPORT_LINES, &lines);
    SEND(client, 6, IMPORT_CHECK, &check);
    SEND(client, 7, IMPORT_WRITE, &write);
    SEND(client, 8, IMPORT_ABORT, &abort_it);
    for (uint64_t id = 1; id <= 8; id++)
        REFUSED(scene, client, id, ERR_NOT_ALLOWED);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, 0);
    // Three that the core counted, eight here.
    assert_int_equal(counted(scene, client, "not-allowed"), 11);
}

static void expect_mode(const scene_t *scene, const char *name, mode_t mode)
{
    struct stat status;
    char *path = home_path(scene->house.dir, name);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, mode);
    mem_free(path);
}

static void directories_decide_who_comes_in(void **state)
{
    scene_t *scene = *state;
    expect_mode(scene, "full", 0700);
    expect_mode(scene, "read", 0750);
    expect_mode(scene, "full/control", 0600);
    expect_mode(scene, "read/control", 0660);
    // A directory that was left open to others is closed when the daemon starts.
    control_destroy(&scene->control);
    char *path = home_path(scene->house.dir, "full");
    assert_int_equal(chmod(path, 0777), 0);
    open_control(scene);
    expect_mode(scene, "full", 0700);
    mem_free(path);
}

static void the_sockets_are_removed_at_the_end(void **state)
{
    scene_t *scene = *state;
    char *path = home_path(scene->house.dir, "full/control");
    assert_int_equal(access(path, F_OK), 0);
    control_destroy(&scene->control);
    assert_int_equal(access(path, F_OK), -1);
    open_control(scene);
    void *client = connect_to(scene, true);
    send_put(client, 1, "a");
    WRITTEN(scene, client, 1, "CR:1", 1, false);
    mem_free(path);
}

// ---- asking ----

static void questions_are_answered_at_both_sockets(void **state)
{
    scene_t *scene = *state;
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'a','name':'A'}");
    for (int full = 0; full < 2; full++) {
        void *client = connect_to(scene, full);
        Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
        Enlace__V1__ShowRequest show = ENLACE__V1__SHOW_REQUEST__INIT;
        Enlace__V1__DigestRequest digest = ENLACE__V1__DIGEST_REQUEST__INIT;
        Enlace__V1__VerifyRequest verify = ENLACE__V1__VERIFY_REQUEST__INIT;
        list.kind = (char *)"body";
        show.id = (char *)"GT:1";
        SEND(client, 1, LIST, &list);
        SEND(client, 2, SHOW, &show);
        SEND(client, 3, DIGEST, &digest);
        SEND(client, 4, VERIFY, &verify);
        bool seen[5] = {false};
        for (int i = 0; i < 4; i++) { // in whatever order
            reply_t *reply = next_reply(scene, client);
            assert_in_range(reply->id, 1, 4);
            static const Enlace__V1__ControlReply__BodyCase cases[] = {
                REPLY(_NOT_SET), REPLY(PAGE), REPLY(PAGE), REPLY(DIGEST), REPLY(VERIFY)};
            expect_case(reply, reply->id, cases[reply->id], __LINE__);
            assert_false(seen[reply->id]);
            seen[reply->id] = true;
            bounded_free(&reply->base);
        }
    }
}

static void status_tells_what_is_known(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, false);
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'a','name':'A'}");
    reply_t *reply = ask_status(scene, client);
    const Enlace__V1__StatusReply__Node *node = reply->status->node;
    assert_string_equal(node->code, "CR");
    assert_string_equal(node->name, "Costa Rica");
    assert_string_equal(node->coalition, "Example coalition");
    assert_string_equal(node->writing, "ok");
    assert_false(node->has_writing_since_ms);
    assert_int_equal(node->started_ms, 1700000000000);
    assert_int_equal(node->records, 1);
    assert_int_equal(node->applied, 1);
    assert_true(node->disk_free_bytes > 0);
    assert_int_equal(reply->status->n_peers, 1);
    const Enlace__V1__StatusReply__Peer *peer = reply->status->peers[0];
    assert_string_equal(peer->code, "GT");
    assert_string_equal(peer->state, "up");
    assert_true(peer->has_heard_ms);
    assert_int_equal(peer->heard_ms, 12);
    assert_false(peer->has_rtt_ms); // never measured
    assert_null(peer->why);
    assert_true(reply->status->synced);
    bounded_free(&reply->base);
    scene->fence = ERR_FENCED;
    reply = ask_status(scene, client);
    assert_string_equal(reply->status->node->writing, "fenced");
    bounded_free(&reply->base);
}

// ---- tails ----

static void a_tail_waits_and_is_woken(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    void *writer = connect_to(scene, true);
    send_tail(client, 1, false, 0, 30000);
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 1, REPLY(TAIL), __LINE__); // where it is now, at once
    assert_int_equal(reply->tail->n_changes, 0);
    uint64_t last = reply->tail->last;
    bounded_free(&reply->base);
    send_tail(client, 2, true, last, 30000);
    send_put(writer, 1, "a");
    WRITTEN(scene, writer, 1, "CR:1", 1, false);
    reply = next_reply(scene, client);
    expect_case(reply, 2, REPLY(TAIL), __LINE__);
    assert_int_equal(reply->tail->n_changes, 1);
    assert_string_equal(reply->tail->changes[0]->id, "CR:1");
    assert_int_equal(reply->tail->last, last + 1);
    bounded_free(&reply->base);
}

// The one before may still be read for when the change comes; this one waits.
static void a_tail_that_waits_in_no_thread_is_woken(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    send_tail(client, 1, true, 0, 100);
    while (control_wake_ms(scene->control) != scene->now_ms + 100) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX);
        assert_true(zmq_poll(items, (int)count, PATIENCE_MS) > 0);
        scene_turn(scene);
    }
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'a','name':'A'}");
    control_applied(scene->control);
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 1, REPLY(TAIL), __LINE__);
    assert_int_equal(reply->tail->n_changes, 1);
    assert_string_equal(reply->tail->changes[0]->id, "GT:1");
    bounded_free(&reply->base);
}

// Until a request that waits has come to where time is counted.
static void until_waiting(scene_t *scene)
{
    while (control_wake_ms(scene->control) == UINT64_MAX) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX);
        assert_true(zmq_poll(items, (int)count, PATIENCE_MS) > 0);
        scene_turn(scene);
    }
}

// Lets what was asked be drained and looked up, but no turn end, until a tail waits so long.
static void until_it_waits(scene_t *scene, uint64_t wait_ms)
{
    while (control_wake_ms(scene->control) != scene->now_ms + wait_ms) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX);
        assert_true(zmq_poll(items, (int)count, PATIENCE_MS) > 0);
        control_drain(scene->control, 64, scene->now_ms);
    }
}

static void a_tail_shows_nothing_before_it_is_on_disk(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    send_put(client, 1, "a"); // in the same turn, before it
    send_tail(client, 2, true, 0, 100);
    until_it_waits(scene, 100);
    assert_true(store_in_turn(scene->house.store));
    assert_null(take_reply(client));
    end_turn(scene);
    WRITTEN(scene, client, 1, "CR:1", 1, false);
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 2, REPLY(TAIL), __LINE__);
    assert_int_equal(reply->tail->n_changes, 1);
    bounded_free(&reply->base);
}

// What the loop tells by itself and what is left to a thread is told alike.
static void a_tail_tells_little_and_much(void **state)
{
    static const size_t counts[] = {1, 4, 5, 40};
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    uint64_t last = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        send_tail(client, i, true, last, 100);
        until_it_waits(scene, 100);
        for (size_t j = 0; j < counts[i]; j++)
            house_put(&scene->house, HOUSE_GT,
                      "{'kind':'membership','member':'@a','coalition':'@SV:c'}");
        control_applied(scene->control);
        reply_t *reply = next_reply(scene, client);
        expect_case(reply, i, REPLY(TAIL), __LINE__);
        assert_int_equal(reply->tail->n_changes, counts[i]);
        for (size_t j = 0; j < counts[i]; j++)
            assert_int_equal(reply->tail->changes[j]->n_refs, 2);
        last += counts[i];
        assert_int_equal(reply->tail->last, last);
        assert_null(take_reply(client));
        bounded_free(&reply->base);
    }
}

static void a_tail_ends_when_its_time_is_over(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    send_tail(client, 1, true, 0, 1200);
    until_waiting(scene);
    uint64_t start_ms = scene->now_ms;
    size_t working = 0;
    for (;;) {
        reply_t *reply = take_reply(client);
        if (reply && reply->body_case != REPLY(WORKING)) {
            expect_case(reply, 1, REPLY(TAIL), __LINE__);
            assert_int_equal(reply->tail->n_changes, 0);
            assert_int_equal(reply->tail->last, 0);
            bounded_free(&reply->base);
            break;
        }
        working += reply != NULL;
        if (reply)
            bounded_free(&reply->base);
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX - 1);
        items[count] = (zmq_pollitem_t){client, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(items, (int)count + 1, 20) > 0) {
            scene_turn(scene);
            continue;
        }
        // All is quiet: time goes on to what is due next. Nothing is: the last is on its way.
        uint64_t due_ms = control_wake_ms(scene->control);
        scene->now_ms = due_ms < UINT64_MAX ? due_ms : scene->now_ms;
        control_tick(scene->control, scene->now_ms);
    }
    assert_int_equal(scene->now_ms - start_ms, 1200);
    assert_int_equal(working, 2); // every half second
    assert_true(control_wake_ms(scene->control) == UINT64_MAX);
}

static void who_went_away_is_forgotten(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    void *other = connect_to(scene, true);
    send_tail(client, 1, true, 0, 30000);
    until_waiting(scene);
    assert_ptr_equal(scene->clients[0], client);
    zmq_close(client);
    scene->clients[0] = scene->clients[--scene->client_count];
    // Each Working finds out whether the client is still there; its time would
    // be over after sixty of them.
    for (int i = 0; i < 50 * 200 && control_wake_ms(scene->control) != UINT64_MAX; i++) {
        reply_t *reply = ask_status(scene, other);
        bounded_free(&reply->base);
        if (i % 200 == 0) {
            scene->now_ms += CONTROL_WORKING_MS;
            control_tick(scene->control, scene->now_ms);
        }
        scene_turn(scene);
    }
    assert_true(control_wake_ms(scene->control) == UINT64_MAX);
}

// ---- the end ----

static void who_waits_is_told_of_the_end(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    send_tail(client, 7, true, 0, 30000);
    until_waiting(scene);
    control_destroy(&scene->control);
    zmq_pollitem_t item = {client, 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    reply_t *reply = take_reply(client);
    expect_case(reply, 7, REPLY(REFUSAL), __LINE__);
    assert_int_equal(reply->refusal->reason, ERR_STOPPING);
    bounded_free(&reply->base);
    open_control(scene);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        T(what_is_written_is_answered_once_durable),
        T(no_answer_before_the_disk),
        T(writes_of_one_turn_see_each_other),
        T(what_does_not_reach_the_disk_is_refused),
        T(a_fenced_node_says_so),
        T(the_read_only_socket_takes_no_writing),
        T(directories_decide_who_comes_in),
        T(the_sockets_are_removed_at_the_end),
        T(questions_are_answered_at_both_sockets),
        T(status_tells_what_is_known),
        T(a_tail_waits_and_is_woken),
        T(a_tail_that_waits_in_no_thread_is_woken),
        T(a_tail_shows_nothing_before_it_is_on_disk),
        T(a_tail_tells_little_and_much),
        T(a_tail_ends_when_its_time_is_over),
        T(who_went_away_is_forgotten),
        T(who_waits_is_told_of_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
