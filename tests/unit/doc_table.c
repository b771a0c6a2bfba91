#include "tests/unit/doc_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/bytes.h"
#include "lib/mem.h"

char *doc_read(const char *path)
{
    buf_t bytes = {0};
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s: not here", path);
    for (int c = getc(file); c != EOF; c = getc(file))
        *buf_extend(&bytes, 1) = (uint8_t)c;
    fclose(file);
    *buf_extend(&bytes, 1) = '\0';
    return (char *)bytes.data;
}

// ---- rows ----

static char *cell_of(const char *from, const char *end)
{
    while (from < end && *from == ' ')
        from++;
    while (end > from && end[-1] == ' ')
        end--;
    char *cell = mem_alloc((size_t)(end - from) + 1), *to = cell;
    for (; from < end; from++)
        if (*from != '`')
            *to++ = *from;
    return cell;
}

static void add_row(doc_table_t *table, const char *text, const char *line, const char *end)
{
    mem_grow(&table->rows, &table->capacity, table->count, sizeof *table->rows);
    doc_row_t *row = &table->rows[table->count++];
    *row = (doc_row_t){.start = (size_t)(line - text), .end = (size_t)(end - text) + 1};
    const char *at = line + 1;
    while (at < end && row->count < DOC_CELLS_MAX) {
        const char *bar = memchr(at, '|', (size_t)(end - at));
        if (!bar)
            break;
        row->cells[row->count++] = cell_of(at, bar);
        at = bar + 1;
    }
}

// Where the line ends. Bounded: the sanitizer looks at all that a string function may
// look at, and the document is long.
static const char *line_end(const char *line, const char *end)
{
    const char *found = memchr(line, '\n', (size_t)(end - line));
    return found ? found : end;
}

static const char *after_heading(const char *text, const char *text_end, const char *heading)
{
    size_t size = strlen(heading);
    for (const char *line = text, *end; line < text_end; line = end + 1) {
        end = line_end(line, text_end);
        if ((size_t)(end - line) == size && memcmp(line, heading, size) == 0)
            return end < text_end ? end + 1 : NULL;
    }
    return NULL;
}

bool doc_table(const char *text, const char *heading, doc_table_t *table)
{
    size_t lines = 0; // of the table, its two of head included
    const char *text_end = text + strlen(text);
    *table = (doc_table_t){0};
    for (const char *line = after_heading(text, text_end, heading);
         line && *line && *line != '#';) {
        const char *end = line_end(line, text_end);
        if (*line != '|' && lines)
            break;
        if (*line == '|' && ++lines > 2)
            add_row(table, text, line, end);
        line = *end ? end + 1 : end;
    }
    return lines > 2;
}

void doc_table_clear(doc_table_t *table)
{
    for (size_t i = 0; i < table->count; i++)
        for (size_t k = 0; k < table->rows[i].count; k++)
            mem_free(table->rows[i].cells[k]);
    mem_free(table->rows);
    *table = (doc_table_t){0};
}

// ---- lines ----

void lines_add(lines_t *lines, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_in_range(size, 0, sizeof text - 1);
    mem_grow(&lines->items, &lines->capacity, lines->count, sizeof *lines->items);
    lines->items[lines->count++] = mem_copy_string(text);
}

void lines_add_table(lines_t *lines, const doc_table_t *table, size_t columns)
{
    for (size_t i = 0; i < table->count; i++) {
        buf_t line = {0};
        for (size_t k = 0; k < columns; k++) {
            const char *cell = k < table->rows[i].count ? table->rows[i].cells[k] : "";
            buf_append(&line, span_text(k ? " | " : ""));
            buf_append(&line, span_text(cell));
        }
        *buf_extend(&line, 1) = '\0';
        lines_add(lines, "%s", (char *)line.data);
        buf_free(&line);
    }
}

void lines_clear(lines_t *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        mem_free(lines->items[i]);
    mem_free(lines->items);
    *lines = (lines_t){0};
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tell(const char *name, const char *what, const char *line)
{
    if (name)
        fprintf(stderr, "%s: %s: %s\n", name, what, line);
}

static size_t repeated(const lines_t *lines, const char *name, const char *what)
{
    size_t count = 0;
    for (size_t i = 1; i < lines->count; i++)
        if (strcmp(lines->items[i - 1], lines->items[i]) == 0) {
            tell(name, what, lines->items[i]);
            count++;
        }
    return count;
}

size_t lines_differ(lines_t *document, lines_t *code, const char *name)
{
    size_t i = 0, k = 0;
    if (document->count)
        qsort(document->items, document->count, sizeof *document->items, compare);
    if (code->count)
        qsort(code->items, code->count, sizeof *code->items, compare);
    size_t count = repeated(document, name, "twice in the document") +
                   repeated(code, name, "twice in the code");
    while (i < document->count || k < code->count) {
        int order = i == document->count ? 1
                    : k == code->count   ? -1
                                         : strcmp(document->items[i], code->items[k]);
        if (order < 0)
            tell(name, "only in the document", document->items[i]);
        if (order > 0)
            tell(name, "only in the code", code->items[k]);
        count += order != 0;
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}

// ---- numbers as they are written ----

char *text_of_count(size_t number)
{
    if (number < 1000)
        return mem_format("%zu", number);
    char *before = text_of_count(number / 1000);
    char *text = mem_format("%s,%03zu", before, number % 1000);
    mem_free(before);
    return text;
}

char *text_of_size(size_t size)
{
    if (size % (1024 * 1024) == 0)
        return mem_format("%zu MiB", size / (1024 * 1024));
    return size % 1024 ? text_of_count(size) : mem_format("%zu KiB", size / 1024);
}

char *text_of_ms(size_t ms)
{
    if (ms % 60000 == 0 && ms > 60000)
        return mem_format("%zu min", ms / 60000);
    return ms % 1000 ? mem_format("%zu ms", ms) : mem_format("%zu s", ms / 1000);
}
