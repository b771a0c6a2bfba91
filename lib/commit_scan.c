// Commits read in one pass, field by field, without unpacking them.
//
// This takes only the form that everybody writes: fields in the order of their numbers,
// each as short as it can be, all there that must be, within range. What it takes the
// decoder of lib/commit.c takes, too, with the same values; what it does not take is
// for that one to judge and to name. Of bytes that were checked when they came (the
// log's) what does not read is damage.
#include <assert.h>
#include <string.h>

#include "lib/commit.h"
#include "lib/mem.h"
#include "lib/scan.h"
#include "lib/wire.h"

// Numbers of fields in proto/enlace/v1/commit.proto.
enum { FEED_ORIGIN = 1, FEED_EPOCH, FEED_LANE };
enum { HEADER_VERSION_FIELD = 1, HEADER_ORIGIN, HEADER_EPOCH, HEADER_LANE, HEADER_FIRST };
enum { HEADER_PREVIOUS = HEADER_FIRST + 1, HEADER_TIME, HEADER_CARD, HEADER_CHANGES };
enum {
    CHANGE_TYPE = 1,
    CHANGE_EPOCH,
    CHANGE_LANE,
    CHANGE_NUMBER,
    CHANGE_READER,
    CHANGE_COMMITMENT
};
enum { COMMIT_HEADER = 1, COMMIT_PAYLOADS, COMMIT_SIGNATURE };
enum { PAYLOAD_STATE = 1, PAYLOAD_SALT, PAYLOAD_BODY };

static_assert(HASH_SIZE == 32 && SALT_SIZE == 16, "as the format has them");

// ---- fields ----

// Whether the next field is this one: then it is read. Its tag is one byte.
static bool at_field(scan_t *scan, unsigned field, unsigned wire)
{
    if (scan->at == scan->end || *scan->at != (field << 3 | wire))
        return false;
    scan->at++;
    return true;
}

static bool take_number(scan_t *scan, unsigned field, uint64_t least, uint64_t most, uint64_t *to)
{
    return at_field(scan, field, PROTOBUF_C_WIRE_TYPE_VARINT) && !scan_varint(scan, to) &&
           *to >= least && *to <= most;
}

static bool take_u32(scan_t *scan, unsigned field, uint32_t least, uint32_t most, uint32_t *to)
{
    uint64_t number = 0;
    bool taken = take_number(scan, field, least, most, &number);
    *to = (uint32_t)number;
    return taken;
}

// What is not all there is not passed over either: then the scan stays where it is.
static bool take_span(scan_t *scan, unsigned field, span_t *to)
{
    scan_t after = *scan;
    uint64_t size = 0;
    if (!at_field(&after, field, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) ||
        scan_varint(&after, &size) || scan_bytes(&after, size, to))
        return false;
    *scan = after;
    return true;
}

static bool take_bytes(scan_t *scan, unsigned field, void *to, size_t size)
{
    span_t bytes;
    if (!take_span(scan, field, &bytes) || bytes.size != size)
        return false;
    memcpy(to, bytes.data, size);
    return true;
}

static bool take_message(scan_t *scan, unsigned field, scan_t *message)
{
    span_t bytes;
    if (!take_span(scan, field, &bytes))
        return false;
    *message = scan_of(bytes);
    return true;
}

// ---- headers ----

static bool take_target(scan_t *scan, change_t *change)
{
    scan_t before = *scan;
    if (!at_field(&before, CHANGE_EPOCH, PROTOBUF_C_WIRE_TYPE_VARINT))
        return change->type != CHANGE_RETRACT;
    change->has_target = true;
    return take_u32(scan, CHANGE_EPOCH, 1, EPOCH_MAX, &change->target.epoch) &&
           take_u32(scan, CHANGE_LANE, 0, LANE_MAX, &change->target.lane) &&
           take_number(scan, CHANGE_NUMBER, 1, NUMBER_MAX, &change->target.number);
}

static bool take_change(scan_t inside, change_t *change)
{
    return take_u32(&inside, CHANGE_TYPE, 1, UINT32_MAX, &change->type) &&
           take_target(&inside, change) &&
           take_u32(&inside, CHANGE_READER, 0, UINT32_MAX, &change->min_reader) &&
           take_bytes(&inside, CHANGE_COMMITMENT, change->commitment.bytes, HASH_SIZE) &&
           inside.at == inside.end;
}

// All of it before the changes.
static bool take_start(scan_t *scan, commit_t *commit)
{
    uint32_t version = 0;
    return take_u32(scan, HEADER_VERSION_FIELD, HEADER_VERSION, HEADER_VERSION, &version) &&
           take_bytes(scan, HEADER_ORIGIN, commit->feed.origin.bytes, ORIGIN_SIZE) &&
           take_u32(scan, HEADER_EPOCH, 1, EPOCH_MAX, &commit->feed.epoch) &&
           take_u32(scan, HEADER_LANE, 0, LANE_MAX, &commit->feed.lane) &&
           take_number(scan, HEADER_FIRST, 1, NUMBER_MAX, &commit->first) &&
           take_bytes(scan, HEADER_PREVIOUS, commit->previous.bytes, HASH_SIZE) &&
           take_number(scan, HEADER_TIME, 0, TIME_MS_MAX, &commit->time_ms) &&
           take_u32(scan, HEADER_CARD, 1, UINT32_MAX, &commit->card_number);
}

