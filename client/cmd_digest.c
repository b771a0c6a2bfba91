#include "client/ask.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/report.h"
#include "lib/ids.h"
#include "lib/mem.h"

static char *hex_of(const ProtobufCBinaryData *bytes)
{
    char *text = mem_alloc(bytes->len * 2 + 1);
    hex_format(bytes->data, bytes->len, text);
    return text;
}

// The same at every node that holds the same, byte for byte: nothing in it is
// about the node asked, and nothing is translated.
static void print_text(const Enlace__V1__DigestReply *digest)
{
    for (size_t i = 0; i < digest->n_feeds; i++) {
        const Enlace__V1__DigestReply__FeedLine *feed = digest->feeds[i];
        char *hash = hex_of(&feed->hash);
        printf("%s %u %u %llu %s\n", feed->node ? feed->node : "?", feed->epoch, feed->lane,
               (unsigned long long)feed->number, hash);
        mem_free(hash);
    }
    char *view = hex_of(&digest->digest);
    printf("view %s\n", view);
    mem_free(view);
}

static int run(const client_t *client)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__DigestRequest body = ENLACE__V1__DIGEST_REQUEST__INIT;
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_DIGEST;
    request.digest = &body;
    int status = ask(client, &talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_DIGEST, &reply);
    if (!status && client->options->values[OPT_JSON]) {
        json_t *object = output_message(&reply->digest->base);
        output_json(stdout, object);
        json_decref(object);
    } else if (!status) {
        print_text(reply->digest);
    }
    talk_free(&reply);
    talk_close(&talk);
    return status;
}

const command_t command_digest = {
    .name = "digest",
    .line = N_("prints what this node holds, in a form to compare between nodes"),
    .synopsis = "[--json]",
    .usage =
        N_("One line for each feed that has a change: owner, epoch, lane, last number, hash; then\n"
           "the digest of the view. Two nodes that hold the same print the same."),
    .options = OPTION(OPT_JSON),
    .run = run,
};
