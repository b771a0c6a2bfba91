// Where in a record one is, as people write it: names joined by dots, places in
// lists counted from 1 (attendance.1.head_count); and the same without places
// (attendance.head_count), which is what the tables of lib/kinds.c go by.
// Longer paths than fit are cut at a whole character: they are for messages.
#ifndef ENLACE_LIB_TRAIL_H
#define ENLACE_LIB_TRAIL_H

#include <stddef.h>

#define TRAIL_TEXT 96

typedef struct {
    char path[TRAIL_TEXT];
    char field[TRAIL_TEXT];
    size_t path_size;
    size_t field_size;
} trail_t;

// What a trail was before a step, to go back to.
typedef struct {
    size_t path_size;
    size_t field_size;
} trail_mark_t;

trail_mark_t trail_name(trail_t *trail, const char *name);
trail_mark_t trail_name_sized(trail_t *trail, const char *name, size_t size);
trail_mark_t trail_place(trail_t *trail, size_t place); // from 1
void trail_back(trail_t *trail, trail_mark_t mark);

#endif
