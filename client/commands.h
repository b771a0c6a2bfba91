// The table of commands. One file a command.
#ifndef ENLACE_CLIENT_COMMANDS_H
#define ENLACE_CLIENT_COMMANDS_H

#include "client/client.h"

typedef struct {
    const char *name;        // one word or two
    const char *line;        // what it does, in one line
    const char *synopsis;    // behind "enlace ... NAME"; lines for variants
    const char *usage;       // the rest of --help; NULL: nothing more to say
    void (*more)(FILE *out); // what --help adds that is not known in advance; may be NULL
    uint32_t options;        // accepted beside the global ones
    size_t least_words, most_words;
    int (*run)(const client_t *client);
} command_t;

extern const command_t command_init, command_card, command_charter_create, command_charter_accept,
    command_put, command_edit, command_retract, command_import, command_list, command_search,
    command_show, command_status, command_origin_recover, command_epoch_start, command_digest,
    command_tail, command_verify;

const command_t *command_at(size_t index); // NULL past the end
// By the first words of a line; *used is how many of them are its name.
const command_t *command_find(const char *const *words, size_t count, size_t *used);

void commands_print_kinds(FILE *out); // for .more: the kinds of records that this version knows
void commands_print(FILE *out);       // the list: enlace --help
void command_print(const command_t *command, FILE *out); // enlace NAME --help

#endif
