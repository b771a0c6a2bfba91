#include "tests/sim/network.h"

#include <assert.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/mem.h"

enum { STALE_KEPT = 4, STALE_MS = 300, SUBSCRIBE_MS = 5 };

typedef struct {
    size_t node, peer; // ends
    core_link_t link;  // this end's number
    core_link_t other; // the peer's
    bool outbound;
    bool deaf;                    // no publication comes here while it lasts
    bool torn, torn_publications; // something was lost on the way: nothing more comes
    uint64_t since_ms;            // publications count from a little later on
    uint64_t last_ms;             // arrival of what was sent to this end last
    uint64_t last_pub_ms;
} half_t;

// The last that was sent on a line, for its stale queue.
typedef struct {
    buf_t kept[STALE_KEPT];
    size_t next;
} ring_t;

// One direction between two nodes.
typedef struct {
    line_t line;
    uint64_t busy_us; // until when it is taken
    ring_t ring;
} way_t;

struct network {
    size_t nodes;
    uint8_t seed[32];
    uint64_t drawn, order;
    core_link_t next_link;
    way_t **ways; // by who sends, then by to whom; a row is made when it is needed
    size_t half_count, half_capacity;
    half_t *halves;
    size_t arrival_count, arrival_capacity;
    arrival_t *arrivals; // a binary heap by (at_ms, order)
    tamper_fn tamper;
    void *tamper_context;
    uint64_t latest_sent_ms;
    uint64_t counts[NET_COUNT_END];
};

static const char *const count_names[NET_COUNT_END] = {
    [NET_CUT] = "lost on a cut line",
    [NET_DEAF] = "subscription lost",
    [NET_LATE_JOIN] = "late join",
    [NET_PUBLICATION_LOST] = "publication lost",
    [NET_PUBLICATION_TWICE] = "publication twice",
    [NET_HIGH_WATER] = "high-water drop",
    [NET_QUEUE_FULL] = "link over high water",
    [NET_STALE] = "stale queue delivered",
    [NET_SLOW] = "slow line",
    [NET_OVERTAKEN] = "reordered",
    [NET_HALF_OPEN] = "half-open",
    [NET_UNREACHABLE] = "unreachable",
};

const char *net_count_name(net_count_t what)
{
    return count_names[what];
}

// ---- life ----

network_t *network_new(size_t nodes, uint64_t seed)
{
    network_t *network = mem_alloc(sizeof *network);
    network->nodes = nodes;
    memcpy(network->seed, &seed, sizeof seed);
    network->seed[31] = 'n';
    network->next_link = 1;
    network->ways = mem_alloc_array(nodes, sizeof *network->ways);
    return network;
}

void network_destroy(network_t **network_pointer)
{
    network_t *network = *network_pointer;
    for (size_t i = 0; i < network->arrival_count; i++)
        buf_free(&network->arrivals[i].bytes);
    for (size_t i = 0; i < network->nodes; i++) {
        for (size_t to = 0; network->ways[i] && to < network->nodes; to++)
            for (size_t k = 0; k < STALE_KEPT; k++)
                buf_free(&network->ways[i][to].ring.kept[k]);
        mem_free(network->ways[i]);
    }
    mem_free(network->ways);
    mem_free(network->halves);
    mem_free(network->arrivals);
    mem_free(network);
    *network_pointer = NULL;
}

void network_tamper(network_t *network, tamper_fn fn, void *context)
{
    network->tamper = fn;
    network->tamper_context = context;
}

static way_t *way_of(const network_t *network, size_t from, size_t to)
{
    assert(from < network->nodes && to < network->nodes);
    if (!network->ways[from])
        network->ways[from] = mem_alloc_array(network->nodes, sizeof **network->ways);
    return &network->ways[from][to];
}

line_t *network_line(network_t *network, size_t from, size_t to)
{
    return &way_of(network, from, to)->line;
}

uint64_t network_count(const network_t *network, net_count_t what)
{
    return network->counts[what];
}

static uint64_t draw(network_t *network, uint64_t below)
{
    uint64_t number;
    crypto_derive(network->seed, network->drawn++, &number, sizeof number);
    return number % below;
}

static bool by_chance(network_t *network, uint32_t of_thousand)
{
    return of_thousand && draw(network, 1000) < of_thousand;
}

// ---- what is under way: a heap ----

