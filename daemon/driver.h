// The driver: carries out what the core wants, and the only place where order
// matters. Durable effects at once, in the turn's transaction; visible ones
// after it is on disk, in the order in which the core named them. It knows no
// socket: the edge is a table of functions, so that the simulator drives the
// same code.
//
// Invariants
//   D1  nothing that depends on the turn leaves before the turn is durable;
//   D2  a turn that does not reach the disk leaves store and core as they were:
//       publications of it are dropped, its writers are told the reason;
//   D3  where it cannot be known whether it did, the process ends;
//   D4  effects are carried out in the order in which the core named them, also where
//       that leads to another step of it: what that one wants comes after.
#ifndef ENLACE_DAEMON_DRIVER_H
#define ENLACE_DAEMON_DRIVER_H

#include "daemon/core/core.h"
#include "daemon/store/store.h"

typedef struct {
    void *context;
    void (*clock)(void *context, uint64_t *now_ms, uint64_t *wall_ms, uint8_t seed[32]);
    void (*send)(void *context, core_link_t link, span_t message);
    void (*publish)(void *context, span_t topic, span_t body);
    void (*close)(void *context, core_link_t link);
    // The link's number, or 0 with the reason.
    core_link_t (*dial)(void *context, const char *endpoint, const pubkey_t *key, span_t topic,
                        err_t *reason);
    void (*admit)(void *context, const pubkey_t *keys, size_t count);
    void (*written)(void *context, uint64_t request, err_t reason, const feed_t *feed,
                    uint64_t first);
    void (*applied)(void *context); // the log has grown, or a payload came late
    void (*log)(void *context, int level, const char *text);
    void (*durable)(void *context); // the turn is on disk, and nothing of it has left
    // Takes it over, to be read (prepared_read) and brought back by driver_prepared, in
    // the order in which they came; NULL: it is read at once.
    void (*prepare)(void *context, prepared_t **prepared);
} edge_t;

typedef struct driver driver_t;

// Core and store stay the caller's and outlive the driver.
driver_t *driver_new(core_t *core, store_t *store, const edge_t *edge);
void driver_destroy(driver_t **driver);

// One event of the turn; time and randomness are filled in here.
void driver_step(driver_t *driver, event_t *event);
// What edge.prepare was given, read. Takes it over.
void driver_prepared(driver_t *driver, prepared_t **prepared);
// Ends the turn: to disk, then the edge is told so (durable), then out. SYNC_FAILED:
// what the disk holds is not what the core takes it to hold, and a change that was
// signed may be on it. Whoever runs the driver ends here and begins anew, so that its
// number is not given again (I5). Anything else that fails is taken back: ERR_OK.
err_t driver_flush(driver_t *driver);

// A core that knows what the store holds. Where options->boot says that the boot
// marker does not agree, the fence is on disk when this returns.
err_t driver_load(store_t *store, const core_options_t *options, uint64_t now_ms, uint64_t wall_ms,
                  core_t **core, fault_t *fault);

#endif
