// What the client does for `import`, without a program and a connection for each batch.
#include "bench/batch.h"

#include <assert.h>

#include "bench/load.h"
#include "lib/mem.h"

static uint64_t step(watch_t *watch, request_t *request)
{
    reply_t *reply = watch_ask(watch, request, ENLACE__V1__CONTROL_REPLY__BODY_IMPORT_STATE);
    uint64_t number = reply->import_state->import;
    talk_free(&reply);
    return number;
}

static uint64_t begin(watch_t *watch)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportBegin body = ENLACE__V1__IMPORT_BEGIN__INIT;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_BEGIN;
    request.import_begin = &body;
    return step(watch, &request);
}

static void send_lines(watch_t *watch, uint64_t import, const char *code, uint64_t first,
                       size_t count)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportLines body = ENLACE__V1__IMPORT_LINES__INIT;
    char *lines[BATCH_MAX];
    for (size_t i = 0; i < count; i++)
        lines[i] = load_line(code, first + i);
    body.has_import = body.has_first_line = body.has_last = 1;
    body.import = import;
    body.first_line = 1;
    body.last = 1;
    body.lines = lines;
    body.n_lines = count;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_LINES;
    request.import_lines = &body;
    step(watch, &request);
    for (size_t i = 0; i < count; i++)
        mem_free(lines[i]);
}

static void check(watch_t *watch, uint64_t import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportCheck body = ENLACE__V1__IMPORT_CHECK__INIT;
    body.has_import = 1;
    body.import = import;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_CHECK;
    request.import_check = &body;
    step(watch, &request);
}

static bool write_step(watch_t *watch, uint64_t import)
{
    request_t request = ENLACE__V1__CONTROL_REQUEST__INIT;
    Enlace__V1__ImportWrite body = ENLACE__V1__IMPORT_WRITE__INIT;
    body.has_import = 1;
    body.import = import;
    request.body_case = ENLACE__V1__CONTROL_REQUEST__BODY_IMPORT_WRITE;
    request.import_write = &body;
    reply_t *reply = watch_ask(watch, &request, ENLACE__V1__CONTROL_REPLY__BODY_IMPORT_STATE);
    bool done = reply->import_state->done;
    talk_free(&reply);
    return done;
}

void batch_write(watch_t *watch, const char *code, uint64_t first, size_t count)
{
    assert(count > 0 && count <= BATCH_MAX);
    uint64_t import = begin(watch);
    send_lines(watch, import, code, first, count);
    check(watch, import);
    while (!write_step(watch, import))
        ;
}
