// From what a person writes to the field of a record: budget.currency,
// agenda.2, attendance.1.head_count. Places in lists count from 1. Into a
// value type of lib/value.h a path goes only where its table says so.
#ifndef ENLACE_LIB_FIELD_PATH_H
#define ENLACE_LIB_FIELD_PATH_H

#include "lib/value.h"

#define FIELD_PATH_DEPTH 8u

typedef struct {
    ProtobufCMessage *message; // that holds the field; NULL: not there, and not to be made
    const ProtobufCFieldDescriptor *field;
    size_t place; // of a list's entry, from 1; 0 where the path ends without
    trail_t trail;
} field_at_t;

// For writing: every list on the way needs its place, which may continue the
// list by one. With `create` the messages and entries on the way are made, not
// the value itself.
err_t field_path_open(record_t *record, const char *path, bool create, field_at_t *at,
                      fault_t *fault);

// For reading: a list without place means all of its entries.
err_t field_path_find(const record_t *record, const char *path, field_at_t *at, fault_t *fault);
typedef void field_value_visitor_t(void *context, const ProtobufCFieldDescriptor *field,
                                   const void *value);
// Every value that is set at a path that field_path_find has found.
void field_path_each(const record_t *record, const char *path, field_value_visitor_t *visitor,
                     void *context);

#endif