static bool before(const arrival_t *a, const arrival_t *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(arrival_t *a, arrival_t *b)
{
    arrival_t kept = *a;
    *a = *b;
    *b = kept;
}

static void arrive(network_t *network, arrival_t arrival)
{
    mem_grow(&network->arrivals, &network->arrival_capacity, network->arrival_count,
             sizeof *network->arrivals);
    arrival.order = network->order++;
    size_t at = network->arrival_count++;
    network->arrivals[at] = arrival;
    for (; at && before(&network->arrivals[at], &network->arrivals[(at - 1) / 2]);
         at = (at - 1) / 2)
        swap(&network->arrivals[at], &network->arrivals[(at - 1) / 2]);
}

static arrival_t take_first(network_t *network)
{
    arrival_t *heap = network->arrivals, first = heap[0];
    heap[0] = heap[--network->arrival_count];
    for (size_t at = 0;;) {
        size_t least = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < network->arrival_count; child++)
            if (before(&heap[child], &heap[least]))
                least = child;
        if (least == at)
            return first;
        swap(&heap[at], &heap[least]);
        at = least;
    }
}

uint64_t network_next_ms(const network_t *network)
{
    return network->arrival_count ? network->arrivals[0].at_ms : UINT64_MAX;
}

// ---- halves ----

// They stand in the order of their numbers, which only rise.
static half_t *half_find(const network_t *network, size_t node, core_link_t link)
{
    size_t low = 0, high = network->half_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (network->halves[middle].link < link)
            low = middle + 1;
        else
            high = middle;
    }
    half_t *half = low < network->half_count ? &network->halves[low] : NULL;
    return half && half->link == link && half->node == node ? half : NULL;
}

static void half_remove(network_t *network, const half_t *half)
{
    size_t at = (size_t)(half - network->halves);
    memmove(&network->halves[at], &network->halves[at + 1],
            (network->half_count - at - 1) * sizeof *network->halves);
    network->half_count--;
}

static half_t *half_add(network_t *network, half_t half)
{
    mem_grow(&network->halves, &network->half_capacity, network->half_count,
             sizeof *network->halves);
    network->halves[network->half_count++] = half;
    return &network->halves[network->half_count - 1];
}

core_link_t network_link(const network_t *network, size_t node, size_t peer, size_t nth)
{
    for (size_t i = 0; i < network->half_count; i++)
        if (network->halves[i].node == node && network->halves[i].peer == peer && !nth--)
            return network->halves[i].link;
    return 0;
}

size_t network_peer(const network_t *network, size_t node, core_link_t link)
{
    const half_t *half = half_find(network, node, link);
    return half ? half->peer : network->nodes;
}

size_t network_links(const network_t *network)
{
    return network->half_count;
}

void network_link_at(const network_t *network, size_t index, size_t *node, core_link_t *link)
{
    *node = network->halves[index].node;
    *link = network->halves[index].link;
}

// ---- on the way ----

// How long the line takes for so many bytes, those before them included.
static uint64_t line_delay_ms(network_t *network, way_t *way, uint64_t now_ms, size_t size)
{
    uint64_t now_us = now_ms * 1000;
    if (!way->line.bytes_per_s)
        return 0;
    if (way->busy_us < now_us)
        way->busy_us = now_us;
    way->busy_us += size * 1000000 / way->line.bytes_per_s;
    network->counts[NET_SLOW]++;
    return (way->busy_us - now_us) / 1000;
}

uint64_t network_wait_ms(const network_t *network, uint64_t now_ms, size_t from, size_t to)
{
    uint64_t busy_us = way_of(network, from, to)->busy_us;
    return busy_us > now_ms * 1000 ? busy_us / 1000 - now_ms : 0;
}

static bool over_high_water(const way_t *way, uint64_t now_ms, size_t size)
{
    const line_t *line = &way->line;
    uint64_t now_us = now_ms * 1000, busy_us = way->busy_us;
    uint64_t waiting = line->bytes_per_s && busy_us > now_us
                           ? (busy_us - now_us) * line->bytes_per_s / 1000000
                           : 0;
    return line->queue_max && waiting + size > line->queue_max;
}

static uint64_t arrival_ms(network_t *network, way_t *way, uint64_t now_ms, size_t size)
{
    const line_t *line = &way->line;
    uint64_t jitter = line->jitter_ms ? draw(network, line->jitter_ms + 1) : 0;
    return now_ms + LATENCY_MS + line->latency_ms + jitter +
           line_delay_ms(network, way, now_ms, size);
}

