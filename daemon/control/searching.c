// Search: records that have all the words, the newest here first (by the change that created them,
// falling). The index gives those that it knows, the view those that changed since; each is read
// and looked at as it stands now, so an answer holds nothing that is not so.
#include <string.h>

#include "daemon/control/page.h"
#include "daemon/search/document.h"
#include "daemon/search/facet.h"
#include "lib/mem.h"

// Records looked at for a page: a page may be short, or empty, and not the end. To cut one
// into words, and to compare each with what is alike, takes longer than to look at fields.
enum { LOOKED_AT_MAX = 1000, CURSOR_SIZE = 8 };
#define LOOKED_BYTES (1024u * 1024)

typedef struct {
    page_t page;
    query_t *query;
    asked_t words;
    const kind_t *kind; // NULL: any
    bool owned;         // by `owner` only
    origin_t owner;
    bool retracted;
    tail_t tail;
    hits_t hits;
    int64_t hit;   // the next that the index gives; 0: no more
    int64_t below; // records from here on have had their turn
} seek_t;

// ---- one record ----

static bool passes(page_t *page, const row_t *row, const record_t *record)
{
    seek_t *seek = page->asked;
    tokens_t tokens = {0};
    if (!record || (row->retracted && !seek->retracted) ||
        (seek->owned && !origin_equal(&row->origin, &seek->owner)) ||
        (seek->kind && record_kind(record) != seek->kind))
        return false;
    document_words(finder_tokenizer(seek->query->finder), record, &tokens);
    tokens_sort(&tokens);
    bool match = asked_match(&seek->words, &tokens);
    tokens_clear(&tokens);
    return match;
}

// ---- one after another ----

static err_t next_hit(seek_t *seek, fault_t *fault)
{
    err_t err = ERR_OK;
    do
        err = hits_next(&seek->hits, &seek->hit, fault);
    while (!err && seek->hit && tail_has(&seek->tail, seek->hit)); // that has its turn there
    return err;
}

static int64_t next_of_tail(const seek_t *seek)
{
    size_t at = seek->tail.count;
    while (at > 0 && seek->tail.records[at - 1] >= seek->below)
        at--;
    return at > 0 ? seek->tail.records[at - 1] : 0;
}

static err_t fill(seek_t *seek, bool *end, fault_t *fault)
{
    reader_t *reader = seek->query->reader;
    err_t err = next_hit(seek, fault);
    *end = false;
    for (size_t looked = 0; !err && !seek->page.stopped && looked < LOOKED_AT_MAX; looked++) {
        int64_t other = next_of_tail(seek);
        bool from_index = seek->hit > other;
        int64_t record = from_index ? seek->hit : other;
        *end = record == 0;
        if (*end)
            break;
        err = reader_row(reader, record, page_take, &seek->page, fault);
        seek->below = record;
        if (!err && from_index && !seek->page.stopped)
            err = next_hit(seek, fault);
    }
    return err;
}

// ---- what is asked ----

static char *make_expression(const seek_t *seek, int64_t owner)
{
    char kind[PLACE_SIZE] = "", origin[PLACE_SIZE] = "";
    const char *const places[] = {kind, origin};
    if (seek->kind)
        place_of_kind(seek->kind->tag, kind);
    if (seek->owned)
        place_of_owner(owner, origin);
    return asked_expression(&seek->words, places, 2);
}

// Within one snapshot of the index and a later one of the view.
static err_t seek_within(seek_t *seek, bool *end, fault_t *fault)
{
    query_t *query = seek->query;
    int64_t owner = 0;
    err_t err = finder_tail(query->finder, query->reader, &seek->tail, fault);
    if (!err && seek->owned)
        err = reader_origin_row(query->reader, &seek->owner, &owner, fault);
    if (!err && seek->words.tolerant)
        err = finder_alike(query->finder, &seek->words, fault);
    if (err)
        return err;
    char *expression = make_expression(seek, owner);
    hits_begin(&seek->hits, query->finder, expression, 1, seek->below - 1, true);
    err = fill(seek, end, fault);
    hits_end(&seek->hits);
    mem_free(expression);
    seek->page.unsearched = seek->tail.whole ? 0 : seek->tail.behind;
    return err;
}

