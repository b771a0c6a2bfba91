// The control edge and clients that mean it ill, or are broken.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_scene.h"

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
        scene_turn(scene);
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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, scene_open, scene_close)
    const struct CMUnitTest tests[] = {
        T(too_many_at_once_is_refused),           T(garbage_is_counted_and_harmless),
        T(every_prefix_of_a_request_is_survived), T(noise_on_the_socket_is_counted),
        T(who_never_reads_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
