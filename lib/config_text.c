// enlaced.conf as text: ZPL (rfc.zeromq.org/spec/4), read through czmq's zconfig.
// zconfig cuts a value at an unquoted '#', cuts lines at 1024 bytes and names a
// line only in its log, so the lines are scanned first: what passes the scan is
// what zconfig understands in full, and its n-th item is on the n-th line that
// has one. zconfig's printer writes values that don't load again; ours is here.
#include <czmq.h>
#include <stdio.h>
#include <string.h>

#include "lib/bounded.h"
#include "lib/config_options.h"
#include "lib/mem.h"

enum { CONFIG_BYTES_MAX = 64 * 1024, LINE_MAX_BYTES = 1000, INDENT = 4 };

// ---- printing ----

static void print_line(buf_t *text, const char *indent, const char *start, size_t length)
{
    buf_append(text, span_text(indent));
    buf_append(text, span_of(start, length));
    buf_append(text, span_text("\n"));
}

static void print_explanation(buf_t *text, const char *explanation)
{
    for (const char *at = explanation; *at;) {
        size_t length = strcspn(at, "\n");
        print_line(text, "    # ", at, length);
        at += length + (at[length] == '\n');
    }
}

static void print_setting(buf_t *text, const char *indent, const char *name, const char *value)
{
    const char *quote = strchr(value, '"') ? "'" : "\"";
    char *line = mem_format("%s = %s%s%s", name, quote, value, quote);
    print_line(text, indent, line, strlen(line));
    mem_free(line);
}

static void print_option(buf_t *text, const config_option_t *option, const config_t *config)
{
    const char *name = strchr(option->name, '/') + 1;
    const char *value = option->get ? option->get(config) : "";
    print_explanation(text, option->explanation);
    if (*value)
        print_setting(text, "    ", name, value);
    else if (!option->repeated || !config->connect_count)
        print_setting(text, "    # ", name, option->example);
}

static void print_peers(buf_t *text, const config_t *config)
{
    for (size_t i = 0; i < config->connect_count; i++) {
        const connect_t *peer = &config->connects[i];
        char *value = mem_format("%s%s%s", peer->code, peer->code[0] ? "@" : "", peer->endpoint);
        print_setting(text, "    ", "peer", value);
        mem_free(value);
    }
}

buf_t config_print(const config_t *config)
{
    buf_t text = {0};
    const char *section = "";
    buf_append(&text, span_text("# A node of Enlace. Read when the daemon starts; '#' begins a "
                                "comment, four spaces\n# stand before each option.\n"));
    for (size_t i = 0; i < CONFIG_OPTION_COUNT; i++) {
        size_t length = strcspn(config_option(i)->name, "/");
        if (strncmp(section, config_option(i)->name, length + 1) != 0)
            print_line(&text, "\n", config_option(i)->name, length);
        section = config_option(i)->name;
        print_option(&text, config_option(i), config);
    }
    print_peers(&text, config); // the last section's only option
    return text;
}

// ---- reading ----

typedef struct {
    unsigned *lines; // of each item, in order
    size_t count, capacity, next;
} items_t;

static err_t refuse(fault_t *fault, unsigned line, const char *name, const char *why)
{
    char where[48];
    snprintf(where, sizeof where, "enlaced.conf line %u", line);
    return fault_set(fault, ERR_BAD_CONFIG, where, "%s%s%s", name, *name ? ": " : "", why);
}

// What is wrong behind the name, NULL where nothing is.
static const char *value_problem(const char *rest, const char *end)
{
    while (rest < end && *rest == ' ')
        rest++;
    if (rest == end || *rest == '#')
        return NULL;
    if (*rest++ != '=')
        return "expected NAME = VALUE";
    while (rest < end && *rest == ' ')
        rest++;
    if (rest == end || (*rest != '"' && *rest != '\''))
        return memchr(rest, '#', (size_t)(end - rest))
                   ? "put the value in quotes, or the comment on a line of its own"
                   : NULL;
    const char *close = memchr(rest + 1, *rest, (size_t)(end - rest - 1));
    if (!close)
        return "the closing quote is missing";
    for (rest = close + 1; rest < end && *rest == ' ';)
        rest++;
    return rest == end || *rest == '#' ? NULL : "something stands after the closing quote";
}

// *level is -1 where the line holds no item.
static const char *line_problem(const char *line, const char *end, int *level)
{
    *level = -1;
    while (end > line && (end[-1] == ' ' || end[-1] == '\r'))
        end--;
    if (end - line > LINE_MAX_BYTES)
        return "the line is too long";
    for (const char *at = line; at < end; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return "a tab or control character: indent with four spaces";
    const char *name = line;
    while (name < end && *name == ' ')
        name++;
    if (name < end && (name - line) % INDENT != 0)
        return "indent with four spaces";
    if (name == end || *name == '#')
        return NULL;
    const char *rest = name;
    while (rest < end && ((*rest >= 'a' && *rest <= 'z') || *rest == '_'))
        rest++;
    if (rest == name)
        return "expected a name";
    *level = (int)((name - line) / INDENT);
    return value_problem(rest, end);
}

static err_t scan(const char *text, items_t *items, fault_t *fault)
{
    unsigned number = 0;
    int before = -1;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        int level = -1;
        const char *problem = line_problem(line, line + length, &level);
        number++;
        if (problem)
            return refuse(fault, number, "", problem);
        if (level > before + 1)
            return refuse(fault, number, "", "indented too deeply");
        if (level >= 0) {
            mem_grow(&items->lines, &items->capacity, items->count, sizeof *items->lines);
            items->lines[items->count++] = number;
            before = level;
        }
        line += length + (line[length] == '\n');
    }
    return ERR_OK;
}

