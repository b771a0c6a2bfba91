// Facets: for each value of a field a token that stands for it, so that records with a value
// are found without reading them.
//
// Invariant: whatever lib/record.h's record_matches lets pass has the tokens that the filter
// asks for. The reverse need not hold (a token is a hash of 40 bits, a date is told by its year):
// who finds by facets looks at the record afterwards.
#ifndef ENLACE_DAEMON_SEARCH_FACET_H
#define ENLACE_DAEMON_SEARCH_FACET_H

#include "daemon/search/tokens.h"
#include "lib/record.h"
#include "lib/record_json.h"

// Of every value that can be filtered on.
void facet_record(const record_t *record, tokens_t *tokens);

// What a record of the kind that passes the filter has: one of up to two tokens. 0 of them:
// the filter does not narrow (one for what is not set; fields within a value).
#define FACET_SIZE 10u // "=" and 8 characters and a NUL
typedef struct {
    size_t count;
    char tokens[2][FACET_SIZE];
} facet_t;
void facet_filter(const kind_t *kind, const char *field, const char *value,
                  const json_reading_t *reading, facet_t *facet);

// Where a record is.
#define PLACE_SIZE 48u
void place_of_kind(unsigned kind, char token[PLACE_SIZE]);
void place_of_owner(int64_t origin, char token[PLACE_SIZE]);
void place_of_feed(unsigned kind, int64_t feed, char token[PLACE_SIZE]);

#endif
