// I15: a commit keeps the bytes of its header and bodies as they came, and is
// hashed and passed on by those.
#include "lib/commit.h"

#include <assert.h>
#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "lib/mem.h"
#include "lib/wire.h"

// 8 singular fields, and 256 changes of 6 each; room for what a newer version
// adds, so that it is told from garbage.
static const limits_t header_limits = {
    .bytes = COMMIT_BYTES_MAX,
    .fields = 4096,
    .depth = 2,
    .memory = 1024 * 1024,
    .unknown = true,
};

// ---- the header ----

static bool has_unknown_fields(const Enlace__V1__CommitHeader *header)
{
    if (header->base.n_unknown_fields)
        return true;
    for (size_t i = 0; i < header->n_changes; i++)
        if (header->changes[i]->base.n_unknown_fields)
            return true;
    return false;
}

// The version comes first: a newer header is not a bad one.
static void check_form(wire_t *wire, const Enlace__V1__CommitHeader *header, span_t bytes)
{
    uint32_t version = 0;
    WIRE_U32(wire, header, header_version, 1, UINT32_MAX, &version);
    if (version > HEADER_VERSION)
        wire_refuse(wire, ERR_TOO_NEW, "header_version");
    else if (has_unknown_fields(header))
        wire_refuse(wire, ERR_UNKNOWN_FIELD, "");
    wire_canonical(wire, &header->base, bytes);
}

static void read_target(wire_t *wire, const Enlace__V1__CommitHeader__Change *message,
                        change_t *change)
{
    change->has_target =
        message->has_target_epoch || message->has_target_lane || message->has_target_number;
    if (!change->has_target) {
        if (change->type == CHANGE_RETRACT)
            wire_refuse(wire, ERR_MISSING_FIELD, "target_number");
        return;
    }
    WIRE_U32(wire, message, target_epoch, 1, EPOCH_MAX, &change->target.epoch);
    WIRE_U32(wire, message, target_lane, 0, LANE_MAX, &change->target.lane);
    WIRE_U64(wire, message, target_number, 1, NUMBER_MAX, &change->target.number);
}

static void read_change(wire_t *wire, size_t place, const Enlace__V1__CommitHeader__Change *message,
                        change_t *change)
{
    wire_t inside = wire_inside(wire, "changes", place);
    WIRE_U32(&inside, message, type, 1, UINT32_MAX, &change->type);
    read_target(&inside, message, change);
    WIRE_U32(&inside, message, min_reader, 0, UINT32_MAX, &change->min_reader);
    WIRE_BYTES(&inside, message, commitment, &change->commitment);
    wire->err = inside.err;
}

static void read_header(wire_t *wire, const Enlace__V1__CommitHeader *header, commit_t *commit)
{
    WIRE_BYTES(wire, header, origin, &commit->feed.origin);
    WIRE_U32(wire, header, epoch, 1, EPOCH_MAX, &commit->feed.epoch);
    WIRE_U32(wire, header, lane, 0, LANE_MAX, &commit->feed.lane);
    WIRE_U64(wire, header, first_number, 1, NUMBER_MAX, &commit->first);
    WIRE_BYTES(wire, header, previous, &commit->previous);
    WIRE_U64(wire, header, time_ms, 0, TIME_MS_MAX, &commit->time_ms);
    WIRE_U32(wire, header, card_number, 1, UINT32_MAX, &commit->card_number);
    wire_count(wire, "changes", header->n_changes, 1, COMMIT_CHANGES_MAX);
    if (wire->err)
        return;
    commit->count = header->n_changes;
    commit->last = commit->first + commit->count - 1;
    if (commit->last > NUMBER_MAX)
        wire_refuse(wire, ERR_BAD_VALUE, "first_number");
    commit->changes = mem_alloc_array(commit->count, sizeof *commit->changes);
    for (size_t i = 0; i < commit->count && !wire->err; i++)
        read_change(wire, i + 1, header->changes[i], &commit->changes[i]);
}

err_t commit_unpack_header(span_t bytes, commit_t *commit, fault_t *fault)
{
    ProtobufCMessage *message = NULL;
    wire_t wire = {.fault = fault};
    wire.err = bounded_unpack(&enlace__v1__commit_header__descriptor, bytes, &header_limits,
                              &message, fault);
    if (wire.err)
        return wire.err;
    const Enlace__V1__CommitHeader *header = (const Enlace__V1__CommitHeader *)message;
    check_form(&wire, header, bytes);
    if (!wire.err)
        read_header(&wire, header, commit);
    bounded_free(message);
    return wire.err;
}

static err_t decode_header(span_t bytes, commit_t *commit, fault_t *fault)
{
    if (commit_scan_header(bytes, commit))
        return ERR_OK;
    mem_free(commit->changes);
    *commit = (commit_t){0};
    return commit_unpack_header(bytes, commit, fault);
}

// ---- the payloads ----

// `hashed`: the commitment has been made of this body here.
static void check_payload(wire_t *wire, payload_state_t state, const uint8_t salt[SALT_SIZE],
                          span_t body, bool hashed, change_t *change)
{
    if (state < PAYLOAD_PRESENT || state > PAYLOAD_MISSING) {
        wire_refuse(wire, ERR_BAD_VALUE, "state");
        return;
    }
    change->state = state;
    if (state != PAYLOAD_PRESENT)
        return;
    if (body.size > PAYLOAD_BYTES_MAX) {
        wire_refuse(wire, ERR_TOO_BIG, "body");
        return;
    }
    memcpy(change->salt, salt, SALT_SIZE);
    change->body = body;
    if (hashed)
        return;
    hash_t commitment = crypto_commitment(salt, body);
    if (!hash_equal(&commitment, &change->commitment))
        wire_refuse(wire, ERR_BAD_COMMITMENT, "body");
}

