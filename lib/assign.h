// FIELD=VALUE on records: name=es:Texto, budget.currency=EUR,
// participants.1.name=UE, agenda.1=es:..., FIELD= (clears), FIELD:=JSON.
//
// Places count from 1 and may at most continue a list by one; agenda.2= takes
// that entry out and the later ones move up. A list field without place and
// without JSON takes one value, or several by repeating the assignment: hosts=A
// hosts=B replaces the list by A, B.
// A text: what stands before the first colon is its language where it looks like
// one (es:, pt-BR:); without, the text is in the reader's. One language is set,
// the others stay; name=es: takes that one out, name= all of them.
// Assignments count in the order given. A value that a later one would silently
// replace is refused (acronym=A acronym=B, agenda.1=X agenda=Y).
#ifndef ENLACE_LIB_ASSIGN_H
#define ENLACE_LIB_ASSIGN_H

#include "lib/record_json.h"

typedef struct {
    const char *field;
    const char *value;
    bool json;
} assignment_t;

// Splits "field=value" or "field:=json" at the first of them; both copies are the caller's.
err_t assignment_parse(const char *argument, char **field, char **value, bool *json,
                       fault_t *fault);
// Applies all or nothing is not promised: on error the record is to be thrown away.
err_t record_assign(record_t *record, const assignment_t *assignments, size_t count,
                    const json_reading_t *reading, fault_t *fault);

// Whether a record's field compares equal to what a person wrote in
// `list KIND FIELD=VALUE`: by path, a list without place meaning any entry; a text
// matches in any language (es:Texto in that one), a partial date matches what
// lies in it, code by its bare code, reference by its text, money as a table shows
// it, the label as it counts; FIELD= matches where nothing is set.
// ERR_UNKNOWN_FIELD where the kind has no such field; a value that the field
// can never have is refused too, whether or not this record has the field:
// record_new (kind) is enough to try a filter.
err_t record_matches(const record_t *record, const char *field, const char *value,
                     const json_reading_t *reading, bool *matches, fault_t *fault);
// The field's value as a person reads it in a table cell; caller frees. Empty
// where unset or unknown. Entries of a list are parted by "; ", fields of an
// entry by ", "; text from outside, for the printer to make safe.
char *record_cell(const record_t *record, const char *field, const char *lang);

#endif
