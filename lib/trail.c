#include "lib/trail.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static void append(char text[TRAIL_TEXT], size_t *used, const char *name, size_t size)
{
    size_t dot = *used > 0 ? 1 : 0;
    size_t room = TRAIL_TEXT - 1 - *used;
    if (room <= dot)
        return;
    if (size > room - dot)
        for (size = room - dot; size > 0 && continues_character(name[size]); size--)
            ;
    if (dot)
        text[*used] = '.';
    memcpy(text + *used + dot, name, size);
    *used += dot + size;
    text[*used] = '\0';
}

trail_mark_t trail_name_sized(trail_t *trail, const char *name, size_t size)
{
    trail_mark_t mark = {trail->path_size, trail->field_size};
    append(trail->path, &trail->path_size, name, size);
    append(trail->field, &trail->field_size, name, size);
    return mark;
}

trail_mark_t trail_name(trail_t *trail, const char *name)
{
    return trail_name_sized(trail, name, strlen(name));
}

trail_mark_t trail_place(trail_t *trail, size_t place)
{
    trail_mark_t mark = {trail->path_size, trail->field_size};
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%zu", place);
    append(trail->path, &trail->path_size, digits, (size_t)size);
    return mark;
}

void trail_back(trail_t *trail, trail_mark_t mark)
{
    trail->path_size = mark.path_size;
    trail->path[mark.path_size] = '\0';
    trail->field_size = mark.field_size;
    trail->field[mark.field_size] = '\0';
}
