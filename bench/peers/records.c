#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bench/peers/peers.h"
#include "lib/mem.h"

void records_prepare(records_t *records, uint64_t first, uint64_t count)
{
    if (records->first == first && records->count == count)
        return;
    records_clear(records);
    *records = (records_t){.first = first, .count = count};
    records->bytes = mem_alloc_array(count, LOAD_PAYLOAD);
    for (uint64_t i = 0; i < count; i++) {
        buf_t body = load_body(PEER_OWNER, first + i);
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

void peer_key(uint64_t number, char key[PEER_KEY + 1])
{
    snprintf(key, PEER_KEY + 1, "r%09llu", (unsigned long long)(number % 1000000000));
}
