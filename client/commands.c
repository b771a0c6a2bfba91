#include "client/commands.h"

#include <string.h>

#include "lib/kinds.h"

static const command_t *const commands[] = {
    &command_init,        &command_card,   &command_charter_create, &command_charter_accept,
    &command_put,         &command_edit,   &command_retract,        &command_import,
    &command_list,        &command_search, &command_show,           &command_status,
    &command_digest,      &command_tail,   &command_verify,         &command_origin_recover,
    &command_epoch_start,
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

const command_t *command_at(size_t index)
{
    return index < COMMAND_COUNT ? commands[index] : NULL;
}

// How many words the name has where the line begins with it, otherwise 0.
static size_t matches(const char *name, const char *const *words, size_t count)
{
    size_t first = strcspn(name, " ");
    if (!count || strlen(words[0]) != first || strncmp(words[0], name, first) != 0)
        return 0;
    if (!name[first])
        return 1;
    return count > 1 && strcmp(words[1], name + first + 1) == 0 ? 2 : 0;
}

const command_t *command_find(const char *const *words, size_t count, size_t *used)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if ((*used = matches(commands[i]->name, words, count)) > 0)
            return commands[i];
    return NULL;
}

void commands_print_kinds(FILE *out)
{
    fprintf(out, "\n%s\n", _("Kinds of records, and their fields:"));
    for (size_t i = 0; i < kind_count(); i++) {
        const kind_t *kind = kind_at(i);
        fprintf(out, "  %s:", kind->name);
        for (unsigned j = 0; j < kind->type->n_fields; j++)
            fprintf(out, " %s", kind->type->fields[j].name);
        fputc('\n', out);
    }
}

void commands_print(FILE *out)
{
    fprintf(out, "%s\n\n", _("enlace [--dir DIR] COMMAND ...: asks and instructs one node"));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-16s %s\n", commands[i]->name, _(commands[i]->line));
    fprintf(out, "\n%s\n",
            _("  --dir DIR        the node's directory; ENLACE_DIR replaces it\n"
              "  --lang LANG      the language to show texts in\n"
              "  --help           this list; behind a command, what it does and takes\n"
              "  --version        which version this is\n\n"
              "Exit status: 0 done; 1 refused or failed; 2 not understood; 3 the node's daemon\n"
              "could not be reached, or failed during the request."));
}

void command_print(const command_t *command, FILE *out)
{
    const char *synopsis = command->synopsis;
    do {
        size_t length = strcspn(synopsis, "\n");
        fprintf(out, "enlace [--dir DIR] %s%s%.*s\n", command->name, length ? " " : "", (int)length,
                synopsis);
        synopsis += length + (synopsis[length] == '\n');
    } while (*synopsis);
    fprintf(out, "\n%s.\n", _(command->line));
    if (command->usage)
        fprintf(out, "\n%s\n", _(command->usage));
    if (command->more)
        command->more(out);
}
