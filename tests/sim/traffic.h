// What goes over the links of a simulated coalition, by kind: messages and bytes as
// they leave the codec, without ZeroMQ's frames, CURVE and TCP.
#ifndef ENLACE_TESTS_SIM_TRAFFIC_H
#define ENLACE_TESTS_SIM_TRAFFIC_H

#include "lib/bytes.h"

// From a leaf to its hub, from a hub to a leaf, between two hubs.
typedef enum { WAY_UP, WAY_DOWN, WAY_HUBS, WAYS } traffic_way_t;

// Link messages by their number in LinkMessage, publications by theirs beyond it.
enum { TRAFFIC_PUBLISHED = 48, TRAFFIC_KINDS = 64 };

typedef struct {
    uint64_t messages, bytes;
} flow_t;

typedef struct {
    flow_t flows[WAYS][TRAFFIC_KINDS];
} traffic_t;

void traffic_add(traffic_t *traffic, traffic_way_t way, bool publication, span_t bytes);
flow_t traffic_sum(const traffic_t *traffic, traffic_way_t way); // of all kinds
// "beacons", "published run"; NULL: there is no such kind.
const char *traffic_kind(size_t kind);

#endif
