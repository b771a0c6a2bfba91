#include "daemon/control/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/reply.h"
#include "lib/control.h"
#include "lib/log.h"
#include "lib/mem.h"

#define TALLIES_MAX 32u

static const control_case_t cases[] = {
#define CASE(symbol) ENLACE__V1__CONTROL_REQUEST__BODY_##symbol
    {CASE(PUT), "put", true, true, 1, control_put, NULL},
    {CASE(EDIT), "edit", true, true, 1, control_edit, NULL},
    {CASE(RETRACT), "retract", true, true, 1, control_retract, NULL},
    {CASE(IMPORT_BEGIN), "import", true, true, 4, control_import_begin, NULL},
    {CASE(IMPORT_LINES), "import", false, true, 16, control_import_lines, NULL},
    {CASE(IMPORT_CHECK), "import", false, true, 16, control_import_check, NULL},
    {CASE(IMPORT_WRITE), "import", true, true, 16, control_import_write, NULL},
    {CASE(IMPORT_ABORT), "import", false, true, 4, control_import_abort, NULL},
    {CASE(LIST), "list", false, false, 1, control_list, NULL},
    {CASE(SEARCH), "search", false, false, 1, control_search, NULL},
    {CASE(SHOW), "show", false, false, 1, control_show, NULL},
    {CASE(TAIL), "tail", false, false, 1, control_tail, NULL},
    {CASE(DIGEST), "digest", false, false, 1, control_digest, NULL},
    {CASE(VERIFY), "verify", false, false, 1, control_verify, NULL},
    {CASE(STATUS), "status", false, false, 1, control_status, NULL},
    {CASE(RECOVER_SHOW), "origin recover", false, false, 1, control_recover_show, NULL},
    {CASE(RECOVER_ACCEPT), "origin recover", false, true, 1, control_recover_accept,
     control_recover_written},
    {CASE(EPOCH), "epoch start", false, true, 4, control_epoch, control_epoch_written},
#undef CASE
};

static const control_case_t *find_case(Enlace__V1__ControlRequest__BodyCase body)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].body == body)
            return &cases[i];
    return NULL;
}

// ---- what the parts use ----

static void count_refused(control_t *control, err_t reason, const char *where)
{
    size_t i = 0;
    while (i < control->tally_count && control->tallies[i].reason != reason)
        i++;
    if (i == control->tally_count) {
        if (i == TALLIES_MAX)
            return;
        mem_grow(&control->tallies, &control->tally_capacity, i, sizeof(tally_t));
        control->tallies[control->tally_count++] = (tally_t){.reason = reason};
    }
    tally_t *tally = &control->tallies[i];
    tally->count++;
    tally->last_ms = control->now_ms;
    snprintf(tally->where, sizeof tally->where, "%s", where);
}

static const char *door_name(const door_t *door)
{
    return door_is_full(door) ? "full/control" : "read/control";
}

// Whether the client is still there.
static bool send_reply(control_t *control, door_t *door, const route_t *route, span_t reply)
{
    err_t err = door_send(door, route, reply);
    if (err == ERR_QUEUE_FULL)
        count_refused(control, err, door_name(door));
    return err != ERR_DISCONNECTED;
}

void control_finish(control_t *control, request_t *request, buf_t *reply)
{
    send_reply(control, request->door, &request->route, buf_span(reply));
    buf_free(reply);
    requests_remove(control->requests, request->number);
}

void control_refuse(control_t *control, request_t *request, err_t reason, const fault_t *fault,
                    uint64_t line)
{
    char what[256];
    buf_t reply = reply_refusal(request->id, reason, fault, line);
    snprintf(what, sizeof what, "refused: %s %s", err_name(reason), fault ? fault->where : "");
    if (request->entry && request->entry->full)
        control_log_write(request, what);
    control_finish(control, request, &reply);
}

author_t control_author(control_t *control)
{
    return (author_t){
        .store = control->store,
        .roster = control->node.roster(control->node.context),
        .self = control->self,
        .own = control->own,
        .lang = control->lang,
    };
}

// ---- taking requests ----

