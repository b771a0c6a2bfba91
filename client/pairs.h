// Names and values, one below the other. On a terminal long values are broken at
// its edge, at spaces where there are any; elsewhere they are not touched.
#ifndef ENLACE_CLIENT_PAIRS_H
#define ENLACE_CLIENT_PAIRS_H

#include "client/screen.h"

typedef struct pairs pairs_t;

pairs_t *pairs_new(void);
void pairs_destroy(pairs_t **pairs);
// Passed over where the value is NULL or empty.
void pairs_add(pairs_t *pairs, const char *name, const char *value, style_t style);
void pairs_print(const pairs_t *pairs, FILE *out, const screen_t *screen);

#endif
