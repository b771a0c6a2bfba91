// What finding a record takes, without unpacking it.
#ifndef ENLACE_LIB_GLANCE_H
#define ENLACE_LIB_GLANCE_H

#include "lib/bytes.h"
#include "lib/error.h"

typedef struct {
    unsigned kind;     // tag; 0: one unknown here
    span_t key, label; // within the bytes; data NULL where there is none
    bool example;
    bool plain; // no reference in it, and record_decode takes it
} record_glance_t;
// Refused as record_decode refuses it; where it is not plain only that one can tell.
err_t record_glance(span_t bytes, record_glance_t *glance);

#endif
