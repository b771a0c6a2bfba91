#include "daemon/net/links.h"

#include <string.h>

#include "lib/mem.h"

struct links {
    link_t **by_id;    // sorted by id: numbers only rise, so that one is appended
    link_t **by_route; // sorted by route
    size_t count;
    size_t id_capacity, route_capacity;
};

links_t *links_new(void)
{
    return mem_alloc(sizeof(links_t));
}

void links_destroy(links_t **links)
{
    if (!*links)
        return;
    for (size_t i = 0; i < (*links)->count; i++)
        mem_free((*links)->by_id[i]);
    mem_free((*links)->by_id);
    mem_free((*links)->by_route);
    mem_free(*links);
    *links = NULL;
}

size_t links_count(const links_t *links)
{
    return links->count;
}

size_t links_of_key(const links_t *links, const pubkey_t *key)
{
    size_t count = 0;
    for (size_t i = 0; i < links->count; i++)
        count += !links->by_id[i]->closed && key_equal(&links->by_id[i]->key, key);
    return count;
}

link_t *links_at(const links_t *links, size_t index)
{
    return links->by_id[index];
}

// First place whose id is not below.
static size_t place_of_id(const links_t *links, net_link_t id)
{
    size_t low = 0;
    for (size_t high = links->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (links->by_id[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t place_of_route(const links_t *links, uint32_t route)
{
    size_t low = 0;
    for (size_t high = links->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (links->by_route[middle]->route < route)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

link_t *links_find(const links_t *links, net_link_t id)
{
    size_t place = place_of_id(links, id);
    return place < links->count && links->by_id[place]->id == id ? links->by_id[place] : NULL;
}

link_t *links_find_route(const links_t *links, uint32_t route)
{
    size_t place = place_of_route(links, route);
    return place < links->count && links->by_route[place]->route == route ? links->by_route[place]
                                                                          : NULL;
}

link_t *links_add(links_t *links, net_link_t id, uint32_t route)
{
    size_t place = place_of_route(links, route);
    link_t *link = mem_alloc(sizeof *link);
    link->id = id;
    link->route = route;
    mem_grow(&links->by_id, &links->id_capacity, links->count, sizeof(link_t *));
    mem_grow(&links->by_route, &links->route_capacity, links->count, sizeof(link_t *));
    links->by_id[links->count] = link;
    memmove(&links->by_route[place + 1], &links->by_route[place],
            (links->count - place) * sizeof(link_t *));
    links->by_route[place] = link;
    links->count++;
    return link;
}

void links_remove(links_t *links, size_t index)
{
    link_t *link = links->by_id[index];
    size_t place = place_of_route(links, link->route);
    size_t after = links->count - 1;
    memmove(&links->by_id[index], &links->by_id[index + 1], (after - index) * sizeof(link_t *));
    memmove(&links->by_route[place], &links->by_route[place + 1],
            (after - place) * sizeof(link_t *));
    links->count--;
    mem_free(link);
}
