// Imports: sessions of several requests, each of the client that began it, and
// forgotten when nobody has asked for two minutes.
#include <inttypes.h>
#include <stdio.h>

#include "daemon/control/parts.h"
#include "daemon/control/reply.h"

static void remove_session(control_t *control, session_t *session)
{
    import_destroy(&session->import);
    *session = control->sessions[--control->session_count];
}

static session_t *find_session(control_t *control, const request_t *request, uint64_t number)
{
    for (size_t i = 0; i < control->session_count; i++) {
        session_t *session = &control->sessions[i];
        if (session->number == number && session->door == request->door &&
            route_equal(&session->route, &request->route))
            return session;
    }
    return NULL;
}

static void finish_state(control_t *control, request_t *request, const session_t *session,
                         bool done)
{
    Enlace__V1__ImportState state = ENLACE__V1__IMPORT_STATE__INIT;
    char lang[36];
    import_state(session->import, &state);
    if (request->message->body_case == ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_BEGIN) {
        snprintf(lang, sizeof lang, "%s", import_lang(session->import));
        state.lang = lang;
    }
    state.has_import = true;
    state.import = session->number;
    state.has_done = true;
    state.done = done;
    buf_t reply = reply_import(request->id, &state);
    control_finish(control, request, &reply);
}

// The session that a step names, or NULL after a refusal.
static session_t *begin_step(control_t *control, request_t *request, uint64_t number)
{
    session_t *session = find_session(control, request, number);
    fault_t fault = {0};
    err_t err = ERR_OK;
    if (!session)
        err = fault_set(&fault, ERR_NO_SUCH_IMPORT, "import", NULL);
    else if (import_writing(session->import))
        err = fault_set(&fault, ERR_BUSY, "import", "a batch is being written");
    if (err) {
        control_refuse(control, request, err, &fault, 0);
        return NULL;
    }
    session->expires_ms = control->now_ms + SESSION_LIFE_MS;
    return session;
}

// Before anything is written, a refusal is the end of the whole.
static void refuse_step(control_t *control, request_t *request, session_t *session, err_t err,
                        const fault_t *fault, bool ends)
{
    uint64_t line = import_line(session->import);
    if (ends)
        remove_session(control, session);
    control_refuse(control, request, err, fault, line);
}

static const roster_t *roster_of(control_t *control)
{
    return control->node.roster(control->node.context);
}

void control_import_begin(control_t *control, request_t *request)
{
    author_t author = control_author(control);
    session_t *session = &control->sessions[control->session_count];
    fault_t fault = {0};
    err_t err = ERR_OK;
    if (control->session_count == SESSIONS_MAX)
        err = fault_set(&fault, ERR_BUSY, "", "%u imports are under way", SESSIONS_MAX);
    else
        err = import_new(&author, request->message->import_begin->node, &session->import, &fault);
    if (err) {
        control_refuse(control, request, err, &fault, 0);
        return;
    }
    control->session_count++;
    session->number = ++control->last_session;
    session->door = request->door;
    session->route = request->route;
    session->expires_ms = control->now_ms + SESSION_LIFE_MS;
    finish_state(control, request, session, true);
}

void control_import_lines(control_t *control, request_t *request)
{
    const Enlace__V1__ImportLines *lines = request->message->import_lines;
    session_t *session = begin_step(control, request, lines->import);
    fault_t fault = {0};
    if (!session)
        return;
    err_t err = import_stage(session->import, roster_of(control), lines, &fault);
    if (err)
        refuse_step(control, request, session, err, &fault, true);
    else
        finish_state(control, request, session, lines->last);
}

void control_import_check(control_t *control, request_t *request)
{
    session_t *session = begin_step(control, request, request->message->import_check->import);
    fault_t fault = {0};
    bool done;
    if (!session)
        return;
    err_t err = import_check(session->import, roster_of(control), &done, &fault);
    if (err)
        refuse_step(control, request, session, err, &fault, true);
    else
        finish_state(control, request, session, done);
}

static bool is_done(const session_t *session)
{
    Enlace__V1__ImportState state = ENLACE__V1__IMPORT_STATE__INIT;
    import_state(session->import, &state);
    return state.done;
}

static void finish_write(control_t *control, request_t *request, session_t *session)
{
    bool done = is_done(session);
    finish_state(control, request, session, done);
    if (done)
        remove_session(control, session);
}

void control_import_write(control_t *control, request_t *request)
{
    session_t *session = begin_step(control, request, request->message->import_write->import);
    const draft_t *drafts;
    size_t count;
    fault_t fault = {0};
    if (!session)
        return;
    err_t err = import_batch(session->import, roster_of(control), &drafts, &count, &fault);
    if (err) {
        refuse_step(control, request, session, err, &fault, false);
    } else if (count == 0) {
        finish_write(control, request, session);
    } else {
        request->state = REQUEST_WRITING;
        request->import = session->number;
        request->revision = count;
        control->node.append(control->node.context, request->number, drafts, count);
    }
}

void control_import_written(control_t *control, request_t *request, err_t reason)
{
    session_t *session = find_session(control, request, request->import);
    char what[64];
    snprintf(what, sizeof what, "%" PRIu64 " changes", request->revision);
    if (!reason)
        control_log_write(request, what);
    if (!session) { // it expired meanwhile: the batch is written all the same
        control_refuse(control, request, reason ? reason : ERR_NO_SUCH_IMPORT, NULL, 0);
    } else if (reason) {
        import_unwritten(session->import);
        control_refuse(control, request, reason, NULL, 0);
    } else {
        import_written(session->import);
        finish_write(control, request, session);
    }
}

void control_import_abort(control_t *control, request_t *request)
{
    session_t *session = begin_step(control, request, request->message->import_abort->import);
    Enlace__V1__ImportState state = ENLACE__V1__IMPORT_STATE__INIT;
    if (!session)
        return;
    import_state(session->import, &state);
    state.has_import = state.has_done = true;
    state.import = session->number;
    state.done = true;
    remove_session(control, session);
    buf_t reply = reply_import(request->id, &state);
    control_finish(control, request, &reply);
}

void control_import_expire(control_t *control)
{
    for (size_t i = control->session_count; i > 0; i--) {
        session_t *session = &control->sessions[i - 1];
        if (session->expires_ms <= control->now_ms && !import_writing(session->import))
            remove_session(control, session);
    }
}

uint64_t control_import_wake_ms(const control_t *control)
{
    uint64_t wake_ms = UINT64_MAX;
    for (size_t i = 0; i < control->session_count; i++)
        if (control->sessions[i].expires_ms < wake_ms)
            wake_ms = control->sessions[i].expires_ms;
    return wake_ms;
}

void control_import_clear(control_t *control)
{
    while (control->session_count > 0)
        remove_session(control, &control->sessions[0]);
}
