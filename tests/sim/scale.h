// One measured point of docs/scale.md: a coalition of hubs and leaves, driven from
// nothing into step, through single changes and a quiet time, and what it took.
//
// Hubs listen and are linked each with each; a leaf dials one hub. Lines are good
// and have no bound: LATENCY_MS each way. Times are the simulation's, bytes those of
// the codec; memory is what the allocator has handed out, so that nothing else may
// run in the process.
#ifndef ENLACE_TESTS_SIM_SCALE_H
#define ENLACE_TESTS_SIM_SCALE_H

#include "tests/sim/traffic.h"

enum {
    SCALE_START_MS = 1,      // between two nodes that start
    SCALE_RECORD_BYTES = 300 // of a change's payload
};

typedef struct {
    uint64_t seed;
    size_t nodes;   // that run, hubs first
    size_t hubs;    // odd, so that each dials as many as dial it
    size_t writers; // of the nodes, evenly: a change in each open lane from the start
    size_t changes; // single ones, a second apart
    uint64_t quiet_s;
} shape_t;

typedef struct {
    double least, median, most;
} spread_t;

typedef struct {
    shape_t shape;
    size_t feeds; // in which there is a change
    size_t leaves, hub_links;
    bool in_step;    // everybody came to hold everything, each time
    double start_ms; // from starting all until all hold what all had said
    traffic_t start;
    spread_t change_ms; // from the put to the last node that holds it
    traffic_t changes;
    traffic_t quiet;
    double newcomer_ms;                            // a leaf from the charter to everything
    traffic_t newcomer;                            // on its link
    double hub_core, leaf_core;                    // bytes of memory: core and driver
    double hub_store, leaf_store;                  // likewise: SQLite
    double disk_founded, disk_end;                 // bytes of a leaf's database
    double beacon_bytes, card_bytes, roster_bytes; // encoded, as the nodes hold them
    size_t logged;                                 // changes in the log
    double cpu_s, simulated_ms;
} point_t;

// For a process that ends after it: to close a thousand stores and free gigabytes would
// take minutes more, so the world is left as it is.
void scale_measure(const shape_t *shape, point_t *point);

#endif
