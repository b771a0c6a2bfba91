#include "client/table.h"

#include <assert.h>
#include <string.h>

#include "client/plain.h"
#include "lib/mem.h"

enum { COLUMNS_MAX = 32, GAP = 2, NARROWEST = 4 };

typedef struct {
    char *title;
    unsigned flags;
} head_cell_t;

typedef struct {
    char *text;
    style_t style;
} cell_t;

struct table {
    head_cell_t columns[COLUMNS_MAX];
    size_t column_count;
    cell_t *cells;
    size_t cell_count, capacity;
};

table_t *table_new(void)
{
    return mem_alloc(sizeof(table_t));
}

void table_destroy(table_t **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->column_count; i++)
        mem_free((*table)->columns[i].title);
    for (size_t i = 0; i < (*table)->cell_count; i++)
        mem_free((*table)->cells[i].text);
    mem_free((*table)->cells);
    mem_free(*table);
    *table = NULL;
}

void table_column(table_t *table, const char *title, unsigned flags)
{
    assert(table->column_count < COLUMNS_MAX && table->cell_count == 0);
    table->columns[table->column_count++] = (head_cell_t){plain_line(title), flags};
}

void table_cell(table_t *table, const char *text, style_t style)
{
    assert(table->column_count > 0);
    mem_grow(&table->cells, &table->capacity, table->cell_count, sizeof *table->cells);
    table->cells[table->cell_count++] = (cell_t){plain_line(text), style};
}

void table_cell_number(table_t *table, unsigned long long number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", number);
    table_cell(table, text, STYLE_NONE);
}

size_t table_rows(const table_t *table)
{
    return table->column_count ? table->cell_count / table->column_count : 0;
}

// ---- widths ----

static void natural_widths(const table_t *table, size_t *widths)
{
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = plain_width(table->columns[i].title);
    for (size_t row = 0; row < table_rows(table); row++)
        for (size_t i = 0; i < table->column_count; i++) {
            size_t width = plain_width(table->cells[row * table->column_count + i].text);
            widths[i] = width > widths[i] ? width : widths[i];
        }
}

static size_t total(const table_t *table, const size_t *widths)
{
    size_t sum = table->column_count ? GAP * (table->column_count - 1) : 0;
    for (size_t i = 0; i < table->column_count; i++)
        sum += widths[i];
    return sum;
}

// The widest column that may still give way, or column_count.
static size_t widest(const table_t *table, const size_t *widths, bool whole_ones)
{
    size_t found = table->column_count;
    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] <= NARROWEST || (!whole_ones && (table->columns[i].flags & COLUMN_WHOLE)))
            continue;
        if (found == table->column_count || widths[i] > widths[found])
            found = i;
    }
    return found;
}

static void fit(const table_t *table, size_t *widths, size_t room)
{
    for (size_t over = total(table, widths); over > room; over--) {
        size_t column = widest(table, widths, false);
        if (column == table->column_count)
            column = widest(table, widths, true);
        if (column == table->column_count)
            return;
        widths[column]--;
    }
}

// ---- printing ----

static void pad(FILE *out, size_t columns)
{
    fprintf(out, "%*s", (int)columns, "");
}

// `room`: what is left of the line. Returns the columns used.
static size_t print_cell(FILE *out, const screen_t *screen, const cell_t *cell, unsigned flags,
                         size_t width, size_t room, bool last)
{
    width = width < room ? width : room;
    char *text = plain_cut(cell->text, width);
    size_t used = plain_width(text);
    size_t filling = used < width ? width - used : 0;
    if (flags & COLUMN_RIGHT)
        pad(out, filling);
    fprintf(out, "%s%s%s", screen_on(screen, cell->style), text, screen_off(screen, cell->style));
    if (!(flags & COLUMN_RIGHT) && !last)
        pad(out, filling);
    mem_free(text);
    return width;
}

// Whether any later cell of the row has something in it: no blanks at line ends.
static bool is_last(const cell_t *row, size_t column, size_t count)
{
    for (size_t i = column + 1; i < count; i++)
        if (row[i].text[0])
            return false;
    return true;
}

static void print_row(const table_t *table, FILE *out, const screen_t *screen, const cell_t *row,
                      const size_t *widths)
{
    // Where even the narrowest columns don't fit, the line ends at the edge.
    size_t room = screen->columns ? screen->columns : (size_t)-1;
    for (size_t i = 0; i < table->column_count && room; i++) {
        bool last = is_last(row, i, table->column_count);
        room -= print_cell(out, screen, &row[i], table->columns[i].flags, widths[i], room, last);
        if (last)
            break;
        size_t gap = room < GAP ? room : GAP;
        pad(out, gap);
        room -= gap;
    }
    fputc('\n', out);
}

void table_print(const table_t *table, FILE *out, const screen_t *screen)
{
    size_t widths[COLUMNS_MAX] = {0};
    cell_t titles[COLUMNS_MAX];
    natural_widths(table, widths);
    if (screen->columns)
        fit(table, widths, screen->columns);
    for (size_t i = 0; i < table->column_count; i++)
        titles[i] = (cell_t){table->columns[i].title, STYLE_HEADING};
    print_row(table, out, screen, titles, widths);
    for (size_t row = 0; row < table_rows(table); row++)
        print_row(table, out, screen, &table->cells[row * table->column_count], widths);
}
