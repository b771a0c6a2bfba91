// Records as JSON, in and out, generic over kinds: objects by descriptor, with
// one table for the handful of types that read better otherwise (Text, Date,
// Ref, Money, Code, enums).
//
// 64-bit integers are numbers and must lie within +-(2^53 - 1); bytes are
// base64; fields unknown to this version are under "_unknown" (in the Record
// itself, in the kind, in nested messages: in the object they belong to) as a list of
// {"tag": n, "wire": n, "data": base64} and come back the same; an enum value
// unknown here is its number.
#ifndef ENLACE_LIB_RECORD_JSON_H
#define ENLACE_LIB_RECORD_JSON_H

#include <jansson.h>

#include "lib/record.h"

// How a line is read: whose it is, and in which language a bare text is.
typedef struct {
    const char *own;   // code that a bare @key belongs to
    const char *lang;
    // Resolves a bare @key to its owner's code, NULL where it is own's. May be NULL.
    const char *(*owner_of_key)(void *context, const char *key, fault_t *fault);
    void *context;
} json_reading_t;

// Parses one object. Duplicate names, over 1 MiB, over 16 levels: refused.
err_t json_parse(const char *text, size_t size, json_t **object, fault_t *fault);

// The object's "kind" says which; envelope names that the daemon owns ("id",
// "node", "state", "created_at", "changed_at", "revision") are passed over, so
// that what `show --json` prints can be put back. Unknown names are refused,
// fault->where is the field's path.
err_t record_from_json(const json_t *object, const json_reading_t *reading, record_t **record,
                       fault_t *fault);
// The record's own fields: kind, key, label and what follows; envelope names are the caller's
// to add. References are written "@CODE:key" or "CODE:number". New object.
json_t *record_to_json(const record_t *record);

#endif
