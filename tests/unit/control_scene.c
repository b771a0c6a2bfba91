#include "control_scene.h"

#include <unistd.h>

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

static void node_recovery(void *context, recovery_t *recovery)
{
    const scene_t *scene = context;
    *recovery = (recovery_t){.fence = scene->fence, .missing = mem_copy_string("")};
}

static void node_accept(void *context, uint64_t request)
{
    scene_t *scene = context;
    feed_t feed = {.epoch = 1};
    control_written(scene->control, request, scene->fence ? ERR_OK : ERR_NOT_FENCED, &feed, 0);
}

static const card_t *node_own_card(void *context, head_t **ends, size_t *count)
{
    *ends = mem_alloc_array(1, sizeof **ends);
    *count = 0;
    return ((scene_t *)context)->house.feeds[HOUSE_CR].card;
}

static err_t node_epoch(void *context, uint64_t request, span_t card, fault_t *fault)
{
    (void)context;
    (void)request;
    (void)card;
    return fault_set(fault, ERR_BAD_KEY_FILE, "keys", NULL);
}

static const control_node_t node_functions = {.append = node_append,
                                              .status = node_status,
                                              .writing = node_writing,
                                              .roster = node_roster,
                                              .recovery = node_recovery,
                                              .accept = node_accept,
                                              .own_card = node_own_card,
                                              .epoch = node_epoch};

void open_control(scene_t *scene)
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

int scene_open(void **state)
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

int scene_close(void **state)
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

void end_turn(scene_t *scene)
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

void scene_turn(scene_t *scene)
{
    while (control_drain(scene->control, 64, scene->now_ms))
        end_turn(scene);
    end_turn(scene);
}

// Lets the daemon work until the socket has something to read.
void work_until(scene_t *scene, void *socket)
{
    for (;;) {
        zmq_pollitem_t items[ITEMS_MAX];
        size_t count = control_poll_items(scene->control, items, ITEMS_MAX - 1);
        assert_true(count < ITEMS_MAX);
        items[count] = (zmq_pollitem_t){socket, 0, ZMQ_POLLIN, 0};
        if (zmq_poll(items, (int)count + 1, PATIENCE_MS) <= 0)
            fail_msg("nothing happens");
        scene_turn(scene);
        if (items[count].revents)
            return;
    }
}

// ---- clients ----

void *connect_queueing(scene_t *scene, bool full, int queue)
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

void *connect_to(scene_t *scene, bool full)
{
    return connect_queueing(scene, full, 1000);
}

void send_to(void *client, uint64_t id, Enlace__V1__ControlRequest__BodyCase body_case, void *body)
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
// What has come, or NULL. The caller frees.
reply_t *take_reply(void *client)
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

reply_t *next_reply(scene_t *scene, void *client)
{
    reply_t *reply = take_reply(client);
    while (!reply) {
        work_until(scene, client);
        reply = take_reply(client);
    }
    return reply;
}

void expect_case(reply_t *reply, uint64_t id, Enlace__V1__ControlReply__BodyCase want, int line)
{
    if (reply->body_case != want || reply->id != id)
        fail_msg("line %d: reply %d to %llu instead of %d to %llu (%s)", line,
                 (int)reply->body_case, (unsigned long long)reply->id, (int)want,
                 (unsigned long long)id,
                 reply->body_case == REPLY(REFUSAL) ? err_name((err_t)reply->refusal->reason) : "");
}

void expect_refused(scene_t *scene, void *client, uint64_t id, err_t reason, int line)
{
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, id, REPLY(REFUSAL), line);
    if ((err_t)reply->refusal->reason != reason)
        fail_msg("line %d: %s instead of %s", line, err_name((err_t)reply->refusal->reason),
                 err_name(reason));
    bounded_free(&reply->base);
}
void expect_written(scene_t *scene, void *client, uint64_t id, const char *record,
                    uint64_t revision, bool unchanged, int line)
{
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, id, REPLY(WRITTEN), line);
    assert_string_equal(reply->written->id, record);
    assert_int_equal(reply->written->revision, revision);
    assert_int_equal(reply->written->unchanged, unchanged);
    bounded_free(&reply->base);
}
void send_put(void *client, uint64_t id, const char *key)
{
    Enlace__V1__Put put = ENLACE__V1__PUT__INIT;
    char *json = mem_format("{\"kind\":\"body\",\"key\":\"%s\",\"name\":\"N\"}", key);
    put.json = json;
    SEND(client, id, PUT, &put);
    mem_free(json);
}

void send_tail(void *client, uint64_t id, bool has_since, uint64_t since, uint32_t wait_ms)
{
    Enlace__V1__TailRequest tail = ENLACE__V1__TAIL_REQUEST__INIT;
    tail.has_since = has_since;
    tail.since = since;
    tail.has_wait_ms = true;
    tail.wait_ms = wait_ms;
    SEND(client, id, TAIL, &tail);
}

reply_t *ask_status(scene_t *scene, void *client)
{
    Enlace__V1__StatusRequest status = ENLACE__V1__STATUS_REQUEST__INIT;
    SEND(client, 999, STATUS, &status);
    reply_t *reply = next_reply(scene, client);
    expect_case(reply, 999, REPLY(STATUS), __LINE__);
    return reply;
}

uint64_t counted(scene_t *scene, void *client, const char *reason)
{
    reply_t *reply = ask_status(scene, client);
    uint64_t count = 0;
    for (size_t i = 0; i < reply->status->n_counters; i++)
        if (strcmp(reply->status->counters[i]->reason, reason) == 0)
            count = reply->status->counters[i]->count;
    bounded_free(&reply->base);
    return count;
}
