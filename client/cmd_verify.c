#include "client/ask.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/report.h"
#include "client/table.h"

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    if (total)
        fprintf(stderr, "\r%llu / %llu\033[K", (unsigned long long)done, (unsigned long long)total);
}

static void print_findings(const client_t *client, const Enlace__V1__VerifyReply *verify)
{
    table_t *table = table_new();
    table_column(table, _("where"), COLUMN_WHOLE);
    table_column(table, _("reason"), COLUMN_WHOLE);
    table_column(table, _("detail"), COLUMN_LEFT);
    for (size_t i = 0; i < verify->n_findings; i++) {
        const Enlace__V1__VerifyReply__Finding *finding = verify->findings[i];
        table_cell(table, finding->where, STYLE_NONE);
        table_cell(table, err_name((err_t)finding->reason), STYLE_BAD);
        table_cell(table, finding->detail, STYLE_NONE);
    }
    table_print(table, stdout, &client->out);
    table_destroy(&table);
}

static int conclude(const client_t *client, const Enlace__V1__VerifyReply *verify)
{
    fault_t fault = {0};
    if (verify->ok)
        return STATUS_DONE;
    err_t err = verify->n_findings ? (err_t)verify->findings[0]->reason : ERR_DAMAGED;
    fault_set(&fault, err ? err : ERR_DAMAGED, client->dir, _("findings in all: %llu"),
              (unsigned long long)verify->found);
    return report(client, fault.err, &fault);
}

static int print_result(const client_t *client, const Enlace__V1__VerifyReply *verify)
{
    if (client->options->values[OPT_JSON]) {
        json_t *object = output_message(&verify->base);
        output_json(stdout, object);
        json_decref(object);
        return conclude(client, verify);
    }
    printf(_("feeds %llu, commits %llu, changes %llu, signatures %llu, records %llu: %s"),
           (unsigned long long)verify->feeds, (unsigned long long)verify->commits,
           (unsigned long long)verify->changes, (unsigned long long)verify->signatures,
           (unsigned long long)verify->records, verify->ok ? _("all in order") : _("not in order"));
    putchar('\n');
    if (verify->n_findings)
        print_findings(client, verify);
    return conclude(client, verify);
}

static int run(const client_t *client)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__VerifyRequest body = ENLACE__V1__VERIFY_REQUEST__INIT;
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_VERIFY;
    request.verify = &body;
    int status = ask_open(client, &talk);
    if (status)
        return status;
    if (client->err.terminal)
        talk_on_working(talk, show_progress, NULL);
    status = ask(client, &talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_VERIFY, &reply);
    if (client->err.terminal)
        fputs("\r\033[K", stderr);
    if (!status)
        status = print_result(client, reply->verify);
    talk_free(&reply);
    talk_close(&talk);
    return status;
}

const command_t command_verify = {
    .name = "verify",
    .line = N_("checks the log (chain, signatures, contents) and that the view is its fold"),
    .synopsis = "[--json]",
    .usage = N_("Exit status 0 where all is in order, 1 where not. A daemon that does not run is\n"
                "checked with: enlaced --dir DIR --verify"),
    .options = OPTION(OPT_JSON),
    .run = run,
};
