#include "tests/unit/fake_daemon.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

#include "lib/bounded.h"
#include "lib/control.h"
#include "lib/home.h"
#include "lib/mem.h"

struct fake_daemon {
    pthread_t thread;
    void *zmq, *door, *stop;
    int lock, dir_fd;
    fake_answer_fn answer;
    void *context;
    uint8_t peer[256];
    size_t peer_size;
    uint64_t request_id;
};

void fake_node(const char *dir)
{
    config_t *config = config_new();
    assert_int_equal(config_set(config, "node/code", "CR", NULL), ERR_OK);
    assert_int_equal(config_set(config, "node/name", "Comité", NULL), ERR_OK);
    if (access(dir, F_OK) != 0)
        assert_int_equal(home_create(dir, config, NULL), ERR_OK);
    config_destroy(&config);
}

// Returns false where the daemon is to die.
static bool take(fake_daemon_t *daemon)
{
    zmq_msg_t frame;
    int got = zmq_recv(daemon->door, daemon->peer, sizeof daemon->peer, 0);
    daemon->peer_size = got > 0 ? (size_t)got : 0;
    zmq_msg_init(&frame);
    zmq_msg_recv(&frame, daemon->door, 0);
    bool whole = !zmq_msg_more(&frame); // one frame is the whole of a request
    ProtobufCMessage *message = NULL;
    err_t err = bounded_unpack(&enlace__v1__control_request__descriptor,
                               span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)),
                               &control_request_limits, &message, NULL);
    zmq_msg_close(&frame);
    if (err || !whole)
        return false;
    const fake_request_t *request = (const fake_request_t *)message;
    daemon->request_id = request->id;
    bool lives = !daemon->answer || daemon->answer(daemon->context, daemon, request);
    bounded_free(message);
    return lives;
}

static void *run(void *argument)
{
    fake_daemon_t *daemon = argument;
    for (;;) {
        zmq_pollitem_t items[] = {{daemon->door, 0, ZMQ_POLLIN, 0},
                                  {daemon->stop, 0, ZMQ_POLLIN, 0}};
        zmq_poll(items, 2, -1);
        if (items[1].revents || !take(daemon))
            break;
    }
    zmq_close(daemon->door);
    zmq_close(daemon->stop);
    home_unlock(&daemon->lock);
    return NULL;
}

fake_daemon_t *fake_daemon_start(const char *dir, bool full, fake_answer_fn answer, void *context)
{
    fake_daemon_t *daemon = mem_alloc(sizeof *daemon);
    char endpoint[64];
    int linger = 2000; // what was said before the end is said
    fake_node(dir);
    daemon->answer = answer;
    daemon->context = context;
    assert_int_equal(home_lock(dir, &daemon->lock, NULL), ERR_OK);
    assert_int_equal(home_control(dir, full, &daemon->dir_fd, endpoint, NULL), ERR_OK);
    daemon->zmq = zmq_ctx_new();
    daemon->door = zmq_socket(daemon->zmq, ZMQ_ROUTER);
    daemon->stop = zmq_socket(daemon->zmq, ZMQ_PAIR);
    zmq_setsockopt(daemon->door, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_bind(daemon->stop, "inproc://stop"), 0);
    assert_int_equal(zmq_bind(daemon->door, endpoint), 0);
    assert_int_equal(pthread_create(&daemon->thread, NULL, run, daemon), 0);
    return daemon;
}

void fake_daemon_stop(fake_daemon_t **pointer)
{
    fake_daemon_t *daemon = *pointer;
    void *stop = zmq_socket(daemon->zmq, ZMQ_PAIR);
    int linger = 0;
    zmq_setsockopt(stop, ZMQ_LINGER, &linger, sizeof linger);
    // Where it has died there is nobody to tell.
    if (zmq_connect(stop, "inproc://stop") == 0)
        zmq_send(stop, "", 0, ZMQ_DONTWAIT);
    pthread_join(daemon->thread, NULL);
    zmq_close(stop);
    zmq_ctx_term(daemon->zmq);
    close(daemon->dir_fd);
    mem_free(daemon);
    *pointer = NULL;
}

void fake_daemon_reply_bytes(fake_daemon_t *daemon, const void *bytes, size_t size)
{
    zmq_send(daemon->door, daemon->peer, daemon->peer_size, ZMQ_SNDMORE);
    zmq_send(daemon->door, bytes, size, 0);
}

void fake_daemon_reply(fake_daemon_t *daemon, fake_reply_t *reply)
{
    if (!reply->has_id)
        reply->id = daemon->request_id;
    reply->has_id = 1;
    buf_t bytes = bounded_pack(&reply->base);
    fake_daemon_reply_bytes(daemon, bytes.data, bytes.size);
    buf_free(&bytes);
}

void fake_daemon_working(fake_daemon_t *daemon)
{
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__Working working = ENLACE__V1__WORKING__INIT;
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_WORKING;
    reply.working = &working;
    fake_daemon_reply(daemon, &reply);
}

void fake_daemon_refuse(fake_daemon_t *daemon, unsigned reason, unsigned line, const char *field,
                        const char *detail)
{
    fake_reply_t reply = ENLACE__V1__CONTROL_REPLY__INIT;
    Enlace__V1__Refusal refusal = ENLACE__V1__REFUSAL__INIT;
    char *field_copy = mem_copy_string(field), *detail_copy = mem_copy_string(detail);
    refusal.has_reason = 1;
    refusal.reason = reason;
    refusal.has_line = line > 0;
    refusal.line = line;
    refusal.field = field_copy;
    refusal.detail = detail_copy;
    reply.body_case = ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL;
    reply.refusal = &refusal;
    fake_daemon_reply(daemon, &reply);
    mem_free(field_copy);
    mem_free(detail_copy);
}
