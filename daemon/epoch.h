// Starting an epoch: a card of this node's own that its root has signed, and the
// key that it names. See docs/operations.md.
#ifndef ENLACE_DAEMON_EPOCH_H
#define ENLACE_DAEMON_EPOCH_H

#include "daemon/driver.h"
#include "daemon/store/store.h"
#include "lib/home.h"

// What is under way between the core's taking the card and its being on disk.
typedef struct {
    uint64_t request; // 0: nothing is
    secret_t *signing;
    pubkey_t signing_public;
} epoch_t;

// At the start, before the keys are loaded: where a card of ours is on disk whose
// key is still pending, the key takes its place; and a card in the directory that
// the database has lost goes back into it.
err_t epoch_settle(const char *dir, store_t *store, fault_t *fault);

// Checks what the core cannot know — the pending key, and that the cuts name what
// is held or proven — and hands the card over (EVENT_EPOCH). An error: nothing has
// been done. The answer comes to epoch_written with the turn.
err_t epoch_begin(epoch_t *epoch, const char *dir, store_t *store, driver_t *driver,
                  const origin_t *self, uint64_t request, span_t card, fault_t *fault);
// On disk, or not: the key takes its place, here and in the directory.
void epoch_written(epoch_t *epoch, const char *dir, const card_t *newest, keys_t *keys,
                   err_t reason);

#endif
