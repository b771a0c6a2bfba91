// Commits as their author makes them, and how large they become.
#include <assert.h>
#include <string.h>

#include "enlace/v1/commit.pb-c.h"
#include "lib/bounded.h"
#include "lib/commit.h"
#include "lib/mem.h"
#include "lib/wire.h"

// ---- sizes, as https://protobuf.dev/programming-guides/encoding/ makes them ----

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

// All field numbers here are below 16: a tag is one byte.
static size_t number_field_size(uint64_t value)
{
    return 1 + varint_size(value);
}

static size_t bytes_field_size(size_t size)
{
    return 1 + varint_size(size) + size;
}

static size_t payload_size(payload_state_t state, size_t body)
{
    size_t size = number_field_size(state);
    if (state == PAYLOAD_PRESENT)
        size += bytes_field_size(SALT_SIZE) + bytes_field_size(body);
    return size;
}

size_t commit_payload_size(const change_t *change)
{
    return payload_size(change->state, change->body.size);
}

size_t commit_parts_size(size_t header, size_t payloads)
{
    return bytes_field_size(header) + payloads;
}

size_t commit_content_size(const commit_t *commit)
{
    size_t payloads = 0;
    for (size_t i = 0; i < commit->count; i++)
        payloads += bytes_field_size(commit_payload_size(&commit->changes[i]));
    return commit_parts_size(commit->header.size, payloads);
}

size_t commit_encoded_size(const commit_t *commit)
{
    size_t size = commit_content_size(commit);
    if (commit->has_signature)
        size += bytes_field_size(SIGNATURE_SIZE);
    return bytes_field_size(size);
}

// Everything of the header but its changes, at its largest.
static size_t header_size_max(void)
{
    return number_field_size(HEADER_VERSION) + bytes_field_size(ORIGIN_SIZE) +
           number_field_size(EPOCH_MAX) + number_field_size(LANE_MAX) +
           number_field_size(NUMBER_MAX) + bytes_field_size(HASH_SIZE) +
           number_field_size(TIME_MS_MAX) + number_field_size(UINT32_MAX);
}

static size_t change_size(const draft_t *draft)
{
    size_t size = number_field_size(draft->type) + number_field_size(draft->min_reader) +
                  bytes_field_size(HASH_SIZE);
    if (draft->has_target)
        size += number_field_size(draft->target.epoch) + number_field_size(draft->target.lane) +
                number_field_size(draft->target.number);
    return bytes_field_size(size);
}

bool commit_room_take(commit_room_t *room, const draft_t *draft)
{
    size_t header = room->header + change_size(draft);
    size_t payloads =
        room->payloads + bytes_field_size(payload_size(PAYLOAD_PRESENT, draft->body.size));
    if (room->changes == COMMIT_CHANGES_MAX || draft->body.size > PAYLOAD_BYTES_MAX ||
        bytes_field_size(header_size_max() + header) + payloads > COMMIT_BYTES_MAX)
        return false;
    *room = (commit_room_t){room->changes + 1, header, payloads};
    return true;
}

size_t commit_fit(const draft_t *drafts, size_t count)
{
    commit_room_t room = {0};
    while (room.changes < count && commit_room_take(&room, &drafts[room.changes]))
        continue;
    return room.changes;
}

// ---- authoring ----

// What is made for each change besides its draft: as many of each as there are changes.
typedef struct {
    Enlace__V1__CommitHeader__Change *messages;
    Enlace__V1__CommitHeader__Change **list;
    hash_t *commitments;
    payload_state_t *states;
    uint8_t (*salts)[SALT_SIZE];
    span_t *bodies;
} work_t;

static work_t work_new(size_t count)
{
    work_t work;
    work.messages = mem_alloc_array(count, sizeof *work.messages);
    work.list = mem_alloc_array(count, sizeof *work.list);
    work.commitments = mem_alloc_array(count, sizeof *work.commitments);
    work.states = mem_alloc_array(count, sizeof *work.states);
    work.salts = mem_alloc_array(count, sizeof *work.salts);
    work.bodies = mem_alloc_array(count, sizeof *work.bodies);
    return work;
}

static void work_clear(work_t *work)
{
    mem_free(work->messages);
    mem_free(work->list);
    mem_free(work->commitments);
    mem_free(work->states);
    mem_free(work->salts);
    mem_free(work->bodies);
}

static void put_change(work_t *work, size_t i, const draft_t *draft)
{
    Enlace__V1__CommitHeader__Change *message = &work->messages[i];
    work->states[i] = PAYLOAD_PRESENT;
    work->bodies[i] = draft->body;
    work->commitments[i] = crypto_commitment(work->salts[i], draft->body);
    work->list[i] = message;
    enlace__v1__commit_header__change__init(message);
    WIRE_SET(message, type, draft->type);
    if (draft->has_target) {
        WIRE_SET(message, target_epoch, draft->target.epoch);
        WIRE_SET(message, target_lane, draft->target.lane);
        WIRE_SET(message, target_number, draft->target.number);
    }
    WIRE_SET(message, min_reader, draft->min_reader);
    WIRE_SET_BYTES(message, commitment, &work->commitments[i]);
}

static buf_t pack_header(const feed_t *feed, uint64_t first, const hash_t *previous,
                         uint64_t time_ms, uint32_t card_number, work_t *work, size_t count)
{
    Enlace__V1__CommitHeader header = ENLACE__V1__COMMIT_HEADER__INIT;
    WIRE_SET(&header, header_version, HEADER_VERSION);
    WIRE_SET_BYTES(&header, origin, &feed->origin);
    WIRE_SET(&header, epoch, feed->epoch);
    WIRE_SET(&header, lane, feed->lane);
    WIRE_SET(&header, first_number, first);
    WIRE_SET_BYTES(&header, previous, previous);
    WIRE_SET(&header, time_ms, time_ms);
    WIRE_SET(&header, card_number, card_number);
    header.n_changes = count;
    header.changes = work->list;
    return bounded_pack(&header.base);
}

commit_t *commit_author(const feed_t *feed, uint64_t first, const hash_t *previous,
                        uint64_t time_ms, uint32_t card_number, const draft_t *drafts, size_t count,
                        const uint8_t seed[32], const secret_t *signing, const hash_t *coalition)
{
    assert(count > 0 && commit_fit(drafts, count) == count);
    work_t work = work_new(count);
    crypto_derive(seed, 0, work.salts, count * SALT_SIZE); // four salts a hash
    for (size_t i = 0; i < count; i++)
        put_change(&work, i, &drafts[i]);
    buf_t header = pack_header(feed, first, previous, time_ms, card_number, &work, count);
    hash_t hash = crypto_hash_of(HASH_COMMIT, buf_span(&header));
    signature_t signature = crypto_sign_hash(signing, SIGN_COMMIT, coalition, &hash);
    // Read back as anybody else would: what is signed here decodes everywhere.
    commit_t *commit = NULL;
    err_t err =
        commit_decode_made(buf_span(&header), &signature, count, work.states,
                           (const uint8_t(*)[SALT_SIZE])work.salts, work.bodies, &commit, NULL);
    assert(!err);
    (void)err;
    buf_free(&header);
    work_clear(&work);
    return commit;
}
