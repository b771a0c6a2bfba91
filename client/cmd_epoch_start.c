#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/confirm.h"
#include "client/report.h"
#include "client/table.h"
#include "lib/bytes.h"
#include "lib/commit.h"
#include "lib/keys.h"
#include "lib/mem.h"

typedef Enlace__V1__EpochReply epoch_reply_t;
typedef Enlace__V1__EpochReply__End end_t;

// ---- cuts, as the person writes them ----

static const end_t *end_of(const epoch_reply_t *state, uint32_t lane)
{
    for (size_t i = 0; i < state->n_ends; i++)
        if (state->ends[i]->lane == lane && state->ends[i]->hash.len == HASH_SIZE)
            return state->ends[i];
    return NULL;
}

// Digits only, up to `most`; *text is left behind them.
static bool take_number(const char **text, uint64_t most, uint64_t *number)
{
    size_t digits = strspn(*text, "0123456789");
    if (!digits || digits > 16)
        return false;
    *number = strtoull(*text, NULL, 10);
    *text += digits;
    return *number <= most;
}

// LANE:NUMBER:HASH, or LANE:here.
static err_t parse_cut(const char *text, const epoch_reply_t *state, cut_t *cut, fault_t *fault)
{
    const char *at = text;
    uint64_t lane = 0, number = 0;
    bool good = take_number(&at, LANE_MAX, &lane) && *at++ == ':';
    cut->epoch = state->epoch;
    cut->lane = (uint32_t)lane;
    if (good && strcmp(at, "here") == 0) {
        const end_t *end = end_of(state, cut->lane);
        if (!end)
            return fault_set(fault, ERR_BAD_CUT, text, _("nothing is held in this lane"));
        cut->number = end->number;
        memcpy(cut->hash.bytes, end->hash.data, HASH_SIZE);
        return ERR_OK;
    }
    good = good && take_number(&at, NUMBER_MAX, &number) && number && *at++ == ':' &&
           strlen(at) == 2 * (size_t)HASH_SIZE && hex_parse(at, cut->hash.bytes, HASH_SIZE);
    cut->number = number;
    return good ? ERR_OK
                : fault_set(fault, ERR_USAGE, text,
                            _("a cut is LANE:NUMBER:HASH (64 hexadecimal digits) or LANE:here"));
}

static bool names_lane(const card_t *card, uint32_t lane)
{
    for (size_t i = 0; i < card->cut_count; i++)
        if (card->cuts[i].lane == lane)
            return true;
    return false;
}

static err_t parse_cuts(const client_t *client, const epoch_reply_t *state, card_t *card,
                        fault_t *fault)
{
    const options_t *options = client->options;
    err_t err = ERR_OK;
    mem_free(card->cuts);
    card->cut_count = 0;
    card->cuts = mem_alloc_array(options->cut_count, sizeof *card->cuts);
    for (size_t i = 0; i < options->cut_count && !err; i++) {
        cut_t cut;
        err = parse_cut(options->cuts[i], state, &cut, fault);
        if (!err && names_lane(card, cut.lane))
            err = fault_set(fault, ERR_USAGE, options->cuts[i], _("this lane is cut twice"));
        if (!err)
            card->cuts[card->cut_count++] = cut;
    }
    for (size_t i = 0; i < state->n_ends && !err; i++)
        if (!names_lane(card, state->ends[i]->lane)) {
            char where[64];
            snprintf(where, sizeof where, "--cut %u:...", state->ends[i]->lane);
            err = fault_set(fault, ERR_CUT_MISSING, where,
                            _("%llu are held here; as it is here: --cut %u:here"),
                            (unsigned long long)state->ends[i]->number, state->ends[i]->lane);
        }
    return err;
}

// ---- the card ----

static err_t next_card(const client_t *client, const epoch_reply_t *state, card_t **next,
                       fault_t *fault)
{
    card_t *card = NULL;
    fault_t problem = {0};
    *next = NULL;
    if (card_decode(span_of(state->card.data, state->card.len), &card, &problem))
        return fault_set(fault, problem.err, client->dir, "%s", problem.where);
    card->previous = card->hash;
    card->has_previous = true;
    card->number++;
    card->epoch++;
    card->protocol = PROTOCOL_VERSION;
    card->schema = SCHEMA_VERSION;
    err_t err = parse_cuts(client, state, card, fault);
    if (err)
        card_destroy(&card);
    *next = card;
    return err;
}

static err_t load_root(const client_t *client, const card_t *card, secret_t **root, fault_t *fault)
{
    const char *path = client->options->values[OPT_ROOT];
    pubkey_t public_key;
    if (!path)
        return fault_set(fault, ERR_USAGE, "--root", _("must name the file of the root key"));
    err_t err = key_load_file(path, KEY_ROOT, root, &public_key, fault);
    if (!err && !key_equal(&public_key, &card->root_key))
        err = fault_set(fault, ERR_BAD_KEY_FILE, path, _("not the root key of this node"));
    return err;
}