static err_t unpack(span_t bytes, bool unknown, Enlace__V1__ControlRequest **message,
                    fault_t *fault)
{
    ProtobufCMessage *unpacked;
    limits_t limits = control_request_limits;
    limits.unknown = unknown;
    err_t err =
        bounded_unpack(&enlace__v1__control_request__descriptor, bytes, &limits, &unpacked, fault);
    *message = (Enlace__V1__ControlRequest *)unpacked;
    return err;
}

// What a newer client asks is decoded as far as it takes to answer it.
static err_t decode(span_t bytes, Enlace__V1__ControlRequest **message, uint64_t *id,
                    fault_t *fault)
{
    err_t err = unpack(bytes, false, message, fault);
    *id = err ? 0 : (*message)->id;
    if (err != ERR_UNKNOWN_FIELD || unpack(bytes, true, message, NULL))
        return err;
    *id = (*message)->id;
    if ((*message)->body_case == ENLACE__V1__CONTROL_REQUEST__BODY__NOT_SET)
        err = fault_set(fault, ERR_UNKNOWN_MESSAGE, "",
                        "this daemon is older than the program that asks it");
    bounded_free(&(*message)->base);
    *message = NULL;
    return err;
}

static void refuse_letter(control_t *control, door_t *door, const letter_t *letter, uint64_t id,
                          err_t reason, const fault_t *fault)
{
    buf_t reply = reply_refusal(id, reason, fault, 0);
    count_refused(control, reason, door_name(door));
    send_reply(control, door, &letter->route, buf_span(&reply));
    buf_free(&reply);
}

// Starts a request; returns what it takes of the turn's budget.
static size_t start(control_t *control, request_t *request)
{
    const char *detail = "";
    fault_t fault = {0};
    err_t err = ERR_OK;
    request->entry = find_case(request->message->body_case);
    if (!request->entry)
        err = fault_set(&fault, ERR_UNKNOWN_MESSAGE, "", NULL);
    else if (request->entry->full && !door_is_full(request->door))
        err = fault_set(&fault, ERR_NOT_ALLOWED, request->entry->name,
                        "the read-only socket takes no writing");
    if (err)
        count_refused(control, err, door_name(request->door));
    if (!err && request->entry->writes) {
        err = control->node.writing(control->node.context, &detail);
        if (err)
            fault_set(&fault, err, "", "%s", detail ? detail : "");
    }
    size_t cost = request->entry ? request->entry->cost : 1;
    if (err)
        control_refuse(control, request, err, &fault, 0);
    else
        request->entry->start(control, request);
    return cost;
}

static size_t take_letter(control_t *control, door_t *door, const letter_t *letter)
{
    span_t bytes = {zmq_msg_data((zmq_msg_t *)&letter->body),
                    zmq_msg_size((zmq_msg_t *)&letter->body)};
    Enlace__V1__ControlRequest *message;
    request_t *request;
    uint64_t id;
    fault_t fault = {0};
    err_t err = decode(bytes, &message, &id, &fault);
    if (err) {
        refuse_letter(control, door, letter, id, err, &fault);
        return 1;
    }
    err = requests_add(control->requests, door, &letter->route, &request);
    if (err) {
        refuse_letter(control, door, letter, id, err, NULL);
        bounded_free(&message->base);
        return 1;
    }
    request->message = message;
    request->id = id;
    request->peer_known = letter->peer_known;
    request->uid = letter->uid;
    request->working_ms = control->now_ms + CONTROL_WORKING_MS;
    return start(control, request);
}

static bool drain_door(control_t *control, door_t *door, size_t budget)
{
    for (size_t spent = 0; spent < budget;) {
        letter_t letter;
        err_t err;
        bool came = door_receive(door, &letter, &err);
        if (came && err)
            count_refused(control, err, door_name(door));
        spent += came && !err ? take_letter(control, door, &letter) : 1;
        letter_close(&letter);
        if (!came)
            return false;
    }
    return true;
}

bool control_drain(control_t *control, size_t budget, uint64_t now_ms)
{
    control->now_ms = now_ms;
    bool more = control_take_answers(control, budget);
    for (size_t i = 0; i < DOORS; i++) {
        for (size_t failed = door_failures(control->doors[i]); failed > 0; failed--)
            count_refused(control, ERR_HANDSHAKE_FAILED, door_name(control->doors[i]));
        more = drain_door(control, control->doors[i], budget) || more;
    }
    return more;
}

