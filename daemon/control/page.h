// A page of rows as an answer: gathered from a reader, within the bounds of one reply.
#ifndef ENLACE_DAEMON_CONTROL_PAGE_H
#define ENLACE_DAEMON_CONTROL_PAGE_H

#include "daemon/control/query.h"
#include "daemon/control/views.h"
#include "lib/record_json.h"

// Bytes of records that are looked at for a page where not every one is wanted: long records of
// strangers must not make it last. It is then short, or empty, and not the end.
#define PAGE_LOOKED_BYTES (4u * 1024 * 1024)

typedef struct page page_t;
struct page {
    views_t views;
    // Whether a row that may be shown is one that was asked for; NULL: every one. `record` is NULL
    // where nothing of it is readable. May set page->err.
    bool (*passes)(page_t *page, const row_t *row, const record_t *record);
    void *asked; // its
    json_reading_t reading;
    size_t looked; // bytes
    size_t looked_max;
    uint64_t scanned;
    uint64_t last; // apply number of the last row that was taken
    bool stopped;  // at a row, not at the end
    uint64_t unsearched;
    err_t err;
    fault_t *fault;
};

// Ends with views_clear.
void page_open(page_t *page, const ask_t *ask, const query_t *query, size_t rows, fault_t *fault);
bool page_take(void *page, const row_t *row); // a row_fn
// Resolves references and makes the reply. `cursor` counts where it is not the end.
err_t page_answer(page_t *page, ask_t *ask, query_t *query, const buf_t *cursor, bool end,
                  fault_t *fault);

size_t page_rows(bool has, size_t asked);
err_t page_cursor(const ProtobufCBinaryData *given, bool has, buf_t *cursor, fault_t *fault);

void query_refuse(ask_t *ask, err_t reason, const fault_t *fault);
err_t query_origin(const query_t *query, const char *code, origin_t *origin, fault_t *fault);
// The thread's own, made when it is first needed.
err_t query_finder(query_t *query, fault_t *fault);

#endif
