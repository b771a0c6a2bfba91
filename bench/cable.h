// A cable: two network namespaces and what joins them, whose bytes are counted and whose
// rate can be bounded. Needs root, ip and tc.
#ifndef ENLACE_BENCH_CABLE_H
#define ENLACE_BENCH_CABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct cable cable_t;
typedef enum { CABLE_LEFT, CABLE_RIGHT } cable_end_t;

// `rate_kbit` 0: as fast as it goes; otherwise in each direction, with room for a second of
// waiting. NULL where it cannot be had, and then the reason is in `why`. It is gone when
// this is destroyed, or when the program ends.
cable_t *cable_new(unsigned rate_kbit, char *why, size_t why_size);
void cable_destroy(cable_t **cable);

// The namespace of an end, open as long as the cable is (fleet_place).
int cable_network(const cable_t *cable, cable_end_t end);
const char *cable_address(cable_end_t end);
// What has gone through in both directions, Ethernet headers and all, in bytes.
uint64_t cable_bytes(const cable_t *cable);

#endif
