#include "client/talk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "client/text.h"
#include "client/when.h"
#include "lib/bounded.h"
#include "lib/control.h"
#include "lib/home.h"
#include "lib/mem.h"

enum {
    FIRST_WORD_MS = 900, // with what comes before and after, within a second
    SILENCE_MS = 3000,
    CLOSE_MS = 0, // nothing that was not sent by then is worth waiting for
};

struct talk {
    char *dir;
    char *lang; // NULL: not said
    int dir_fd;
    void *context;
    void *socket;
    void *monitor;
    bool connected; // a handshake succeeded
    bool gone;      // and the connection ended since
    bool heard;
    uint64_t last_id;
    bool writes; // the request that was sent last
    working_fn working;
    void *working_context;
    int watch_fd, watch_pipe;
    bool interrupted; // by one of the two
};

// ---- opening ----

static bool may_enter_full(const char *dir)
{
    char *path = home_path(dir, "full");
    bool may = access(path, X_OK) == 0;
    mem_free(path);
    return may;
}

static void set_int(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

static bool make_sockets(talk_t *talk, const char *endpoint)
{
    static const char monitor_endpoint[] = "inproc://control-monitor";
    int64_t most = CONTROL_REPLY_BYTES_MAX;
    talk->context = zmq_ctx_new();
    talk->socket = zmq_socket(talk->context, ZMQ_DEALER);
    talk->monitor = zmq_socket(talk->context, ZMQ_PAIR);
    if (!talk->socket || !talk->monitor)
        return false;
    set_int(talk->socket, ZMQ_LINGER, CLOSE_MS);
    set_int(talk->monitor, ZMQ_LINGER, CLOSE_MS);
    // Not ZMQ_IMMEDIATE: with it, an answer that came just before the connection
    // ended is thrown away (socket_base_t::hiccuped). What must not leave before a
    // daemon is there waits for the handshake in send_request instead. A daemon
    // that is just starting is tried again soon.
    set_int(talk->socket, ZMQ_RECONNECT_IVL, 20);
    zmq_setsockopt(talk->socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
    return zmq_socket_monitor(talk->socket, monitor_endpoint,
                              ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) == 0 &&
           zmq_connect(talk->monitor, monitor_endpoint) == 0 &&
           zmq_connect(talk->socket, endpoint) == 0;
}

static err_t check_running(const char *dir, fault_t *fault)
{
    bool running = false;
    err_t err = home_running(dir, &running, fault);
    if (!err && !running)
        err = fault_set(fault, ERR_UNREACHABLE_NODE, dir, _("no daemon runs on this directory"));
    return err;
}

err_t talk_open(const char *dir, const char *lang, talk_t **result, fault_t *fault)
{
    char endpoint[64];
    *result = NULL;
    err_t err = check_running(dir, fault);
    if (err)
        return err;
    talk_t *talk = mem_alloc(sizeof *talk);
    talk->dir = mem_copy_string(dir);
    talk->lang = mem_copy_string(lang);
    talk->watch_fd = talk->watch_pipe = -1;
    err = home_control(dir, may_enter_full(dir), &talk->dir_fd, endpoint, fault);
    if (!err && !make_sockets(talk, endpoint))
        err = fault_set(fault, ERR_UNREACHABLE_NODE, dir, "%s", zmq_strerror(zmq_errno()));
    if (err)
        talk_close(&talk);
    *result = talk;
    return err;
}

void talk_close(talk_t **talk_pointer)
{
    talk_t *talk = *talk_pointer;
    if (!talk)
        return;
    if (talk->socket) {
        zmq_socket_monitor(talk->socket, NULL, 0);
        zmq_close(talk->socket);
    }
    if (talk->monitor)
        zmq_close(talk->monitor);
    if (talk->context)
        zmq_ctx_term(talk->context);
    if (talk->dir_fd >= 0)
        close(talk->dir_fd);
    mem_free(talk->dir);
    mem_free(talk->lang);
    mem_free(talk);
    *talk_pointer = NULL;
}

void talk_on_working(talk_t *talk, working_fn fn, void *context)
{
    talk->working = fn;
    talk->working_context = context;
}

void talk_watch(talk_t *talk, int fd, int pipe_fd)
{
    talk->watch_fd = fd;
    talk->watch_pipe = pipe_fd;
}

// ---- waiting ----

// An event is a frame of a 16-bit number and a 32-bit value, then one with the address.
static void read_monitor(talk_t *talk)
{
    uint8_t frame[6];
    char address[256];
    while (zmq_recv(talk->monitor, frame, sizeof frame, ZMQ_DONTWAIT) >= 2) {
        uint16_t event = 0;
        memcpy(&event, frame, sizeof event);
        zmq_recv(talk->monitor, address, sizeof address, ZMQ_DONTWAIT);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            talk->connected = true;
        else if (event == ZMQ_EVENT_DISCONNECTED && talk->connected)
            talk->gone = true;
    }
}

// Waits for the socket (events) until the deadline, for the connection's end, or
// for what is watched: false then.
static bool wait(talk_t *talk, short events, uint64_t deadline_ms)
{
    zmq_pollitem_t items[] = {
        {talk->socket, 0, events, 0},
        {talk->monitor, 0, ZMQ_POLLIN, 0},
        {NULL, talk->watch_fd, ZMQ_POLLIN, 0},
        {NULL, talk->watch_pipe, ZMQ_POLLERR, 0},
    };
    int count = 2;
    if (talk->watch_fd >= 0)
        count = talk->watch_pipe >= 0 ? 4 : 3;
    uint64_t now = when_monotonic_ms();
    int ready = zmq_poll(items, count, now < deadline_ms ? (long)(deadline_ms - now) : 0);
    if (ready < 0)
        return zmq_errno() == EINTR;
    if (items[1].revents)
        read_monitor(talk);
    return !(count > 2 && items[2].revents) && !(count > 3 && (items[3].revents & ZMQ_POLLERR));
}

static err_t lost(const talk_t *talk, bool writes, bool sent, fault_t *fault)
{
    bool running = false;
    fault_t ignored;
    if (writes && sent)
        return fault_set(fault, ERR_OUTCOME_UNKNOWN, talk->dir, NULL);
    if (talk->gone || home_running(talk->dir, &running, &ignored) || !running)
        return fault_set(fault, ERR_UNREACHABLE_NODE, talk->dir,
                         talk->heard ? _("the daemon ended during the request")
                                     : _("no daemon runs on this directory"));
    return fault_set(fault, ERR_UNREACHABLE_NODE, talk->dir,
                     talk->heard ? _("the daemon runs, but says nothing more")
                                 : _("a daemon runs there, but does not answer"));
}

bool talk_interrupted(const talk_t *talk)
{
    return talk->interrupted;
}

static err_t stopped(talk_t *talk, fault_t *fault)
{
    talk->interrupted = true;
    return fault_set(fault, ERR_STOPPING, NULL, NULL);
}

// ---- asking ----

static bool request_writes(const request_t *request)
{
    switch (request->body_case) {
    case ENLACE__V1__CONTROL_REQUEST__BODY_PUT:
    case ENLACE__V1__CONTROL_REQUEST__BODY_EDIT:
    case ENLACE__V1__CONTROL_REQUEST__BODY_RETRACT:
    case ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_WRITE:
        return true;
    default:
        return false;
    }
}

// Nothing leaves before there is a daemon at the other end: what was not sent was
// not done.
static err_t await_handshake(talk_t *talk, bool writes, uint64_t deadline_ms, fault_t *fault)
{
    read_monitor(talk);
    while (!talk->connected || talk->gone) {
        if (talk->gone || when_monotonic_ms() >= deadline_ms)
            return lost(talk, writes, false, fault);
        if (!wait(talk, 0, deadline_ms))
            return stopped(talk, fault);
    }
    return ERR_OK;
}

static err_t send_request(talk_t *talk, const request_t *request, uint64_t deadline_ms,
                          fault_t *fault)
{
    bool writes = request_writes(request);
    err_t err = await_handshake(talk, writes, deadline_ms, fault);
    if (err)
        return err;
    buf_t bytes = bounded_pack(&request->base);
    // One request at a time: the queue is empty, so there is room in it.
    if (zmq_send(talk->socket, bytes.data, bytes.size, ZMQ_DONTWAIT) < 0)
        err = lost(talk, writes, false, fault);
    buf_free(&bytes);
    return err;
}

static err_t unintelligible(const talk_t *talk, fault_t *fault)
{
    return fault_set(fault, ERR_UNEXPECTED, talk->dir,
                     _("the daemon's answer is not understood: is it of another version?"));
}

// Takes one frame if there is one. ERR_BUSY: there is none.
static err_t take_frame(talk_t *talk, reply_t **reply, fault_t *fault)
{
    zmq_msg_t frame;
    ProtobufCMessage *message = NULL;
    zmq_msg_init(&frame);
    err_t err = ERR_BUSY;
    if (zmq_msg_recv(&frame, talk->socket, ZMQ_DONTWAIT) >= 0) {
        talk->heard = true;
        err = bounded_unpack(&enlace__v1__control_reply__descriptor,
                             span_of(zmq_msg_data(&frame), zmq_msg_size(&frame)),
                             &control_reply_limits, &message, fault);
        if (err)
            err = unintelligible(talk, fault);
    }
    zmq_msg_close(&frame);
    *reply = (reply_t *)message;
    return err;
}

// One answer to this request, or ERR_BUSY where it is not there yet. Frames that
// only tell that the daemon lives, and late answers to others, are passed over.
static err_t take_answer(talk_t *talk, reply_t **reply, bool *any, fault_t *fault)
{
    err_t err = ERR_OK;
    while (!(err = take_frame(talk, reply, fault))) {
        *any = true;
        bool mine = (*reply)->id == talk->last_id;
        bool working = (*reply)->body_case == ENLACE__V1__CONTROL_REPLY__BODY_WORKING;
        if (mine && !working)
            return ERR_OK;
        if (mine && talk->working)
            talk->working(talk->working_context, (*reply)->working->done, (*reply)->working->total);
        talk_free(reply);
    }
    return err;
}

static err_t await_answer(talk_t *talk, bool writes, uint64_t deadline_ms, reply_t **reply,
                          fault_t *fault)
{
    for (;;) {
        bool any = false;
        // Looked at before the socket is emptied: an answer that came before the
        // connection ended is an answer.
        bool gone = talk->gone;
        err_t err = take_answer(talk, reply, &any, fault);
        if (err != ERR_BUSY)
            return err;
        if (any)
            deadline_ms = when_monotonic_ms() + SILENCE_MS;
        if (gone || when_monotonic_ms() >= deadline_ms)
            return lost(talk, writes, true, fault);
        if (!talk->gone && !wait(talk, ZMQ_POLLIN, deadline_ms))
            return stopped(talk, fault);
    }
}

static err_t refused(const Enlace__V1__Refusal *refusal, fault_t *fault)
{
    char where[sizeof fault->where] = "";
    err_t err = refusal->reason ? (err_t)refusal->reason : ERR_INTERNAL;
    const char *field = refusal->field ? refusal->field : "";
    if (refusal->has_line && refusal->line && *field)
        snprintf(where, sizeof where, _("line %llu, field %s"), (unsigned long long)refusal->line,
                 field);
    else if (refusal->has_line && refusal->line)
        snprintf(where, sizeof where, _("line %llu"), (unsigned long long)refusal->line);
    else
        snprintf(where, sizeof where, "%s", refusal->where ? refusal->where : field);
    return fault_set(fault, err, where, "%s", refusal->detail ? refusal->detail : "");
}

static uint64_t deadline(const talk_t *talk)
{
    return when_monotonic_ms() + (talk->heard ? SILENCE_MS : FIRST_WORD_MS);
}

err_t talk_send(talk_t *talk, request_t *request, fault_t *fault)
{
    request->has_id = 1;
    request->id = ++talk->last_id;
    request->lang = talk->lang;
    talk->writes = request_writes(request);
    return send_request(talk, request, deadline(talk), fault);
}

err_t talk_wait(talk_t *talk, Enlace__V1__ControlReply__BodyCase expected, reply_t **reply,
                fault_t *fault)
{
    *reply = NULL;
    err_t err = await_answer(talk, talk->writes, deadline(talk), reply, fault);
    if (!err && (*reply)->body_case == ENLACE__V1__CONTROL_REPLY__BODY_REFUSAL)
        err = refused((*reply)->refusal, fault);
    else if (!err && (*reply)->body_case != expected)
        err = unintelligible(talk, fault);
    if (err)
        talk_free(reply);
    return err;
}

err_t talk_ask(talk_t *talk, request_t *request, Enlace__V1__ControlReply__BodyCase expected,
               reply_t **reply, fault_t *fault)
{
    *reply = NULL;
    err_t err = talk_send(talk, request, fault);
    return err ? err : talk_wait(talk, expected, reply, fault);
}

void talk_free(reply_t **reply)
{
    if (*reply)
        bounded_free(&(*reply)->base);
    *reply = NULL;
}
