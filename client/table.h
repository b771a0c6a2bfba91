// Tables. On a terminal they fit it: the widest columns give way first, and what
// does not fit ends in "…"; elsewhere nothing is cut. Cells are made plain
// (client/plain.h) when they come in.
#ifndef ENLACE_CLIENT_TABLE_H
#define ENLACE_CLIENT_TABLE_H

#include "client/screen.h"

typedef struct table table_t;

typedef enum {
    COLUMN_LEFT = 0,
    COLUMN_RIGHT = 1,
    COLUMN_WHOLE = 2, // never cut while another column can give way: ids
} column_t;           // flags

table_t *table_new(void);
void table_destroy(table_t **table);
void table_column(table_t *table, const char *title, unsigned flags);
// Cells go in from left to right, row after row.
void table_cell(table_t *table, const char *text, style_t style);
void table_cell_number(table_t *table, unsigned long long number);
size_t table_rows(const table_t *table);
void table_print(const table_t *table, FILE *out, const screen_t *screen);

#endif
