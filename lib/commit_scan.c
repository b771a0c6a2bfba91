// Single changes out of the bytes of a commit that was checked when it came: headers
// and payloads as the log keeps them.
//
// What is read here was taken by commit_decode before. So anything that does not read
// is damage, and there is one answer to it: false.
#include <assert.h>
#include <string.h>

#include "lib/commit.h"
#include "lib/scan.h"
#include "lib/wire.h"

// Numbers of fields in proto/enlace/v1/commit.proto.
enum { HEADER_PREVIOUS = 6, HEADER_CHANGES = 9 };
enum {
    CHANGE_TYPE = 1,
    CHANGE_EPOCH,
    CHANGE_LANE,
    CHANGE_NUMBER,
    CHANGE_READER,
    CHANGE_COMMITMENT
};
enum { COMMIT_PAYLOADS = 2 };
enum { PAYLOAD_STATE = 1, PAYLOAD_SALT, PAYLOAD_BODY };

static_assert(HASH_SIZE == 32 && SALT_SIZE == 16, "as the format has them");

static bool next_field(scan_t *scan, uint32_t *tag, scan_value_t *value)
{
    unsigned wire = 0;
    *value = (scan_value_t){0};
    return scan->at < scan->end && scan_tag(scan, tag, &wire) == ERR_OK &&
           scan_value(scan, wire, value) == ERR_OK;
}

// The message in the next field of this number, `skip` of them passed over.
static bool next_message(scan_t *scan, uint32_t wanted, size_t skip, scan_t *message)
{
    scan_value_t value;
    uint32_t tag = 0;
    while (next_field(scan, &tag, &value)) {
        if (tag != wanted || skip-- > 0)
            continue;
        *message = scan_of(value.bytes);
        return value.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    }
    return false;
}

static bool take_bytes(span_t bytes, void *to, size_t size)
{
    if (bytes.size != size)
        return false;
    memcpy(to, bytes.data, size);
    return true;
}

// ---- headers ----

static bool take_header_field(change_t *change, uint32_t tag, const scan_value_t *value)
{
    switch (tag) {
    case CHANGE_TYPE:
        change->type = (uint32_t)value->number;
        return true;
    case CHANGE_EPOCH:
        change->target.epoch = (uint32_t)value->number;
        return true;
    case CHANGE_LANE:
        change->target.lane = (uint32_t)value->number;
        return true;
    case CHANGE_NUMBER:
        change->target.number = value->number;
        change->has_target = true;
        return true;
    case CHANGE_READER:
        change->min_reader = (uint32_t)value->number;
        return true;
    case CHANGE_COMMITMENT:
        return take_bytes(value->bytes, change->commitment.bytes, HASH_SIZE);
    default:
        return false;
    }
}

bool commit_scan_change(scan_t *header, size_t skip, change_t *change)
{
    scan_t inside;
    scan_value_t value;
    uint32_t tag = 0;
    *change = (change_t){0};
    if (!next_message(header, HEADER_CHANGES, skip, &inside))
        return false;
    while (inside.at < inside.end)
        if (!next_field(&inside, &tag, &value) || !take_header_field(change, tag, &value))
            return false;
    return true;
}

bool commit_scan_previous(span_t header, hash_t *previous)
{
    scan_t scan = scan_of(header);
    scan_value_t value;
    uint32_t tag = 0;
    while (next_field(&scan, &tag, &value))
        if (tag == HEADER_PREVIOUS)
            return take_bytes(value.bytes, previous->bytes, HASH_SIZE);
    return false;
}

// ---- payloads ----

static bool take_payload_field(change_t *change, uint32_t tag, const scan_value_t *value)
{
    switch (tag) {
    case PAYLOAD_STATE:
        change->state = (payload_state_t)value->number;
        return value->number >= PAYLOAD_PRESENT && value->number <= PAYLOAD_MISSING;
    case PAYLOAD_SALT:
        return take_bytes(value->bytes, change->salt, SALT_SIZE);
    case PAYLOAD_BODY:
        change->body = value->bytes;
        return true;
    default:
        return false;
    }
}

bool commit_scan_payload(scan_t *payloads, size_t skip, change_t *change)
{
    scan_t inside;
    scan_value_t value;
    uint32_t tag = 0, seen = 0;
    if (!next_message(payloads, COMMIT_PAYLOADS, skip, &inside))
        return false;
    while (inside.at < inside.end) {
        if (!next_field(&inside, &tag, &value) || !take_payload_field(change, tag, &value))
            return false;
        seen |= 1u << tag;
    }
    // Salt and body are there where the payload is, and only there.
    uint32_t all = 1u << PAYLOAD_STATE | 1u << PAYLOAD_SALT | 1u << PAYLOAD_BODY;
    return seen == (change->state == PAYLOAD_PRESENT ? all : 1u << PAYLOAD_STATE);
}

static void put_number(buf_t *to, uint32_t tag, uint64_t number)
{
    uint8_t *at = buf_extend(to, 2);
    assert(tag < 16 && number < 0x80);
    at[0] = (uint8_t)(tag << 3 | PROTOBUF_C_WIRE_TYPE_VARINT);
    at[1] = (uint8_t)number;
}

void commit_put_payload(buf_t *to, const change_t *change)
{
    wire_append_start(to, COMMIT_PAYLOADS, commit_payload_size(change));
    put_number(to, PAYLOAD_STATE, change->state);
    if (change->state != PAYLOAD_PRESENT)
        return;
    wire_append(to, PAYLOAD_SALT, span_of(change->salt, SALT_SIZE));
    wire_append(to, PAYLOAD_BODY, change->body);
}
