// What a driver is made of. Only driver*.c includes this.
#ifndef ENLACE_DAEMON_DRIVER_INTERNAL_H
#define ENLACE_DAEMON_DRIVER_INTERNAL_H

#include "daemon/driver.h"

struct driver {
    core_t *core;
    store_t *store;
    edge_t edge;
    effects_t wanted;       // of the step that is carried out, and of those that it led to
    bool carrying;          // them out
    effects_t queue;        // visible effects of the turn
    err_t failed;           // the first durable effect that could not be carried out
    bool grown;             // the turn appends to the log, or fills a payload in
    uint64_t missing_after; // of the missing payloads these had their turn: store.h
};

void driver_log_fault(driver_t *driver, err_t err, const fault_t *fault);

// driver_durable.c: by type. What they return fails the turn.
typedef err_t (*durable_fn)(driver_t *driver, const effect_t *effect, fault_t *fault);
extern const durable_fn driver_durable[EFFECT_LAST_DURABLE + 1];

// driver_visible.c: likewise; the effect stays the caller's.
typedef void (*visible_fn)(driver_t *driver, effect_t *effect);
extern const visible_fn driver_visible[EFFECT_TYPE_END];

#endif
