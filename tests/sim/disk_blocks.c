// The bytes of one file of the disk.
#include <assert.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/disk_internal.h"

static const uint8_t zeros[DISK_PAGE];

// ---- pages: copied before they are written, unless nobody else has them ----

static page_t *page_keep(page_t *page)
{
    if (page)
        page->refs++;
    return page;
}

static void page_drop(page_t **page)
{
    if (*page && --(*page)->refs == 0)
        mem_free(*page);
    *page = NULL;
}

static const uint8_t *page_bytes(const page_t *page)
{
    return page ? page->bytes : zeros;
}

static page_t *page_own(page_t **page)
{
    if (*page && (*page)->refs == 1) {
        (*page)->hashed = false;
        return *page;
    }
    page_t *made = mem_resize(NULL, sizeof *made); // all of it is set here
    made->refs = 1;
    made->hashed = false;
    memcpy(made->bytes, page_bytes(*page), DISK_PAGE);
    page_drop(page);
    *page = made;
    return made;
}

static void page_set(page_t **to, page_t *from)
{
    page_keep(from);
    page_drop(to);
    *to = from;
}

// ---- slots ----

static slot_t *slot_at(blocks_t *blocks, size_t index)
{
    while (blocks->count <= index) {
        mem_grow(&blocks->slots, &blocks->capacity, blocks->count, sizeof *blocks->slots);
        blocks->slots[blocks->count++] = (slot_t){0};
    }
    return &blocks->slots[index];
}

static void mark_dirty(blocks_t *blocks, size_t from, size_t to)
{
    bool clean = blocks->dirty_from == blocks->dirty_to;
    if (clean || from < blocks->dirty_from)
        blocks->dirty_from = from;
    if (clean || to > blocks->dirty_to)
        blocks->dirty_to = to;
}

static void mark_clean(blocks_t *blocks)
{
    blocks->dirty_from = blocks->dirty_to = 0;
}

// ---- what a system does ----

size_t blocks_read(const blocks_t *blocks, uint64_t offset, void *data, size_t size)
{
    uint8_t *to = data;
    if (offset >= blocks->size_now)
        return 0;
    if (size > blocks->size_now - offset)
        size = (size_t)(blocks->size_now - offset);
    for (size_t done = 0; done < size;) {
        size_t index = (size_t)((offset + done) / DISK_PAGE), at = (offset + done) % DISK_PAGE;
        size_t part = size - done < DISK_PAGE - at ? size - done : DISK_PAGE - at;
        const page_t *page = index < blocks->count ? blocks->slots[index].now : NULL;
        memcpy(to + done, page_bytes(page) + at, part);
        done += part;
    }
    return size;
}

void blocks_write(blocks_t *blocks, uint64_t offset, span_t bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        size_t index = (size_t)((offset + done) / DISK_PAGE), at = (offset + done) % DISK_PAGE;
        size_t part = bytes.size - done < DISK_PAGE - at ? bytes.size - done : DISK_PAGE - at;
        slot_t *slot = slot_at(blocks, index);
        // The same bytes again (daemon/store/wal.c does it) need no page of their own,
        // but where a sync has failed to write them.
        if (!slot->now || slot->lost || memcmp(slot->now->bytes + at, bytes.data + done, part) != 0)
            memcpy(page_own(&slot->now)->bytes + at, bytes.data + done, part);
        slot->lost = false;
        mark_dirty(blocks, index, index + 1);
        done += part;
    }
    if (bytes.size && offset + bytes.size > blocks->size_now)
        blocks->size_now = offset + bytes.size;
}

void blocks_truncate(blocks_t *blocks, uint64_t size)
{
    size_t kept = (size_t)((size + DISK_PAGE - 1) / DISK_PAGE), tail = size % DISK_PAGE;
    blocks->size_now = size;
    for (size_t i = kept; i < blocks->count; i++) {
        page_drop(&blocks->slots[i].now);
        blocks->slots[i].lost = false;
    }
    if (kept < blocks->count)
        mark_dirty(blocks, kept, blocks->count);
    if (tail && kept <= blocks->count && blocks->slots[kept - 1].now) {
        memset(page_own(&blocks->slots[kept - 1].now)->bytes + tail, 0, DISK_PAGE - tail);
        mark_dirty(blocks, kept - 1, kept);
    }
}

