// Every value of a record in field order, wherever it stands. A message that is
// only the sum of its fields comes first, then its fields; into the value types
// of lib/value.h the walk does not go.
#ifndef ENLACE_LIB_RECORD_WALK_H
#define ENLACE_LIB_RECORD_WALK_H

#include "lib/value.h"

typedef struct {
    const site_t *site;
    const ProtobufCFieldDescriptor *field;
    size_t index; // within a list, from 0
    void *value;  // where the field keeps it
} visit_t;

typedef err_t visitor_t(void *context, const visit_t *visit, fault_t *fault);

// Ends with the first error of the visitor's. A kind unknown here has no fields.
err_t record_walk(const record_t *record, visitor_t *visitor, void *context, fault_t *fault);

#endif
