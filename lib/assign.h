// FIELD=VALUE on records: name=es:Texto, budget.currency=EUR,
// participants.1.name=UE, agenda.1=es:..., FIELD= (clears), FIELD:=JSON.
// Places count from 1 and may at most continue a list by one. A list field without place and
// without JSON takes one value, or several separated by repeating the
// assignment: hosts=A hosts=B replaces the list by A, B.
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
// `list KIND FIELD=VALUE`: by path; a text matches in any language, a partial date
// matches what lies in it, a list when any entry does, code by its bare code,
// reference by its text. ERR_UNKNOWN_FIELD where the kind has no such field.
err_t record_matches(const record_t *record, const char *field, const char *value,
                     const json_reading_t *reading, bool *matches, fault_t *fault);
// The field's value as a person reads it in a table cell; caller frees. Empty where unset.
char *record_cell(const record_t *record, const char *field, const char *lang);

#endif