// What an earlier sync lost is not written again; it stays dirty, for the next crash.
void blocks_sync(blocks_t *blocks)
{
    size_t from = blocks->dirty_from, to = blocks->dirty_to;
    mark_clean(blocks);
    blocks->size_durable = blocks->size_now;
    for (size_t i = from; i < to; i++)
        if (blocks->slots[i].lost)
            mark_dirty(blocks, i, i + 1);
        else
            page_set(&blocks->slots[i].durable, blocks->slots[i].now);
}

void blocks_sync_fails(blocks_t *blocks, uint64_t *chance)
{
    for (size_t i = blocks->dirty_from; i < blocks->dirty_to; i++) {
        slot_t *slot = &blocks->slots[i];
        uint64_t drawn = chance_below(chance, 3);
        if (drawn == 0)
            page_set(&slot->durable, slot->now);
        else
            slot->lost = slot->lost || (drawn == 1 && slot->now != slot->durable);
    }
}

void blocks_settle(blocks_t *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        blocks->slots[i].lost = false;
    blocks_sync(blocks);
}

// ---- what a loss of power does ----

// How it goes this time: in percent, of the sectors that differ.
typedef struct {
    uint64_t *chance;
    uint64_t *counts;
    unsigned kept, garbled;
    size_t sector;
} loss_t;

static loss_t draw_loss(uint64_t *chance, uint64_t *counts)
{
    static const unsigned kept[] = {0, 10, 50, 90, 100}, garbled[] = {0, 0, 5, 30};
    return (loss_t){
        .chance = chance,
        .counts = counts,
        .kept = kept[chance_below(chance, sizeof kept / sizeof *kept)],
        .garbled = garbled[chance_below(chance, sizeof garbled / sizeof *garbled)],
        .sector = chance_below(chance, 2) ? 512 : DISK_PAGE,
    };
}

// Each byte of it is the old one, the new one or anything, but those that nobody
// wrote stay; `fresh`: there was nothing before, anything may be there.
static void garble(loss_t *loss, uint8_t *to, const uint8_t *old, const uint8_t *new, bool fresh)
{
    uint64_t how = chance_below(loss->chance, 3), border = chance_below(loss->chance, loss->sector);
    for (size_t i = 0; i < loss->sector; i++) {
        if (old[i] == new[i] && !fresh)
            to[i] = old[i];
        else if (how == 0) // torn
            to[i] = i < border ? new[i] : old[i];
        else if (how == 1)
            to[i] = 0;
        else
            to[i] = (uint8_t)chance_next(loss->chance);
    }
}

static void lose_sector(loss_t *loss, uint8_t *to, const uint8_t *old, const uint8_t *new,
                        bool fresh)
{
    if (memcmp(old, new, loss->sector) == 0) {
        memcpy(to, old, loss->sector);
    } else if (chance_below(loss->chance, 100) < loss->garbled) {
        garble(loss, to, old, new, fresh);
        loss->counts[DISK_SECTOR_GARBLED]++;
    } else if (chance_below(loss->chance, 100) < loss->kept) {
        memcpy(to, new, loss->sector);
    } else {
        memcpy(to, old, loss->sector);
        loss->counts[DISK_SECTOR_LOST]++;
    }
}

static void lose_page(loss_t *loss, slot_t *slot, bool fresh)
{
    page_t *made = mem_alloc(sizeof *made);
    made->refs = 1;
    for (size_t at = 0; at < DISK_PAGE; at += loss->sector)
        lose_sector(loss, made->bytes + at, page_bytes(slot->durable) + at,
                    page_bytes(slot->now) + at, fresh);
    page_drop(&slot->durable);
    slot->durable = made;
}

