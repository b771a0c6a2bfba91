#include "client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/commands.h"
#include "client/report.h"
#include "lib/bounded.h"
#include "lib/crypto.h"

// Every word that may go to the daemon or into a file is text.
static err_t check_words(const options_t *options, fault_t *fault)
{
    for (size_t i = 0; i < options->word_count; i++)
        if (!utf8_valid(span_text(options->words[i])))
            return fault_set(fault, ERR_BAD_UTF8, options->words[i], NULL);
    for (int i = 0; i < OPT_COUNT; i++)
        if (options->values[i] && !utf8_valid(span_text(options->values[i])))
            return fault_set(fault, ERR_BAD_UTF8, options_name((option_t)i), NULL);
    return ERR_OK;
}

static err_t check_command(const client_t *client, const command_t *command, fault_t *fault)
{
    option_t odd = options_unaccepted(client->options, command->options | OPTIONS_GLOBAL);
    if (odd != OPT_COUNT)
        return fault_set(fault, ERR_USAGE, options_name(odd), _("\"%s\" does not take this option"),
                         command->name);
    if (client->word_count < command->least_words)
        return fault_set(fault, ERR_USAGE, command->name, _("something is missing; it is: %s %s"),
                         command->name, command->synopsis);
    if (client->word_count > command->most_words)
        return fault_set(fault, ERR_USAGE, client->words[command->most_words],
                         _("\"%s\" takes no more than what stands before this"), command->name);
    if (!client->dir)
        return fault_set(fault, ERR_USAGE, command->name,
                         _("say which node: --dir DIR, or set ENLACE_DIR"));
    return check_words(client->options, fault);
}

// A full disk or a closed pipe must not look like success.
static int finish(const client_t *client, int status)
{
    fault_t fault = {0};
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fault_set(&fault, ERR_CANNOT_WRITE, _("standard output"), "%s", strerror(errno));
    int failed = report(client, ERR_CANNOT_WRITE, &fault);
    return status ? status : failed;
}

static int run_command(client_t *client, const command_t *command)
{
    fault_t fault = {0};
    err_t err = check_command(client, command, &fault);
    if (!err)
        err = crypto_start();
    return err ? report(client, err, &fault) : command->run(client);
}

static int unknown_command(const client_t *client, const options_t *options)
{
    fault_t fault = {0};
    if (!options->word_count) {
        commands_print(stderr);
        return STATUS_USAGE;
    }
    fault_set(&fault, ERR_USAGE, options->words[0], _("there is no such command"));
    return report(client, ERR_USAGE, &fault);
}

static int dispatch(client_t *client, const options_t *options)
{
    size_t used = 0;
    const command_t *command = command_find(options->words, options->word_count, &used);
    if (options->values[OPT_VERSION]) {
        printf("enlace %s\n", ENLACE_VERSION);
        return STATUS_DONE;
    }
    if (options->values[OPT_HELP] && (command || !options->word_count)) {
        if (command)
            command_print(command, stdout);
        else
            commands_print(stdout);
        return STATUS_DONE;
    }
    if (!command)
        return unknown_command(client, options);
    client->words = options->words + used;
    client->word_count = options->word_count - used;
    return run_command(client, command);
}

int client_main(int argc, char **argv)
{
    options_t options;
    fault_t fault = {0};
    char language[TEXT_LANG_MAX];
    text_start(NULL);
    client_t client = {.out = screen_of(stdout), .err = screen_of(stderr)};
    err_t err = options_parse(argc, argv, &options, &fault);
    if (err)
        return report(&client, err, &fault);
    if (options.values[OPT_LANG])
        text_start(options.values[OPT_LANG]);
    text_language(options.values[OPT_LANG], language);
    client.lang = language[0] ? language : NULL;
    client.options = &options;
    const char *dir = options.values[OPT_DIR] ? options.values[OPT_DIR] : getenv("ENLACE_DIR");
    client.dir = dir && *dir ? dir : NULL;
    int status = finish(&client, dispatch(&client, &options));
    options_clear(&options);
    return status;
}
