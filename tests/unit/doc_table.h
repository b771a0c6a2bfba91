// Tables of a Markdown document, row by row, to be compared with what the code has.
#ifndef ENLACE_TESTS_DOC_TABLE_H
#define ENLACE_TESTS_DOC_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { DOC_CELLS_MAX = 8 };

// A row: its cells without the spaces around them and without backticks. The
// line it was read from is text[start] up to text[end], its newline included.
typedef struct {
    size_t count, start, end;
    char *cells[DOC_CELLS_MAX];
} doc_row_t;

typedef struct {
    size_t count, capacity;
    doc_row_t *rows;
} doc_table_t;

char *doc_read(const char *path); // whole file; mem_free. Fails the test where it cannot

// The first table after the line that is `heading`, before the next heading.
// False: there is none. doc_table_clear after use.
bool doc_table(const char *text, const char *heading, doc_table_t *table);
void doc_table_clear(doc_table_t *table);

// Lines, to be compared as sets that may not repeat anything.
typedef struct {
    size_t count, capacity;
    char **items;
} lines_t;

void lines_add(lines_t *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lines_add_table(lines_t *lines, const doc_table_t *table, size_t columns); // cells with " | "
void lines_clear(lines_t *lines);
// How many are in one and not in the other, or twice in one; told on standard
// error under `name`, NULL: not told.
size_t lines_differ(lines_t *document, lines_t *code, const char *name);

// As the document writes them: 128 KiB, 2,048; 15 s, 10 min, 500 ms.
char *text_of_size(size_t size);    // mem_free
char *text_of_count(size_t number); // likewise
char *text_of_ms(size_t ms);        // likewise

#endif
