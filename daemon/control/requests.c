#include "daemon/control/requests.h"

#include <string.h>

#include "lib/control.h"
#include "lib/mem.h"

struct requests {
    request_t **items;
    size_t count, capacity;
    uint64_t last_number;
};

requests_t *requests_new(void)
{
    return mem_alloc(sizeof(requests_t));
}

static void request_destroy(request_t *request)
{
    // Its answer will find nobody: whatever is long about it may end.
    if (request->job)
        atomic_store(&request->job->stop, true);
    if (request->message)
        bounded_free(&request->message->base);
    mem_free(request);
}

void requests_destroy(requests_t **requests)
{
    if (!*requests)
        return;
    for (size_t i = 0; i < (*requests)->count; i++)
        request_destroy((*requests)->items[i]);
    mem_free((*requests)->items);
    mem_free(*requests);
    *requests = NULL;
}

bool route_equal(const route_t *a, const route_t *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static size_t count_of(const requests_t *requests, const door_t *door, const route_t *route)
{
    size_t count = 0;
    for (size_t i = 0; i < requests->count; i++) {
        const request_t *other = requests->items[i];
        count += other->door == door && route_equal(&other->route, route);
    }
    return count;
}

err_t requests_add(requests_t *requests, door_t *door, const route_t *route, request_t **request)
{
    *request = NULL;
    if (requests->count >= REQUESTS_MAX ||
        count_of(requests, door, route) >= CONTROL_OUTSTANDING_MAX)
        return ERR_BUSY;
    mem_grow(&requests->items, &requests->capacity, requests->count, sizeof(request_t *));
    request_t *added = mem_alloc(sizeof *added);
    added->number = ++requests->last_number;
    added->door = door;
    added->route = *route;
    requests->items[requests->count++] = added;
    *request = added;
    return ERR_OK;
}

static size_t index_of(const requests_t *requests, uint64_t number)
{
    size_t index = 0;
    while (index < requests->count && requests->items[index]->number != number)
        index++;
    return index;
}

request_t *requests_find(requests_t *requests, uint64_t number)
{
    size_t index = index_of(requests, number);
    return index < requests->count ? requests->items[index] : NULL;
}

void requests_remove(requests_t *requests, uint64_t number)
{
    size_t index = index_of(requests, number);
    if (index == requests->count)
        return;
    request_destroy(requests->items[index]);
    requests->items[index] = requests->items[--requests->count];
}

size_t requests_count(const requests_t *requests)
{
    return requests->count;
}

request_t *requests_at(requests_t *requests, size_t index)
{
    return requests->items[index];
}
