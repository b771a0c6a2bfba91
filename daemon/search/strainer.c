#include "daemon/search/strainer.h"

#include <string.h>

#include "lib/mem.h"

void strainer_init(strainer_t *strainer, finder_t *finder, const kind_t *kind)
{
    *strainer = (strainer_t){.finder = finder, .kind = kind->tag, .hits = {.over = true}};
}

void strainer_filter(strainer_t *strainer, const kind_t *kind, const char *field, const char *value,
                     const json_reading_t *reading)
{
    facet_t facet;
    facet_filter(kind, field, value, reading, &facet);
    if (!facet.count)
        return;
    mem_grow(&strainer->facets, &strainer->capacity, strainer->count, sizeof *strainer->facets);
    strainer->facets[strainer->count++] = facet;
}

bool strainer_narrows(const strainer_t *strainer)
{
    return strainer->count > 0;
}

void strainer_destroy(strainer_t *strainer)
{
    strainer_end(strainer);
    mem_free(strainer->facets);
    *strainer = (strainer_t){0};
}

void strainer_end(strainer_t *strainer)
{
    hits_end(&strainer->hits);
    tail_clear(&strainer->tail);
    if (strainer->finder)
        finder_end(strainer->finder);
    strainer->feed = 0;
}

// ---- as a sieve ----

// With a long tail, or without an index, it is as well to look at everything.
static bool begin(void *context, reader_t *reader)
{
    strainer_t *strainer = context;
    finder_begin(strainer->finder, false);
    return !finder_tail(strainer->finder, reader, &strainer->tail, NULL) && strainer->tail.whole;
}

static err_t next_hit(strainer_t *strainer)
{
    err_t err = ERR_OK;
    do
        err = hits_next(&strainer->hits, &strainer->hit, NULL);
    while (!err && strainer->hit && tail_has(&strainer->tail, strainer->hit));
    return err;
}

// ("=a" OR "=b") AND ("=c") OR "=d": what passes has one of each filter, or cannot be read.
static buf_t expression_of(const strainer_t *strainer, int64_t feed)
{
    buf_t made = {0};
    char token[FACET_SIZE];
    for (size_t i = 0; i < strainer->count; i++) {
        const facet_t *facet = &strainer->facets[i];
        for (size_t k = 0; k < facet->count; k++) {
            facet_token(facet->values[k], (scope_t){strainer->kind, feed}, token);
            buf_append(&made, span_text(k ? " OR \"" : i ? " AND (\"" : "(\""));
            buf_append(&made, span_text(token));
            buf_append(&made, span_text("\""));
        }
        buf_append(&made, span_text(")"));
    }
    facet_token(FACET_UNREADABLE, (scope_t){strainer->kind, feed}, token);
    buf_append(&made, span_text(" OR \""));
    buf_append(&made, span_text(token));
    buf_append(&made, span_text("\""));
    buf_append(&made, span_of("", 1));
    return made;
}

static err_t begin_feed(strainer_t *strainer, int64_t feed, int64_t after)
{
    buf_t expression = expression_of(strainer, feed);
    hits_end(&strainer->hits);
    hits_begin(&strainer->hits, strainer->finder, (const char *)expression.data, after + 1,
               INT64_MAX, false);
    strainer->feed = feed;
    buf_free(&expression);
    return next_hit(strainer);
}

static int64_t next_of_tail(const strainer_t *strainer, int64_t after)
{
    size_t low = 0, high = strainer->tail.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strainer->tail.records[middle] <= after)
            low = middle + 1;
        else
            high = middle;
    }
    return low < strainer->tail.count ? strainer->tail.records[low] : 0;
}

// Asked with rising `after` within a feed.
static bool next(void *context, int64_t feed, int64_t after, int64_t *record)
{
    strainer_t *strainer = context;
    err_t err = strainer->feed == feed ? ERR_OK : begin_feed(strainer, feed, after);
    while (!err && strainer->hit && strainer->hit <= after)
        err = next_hit(strainer);
    int64_t changed = next_of_tail(strainer, after);
    bool from_index = strainer->hit && (!changed || strainer->hit < changed);
    *record = from_index ? strainer->hit : changed;
    return !err;
}

sieve_t strainer_sieve(strainer_t *strainer)
{
    return (sieve_t){strainer, begin, next};
}
