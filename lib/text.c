#include "lib/text.h"

#include <string.h>

#include "lib/fields.h"
#include "lib/mem.h"

// The locale has no say in what a language tag is, hence no isalpha().
static bool lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t span_while(const char *text, bool (*first)(char), bool (*second)(char))
{
    size_t size = 0;
    while (first(text[size]) || (second && second(text[size])))
        size++;
    return size;
}

static bool ends_subtag(char c)
{
    return c == '\0' || c == '-';
}

// The three sorts of subtag after the language: their size with the hyphen, or 0.
static size_t script(const char *at)
{
    bool is = at[0] == '-' && upper(at[1]) && span_while(at + 2, lower, NULL) == 3;
    return is && ends_subtag(at[5]) ? 5 : 0;
}

static size_t region(const char *at)
{
    if (at[0] != '-')
        return 0;
    size_t letters = span_while(at + 1, upper, NULL), digits = span_while(at + 1, digit, NULL);
    size_t size = letters == 2 ? 2 : digits == 3 ? 3 : 0;
    return size > 0 && ends_subtag(at[1 + size]) ? 1 + size : 0;
}

static size_t variant(const char *at)
{
    if (at[0] != '-')
        return 0;
    size_t size = span_while(at + 1, lower, digit);
    bool is = (size >= 5 && size <= 8) || (size == 4 && digit(at[1]));
    return is && ends_subtag(at[1 + size]) ? 1 + size : 0;
}

static size_t primary(const char *text)
{
    size_t size = span_while(text, lower, NULL);
    return size == 2 || size == 3 ? size : 0;
}

bool lang_valid(const char *lang)
{
    size_t at = primary(lang), step = 0;
    if (at == 0 || strlen(lang) > LANG_MAX)
        return false;
    at += script(lang + at);
    at += region(lang + at);
    while ((step = variant(lang + at)) > 0)
        at += step;
    return lang[at] == '\0';
}

static bool alphanumeric(char c)
{
    return lower(c) || upper(c) || digit(c);
}

size_t lang_prefix(const char *value)
{
    size_t at = primary(value);
    if (at == 0)
        return 0;
    while (value[at] == '-') {
        size_t size = span_while(value + at + 1, alphanumeric, NULL);
        if (size < 1 || size > 8)
            return 0;
        at += 1 + size;
    }
    return value[at] == ':' && at <= LANG_MAX ? at : 0;
}

static bool entry_is(const Enlace__V1__Text__Entry *entry, const char *lang)
{
    return entry->lang && strcmp(entry->lang, lang) == 0;
}

void text_drop(Enlace__V1__Text *text, const char *lang)
{
    const ProtobufCFieldDescriptor *entries = &text->base.descriptor->fields[0];
    for (size_t i = text->n_entries; i > 0; i--)
        if (entry_is(text->entries[i - 1], lang))
            field_remove(&text->base, entries, i - 1);
}

void text_set(Enlace__V1__Text *text, const char *lang, const char *value)
{
    const ProtobufCFieldDescriptor *entries = &text->base.descriptor->fields[0];
    char *lang_copy = mem_copy_string(lang), *value_copy = mem_copy_string(value);
    text_drop(text, lang_copy);
    field_add(&text->base, entries);
    size_t at = text->n_entries - 1;
    Enlace__V1__Text__Entry *entry = text->entries[at];
    entry->lang = lang_copy;
    entry->text = value_copy;
    for (; at > 0 && text->entries[at - 1]->lang &&
           strcmp(text->entries[at - 1]->lang, lang_copy) > 0;
         at--)
        text->entries[at] = text->entries[at - 1];
    text->entries[at] = entry;
}

const char *text_in(const Enlace__V1__Text *text, const char *lang)
{
    for (size_t i = 0; i < text->n_entries; i++)
        if (entry_is(text->entries[i], lang) && text->entries[i]->text)
            return text->entries[i]->text;
    return NULL;
}

// An empty text is as good as none for somebody who wants to read.
static const char *readable(const Enlace__V1__Text *text, const char *lang, size_t size)
{
    for (size_t i = 0; i < text->n_entries; i++) {
        const Enlace__V1__Text__Entry *entry = text->entries[i];
        const char *its = entry->lang ? entry->lang : "";
        bool meant = !lang || (strncmp(its, lang, size) == 0 && ends_subtag(its[size]));
        if (meant && entry->text && entry->text[0])
            return entry->text;
    }
    return NULL;
}

const char *text_pick(const Enlace__V1__Text *text, const char *lang)
{
    const char *found = lang ? text_in(text, lang) : NULL;
    if (found && found[0])
        return found;
    if (lang && primary(lang) > 0 && (found = readable(text, lang, primary(lang))))
        return found;
    if ((found = readable(text, "es", 2)) || (found = readable(text, "en", 2)))
        return found;
    return readable(text, NULL, 0);
}

bool text_canonical(const Enlace__V1__Text *text)
{
    if (text->base.n_unknown_fields > 0)
        return false;
    for (size_t i = 0; i < text->n_entries; i++) {
        const Enlace__V1__Text__Entry *entry = text->entries[i];
        if (entry->base.n_unknown_fields > 0 || !entry->text || !entry->lang ||
            !lang_valid(entry->lang))
            return false;
        if (i > 0 && strcmp(text->entries[i - 1]->lang, entry->lang) >= 0)
            return false;
    }
    return true;
}
