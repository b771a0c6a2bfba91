#include "bench/batch.h"

#include <assert.h>

#include "lib/control.h"
#include "lib/mem.h"

enum { CHUNK = 256 }; // records of a request, as the client sends them

// What a request is about; for the next one.
typedef struct {
    watch_t *watch;
    uint64_t number;
    bool asked; // an answer is still to come
} import_t;

// Whether the step that was asked for is done.
static bool answer(import_t *import)
{
    reply_t *reply = watch_wait(import->watch, ENLACE__V1__CONTROL_REPLY__BODY_IMPORT_STATE);
    bool done = reply->import_state->done;
    import->number = reply->import_state->import;
    import->asked = false;
    talk_free(&reply);
    return done;
}

static void begin(import_t *import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportBegin body = ENLACE__V1__IMPORT_BEGIN__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_BEGIN;
    request.import_begin = &body;
    watch_send(import->watch, &request);
    answer(import);
}

// The next are made ready while the daemon looks at these: so does `enlace import`.
static void send_chunk(import_t *import, Enlace__V1__ImportLines *body)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    body->import = import->number;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_LINES;
    request.import_lines = body;
    if (import->asked)
        answer(import);
    watch_send(import->watch, &request);
    import->asked = true;
}

static void send_records(import_t *import, const char *code, const records_t *records,
                         uint64_t first, uint64_t count)
{
    Enlace__V1__ImportRecord items[CHUNK], *places[CHUNK];
    char none[] = "", *lines[CHUNK];
    for (size_t i = 0; i < CHUNK; i++) {
        enlace__v1__import_record__init(&items[i]);
        items[i].has_place = items[i].has_record = 1;
        items[i].place = (uint32_t)i;
        items[i].node = (char *)(uintptr_t)code;
        places[i] = &items[i];
        lines[i] = none;
    }
    for (uint64_t at = 0; at < count; at += CHUNK) {
        Enlace__V1__ImportLines body = ENLACE__V1__IMPORT_LINES__INIT;
        size_t part = count - at < CHUNK ? (size_t)(count - at) : CHUNK;
        for (size_t i = 0; i < part; i++)
            items[i].record = (ProtobufCBinaryData){
                LOAD_PAYLOAD, (uint8_t *)(uintptr_t)records_body(records, first + at + i)};
        body.has_import = body.has_first_line = body.has_last = 1;
        body.first_line = at + 1;
        body.last = at + part == count;
        body.lines = lines;
        body.records = places;
        body.n_lines = body.n_records = part;
        send_chunk(import, &body);
    }
    answer(import);
}

static void check(import_t *import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportCheck body = ENLACE__V1__IMPORT_CHECK__INIT;
    body.has_import = 1;
    body.import = import->number;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_CHECK;
    request.import_check = &body;
    do
        watch_send(import->watch, &request);
    while (!answer(import));
}

static void write_all(import_t *import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportWrite body = ENLACE__V1__IMPORT_WRITE__INIT;
    body.has_import = 1;
    body.import = import->number;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_WRITE;
    request.import_write = &body;
    do
        watch_send(import->watch, &request);
    while (!answer(import));
}

void batch_write(watch_t *watch, const char *code, const records_t *records, uint64_t first,
                 uint64_t count)
{
    assert(count > 0);
    import_t import = {.watch = watch};
    begin(&import);
    send_records(&import, code, records, first, count);
    check(&import);
    write_all(&import);
}
