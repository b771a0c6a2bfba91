// The client: what every command is given, and what it gives back.
#ifndef ENLACE_CLIENT_CLIENT_H
#define ENLACE_CLIENT_CLIENT_H

#include "client/options.h"
#include "client/screen.h"
#include "client/text.h"

typedef enum {
    STATUS_DONE = 0,
    STATUS_REFUSED = 1, // or failed
    STATUS_USAGE = 2,
    STATUS_UNREACHABLE = 3, // the node's daemon; also where the outcome is unknown
} status_code_t;

typedef struct {
    const options_t *options;
    const char *dir;          // of the node; NULL for commands that need none
    const char *const *words; // arguments behind the command's name
    size_t word_count;
    const char *lang; // of the person who asks; NULL: nothing said
    screen_t out;     // standard output
    screen_t err;     // standard error
} client_t;

// The whole program but for main().
int client_main(int argc, char **argv);

#endif
