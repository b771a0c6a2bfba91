// The boot marker's bytes, and whether it agrees with a database.
//
//   0     magic (16), machine (16), inode (8), birth (8), count (8), nonces (2 x 16), hash (32)
//   2048  heads: sequence (8), count (8), {epoch (4), lane (4), number (8)} x 64, hash (32)
//   4096  heads, likewise; the whole one with the higher sequence counts
//
// Integers are little-endian; a hash is BLAKE2b-256, "enlace-derive", of all before it.
#include "lib/marker.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crypto.h"

static const uint8_t magic[16] = "enlace-boot-1\n";

enum {
    HEAD_BYTES = 16,
    PLACE_SUM_AT = 16 + 16 + 8 + 8 + 8 + 2 * NONCE_SIZE,
    HEADS_SUM_AT = 8 + 8 + MARKER_HEADS_MAX * HEAD_BYTES,
};

static void put(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *from, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

// ---- writing ----

static void seal(uint8_t *bytes, size_t size)
{
    hash_t hash = crypto_hash_of(HASH_DERIVE, span_of(bytes, size));
    memcpy(bytes + size, hash.bytes, HASH_SIZE);
}

size_t marker_encode_heads(const marker_t *marker, uint8_t slot[MARKER_SLOT_BYTES])
{
    memset(slot, 0, MARKER_SLOT_BYTES);
    put(slot, marker->sequence, 8);
    put(slot + 8, marker->head_count, 8);
    for (size_t i = 0; i < marker->head_count; i++) {
        uint8_t *to = slot + 16 + i * HEAD_BYTES;
        put(to, marker->heads[i].epoch, 4);
        put(to + 4, marker->heads[i].lane, 4);
        put(to + 8, marker->heads[i].number, 8);
    }
    seal(slot, HEADS_SUM_AT);
    return MARKER_SLOT_BYTES * (1 + marker->sequence % 2);
}

void marker_encode(const marker_t *marker, uint8_t bytes[MARKER_BYTES])
{
    uint8_t slot[MARKER_SLOT_BYTES];
    memset(bytes, 0, MARKER_BYTES);
    memcpy(bytes, magic, sizeof magic);
    memcpy(bytes + 16, marker->place.machine, sizeof marker->place.machine);
    put(bytes + 32, marker->place.inode, 8);
    put(bytes + 40, marker->place.born_ns, 8);
    put(bytes + 48, marker->nonce_count, 8);
    for (size_t i = 0; i < marker->nonce_count; i++)
        memcpy(bytes + 56 + i * NONCE_SIZE, marker->nonces[i].bytes, NONCE_SIZE);
    seal(bytes, PLACE_SUM_AT);
    size_t at = marker_encode_heads(marker, slot);
    memcpy(bytes + at, slot, sizeof slot);
}

// ---- reading ----

static bool sealed(const uint8_t *bytes, size_t size)
{
    hash_t hash = crypto_hash_of(HASH_DERIVE, span_of(bytes, size));
    return memcmp(bytes + size, hash.bytes, HASH_SIZE) == 0;
}

static bool decode_heads(const uint8_t *slot, marker_t *marker)
{
    uint64_t sequence = get(slot, 8), count = get(slot + 8, 8);
    if (!sealed(slot, HEADS_SUM_AT) || count > MARKER_HEADS_MAX)
        return false;
    marker->sequence = sequence;
    marker->head_count = (size_t)count;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = slot + 16 + i * HEAD_BYTES;
        marker->heads[i] =
            (position_t){(uint32_t)get(from, 4), (uint32_t)get(from + 4, 4), get(from + 8, 8)};
    }
    return true;
}

err_t marker_decode(span_t bytes, marker_t *marker)
{
    marker_t other = {0};
    *marker = (marker_t){0};
    if (bytes.size != MARKER_BYTES || memcmp(bytes.data, magic, sizeof magic) != 0 ||
        !sealed(bytes.data, PLACE_SUM_AT))
        return ERR_DAMAGED;
    memcpy(marker->place.machine, bytes.data + 16, sizeof marker->place.machine);
    marker->place.inode = get(bytes.data + 32, 8);
    marker->place.born_ns = get(bytes.data + 40, 8);
    uint64_t count = get(bytes.data + 48, 8);
    if (count < 1 || count > 2)
        return ERR_DAMAGED;
    marker->nonce_count = (size_t)count;
    for (size_t i = 0; i < count; i++)
        memcpy(marker->nonces[i].bytes, bytes.data + 56 + i * NONCE_SIZE, NONCE_SIZE);
    bool first = decode_heads(bytes.data + MARKER_SLOT_BYTES, marker);
    bool second = decode_heads(bytes.data + 2u * MARKER_SLOT_BYTES, &other);
    if (second && (!first || other.sequence > marker->sequence)) {
        marker->sequence = other.sequence;
        marker->head_count = other.head_count;
        memcpy(marker->heads, other.heads, sizeof marker->heads);
    }
    return first || second ? ERR_OK : ERR_DAMAGED;
}

