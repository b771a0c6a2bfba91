// What this version knows about kinds of records that the schema cannot say:
// default labels, default schemes of codes, what a reference may point at.
// One table; nothing elsewhere is written for a particular kind.
#ifndef ENLACE_LIB_KINDS_H
#define ENLACE_LIB_KINDS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

typedef struct {
    const char *name; // as in JSON and on the command line: guideline_action
    const ProtobufCMessageDescriptor *type;
    unsigned tag;      // in Record's oneof
    const char *label; // default: TLP:GREEN
    const char *title; // the field that says what it is called: name, title, text; NULL: none
} kind_t;

// What a plain text field must look like, where the schema cannot say so.
typedef enum {
    FORMAT_FREE,
    FORMAT_COUNTRY,                  // ISO 3166-1 alpha-2
    FORMAT_COUNTRY_OR_INTERNATIONAL, // the same, or INTERNATIONAL
    FORMAT_LANGUAGE,                 // BCP 47
} format_t;

size_t kind_count(void);
const kind_t *kind_at(size_t index);
const kind_t *kind_by_name(const char *name);
const kind_t *kind_by_tag(unsigned tag);

// Whether the field (dotted path without places: attendance.organisation) of a
// kind may point at `target`. Fields that the table doesn't name take any kind.
bool kind_ref_allowed(const char *kind, const char *field, const char *target);
// Kinds that a reference may point at, for messages: "organisation, committee"; NULL: any.
const char *kind_ref_targets(const char *kind, const char *field);
// Default scheme of a code field (path without places), or NULL. Schemes are
// named in lib/vocabulary.h; their names are part of the stored records.
const char *kind_code_scheme(const char *kind, const char *field);
format_t kind_format(const char *kind, const char *field);

// TLP 2.0. rank 0 (CLEAR) to 4 (RED); absent or unknown counts as RED.
bool label_valid(const char *label);
unsigned label_rank(const char *label);
const char *label_effective(const char *label); // "TLP:RED" where absent or unknown

#endif
