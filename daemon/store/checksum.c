#include "daemon/store/checksum.h"

#include <endian.h>
#include <xxhash.h>

uint64_t checksum_begin(const commit_row_t *row)
{
    const uint64_t numbers[] = {htole64(row->first), htole64(row->last)};
    const span_t parts[] = {row->hash, row->signature, row->header};
    uint64_t sum = XXH3_64bits(numbers, sizeof numbers);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum = XXH3_64bits_withSeed(parts[i].data, parts[i].size, sum);
    return sum;
}

int64_t checksum_end(uint64_t begun, span_t payloads)
{
    return (int64_t)XXH3_64bits_withSeed(payloads.data, payloads.size, begun);
}

row_state_t row_state(sqlite3_stmt *statement, int at, uint64_t *begun)
{
    const commit_row_t row = {
        .first = sql_column_u64(statement, at + CHECKED_FIRST),
        .last = sql_column_u64(statement, at + CHECKED_LAST),
        .hash = sql_column_span(statement, at + CHECKED_HASH),
        .signature = sql_column_span(statement, at + CHECKED_SIGNATURE),
        .header = sql_column_span(statement, at + CHECKED_HEADER),
    };
    uint64_t sum = checksum_begin(&row);
    if (begun)
        *begun = sum;
    if (sqlite3_column_type(statement, at + CHECKED_SUM) != SQLITE_INTEGER)
        return ROW_UNKNOWN;
    int64_t whole = checksum_end(sum, sql_column_span(statement, at + CHECKED_PAYLOADS));
    return whole == sqlite3_column_int64(statement, at + CHECKED_SUM) ? ROW_AS_WRITTEN
                                                                      : ROW_CHANGED;
}