// ---- time ----

static void tell_working(control_t *control, request_t *request)
{
    uint64_t done = request->job ? atomic_load(&request->job->done) : 0;
    uint64_t total = request->job ? atomic_load(&request->job->total) : 0;
    buf_t reply = reply_working(request->id, done, total);
    request->working_ms = control->now_ms + CONTROL_WORKING_MS;
    bool there = send_reply(control, request->door, &request->route, buf_span(&reply));
    buf_free(&reply);
    // What is written is written, and logged when it is: only nobody waits for it.
    if (!there && request->state != REQUEST_WRITING)
        requests_remove(control->requests, request->number);
}

void control_tick(control_t *control, uint64_t now_ms)
{
    control->now_ms = now_ms;
    for (size_t i = requests_count(control->requests); i > 0; i--) {
        request_t *request = requests_at(control->requests, i - 1);
        if (request->state == REQUEST_WAITING && request->until_ms <= now_ms)
            control_end_tail(control, request);
        else if (request->working_ms <= now_ms)
            tell_working(control, request);
    }
    control_import_expire(control);
}

uint64_t control_wake_ms(const control_t *control)
{
    uint64_t wake_ms = control_import_wake_ms(control);
    for (size_t i = 0; i < requests_count(control->requests); i++) {
        const request_t *request = requests_at(control->requests, i);
        if (request->working_ms < wake_ms)
            wake_ms = request->working_ms;
        if (request->state == REQUEST_WAITING && request->until_ms < wake_ms)
            wake_ms = request->until_ms;
    }
    return wake_ms;
}

void control_applied(control_t *control)
{
    control->applied++;
    control_wake_tails(control);
}

size_t control_poll_items(control_t *control, void *zmq_pollitems, size_t capacity)
{
    zmq_pollitem_t *items = zmq_pollitems;
    void *const sockets[] = {
        door_socket(control->doors[0]),   door_socket(control->doors[1]),
        door_monitor(control->doors[0]),  door_monitor(control->doors[1]),
        readers_socket(control->readers),
    };
    size_t count = sizeof sockets / sizeof *sockets;
    for (size_t i = 0; i < count && i < capacity; i++)
        items[i] = (zmq_pollitem_t){sockets[i], 0, ZMQ_POLLIN, 0};
    return count;
}

// ---- beginning and end ----

err_t control_new(const control_options_t *options, const control_node_t *node, control_t **control,
                  fault_t *fault)
{
    control_t *self = mem_alloc(sizeof *self);
    self->node = *node;
    self->dir = mem_copy_string(options->dir);
    self->name = mem_copy_string(options->config->name);
    self->database = mem_copy_string(options->database);
    self->self = options->self;
    self->listening = options->config->listen[0] != '\0';
    self->started_ms = options->started_ms;
    self->store = options->store;
    self->search = options->search;
    snprintf(self->own, sizeof self->own, "%s", options->config->code);
    snprintf(self->lang, sizeof self->lang, "%s", options->config->lang);
    self->requests = requests_new();
    err_t err = readers_new(options->zmq, self->store, self->search, self->database, self->own,
                            &self->readers, fault);
    for (size_t i = 0; !err && i < DOORS; i++)
        err = door_open(options->zmq, self->dir, i == 0, &self->doors[i], fault);
    if (err)
        control_destroy(&self);
    *control = self;
    return err;
}

void control_destroy(control_t **control)
{
    control_t *self = *control;
    if (!self)
        return;
    while (requests_count(self->requests) > 0)
        control_refuse(self, requests_at(self->requests, 0), ERR_STOPPING, NULL, 0);
    readers_destroy(&self->readers);
    control_import_clear(self);
    for (size_t i = 0; i < DOORS; i++)
        door_close(&self->doors[i]);
    requests_destroy(&self->requests);
    mem_free(self->tallies);
    mem_free(self->database);
    mem_free(self->name);
    mem_free(self->dir);
    mem_free(self);
    *control = NULL;
}