static void print_card(const client_t *client, const card_t *card, const epoch_reply_t *state)
{
    table_t *table = table_new();
    printf(_("Epoch %u of %s ends, epoch %u begins with a new signing key. Of epoch %u counts:"),
           state->epoch, card->code.text, card->epoch, state->epoch);
    printf("\n\n");
    table_column(table, _("lane"), COLUMN_RIGHT);
    table_column(table, _("up to"), COLUMN_RIGHT);
    table_column(table, _("held here"), COLUMN_RIGHT);
    table_column(table, _("hash"), COLUMN_LEFT);
    for (size_t i = 0; i < card->cut_count; i++) {
        char hash[2 * HASH_SIZE + 1];
        const end_t *end = end_of(state, card->cuts[i].lane);
        hex_format(card->cuts[i].hash.bytes, HASH_SIZE, hash);
        table_cell_number(table, card->cuts[i].lane);
        table_cell_number(table, card->cuts[i].number);
        table_cell_number(table, end ? end->number : 0);
        table_cell(table, hash, STYLE_NONE);
    }
    table_print(table, stdout, &client->out);
    table_destroy(&table);
    putchar('\n');
}

// ---- handing it over ----

static int hand_over(const client_t *client, talk_t **talk, const card_t *card,
                     const epoch_reply_t *state)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__EpochRequest body = ENLACE__V1__EPOCH_REQUEST__INIT;
    reply_t *reply = NULL;
    buf_t bytes = card_encode(card);
    body.has_card = 1;
    body.card = (ProtobufCBinaryData){bytes.size, bytes.data};
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_EPOCH;
    request.epoch = &body;
    int status = ask(client, talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_EPOCH, &reply);
    if (!status && client->options->values[OPT_YES]) // otherwise it was shown to ask
        print_card(client, card, state);
    if (!status)
        printf(_("Epoch %u has begun."), reply->epoch->epoch);
    if (!status)
        putchar('\n');
    // Where the outcome is not known the key may be needed: the next start looks.
    if (status == STATUS_REFUSED)
        key_drop_pending(client->dir, &card->signing_key);
    buf_free(&bytes);
    talk_free(&reply);
    return status;
}

static int start(const client_t *client, talk_t **talk, card_t *card, const epoch_reply_t *state,
                 const secret_t *root)
{
    secret_t *signing = NULL;
    fault_t fault = {0};
    err_t err = confirm(
        client, _("What lies beyond that counts no more, anywhere, for ever. Go on? [y/s/N]"),
        "epoch start", &fault);
    if (!err)
        err = key_create_pending(client->dir, &signing, &card->signing_key, &fault);
    if (err)
        return report(client, err, &fault);
    secret_destroy(&signing); // the daemon reads it from its file
    card_sign(card, root);
    return hand_over(client, talk, card, state);
}

static int prepare(const client_t *client, talk_t **talk, const epoch_reply_t *state)
{
    card_t *card = NULL;
    secret_t *root = NULL;
    fault_t fault = {0};
    err_t err = next_card(client, state, &card, &fault);
    if (!err)
        err = load_root(client, card, &root, &fault);
    if (!err)
        err = confirm_possible(client, "epoch start", &fault);
    int status = err ? report(client, err, &fault) : STATUS_DONE;
    if (!status)
        status = start(client, talk, card, state, root);
    secret_destroy(&root);
    card_destroy(&card);
    return status;
}

static int run(const client_t *client)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__EpochRequest body = ENLACE__V1__EPOCH_REQUEST__INIT;
    talk_t *talk = NULL;
    reply_t *reply = NULL;
    secrets_protect_process();
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_EPOCH;
    request.epoch = &body;
    int status = ask(client, &talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_EPOCH, &reply);
    if (!status)
        status = prepare(client, &talk, reply->epoch);
    talk_free(&reply);
    talk_close(&talk);
    return status;
}

const command_t command_epoch_start = {
    .name = "epoch start",
    .line = N_("ends this node's epoch at the cuts named, with a new signing key"),
    .synopsis = "--root FILE --cut LANE:NUMBER:HASH|LANE:here... [--yes]",
    .usage =
        N_("For the day after a fork, a theft of the signing key, or changes that are lost for\n"
           "good. FILE is the root key, perhaps on a medium of its own; it is read here and\n"
           "nowhere else. Each lane in which there is something needs a cut: the last change of\n"
           "it that counts. LANE:here is what this node holds. enlace digest prints numbers and\n"
           "hashes, here and elsewhere. What lies beyond a cut counts no more, for ever."),
    .options = OPTION(OPT_ROOT) | OPTION(OPT_CUT) | OPTION(OPT_YES),
    .run = run,
};
