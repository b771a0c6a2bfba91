#include "client/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/text.h"
#include "lib/armour.h"
#include "lib/home.h"

enum { STEP = 64 * 1024, AROUND_ARMOUR_MAX = 256 * 1024 };

const char *input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? _("standard input") : path;
}

static err_t read_standard_input(size_t max, buf_t *bytes, fault_t *fault)
{
    *bytes = (buf_t){0};
    for (;;) {
        size_t got = fread(buf_extend(bytes, STEP), 1, STEP, stdin);
        bytes->size -= STEP - got;
        if (bytes->size > max)
            return fault_set(fault, ERR_TOO_BIG, input_name("-"), NULL);
        if (got < STEP)
            break;
    }
    if (ferror(stdin))
        return fault_set(fault, ERR_CANNOT_READ, input_name("-"), "%s", strerror(errno));
    return ERR_OK;
}

err_t input_read(const char *path, size_t max, buf_t *bytes, fault_t *fault)
{
    if (strcmp(path, "-") != 0)
        return file_read(path, max, bytes, fault);
    err_t err = read_standard_input(max, bytes, fault);
    if (err)
        buf_free(bytes);
    return err;
}

err_t input_armoured(const char *path, const char *name, size_t max, buf_t *bytes, fault_t *fault)
{
    buf_t text = {0};
    fault_t problem = {0};
    *bytes = (buf_t){0};
    // Base64 takes 4 bytes for 3; a mail with its headers may stand around it, and
    // its quoting inside.
    err_t err = input_read(path, max * 2 + AROUND_ARMOUR_MAX, &text, fault);
    if (!err && armour_parse(name, buf_span(&text), max, bytes, &problem))
        err = fault_set(fault, problem.err, input_name(path), "%s", problem.detail);
    buf_free(&text);
    return err;
}
