#include "bench/records.h"

#include <assert.h>
#include <string.h>

#include "lib/mem.h"

void records_prepare(records_t *records, const char *owner, uint64_t first, uint64_t count)
{
    if (records->first == first && records->count == count)
        return;
    records_clear(records);
    *records = (records_t){.first = first, .count = count};
    records->bytes = mem_alloc_array(count, LOAD_PAYLOAD);
    for (uint64_t i = 0; i < count; i++) {
        buf_t body = load_body(owner, first + i);
        assert(body.size == LOAD_PAYLOAD);
        memcpy(records->bytes + i * LOAD_PAYLOAD, body.data, LOAD_PAYLOAD);
        buf_free(&body);
    }
}

void records_clear(records_t *records)
{
    mem_free(records->bytes);
    *records = (records_t){0};
}

const uint8_t *records_body(const records_t *records, uint64_t number)
{
    assert(number >= records->first && number - records->first < records->count);
    return records->bytes + (number - records->first) * LOAD_PAYLOAD;
}
