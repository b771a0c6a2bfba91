// What a node can be configured with: one table of options, each with the check
// that its value must pass, wherever it comes from (enlaced.conf, enlace init).
// The file's form is config_text.c's.
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_options.h"
#include "lib/mem.h"
#include "lib/text.h"
#include "lib/vocabulary.h"

// ---- values ----

static err_t set_text(char *place, size_t size, const char *value, err_t err, fault_t *fault)
{
    if (!*value || strlen(value) >= size)
        return fault_set(fault, err, NULL, "\"%.100s\"", value);
    memcpy(place, value, strlen(value) + 1);
    return ERR_OK;
}

static err_t set_code(config_t *config, const char *value, fault_t *fault)
{
    if (!code_valid(value))
        return fault_set(fault, ERR_BAD_NODE_CODE, NULL, "\"%.100s\"", value);
    return set_text(config->code, sizeof config->code, value, ERR_BAD_NODE_CODE, fault);
}

// Valid for people, and writable in one of ZPL's two sorts of quotes.
static err_t set_name(config_t *config, const char *value, fault_t *fault)
{
    size_t length = strlen(value);
    if (!name_valid(value) || value[0] == ' ' || value[length - 1] == ' ')
        return fault_set(fault, ERR_BAD_VALUE, NULL,
                         "a name has 1 to %u bytes of UTF-8, no control characters, and no spaces "
                         "at its ends",
                         NAME_MAX_BYTES);
    if (strchr(value, '"') && strchr(value, '\''))
        return fault_set(fault, ERR_BAD_VALUE, NULL, "both \" and ' in the name: use one of them");
    mem_free(config->name);
    config->name = mem_copy_string(value);
    return ERR_OK;
}

static err_t set_country(config_t *config, const char *value, fault_t *fault)
{
    if (!country_valid(value))
        return fault_set(fault, ERR_BAD_COUNTRY, NULL, "\"%.100s\"", value);
    return set_text(config->country, sizeof config->country, value, ERR_BAD_COUNTRY, fault);
}

static err_t set_lang(config_t *config, const char *value, fault_t *fault)
{
    if (!lang_valid(value))
        return fault_set(fault, ERR_BAD_LANGUAGE, NULL, "\"%.100s\"", value);
    return set_text(config->lang, sizeof config->lang, value, ERR_BAD_LANGUAGE, fault);
}

static bool port_valid(const char *text, unsigned most)
{
    size_t length = strspn(text, "0123456789");
    if (!length || length > 5 || text[length] || text[0] == '0')
        return false;
    return strtoul(text, NULL, 10) <= most;
}

// Splits HOST:PORT at the last colon; false where host or port cannot be.
static bool split_host(const char *text, char *host, size_t size, unsigned port_most)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || (size_t)(colon - text) >= size ||
        !port_valid(colon + 1, port_most))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    return true;
}

typedef enum { ADDRESS_BAD, ADDRESS_ONE, ADDRESS_ANY } address_t;

// What can be listened on: an address of this machine, or all of them. Names are
// not resolved when binding, so only numbers will do.
static address_t listen_address(const char *endpoint)
{
    char host[ENDPOINT_MAX_BYTES + 1];
    uint8_t bytes[16] = {0};
    static const uint8_t zeros[16];
    if (strncmp(endpoint, "tcp://", 6) != 0 || !split_host(endpoint + 6, host, sizeof host, 65534))
        return ADDRESS_BAD;
    if (strcmp(host, "*") == 0)
        return ADDRESS_ANY;
    size_t length = strlen(host);
    int parsed = 0;
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        parsed = inet_pton(AF_INET6, host + 1, bytes);
    } else {
        parsed = inet_pton(AF_INET, host, bytes);
    }
    if (parsed != 1)
        return ADDRESS_BAD;
    return memcmp(bytes, zeros, sizeof bytes) == 0 ? ADDRESS_ANY : ADDRESS_ONE;
}

static err_t set_listen(config_t *config, const char *value, fault_t *fault)
{
    if (listen_address(value) == ADDRESS_BAD)
        return fault_set(fault, ERR_BAD_VALUE, NULL,
                         "\"%.80s\" is not tcp://IP:PORT (port 1 to 65534)", value);
    return set_text(config->listen, sizeof config->listen, value, ERR_BAD_VALUE, fault);
}

static err_t set_advertise(config_t *config, const char *value, fault_t *fault)
{
    if (!endpoint_valid(value))
        return fault_set(fault, ERR_BAD_VALUE, NULL,
                         "\"%.80s\" is not tcp://HOST:PORT that others can dial", value);
    return set_text(config->advertise, sizeof config->advertise, value, ERR_BAD_VALUE, fault);
}

static err_t set_socks(config_t *config, const char *value, fault_t *fault)
{
    char host[ENDPOINT_MAX_BYTES + 1];
    if (!split_host(value, host, sizeof host, 65535))
        return fault_set(fault, ERR_BAD_VALUE, NULL, "\"%.80s\" is not HOST:PORT", value);
    return set_text(config->socks, sizeof config->socks, value, ERR_BAD_VALUE, fault);
}

