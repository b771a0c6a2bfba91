#include "daemon/control/query.h"

#include <string.h>

#include "daemon/control/page.h"
#include "daemon/control/reply.h"
#include "daemon/search/strainer.h"
#include "lib/assign.h"
#include "lib/control.h"
#include "lib/mem.h"

#define FILTERS_MAX 32u
#define LIST_CALLS  5u // of the reader, for a page

// What the loop itself may look at for a tail, about as long as applying it took.
#define HERE_CHANGES 4u
#define HERE_REFS    8u

static void ask_destroy(job_t *job)
{
    ask_t *ask = (ask_t *)job;
    if (ask->message)
        bounded_free(&ask->message->base);
    buf_free(&ask->reply);
    mem_free(ask);
}

ask_t *ask_new(void (*run)(job_t *job, query_t *query), bool needs_reader,
               Enlace__V1__ControlRequest *message)
{
    ask_t *ask = mem_alloc(sizeof *ask);
    ask->job.run = run;
    ask->job.destroy = ask_destroy;
    ask->job.needs_reader = needs_reader;
    ask->message = message;
    return ask;
}

// ---- list ----

// Refuses a filter on a field that the kind does not have also where there is no row.
static err_t check_filters(const Enlace__V1__ListRequest *list, const kind_t *kind,
                           const json_reading_t *reading, fault_t *fault)
{
    if (list->n_filters > FILTERS_MAX)
        return fault_set(fault, ERR_TOO_MANY, "", "at most %u filters", FILTERS_MAX);
    record_t *none = record_new(kind);
    err_t err = ERR_OK;
    for (size_t i = 0; !err && i < list->n_filters; i++) {
        const Enlace__V1__Assignment *filter = list->filters[i];
        bool ignored;
        if (!filter->field || !filter->value || filter->json)
            err = fault_set(fault, ERR_BAD_ASSIGNMENT, filter->field, "a filter is FIELD=VALUE");
        else
            err = record_matches(none, filter->field, filter->value, reading, &ignored, fault);
    }
    record_destroy(&none);
    return err;
}

// What cannot be read for damage may be what is looked for: it is told, too.
static bool passes(page_t *page, const row_t *row, const record_t *record)
{
    const Enlace__V1__ListRequest *list = page->asked;
    bool all = record != NULL;
    if (row->note == ERR_DAMAGED)
        return true;
    for (size_t i = 0; all && !page->err && i < list->n_filters; i++) {
        const Enlace__V1__Assignment *filter = list->filters[i];
        page->err =
            record_matches(record, filter->field, filter->value, &page->reading, &all, page->fault);
    }
    return all && !page->err;
}

// A reader looks at so many rows a call, each a snapshot of its own; a filter
// that few rows pass takes several calls to fill a page, where the index does not name them.
static err_t fill_page(query_t *query, page_t *page, const char *kind, const origin_t *owner,
                       strainer_t *strainer, buf_t *cursor, bool *end, fault_t *fault)
{
    const Enlace__V1__ListRequest *list = page->asked;
    sieve_t sieve = strainer_sieve(strainer);
    bool narrows = strainer_narrows(strainer);
    err_t err = ERR_OK;
    *end = false;
    for (size_t i = 0; !err && !*end && !page->stopped && i < LIST_CALLS; i++) {
        err = reader_list_sieved(query->reader, kind, owner, list->retracted, VIEWS_SCANNED_MAX,
                                 narrows ? &sieve : NULL, cursor, end, page_take, page, fault);
        strainer_end(strainer);
        if (narrows && query->search && finder_failed(query->finder) == ERR_DAMAGED)
            search_distrust(query->search); // the next call may not come by the damage
    }
    return err;
}

static err_t list_rows(query_t *query, page_t *page, const kind_t *kind, const origin_t *owner,
                       buf_t *cursor, bool *end, fault_t *fault)
{
    const Enlace__V1__ListRequest *list = page->asked;
    strainer_t strainer;
    err_t err = list->n_filters ? query_finder(query, fault) : ERR_OK;
    if (err)
        return err;
    strainer_init(&strainer, query->finder, kind);
    for (size_t i = 0; i < list->n_filters; i++)
        strainer_filter(&strainer, kind, list->filters[i]->field, list->filters[i]->value,
                        &page->reading);
    err = fill_page(query, page, kind->name, owner, &strainer, cursor, end, fault);
    strainer_destroy(&strainer);
    return err;
}

static err_t list(ask_t *ask, query_t *query, page_t *page, buf_t *cursor, fault_t *fault)
{
    const Enlace__V1__ListRequest *asked = ask->message->list;
    const kind_t *kind = asked->kind ? kind_by_name(asked->kind) : NULL;
    origin_t owner;
    bool end = true;
    if (!kind)
        return fault_set(fault, ERR_UNKNOWN_KIND, asked->kind ? asked->kind : "kind", NULL);
    err_t err = check_filters(asked, kind, &page->reading, fault);
    if (!err && asked->owner)
        err = query_origin(query, asked->owner, &owner, fault);
    if (!err)
        err = page_cursor(&asked->cursor, asked->has_cursor, cursor, fault);
    if (!err)
        err = list_rows(query, page, kind, asked->owner ? &owner : NULL, cursor, &end, fault);
    return err ? err : page_answer(page, ask, query, cursor, end, fault);
}

