// What lies between the nodes of a simulated coalition: links and publications,
// with what ZeroMQ and poor lines do to them, under virtual time.
//
// A link is two halves, one at each end, with a number each that is never used
// again. What is sent on a half arrives in order at the other or not at all;
// publications go beside it, in an order of their own. Each direction between
// two nodes is a line with its own faults. Every fault that really hit
// something is counted.
//
// Deterministic: everything random comes from the seed, and two arrivals at one
// moment keep the order in which they were sent. The network owns the bytes of
// an arrival until network_take hands it out; then the caller does.
#ifndef ENLACE_TESTS_SIM_NETWORK_H
#define ENLACE_TESTS_SIM_NETWORK_H

#include "daemon/core/event.h"
#include "lib/bytes.h"

typedef struct network network_t;

typedef enum { ARRIVE_MESSAGE, ARRIVE_PUBLICATION, ARRIVE_UP, ARRIVE_DOWN } arrival_type_t;

typedef struct {
    uint64_t at_ms, order;
    arrival_type_t type;
    size_t node, from;
    core_link_t link; // of `node`
    bool outbound;
    bool stale; // left over from an earlier link
    err_t reason;
    buf_t bytes;
} arrival_t;

// One direction between two nodes. Zero is a good line.
typedef struct {
    bool cut;             // nothing gets through, and of a stream nothing after it; nobody is told
    bool deaf;            // the subscription got lost: no publication, while the link lasts
    bool stale_queue;     // what was queued last comes again, on the next link
    uint64_t latency_ms;  // on top of LATENCY_MS
    uint64_t jitter_ms;   // up to that much more, drawn for each
    uint64_t bytes_per_s; // 0: no bound
    uint64_t queue_max;   // bytes that may wait; 0: any. Over it a publication is
                          // dropped, and a link ends (queue-full)
    uint32_t publication_loss; // of 1,000
    uint32_t publication_twin; // of 1,000: delivered twice
} line_t;

typedef enum {
    NET_CUT,               // lost on a line that is cut
    NET_DEAF,              // publication lost with its subscription
    NET_LATE_JOIN,         // publication before the subscription was there
    NET_PUBLICATION_LOST,  // publication dropped
    NET_PUBLICATION_TWICE, // publication delivered twice
    NET_HIGH_WATER,        // publication over the high-water mark
    NET_QUEUE_FULL,        // link ended by the high-water mark
    NET_STALE,             // message of an earlier link delivered on a later one
    NET_SLOW,              // waited for a slow line
    NET_OVERTAKEN,         // arrived after something sent later on another way
    NET_HALF_OPEN,         // one end went, the other was not told
    NET_UNREACHABLE,       // dial that found nobody
    NET_COUNT_END
} net_count_t;

// A look at everything that leaves; may change bytes, false drops them.
typedef bool (*tamper_fn)(void *context, size_t from, size_t to, bool publication, buf_t *bytes);

enum { LATENCY_MS = 20 };

network_t *network_new(size_t nodes, uint64_t seed);
void network_destroy(network_t **network);
void network_tamper(network_t *network, tamper_fn fn, void *context);
line_t *network_line(network_t *network, size_t from, size_t to);
uint64_t network_count(const network_t *network, net_count_t what);
const char *net_count_name(net_count_t what);
// How long what is sent now waits for what was sent before it.
uint64_t network_wait_ms(const network_t *network, uint64_t now_ms, size_t from, size_t to);

// A link from `from` to `to` that comes up at both ends; its number at `from`.
core_link_t network_connect(network_t *network, uint64_t now_ms, size_t from, size_t to);
// A number of a link that does not come up: the end is told why.
core_link_t network_refuse(network_t *network, uint64_t now_ms, size_t from, err_t reason);
void network_send(network_t *network, uint64_t now_ms, size_t from, core_link_t link, span_t bytes);
void network_publish(network_t *network, uint64_t now_ms, size_t from, span_t bytes);
// This end goes; the other is told, unless its line is cut or `silent`.
void network_close(network_t *network, uint64_t now_ms, size_t node, core_link_t link, err_t reason,
                   bool silent);
void network_close_all(network_t *network, uint64_t now_ms, size_t node, err_t reason, bool silent);
// The connection breaks: this end is told as soon as the system notices.
void network_break(network_t *network, uint64_t now_ms, size_t node, core_link_t link);
// The number at `node` of a link with `peer`; 0 where there is none. `nth` from 0.
core_link_t network_link(const network_t *network, size_t node, size_t peer, size_t nth);
// The other end of a link; as many as there are nodes where it is gone.
size_t network_peer(const network_t *network, size_t node, core_link_t link);
size_t network_links(const network_t *network);
// Either end of link number `index` of all links, in a stable order.
void network_link_at(const network_t *network, size_t index, size_t *node, core_link_t *link);

// When the next one arrives; UINT64_MAX: nothing is under way.
uint64_t network_next_ms(const network_t *network);
// The next that has arrived by now and still has an end to arrive at. The
// half of an ARRIVE_DOWN is gone when it is handed out.
bool network_take(network_t *network, uint64_t now_ms, arrival_t *arrival);
// Bytes that arrive as if sent on the link that `node` has with `from`.
bool network_inject(network_t *network, uint64_t now_ms, size_t node, size_t from, bool publication,
                    span_t bytes);

#endif
