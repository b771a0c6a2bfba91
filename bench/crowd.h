// Members that never run. What each has said once is put into a node's store as if it had
// come over a link, signed by keys that are made for it.
#ifndef ENLACE_BENCH_CROWD_H
#define ENLACE_BENCH_CROWD_H

#include "tests/system/fleet.h"

typedef struct crowd crowd_t;

// Makes their cards and lays them where fleet_found takes the members' from.
crowd_t *crowd_new(fleet_t *fleet, size_t count);
// One record each into the store of a node that has run once and does not run now.
void crowd_speak(crowd_t *crowd, const char *node_dir);
void crowd_destroy(crowd_t **crowd);

#endif
