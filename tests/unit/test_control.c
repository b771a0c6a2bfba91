// The control edge whole: real sockets, a real store, reader threads; the node
// behind it is played by the test, and so is the clock.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "daemon/control.h"
#include "house.h"
#include "lib/control.h"
#include "lib/mem.h"

typedef Enlace__V1__ControlRequest request_t;
typedef Enlace__V1__ControlReply reply_t;
#define REPLY(symbol) ENLACE__V1__CONTROL_REPLY__BODY_##symbol

enum { WRITES_MAX = 64, CLIENTS_MAX = 8, ITEMS_MAX = 16, PATIENCE_MS = 20000 };

typedef struct {
    uint64_t request, first;
    err_t reason;
} write_t;

typedef struct {
    house_t house;
    void *zmq;
    config_t config;
    control_t *control;
    uint64_t now_ms;
    err_t fence;        // what writing is refused with
    err_t disk;         // what the turn fails with
    size_t write_count; // of the turn
    write_t writes[WRITES_MAX];
    size_t client_count;
    void *clients[CLIENTS_MAX];
} scene_t;

// ---- the node behind it ----

static void node_append(void *context, uint64_t request, const draft_t *drafts, size_t count)
{
    scene_t *scene = context;
    write_t *write = &scene->writes[scene->write_count++];
    assert_true(scene->write_count <= WRITES_MAX);
    *write = (write_t){request, 0, scene->disk};
    if (!scene->disk)
        write->first = house_append(&scene->house, HOUSE_CR, drafts, count);
}

static void node_status(void *context, status_t *status, totals_t *totals)
{
    const scene_t *scene = context;
    fault_t fault;
    *status = (status_t){.roster_version = 1, .epoch = 1, .writing = scene->fence, .synced = true};
    code_parse("CR", &status->code);
    status->coalition_name = mem_copy_string("Example coalition");
    status->peer_count = 1;
    status->peers = mem_alloc(sizeof *status->peers);
    status->peers[0] = (peer_status_t){.state = "up",
                                       .direction = "out",
                                       .endpoint = mem_copy_string("tcp://gt.example:7000"),
                                       .heard_ms = 12,
                                       .rtt_ms = AGE_NEVER,
                                       .beacon_age_ms = AGE_NEVER};
    code_parse("GT", &status->peers[0].code);
    status->counter_count = 1;
    status->counters = mem_alloc(sizeof *status->counters);
    status->counters[0] = (counter_status_t){ERR_NOT_ALLOWED, 3, 900, "link"};
    assert_int_equal(store_totals(scene->house.store, totals, &fault), ERR_OK);
}

static err_t node_writing(void *context, const char **detail)
{
    const scene_t *scene = context;
    *detail = scene->fence ? "restored from a copy" : NULL;
    return scene->fence;
}

static const roster_t *node_roster(void *context)
{
    return ((scene_t *)context)->house.roster;
}

static const control_node_t node_functions = {
    .append = node_append, .status = node_status, .writing = node_writing, .roster = node_roster};

static void open_control(scene_t *scene)
{
    control_node_t node = node_functions;
    fault_t fault = {0};
    node.context = scene;
    control_options_t options = {.zmq = scene->zmq,
                                 .dir = scene->house.dir,
                                 .config = &scene->config,
                                 .self = scene->house.feeds[HOUSE_CR].card->origin,
                                 .store = scene->house.store,
                                 .database = scene->house.database,
                                 .started_ms = 1700000000000};
    if (control_new(&options, &node, &scene->control, &fault))
        fail_msg("%s %s: %s", err_name(fault.err), fault.where, fault.detail);
}

