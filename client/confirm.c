#include "client/confirm.h"

#include <string.h>
#include <unistd.h>

static bool is_yes(const char *answer)
{
    static const char *const yes[] = {"y", "yes", "s", "si", "sí", "sim"};
    char word[16] = "";
    size_t length = strcspn(answer, " \r\n");
    for (size_t i = 0; i < length && i + 1 < sizeof word; i++)
        word[i] = (char)(answer[i] >= 'A' && answer[i] <= 'Z' ? answer[i] + 32 : answer[i]);
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcmp(word, yes[i]) == 0)
            return true;
    return false;
}

bool confirm_can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool confirm_ask(const char *question)
{
    char answer[64] = "";
    printf("%s ", question);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && is_yes(answer);
}

err_t confirm_possible(const client_t *client, const char *what, fault_t *fault)
{
    if (client->options->values[OPT_YES] || confirm_can_ask())
        return ERR_OK;
    return fault_set(fault, ERR_NOT_CONFIRMED, what, _("there is nobody to ask here: add --yes"));
}

err_t confirm(const client_t *client, const char *question, const char *what, fault_t *fault)
{
    err_t err = confirm_possible(client, what, fault);
    if (err || client->options->values[OPT_YES] || confirm_ask(question))
        return err;
    return fault_set(fault, ERR_NOT_CONFIRMED, what, NULL);
}
