#include "lib/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    err_t err;
    const char *name;
    const char *text;
} entry_t;

static const entry_t entries[] = {
#define X(number, symbol, name, text) {ERR_##symbol, name, text},
    ERR_TABLE(X)
#undef X
};

static const entry_t *find(err_t err)
{
    static const entry_t unknown = {ERR_INTERNAL, "unknown-reason", "a reason unknown here"};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (entries[i].err == err)
            return &entries[i];
    return &unknown;
}

const char *err_name(err_t err)
{
    return find(err)->name;
}

const char *err_text(err_t err)
{
    return find(err)->text;
}

err_t err_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (strcmp(entries[i].name, name) == 0)
            return entries[i].err;
    return ERR_INTERNAL;
}

// Bytes of the UTF-8 character at the start of text (RFC 3629, table 3-7 of
// Unicode for the second byte), 0 where there is none.
static size_t character(const unsigned char *text)
{
    unsigned char first = text[0], low = 0x80, high = 0xbf;
    size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4)
        return 0;
    low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : low;
    high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : high;
    for (size_t i = 1; i < size; i++, low = 0x80, high = 0xbf)
        if (text[i] < low || text[i] > high)
            return 0;
    return size;
}

static bool is_control(const unsigned char *text)
{
    return text[0] < 0x20 || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0);
}

// What was refused is often quoted, and cut to fit: it must still be text, and
// not one that drives a terminal.
static void make_printable(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at;) {
        size_t size = character(at);
        if (size == 0 || is_control(at)) {
            *at++ = '?';
            continue;
        }
        at += size;
    }
}

err_t fault_set(fault_t *fault, err_t err, const char *where, const char *format, ...)
{
    if (!fault)
        return err;
    fault->err = err;
    snprintf(fault->where, sizeof fault->where, "%s", where ? where : "");
    make_printable(fault->where);
    fault->detail[0] = '\0';
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(fault->detail, sizeof fault->detail, format, arguments);
        va_end(arguments);
        make_printable(fault->detail);
    }
    return err;
}
