#include "daemon/core/prepared.h"

#include "lib/mem.h"

// An empty run says nothing but that there is no more.
static void read_run(prepared_t *prepared, bool ahead)
{
    fault_t fault;
    span_t bytes = buf_span(&prepared->bytes);
    if (!bytes.size)
        prepared->refused = prepared->end ? ERR_STALE : ERR_BAD_PARTS;
    else if (ahead)
        prepared->refused =
            run_prepare(bytes, &prepared->key, &prepared->coalition, &prepared->run, &fault);
    else
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
