// Asking: everything but status runs on a reader thread. A tail that has nothing
// to tell waits here, in no thread, until something is applied; what is little then
// the loop tells by itself, since a thread takes as long to wake as to look.
#include <stdio.h>
#include <string.h>

#include "daemon/control/parts.h"
#include "daemon/control/reply.h"
#include "lib/control.h"

// So many tails the loop answers for what was applied in one turn.
enum { HERE_TAILS = 4 };

// In whose language titles are: the person's, failing that the node's.
static void set_lang(const control_t *control, const request_t *request, ask_t *ask)
{
    const char *lang = request->message ? request->message->lang : NULL;
    if (!lang || !lang[0] || strlen(lang) > QUERY_LANG_MAX)
        lang = control->lang;
    snprintf(ask->lang, sizeof ask->lang, "%s", lang);
}

// Hands the request's message to a job.
static ask_t *prepare(control_t *control, request_t *request, readers_kind_t kind,
                      void (*run)(job_t *job, query_t *query))
{
    ask_t *asked = ask_new(run, kind == READERS_QUERY, request->message);
    set_lang(control, request, asked);
    request->message = NULL;
    asked->since = request->since;
    asked->limit = request->limit;
    asked->request = request->number;
    asked->id = request->id;
    asked->sealed = door_is_full(request->door);
    asked->job.roster_version = control->node.roster(control->node.context)->version;
    request->job = &asked->job;
    request->state = REQUEST_READING;
    return asked;
}

static void ask(control_t *control, request_t *request, readers_kind_t kind,
                void (*run)(job_t *job, query_t *query))
{
    readers_submit(control->readers, kind, &prepare(control, request, kind, run)->job);
}

void control_list(control_t *control, request_t *request)
{
    ask(control, request, READERS_QUERY, query_list);
}

void control_search(control_t *control, request_t *request)
{
    ask(control, request, READERS_QUERY, query_search);
}

void control_show(control_t *control, request_t *request)
{
    ask(control, request, READERS_QUERY, query_show);
}

void control_digest(control_t *control, request_t *request)
{
    ask(control, request, READERS_QUERY, query_digest);
}

void control_verify(control_t *control, request_t *request)
{
    ask(control, request, READERS_LONG, query_verify);
}

// ---- tails ----

static void answer(control_t *control, ask_t *asked);

// The message is the request's while it waits, the job's while that runs. In a turn
// the writing connection would show what is not on disk yet.
static void look(control_t *control, request_t *request, bool here)
{
    request->seen = control->applied;
    ask_t *asked = prepare(control, request, READERS_QUERY, query_tail);
    asked->here = here && !store_in_turn(control->store);
    if (asked->here)
        readers_here(control->readers, &asked->job);
    if (!asked->here || asked->much) {
        asked->here = asked->much = false;
        readers_submit(control->readers, READERS_QUERY, &asked->job);
        return;
    }
    answer(control, asked);
    asked->job.destroy(&asked->job);
}

void control_tail(control_t *control, request_t *request)
{
    const Enlace__V1__TailRequest *tail = request->message->tail;
    uint64_t wait_ms = tail->has_wait_ms ? tail->wait_ms : 0;
    if (wait_ms > CONTROL_WAIT_MAX_MS)
        wait_ms = CONTROL_WAIT_MAX_MS;
    request->until_ms = control->now_ms + wait_ms;
    request->since = tail->has_since ? tail->since : 0;
    request->limit = tail->has_limit ? tail->limit : 0;
    look(control, request, true);
}

void control_end_tail(control_t *control, request_t *request)
{
    Enlace__V1__TailPage page = ENLACE__V1__TAIL_PAGE__INIT;
    page.has_last = true;
    page.last = request->since;
    buf_t reply = reply_tail(request->id, &page);
    control_finish(control, request, &reply);
}

void control_wake_tails(control_t *control)
{
    size_t here = 0;
    for (size_t i = requests_count(control->requests); i > 0; i--) {
        request_t *request = requests_at(control->requests, i - 1);
        if (request->state == REQUEST_WAITING)
            look(control, request, here++ < HERE_TAILS);
    }
}

static void wait_for_more(control_t *control, request_t *request, ask_t *asked)
{
    request->since = asked->last;
    request->message = asked->message;
    asked->message = NULL;
    request->state = REQUEST_WAITING;
    if (request->until_ms <= control->now_ms)
        control_end_tail(control, request);
    else if (request->seen != control->applied) // while the job ran
        look(control, request, true);
}

// ---- answers ----

static void answer(control_t *control, ask_t *asked)
{
    request_t *request = requests_find(control->requests, asked->request);
    if (!request)
        return;
    request->job = NULL;
    if (asked->job.err) {
        control_refuse(control, request, asked->job.err, &asked->job.fault, 0);
    } else if (asked->nothing) {
        wait_for_more(control, request, asked);
    } else {
        control_finish(control, request, &asked->reply);
    }
}

bool control_take_answers(control_t *control, size_t budget)
{
    for (size_t i = 0; i < budget; i++) {
        job_t *job = readers_take(control->readers);
        if (!job)
            return false;
        answer(control, (ask_t *)job);
        job->destroy(job);
    }
    return true;
}
