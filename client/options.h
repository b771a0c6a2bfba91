// The command line. Options stand before or after the command and its arguments,
// as --name VALUE or --name=VALUE; "--" ends them, "-" is an argument. One table
// says which take a value, so that a line means the same whichever command it is
// for; a command names those that it accepts.
#ifndef ENLACE_CLIENT_OPTIONS_H
#define ENLACE_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/home.h"

typedef enum {
    OPT_DIR,
    OPT_LANG,
    OPT_HELP,
    OPT_VERSION,
    OPT_JSON,
    OPT_CSV,
    OPT_LIMIT,
    OPT_OWNER,
    OPT_HISTORY,
    OPT_FILE,
    OPT_IF_REVISION,
    OPT_NODE,
    OPT_NAME,
    OPT_COUNTRY,
    OPT_LISTEN,
    OPT_ADVERTISE,
    OPT_CONNECT,
    OPT_THRESHOLD,
    OPT_FINGERPRINT,
    OPT_YES,
    OPT_WATCH,
    OPT_WAIT_SYNCED,
    OPT_SINCE,
    OPT_ACCEPT,
    OPT_ROOT,
    OPT_CUT,
    OPT_KIND,
    OPT_ALIKE,
    OPT_RETRACTED,
    OPT_COUNT
} option_t;

#define OPTION(option) (UINT32_C(1) << (option))
#define OPTIONS_GLOBAL (OPTION(OPT_DIR) | OPTION(OPT_LANG) | OPTION(OPT_HELP) | OPTION(OPT_VERSION))

typedef struct {
    const char *values[OPT_COUNT]; // NULL: not given; "" for those without a value
    const char *connects[HOME_CONNECTS_MAX];
    size_t connect_count;
    const char *cuts[CARD_CUTS_MAX];
    size_t cut_count;
    const char **words; // command and arguments, in order
    size_t word_count;
} options_t;

// Strings stay argv's. ERR_USAGE; where: the word.
err_t options_parse(int argc, char *const *argv, options_t *options, fault_t *fault);
void options_clear(options_t *options);
// "--limit"
const char *options_name(option_t option);
// An unsigned decimal number within bounds; fallback where the option is not given. ERR_USAGE.
err_t options_number(const options_t *options, option_t option, uint64_t least, uint64_t most,
                     uint64_t fallback, uint64_t *number, fault_t *fault);
// The first that is given and not among the accepted, or OPT_COUNT.
option_t options_unaccepted(const options_t *options, uint32_t accepted);

#endif
