// Records as JSON, in and out, generic over kinds: objects by descriptor, with
// one table for the handful of types that read better otherwise (Text, Date,
// Ref, Money, Code, enums).
//
// What goes out comes in again as the same bytes, whatever a record holds:
// - 64-bit integers are numbers within +-(2^53 - 1); one outside, which no
//   author here may write, is its digits in a text, since readers that keep
//   numbers as doubles would round it;
// - bytes are base64;
// - fields unknown to this version are under "_unknown", in the object they
//   belong to, as a list of {"tag": n, "wire": n, "data": base64}; those of the
//   record itself, whose object is its kind's too, have "record": true besides;
// - an enum value unknown here is its number;
// - a value whose short form would not say it all (a date with a thirteenth
//   month, a text twice in one language) is the plain object of its fields.
//   That object is read for any date, reference or code.
// The exceptions are what nobody writes: value 0 of an enum, and a record of no
// kind at all, that is without an unknown field that might be one. Both are refused.
#ifndef ENLACE_LIB_RECORD_JSON_H
#define ENLACE_LIB_RECORD_JSON_H

#include <jansson.h>

#include "lib/record.h"

#define JSON_BYTES_MAX  (1024u * 1024)
#define JSON_DEPTH_MAX  16u
#define JSON_VALUES_MAX 65536u // far more than the largest record has

// How a line is read: whose it is, and in which language a bare text is.
typedef struct {
    const char *own; // code that a bare @key belongs to
    const char *lang;
    // Resolves a bare @key (given without the @) to its owner's code, NULL where it
    // is own's; refuses by setting fault->err and detail. May be NULL.
    const char *(*owner_of_key)(void *context, const char *key, fault_t *fault);
    void *context;
} json_reading_t;

// Parses one object, which the caller frees. Duplicate names, NUL in a text, NaN
// and what is over the bounds above: refused.
err_t json_parse(const char *text, size_t size, json_t **object, fault_t *fault);
// The same for any value: what stands behind FIELD:=.
err_t json_parse_value(const char *text, size_t size, json_t **value, fault_t *fault);

// The object's "kind" says which; envelope names that the daemon owns ("id",
// "node", "state", "created_at", "changed_at", "revision") are passed over, so
// that what `show --json` prints can be put back. Unknown names and null are
// refused, fault->where is the field's path. Says nothing about what an author
// may write: that is record_check's. *record is the caller's, NULL on error.
err_t record_from_json(const json_t *object, const json_reading_t *reading, record_t **record,
                       fault_t *fault);
// The encoded record of an object that says by itself whose everything is that it refers
// to, with its kind's defaults. Empty where it does not, or is to be refused: then the
// reason is for record_from_json to tell. `lang` as in json_reading_t. Caller frees.
buf_t record_encode_json(const json_t *object, const char *lang);
// The record's own fields: kind, key, label and what follows; envelope names are the caller's
// to add. References are written "@CODE:key" or "CODE:number". New object.
json_t *record_to_json(const record_t *record);

#endif
