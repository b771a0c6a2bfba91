#include "client/ask.h"
#include "client/commands.h"
#include "client/report.h"
#include "lib/ids.h"
#include "lib/mem.h"

static void print_written(const Enlace__V1__Written *written)
{
    char revision[64] = "";
    snprintf(revision, sizeof revision, _("revision %llu"), (unsigned long long)written->revision);
    printf("%s %s%s\n", written->id, revision, written->unchanged ? _(", unchanged") : "");
}

static int edit(const client_t *client, Enlace__V1__Edit *body)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_EDIT;
    request.edit = body;
    int status = ask(client, &talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_WRITTEN, &reply);
    if (!status)
        print_written(reply->written);
    talk_free(&reply);
    talk_close(&talk);
    return status;
}

static int run(const client_t *client)
{
    Enlace__V1__Edit body = ENLACE__V1__EDIT__INIT;
    fault_t fault = {0};
    assignments_t assignments = {0};
    err_t err = options_number(client->options, OPT_IF_REVISION, 1, NUMBER_MAX, 0,
                               &body.if_revision, &fault);
    if (!err)
        err = assignments_make(client->words + 1, client->word_count - 1, &assignments, &fault);
    if (err)
        return report(client, err, &fault);
    char *id = mem_copy_string(client->words[0]);
    body.has_if_revision = client->options->values[OPT_IF_REVISION] != NULL;
    body.id = id;
    body.assignments = assignments.items;
    body.n_assignments = assignments.count;
    int status = edit(client, &body);
    mem_free(id);
    assignments_clear(&assignments);
    return status;
}

const command_t command_edit = {
    .name = "edit",
    .line = N_("changes fields of a record of this node's own"),
    .synopsis = "ID FIELD=VALUE... [--if-revision N]",
    .usage =
        N_("FIELD= clears a field; a list given whole replaces the list; name=es:X sets one\n"
           "language and leaves the others. ID is CODE:number, or @key. What this version does\n"
           "not know of the record stays. --if-revision N: only where the record is still at\n"
           "that revision."),
    .options = OPTION(OPT_IF_REVISION),
    .least_words = 2,
    .most_words = 1000,
    .run = run,
};