static int set_up(void **state)
{
    scene_t *scene = mem_alloc(sizeof *scene);
    house_open(&scene->house);
    scene->zmq = zmq_ctx_new();
    scene->now_ms = 1000000;
    scene->config.name = (char *)"Costa Rica";
    strcpy(scene->config.code, "CR");
    strcpy(scene->config.lang, "es");
    open_control(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_t *scene = *state;
    control_destroy(&scene->control);
    // Also after a failure: a socket left open would hold up the end for ever.
    for (size_t i = 0; i < scene->client_count; i++)
        zmq_close(scene->clients[i]);
    zmq_ctx_term(scene->zmq);
    house_close(&scene->house);
    mem_free(scene);
    return 0;
}

// ---- the loop ----

static void end_turn(scene_t *scene)
{
    size_t count = scene->write_count;
    house_commit(&scene->house);
    scene->write_count = 0;
    for (size_t i = 0; i < count; i++)
        control_written(scene->control, scene->writes[i].request, scene->writes[i].reason,
                        &scene->house.feeds[HOUSE_CR].head.feed, scene->writes[i].first);
    if (count)
        control_applied(scene->control);
}

static void turn(scene_t *scene)
{
    while (control_drain(scene->control, 64, scene->now_ms))
        end_turn(scene);
    end_turn(scene);
}

// Lets the daemon work until the socket has something to read.
static void work_until(scene_t *scene, void *socket)
{
    for (;;) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX - 1);
        assert_true(count < ITEMS_MAX);
        items[count] = (zmq_pollitem_t){socket, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(items, (int)count + 1, PATIENCE_MS) <= 0)
            fail_msg("nothing happens");
        turn(scene);
        if (items[count].revents)
            return;
    }
}

// ---- clients ----

static void *connect_queueing(scene_t *scene, bool full, int queue)
{
    char endpoint[64];
    int fd;
    int linger = 0;
    assert_true(scene->client_count < CLIENTS_MAX);
    void *socket = scene->clients[scene->client_count++] = zmq_socket(scene->zmq, ZMQ_DEALER);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue);
    assert_int_equal(home_control(scene->house.dir, full, &fd, endpoint, NULL), ERR_OK);
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    // Connected by the time that a first reply has come; the descriptor is needed until then.
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    buf_t bytes = bounded_pack(&request.base);
    assert_true(zmq_send(socket, bytes.data, bytes.size, 0) >= 0);
    work_until(scene, socket);
    char ignored[512];
    assert_true(zmq_recv(socket, ignored, sizeof ignored, 0) > 0);
    buf_free(&bytes);
    close(fd);
    return socket;
}

static void *connect_to(scene_t *scene, bool full)
{
    return connect_queueing(scene, full, 1000);
}

static void send_to(void *client, uint64_t id, Enlace__V1__ControlRequest__BodyCase body_case,
                    void *body)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    request.has_id = true;
    request.id = id;
    request.body_case = body_case;
    request.put = body;
    buf_t bytes = bounded_pack(&request.base);
    assert_int_equal(zmq_send(client, bytes.data, bytes.size, ZMQ_DONTWAIT), bytes.size);
    buf_free(&bytes);
}
#define SEND(client, id, symbol, body)                                                             \
    send_to(client, id, ENLACE__V1__CONTROL_REQUEST__BODY_##symbol, body)

// What has come, or NULL. The caller frees.
static reply_t *take(void *client)
{
    zmq_msg_t frame;
    ProtobufCMessage *reply = NULL;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, client, ZMQ_DONTWAIT) >= 0) {
        span_t bytes = {zmq_msg_data(&frame), zmq_msg_size(&frame)};
        assert_int_equal(bounded_unpack(&enlace__v1__control_reply__descriptor, bytes,
                                        &control_reply_limits, &reply, NULL),
                         ERR_OK);
        assert_false(zmq_msg_more(&frame));
    }
    zmq_msg_close(&frame);
    return (reply_t *)reply;
}

static reply_t *next_reply(scene_t *scene, void *client)
{
    reply_t *reply = take(client);
    while (!reply) {
        work_until(scene, client);
        reply = take(client);
    }
    return reply;
}

static void expect_case(reply_t *reply, uint64_t id, Enlace__V1__ControlReply__BodyCase want,
                        int line)
{
    if (reply->body_case != want || reply->id != id)
        fail_msg("line %d: reply %d to %llu instead of %d to %llu (%s)", line,
                 (int)reply->body_case, (unsigned long long)reply->id, (int)want,
                 (unsigned long long)id,
                 reply->body_case == REPLY(REFUSAL) ? err_name((err_t)reply->refusal->reason) : "");
}

