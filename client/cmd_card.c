#include "client/commands.h"
#include "client/report.h"
#include "lib/armour.h"
#include "lib/mem.h"

static int run(const client_t *client)
{
    fault_t fault = {0};
    card_t *card = NULL;
    err_t err = home_card(client->dir, &card, &fault);
    if (err)
        return report(client, err, &fault);
    buf_t bytes = card_encode(card);
    char *line = armour_format("card", buf_span(&bytes));
    puts(line);
    mem_free(line);
    buf_free(&bytes);
    card_destroy(&card);
    return STATUS_DONE;
}

const command_t command_card = {
    .name = "card",
    .line = N_("prints this node's public identity: one line, to be mailed"),
    .synopsis = "",
    .usage =
        N_("There is nothing secret in it: code, name, country, public keys, and where it can be\n"
           "reached. Whoever makes the charter needs the card of every member."),
    .run = run,
};
