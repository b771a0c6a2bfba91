#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/plain.h"
#include "client/record_print.h"
#include "client/report.h"
#include "client/when.h"
#include "lib/control.h"
#include "lib/ids.h"
#include "lib/mem.h"

enum { WAIT_MS = 10000 };

static void print_json(const view_t *view, const record_t *record)
{
    json_t *object = json_object();
    json_object_set_new(object, "apply", json_integer((json_int_t)view->apply));
    json_object_set_new(object, "change", json_string(view->change ? view->change : ""));
    json_object_set_new(object, "change_type", json_string(view->type ? view->type : ""));
    json_t *rest = view_to_json(view, record);
    json_object_update_missing(object, rest);
    output_json(stdout, object);
    json_decref(rest);
    json_decref(object);
}

// Apply number, time, change, type, kind, record, title.
static void print_line(const client_t *client, const view_t *view, const record_t *record)
{
    char time[WHEN_TEXT];
    when_format(view->changed_ms, time);
    char *title = plain_line(record ? record_title(record, client->lang) : "");
    char *line = mem_format("%llu %s %s %s %s %s%s%s%s%s", (unsigned long long)view->apply,
                            *time ? time : "-", view->change ? view->change : "-",
                            view->type ? view->type : "-", view->kind ? view->kind : "-",
                            view->id ? view->id : "-", *title ? " " : "", title,
                            view->note ? " " : "", view->note ? view->note : "");
    char *plain = plain_line(line);
    char *cut = client->out.columns ? plain_cut(plain, client->out.columns) : NULL;
    puts(cut ? cut : plain);
    mem_free(cut);
    mem_free(plain);
    mem_free(line);
    mem_free(title);
}

static void print_change(const client_t *client, const view_t *view)
{
    fault_t ignored;
    record_t *record = NULL;
    if (view_record(view, &record, &ignored))
        record = NULL;
    if (client->options->values[OPT_JSON])
        print_json(view, record);
    else
        print_line(client, view, record);
    record_destroy(&record);
}

// Until somebody has had enough, or the daemon is gone.
static int follow(const client_t *client, talk_t **talk, request_t *request)
{
    fault_t fault = {0};
    for (;;) {
        reply_t *reply = NULL;
        err_t err = talk_ask(*talk, request, ENLACE__V1__CONTROL_REPLY__BODY_TAIL, &reply, &fault);
        if (talk_interrupted(*talk))
            return STATUS_DONE;
        if (err)
            return report(client, err, &fault);
        for (size_t i = 0; i < reply->tail->n_changes; i++)
            print_change(client, reply->tail->changes[i]);
        if (reply->tail->has_last) {
            request->tail->has_since = 1;
            request->tail->since = reply->tail->last;
        }
        talk_free(&reply);
        if (fflush(stdout) != 0)
            return STATUS_DONE; // client_main looks at the stream and says so
    }
}

// Ends of the process that people ask for end the waiting instead.
static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const client_t *client)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__TailRequest body = ENLACE__V1__TAIL_REQUEST__INIT;
    talk_t *talk = NULL;
    fault_t fault = {0};
    err_t err = options_number(client->options, OPT_SINCE, 0, NUMBER_MAX, 0, &body.since, &fault);
    if (err)
        return report(client, err, &fault);
    body.has_since = client->options->values[OPT_SINCE] != NULL;
    body.has_wait_ms = 1;
    body.wait_ms = WAIT_MS;
    body.has_limit = 1;
    body.limit = CONTROL_ROWS_MAX;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_TAIL;
    request.tail = &body;
    int signals = open_signals(); // before there are threads, which inherit what is blocked
    int status = ask_open(client, &talk);
    if (!status) {
        talk_watch(talk, signals, STDOUT_FILENO);
        status = follow(client, &talk, &request);
    }
    talk_close(&talk);
    if (signals >= 0)
        close(signals);
    return status;
}

const command_t command_tail = {
    .name = "tail",
    .line = N_("follows the changes as this node applies them"),
    .synopsis = "[--since N] [--json]",
    .usage = N_("A line a change: local apply number, author's time, change, type, kind, record,\n"
                "title. --since N begins after the change with that apply number (0: with the\n"
                "first); without it, with the next one. Ends with Ctrl-C."),
    .options = OPTION(OPT_SINCE) | OPTION(OPT_JSON),
    .run = run,
};