static void expect_refused(scene_t *scene, void *client, uint64_t id, err_t reason, int line)
{
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, id, REPLY(REFUSAL), line);
    if ((err_t)reply->refusal->reason != reason)
        fail_msg("line %d: %s instead of %s", line, err_name((err_t)reply->refusal->reason),
                 err_name(reason));
    bounded_free(&reply->base);
}
#define REFUSED(scene, client, id, reason) expect_refused(scene, client, id, reason, __LINE__)

static void expect_written(scene_t *scene, void *client, uint64_t id, const char *record,
                           uint64_t revision, bool unchanged, int line)
{
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, id, REPLY(WRITTEN), line);
    assert_string_equal(reply->written->id, record);
    assert_int_equal(reply->written->revision, revision);
    assert_int_equal(reply->written->unchanged, unchanged);
    bounded_free(&reply->base);
}
#define WRITTEN(scene, client, id, record, revision, unchanged)                                    \
    expect_written(scene, client, id, record, revision, unchanged, __LINE__)

static void send_put(void *client, uint64_t id, const char *key)
{
    Enlace__V1__Put put = ENLACE__V1__PUT__INIT;
    char *json = mem_format("{\"kind\":\"body\",\"key\":\"%s\",\"name\":\"N\"}", key);
    put.json = json;
    SEND(client, id, PUT, &put);
    mem_free(json);
}

static void send_tail(void *client, uint64_t id, bool has_since, uint64_t since, uint32_t wait_ms)
{
    Enlace__V1__TailRequest tail = ENLACE__V1__TAIL_REQUEST__INIT;
    tail.has_since = has_since;
    tail.since = since;
    tail.has_wait_ms = true;
    tail.wait_ms = wait_ms;
    SEND(client, id, TAIL, &tail);
}

static reply_t *ask_status(scene_t *scene, void *client)
{
    Enlace__V1__StatusRequest status = ENLACE__V1__STATUS_REQUEST__INIT;
    SEND(client, 999, STATUS, &status);
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 999, REPLY(STATUS), __LINE__);
    return reply;
}

static uint64_t counted(scene_t *scene, void *client, const char *reason)
{
    reply_t *reply = ask_status(scene, client);
    uint64_t count = 0;
    for (size_t i = 0; i < reply->status->n_counters; i++)
        if (strcmp(reply->status->counters[i]->reason, reason) == 0)
            count = reply->status->counters[i]->count;
    bounded_free(&reply->base);
    return count;
}

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
    assert_null(take(client));
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

static void a_tail_ends_when_its_time_is_over(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    send_tail(client, 1, true, 0, 1200);
    turn(scene);
    uint64_t start_ms = scene->now_ms;
    size_t working = 0;
    for (;;) {
        reply_t *reply = take(client);
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
            turn(scene);
            continue;
        }
        // All is quiet: time goes on to what is due next.
        scene->now_ms = control_wake_ms(scene->control);
        assert_true(scene->now_ms < UINT64_MAX);
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
    while (control_wake_ms(scene->control) == UINT64_MAX) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX);
        assert_true(zmq_poll(items, (int)count, PATIENCE_MS) > 0);
        turn(scene);
    }
    assert_ptr_equal(scene->clients[0], client);
    zmq_close(client);
    scene->clients[0] = scene->clients[--scene->client_count];
    // Each Working finds out whether the client is still there.
    for (int i = 0; i < 20000 && control_wake_ms(scene->control) != UINT64_MAX; i++) {
        reply_t *reply = ask_status(scene, other);
        bounded_free(&reply->base);
        scene->now_ms += CONTROL_WORKING_MS;
        control_tick(scene->control, scene->now_ms);
        turn(scene);
    }
    assert_true(control_wake_ms(scene->control) == UINT64_MAX);
}

// ---- bounds and garbage ----

