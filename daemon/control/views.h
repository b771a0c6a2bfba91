// Rows of a reader as RecordViews: gathered while the reader hands them over,
// their references resolved afterwards, all within the bounds of one page.
#ifndef ENLACE_DAEMON_VIEWS_H
#define ENLACE_DAEMON_VIEWS_H

#include "daemon/control/readers.h"
#include "enlace/v1/control.pb-c.h"
#include "lib/record.h"

#define VIEWS_BYTES_MAX   (256u * 1024) // of a page; one record more at most
#define VIEWS_SCANNED_MAX 4096u         // rows looked at in one snapshot
#define VIEWS_TITLE_MAX   120u          // bytes of a reference's title

typedef struct {
    // set by the caller
    bool sealed;      // restricted lanes may be shown
    bool change;      // show the change itself as well (tail, history)
    const char *lang; // of titles
    size_t rows;      // at most
    // gathered
    size_t count;
    Enlace__V1__RecordView **views;
    record_t **records; // decoded; NULL where nothing is readable
    size_t bytes;
    size_t refs;
} views_t;

void views_new(views_t *views, size_t rows);
void views_clear(views_t *views);

// Whether the row may be shown at all.
bool views_allow(const views_t *views, const row_t *row);
// The row's record, NULL where there is none to read. The caller's until views_add takes it.
record_t *views_decode(const row_t *row);
void views_add(views_t *views, const row_t *row, record_t *record);
bool views_full(const views_t *views);

// After the reader is done: resolves every reference.
err_t views_resolve(views_t *views, query_t *query, fault_t *fault);

#endif