// ---- heads ----

static uint64_t number_in(const position_t *heads, size_t count, position_t at)
{
    for (size_t i = 0; i < count; i++)
        if (heads[i].epoch == at.epoch && heads[i].lane == at.lane)
            return heads[i].number;
    return 0;
}

// Higher epochs come first: what does not fit is of the oldest.
static int newest_first(const void *a, const void *b)
{
    const position_t *left = a, *right = b;
    if (left->epoch != right->epoch)
        return left->epoch < right->epoch ? 1 : -1;
    return left->lane < right->lane ? -1 : left->lane > right->lane;
}

// A place that is not among them yet takes the one of an older epoch when all are taken.
static void add_head(marker_t *marker, position_t head)
{
    position_t *heads = marker->heads;
    if (marker->head_count < MARKER_HEADS_MAX)
        heads[marker->head_count++] = head;
    else if (newest_first(&head, &heads[MARKER_HEADS_MAX - 1]) < 0)
        heads[MARKER_HEADS_MAX - 1] = head;
    qsort(heads, marker->head_count, sizeof *heads, newest_first);
}

bool marker_set_heads(marker_t *marker, const position_t *heads, size_t count, bool raise_only)
{
    marker_t before = *marker;
    if (!raise_only)
        marker->head_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < marker->head_count && (marker->heads[at].epoch != heads[i].epoch ||
                                           marker->heads[at].lane != heads[i].lane))
            at++;
        if (at == marker->head_count)
            add_head(marker, heads[i]);
        else if (heads[i].number > marker->heads[at].number)
            marker->heads[at].number = heads[i].number;
    }
    bool changed = marker->head_count != before.head_count;
    for (size_t i = 0; i < marker->head_count && !changed; i++)
        changed = !position_equal(marker->heads[i], before.heads[i]);
    return changed;
}

// ---- the comparison ----

static bool same_place(const marker_place_t *a, const marker_place_t *b)
{
    return memcmp(a->machine, b->machine, sizeof a->machine) == 0 && a->inode == b->inode &&
           a->born_ns == b->born_ns;
}

static bool names_nonce(const marker_t *marker, const nonce_t *nonce)
{
    for (size_t i = 0; i < marker->nonce_count; i++)
        if (memcmp(marker->nonces[i].bytes, nonce->bytes, NONCE_SIZE) == 0)
            return true;
    return false;
}

bool marker_is_known(const marker_t *marker, const marker_place_t *found, const nonce_t *nonce)
{
    return same_place(&marker->place, found) || names_nonce(marker, nonce);
}

static bool has_changes(const position_t *heads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (heads[i].number)
            return true;
    return false;
}

err_t marker_agrees(const marker_t *marker, const marker_place_t *found, const nonce_t *nonce,
                    const position_t *heads, size_t count, fault_t *fault)
{
    static const nonce_t none = {{0}};
    bool fresh = memcmp(nonce->bytes, none.bytes, NONCE_SIZE) == 0;
    if (!marker)
        return fault_set(fault, ERR_RESTORED, MARKER_FILE,
                         "there is no boot marker, or it is damaged");
    if (!same_place(&marker->place, found))
        return fault_set(fault, ERR_RESTORED, MARKER_FILE,
                         "the boot marker is a copy, or another machine's");
    if (!names_nonce(marker, nonce))
        return fault_set(fault, ERR_RESTORED, MARKER_FILE,
                         "the boot marker belongs to another database");
    if (fresh && has_changes(heads, count))
        return fault_set(fault, ERR_RESTORED, MARKER_FILE,
                         "changes in a database with which this node has never run");
    for (size_t i = 0; i < marker->head_count; i++) {
        position_t at = marker->heads[i];
        uint64_t held = number_in(heads, count, at);
        if (held < at.number)
            return fault_set(fault, ERR_RESTORED, MARKER_FILE,
                             "epoch %u lane %u: the database ends at %llu, this node had written "
                             "up to %llu",
                             at.epoch, at.lane, (unsigned long long)held,
                             (unsigned long long)at.number);
    }
    return ERR_OK;
}