void query_list(job_t *job, query_t *query)
{
    ask_t *ask = (ask_t *)job;
    const Enlace__V1__ListRequest *asked = ask->message->list;
    fault_t fault = {0};
    page_t page;
    buf_t cursor = {0};
    page_open(&page, ask, query, page_rows(asked->has_limit, asked->limit), &fault);
    page.passes = asked->n_filters ? passes : NULL;
    page.asked = ask->message->list;
    err_t err = list(ask, query, &page, &cursor, &fault);
    if (err)
        query_refuse(ask, err, &fault);
    views_clear(&page.views);
    buf_free(&cursor);
}

// ---- show, history ----

typedef struct {
    origin_t owner;
    char *key; // owned; NULL: by position
    position_t id;
} subject_t;

static err_t parse_subject(const ask_t *ask, const query_t *query, subject_t *subject,
                           fault_t *fault)
{
    Enlace__V1__Ref ref = ENLACE__V1__REF__INIT;
    const char *text = ask->message->show->id;
    if (!text)
        return fault_set(fault, ERR_MISSING_FIELD, "id", NULL);
    err_t err = ref_parse(text, query->own, &ref);
    if (err)
        return fault_set(fault, err, text, NULL);
    err = query_origin(query, ref.owner, &subject->owner, fault);
    mem_free(ref.owner);
    subject->key = ref.key;
    subject->id = (position_t){ref.epoch, ref.lane, ref.number};
    return err;
}

static bool take_id(void *context, const row_t *row)
{
    subject_t *subject = context;
    subject->id = row->id;
    return false;
}

static err_t show_history(ask_t *ask, query_t *query, page_t *page, subject_t *subject,
                          buf_t *cursor, fault_t *fault)
{
    bool end = true;
    err_t err = ERR_OK;
    page->views.change = true;
    if (subject->key)
        err = reader_by_key(query->reader, &subject->owner, subject->key, take_id, subject, fault);
    if (!err)
        err =
            page_cursor(&ask->message->show->cursor, ask->message->show->has_cursor, cursor, fault);
    if (!err)
        err = reader_history(query->reader, &subject->owner, subject->id, CONTROL_ROWS_MAX, cursor,
                             &end, page_take, page, fault);
    return err ? err : page_answer(page, ask, query, cursor, end, fault);
}

static err_t show_one(ask_t *ask, query_t *query, page_t *page, const subject_t *subject,
                      fault_t *fault)
{
    err_t err =
        subject->key
            ? reader_by_key(query->reader, &subject->owner, subject->key, page_take, page, fault)
            : reader_record(query->reader, &subject->owner, subject->id, page_take, page, fault);
    if (!err && page->views.count == 0)
        err = ERR_NO_SUCH_RECORD;
    return err ? err : page_answer(page, ask, query, NULL, true, fault);
}

void query_show(job_t *job, query_t *query)
{
    ask_t *ask = (ask_t *)job;
    fault_t fault = {0};
    page_t page;
    subject_t subject = {0};
    buf_t cursor = {0};
    page_open(&page, ask, query, CONTROL_ROWS_MAX, &fault);
    err_t err = parse_subject(ask, query, &subject, &fault);
    if (!err && ask->message->show->history)
        err = show_history(ask, query, &page, &subject, &cursor, &fault);
    else if (!err)
        err = show_one(ask, query, &page, &subject, &fault);
    if (err == ERR_NO_SUCH_RECORD || err == ERR_AMBIGUOUS_KEY)
        fault_set(&fault, err, ask->message->show->id, NULL);
    if (err)
        query_refuse(ask, err, &fault);
    views_clear(&page.views);
    mem_free(subject.key);
    buf_free(&cursor);
}

// ---- tail ----

// Where a tail starts that names no number, or one that lies ahead of what is here.
static err_t tail_start(ask_t *ask, query_t *query, bool *ahead, fault_t *fault)
{
    uint64_t applied = 0;
    err_t err = reader_applied(query->reader, &applied, fault);
    *ahead = !ask->message->tail->has_since || ask->since > applied;
    if (*ahead)
        ask->last = applied;
    else
        ask->much = ask->here && applied - ask->since > HERE_CHANGES;
    return err;
}

static err_t tail_rows(ask_t *ask, query_t *query, page_t *page, fault_t *fault)
{
    page->views.change = true;
    ask->last = ask->since;
    err_t err = reader_tail(query->reader, ask->since, page->views.rows, &ask->last, page_take,
                            page, fault);
    if (page->stopped)
        ask->last = page->last;
    ask->much = ask->here && page->views.refs > HERE_REFS;
    return err || ask->much ? err : views_resolve(&page->views, query, fault);
}

