// import: the daemon stages the lines, checks them all, then writes in batches;
// each step is asked for until it is done, so that none of them is long.
#include <string.h>

#include "client/ask.h"
#include "client/commands.h"
#include "client/lines.h"
#include "client/output.h"
#include "client/report.h"
#include "lib/control.h"
#include "lib/mem.h"
#include "lib/record_json.h"

enum { CHUNK_LINES = 256 };

typedef struct {
    const client_t *client;
    talk_t *talk;
    lines_t *lines;
    uint64_t number;               // of the import, at the daemon
    char *lang;                    // of texts that name none; NULL: not told
    bool asked;                    // a step's answer is still to come
    Enlace__V1__ImportState state; // newest, scalars only
} import_t;

// Lines in a row. What a line says by itself goes as the record that it is: then its text
// is empty.
typedef struct {
    char *lines[CHUNK_LINES];
    size_t count, bytes;
    uint64_t first; // number of the first
    Enlace__V1__ImportRecord records[CHUNK_LINES];
    buf_t encoded[CHUNK_LINES];
    size_t record_count;
} chunk_t;

// ---- progress ----

static void clear_progress(const import_t *import)
{
    if (import->client->err.terminal)
        fputs("\r\033[K", stderr);
}

static void show_progress(const import_t *import, const char *what, uint64_t done, uint64_t total)
{
    if (!import->client->err.terminal)
        return;
    unsigned percent = total ? (unsigned)(done * 100 / total) : 0;
    fprintf(stderr, "\r%s %u %%\033[K", what, percent < 100 ? percent : 100);
}

// ---- asking ----

static int refuse(const import_t *import, err_t err, const fault_t *fault)
{
    clear_progress(import);
    return report(import->client, err, fault);
}

static int await_step(import_t *import)
{
    reply_t *reply = NULL;
    fault_t fault = {0};
    import->asked = false;
    err_t err =
        talk_wait(import->talk, ENLACE__V1__CONTROL_REPLY__BODY_IMPORT_STATE, &reply, &fault);
    if (err)
        return refuse(import, err, &fault);
    // Numbers and flags but for the language: nothing in it points into the reply.
    import->state = *reply->import_state;
    if (import->state.lang && !import->lang)
        import->lang = mem_copy_string(import->state.lang);
    import->state.lang = NULL;
    import->state.base.unknown_fields = NULL;
    import->state.base.n_unknown_fields = 0;
    talk_free(&reply);
    return STATUS_DONE;
}

// Its answer is for await_step, and what comes next can be made ready meanwhile.
static int ask_step(import_t *import, request_t *request)
{
    fault_t fault = {0};
    err_t err = talk_send(import->talk, request, &fault);
    import->asked = !err;
    return err ? refuse(import, err, &fault) : STATUS_DONE;
}

static int step(import_t *import, request_t *request)
{
    int status = ask_step(import, request);
    return status ? status : await_step(import);
}

static int begin(import_t *import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportBegin body = ENLACE__V1__IMPORT_BEGIN__INIT;
    char *node = mem_copy_string(import->client->options->values[OPT_NODE]);
    body.node = node;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_BEGIN;
    request.import_begin = &body;
    int status = step(import, &request);
    import->number = import->state.import;
    mem_free(node);
    return status;
}

static void chunk_clear(chunk_t *chunk)
{
    for (size_t i = 0; i < chunk->count; i++)
        mem_free(chunk->lines[i]);
    for (size_t i = 0; i < chunk->record_count; i++) {
        mem_free(chunk->records[i].node);
        buf_free(&chunk->encoded[i]);
    }
    chunk->count = chunk->record_count = chunk->bytes = 0;
}

// Whatever is wrong with a line is the daemon's to say: then it gets the text. So does one
// that has not told the language: it does not know of records.
static bool add_record(chunk_t *chunk, const char *lang, const char *line)
{
    json_t *object = NULL;
    fault_t ignored;
    if (!lang || json_parse(line, strlen(line), &object, &ignored))
        return false;
    const char *node = json_string_value(json_object_get(object, "node"));
    buf_t encoded = node ? record_encode_json(object, lang) : (buf_t){0};
    if (encoded.size) {
        Enlace__V1__ImportRecord *record = &chunk->records[chunk->record_count];
        enlace__v1__import_record__init(record);
        record->has_place = record->has_record = 1;
        record->place = (uint32_t)chunk->count;
        record->node = mem_copy_string(node);
        record->record.data = encoded.data;
        record->record.len = encoded.size;
        chunk->encoded[chunk->record_count++] = encoded;
    }
    json_decref(object);
    return encoded.size > 0;
}

// What goes is bounded, not what it was read from: a language named at every text can make
// a record several times as long as its line.
static void add_line(chunk_t *chunk, const char *lang, uint64_t number, const char *line)
{
    chunk->first = chunk->count ? chunk->first : number;
    bool read = add_record(chunk, lang, line);
    chunk->bytes += read ? chunk->encoded[chunk->record_count - 1].size : strlen(line);
    chunk->lines[chunk->count++] = mem_copy_string(read ? "" : line);
}

static int send_chunk(import_t *import, chunk_t *chunk, bool last)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportLines body = ENLACE__V1__IMPORT_LINES__INIT;
    Enlace__V1__ImportRecord *records[CHUNK_LINES];
    for (size_t i = 0; i < chunk->record_count; i++)
        records[i] = &chunk->records[i];
    body.has_import = body.has_last = 1;
    body.has_first_line = chunk->count > 0;
    body.import = import->number;
    body.first_line = chunk->first;
    body.lines = chunk->lines;
    body.n_lines = chunk->count;
    body.records = records;
    body.n_records = chunk->record_count;
    body.last = last;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_LINES;
    request.import_lines = &body;
    int status = import->asked ? await_step(import) : STATUS_DONE;
    if (!status)
        status = ask_step(import, &request);
    chunk_clear(chunk);
    show_progress(import, _("reading"), lines_bytes_read(import->lines),
                  lines_bytes_total(import->lines));
    return status;
}

