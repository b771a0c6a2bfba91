#include "daemon/control/page.h"

#include "daemon/control/reply.h"
#include "lib/control.h"

#define CURSOR_MAX 256u

void query_refuse(ask_t *ask, err_t reason, const fault_t *fault)
{
    ask->reply = reply_refusal(ask->id, reason, fault, 0);
}

err_t query_origin(const query_t *query, const char *code, origin_t *origin, fault_t *fault)
{
    if (roster_origin_of(query->roster, code, origin))
        return ERR_OK;
    return fault_set(fault, ERR_UNKNOWN_MEMBER, code, NULL);
}

err_t query_finder(query_t *query, fault_t *fault)
{
    const char *path = query->search ? search_path(query->search) : NULL;
    return query->finder ? ERR_OK : finder_new(path, &query->finder, fault);
}

err_t page_cursor(const ProtobufCBinaryData *given, bool has, buf_t *cursor, fault_t *fault)
{
    if (has && given->len > CURSOR_MAX)
        return fault_set(fault, ERR_BAD_VALUE, "cursor", NULL);
    if (has)
        buf_append(cursor, span_of(given->data, given->len));
    return ERR_OK;
}

size_t page_rows(bool has, size_t asked)
{
    return has && asked > 0 && asked < CONTROL_ROWS_MAX ? asked : CONTROL_ROWS_MAX;
}

bool page_take(void *context, const row_t *row)
{
    page_t *page = context;
    page->scanned++;
    page->looked += page->passes ? row->body.size : 0;
    page->last = row->apply;
    if (views_allow(&page->views, row)) {
        record_t *record = views_decode(row);
        if (!page->passes || page->passes(page, row, record))
            views_add(&page->views, row, record);
        else
            record_destroy(&record);
    }
    page->stopped = page->err || views_full(&page->views) || page->looked >= page->looked_max;
    return !page->stopped;
}

void page_open(page_t *page, const ask_t *ask, const query_t *query, size_t rows, fault_t *fault)
{
    *page = (page_t){.fault = fault, .looked_max = PAGE_LOOKED_BYTES};
    views_new(&page->views, rows);
    page->views.sealed = ask->sealed;
    page->views.lang = ask->lang;
    page->reading = (json_reading_t){.own = query->own, .lang = ask->lang};
}

err_t page_answer(page_t *page, ask_t *ask, query_t *query, const buf_t *cursor, bool end,
                  fault_t *fault)
{
    Enlace__V1__RecordPage reply = ENLACE__V1__RECORD_PAGE__INIT;
    err_t err = page->err ? page->err : views_resolve(&page->views, query, fault);
    if (err)
        return err;
    reply.n_records = page->views.count;
    reply.records = page->views.views;
    reply.has_cursor = !end;
    if (!end)
        reply.cursor = (ProtobufCBinaryData){cursor->size, cursor->data};
    reply.has_scanned = true;
    reply.scanned = page->scanned;
    reply.has_unsearched = page->unsearched > 0;
    reply.unsearched = page->unsearched;
    ask->reply = reply_page(ask->id, &reply);
    return ERR_OK;
}