void query_tail(job_t *job, query_t *query)
{
    ask_t *ask = (ask_t *)job;
    Enlace__V1__TailPage reply = ENLACE__V1__TAIL_PAGE__INIT;
    fault_t fault = {0};
    page_t page;
    bool ahead;
    page_open(&page, ask, query, page_rows(ask->limit > 0, ask->limit), &fault);
    err_t err = tail_start(ask, query, &ahead, &fault);
    if (!err && !ahead && !ask->much)
        err = tail_rows(ask, query, &page, &fault);
    ask->nothing = !err && !ahead && page.views.count == 0;
    reply.n_changes = page.views.count;
    reply.changes = page.views.views;
    reply.has_last = true;
    reply.last = ask->last;
    if (err)
        query_refuse(ask, err, &fault);
    else if (!ask->much)
        ask->reply = reply_tail(ask->id, &reply);
    views_clear(&page.views);
}

// ---- digest, verify ----

static Enlace__V1__DigestReply__FeedLine *digest_line(const digest_t *digest, size_t index)
{
    Enlace__V1__DigestReply__FeedLine *line = mem_alloc(sizeof *line);
    head_t *head = &digest->heads[index];
    enlace__v1__digest_reply__feed_line__init(line);
    line->node = digest->codes[index].text;
    line->has_epoch = line->has_lane = line->has_number = line->has_hash = true;
    line->epoch = head->feed.epoch;
    line->lane = head->feed.lane;
    line->number = head->number;
    line->hash = (ProtobufCBinaryData){HASH_SIZE, head->hash.bytes};
    return line;
}

void query_digest(job_t *job, query_t *query)
{
    ask_t *ask = (ask_t *)job;
    Enlace__V1__DigestReply reply = ENLACE__V1__DIGEST_REPLY__INIT;
    digest_t digest = {0};
    fault_t fault = {0};
    err_t err = reader_digest(query->reader, &digest, &fault);
    if (err) {
        query_refuse(ask, err, &fault);
        return;
    }
    reply.feeds = mem_alloc_array(digest.count, sizeof *reply.feeds);
    for (reply.n_feeds = 0; reply.n_feeds < digest.count; reply.n_feeds++)
        reply.feeds[reply.n_feeds] = digest_line(&digest, reply.n_feeds);
    reply.has_digest = true;
    reply.digest = (ProtobufCBinaryData){HASH_SIZE, digest.digest.bytes};
    ask->reply = reply_digest(ask->id, &reply);
    for (size_t i = 0; i < reply.n_feeds; i++)
        mem_free(reply.feeds[i]);
    mem_free(reply.feeds);
    digest_clear(&digest);
}

typedef struct {
    ask_t *ask;
    Enlace__V1__VerifyReply reply;
} verifying_t;

static void take_finding(void *context, const char *where, err_t reason, const char *detail)
{
    Enlace__V1__VerifyReply *reply = &((verifying_t *)context)->reply;
    if (reply->n_findings >= CONTROL_FINDINGS_MAX)
        return;
    Enlace__V1__VerifyReply__Finding *finding = mem_alloc(sizeof *finding);
    enlace__v1__verify_reply__finding__init(finding);
    finding->where = mem_copy_string(where);
    finding->has_reason = true;
    finding->reason = (uint32_t)reason;
    finding->detail = mem_copy_string(detail);
    reply->findings[reply->n_findings++] = finding;
}

static bool take_progress(void *context, uint64_t done, uint64_t total)
{
    ask_t *ask = ((verifying_t *)context)->ask;
    atomic_store(&ask->job.done, done);
    atomic_store(&ask->job.total, total);
    return !atomic_load(&ask->job.stop);
}

static void verified(Enlace__V1__VerifyReply *reply, const verify_t *verify)
{
    reply->has_ok = reply->has_feeds = reply->has_commits = reply->has_changes = true;
    reply->has_signatures = reply->has_records = reply->has_found = true;
    reply->ok = verify->found == 0;
    reply->feeds = verify->feeds;
    reply->commits = verify->commits;
    reply->changes = verify->changes;
    reply->signatures = verify->signatures;
    reply->records = verify->records;
    reply->found = verify->found;
}

void query_verify(job_t *job, query_t *query)
{
    ask_t *ask = (ask_t *)job;
    verifying_t verifying = {ask, ENLACE__V1__VERIFY_REPLY__INIT};
    verify_t verify = {.context = &verifying, .finding = take_finding, .progress = take_progress};
    fault_t fault = {0};
    verifying.reply.findings =
        mem_alloc_array(CONTROL_FINDINGS_MAX, sizeof *verifying.reply.findings);
    err_t err = store_verify(query->database, &verify, &fault);
    verified(&verifying.reply, &verify);
    if (err)
        query_refuse(ask, err, &fault);
    else
        ask->reply = reply_verify(ask->id, &verifying.reply);
    for (size_t i = 0; i < verifying.reply.n_findings; i++)
        protobuf_c_message_free_unpacked(&verifying.reply.findings[i]->base, NULL);
    mem_free(verifying.reply.findings);
}
