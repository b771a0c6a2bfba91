// The table of options, shared by config.c and config_text.c alone.
#ifndef ENLACE_LIB_CONFIG_OPTIONS_H
#define ENLACE_LIB_CONFIG_OPTIONS_H

#include "lib/home.h"

enum { CONFIG_OPTION_COUNT = 8 };

typedef struct {
    const char *name;        // section/option
    const char *explanation; // lines
    const char *example;     // printed as a comment where it is not set
    err_t (*set)(config_t *config, const char *value, fault_t *fault);
    const char *(*get)(const config_t *config); // empty: not set; NULL where it is repeated
    bool repeated;
} config_option_t;

const config_option_t *config_option(size_t index); // in the order of the file; NULL past the end
const config_option_t *config_option_find(const char *name);

#endif
