#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/report.h"
#include "client/status_print.h"
#include "client/when.h"
#include "lib/mem.h"

enum { WATCH_MS = 2000, POLL_MS = 200, START_MS = 800, SECONDS_MAX = 1000000 };

static void pause_ms(uint64_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static int ask_status(const client_t *client, talk_t **talk, reply_t **reply)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__StatusRequest body = ENLACE__V1__STATUS_REQUEST__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_STATUS;
    request.status = &body;
    return ask(client, talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_STATUS, reply);
}

static void print(const client_t *client, const Enlace__V1__StatusReply *status)
{
    if (!client->options->values[OPT_JSON]) {
        status_print(stdout, &client->out, status);
        return;
    }
    json_t *object = output_message(&status->base);
    output_json(stdout, object);
    json_decref(object);
}

static int watch(const client_t *client)
{
    talk_t *talk = NULL;
    bool redraw = client->out.terminal && !client->options->values[OPT_JSON];
    client_t now = *client;
    int status = STATUS_DONE;
    for (bool first = true; !status && !ferror(stdout); first = false) {
        reply_t *reply = NULL;
        if (!first)
            pause_ms(WATCH_MS);
        now.out = screen_of(stdout); // the window may have another size by now
        status = ask_status(&now, &talk, &reply);
        if (status)
            break;
        if (redraw)
            fputs("\033[H\033[2J", stdout);
        else if (!first && !client->options->values[OPT_JSON])
            putchar('\n');
        print(&now, reply->status);
        fflush(stdout);
        talk_free(&reply);
    }
    talk_close(&talk);
    return status;
}

// ---- --wait-synced ----

// "2", "0.5"; false where it is neither.
static bool parse_seconds(const char *text, uint64_t *ms)
{
    size_t whole = strspn(text, "0123456789");
    size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    size_t length = whole + (text[whole] == '.' ? 1 + part : 0);
    if (!whole || whole > 7 || text[length] || (text[whole] == '.' && !part))
        return false;
    double seconds = strtod(text, NULL);
    *ms = (uint64_t)(seconds * 1000);
    return seconds <= SECONDS_MAX;
}

// A script that has just started the daemon may wait for it, too: within the
// second that an unreachable node may take.
static int open_patiently(const client_t *client, uint64_t patience_ms, talk_t **talk)
{
    fault_t fault = {0};
    uint64_t end_ms = when_monotonic_ms() + (patience_ms < START_MS ? patience_ms : START_MS);
    err_t err = talk_open(client->dir, client->lang, talk, &fault);
    while (err && when_monotonic_ms() < end_ms) {
        pause_ms(20);
        err = talk_open(client->dir, client->lang, talk, &fault);
    }
    return err ? report_unreachable(client, err, &fault) : STATUS_DONE;
}

static int not_synced(const client_t *client, const Enlace__V1__StatusReply *status)
{
    fault_t fault = {0};
    // All of them, each on a line of its own: a fault would cut them.
    for (size_t i = 0; i < status->n_missing; i++)
        report_warning(status->missing[i]);
    fault_set(&fault, ERR_NOT_SYNCED, status->node && status->node->code ? status->node->code : "",
              _("missing: %zu"), status->n_missing);
    return report(client, fault.err, &fault);
}

static int wait_synced(const client_t *client, uint64_t patience_ms)
{
    talk_t *talk = NULL;
    uint64_t end_ms = when_monotonic_ms() + patience_ms;
    int status = open_patiently(client, patience_ms, &talk);
    for (bool waiting = true; waiting && !status;) {
        reply_t *reply = NULL;
        status = ask_status(client, &talk, &reply);
        if (status)
            break;
        uint64_t now_ms = when_monotonic_ms();
        waiting = !reply->status->synced && now_ms < end_ms;
        if (!waiting && client->options->values[OPT_JSON])
            print(client, reply->status);
        if (!waiting && !reply->status->synced)
            status = not_synced(client, reply->status);
        talk_free(&reply);
        if (waiting)
            pause_ms(end_ms - now_ms < POLL_MS ? end_ms - now_ms : POLL_MS);
    }
    talk_close(&talk);
    if (!status && !client->options->values[OPT_JSON])
        puts(_("in step"));
    return status;
}

static int once(const client_t *client)
{
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    int status = ask_status(client, &talk, &reply);
    if (!status)
        print(client, reply->status);
    talk_free(&reply);
    talk_close(&talk);
    return status;
}

static int run(const client_t *client)
{
    const char *seconds = client->options->values[OPT_WAIT_SYNCED];
    bool watched = client->options->values[OPT_WATCH] != NULL;
    uint64_t patience_ms = 0;
    fault_t fault = {0};
    if (seconds && !parse_seconds(seconds, &patience_ms))
        fault_set(&fault, ERR_USAGE, "--wait-synced", _("must be seconds, as in 30 or 0.5"));
    else if (seconds && watched)
        fault_set(&fault, ERR_USAGE, "--watch", _("not together with --wait-synced"));
    if (fault.err)
        return report(client, fault.err, &fault);
    if (seconds)
        return wait_synced(client, patience_ms);
    return watched ? watch(client) : once(client);
}

const command_t command_status = {
    .name = "status",
    .line = N_("shows the node, its peers, its feeds and what was refused"),
    .synopsis = "[--watch] [--json] [--wait-synced SECONDS]",
    .usage =
        N_("--watch shows it again every two seconds. --wait-synced waits until every peer that\n"
           "is to be dialled has answered, all that was heard of is held here, and every\n"
           "connected peer has taken all that is this node's: exit status 0; where that does\n"
           "not come true in time, 1, naming what is missing. 0 seconds: looks once."),
    .options = OPTION(OPT_WATCH) | OPTION(OPT_JSON) | OPTION(OPT_WAIT_SYNCED),
    .run = run,
};
