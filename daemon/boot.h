// The boot marker at work: compared at the start, agreed on with the database,
// moved along with this node's own feeds. See lib/marker.h.
#ifndef ENLACE_DAEMON_BOOT_H
#define ENLACE_DAEMON_BOOT_H

#include "daemon/core/core.h"
#include "daemon/store/store.h"
#include "lib/marker.h"

typedef struct {
    char *dir;
    marker_t marker;
    err_t verdict; // ERR_OK or ERR_RESTORED
    char why[192];
    uint64_t moves; // core_own_moves when the marker was written last
    bool failed;    // the marker could not be written: said once
} boot_t;

// Whether the database is the one that this node last ran with. An error is one
// of reading; a disagreement is boot->verdict.
err_t boot_read(const char *dir, store_t *store, const origin_t *self, boot_t *boot,
                fault_t *fault);
// A new nonce, in marker and database. Only after the fence, where there has to
// be one, is on disk (driver_load).
err_t boot_agree(boot_t *boot, store_t *store, fault_t *fault);
// After a turn.
void boot_follow(boot_t *boot, const core_t *core);
void boot_clear(boot_t *boot);

#endif
