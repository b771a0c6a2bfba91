// What a node is made of. Only node*.c includes this.
#ifndef ENLACE_DAEMON_NODE_INTERNAL_H
#define ENLACE_DAEMON_NODE_INTERNAL_H

#include <time.h>
#include <zmq.h>

#include "daemon/boot.h"
#include "daemon/control/control.h"
#include "daemon/driver.h"
#include "daemon/epoch.h"
#include "daemon/net/net.h"
#include "daemon/node.h"
#include "daemon/preparer.h"
#include "daemon/search/search.h"
#include "daemon/store/checkpoint.h"

struct node {
    char *dir;
    int lock;
    int signals;
    config_t *config;
    keys_t *keys;
    char *database;
    store_t *store;
    checkpoint_t *checkpoint;
    preparer_t *preparer;
    char *search_path;
    search_t *search;
    boot_t boot;
    epoch_t epoch;
    bool consented; // to the charter, by a change in lane 0
    origin_t self;
    core_t *core;
    driver_t *driver;
    void *zmq;
    net_t *net;
    control_t *control;
    zmq_pollitem_t *items;
    size_t item_capacity;
    err_t failed; // why the process has to end; ERR_OK
};

uint64_t clock_ms(clockid_t clock);

// node_edge.c: the driver's effects on this node, and the network's events to
// the driver.
edge_t node_edge(node_t *node);
void node_on_net(void *context, const net_event_t *happened);
// What has been prepared since, as far as a turn should take. True: there is more.
bool node_take_prepared(node_t *node);

#endif
