// Facets: for each value of a field a token that stands for it among the records of one kind in one
// feed, so that those with a value are found without reading them, and without walking the list of
// all that are of the feed and kind beside those of the value.
//
// Invariant: whatever lib/record.h's record_matches lets pass has the tokens that the filter
// asks for in its feed. The reverse need not hold (a token is a hash of 40 bits, a date is told by
// its year): who finds by facets looks at the record afterwards.
#ifndef ENLACE_DAEMON_SEARCH_FACET_H
#define ENLACE_DAEMON_SEARCH_FACET_H

#include "daemon/search/tokens.h"
#include "lib/record.h"
#include "lib/record_json.h"

typedef struct {
    unsigned kind;
    int64_t feed; // its row in the store's database
} scope_t;

// Of every value that can be filtered on.
void facet_record(const record_t *record, scope_t scope, tokens_t *tokens);

// What a record of the kind that passes the filter has, in whatever feed: one of up to two values.
// 0 of them: the filter does not narrow (one for what is not set; fields within a value).
typedef struct {
    size_t count;
    uint64_t values[2];
} facet_t;
void facet_filter(const kind_t *kind, const char *field, const char *value,
                  const json_reading_t *reading, facet_t *facet);

// What a record that cannot be read for damage has: it may be what is looked for.
#define FACET_UNREADABLE UINT64_C(0)

#define FACET_SIZE 10u // "=" and 8 characters and a NUL
void facet_token(uint64_t value, scope_t scope, char token[FACET_SIZE]);

// Where a record is.
#define PLACE_SIZE 48u
void place_of_kind(unsigned kind, char token[PLACE_SIZE]);
void place_of_owner(int64_t origin, char token[PLACE_SIZE]);

#endif
