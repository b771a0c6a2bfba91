// Records: encoded, decoded, checked, read by field path; generic over kinds
// through protobuf-c's descriptors.
#ifndef ENLACE_LIB_RECORD_H
#define ENLACE_LIB_RECORD_H

#include "enlace/v1/records.pb-c.h"
#include "lib/bytes.h"
#include "lib/glance.h"
#include "lib/ids.h"
#include "lib/kinds.h"

typedef Enlace__V1__Record record_t;

#define RECORD_LIST_MAX   1000u  // entries of one list
#define RECORD_STRING_MAX 16384u // bytes of one text
#define RECORD_KEY_MAX    64u    // bytes of a key: [a-z0-9][a-z0-9._-]*

bool record_key_valid(const char *key);

// Bounded; unknown fields and enum values are kept, and so is what an author
// would be refused. Free with record_destroy. Everything in it comes from the
// system allocator (lib/mem.h): texts and messages in it may be replaced.
err_t record_decode(span_t bytes, record_t **record, fault_t *fault);
buf_t record_encode(const record_t *record);
void record_destroy(record_t **record);
record_t *record_new(const kind_t *kind);

// record_decode of what record_glance has found plain.
err_t record_decode_plain(span_t bytes, record_t **record, fault_t *fault);

const kind_t *record_kind(const record_t *record);     // NULL: a kind unknown here
ProtobufCMessage *record_body(const record_t *record); // the kind's own message, or NULL

// What an author must keep to, beyond what decoding checks: key form, label,
// dates, languages, references, money, currencies, countries, codes, UTF-8,
// limits (PAYLOAD_BYTES_MAX among them), integers within +-(2^53 - 1), at least
// one field; enum values that this version knows; that others can decode it.
// A key and a label may be absent. Fills no default.
err_t record_check(const record_t *record, fault_t *fault);
// Its two halves, for who has the record encoded anyhow: all but that others can decode
// it, and that, which need not be asked of what was decoded here.
err_t record_check_values(const record_t *record, fault_t *fault);
err_t record_check_bytes(span_t bytes, fault_t *fault);
// Sets the kind's default label where none is given.
void record_apply_defaults(record_t *record);

// What the record is called, in `lang` or, failing that, es, en, any. Never
// NULL; empty where it has no title. Points into the record.
const char *record_title(const record_t *record, const char *lang);

// ---- fields ----

// A field of the record itself (label, source) or of its kind, and the message
// that holds it (NULL allowed); NULL where neither has it.
const ProtobufCFieldDescriptor *record_field(const record_t *record, const char *name, size_t size,
                                             ProtobufCMessage **holder);

// ---- references ----
typedef struct {
    char path[96];        // member, attendance.1.organisation
    char field[96];       // without places: attendance.organisation
    Enlace__V1__Ref *ref; // in the record: may be changed in place
} ref_at_t;
// Every reference in it, in field order. Caller frees *refs (mem_free).
size_t record_refs(const record_t *record, ref_at_t **refs);

// "@CODE:key" or "CR:42"; caller frees.
char *ref_format(const Enlace__V1__Ref *ref);
// Parses @key (owner = own), @CODE:key, CODE:number forms into an initialised
// message whose strings are mem_alloc'ed. ERR_BAD_REF.
err_t ref_parse(const char *text, const char *own, Enlace__V1__Ref *ref);

#endif
