// Records: encoded, decoded, checked, read by field path; generic over kinds
// through protobuf-c's descriptors.
#ifndef ENLACE_LIB_RECORD_H
#define ENLACE_LIB_RECORD_H

#include "lib/bytes.h"
#include "lib/ids.h"
#include "lib/kinds.h"
#include "enlace/v1/records.pb-c.h"

typedef Enlace__V1__Record record_t;

#define RECORD_LIST_MAX 1000u      // entries of one list
#define RECORD_STRING_MAX 16384u   // bytes of one text

// Bounded; unknown fields and enum values are kept. Free with record_destroy.
err_t record_decode(span_t bytes, record_t **record, fault_t *fault);
buf_t record_encode(const record_t *record);
void record_destroy(record_t **record);
record_t *record_new(const kind_t *kind);

const kind_t *record_kind(const record_t *record);  // NULL: a kind unknown here
ProtobufCMessage *record_body(const record_t *record);  // the kind's own message, or NULL

// What an author must keep to, beyond what decoding checks: key form, label,
// dates, languages, currencies, countries, codes, UTF-8, limits, at least one
// field; enum values that this version knows. Fills no default.
err_t record_check(const record_t *record, fault_t *fault);
// Sets the kind's default label where none is given.
void record_apply_defaults(record_t *record);

// What the record is called, in `lang` or, failing that, es, en, any. Never
// NULL; empty where it has no title. Points into the record.
const char *record_title(const record_t *record, const char *lang);

// ---- references ----
typedef struct {
    char path[96];   // member, attendance.1.organisation
    char field[96];  // without places: attendance.organisation
    Enlace__V1__Ref *ref;  // in the record: may be changed in place
} ref_at_t;
// Every reference in it, in field order. Caller frees *refs (mem_free).
size_t record_refs(const record_t *record, ref_at_t **refs);

// "@CODE:key" or "CR:42"; caller frees.
char *ref_format(const Enlace__V1__Ref *ref);
// Parses @key (owner = own), @CODE:key, CODE:number forms into an initialised
// message whose strings are mem_alloc'ed. ERR_BAD_REF.
err_t ref_parse(const char *text, const char *own, Enlace__V1__Ref *ref);

#endif