// Sends to a half: in order behind what was sent to it before.
static void put_on_line(network_t *network, uint64_t now_ms, half_t *to, arrival_t arrival)
{
    bool publication = arrival.type == ARRIVE_PUBLICATION;
    uint64_t *last = publication ? &to->last_pub_ms : &to->last_ms;
    uint64_t at =
        arrival_ms(network, way_of(network, to->peer, to->node), now_ms, arrival.bytes.size);
    arrival.at_ms = at > *last ? at : *last;
    *last = arrival.at_ms;
    arrival.node = to->node;
    arrival.link = to->link;
    arrival.from = to->peer;
    network->counts[NET_OVERTAKEN] += arrival.at_ms < network->latest_sent_ms;
    if (arrival.at_ms > network->latest_sent_ms)
        network->latest_sent_ms = arrival.at_ms;
    arrive(network, arrival);
}

static void keep_for_later(way_t *way, span_t bytes)
{
    ring_t *ring = &way->ring;
    if (!way->line.stale_queue)
        return;
    buf_free(&ring->kept[ring->next]);
    ring->kept[ring->next] = buf_copy(bytes);
    ring->next = (ring->next + 1) % STALE_KEPT;
}

// What a reconnecting socket still had queued comes before anything new, or
// among it.
static void deliver_stale(network_t *network, uint64_t now_ms, half_t *to)
{
    ring_t *ring = &way_of(network, to->peer, to->node)->ring;
    for (size_t i = 0; i < STALE_KEPT; i++) {
        buf_t *kept = &ring->kept[(ring->next + i) % STALE_KEPT];
        if (!kept->size)
            continue;
        network->counts[NET_STALE]++;
        if (by_chance(network, 300))
            put_on_line(network, now_ms, to,
                        (arrival_t){.type = ARRIVE_MESSAGE, .stale = true, .bytes = *kept});
        else
            arrive(network, (arrival_t){.at_ms = to->last_ms + draw(network, STALE_MS),
                                        .type = ARRIVE_MESSAGE,
                                        .node = to->node,
                                        .from = to->peer,
                                        .link = to->link,
                                        .stale = true,
                                        .bytes = *kept});
        *kept = (buf_t){0};
    }
}

// A stream that lost something in a cut does not go on behind the gap when the
// line is mended: it is silent until it is given up.
static bool gets_through(network_t *network, half_t *to, bool publication)
{
    bool *torn = publication ? &to->torn_publications : &to->torn;
    *torn = *torn || network_line(network, to->peer, to->node)->cut;
    network->counts[NET_CUT] += *torn;
    return !*torn;
}

static bool tampered(network_t *network, const half_t *to, bool publication, buf_t *bytes)
{
    return !network->tamper ||
           network->tamper(network->tamper_context, to->peer, to->node, publication, bytes);
}

void network_send(network_t *network, uint64_t now_ms, size_t from, core_link_t link, span_t data)
{
    half_t *half = half_find(network, from, link);
    half_t *to = half ? half_find(network, half->peer, half->other) : NULL;
    if (!half)
        return;
    way_t *way = way_of(network, from, half->peer);
    buf_t bytes = buf_copy(data);
    if (over_high_water(way, now_ms, data.size)) {
        network->counts[NET_QUEUE_FULL]++;
        arrive(network, (arrival_t){.at_ms = now_ms,
                                    .type = ARRIVE_DOWN,
                                    .node = from,
                                    .from = half->peer,
                                    .link = link,
                                    .reason = ERR_QUEUE_FULL});
    } else if (to && gets_through(network, to, false) && tampered(network, to, false, &bytes)) {
        keep_for_later(way, data);
        put_on_line(network, now_ms, to, (arrival_t){.type = ARRIVE_MESSAGE, .bytes = bytes});
        return;
    }
    buf_free(&bytes);
}

static bool publication_is_lost(network_t *network, uint64_t now_ms, const half_t *to,
                                const way_t *way, size_t size)
{
    const line_t *line = &way->line;
    net_count_t why = NET_COUNT_END;
    if (to->deaf)
        why = NET_DEAF;
    else if (now_ms < to->since_ms + SUBSCRIBE_MS)
        why = NET_LATE_JOIN;
    else if (by_chance(network, line->publication_loss))
        why = NET_PUBLICATION_LOST;
    else if (over_high_water(way, now_ms, size))
        why = NET_HIGH_WATER;
    if (why == NET_COUNT_END)
        return false;
    network->counts[why]++;
    return true;
}

static void publish_to(network_t *network, uint64_t now_ms, half_t *to, span_t data)
{
    const way_t *way = way_of(network, to->peer, to->node);
    if (publication_is_lost(network, now_ms, to, way, data.size))
        return;
    unsigned times = by_chance(network, way->line.publication_twin) ? 2 : 1;
    network->counts[NET_PUBLICATION_TWICE] += times - 1;
    for (unsigned i = 0; i < times; i++) {
        buf_t bytes = buf_copy(data);
        if (gets_through(network, to, true) && tampered(network, to, true, &bytes))
            put_on_line(network, now_ms, to,
                        (arrival_t){.type = ARRIVE_PUBLICATION, .bytes = bytes});
        else
            buf_free(&bytes);
    }
}