static err_t seek_once(seek_t *seek, bool blind, bool *end, fault_t *fault)
{
    query_t *query = seek->query;
    finder_begin(query->finder, blind);
    err_t err = reader_hold(query->reader, fault);
    if (!err)
        err = seek_within(seek, end, fault);
    reader_release(query->reader);
    finder_end(query->finder);
    tail_clear(&seek->tail);
    return err;
}

// Where the index cannot be read it goes on without, from the record that it had come to.
static err_t seek_page(seek_t *seek, bool *end, fault_t *fault)
{
    query_t *query = seek->query;
    err_t err = seek_once(seek, false, end, fault);
    err_t failed = finder_failed(query->finder);
    if (failed == ERR_DAMAGED && query->search)
        search_distrust(query->search);
    return err && failed ? seek_once(seek, true, end, fault) : err;
}

// The cursor is the record that was looked at last, little-endian; they come back from clients.
static err_t read_cursor(const Enlace__V1__SearchRequest *asked, seek_t *seek, fault_t *fault)
{
    uint64_t below = 0;
    seek->below = INT64_MAX;
    if (!asked->has_cursor || !asked->cursor.len)
        return ERR_OK;
    for (size_t i = 0; asked->cursor.len == CURSOR_SIZE && i < CURSOR_SIZE; i++)
        below |= (uint64_t)asked->cursor.data[i] << (8 * i);
    if (below == 0 || below > INT64_MAX)
        return fault_set(fault, ERR_BAD_VALUE, "cursor", NULL);
    seek->below = (int64_t)below;
    return ERR_OK;
}

static void write_cursor(const seek_t *seek, buf_t *cursor)
{
    uint8_t *to = buf_extend(cursor, CURSOR_SIZE);
    for (size_t i = 0; i < CURSOR_SIZE; i++)
        to[i] = (uint8_t)((uint64_t)seek->below >> (8 * i));
}

static err_t read_asked(const Enlace__V1__SearchRequest *asked, seek_t *seek, fault_t *fault)
{
    seek->retracted = asked->retracted;
    seek->kind = asked->kind ? kind_by_name(asked->kind) : NULL;
    seek->owned = asked->owner != NULL;
    if (asked->kind && !seek->kind)
        return fault_set(fault, ERR_UNKNOWN_KIND, asked->kind, NULL);
    err_t err = query_finder(seek->query, fault);
    if (!err)
        err = asked_read(finder_tokenizer(seek->query->finder), asked->words, asked->n_words,
                         &seek->words, fault);
    seek->words.tolerant = asked->alike;
    if (!err && seek->owned)
        err = query_origin(seek->query, asked->owner, &seek->owner, fault);
    return err ? err : read_cursor(asked, seek, fault);
}

void query_search(job_t *job, query_t *query)
{
    ask_t *ask = (ask_t *)job;
    const Enlace__V1__SearchRequest *asked = ask->message->search;
    fault_t fault = {0};
    buf_t cursor = {0};
    bool end = true;
    seek_t seek = {.query = query};
    page_open(&seek.page, ask, query, page_rows(asked->has_limit, asked->limit), &fault);
    seek.page.passes = passes;
    seek.page.looked_max = LOOKED_BYTES;
    seek.page.asked = &seek;
    err_t err = read_asked(asked, &seek, &fault);
    if (!err)
        err = seek_page(&seek, &end, &fault);
    write_cursor(&seek, &cursor);
    if (!err)
        err = page_answer(&seek.page, ask, query, &cursor, end, &fault);
    if (err)
        query_refuse(ask, err, &fault);
    asked_clear(&seek.words);
    views_clear(&seek.page.views);
    buf_free(&cursor);
}
