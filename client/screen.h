// What a stream is: a terminal of so many columns, or something that nothing is
// cut or coloured for.
#ifndef ENLACE_CLIENT_SCREEN_H
#define ENLACE_CLIENT_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

typedef struct {
    bool terminal;
    unsigned columns; // 0: nothing is cut
    bool colour;      // a terminal that is not dumb, and NO_COLOR (no-color.org) not set
    bool true_colour;
} screen_t;

typedef enum {
    STYLE_NONE,
    STYLE_HEADING,
    STYLE_FAINT,
    STYLE_GOOD,
    STYLE_WARNING,
    STYLE_BAD,
    STYLE_TLP_RED,
    STYLE_TLP_AMBER,
    STYLE_TLP_GREEN,
    STYLE_TLP_CLEAR,
    STYLE_COUNT
} style_t;

screen_t screen_of(FILE *stream);
// Escape sequences to stand before and behind a text: empty without colour.
const char *screen_on(const screen_t *screen, style_t style);
const char *screen_off(const screen_t *screen, style_t style);
style_t style_of_label(const char *label); // "TLP:AMBER+STRICT"

#endif
