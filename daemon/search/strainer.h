// The sieve of a filtered list (daemon/store/reader.h): records that have the facets of its filters
// by the index, and those that changed since it was fed. What comes through is looked at by the
// list itself, as without a sieve; so the answer is the same, and only sooner.
#ifndef ENLACE_DAEMON_SEARCH_STRAINER_H
#define ENLACE_DAEMON_SEARCH_STRAINER_H

#include "daemon/search/facet.h"
#include "daemon/search/finder.h"

typedef struct {
    finder_t *finder;
    unsigned kind;
    facet_t *facets; // of each filter that narrows
    size_t count, capacity;
    tail_t tail;
    hits_t hits; // of `feed`, behind `after`
    int64_t feed, after;
    int64_t hit; // the next of them that is not in the tail; 0: no more
} strainer_t;

// Ends with strainer_destroy. `finder` may be NULL where there will be no filter.
void strainer_init(strainer_t *strainer, finder_t *finder, const kind_t *kind);
void strainer_filter(strainer_t *strainer, const kind_t *kind, const char *field, const char *value,
                     const json_reading_t *reading);
void strainer_destroy(strainer_t *strainer);

bool strainer_narrows(const strainer_t *strainer);
sieve_t strainer_sieve(strainer_t *strainer);
void strainer_end(strainer_t *strainer); // after each list that it was the sieve of

#endif
