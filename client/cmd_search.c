#include <string.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/output.h"
#include "client/record_print.h"
#include "client/report.h"
#include "client/table.h"
#include "client/text.h"
#include "lib/control.h"
#include "lib/mem.h"

enum { ROWS = 50 }; // unless a limit is given

typedef struct {
    const client_t *client;
    const kind_t *kind;  // NULL: any, or not known to this version
    table_t *table;      // NULL: rows are printed as they come
    uint64_t left;       // rows still wanted
    bool more;           // there are more than were wanted
    uint64_t unsearched; // changes that were not looked at
} search_t;

// ---- rows ----

static void add_columns(table_t *table)
{
    table_column(table, "id", COLUMN_WHOLE);
    table_column(table, "kind", COLUMN_LEFT);
    table_column(table, _("title"), COLUMN_LEFT);
    table_column(table, "key", COLUMN_LEFT);
    table_column(table, "label", COLUMN_WHOLE);
    table_column(table, "state", COLUMN_WHOLE);
}

static void add_row(const search_t *search, const view_t *view, const record_t *record)
{
    table_cell(search->table, view->id, STYLE_NONE);
    table_cell(search->table, view->kind, STYLE_NONE);
    table_cell(search->table, record ? record_title(record, search->client->lang) : view->note,
               STYLE_NONE);
    table_cell(search->table, view->key, STYLE_NONE);
    table_cell(search->table, view->label, style_of_label(view->label));
    table_cell(search->table, view->state, STYLE_NONE);
}

static void take_row(const search_t *search, const view_t *view)
{
    fault_t ignored;
    record_t *record = NULL;
    if (view_record(view, &record, &ignored))
        record = NULL; // shown by its envelope alone
    if (search->table) {
        add_row(search, view, record);
    } else if (search->client->options->values[OPT_JSON]) {
        json_t *object = view_to_json(view, record);
        output_json(stdout, object);
        json_decref(object);
    } else {
        view_csv(stdout, search->kind, view, record, search->client->lang);
    }
    record_destroy(&record);
}

// ---- pages ----

static void take_page(search_t *search, const Enlace__V1__RecordPage *page)
{
    for (size_t i = 0; i < page->n_records; i++) {
        search->more = search->left == 0;
        if (search->more)
            break;
        take_row(search, page->records[i]);
        search->left--;
    }
    if (page->has_unsearched)
        search->unsearched = page->unsearched;
}

// On a terminal only: whoever asks by a program has said how many it wants.
static bool tells_of_more(const search_t *search)
{
    return search->table && search->client->out.terminal;
}

// One more than is wanted tells whether there are more; that the page has no end does not.
static uint32_t rows_asked(const search_t *search)
{
    uint64_t wanted = search->left + (tells_of_more(search) ? 1 : 0);
    return wanted < CONTROL_ROWS_MAX ? (uint32_t)wanted : CONTROL_ROWS_MAX;
}

static bool wants_more(const search_t *search)
{
    return !search->more && (search->left > 0 || tells_of_more(search));
}

static int ask_pages(search_t *search, request_t *request)
{
    talk_t *talk = NULL;
    buf_t cursor = {0};
    int status = STATUS_DONE;
    Enlace__V1__SearchRequest *asked = request->search;
    do {
        reply_t *reply = NULL;
        asked->has_limit = 1;
        asked->limit = rows_asked(search);
        status = ask(search->client, &talk, request, ENLACE__V1__CONTROL_REPLY__BODY_PAGE, &reply);
        if (status)
            break;
        take_page(search, reply->page);
        asked->has_cursor = reply->page->has_cursor;
        buf_free(&cursor);
        cursor = buf_copy(
            span_of(reply->page->cursor.data, asked->has_cursor ? reply->page->cursor.len : 0));
        asked->cursor = (ProtobufCBinaryData){cursor.size, cursor.data};
        talk_free(&reply);
    } while (asked->has_cursor && wants_more(search));
    buf_free(&cursor);
    talk_close(&talk);
    return status;
}

static void warn(const search_t *search)
{
    char *text = NULL;
    if (search->unsearched)
        text = mem_format(ngettext("%llu change is not searched yet: ask again later",
                                   "%llu changes are not searched yet: ask again later",
                                   search->unsearched),
                          (unsigned long long)search->unsearched);
    if (text)
        report_warning(text);
    mem_free(text);
    if (search->more && tells_of_more(search))
        report_warning(_("there are more: --limit N shows more of them"));
}

static int print_search(search_t *search, request_t *request)
{
    const options_t *options = search->client->options;
    bool csv = options->values[OPT_CSV] != NULL;
    if (!csv && !options->values[OPT_JSON]) {
        search->table = table_new();
        add_columns(search->table);
    }
    if (csv)
        view_csv_head(stdout, search->kind);
    int status = ask_pages(search, request);
    if (search->table && !status && table_rows(search->table))
        table_print(search->table, stdout, &search->client->out);
    if (!status)
        warn(search);
    if (search->table)
        table_destroy(&search->table);
    return status;
}

// ---- the command ----

static err_t check(const client_t *client, search_t *search, fault_t *fault)
{
    const char *const *values = client->options->values;
    const char *kind = values[OPT_KIND];
    search->kind = kind ? kind_by_name(kind) : NULL;
    if (values[OPT_JSON] && values[OPT_CSV])
        return fault_set(fault, ERR_USAGE, "--csv", _("not together with --json"));
    if (values[OPT_CSV] && kind && !search->kind)
        return fault_set(fault, ERR_UNKNOWN_KIND, kind, NULL);
    return options_number(client->options, OPT_LIMIT, 1, NUMBER_MAX, ROWS, &search->left, fault);
}

static int run(const client_t *client)
{
    fault_t fault = {0};
    search_t search = {.client = client};
    const char *const *values = client->options->values;
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__SearchRequest body = ENLACE__V1__SEARCH_REQUEST__INIT;
    err_t err = check(client, &search, &fault);
    if (err)
        return report(client, err, &fault);
    // The encoder only reads what it is given.
    body.n_words = client->word_count;
    body.words = (char **)(uintptr_t)client->words;
    body.kind = (char *)(uintptr_t)values[OPT_KIND];
    body.owner = (char *)(uintptr_t)values[OPT_OWNER];
    body.has_alike = body.alike = values[OPT_ALIKE] != NULL;
    body.has_retracted = body.retracted = values[OPT_RETRACTED] != NULL;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_SEARCH;
    request.search = &body;
    return print_search(&search, &request);
}

const command_t command_search = {
    .name = "search",
    .line = N_("finds records by words, of all nodes and kinds"),
    .synopsis = "WORD... [--kind KIND] [--owner CODE] [--alike] [--retracted] [--limit N] "
                "[--json|--csv]",
    .usage =
        N_("Records that have all the words, in any text and any language, the newest here\n"
           "first. Capitals and accents make no difference. WORD* stands for all words that\n"
           "begin so (three letters at least; quote it from the shell). --alike finds words,\n"
           "too, that a damaged scan may have made of them: of four to six letters one, of up\n"
           "to ten two, of more three may be wrong, missing or too many.\n"
           "50 records at most unless --limit says otherwise. Retracted ones only with\n"
           "--retracted."),
    .options = OPTION(OPT_KIND) | OPTION(OPT_OWNER) | OPTION(OPT_ALIKE) | OPTION(OPT_RETRACTED) |
               OPTION(OPT_LIMIT) | OPTION(OPT_JSON) | OPTION(OPT_CSV),
    .least_words = 1,
    .most_words = 64,
    .run = run,
};
