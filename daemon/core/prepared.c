#include "daemon/core/prepared.h"

#include "lib/compress.h"
#include "lib/mem.h"

size_t prepared_size(const prepared_t *prepared)
{
    return prepared->unpacked ? prepared->unpacked : prepared->bytes.size;
}

static err_t unpack(prepared_t *prepared)
{
    buf_t run;
    if (!prepared->unpacked)
        return ERR_OK;
    err_t err = decompress(buf_span(&prepared->bytes), prepared->unpacked, &run);
    buf_free(&prepared->bytes);
    prepared->bytes = run;
    return err;
}

// An empty run says nothing but that there is no more.
static void read_run(prepared_t *prepared, bool ahead)
{
    fault_t fault;
    if (prepared->bytes.size)
        prepared->refused = unpack(prepared);
    else
        prepared->refused = prepared->end ? ERR_STALE : ERR_BAD_PARTS;
    span_t bytes = buf_span(&prepared->bytes);
    if (!prepared->refused && ahead)
        prepared->refused =
            run_prepare(bytes, &prepared->key, &prepared->coalition, &prepared->run, &fault);
    else if (!prepared->refused)
        prepared->refused = run_decode(bytes, &prepared->run, &fault);
    buf_free(&prepared->bytes);
}

void prepared_read(prepared_t *prepared)
{
    read_run(prepared, true);
}

void prepared_decode(prepared_t *prepared)
{
    read_run(prepared, false);
}

void prepared_destroy(prepared_t **prepared)
{
    if (!*prepared)
        return;
    buf_free(&(*prepared)->bytes);
    run_clear(&(*prepared)->run);
    mem_free(*prepared);
    *prepared = NULL;
}
