// The control edge: two ROUTER sockets over ipc, one with full rights (directory
// of mode 0700), one read-only (0750). Requests are dispatched by one table:
// which rights, and whether it runs here (writing: author, then the core) or on
// a reader thread. Bounded, checked, refused with a reason; a client can neither
// stall nor crash the loop.
#ifndef ENLACE_DAEMON_CONTROL_H
#define ENLACE_DAEMON_CONTROL_H

#include <stddef.h>

#include "daemon/core/core.h"
#include "daemon/search/search.h"
#include "daemon/store/store.h"
#include "lib/home.h"

typedef struct control control_t;

// What the control edge asks of the node that it is a door to. `context` is the node.
typedef struct {
    void *context;
    // Hands changes of this node's own to the core (EVENT_APPEND). The answer comes
    // through control_written after the turn is on disk.
    void (*append)(void *context, uint64_t request, const draft_t *drafts, size_t count);
    // Fills in what the core and the store know at this moment.
    void (*status)(void *context, status_t *status, totals_t *totals);
    err_t (*writing)(void *context, const char **detail);
    const roster_t *(*roster)(void *context);
    // The fence: what it waits for; taking its risk (answered by control_written).
    void (*recovery)(void *context, recovery_t *recovery);
    void (*accept)(void *context, uint64_t request);
    // This node's newest card, and how far its epoch has come (mem_free).
    const card_t *(*own_card)(void *context, head_t **ends, size_t *count);
    // An epoch by that card: refused at once, or answered by control_written.
    err_t (*epoch)(void *context, uint64_t request, span_t card, fault_t *fault);
} control_node_t;

typedef struct {
    void *zmq;
    const char *dir;
    const config_t *config;
    origin_t self;
    store_t *store;       // the loop's: authors read what the turn has written
    const char *database; // path, for readers
    search_t *search;     // outlives the control; NULL: there is none
    uint64_t started_ms;  // wall clock
} control_options_t;

err_t control_new(const control_options_t *options, const control_node_t *node, control_t **control,
                  fault_t *fault);
void control_destroy(control_t **control); // answers what waits with ERR_STOPPING

size_t control_poll_items(control_t *control, void *zmq_pollitems, size_t capacity);
// Takes at most `budget` requests; one write that reads the view is one step of
// the turn, so it sees the writes before it. Returns whether more is waiting.
bool control_drain(control_t *control, size_t budget, uint64_t now_ms);
void control_written(control_t *control, uint64_t request, err_t reason, const feed_t *feed,
                     uint64_t first_number);
void control_applied(control_t *control);           // something was committed: wake those who tail
uint64_t control_wake_ms(const control_t *control); // when control_tick is due
void control_tick(control_t *control, uint64_t now_ms); // Working lines, expiry of imports

#endif