static void too_many_at_once_is_refused(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, false);
    void *other = connect_to(scene, false);
    for (uint64_t id = 1; id <= CONTROL_OUTSTANDING_MAX; id++)
        send_tail(client, id, true, 0, 30000);
    send_tail(client, 50, true, 0, 30000);
    REFUSED(scene, client, 50, ERR_BUSY);
    reply_t *reply = ask_status(scene, other); // another client is served
    bounded_free(&reply->base);
    // All sixteen are answered by one change.
    house_put(&scene->house, HOUSE_GT, "{'kind':'body','key':'a','name':'A'}");
    control_applied(scene->control);
    for (uint64_t id = 1; id <= CONTROL_OUTSTANDING_MAX; id++) {
        reply = next_reply(scene, client);
        expect_case(reply, reply->id, REPLY(TAIL), __LINE__);
        assert_int_equal(reply->tail->n_changes, 1);
        bounded_free(&reply->base);
    }
}

static void send_raw(void *client, const void *bytes, size_t size)
{
    assert_int_equal(zmq_send(client, bytes, size, ZMQ_DONTWAIT), size);
}

static void garbage_is_counted_and_harmless(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    static const char truncated[] = "\x08\x05\x12\x20put";
    static const char newer_request[] = "\x08\x05\xd2\x0c\x01x";          // field 202
    static const char newer_field[] = "\x08\x06\x22\x04\x0a\x00\x50\x01"; // retract, field 10
    static const char bad_text[] = "\x08\x07\x22\x04\x0a\x02\xff\xfe";
    static const char two_bodies[] = "\x08\x08\x22\x00\x6a\x00";
    uint64_t before = counted(scene, client, "truncated");
    send_raw(client, truncated, sizeof truncated - 1);
    REFUSED(scene, client, 0, ERR_TRUNCATED);
    assert_int_equal(counted(scene, client, "truncated"), before + 1);
    send_raw(client, newer_request, sizeof newer_request - 1);
    REFUSED(scene, client, 5, ERR_UNKNOWN_MESSAGE);
    send_raw(client, newer_field, sizeof newer_field - 1);
    REFUSED(scene, client, 6, ERR_UNKNOWN_FIELD);
    send_raw(client, bad_text, sizeof bad_text - 1);
    REFUSED(scene, client, 0, ERR_BAD_UTF8);
    send_raw(client, two_bodies, sizeof two_bodies - 1);
    REFUSED(scene, client, 0, ERR_DUPLICATE_FIELD);
    send_raw(client, "", 0); // no body: nothing that is known
    REFUSED(scene, client, 0, ERR_UNKNOWN_MESSAGE);
    // Two frames and more: nobody to answer.
    for (int parts = 2; parts < 6; parts++)
        for (int i = 0; i < parts; i++)
            assert_true(zmq_send(client, "x", 1, i + 1 < parts ? ZMQ_SNDMORE : 0) == 1);
    assert_int_equal(counted(scene, client, "bad-frames"), 4);
    // Larger than a request may be.
    uint8_t *big = mem_alloc(CONTROL_REQUEST_BYTES_MAX + 1);
    send_raw(client, big, CONTROL_REQUEST_BYTES_MAX + 1);
    REFUSED(scene, client, 0, ERR_TOO_BIG);
    mem_free(big);
    send_put(client, 9, "a");
    WRITTEN(scene, client, 9, "CR:1", 1, false);
}

static void every_prefix_of_a_request_is_survived(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    static const char good[] = "\x08\x05\x52\x16\x0a\x04" // list: kind, filter, owner
                               "body\x12\x08\x0a\x03key\x12\x01"
                               "a\x1a\x04GT\x00\x00";
    for (size_t size = 0; size < sizeof good - 1; size++) {
        send_raw(client, good, size);
        reply_t *reply = next_reply(scene, client);
        assert_true(reply->body_case == REPLY(REFUSAL) || reply->body_case == REPLY(PAGE));
        bounded_free(&reply->base);
    }
    for (size_t at = 0; at < sizeof good - 1; at++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[at] = (char)(bad[at] ^ (1 << (at % 8)));
        send_raw(client, bad, sizeof good - 1);
        reply_t *reply = next_reply(scene, client);
        bounded_free(&reply->base);
    }
    send_put(client, 9, "a");
    WRITTEN(scene, client, 9, "CR:1", 1, false);
}

