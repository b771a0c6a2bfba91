#include "client/ask.h"
#include "client/commands.h"
#include "lib/mem.h"

static int run(const client_t *client)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__Retract body = ENLACE__V1__RETRACT__INIT;
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    char *id = mem_copy_string(client->words[0]);
    body.id = id;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_RETRACT;
    request.retract = &body;
    int status = ask(client, &talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_WRITTEN, &reply);
    if (!status)
        printf("%s %s\n", reply->written->id,
               reply->written->unchanged ? _("was retracted before") : _("retracted"));
    talk_free(&reply);
    talk_close(&talk);
    mem_free(id);
    return status;
}

const command_t command_retract = {
    .name = "retract",
    .line = N_("says that a record of this node's own no longer stands"),
    .synopsis = "ID",
    .usage =
        N_("Its text stays, marked as retracted, at every node that has it; nothing is erased.\n"
           "A retracted record is not edited again. ID is CODE:number, or @key."),
    .least_words = 1,
    .most_words = 1,
    .run = run,
};