// [CODE@]tcp://HOST:PORT
static err_t set_peer(config_t *config, const char *value, fault_t *fault)
{
    connect_t peer = {0};
    const char *endpoint = value;
    const char *at = strchr(value, '@');
    if (at && (size_t)(at - value) <= CODE_MAX) {
        memcpy(peer.code, value, (size_t)(at - value));
        endpoint = at + 1;
    }
    if ((at && !code_valid(peer.code)) || !endpoint_valid(endpoint))
        return fault_set(fault, ERR_BAD_VALUE, NULL, "\"%.80s\" is not [CODE@]tcp://HOST:PORT",
                         value);
    if (config->connect_count == HOME_CONNECTS_MAX)
        return fault_set(fault, ERR_TOO_MANY, NULL, "at most %u peers", HOME_CONNECTS_MAX);
    for (size_t i = 0; i < config->connect_count; i++)
        if (strcmp(config->connects[i].endpoint, endpoint) == 0)
            return fault_set(fault, ERR_DUPLICATE_FIELD, NULL, "\"%.80s\"", endpoint);
    memcpy(peer.endpoint, endpoint, strlen(endpoint) + 1);
    config->connects[config->connect_count++] = peer;
    return ERR_OK;
}

static const char *get_code(const config_t *config)
{
    return config->code;
}
static const char *get_name(const config_t *config)
{
    return config->name ? config->name : "";
}
static const char *get_country(const config_t *config)
{
    return config->country;
}
static const char *get_lang(const config_t *config)
{
    return config->lang;
}
static const char *get_listen(const config_t *config)
{
    return config->listen;
}
static const char *get_advertise(const config_t *config)
{
    return config->advertise;
}
static const char *get_socks(const config_t *config)
{
    return config->socks;
}

// In the order in which they are printed; a section's options stand together.
static const config_option_t options[] = {
    {"node/code",
     "Short code of this node: unique in its coalition and never given again. It is\n"
     "also in the card: it cannot be changed here.",
     "CR", set_code, get_code, false},
    {"node/name", "What the node is called, for people. Quotes are needed around a '#'.", "",
     set_name, get_name, false},
    {"node/country", "ISO 3166-1 alpha-2, where one applies.", "CR", set_country, get_country,
     false},
    {"node/lang",
     "The node's language (BCP 47): of texts written without a language, and the\n"
     "first in which texts are shown. es unless set.",
     "es", set_lang, get_lang, false},
    {"link/listen",
     "Where others may connect to: tcp://IP:PORT with an address of this machine,\n"
     "or tcp://*:PORT for all of them. Publications are on the next port. Without it\n"
     "the node only dials out, which is enough.",
     "tcp://192.0.2.7:5670", set_listen, get_listen, false},
    {"link/advertise",
     "What the card says others should dial, where that is not what is listened on\n"
     "(behind a router, or listening on all addresses).",
     "tcp://enlace.example.org:5670", set_advertise, get_advertise, false},
    {"link/socks", "SOCKS5 proxy for every outgoing connection.", "127.0.0.1:9050", set_socks,
     get_socks, false},
    {"connect/peer",
     "Whose link to dial: CODE@tcp://HOST:PORT, a line each. Without CODE@ it is the\n"
     "member whose card advertises exactly that. Only what stands here is dialled.",
     "CRM@tcp://hub.example.org:5670", set_peer, NULL, true},
};
_Static_assert(sizeof options / sizeof *options == CONFIG_OPTION_COUNT, "one constant, two files");

const config_option_t *config_option(size_t index)
{
    return index < CONFIG_OPTION_COUNT ? &options[index] : NULL;
}

const config_option_t *config_option_find(const char *name)
{
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

config_t *config_new(void)
{
    config_t *config = mem_alloc(sizeof *config);
    memcpy(config->lang, "es", sizeof "es");
    return config;
}

void config_destroy(config_t **config)
{
    if (*config)
        mem_free((*config)->name);
    mem_free(*config);
    *config = NULL;
}

err_t config_set(config_t *config, const char *name, const char *value, fault_t *fault)
{
    fault_t problem = {0};
    const config_option_t *option = config_option_find(name);
    if (!option)
        return fault_set(fault, ERR_UNKNOWN_FIELD, name, "not an option");
    err_t err = option->set(config, value, &problem);
    return err ? fault_set(fault, err, name, "%s", problem.detail) : ERR_OK;
}

err_t config_check(const config_t *config, fault_t *fault)
{
    if (!config->code[0])
        return fault_set(fault, ERR_MISSING_FIELD, "node/code", NULL);
    if (!config->name)
        return fault_set(fault, ERR_MISSING_FIELD, "node/name", NULL);
    if (config->advertise[0] && !config->listen[0])
        return fault_set(fault, ERR_MISSING_FIELD, "link/listen",
                         "link/advertise says where others find what is listened on");
    if (config->listen[0] && !config->advertise[0] && listen_address(config->listen) == ADDRESS_ANY)
        return fault_set(fault, ERR_MISSING_FIELD, "link/advertise",
                         "%.80s is no address that others can dial: say which one is",
                         config->listen);
    return ERR_OK;
}