// Not ZeroMQ at all.
static void noise_on_the_socket_is_counted(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/full/control", scene->house.dir);
    static const char noise[] = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00GARBAGE"
                                "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                                "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                                "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_true(write(fd, noise, sizeof noise) > 0);
    uint64_t failed = 0;
    for (int i = 0; i < 200 && !failed; i++) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX);
        zmq_poll(items, (int)count, 50);
        turn(scene);
        failed = counted(scene, client, "handshake-failed");
    }
    assert_int_equal(failed, 1);
    close(fd);
}

// A client that asks and never reads is given up on; others are served.
static void who_never_reads_holds_up_nobody(void **state)
{
    scene_t *scene = *state;
    void *client = connect_queueing(scene, false, 1);
    void *other = connect_to(scene, true);
    char note[15001];
    memset(note, 'x', 15000);
    note[15000] = '\0';
    for (int i = 0; i < 16; i++) {
        char *text = mem_format("{'kind':'body','key':'k%d','name':'N','note':'%s'}", i, note);
        house_put(&scene->house, HOUSE_GT, text);
        mem_free(text);
    }
    Enlace__V1__ListRequest list = ENLACE__V1__LIST_REQUEST__INIT;
    list.kind = (char *)"body";
    uint64_t dropped = 0;
    for (uint64_t id = 1; id <= 3000 && !dropped; id++) {
        request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
        request.has_id = true;
        request.id = id;
        request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_LIST;
        request.list = &list;
        buf_t bytes = bounded_pack(&request.base);
        zmq_send(client, bytes.data, bytes.size, ZMQ_DONTWAIT); // as many as it can
        buf_free(&bytes);
        dropped = counted(scene, other, "queue-full");
    }
    assert_true(dropped > 0);
    send_put(other, 9, "a");
    WRITTEN(scene, other, 9, "CR:1", 1, false);
}

static void who_waits_is_told_of_the_end(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    send_tail(client, 7, true, 0, 30000);
    while (control_wake_ms(scene->control) == UINT64_MAX) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX);
        assert_true(zmq_poll(items, (int)count, PATIENCE_MS) > 0);
        turn(scene);
    }
    control_destroy(&scene->control);
    zmq_pollitem_t item = {client, 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    reply_t *reply = take(client);
    expect_case(reply, 7, REPLY(REFUSAL), __LINE__);
    assert_int_equal(reply->refusal->reason, ERR_STOPPING);
    bounded_free(&reply->base);
    open_control(scene);
}

// ---- imports ----

static Enlace__V1__ImportState import_reply(scene_t *scene, void *client, uint64_t id, int line)
{
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, id, REPLY(IMPORT_STATE), line);
    Enlace__V1__ImportState state = *reply->import_state;
    bounded_free(&reply->base);
    return state;
}
#define STATE(scene, client, id) import_reply(scene, client, id, __LINE__)

static uint64_t begin_import(scene_t *scene, void *client)
{
    Enlace__V1__ImportBegin begin = ENLACE__V1__IMPORT_BEGIN__INIT;
    SEND(client, 100, IMPORT_BEGIN, &begin);
    return STATE(scene, client, 100).import;
}

static void send_lines(void *client, uint64_t import, const char *text)
{
    Enlace__V1__ImportLines lines = ENLACE__V1__IMPORT_LINES__INIT;
    char *line = (char *)text;
    lines.has_import = lines.has_first_line = lines.has_last = true;
    lines.import = import;
    lines.first_line = 1;
    lines.n_lines = 1;
    lines.lines = &line;
    lines.last = true;
    SEND(client, 101, IMPORT_LINES, &lines);
}

static void send_check(void *client, uint64_t import)
{
    Enlace__V1__ImportCheck check = ENLACE__V1__IMPORT_CHECK__INIT;
    check.has_import = true;
    check.import = import;
    SEND(client, 102, IMPORT_CHECK, &check);
}

static void send_write(void *client, uint64_t import)
{
    Enlace__V1__ImportWrite write = ENLACE__V1__IMPORT_WRITE__INIT;
    write.has_import = true;
    write.import = import;
    SEND(client, 103, IMPORT_WRITE, &write);
}

