#include <string.h>

#include "client/commands.h"
#include "client/report.h"
#include "lib/mem.h"

typedef struct {
    option_t option;
    const char *name; // in enlaced.conf
} setting_t;

static const setting_t settings[] = {
    {OPT_NODE, "node/code"}, {OPT_NAME, "node/name"},     {OPT_COUNTRY, "node/country"},
    {OPT_LANG, "node/lang"}, {OPT_LISTEN, "link/listen"}, {OPT_ADVERTISE, "link/advertise"},
};

// Messages name what the person wrote, not where it would have been kept.
static void name_option(fault_t *fault)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(fault->where, settings[i].name) == 0)
            memcpy(fault->where, options_name(settings[i].option),
                   strlen(options_name(settings[i].option)) + 1);
    if (strcmp(fault->where, "connect/peer") == 0)
        memcpy(fault->where, "--connect", sizeof "--connect");
}

static err_t check_required(const options_t *options, fault_t *fault)
{
    static const option_t required[] = {OPT_NODE, OPT_NAME};
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!options->values[required[i]])
            return fault_set(fault, ERR_USAGE, options_name(required[i]), _("must be given"));
    return ERR_OK;
}

static err_t read_settings(const options_t *options, config_t *config, fault_t *fault)
{
    err_t err = check_required(options, fault);
    for (size_t i = 0; i < sizeof settings / sizeof *settings && !err; i++)
        if (options->values[settings[i].option])
            err = config_set(config, settings[i].name, options->values[settings[i].option], fault);
    for (size_t i = 0; i < options->connect_count && !err; i++)
        err = config_set(config, "connect/peer", options->connects[i], fault);
    if (!err)
        err = config_check(config, fault);
    if (err)
        name_option(fault);
    return err;
}

static void print_result(const client_t *client, const config_t *config)
{
    printf(_("Made node %s, %s, in %s"), config->code, config->name, client->dir);
    printf("\n\n%s\n", _("Keep a copy of keys/root.key away from this machine, where nobody else "
                         "gets at it.\nNext:"));
    printf("  enlace --dir %s card          %s\n", client->dir,
           _("print the card, to send to whoever makes the charter"));
    printf("  enlace --dir %s charter accept FILE\n", client->dir);
    printf("  enlaced --dir %s\n", client->dir);
}

static int run(const client_t *client)
{
    fault_t fault = {0};
    config_t *config = config_new();
    secrets_protect_process();
    err_t err = read_settings(client->options, config, &fault);
    if (!err)
        err = home_create(client->dir, config, &fault);
    if (!err)
        print_result(client, config);
    config_destroy(&config);
    return report(client, err, &fault);
}

const command_t command_init = {
    .name = "init",
    .line = N_("makes a node: its directory, keys, card and configuration"),
    .synopsis = "--node CODE --name TEXT [--country CC] [--lang LANG]\n"
                "     [--listen tcp://IP:PORT [--advertise tcp://HOST:PORT]]\n"
                "     [--connect [CODE@]tcp://HOST:PORT]...",
    .usage = N_(
        "Asks nothing. CODE is 2 to 16 of A-Z, 0-9 and -, unique in the coalition and never\n"
        "given again. A node that only dials out needs no --listen. --listen names the port of\n"
        "the link; publications are on the next one. The card advertises it, or --advertise,\n"
        "which must be given where --listen is for all addresses. --connect names whom to dial:\n"
        "without CODE@ the member whose card advertises exactly that. All of it can be changed\n"
        "in DIR/enlaced.conf later, but for the code."),
    .options = OPTION(OPT_NODE) | OPTION(OPT_NAME) | OPTION(OPT_COUNTRY) | OPTION(OPT_LISTEN) |
               OPTION(OPT_ADVERTISE) | OPTION(OPT_CONNECT),
    .run = run,
};
