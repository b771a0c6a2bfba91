// Values of records, whatever their type: between JSON, what a person types,
// what a person reads, and the field of a message. Behind record_json.h,
// assign.h and record.h; nothing else includes it.
//
// Two sorts: scalars (numbers, booleans, texts, bytes, enums) and messages; of
// the messages, the handful in the one table of value_types.c have a short
// form. Where the short form of a value would not come back as the same value
// (a thirteenth month, fields of a later version, two texts in one language), the plain object
// by descriptor stands in JSON instead, and is read again: nothing is lost.
#ifndef ENLACE_LIB_VALUE_H
#define ENLACE_LIB_VALUE_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "lib/record_json.h"
#include "lib/trail.h"

// Where a value stands, and how it is to be read.
typedef struct {
    const char *kind;              // name; "" where it has none
    const json_reading_t *reading; // NULL where nothing is read
    trail_t trail;
} site_t;

#define JSON_INTEGER_MAX INT64_C(9007199254740991) // 2^53 - 1

// ---- scalars; `value` is where the field keeps it, as lib/fields.h says ----

err_t scalar_from_json(const json_t *json, const ProtobufCFieldDescriptor *field,
                       const site_t *site, void *value, fault_t *fault);
json_t *scalar_to_json(const ProtobufCFieldDescriptor *field, const void *value);
err_t scalar_from_text(const char *text, const ProtobufCFieldDescriptor *field, const site_t *site,
                       void *value, fault_t *fault);
char *scalar_to_text(const ProtobufCFieldDescriptor *field, const void *value);
// What an author must keep to: numbers in JSON's range, known enum values, bounded texts.
err_t scalar_check(const ProtobufCFieldDescriptor *field, const site_t *site, const void *value,
                   fault_t *fault);
// A text from outside: UTF-8 and not longer than RECORD_STRING_MAX.
err_t string_check(const char *text, const site_t *site, fault_t *fault);

// ---- messages with a short form ----

typedef struct {
    const ProtobufCMessageDescriptor *type;
    bool sub_fields; // whether budget.currency may be assigned
    // Whether JSON is the short form, to be read by from_json; NULL: there is none.
    bool (*is_short)(const json_t *json);
    err_t (*from_json)(const json_t *json, const site_t *site, ProtobufCMessage *message,
                       fault_t *fault);
    // NULL where the short form would not come back the same.
    json_t *(*to_json)(const ProtobufCMessage *message, const site_t *site);
    // What a person types. A text in one language leaves the other languages.
    err_t (*from_text)(const char *text, const site_t *site, ProtobufCMessage *message,
                       fault_t *fault);
    char *(*to_text)(const ProtobufCMessage *message, const char *lang);
    // What a person looks for; with NULL for the message only whether it can be looked for.
    err_t (*matches)(const char *text, const site_t *site, const ProtobufCMessage *message,
                     bool *matches, fault_t *fault);
    err_t (*check)(const ProtobufCMessage *message, const site_t *site, fault_t *fault);
} value_type_t;

// NULL for a message that is only the sum of its fields.
const value_type_t *value_type_of(const ProtobufCMessageDescriptor *type);

// ---- any message, any field ----

err_t message_from_json(const json_t *object, site_t *site, ProtobufCMessage *message,
                        fault_t *fault);
// Replaces what the field holds; a list takes an array.
err_t field_from_json(const json_t *json, const ProtobufCFieldDescriptor *field, site_t *site,
                      ProtobufCMessage *message, fault_t *fault);
// One value, into where the field keeps it.
err_t value_from_json(const json_t *json, const ProtobufCFieldDescriptor *field, site_t *site,
                      void *value, fault_t *fault);
json_t *message_to_json(const ProtobufCMessage *message, site_t *site);
// Adds the fields of a message, without "_unknown", to an object.
void fields_to_json(const ProtobufCMessage *message, site_t *site, json_t *object);

// ---- unknown fields: {"tag": n, "wire": n, "data": base64} ----
// data: of wire type 0 the varint, of 1 and 5 the eight or four bytes, of 2 what
// the length counts, without the length.

#define JSON_UNKNOWN "_unknown"
// Of the record itself, whose fields stand in one object with its kind's: "record": true.
#define JSON_UNKNOWN_OF_RECORD "record"

void unknown_to_json(const ProtobufCMessage *message, bool of_record, json_t *array);
// Takes the entries whose "record" is `of_record`; counts them in *taken.
err_t unknown_from_json(const json_t *array, bool of_record, const site_t *site,
                        ProtobufCMessage *message, size_t *taken, fault_t *fault);
json_t *bytes_to_json(span_t bytes); // base64, as a text
bool bytes_from_json(const json_t *json, buf_t *bytes);

// jansson gives NULL, or -1, for want of memory only: its input is checked before.
json_t *json_sure(json_t *json);
void json_put(json_t *object, const char *name, json_t *value);
void json_push(json_t *array, json_t *value);

#endif