static const char import_line_text[] =
    "{\"node\":\"CR\",\"kind\":\"body\",\"key\":\"a\",\"name\":\"A\"}";

static void an_import_goes_step_by_step(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    send_lines(client, import, import_line_text);
    Enlace__V1__ImportState got = STATE(scene, client, 101);
    assert_int_equal(got.staged, 1);
    assert_true(got.done);
    do {
        send_check(client, import);
        got = STATE(scene, client, 102);
    } while (!got.done);
    assert_int_equal(got.checked, 1);
    scene->disk = ERR_DISK_FULL;
    send_write(client, import);
    REFUSED(scene, client, 103, ERR_DISK_FULL);
    scene->disk = ERR_OK; // room again: the same batch is tried again
    do {
        send_write(client, import);
        got = STATE(scene, client, 103);
    } while (!got.done);
    assert_int_equal(got.created, 1);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, 1);
    send_write(client, import); // over, and forgotten
    REFUSED(scene, client, 103, ERR_NO_SUCH_IMPORT);
}

static void a_refused_import_names_line_and_field(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    send_lines(client, import,
               "{\"node\":\"CR\",\"kind\":\"committee\",\"key\":\"a\",\"lead_sector\":\"X\"}");
    STATE(scene, client, 101);
    send_check(client, import);
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 102, REPLY(REFUSAL), __LINE__);
    assert_int_equal(reply->refusal->reason, ERR_BAD_ENUM);
    assert_int_equal(reply->refusal->line, 1);
    assert_string_equal(reply->refusal->field, "lead_sector");
    assert_string_equal(reply->refusal->where, "line 1, field lead_sector");
    bounded_free(&reply->base);
    send_check(client, import);
    REFUSED(scene, client, 102, ERR_NO_SUCH_IMPORT);
}

static void an_import_is_its_clients_and_does_not_last(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    void *other = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    send_check(other, import);
    REFUSED(scene, other, 102, ERR_NO_SUCH_IMPORT);
    send_write(client, import);
    REFUSED(scene, client, 103, ERR_UNEXPECTED);
    scene->now_ms += 110000; // within two minutes of the last request
    control_tick(scene->control, scene->now_ms);
    send_lines(client, import, import_line_text);
    STATE(scene, client, 101);
    scene->now_ms = control_wake_ms(scene->control);
    control_tick(scene->control, scene->now_ms);
    send_check(client, import);
    REFUSED(scene, client, 102, ERR_NO_SUCH_IMPORT);
    for (int i = 0; i < 16; i++)
        begin_import(scene, client);
    Enlace__V1__ImportBegin begin = ENLACE__V1__IMPORT_BEGIN__INIT;
    SEND(client, 5, IMPORT_BEGIN, &begin);
    REFUSED(scene, client, 5, ERR_BUSY);
}

static void an_import_can_be_given_up(void **state)
{
    scene_t *scene = *state;
    void *client = connect_to(scene, true);
    uint64_t import = begin_import(scene, client);
    Enlace__V1__ImportAbort abort_it = ENLACE__V1__IMPORT_ABORT__INIT;
    abort_it.has_import = true;
    abort_it.import = import;
    SEND(client, 1, IMPORT_ABORT, &abort_it);
    assert_true(STATE(scene, client, 1).done);
    SEND(client, 2, IMPORT_ABORT, &abort_it);
    REFUSED(scene, client, 2, ERR_NO_SUCH_IMPORT);
    assert_int_equal(scene->house.feeds[HOUSE_CR].head.number, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
        T(a_tail_ends_when_its_time_is_over),
        T(who_went_away_is_forgotten),
        T(too_many_at_once_is_refused),
        T(garbage_is_counted_and_harmless),
        T(every_prefix_of_a_request_is_survived),
        T(noise_on_the_socket_is_counted),
        T(who_never_reads_holds_up_nobody),
        T(who_waits_is_told_of_the_end),
        T(an_import_goes_step_by_step),
        T(a_refused_import_names_line_and_field),
        T(an_import_is_its_clients_and_does_not_last),
        T(an_import_can_be_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
