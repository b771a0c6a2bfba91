#include <string.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/confirm.h"
#include "client/output.h"
#include "client/pairs.h"
#include "client/report.h"
#include "client/table.h"
#include "client/when.h"
#include "lib/mem.h"

typedef Enlace__V1__RecoverReply recover_t;
typedef Enlace__V1__RecoverReply__Peer peer_t;
typedef Enlace__V1__RecoverReply__Own own_t;
typedef Enlace__V1__RecoverReply__Past past_t;

static const char *text_or(const char *text, const char *other)
{
    return text && *text ? text : other;
}

// "restored: the database is not ...", as far as this program knows the name.
static char *reason_text(const char *name)
{
    err_t err = name ? err_by_name(name) : ERR_INTERNAL;
    return err == ERR_INTERNAL ? mem_copy_string(text_or(name, ""))
                               : mem_format("%s: %s", name, _(err_text(err)));
}

static bool is_ok(const char *reason)
{
    return !reason || strcmp(reason, "ok") == 0;
}

// ---- what is fenced ----

static void print_fence(const client_t *client, const recover_t *recover)
{
    char since[WHEN_TEXT];
    pairs_t *pairs = pairs_new();
    char *reason = reason_text(recover->fence);
    when_format(recover->since_ms, since);
    pairs_add(pairs, _("fenced"), reason, STYLE_BAD);
    pairs_add(pairs, _("since"), since, STYLE_NONE);
    pairs_add(pairs, _("seen"), recover->detail, STYLE_NONE);
    pairs_add(pairs, _("waits for"), recover->missing, STYLE_WARNING);
    mem_free(reason);
    reason = is_ok(recover->accept) ? mem_copy_string(_("can be accepted"))
                                    : reason_text(recover->accept);
    pairs_add(pairs, _("operator"), reason, STYLE_NONE);
    mem_free(reason);
    pairs_print(pairs, stdout, &client->out);
    pairs_destroy(&pairs);
}

static void print_table(const client_t *client, const char *title, table_t **table)
{
    if (table_rows(*table)) {
        printf("\n%s%s%s\n", screen_on(&client->out, STYLE_HEADING), title,
               screen_off(&client->out, STYLE_HEADING));
        table_print(*table, stdout, &client->out);
    }
    table_destroy(table);
}

static void add_own(table_t *table, const own_t *own)
{
    char *name = mem_format("%u/%u", own->epoch, own->lane);
    table_cell(table, name, STYLE_NONE);
    table_cell_number(table, own->held);
    table_cell_number(table, own->known);
    table_cell(table, own->known > own->held ? own->known_signed ? _("signed") : _("said") : "",
               own->known > own->held ? STYLE_WARNING : STYLE_NONE);
    mem_free(name);
}

static void print_own(const client_t *client, const recover_t *recover)
{
    table_t *table = table_new();
    table_column(table, _("epoch/lane"), COLUMN_WHOLE);
    table_column(table, _("held"), COLUMN_RIGHT);
    table_column(table, _("known"), COLUMN_RIGHT);
    table_column(table, _("by"), COLUMN_LEFT);
    for (size_t i = 0; i < recover->n_own; i++)
        add_own(table, recover->own[i]);
    print_table(client, _("This node's own feeds"), &table);
}

// "1/0 1, 1/1 57": epoch, lane and number.
static char *told_text(const peer_t *peer)
{
    buf_t text = {0};
    for (size_t i = 0; i < peer->n_told; i++) {
        char *one = mem_format("%s%u/%u %llu", i ? ", " : "", peer->told[i]->epoch,
                               peer->told[i]->lane, (unsigned long long)peer->told[i]->number);
        buf_append(&text, span_text(one));
        mem_free(one);
    }
    buf_append(&text, span_of("", 1));
    return (char *)text.data;
}

static void add_peer(table_t *table, const peer_t *peer)
{
    char when[WHEN_TEXT] = "";
    char *told =
        peer->has_told_ms && !peer->n_told ? mem_copy_string(_("nothing")) : told_text(peer);
    if (peer->has_told_ms)
        when_format(peer->told_ms, when);
    table_cell(table, text_or(peer->code, peer->endpoint), STYLE_NONE);
    table_cell(table, peer->configured ? _("yes") : _("no"), STYLE_NONE);
    table_cell(table, !peer->has_told_ms ? _("has not answered") : when,
               !peer->has_told_ms ? STYLE_BAD : STYLE_GOOD);
    table_cell(table, told, peer->here ? STYLE_NONE : STYLE_WARNING);
    table_cell(table, !peer->has_told_ms && peer->why ? peer->why : "", STYLE_NONE);
    mem_free(told);
}

static void print_peers(const client_t *client, const recover_t *recover)
{
    table_t *table = table_new();
    table_column(table, _("peer"), COLUMN_WHOLE);
    table_column(table, _("configured"), COLUMN_LEFT);
    table_column(table, _("answered"), COLUMN_LEFT);
    table_column(table, _("holds of this node (epoch/lane number)"), COLUMN_LEFT);
    table_column(table, _("why"), COLUMN_LEFT);
    for (size_t i = 0; i < recover->n_peers; i++)
        add_peer(table, recover->peers[i]);
    print_table(client, _("Who has answered"), &table);
}

