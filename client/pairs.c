#include "client/pairs.h"

#include <string.h>

#include "client/plain.h"
#include "lib/mem.h"

enum { GAP = 2, VALUE_LEAST = 12 };

typedef struct {
    char *name;
    char *value;
    style_t style;
} pair_t;

struct pairs {
    pair_t *items;
    size_t count, capacity;
};

pairs_t *pairs_new(void)
{
    return mem_alloc(sizeof(pairs_t));
}

void pairs_destroy(pairs_t **pairs)
{
    for (size_t i = 0; i < (*pairs)->count; i++) {
        mem_free((*pairs)->items[i].name);
        mem_free((*pairs)->items[i].value);
    }
    mem_free((*pairs)->items);
    mem_free(*pairs);
    *pairs = NULL;
}

void pairs_add(pairs_t *pairs, const char *name, const char *value, style_t style)
{
    if (!value || !*value)
        return;
    mem_grow(&pairs->items, &pairs->capacity, pairs->count, sizeof *pairs->items);
    pairs->items[pairs->count++] = (pair_t){plain_line(name), plain_lines(value), style};
}

static size_t name_width(const pairs_t *pairs)
{
    size_t widest = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        size_t width = plain_width(pairs->items[i].name);
        widest = width > widest ? width : widest;
    }
    return widest;
}

// Bytes of the next printed line of `text` (one line of its own); room 0: all.
static size_t line_bytes(const char *text, size_t room)
{
    size_t length = strlen(text);
    size_t fits = room ? plain_fit(text, room) : length;
    if (fits == length)
        return length;
    for (size_t at = fits; at > 0; at--)
        if (text[at] == ' ')
            return at;
    if (!fits) // not even one character: it stands alone
        for (fits = 1; (text[fits] & 0xc0) == 0x80;)
            fits++;
    return fits;
}

static void print_value(FILE *out, const screen_t *screen, const pair_t *pair, size_t indent)
{
    size_t room = 0;
    if (screen->columns)
        room = screen->columns > indent + VALUE_LEAST ? screen->columns - indent : VALUE_LEAST;
    char *copy = mem_copy_string(pair->value), *rest = copy;
    for (bool first = true; rest; first = false) {
        char *line = strsep(&rest, "\n");
        do {
            size_t bytes = line_bytes(line, room);
            fprintf(out, "%*s%s%.*s%s\n", first ? 0 : (int)indent, "",
                    screen_on(screen, pair->style), (int)bytes, line,
                    screen_off(screen, pair->style));
            line += bytes;
            line += strspn(line, " ");
            first = false;
        } while (*line);
    }
    mem_free(copy);
}

void pairs_print(const pairs_t *pairs, FILE *out, const screen_t *screen)
{
    size_t width = name_width(pairs);
    for (size_t i = 0; i < pairs->count; i++) {
        const pair_t *pair = &pairs->items[i];
        size_t used = plain_width(pair->name);
        fprintf(out, "%s%s%s%*s", screen_on(screen, STYLE_FAINT), pair->name,
                screen_off(screen, STYLE_FAINT), (int)(width - used + GAP), "");
        print_value(out, screen, pair, width + GAP);
    }
}
