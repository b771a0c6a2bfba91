// The boot marker at work: compared at the start, agreed on with the database,
// moved along with this node's own feeds. See lib/marker.h.
#ifndef ENLACE_DAEMON_BOOT_H
#define ENLACE_DAEMON_BOOT_H

#include "daemon/core/core.h"
#include "daemon/store/store.h"
#include "lib/marker.h"

// Where the marker is kept: a node's directory, or a simulated machine. As
// marker_read, marker_write and marker_update of lib/marker.h.
typedef struct {
    void *context;
    err_t (*read)(void *context, marker_t *marker, marker_place_t *found, bool *there,
                  fault_t *fault);
    err_t (*write)(void *context, marker_t *marker, fault_t *fault);
    err_t (*update)(void *context, marker_t *marker, fault_t *fault);
} marker_home_t;

marker_home_t marker_home(const char *dir); // the caller's, outlives the boot_t

typedef struct {
    marker_home_t home;
    marker_t marker;
    err_t verdict; // ERR_OK or ERR_RESTORED
    char why[192];
    uint64_t moves; // core_own_moves when the marker was written last
    bool failed;    // the marker could not be written: said once
} boot_t;

// Whether the database is the one that this node last ran with. An error is one
// of reading; a disagreement is boot->verdict.
err_t boot_read(const marker_home_t *home, store_t *store, const origin_t *self, boot_t *boot,
                fault_t *fault);
// A new nonce, in marker and database. Only after the fence, where there has to
// be one, is on disk (driver_load).
err_t boot_agree(boot_t *boot, store_t *store, const nonce_t *next, fault_t *fault);
// After a turn, before anything of it leaves.
void boot_follow(boot_t *boot, const core_t *core);

#endif
