// Files that commands take as arguments; "-" is standard input.
#ifndef ENLACE_CLIENT_INPUT_H
#define ENLACE_CLIENT_INPUT_H

#include "lib/card.h"
#include "lib/error.h"

// The whole of it, up to max bytes. Caller frees.
err_t input_read(const char *path, size_t max, buf_t *bytes, fault_t *fault);
// The armoured thing of that name in it ("card"), decoded from armour only.
err_t input_armoured(const char *path, const char *name, size_t max, buf_t *bytes, fault_t *fault);
const char *input_name(const char *path); // for messages

#endif