void network_publish(network_t *network, uint64_t now_ms, size_t from, span_t bytes)
{
    // The tamper function may break links: halves are looked up by place.
    for (size_t i = 0; i < network->half_count; i++)
        if (network->halves[i].peer == from && network->halves[i].outbound)
            publish_to(network, now_ms, &network->halves[i], bytes);
}

// ---- coming and going ----

core_link_t network_refuse(network_t *network, uint64_t now_ms, size_t from, err_t reason)
{
    core_link_t link = network->next_link++;
    network->counts[NET_UNREACHABLE]++;
    half_add(network, (half_t){.node = from, .peer = from, .link = link, .outbound = true});
    arrive(network, (arrival_t){.at_ms = now_ms + LATENCY_MS,
                                .type = ARRIVE_DOWN,
                                .node = from,
                                .from = from,
                                .link = link,
                                .reason = reason});
    return link;
}

static void come_up(network_t *network, uint64_t now_ms, size_t node, core_link_t link)
{
    half_t *half = half_find(network, node, link);
    half->since_ms = now_ms + LATENCY_MS;
    half->deaf = network_line(network, half->peer, node)->deaf;
    put_on_line(network, now_ms, half, (arrival_t){.type = ARRIVE_UP, .outbound = half->outbound});
    deliver_stale(network, now_ms, half);
}

core_link_t network_connect(network_t *network, uint64_t now_ms, size_t from, size_t to)
{
    if (network_line(network, from, to)->cut || network_line(network, to, from)->cut)
        return network_refuse(network, now_ms, from, ERR_UNREACHABLE);
    core_link_t here = network->next_link++, there = network->next_link++;
    half_add(network,
             (half_t){.node = from, .peer = to, .link = here, .other = there, .outbound = true});
    half_add(network, (half_t){.node = to, .peer = from, .link = there, .other = here});
    come_up(network, now_ms, to, there);
    come_up(network, now_ms, from, here);
    return here;
}

void network_close(network_t *network, uint64_t now_ms, size_t node, core_link_t link, err_t reason,
                   bool silent)
{
    half_t *half = half_find(network, node, link);
    if (!half)
        return;
    half_t *to = half_find(network, half->peer, half->other);
    bool told = !silent && !network_line(network, node, half->peer)->cut;
    if (to && told)
        put_on_line(network, now_ms, to, (arrival_t){.type = ARRIVE_DOWN, .reason = reason});
    network->counts[NET_HALF_OPEN] += to && !told;
    half_remove(network, half_find(network, node, link));
}

void network_close_all(network_t *network, uint64_t now_ms, size_t node, err_t reason, bool silent)
{
    for (size_t i = network->half_count; i-- > 0;)
        if (network->halves[i].node == node) {
            half_t *to = half_find(network, network->halves[i].peer, network->halves[i].other);
            if (to)
                to->torn_publications = true; // its next life publishes to who connects anew
            network_close(network, now_ms, node, network->halves[i].link, reason, silent);
        }
}

void network_break(network_t *network, uint64_t now_ms, size_t node, core_link_t link)
{
    const half_t *half = half_find(network, node, link);
    if (!half)
        return;
    network->counts[NET_HALF_OPEN] += half_find(network, half->peer, half->other) != NULL;
    arrive(network, (arrival_t){.at_ms = now_ms + 1,
                                .type = ARRIVE_DOWN,
                                .node = node,
                                .from = half->peer,
                                .link = link,
                                .reason = ERR_DISCONNECTED});
}

bool network_take(network_t *network, uint64_t now_ms, arrival_t *arrival)
{
    while (network_next_ms(network) <= now_ms) {
        *arrival = take_first(network);
        half_t *half = half_find(network, arrival->node, arrival->link);
        if (half) {
            if (arrival->type == ARRIVE_DOWN)
                half_remove(network, half);
            return true;
        }
        buf_free(&arrival->bytes); // the link is gone, and so is what was on it
    }
    return false;
}

bool network_inject(network_t *network, uint64_t now_ms, size_t node, size_t from, bool publication,
                    span_t bytes)
{
    half_t *half = half_find(network, node, network_link(network, node, from, 0));
    if (!half)
        return false;
    put_on_line(network, now_ms, half,
                (arrival_t){.type = publication ? ARRIVE_PUBLICATION : ARRIVE_MESSAGE,
                            .bytes = buf_copy(bytes)});
    return true;
}
