// Requests of clients: decoded as the daemon does it, then given to the author or
// to what answers questions, over a store with records of three members. A write
// is appended and taken back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/query.h"
#include "daemon/control/reply.h"
#include "lib/control.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/house.h"

#define BODY(name)  ENLACE__V1__CONTROL_REQUEST__BODY_##name
#define REPLY(name) ENLACE__V1__CONTROL_REPLY__BODY_##name

static house_t house;
static query_t query;

static void stop(void)
{
    roster_destroy(&query.roster);
    reader_close(&query.reader);
    finder_destroy(&query.finder);
    house_close(&house);
}

static void start(void)
{
    fault_t fault = {0};
    house_open(&house);
    atexit(stop);
    house_put(&house, HOUSE_CR, "{'kind':'committee','key':'a','name':'Uno','country':'CR'}");
    house_put(&house, HOUSE_CR, "{'kind':'body','key':'b','name':{'es':'Dos','en':'Two'}}");
    house_put(&house, HOUSE_CR,
              "{'kind':'membership','key':'c','member':'@a','coalition':'@GT:a','class':'MEMBER'}");
    house_put(&house, HOUSE_GT, "{'kind':'coalition','key':'a','name':'Tres'}");
    house_put(&house, HOUSE_SV, "{'kind':'body','name':'Sin clave'}");
    house_retract(&house, HOUSE_CR, house_put(&house, HOUSE_CR, "{'kind':'body','key':'gone'}"));
    house_revise(&house, HOUSE_CR, 2, "{'kind':'body','key':'b','name':'Dos!'}");
    house_revise_newer(&house, HOUSE_GT, 1);
    query.database = house.database;
    query.own = "CR";
    FUZZ_EXPECT(reader_open(house.database, &query.reader, &fault) == ERR_OK);
    FUZZ_EXPECT(reader_roster(query.reader, &query.roster, &fault) == ERR_OK);
}

// A client reads it, and takes it for the answer to its own request.
static void check_reply(const buf_t *bytes, uint64_t id, bool refusal)
{
    ProtobufCMessage *message = NULL;
    fault_t fault = {0};
    FUZZ_EXPECT(bytes->size > 0);
    err_t err = bounded_unpack(&enlace__v1__control_reply__descriptor, buf_span(bytes),
                               &control_reply_limits, &message, &fault);
    FUZZ_EXPECT(err == ERR_OK);
    const Enlace__V1__ControlReply *reply = (const Enlace__V1__ControlReply *)message;
    FUZZ_EXPECT(reply->id == id && (reply->body_case == REPLY(REFUSAL)) >= refusal);
    if (reply->body_case == REPLY(REFUSAL))
        FUZZ_EXPECT(fuzz_known((err_t)reply->refusal->reason) && reply->refusal->reason);
    bounded_free(message);
}

static void check_refusal(uint64_t id, err_t err, const fault_t *fault)
{
    fuzz_refused(err, fault);
    buf_t reply = reply_refusal(id, err, fault, 7);
    check_reply(&reply, id, true);
    buf_free(&reply);
}

// ---- writing ----

// What the author lets through is good content: the view takes it, and says so.
static void append(const authored_t *authored)
{
    house_feed_t before = house.feeds[HOUSE_CR];
    author_t author = house_author(&house);
    current_t current = {0};
    fault_t fault = {0};
    FUZZ_EXPECT(commit_fit(&authored->draft, 1) == 1);
    uint64_t number = house_append(&house, HOUSE_CR, &authored->draft, 1);
    position_t id =
        authored->act == AUTHORED_CREATE ? (position_t){1, LANE_COALITION, number} : authored->id;
    FUZZ_EXPECT(store_record(house.store, &author.self, id, true, &current, &fault) == ERR_OK);
    FUZZ_EXPECT(current.retracted == (authored->act == AUTHORED_RETRACT));
    FUZZ_EXPECT(current.revision == authored->revision);
    if (authored->act != AUTHORED_RETRACT)
        FUZZ_EXPECT(current.readable && span_equal(buf_span(&current.body), authored->draft.body));
    buf_free(&current.body);
    store_rollback(house.store);
    house.feeds[HOUSE_CR] = before;
}

static void write(const Enlace__V1__ControlRequest *request)
{
    author_t author = house_author(&house);
    authored_t authored = {0};
    fault_t fault = {0};
    err_t err = ERR_OK;
    if (request->body_case == BODY(PUT))
        err = author_put(&author, request->put, &authored, &fault);
    else if (request->body_case == BODY(EDIT))
        err = author_edit(&author, request->edit, &authored, &fault);
    else
        err = author_retract(&author, request->retract, &authored, &fault);
    if (err)
        check_refusal(request->id, err, &fault);
    else if (authored.act <= AUTHORED_RETRACT)
        append(&authored);
    authored_clear(&authored);
    store_rollback(house.store);
}

// ---- asking: takes the message ----

static void ask(Enlace__V1__ControlRequest *request, void (*run)(job_t *job, query_t *query))
{
    ask_t *asked = ask_new(run, true, request);
    bool tail = request->body_case == BODY(TAIL);
    asked->id = request->id;
    asked->since = tail && request->tail->has_since ? request->tail->since : 0;
    asked->limit = tail && request->tail->has_limit ? request->tail->limit : 0;
    if (request->lang && request->lang[0] && strlen(request->lang) <= QUERY_LANG_MAX)
        snprintf(asked->lang, sizeof asked->lang, "%s", request->lang);
    run(&asked->job, &query);
    if (!asked->nothing)
        check_reply(&asked->reply, asked->id, false);
    asked->job.destroy(&asked->job);
}

static void (*question(Enlace__V1__ControlRequest__BodyCase body))(job_t *job, query_t *query)
{
    switch (body) {
    case BODY(LIST):
        return query_list;
    case BODY(SEARCH):
        return query_search;
    case BODY(SHOW):
        return query_show;
    case BODY(TAIL):
        return query_tail;
    case BODY(DIGEST):
        return query_digest;
    default:
        return NULL; // verify takes no argument; status none either
    }
}

static bool writes(Enlace__V1__ControlRequest__BodyCase body)
{
    return body == BODY(PUT) || body == BODY(EDIT) || body == BODY(RETRACT);
}

static void one(span_t input)
{
    ProtobufCMessage *message = NULL;
    fault_t fault = {0};
    err_t err = bounded_unpack(&enlace__v1__control_request__descriptor, input,
                               &control_request_limits, &message, &fault);
    if (err) {
        check_refusal(0, err, &fault);
        return;
    }
    Enlace__V1__ControlRequest *request = (Enlace__V1__ControlRequest *)message;
    if (question(request->body_case)) {
        ask(request, question(request->body_case));
        return;
    }
    if (writes(request->body_case))
        write(request);
    bounded_free(message);
}

const fuzz_target_t fuzz_target = {
    .one = one, .start = start, .type = &enlace__v1__control_request__descriptor, .keeps = true};
