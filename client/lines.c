#include "client/lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/input.h"
#include "client/text.h"
#include "lib/bounded.h"
#include "lib/control.h"
#include "lib/mem.h"

enum { BLOCK_BYTES = 64 * 1024 };

struct lines {
    FILE *file;
    const char *name;
    char *line; // with its NUL
    size_t capacity;
    char block[BLOCK_BYTES]; // of the file, read ahead
    size_t at, filled;
    uint64_t number, read, total;
};

static err_t failed(const char *name, fault_t *fault)
{
    return fault_set(fault, ERR_CANNOT_READ, name, "%s", strerror(errno));
}

// A copy without a name, rewound.
static FILE *spool(FILE *from)
{
    char block[64 * 1024];
    FILE *copy = tmpfile();
    size_t got = 0;
    while (copy && (got = fread(block, 1, sizeof block, from)) > 0)
        if (fwrite(block, 1, got, copy) != got)
            break;
    if (copy && (got || ferror(from) || fflush(copy) != 0)) {
        int number = errno;
        fclose(copy);
        errno = number;
        return NULL;
    }
    if (copy)
        rewind(copy);
    return copy;
}

static FILE *open_plain(const char *path)
{
    struct stat status;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!file || (fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode)))
        return file;
    FILE *copy = spool(file);
    int number = errno;
    if (file != stdin)
        fclose(file);
    errno = number;
    return copy;
}

err_t lines_open(const char *path, lines_t **result, fault_t *fault)
{
    struct stat status;
    *result = NULL;
    FILE *file = open_plain(path);
    if (!file)
        return failed(input_name(path), fault);
    lines_t *lines = mem_alloc(sizeof *lines);
    lines->file = file;
    lines->name = input_name(path);
    if (fstat(fileno(file), &status) == 0 && status.st_size > 0)
        lines->total = (uint64_t)status.st_size;
    *result = lines;
    return ERR_OK;
}

void lines_close(lines_t **lines)
{
    if (!*lines)
        return;
    if ((*lines)->file != stdin)
        fclose((*lines)->file);
    mem_free((*lines)->line);
    mem_free(*lines);
    *lines = NULL;
}

static err_t refuse(const lines_t *lines, err_t err, fault_t *fault)
{
    char where[64];
    snprintf(where, sizeof where, _("line %llu"), (unsigned long long)lines->number);
    return fault_set(fault, err, where, NULL);
}

// Bytes up to the end of a line or of what was read ahead, which is read on; none at the
// end of the file. *ended: the line ends here.
static span_t take_part(lines_t *lines, bool *ended)
{
    if (lines->at == lines->filled) {
        lines->filled = fread(lines->block, 1, sizeof lines->block, lines->file);
        lines->at = 0;
    }
    const char *start = lines->block + lines->at;
    size_t left = lines->filled - lines->at;
    const char *end = left ? memchr(start, '\n', left) : NULL;
    size_t size = end ? (size_t)(end - start) : left;
    *ended = end != NULL;
    lines->at += size + *ended;
    lines->read += size + *ended;
    return span_of(start, size);
}

static void add_part(lines_t *lines, size_t size, span_t part)
{
    while (size + part.size + 1 > lines->capacity) {
        lines->capacity = lines->capacity ? lines->capacity * 2 : 4096;
        lines->line = mem_resize(lines->line, lines->capacity);
    }
    memcpy(lines->line + size, part.data, part.size);
}

// One line, without its end, into lines->line. A line that is longer than may be
// is read no further. *got is -1 at the end of the file.
static err_t read_line(lines_t *lines, ssize_t *got, fault_t *fault)
{
    size_t size = 0;
    bool ended = false;
    for (span_t part; !ended; size += part.size) {
        part = take_part(lines, &ended);
        if (part.size == 0 && !ended)
            break;
        if (part.size > CONTROL_IMPORT_LINE_MAX - size)
            return refuse(lines, ERR_TOO_BIG, fault);
        add_part(lines, size, part);
    }
    if (ferror(lines->file))
        return failed(lines->name, fault);
    *got = size || ended ? (ssize_t)size : -1;
    return ERR_OK;
}

static err_t check_line(const lines_t *lines, span_t text, fault_t *fault)
{
    if (text.size && memchr(text.data, 0, text.size))
        return refuse(lines, ERR_NUL_IN_TEXT, fault);
    return utf8_valid(text) ? ERR_OK : refuse(lines, ERR_BAD_UTF8, fault);
}

static bool is_blank(span_t text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != ' ' && text.data[i] != '\t')
            return false;
    return true;
}

// Without a byte order mark in front and a carriage return behind.
static span_t trimmed(const lines_t *lines, size_t size)
{
    span_t text = span_of(lines->line, size);
    if (lines->number == 1 && size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = span_of(text.data + 3, size - 3);
    if (text.size && text.data[text.size - 1] == '\r')
        text.size--;
    return text;
}

err_t lines_next(lines_t *lines, const char **line, uint64_t *number, bool *end, fault_t *fault)
{
    *line = NULL;
    *end = false;
    for (;;) {
        ssize_t got = 0;
        lines->number++;
        err_t err = read_line(lines, &got, fault);
        *end = got < 0;
        if (err || *end)
            return err;
        span_t text = trimmed(lines, (size_t)got);
        if (is_blank(text))
            continue;
        err = check_line(lines, text, fault);
        lines->line[(size_t)(text.data - (uint8_t *)lines->line) + text.size] = '\0';
        *line = (const char *)text.data;
        *number = lines->number;
        return err;
    }
}

uint64_t lines_bytes_read(const lines_t *lines)
{
    return lines->read;
}

uint64_t lines_bytes_total(const lines_t *lines)
{
    return lines->total;
}
