// Writing: put, edit, retract. The author makes a change of it, the core appends
// it, and the answer waits until it is on disk.
#include <inttypes.h>
#include <stdio.h>

#include "daemon/control/parts.h"
#include "daemon/control/reply.h"
#include "lib/log.h"

void control_log_write(const request_t *request, const char *what)
{
    if (request->peer_known)
        log_line(LOG_LEVEL_INFO, "control: uid %" PRIu32 ": %s %s", request->uid,
                 request->entry->name, what);
    else
        log_line(LOG_LEVEL_INFO, "control: uid unknown: %s %s", request->entry->name, what);
}

static void finish_written(control_t *control, request_t *request, const authored_t *authored)
{
    char id[RECORD_ID_TEXT];
    record_id_format(control->own, authored->id, id);
    buf_t reply = reply_written(request->id, id, authored->revision, true);
    control_finish(control, request, &reply);
}

static void append(control_t *control, request_t *request, err_t err, authored_t *authored,
                   const fault_t *fault)
{
    if (err) {
        control_refuse(control, request, err, fault, 0);
    } else if (authored->act == AUTHORED_UNCHANGED) {
        finish_written(control, request, authored);
    } else {
        request->state = REQUEST_WRITING;
        request->act = authored->act;
        request->target = authored->id;
        request->revision = authored->revision;
        control->node.append(control->node.context, request->number, &authored->draft, 1);
    }
    authored_clear(authored);
}

void control_put(control_t *control, request_t *request)
{
    author_t author = control_author(control);
    authored_t authored;
    fault_t fault = {0};
    err_t err = author_put(&author, request->message->put, &authored, &fault);
    append(control, request, err, &authored, &fault);
}

void control_edit(control_t *control, request_t *request)
{
    author_t author = control_author(control);
    authored_t authored;
    fault_t fault = {0};
    err_t err = author_edit(&author, request->message->edit, &authored, &fault);
    append(control, request, err, &authored, &fault);
}

void control_retract(control_t *control, request_t *request)
{
    author_t author = control_author(control);
    authored_t authored;
    fault_t fault = {0};
    err_t err = author_retract(&author, request->message->retract, &authored, &fault);
    append(control, request, err, &authored, &fault);
}

void control_written(control_t *control, uint64_t number, err_t reason, const feed_t *feed,
                     uint64_t first_number)
{
    char id[RECORD_ID_TEXT];
    char what[RECORD_ID_TEXT + 40];
    request_t *request = requests_find(control->requests, number);
    if (!request || request->state != REQUEST_WRITING)
        return;
    if (request->entry->written) {
        request->entry->written(control, request, reason);
        return;
    }
    if (request->import) {
        control_import_written(control, request, reason);
        return;
    }
    if (reason) {
        control_refuse(control, request, reason, NULL, 0);
        return;
    }
    if (request->act == AUTHORED_CREATE)
        request->target = (position_t){feed->epoch, feed->lane, first_number};
    record_id_format(control->own, request->target, id);
    snprintf(what, sizeof what, "%s revision %" PRIu64, id, request->revision);
    control_log_write(request, what);
    buf_t reply = reply_written(request->id, id, request->revision, false);
    control_finish(control, request, &reply);
}
