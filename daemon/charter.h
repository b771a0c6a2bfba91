// From an accepted charter to a store that knows it: once, at the first start.
#ifndef ENLACE_DAEMON_CHARTER_H
#define ENLACE_DAEMON_CHARTER_H

#include "daemon/store/store.h"
#include "lib/home.h"

// Stores the charter's roster and cards where the store has none; refuses
// (OTHER_CHARTER) where the store belongs to another coalition. `self` is this
// node's origin, a member of it by the card in its directory (NOT_A_MEMBER).
err_t charter_install(const char *dir, store_t *store, const keys_t *keys, origin_t *self,
                      fault_t *fault);

// The body of the change in lane 0 by which a node consents.
buf_t charter_consent(const hash_t *coalition);

#endif