static size_t count_messages(scan_t scan, unsigned field)
{
    scan_t inside;
    size_t count = 0;
    while (take_message(&scan, field, &inside))
        count++;
    return count;
}

bool commit_scan_header(span_t header, commit_t *commit)
{
    scan_t scan = scan_of(header), inside;
    if (header.size > COMMIT_BYTES_MAX || !take_start(&scan, commit))
        return false;
    commit->count = count_messages(scan, HEADER_CHANGES);
    commit->last = commit->first + commit->count - 1;
    if (commit->count == 0 || commit->count > COMMIT_CHANGES_MAX || commit->last > NUMBER_MAX)
        return false;
    commit->changes = mem_alloc_array(commit->count, sizeof *commit->changes);
    for (size_t i = 0; i < commit->count; i++)
        if (!take_message(&scan, HEADER_CHANGES, &inside) ||
            !take_change(inside, &commit->changes[i]))
            return false;
    return scan.at == scan.end;
}

bool commit_scan_start(span_t header, scan_t *changes, hash_t *previous)
{
    commit_t commit = {0};
    *changes = scan_of(header);
    bool taken = take_start(changes, &commit);
    *previous = commit.previous;
    return taken;
}

bool commit_scan_change(scan_t *changes, size_t skip, change_t *change)
{
    scan_t inside;
    *change = (change_t){0};
    for (;; skip--) {
        if (!take_message(changes, HEADER_CHANGES, &inside))
            return false;
        if (skip == 0)
            return take_change(inside, change);
    }
}

// ---- payloads ----

// Salt and body are there where the payload is, and only there.
static bool take_payload(scan_t inside, change_t *change)
{
    uint32_t state = 0;
    if (!take_u32(&inside, PAYLOAD_STATE, PAYLOAD_PRESENT, PAYLOAD_MISSING, &state))
        return false;
    span_t body = span_of(NULL, 0);
    if (state == PAYLOAD_PRESENT && (!take_bytes(&inside, PAYLOAD_SALT, change->salt, SALT_SIZE) ||
                                     !take_span(&inside, PAYLOAD_BODY, &body)))
        return false;
    if (inside.at != inside.end)
        return false;
    change->state = (payload_state_t)state;
    change->body = body;
    return true;
}

bool commit_scan_payload(scan_t *payloads, size_t skip, change_t *change)
{
    scan_t inside;
    change->state = (payload_state_t)0;
    change->body = span_of(NULL, 0);
    for (;; skip--) {
        if (!take_message(payloads, COMMIT_PAYLOADS, &inside))
            return false;
        if (skip == 0)
            return take_payload(inside, change);
    }
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

// ---- whole commits ----

static bool take_payloads(scan_t *scan, commit_t *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        change_t *change = &commit->changes[i];
        if (!commit_scan_payload(scan, 0, change) || change->body.size > PAYLOAD_BYTES_MAX)
            return false;
        if (change->state != PAYLOAD_PRESENT)
            continue;
        hash_t is = crypto_commitment(change->salt, change->body);
        if (!hash_equal(&is, &change->commitment))
            return false;
    }
    return true;
}

static bool take_commit(scan_t scan, commit_t *commit)
{
    span_t header;
    if (!take_span(&scan, COMMIT_HEADER, &header) || !commit_scan_header(header, commit) ||
        !take_payloads(&scan, commit))
        return false;
    commit->header = header;
    commit->has_signature = scan.at < scan.end;
    if (commit->has_signature &&
        !take_bytes(&scan, COMMIT_SIGNATURE, commit->signature.bytes, SIGNATURE_SIZE))
        return false;
    return scan.at == scan.end && commit_content_size(commit) <= COMMIT_BYTES_MAX;
}

static commit_t *scan_commit(scan_t scan, const feed_t *feed)
{
    commit_t *commit = mem_alloc(sizeof *commit);
    if (take_commit(scan, commit) && feed_equal(&commit->feed, feed)) {
        commit->hash = crypto_hash_of(HASH_COMMIT, commit->header);
        commit_own_memory(commit);
        return commit;
    }
    commit_destroy(&commit);
    return NULL;
}

static bool take_feed(scan_t *scan, feed_t *feed)
{
    scan_t inside;
    return take_message(scan, 1, &inside) &&
           take_bytes(&inside, FEED_ORIGIN, feed->origin.bytes, ORIGIN_SIZE) &&
           take_u32(&inside, FEED_EPOCH, 1, EPOCH_MAX, &feed->epoch) &&
           take_u32(&inside, FEED_LANE, 0, LANE_MAX, &feed->lane) && inside.at == inside.end;
}

static bool take_commits(scan_t *scan, run_t *run)
{
    scan_t inside;
    while (take_message(scan, 2, &inside)) {
        commit_t *commit = run->count < RUN_COMMITS_MAX ? scan_commit(inside, &run->feed) : NULL;
        if (!commit)
            return false;
        run->commits[run->count++] = commit;
    }
    return run->count > 0 && scan->at == scan->end;
}

bool run_scan(span_t bytes, run_t *run)
{
    scan_t scan = scan_of(bytes);
    *run = (run_t){0};
    if (bytes.size <= RUN_BYTES_MAX && take_feed(&scan, &run->feed) && take_commits(&scan, run))
        return true;
    run_clear(run);
    return false;
}
