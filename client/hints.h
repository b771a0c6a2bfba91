// What to do next about an error.
#ifndef ENLACE_CLIENT_HINTS_H
#define ENLACE_CLIENT_HINTS_H

#include "lib/error.h"

// A msgid; "{dir}" in it stands for the node's directory. NULL: nothing to say.
const char *hint_of(err_t err);

#endif
