#include <string.h>

#include "client/commands.h"
#include "client/confirm.h"
#include "client/input.h"
#include "client/plain.h"
#include "client/report.h"
#include "client/table.h"
#include "lib/armour.h"
#include "lib/mem.h"

static void print_members(FILE *out, const screen_t *screen, const charter_t *charter)
{
    table_t *table = table_new();
    table_column(table, _("member"), COLUMN_WHOLE);
    table_column(table, _("name"), COLUMN_LEFT);
    table_column(table, _("country"), COLUMN_LEFT);
    for (size_t i = 0; i < charter->roster->member_count; i++) {
        const member_t *member = &charter->roster->members[i];
        const card_t *card = NULL;
        for (size_t j = 0; j < charter->card_count && !card; j++)
            if (origin_equal(&charter->cards[j]->origin, &member->origin))
                card = charter->cards[j];
        table_cell(table, member->code.text, STYLE_NONE);
        table_cell(table, card ? card->name : "", STYLE_NONE);
        table_cell(table, card ? card->country : "", STYLE_NONE);
    }
    table_print(table, out, screen);
    table_destroy(&table);
}

static void print_charter(const client_t *client, const charter_t *charter)
{
    const roster_t *roster = charter->roster;
    char words[WORDS_TEXT];
    char *name = plain_line(roster->name);
    words_format(&roster->hash, words);
    printf("%s%s%s\n\n", screen_on(&client->out, STYLE_HEADING), name,
           screen_off(&client->out, STYLE_HEADING));
    mem_free(name);
    print_members(stdout, &client->out, charter);
    putchar('\n');
    printf(_("Made by %s. From the second version on, %u of %zu members decide who belongs."),
           roster_code_of(roster, &roster->creator), roster->threshold, roster->member_count);
    printf("\n%s\n\n  %s\n\n", _("Its words, to be compared with the creator's by telephone:"),
           words);
    fflush(stdout);
}

// A charter on standard input leaves nobody to ask.
static bool can_ask(const char *path)
{
    return strcmp(path, "-") != 0 && confirm_can_ask();
}

static err_t confirm_words(const client_t *client, const roster_t *roster, fault_t *fault)
{
    const char *words = client->options->values[OPT_FINGERPRINT];
    if (words)
        return words_match(&roster->hash, words)
                   ? ERR_OK
                   : fault_set(fault, ERR_FINGERPRINT_DIFFERS, "--fingerprint", "%s", words);
    if (client->options->values[OPT_YES])
        return ERR_OK;
    if (!can_ask(client->words[0]))
        return fault_set(fault, ERR_NOT_CONFIRMED, roster->name,
                         _("there is nobody to ask here: give --fingerprint or --yes"));
    return confirm_ask(_("Are they the same, and shall this node belong to it? [y/s/N]"))
               ? ERR_OK
               : fault_set(fault, ERR_NOT_CONFIRMED, roster->name, NULL);
}

// Whether this very charter was accepted before; OTHER_CHARTER where another was.
static err_t accepted_before(const char *dir, const roster_t *roster, bool *before, fault_t *fault)
{
    charter_t *charter = NULL;
    err_t err = home_charter(dir, &charter, fault);
    *before = !err && hash_equal(&charter->roster->hash, &roster->hash);
    if (!err && !*before)
        err = fault_set(fault, ERR_OTHER_CHARTER, charter->roster->name, NULL);
    charter_destroy(&charter);
    return err == ERR_NO_CHARTER ? ERR_OK : err;
}

static err_t accept(const client_t *client, const charter_t *charter, span_t bytes, fault_t *fault)
{
    bool before = false;
    err_t err = accepted_before(client->dir, charter->roster, &before, fault);
    if (err)
        return err;
    if (!before)
        print_charter(client, charter);
    // Words that were given are compared in any case: whoever gives them wants to know.
    if (!before || client->options->values[OPT_FINGERPRINT])
        err = confirm_words(client, charter->roster, fault);
    if (!err)
        err = home_accept(client->dir, bytes, fault);
    if (err)
        return err;
    if (before)
        puts(_("This charter was accepted already."));
    else
        printf(_("Accepted. Next: enlaced --dir %s\n"), client->dir);
    return ERR_OK;
}

static int run(const client_t *client)
{
    fault_t fault = {0}, problem = {0};
    card_t *own = NULL;
    charter_t *charter = NULL;
    buf_t bytes = {0};
    err_t err = home_card(client->dir, &own, &fault);
    if (!err)
        err = input_armoured(client->words[0], "charter", CHARTER_BYTES_MAX, &bytes, &fault);
    if (!err) {
        err = charter_decode(buf_span(&bytes), &charter, &problem);
        if (err)
            fault_set(&fault, err, input_name(client->words[0]), "%s %s", problem.where,
                      problem.detail);
    }
    if (!err)
        err = charter_includes(charter, own, &fault);
    if (!err)
        err = accept(client, charter, buf_span(&bytes), &fault);
    buf_free(&bytes);
    charter_destroy(&charter);
    card_destroy(&own);
    return report(client, err, &fault);
}

const command_t command_charter_accept = {
    .name = "charter accept",
    .line = N_("shows a charter and, once its words are compared, joins the coalition"),
    .synopsis = "FILE|- [--fingerprint WORDS | --yes]",
    .usage =
        N_("Shows the members and the eight words; the creator reads theirs aloud. On a terminal\n"
           "it asks; elsewhere give the words that were read (--fingerprint \"w1 ... w8\") or\n"
           "--yes. A node belongs to one coalition. The daemon must not be running."),
    .options = OPTION(OPT_FINGERPRINT) | OPTION(OPT_YES),
    .least_words = 1,
    .most_words = 1,
    .run = run,
};
