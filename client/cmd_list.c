#include <string.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/list_table.h"
#include "client/output.h"
#include "client/record_print.h"
#include "client/report.h"
#include "lib/control.h"
#include "lib/mem.h"

typedef struct {
    const client_t *client;
    const kind_t *kind;  // NULL: not known to this version
    list_table_t *table; // NULL: rows are printed as they come
    uint64_t left;       // rows still wanted
} list_t;

static void take_row(list_t *list, const view_t *view)
{
    fault_t ignored;
    record_t *record = NULL;
    if (view_record(view, &record, &ignored))
        record = NULL; // shown by its envelope alone
    if (list->table) {
        list_table_add(list->table, view, record);
    } else if (list->client->options->values[OPT_JSON]) {
        json_t *object = view_to_json(view, record);
        output_json(stdout, object);
        json_decref(object);
    } else {
        view_csv(stdout, list->kind, view, record, list->client->lang);
    }
    record_destroy(&record);
}

// Asks page after page; what came before an error has been handed on.
static int ask_pages(list_t *list, request_t *request)
{
    talk_t *talk = NULL;
    buf_t cursor = {0};
    int status = STATUS_DONE;
    for (bool more = true; more && !status && list->left;) {
        reply_t *reply = NULL;
        request->list->has_limit = 1;
        request->list->limit =
            list->left < CONTROL_ROWS_MAX ? (uint32_t)list->left : CONTROL_ROWS_MAX;
        status = ask(list->client, &talk, request, ENLACE__V1__CONTROL_REPLY__BODY_PAGE, &reply);
        if (status)
            break;
        const Enlace__V1__RecordPage *page = reply->page;
        for (size_t i = 0; i < page->n_records && list->left; i++, list->left--)
            take_row(list, page->records[i]);
        more = page->has_cursor;
        buf_free(&cursor);
        cursor = buf_copy(span_of(page->cursor.data, more ? page->cursor.len : 0));
        request->list->has_cursor = more;
        request->list->cursor = (ProtobufCBinaryData){cursor.size, cursor.data};
        talk_free(&reply);
    }
    buf_free(&cursor);
    talk_close(&talk);
    return status;
}

static int print_list(list_t *list, request_t *request)
{
    const options_t *options = list->client->options;
    bool csv = options->values[OPT_CSV] != NULL;
    if (!csv && !options->values[OPT_JSON])
        list->table = list_table_new(list->kind, list->client->lang);
    if (csv)
        view_csv_head(stdout, list->kind);
    int status = ask_pages(list, request);
    if (list->table && !status)
        list_table_print(list->table, stdout, &list->client->out);
    list_table_destroy(&list->table);
    return status;
}

static err_t check(const client_t *client, const kind_t *kind, uint64_t *limit, fault_t *fault)
{
    const char *const *values = client->options->values;
    if (values[OPT_JSON] && values[OPT_CSV])
        return fault_set(fault, ERR_USAGE, "--csv", _("not together with --json"));
    if (values[OPT_CSV] && !kind)
        return fault_set(fault, ERR_UNKNOWN_KIND, client->words[0], NULL);
    return options_number(client->options, OPT_LIMIT, 1, NUMBER_MAX, NUMBER_MAX, limit, fault);
}

static int run(const client_t *client)
{
    fault_t fault = {0};
    assignments_t filters = {0};
    list_t list = {.client = client, .kind = kind_by_name(client->words[0])};
    err_t err = check(client, list.kind, &list.left, &fault);
    if (!err)
        err = assignments_make(client->words + 1, client->word_count - 1, &filters, &fault);
    if (err)
        return report(client, err, &fault);
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ListRequest body = ENLACE__V1__LIST_REQUEST__INIT;
    char *kind = mem_copy_string(client->words[0]);
    char *owner = mem_copy_string(client->options->values[OPT_OWNER]);
    body.kind = kind;
    body.owner = owner;
    body.filters = filters.items;
    body.n_filters = filters.count;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_LIST;
    request.list = &body;
    int status = print_list(&list, &request);
    mem_free(kind);
    mem_free(owner);
    assignments_clear(&filters);
    return status;
}

const command_t command_list = {
    .name = "list",
    .line = N_("lists the records of a kind, of all nodes"),
    .synopsis = "KIND [FIELD=VALUE]... [--owner CODE] [--limit N] [--json|--csv]",
    .usage =
        N_("Only records whose fields match: a text in any language, a date within a month or\n"
           "year, any entry of a list. Retracted records are left out."),
    .more = commands_print_kinds,
    .options = OPTION(OPT_OWNER) | OPTION(OPT_LIMIT) | OPTION(OPT_JSON) | OPTION(OPT_CSV),
    .least_words = 1,
    .most_words = 200,
    .run = run,
};
