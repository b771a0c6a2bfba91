#include "client/options.h"

#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "lib/mem.h"

typedef struct {
    const char *name;
    bool takes_value;
    bool repeated;
} spec_t;

static const spec_t specs[OPT_COUNT] = {
    [OPT_DIR] = {"--dir", true, false},
    [OPT_LANG] = {"--lang", true, false},
    [OPT_HELP] = {"--help", false, true},
    [OPT_VERSION] = {"--version", false, true},
    [OPT_JSON] = {"--json", false, true},
    [OPT_CSV] = {"--csv", false, true},
    [OPT_LIMIT] = {"--limit", true, false},
    [OPT_OWNER] = {"--owner", true, false},
    [OPT_HISTORY] = {"--history", false, true},
    [OPT_FILE] = {"--file", true, false},
    [OPT_IF_REVISION] = {"--if-revision", true, false},
    [OPT_NODE] = {"--node", true, false},
    [OPT_NAME] = {"--name", true, false},
    [OPT_COUNTRY] = {"--country", true, false},
    [OPT_LISTEN] = {"--listen", true, false},
    [OPT_ADVERTISE] = {"--advertise", true, false},
    [OPT_CONNECT] = {"--connect", true, true},
    [OPT_THRESHOLD] = {"--threshold", true, false},
    [OPT_FINGERPRINT] = {"--fingerprint", true, false},
    [OPT_YES] = {"--yes", false, true},
    [OPT_WATCH] = {"--watch", false, true},
    [OPT_WAIT_SYNCED] = {"--wait-synced", true, false},
    [OPT_SINCE] = {"--since", true, false},
    [OPT_ACCEPT] = {"--accept", false, true},
    [OPT_ROOT] = {"--root", true, false},
    [OPT_CUT] = {"--cut", true, true},
    [OPT_KIND] = {"--kind", true, false},
    [OPT_ALIKE] = {"--alike", false, true},
    [OPT_RETRACTED] = {"--retracted", false, true},
};

const char *options_name(option_t option)
{
    return option < OPT_COUNT ? specs[option].name : "";
}

static option_t find(const char *word)
{
    size_t length = strcspn(word, "=");
    if (strcmp(word, "-h") == 0)
        return OPT_HELP;
    for (int i = 0; i < OPT_COUNT; i++)
        if (strlen(specs[i].name) == length && strncmp(specs[i].name, word, length) == 0)
            return (option_t)i;
    return OPT_COUNT;
}

// Those that may be given again keep each value.
static err_t add_value(options_t *options, option_t option, const char *value, fault_t *fault)
{
    bool connect = option == OPT_CONNECT;
    if (!connect && option != OPT_CUT)
        return ERR_OK;
    size_t most = connect ? HOME_CONNECTS_MAX : CARD_CUTS_MAX;
    size_t *count = connect ? &options->connect_count : &options->cut_count;
    if (*count == most)
        return fault_set(fault, ERR_USAGE, options_name(option), _("given too often"));
    (connect ? options->connects : options->cuts)[(*count)++] = value;
    return ERR_OK;
}

// argv[*at] is an option; *at is left at its last word.
static err_t take_option(char *const *argv, int argc, int *at, options_t *options, fault_t *fault)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    option_t option = find(word);
    if (option == OPT_COUNT)
        return fault_set(fault, ERR_USAGE, word, _("there is no such option"));
    const spec_t *spec = &specs[option];
    const char *value = equals ? equals + 1 : "";
    if (!spec->takes_value && equals)
        return fault_set(fault, ERR_USAGE, spec->name, _("takes no value"));
    if (spec->takes_value && !equals) {
        if (*at + 1 == argc)
            return fault_set(fault, ERR_USAGE, spec->name, _("a value must follow"));
        value = argv[++*at];
    }
    if (options->values[option] && !spec->repeated)
        return fault_set(fault, ERR_USAGE, spec->name, _("given twice"));
    options->values[option] = value;
    return add_value(options, option, value, fault);
}

err_t options_parse(int argc, char *const *argv, options_t *options, fault_t *fault)
{
    *options = (options_t){0};
    options->words = mem_alloc_array((size_t)argc + 1, sizeof *options->words);
    bool ended = false;
    err_t err = ERR_OK;
    for (int i = 1; i < argc && !err; i++) {
        if (!ended && strcmp(argv[i], "--") == 0)
            ended = true;
        else if (!ended && argv[i][0] == '-' && argv[i][1])
            err = take_option(argv, argc, &i, options, fault);
        else
            options->words[options->word_count++] = argv[i];
    }
    if (err)
        options_clear(options);
    return err;
}

void options_clear(options_t *options)
{
    mem_free(options->words);
    *options = (options_t){0};
}

err_t options_number(const options_t *options, option_t option, uint64_t least, uint64_t most,
                     uint64_t fallback, uint64_t *number, fault_t *fault)
{
    const char *text = options->values[option];
    *number = fallback;
    if (!text)
        return ERR_OK;
    // 19 digits always fit into 64 bits.
    size_t digits = strspn(text, "0123456789");
    bool plain = digits && !text[digits] && digits <= 19;
    *number = plain ? strtoull(text, NULL, 10) : 0;
    if (!plain || *number < least || *number > most)
        return fault_set(fault, ERR_USAGE, options_name(option),
                         _("must be a number from %llu to %llu"), (unsigned long long)least,
                         (unsigned long long)most);
    return ERR_OK;
}

option_t options_unaccepted(const options_t *options, uint32_t accepted)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if (options->values[i] && !(accepted & OPTION(i)))
            return (option_t)i;
    return OPT_COUNT;
}
