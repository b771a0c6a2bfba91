// Records of one kind as a table: id, key, what they are called, then the first
// few fields that any of them has, in the order of the schema.
#ifndef ENLACE_CLIENT_LIST_TABLE_H
#define ENLACE_CLIENT_LIST_TABLE_H

#include "client/record_print.h"

typedef struct list_table list_table_t;

list_table_t *list_table_new(const kind_t *kind, const char *lang); // kind may be NULL
void list_table_destroy(list_table_t **table);
// Takes what it needs; both stay the caller's. `record` may be NULL.
void list_table_add(list_table_t *table, const view_t *view, const record_t *record);
void list_table_print(const list_table_t *table, FILE *out, const screen_t *screen);

#endif
