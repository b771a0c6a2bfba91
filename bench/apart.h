// A hub and others that dial it, a cable between.
#ifndef ENLACE_BENCH_APART_H
#define ENLACE_BENCH_APART_H

#include "bench/cable.h"
#include "tests/system/fleet.h"

#define APART_HUB "CRM" // its code; node 0, at the left end

// Not founded yet: fleet_found. Without a cable (NULL) on loopback. The others are nodes 1
// and on, N01 and on, at the right end.
fleet_t *apart_hub(const cable_t *cable, size_t others);

#endif
