#include "client/ask.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/record_print.h"
#include "client/report.h"
#include "lib/mem.h"

static int print_view(const client_t *client, const view_t *view, bool first)
{
    fault_t fault = {0};
    record_t *record = NULL;
    err_t err = view_record(view, &record, &fault);
    if (err)
        return report(client, err, &fault);
    if (client->options->values[OPT_JSON]) {
        json_t *object = view_to_json(view, record);
        output_json(stdout, object);
        json_decref(object);
    } else {
        if (!first)
            putchar('\n');
        view_print(stdout, &client->out, view, record, client->lang);
    }
    record_destroy(&record);
    return STATUS_DONE;
}

// Every revision, or the one that stands: page after page.
static int show(const client_t *client, request_t *request)
{
    talk_t *talk = NULL;
    buf_t cursor = {0};
    int status = STATUS_DONE;
    bool first = true;
    for (bool more = true; more && !status;) {
        reply_t *reply = NULL;
        status = ask(client, &talk, request, ENLACE__V1__CONTROL_REPLY__BODY_PAGE, &reply);
        if (status)
            break;
        const Enlace__V1__RecordPage *page = reply->page;
        for (size_t i = 0; i < page->n_records && !status; i++, first = false)
            status = print_view(client, page->records[i], first);
        more = page->has_cursor;
        buf_free(&cursor);
        cursor = buf_copy(span_of(page->cursor.data, more ? page->cursor.len : 0));
        request->show->has_cursor = more;
        request->show->cursor = (ProtobufCBinaryData){cursor.size, cursor.data};
        talk_free(&reply);
    }
    buf_free(&cursor);
    talk_close(&talk);
    return status;
}

static int run(const client_t *client)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ShowRequest body = ENLACE__V1__SHOW_REQUEST__INIT;
    char *id = mem_copy_string(client->words[0]);
    body.id = id;
    body.has_history = body.history = client->options->values[OPT_HISTORY] != NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_SHOW;
    request.show = &body;
    int status = show(client, &request);
    mem_free(id);
    return status;
}

const command_t command_show = {
    .name = "show",
    .line = N_("shows one record, whoever owns it"),
    .synopsis = "ID [--history] [--json]",
    .usage =
        N_("ID is CODE:number, @key for one's own, or @CODE:key. References are shown with what\n"
           "they point at, or \"not yet here\". --history shows every revision, the oldest\n"
           "first. What --json prints can be put back with put --file."),
    .options = OPTION(OPT_HISTORY) | OPTION(OPT_JSON),
    .least_words = 1,
    .most_words = 1,
    .run = run,
};
