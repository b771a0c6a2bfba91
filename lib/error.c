#include "lib/error.h"

#include <stdarg.h>
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

err_t fault_set(fault_t *fault, err_t err, const char *where, const char *format, ...)
{
    if (!fault)
        return err;
    fault->err = err;
    snprintf(fault->where, sizeof fault->where, "%s", where ? where : "");
    fault->detail[0] = '\0';
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(fault->detail, sizeof fault->detail, format, arguments);
        va_end(arguments);
    }
    return err;
}