// Lines of a chunk are numbered in a row, so that an empty line ends one.
static bool must_send(const chunk_t *chunk, uint64_t number, size_t size)
{
    return chunk->count && (chunk->count == CHUNK_LINES || number != chunk->first + chunk->count ||
                            chunk->bytes + size > CONTROL_IMPORT_CHUNK);
}

// A line that cannot even be read. What is wrong with one before it comes first.
static int refuse_line(import_t *import, err_t err, const fault_t *fault)
{
    int status = import->asked ? await_step(import) : STATUS_DONE;
    return status ? status : refuse(import, err, fault);
}

static int send_lines(import_t *import)
{
    fault_t fault = {0};
    chunk_t *chunk = mem_alloc(sizeof *chunk);
    int status = STATUS_DONE;
    for (;;) {
        const char *line = NULL;
        uint64_t number = 0;
        bool end = false;
        err_t err = lines_next(import->lines, &line, &number, &end, &fault);
        if (err)
            status = refuse_line(import, err, &fault);
        if (status || end)
            break;
        if (must_send(chunk, number, strlen(line)))
            status = send_chunk(import, chunk, false);
        if (status)
            break;
        add_line(chunk, import->lang, number, line);
    }
    if (!status)
        status = send_chunk(import, chunk, true);
    if (!status)
        status = await_step(import);
    chunk_clear(chunk);
    mem_free(chunk);
    return status;
}

static int check_all(import_t *import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportCheck body = ENLACE__V1__IMPORT_CHECK__INIT;
    int status = STATUS_DONE;
    body.has_import = 1;
    body.import = import->number;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_CHECK;
    request.import_check = &body;
    do {
        status = step(import, &request);
        show_progress(import, _("checking"), import->state.checked, import->state.staged);
    } while (!status && !import->state.done);
    return status;
}

static uint64_t written(const import_t *import)
{
    return import->state.created + import->state.edited + import->state.unchanged +
           import->state.retracted;
}

static int write_all(import_t *import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportWrite body = ENLACE__V1__IMPORT_WRITE__INIT;
    int status = STATUS_DONE;
    body.has_import = 1;
    body.import = import->number;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_WRITE;
    request.import_write = &body;
    do {
        status = step(import, &request);
        show_progress(import, _("writing"), written(import), import->state.staged);
    } while (!status && !import->state.done);
    return status;
}

// So that the daemon need not keep the lines until it forgets them by itself.
static void abandon(import_t *import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportAbort body = ENLACE__V1__IMPORT_ABORT__INIT;
    reply_t *reply = NULL;
    fault_t ignored;
    body.has_import = 1;
    body.import = import->number;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_ABORT;
    request.import_abort = &body;
    talk_ask(import->talk, &request, ENLACE__V1__CONTROL_REPLY__BODY_IMPORT_STATE, &reply,
             &ignored);
    talk_free(&reply);
}

static void print_totals(const import_t *import)
{
    const Enlace__V1__ImportState *state = &import->state;
    if (import->client->options->values[OPT_JSON]) {
        json_t *object = json_object();
        json_object_set_new(object, "created", json_integer((json_int_t)state->created));
        json_object_set_new(object, "edited", json_integer((json_int_t)state->edited));
        json_object_set_new(object, "unchanged", json_integer((json_int_t)state->unchanged));
        json_object_set_new(object, "retracted", json_integer((json_int_t)state->retracted));
        json_object_set_new(object, "skipped", json_integer((json_int_t)state->skipped));
        output_json(stdout, object);
        json_decref(object);
        return;
    }
    printf(_("created %llu, edited %llu, unchanged %llu, retracted before %llu, skipped %llu"),
           (unsigned long long)state->created, (unsigned long long)state->edited,
           (unsigned long long)state->unchanged, (unsigned long long)state->retracted,
           (unsigned long long)state->skipped);
    putchar('\n');
}

static int drive(import_t *import)
{
    int status = begin(import);
    if (status)
        return status;
    status = send_lines(import);
    if (!status)
        status = check_all(import);
    if (!status)
        status = write_all(import);
    clear_progress(import);
    if (status == STATUS_REFUSED)
        abandon(import);
    else if (!status)
        print_totals(import);
    return status;
}

static int run(const client_t *client)
{
    fault_t fault = {0};
    import_t import = {.client = client};
    int status = ask_open(client, &import.talk);
    if (status)
        return status;
    err_t err = lines_open(client->words[0], &import.lines, &fault);
    status = err ? report(client, err, &fault) : drive(&import);
    lines_close(&import.lines);
    talk_close(&import.talk);
    mem_free(import.lang);
    return status;
}

const command_t command_import = {
    .name = "import",
    .line = N_("makes or edits this node's own records from a file"),
    .synopsis = "FILE.jsonl|- [--node CODE] [--json]",
    .usage =
        N_("One JSON object a line. The lines whose \"node\" is this node's code (or CODE) become\n"
           "this node's; the others are skipped and counted. The whole file is checked before\n"
           "anything is written; a refusal names line and field. A record is known again by its\n"
           "key: the same content changes nothing, other content is an edit, a retracted record\n"
           "stays retracted. @key refers to any record of the file, whoever owns it."),
    .options = OPTION(OPT_NODE) | OPTION(OPT_JSON),
    .least_words = 1,
    .most_words = 1,
    .run = run,
};