static err_t take_payloads(commit_t *commit, size_t count, const payload_state_t *states,
                           const uint8_t (*salts)[SALT_SIZE], const span_t *bodies, bool hashed,
                           fault_t *fault)
{
    wire_t wire = {.fault = fault};
    if (count != commit->count)
        wire_refuse(&wire, count < commit->count ? ERR_MISSING_FIELD : ERR_TOO_MANY, "payloads");
    for (size_t i = 0; i < count && !wire.err; i++) {
        wire_t inside = wire_inside(&wire, "payloads", i + 1);
        check_payload(&inside, states[i], salts[i], bodies[i], hashed, &commit->changes[i]);
        wire.err = inside.err;
    }
    return wire.err;
}

// Copies header and payloads, in that order, into one piece and points into it. The
// payloads as the log keeps them: whoever appends the commit need not encode them.
void commit_own_memory(commit_t *commit)
{
    buf_t memory = {0};
    buf_extend(&memory, commit_content_size(commit)); // all at once: nothing moves later
    buf_clear(&memory);
    buf_append(&memory, commit->header);
    commit->header = buf_span(&memory);
    for (size_t i = 0; i < commit->count; i++) {
        change_t *change = &commit->changes[i];
        commit_put_payload(&memory, change);
        if (change->state != PAYLOAD_PRESENT)
            change->body.size = 0;
        change->body.data = memory.data + memory.size - change->body.size; // it comes last
    }
    assert(commit->header.data == memory.data);
    commit->payloads =
        span_of(memory.data + commit->header.size, memory.size - commit->header.size);
    commit->memory = memory;
}

static err_t decode(span_t header, const uint8_t *signature64_or_null, size_t payload_count,
                    const payload_state_t *states, const uint8_t (*salts)[SALT_SIZE],
                    const span_t *bodies, bool hashed, commit_t **commit, fault_t *fault)
{
    commit_t *made = mem_alloc(sizeof *made);
    *commit = NULL;
    err_t err = decode_header(header, made, fault);
    if (!err)
        err = take_payloads(made, payload_count, states, salts, bodies, hashed, fault);
    made->header = header;
    if (!err)
        commit_own_memory(made);
    if (!err && commit_content_size(made) > COMMIT_BYTES_MAX)
        err = fault_set(fault, ERR_TOO_BIG, "", NULL);
    if (err) {
        commit_destroy(&made);
        return err;
    }
    made->hash = crypto_hash_of(HASH_COMMIT, header);
    if (signature64_or_null) {
        made->has_signature = true;
        memcpy(made->signature.bytes, signature64_or_null, SIGNATURE_SIZE);
    }
    *commit = made;
    return ERR_OK;
}

err_t commit_decode(span_t header, const uint8_t *signature64_or_null, size_t payload_count,
                    const payload_state_t *states, const uint8_t (*salts)[SALT_SIZE],
                    const span_t *bodies, commit_t **commit, fault_t *fault)
{
    return decode(header, signature64_or_null, payload_count, states, salts, bodies, false, commit,
                  fault);
}

err_t commit_decode_made(span_t header, const signature_t *signature, size_t payload_count,
                         const payload_state_t *states, const uint8_t (*salts)[SALT_SIZE],
                         const span_t *bodies, commit_t **commit, fault_t *fault)
{
    return decode(header, signature->bytes, payload_count, states, salts, bodies, true, commit,
                  fault);
}

err_t commit_decode_bare(span_t header, const uint8_t *signature64_or_null, size_t count,
                         commit_t **commit, fault_t *fault)
{
    payload_state_t states[COMMIT_CHANGES_MAX];
    static const uint8_t salts[COMMIT_CHANGES_MAX][SALT_SIZE];
    static const span_t bodies[COMMIT_CHANGES_MAX];
    for (size_t i = 0; i < COMMIT_CHANGES_MAX; i++)
        states[i] = PAYLOAD_MISSING;
    *commit = NULL;
    if (count > COMMIT_CHANGES_MAX)
        return fault_set(fault, ERR_TOO_MANY, "payloads", NULL);
    return commit_decode(header, signature64_or_null, count, states, salts, bodies, commit, fault);
}

commit_t *commit_copy(const commit_t *commit)
{
    commit_t *copy = mem_alloc(sizeof *copy);
    *copy = *commit;
    copy->changes = mem_alloc_array(copy->count, sizeof *copy->changes);
    memcpy(copy->changes, commit->changes, copy->count * sizeof *copy->changes);
    copy->memory = (buf_t){0};
    copy->looks = NULL;
    commit_own_memory(copy);
    return copy;
}

void commit_destroy(commit_t **commit)
{
    if (!commit || !*commit)
        return;
    mem_free((*commit)->changes);
    mem_free((*commit)->looks);
    buf_free(&(*commit)->memory);
    mem_free(*commit);
    *commit = NULL;
}

bool commit_signature_holds(const commit_t *commit, const pubkey_t *signing_key,
                            const hash_t *coalition)
{
    bool known = commit->holds && key_equal(&commit->of_key, signing_key) &&
                 hash_equal(&commit->in, coalition);
    if (known)
        return commit->has_signature;
    return commit->has_signature && crypto_verify_hash(signing_key, SIGN_COMMIT, coalition,
                                                       &commit->hash, &commit->signature);
}
