// Records for people, as JSON and as CSV: generic over kinds.
#ifndef ENLACE_CLIENT_RECORD_PRINT_H
#define ENLACE_CLIENT_RECORD_PRINT_H

#include <jansson.h>

#include "client/screen.h"
#include "enlace/v1/control.pb-c.h"
#include "lib/record.h"

typedef Enlace__V1__RecordView view_t;

// The newest readable revision; *record is NULL where there is none.
err_t view_record(const view_t *view, record_t **record, fault_t *fault);

// Envelope (id, node, kind, key, label, state, created_at, changed_at, revision),
// then the record's own fields. New object. `record` may be NULL.
json_t *view_to_json(const view_t *view, const record_t *record);

// Field by field, references as the daemon resolved them; long texts are broken
// at the terminal's edge.
void view_print(FILE *out, const screen_t *screen, const view_t *view, const record_t *record,
                const char *lang);

// CSV: envelope, what every record may have, and all fields of the kind; of records of any kind
// (NULL) its title instead.
void view_csv_head(FILE *out, const kind_t *kind);
void view_csv(FILE *out, const kind_t *kind, const view_t *view, const record_t *record,
              const char *lang);

#endif
