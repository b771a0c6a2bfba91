// A simulated machine's own part in the boot marker: what lib/marker_file.c asks
// the system for. The marker is a file on the disk, with the number of its inode
// before it; a file that was copied has another number than it says.
#include <assert.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/sim/places.h"

enum { INODE_BYTES = 8 };

static marker_place_t found_at(const place_in_t *place, uint64_t inode)
{
    marker_place_t found = {.inode = inode};
    memcpy(found.machine, &place->machine, sizeof place->machine);
    return found;
}

static err_t failed(fault_t *fault)
{
    return fault_set(fault, ERR_CANNOT_WRITE, MARKER_FILE, "the simulated disk");
}

static err_t read_marker(void *context, marker_t *marker, marker_place_t *found, bool *there,
                         fault_t *fault)
{
    place_in_t *place = context;
    uint64_t inode;
    *there = false;
    if (disk_is_down(place->disk))
        return fault_set(fault, ERR_CANNOT_READ, MARKER_FILE, "the simulated disk");
    if (!place->marker.size && !disk_get_file(place->disk, MARKER_FILE, &place->marker))
        buf_free(&place->marker);
    if (place->marker.size <= INODE_BYTES)
        return ERR_OK;
    memcpy(&inode, place->marker.data, sizeof inode);
    *found = found_at(place, inode);
    *there =
        marker_decode(span_of(place->marker.data + INODE_BYTES, place->marker.size - INODE_BYTES),
                      marker) == ERR_OK;
    return ERR_OK;
}

static err_t write_marker(void *context, marker_t *marker, fault_t *fault)
{
    place_in_t *place = context;
    uint8_t bytes[INODE_BYTES + MARKER_BYTES];
    uint64_t inode = ++place->inodes;
    marker->place = found_at(place, inode);
    memcpy(bytes, &inode, sizeof inode);
    marker_encode(marker, bytes + INODE_BYTES);
    if (!disk_put_file(place->disk, MARKER_FILE, span_of(bytes, sizeof bytes)))
        return failed(fault);
    buf_free(&place->marker);
    place->marker = buf_copy(span_of(bytes, sizeof bytes));
    return ERR_OK;
}

static err_t update_marker(void *context, marker_t *marker, fault_t *fault)
{
    place_in_t *place = context;
    uint8_t slot[MARKER_SLOT_BYTES];
    if (disk_is_down(place->disk) || place->marker.size != INODE_BYTES + MARKER_BYTES)
        return failed(fault);
    size_t offset = marker_encode_heads(marker, slot);
    memcpy(place->marker.data + INODE_BYTES + offset, slot, sizeof slot);
    disk_keep_file(place->disk, MARKER_FILE, buf_span(&place->marker));
    return ERR_OK;
}

marker_home_t place_marker(place_in_t *place)
{
    return (marker_home_t){place, read_marker, write_marker, update_marker};
}

bool world_marker(const world_t *world, size_t node, marker_t *marker)
{
    const buf_t *bytes = &world->nodes[node].marker;
    return bytes->size > INODE_BYTES &&
           marker_decode(span_of(bytes->data + INODE_BYTES, bytes->size - INODE_BYTES), marker) ==
               ERR_OK;
}

void place_make_marker(place_in_t *place)
{
    marker_t marker = {.nonce_count = 1};
    fault_t fault;
    assert(write_marker(place, &marker, &fault) == ERR_OK);
}

void place_copied(place_in_t *place)
{
    uint64_t inode = ++place->inodes;
    buf_free(&place->marker);
    if (!disk_get_file(place->disk, MARKER_FILE, &place->marker) ||
        place->marker.size <= INODE_BYTES)
        return;
    memcpy(place->marker.data, &inode, sizeof inode);
    disk_put_file(place->disk, MARKER_FILE, buf_span(&place->marker));
}

void place_lost_power(place_in_t *place)
{
    buf_free(&place->marker);
}
