#include "client/list_table.h"

#include <string.h>

#include "client/table.h"
#include "client/text.h"
#include "lib/assign.h"
#include "lib/mem.h"

enum { FIELDS_SHOWN = 5, FIELDS_MAX = 64 };

typedef struct {
    char *id, *key, *label, *title, *note;
    char *cells[FIELDS_MAX]; // by field of the kind; NULL where empty or not wanted
} row_t;

struct list_table {
    const kind_t *kind;
    const char *lang;
    row_t *rows;
    size_t count, capacity;
    bool filled[FIELDS_MAX];
    bool keyed;
    bool labelled; // some record has another label than its kind's usual one
    bool noted;
};

list_table_t *list_table_new(const kind_t *kind, const char *lang)
{
    list_table_t *table = mem_alloc(sizeof *table);
    table->kind = kind;
    table->lang = lang;
    return table;
}

static void row_clear(row_t *row)
{
    mem_free(row->id);
    mem_free(row->key);
    mem_free(row->label);
    mem_free(row->title);
    mem_free(row->note);
    for (size_t i = 0; i < FIELDS_MAX; i++)
        mem_free(row->cells[i]);
}

void list_table_destroy(list_table_t **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->count; i++)
        row_clear(&(*table)->rows[i]);
    mem_free((*table)->rows);
    mem_free(*table);
    *table = NULL;
}

static unsigned field_total(const kind_t *kind)
{
    unsigned total = kind ? kind->type->n_fields : 0;
    return total < FIELDS_MAX ? total : FIELDS_MAX;
}

static bool is_title(const kind_t *kind, const char *field)
{
    return kind->title && strcmp(kind->title, field) == 0;
}

static void take_cells(list_table_t *table, row_t *row, const record_t *record)
{
    for (unsigned i = 0; i < field_total(table->kind); i++) {
        const char *field = table->kind->type->fields[i].name;
        if (is_title(table->kind, field))
            continue;
        row->cells[i] = record_cell(record, field, table->lang);
        if (row->cells[i] && row->cells[i][0])
            table->filled[i] = true;
    }
}

void list_table_add(list_table_t *table, const view_t *view, const record_t *record)
{
    const char *usual = table->kind ? table->kind->label : NULL;
    mem_grow(&table->rows, &table->capacity, table->count, sizeof *table->rows);
    row_t *row = &table->rows[table->count++];
    *row = (row_t){.id = mem_copy_string(view->id),
                   .key = mem_copy_string(view->key),
                   .label = mem_copy_string(view->label),
                   .note = mem_copy_string(view->note)};
    table->labelled = table->labelled || !usual || !view->label || strcmp(usual, view->label) != 0;
    table->keyed = table->keyed || (view->key && *view->key);
    table->noted = table->noted || (view->note && *view->note);
    if (!record)
        return;
    row->title = mem_copy_string(record_title(record, table->lang));
    take_cells(table, row, record);
}

static size_t choose(const list_table_t *table, unsigned chosen[FIELDS_SHOWN])
{
    size_t count = 0;
    for (unsigned i = 0; i < field_total(table->kind) && count < FIELDS_SHOWN; i++)
        if (table->filled[i])
            chosen[count++] = i;
    return count;
}

static void add_row(const list_table_t *list, table_t *table, const row_t *row,
                    const unsigned *chosen, size_t count)
{
    table_cell(table, row->id, STYLE_NONE);
    if (list->keyed)
        table_cell(table, row->key, STYLE_NONE);
    if (list->kind && list->kind->title)
        table_cell(table, row->title, STYLE_NONE);
    for (size_t i = 0; i < count; i++)
        table_cell(table, row->cells[chosen[i]], STYLE_NONE);
    if (list->labelled)
        table_cell(table, row->label, style_of_label(row->label));
    if (list->noted)
        table_cell(table, row->note, STYLE_WARNING);
}

void list_table_print(const list_table_t *list, FILE *out, const screen_t *screen)
{
    unsigned chosen[FIELDS_SHOWN];
    size_t count = choose(list, chosen);
    if (!list->count)
        return;
    table_t *table = table_new();
    table_column(table, "id", COLUMN_WHOLE);
    if (list->keyed)
        table_column(table, "key", COLUMN_LEFT);
    if (list->kind && list->kind->title)
        table_column(table, list->kind->title, COLUMN_LEFT);
    for (size_t i = 0; i < count; i++)
        table_column(table, list->kind->type->fields[chosen[i]].name, COLUMN_LEFT);
    if (list->labelled)
        table_column(table, "label", COLUMN_WHOLE);
    if (list->noted)
        table_column(table, "note", COLUMN_LEFT);
    for (size_t i = 0; i < list->count; i++)
        add_row(list, table, &list->rows[i], chosen, count);
    table_print(table, out, screen);
    table_destroy(&table);
}