// The old size, the new one, or a border of sectors between them.
static uint64_t lose_size(loss_t *loss, uint64_t old, uint64_t new)
{
    uint64_t low = old < new ? old : new, high = old < new ? new : old;
    uint64_t drawn = chance_below(loss->chance, 4), size = new;
    if (drawn == 0)
        size = old;
    else if (drawn == 1)
        size = low + chance_below(loss->chance, (high - low) / loss->sector + 1) * loss->sector;
    loss->counts[DISK_SIZE_LOST] += size != new;
    return size;
}

void blocks_lose(blocks_t *blocks, uint64_t *chance, uint64_t counts[DISK_KINDS])
{
    loss_t loss = draw_loss(chance, counts);
    uint64_t before = blocks->size_durable;
    uint64_t size = lose_size(&loss, blocks->size_durable, blocks->size_now);
    for (size_t i = blocks->dirty_from; i < blocks->dirty_to; i++)
        if (blocks->slots[i].now != blocks->slots[i].durable &&
            (uint64_t)i * DISK_PAGE < blocks->size_now) // what was cut off nobody wrote
            lose_page(&loss, &blocks->slots[i], (uint64_t)i * DISK_PAGE >= before);
    for (size_t i = blocks->dirty_from; i < blocks->dirty_to; i++) {
        page_set(&blocks->slots[i].now, blocks->slots[i].durable);
        blocks->slots[i].lost = false;
    }
    blocks_truncate(blocks, size); // beyond the end there are zeros
    blocks_sync(blocks);
}

// ---- values ----

blocks_t blocks_share(const blocks_t *blocks)
{
    blocks_t copy = {
        .size_now = blocks->size_now,
        .size_durable = blocks->size_now,
        .count = blocks->count,
        .capacity = blocks->count,
        .slots = mem_alloc_array(blocks->count, sizeof *copy.slots),
    };
    for (size_t i = 0; i < blocks->count; i++) {
        copy.slots[i].now = page_keep(blocks->slots[i].now);
        copy.slots[i].durable = page_keep(blocks->slots[i].now);
    }
    return copy;
}

void blocks_free(blocks_t *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        page_drop(&blocks->slots[i].now);
        page_drop(&blocks->slots[i].durable);
    }
    mem_free(blocks->slots);
    *blocks = (blocks_t){0};
}

// ---- one bit ----

static void flip_in(page_t **page, size_t at, uint8_t bit)
{
    page_own(page)->bytes[at] ^= (uint8_t)(1u << bit);
}

bool blocks_flip(blocks_t *blocks, uint64_t *chance, disk_flip_t *flip)
{
    enum { TRIES = 4096 };
    for (unsigned i = 0; i < TRIES && blocks->size_now; i++) {
        uint64_t offset = chance_below(chance, blocks->size_now);
        size_t at = offset % DISK_PAGE;
        slot_t *slot = slot_at(blocks, (size_t)(offset / DISK_PAGE));
        if (!page_bytes(slot->now)[at])
            continue;
        *flip = (disk_flip_t){offset, (uint8_t)chance_below(chance, 8)};
        bool one = slot->now == slot->durable;
        flip_in(&slot->now, at, flip->bit);
        if (one)
            page_set(&slot->durable, slot->now);
        else if (slot->durable)
            flip_in(&slot->durable, at, flip->bit);
        return true;
    }
    return false;
}

// ---- hash: of pages, kept with them ----

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 29);
}

static uint64_t page_hash(page_t *page)
{
    if (page->hashed)
        return page->hash;
    uint64_t hash = 0, word;
    for (size_t at = 0; at < DISK_PAGE; at += sizeof word) {
        memcpy(&word, page->bytes + at, sizeof word);
        hash = mix(hash, word);
    }
    page->hashed = true;
    page->hash = hash;
    return hash;
}

uint64_t blocks_hash(blocks_t *blocks, bool durable)
{
    uint64_t size = durable ? blocks->size_durable : blocks->size_now;
    uint64_t hash = mix(1, size);
    for (size_t i = 0; i < blocks->count && (uint64_t)i * DISK_PAGE < size; i++) {
        page_t *page = durable ? blocks->slots[i].durable : blocks->slots[i].now;
        hash = mix(hash, page ? page_hash(page) : 0);
    }
    return hash;
}