static void add_past(table_t *table, const past_t *past)
{
    char since[WHEN_TEXT], lifted[WHEN_TEXT];
    when_format(past->since_ms, since);
    when_format(past->lifted_ms, lifted);
    table_cell(table, since, STYLE_NONE);
    table_cell(table, past->fence, STYLE_NONE);
    table_cell(table, lifted, STYLE_NONE);
    table_cell(table, past->how, STYLE_NONE);
    table_cell(table, past->missing, STYLE_NONE);
}

static void print_past(const client_t *client, const recover_t *recover)
{
    table_t *table = table_new();
    table_column(table, _("fenced"), COLUMN_WHOLE);
    table_column(table, _("reason"), COLUMN_WHOLE);
    table_column(table, _("lifted"), COLUMN_WHOLE);
    table_column(table, _("by"), COLUMN_LEFT);
    table_column(table, _("then missing"), COLUMN_LEFT);
    for (size_t i = 0; i < recover->n_past; i++)
        add_past(table, recover->past[i]);
    print_table(client, _("Before"), &table);
}

static void print(const client_t *client, const recover_t *recover)
{
    if (client->options->values[OPT_JSON]) {
        json_t *object = output_message(&recover->base);
        output_json(stdout, object);
        json_decref(object);
        return;
    }
    if (is_ok(recover->fence)) {
        puts(_("This node is not fenced: it writes."));
        print_past(client, recover);
        return;
    }
    print_fence(client, recover);
    print_own(client, recover);
    print_peers(client, recover);
    print_past(client, recover);
}

// ---- what is next ----

static void print_next(const client_t *client, const recover_t *recover)
{
    if (client->options->values[OPT_JSON] || is_ok(recover->fence))
        return;
    putchar('\n');
    if (strcmp(recover->fence, err_name(ERR_FORK)) == 0)
        printf(_("Next: only a new epoch: enlace --dir %s epoch start --root KEY --cut LANE:here"),
               client->dir);
    else if (is_ok(recover->accept))
        printf(_("Next: bring those who have not answered back, or, once you know that no copy of\n"
                 "this node runs: enlace --dir %s origin recover --accept"),
               client->dir);
    else
        printf(_("Next: bring back a peer that holds this node's later changes; where they are\n"
                 "lost for good: enlace --dir %s epoch start --root KEY --cut LANE:here"),
               client->dir);
    putchar('\n');
}

static int ask_show(const client_t *client, talk_t **talk, reply_t **reply)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__RecoverShow body = ENLACE__V1__RECOVER_SHOW__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_RECOVER_SHOW;
    request.recover_show = &body;
    return ask(client, talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_RECOVER, reply);
}

static err_t may_accept(const client_t *client, const recover_t *seen, fault_t *fault)
{
    if (is_ok(seen->fence))
        return fault_set(fault, ERR_NOT_FENCED, client->dir, NULL);
    if (!is_ok(seen->accept))
        return fault_set(fault, err_by_name(seen->accept), client->dir, NULL);
    return confirm_possible(client, "--accept", fault);
}

static int ask_accept(const client_t *client, talk_t **talk)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__RecoverAccept body = ENLACE__V1__RECOVER_ACCEPT__INIT;
    reply_t *reply = NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_RECOVER_ACCEPT;
    request.recover_accept = &body;
    int status = ask(client, talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_RECOVER, &reply);
    if (!status && client->options->values[OPT_JSON])
        print(client, reply->recover);
    else if (!status)
        printf("\n%s\n", _("Accepted: this node writes again. What was missing is kept with it."));
    talk_free(&reply);
    return status;
}

// Whoever accepts has seen who has not answered.
static int accept(const client_t *client, talk_t **talk, const recover_t *seen)
{
    fault_t fault = {0};
    err_t err = may_accept(client, seen, &fault);
    if (!err && !client->options->values[OPT_JSON])
        print(client, seen);
    if (!err)
        err = confirm(client,
                      _("Changes that are not here, and that somebody holds, would make a fork\n"
                        "with what is written now. Does no copy of this node run? [y/s/N]"),
                      "--accept", &fault);
    return err ? report(client, err, &fault) : ask_accept(client, talk);
}

static int run(const client_t *client)
{
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    int status = ask_show(client, &talk, &reply);
    if (!status && client->options->values[OPT_ACCEPT]) {
        status = accept(client, &talk, reply->recover);
    } else if (!status) {
        print(client, reply->recover);
        print_next(client, reply->recover);
    }
    talk_free(&reply);
    talk_close(&talk);
    return status;
}

const command_t command_origin_recover = {
    .name = "origin recover",
    .line = N_("shows why this node does not write, and lets it write again"),
    .synopsis = "[--json] [--accept [--yes]]",
    .usage =
        N_("A node that was restored from a backup waits until every peer that its configuration\n"
           "names has told it how far it had come, takes its changes back from them and then\n"
           "writes again by itself. --accept does not wait for those who have not answered: only\n"
           "where no copy of this node runs. Not after a fork, nor while a later change of this\n"
           "node is known of that is not here: then a new epoch is the way (epoch start)."),
    .options = OPTION(OPT_JSON) | OPTION(OPT_ACCEPT) | OPTION(OPT_YES),
    .run = run,
};