static err_t read_option(config_t *config, zconfig_t *node, const char *section, unsigned line,
                         bool *seen, fault_t *fault)
{
    fault_t problem = {0};
    char name[128], why[320];
    snprintf(name, sizeof name, "%.60s/%.60s", section, zconfig_name(node));
    const config_option_t *option = config_option_find(name);
    if (!option)
        return refuse(fault, line, name, "not an option");
    if (seen[option - config_option(0)] && !option->repeated)
        return refuse(fault, line, name, "given twice");
    seen[option - config_option(0)] = true;
    if (zconfig_child(node))
        return refuse(fault, line + 1, name, "indented too deeply");
    err_t err = option->set(config, zconfig_value(node) ? zconfig_value(node) : "", &problem);
    snprintf(why, sizeof why, "%s: %s", err_text(err), problem.detail);
    return err ? refuse(fault, line, name, why) : ERR_OK;
}

static err_t read_section(config_t *config, zconfig_t *section, items_t *items, bool *seen,
                          fault_t *fault)
{
    unsigned line = items->lines[items->next++];
    size_t length = strlen(zconfig_name(section));
    bool known = false;
    for (size_t i = 0; i < CONFIG_OPTION_COUNT && !known; i++)
        known = strncmp(config_option(i)->name, zconfig_name(section), length) == 0 &&
                config_option(i)->name[length] == '/';
    if (!known || (zconfig_value(section) && *zconfig_value(section)))
        return refuse(fault, line, zconfig_name(section), "not a section");
    for (zconfig_t *node = zconfig_child(section); node; node = zconfig_next(node)) {
        err_t err = read_option(config, node, zconfig_name(section), items->lines[items->next++],
                                seen, fault);
        if (err)
            return err;
    }
    return ERR_OK;
}

static size_t count_items(zconfig_t *node)
{
    size_t count = 0;
    for (; node; node = zconfig_next(node))
        count += 1 + count_items(zconfig_child(node));
    return count;
}

static err_t read_tree(config_t *config, zconfig_t *root, items_t *items, fault_t *fault)
{
    bool seen[CONFIG_OPTION_COUNT] = {false};
    if (!root || count_items(zconfig_child(root)) != items->count)
        return fault_set(fault, ERR_BAD_CONFIG, "enlaced.conf", "not ZPL");
    for (zconfig_t *section = zconfig_child(root); section; section = zconfig_next(section)) {
        err_t err = read_section(config, section, items, seen, fault);
        if (err)
            return err;
    }
    fault_t problem = {0};
    if (config_check(config, &problem))
        return fault_set(fault, ERR_BAD_CONFIG, "enlaced.conf", "%s: %s%s%s", problem.where,
                         err_text(problem.err), problem.detail[0] ? ": " : "", problem.detail);
    return ERR_OK;
}

err_t config_parse(span_t text, config_t **config, fault_t *fault)
{
    *config = NULL;
    if (text.size > CONFIG_BYTES_MAX)
        return fault_set(fault, ERR_BAD_CONFIG, "enlaced.conf", "%s", err_text(ERR_TOO_BIG));
    if (!utf8_valid(text) || memchr(text.size ? text.data : (const uint8_t *)"", 0, text.size))
        return fault_set(fault, ERR_BAD_CONFIG, "enlaced.conf", "%s", err_text(ERR_BAD_UTF8));
    items_t items = {0};
    char *copy = mem_format("%.*s", (int)text.size, text.size ? (const char *)text.data : "");
    config_t *read = config_new();
    err_t err = scan(copy, &items, fault);
    if (!err) {
        zconfig_t *root = zconfig_str_load(copy);
        err = read_tree(read, root, &items, fault);
        zconfig_destroy(&root);
    }
    mem_free(items.lines);
    mem_free(copy);
    if (err)
        config_destroy(&read);
    *config = read;
    return err;
}

err_t home_config(const char *dir, config_t **config, fault_t *fault)
{
    *config = NULL;
    buf_t text = {0};
    char *path = home_path(dir, "enlaced.conf");
    bool there = access(path, F_OK) == 0;
    err_t err = file_read(path, CONFIG_BYTES_MAX, &text, fault);
    if (err && !there)
        err = fault_set(fault, ERR_NO_DIRECTORY, dir, "there is no enlaced.conf in it");
    mem_free(path);
    if (!err)
        err = config_parse(buf_span(&text), config, fault);
    buf_free(&text);
    return err;
}
